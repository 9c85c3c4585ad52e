"""Ctrl-C in the middle of a long call is KeyboardInterrupt, soon."""

import json
import signal
import subprocess
import sys
import time

import pytest

import rag_py
from conftest import model

SCRIPT = """
import json, signal, sys, time
import rag_py
# a shell starts what runs in the background with SIGINT ignored
signal.signal(signal.SIGINT, signal.default_int_handler)
folder, encoder, llm = sys.argv[1:4]
kb = rag_py.open(folder + "/kb.rag", encoder=encoder, llm=llm)
{prepare}
print("ready", flush=True)
try:
    {call}
    print(json.dumps({{"interrupted": False}}))
except KeyboardInterrupt:
    print(json.dumps({{"interrupted": True, "at": time.monotonic(), "documents": kb.info()["document_count"]}}))
"""

CALLS = {
    "sync": ("pass", "kb.sync(folder + '/docs')"),
    "generate": ("model = rag_py.Generator(llm)", "[model.generate('Once upon a time', max_new_tokens=4000) for _ in range(50)]"),
    "encode": ("model = rag_py.Encoder(encoder)", "model.encode_passages(['Bees live in hives. ' * 40] * 3000)"),
    "stream": (
        "kb.add('The bridge was opened in 1871.')",
        "[list(kb.ask('Tell the story of the bridge.', stream=True, abstain='never')) for _ in range(200)]",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_ctrl_c(name, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(400):
        (docs / f"{number:03}.txt").write_text(f"Fact {number}. " + "Bees live in hives. " * 200)
    prepare, call = CALLS[name]
    script = SCRIPT.format(prepare=prepare, call=call)
    command = [sys.executable, "-c", script, tmp_path, model("minilm"), model("smollm2")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "ready\n"
        time.sleep(1.5)
        sent = time.monotonic()
        child.send_signal(signal.SIGINT)
        outcome = json.loads(child.stdout.readline())
    assert outcome["interrupted"], "the call ended before the signal"
    latency = outcome["at"] - sent
    print(f"{name}: KeyboardInterrupt after {latency * 1000:.0f} ms")
    assert latency < 2
    if name == "sync":
        with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm")) as kb:
            assert kb.check() == [] and kb.info()["document_count"] == outcome["documents"]


def test_a_handler_that_does_not_raise_does_not_stop_the_call(generator):
    seen = []
    before = signal.signal(signal.SIGALRM, lambda *_: seen.append(time.monotonic()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        generation = generator.generate("Once upon a time", max_new_tokens=100, stop=[])
    finally:
        signal.signal(signal.SIGALRM, before)
    assert seen and generation.token_ids
