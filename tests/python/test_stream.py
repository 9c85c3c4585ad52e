"""Answers as they are written."""

import asyncio
import gc
import math
import subprocess
import sys
import threading
import time

import pytest

import rag_py
from conftest import BRIDGE, model
from rag_py import errors

# SmolLM2 ends with token 0 or 2; without them the answer lasts as long as any test.
LONG = {"abstain": "never", "max_new_tokens": 6000, "logit_bias": {0: -math.inf, 2: -math.inf}, "draft": False}


def test_pieces_make_up_the_answer(qa):
    whole = {"answer_length": "sentences"}
    stream = qa.ask(BRIDGE, stream=True, **whole)
    pieces = list(stream)
    answer = stream.answer
    assert pieces and "1871" in "".join(pieces)
    assert answer == stream.answer and answer.text == qa.ask(BRIDGE, **whole).text
    assert list(stream) == [], "a stream is read once"
    unheld = list(qa.ask(BRIDGE, stream=True, abstain="never", **whole))
    assert len(unheld) > 1, "nothing is held back from who wants any answer"


def test_answer_may_be_asked_for_at_once(qa):
    assert "1871" in qa.ask(BRIDGE, stream=True).answer.text


def test_errors_come_out_of_the_iteration_and_of_the_answer(qa):
    stream = qa.ask(" ", stream=True)
    for _ in range(2):
        with pytest.raises(errors.InvalidArgumentError):
            next(stream)
        with pytest.raises(errors.InvalidArgumentError):
            stream.answer


def test_closing_stops_the_generation(kb):
    with kb.ask(BRIDGE, stream=True, **LONG) as stream:
        next(stream)
    started = time.monotonic()
    with pytest.raises(errors.CancelledError):
        stream.answer
    assert time.monotonic() - started < 1


def test_a_dropped_stream_frees_the_generator(kb):
    stream = kb.ask(BRIDGE, stream=True, **LONG)
    next(stream)
    del stream
    gc.collect()
    started = time.monotonic()
    kb.ask(BRIDGE, abstain="never", max_new_tokens=1)
    assert time.monotonic() - started < 20


def test_an_idle_reader_does_not_hold_up_others(kb):
    stream = kb.ask(BRIDGE, stream=True, abstain="never", max_new_tokens=24)
    next(stream)
    kb.ask(BRIDGE, abstain="never", max_new_tokens=1)
    assert stream.answer.timings["answer_token_count"] <= 24


def test_close_from_another_thread_wakes_the_reader(kb):
    stream = kb.ask(BRIDGE, stream=True, **LONG)
    next(stream)
    threading.Timer(0.2, stream.close).start()
    with pytest.raises(errors.CancelledError):
        for _ in stream:
            pass


def test_a_cancelled_task_stops_the_generation(kb):
    async def impatient():
        await asyncio.wait_for(kb.aask(BRIDGE, **LONG), timeout=0.5)

    started = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(impatient())
    assert time.monotonic() - started < 10


def left(stream):
    """What is left of the pieces, and why some were withdrawn."""
    pieces, reasons = [], []
    for piece in stream:
        if isinstance(piece, rag_py.Retraction):
            pieces.clear()
            reasons.append(piece.reason)
        else:
            pieces.append(piece)
    return "".join(pieces), reasons


def test_what_is_left_of_a_raw_stream_is_the_answer(qa):
    for question in (BRIDGE, "Who painted the bridge blue for the circus?"):
        plain = qa.ask(question)
        stream = qa.ask(question, stream="raw")
        text, reasons = left(stream)
        assert stream.answer.text == plain.text and bool(text) == plain.found
        assert set(reasons) <= {"unsupported", "unsure", "guard", "reworded"}
    chat = qa.chat(stream="raw")
    assert "1871" in left(chat.say(BRIDGE, stream=True))[0]


def test_a_retraction_is_told_only_to_who_asks_for_it(qa):
    def writer(messages):
        yield "It was built "
        yield "by two elephants in 1999."

    stream = qa.ask(BRIDGE, writer=writer, stream="raw")
    pieces = list(stream)
    assert [type(piece) for piece in pieces] == [str, str, rag_py.Retraction] and not stream.answer.found
    assert repr(pieces[2]) == "Retraction(reason='unsupported')" and pieces[2].reason == "unsupported"

    async def read():
        return [piece async for piece in qa.ask(BRIDGE, writer=writer, stream="raw")]

    assert asyncio.run(read()) == pieces
    for checked in (True, "checked"):
        assert all(isinstance(piece, str) for piece in qa.ask(BRIDGE, writer=writer, stream=checked))
    # nothing that is held to its end is seen, and nothing is to be withdrawn
    held = qa.ask(BRIDGE, writer=writer, stream="raw", deny_answer=["elephants"])
    assert list(held) == [] and held.answer.outcome == "refused"
    for nothing in (False, None):
        assert isinstance(qa.ask(BRIDGE, extract=True, stream=nothing), rag_py.Answer)
    with pytest.raises(errors.InvalidArgumentError, match="checked, raw"):
        qa.ask(BRIDGE, stream="uncooked")


def test_exit_while_streaming(tmp_path):
    script = (
        "import sys, rag_py\n"
        "kb = rag_py.open(':memory:', encoder=sys.argv[1], llm=sys.argv[2])\n"
        "kb.add('The bridge was opened in 1871.')\n"
        "stream = kb.ask('When was the bridge opened?', stream=True, abstain='never', max_new_tokens=400)\n"
        "print(next(stream))\n"
    )
    command = [sys.executable, "-c", script, model("minilm"), model("smollm2")]
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_stream_is_iterated_by_asyncio(qa):
    async def read(stream, count=None):
        seen = []
        async for piece in stream:
            seen.append(piece)
            if len(seen) == count:
                break
        return seen

    stream = qa.ask(BRIDGE, stream=True)
    whole = asyncio.run(read(stream))
    assert stream.answer.found and whole == list(qa.ask(BRIDGE, stream=True))
    # leaving the loop stops the generation
    stream = qa.ask(BRIDGE, stream=True, **LONG)
    assert len(asyncio.run(read(stream, 2))) == 2
    with pytest.raises(errors.CancelledError):
        stream.answer

    async def ticks():
        count = 0
        task = asyncio.ensure_future(read(qa.ask(BRIDGE, stream=True)))
        while not task.done():
            count += 1
            await asyncio.sleep(0.001)
        return count

    assert asyncio.run(ticks()) > 10
