"""Encoders of the caller's own, and encoders that several knowledge bases share."""

import threading

import numpy as np
import pytest
from conftest import BRIDGE, model

import rag_py


def letters(texts):
    """Counts letters: near enough to meaning for these texts."""
    return [[text.lower().count(letter) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]


def own(encode=letters, **options):
    return rag_py.Encoder.from_callable("letters", 26, encode, **options)


def test_a_file_is_built_and_searched_with_it(tmp_path):
    with rag_py.open(tmp_path / "kb.rag", encoder=own()) as kb:
        kb.add(["banana", "zebra zoo", "mississippi"])
        hit = kb.search("Banana!", mode="dense")[0]
        assert hit.text == "banana" and hit.score == pytest.approx(1, abs=0.01)
    with rag_py.open(tmp_path / "kb.rag", encoder=own()) as kb:
        assert kb.search("zoo zebra", mode="dense")[0].text == "zebra zoo"
    other = rag_py.Encoder.from_callable("others", 26, letters)
    with pytest.raises(rag_py.errors.ModelMismatchError):
        rag_py.open(tmp_path / "kb.rag", encoder=other)
    with rag_py.open(tmp_path / "kb.rag") as kb, pytest.raises(rag_py.errors.NotFoundError, match="own"):
        kb.search("zoo")


def test_arrays_of_any_kind_and_questions_of_their_own():
    seen = []

    def questions(texts):
        seen.extend(texts)
        return np.array(letters(texts), dtype=np.float64)

    with rag_py.open(":memory:", encoder=own(encode_queries=questions)) as kb:
        kb.add("banana")
        kb.search("banana", mode="dense")
    assert seen == ["banana"]
    rows = own(lambda texts: np.asfortranarray(letters(texts))).encode_passages(["abc", "zz"])
    assert rows.dtype == np.float32 and np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0, :3] == pytest.approx([3**-0.5] * 3)


def test_what_it_raises_comes_out(tmp_path):
    class Offline(Exception):
        pass

    def fails(texts):
        raise Offline(f"{len(texts)} texts")

    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "a.txt").write_text("Some words.")
    with rag_py.open(tmp_path / "kb.rag", encoder=own(fails)) as kb:
        for call in (lambda: kb.add("text"), lambda: kb.sync(notes)):
            with pytest.raises(Offline, match="1 texts"):
                call()
        assert kb.info()["document_count"] == 0
    with pytest.raises(Offline):
        own(fails).encode_queries(["a"])


@pytest.mark.parametrize(
    ("encode", "error", "match"),
    [
        (lambda texts: np.zeros((len(texts), 25)), ValueError, r"shape \[1, 25\]"),
        (lambda texts: "no numbers", ValueError, "could not convert"),
        (lambda texts: None, (TypeError, ValueError), "NoneType|shape"),
        (lambda texts: np.zeros((len(texts), 26)), rag_py.errors.ModelError, "zero"),
        (lambda texts: np.full((len(texts), 26), np.nan), rag_py.errors.ModelError, "finite"),
    ],
)
def test_what_it_gives_is_checked(encode, error, match):
    with pytest.raises(error, match=match):
        own(encode).encode_passages(["a"])


def test_options_out_of_range():
    for arguments in [("", 26), ("a", 0), ("a", 5000)]:
        with pytest.raises(rag_py.errors.InvalidArgumentError):
            rag_py.Encoder.from_callable(*arguments, letters)
    with pytest.raises(rag_py.errors.InvalidArgumentError):
        own(max_tokens=3)


def test_many_threads():
    encoder = own()
    rows = [None] * 8

    def work(index):
        rows[index] = encoder.encode_passages([f"text {index}"] * 100)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert all(row is not None and row.shape == (100, 26) for row in rows)


def test_a_loaded_encoder_is_shared(folder, tmp_path):
    encoder = rag_py.Encoder(model("minilm"))
    with rag_py.open(tmp_path / "a.rag", encoder=encoder) as first, rag_py.open(":memory:", encoder=encoder) as second:
        first.sync(folder)
        second.add("Soup is served at noon.")
        assert first.search(BRIDGE, top_k=1)[0].uri.endswith("bridge.txt")
        assert second.search("lunch", top_k=1)[0].text.startswith("Soup")
    with rag_py.open(tmp_path / "a.rag", encoder=model("minilm")) as kb:
        assert kb.search(BRIDGE, top_k=1)[0].uri.endswith("bridge.txt")
