"""Documents of a framework's store as documents of a knowledge base.

A record is one document whose uri is the framework's id. Its text comes back as it was given, to the byte, and its metadata with its types;
both beside what the engine makes of them: passages to search, and texts to filter by. A knowledge base may hold other documents too, such
as files; a search finds them passage by passage, and no call here removes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union, cast

from rag_py import Document, Hit, KnowledgeBase
from rag_py.integrations import _filters as filters

OURS = "rag:"
"""Begins the keys of the metadata that are not the caller's."""
MOST_HITS = 10_000
"""Of one search."""
_CERTAIN = 400
"""A longer text may be cut into passages; it is kept whole beside them. Shorter ones are looked at once they are there."""


@dataclass
class Record:
    """One document of a framework's store."""

    id: str
    text: str
    metadata: Dict[str, Any] = field(default_factory=dict)
    extra: Dict[str, Any] = field(default_factory=dict)
    """What else the framework wants back, as JSON has it."""
    labels: Dict[str, str] = field(default_factory=dict)
    """What else it filters by: ``rag:NAME`` in a filter."""


def flat(metadata: Mapping[str, Any], prefix: str = "") -> Iterator[Tuple[str, str]]:
    """What a filter sees: scalars as text, dicts with a dot between keys, lists as JSON of texts. What is None is left out."""
    for key, value in metadata.items():
        if not isinstance(cast(object, key), str):
            raise TypeError(f"metadata is named by texts, not by {key!r}")
        name = prefix + key
        if isinstance(value, Mapping):
            yield from flat(cast(Mapping[str, Any], value), f"{name}.")
        elif isinstance(value, (list, tuple)):
            parts = cast(Sequence[object], value)
            yield name, "[" + ",".join(json.dumps(_text(part), ensure_ascii=False) for part in parts) + "]"
        elif value is not None:
            yield name, _text(value)


def _text(value: object) -> str:
    try:
        return filters.scalar(value)
    except ValueError:
        return str(value)


def checked(record: Record) -> Record:
    """The record, if it can be stored.

    Raises:
        ValueError: No id, or a text without words.
        TypeError: Metadata that JSON does not have.
    """
    if not record.id.strip():
        raise ValueError("a document needs an id")
    if not record.text.strip():
        raise ValueError(f"document {record.id!r} holds no words: a knowledge base keeps texts; leave it out")
    try:
        json.dumps(record.metadata)
    except (TypeError, ValueError) as error:
        reason = f"the metadata of document {record.id!r} takes texts, numbers, flags, None, lists and dicts: {error}"
        raise TypeError(reason) from error
    return record


def put(kb: KnowledgeBase, record: Record) -> None:
    """Stores a record in place of any with its id. Check it first."""
    note: Dict[str, Any] = {}
    if not all(isinstance(value, str) and not key.startswith(OURS) for key, value in record.metadata.items()):
        note["metadata"] = record.metadata
    if record.extra:
        note["extra"] = record.extra
    if len(record.text) > _CERTAIN or record.text != record.text.strip():
        note["text"] = record.text
    held = {key: value for key, value in flat(record.metadata) if not key.startswith(OURS)}
    held.update((OURS + key, value) for key, value in record.labels.items())
    held[filters.RECORD] = json.dumps(note, ensure_ascii=False)
    ids = kb.add(record.text, record.id, held)
    if "text" not in note:
        passage = kb.passage(ids[0]) if len(ids) == 1 else None
        if passage is None or passage.text != record.text:
            held[filters.RECORD] = json.dumps({**note, "text": record.text}, ensure_ascii=False)
            kb.add(record.text, record.id, held)


def _record(kb: KnowledgeBase, document: Document) -> Record:
    held = document.metadata
    note: Dict[str, Any] = json.loads(held[filters.RECORD])
    text = note.get("text")
    if text is None:
        text = "".join(passage.text for passage in kb.passages(document.uri))
    own = {key: value for key, value in held.items() if not key.startswith(OURS)}
    labels = {key[len(OURS) :]: value for key, value in held.items() if key.startswith(OURS) and key != filters.RECORD}
    return Record(document.uri, text, note.get("metadata", own), note.get("extra", {}), labels)


def _documents(kb: KnowledgeBase, condition: Optional[str]) -> List[Document]:
    every = filters.exists(filters.meta(filters.RECORD))
    found = kb.documents(filters.all_of([every, condition]))
    return sorted((document for document in found if filters.RECORD in document.metadata), key=lambda found: found.id)


def where(kb: KnowledgeBase, condition: Optional[str] = None) -> List[Record]:
    """The records that pass, in the order in which they were stored."""
    return [_record(kb, document) for document in _documents(kb, condition)]


def count(kb: KnowledgeBase, condition: Optional[str] = None) -> int:
    """How many records pass."""
    return len(_documents(kb, condition))


def named(kb: KnowledgeBase, ids: Iterable[str]) -> Dict[str, Record]:
    """The records of these ids; those that are not there are left out."""
    found: Dict[str, Record] = {}
    for id in dict.fromkeys(ids):
        document = kb.document(id)
        if document is not None and filters.RECORD in document.metadata:
            found[id] = _record(kb, document)
    return found


def remove(kb: KnowledgeBase, ids: Iterable[str]) -> int:
    """Removes the records of these ids, and says how many there were."""
    return sum(kb.remove(id) for id in named(kb, ids))


def remove_where(kb: KnowledgeBase, condition: Optional[str] = None) -> int:
    """Removes the records that pass, all without a condition, and says how many there were."""
    return sum(kb.remove(document.uri) for document in _documents(kb, condition))


Found = Tuple[Union[Record, Hit], float]


def search(kb: KnowledgeBase, question: str, top_k: int, **options: Any) -> List[Found]:
    """The records that answer best, each once and whole, with the score of their best passage; best first.

    A hit of a document that is no record is itself what is found. Marks in the question are text unless ``syntax`` says otherwise.
    """
    if top_k < 1:
        return []
    options = {"syntax": "plain", **options}
    wanted = top_k
    while True:
        hits = kb.search(question, min(wanted, MOST_HITS), **options)
        records = named(kb, {hit.uri for hit in hits if hit.store == 0})
        found: Dict[Tuple[int, object], Found] = {}
        for hit in hits:
            record = records.get(hit.uri) if hit.store == 0 else None
            if record is None:
                found.setdefault((hit.store, hit.passage_id), (hit, hit.score))
            else:
                found.setdefault((0, record.id), (record, hit.score))
        if len(found) >= top_k or len(hits) < wanted or wanted >= MOST_HITS:
            return list(found.values())[:top_k]
        wanted *= 4


def passage_id(hit: Hit) -> str:
    """The id of what is found in a document that is no record."""
    return f"{hit.store}:{hit.passage_id}"
