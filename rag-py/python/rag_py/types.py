"""The words and dicts that calls take and return, for annotations: ``from rag_py.types import Message``."""

from typing import (
    TYPE_CHECKING,
    Any,
    AsyncIterator,
    Dict,
    Iterator,
    List,
    Literal,
    Optional,
    Protocol,
    TypedDict,
    Union,
)

from rag_py._messages import Example as Example, Message as Message
from rag_py._options import (
    Abstain as Abstain,
    Access as Access,
    AskOptions as AskOptions,
    ComposeOptions as ComposeOptions,
    EncoderOptions as EncoderOptions,
    GenerateOptions as GenerateOptions,
    GeneratorOptions as GeneratorOptions,
    Filter as Filter,
    Index as Index,
    Kv as Kv,
    Level as Level,
    Mask as Mask,
    Missing as Missing,
    Mode as Mode,
    OpenOptions as OpenOptions,
    Order as Order,
    Path as Path,
    Precision as Precision,
    RerankerOptions as RerankerOptions,
    SearchKeywords as SearchKeywords,
    SearchOptions as SearchOptions,
    SummarizeKeywords as SummarizeKeywords,
    SummarizeOptions as SummarizeOptions,
    SyncOptions as SyncOptions,
    Template as Template,
)

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Type

    from typing_extensions import Self

    from rag_py._native import Answer, Retraction

Evidence = Union[Literal["quote"], Literal["near"], Literal["words"], Literal["meaning"]]
Status = Union[Literal["ok"], Literal["moved"], Literal["changed"], Literal["missing"], Literal["unverified"]]
Reason = Union[
    Literal["empty"], Literal["below_floor"], Literal["uncovered"], Literal["unsupported"]
]
Retracted = Union[Literal["unsupported"], Literal["unsure"], Literal["guard"], Literal["reworded"]]
Stream = Union[Literal["checked"], Literal["raw"]]
Disagreement = Union[
    Literal["negation"],
    Literal["figure"],
    Literal["date"],
    Literal["opposite"],
    Literal["entity"],
    Literal["role"],
    Literal["modality"],
    Literal["answer"],
]
Outcome = Union[Literal["answered"], Literal["not_found"], Literal["refused"]]
Guard = Union[
    Literal["length"],
    Literal["deny"],
    Literal["allow"],
    Literal["off_topic"],
    Literal["topic"],
    Literal["deny_answer"],
]
StopReason = Union[
    Literal["end_of_turn"],
    Literal["stop_string"],
    Literal["max_new_tokens"],
    Literal["context_full"],
    Literal["callback"],
]
EncoderInput = Union[Literal["heading"], Literal["title"]]
Stage = Union[Literal["scan"], Literal["index"], Literal["seal"], Literal["prefill"]]


class ChatOptions(AskOptions, total=False):
    """The options of ``KnowledgeBase.chat`` and ``resume``."""

    stream: Optional[Stream]
    """When pieces of a turn come that is said with ``stream=True``: ``"raw"`` at once, with a ``Retraction`` among them
    where they turn out not to be the answer. Default: ``"checked"``, once a passage supports a sentence of it."""


class RawAnswerStream(Protocol):
    """What ``stream="raw"`` gives: an ``AnswerStream`` that says too when what it gave is withdrawn."""

    @property
    def answer(self) -> "Answer": ...
    def close(self) -> None: ...
    def __iter__(self) -> "Iterator[Union[str, Retraction]]": ...
    def __next__(self) -> "Union[str, Retraction]": ...
    def __aiter__(self) -> "AsyncIterator[Union[str, Retraction]]": ...
    def __enter__(self) -> "Self": ...
    def __exit__(
        self,
        _exception_type: "Optional[Type[BaseException]]",
        _exception: Optional[BaseException],
        _traceback: "Optional[TracebackType]",
    ) -> None: ...


class _Legs(TypedDict):
    dense: Optional[int]
    lexical: Optional[int]


class Ranks(_Legs, total=False):
    """Where a hit stood in each leg, from 1, and after reranking."""

    rerank: int


class _Copy(TypedDict):
    passage_id: int
    uri: str


class HitCopy(_Copy, total=False):
    """Another place of the words of a hit; `store` is there if it is not 0."""

    store: int


class Matched(TypedDict):
    """The words of a question that stand in one part of a hit."""

    field: Literal["title", "name", "heading", "text"]
    words: list[str]


class Timings(TypedDict):
    """Where the time of an answer went, in milliseconds, and its token counts."""

    load_ms: float
    search_ms: float
    prefill_ms: float
    decode_ms: float
    first_token_ms: float
    total_ms: float
    prompt_token_count: int
    answer_token_count: int


class Refusal(TypedDict):
    """Which guard refused, and why."""

    guard: Guard
    reason: str


class MaskCounts(TypedDict):
    """How often each kind of personal data was masked."""

    email: int
    iban: int
    nir: int
    card: int
    phone: int


class Masked(TypedDict):
    """What was masked in the question with its history, and in the answer."""

    question: MaskCounts
    answer: MaskCounts


class Budget(TypedDict):
    """What the context of the generator was spent on, in tokens."""

    context_len: int
    answer_tokens: int
    prompt_tokens: int
    system_tokens: int
    example_tokens: int
    history_tokens: int
    passage_tokens: int
    question_tokens: int
    frame_tokens: int
    left_tokens: int


class Prompt(TypedDict):
    """What a generator would be given."""

    messages: List[Message]
    text: str
    token_ids: List[int]
    template: str
    shown_count: int
    history_count: int


class Refuted(TypedDict):
    """A claim whose words a passage holds without saying so. ``store`` is there where several files are asked as one."""

    claim: str
    reason: Disagreement
    detail: str
    passage_id: int
    quote: str


class Conflict(TypedDict):
    """Another document that gives another figure or date for what is cited."""

    marker: int
    """The citation that it disagrees with."""
    stated: str
    contrary: str
    source: Dict[str, Any]
    """Where the other figure stands, with the keys of a citation; its own marker is 0."""


class ToldBy(TypedDict):
    """What supports an answer that is of no document: words of the persona or of the user."""

    kind: Literal["persona", "conversation"]
    quote: str
    """The words, as they were told."""


class DraftSentence(TypedDict, total=False):
    """A sentence of a draft."""

    text: str
    origin: Union[Literal["cited"], Literal["model"], Literal["task"]]
    """Whose words it is: a document's, the model's own, or the task's."""
    markers: List[int]
    """The citations that support it."""
    refuted: Refuted
    """What a document says against it, where one does."""


class DraftSection(TypedDict):
    """A part of a draft."""

    part: str
    """What it is for: "documents", "for", "against", "assessment" and the like."""
    heading: str
    """The same in the language of the task."""
    sentences: List[DraftSentence]


class Trace(TypedDict):
    """How an answer came about."""

    prompt: str
    raw_text: str
    unsupported: List[str]
    refuted: List[Refuted]
    floor: Optional[float]
    best: Optional[float]
    coverage: Optional[float]
    min_coverage: Optional[float]
    relevance: Optional[float]
    min_relevance: Optional[float]
    seed: int
    reused_token_count: int
    drafted_token_count: int
    accepted_token_count: int
    hits: List[Dict[str, Any]]
    question: str
    rewritten: List[str]
    left_out_turns: int
    budget: Optional[Budget]


class Block(TypedDict):
    """What a stretch of a document is."""

    kind: Union[str, Dict[str, Dict[str, int]]]
    """``"paragraph"``, ``"listitem"``, ``"table"``, ``"code"``, ``"quote"`` or ``{"heading": {"level": 1 to 6}}``."""
    range: Dict[str, int]
    """``start`` and ``end`` in bytes of the text as UTF-8."""


class UnreadPart(TypedDict, total=False):
    """Something of a file that is not in its text: ``names`` where it has any."""

    kind: str
    count: int
    names: List[str]


class ReadDocument(TypedDict):
    """What ``read`` makes of a file."""

    kind: str
    title: Optional[str]
    lang: Optional[str]
    text: str
    blocks: List[Block]
    source_map: Any
    metadata: Dict[str, str]
    unread: List[UnreadPart]


class Info(TypedDict):
    """Counts and sizes of a knowledge base."""

    document_count: int
    skipped_count: int
    passage_count: int
    encoder: Optional[str]
    fingerprint: Optional[str]
    dim: Optional[int]
    generation: int
    index: str
    format_version: int
    encoder_input: EncoderInput
    reindex_count: int
    bytes: int


class Reindex(TypedDict):
    """What a reindex did, or would do."""

    passage_count: int
    encoded: int
    seconds: float


class Salvage(TypedDict):
    """What could be taken over from a damaged file."""

    document_count: int
    passage_count: int
    vectors_made: int
    lost: List[str]


class Damage(TypedDict):
    """One thing found wrong by a check."""

    part: str
    message: str
    repairable: bool
