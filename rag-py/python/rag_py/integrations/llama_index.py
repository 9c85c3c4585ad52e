"""LlamaIndex: a knowledge base as a retriever, an encoder as an embedding model. Needs ``llama-index-core``."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from rag_py import Encoder, Hit, KnowledgeBase
from rag_py.integrations._metadata import metadata


def _node(hit: Hit) -> NodeWithScore:
    node = TextNode(
        id_=f"{hit.store}:{hit.passage_id}",
        text=hit.text,
        metadata=metadata(hit),
        start_char_idx=None,
        end_char_idx=None,
    )
    # figures are for the reader, not for a model
    node.excluded_llm_metadata_keys = list(node.metadata)
    node.excluded_embed_metadata_keys = list(node.metadata)
    return NodeWithScore(node=node, score=hit.score)


class RagRetriever(BaseRetriever):
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
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self.knowledge_base.search(query_bundle.query_str, self.top_k, **self.options)
        return [_node(hit) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = await self.knowledge_base.asearch(query_bundle.query_str, self.top_k, **self.options)
        return [_node(hit) for hit in hits]


class RagEmbedding(BaseEmbedding):
    """Our encoder for LlamaIndex's indexes."""

    _encoder: Encoder = PrivateAttr()

    def __init__(self, encoder: Encoder, **options: Any) -> None:
        super().__init__(model_name=encoder.name, **options)
        self._encoder = encoder

    @classmethod
    def class_name(cls) -> str:
        """The name LlamaIndex writes."""
        return "RagEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        row: list[float] = self._encoder.encode_queries([query])[0].tolist()
        return row

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_text_embeddings([text])[0]

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        rows: list[list[float]] = self._encoder.encode_passages(texts).tolist()
        return rows
