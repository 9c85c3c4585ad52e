"""The native module. Use the package ``rag_py``, which re-exports what is public."""

import pathlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Callable, Final, Literal, final, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from typing_extensions import Self, TypeAlias, Unpack, disjoint_base

from rag_py.types import (
    AskOptions,
    Conflict,
    Damage,
    EncoderOptions,
    Evidence,
    GenerateOptions,
    GeneratorOptions,
    Info,
    Kv,
    MaskCounts,
    Masked,
    Message,
    OpenOptions,
    Outcome,
    Prompt,
    Ranks,
    ReadDocument,
    Reason,
    Refusal,
    RerankerOptions,
    Salvage,
    SearchKeywords,
    Stage,
    Status,
    StopReason,
    SummarizeKeywords,
    SyncOptions,
    Template,
    Timings,
    Trace,
)

_Path: TypeAlias = str | PathLike[str]

__all__ = [
    "Answer",
    "AnswerStream",
    "Chat",
    "Citation",
    "Document",
    "EncodeStream",
    "Encoder",
    "Generation",
    "GenerationStream",
    "Generator",
    "Hit",
    "KnowledgeBase",
    "Passage",
    "Progress",
    "Skipped",
    "SyncReport",
    "Unread",
    "__version__",
    "cli",
    "error_classes",
]

__version__: Final[str]

def cli(arguments: Sequence[str]) -> int:
    """Runs the ``rag`` command with these arguments, its name first, and returns its exit code."""

def error_classes() -> list[tuple[str, int, type[Exception]]]:
    """Every error code: its name, its number and the class it is raised as."""

@disjoint_base
class KnowledgeBase:
    """One knowledge base: the file, the encoder and, once asked, the generator."""

    def __new__(
        cls,
        path: _Path,
        *,
        read_only: bool = False,
        **options: Unpack[OpenOptions],
    ) -> Self: ...
    @property
    def also(self) -> list[pathlib.Path]:
        """The further files that are searched with it: ``Hit.store`` 1 is the first of them."""

    @property
    def path(self) -> str:
        """The file, or ``":memory:"``."""

    @property
    def closed(self) -> bool:
        """Whether it was closed."""

    def sync(
        self,
        *paths: _Path,
        progress: bool | Callable[[Progress], object] | None = None,
        **options: Unpack[SyncOptions],
    ) -> SyncReport:
        """Makes the knowledge base mirror folders or files: adds, updates, renames, removes.

        Documents outside the paths stay. Each document is one transaction: a kill or Ctrl-C loses none that was
        reported. A file that cannot be read is skipped and reported.

        Args:
            paths: Folders or files.
            progress: True shows a line on standard error; a callable gets a ``Progress`` after each file. It must
                not write to this knowledge base.
            options: See ``rag_py.types.SyncOptions``.

        Raises:
            FileNotFoundError: A path does not exist.
            BusyError: Another process is writing.
        """

    def add(
        self,
        texts: str | Sequence[str],
        uri: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> list[int]:
        """Adds a text, or several, in place of any with the same uri. Returns the passage ids in order.

        Each text is a document of its own, and one transaction.

        Args:
            texts: A text, or a list of texts.
            uri: The name of a single text. Default: ``"text:"`` and 16 hex digits that depend on the text alone, so
                that adding the same text again changes nothing else.
            metadata: Anything to keep with each text, text to text.

        Raises:
            InvalidArgumentError: A text holds no words, or a list came with a uri.
        """

    def remove(self, uri: str) -> bool:
        """Removes the document with this uri; False if there was none."""

    def search(
        self,
        question: str,
        top_k: int | None = None,
        **options: Unpack[SearchKeywords],
    ) -> list[Hit]:
        """Finds the passages that answer a question best, best first.

        Args:
            question: In any words.
            top_k: Most hits returned.
            options: See ``rag_py.types.SearchOptions``.

        Raises:
            InvalidArgumentError: The question is empty, or ``top_k`` out of range.
        """

    @overload
    def ask(
        self,
        question: str,
        *,
        stream: Literal[False] = False,
        **options: Unpack[AskOptions],
    ) -> Answer:
        """Answers a question from the documents, with verified citations, or says that they do not know.

        Options that are not given keep the engine's defaults.

        Args:
            question: In any words.
            stream: Return an ``AnswerStream`` instead, which gives the answer as it is written.
            options: See ``rag_py.types.AskOptions``.

        Raises:
            InvalidArgumentError: The question is empty, or an option out of range.
            ContextOverflowError: The question alone exceeds the model.
            NotFoundError: The generator is not on this machine.
        """

    @overload
    def ask(
        self,
        question: str,
        *,
        stream: Literal[True],
        **options: Unpack[AskOptions],
    ) -> AnswerStream: ...
    def prompt(self, question: str, **options: Unpack[AskOptions]) -> Prompt:
        """The prompt that ``ask`` would give the generator, without generating: takes the options of ``ask``.

        Returns:
            The conversation, its exact text and tokens, and how many passages and turns of the history are in it.
        """

    @overload
    def summarize(
        self,
        question: str | None = None,
        *,
        document: str | None = None,
        stream: Literal[False] = False,
        **options: Unpack[SummarizeKeywords],
    ) -> Answer:
        """Summarizes a document, or what the documents say about a question, in a few cited sentences.

        The result is an answer: its sentences carry markers, and ``found`` is False if no passage supports any of them. A
        long document is read part by part; without a generator the most central sentences are taken, word for word.

        Args:
            question: What the summary is about.
            document: Instead, the uri of a document: the absolute path, or the name it was added under.
            stream: Return an ``AnswerStream`` instead, which gives the summary as it is written.
            options: See ``rag_py.types.SummarizeOptions``.

        Raises:
            InvalidArgumentError: Both or neither of question and document, an empty question, or an option out of
                range.
            NotFoundError: There is no such document, or the generator is not on this machine.
        """


    @overload
    def summarize(
        self,
        question: str | None = None,
        *,
        document: str | None = None,
        stream: Literal[True],
        **options: Unpack[SummarizeKeywords],
    ) -> AnswerStream: ...
    def chat(self, **options: Unpack[AskOptions]) -> Chat:
        """Starts a conversation. Takes the options of ``ask``, which hold for every turn."""

    def resume(self, saved: str, **options: Unpack[AskOptions]) -> Chat:
        """Goes on with a conversation that ``Chat.save`` wrote. Takes the options of ``ask``, without ``history``.

        Raises:
            InvalidArgumentError: It is no saved conversation, or one of a newer version.
        """

    def documents(self, filter: str | None = None) -> list[Document]:
        """The documents it holds, by uri, and the files that a sync passed over.

        Args:
            filter: Only documents that pass, such as ``"kind = pdf AND year >= 2020"``; no file that was passed over
                does. Default all.
        """

    def passages(self, uri: str) -> list[Passage]:
        """The passages of a document, in their order.

        Raises:
            NotFoundError: No document has this uri.
        """

    def passage(self, passage_id: int) -> Passage | None:
        """The passage with this id, or None."""

    def locate(self, what: Hit | Citation | Passage | int) -> list[Location]:
        """Every place in its file that something came from, in the order of the text.

        Args:
            what: A ``Hit``, a ``Citation``, a ``Passage``, or the id of a passage.

        Returns:
            Bytes to open an editor at, pages with the rectangle of each line of a PDF, paragraphs, rows, slides,
            chapters. What a reader put in itself, such as a line feed between rows, has no place.

        Raises:
            NotFoundError: No passage has this id.
        """

    def verify(self, citation: Citation) -> Status:
        """Re-reads the cited file: ``"ok"``, ``"moved"``, ``"changed"``, ``"missing"`` or ``"unverified"``. Ctrl-C stops it."""

    def info(self) -> Info:
        """Counts and sizes, with the keys of ``rag info --json``."""

    def check(self) -> list[Damage]:
        """Every damage in the file; an empty list is a sound file."""

    def remove_where(self, filter: str) -> list[str]:
        """Removes every document that passes the filter, in one transaction, and returns their names."""

    def backup(self, to: _Path) -> None:
        """Writes a copy of the file to a path that must not exist, as it stands now. Others may go on working."""

    @staticmethod
    def repair(
        path: _Path,
        to: _Path,
        *,
        encoder: _Path | Encoder | None = None,
    ) -> Salvage:
        """Makes a new file of what is intact in a damaged one, which is only read.

        Documents keep their ids and come over whole or not at all; vectors that are lost are encoded again.

        Args:
            path: The damaged file.
            to: The file to make; it must not exist.
            encoder: For a file that no longer says which encoder it was built with, or was built with one of your own.
        """

    @staticmethod
    def restore(backup: _Path, to: _Path) -> Info:
        """Puts a copy of a backup in the place of a file, whose own data and log go. The backup is checked before.

        Args:
            backup: What ``backup`` made.
            to: The file to replace or make; nobody may have it open.

        Returns:
            What it holds, with the keys of ``rag info --json``.
        """

    def notices(self) -> list[str]:
        """What was found as the file was opened and you should know, in sentences: a log of other data that was set aside,
        commits that are missing. Empty for most files."""

    def purge(self) -> None:
        """Takes all that was ever removed from the file or replaced in it out of its pages, its full-text index, its vector
        index and its log. Rewrites the file.

        What the disk or its snapshots keep of overwritten blocks, and copies of the file, are beyond it.

        Raises:
            BusyError: Another process writes, or still reads from before.
        """

    def vacuum(self) -> None:
        """Rewrites the file without its unused space."""

    def close(self) -> None:
        """Closes the file, once calls still running have ended. Closing twice does nothing."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _exception_type: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None: ...

@final
class Chat:
    """A conversation: each turn is an ``ask`` that knows the turns before it. One turn at a time."""

    @overload
    def say(self, text: str, *, stream: Literal[False] = False) -> Answer:
        """Says something and returns the answer; both join the history if the answer was found.

        Args:
            text: What to say.
            stream: Return an ``AnswerStream`` instead, which gives the answer as it is written.

        Raises:
            InvalidArgumentError: The text is empty, or another turn is running.
        """

    @overload
    def say(self, text: str, *, stream: Literal[True]) -> AnswerStream: ...
    @overload
    def regenerate(self, seed: int, *, stream: Literal[False] = False) -> Answer:
        """Asks the last question again with another seed; the new answer takes the place of the old one.

        Greedy options would give the same answer again, so such a turn is sampled at a temperature of 0.7. If the
        new answer is not found, question and old answer leave the history.

        Args:
            seed: Same seed, same answer.
            stream: Return an ``AnswerStream`` instead, which gives the answer as it is written.

        Raises:
            InvalidArgumentError: Nothing was said yet, or another turn is running.
        """

    @overload
    def regenerate(self, seed: int, *, stream: Literal[True]) -> AnswerStream: ...
    def save(self) -> str:
        """The turns so far and the last question as JSON, for ``KnowledgeBase.resume``. Options are not in it."""

    @property
    def history(self) -> list[Message]:
        """The turns so far, oldest first."""

    def clear(self) -> None:
        """Forgets the turns so far."""

@final
class AnswerStream:
    """The pieces of an answer as they are written, then the answer with its citations.

    Iterate to get the pieces, with ``for`` or ``async for``; ``answer`` is there at the end. Closing it, leaving its ``with`` block or dropping it
    stops the generation within one token. The pieces carry no citation markers; ``answer.text`` does. Pieces may
    arrive and the answer still turn out not found, if no passage supports what was written.
    """

    @property
    def answer(self) -> Answer:
        """The answer; waits until it is complete, passing over pieces not yet read.

        Raises:
            CancelledError: The stream was closed before its end.
        """

    def close(self) -> None:
        """Stops the generation within one token. Does not wait; does nothing after the end."""

    def __iter__(self) -> Iterator[str]: ...
    def __next__(self) -> str: ...
    def __aiter__(self) -> AsyncIterator[str]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _exception_type: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None: ...

@final
class Hit:
    """A passage found. It also unpacks and indexes as the pair ``(passage_id, score)``."""

    @property
    def passage_id(self) -> int:
        """The passage's number in its file, never reused."""

    @property
    def score(self) -> float:
        """By what hits are sorted; higher is better. It ranks the hits of one search; across questions compare cosines."""

    @property
    def cosine(self) -> float | None:
        """Cosine to the question, where it was computed."""

    @property
    def store(self) -> int:
        """Which file it is of: 0 for the knowledge base itself, 1 for the first of ``also``."""

    @property
    def bm25(self) -> float | None:
        """BM25 of the question's words, where it was computed."""

    @property
    def uri(self) -> str:
        """The document: an absolute path, or the name that added text was given."""

    @property
    def start(self) -> int:
        """First byte in the document's text (UTF-8)."""

    @property
    def end(self) -> int:
        """One past its last byte."""

    @property
    def source_start(self) -> int | None:
        """First byte in the source file, where the format has them."""

    @property
    def source_end(self) -> int | None:
        """One past the last byte in the source file."""

    @property
    def page(self) -> int | None:
        """Page, from 1."""

    @property
    def place(self) -> str | None:
        """Where it begins, for a person: ``page 3``, ``sheet Budget, row 12``."""

    @property
    def title(self) -> str | None:
        """Title of the document."""

    @property
    def heading(self) -> str | None:
        """Headings above the passage, outermost first, joined with ``" > "``."""

    @property
    def text(self) -> str:
        """The passage."""

    @property
    def ranks(self) -> Ranks:
        """Its rank, from 1, among vectors, among words and, if it was reranked, after that."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, with the keys of ``rag search --json``."""

    def __len__(self) -> int: ...
    @overload
    def __getitem__(self, index: Literal[0, -2], /) -> int: ...
    @overload
    def __getitem__(self, index: Literal[1, -1], /) -> float: ...
    @overload
    def __getitem__(self, index: int, /) -> int | float: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __eq__(self, other: object, /) -> bool: ...

@final
class Citation:
    """A span of a document that supports a part of an answer."""

    @property
    def marker(self) -> int:
        """The number in the answer's text, from 1."""

    @property
    def passage_id(self) -> int:
        """The passage that holds the quote."""

    @property
    def uri(self) -> str:
        """The document: an absolute path, or the name that added text was given."""

    @property
    def page(self) -> int | None:
        """Page, from 1."""

    @property
    def start(self) -> int:
        """First byte of the quote in the document's text (UTF-8)."""

    @property
    def end(self) -> int:
        """One past its last byte."""

    @property
    def source_start(self) -> int | None:
        """First byte in the source file, where the format has them."""

    @property
    def source_end(self) -> int | None:
        """One past the last byte in the source file."""

    @property
    def store(self) -> int:
        """Which file it is of: 0 for the knowledge base itself, 1 for the first of ``also``."""

    @property
    def quote(self) -> str:
        """The words of the document."""

    @property
    def support(self) -> float:
        """How much of the claim the quote covers, 0 to 1."""

    @property
    def evidence(self) -> Evidence:
        """How the support was found: ``"quote"`` (word for word), ``"near"`` (but for a word in ten), ``"words"`` or ``"meaning"`` (in another language)."""

    @property
    def status(self) -> Status:
        """Whether the quote stood in the source when the answer was made; ``"unverified"``: nobody looked."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, with the keys of ``rag ask --json``."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Answer:
    """An answer with its citations, or the statement that the documents do not hold one."""

    @property
    def found(self) -> bool:
        """Whether the documents hold an answer."""

    @property
    def text(self) -> str:
        """The answer with ``[1]``-style markers; empty when not found."""

    @property
    def citations(self) -> list[Citation]:
        """What supports it, in order of first use."""

    @property
    def reason(self) -> Reason | None:
        """Why there is none; None when found."""

    @property
    def hits(self) -> list[Hit]:
        """The passages put into the prompt; when not found, the nearest ones."""

    @property
    def left_out(self) -> list[int]:
        """Ids of passages found but left out of the prompt for want of room."""

    @property
    def timings(self) -> Timings:
        """Where the time went, in milliseconds, and token counts."""

    @property
    def trace(self) -> Trace | None:
        """How the answer came about, if ``explain=True`` asked for it."""

    @property
    def outcome(self) -> Outcome:
        """How it ended: ``"answered"``, ``"not_found"`` or ``"refused"``."""

    @property
    def refusal(self) -> Refusal | None:
        """Which guard refused and why; None if none did."""

    @property
    def masked(self) -> Masked | None:
        """How often each kind of personal data was masked in question and answer; None without ``mask``."""

    @property
    def question_cut(self) -> str | None:
        """What of a long question was searched for: its last question. None if all of it was, or nothing."""

    @property
    def conflicts(self) -> list[Conflict]:
        """Other documents shown that give another figure or date for what is cited."""

    def explain_html(self) -> str:
        """How the answer came about, as one HTML page that needs nothing else.

        Ask with ``explain=True``, or most of it is missing.
        """

    def _repr_html_(self) -> str:
        """What a notebook shows: the answer and its citations."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, with the keys of ``rag ask --json``."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Document:
    """A document as the knowledge base holds it, without its text; or a file that was passed over."""

    @property
    def id(self) -> int:
        """Its number in its file, never reused."""

    @property
    def uri(self) -> str:
        """An absolute path, or the name that added text was given."""

    @property
    def kind(self) -> str:
        """The format: ``"markdown"``, ``"pdf"``, ..."""

    @property
    def title(self) -> str | None:
        """Its title."""

    @property
    def lang(self) -> str | None:
        """Its language, an ISO 639-1 code."""

    @property
    def size_bytes(self) -> int:
        """Size of the source when it was read, in bytes."""

    @property
    def modified(self) -> float:
        """Its time of last change when it was read, seconds since 1970; 0 for added text."""

    @property
    def text_bytes(self) -> int:
        """Bytes of its text (UTF-8)."""

    @property
    def passage_count(self) -> int:
        """Passages it was cut into."""

    @property
    def metadata(self) -> dict[str, str]:
        """What its format or the caller says of it."""

    @property
    def skipped(self) -> str | None:
        """Why nothing of it is held, if it was passed over."""

    @property
    def unread(self) -> list[Unread]:
        """What of its source was not read and is not held, one entry a kind."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, with the keys of ``rag list --json``."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Location:
    """A place in a file, as ``KnowledgeBase.locate`` gives it.

    ``str()`` says it for a person: ``"page 3"``, ``"sheet Budget, row 12"``.
    """

    @property
    def bytes(self) -> tuple[int, int] | None:
        """Of bytes: the first, and one past the last; of what the file unpacks to, if it is compressed as a whole."""

    @property
    def page(self) -> int | None:
        """Of pages, from 1."""

    @property
    def bounds(self) -> tuple[int, int, int, int] | None:
        """Of lines of a PDF: left, bottom, right, top in whole points, in the coordinates of the page."""

    @property
    def unit(self) -> str | None:
        """Of parts: what is counted, such as ``"paragraph"``, ``"row"``, ``"slide"`` or ``"chapter"``."""

    @property
    def number(self) -> int | None:
        """Of parts, from 1."""

    @property
    def name(self) -> str | None:
        """Of parts: what it stands in or is called, such as ``"sheet Budget"``."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Passage:
    """A passage of a document, as the knowledge base holds it."""

    @property
    def id(self) -> int:
        """Its number in its file, never reused."""

    @property
    def document_id(self) -> int:
        """The number of its document."""

    @property
    def uri(self) -> str:
        """The document: an absolute path, or the name that added text was given."""

    @property
    def title(self) -> str | None:
        """Title of the document."""

    @property
    def ordinal(self) -> int:
        """Its place in the document, from 0."""

    @property
    def start(self) -> int:
        """First byte in the document's text (UTF-8)."""

    @property
    def end(self) -> int:
        """One past its last byte."""

    @property
    def page(self) -> int | None:
        """Page on which it begins, from 1."""

    @property
    def heading(self) -> str | None:
        """Headings above it, outermost first, joined with ``" > "``."""

    @property
    def text(self) -> str:
        """Its text."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class SyncReport:
    """What a sync did."""

    @property
    def added(self) -> int:
        """Documents that are new."""

    @property
    def updated(self) -> int:
        """Documents whose bytes changed."""

    @property
    def removed(self) -> int:
        """Documents whose file is gone."""

    @property
    def renamed(self) -> int:
        """Documents that moved, bytes unchanged; they kept their passages."""

    @property
    def unchanged(self) -> int:
        """Documents that are as they were."""

    @property
    def skipped(self) -> list[Skipped]:
        """Files passed over, each with its reason."""

    @property
    def missing(self) -> list[str]:
        """Documents that were kept though their file is missing."""

    @property
    def unread(self) -> dict[str, list[Unread]]:
        """Of each document added or updated that was not read whole, what was not."""

    @property
    def passage_count(self) -> int:
        """Passages written."""

    @property
    def seconds(self) -> float:
        """Wall time."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, with the keys of ``rag sync --json``."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Unread:
    """Something of a file that is not in its text."""

    @property
    def kind(self) -> str:
        """What it is, in a word that never changes, such as ``"picture"`` or ``"deleted_text"``."""

    @property
    def count(self) -> int:
        """How many of them."""

    @property
    def names(self) -> list[str]:
        """Names of some of them, five at most, where they have any."""

    def __str__(self) -> str:
        """In words: ``"2 attachments (plan.dwg, a.zip)"``."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Skipped:
    """A file that a sync passed over, and why."""

    @property
    def path(self) -> str:
        """The file."""

    @property
    def code(self) -> str:
        """The name of the error code, such as ``"Document"``."""

    @property
    def message(self) -> str:
        """What is wrong with it."""

    @property
    def unreadable(self) -> str | None:
        """Why a document could not be read, in a word that never changes: ``"NoText"``, ``"Encrypted"``,
        ``"UndecodedFont"``, ``"Unsupported"``, ``"Broken"``, ``"TooLarge"``, ``"TooSlow"`` or ``"NotAFile"``;
        later versions may add some. ``None`` for other errors."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class Progress:
    """Where a sync stands."""

    @property
    def stage(self) -> Stage:
        """What is being counted: ``"scan"``, ``"index"`` (files) or ``"seal"`` (vectors)."""

    @property
    def done(self) -> int:
        """Units finished."""

    @property
    def total(self) -> int | None:
        """Units in all, once known."""

    @property
    def passage_count(self) -> int:
        """Passages stored so far in this call."""

    @property
    def path(self) -> str | None:
        """The file just finished, if the stage works on files."""

    @property
    def done_bytes(self) -> int:
        """Bytes of the files finished; 0 if the stage does not work on files."""

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""

    @property
    def elapsed(self) -> float:
        """Seconds since the stage began."""

    @property
    def passages_per_second(self) -> float:
        """Passages stored a second since the stage began; 0 before there are any."""

    @property
    def remaining(self) -> float | None:
        """Seconds that the rest of the stage takes if it goes on like this, once that can be said."""

    def __eq__(self, other: object, /) -> bool: ...

@final
class EncodeStream:
    """What ``Encoder.encode_batches`` returns: an iterator of arrays."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> NDArray[np.float32]: ...

@final
class Encoder:
    """A loaded sentence encoder. Any number of threads may use it at once."""

    def __new__(cls, name_or_path: _Path, **options: Unpack[EncoderOptions]) -> Self:
        """Loads a model by name, path or hub id, from this machine only.

        Args:
            name_or_path: The model.
            options: See ``rag_py.types.EncoderOptions``.

        Raises:
            NotFoundError: No such model on this machine.
            ModelError: A file is missing, damaged or of a kind we do not run.
            InvalidArgumentError: This CPU does not have the level, vectors are shorter than truncate_dim, or the
                backend's device is not there.
        """

    @staticmethod
    def from_callable(
        name: str,
        dim: int,
        encode: Callable[[list[str]], ArrayLike],
        *,
        encode_queries: Callable[[list[str]], ArrayLike] | None = None,
        max_tokens: int = 200,
    ) -> Encoder:
        """An encoder of your own: any callable that turns texts into vectors.

        Give it to ``rag_py.open(encoder=...)``, each time the file is opened: the file keeps its name alone. Passages are cut
        by words. What the callable raises comes out of the call that needed the vectors.

        Args:
            name: Stands for the vectors: a file is only searched by an encoder of the name, dim and max_tokens it was
                built with. Give another when the vectors change.
            dim: Length of a vector, 1 to 4,096.
            encode: Gets a list of at most 64 texts and returns an array of shape ``[len(texts), dim]``, or what numpy makes
                one of. Rows may have any length but zero; they are scaled to 1. Several threads may call it at once.
            encode_queries: The same for questions. Default: ``encode``.
            max_tokens: Most words of a passage, 64 or more. Default 200.

        Raises:
            InvalidArgumentError: An empty name, or a number out of range.
        """

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes questions, with the model's query prefix.

        A text longer than ``max_tokens`` is encoded by its beginning, with a ``UserWarning``.

        Returns:
            Unit vectors, float32, shape ``[len(texts), dim]``.
        """

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encodes passages, with the model's passage prefix.

        A text longer than ``max_tokens`` is encoded by its beginning, with a ``UserWarning``.

        Returns:
            Unit vectors, float32, shape ``[len(texts), dim]``.
        """

    def encode_batches(self, texts: Iterable[str], batch_size: int | None = None) -> EncodeStream:
        """Encodes passages from any iterable, a batch at a time, in the memory of one batch.

        The vectors are those of ``encode_passages``. Ctrl-C stops within a batch; leaving the loop stops after one.

        Args:
            texts: The passages.
            batch_size: Texts of a batch. Default 256.

        Returns:
            An iterator of unit vectors, float32, shape ``[at most batch_size, dim]``, in order.
        """

    def token_count(self, text: str) -> int:
        """Tokens of a text, without special tokens and prefix."""

    @property
    def name(self) -> str:
        """The name or path it was loaded by."""

    @property
    def dim(self) -> int:
        """Length of its vectors."""

    @property
    def max_tokens(self) -> int:
        """Most tokens it takes, special tokens and prefix included."""

    @property
    def precision(self) -> str:
        """The numbers it multiplies: ``"f32"``, ``"bf16"`` or ``"int8"``."""

    @property
    def backend(self) -> str:
        """What runs it: ``"auto"``, ``"candle"``, ``"cuda:N"`` or ``"metal:N"``."""

    @property
    def level(self) -> str:
        """The instructions it runs: ``"amx"``, ``"avx512"``, ``"avx2"``, ``"portable"``; ``"candle"`` where candle chooses, ``"own"``
        for a callable."""

    @property
    def threads(self) -> int:
        """Most threads of a call."""

    @property
    def fingerprint(self) -> str:
        """Hash over configuration, tokenizer, weights, pooling, prefixes and length limit, as hex."""

@final
class Reranker:
    """A loaded reranker: reads a question and a text together and says how well the one answers the other. Any number of
    threads may use it at once. To sort what ``search`` finds, give its name to ``rag_py.open(reranker=...)``."""

    def __new__(cls, name_or_path: _Path, **options: Unpack[RerankerOptions]) -> Self:
        """Loads a model by name, path or hub id, from this machine only.

        Args:
            name_or_path: The model.
            options: See ``rag_py.types.RerankerOptions``.

        Raises:
            NotFoundError: No such model on this machine.
            ModelError: A file is missing, damaged or of a kind we do not run, such as an encoder.
            InvalidArgumentError: This CPU does not have the level.
        """

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """How well each text answers the question. A score depends on its question and text alone.

        A pair longer than ``max_tokens`` loses the end of its text, with a ``UserWarning``; a question that would leave less
        than a quarter of them to texts is cut too.

        Args:
            question: The question.
            texts: The texts.

        Returns:
            Scores, float32, shape ``[len(texts)]``; higher is better. From 0 to 1, or any number where the model gives its
            logit as it is.
        """

    @property
    def name(self) -> str:
        """The name it was loaded by."""

    @property
    def architecture(self) -> str:
        """The transformer's family, such as ``"xlm-roberta"``."""

    @property
    def max_tokens(self) -> int:
        """Most tokens of a question and a text together, special tokens included."""

def read(
    path: _Path,
    *,
    recognizer: Callable[[bytes, str, int | None], str] | None = None,
    max_read_seconds: float | None = None,
) -> ReadDocument:
    """Reads a document as ``sync`` does: its text, what each part of it is, and where it stands in the file.

    Args:
        path: A file of any format that ``sync`` reads.
        recognizer: Reads the text of pictures and scanned pages, as for ``sync``. Default none: they are refused.
        max_read_seconds: Longest time it may take, that of the recognizer not counted. Default 60.

    Returns:
        ``kind``, ``title``, ``lang``, ``text``, ``blocks`` (``kind`` and ``range`` in bytes of the text), ``source_map``,
        ``metadata``.

    Raises:
        FileNotFoundError: There is no such file.
        DocumentError: It is a folder, a pipe or a device, or cannot be read; the message says why.
    """

def mask(text: str) -> tuple[str, MaskCounts]:
    """Masks personal data: e-mail addresses, phone numbers, IBANs, payment cards, French social security numbers.

    Args:
        text: Any text.

    Returns:
        The text with ``[EMAIL]``, ``[PHONE]``, ... in their places, and how often each kind was masked.
    """

@disjoint_base
class Generator:
    """A loaded generator. One call runs at a time; others wait."""

    def __new__(cls, name_or_path: _Path, **options: Unpack[GeneratorOptions]) -> Self:
        """Loads a model by name, path or hub id, from this machine only: a GGUF file, or a folder as ``transformers`` saves it.

        Args:
            name_or_path: The model.
            options: See ``rag_py.types.GeneratorOptions``.

        Raises:
            NotFoundError: No such model on this machine.
            ModelError: A file is missing, damaged or of a kind we do not run.
            InvalidArgumentError: An option is unknown, or the template needs tokens that the model does not have.
        """

    @overload
    def generate(
        self,
        prompt: str | Sequence[Message],
        *,
        stream: Literal[False] = False,
        progress: bool | Callable[[Progress], object] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> Generation:
        """Continues a prompt, or answers a conversation.

        No text, in a prompt or in a message, can become a control token. Options that are not given keep the
        engine's defaults.

        Args:
            prompt: Text to continue as it is, or a list of ``{"role": ..., "content": ...}`` with the roles
                ``"system"``, ``"user"`` and ``"assistant"``.
            stream: Return a ``GenerationStream`` instead, which gives the text as it is written.
            progress: A callable that gets a ``Progress`` while the prompt is taken in; True shows a line on standard error.
                Not for streams.
            seed: Same seed, same bytes. Default 0.

        Raises:
            InvalidArgumentError: An option is out of range, or a schema, expression or grammar is malformed.
            ContextOverflowError: The prompt leaves no room for an answer.
        """

    @overload
    def generate(
        self,
        prompt: str | Sequence[Message],
        *,
        stream: Literal[True],
        progress: Literal[False] | None = None,
        **options: Unpack[GenerateOptions],
    ) -> GenerationStream: ...
    def generate_many(
        self, prompt: str | Sequence[Message], count: int, **options: Unpack[GenerateOptions]
    ) -> list[Generation]:
        """Several answers to one prompt: the first with ``seed``, the next with the seed after it, and so on.

        The prompt is taken in once. Greedy answers are all the same: give a temperature.

        Args:
            prompt: As for ``generate``, whose other options it takes.
            count: How many, to 64.
        """

    def token_count(self, text: str) -> int:
        """Tokens of a text."""

    @property
    def name(self) -> str:
        """The name or path it was loaded by."""

    @property
    def template(self) -> Literal["model"] | Template:
        """What writes conversations down: ``"model"`` for its own template, else the name of a built-in one."""

    @property
    def kv(self) -> Kv | None:
        """How keys and values are kept: ``"f16"`` or ``"q8"``; ``None`` if candle keeps them as it computes them."""

    @property
    def backend(self) -> str:
        """What runs the network: ``"auto"`` for our own decoder, ``"candle"``, or a device such as ``"cuda:0"``."""

    @property
    def level(self) -> str | None:
        """The instructions it runs: ``"amx"``, ``"avx512"``, ``"avx2"``, ``"portable"``; ``None`` if candle chooses."""

    @property
    def threads(self) -> int | None:
        """Threads it runs on, the caller's included; ``None`` if candle chooses."""

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes that the keys and values of a token take."""

    @property
    def context_len(self) -> int:
        """Tokens it can hold, prompt and answer together."""

@final
class GenerationStream:
    """The pieces of a text as they are generated, then the whole with its figures.

    Iterate to get the pieces, with ``for`` or ``async for``; ``generation`` is there at the end. Closing it, leaving its ``with`` block or dropping
    it stops the generation within one token.
    """

    @property
    def generation(self) -> Generation:
        """The whole text with its figures; waits until it is complete, passing over pieces not yet read.

        Raises:
            CancelledError: The stream was closed before its end.
        """

    def close(self) -> None:
        """Stops the generation within one token. Does not wait; does nothing after the end."""

    def __iter__(self) -> Iterator[str]: ...
    def __next__(self) -> str: ...
    def __aiter__(self) -> AsyncIterator[str]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        _exception_type: type[BaseException] | None,
        _exception: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None: ...

@final
class Generation:
    """Text that a generator wrote."""

    @property
    def text(self) -> str:
        """The text, stop string left out."""

    @property
    def token_ids(self) -> list[int]:
        """Its tokens."""

    @property
    def logprobs(self) -> list[tuple[int, float, list[tuple[int, float]]]]:
        """Per token, if asked for: its id, its log-probability, and the likeliest ids in its place with theirs."""

    @property
    def prompt_token_count(self) -> int:
        """Tokens of the prompt."""

    @property
    def reused_token_count(self) -> int:
        """Tokens of the prompt that were still in memory from the call before."""

    @property
    def drafted_token_count(self) -> int:
        """Tokens of the answer that were guessed from the text so far."""

    @property
    def accepted_token_count(self) -> int:
        """Guesses that were right: so many passes over the weights were saved."""

    @property
    def stop_reason(self) -> StopReason:
        """Why it ended."""

    @property
    def prefill_ms(self) -> float:
        """Milliseconds to take in the prompt."""

    @property
    def decode_ms(self) -> float:
        """Milliseconds for the tokens after the first."""

    @property
    def time_to_first_token_ms(self) -> float:
        """Milliseconds until the first token."""

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""

    def __eq__(self, other: object, /) -> bool: ...
