"""A knowledge base inside other frameworks. Those that are not installed are skipped; `pip install langchain-core llama-index-core haystack-ai`
runs all of them."""

import asyncio

import numpy as np
import pytest

from conftest import BRIDGE, DOCUMENTS
from rag_py.integrations import openai

TEXT = DOCUMENTS["bridge.txt"].strip()


def test_openai_shaped_completions_carry_their_proof(qa):
    messages = [{"role": "system", "content": "Answer in English."}, {"role": "user", "content": BRIDGE}]
    completion = openai.chat_completion(qa, messages, max_tokens=48, stop="\n\n")
    message = completion["choices"][0]["message"]
    assert message["role"] == "assistant" and "1871" in message["content"]
    assert completion["usage"]["total_tokens"] > 0 and completion["rag"]["citations"][0]["status"] == "ok"
    chunks = list(openai.chat_completion(qa, messages, stream=True, max_tokens=48))
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert "1871" in said and chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["rag"]["outcome"] == "answered"
    off = [{"role": "user", "content": "How many goals did Brazil score in the 1970 world cup final?"}]
    unknown = openai.chat_completion(qa, off)
    assert unknown["choices"][0]["message"]["content"] == openai.NOT_FOUND
    assert unknown["rag"]["outcome"] == "not_found" and unknown["rag"]["reason"]
    streamed = list(openai.chat_completion(qa, off, stream=True, extract=True))
    assert any(chunk["choices"][0]["delta"].get("content") == openai.NOT_FOUND for chunk in streamed)
    for wrong in ([], [{"role": "assistant", "content": "?"}]):
        with pytest.raises(ValueError):
            openai.chat_completion(qa, wrong)


def test_langchain(kb, encoder):
    pytest.importorskip("langchain_core", reason="SKIP: langchain-core is not installed")
    from rag_py.integrations.langchain import RagEmbeddings, RagRetriever

    retriever = RagRetriever(knowledge_base=kb, top_k=1, options={"mode": "hybrid"})
    [document] = retriever.invoke(BRIDGE)
    assert document.page_content == TEXT and document.metadata["uri"].endswith("bridge.txt")
    assert asyncio.run(retriever.ainvoke(BRIDGE))[0].id == document.id
    embeddings = RagEmbeddings(encoder)
    assert np.allclose(embeddings.embed_documents([TEXT]), encoder.encode_passages([TEXT]))
    assert len(embeddings.embed_query(BRIDGE)) == encoder.dim


def test_llama_index(kb, encoder):
    pytest.importorskip("llama_index.core", reason="SKIP: llama-index-core is not installed")
    from rag_py.integrations.llama_index import RagEmbedding, RagRetriever

    retriever = RagRetriever(kb, top_k=1, mode="hybrid")
    [node] = retriever.retrieve(BRIDGE)
    assert node.text == TEXT and 0 < node.score <= 1 and node.metadata["uri"].endswith("bridge.txt")
    assert asyncio.run(retriever.aretrieve(BRIDGE))[0].node_id == node.node_id
    embedding = RagEmbedding(encoder)
    assert np.allclose(embedding.get_text_embedding(TEXT), encoder.encode_passages([TEXT])[0])
    assert np.allclose(embedding.get_query_embedding(BRIDGE), encoder.encode_queries([BRIDGE])[0])


def test_haystack(kb):
    haystack = pytest.importorskip("haystack", reason="SKIP: haystack-ai is not installed")
    from rag_py.integrations.haystack import RagRetriever

    pipeline = haystack.Pipeline()
    pipeline.add_component("retriever", RagRetriever(kb, top_k=2))
    [document] = pipeline.run({"retriever": {"query": BRIDGE, "top_k": 1}})["retriever"]["documents"]
    assert document.content == TEXT and document.meta["uri"].endswith("bridge.txt")


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
