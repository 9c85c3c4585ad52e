"""Hits and documents as tables of pandas and Arrow; skipped where these are not installed."""

import pytest
from conftest import BRIDGE


def test_tables(qa):
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    from rag_py.integrations.tables import to_arrow, to_pandas

    hits = qa.search(BRIDGE)
    frame = to_pandas(hits)
    assert isinstance(frame, pandas.DataFrame) and len(frame) == len(hits)
    assert list(frame.passage_id) == [hit.passage_id for hit in hits]
    assert {"uri", "score", "text", "ranks.dense"} <= set(frame.columns)
    table = to_arrow(qa.documents())
    assert isinstance(table, pyarrow.Table) and table.num_rows == 3
    assert sorted(table["kind"].to_pylist()) == ["markdown", "text", "text"]
    assert to_pandas([]).empty and to_arrow([]).num_rows == 0
