"""Hits, passages, documents and citations as tables of pandas and Arrow. Needs ``pandas`` or ``pyarrow``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Protocol, cast

if TYPE_CHECKING:
    import pandas
    import pyarrow


class Row(Protocol):
    """Anything of ``rag_py`` that has ``to_dict``: a hit, a passage, a document, a citation."""

    def to_dict(self) -> Dict[str, Any]:
        """Its fields."""
        ...


def rows(items: Iterable[Row]) -> List[Dict[str, Any]]:
    """One flat dict for each item: what is nested gets a name with a dot, such as ``ranks.dense``."""
    flat: List[Dict[str, Any]] = []
    for item in items:
        row: Dict[str, Any] = {}
        for key, value in item.to_dict().items():
            if isinstance(value, dict):
                nested = cast(Dict[str, Any], value)
                row.update((f"{key}.{inner}", part) for inner, part in nested.items())
            else:
                row[key] = value
        flat.append(row)
    return flat


def to_pandas(items: Iterable[Row]) -> pandas.DataFrame:
    """A data frame with one row for each item, in order.

    >>> from rag_py.integrations.tables import to_pandas
    >>> to_pandas(kb.search("winter", top_k=20)).groupby("uri").score.max()  # doctest: +SKIP
    """
    import pandas

    return pandas.DataFrame(rows(items))


def to_arrow(items: Iterable[Row]) -> pyarrow.Table:
    """An Arrow table with one row for each item, in order; a column that not all items have holds nulls."""
    import pyarrow

    flat = rows(items)
    names = list(dict.fromkeys(name for row in flat for name in row))
    return pyarrow.table({name: [row.get(name) for row in flat] for name in names})
