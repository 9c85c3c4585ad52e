"""Haystack: a knowledge base as a component of a pipeline. Needs ``haystack-ai``."""

from __future__ import annotations

from typing import Any

from haystack import Document, component

from rag_py import Hit, KnowledgeBase
from rag_py.integrations._metadata import metadata


def _document(hit: Hit) -> Document:
    return Document(id=f"{hit.store}:{hit.passage_id}", content=hit.text, meta=metadata(hit), score=hit.score)


@component
class RagRetriever:
    """The passages of a knowledge base that answer a question best, best first.

    Args:
        knowledge_base: The open knowledge base.
        top_k: Most passages.
        options: Further options of ``KnowledgeBase.search``.
    """

    def __init__(self, knowledge_base: KnowledgeBase, top_k: int = 5, **options: Any) -> None:
        self.knowledge_base = knowledge_base
        self.top_k = top_k
        self.options = options

    @component.output_types(documents=list[Document])
    def run(self, query: str, top_k: int | None = None) -> dict[str, list[Document]]:
        """Searches; ``top_k`` here takes the place of the one above."""
        hits = self.knowledge_base.search(query, top_k or self.top_k, **self.options)
        return {"documents": [_document(hit) for hit in hits]}
