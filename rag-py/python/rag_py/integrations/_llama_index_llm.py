"""Our generator as a language model of LlamaIndex."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Union, cast

from llama_index.core.base.llms.types import (
    ChatMessage,
    ChatResponse,
    ChatResponseAsyncGen,
    ChatResponseGen,
    CompletionResponse,
    CompletionResponseAsyncGen,
    CompletionResponseGen,
    LLMMetadata,
    MessageRole,
    TextBlock,
)
from llama_index.core.bridge.pydantic import Field, PrivateAttr
from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index.core.llms.custom import CustomLLM

from rag_py import Generation, Generator
from rag_py.types import Message, Path


class RagLLM(CustomLLM):
    """Our generator as a language model of LlamaIndex: completions, chat, streams. It calls no tools and reads texts only.

    A completion is one turn of the user's, as the model's template has it; ``formatted=True`` hands the prompt to the model as it is.

    Args:
        model: A loaded generator, or its name, path or hub id.
        max_tokens: Most tokens of an answer.
        options: Further options of ``Generator.generate``; a call takes more of them.
        kwargs: Further fields of ``CustomLLM``, such as ``system_prompt``.
    """

    max_tokens: int = 256
    options: Dict[str, Any] = Field(default_factory=dict)

    _generator: Generator = PrivateAttr()

    def __init__(
        self,
        model: Union[Generator, Path] = "qwen2.5-0.5b",
        max_tokens: int = 256,
        options: Optional[Dict[str, Any]] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(max_tokens=max_tokens, options=options or {}, **kwargs)
        self._generator = model if isinstance(model, Generator) else Generator(model)

    @classmethod
    def class_name(cls) -> str:
        """The name LlamaIndex writes."""
        return "RagLLM"

    @property
    def metadata(self) -> LLMMetadata:
        """Name, context and length of an answer."""
        return LLMMetadata(
            context_window=self._generator.context_len,
            num_output=self.max_tokens,
            is_chat_model=True,
            model_name=self._generator.name,
        )

    def _asked(self, options: Dict[str, Any]) -> Dict[str, Any]:
        given = {("max_new_tokens" if name == "max_tokens" else name): value for name, value in options.items()}
        return {"max_new_tokens": self.max_tokens, **self.options, **given}

    @llm_completion_callback()
    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """One answer."""
        generation = self._generator.generate(_prompt(prompt, formatted), **self._asked(kwargs))
        return CompletionResponse(text=generation.text, additional_kwargs=_counts(generation))

    @llm_completion_callback()
    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponseGen:
        """The answer so far, with each piece."""
        stream = self._generator.generate(_prompt(prompt, formatted), stream=True, **self._asked(kwargs))

        def pieces() -> CompletionResponseGen:
            said = ""
            with stream:
                for piece in stream:
                    said += piece
                    yield CompletionResponse(text=said, delta=piece)

        return pieces()

    @llm_chat_callback()
    def chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """The next turn."""
        generation = self._generator.generate(_turns(messages), **self._asked(kwargs))
        return _replied(generation.text, _counts(generation))

    @llm_chat_callback()
    def stream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseGen:
        """The next turn so far, with each piece."""
        stream = self._generator.generate(_turns(messages), stream=True, **self._asked(kwargs))

        def pieces() -> ChatResponseGen:
            said = ""
            with stream:
                for piece in stream:
                    said += piece
                    yield _replied(said, delta=piece)

        return pieces()

    @llm_completion_callback()
    async def acomplete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        """As ``complete``, off the event loop; cancelling the task stops the generation."""
        generation = await self._generator.agenerate(_prompt(prompt, formatted), **self._asked(kwargs))
        return CompletionResponse(text=generation.text, additional_kwargs=_counts(generation))

    @llm_chat_callback()
    async def achat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponse:
        """As ``chat``, off the event loop; cancelling the task stops the generation."""
        generation = await self._generator.agenerate(_turns(messages), **self._asked(kwargs))
        return _replied(generation.text, _counts(generation))

    @llm_completion_callback()
    async def astream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> CompletionResponseAsyncGen:
        """As ``stream_complete``, off the event loop."""
        stream = self._generator.generate(_prompt(prompt, formatted), stream=True, **self._asked(kwargs))

        async def pieces() -> CompletionResponseAsyncGen:
            said = ""
            with stream:
                async for piece in stream:
                    said += piece
                    yield CompletionResponse(text=said, delta=piece)

        return pieces()

    @llm_chat_callback()
    async def astream_chat(self, messages: Sequence[ChatMessage], **kwargs: Any) -> ChatResponseAsyncGen:
        """As ``stream_chat``, off the event loop."""
        stream = self._generator.generate(_turns(messages), stream=True, **self._asked(kwargs))

        async def pieces() -> ChatResponseAsyncGen:
            said = ""
            with stream:
                async for piece in stream:
                    said += piece
                    yield _replied(said, delta=piece)

        return pieces()


def _replied(text: str, counts: Optional[Dict[str, Any]] = None, delta: Optional[str] = None) -> ChatResponse:
    message = ChatMessage(role=MessageRole.ASSISTANT, content=text)
    return ChatResponse(message=message, delta=delta, additional_kwargs=counts or {})


def _prompt(prompt: str, formatted: bool) -> Union[str, List[Message]]:
    return prompt if formatted else [{"role": "user", "content": prompt}]


def _counts(generation: Generation) -> Dict[str, Any]:
    prompt, written = generation.prompt_token_count, len(generation.token_ids)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
        "finish_reason": generation.stop_reason,
    }


def _turns(messages: Sequence[ChatMessage]) -> List[Message]:
    turns: List[Message] = []
    for message in messages:
        role = {MessageRole.DEVELOPER: "system", MessageRole.CHATBOT: "assistant"}.get(message.role, message.role.value)
        if role not in ("system", "user", "assistant"):
            raise ValueError(f"our generators read system, user and assistant messages and call no tools, not {role!r}")
        other = next((block for block in message.blocks if not isinstance(block, TextBlock)), None)
        if other is not None:
            raise ValueError(f"our generators read texts, not {type(other).__name__}")
        said = message.content or ""
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n" + said
        else:
            turns.append({"role": cast(Any, role), "content": said})
    return turns
