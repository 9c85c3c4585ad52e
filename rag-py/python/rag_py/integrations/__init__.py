"""A knowledge base inside other frameworks; each module needs its framework, none is installed with this package.

- ``rag_py.integrations.langchain``: ``RagRetriever``, ``RagEmbeddings``
- ``rag_py.integrations.llama_index``: ``RagRetriever``, ``RagEmbedding``
- ``rag_py.integrations.haystack``: ``RagRetriever``
- ``rag_py.integrations.openai``: ``chat_completion``, which needs nothing
"""
