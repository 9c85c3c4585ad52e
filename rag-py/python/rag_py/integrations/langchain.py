"""LangChain: a knowledge base as a retriever, an encoder as embeddings. Needs ``langchain-core``."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from rag_py import Encoder, Hit, KnowledgeBase
from rag_py.integrations._metadata import metadata


def _document(hit: Hit) -> Document:
    return Document(page_content=hit.text, metadata=metadata(hit), id=f"{hit.store}:{hit.passage_id}")


class RagRetriever(BaseRetriever):
    """The passages of a knowledge base that answer a question best, best first.

    >>> retriever = RagRetriever(knowledge_base=kb, top_k=3)  # doctest: +SKIP
    >>> retriever.invoke("When was the bridge opened?")  # doctest: +SKIP
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    knowledge_base: KnowledgeBase
    """The open knowledge base."""
    top_k: int = 5
    """Most passages."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Further options of ``KnowledgeBase.search``, such as ``{"filter": "kind = pdf"}``."""

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> list[Document]:
        return [_document(hit) for hit in self.knowledge_base.search(query, self.top_k, **self.options)]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun
    ) -> list[Document]:
        hits = await self.knowledge_base.asearch(query, self.top_k, **self.options)
        return [_document(hit) for hit in hits]


class RagEmbeddings(Embeddings):
    """Our encoder for LangChain's vector stores; prefixes of questions and passages are put in by the encoder itself."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Unit vectors of passages."""
        rows: list[list[float]] = self.encoder.encode_passages(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """The unit vector of a question."""
        row: list[float] = self.encoder.encode_queries([text])[0].tolist()
        return row
