"""LlamaIndex over our classes; where LlamaIndex has the same in memory, both give the same."""

import asyncio
import json

import numpy as np
import pytest
from conftest import BRIDGE, DOCUMENTS, model

pytest.importorskip("llama_index.core", reason="SKIP: llama-index-core is not installed")

from llama_index.core import Document, SimpleDirectoryReader, StorageContext, VectorStoreIndex  # noqa: E402
from llama_index.core.base.llms.types import ChatMessage, ImageBlock, MessageRole  # noqa: E402
from llama_index.core.embeddings import MockEmbedding  # noqa: E402
from llama_index.core.schema import ImageNode, IndexNode, NodeRelationship, RelatedNodeInfo, TextNode  # noqa: E402
from llama_index.core.vector_stores.simple import SimpleVectorStore  # noqa: E402
from llama_index.core.vector_stores.types import (  # noqa: E402
    FilterCondition,
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)

import rag_py  # noqa: E402
from rag_py.integrations.llama_index import (  # noqa: E402
    RagEmbedding,
    RagLLM,
    RagReader,
    RagReranker,
    RagRetriever,
    RagVectorStore,
)

TEXT = DOCUMENTS["bridge.txt"].strip()
ABOUT = [
    {"year": 2019, "lang": "fr", "tags": ["a", "b"], "share": 0.5},
    {"year": 2020, "lang": "Fr*", "tags": ["a"], "share": 2.0, "none": None},
    {"year": 2021, "lang": "it's [x]", "tags": [], "share": -1.5},
    {"year": 2022, "tags": ["c", "it's"], "lang": ""},
    {},
]


def nodes():
    random = np.random.default_rng(1)
    made = []
    for number, about in enumerate(ABOUT):
        node = TextNode(id_=f"n{number}", text=f"Node {number} of some.", metadata=about, embedding=random.normal(size=8).tolist())
        node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=f"doc{number % 2}")
        made.append(node)
    return made


@pytest.fixture
def store():
    store = RagVectorStore(dim=8)
    assert store.add(nodes()) == ["n0", "n1", "n2", "n3", "n4"]
    return store


def ids(found):
    return "".join(sorted(node.node_id[1:] for node in found))


def test_nodes_come_back_whole(store):
    stored = {node.node_id: node for node in store.get_nodes()}
    for node in nodes():
        node.embedding = None
        assert stored[node.node_id].to_dict() == node.to_dict()
    assert store.get_nodes(["n3", "no", "n1"])[0].ref_doc_id == "doc1" and store.get_nodes(["n3", "no"])[0].node_id == "n3"
    long = TextNode(id_="long", text="  " + "A word or two.\r\n\r\n" * 300, embedding=[1.0] * 8, start_char_idx=3)
    others = [IndexNode(id_="i", text="index", index_id="x", embedding=[1.0] * 8), ImageNode(id_="p", text="pic", image="aGk=", embedding=[1.0] * 8)]
    asyncio.run(store.async_add([long, *others]))
    back = store.get_nodes(["long", "i", "p"])
    assert back[0].text == long.text and back[0].start_char_idx == 3
    assert back[1].index_id == "x" and back[2].image == "aGk="
    with pytest.raises(ValueError, match="no words"):
        store.add([TextNode(text="x", id_="x", embedding=[1.0] * 8), TextNode(text=" ", embedding=[1.0] * 8)])
    with pytest.raises(ValueError, match="embedding"):
        store.add([TextNode(text="x", id_="x")])
    assert store.get_nodes(["x"]) == []


def test_it_finds_what_their_store_finds(store):
    theirs = SimpleVectorStore()
    theirs.add(nodes())
    random = np.random.default_rng(2)
    for _ in range(5):
        query = VectorStoreQuery(query_embedding=random.normal(size=8).tolist(), similarity_top_k=3)
        ours, expected = store.query(query), theirs.query(query)
        assert ours.ids == expected.ids == [node.node_id for node in ours.nodes]
        assert np.allclose(ours.similarities, expected.similarities, atol=2e-3)


VALUES = {"year": 2020, "lang": "fr", "tags": "a", "share": 0.5, "no": 1}
PLAIN = ["==", "!=", ">", ">=", "<", "<=", "in", "nin", "text_match", "text_match_insensitive", "is_empty"]


@pytest.mark.parametrize("operator", [*PLAIN, "any", "all", "contains"])
def test_filters_are_theirs(store, operator):
    operator = FilterOperator(operator)
    theirs = SimpleVectorStore()
    theirs.add(nodes())
    asked = []
    lists = (FilterOperator.ANY, FilterOperator.ALL, FilterOperator.CONTAINS)
    texts = (FilterOperator.TEXT_MATCH, FilterOperator.TEXT_MATCH_INSENSITIVE)
    for key in ("tags",) if operator in lists else ("lang",) if operator in texts else ("year", "share", "no"):
        values = [VALUES[key]]
        if operator in lists:
            values = ["a", "it's", "z"] if operator == FilterOperator.CONTAINS else [["a", "b"], ["c"], ["a", "z"]]
        elif operator in texts:
            values = ["r", "*", "[x]", "F", "ß"]
        elif operator in (FilterOperator.IN, FilterOperator.NIN):
            values = [[VALUES[key]], [2019, 2021], []]
        asked += [MetadataFilter(key=key, value=value, operator=operator) for value in values]
    if operator == FilterOperator.IS_EMPTY:
        asked = [MetadataFilter(key=key, value=None, operator=operator) for key in ("lang", "tags", "none", "no", "year")]
    for part in asked:
        filters = MetadataFilters(filters=[part])
        query = VectorStoreQuery(query_embedding=[1.0] * 8, similarity_top_k=9, filters=filters)
        expected = sorted(theirs.query(query).ids)
        assert sorted(store.query(query).ids) == expected, part
        assert sorted(node.node_id for node in store.get_nodes(filters=filters)) == expected, part
        others = store.get_nodes(filters=MetadataFilters(filters=[part], condition=FilterCondition.NOT))
        assert sorted([*expected, *(node.node_id for node in others)]) == [node.node_id for node in nodes()], part


def test_filters_nest_and_what_they_cannot_say_is_told(store):
    year = MetadataFilter(key="year", value=2020, operator=FilterOperator.GTE)
    french = MetadataFilters(filters=[MetadataFilter(key="lang", value="fr"), year], condition="or")
    inner = MetadataFilter(key="year", value=2021, operator=FilterOperator.NE)
    assert ids(store.get_nodes(filters=MetadataFilters(filters=[french, inner]))) == "013"
    assert ids(store.get_nodes(filters=MetadataFilters(filters=[year, inner], condition="not"))) == ""
    assert ids(store.get_nodes(filters=MetadataFilters(filters=[]))) == "01234"
    with pytest.raises(ValueError, match="is_empty"):
        store.get_nodes(filters=MetadataFilters(filters=[MetadataFilter(key="year", value=None)]))
    with pytest.raises(rag_py.RagError, match="128"):
        store.get_nodes(filters=MetadataFilters(filters=[MetadataFilter(key="year", value=list(range(200)), operator="in")]))


def test_modes(store):
    def asked(mode, **more):
        return store.query(VectorStoreQuery(mode=VectorStoreQueryMode(mode), similarity_top_k=2, **more))

    vector = nodes()[4].embedding
    assert asked("default", query_embedding=vector).ids[0] == "n4"
    assert asked("mmr", query_embedding=vector, mmr_threshold=0.1).ids[0] == "n4"
    assert asked("text_search", query_str="3").ids == ["n3"] == asked("sparse", query_str="3").ids
    both = {"query_str": "3", "query_embedding": vector}
    assert asked("hybrid", alpha=0.0, **both).ids[0] == "n3" and asked("hybrid", alpha=1.0, **both).ids[0] == "n4"
    assert asked("default", query_embedding=vector, doc_ids=["doc1"]).ids[0] in ("n1", "n3")
    assert asked("default", query_embedding=vector, node_ids=["n2"]).ids == ["n2"]
    assert asyncio.run(store.aquery(VectorStoreQuery(query_embedding=vector))).ids == ["n4"]
    for mode, more in (("svm", both), ("default", {}), ("default", {"query_str": "x"}), ("hybrid", {"query_embedding": vector}),
                       ("sparse", {"query_embedding": vector})):
        with pytest.raises(ValueError):
            asked(mode, **more)


def test_nodes_are_removed(store):
    store.delete("doc1")
    assert ids(store.get_nodes()) == "024"
    asyncio.run(store.adelete_nodes(["n0", "n1", "n2"], MetadataFilters(filters=[MetadataFilter(key="lang", value="fr")])))
    assert ids(store.get_nodes()) == "24"
    with pytest.raises(ValueError, match="clear"):
        store.delete_nodes()
    asyncio.run(store.aclear())
    assert store.get_nodes() == []


def test_other_documents_are_found_and_left_alone(kb):
    store = RagVectorStore(kb)
    store.add([TextNode(id_="soup", text="Soup is served at noon.")])
    found = store.query(VectorStoreQuery(query_str=BRIDGE, similarity_top_k=2))
    assert found.nodes[0].text == TEXT and found.nodes[0].metadata["uri"].endswith("bridge.txt")
    store.clear()
    assert len(kb) == 3 and store.get_nodes() == []


def test_an_index_over_it(tmp_path, encoder):
    embedding = RagEmbedding(encoder)
    store = RagVectorStore(tmp_path / "kb.rag", dim=embedding.dim)
    documents = [Document(text=text, id_=name, metadata={"name": name}) for name, text in DOCUMENTS.items()]
    context = StorageContext.from_defaults(vector_store=store)
    index = VectorStoreIndex.from_documents(documents, storage_context=context, embed_model=embedding)
    [found] = index.as_retriever(similarity_top_k=1).retrieve(BRIDGE)
    assert found.node.ref_doc_id == "bridge.txt" and found.text == TEXT
    hybrid = index.as_retriever(similarity_top_k=1, vector_store_query_mode="hybrid", alpha=0.5)
    assert asyncio.run(hybrid.aretrieve(BRIDGE))[0].node_id == found.node_id
    index.delete_ref_doc("bridge.txt")
    store.client.close()
    store = RagVectorStore(tmp_path / "kb.rag", dim=embedding.dim)
    index = VectorStoreIndex.from_vector_store(store, embed_model=embedding)
    assert index.as_retriever(similarity_top_k=9).retrieve(BRIDGE)[0].metadata["name"] != "bridge.txt"


def test_an_index_over_our_encoder(encoder):
    with rag_py.open(":memory:", encoder=encoder) as kb:
        store = RagVectorStore(kb)
        context = StorageContext.from_defaults(vector_store=store)
        documents = [Document(text=text) for text in DOCUMENTS.values()]
        index = VectorStoreIndex.from_documents(documents, storage_context=context, embed_model=MockEmbedding(1))
        assert index.as_retriever(similarity_top_k=1).retrieve(BRIDGE)[0].text == TEXT
        with pytest.raises(ValueError, match="encoder"):
            RagVectorStore(kb, dim=3)


def test_a_language_model(generator):
    llm = RagLLM(generator, max_tokens=8)
    turn = [{"role": "user", "content": "Say hello."}]
    generation = generator.generate(turn, max_new_tokens=8)
    assert llm.complete("Say hello.").text == generation.text
    assert llm.complete("Say hello.", formatted=True).text == generator.generate("Say hello.", max_new_tokens=8).text
    assert list(llm.stream_complete("Say hello."))[-1].text == generation.text
    messages = [ChatMessage(role=MessageRole.USER, content="Say hello.")]
    said = llm.chat(messages)
    assert said.message.content == generation.text and said.additional_kwargs["completion_tokens"] == len(generation.token_ids)
    assert "".join(piece.delta for piece in llm.stream_chat(messages)) == generation.text
    assert llm.metadata.is_chat_model and llm.metadata.context_window == generator.context_len
    assert llm.chat(messages, max_tokens=1).additional_kwargs["finish_reason"] == "max_new_tokens"

    async def together():
        pieces = [piece.delta async for piece in await llm.astream_chat(messages)]
        texts = [piece.text async for piece in await llm.astream_complete("Say hello.")]
        return "".join(pieces), texts[-1], (await llm.achat(messages)).message.content, (await llm.acomplete("Say hello.")).text

    assert set(asyncio.run(together())) == {generation.text}
    for wrong in (ChatMessage(role="tool", content="3"), ChatMessage(role="user", blocks=[ImageBlock(image=b"x")])):
        with pytest.raises(ValueError, match="our generators read"):
            llm.chat([wrong])


def test_a_query_engine(encoder):
    with rag_py.open(":memory:", encoder=encoder) as kb:
        kb.add(TEXT)
        from llama_index.core.query_engine import RetrieverQueryEngine

        llm = RagLLM(model("qwen2.5-0.5b"), max_tokens=24)
        engine = RetrieverQueryEngine.from_args(RagRetriever(kb, top_k=1), llm=llm)
        assert "1871" in str(engine.query(BRIDGE))


def test_a_reader_reads_what_the_engine_reads(folder):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    reader = RagReader()
    documents = reader.load_data(folder, extra_info={"more": 1})
    assert sorted(document.text for document in documents) == sorted(DOCUMENTS.values())
    assert all(document.metadata["more"] == 1 for document in documents) and len(reader.skipped) == 1
    with pytest.raises(rag_py.RagError):
        reader.load_data(folder / "broken.pdf")
    theirs = SimpleDirectoryReader(input_files=[folder / "bees.md"], file_extractor={".md": reader}).load_data()
    assert theirs[0].metadata["kind"] == "markdown" and theirs[0].text == DOCUMENTS["bees.md"]
    assert json.dumps(theirs[0].metadata)


def test_a_reranker_sorts(kb):
    found = RagRetriever(kb, top_k=3).retrieve(BRIDGE)
    reranker = RagReranker(model("ms-marco-minilm"), top_n=2)
    best = reranker.postprocess_nodes(found[::-1], query_str=BRIDGE)
    assert len(best) == 2 and best[0].text == TEXT and best[0].score > best[1].score
    assert reranker.postprocess_nodes([], query_str=BRIDGE) == []
    with pytest.raises(ValueError):
        reranker.postprocess_nodes(found)


def test_a_retriever_and_an_embedding(kb, encoder):
    retriever = RagRetriever(kb, top_k=1, mode="hybrid")
    [node] = retriever.retrieve(BRIDGE)
    assert node.text == TEXT and 0 < node.score <= 1 and node.metadata["uri"].endswith("bridge.txt")
    assert asyncio.run(retriever.aretrieve(BRIDGE))[0].node_id == node.node_id
    embedding = RagEmbedding(encoder)
    assert np.allclose(embedding.get_text_embedding(TEXT), encoder.encode_passages([TEXT])[0])
    assert np.allclose(embedding.get_query_embedding(BRIDGE), encoder.encode_queries([BRIDGE])[0])
