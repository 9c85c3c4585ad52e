"""LangChain: a knowledge base as a vector store and a retriever; our encoder, generator, reranker and readers. Needs ``langchain-core``.

``pip install rag-py[langchain]``. A vector store keeps whole documents under ids of yours; a retriever gives the passages of any knowledge
base, such as one that mirrors a folder.
"""

from __future__ import annotations

import uuid
from typing import Any, AsyncIterator, Callable, Iterable, Iterator, Mapping, Optional, Sequence, Union, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForLLMRun,
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForLLMRun,
    CallbackManagerForRetrieverRun,
    Callbacks,
)
from langchain_core.document_loaders import BaseLoader
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    SystemMessage,
)
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import run_in_executor
from langchain_core.vectorstores import VectorStore
from pydantic import ConfigDict, Field, model_validator

import rag_py
from rag_py import Encoder, Generation, Generator, Hit, KnowledgeBase, Reranker
from rag_py.integrations import _filters, _reading, _records
from rag_py.integrations._metadata import metadata
from rag_py.integrations._records import Record
from rag_py.integrations._vectors import QUESTION, GivenVectors
from rag_py.types import Message, Path

_BATCH = 64
"""Texts of one call of the caller's embeddings."""


def _document(hit: Hit) -> Document:
    return Document(page_content=hit.text, metadata=metadata(hit), id=_records.passage_id(hit))


def _whole(found: Union[Record, Hit]) -> Document:
    if isinstance(found, Record):
        return Document(page_content=found.text, metadata=found.metadata, id=found.id)
    return _document(found)


class RagRetriever(BaseRetriever):
    """The passages of a knowledge base that answer a question best, best first.

    >>> retriever = RagRetriever(knowledge_base=kb, top_k=3)  # doctest: +SKIP
    >>> retriever.invoke("When was the bridge opened?")  # doctest: +SKIP
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    knowledge_base: KnowledgeBase
    """The open knowledge base."""
    top_k: int = 5
    """Most passages; ``invoke`` takes another as ``top_k`` or ``k``."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Further options of ``KnowledgeBase.search``, such as ``{"filter": "kind = pdf"}``; ``invoke`` takes more of them."""

    def _asked(self, options: dict[str, Any]) -> dict[str, Any]:
        named = {("top_k" if name == "k" else name): value for name, value in options.items()}
        return {"top_k": self.top_k, **self.options, **named}

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        return [_document(hit) for hit in self.knowledge_base.search(query, **self._asked(options))]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **options: Any
    ) -> list[Document]:
        hits = await self.knowledge_base.asearch(query, **self._asked(options))
        return [_document(hit) for hit in hits]


class RagEmbeddings(Embeddings):
    """Our encoder for LangChain's vector stores; prefixes of questions and passages are put in by the encoder itself.

    Args:
        encoder: A loaded encoder, or its name, path or hub id.
    """

    def __init__(self, encoder: Union[Encoder, Path]) -> None:
        self.encoder = encoder if isinstance(encoder, Encoder) else Encoder(encoder)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Unit vectors of passages."""
        if not texts:
            return []
        rows: list[list[float]] = self.encoder.encode_passages(texts).tolist()
        return rows

    def embed_query(self, text: str) -> list[float]:
        """The unit vector of a question."""
        row: list[float] = self.encoder.encode_queries([text])[0].tolist()
        return row


class RagVectorStore(VectorStore):
    """A knowledge base as a vector store: one file, searched by meaning and by words.

    A document's id is its uri in the knowledge base; an id that is there already is replaced. Long texts are searched passage by passage
    and come back whole, to the byte, with the types of their metadata. Other documents of the file, such as files that were synced, are
    found too, passage by passage, with the metadata of hits; ``delete`` and ``get_by_ids`` know nothing of them.

    Args:
        knowledge_base: An open knowledge base, or where to open or create one; ``":memory:"`` keeps nothing.
        embedding: Makes the vectors, for a knowledge base that is opened here. ``RagEmbeddings`` hands over its encoder; any other is
            called with texts of a batch at once. Default: the engine's own encoder.
        mode: ``"hybrid"``, ``"dense"`` (only vectors, as most vector stores) or ``"lexical"``.
        name: Stands for the vectors of ``embedding``: a file is only opened again under the name it was built with. Default: the
            class of ``embedding``, and its model where it says so.
        dim: Length of a vector of ``embedding``. Default: it is asked for one.
        options: Further options of ``rag_py.open``.

    >>> store = RagVectorStore("notes.rag", encoder="e5-small")  # doctest: +SKIP
    """

    def __init__(
        self,
        knowledge_base: Union[KnowledgeBase, Path] = ":memory:",
        embedding: Optional[Embeddings] = None,
        *,
        mode: str = "hybrid",
        name: Optional[str] = None,
        dim: Optional[int] = None,
        **options: Any,
    ) -> None:
        self.mode = mode
        self._embedding = embedding
        self._vectors: Optional[GivenVectors] = None
        if isinstance(knowledge_base, KnowledgeBase):
            if embedding is not None or options:
                raise ValueError("an open knowledge base has its encoder and options already: give its path, or nothing else")
            self.knowledge_base = knowledge_base
            return
        if isinstance(embedding, RagEmbeddings):
            options["encoder"] = embedding.encoder
        elif embedding is not None:
            dim = dim or len(embedding.embed_query("length"))
            self._vectors = GivenVectors(
                name or _model_name(embedding),
                dim,
                embedding.embed_documents,
                lambda texts: [embedding.embed_query(text) for text in texts],
            )
            options["encoder"] = self._vectors.encoder
        self.knowledge_base = rag_py.open(knowledge_base, **options)

    @property
    def embeddings(self) -> Optional[Embeddings]:
        """What makes the vectors, if it was given here."""
        return self._embedding

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Optional[Embeddings] = None,
        metadatas: Optional[list[dict[str, Any]]] = None,
        *,
        ids: Optional[list[str]] = None,
        knowledge_base: Union[KnowledgeBase, Path] = ":memory:",
        **options: Any,
    ) -> RagVectorStore:
        """A store with these texts; the other arguments are those of the class."""
        store = cls(knowledge_base, embedding, **options)
        store.add_texts(texts, metadatas, ids=ids)
        return store

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: Optional[list[dict[str, Any]]] = None,
        *,
        ids: Optional[Sequence[Optional[str]]] = None,
        **kwargs: Any,
    ) -> list[str]:
        """Adds texts, in place of those with the same ids, and returns the ids; a text without one gets a random one.

        Raises:
            ValueError: Metadata or ids are not as many as the texts, a text holds no words; nothing is added then.
            TypeError: Metadata that JSON does not have; nothing is added then.
        """
        given = list(texts)
        about = metadatas or [{} for _ in given]
        named = list(ids) if ids is not None else [None] * len(given)
        for what, found in (("metadatas", about), ("ids", named)):
            if len(found) != len(given):
                raise ValueError(f"{len(found)} {what} for {len(given)} texts")
        records = [
            _records.checked(Record(id or uuid.uuid4().hex, text, dict(known)))
            for text, known, id in zip(given, about, named)
        ]
        for start in range(0, len(records), _BATCH):
            self._put(records[start : start + _BATCH])
        return [record.id for record in records]

    def _put(self, records: list[Record]) -> None:
        if self._vectors is None or self._embedding is None:
            for record in records:
                _records.put(self.knowledge_base, record)
            return
        # a longer text is cut, and its passages are embedded as they are stored
        most = self._vectors.encoder.max_tokens
        texts = list(dict.fromkeys(record.text for record in records if len(record.text.split()) <= most))
        vectors = self._embedding.embed_documents(texts) if texts else []
        with self._vectors.passages(dict(zip(texts, vectors))):
            for record in records:
                _records.put(self.knowledge_base, record)

    def delete(self, ids: Optional[list[str]] = None, **kwargs: Any) -> bool:
        """Removes the documents with these ids; None removes all that were added here. Ids that are not there are passed over."""
        if ids is None:
            _records.remove_where(self.knowledge_base)
        else:
            _records.remove(self.knowledge_base, ids)
        return True

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """The documents with these ids, in their order."""
        return [_whole(record) for record in _records.named(self.knowledge_base, ids).values()]

    def similarity_search(
        self, query: str, k: int = 4, filter: Union[str, Mapping[str, Any], None] = None, **kwargs: Any
    ) -> list[Document]:
        """The documents that answer best, best first.

        Args:
            query: In any words.
            k: Most documents.
            filter: A filter as text, ``"year >= 2020 AND lang = fr"``, or as a dict, ``{"year": {"$gte": 2020}, "lang": "fr"}``.
            kwargs: Further options of ``KnowledgeBase.search``.
        """
        return [document for document, _ in self.similarity_search_with_score(query, k, filter, **kwargs)]

    def similarity_search_with_score(  # type: ignore[override]
        self, query: str, k: int = 4, filter: Union[str, Mapping[str, Any], None] = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The same with scores, higher is better: cosines if ``mode`` is ``"dense"``, else those of ``Hit.score``."""
        return self._search(query, k, filter, kwargs)

    def _search(
        self,
        query: str,
        k: int,
        filter: Union[str, Mapping[str, Any], None],
        options: dict[str, Any],
        vector: Optional[list[float]] = None,
    ) -> list[tuple[Document, float]]:
        if not callable(filter):
            filter = _filters.from_mapping(filter)
        else:
            raise ValueError("a filter is a text or a dict, not a function: see docs/frameworks.md")
        asked = {"mode": self.mode, "filter": filter, **options}
        if vector is None:
            found = _records.search(self.knowledge_base, query, k, **asked)
        else:
            with self._given().question(vector):
                found = _records.search(self.knowledge_base, query, k, **{**asked, "mode": "dense"})
        return [(_whole(what), score) for what, score in found]

    def _given(self) -> GivenVectors:
        if self._vectors is None:
            raise NotImplementedError(
                "the engine's own encoder takes questions, not vectors: search by text, or open the store with an embedding"
            )
        return self._vectors

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, filter: Union[str, Mapping[str, Any], None] = None, **kwargs: Any
    ) -> list[Document]:
        """The documents nearest to a vector, in a store that was opened with an embedding of the caller's.

        Raises:
            NotImplementedError: The engine's own encoder makes the vectors.
        """
        return [document for document, _ in self._search(QUESTION, k, filter, kwargs, embedding)]

    def similarity_search_with_score_by_vector(
        self, embedding: list[float], k: int = 4, filter: Union[str, Mapping[str, Any], None] = None, **kwargs: Any
    ) -> list[tuple[Document, float]]:
        """The same with cosines."""
        return self._search(QUESTION, k, filter, kwargs, embedding)

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Union[str, Mapping[str, Any], None] = None,
        **kwargs: Any,
    ) -> list[Document]:
        """Documents that answer and differ from those before; the engine chooses among candidates of its own, whatever ``fetch_k``."""
        return self.similarity_search(query, k, filter, **{"diversity": 1.0 - lambda_mult, **kwargs})

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Union[str, Mapping[str, Any], None] = None,
        **kwargs: Any,
    ) -> list[Document]:
        """The same from a vector, where ``similarity_search_by_vector`` takes one."""
        options = {"diversity": 1.0 - lambda_mult, **kwargs}
        return self.similarity_search_by_vector(embedding, k, filter, **options)

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **kwargs: Any) -> list[Document]:
        """As ``similarity_search_by_vector``, off the event loop."""
        return await run_in_executor(None, self.similarity_search_by_vector, embedding, k, **kwargs)

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        return lambda score: min(max(score, 0.0), 1.0)

    def close(self) -> None:
        """Closes the knowledge base."""
        self.knowledge_base.close()


def _model_name(embedding: Embeddings) -> str:
    named = (getattr(embedding, key, None) for key in ("model", "model_name", "model_id", "deployment"))
    model = next((name for name in named if isinstance(name, str)), None)
    return f"{type(embedding).__name__}:{model}" if model else type(embedding).__name__


class RagLoader(BaseLoader):
    """Files as documents, read by the engine: PDF, office files, web pages, mail and what else it reads.

    Each file is one document with ``source``, ``kind``, ``title``, ``lang`` and what the file says of itself. Of a folder all files are
    read; those that cannot be are in ``skipped``, each with its reason.

    Args:
        paths: Files or folders.
        options: Options of ``rag_py.read``.
    """

    def __init__(self, *paths: Path, **options: Any) -> None:
        self.paths = paths
        self.options = options
        self.skipped: list[tuple[str, str]] = []

    def lazy_load(self) -> Iterator[Document]:
        """One document after the other.

        Raises:
            RagError, OSError: A file that was named itself cannot be read.
        """
        self.skipped = []
        for text, known in _reading.read_all(self.paths, self.skipped, **self.options):
            yield Document(page_content=text, metadata=known)


class RagReranker(BaseDocumentCompressor):
    """Sorts documents anew by a cross-encoder or a model of late interaction, and keeps the best.

    The score is in the metadata, as ``relevance_score``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    reranker: Union[Reranker, str]
    """A loaded reranker, or its name, path or hub id."""
    top_n: int = 3
    """Most documents."""

    @model_validator(mode="after")
    def _load(self) -> RagReranker:
        if isinstance(self.reranker, str):
            self.reranker = Reranker(self.reranker)
        return self

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Optional[Callbacks] = None
    ) -> Sequence[Document]:
        """The best documents, best first."""
        if not documents:
            return []
        scores = cast(Reranker, self.reranker).score(query, [document.page_content for document in documents]).tolist()
        best = sorted(range(len(documents)), key=lambda place: -scores[place])[: self.top_n]
        return [
            documents[place].model_copy(
                update={"metadata": {**documents[place].metadata, "relevance_score": scores[place]}}
            )
            for place in best
        ]


class RagChatModel(BaseChatModel):
    """Our generator as a chat model: it streams, stops at texts and counts tokens. It calls no tools and reads texts only.

    >>> RagChatModel(model="qwen2.5-0.5b").invoke("Say hello.")  # doctest: +SKIP
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    model: str = "qwen2.5-0.5b"
    """Its name, path or hub id, where no ``generator`` is given."""
    generator: Optional[Generator] = Field(default=None, exclude=True, repr=False)
    """A loaded generator."""
    max_tokens: Optional[int] = None
    """Most tokens of an answer. Default: the engine's."""
    temperature: Optional[float] = None
    """Default: the engine's."""
    top_p: Optional[float] = None
    """Default: the engine's."""
    seed: Optional[int] = None
    """Default: the engine's."""
    stop: Optional[list[str]] = None
    """Texts that end an answer."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Further options of ``Generator.generate``; a call takes more of them."""

    @model_validator(mode="after")
    def _load(self) -> RagChatModel:
        if self.generator is None:
            self.generator = Generator(self.model)
        else:
            self.model = self.generator.name
        return self

    @property
    def _llm_type(self) -> str:
        return "rag"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": self.model, **self._asked(None, {})}

    def _get_ls_params(self, stop: Optional[list[str]] = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "rag"
        params["ls_model_name"] = kwargs.get("model", self.model)
        return params

    def _asked(self, stop: Optional[list[str]], options: dict[str, Any]) -> dict[str, Any]:
        names = {"max_tokens": "max_new_tokens"}
        asked: dict[str, Any] = {
            "max_new_tokens": self.max_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            "stop": stop or self.stop or None,
            **self.options,
            **{names.get(name, name): value for name, value in options.items()},
        }
        return {name: value for name, value in asked.items() if value is not None}

    def _generator(self) -> Generator:
        if self.generator is None:
            raise ValueError("the model was made without a generator")
        return self.generator

    def _message(self, generation: Generation) -> AIMessage:
        return AIMessage(
            content=generation.text, usage_metadata=_usage(generation), response_metadata=self._about(generation)
        )

    def _about(self, generation: Generation) -> dict[str, Any]:
        return {"model_name": self.model, "model_provider": "rag", "finish_reason": generation.stop_reason}

    def _last(self, generation: Generation) -> ChatGenerationChunk:
        message = AIMessageChunk(
            content="",
            usage_metadata=_usage(generation),
            response_metadata=self._about(generation),
            chunk_position="last",
        )
        return ChatGenerationChunk(message=message)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: Optional[list[str]] = None,
        run_manager: Optional[CallbackManagerForLLMRun] = None,
        **kwargs: Any,
    ) -> ChatResult:
        generation = self._generator().generate(_turns(messages), **self._asked(stop, kwargs))
        return ChatResult(generations=[ChatGeneration(message=self._message(generation))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: Optional[list[str]] = None,
        run_manager: Optional[AsyncCallbackManagerForLLMRun] = None,
        **kwargs: Any,
    ) -> ChatResult:
        generation = await self._generator().agenerate(_turns(messages), **self._asked(stop, kwargs))
        return ChatResult(generations=[ChatGeneration(message=self._message(generation))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: Optional[list[str]] = None,
        run_manager: Optional[CallbackManagerForLLMRun] = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with self._generator().generate(_turns(messages), stream=True, **self._asked(stop, kwargs)) as stream:
            for piece in stream:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
            yield self._last(stream.generation)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: Optional[list[str]] = None,
        run_manager: Optional[AsyncCallbackManagerForLLMRun] = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        with self._generator().generate(_turns(messages), stream=True, **self._asked(stop, kwargs)) as stream:
            async for piece in stream:
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    await run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
            yield self._last(stream.generation)

    def get_num_tokens(self, text: str) -> int:
        """Tokens of a text, as the generator counts them."""
        return self._generator().token_count(text)


def _usage(generation: Generation) -> UsageMetadata:
    prompt, written = generation.prompt_token_count, len(generation.token_ids)
    return UsageMetadata(input_tokens=prompt, output_tokens=written, total_tokens=prompt + written)


def _turns(messages: Sequence[BaseMessage]) -> list[Message]:
    """The conversation as our generator takes it; turns of the same role become one, as templates have them in turn."""
    turns: list[Message] = []
    for message in messages:
        turn: Message = {"role": _role(message), "content": _said(message)}
        if turns and turns[-1]["role"] == turn["role"]:
            turns[-1]["content"] += "\n" + turn["content"]
        else:
            turns.append(turn)
    return turns


def _role(message: BaseMessage) -> Any:
    if isinstance(message, SystemMessage):
        return "system"
    if isinstance(message, HumanMessage):
        return "user"
    if isinstance(message, AIMessage):
        return "assistant"
    if isinstance(message, ChatMessage) and message.role in ("system", "user", "assistant"):
        return message.role
    raise ValueError(f"our generators read system, human and AI messages and call no tools, not {message.type!r}")


def _said(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    parts: list[str] = []
    for block in message.content:
        if isinstance(block, str):
            parts.append(block)
        elif block.get("type") == "text":
            parts.append(block["text"])
        else:
            raise ValueError(f"our generators read texts, not blocks of type {block.get('type')!r}")
    return "\n".join(parts)
