"""An encoder whose vectors a framework makes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import Callable, Generator, List, Mapping, Optional, Sequence, Tuple

from rag_py import Encoder

Vectors = Sequence[Sequence[float]]
QUESTION = "vector"
"""Stands for the words of a question where only its vector is there."""
_NONE: Mapping[str, Sequence[float]] = {}


class GivenVectors:
    """Vectors that are handed in with the call that needs them, or made by functions where they are not.

    Args:
        name: Stands for the vectors: a file is only opened again under the name and ``dim`` that it was built with.
        dim: Length of a vector.
        passages, queries: Make vectors of texts; without them every text must come with its vector.
    """

    def __init__(
        self,
        name: str,
        dim: int,
        passages: Optional[Callable[[List[str]], Vectors]] = None,
        queries: Optional[Callable[[List[str]], Vectors]] = None,
    ) -> None:
        self._passages = passages
        self._queries = queries or passages
        # the engine asks on the thread that called it
        self._given = threading.local()
        self.encoder = Encoder.from_callable(name, dim, self._of_passages, encode_queries=self._of_queries)

    @contextmanager
    def passages(self, vectors: Mapping[str, Sequence[float]], other: Optional[Sequence[float]] = None) -> Generator[None, None, None]:
        """Within it these texts have these vectors; ``other`` is that of any other text, such as a part of one."""
        self._given.passages = (vectors, other)
        try:
            yield
        finally:
            self._given.passages = None

    @contextmanager
    def question(self, vector: Optional[Sequence[float]]) -> Generator[None, None, None]:
        """Within it every question has this vector, where there is one."""
        self._given.question = vector
        try:
            yield
        finally:
            self._given.question = None

    def _of_passages(self, texts: List[str]) -> Vectors:
        given: Optional[Tuple[Mapping[str, Sequence[float]], Optional[Sequence[float]]]]
        given = getattr(self._given, "passages", None)
        vectors, other = given or (_NONE, None)
        missing = [text for text in texts if text not in vectors]
        made = [other] * len(missing) if other is not None else _made(self._passages, missing)
        more = dict(zip(missing, made))
        return [vectors[text] if text in vectors else more[text] for text in texts]

    def _of_queries(self, texts: List[str]) -> Vectors:
        vector = getattr(self._given, "question", None)
        return [vector] * len(texts) if vector is not None else _made(self._queries, texts)


def _made(make: Optional[Callable[[List[str]], Vectors]], texts: List[str]) -> Vectors:
    if not texts:
        return []
    if make is None:
        raise ValueError(f"no vector came with {texts[0][:60]!r}: give its embedding, or search by words")
    return make(texts)
