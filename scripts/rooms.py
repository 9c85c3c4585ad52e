"""Which room of rag-core a file belongs to, where its folder does not say."""

# A file of options/ stands where the room stands whose options it declares.
OPTIONS_OF = {
    "add": "knowledge_base",
    "ask": "knowledge_base",
    "compose": "knowledge_base",
    "encoder": "encode",
    "filter": "store",
    "generate": "generate",
    "generator": "generate",
    "guards": "guard",
    "index": "index",
    "open": "knowledge_base",
    "read_file": "document",
    "reranker": "rerank",
    "search": "search",
    "split": "passage",
    "summarize": "knowledge_base",
    "sync": "knowledge_base",
    "tables": "knowledge_base",
    "walk": "walk",
}
