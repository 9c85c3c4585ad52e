"""The examples run and say what they promise."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request

import pytest
from conftest import MODELS, ROOT, model


def run(example, *arguments):
    model("e5-small"), model("qwen2.5-0.5b")
    command = [sys.executable, ROOT / "examples/python" / example, *arguments]
    env = {**os.environ, "RAG_MODELS": str(MODELS), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=env, timeout=300)
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    return done.stdout


def start(example, *arguments):
    model("e5-small"), model("qwen2.5-0.5b")
    command = [sys.executable, ROOT / "examples/python" / example, *arguments]
    env = {**os.environ, "RAG_MODELS": str(MODELS), "PYTHONIOENCODING": "utf-8"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=env)


def stop(process):
    """Ctrl-C ends it without a word."""
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors


def test_laboratory():
    out = run("laboratory.py")
    sentence, answer = (line for line in out.splitlines() if line.startswith(("sentence", "answer")))
    assert "1995" in sentence and "1995" in answer


def test_ask_folder():
    out = run("ask_folder.py", ROOT / "examples/corpus", "When was the laboratory founded, and by whom?")
    assert "history.md" in out and "[1]" in out


def test_stream():
    assert "1995" in run("stream.py")


def test_watch_folder(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "lamp.txt").write_text("The lamp of the lighthouse was lit in 1863.")
    watcher = start("watch_folder.py", folder, tmp_path / "kb.rag", "0.1")
    assert watcher.stdout.readline().endswith("1 added\n")
    (folder / "lamp.txt").rename(folder / "light.txt")
    assert "1 renamed" in watcher.stdout.readline()
    (folder / "noise.bin").write_bytes(bytes(range(256)) * 40)
    assert "skipped" in watcher.stdout.readline()
    (folder / "light.txt").unlink()
    assert "1 removed" in watcher.stdout.readline()
    stop(watcher)


def test_web_answerer():
    server = start("web_answerer.py", ROOT / "examples/corpus", "0")
    assert "added" in server.stdout.readline()
    address = server.stdout.readline().strip()
    question = urllib.parse.urlencode({"q": "When was the laboratory founded, and by whom?"})

    def get(path):
        with urllib.request.urlopen(address + path, timeout=120) as reply:
            return reply.read().decode()

    assert "<form" in get("/")
    answer = json.loads(get(f"/ask.json?{question}"))
    assert answer["found"] and answer["citations"]
    # markers are set when all is written
    assert get(f"/stream?{question}")[:40] == answer["text"][:40]
    assert answer["citations"][0]["quote"][:20] in get(f"/ask?{question}")
    for path, code in [("/ask?q=", 400), ("/nowhere", 404)]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(path)
        assert caught.value.code == code
    stop(server)
