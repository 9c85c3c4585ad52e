"""The words and dicts that calls take and return, for annotations: ``from rag_py.types import Message``."""

from typing import Any, Callable, Dict, Iterable, List, Literal, Mapping, Optional, Sequence, TypedDict, Union

Mode = Union[Literal["dense"], Literal["lexical"], Literal["hybrid"]]
Index = Union[Literal["auto"], Literal["flat"], Literal["hnsw"]]
Evidence = Union[Literal["quote"], Literal["near"], Literal["words"], Literal["meaning"]]
Order = Union[Literal["best-first"], Literal["best-last"], Literal["document"]]
Status = Union[Literal["ok"], Literal["moved"], Literal["changed"], Literal["missing"], Literal["unverified"]]
Reason = Union[
    Literal["empty"], Literal["below_floor"], Literal["uncovered"], Literal["unsupported"]
]
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
Mask = Union[bool, Literal["off"], Literal["question"], Literal["answer"], Literal["both"]]
StopReason = Union[
    Literal["end_of_turn"],
    Literal["stop_string"],
    Literal["max_new_tokens"],
    Literal["context_full"],
    Literal["callback"],
]
Stage = Union[Literal["scan"], Literal["index"], Literal["seal"], Literal["prefill"]]
Abstain = Union[Literal["calibrated"], Literal["never"], float]
Kv = Union[Literal["f16"], Literal["q8"]]
Template = Union[
    Literal["chatml"],
    Literal["completion"],
    Literal["gemma"],
    Literal["llama2"],
    Literal["llama3"],
    Literal["mistral"],
    Literal["phi3"],
    Literal["zephyr"],
]


class Message(TypedDict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Example(TypedDict):
    """A question answered the way answers should be."""

    passages: Sequence[str]
    question: str
    answer: str


class _AnswerOptions(TypedDict, total=False):
    system: Optional[str]
    top_k: Optional[int]
    mode: Optional[Mode]
    index: Optional[Index]
    ef_search: Optional[int]
    filter: Optional[str]
    fusion: Optional[str]
    diversity: Optional[float]
    context: Union[int, str, None]
    rerank: Optional[int]
    abstain: Optional[Abstain]
    explain: Optional[bool]
    extract: Optional[bool]
    writer: Optional[Callable[[List[Message]], Union[str, Iterable[str]]]]
    rewrite: Optional[str]
    max_new_tokens: Optional[int]
    temperature: Optional[float]
    top_p: Optional[float]
    min_p: Optional[float]
    typical_p: Optional[float]
    repetition_penalty: Optional[float]
    presence_penalty: Optional[float]
    frequency_penalty: Optional[float]
    logit_bias: Optional[Mapping[int, float]]
    beams: Optional[int]
    length_penalty: Optional[float]
    early_stopping: Optional[bool]
    draft: Optional[bool]
    seed: Optional[int]
    stop: Optional[Sequence[str]]
    max_question_chars: Optional[int]
    deny: Optional[Sequence[str]]
    allow: Optional[Sequence[str]]
    deny_answer: Optional[Sequence[str]]
    topics: Optional[Sequence[str]]
    off_topics: Optional[Sequence[str]]
    topic_min: Optional[float]
    off_topic_max: Optional[float]
    mask: Optional[Mask]


class AskOptions(_AnswerOptions, total=False):
    """The options of ``KnowledgeBase.ask`` and ``KnowledgeBase.chat``; see there."""

    history: Optional[Sequence[Message]]
    sentences: Optional[int]
    fence: Optional[bool]
    order: Optional[Order]
    examples: Optional[Sequence[Example]]


class SummarizeOptions(_AnswerOptions, total=False):
    """The options of ``KnowledgeBase.summarize``; see there."""

    document: Optional[str]
    max_sentences: Optional[int]


class GenerateOptions(TypedDict, total=False):
    """The options of ``Generator.generate``; see there."""

    max_new_tokens: Optional[int]
    temperature: Optional[float]
    top_k: Optional[int]
    top_p: Optional[float]
    min_p: Optional[float]
    typical_p: Optional[float]
    repetition_penalty: Optional[float]
    presence_penalty: Optional[float]
    frequency_penalty: Optional[float]
    logit_bias: Optional[Mapping[int, float]]
    logprobs: Optional[int]
    beams: Optional[int]
    length_penalty: Optional[float]
    early_stopping: Optional[bool]
    draft: Optional[bool]
    seed: Optional[int]
    stop: Optional[Sequence[str]]
    json_schema: Optional[Union[Mapping[str, Any], bool, str]]
    regex: Optional[str]
    grammar: Optional[str]


class _Legs(TypedDict):
    dense: Optional[int]
    lexical: Optional[int]


class Ranks(_Legs, total=False):
    """Where a hit stood in each leg, from 1, and after reranking."""

    rerank: int


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
    bytes: int


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
