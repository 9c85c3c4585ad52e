//! Passages as points of a plane.

use std::ffi::c_char;

use rag_core::store::Filter;
use rag_core::{Error, PassageMap, Result};

use crate::boundary;
use crate::error::{rag_error, rag_status, run};
use crate::handles::{self, rag_kb};

/// The passages of the documents that pass `filter` in two dimensions, near ones saying like
/// things, as the JSON object {"points": [{"passage_id", "uri", "title", "page", "text", "x",
/// "y"}], "questions": [{"text", "x", "y"}], "passage_count", "shares": [along x, along y]}.
/// `filter` may be NULL: those of all documents. `questions` are `count` texts that are put among
/// them, which loads the encoder; NULL with 0 for none. 5,000 passages at most are points, spread
/// over the file. On success `*json` is owned by the caller: free it with rag_string_free.
///
/// RAG_INVALID_ARGUMENT: the filter. RAG_NOT_FOUND, RAG_MODEL, RAG_MODEL_MISMATCH: the encoder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_map(
    kb: *const rag_kb,
    filter: *const c_char,
    questions: *const *const c_char,
    count: usize,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                serde_json::to_string(&map(kb, filter, questions, count)?)
                    .map_err(|cause| Error::internal_cause("a map does not fit JSON", cause))
            })
        })
    }
}

/// As rag_kb_map, drawn as one HTML page that needs nothing else; `filter` may be NULL. On success
/// `*html` is owned by the caller: free it with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_map_html(
    kb: *const rag_kb,
    filter: *const c_char,
    questions: *const *const c_char,
    count: usize,
    html: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(html, "html", || Ok(map(kb, filter, questions, count)?.to_html()))
        })
    }
}

/// # Safety
/// As [`rag_kb_map`].
unsafe fn map(
    kb: *const rag_kb,
    filter: *const c_char,
    questions: *const *const c_char,
    count: usize,
) -> Result<PassageMap> {
    // SAFETY: passed on to the caller.
    let (kb, filter, questions) = unsafe {
        (
            handles::shared(kb)?,
            boundary::optional_text(filter, "filter")?,
            boundary::texts(questions, count, "questions")?,
        )
    };
    let filter = filter.map(Filter::parse).transpose()?;
    kb.enter()?.map(filter.as_ref(), &questions)
}
