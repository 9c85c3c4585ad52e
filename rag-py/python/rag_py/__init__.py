"""An embedded retrieval-augmented generation engine: one library, one file, cited answers.

>>> import rag_py
>>> with rag_py.open("kb.rag", encoder="minilm", llm="qwen2.5-0.5b") as kb:  # doctest: +SKIP
...     kb.sync("docs/", progress=True)
...     answer = kb.ask("When was the lab founded?")
...     print(answer.text if answer.found else "not found", answer.citations)
"""

from rag_py import errors
from rag_py._generator import Generator
from rag_py._knowledge_base import KnowledgeBase, open
from rag_py._native import (
    Answer,
    AnswerStream,
    Chat,
    Citation,
    Document,
    Draft,
    EncodeStream,
    Encoder,
    Generation,
    GenerationStream,
    Hit,
    Location,
    Passage,
    PassageMap,
    Progress,
    Reranker,
    Retraction,
    Skipped,
    SyncReport,
    Table,
    Unread,
    __version__,
    mask,
    read,
)
from rag_py.errors import RagError

__all__ = [
    "Answer",
    "AnswerStream",
    "Chat",
    "Citation",
    "Document",
    "Draft",
    "EncodeStream",
    "Encoder",
    "Generation",
    "GenerationStream",
    "Generator",
    "Hit",
    "KnowledgeBase",
    "Location",
    "Passage",
    "PassageMap",
    "Progress",
    "RagError",
    "Reranker",
    "Retraction",
    "Skipped",
    "SyncReport",
    "Table",
    "Unread",
    "__version__",
    "errors",
    "mask",
    "open",
    "read",
]
