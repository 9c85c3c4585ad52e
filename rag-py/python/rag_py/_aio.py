"""Streams in asyncio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from rag_py import _native


async def pieces(stream: _native.AnswerStream | _native.GenerationStream) -> AsyncIterator[str]:
    """The pieces of a stream, each waited for on a thread. Leaving the loop stops what writes them."""
    try:
        while (piece := await asyncio.to_thread(next, stream, None)) is not None:
            yield piece
    finally:
        stream.close()
