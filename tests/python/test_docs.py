"""Every Python block of these pages runs, in order, in an empty folder."""

import os
import re
import subprocess
import sys

import pytest
from conftest import MODELS, ROOT, model

sys.path.insert(0, str(ROOT / "scripts"))
import page_program  # noqa: E402

PAGES = ["docs/tutorial.md", "docs/howto.md"]


def blocks(page):
    """The blocks of a page as one program."""
    return page_program.program(ROOT / page)


@pytest.mark.parametrize("page", PAGES)
def test_the_blocks_run(page, tmp_path):
    model("e5-small"), model("qwen2.5-0.5b")
    program = tmp_path / "page.py"
    program.write_text(blocks(page), encoding="utf-8")
    assert len(re.findall(r"\bassert\b", blocks(page))) >= 10
    place = tmp_path / "empty"
    place.mkdir()
    env = {**os.environ, "RAG_MODELS": str(MODELS), "PYTHONIOENCODING": "utf-8", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, program], cwd=place, capture_output=True, encoding="utf-8", env=env, timeout=600
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
