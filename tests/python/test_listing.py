"""What a file holds, document by document, and where it came from."""

import pathlib
import pickle
import shutil

import pytest
from conftest import BRIDGE

import rag_py

DOCUMENTS = pathlib.Path(__file__).parents[1] / "data" / "documents"


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
    assert (kb.document(bees.uri), kb.document(broken.uri), kb.document("nowhere")) == (bees, broken, None)
    assert bees.uri in kb and broken.uri not in kb
    passages = kb.passages(bees.uri)
    assert len(passages) == bees.passage_count and passages[0] == kb.passage(passages[0].id)
    with pytest.raises(rag_py.errors.NotFoundError):
        kb.passages("nowhere")
    with pytest.raises(rag_py.errors.InvalidArgumentError):
        kb.documents("year =")


def test_tables_are_listed_read_and_asked(kb, folder):
    (folder / "stock.csv").write_text("Product,Price,Stock\nLaptop,$12.50,3\nDesk,$7.25,4\n")
    kb.sync(folder)
    (listed,) = kb.tables("kind = csv")
    assert (listed.row_count, listed.rows, listed.notes) == (2, None, [])
    table = kb.table(listed.id)
    assert table.rows == [["Laptop", "$12.50", "3"], ["Desk", "$7.25", "4"]]
    assert [column["kind"] for column in table.columns] == ["text", "currency", "integer"]
    assert table.columns[1]["unit"] == "$" and table.uri.endswith("stock.csv")
    start, end = table.span(1, 0)
    assert kb.passages(table.uri)[0].text[start:end] == "Desk"
    assert table.to_dict()["rows"][1][0] == {"text": "Desk", "start": start, "end": end}

    answer = kb.ask("What is the total price of all products?")
    assert answer.found and answer.text.startswith("$19.75 [1]")
    assert answer.table["figure"] == "$19.75" and answer.table["row_count"] == 2
    assert answer.table["plan"]["aggregate"] == {"function": "sum", "column": "Price"}
    assert [kb.verify(citation) for citation in answer.citations] == ["ok", "ok"]
    assert kb.ask("What is the total price of all products?", tables="off").table is None
    with pytest.raises(rag_py.errors.NotFoundError):
        kb.table("0.1")
    with pytest.raises(rag_py.errors.InvalidArgumentError):
        kb.tables("year =")


def test_passages_are_points_of_a_map(kb, folder):
    (folder / "tides.md").write_text("The tide rises and falls twice a day.\n")
    (folder / "moon.md").write_text("The moon draws the tide of the sea.\n")
    (folder / "bread.md").write_text("Bread is baked from flour, water, salt and yeast.\n")
    kb.sync(folder)
    drawn = kb.map(questions=["When does the tide rise?"])
    assert len(drawn) == drawn.passage_count == kb.info()["passage_count"]
    point = next(point for point in drawn.points if point["uri"].endswith("tides.md"))
    assert point["text"].startswith("The tide rises") and kb.passage(point["passage_id"]).uri == point["uri"]
    assert drawn.questions[0]["text"] == "When does the tide rise?" and 0 < sum(drawn.shares) <= 1.001
    assert kb.map().to_dict()["points"] == drawn.points
    assert len(kb.map("path glob '*bread.md'")) == 1
    assert drawn.to_html().count("<circle") == len(drawn)
    with pytest.raises(rag_py.errors.InvalidArgumentError):
        kb.map("year =")
    with pytest.raises(rag_py.errors.InvalidArgumentError, match="empty"):
        kb.map(questions=[" "])


def test_what_was_found_is_located_in_its_file(kb, folder):
    """Bytes of a text, the lines of a PDF, the rows of a sheet."""
    for name in ("rapport.pdf", "sheet.ods"):
        shutil.copy(DOCUMENTS / name, folder)
    kb.sync(folder)
    hit = kb.search("bees", mode="lexical")[0]
    (place,) = kb.locate(hit)
    start, end = place.bytes
    assert (folder / "bees.md").read_bytes()[start:end].decode() == hit.text
    assert str(place) == f"bytes {start}-{end}" and place.page is None and place.unit is None

    pages = [kb.locate(passage) for passage in kb.passages(str(folder / "rapport.pdf"))]
    lines = [line for page in pages for line in page]
    assert {line.page for line in lines} == {1, 2, 3, 4}
    for left, bottom, right, top in (line.bounds for line in lines):
        assert 0 <= left < right <= 612 and 0 <= bottom < top <= 842 and top - bottom < 40
    assert lines[0].to_dict() == {"page": 1, "bounds": list(lines[0].bounds)}
    assert lines[0] == lines[0] and repr(lines[0]) == "Location('page 1')"

    (sheet,) = kb.passages(str(folder / "sheet.ods"))
    rows = kb.locate(sheet.id)
    assert [row.unit for row in rows] == ["row"] * len(rows) and rows[0].number == 1 and rows[0].name
    with pytest.raises(rag_py.errors.NotFoundError):
        kb.locate(10**9)
    with pytest.raises(TypeError):
        kb.locate("bees.md")


def test_a_citation_is_located_word_for_word(kb, folder):
    kb.sync(folder)
    answer = kb.ask(BRIDGE, extract=True, abstain="never")
    assert answer.citations
    for citation in answer.citations:
        start, end = kb.locate(citation)[0].bytes
        assert pathlib.Path(citation.uri).read_bytes()[start:end].decode() == citation.quote


def test_the_reason_for_a_skipped_file_is_a_word(kb, folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    shutil.copy(DOCUMENTS / "scanned.pdf", folder)
    for _ in range(2):
        skipped = {pathlib.Path(file.path).name: file for file in kb.sync(folder).skipped}
        assert {name: file.unreadable for name, file in skipped.items()} == {
            "broken.pdf": "Broken",
            "scanned.pdf": "NoText",
        }


def test_passages_overlap_and_small_sections_share_one(kb, folder):
    text = "# One\n\n" + "\n\n".join(f"## Part {n}\n\nA few words on part {n}." for n in range(9))
    (folder / "parts.md").write_text(text)
    (folder / "long.txt").write_text(" ".join(f"Sentence number {n} says little." for n in range(99)))
    kb.sync(folder, max_tokens=100)
    alone = len(kb.passages(str(folder / "parts.md")))
    ends = [(p.start, p.end) for p in kb.passages(str(folder / "long.txt"))]
    assert all(after > end for (_, end), (after, _) in zip(ends, ends[1:]))
    for name in ("parts.md", "long.txt"):
        kb.remove(str(folder / name))
    kb.sync(folder, max_tokens=100, min_tokens=40, overlap_tokens=20)
    assert len(kb.passages(str(folder / "parts.md"))) < alone / 2
    ends = [(p.start, p.end) for p in kb.passages(str(folder / "long.txt"))]
    assert all(after < end for (_, end), (after, _) in zip(ends, ends[1:]))
    for wrong in ({"min_tokens": 51}, {"overlap_tokens": 90}, {"max_tokens": 15}, {"max_read_seconds": 0}):
        with pytest.raises(rag_py.errors.InvalidArgumentError):
            kb.sync(folder, **{"max_tokens": 100, **wrong})
    (folder / "new.md").write_text("# A heading of some length\n\n" + "Something new to read. " * 9)
    kb.sync(folder, max_tokens=16)
    assert len(kb.passages(str(folder / "new.md"))) > 3
    with pytest.raises(TypeError, match="sync.. got an unexpected keyword argument 'max_words'"):
        kb.sync(folder, max_words=3)


def test_documents_of_an_emptied_folder_stay_until_forced(kb, folder):
    held = len(kb.documents())
    for file in folder.iterdir():
        file.unlink() if file.is_file() else shutil.rmtree(file)
    for report in (kb.sync(folder), kb.sync(folder, dry_run=True), kb.sync(folder, keep_missing=True)):
        assert (report.removed, len(report.missing)) == (0, held)
    with pytest.raises(rag_py.errors.InvalidArgumentError, match="force"):
        kb.sync(folder, keep_missing=True, force=True)
    assert kb.sync(folder, force=True).removed == held
    assert kb.documents() == []


def test_what_was_not_read_is_told(kb, folder):
    image = "Content-Type: image/png\nContent-Disposition: attachment; filename=plan.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="
    mail = f"From: a@b.org\nSubject: Plan\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nThe plan.\n--b\n{image}\n--b--\n"
    path = folder / "plan.eml"
    path.write_text(mail)
    (unread,) = kb.sync(folder).unread[str(path)]
    assert (unread.kind, unread.count) == ("picture", 1) and str(unread).startswith("1 picture")
    (document,) = (one for one in kb.documents() if one.uri == str(path))
    assert document.unread == [unread] == pickle.loads(pickle.dumps(document)).unread
    assert rag_py.read(path)["unread"][0]["kind"] == "picture"


def test_pictures_are_read_once_something_can(kb, folder):
    """Files that were skipped for want of a recognizer are tried again, and each only once."""
    for name in ("pictures.pdf", "picture.png"):
        shutil.copy(DOCUMENTS / name, folder)
    assert {file.unreadable for file in kb.sync(folder).skipped} == {"NoText", "Unsupported"}
    calls = []

    def recognizer(picture, media_type, page):
        calls.append((media_type, page))
        return "" if media_type == "image/png" else f"Seen on page {page}."

    report = kb.sync(folder, recognizer=recognizer)
    assert (report.added, [file.unreadable for file in report.skipped]) == (1, ["NoText"])
    assert sorted(calls, key=str) == [("image/jpeg", 2), ("image/jpeg", 3), ("image/png", None), ("image/tiff", 1)]
    assert "Seen on page 2." in kb.passages(str(folder / "pictures.pdf"))[0].text
    kb.sync(folder, recognizer=recognizer)
    assert len(calls) == 4
    with pytest.raises(TypeError, match="recognizer must be callable"):
        kb.sync(folder, recognizer="tesseract")


def test_what_a_recognizer_raises_costs_only_its_file(kb, folder):
    shutil.copy(DOCUMENTS / "picture.png", folder)

    def broken(picture, media_type, page):
        raise ValueError("out of ink")

    [skipped] = kb.sync(folder, recognizer=broken).skipped
    assert skipped.path.endswith("picture.png") and "out of ink" in skipped.message
