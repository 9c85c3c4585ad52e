"""The knowledge base with what only Python has: lists of texts and asyncio."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING

from rag_py import _native

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rag_py.types import AskOptions, ComposeOptions, OpenOptions, Path, SearchKeywords, SummarizeOptions


class KnowledgeBase(_native.KnowledgeBase):
    """One knowledge base: the file, the encoder and, once asked, the generator.

    Any number of threads may use it at once; writers queue. After a fork the child must not use it: start worker
    processes with ``spawn``. It is a context manager that closes itself.
    """

    async def asearch(
        self, question: str, top_k: int | None = None, **options: Unpack[SearchKeywords]
    ) -> list[_native.Hit]:
        """As ``search``, without holding up the event loop."""
        return await asyncio.to_thread(self.search, question, top_k, **options)

    async def aask(self, question: str, **options: Unpack[AskOptions]) -> _native.Answer:
        """As ``ask``, without holding up the event loop. Cancelling the task stops the generation."""
        stream = self.ask(question, stream=True, **options)
        try:
            return await asyncio.to_thread(lambda: stream.answer)
        finally:
            stream.close()

    async def asummarize(
        self, question: str | None = None, **options: Unpack[SummarizeOptions]
    ) -> _native.Answer:
        """As ``summarize``, without holding up the event loop. Cancelling the task stops the generation."""
        stream = self.summarize(question, stream=True, **options)
        try:
            return await asyncio.to_thread(lambda: stream.answer)
        finally:
            stream.close()

    async def acompose(self, task: str, **options: Unpack[ComposeOptions]) -> _native.Draft:
        """As ``compose``, without holding up the event loop."""
        return await asyncio.to_thread(self.compose, task, **options)


def open(path: Path, *, read_only: bool = False, **options: Unpack[OpenOptions]) -> KnowledgeBase:
    """Opens or creates a knowledge base.

    Models are named by path, by hub id (``"owner/name"``) or by a name in the local model folders: those in
    ``RAG_MODELS``, then ``RAG_CACHE`` or ``XDG_CACHE_HOME`` or ``~/.cache``, then the Hugging Face cache
    (``HF_HUB_CACHE``, ``HF_HOME``), which is only read. Nothing is downloaded.

    Raises:
        NotFoundError: A model is not on this machine.
        ModelError: A model is damaged.
        ModelMismatchError: The file was built with another encoder.
        StoreError: The file is not a knowledge base, is damaged, or is newer than this library.
        OSError: The file cannot be opened.
    """
    return KnowledgeBase(path, read_only=read_only, **options)


# the options are described where they are taken
KnowledgeBase.__doc__ = _native.KnowledgeBase.__doc__
open.__doc__ = "\n\nArgs:\n".join(
    (inspect.cleandoc(open.__doc__ or ""), (_native.KnowledgeBase.__doc__ or "").partition("Args:\n")[2])
)
