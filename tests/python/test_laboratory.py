"""The examples run and say what they promise."""

import os
import subprocess
import sys

from conftest import MODELS, ROOT, model


def run(example, *arguments):
    model("e5-small"), model("qwen2.5-0.5b")
    command = [sys.executable, ROOT / "examples/python" / example, *arguments]
    env = {**os.environ, "RAG_MODELS": str(MODELS), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, timeout=300)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_laboratory():
    out = run("laboratory.py")
    sentence, answer = (line for line in out.splitlines() if line.startswith(("sentence", "answer")))
    assert "1995" in sentence and "1995" in answer


def test_ask_folder():
    out = run("ask_folder.py", ROOT / "examples/corpus", "When was the laboratory founded, and by whom?")
    assert "history.md" in out and "[1]" in out


def test_stream():
    assert "1995" in run("stream.py")
