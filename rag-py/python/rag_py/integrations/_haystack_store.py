"""The document store for Haystack, and Haystack's filters as ours."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, List, Optional, Tuple, Union, cast

from haystack import Document, default_from_dict, default_to_dict
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError

import rag_py
from rag_py import Encoder, KnowledgeBase
from rag_py.integrations import _filters, _records
from rag_py.integrations._metadata import metadata
from rag_py.integrations._records import Record
from rag_py.integrations._vectors import QUESTION, GivenVectors
from rag_py.types import Path

Filters = Optional[Dict[str, Any]]


class RagDocumentStore:
    """A knowledge base as a document store: one file, searched by meaning and by words.

    A document's id is its uri in the knowledge base. Long texts are searched passage by passage and come back whole, with their metadata.
    Other documents of the file, such as files that were synced, are found by retrievers too, passage by passage; no call here counts,
    lists or removes them.

    Args:
        knowledge_base: An open knowledge base, which makes its vectors itself, from texts; or where to open or create one.
        embedding_dim: Length of the embeddings of documents, for a knowledge base that is opened here and takes its vectors from them.
            Default: the engine's own encoder makes them, and embeddings of documents are not used.
        keep_embeddings: Give embeddings back too; they are then kept as numbers beside what the engine makes of them.
        name: Stands for the embeddings: a file is only opened again under the name it was built with.
        options: Further options of ``rag_py.open``.
    """

    # what a pipeline's file calls it
    __module__ = "rag_py.integrations.haystack"

    def __init__(
        self,
        knowledge_base: Union[KnowledgeBase, Path] = ":memory:",
        *,
        embedding_dim: Optional[int] = None,
        keep_embeddings: bool = False,
        name: str = "haystack",
        **options: Any,
    ) -> None:
        self.keep_embeddings = keep_embeddings
        self._given: Dict[str, Any] = {"embedding_dim": embedding_dim, "name": name, **options}
        self._vectors: Optional[GivenVectors] = None
        if isinstance(knowledge_base, KnowledgeBase):
            if embedding_dim is not None or options:
                raise ValueError("an open knowledge base has its encoder and options already: give its path, or nothing else")
            self.knowledge_base = knowledge_base
            return
        if embedding_dim is not None:
            self._vectors = GivenVectors(name, embedding_dim)
            options["encoder"] = self._vectors.encoder
        self.knowledge_base = rag_py.open(knowledge_base, **options)

    def to_dict(self) -> Dict[str, Any]:
        """The store for a file: the knowledge base by its path, models by their names."""
        given = dict(self._given)
        if isinstance(given.get("encoder"), Encoder):
            given["encoder"] = given["encoder"].name
        path = str(self.knowledge_base.path)
        written: Dict[str, Any] = default_to_dict(
            self, knowledge_base=path, keep_embeddings=self.keep_embeddings, **given
        )
        return written

    @classmethod
    def from_dict(cls, data: Dict[str, Any]) -> RagDocumentStore:
        """The store again."""
        made: RagDocumentStore = default_from_dict(cls, data)
        return made

    def count_documents(self) -> int:
        """How many documents are stored."""
        return _records.count(self.knowledge_base)

    def count_documents_by_filter(self, filters: Filters) -> int:
        """How many documents pass."""
        return _records.count(self.knowledge_base, condition(filters))

    def filter_documents(self, filters: Filters = None) -> List[Document]:
        """The documents that pass, in the order in which they were written.

        Raises:
            FilterError: A filter that is malformed, or asks for what ``docs/frameworks.md`` lists as missing.
        """
        return [_document(record) for record in _records.where(self.knowledge_base, condition(filters))]

    def write_documents(self, documents: List[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE) -> int:
        """Stores documents and says how many were written. Without a policy an id that is there already is an error.

        Raises:
            DuplicateDocumentError: An id is there already, and the policy is to fail.
            ValueError: Something that is no document, holds no words, has a blob or a sparse embedding, or lacks its embedding where
                the store takes its vectors from there.
        """
        if not isinstance(cast(object, documents), list) or not all(isinstance(cast(object, one), Document) for one in documents):
            raise ValueError("write_documents takes a list of documents")
        records = [self._record(document) for document in documents]
        written = 0
        for record, document in zip(records, documents):
            if policy != DuplicatePolicy.OVERWRITE and record.id in self.knowledge_base:
                if policy == DuplicatePolicy.SKIP:
                    continue
                raise DuplicateDocumentError(f"there is a document {record.id!r} already")
            self._put(record, document.embedding)
            written += 1
        return written

    def _record(self, document: Document) -> Record:
        for what in ("blob", "sparse_embedding"):
            if getattr(document, what) is not None:
                raise ValueError(f"document {document.id!r} has a {what}, which a knowledge base does not keep")
        if self._vectors is not None and document.embedding is None:
            raise ValueError(f"document {document.id!r} has no embedding: let an embedder make it, or open the store without embedding_dim")
        extra: Dict[str, Any] = {}
        if document.score is not None:
            extra["score"] = document.score
        if self.keep_embeddings and document.embedding is not None:
            extra["embedding"] = document.embedding
        return _records.checked(Record(document.id, document.content or "", dict(document.meta), extra))

    def _put(self, record: Record, embedding: Optional[List[float]]) -> None:
        with self._vectors.passages({}, embedding) if self._vectors else nullcontext():
            _records.put(self.knowledge_base, record)

    def delete_documents(self, document_ids: List[str]) -> None:
        """Removes the documents with these ids; those that are not there are passed over."""
        _records.remove(self.knowledge_base, document_ids)

    def delete_all_documents(self) -> None:
        """Removes all documents."""
        _records.remove_where(self.knowledge_base)

    def delete_by_filter(self, filters: Filters) -> int:
        """Removes the documents that pass, and says how many there were."""
        return _records.remove_where(self.knowledge_base, condition(filters))

    def update_by_filter(self, filters: Filters, meta: Dict[str, Any]) -> int:
        """Adds to the metadata of the documents that pass, and says how many there were.

        Raises:
            ValueError: The store takes its vectors from documents and does not keep them.
        """
        if self._vectors is not None and not self.keep_embeddings:
            raise ValueError("the embeddings are not kept: write the documents anew, or open the store with keep_embeddings=True")
        found = _records.where(self.knowledge_base, condition(filters))
        changed = [replace(record, metadata={**record.metadata, **meta}) for record in found]
        for record in changed:
            _records.checked(record)
        for record in changed:
            self._put(record, record.extra.get("embedding"))
        return len(changed)

    def count_unique_metadata_by_filter(self, filters: Filters, metadata_fields: List[str]) -> Dict[str, int]:
        """How many different values each field has among the documents that pass."""
        found = _records.where(self.knowledge_base, condition(filters))
        return {_bare(field): len(_different(found, field)) for field in metadata_fields}

    def get_metadata_fields_info(self) -> Dict[str, Dict[str, str]]:
        """The fields of the metadata, each with its ``type``: that of its first value."""
        fields: Dict[str, Dict[str, str]] = {}
        for record in _records.where(self.knowledge_base):
            for key, value in record.metadata.items():
                fields.setdefault(key, {"type": type(value).__name__})
        return fields

    def get_metadata_field_min_max(self, metadata_field: str) -> Dict[str, Any]:
        """The least and the greatest value of a field; None where no document has it."""
        values = _different(_records.where(self.knowledge_base), metadata_field)
        return {"min": min(values, default=None), "max": max(values, default=None)}

    def get_metadata_field_unique_values(
        self,
        metadata_field: str,
        search_term: Optional[str] = None,
        from_: int = 0,
        size: Optional[int] = 10,
        filters: Filters = None,
    ) -> Tuple[List[Any], int]:
        """``size`` of the different values of a field, from the one numbered ``from_``, and how many there are.

        They are in the order of their texts. ``search_term`` keeps those that hold it, in any case.
        """
        values = _different(_records.where(self.knowledge_base, condition(filters)), metadata_field)
        if search_term:
            values = [value for value in values if search_term.lower() in str(value).lower()]
        values.sort(key=lambda value: (str(value), type(value).__name__))
        return values[from_ : None if size is None else from_ + size], len(values)

    def search(
        self, query: Optional[str], embedding: Optional[List[float]], filters: Filters, top_k: int, **options: Any
    ) -> List[Document]:
        """The documents that answer best, best first: what retrievers call.

        Raises:
            ValueError: A vector where the engine makes them, or none where documents bring them.
        """
        asked: Dict[str, Any] = {"filter": condition(filters), **options}
        if embedding is not None and self._vectors is None:
            raise ValueError("the engine's own encoder takes questions, not vectors: open the store with embedding_dim")
        if embedding is None and self._vectors is not None and asked.get("mode") != "lexical":
            raise ValueError('the vectors of this store come from documents: search by an embedding, or with mode="lexical"')
        with self._vectors.question(embedding) if self._vectors else nullcontext():
            found = _records.search(self.knowledge_base, query or QUESTION, top_k, **asked)
        documents: List[Document] = []
        for what, score in found:
            if isinstance(what, Record):
                documents.append(replace(_document(what), score=score))
            else:
                about = metadata(what)
                documents.append(Document(id=_records.passage_id(what), content=what.text, meta=about, score=score))
        return documents

    async def count_documents_async(self) -> int:
        """As ``count_documents``, off the event loop; so are all that follow."""
        return await asyncio.to_thread(self.count_documents)

    async def count_documents_by_filter_async(self, filters: Filters) -> int:
        """As ``count_documents_by_filter``."""
        return await asyncio.to_thread(self.count_documents_by_filter, filters)

    async def filter_documents_async(self, filters: Filters = None) -> List[Document]:
        """As ``filter_documents``."""
        return await asyncio.to_thread(self.filter_documents, filters)

    async def write_documents_async(
        self, documents: List[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """As ``write_documents``."""
        return await asyncio.to_thread(self.write_documents, documents, policy)

    async def delete_documents_async(self, document_ids: List[str]) -> None:
        """As ``delete_documents``."""
        await asyncio.to_thread(self.delete_documents, document_ids)

    async def delete_all_documents_async(self) -> None:
        """As ``delete_all_documents``."""
        await asyncio.to_thread(self.delete_all_documents)

    async def delete_by_filter_async(self, filters: Filters) -> int:
        """As ``delete_by_filter``."""
        return await asyncio.to_thread(self.delete_by_filter, filters)

    async def update_by_filter_async(self, filters: Filters, meta: Dict[str, Any]) -> int:
        """As ``update_by_filter``."""
        return await asyncio.to_thread(self.update_by_filter, filters, meta)

    async def count_unique_metadata_by_filter_async(self, filters: Filters, metadata_fields: List[str]) -> Dict[str, int]:
        """As ``count_unique_metadata_by_filter``."""
        return await asyncio.to_thread(self.count_unique_metadata_by_filter, filters, metadata_fields)

    async def get_metadata_fields_info_async(self) -> Dict[str, Dict[str, str]]:
        """As ``get_metadata_fields_info``."""
        return await asyncio.to_thread(self.get_metadata_fields_info)

    async def get_metadata_field_min_max_async(self, metadata_field: str) -> Dict[str, Any]:
        """As ``get_metadata_field_min_max``."""
        return await asyncio.to_thread(self.get_metadata_field_min_max, metadata_field)

    async def get_metadata_field_unique_values_async(
        self,
        metadata_field: str,
        search_term: Optional[str] = None,
        from_: int = 0,
        size: Optional[int] = 10,
        filters: Filters = None,
    ) -> Tuple[List[Any], int]:
        """As ``get_metadata_field_unique_values``."""
        return await asyncio.to_thread(
            self.get_metadata_field_unique_values, metadata_field, search_term, from_, size, filters
        )


def _document(record: Record) -> Document:
    extra = record.extra
    return Document(
        id=record.id,
        content=record.text,
        meta=record.metadata,
        score=extra.get("score"),
        embedding=extra.get("embedding"),
    )


def _bare(field: str) -> str:
    return field[5:] if field.startswith("meta.") else field


def _different(records: List[Record], field: str) -> List[Any]:
    """The values of a field, each once; 1, 1.0, "1" and True are four."""
    found = (record.metadata.get(_bare(field)) for record in records)
    return list({(type(value), repr(value)): value for value in found if value is not None}.values())


def condition(filters: Filters) -> Optional[str]:
    """Haystack's filters as a filter of a knowledge base.

    Raises:
        FilterError: They are malformed, or ask for what we have not.
    """
    if not filters:
        return None
    try:
        return _comparison(filters) if "field" in filters else _logic(filters)
    except ValueError as error:
        raise FilterError(str(error)) from error


def _logic(filters: Dict[str, Any]) -> Optional[str]:
    for key in ("operator", "conditions"):
        if key not in filters:
            raise FilterError(f"{key!r} is missing in {filters}")
    parts = [condition(part) for part in filters["conditions"]]
    operator = filters["operator"]
    if operator == "OR":
        return _filters.any_of(parts) or _filters.NOTHING
    if operator == "AND":
        return _filters.all_of(parts)
    if operator == "NOT":
        both = _filters.all_of(parts)
        return _filters.negated(both) if both else _filters.NOTHING
    raise FilterError(f"conditions are joined by AND, OR and NOT, not by {operator!r}")


_OPERATORS = ("==", "!=", ">", ">=", "<", "<=", "in", "not in")
_UNKNOWN = ("content", "embedding", "blob", "score", "sparse_embedding")


def _comparison(filters: Dict[str, Any]) -> str:
    for key in ("operator", "value"):
        if key not in filters:
            raise FilterError(f"{key!r} is missing in {filters}")
    name, operator, value = str(filters["field"]), filters["operator"], filters["value"]
    if operator not in _OPERATORS:
        raise FilterError(f"the operator {operator!r} is not there; there are {', '.join(_OPERATORS)}")
    if name in _UNKNOWN:
        raise FilterError(f"a knowledge base is filtered by id and metadata, not by {name}")
    field = "path" if name == "id" else _filters.meta(_bare(name))
    if operator in ("in", "not in"):
        if not isinstance(value, list):
            raise FilterError(f"{operator!r} takes a list, not {value!r}")
        among = _filters.one_of(field, value)
        return among if operator == "in" else _filters.negated(among)
    if operator in ("==", "!="):
        same = _same(field, value)
        return same if operator == "==" else _filters.negated(same)
    return _order(field, operator, value)


def _same(field: str, value: Any) -> str:
    if value is None:
        return _filters.negated(_filters.exists(field))
    if isinstance(value, list):
        return _filters.compare(field, "=", dict(_records.flat({"": value}))[""])
    return _filters.compare(field, "=", value.isoformat() if isinstance(value, datetime) else value)


def _order(field: str, operator: str, value: Any) -> str:
    if value is None:
        return _filters.NOTHING
    if isinstance(value, datetime):
        value = value.isoformat()
    elif isinstance(value, str):
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            raise FilterError(f"{operator} compares numbers and ISO dates, not {value!r}") from error
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FilterError(f"{operator} compares numbers and ISO dates, not {value!r}")
    return _filters.compare(field, operator, value)
