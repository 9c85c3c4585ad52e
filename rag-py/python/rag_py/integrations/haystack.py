"""Haystack: a knowledge base as a document store, our encoder, generator, reranker and readers as components. Needs ``haystack-ai``.

``pip install rag-py[haystack]``. A document store keeps whole documents under their ids; ``RagRetriever`` gives the passages of any
knowledge base, such as one that mirrors a folder.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Literal, Optional, Union

from haystack import Document, component, default_from_dict, default_to_dict
from haystack.document_stores.types import FilterPolicy, apply_filter_policy

import rag_py
from rag_py import Encoder, Hit, KnowledgeBase, Reranker
from rag_py.integrations._haystack_models import (
    RagChatGenerator as RagChatGenerator,
    RagConverter as RagConverter,
    RagGenerator as RagGenerator,
    named_model,
)
from rag_py.integrations._haystack_store import RagDocumentStore as RagDocumentStore
from rag_py.integrations._metadata import metadata
from rag_py.integrations._records import passage_id
from rag_py.types import Path

__all__ = [
    "RagChatGenerator",
    "RagConverter",
    "RagDocumentEmbedder",
    "RagDocumentRetriever",
    "RagDocumentStore",
    "RagEmbeddingRetriever",
    "RagGenerator",
    "RagRanker",
    "RagRetriever",
    "RagTextEmbedder",
]

def _document(hit: Hit) -> Document:
    return Document(id=passage_id(hit), content=hit.text, meta=metadata(hit), score=hit.score)


@component
class RagRetriever:
    """The passages of a knowledge base that answer a question best, best first.

    Args:
        knowledge_base: The open knowledge base, or its path.
        top_k: Most passages.
        options: Further options of ``KnowledgeBase.search``.
    """

    def __init__(self, knowledge_base: Union[KnowledgeBase, Path], top_k: int = 5, **options: Any) -> None:
        if not isinstance(knowledge_base, KnowledgeBase):
            knowledge_base = rag_py.open(knowledge_base, read_only=True)
        self.knowledge_base = knowledge_base
        self.top_k = top_k
        self.options = options

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file: the knowledge base by its path, opened again by the encoder that it names itself."""
        path = self.knowledge_base.path
        if path == ":memory:":
            raise ValueError("a knowledge base in memory cannot be written down: give it a file")
        return default_to_dict(self, knowledge_base=path, top_k=self.top_k, **self.options)

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagRetriever:
        """The component again."""
        made: RagRetriever = default_from_dict(cls, data)
        return made

    @component.output_types(documents=List[Document])
    def run(self, query: str, top_k: Optional[int] = None) -> Dict[str, List[Document]]:
        """Searches; ``top_k`` here takes the place of the one above."""
        hits = self.knowledge_base.search(query, top_k or self.top_k, **self.options)
        return {"documents": [_document(hit) for hit in hits]}


# a component is made anew by its decorator, which a bare super() does not survive
class _StoreRetriever:
    """What both retrievers over a document store have."""

    def __init__(
        self,
        document_store: RagDocumentStore,
        filters: Optional[Dict[str, Any]],
        top_k: int,
        filter_policy: Union[str, FilterPolicy],
    ) -> None:
        if not isinstance(document_store, RagDocumentStore):
            raise ValueError(f"the document store is a RagDocumentStore, not {type(document_store).__name__}")
        self.document_store = document_store
        self.filters = filters
        self.top_k = top_k
        self.filter_policy = FilterPolicy.from_str(filter_policy) if isinstance(filter_policy, str) else filter_policy

    def _narrowed(self, filters: Optional[Dict[str, Any]]) -> Optional[Dict[str, Any]]:
        both: Optional[Dict[str, Any]] = apply_filter_policy(self.filter_policy, self.filters, filters)
        return both

    def _written(self, **more: Any) -> Dict[str, Any]:
        written: Dict[str, Any] = default_to_dict(
            self,
            document_store=self.document_store.to_dict(),
            filters=self.filters,
            top_k=self.top_k,
            filter_policy=self.filter_policy.value,
            **more,
        )
        return written


def _with_store(data: Dict[str, Any]) -> Dict[str, Any]:
    given = data["init_parameters"]
    store = given["document_store"]
    if isinstance(store, dict):
        store = RagDocumentStore.from_dict(store)
    return {**data, "init_parameters": {**given, "document_store": store}}


@component
class RagDocumentRetriever(_StoreRetriever):
    """The documents of a store that answer a question in words best, best first, each once and whole.

    Args:
        document_store: The store. One that takes its vectors from documents is searched by words alone: give ``mode="lexical"``.
        filters: Haystack's filters.
        top_k: Most documents.
        filter_policy: Whether filters of ``run`` replace these or are merged with them.
        mode: ``"hybrid"``, ``"dense"`` or ``"lexical"``.
        options: Further options of ``KnowledgeBase.search``.
    """

    def __init__(
        self,
        document_store: RagDocumentStore,
        filters: Optional[Dict[str, Any]] = None,
        top_k: int = 10,
        filter_policy: Union[str, FilterPolicy] = FilterPolicy.REPLACE,
        mode: Literal["hybrid", "dense", "lexical"] = "hybrid",
        options: Optional[Dict[str, Any]] = None,
    ) -> None:
        _StoreRetriever.__init__(self, document_store, filters, top_k, filter_policy)
        self.mode = mode
        self.options = options or {}

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        return self._written(mode=self.mode, options=self.options)

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagDocumentRetriever:
        """The component again."""
        made: RagDocumentRetriever = default_from_dict(cls, _with_store(data))
        return made

    @component.output_types(documents=List[Document])
    def run(
        self, query: str, filters: Optional[Dict[str, Any]] = None, top_k: Optional[int] = None
    ) -> Dict[str, List[Document]]:
        """Searches; what is given here takes the place of what was given above."""
        top_k = self.top_k if top_k is None else top_k
        options = {"mode": self.mode, **self.options}
        return {"documents": self.document_store.search(query, None, self._narrowed(filters), top_k, **options)}


@component
class RagEmbeddingRetriever(_StoreRetriever):
    """The documents nearest to a vector, best first, of a store that takes its vectors from documents.

    Args:
        document_store: The store, opened with an ``embedding_dim``.
        filters: Haystack's filters.
        top_k: Most documents.
        filter_policy: Whether filters of ``run`` replace these or are merged with them.
    """

    def __init__(
        self,
        document_store: RagDocumentStore,
        filters: Optional[Dict[str, Any]] = None,
        top_k: int = 10,
        filter_policy: Union[str, FilterPolicy] = FilterPolicy.REPLACE,
    ) -> None:
        _StoreRetriever.__init__(self, document_store, filters, top_k, filter_policy)

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        return self._written()

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagEmbeddingRetriever:
        """The component again."""
        made: RagEmbeddingRetriever = default_from_dict(cls, _with_store(data))
        return made

    @component.output_types(documents=List[Document])
    def run(
        self,
        query_embedding: List[float],
        query: Optional[str] = None,
        filters: Optional[Dict[str, Any]] = None,
        top_k: Optional[int] = None,
    ) -> Dict[str, List[Document]]:
        """Searches by the vector; with the words of the question too, by both."""
        top_k = self.top_k if top_k is None else top_k
        mode = "hybrid" if query else "dense"
        narrowed = self._narrowed(filters)
        return {"documents": self.document_store.search(query, query_embedding, narrowed, top_k, mode=mode)}


class _Encoding:
    """An encoder that is loaded when it is first needed."""

    def __init__(self, model: Union[Encoder, str]) -> None:
        self.model = model
        self._encoder = model if isinstance(model, Encoder) else None

    def warm_up(self) -> None:
        """Loads the encoder."""
        self._loaded()

    def _loaded(self) -> Encoder:
        if self._encoder is None:
            self._encoder = Encoder(str(self.model))
        return self._encoder


@component
class RagTextEmbedder(_Encoding):
    """The vector of a question by our encoder, which puts in its own prefix.

    Args:
        model: A loaded encoder, or its name, path or hub id.
    """

    def __init__(self, model: Union[Encoder, str] = "e5-small") -> None:
        _Encoding.__init__(self, model)

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        written: Dict[str, Any] = default_to_dict(self, model=named_model(self.model))
        return written

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagTextEmbedder:
        """The component again."""
        made: RagTextEmbedder = default_from_dict(cls, data)
        return made

    @component.output_types(embedding=List[float])
    def run(self, text: str) -> Dict[str, Any]:
        """A unit vector."""
        return {"embedding": self._loaded().encode_queries([text])[0].tolist()}


@component
class RagDocumentEmbedder(_Encoding):
    """The vectors of documents by our encoder, which puts in its own prefix.

    Args:
        model: A loaded encoder, or its name, path or hub id.
        meta_fields_to_embed: Keys of the metadata that are read before the text.
        embedding_separator: Stands between these.
    """

    def __init__(
        self,
        model: Union[Encoder, str] = "e5-small",
        meta_fields_to_embed: Optional[List[str]] = None,
        embedding_separator: str = "\n",
    ) -> None:
        _Encoding.__init__(self, model)
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        written: Dict[str, Any] = default_to_dict(
            self,
            model=named_model(self.model),
            meta_fields_to_embed=self.meta_fields_to_embed,
            embedding_separator=self.embedding_separator,
        )
        return written

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagDocumentEmbedder:
        """The component again."""
        made: RagDocumentEmbedder = default_from_dict(cls, data)
        return made

    def _text(self, document: Document) -> str:
        known = [str(document.meta[key]) for key in self.meta_fields_to_embed if document.meta.get(key) is not None]
        return self.embedding_separator.join([*known, document.content or ""])

    @component.output_types(documents=List[Document])
    def run(self, documents: List[Document]) -> Dict[str, List[Document]]:
        """The same documents, each with its unit vector."""
        if not documents:
            return {"documents": []}
        rows = self._loaded().encode_passages([self._text(document) for document in documents]).tolist()
        return {"documents": [replace(document, embedding=row) for document, row in zip(documents, rows)]}


@component
class RagRanker:
    """Sorts documents anew by a cross-encoder or a model of late interaction, and keeps the best; their scores become its scores.

    Args:
        model: A loaded reranker, or its name, path or hub id.
        top_k: Most documents.
    """

    def __init__(self, model: Union[Reranker, str] = "ms-marco-minilm", top_k: int = 10) -> None:
        self.model = model
        self.top_k = top_k
        self._reranker = model if isinstance(model, Reranker) else None

    def warm_up(self) -> None:
        """Loads the reranker."""
        self._loaded()

    def _loaded(self) -> Reranker:
        if self._reranker is None:
            self._reranker = Reranker(str(self.model))
        return self._reranker

    def to_dict(self) -> Dict[str, Any]:
        """The component for a file."""
        written: Dict[str, Any] = default_to_dict(self, model=named_model(self.model), top_k=self.top_k)
        return written

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagRanker:
        """The component again."""
        made: RagRanker = default_from_dict(cls, data)
        return made

    @component.output_types(documents=List[Document])
    def run(self, query: str, documents: List[Document], top_k: Optional[int] = None) -> Dict[str, List[Document]]:
        """The best documents, best first."""
        if not documents:
            return {"documents": []}
        scores = self._loaded().score(query, [document.content or "" for document in documents]).tolist()
        best = sorted(range(len(documents)), key=lambda place: -scores[place])[: top_k or self.top_k]
        return {"documents": [replace(documents[place], score=scores[place]) for place in best]}
