"""LangChain's own tests of integrations over ours, and what they leave out."""

import asyncio

import numpy as np
import pytest

from conftest import BRIDGE, DOCUMENTS, model

pytest.importorskip("langchain_core", reason="SKIP: langchain-core is not installed")
pytest.importorskip("langchain_tests", reason="SKIP: langchain-tests is not installed")

from langchain_core.documents import Document  # noqa: E402
from langchain_core.embeddings import DeterministicFakeEmbedding  # noqa: E402
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage  # noqa: E402
from langchain_tests.integration_tests import (  # noqa: E402
    ChatModelIntegrationTests,
    EmbeddingsIntegrationTests,
    RetrieversIntegrationTests,
    VectorStoreIntegrationTests,
)
from langchain_tests.unit_tests import ChatModelUnitTests, EmbeddingsUnitTests  # noqa: E402

import rag_py  # noqa: E402
from rag_py.integrations.langchain import (  # noqa: E402
    RagChatModel,
    RagEmbeddings,
    RagLoader,
    RagReranker,
    RagRetriever,
    RagVectorStore,
)

TEXT = DOCUMENTS["bridge.txt"].strip()


class TestVectorStoreOfTheirVectors(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self):
        yield RagVectorStore(":memory:", self.get_embeddings())


class TestVectorStoreOfOurEncoder(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, encoder):
        yield RagVectorStore(":memory:", RagEmbeddings(encoder))


class TestVectorStoreOfAKnowledgeBase(VectorStoreIntegrationTests):
    @pytest.fixture
    def vectorstore(self, encoder, tmp_path):
        with rag_py.open(tmp_path / "kb.rag", encoder=encoder) as kb:
            yield RagVectorStore(kb, mode="dense")


class TestEmbeddings(EmbeddingsUnitTests):
    embeddings_class = RagEmbeddings

    @property
    def embedding_model_params(self):
        return {"encoder": model("minilm")}


class TestEmbeddingsIntegration(EmbeddingsIntegrationTests):
    embeddings_class = RagEmbeddings

    @property
    def embedding_model_params(self):
        return {"encoder": model("minilm")}


class TestRetriever(RetrieversIntegrationTests):
    retriever_constructor = RagRetriever
    retriever_query_example = BRIDGE
    num_results_arg_name = "top_k"

    @pytest.fixture(autouse=True)
    def _knowledge_base(self, kb):
        self.kb = kb

    @property
    def retriever_constructor_params(self):
        return {"knowledge_base": self.kb}


class _Chat:
    """What both suites are told of the model."""

    chat_model_class = RagChatModel

    @pytest.fixture(autouse=True)
    def _generator(self, generator):
        self.generator = generator

    @property
    def chat_model_params(self):
        return {"generator": self.generator, "options": {"max_new_tokens": 24}}


class TestChatModel(_Chat, ChatModelUnitTests):
    pass


class TestChatModelIntegration(_Chat, ChatModelIntegrationTests):
    pass


def stored(*texts, **options):
    return RagVectorStore.from_texts(list(texts), DeterministicFakeEmbedding(size=8), **options)


def test_whole_texts_and_types_come_back(encoder, tmp_path):
    text = "\r\n  " + "\n\n".join(f"Part {part}. " + "The ferry crossed the river. " * 30 for part in range(6)) + " \t\n"
    about = {"n": 3, "share": 0.5, "is": True, "none": None, "tags": ["a", "b"], "in": {"deep": [1]}, "rag:record": "x", "s": "07"}
    with rag_py.open(tmp_path / "kb.rag", encoder=encoder) as kb:
        store = RagVectorStore(kb)
        assert store.add_texts([text, "a\x1f"], [about, {}], ids=["é/../a b?*[", "2"]) == ["é/../a b?*[", "2"]
        [document] = store.similarity_search("ferry", k=1)
        assert document == Document(page_content=text, metadata=about, id="é/../a b?*[")
        assert store.get_by_ids(["2"])[0].page_content == "a\x1f" and store.get_by_ids(["02", "2.0"]) == []
    with rag_py.open(tmp_path / "kb.rag", encoder=encoder) as kb:
        assert RagVectorStore(kb).get_by_ids(["é/../a b?*["]) == [document]


def test_a_document_of_many_passages_is_found_once():
    store = stored(*["ferry " * 1500, "ferry on a lake", "ferry on a river"], ids=["long", "lake", "river"])
    assert {document.id for document in store.similarity_search("ferry", k=3)} == {"long", "lake", "river"}
    assert len(store.similarity_search("ferry", k=2)) == 2 and store.similarity_search("ferry", k=0) == []


def test_filters():
    years = [{"year": year, "lang": lang, "tags": tags, "title": lang} for year, lang, tags in
             [(2019, "fr", ["a"]), (2020, "en", ["a", "b"]), (2021, "it's", []), (None, "en", ["b"])]]
    store = stored("one", "two", "three", "four", metadatas=years, ids=list("1234"))

    def found(filter):
        return "".join(sorted(document.id for document in store.similarity_search("one", k=9, filter=filter)))

    assert found(None) == "1234" and found({}) == "1234" and found("") == "1234"
    assert found("year >= 2020") == found({"year": {">=": 2020}}) == found({"year": {"$gte": 2020}}) == "23"
    assert found({"lang": "en", "year": 2020}) == "2" and found({"lang": ["fr", "it's"]}) == "13"
    assert found({"year": {"$ne": 2020}}) == "134" and found({"year": {"!=": 2020}}) == "13"
    assert found({"year": {"$exists": False}}) == "4" and found({"$not": {"lang": "en"}}) == "13"
    assert found({"$or": [{"lang": "fr"}, {"$and": [{"lang": "en"}, {"year": {"$gt": 1}}]}]}) == "12"
    assert found({"year": {"$nin": [2019, 2020]}}) == "34" and found({"year": []}) == ""
    assert found({"title": "fr"}) == "1" and found({"tags": {"glob": '*"b"*'}}) == "24"
    assert store.as_retriever(search_kwargs={"k": 9, "filter": {"lang": "fr"}}).invoke("one")[0].id == "1"
    for wrong in ({"year": {"$near": 1}}, {"$nor": []}, {"year": None}, {"year": float("nan")}, 3, lambda document: True):
        with pytest.raises(ValueError):
            found(wrong)


def test_vectors_of_theirs_go_in_and_out(tmp_path):
    embedding, asked = DeterministicFakeEmbedding(size=8), []

    class Counted(DeterministicFakeEmbedding):
        def embed_documents(self, texts):
            asked.append(len(texts))
            return super().embed_documents(texts)

    texts = [f"text {number}" for number in range(70)]
    store = RagVectorStore.from_texts(texts, Counted(size=8), knowledge_base=tmp_path / "kb.rag", mode="dense")
    assert asked == [64, 6]
    vector = embedding.embed_documents(["text 5"])[0]
    [(document, score)] = store.similarity_search_with_score_by_vector(vector, k=1)
    assert document.page_content == "text 5" and score == pytest.approx(1, abs=0.01)
    assert store.similarity_search_by_vector(vector, k=1) == asyncio.run(store.asimilarity_search_by_vector(vector, k=1)) == [document]
    assert store.max_marginal_relevance_search_by_vector(vector, k=1)[0] == document
    store.close()
    store = RagVectorStore(tmp_path / "kb.rag", Counted(size=8))
    assert store.embeddings.size == 8 and len(store.get_by_ids([document.id])) == 1
    with pytest.raises(rag_py.errors.ModelMismatchError):
        RagVectorStore(tmp_path / "kb.rag", DeterministicFakeEmbedding(size=8))


def test_searches_of_all_kinds(encoder, folder):
    with rag_py.open(":memory:", encoder=encoder) as kb:
        kb.sync(folder)
        store = RagVectorStore(kb)
        store.add_documents([Document(page_content="Soup is served at noon.", id="soup")])
        [(document, score)] = store.similarity_search_with_relevance_scores("When is lunch?", k=1)
        assert document.id == "soup" and 0 < score <= 1
        assert store.similarity_search(BRIDGE, k=1)[0].page_content == TEXT
        retriever = store.as_retriever(search_type="mmr", search_kwargs={"k": 2, "lambda_mult": 0.1})
        assert len(asyncio.run(retriever.ainvoke(BRIDGE))) == 2
        found = store.as_retriever(search_type="similarity_score_threshold", search_kwargs={"score_threshold": 0.99})
        assert found.invoke("zebras") == []
        assert [hit.id for hit in store.similarity_search("-noon", k=1, mode="lexical")] == ["soup"]
        with pytest.raises(NotImplementedError, match="search by text"):
            store.similarity_search_by_vector([0.0] * encoder.dim)
        assert store.delete() and store.get_by_ids(["soup"]) == [] and len(kb) == 3


def test_what_cannot_be_stored_is_refused_before_anything_is():
    store = stored("one", ids=["1"])
    for arguments in ((["two", " "],), (["two"], [{}, {}]), (["two", "three"], [{}, {}])):
        with pytest.raises(ValueError):
            store.add_texts(*arguments, ids=["2", " "])
    with pytest.raises(TypeError, match="when"):
        store.add_texts(["two"], [{"when": {1, 2}, "who": "when"}], ids=["when"])
    assert store.similarity_search("two", k=5)[0].id == "1"
    with pytest.raises(ValueError, match="encoder"):
        RagVectorStore(store.knowledge_base, DeterministicFakeEmbedding(size=8))


def test_a_loader_reads_what_the_engine_reads(folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    (folder / ".hidden").write_text("hidden")
    loader = RagLoader(folder)
    found = {document.metadata["source"].rsplit("/", 1)[-1]: document for document in loader.lazy_load()}
    assert set(found) == set(DOCUMENTS) and found["bees.md"].metadata["kind"] == "markdown"
    assert found["bridge.txt"].page_content == DOCUMENTS["bridge.txt"]
    assert [path.rsplit("/", 1)[-1] for path, _ in loader.skipped] == ["broken.pdf"]
    with pytest.raises(rag_py.RagError):
        RagLoader(folder / "broken.pdf").load()
    assert len(asyncio.run(RagLoader(folder / "bees.md").aload())) == 1


def test_a_reranker_sorts():
    reranker = RagReranker(reranker=str(model("ms-marco-minilm")), top_n=2)
    documents = [Document(page_content=text, metadata={"n": text[:1]}) for text in (*DOCUMENTS.values(), "Soup.")]
    best = reranker.compress_documents(documents, BRIDGE)
    assert len(best) == 2 and best[0].page_content == DOCUMENTS["bridge.txt"]
    assert best[0].metadata["relevance_score"] > best[1].metadata["relevance_score"] and documents[0].metadata == {"n": "T"}
    assert reranker.compress_documents([], BRIDGE) == []
    assert len(asyncio.run(reranker.acompress_documents(documents, BRIDGE))) == 2


def test_a_chat_model_says_what_our_generator_says(generator):
    chat = RagChatModel(generator=generator, max_tokens=12)
    turns = [SystemMessage("Be brief."), HumanMessage("Say hello."), HumanMessage([{"type": "text", "text": "Please."}])]
    said = chat.invoke(turns)
    plain = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say hello.\nPlease."}]
    generation = generator.generate(plain, max_new_tokens=12)
    assert said.content == generation.text and said.usage_metadata["output_tokens"] == len(generation.token_ids)
    assert "".join(chunk.content for chunk in chat.stream(turns)) == generation.text
    assert asyncio.run(chat.ainvoke(turns)).content == generation.text
    assert chat.invoke(turns, max_tokens=2, temperature=0.0).usage_metadata["output_tokens"] == 2
    assert chat.get_num_tokens("hello") == generator.token_count("hello")
    for wrong in (ToolMessage("3", tool_call_id="1"), HumanMessage([{"type": "image_url", "image_url": "x"}])):
        with pytest.raises(ValueError, match="our generators read"):
            chat.invoke([*turns, AIMessage("yes"), wrong])
    with pytest.raises(NotImplementedError):
        chat.bind_tools([])


def test_a_retriever_and_embeddings(kb, encoder):
    retriever = RagRetriever(knowledge_base=kb, top_k=1, options={"mode": "hybrid"})
    [document] = retriever.invoke(BRIDGE)
    assert document.page_content == TEXT and document.metadata["uri"].endswith("bridge.txt")
    assert asyncio.run(retriever.ainvoke(BRIDGE))[0].id == document.id
    assert retriever.invoke(BRIDGE, filter="kind = markdown")[0].metadata["uri"].endswith("bees.md")
    embeddings = RagEmbeddings(encoder)
    assert np.allclose(embeddings.embed_documents([TEXT]), encoder.encode_passages([TEXT]))
    assert len(embeddings.embed_query(BRIDGE)) == encoder.dim and embeddings.embed_documents([]) == []
