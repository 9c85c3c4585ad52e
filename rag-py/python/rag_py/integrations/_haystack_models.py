"""Our generator and readers as components of Haystack."""

from __future__ import annotations

import mimetypes
import os
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple, Union, cast

from haystack import Document, component, default_from_dict, default_to_dict, logging
from haystack.components.converters.utils import normalize_metadata
from haystack.dataclasses import ByteStream, ChatMessage, StreamingChunk
from haystack.utils import deserialize_callable, serialize_callable

from rag_py import Encoder, Generation, Generator, RagError, Reranker
from rag_py.integrations import _reading
from rag_py.types import Message

logger = logging.getLogger(__name__)

Callback = Callable[[StreamingChunk], Any]


def named_model(model: Union[Encoder, Generator, Reranker, str]) -> str:
    """A model by its name, for a file.

    Raises:
        ValueError: An encoder of the caller's own, which no name loads.
    """
    name = model if isinstance(model, str) else model.name
    if name.startswith("own:"):
        raise ValueError(f"{name} is an encoder of your own, which cannot be written down: give the name of a model")
    return name


class _Generating:
    """A generator that is loaded when it is first needed."""

    def __init__(
        self,
        model: Union[Generator, str],
        generation_kwargs: Optional[Dict[str, Any]],
        streaming_callback: Optional[Callback],
    ) -> None:
        self.model = model
        self.generation_kwargs = generation_kwargs or {}
        self.streaming_callback = streaming_callback
        self._generator = model if isinstance(model, Generator) else None

    def warm_up(self) -> None:
        """Loads the generator."""
        self._loaded()

    def _loaded(self) -> Generator:
        if self._generator is None:
            self._generator = Generator(str(self.model))
        return self._generator

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        callback = self.streaming_callback
        written: Dict[str, Any] = default_to_dict(
            self,
            model=named_model(self.model),
            generation_kwargs=self.generation_kwargs,
            streaming_callback=serialize_callable(callback) if callback else None,
        )
        return written

    def _asked(self, options: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        both = {**self.generation_kwargs, **(options or {})}
        return {("max_new_tokens" if name == "max_tokens" else name): value for name, value in both.items()}

    def _generation(
        self, turns: List[Message], options: Optional[Dict[str, Any]], callback: Optional[Callback]
    ) -> Generation:
        tell = callback or self.streaming_callback
        if tell is None:
            generation: Generation = self._loaded().generate(turns, **self._asked(options))
            return generation
        with self._loaded().generate(turns, stream=True, **self._asked(options)) as stream:
            for piece in stream:
                tell(StreamingChunk(content=piece))
            return stream.generation

    def _meta(self, generation: Generation) -> Dict[str, Any]:
        prompt, written = generation.prompt_token_count, len(generation.token_ids)
        cut = generation.stop_reason in ("max_new_tokens", "context_full")
        return {
            "model": self._loaded().name,
            "finish_reason": "length" if cut else "stop",
            "usage": {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written},
        }


def _with_callback(data: Dict[str, Any]) -> Dict[str, Any]:
    given = data.get("init_parameters", {})
    callback = given.get("streaming_callback")
    if isinstance(callback, str):
        callback = deserialize_callable(callback)
    return {**data, "init_parameters": {**given, "streaming_callback": callback}}


@component
class RagGenerator(_Generating):
    """Our generator after a prompt builder: the prompt is one turn of the user's.

    Args:
        model: A loaded generator, or its name, path or hub id.
        generation_kwargs: Options of ``Generator.generate``; ``max_tokens`` is its ``max_new_tokens``.
        streaming_callback: Gets each piece as it is written.
    """

    # what a pipeline's file calls it
    __module__ = "rag_py.integrations.haystack"

    def __init__(
        self,
        model: Union[Generator, str] = "qwen2.5-0.5b",
        generation_kwargs: Optional[Dict[str, Any]] = None,
        streaming_callback: Optional[Callback] = None,
    ) -> None:
        _Generating.__init__(self, model, generation_kwargs, streaming_callback)

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagGenerator:
        """The component again."""
        made: RagGenerator = default_from_dict(cls, _with_callback(data))
        return made

    @component.output_types(replies=List[str], meta=List[Dict[str, Any]])
    def run(
        self,
        prompt: str,
        generation_kwargs: Optional[Dict[str, Any]] = None,
        streaming_callback: Optional[Callback] = None,
    ) -> Dict[str, Any]:
        """One reply, and what is known of it."""
        turns: List[Message] = [{"role": "user", "content": prompt}]
        generation = self._generation(turns, generation_kwargs, streaming_callback)
        return {"replies": [generation.text], "meta": [self._meta(generation)]}


@component
class RagChatGenerator(_Generating):
    """Our generator as a chat generator. It calls no tools and reads texts only.

    Args:
        model: A loaded generator, or its name, path or hub id.
        generation_kwargs: Options of ``Generator.generate``; ``max_tokens`` is its ``max_new_tokens``.
        streaming_callback: Gets each piece as it is written.
    """

    # what a pipeline's file calls it
    __module__ = "rag_py.integrations.haystack"

    def __init__(
        self,
        model: Union[Generator, str] = "qwen2.5-0.5b",
        generation_kwargs: Optional[Dict[str, Any]] = None,
        streaming_callback: Optional[Callback] = None,
    ) -> None:
        _Generating.__init__(self, model, generation_kwargs, streaming_callback)

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagChatGenerator:
        """The component again."""
        made: RagChatGenerator = default_from_dict(cls, _with_callback(data))
        return made

    @component.output_types(replies=List[ChatMessage])
    def run(
        self,
        messages: List[ChatMessage],
        generation_kwargs: Optional[Dict[str, Any]] = None,
        streaming_callback: Optional[Callback] = None,
    ) -> Dict[str, List[ChatMessage]]:
        """The next turn.

        Raises:
            ValueError: A message that is no text, or a tool's.
        """
        generation = self._generation(_turns(messages), generation_kwargs, streaming_callback)
        return {"replies": [self._reply(generation)]}

    def _reply(self, generation: Generation) -> ChatMessage:
        return ChatMessage.from_assistant(generation.text, meta={"index": 0, **self._meta(generation)})

    @component.output_types(replies=List[ChatMessage])
    async def run_async(
        self,
        messages: List[ChatMessage],
        generation_kwargs: Optional[Dict[str, Any]] = None,
        streaming_callback: Optional[Callback] = None,
    ) -> Dict[str, List[ChatMessage]]:
        """As ``run``, off the event loop; cancelling the task stops the generation. The callback may be a coroutine function."""
        asked, tell = self._asked(generation_kwargs), streaming_callback or self.streaming_callback
        if tell is None:
            return {"replies": [self._reply(await self._loaded().agenerate(_turns(messages), **asked))]}
        with self._loaded().generate(_turns(messages), stream=True, **asked) as stream:
            async for piece in stream:
                told = tell(StreamingChunk(content=piece))
                if hasattr(told, "__await__"):
                    await told
            return {"replies": [self._reply(stream.generation)]}


def _turns(messages: List[ChatMessage]) -> List[Message]:
    turns: List[Message] = []
    for message in messages:
        role, text = message.role.value, message.text
        if role not in ("system", "user", "assistant") or message.tool_calls or text is None:
            raise ValueError(f"our generators read texts of system, user and assistant and call no tools, not {message}")
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += "\n" + text
        else:
            turns.append({"role": cast(Any, role), "content": text})
    return turns


@component
class RagConverter:
    """Files as documents, read by the engine: PDF, office files, web pages, mail and what else it reads.

    Each file is one document with ``file_path``, ``kind``, ``title``, ``lang`` and what the file says of itself. A file that cannot be
    read is passed over with a warning, as Haystack's converters do.

    Args:
        max_read_seconds: A file that takes longer is passed over. Default: that of ``rag_py.read``.
    """

    # what a pipeline's file calls it
    __module__ = "rag_py.integrations.haystack"

    def __init__(self, max_read_seconds: Optional[float] = None) -> None:
        self.max_read_seconds = max_read_seconds

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        written: Dict[str, Any] = default_to_dict(self, max_read_seconds=self.max_read_seconds)
        return written

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagConverter:
        """The component again."""
        made: RagConverter = default_from_dict(cls, data)
        return made

    @component.output_types(documents=List[Document])
    def run(
        self,
        sources: List[Union[str, Path, ByteStream]],
        meta: Optional[Union[Dict[str, Any], List[Dict[str, Any]]]] = None,
    ) -> Dict[str, List[Document]]:
        """One document for each source that can be read; ``meta`` is for all, or a list, one for each."""
        documents: List[Document] = []
        for source, more in zip(sources, normalize_metadata(meta, sources_count=len(sources))):
            try:
                text, known = self._read(source)
            except (RagError, OSError) as error:
                logger.warning("Could not read {source}. Skipping it. Error: {error}", source=source, error=error)
                continue
            documents.append(Document(content=text, meta={**known, **more}))
        return {"documents": documents}

    def _read(self, source: Union[str, Path, ByteStream]) -> Tuple[str, Dict[str, Any]]:
        options = {"max_read_seconds": self.max_read_seconds}
        if not isinstance(source, ByteStream):
            text, known = _reading.read_file(source, **options)
            known["file_path"] = known.pop("source")
            return text, known
        name = source.meta.get("file_path") or source.meta.get("file_name") or ""
        suffix = Path(name).suffix or mimetypes.guess_extension(source.mime_type or "") or ""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, f"source{suffix}")
            Path(path).write_bytes(source.data)
            text, known = _reading.read_file(path, **options)
        del known["source"]
        return text, {**known, **source.meta}
