"""Every code: the class it is raised as, and a real error of that kind with its message."""

import errno
import pickle
import re
import sqlite3
import subprocess
import sys

import pytest

import rag_py
from conftest import BRIDGE, model
from rag_py import _native, errors

CLASSES = {
    "InvalidArgument": (1, errors.InvalidArgumentError, ValueError),
    "NotFound": (2, errors.NotFoundError, LookupError),
    "Io": (3, OSError, OSError),
    "Document": (4, errors.DocumentError, errors.RagError),
    "Model": (5, errors.ModelError, errors.RagError),
    "ModelMismatch": (6, errors.ModelMismatchError, errors.RagError),
    "Store": (7, errors.StoreError, errors.RagError),
    "StoreVersion": (8, errors.StoreVersionError, errors.StoreError),
    "Busy": (9, errors.BusyError, errors.RagError),
    "ContextOverflow": (10, errors.ContextOverflowError, ValueError),
    "Cancelled": (11, errors.CancelledError, errors.RagError),
    "Internal": (99, errors.InternalError, RuntimeError),
}


def test_every_code_has_its_class():
    assert _native.error_classes() == [(name, number, cls) for name, (number, cls, _) in CLASSES.items()]
    for name, (_, cls, parent) in CLASSES.items():
        assert issubclass(cls, parent)
        if cls is not OSError:
            assert issubclass(cls, rag_py.RagError) and cls.code == name and cls.__doc__
    assert {cls.__name__ for _, cls, _ in CLASSES.values()} - {"OSError"} | {"RagError"} == set(errors.__all__)


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(errors.StoreError("knowledge base x: broken")))
    assert type(error) is errors.StoreError and str(error) == "knowledge base x: broken"


def test_invalid_argument(kb):
    for question in ("", "  \n "):
        with pytest.raises(errors.InvalidArgumentError, match="^invalid question: it is empty$"):
            kb.search(question)
    with pytest.raises(errors.InvalidArgumentError, match="^invalid top_k: "):
        kb.search(BRIDGE, top_k=0)
    with pytest.raises(errors.InvalidArgumentError, match="^invalid top_k: -1 is below 0$"):
        kb.search(BRIDGE, top_k=-1)


def test_not_found(tmp_path):
    for call in (rag_py.Encoder, rag_py.Generator, lambda name: rag_py.open(tmp_path / "kb.rag", encoder=name)):
        with pytest.raises(errors.NotFoundError, match='"no-such-model"'):
            call("no-such-model")
    assert not (tmp_path / "kb.rag").exists()


def test_operating_system_errors_are_python_s_own(tmp_path, kb):
    with pytest.raises(FileNotFoundError) as caught:
        kb.sync(tmp_path / "missing")
    assert caught.value.errno == errno.ENOENT and caught.value.filename == str(tmp_path / "missing")
    assert str(caught.value).startswith("[Errno 2] No such file or directory: ")
    with pytest.raises(FileNotFoundError):
        rag_py.open(tmp_path / "nowhere" / "kb.rag", encoder=model("minilm"))


def test_a_document_that_cannot_be_read_is_reported_with_its_code(folder, kb):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog\n")
    [skipped] = kb.sync(folder).skipped
    assert skipped.code == "Document" and skipped.message.startswith("cannot read ")


def test_model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(errors.ModelError, match="^cannot use model " + re.escape(str(tmp_path))):
        rag_py.Encoder(tmp_path)
    stub = tmp_path / "stub.gguf"
    stub.write_bytes(b"GGUF")
    with pytest.raises(errors.ModelError, match="stub.gguf"):
        rag_py.Generator(stub)


def test_model_mismatch(tmp_path, kb):
    kb.close()
    with pytest.raises(errors.ModelMismatchError, match="^knowledge base was built with encoder .*minilm.*e5-small"):
        rag_py.open(tmp_path / "kb.rag", encoder=model("e5-small"))


def test_store(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a knowledge base\n" * 100)
    before = path.read_bytes()
    with pytest.raises(errors.StoreError, match="^knowledge base .*notes.txt: "):
        rag_py.open(path)
    assert path.read_bytes() == before


def test_store_version(tmp_path, kb):
    kb.close()
    database = sqlite3.connect(tmp_path / "kb.rag")
    database.execute("PRAGMA user_version = 9999")
    database.close()
    with pytest.raises(errors.StoreVersionError, match="has format version 9999, this library reads up to "):
        rag_py.open(tmp_path / "kb.rag")


# File locks do not count between two copies of SQLite in one process, so the other writer is another process.
OTHER_WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("writing", flush=True)
sys.stdin.read()
"""


def test_busy(tmp_path, kb):
    command = [sys.executable, "-c", OTHER_WRITER, tmp_path / "kb.rag"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"writing\n"
        with pytest.raises(errors.BusyError, match="kb.rag is being written by another process$"):
            kb.add("Something new.")
        other.stdin.close()
    assert kb.add("Something new.")


def test_context_overflow(kb):
    with pytest.raises(errors.ContextOverflowError, match=r"^prompt needs \d+ tokens, the model has \d+$"):
        kb.ask(BRIDGE * 3000, abstain="never", max_question_chars=1_000_000)


def test_cancelled(kb):
    stream = kb.ask(BRIDGE, stream=True, abstain="never")
    stream.close()
    with pytest.raises(errors.CancelledError, match="^cancelled$"):
        stream.answer


def test_a_failed_call_leaves_the_knowledge_base_usable(kb):
    with pytest.raises(errors.InvalidArgumentError):
        kb.search("")
    assert len(kb.search(BRIDGE)) == 3
