"""The knowledge base with what only Python has: lists of texts and asyncio."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from rag_py import _native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from rag_py.types import AskOptions, Index, Mode, SummarizeOptions


class KnowledgeBase(_native.KnowledgeBase):
    """One knowledge base: the file, the encoder and, once asked, the generator.

    Any number of threads may use it at once; writers queue. After a fork the child must not use it: start worker
    processes with ``spawn``. It is a context manager that closes itself.
    """

    async def asearch(
        self,
        question: str,
        top_k: int | None = None,
        *,
        mode: Mode | None = None,
        index: Index | None = None,
        ef_search: int | None = None,
        filter: str | None = None,
        fusion: str | None = None,
        diversity: float | None = None,
        context: int | str | None = None,
        rerank: int | None = None,
    ) -> list[_native.Hit]:
        """As ``search``, without holding up the event loop."""
        return await asyncio.to_thread(
            self.search,
            question,
            top_k,
            mode=mode,
            index=index,
            ef_search=ef_search,
            filter=filter,
            fusion=fusion,
            diversity=diversity,
            context=context,
            rerank=rerank,
        )

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


def open(
    path: str | os.PathLike[str],
    *,
    encoder: str | os.PathLike[str] | _native.Encoder | None = None,
    llm: str | os.PathLike[str] | None = None,
    read_only: bool = False,
    reranker: str | os.PathLike[str] | None = None,
    also: Sequence[str | os.PathLike[str]] | None = None,
    secure_delete: bool = False,
    untrusted: bool = False,
) -> KnowledgeBase:
    """Opens or creates a knowledge base.

    Models are named by path, by hub id (``"owner/name"``) or by a name in the local model folders: those in
    ``RAG_MODELS``, then ``RAG_CACHE`` or ``XDG_CACHE_HOME`` or ``~/.cache``, then the Hugging Face cache
    (``HF_HUB_CACHE``, ``HF_HOME``), which is only read. Nothing is downloaded.

    Args:
        path: The file, or ``":memory:"`` to keep nothing.
        encoder: The encoder, by name, or an ``Encoder`` that is loaded already or your own (``Encoder.from_callable``); several
            knowledge bases may share it. Default: the one the file was built with, else the engine's default.
        llm: The generator, loaded at the first answer. Default: the engine's default.
        read_only: Only read; the file must exist.
        reranker: A cross-encoder that sorts the best hits anew, loaded at the first search. Default: none.
        also: Further knowledge bases that are searched with this one as if all were one file, each by the same encoder and
            only read. Default: none.
        secure_delete: Write zeros over what is removed or replaced, and empty the log at the end of each call that does so;
            ``KnowledgeBase.purge`` leaves nothing at all. Each such call then rewrites the full-text index.
        untrusted: For a file of somebody else's: follow nothing that it says of places outside of it. Its sources are not
            verified (``Citation.status`` is ``"unverified"``), ``also`` must be empty, and a name in the file is a name in the
            model folders, never a path.

    Raises:
        NotFoundError: A model is not on this machine.
        ModelError: A model is damaged.
        ModelMismatchError: The file was built with another encoder.
        StoreError: The file is not a knowledge base, is damaged, or is newer than this library.
        OSError: The file cannot be opened.
    """
    return KnowledgeBase(
        path,
        encoder=encoder,
        llm=llm,
        read_only=read_only,
        reranker=reranker,
        also=also,
        secure_delete=secure_delete,
        untrusted=untrusted,
    )
