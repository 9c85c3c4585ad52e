"""What a strict type checker makes of the package. Checked by pyright and mypy, never run: see ./run test python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
import rag_py
from numpy.typing import NDArray
from rag_py.integrations import openai
from rag_py.types import AskOptions, Message
from typing_extensions import assert_type


def knowledge_base(kb: rag_py.KnowledgeBase) -> None:
    assert_type(rag_py.open("kb.rag", encoder="e5-small"), rag_py.KnowledgeBase)
    report = assert_type(kb.sync("docs", exclude=["*.log"], progress=True), rag_py.SyncReport)
    assert_type([skipped.unreadable for skipped in report.skipped], List[Optional[str]])
    assert_type(kb.add("a text", uri="note"), List[int])
    assert_type(kb.add(["two", "texts"]), List[int])
    hits = assert_type(kb.search("question", 5, mode="dense", filter="kind = pdf"), List[rag_py.Hit])
    assert_type((hits[0].passage_id, hits[0].score), Tuple[int, float])
    assert_type(kb.locate(hits[0])[0], rag_py.Location)
    for document in kb.documents("year >= 2020"):
        assert_type(document.metadata, Dict[str, str])
    assert_type(kb.table(kb.tables("kind = csv")[0].id).rows, Optional[List[List[str]]])
    kb.search("question", modus="dense")  # type: ignore[call-arg] # pyright: ignore
    kb.search("question", mode="sparse")  # type: ignore[call-overload,arg-type,unused-ignore] # pyright: ignore


def answers(kb: rag_py.KnowledgeBase) -> None:
    def write(messages: List[Message]) -> Iterator[str]:
        yield messages[-1]["content"]

    answer = assert_type(kb.ask("question", writer=write, deny=["secret"]), rag_py.Answer)
    assert_type([citation.quote for citation in answer.citations], List[str])
    assert_type(answer.timings["total_ms"], float)
    stream = assert_type(kb.ask("question", stream=True), rag_py.AnswerStream)
    assert_type(list(stream), List[str])
    assert_type(stream.answer.found, bool)
    for piece in kb.ask("question", stream="raw"):
        assert_type(piece if isinstance(piece, str) else piece.reason, str)
    options: AskOptions = {"top_k": 4, "mask": True, "context": 2, "abstain": 0.3, "json_schema": {"type": "object"}, "seed": None}
    assert_type(kb.ask("question", **options), rag_py.Answer)
    chat = kb.chat(system="Be brief.")
    assert_type(chat.say("question"), rag_py.Answer)


def integrations(kb: rag_py.KnowledgeBase) -> None:
    completion = openai.chat_completion(kb, [{"role": "user", "content": "question"}])
    assert_type(completion, Dict[str, Any])
    for chunk in openai.chat_completion(kb, [{"role": "user", "content": "question"}], stream=True):
        assert_type(chunk, Dict[str, Any])


async def asynchronous(kb: rag_py.KnowledgeBase) -> None:
    assert_type(await kb.asearch("question"), List[rag_py.Hit])
    assert_type(await kb.aask("question"), rag_py.Answer)
    async for piece in kb.ask("question", stream=True):
        assert_type(piece, str)


def models() -> None:
    encoder = rag_py.Encoder("e5-small", precision="int8")
    assert_type(encoder.encode_queries(["question"]), NDArray[np.float32])
    own = rag_py.Encoder.from_callable("letters", 26, lambda texts: [[len(text)] * 26 for text in texts])
    assert_type(own.dim, int)
    generation = rag_py.Generator("qwen2.5-0.5b").generate("Once", max_new_tokens=8, json_schema={"type": "object"})
    assert_type(generation.text, str)
    try:
        rag_py.open("kb.rag")
    except rag_py.RagError as error:
        assert_type(error.code, str)
