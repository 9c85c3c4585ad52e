"""Answers written by a callable in the generator's place."""

import asyncio
import signal
import threading
import time

import pytest
from conftest import BRIDGE

import rag_py


def test_what_it_writes_is_cited_and_judged(kb):
    seen = []

    def writer(messages):
        seen.append(messages)
        return "The bridge over the Velden was opened in 1871."

    answer = kb.ask(BRIDGE, writer=writer)
    assert answer.found and answer.text == "The bridge over the Velden was opened in 1871 [1]."
    assert answer.citations[0].quote.startswith("The stone bridge") and answer.citations[0].status == "ok"
    [messages] = seen
    assert [turn["role"] for turn in messages][:2] == ["system", "user"] and messages[-1]["role"] == "user"
    assert BRIDGE in messages[-1]["content"] and "opened to traffic in 1871" in messages[-1]["content"]

    made_up = kb.ask(BRIDGE, writer=lambda messages: "It was opened in 1999 by two elephants.")
    assert not made_up.found and made_up.reason == "unsupported"


def test_it_takes_part_in_everything_else(kb):
    def writer(messages):
        return f"The bridge was opened in 1871, turn {len(messages)}."

    pieces = list(kb.ask(BRIDGE, writer=writer, stream=True, abstain="never"))
    assert "".join(pieces).startswith("The bridge was opened in 1871")
    answer = asyncio.run(kb.aask(BRIDGE, writer=writer, abstain="never", explain=True))
    assert "1871" in answer.text and BRIDGE in answer.trace["prompt"]
    chat = kb.chat(writer=writer, abstain="never", examples=[])
    first, second = chat.say(BRIDGE), chat.say("And the ferry?")
    assert "turn 2" in first.text and "turn 4" in second.text
    refused = kb.ask(BRIDGE, writer=writer, deny_answer=["1871"])
    assert refused.outcome == "refused" and refused.text == ""


def test_it_may_write_piece_by_piece(kb):
    words = ["The bridge ", "was opened ", "in 1871.", " It is long."]

    def writer(messages):
        yield from words

    stream = kb.ask(BRIDGE, writer=writer, stream=True)
    # blanks wait for what comes next: a mark of the writer's takes the one before it along
    assert "".join(stream) == "".join(words) and "1871" in stream.answer.citations[0].quote
    assert kb.ask(BRIDGE, writer=lambda messages: words).text == stream.answer.text

    # a reader that has enough ends the writing
    with kb.ask(BRIDGE, writer=writer, stream=True) as stream:
        assert next(stream) == words[0].rstrip()
    # nothing that is denied is seen before the whole was judged
    stream = kb.ask(BRIDGE, writer=writer, deny_answer=["long"], stream=True)
    assert list(stream) == [] and stream.answer.outcome == "refused"
    masked = kb.ask(BRIDGE, writer=lambda messages: iter(["Write to jo", "@site.fr."]), mask=True, abstain="never", stream=True)
    assert "".join(masked) == "Write to [EMAIL]."


def test_nothing_is_no_answer(kb):
    for nothing in ("", "  ", iter(())):
        answer = kb.ask(BRIDGE, writer=lambda messages, nothing=nothing: nothing, abstain="never")
        assert not answer.found and answer.reason == "unsupported" and answer.text == ""


def test_an_interrupt_ends_it(kb):
    def endless(messages):
        while True:
            time.sleep(0.01)
            yield "on and "

    stream = kb.ask(BRIDGE, writer=endless, stream=True)
    assert next(stream) == "on and"
    stream.close()
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        kb.ask(BRIDGE, writer=endless)


def test_what_it_raises_comes_out(kb):
    class Offline(Exception):
        pass

    def offline(messages):
        raise Offline("no network")

    with pytest.raises(Offline, match="no network"):
        kb.ask(BRIDGE, writer=offline)
    with pytest.raises(TypeError, match="writer must be callable"):
        kb.ask(BRIDGE, writer="gpt")
    with pytest.raises(TypeError, match="writer must give a str or an iterable of them, not int"):
        kb.ask(BRIDGE, writer=lambda messages: 3)
    with pytest.raises(TypeError):
        kb.ask(BRIDGE, writer=lambda messages: b"bytes")

    def cut_off(messages):
        yield "The bridge "
        raise Offline("the line is gone")

    with pytest.raises(Offline, match="the line is gone"):
        kb.ask(BRIDGE, writer=cut_off)
    stream = kb.ask(BRIDGE, writer=cut_off, stream=True)
    assert next(stream) == "The bridge"
    with pytest.raises(Offline):
        next(stream)


def test_no_generator_is_needed(folder):
    with rag_py.open(":memory:", encoder="minilm", llm="none") as kb:
        kb.sync(folder)
        answer = kb.ask(BRIDGE, writer=lambda messages: "In 1871.")
        assert answer.found and "1871" in answer.citations[0].quote
