"""LlamaIndex: a knowledge base as a vector store and a retriever; our encoder, generator, reranker and readers. Needs ``llama-index-core``.

``pip install rag-py[llama-index]``. A vector store keeps nodes under their ids; a retriever gives the passages of any knowledge base, such
as one that mirrors a folder.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path as FilePath
from typing import Any, Dict, Iterable, List, Optional, Sequence, Union, cast

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.readers.base import BaseReader
from llama_index.core.schema import BaseNode, Document, MetadataMode, NodeWithScore, QueryBundle, TextNode
from llama_index.core.vector_stores.types import (
    BasePydanticVectorStore,
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
    VectorStoreQueryResult,
)
from llama_index.core.vector_stores.utils import metadata_dict_to_node, node_to_metadata_dict

import rag_py
from rag_py import Encoder, Hit, KnowledgeBase, Reranker
from rag_py.integrations import _filters, _reading, _records
from rag_py.integrations._llama_index_llm import RagLLM as RagLLM
from rag_py.integrations._metadata import metadata
from rag_py.integrations._records import Record
from rag_py.integrations._vectors import QUESTION, GivenVectors
from rag_py.types import Path

__all__ = ["RagEmbedding", "RagLLM", "RagReader", "RagReranker", "RagRetriever", "RagVectorStore"]


def _text_node(hit: Hit) -> TextNode:
    node = TextNode(
        id_=_records.passage_id(hit),
        text=hit.text,
        metadata=metadata(hit),
        start_char_idx=None,
        end_char_idx=None,
    )
    # figures are for the reader, not for a model
    node.excluded_llm_metadata_keys = list(node.metadata)
    node.excluded_embed_metadata_keys = list(node.metadata)
    return node


def _node(hit: Hit) -> NodeWithScore:
    return NodeWithScore(node=_text_node(hit), score=hit.score)


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
    """Our encoder for LlamaIndex's indexes.

    Args:
        encoder: A loaded encoder, or its name, path or hub id.
        options: Further fields of ``BaseEmbedding``.
    """

    _encoder: Encoder = PrivateAttr()

    def __init__(self, encoder: Union[Encoder, Path], **options: Any) -> None:
        loaded = encoder if isinstance(encoder, Encoder) else Encoder(encoder)
        super().__init__(model_name=loaded.name, **options)
        self._encoder = loaded

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return self._encoder.dim

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


_MODES = {
    VectorStoreQueryMode.DEFAULT: "dense",
    VectorStoreQueryMode.MMR: "dense",
    VectorStoreQueryMode.SPARSE: "lexical",
    VectorStoreQueryMode.TEXT_SEARCH: "lexical",
    VectorStoreQueryMode.HYBRID: "hybrid",
    VectorStoreQueryMode.SEMANTIC_HYBRID: "hybrid",
}
_DOCUMENT = "ref_doc_id"
"""The label under which a node keeps the document it was cut from."""


class RagVectorStore(BasePydanticVectorStore):
    """A knowledge base as a vector store: one file, searched by meaning and by words.

    A node's id is its uri in the knowledge base; an id that is there already is replaced. Nodes come back whole: text, metadata,
    relationships. Other documents of the file, such as files that were synced, are found too, passage by passage; nothing here removes
    them.

    Args:
        knowledge_base: An open knowledge base, which makes its vectors itself, from texts; or where to open or create one.
        dim: Length of the vectors of LlamaIndex's embedding model, for a knowledge base that is opened here and takes its vectors from
            there. Default: the engine's own encoder makes them.
        name: Stands for those vectors: a file is only opened again under the name it was built with.
        options: Further options of ``rag_py.open``.

    >>> store = RagVectorStore("notes.rag", dim=384)  # doctest: +SKIP
    >>> index = VectorStoreIndex.from_vector_store(store, embed_model)  # doctest: +SKIP
    """

    stores_text: bool = True
    flat_metadata: bool = False

    _kb: KnowledgeBase = PrivateAttr()
    _vectors: Optional[GivenVectors] = PrivateAttr(default=None)

    def __init__(
        self,
        knowledge_base: Union[KnowledgeBase, Path] = ":memory:",
        dim: Optional[int] = None,
        *,
        name: str = "llama-index",
        **options: Any,
    ) -> None:
        # without vectors of theirs a query is its text
        super().__init__(stores_text=True, is_embedding_query=dim is not None)
        if isinstance(knowledge_base, KnowledgeBase):
            if dim is not None or options:
                raise ValueError("an open knowledge base has its encoder and options already: give its path, or nothing else")
            self._kb = knowledge_base
            return
        if dim is not None:
            self._vectors = GivenVectors(name, dim)
            options["encoder"] = self._vectors.encoder
        self._kb = rag_py.open(knowledge_base, **options)

    @classmethod
    def class_name(cls) -> str:
        """The name LlamaIndex writes."""
        return "RagVectorStore"

    @property
    def client(self) -> KnowledgeBase:
        """The knowledge base."""
        return self._kb

    def add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        """Adds nodes, in place of those with the same ids, and returns the ids.

        Raises:
            ValueError: A node without words, or without the embedding that the store takes from it; nothing is added then.
        """
        records = [_records.checked(_stored(node)) for node in nodes]
        vectors = [node.get_embedding() if self._vectors else [] for node in nodes]
        for record, vector in zip(records, vectors):
            if self._vectors is None:
                _records.put(self._kb, record)
            else:
                with self._vectors.passages({}, vector):
                    _records.put(self._kb, record)
        return [record.id for record in records]

    async def async_add(self, nodes: Sequence[BaseNode], **kwargs: Any) -> list[str]:
        """As ``add``, off the event loop."""
        return await asyncio.to_thread(self.add, nodes, **kwargs)

    def get_nodes(
        self, node_ids: Optional[list[str]] = None, filters: Optional[MetadataFilters] = None
    ) -> list[BaseNode]:
        """The nodes with these ids that pass; all that pass without ids."""
        return [_restored(record) for record in self._matching(node_ids, filters)]

    async def aget_nodes(
        self, node_ids: Optional[list[str]] = None, filters: Optional[MetadataFilters] = None
    ) -> list[BaseNode]:
        """As ``get_nodes``, off the event loop."""
        return await asyncio.to_thread(self.get_nodes, node_ids, filters)

    def _matching(self, ids: Optional[Sequence[str]], filters: Optional[MetadataFilters]) -> list[Record]:
        condition = _condition(filters)
        if ids is None:
            return _records.where(self._kb, condition)
        named = _records.named(self._kb, ids)
        if condition is None:
            return list(named.values())
        passing = {record.id for record in _records.where(self._kb, condition)}
        return [record for record in named.values() if record.id in passing]

    def delete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        """Removes the nodes that were cut from this document."""
        same = _filters.compare(_filters.quote(f"meta.rag:{_DOCUMENT}"), "=", ref_doc_id)
        found = _records.where(self._kb, same)
        _records.remove(self._kb, [record.id for record in found if record.labels.get(_DOCUMENT) == ref_doc_id])

    async def adelete(self, ref_doc_id: str, **delete_kwargs: Any) -> None:
        """As ``delete``, off the event loop."""
        await asyncio.to_thread(self.delete, ref_doc_id, **delete_kwargs)

    def delete_nodes(
        self,
        node_ids: Optional[list[str]] = None,
        filters: Optional[MetadataFilters] = None,
        **delete_kwargs: Any,
    ) -> None:
        """Removes the nodes with these ids that pass.

        Raises:
            ValueError: Neither ids nor filters: ``clear`` removes all.
        """
        if node_ids is None and not (filters and filters.filters):
            raise ValueError("name nodes or give filters; clear() removes all nodes")
        _records.remove(self._kb, [record.id for record in self._matching(node_ids, filters)])

    async def adelete_nodes(
        self,
        node_ids: Optional[list[str]] = None,
        filters: Optional[MetadataFilters] = None,
        **delete_kwargs: Any,
    ) -> None:
        """As ``delete_nodes``, off the event loop."""
        await asyncio.to_thread(self.delete_nodes, node_ids, filters, **delete_kwargs)

    def clear(self) -> None:
        """Removes all nodes, and no other document of the knowledge base."""
        _records.remove_where(self._kb)

    async def aclear(self) -> None:
        """As ``clear``, off the event loop."""
        await asyncio.to_thread(self.clear)

    def query(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """The nodes that answer best, best first, with the engine's scores: cosines in the modes of vectors alone.

        ``default`` and ``mmr`` search by vectors, ``sparse`` and ``text_search`` by words, ``hybrid`` and ``semantic_hybrid`` by both
        (``alpha`` is the weight of vectors). ``mmr_threshold``, 0.5, is 1 where nothing need differ. Further arguments are options of
        ``KnowledgeBase.search``.

        Raises:
            ValueError: Another mode, or a query without what its mode needs.
        """
        if query.mode not in _MODES:
            served = ", ".join(mode.value for mode in _MODES)
            raise ValueError(f"the mode {query.mode.value!r} is not there; there are {served}")
        mode = _MODES[query.mode]
        asked: Dict[str, Any] = {"mode": mode, "filter": self._narrowed(query)}
        top_k = query.similarity_top_k
        if mode == "hybrid":
            top_k = query.hybrid_top_k or top_k
            if query.alpha is not None:
                asked["fusion"] = f"convex:{query.alpha}"
        elif mode == "lexical":
            top_k = query.sparse_top_k or top_k
        if query.mode == VectorStoreQueryMode.MMR:
            threshold = kwargs.pop("mmr_threshold", None)
            threshold = query.mmr_threshold if threshold is None else threshold
            asked["diversity"] = 1.0 - (0.5 if threshold is None else threshold)
        asked.update(kwargs)
        found = self._search(query, top_k, asked)
        nodes = [_restored(what) if isinstance(what, Record) else _text_node(what) for what, _ in found]
        scores = [score for _, score in found]
        return VectorStoreQueryResult(nodes=nodes, similarities=scores, ids=[node.node_id for node in nodes])

    def _search(self, query: VectorStoreQuery, top_k: int, asked: Dict[str, Any]) -> List[_records.Found]:
        if asked["mode"] == "lexical" or self._vectors is None:
            if not query.query_str:
                raise ValueError("this search takes the text of a query: give its query_str")
            return _records.search(self._kb, query.query_str, top_k, **asked)
        if query.query_embedding is None:
            raise ValueError("the vectors of this store come from LlamaIndex: give the query's embedding")
        if asked["mode"] == "hybrid" and not query.query_str:
            raise ValueError("a hybrid search takes the text of a query too: give its query_str")
        with self._vectors.question(query.query_embedding):
            return _records.search(self._kb, query.query_str or QUESTION, top_k, **asked)

    def _narrowed(self, query: VectorStoreQuery) -> Optional[str]:
        parts = [_condition(query.filters)]
        # an index over a store that keeps texts names no nodes, which means all of them
        if query.doc_ids:
            parts.append(_filters.one_of(_filters.quote(f"meta.rag:{_DOCUMENT}"), query.doc_ids))
        if query.node_ids:
            parts.append(_filters.one_of("path", query.node_ids))
        return _filters.all_of(parts)

    async def aquery(self, query: VectorStoreQuery, **kwargs: Any) -> VectorStoreQueryResult:
        """As ``query``, off the event loop."""
        return await asyncio.to_thread(self.query, query, **kwargs)


def _stored(node: BaseNode) -> Record:
    whole = node_to_metadata_dict(node, remove_text=True)
    content = json.loads(whole["_node_content"])
    own = content.pop("metadata", {})
    extra = {"node": content, "type": whole["_node_type"]}
    labels = {_DOCUMENT: node.ref_doc_id} if node.ref_doc_id else {}
    return Record(node.node_id, node.get_content(MetadataMode.NONE), own, extra, labels)


def _restored(record: Record) -> BaseNode:
    if "node" not in record.extra:
        return TextNode(id_=record.id, text=record.text, metadata=record.metadata)
    content = json.dumps({**record.extra["node"], "metadata": record.metadata})
    return metadata_dict_to_node({"_node_content": content, "_node_type": record.extra["type"]}, record.text)


def _condition(given: Optional[MetadataFilters]) -> Optional[str]:
    if given is None or not given.filters:
        return None
    parts = [_condition(part) if isinstance(part, MetadataFilters) else _test(part) for part in given.filters]
    if given.condition == FilterCondition.OR:
        return _filters.any_of(parts)
    if given.condition == FilterCondition.NOT:
        return _filters.all_of(_filters.negated(part) for part in parts if part)
    return _filters.all_of(parts)


def _test(asked: MetadataFilter) -> str:
    field, operator, value = _filters.meta(asked.key), asked.operator, cast(Any, asked.value)
    if operator == FilterOperator.IS_EMPTY:
        return f"({_filters.negated(f'{field} glob ' + _filters.quote('?*'))}) OR ({_filters.compare(field, '=', '[]')})"
    if value is None:
        raise ValueError(f"{operator.value!r} compares with a value; is_empty finds nodes without {asked.key!r}")
    if operator in (FilterOperator.IN, FilterOperator.NIN, FilterOperator.ANY, FilterOperator.ALL):
        return _list_test(field, operator, value if isinstance(value, list) else [value])
    if operator == FilterOperator.EQ:
        return _filters.compare(field, "=", value)
    if operator == FilterOperator.NE:
        return _filters.negated(_filters.compare(field, "=", value))
    if operator == FilterOperator.CONTAINS:
        return _filters.holds(field, _filters.literal(_filters.element(value)))
    if operator == FilterOperator.TEXT_MATCH:
        return _filters.holds(field, _filters.literal(str(value)))
    if operator == FilterOperator.TEXT_MATCH_INSENSITIVE:
        return _filters.holds(field, _filters.any_case(str(value)))
    return _filters.compare(field, operator.value, value)


def _list_test(field: str, operator: FilterOperator, values: List[object]) -> str:
    if operator == FilterOperator.IN:
        return _filters.one_of(field, values)
    if operator == FilterOperator.NIN:
        return _filters.negated(_filters.one_of(field, values))
    parts = [_filters.holds(field, _filters.literal(_filters.element(value))) for value in values]
    if operator == FilterOperator.ANY:
        return _filters.any_of(parts) or _filters.NOTHING
    return _filters.all_of(parts) or _filters.exists(field)


class RagReranker(BaseNodePostprocessor):
    """Sorts nodes anew by a cross-encoder or a model of late interaction, and keeps the best; their scores become its scores.

    Args:
        reranker: A loaded reranker, or its name, path or hub id.
        top_n: Most nodes.
        kwargs: Further fields of ``BaseNodePostprocessor``.
    """

    top_n: int = 3

    _reranker: Reranker = PrivateAttr()

    def __init__(self, reranker: Union[Reranker, Path], top_n: int = 3, **kwargs: Any) -> None:
        super().__init__(**{"top_n": top_n, **kwargs})
        self._reranker = reranker if isinstance(reranker, Reranker) else Reranker(reranker)

    @classmethod
    def class_name(cls) -> str:
        """The name LlamaIndex writes."""
        return "RagReranker"

    def _postprocess_nodes(
        self, nodes: List[NodeWithScore], query_bundle: Optional[QueryBundle] = None
    ) -> List[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("a reranker needs the query")
        if not nodes:
            return []
        texts = [found.node.get_content(MetadataMode.EMBED) for found in nodes]
        scores: List[float] = self._reranker.score(query_bundle.query_str, texts).tolist()
        best = sorted(range(len(nodes)), key=lambda place: -scores[place])[: self.top_n]
        return [NodeWithScore(node=nodes[place].node, score=scores[place]) for place in best]


class RagReader(BaseReader):
    """Files as documents, read by the engine: PDF, office files, web pages, mail and what else it reads.

    Also a ``file_extractor`` of ``SimpleDirectoryReader``. Of a folder all files are read; those that cannot be are in ``skipped``, each
    with its reason.

    Args:
        options: Options of ``rag_py.read``.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.skipped: List[tuple[str, str]] = []

    def lazy_load_data(  # type: ignore[override]
        self, file: Union[Path, Sequence[Path]], extra_info: Optional[Dict[str, Any]] = None, **load_kwargs: Any
    ) -> Iterable[Document]:
        """One document for each file, with ``source``, ``kind``, ``title``, ``lang`` and what the file says of itself.

        Raises:
            RagError, OSError: A file that was named itself cannot be read.
        """
        self.skipped = []
        paths = [file] if isinstance(file, (str, FilePath)) or not isinstance(file, Sequence) else file
        for text, known in _reading.read_all(paths, self.skipped, **self.options):
            yield Document(text=text, metadata={**known, **(extra_info or {})})
