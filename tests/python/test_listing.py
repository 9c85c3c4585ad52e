"""What a file holds, document by document."""

import pytest

import rag_py


def test_documents_and_their_passages(kb, folder):
    kb.add("Ants work.", uri="note", metadata={"year": "2024"})
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    kb.sync(folder)
    documents = {document.uri.rsplit("/")[-1]: document for document in kb.documents()}
    assert set(documents) == {"bridge.txt", "bees.md", "labo.txt", "broken.pdf", "note"}
    bees, broken, note = documents["bees.md"], documents["broken.pdf"], documents["note"]
    assert (bees.kind, bees.title, bees.skipped) == ("markdown", "Keeping bees", None)
    assert bees.modified == pytest.approx((folder / "bees.md").stat().st_mtime) and bees.size_bytes > 0
    assert "broken.pdf" in broken.skipped and broken.passage_count == 0
    assert note.metadata == {"year": "2024"} and note.modified == 0
    assert documents["labo.txt"].lang == "fr"
    assert bees == documents["bees.md"] and bees != note and "bees.md" in repr(bees)
    assert bees.to_dict()["uri"] == bees.uri

    assert [document.uri for document in kb.documents("year = 2024")] == ["note"]
    passages = kb.passages(bees.uri)
    assert len(passages) == bees.passage_count and passages[0] == kb.passage(passages[0].id)
    with pytest.raises(rag_py.errors.NotFoundError):
        kb.passages("nowhere")
    with pytest.raises(rag_py.errors.InvalidArgumentError):
        kb.documents("year =")
