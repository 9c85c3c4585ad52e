"""Answers in the shape of OpenAI's chat completions."""

import pytest
from conftest import BRIDGE

from rag_py.integrations import openai


def test_openai_shaped_completions_carry_their_proof(qa):
    messages = [{"role": "system", "content": "Answer in English."}, {"role": "user", "content": BRIDGE}]
    completion = openai.chat_completion(qa, messages, max_tokens=48, stop="\n\n")
    message = completion["choices"][0]["message"]
    assert message["role"] == "assistant" and "1871" in message["content"]
    assert completion["usage"]["total_tokens"] > 0 and completion["rag"]["citations"][0]["status"] == "ok"
    chunks = list(openai.chat_completion(qa, messages, stream=True, max_tokens=48))
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert "1871" in said and chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["rag"]["outcome"] == "answered"
    off = [{"role": "user", "content": "How many goals did Brazil score in the 1970 world cup final?"}]
    unknown = openai.chat_completion(qa, off)
    assert unknown["choices"][0]["message"]["content"] == openai.NOT_FOUND
    assert unknown["rag"]["outcome"] == "not_found" and unknown["rag"]["reason"]
    streamed = list(openai.chat_completion(qa, off, stream=True, extract=True))
    assert any(chunk["choices"][0]["delta"].get("content") == openai.NOT_FOUND for chunk in streamed)
    for wrong in ([], [{"role": "assistant", "content": "?"}]):
        with pytest.raises(ValueError):
            openai.chat_completion(qa, wrong)
