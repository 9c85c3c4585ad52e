"""Models and small knowledge bases that the tests share."""

import os
import pathlib

import pytest

import rag_py

MODELS = pathlib.Path(os.environ.get("RAG_TEST_MODELS", pathlib.Path.home() / ".cache/rag/models"))
ROOT = pathlib.Path(__file__).resolve().parents[2]

DOCUMENTS = {
    "bridge.txt": "The stone bridge over the Velden river was opened to traffic in 1871. It replaced a ferry.\n",
    "bees.md": "# Keeping bees\n\n## Winter\n\nIn winter the bees form a cluster around the queen.\n",
    "labo.txt": "Le laboratoire d'informatique a été créé en 1995 à Tours par douze personnes.\n",
}
BRIDGE = "When was the bridge over the Velden opened to traffic?"


def model(name):
    """The folder of a model; skips the test without it, or fails it where models are required."""
    path = MODELS / name
    if not path.exists():
        message = f"no model {name} in {MODELS}"
        if os.environ.get("RAG_REQUIRE_MODELS") == "1":
            pytest.fail(message)
        pytest.skip(f"SKIP: {message}")
    return path


def pytest_configure(config):
    """The tests that frameworks bring are coroutines too; pytest-asyncio comes with them."""
    if hasattr(config.option, "asyncio_mode"):
        config.option.asyncio_mode = "auto"


@pytest.fixture
def folder(tmp_path):
    """A folder with three documents."""
    docs = tmp_path / "docs"
    docs.mkdir()
    for name, text in DOCUMENTS.items():
        (docs / name).write_text(text, encoding="utf-8")
    return docs


@pytest.fixture
def kb(tmp_path, folder):
    """A knowledge base on disk that holds the folder."""
    with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm"), llm=model("smollm2")) as kb:
        kb.sync(folder)
        yield kb


@pytest.fixture(scope="session")
def qa(tmp_path_factory):
    """A knowledge base that answers questions well."""
    docs = tmp_path_factory.mktemp("qa")
    for name, text in DOCUMENTS.items():
        (docs / name).write_text(text, encoding="utf-8")
    with rag_py.open(":memory:", encoder=model("e5-small"), llm=model("qwen2.5-0.5b")) as kb:
        kb.sync(docs)
        yield kb


@pytest.fixture(scope="session")
def encoder():
    return rag_py.Encoder(model("minilm"))


@pytest.fixture(scope="session")
def generator():
    return rag_py.Generator(model("smollm2"))
