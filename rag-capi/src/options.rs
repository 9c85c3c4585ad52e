//! Options structs as C fills them in: size first, zero means default, fields only appended.

use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;
use std::slice;

use rag_core::document::ReadOptions;
use rag_core::{Error, Result};

use crate::boundary;
use crate::encoder::rag_encoder;
use crate::own::{rag_on_recognize, rag_on_write};
use crate::progress::{rag_cancel, rag_on_piece, rag_on_progress};

/// Whether a knowledge base may be created and written.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_access {
    /// Read and write; create the file if it does not exist.
    RAG_ACCESS_CREATE = 0,
    /// Read and write; the file must exist.
    RAG_ACCESS_READ_WRITE = 1,
    /// Read only; the file must exist.
    RAG_ACCESS_READ_ONLY = 2,
}

/// Whether what a knowledge base says of places outside of it is followed. Either way only regular files are opened by the paths of
/// documents, and an encoder that the file names by a path is opened only if that path leads into the model folders or was named by
/// somebody on this machine before.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_trust {
    /// Citations are verified in the files that were indexed.
    RAG_TRUST_TRUSTED = 0,
    /// For a file of somebody else's. Nothing outside of it is touched on its word: every citation of a file is
    /// RAG_CITATION_UNVERIFIED, `also` must be empty, and a name in the file is a name in the model folders, never a path.
    RAG_TRUST_UNTRUSTED = 1,
}

/// Whether a sync writes.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_plan {
    /// Read, encode and write.
    RAG_PLAN_APPLY = 0,
    /// Count what would be done and write nothing.
    RAG_PLAN_DRY_RUN = 1,
}

/// What a sync does with documents whose file is missing.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_missing {
    /// Removes them; but keeps those of a folder if they are all of its documents and no other file is there, or more than half
    /// of ten or more, and those below one that is there and empty if they are ten or more: an unmounted share looks just so.
    RAG_MISSING_GUARD = 0,
    /// Removes them all.
    RAG_MISSING_REMOVE = 1,
    /// Keeps them all.
    RAG_MISSING_KEEP = 2,
}

/// What to do with files and folders whose name starts with a dot.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_hidden {
    /// Leave them out.
    RAG_HIDDEN_SKIP = 0,
    /// Take them like any other.
    RAG_HIDDEN_LIST = 1,
}

/// Which legs of a search answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_mode {
    /// Vectors and words, fused as the option `fusion` says; the score is the fused one.
    RAG_MODE_HYBRID = 0,
    /// Vectors only; the score is the cosine.
    RAG_MODE_DENSE = 1,
    /// Words only; the score is BM25.
    RAG_MODE_LEXICAL = 2,
}

/// How vectors are searched.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_index {
    /// Exact for small knowledge bases, by graph for large ones.
    RAG_INDEX_AUTO = 0,
    /// Always exact.
    RAG_INDEX_FLAT = 1,
    /// By HNSW graph wherever one exists.
    RAG_INDEX_HNSW = 2,
}

/// When to say "not found" instead of answering.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_abstain {
    /// Below the floor measured on this knowledge base with unrelated questions.
    RAG_ABSTAIN_CALIBRATED = 0,
    /// Below the cosine in `abstain_below`.
    RAG_ABSTAIN_BELOW = 1,
    /// Never: answer whatever was found.
    RAG_ABSTAIN_NEVER = 2,
}

/// Whether to record how an answer came about.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_explain {
    /// No.
    RAG_EXPLAIN_OFF = 0,
    /// Into the "trace" of the answer's JSON.
    RAG_EXPLAIN_TRACE = 1,
}

/// Who writes an answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_writer {
    /// The generator; nobody if the knowledge base was opened with the generator "none".
    RAG_WRITER_GENERATOR = 0,
    /// Nobody: the answer is the sentence of the passages that answers best, word for word.
    RAG_WRITER_PASSAGES = 1,
}

/// How passages are told apart from the rest of a prompt.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_fence {
    /// A number before each.
    RAG_FENCE_NUMBERED = 0,
    /// A number and a word around each, which no passage can know.
    RAG_FENCE_MARKED = 1,
}

/// In what order a prompt shows passages.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_order {
    /// The best last, next to the question: small models read that best.
    RAG_ORDER_BEST_LAST = 0,
    /// The best first.
    RAG_ORDER_BEST_FIRST = 1,
    /// As they stand in their documents.
    RAG_ORDER_DOCUMENT = 2,
}

/// What the generator writes before a search, for it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_rewrite {
    /// Nothing. A follow-up is searched together with the question before it.
    RAG_REWRITE_NONE = 0,
    /// A follow-up as a question that stands alone.
    RAG_REWRITE_STANDALONE = 1,
    /// Other wordings of the question, each searched too.
    RAG_REWRITE_VARIANTS = 2,
    /// A passage that might answer the question.
    RAG_REWRITE_HYPOTHETICAL = 3,
}

/// A question answered the way answers should be.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_example {
    /// What the answer is taken from.
    pub passages: *const *const c_char,
    /// How many passages.
    pub passage_count: usize,
    /// The question.
    pub question: *const c_char,
    /// The answer.
    pub answer: *const c_char,
}

/// When to build the vector index.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_seal {
    /// If much changed since the last time.
    RAG_SEAL_IF_NEEDED = 0,
    /// Now, with an HNSW graph, whatever the size.
    RAG_SEAL_NOW = 1,
}

/// Whether tokens are guessed ahead, which changes the speed and no byte.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_draft {
    /// From what followed the last tokens earlier in prompt and answer.
    RAG_DRAFT_LOOKUP = 0,
    /// One token at a time.
    RAG_DRAFT_OFF = 1,
}

/// What texts are to an encoder; many put another prefix before each.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_text_role {
    /// Texts to be found.
    RAG_TEXT_PASSAGE = 0,
    /// Questions.
    RAG_TEXT_QUERY = 1,
}

/// How to open a knowledge base. Begin with RAG_OPEN_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_open_options {
    /// sizeof(rag_open_options); set by RAG_OPEN_OPTIONS_INIT.
    pub struct_size: usize,
    /// Encoder: a name in the model cache, a path or a hub id already on this machine. NULL: the one the file was
    /// built with, else "e5-small".
    pub encoder: *const c_char,
    /// Generator, likewise; loaded at the first answer. "none": answers are the best sentences. NULL: "qwen2.5-0.5b".
    pub llm: *const c_char,
    /// A folder of models, looked in before the usual places. NULL: none.
    pub model_dir: *const c_char,
    /// A rag_access.
    pub access: i32,
    /// Zero.
    pub reserved: i32,
    /// Reranker, likewise: a cross-encoder that sorts the best hits anew; loaded at the first search. NULL: none.
    pub reranker: *const c_char,
    /// Further knowledge bases that are searched with this one as if all were one file, each by the same encoder and only read.
    pub also: *const *const c_char,
    /// How many.
    pub also_count: usize,
    /// An encoder that is loaded already, or is the caller's own, in place of `encoder`, which is then NULL. It may be freed once
    /// the file is open. NULL: none.
    pub loaded_encoder: *const rag_encoder,
    /// Write zeros over what is removed or replaced, and empty the log at the end of each call that does so; rag_kb_purge leaves
    /// nothing at all. Each such call then rewrites the full-text index. Zero: what is removed is marked as free.
    pub secure_delete: i32,
    /// Zero.
    pub reserved_2: i32,
    /// A rag_trust.
    pub trust: i32,
    /// Zero.
    pub reserved_trust: i32,
}

/// How to mirror a folder. Begin with RAG_SYNC_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_sync_options {
    /// sizeof(rag_sync_options); set by RAG_SYNC_OPTIONS_INIT.
    pub struct_size: usize,
    /// Larger files are skipped and reported. 0: 64 MiB.
    pub max_file_bytes: u64,
    /// Most tokens of a passage. 0: 200, or what the encoder takes if that is less.
    pub max_tokens: usize,
    /// A rag_plan.
    pub plan: i32,
    /// A rag_hidden.
    pub hidden: i32,
    /// Gets reports. NULL: none.
    pub on_progress: rag_on_progress,
    /// Handed to `on_progress`.
    pub user_data: *mut c_void,
    /// Stops the call. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Neighbours of a node, where a graph is built at the end (above 100,000 passages), 2 to 64. 0: 16.
    pub hnsw_m: usize,
    /// Candidates explored for each node of it, 1 to 10,000. 0: 200.
    pub hnsw_ef_construction: usize,
    /// A section with fewer tokens shares its passages with the sections after it. 0: none does.
    pub min_tokens: usize,
    /// Tokens of the end of a passage that the next one of the same section repeats.
    pub overlap_tokens: usize,
    /// A file that takes longer to read is skipped and reported. 0: 60.
    pub max_read_seconds: f64,
    /// Only files that match one of these globs, in the syntax of .gitignore. NULL: all.
    pub include: *const *const c_char,
    /// How many.
    pub include_count: usize,
    /// No files or folders that match one of these globs.
    pub exclude: *const *const c_char,
    /// How many.
    pub exclude_count: usize,
    /// Reads the text of pictures and scanned pages; files skipped before for want of one are tried again. NULL: they are skipped.
    pub on_recognize: rag_on_recognize,
    /// Handed to `on_recognize`.
    pub recognize_user_data: *mut c_void,
    /// A rag_missing.
    pub missing: i32,
    /// Zero.
    pub reserved: i32,
}

/// How to add a text. Begin with RAG_ADD_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_add_options {
    /// sizeof(rag_add_options); set by RAG_ADD_OPTIONS_INIT.
    pub struct_size: usize,
    /// Names of metadata, `metadata_count` of them.
    pub metadata_keys: *const *const c_char,
    /// Their values, in the same order.
    pub metadata_values: *const *const c_char,
    /// How many there are of each.
    pub metadata_count: usize,
    /// Stops the call. NULL: nothing does.
    pub cancel: *const rag_cancel,
}

/// How to search. Begin with RAG_SEARCH_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_search_options {
    /// sizeof(rag_search_options); set by RAG_SEARCH_OPTIONS_INIT.
    pub struct_size: usize,
    /// Most hits returned, to 10,000. 0: 5.
    pub top_k: usize,
    /// A rag_mode.
    pub mode: i32,
    /// A rag_index.
    pub index: i32,
    /// Stops the call. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Only documents that pass, such as "kind = pdf AND year >= 2020 AND NOT lang = fr". NULL: all.
    pub filter: *const c_char,
    /// Candidates explored in the graph, where one is walked. 0: 128.
    pub ef_search: usize,
    /// How vectors and words become one order: "convex" (a weighted mean of scores), "convex:WEIGHT" with the weight of the
    /// vectors from 0 to 1, "rrf" or "rrf:K" (by ranks). NULL: "convex".
    pub fusion: *const c_char,
    /// What comes with each hit, as hits beside it: "none", "section", or a number of passages before and after. NULL: "none".
    pub context: *const c_char,
    /// How much a hit must differ from those before it, from 0 to 1. 0: not at all.
    pub diversity: f32,
    /// Zero.
    pub reserved: i32,
    /// How many of the best hits the reranker sorts anew. 0: 30 if there is one; -1: none.
    pub rerank: i64,
}

/// Where personal data is masked: e-mail addresses, phone numbers, IBANs, payment cards, French social security
/// numbers.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_mask {
    /// Nowhere.
    RAG_MASK_OFF = 0,
    /// In what the model is told of the person: question and earlier turns.
    RAG_MASK_QUESTION = 1,
    /// In what is handed out: the answer, its pieces, quotes and passages.
    RAG_MASK_ANSWER = 2,
    /// In both.
    RAG_MASK_BOTH = 3,
}

/// What may be asked and answered. Begin with RAG_GUARDS_INIT; zero in a field is its default. Rules are regular
/// expressions without look-around; case and accents do not count. A question or answer that is refused gives an
/// answer with RAG_OUTCOME_REFUSED, not an error.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_guards {
    /// sizeof(rag_guards); set by RAG_GUARDS_INIT.
    pub struct_size: usize,
    /// Longest question, in characters. 0: 100,000.
    pub max_question_chars: usize,
    /// Questions that match one of these are refused, `deny_count` of them.
    pub deny: *const *const c_char,
    /// How many there are.
    pub deny_count: usize,
    /// Questions that match none of these are refused, `allow_count` of them.
    pub allow: *const *const c_char,
    /// How many there are. 0: off.
    pub allow_count: usize,
    /// Answers that match one of these are refused, `deny_answer_count` of them; `on_piece` then gets the answer only
    /// when it is complete.
    pub deny_answer: *const *const c_char,
    /// How many there are.
    pub deny_answer_count: usize,
    /// Examples of what may be asked, `topic_count` of them; questions that are like none are refused.
    pub topics: *const *const c_char,
    /// How many there are. 0: off.
    pub topic_count: usize,
    /// Examples of what may not be asked, `off_topic_count` of them; questions like them are refused.
    pub off_topics: *const *const c_char,
    /// How many there are.
    pub off_topic_count: usize,
    /// Centred cosine to the nearest of `topics` below which a question is refused. 0: 0.25.
    pub topic_min: f32,
    /// Centred cosine to the nearest of `off_topics` above which a question is refused. 0: 0.4.
    pub off_topic_max: f32,
    /// A rag_mask.
    pub mask: i32,
    /// Zero.
    pub reserved: i32,
}

/// How to answer. Begin with RAG_ASK_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_ask_options {
    /// sizeof(rag_ask_options); set by RAG_ASK_OPTIONS_INIT.
    pub struct_size: usize,
    /// Persona and rules, for the system turn. NULL: none.
    pub system: *const c_char,
    /// Passages offered to the prompt. 0: 3.
    pub top_k: usize,
    /// A rag_mode.
    pub mode: i32,
    /// A rag_index.
    pub index: i32,
    /// Most tokens of the answer. 0: 256.
    pub max_new_tokens: usize,
    /// Seed of the sampler. Same seed, same bytes.
    pub seed: u64,
    /// 0: greedy; otherwise logits are divided by it.
    pub temperature: f32,
    /// Keep the likeliest tokens that sum to this. 0: all.
    pub top_p: f32,
    /// Keep tokens at least this share as likely as the likeliest. 0: all.
    pub min_p: f32,
    /// Divides the logits of tokens already seen. 0: 1, off.
    pub repetition_penalty: f32,
    /// Sampling keeps this many of the likeliest tokens. 0: all.
    pub sampling_top_k: usize,
    /// Width of beam search. 0: 1, off.
    pub beams: usize,
    /// Generation ends before any of these, `stop_count` of them.
    pub stop: *const *const c_char,
    /// How many there are.
    pub stop_count: usize,
    /// A rag_abstain.
    pub abstain: i32,
    /// The cosine for RAG_ABSTAIN_BELOW.
    pub abstain_below: f32,
    /// A rag_explain.
    pub explain: i32,
    /// Zero.
    pub reserved: i32,
    /// Gets the answer as it is written. NULL: none.
    pub on_piece: rag_on_piece,
    /// Handed to `on_piece`.
    pub user_data: *mut c_void,
    /// Stops the call, within one token. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Keep the tokens about as surprising as the mean until they sum to this. 0: all.
    pub typical_p: f32,
    /// Subtracted from the logits of tokens already in the answer.
    pub presence_penalty: f32,
    /// The same, once for each time.
    pub frequency_penalty: f32,
    /// Beam search divides by the length to this power. 0: 1, the mean.
    pub length_penalty: f32,
    /// 1: beam search ends with the first `beams` continuations that end. 0: once none that grows is better.
    pub early_stopping: i32,
    /// A rag_draft.
    pub draft: i32,
    /// Only documents that pass: see rag_search_options. NULL: all.
    pub filter: *const c_char,
    /// How vectors and words become one order: see rag_search_options. NULL: "convex".
    pub fusion: *const c_char,
    /// What comes with each hit: see rag_search_options. NULL: "none".
    pub context: *const c_char,
    /// How much a hit must differ from those before it, from 0 to 1. 0: not at all.
    pub diversity: f32,
    /// A rag_writer.
    pub writer: i32,
    /// Of each passage, only so many sentences in a row are shown to the generator, those around the one that answers best.
    /// 0: all.
    pub sentences: usize,
    /// A rag_fence.
    pub fence: i32,
    /// Zero.
    pub reserved_2: i32,
    /// How many of the best hits the reranker sorts anew: see rag_search_options.
    pub rerank: i64,
    /// What may be asked and answered. NULL: only a limit on length.
    pub guards: *const rag_guards,
    /// A rag_order.
    pub order: i32,
    /// A rag_rewrite.
    pub rewrite: i32,
    /// How many other wordings RAG_REWRITE_VARIANTS asks for, 1 to 5. 0: 3.
    pub variant_count: usize,
    /// Worked examples in place of ours; not NULL and none of them: no examples. NULL: ours.
    pub examples: *const rag_example,
    /// How many.
    pub example_count: usize,
    /// Writes answers to questions in the generator's place; `writer` is then RAG_WRITER_GENERATOR. No passage is left out for want
    /// of room: how many fit is yours to say with `top_k`. NULL: `writer` says who does.
    pub on_write: rag_on_write,
    /// Handed to `on_write`.
    pub write_user_data: *mut c_void,
}

/// An options struct.
///
/// # Safety
/// `repr(C)`, its first field is `struct_size: usize`, and it is valid when all its bytes are zero.
pub(crate) unsafe trait Options: Copy {}

// SAFETY: repr(C), struct_size first, then only integers, floats, pointers and nullable functions.
unsafe impl Options for rag_open_options {}
// SAFETY: as above.
unsafe impl Options for rag_sync_options {}
// SAFETY: as above.
unsafe impl Options for rag_add_options {}
// SAFETY: as above.
unsafe impl Options for rag_search_options {}
// SAFETY: as above.
unsafe impl Options for rag_ask_options {}
// SAFETY: as above.
unsafe impl Options for rag_guards {}

/// No options struct of any version is larger; beyond it `struct_size` was not set.
const MAX_STRUCT_BYTES: usize = 4096;

/// Copies options of this or another version. What an older caller does not have is default; what a newer one has
/// must be default.
///
/// # Safety
/// `pointer` is null or valid for reads of a `usize`, and of as many bytes as that says.
pub(crate) unsafe fn read<T: Options>(pointer: *const T) -> Result<T> {
    let mut options = MaybeUninit::<T>::zeroed();
    if !pointer.is_null() {
        // SAFETY: not null; readable, says the caller.
        let given = unsafe { given_bytes(pointer) }?;
        let (known, newer) = given.split_at(given.len().min(size_of::<T>()));
        if newer.iter().any(|byte| *byte != 0) {
            let reason = "sets a field that this version of the library does not know";
            return Err(Error::invalid("options", reason));
        }
        // SAFETY: `known` is no longer than T and cannot overlap a local.
        unsafe { options.as_mut_ptr().cast::<u8>().copy_from(known.as_ptr(), known.len()) };
    }
    // SAFETY: all zero is valid for `Options`; the bytes over it are those of a T that the caller filled in.
    Ok(unsafe { options.assume_init() })
}

/// # Safety
/// As [`read`], and not null.
unsafe fn given_bytes<'a, T: Options>(pointer: *const T) -> Result<&'a [u8]> {
    if !pointer.is_aligned() {
        return Err(Error::invalid("options", "not aligned for its type"));
    }
    // SAFETY: readable, says the caller; aligned, as T begins with a usize.
    let size = unsafe { pointer.cast::<usize>().read() };
    let plausible = (size_of::<usize>()..=MAX_STRUCT_BYTES).contains(&size);
    if !plausible || !size.is_multiple_of(align_of::<usize>()) {
        let reason = format!("struct_size is {size}: begin with the RAG_..._OPTIONS_INIT macro");
        return Err(Error::invalid("options", reason));
    }
    // SAFETY: `size` bytes are readable, says the caller.
    Ok(unsafe { slice::from_raw_parts(pointer.cast::<u8>(), size) })
}

/// The choice with this number.
pub(crate) fn choice<T: Clone>(number: i32, choices: &[T], argument: &'static str) -> Result<T> {
    usize::try_from(number).ok().and_then(|index| choices.get(index)).cloned().ok_or_else(|| {
        Error::invalid(argument, format!("{number} is not one of 0 to {}", choices.len() - 1))
    })
}

/// `value`, or the default if it is zero.
pub(crate) fn or_default<T: Default + PartialEq>(value: T, default: T) -> T {
    if value == T::default() { default } else { value }
}

/// How long a file may be read; 0 is the default.
pub(crate) fn read_options(max_read_seconds: f64) -> Result<ReadOptions> {
    match max_read_seconds {
        0.0 => Ok(ReadOptions::default()),
        seconds => ReadOptions::for_seconds(seconds),
    }
}

/// A text field that may be null.
///
/// # Safety
/// `pointer` is null or NUL-terminated.
pub(crate) unsafe fn owned_text(
    pointer: *const c_char,
    argument: &'static str,
) -> Result<Option<String>> {
    // SAFETY: passed on to the caller.
    Ok(unsafe { boundary::optional_text(pointer, argument) }?.map(str::to_owned))
}

#[cfg(test)]
mod tests;
