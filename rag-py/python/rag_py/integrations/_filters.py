"""Conditions on metadata as filters of a knowledge base.

What frameworks ask for is written in the text form of a filter; names and values are quoted, so that whatever they say is data.
"""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Union, cast

RECORD = "rag:record"
"""The key of the metadata under which a record keeps what a knowledge base has no place for."""

BUILT_IN = ("kind", "path", "uri", "title", "lang", "size", "modified")
"""Fields that every document has."""


def quote(text: str) -> str:
    """A name or value, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"


def meta(key: str) -> str:
    """The field of a key of the metadata."""
    return quote(f"meta.{key}")


def scalar(value: object) -> str:
    """A text, number or flag as metadata and filters have it.

    Raises:
        ValueError: It is none of them, or a number that is not finite.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    raise ValueError(f"a filter compares with texts, finite numbers and flags, not with {value!r}")


def element(value: object) -> str:
    """A value as it stands in a list of the metadata."""
    return json.dumps(scalar(value), ensure_ascii=False)


def compare(field: str, operator: str, value: object) -> str:
    """``operator`` is one of ``= != < <= > >=``; a document without the field does not pass."""
    return f"{field} {operator} {quote(scalar(value))}"


def one_of(field: str, values: Sequence[object]) -> str:
    """The field is one of the values; nothing passes if there are none."""
    if not values:
        return NOTHING
    return f"{field} in ({', '.join(quote(scalar(value)) for value in values)})"


def exists(field: str) -> str:
    """The document has the field."""
    return f"{field} glob '*'"


NOTHING = f"({exists(meta(RECORD))}) AND NOT ({exists(meta(RECORD))})"
"""What no document passes."""


def literal(text: str) -> str:
    """A text as part of a pattern that stands for itself."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def any_case(text: str) -> str:
    """The same, whatever the case of its letters."""
    parts: List[str] = []
    for character in text:
        cases = sorted({character, character.lower(), character.upper()})
        single = all(len(case) == 1 for case in cases)
        parts.append(f"[{''.join(cases)}]" if len(cases) > 1 and single else literal(character))
    return "".join(parts)


def holds(field: str, pattern: str) -> str:
    """The field holds the pattern anywhere."""
    return f"{field} glob {quote(f'*{pattern}*')}"


def negated(part: str) -> str:
    """What does not pass."""
    return f"NOT ({part})"


def all_of(parts: Iterable[Optional[str]]) -> Optional[str]:
    """All hold; None, which is no filter, if there are none."""
    return _joined(parts, " AND ")


def any_of(parts: Iterable[Optional[str]]) -> Optional[str]:
    """At least one holds; None, which is no filter, if there are none."""
    return _joined(parts, " OR ")


def _joined(parts: Iterable[Optional[str]], word: str) -> Optional[str]:
    kept = [part for part in parts if part]
    return word.join(f"({part})" for part in kept) if len(kept) > 1 else next(iter(kept), None)


Test = Callable[[str, Any], str]


def _comparison(operator: str) -> Test:
    return lambda field, value: compare(field, operator, value)


_TESTS: Dict[str, Test] = {
    **{operator: _comparison(operator) for operator in ("=", "!=", "<", "<=", ">", ">=")},
    "==": _comparison("="),
    "in": one_of,
    "glob": lambda field, value: f"{field} glob {quote(scalar(value))}",
    "$eq": _comparison("="),
    "$ne": lambda field, value: negated(compare(field, "=", value)),
    "$lt": _comparison("<"),
    "$lte": _comparison("<="),
    "$gt": _comparison(">"),
    "$gte": _comparison(">="),
    "$in": one_of,
    "$nin": lambda field, value: negated(one_of(field, value)),
    "$exists": lambda field, value: exists(field) if value else negated(exists(field)),
}


def from_mapping(filter: Union[str, Mapping[str, Any], None]) -> Optional[str]:
    """A filter as text, from text or from a dict.

    ``{"year": {">=": 2020}, "lang": ["fr", "en"]}`` as ``KnowledgeBase.search`` takes it, or with the operators that other vector
    stores have: ``$eq $ne $lt $lte $gt $gte $in $nin $exists``, and ``$and $or $not`` around dicts. A key that is also a field of
    every document, such as ``title``, means both.

    Raises:
        ValueError: It is something else, or an operator is unknown.
    """
    if filter is None or isinstance(filter, str):
        return filter or None
    if not isinstance(cast(object, filter), Mapping):
        raise ValueError(f"a filter is a text or a dict, not {type(filter).__name__}")
    return all_of(_pair(key, wanted) for key, wanted in filter.items())


def _pair(key: str, wanted: Any) -> Optional[str]:
    if key == "$and":
        return all_of(from_mapping(part) for part in wanted)
    if key == "$or":
        return any_of(from_mapping(part) for part in wanted)
    if key == "$not":
        part = from_mapping(wanted)
        return negated(part) if part else NOTHING
    if key.startswith("$"):
        raise ValueError(f"a filter has $and, $or and $not around conditions, not {key}")
    own = meta(key[5:] if key.startswith("meta.") else key)
    fields = [quote(key), own] if key in BUILT_IN else [own]
    return any_of(_tests(field, wanted) for field in fields)


def _tests(field: str, wanted: Any) -> Optional[str]:
    if isinstance(wanted, (list, tuple, set)):
        return one_of(field, list(cast(Iterable[object], wanted)))
    if not isinstance(wanted, Mapping):
        return compare(field, "=", wanted)
    parts: List[str] = []
    for operator, value in cast(Mapping[str, Any], wanted).items():
        test = _TESTS.get(operator)
        if test is None:
            raise ValueError(f"a filter has no operator {operator!r}; it has {' '.join(_TESTS)}")
        parts.append(test(field, value))
    return all_of(parts)
