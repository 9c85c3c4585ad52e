"""A knowledge base inside other frameworks; each module needs its framework, which ``pip install rag-py[NAME]`` brings.

- ``rag_py.integrations.langchain`` (``langchain``): ``RagVectorStore``, ``RagRetriever``, ``RagEmbeddings``, ``RagChatModel``, ``RagLoader``,
  ``RagReranker``
- ``rag_py.integrations.llama_index`` (``llama-index``): ``RagVectorStore``, ``RagRetriever``, ``RagEmbedding``, ``RagLLM``, ``RagReader``,
  ``RagReranker``
- ``rag_py.integrations.haystack`` (``haystack``): ``RagDocumentStore``, ``RagDocumentRetriever``, ``RagEmbeddingRetriever``,
  ``RagRetriever``, ``RagTextEmbedder``, ``RagDocumentEmbedder``, ``RagGenerator``, ``RagChatGenerator``, ``RagConverter``, ``RagRanker``
- ``rag_py.integrations.openai``: ``chat_completion``, which needs nothing
- ``rag_py.integrations.tables``: ``to_pandas``, ``to_arrow``
"""
