"""The generator with what only Python has: asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from rag_py import _native

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from rag_py.types import GenerateOptions, Message


class Generator(_native.Generator):
    """A loaded generator. One call runs at a time; others wait.

    After a fork the child must not use it: start worker processes with ``spawn``.
    """

    async def agenerate(
        self, prompt: str | Sequence[Message], **options: Unpack[GenerateOptions]
    ) -> _native.Generation:
        """As ``generate``, without holding up the event loop. Cancelling the task stops the generation."""
        stream = self.generate(prompt, stream=True, **options)
        try:
            return await asyncio.to_thread(lambda: stream.generation)
        finally:
            stream.close()

    async def astream(
        self, prompt: str | Sequence[Message], **options: Unpack[GenerateOptions]
    ) -> AsyncIterator[str]:
        """The pieces of ``generate`` as they are written. Leaving the loop stops the generation."""
        async for piece in self.generate(prompt, stream=True, **options):
            yield piece


# the options are described where they are taken
Generator.__doc__ = _native.Generator.__doc__
