"""The programs of docs/frameworks.md run as they are printed, in an empty folder."""

import os
import subprocess
import sys

import pytest
from conftest import MODELS, ROOT, model

import rag_py

for framework in ("langchain_core", "llama_index.core", "haystack"):
    pytest.importorskip(framework, reason=f"SKIP: {framework} is not installed")

sys.path.insert(0, str(ROOT / "scripts"))
import page_program  # noqa: E402


def test_the_programs_run(tmp_path):
    model("e5-small"), model("qwen2.5-0.5b")
    program = tmp_path / "page.py"
    program.write_text(page_program.program(ROOT / "docs/frameworks.md"), encoding="utf-8")
    place = tmp_path / "empty"
    place.mkdir()
    env = {**os.environ, "RAG_MODELS": str(MODELS), "PYTHONUTF8": "1"}
    done = subprocess.run([sys.executable, program], cwd=place, capture_output=True, encoding="utf-8", env=env, timeout=600)
    assert done.returncode == 0, done.stderr
    # what one framework stored is an ordinary knowledge base
    with rag_py.open(place / "langchain.rag", encoder=model("e5-small"), read_only=True) as kb:
        assert kb.ask("When was the bridge opened to traffic?", extract=True).citations[0].uri == "bridge"
