"""The options of calls and loaders: every key with what it says, its default and its range.

Made by scripts/options.py from the engine's own table; an option is declared in rag-core/src/options.
"""

from os import PathLike
from typing import Any, Callable, Iterable, List, Literal, Mapping, Optional, Sequence, TypedDict, Union

from rag_py._messages import Example, Message
from rag_py._native import Encoder

Path = Union[str, PathLike[str]]
Access = Union[
    Literal["create"],
    Literal["read_write"],
    Literal["read_only"],
]
AnswerLength = Union[
    Literal["auto"],
    Literal["short"],
    Literal["sentences"],
]
Duplicates = Union[
    Literal["fold"],
    Literal["keep"],
    Literal["near"],
]
Effort = Union[
    Literal["fast"],
    Literal["balanced"],
    Literal["thorough"],
]
Index = Union[
    Literal["auto"],
    Literal["flat"],
    Literal["hnsw"],
]
Kind = Union[
    Literal["synthesis"],
    Literal["scenarios"],
    Literal["argument"],
    Literal["assess"],
    Literal["explain"],
    Literal["table"],
]
Kv = Union[
    Literal["f16"],
    Literal["q8"],
]
Level = Union[
    Literal["best"],
    Literal["amx"],
    Literal["avx512"],
    Literal["avx2"],
    Literal["neon"],
    Literal["portable"],
]
Mask = Union[
    bool,
    Literal["off"],
    Literal["question"],
    Literal["answer"],
    Literal["both"],
]
Missing = Union[
    Literal["guard"],
    Literal["remove"],
    Literal["keep"],
]
Mode = Union[
    Literal["hybrid"],
    Literal["dense"],
    Literal["lexical"],
]
Order = Union[
    Literal["best-last"],
    Literal["best-first"],
    Literal["document"],
]
Precision = Union[
    Literal["auto"],
    Literal["f32"],
    Literal["bf16"],
    Literal["int8"],
]
Syntax = Union[
    Literal["marks"],
    Literal["plain"],
]
Tables = Union[
    Literal["off"],
    Literal["compute"],
]
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
Filter = Union[str, Mapping[str, Any]]
Abstain = Union[Literal["calibrated"], Literal["never"], float]


class _SearchAskSummarizeCompose(TypedDict, total=False):
    """What search, ask, summarize, compose have in common."""

    mode: Optional[Mode]
    """Which legs answer: vectors, words, or both. One of "hybrid", "dense", "lexical". Default: "hybrid"."""
    index: Optional[Index]
    """How vectors are searched: auto scans up to 100,000 passages and walks the graph above, flat always scans, hnsw walks
    the graph wherever there is one. One of "auto", "flat", "hnsw". Default: "auto"."""
    ef_search: Optional[int]
    """Candidates explored in the graph, where one is walked. Default: 128; 1 to 1,000,000 passages."""
    filter: Optional[Filter]
    """Only passages of documents that pass this filter. Takes a filter such as "kind = pdf AND year >= 2020". Default: all
    documents."""
    fusion: Optional[str]
    """How vectors and words become one order: convex is a mean of scores with this weight for vectors, rrf goes by ranks.
    Takes convex[:WEIGHT] or rrf[:K]. Default: "convex"."""
    diversity: Optional[float]
    """How much a hit must differ from those before it: maximal marginal relevance (Carbonell and Goldstein 1998). Default:
    not at all; 0 to 1."""
    context: Optional[Union[int, str]]
    """What comes with each hit: nothing, so many passages before and after it, or the section around it. Takes none,
    section, or a number of passages up to 100. Default: "none"."""
    duplicates: Optional[Duplicates]
    """What becomes of passages with the same words, as in copies of a file: fold makes them one hit that names the others,
    keep leaves each a hit, near folds those too that differ by a word or two but by no figure, name or negation. One of
    "fold", "keep", "near". Default: keep where passages are searched, fold where something is written from them."""
    syntax: Optional[Syntax]
    """Whether a search reads the marks "a phrase", -word, title:word, file:*.pdf and OR; a question that is answered is
    plain text always. One of "marks", "plain". Default: "marks"."""
    recency: Optional[Union[float, str]]
    """How fast documents age: after so many days one counts half, by the date that it says, or its file, or by the date
    under KEY of its metadata. Takes DAYS or DAYS:KEY, such as 180. Default: age does not matter."""
    boosts: Optional[Sequence[str]]
    """Documents that count more, or less: each a filter and by what the scores of its documents are multiplied. Each
    FILTER ^ WEIGHT, such as "kind = pdf ^ 2". Default: none."""
    rerank: Optional[int]
    """How many of the best hits the reranker sorts anew; 0 for none. Default: 30 if there is a reranker."""


class _AskSummarizeCompose(TypedDict, total=False):
    """What ask, summarize, compose have in common."""

    system: Optional[str]
    """Persona and rules, put into the system turn. Default: none."""
    history: Optional[Sequence[Message]]
    """Earlier turns of the conversation. Each {"role": "system", "user" or "assistant", "content": TEXT}. Default: none."""
    abstain: Optional[Abstain]
    """When to say "not found": calibrated looks at the words that the passages share with the question and at a floor
    measured on the knowledge base, a cosine refuses what is below it, never answers from whatever was found. Takes
    calibrated, never, or a cosine. Default: "calibrated"."""
    explain: Optional[bool]
    """Record how the answer came about. Default: False."""
    sentences: Optional[int]
    """Show the generator only so many sentences of each passage, those around the one that answers best: small models get
    lost in long passages. Default: three where a few words are asked for, else all; at least 1 sentence."""
    candidates: Optional[int]
    """How many drafts are written, each from another of the passages found; the one that the generator was surest of and a
    passage supports is taken. One is handed on as it is written, several at their end. Default: 1; 1 to 16 drafts."""
    effort: Optional[Effort]
    """What an answer may cost, where `rerank` is not given: fast sorts nothing anew, balanced the best 30 if there is a
    reranker, thorough the best 50. One of "fast", "balanced", "thorough". Default: "balanced"."""
    answer_length: Optional[AnswerLength]
    """How long the answer should be: short asks for a few words, sentences for one or two sentences, auto as the question
    does. One of "auto", "short", "sentences". Default: "auto"."""
    fence: Optional[bool]
    """Fence each passage with a word that none can know, so that what it says does not pass for an instruction. Default:
    False."""
    order: Optional[Order]
    """In what order the prompt shows passages. One of "best-last", "best-first", "document". Default: "best-last"."""
    examples: Optional[Sequence[Example]]
    """Worked examples shown before the passages in place of ours; an empty list for none. Each {"passages": [TEXT],
    "question": TEXT, "answer": TEXT}. Default: two, in the language of the question."""
    rewrite: Optional[str]
    """What the generator writes for the search: a follow-up that stands alone, other wordings that are searched too, or a
    passage that might answer. Takes none, standalone, variants[:COUNT] or hypothetical. Default: "none"."""
    tables: Optional[Tables]
    """Compute the answer from a table where one holds all that the question asks for; off leaves it to who writes. One of
    "off", "compute". Default: "compute"."""
    extract: Optional[bool]
    """Answer with the best sentence of the passages, or two that come close, word for word; needs no generator. Default:
    False."""
    writer: Optional[Callable[[List[Message]], Union[str, Iterable[str]]]]
    """Who writes the answer in the generator's place. A callable gets the conversation (instructions, worked examples,
    history, numbered passages and the question) as a list of messages and gives the answer, or its pieces one by one (a
    generator) to be streamed. It is judged and cited like any other. No passage is left out for want of room: see
    ``top_k``. What it raises comes out of the call. Default: the generator."""
    sampling_top_k: Optional[int]
    """Sample from the k likeliest tokens; 0 keeps all. Default: 0 tokens."""
    max_question_chars: Optional[int]
    """Longest question, in characters. Default: 100,000; at least 1 character."""
    deny: Optional[Sequence[str]]
    """Refuse questions that match one of these; case and accents do not count. Each a regular expression. Default: none."""
    allow: Optional[Sequence[str]]
    """Refuse questions that match none of these. Each a regular expression. Default: none."""
    deny_answer: Optional[Sequence[str]]
    """Refuse answers that match one of these; the answer is then shown only when it is complete. Each a regular
    expression. Default: none."""
    mask: Optional[Mask]
    """Mask e-mail addresses, phone, card, account and social security numbers in question, answer, or both. One of "off",
    "question", "answer", "both". True is both. Default: "off"."""
    topics: Optional[Sequence[str]]
    """Examples of what may be asked: questions that are like none are refused. Default: none."""
    off_topics: Optional[Sequence[str]]
    """Examples of what may not be asked: questions like them are refused. Default: none."""
    topic_min: Optional[float]
    """Centred cosine to the nearest of the topics below which a question is refused. Default: 0.25; -1 to 1."""
    off_topic_max: Optional[float]
    """Centred cosine to the nearest of the off-topics above which a question is refused. Default: 0.4; -1 to 1."""


class _AskGenerateSummarizeCompose(TypedDict, total=False):
    """What ask, generate, summarize, compose have in common."""

    max_new_tokens: Optional[int]
    """Most tokens to produce. Default: 256; at least 1 token."""
    beams: Optional[int]
    """Width of beam search; 1 samples. Wider needs temperature 0 and no penalty, gives the continuation with the best mean
    log-probability, never below the greedy one, and hands it out in one piece. Default: 1; 1 to 16 continuations."""
    length_penalty: Optional[float]
    """Beam search divides the log-probability of a continuation by its length to this power: above 1 prefers long ones, 0
    compares sums (Wu et al. 2016). Default: 1; -10 to 10."""
    early_stopping: Optional[bool]
    """Beam search ends with the first continuations that end, and not once none that grows is better. Default: False."""
    logprobs: Optional[int]
    """Record the log-probability of each token of the answer, and of this many of the likeliest in its place: the model's
    own, before penalties and temperature. Not with beams. Default: none; 0 to 20 tokens."""
    draft: Optional[bool]
    """Guess tokens ahead from the text so far; it changes the speed and no byte. Default: True."""
    seed: Optional[int]
    """Seed of the sampler. Same seed, same bytes. Default: 0."""
    stop: Optional[Sequence[str]]
    """Generation ends before any of these texts; none may be empty. Default: none."""
    json_schema: Optional[Union[Mapping[str, Any], bool, str]]
    """Hold the text to a JSON Schema, in any way of choosing tokens. A dict, or JSON as text. Default: any text."""
    regex: Optional[str]
    """Hold the text to a regular expression, which the whole of it matches. Default: any text."""
    grammar: Optional[str]
    """Hold the text to a context-free grammar in Lark's notation. Default: any text."""
    temperature: Optional[float]
    """0 always takes the likeliest token; otherwise logits are divided by it. Default: 0; 0 to 100."""
    top_p: Optional[float]
    """Sample from the likeliest tokens that sum to this probability (Holtzman et al. 2020); 1 keeps all. Default: 1; above
    0 to 1."""
    min_p: Optional[float]
    """Sample from tokens at least this share as likely as the likeliest; 0 keeps all. Default: 0; 0 to 1."""
    typical_p: Optional[float]
    """Sample from the tokens about as surprising as the mean, until they sum to this probability (Meister et al. 2023); 1
    keeps all. Default: 1; above 0 to 1."""
    presence_penalty: Optional[float]
    """Subtracted from the logits of tokens already in the answer. Default: 0; -100 to 100."""
    frequency_penalty: Optional[float]
    """Subtracted from the logits of tokens already in the answer, once for each time. Default: 0; -100 to 100."""
    logit_bias: Optional[Mapping[int, float]]
    """Added to the logits of these tokens, greedy or not; negative infinity forbids one. A dict of token ids and numbers.
    Default: none."""


class _AskGenerateSummarize(TypedDict, total=False):
    """What ask, generate, summarize have in common."""

    repetition_penalty: Optional[float]
    """Divides the positive logits of tokens already seen and multiplies the negative ones (Keskar et al. 2019); 1 is off.
    Default: 1; above 0 to 10."""


class SearchKeywords(_SearchAskSummarizeCompose, total=False):
    """As ``SearchOptions``, without what the method names itself."""


class SearchOptions(SearchKeywords, total=False):
    """The options of ``KnowledgeBase.search``."""

    top_k: Optional[int]
    """Most hits returned. Default: 5; 1 to 10,000 passages."""


class AskOptions(_SearchAskSummarizeCompose, _AskSummarizeCompose, _AskGenerateSummarizeCompose, _AskGenerateSummarize, total=False):
    """The options of ``KnowledgeBase.ask``, ``prompt``, ``chat`` and ``resume``."""

    top_k: Optional[int]
    """Most hits returned. Default: 3; 1 to 10,000 passages."""


class GenerateOptions(_AskGenerateSummarizeCompose, _AskGenerateSummarize, total=False):
    """The options of ``Generator.generate`` and ``generate_many``."""

    top_k: Optional[int]
    """Sample from the k likeliest tokens; 0 keeps all. Default: 0 tokens."""


class SummarizeKeywords(_SearchAskSummarizeCompose, _AskSummarizeCompose, _AskGenerateSummarizeCompose, _AskGenerateSummarize, total=False):
    """As ``SummarizeOptions``, without what the method names itself."""

    max_sentences: Optional[int]
    """Most sentences. Default: 5; 1 to 50 sentences."""
    top_k: Optional[int]
    """Most hits returned. Default: 10; 1 to 10,000 passages."""


class SummarizeOptions(SummarizeKeywords, total=False):
    """The options of ``KnowledgeBase.summarize``."""

    document: Optional[str]
    """Instead of a question, the uri of a document: the absolute path, or the name it was added under."""


class ComposeOptions(_SearchAskSummarizeCompose, _AskSummarizeCompose, _AskGenerateSummarizeCompose, total=False):
    """The options of ``KnowledgeBase.compose``."""

    kind: Optional[Kind]
    """What the draft is to be: what the documents say (synthesis, explain, table), or what follows from it for a decision
    (scenarios, argument, assess), which a generator writes. One of "synthesis", "scenarios", "argument", "assess",
    "explain", "table". Default: "synthesis"."""
    max_sentences: Optional[int]
    """Most sentences of each part of the draft. Default: 5; 1 to 20 sentences."""
    top_k: Optional[int]
    """Most hits returned. Default: 6; 1 to 10,000 passages."""
    repetition_penalty: Optional[float]
    """Divides the positive logits of tokens already seen and multiplies the negative ones (Keskar et al. 2019); 1 is off.
    Default: 1.1; above 0 to 10."""


class SyncOptions(TypedDict, total=False):
    """The options of ``KnowledgeBase.sync``."""

    dry_run: Optional[bool]
    """Only say what would be done, and write nothing. Default: False."""
    missing: Optional[Missing]
    """What becomes of documents whose file is missing: guard removes them, but not all or most of a folder at once, which
    an unmounted share looks like; remove removes and keep keeps them all. One of "guard", "remove", "keep". Default:
    "guard"."""
    keep_missing: Optional[bool]
    """Keep documents whose file is missing, all of them. Default: False."""
    force: Optional[bool]
    """Remove documents whose file is missing, even if they are all or most of a folder. Default: False."""
    max_tokens: Optional[int]
    """Most tokens of a passage, its headings included; less where the encoder takes less. Default: 200; at least 16
    tokens."""
    min_tokens: Optional[int]
    """A section with fewer tokens shares its passages with the sections after it, up to a heading of an outer level; 0 for
    none. Default: 0 tokens."""
    overlap_tokens: Optional[int]
    """Tokens of the end of a passage that the next one of the same section repeats. Default: 0 tokens."""
    max_heading_tokens: Optional[int]
    """Most tokens that the headings above a passage may take of it, half of it at most. Default: 32 tokens."""
    max_file_bytes: Optional[int]
    """Larger files are skipped and reported. Default: 67,108,864 bytes."""
    hidden: Optional[bool]
    """Take files and folders whose name starts with a dot too. Default: False."""
    include: Optional[Sequence[str]]
    """Only files that match one of these globs, in the syntax of .gitignore and relative to the folder. Default: none."""
    exclude: Optional[Sequence[str]]
    """No files or folders that match one of these globs. Default: none."""
    max_read_seconds: Optional[float]
    """A file that takes longer to read is skipped and reported; the time of a recognizer does not count. In a minute a PDF
    of 20,000 pages can be read. Default: 60 seconds."""
    recognizer: Optional[Callable[[bytes, str, Optional[int]], str]]
    """Reads the text of pictures and scanned pages: a callable that gets the bytes of a picture file, its media type
    (``"image/jpeg"``, ``"image/png"``, ``"image/tiff"``, ``"image/x-portable-anymap"``, ...) and its page (None for a
    file of its own), and gives the text in it. Without one they are skipped. Default: none."""
    hnsw_m: Optional[int]
    """Neighbours kept for each passage in the upper layers of the graph, twice as many in the lowest (Malkov and Yashunin
    2018); a graph is built above 100,000 passages. Default: 16; 2 to 64 neighbours."""
    hnsw_ef_construction: Optional[int]
    """Candidates explored for each passage that is put into the graph. Default: 200; 1 to 10,000 passages."""


class OpenOptions(TypedDict, total=False):
    """The options of ``rag_py.open``."""

    encoder: Optional[Union[Path, Encoder]]
    """Encoder, by name, path or hub id. An ``Encoder`` serves too, loaded already or your own (``Encoder.from_callable``);
    several knowledge bases may share it. Default: the one the file was built with, else e5-small."""
    llm: Optional[Path]
    """Generator, by name, path or hub id, loaded at the first answer; none for the best sentences instead of generated
    answers. Default: qwen2.5-0.5b."""
    access: Optional[Access]
    """Whether to create, write or only read. One of "create", "read_write", "read_only". Default: "create"."""
    reranker: Optional[Path]
    """Reranker, by name, path or hub id: a cross-encoder or a model of late interaction, which sorts the best hits anew,
    loaded at the first search. Default: no reranker."""
    also: Optional[Sequence[Path]]
    """Further knowledge bases that are searched with this one as if all were one file, each by the same encoder and only
    read. Default: none."""
    filter: Optional[Filter]
    """Only the documents that pass this filter are there, in every call, and none can widen it; the file is then only
    read. Takes a filter such as "kind = pdf AND year >= 2020". Default: all documents."""
    secure_delete: Optional[bool]
    """Write zeros over what is removed or replaced, and empty the log at the end of each call that does so; purge leaves
    nothing at all. Each such call then rewrites the full-text index. Default: False."""
    untrusted: Optional[bool]
    """For a file of somebody else's: follow nothing that it says of places outside of it. Its sources are not verified, no
    other file is searched with it, and a name in the file is a name in the model folders, never a path. Default: False.
    """
    encoder_precision: Optional[Precision]
    """The numbers it multiplies: auto is bf16 where the CPU multiplies it, else f32. One of "auto", "f32", "bf16", "int8".
    Default: "auto"."""
    encoder_level: Optional[Level]
    """Vector instructions. f32 has no use for AMX and runs AVX-512 then. One of "best", "amx", "avx512", "avx2", "neon",
    "portable". Default: the best that this CPU has."""
    encoder_threads: Optional[int]
    """Most threads of a call. Default: one per CPU; 1 to 256 threads."""
    encoder_truncate_dim: Optional[int]
    """Keep the first so many numbers of each vector and scale them to length 1 again, for models trained so that this
    costs little (Kusupati et al. 2022). Default: all."""
    encoder_backend: Optional[str]
    """What runs it: our own kernels (auto), candle on the CPU, or candle on a GPU. candle runs BERT, RoBERTa, XLM-RoBERTa,
    CamemBERT, DistilBERT, ModernBERT and Nomic, in f32 and on threads of its own. Takes auto, candle, cuda[:N] or
    metal[:N]. Default: "auto"."""
    generator_backend: Optional[str]
    """What runs it: our own decoder, else candle (auto), candle alone, or candle on a GPU. Takes auto, candle, cuda[:N] or
    metal[:N]. Default: "auto"."""
    generator_threads: Optional[int]
    """Threads, the caller's included; candle's networks choose their own. Default: one per CPU; 1 to 256 threads."""
    generator_level: Optional[Level]
    """Vector instructions. One of "best", "amx", "avx512", "avx2", "neon", "portable". Default: the best that this CPU
    has."""
    generator_kv: Optional[Kv]
    """How keys and values are kept; q8 takes half the memory. One of "f16", "q8". Default: "f16"."""
    generator_template: Optional[Template]
    """A built-in chat template in place of the model's own. One of "chatml", "completion", "gemma", "llama2", "llama3",
    "mistral", "phi3", "zephyr". Default: the model's own, else the built-in one that its vocabulary was made for."""
    reranker_precision: Optional[Precision]
    """The numbers it multiplies: auto is bf16 where the CPU multiplies it, else f32. One of "auto", "f32", "bf16", "int8".
    Default: "auto"."""
    reranker_level: Optional[Level]
    """Vector instructions. One of "best", "amx", "avx512", "avx2", "neon", "portable". Default: the best that this CPU
    has."""
    reranker_threads: Optional[int]
    """Most threads of a call. Default: one per CPU; 1 to 256 threads."""


class EncoderOptions(TypedDict, total=False):
    """The options of ``Encoder``."""

    precision: Optional[Precision]
    """The numbers it multiplies: auto is bf16 where the CPU multiplies it, else f32. One of "auto", "f32", "bf16", "int8".
    Default: "auto"."""
    level: Optional[Level]
    """Vector instructions. f32 has no use for AMX and runs AVX-512 then. One of "best", "amx", "avx512", "avx2", "neon",
    "portable". Default: the best that this CPU has."""
    threads: Optional[int]
    """Most threads of a call. Default: one per CPU; 1 to 256 threads."""
    truncate_dim: Optional[int]
    """Keep the first so many numbers of each vector and scale them to length 1 again, for models trained so that this
    costs little (Kusupati et al. 2022). Default: all."""
    backend: Optional[str]
    """What runs it: our own kernels (auto), candle on the CPU, or candle on a GPU. candle runs BERT, RoBERTa, XLM-RoBERTa,
    CamemBERT, DistilBERT, ModernBERT and Nomic, in f32 and on threads of its own. Takes auto, candle, cuda[:N] or
    metal[:N]. Default: "auto"."""


class GeneratorOptions(TypedDict, total=False):
    """The options of ``Generator``."""

    backend: Optional[str]
    """What runs it: our own decoder, else candle (auto), candle alone, or candle on a GPU. Takes auto, candle, cuda[:N] or
    metal[:N]. Default: "auto"."""
    threads: Optional[int]
    """Threads, the caller's included; candle's networks choose their own. Default: one per CPU; 1 to 256 threads."""
    level: Optional[Level]
    """Vector instructions. One of "best", "amx", "avx512", "avx2", "neon", "portable". Default: the best that this CPU
    has."""
    kv: Optional[Kv]
    """How keys and values are kept; q8 takes half the memory. One of "f16", "q8". Default: "f16"."""
    template: Optional[Template]
    """A built-in chat template in place of the model's own. One of "chatml", "completion", "gemma", "llama2", "llama3",
    "mistral", "phi3", "zephyr". Default: the model's own, else the built-in one that its vocabulary was made for."""


class RerankerOptions(TypedDict, total=False):
    """The options of ``Reranker``."""

    precision: Optional[Precision]
    """The numbers it multiplies: auto is bf16 where the CPU multiplies it, else f32. One of "auto", "f32", "bf16", "int8".
    Default: "auto"."""
    level: Optional[Level]
    """Vector instructions. One of "best", "amx", "avx512", "avx2", "neon", "portable". Default: the best that this CPU
    has."""
    threads: Optional[int]
    """Most threads of a call. Default: one per CPU; 1 to 256 threads."""
