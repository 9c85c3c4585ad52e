"""Haystack's own tests of document stores over ours, and our components in pipelines."""

import asyncio

import numpy as np
import pytest
from conftest import BRIDGE, DOCUMENTS, model

haystack = pytest.importorskip("haystack", reason="SKIP: haystack-ai is not installed")

from haystack import Document, Pipeline  # noqa: E402
from haystack.components.builders import PromptBuilder  # noqa: E402
from haystack.components.writers import DocumentWriter  # noqa: E402
from haystack.dataclasses import ByteStream, ChatMessage, SparseEmbedding  # noqa: E402
from haystack.document_stores.errors import DuplicateDocumentError  # noqa: E402
from haystack.document_stores.types import DuplicatePolicy  # noqa: E402
from haystack.errors import FilterError  # noqa: E402
from haystack.testing import document_store as theirs  # noqa: E402
from haystack.testing import document_store_async as theirs_async  # noqa: E402
from haystack.utils.filters import document_matches_filter  # noqa: E402

import rag_py  # noqa: E402
from rag_py.integrations.haystack import (  # noqa: E402
    RagChatGenerator,
    RagConverter,
    RagDocumentEmbedder,
    RagDocumentRetriever,
    RagDocumentStore,
    RagEmbeddingRetriever,
    RagGenerator,
    RagRanker,
    RagRetriever,
    RagTextEmbedder,
)

TEXT = DOCUMENTS["bridge.txt"].strip()


def loaded(written):
    """A pipeline that was written down; Haystack loads no classes but its own unless it is told to."""
    return Pipeline.loads(written, allowed_modules=["rag_py.integrations.haystack", __name__])


def letters(texts):
    return [[1 + text.count(letter) for letter in "abcdefgh"] for text in texts]


@pytest.fixture
def document_store():
    encoder = rag_py.Encoder.from_callable("letters", 8, letters)
    return RagDocumentStore(":memory:", encoder=encoder, keep_embeddings=True)


class _Store:
    @pytest.fixture
    def document_store(self):
        encoder = rag_py.Encoder.from_callable("letters", 8, letters)
        return RagDocumentStore(":memory:", encoder=encoder, keep_embeddings=True)

    def test_write_documents(self, document_store):
        documents = [Document(id="1", content="one"), Document(id="2", content="two")]
        assert document_store.write_documents(documents) == 2
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents(documents[:1])

    async def test_write_documents_async(self, document_store):
        assert await document_store.write_documents_async([Document(id="1", content="one")]) == 1
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async([Document(id="1", content="one")])


class TestStore(
    _Store,
    theirs.DocumentStoreBaseExtendedTests,
    theirs.CountDocumentsByFilterTest,
    theirs.CountUniqueMetadataByFilterTest,
    theirs.GetMetadataFieldsInfoTest,
    theirs.GetMetadataFieldMinMaxTest,
    theirs.GetMetadataFieldUniqueValuesTest,
):
    pass


class TestStoreAsync(
    _Store,
    theirs_async.CountDocumentsAsyncTest,
    theirs_async.WriteDocumentsAsyncTest,
    theirs_async.DeleteDocumentsAsyncTest,
    theirs_async.FilterDocumentsAsyncTest,
    theirs_async.DeleteAllAsyncTest,
    theirs_async.DeleteByFilterAsyncTest,
    theirs_async.UpdateByFilterAsyncTest,
    theirs_async.CountDocumentsByFilterAsyncTest,
    theirs_async.CountUniqueMetadataByFilterAsyncTest,
    theirs_async.GetMetadataFieldsInfoAsyncTest,
    theirs_async.GetMetadataFieldMinMaxAsyncTest,
    theirs_async.GetMetadataFieldUniqueValuesAsyncTest,
):
    pass


ABOUT = [
    {"n": 1, "lang": "fr", "is": True, "tags": ["a", "b"], "in": {"deep": 3}, "day": "2024-01-05"},
    {"n": -2.5, "lang": "it's", "is": False, "tags": [], "day": "2023-12-31T10:00:00"},
    {"lang": "", "other": None},
    {},
]
FIELDS = ["n", "lang", "is", "tags", "day", "other", "no"]


VALUES = [1, -2.5, True, False, "fr", "it's", "", None, ["a", "b"], []]
LISTS = [[1, "fr"], ["it's", -2.5], [], [True]]


def is_theirs_alone(field, value):
    """To Python True is 1; to us a flag is a word."""
    values = value if isinstance(value, list) else [value]
    return field in ("n", "is") and any(isinstance(one, bool) != (field == "is") for one in values if one in (0, 1))


def test_filters_are_theirs(document_store):
    documents = [Document(id=str(number), content=f"text {number}", meta=about) for number, about in enumerate(ABOUT)]
    document_store.write_documents(documents)
    asked = [("meta." + field, operator, value) for field in FIELDS for operators, values in
             ((("==", "!="), VALUES), (("in", "not in"), LISTS)) for operator in operators for value in values
             if not is_theirs_alone(field, value)]
    for operator in (">", ">=", "<", "<="):
        asked += [("meta.n", operator, value) for value in (1, 0, -2.5)] + [("meta.day", operator, "2024-01-01")]
    asked += [("id", "in", ["1", "3"]), ("meta.in.deep", "==", 3)]
    asked = [dict(zip(("field", "operator", "value"), parts)) for parts in asked]
    pairs = [{"operator": word, "conditions": [asked[one], asked[-one]]} for word in ("AND", "OR", "NOT") for one in (1, 7, 20)]
    for filters in asked + pairs:
        expected = [document for document in documents if document_matches_filter(filters, document)]
        assert document_store.filter_documents(filters) == expected, filters


def test_filters_that_we_have_not_are_told(document_store):
    for field, operator, value in [("content", "==", "x"), ("meta.n", "~", 1), ("meta.n", "==", {"a": 1}), ("meta.n", ">", True),
                                   ("meta.n", "in", [None])]:
        with pytest.raises(FilterError):
            document_store.filter_documents({"field": field, "operator": operator, "value": value})
    with pytest.raises(FilterError, match="NAND"):
        document_store.filter_documents({"operator": "NAND", "conditions": []})


def test_what_cannot_be_stored_is_refused(document_store):
    for wrong in (Document(content=None, meta={"a": 1}), Document(content=" "), Document(blob=ByteStream(b"x"), content="x"),
                  Document(content="x", sparse_embedding=SparseEmbedding([1], [1.0]))):
        with pytest.raises(ValueError):
            document_store.write_documents([Document(content="fine"), wrong])
    assert document_store.count_documents() == 0
    with pytest.raises(ValueError, match="embedding"):
        RagDocumentStore(embedding_dim=3).write_documents([Document(content="x")])
    with pytest.raises(ValueError, match="embedding"):
        document_store.search(None, [1.0] * 8, None, 3)
    with pytest.raises(ValueError, match="lexical"):
        RagDocumentStore(embedding_dim=3).search("x", None, None, 3)
    with pytest.raises(ValueError, match="kept"):
        RagDocumentStore(embedding_dim=3).update_by_filter({}, {"a": 1})


def test_a_pipeline_of_our_encoder(tmp_path):
    path, encoder = str(tmp_path / "kb.rag"), str(model("minilm"))
    store = RagDocumentStore(path, encoder=encoder)
    text = "  " + "The ferry crossed the river.\r\n\r\n" * 200
    documents = [Document(id=name, content=content, meta={"name": name}) for name, content in DOCUMENTS.items()]
    store.write_documents([*documents, Document(id="ferry", content=text)])
    pipeline = Pipeline()
    pipeline.add_component("retriever", RagDocumentRetriever(store, top_k=1))
    found = pipeline.run({"retriever": {"query": BRIDGE}})["retriever"]["documents"]
    assert found[0].content == DOCUMENTS["bridge.txt"] and 0 < found[0].score <= 1
    assert [one.content for one in store.search("ferry", None, {"field": "id", "operator": "==", "value": "ferry"}, 3)] == [text]
    written = pipeline.dumps()
    assert "rag_py.integrations.haystack.RagDocumentStore" in written and "integrations._" not in written
    store.knowledge_base.close()
    again = loaded(written)
    only = {"field": "meta.name", "operator": "==", "value": "bees.md"}
    asked = {"retriever": {"query": BRIDGE, "filters": only, "top_k": 3}}
    assert [one.id for one in again.run(asked)["retriever"]["documents"]] == ["bees.md"]


def test_pipelines_of_embeddings(tmp_path, folder):
    encoder = str(model("minilm"))
    store = RagDocumentStore(str(tmp_path / "kb.rag"), embedding_dim=384)
    index = Pipeline()
    index.add_component("converter", RagConverter())
    index.add_component("embedder", RagDocumentEmbedder(encoder, meta_fields_to_embed=["title"]))
    index.add_component("writer", DocumentWriter(store, DuplicatePolicy.OVERWRITE))
    index.connect("converter", "embedder")
    index.connect("embedder", "writer")
    assert index.run({"converter": {"sources": sorted(folder.iterdir())}})["writer"]["documents_written"] == 3
    search = Pipeline()
    search.add_component("embedder", RagTextEmbedder(encoder))
    search.add_component("retriever", RagEmbeddingRetriever(store, top_k=1))
    search.connect("embedder.embedding", "retriever.query_embedding")
    [found] = search.run({"embedder": {"text": BRIDGE}})["retriever"]["documents"]
    assert found.content == DOCUMENTS["bridge.txt"] and found.meta["file_path"].endswith("bridge.txt")
    written = search.dumps()
    store.knowledge_base.close()
    again = loaded(written).run({"embedder": {"text": BRIDGE}, "retriever": {"query": BRIDGE}})
    assert again["retriever"]["documents"][0].id == found.id
    row = RagTextEmbedder(encoder).run(BRIDGE)["embedding"]
    assert np.allclose(row, rag_py.Encoder(encoder).encode_queries([BRIDGE])[0])
    assert RagDocumentEmbedder(encoder).run([]) == {"documents": []}


def test_a_converter_reads_what_the_engine_reads(folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    stream = ByteStream(b"# Title\n\nWords.", mime_type="text/markdown", meta={"more": 1})
    named = ByteStream(b"<p>Words.</p>", meta={"file_path": "a/page.html"})
    sources = [folder / "bees.md", str(folder / "broken.pdf"), stream, named, "nowhere.txt"]
    documents = RagConverter().run(sources, meta={"all": True})["documents"]
    assert [document.meta["kind"] for document in documents] == ["markdown", "markdown", "html"]
    assert documents[0].content == DOCUMENTS["bees.md"] and documents[1].meta["more"] == 1
    assert documents[2].meta["file_path"] == "a/page.html" and all(document.meta["all"] for document in documents)


def said(chunk):
    SAID.append(chunk.content)


SAID = []


def test_generators(generator):
    turns = [{"role": "user", "content": "Say hello."}]
    expected = generator.generate(turns, max_new_tokens=8).text
    pipeline = Pipeline()
    pipeline.add_component("prompt", PromptBuilder("Say {{word}}.", required_variables=["word"]))
    pipeline.add_component("llm", RagGenerator(generator, {"max_tokens": 8}, said))
    pipeline.connect("prompt", "llm")
    result = pipeline.run({"prompt": {"word": "hello"}})["llm"]
    assert result["replies"] == [expected] == ["".join(SAID)] and result["meta"][0]["usage"]["completion_tokens"] > 0
    assert "type: rag_py.integrations.haystack.RagGenerator" in pipeline.dumps()
    assert loaded(pipeline.dumps()).get_component("llm").generation_kwargs == {"max_tokens": 8}
    chat = RagChatGenerator(generator, {"max_tokens": 8})
    messages = [ChatMessage.from_user("Say hello.")]
    assert chat.run(messages)["replies"][0].text == expected
    SAID.clear()

    async def told(chunk):
        SAID.append(chunk.content)

    for callback in (None, said, told):
        assert asyncio.run(chat.run_async(messages, streaming_callback=callback))["replies"][0].text == expected
    assert "".join(SAID) == expected * 2
    short = chat.run(messages, {"max_tokens": 1})["replies"][0]
    assert short.meta["finish_reason"] == "length" and short.meta["usage"]["completion_tokens"] == 1
    with pytest.raises(ValueError, match="no tools"):
        chat.run([ChatMessage.from_tool("3", origin=None)])


def test_a_ranker_sorts():
    ranker = RagRanker(str(model("ms-marco-minilm")), top_k=2)
    documents = [Document(content=text) for text in (*DOCUMENTS.values(), "Soup.")]
    best = ranker.run(BRIDGE, documents[::-1])["documents"]
    assert len(best) == 2 and best[0].content == DOCUMENTS["bridge.txt"] and best[0].score > best[1].score
    assert RagRanker.from_dict(ranker.to_dict()).top_k == 2 and ranker.run(BRIDGE, []) == {"documents": []}


def test_a_retriever(kb):
    pipeline = Pipeline()
    pipeline.add_component("retriever", RagRetriever(kb, top_k=2))
    [document] = pipeline.run({"retriever": {"query": BRIDGE, "top_k": 1}})["retriever"]["documents"]
    assert document.content == TEXT and document.meta["uri"].endswith("bridge.txt")
    again = loaded(pipeline.dumps())
    assert again.run({"retriever": {"query": BRIDGE}})["retriever"]["documents"][0].content == TEXT
    with rag_py.open(":memory:") as memory, pytest.raises(ValueError, match="memory"):
        RagRetriever(memory).to_dict()
