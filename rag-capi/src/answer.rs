//! An answer with its citations.

use std::ffi::c_char;
use std::fmt;
use std::ptr;

use rag_core::cite::{Citation, Evidence, Status};
use rag_core::{Answer, Error, NotFoundReason, Timings};

use crate::boundary::{self, Texts};
use crate::error::{rag_error, rag_status, run};
use crate::handles::{self, rag_kb};
use crate::hits::{self, rag_hit};

/// Why there is no answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_not_found_reason {
    /// There is one.
    RAG_REASON_NONE = 0,
    /// The knowledge base holds no passage.
    RAG_REASON_EMPTY = 1,
    /// The best passage is no closer to the question than to unrelated ones.
    RAG_REASON_BELOW_FLOOR = 2,
    /// Nothing in the passages supports what the model said.
    RAG_REASON_UNSUPPORTED = 3,
    /// The passages found hold too few of the question's words.
    RAG_REASON_UNCOVERED = 4,
}

/// Whether a citation still stands in its source.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_citation_status {
    /// The source holds the quote at the cited place.
    RAG_CITATION_OK = 0,
    /// The source changed, and the quote stands elsewhere in it.
    RAG_CITATION_MOVED = 1,
    /// The source changed, and the quote is gone.
    RAG_CITATION_CHANGED = 2,
    /// The source cannot be read.
    RAG_CITATION_MISSING = 3,
    /// Nobody looked: the knowledge base is not trusted, or the source did not answer in time.
    RAG_CITATION_UNVERIFIED = 4,
}

impl From<Status> for rag_citation_status {
    fn from(status: Status) -> Self {
        match status {
            Status::Ok => Self::RAG_CITATION_OK,
            Status::Moved => Self::RAG_CITATION_MOVED,
            Status::Changed => Self::RAG_CITATION_CHANGED,
            Status::Missing => Self::RAG_CITATION_MISSING,
            Status::Unverified => Self::RAG_CITATION_UNVERIFIED,
        }
    }
}

/// How a span was found to support a claim.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_evidence {
    /// The claim stands in it word for word.
    RAG_EVIDENCE_QUOTE = 0,
    /// It holds the claim's words, names and numbers.
    RAG_EVIDENCE_WORDS = 1,
    /// It means the same in another language, by the encoder.
    RAG_EVIDENCE_MEANING = 2,
    /// The claim stands in it but for a word in ten.
    RAG_EVIDENCE_NEAR = 3,
}

impl From<Evidence> for rag_evidence {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Quote => Self::RAG_EVIDENCE_QUOTE,
            Evidence::Near => Self::RAG_EVIDENCE_NEAR,
            Evidence::Words => Self::RAG_EVIDENCE_WORDS,
            Evidence::Meaning => Self::RAG_EVIDENCE_MEANING,
        }
    }
}

/// A span of a passage that supports a part of an answer. Lent by rag_answer_citation_at until the
/// answer is freed; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_citation {
    /// The number in the answer's text, from 1.
    pub marker: usize,
    /// The passage that holds the quote.
    pub passage_id: i64,
    /// Name of the document: an absolute path for files.
    pub uri: *const c_char,
    /// The words of the document, UTF-8, followed by a NUL byte.
    pub quote: *const c_char,
    /// Bytes of `quote`, the NUL byte not counted.
    pub quote_bytes: usize,
    /// First byte of the quote in the document's text; for text and Markdown in UTF-8 that is the
    /// file itself.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// First byte in the source file; -1 where the format has none to show.
    pub source_start: i64,
    /// One past its last byte in the source file; -1 likewise.
    pub source_end: i64,
    /// Page, from 1; 0 if the format has none.
    pub page: u32,
    /// How much of the claim the quote covers, 0 to 1; for RAG_EVIDENCE_MEANING the cosine.
    pub support: f32,
    /// A rag_citation_status, as it was when the answer was made; see rag_kb_verify.
    pub status: i32,
    /// A rag_evidence.
    pub evidence: i32,
    /// Which file holds it: 0 for the knowledge base itself, 1 for the first of
    /// rag_open_options.also.
    pub store: usize,
}

/// Where the time of an answer went. Lent by rag_answer_timings until the answer is freed; later
/// versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_timings {
    /// Milliseconds to load the generator, if this call did.
    pub load_ms: f64,
    /// Milliseconds to encode the question and search, rewriting included.
    pub search_ms: f64,
    /// Milliseconds to take in the prompt.
    pub prefill_ms: f64,
    /// Milliseconds for the tokens after the first.
    pub decode_ms: f64,
    /// Milliseconds from the call to the first token of the answer, loading included.
    pub first_token_ms: f64,
    /// Milliseconds of the whole call.
    pub total_ms: f64,
    /// Tokens of the prompt.
    pub prompt_token_count: usize,
    /// Tokens of the answer.
    pub answer_token_count: usize,
}

impl From<&Timings> for rag_timings {
    fn from(timings: &Timings) -> Self {
        Self {
            load_ms: timings.load_ms,
            search_ms: timings.search_ms,
            prefill_ms: timings.prefill_ms,
            decode_ms: timings.decode_ms,
            first_token_ms: timings.first_token_ms,
            total_ms: timings.total_ms,
            prompt_token_count: timings.prompt_token_count,
            answer_token_count: timings.answer_token_count,
        }
    }
}

/// What the documents say, or that they do not. Owned by the caller; free it once with
/// rag_answer_free. Any number of threads may read it.
pub struct rag_answer {
    pub(crate) answer: Answer,
    text: *const c_char,
    pub(crate) refusal: *const c_char,
    citations: Vec<rag_citation>,
    hits: Vec<rag_hit>,
    timings: rag_timings,
    _texts: Texts,
}

impl fmt::Debug for rag_answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answer.fmt(f)
    }
}

impl From<Answer> for rag_answer {
    fn from(answer: Answer) -> Self {
        let mut texts = Texts::default();
        Self {
            text: texts.keep(&answer.text),
            refusal: texts
                .keep_optional(answer.refusal.as_ref().map(|refusal| refusal.reason.as_str())),
            citations: answer.citations.iter().map(|cited| view(cited, &mut texts)).collect(),
            hits: answer.hits.iter().map(|hit| hits::view(hit, &mut texts)).collect(),
            timings: (&answer.timings).into(),
            answer,
            _texts: texts,
        }
    }
}

fn view(citation: &Citation, texts: &mut Texts) -> rag_citation {
    rag_citation {
        marker: citation.marker,
        passage_id: citation.passage_id,
        uri: texts.keep(&citation.uri),
        quote: texts.keep(&citation.quote),
        quote_bytes: citation.quote.len(),
        start: citation.start,
        end: citation.end,
        source_start: boundary::offset(citation.source_start),
        source_end: boundary::offset(citation.source_end),
        page: citation.page.unwrap_or(0),
        support: citation.support,
        status: rag_citation_status::from(citation.status) as i32,
        evidence: rag_evidence::from(citation.evidence) as i32,
        store: citation.store,
    }
}

/// Whether the documents hold an answer; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_found(answer: *const rag_answer) -> bool {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.is_some_and(|answer| answer.answer.found)
}

/// Whether the text is sentences of the passages, word for word: without a generator, or where the
/// generator was not sure of its words or no passage supported them; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_quoted(answer: *const rag_answer) -> bool {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.is_some_and(|answer| answer.answer.quoted)
}

/// The answer in UTF-8 with [1]-style markers placed by the engine; empty when not found; NULL for
/// NULL.
///
/// Followed by a NUL byte and lent until the answer is freed. `size` may be NULL, else it gets the
/// bytes before the NUL byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_text(
    answer: *const rag_answer,
    size: *mut usize,
) -> *const c_char {
    // SAFETY: null or live, by contract.
    let answer = unsafe { answer.as_ref() };
    if !size.is_null() {
        // SAFETY: writable, by contract.
        unsafe { size.write(answer.map_or(0, |answer| answer.answer.text.len())) };
    }
    answer.map_or(ptr::null(), |answer| answer.text)
}

/// Why there is no answer; RAG_REASON_NONE if there is one and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_reason(answer: *const rag_answer) -> rag_not_found_reason {
    // SAFETY: null or live, by contract.
    match unsafe { answer.as_ref() }.and_then(|answer| answer.answer.reason) {
        None => rag_not_found_reason::RAG_REASON_NONE,
        Some(NotFoundReason::Empty) => rag_not_found_reason::RAG_REASON_EMPTY,
        Some(NotFoundReason::BelowFloor) => rag_not_found_reason::RAG_REASON_BELOW_FLOOR,
        Some(NotFoundReason::Unsupported) => rag_not_found_reason::RAG_REASON_UNSUPPORTED,
        Some(NotFoundReason::Uncovered) => rag_not_found_reason::RAG_REASON_UNCOVERED,
    }
}

/// How many citations the answer has; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_citation_count(answer: *const rag_answer) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.map_or(0, |answer| answer.citations.len())
}

/// The citation at `index`, from 0, in order of first use, lent until the answer is freed; NULL
/// beyond the last and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_citation_at(
    answer: *const rag_answer,
    index: usize,
) -> *const rag_citation {
    // SAFETY: null or live, by contract.
    let answer = unsafe { answer.as_ref() };
    answer.and_then(|answer| answer.citations.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// How many passages were put into the prompt, or, when not found, were the nearest ones; 0 for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_hit_count(answer: *const rag_answer) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.map_or(0, |answer| answer.hits.len())
}

/// The passage at `index`, from 0, lent until the answer is freed; NULL beyond the last and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_hit_at(
    answer: *const rag_answer,
    index: usize,
) -> *const rag_hit {
    // SAFETY: null or live, by contract.
    let answer = unsafe { answer.as_ref() };
    answer.and_then(|answer| answer.hits.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// How many passages were found but left out of the prompt for want of room; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_left_out_count(answer: *const rag_answer) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.map_or(0, |answer| answer.answer.left_out.len())
}

/// Number of the passage left out at `index`, from 0; 0, which is never a passage, beyond the last
/// and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_left_out_at(answer: *const rag_answer, index: usize) -> i64 {
    // SAFETY: null or live, by contract.
    let answer = unsafe { answer.as_ref() };
    answer.and_then(|answer| answer.answer.left_out.get(index)).copied().unwrap_or(0)
}

/// Where the time went, lent until the answer is freed; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_timings(answer: *const rag_answer) -> *const rag_timings {
    // SAFETY: null or live, by contract.
    unsafe { answer.as_ref() }.map_or(ptr::null(), |answer| &raw const answer.timings)
}

/// The whole answer as a JSON object: found, text, citations, reason, hits, left_out, timings,
/// outcome, refusal and, if they were asked for, trace and masked; conflicts (other documents that
/// give another figure or date for what is cited) if there are any, and table (id, uri, title,
/// plan, words, figure, row_count) if it was computed from one, and told_by (kind, quote) if the
/// persona or the user told it and no document. On success `*json` is owned by the caller: free it
/// with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_to_json(
    answer: *const rag_answer,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let answer = boundary::handle(answer, "answer")?;
                serde_json::to_string(&answer.answer)
                    .map_err(|cause| Error::internal_cause("the answer does not fit JSON", cause))
            })
        })
    }
}

/// Frees an answer. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_answer_free(answer: *mut rag_answer) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(answer) }
}

/// Re-reads the file behind citation `index` of `answer` and says in `*status` whether the quote
/// still stands.
///
/// RAG_INVALID_ARGUMENT: there is no such citation.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_verify(
    kb: *const rag_kb,
    answer: *const rag_answer,
    index: usize,
    status: *mut rag_citation_status,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let kb = handles::shared(kb)?;
            let answer = &boundary::handle(answer, "answer")?.answer;
            boundary::handle(status, "status")?;
            let cited = answer.citations.get(index).ok_or_else(|| {
                let reason = format!("{index}, the answer has {}", answer.citations.len());
                Error::invalid("index", reason)
            })?;
            status.write(kb.enter()?.verify(cited)?.into());
            Ok(())
        })
    }
}
