"""Answers in the shape of OpenAI's chat completions, for programs written against that shape. Needs nothing."""

from __future__ import annotations

import time
import uuid
from typing import Any, Dict, Iterator, Literal, Mapping, Sequence, overload

from rag_py import Answer, KnowledgeBase

NOT_FOUND = "The documents do not say."
"""What the message says when there is no answer; the reason is in ``rag``."""


@overload
def chat_completion(
    knowledge_base: KnowledgeBase,
    messages: Sequence[Mapping[str, str]],
    *,
    stream: Literal[False] = False,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    model: str = "rag",
    **options: Any,
) -> Dict[str, Any]: ...
@overload
def chat_completion(
    knowledge_base: KnowledgeBase,
    messages: Sequence[Mapping[str, str]],
    *,
    stream: Literal[True],
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    model: str = "rag",
    **options: Any,
) -> Iterator[Dict[str, Any]]: ...
def chat_completion(
    knowledge_base: KnowledgeBase,
    messages: Sequence[Mapping[str, str]],
    *,
    stream: bool = False,
    max_tokens: int | None = None,
    temperature: float | None = None,
    top_p: float | None = None,
    seed: int | None = None,
    stop: str | Sequence[str] | None = None,
    model: str = "rag",
    **options: Any,
) -> Dict[str, Any] | Iterator[Dict[str, Any]]:
    """Answers the last user message from the documents.

    Args:
        knowledge_base: The open knowledge base.
        messages: ``{"role": "system" | "user" | "assistant", "content": ...}``; the last is the user's. System messages are persona
            and rules.
        stream: Return an iterator of chunks instead.
        max_tokens, temperature, top_p, seed, stop: As OpenAI names them.
        model: The name that is given back.
        options: Further options of ``KnowledgeBase.ask``.

    Returns:
        A chat completion as a dict. Citations, the outcome and the reason of "not found" are under ``"rag"``.

    Raises:
        ValueError: The last message is not the user's.
    """
    if not messages or messages[-1]["role"] != "user":
        raise ValueError("the last message must be the user's")
    system = "\n".join(message["content"] for message in messages if message["role"] == "system")
    history = [
        {"role": message["role"], "content": message["content"]}
        for message in messages[:-1]
        if message["role"] != "system"
    ]
    asked: Dict[str, Any] = {
        "system": system or None,
        "history": history,
        "max_new_tokens": max_tokens,
        "temperature": temperature,
        "top_p": top_p,
        "seed": seed,
        "stop": [stop] if isinstance(stop, str) else stop,
        **options,
    }
    asked = {key: value for key, value in asked.items() if value is not None}
    head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
    question = messages[-1]["content"]
    if stream:
        return _chunks(head, knowledge_base.ask(question, stream=True, **asked))
    answer: Answer = knowledge_base.ask(question, stream=False, **asked)
    return _completion(head, answer)


def _completion(head: Dict[str, Any], answer: Answer) -> Dict[str, Any]:
    timings = answer.timings
    prompt, written = timings["prompt_token_count"], timings["answer_token_count"]
    message = {"role": "assistant", "content": answer.text if answer.found else NOT_FOUND}
    return {
        **head,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written},
        "rag": _proof(answer),
    }


def _chunks(head: Dict[str, Any], stream: Any) -> Iterator[Dict[str, Any]]:
    def chunk(delta: Dict[str, str], finish: str | None = None, **more: Any) -> Dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {**head, "object": "chat.completion.chunk", "choices": [choice], **more}

    with stream:
        yield chunk({"role": "assistant", "content": ""})
        said = False
        for piece in stream:
            said = True
            yield chunk({"content": piece})
        answer = stream.answer
        if not said:
            yield chunk({"content": answer.text if answer.found else NOT_FOUND})
        yield chunk({}, "stop", rag=_proof(answer))


def _proof(answer: Answer) -> Dict[str, Any]:
    return {
        "outcome": answer.outcome,
        "reason": answer.reason,
        "text": answer.text,
        "citations": [citation.to_dict() for citation in answer.citations],
    }
