//! How to search.

use std::ffi::c_char;

use rag_core::search::{Context, Fusion, Mode, SearchOptions};
use rag_core::store::{Filter, IndexMode};
use rag_core::{Error, Result};

use super::given::{Options, choice, or_default, set_all, some};
use crate::boundary;
use crate::handles::rag_setting;
use crate::progress::rag_cancel;

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
    /// Exact below 100,000 passages, by HNSW graph above.
    RAG_INDEX_AUTO = 0,
    /// Always exact.
    RAG_INDEX_FLAT = 1,
    /// By HNSW graph wherever one exists.
    RAG_INDEX_HNSW = 2,
}

/// How to search. Begin with RAG_SEARCH_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_search_options {
    /// sizeof(rag_search_options); set by RAG_SEARCH_OPTIONS_INIT.
    pub struct_size: usize,
    /// Most hits returned, to 10,000. 0: 5 for rag_kb_search; passages offered to the prompt: 3 for
    /// rag_kb_ask, 10 for rag_kb_summarize.
    pub top_k: usize,
    /// A rag_mode.
    pub mode: i32,
    /// A rag_index.
    pub index: i32,
    /// Stops the call. NULL: nothing does. In a rag_ask_options it is NULL: those have one of their
    /// own.
    pub cancel: *const rag_cancel,
    /// Only passages of documents that pass, such as "kind = pdf AND year >= 2020 AND NOT lang =
    /// fr". NULL: all.
    pub filter: *const c_char,
    /// Candidates explored in the graph, where one is walked. 0: 128.
    pub ef_search: usize,
    /// How vectors and words become one order: "convex" (a weighted mean of scores),
    /// "convex:WEIGHT" with the weight of the vectors from 0 to 1, "rrf" or "rrf:K" (by ranks).
    /// NULL: "convex".
    pub fusion: *const c_char,
    /// What comes with each hit, as hits beside it: "none", "section" (the passages around it under the same heading, eight on
    /// each side at most), or a number of passages before and after, to 100. NULL: "none".
    pub context: *const c_char,
    /// How much a hit must differ from those before it, from 0 to 1. 0: not at all.
    pub diversity: f32,
    /// Zero: `rerank` stands at a multiple of its size.
    pub reserved: i32,
    /// How many of the best hits the reranker sorts anew. 0: 30 if there is one; -1: none.
    pub rerank: i64,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only integers, floats and pointers.
unsafe impl Options for rag_search_options {
    const NAME: &'static str = "rag_search_options";
}

impl rag_search_options {
    /// Lays what is given over `options`.
    ///
    /// # Safety
    /// The texts are null or NUL-terminated.
    pub(crate) unsafe fn lay_over(&self, options: &mut SearchOptions) -> Result<()> {
        // SAFETY: passed on to the caller.
        let (fusion, context) = unsafe {
            options.filter = filter(self.filter)?;
            (
                boundary::optional_text(self.fusion, "fusion")?,
                boundary::optional_text(self.context, "context")?,
            )
        };
        options.top_k = or_default(self.top_k, options.top_k);
        options.mode = choice(self.mode, &Mode::ALL, "mode")?;
        options.index = choice(self.index, &IndexMode::ALL, "index")?;
        options.ef_search = some(self.ef_search);
        options.fusion = fusion.map(Fusion::parse).transpose()?.unwrap_or_default();
        options.context = context.map(Context::parse).transpose()?.unwrap_or_default();
        options.diversity = Some(self.diversity).filter(|diversity| *diversity != 0.0);
        options.rerank = rerank(self.rerank)?;
        // SAFETY: passed on to the caller.
        unsafe { set_all(options, self.settings, self.setting_count) }
    }

    /// Refuses what belongs to a call of its own.
    pub(super) fn check_part(&self) -> Result<()> {
        if self.cancel.is_null() {
            return Ok(());
        }
        Err(Error::invalid("search", "its cancel must be NULL: it belongs in rag_ask_options"))
    }
}

/// How many hits are reranked: 0 leaves it to the core, -1 is none.
fn rerank(count: i64) -> Result<Option<usize>> {
    match count {
        0 => Ok(None),
        -1 => Ok(Some(0)),
        count => usize::try_from(count)
            .map(Some)
            .map_err(|_| Error::invalid("rerank", format!("{count} is below -1"))),
    }
}

/// A filter from its text form; none for null.
///
/// # Safety
/// `text` is null or NUL-terminated.
pub(crate) unsafe fn filter(text: *const c_char) -> Result<Option<Filter>> {
    // SAFETY: passed on to the caller.
    unsafe { boundary::optional_text(text, "filter") }?.map(Filter::parse).transpose()
}
