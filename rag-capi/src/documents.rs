//! The documents that a knowledge base holds.

use std::ffi::c_char;
use std::{fmt, ptr};

use rag_core::Error;
use rag_core::store::{Filter, StoredDocument};

use crate::boundary::{self, Output, Texts};
use crate::error::{rag_error, rag_status, run};
use crate::handles::{self, rag_kb};
use crate::hits::rag_passage_ids;
use crate::report::{unread_json, unread_words};

/// A document as the file holds it, without its text. Lent by a rag_documents; later versions may
/// append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_document {
    /// Its number, never reused.
    pub document_id: i64,
    /// An absolute path, or the name that added text was given.
    pub uri: *const c_char,
    /// The format: "markdown", "pdf", ...
    pub kind: *const c_char,
    /// NULL if it has none.
    pub title: *const c_char,
    /// ISO 639-1 code; NULL if not known.
    pub lang: *const c_char,
    /// What its format or the caller says of it: a JSON object of texts.
    pub metadata_json: *const c_char,
    /// Why nothing of it is held; NULL if something is.
    pub skipped: *const c_char,
    /// Size of the source when it was read.
    pub size_bytes: u64,
    /// Its time of last change when it was read, nanoseconds since 1970; 0 for added text.
    pub mtime_ns: i64,
    /// Bytes of its text.
    pub text_bytes: u64,
    /// Passages it was cut into.
    pub passage_count: usize,
    /// What of its source was not read and is not held, in words: "3 pictures, 1 attachment
    /// (plan.dwg)"; NULL if all was.
    pub unread: *const c_char,
    /// The same as a JSON array of {"kind": ..., "count": ..., "names": [...]}.
    pub unread_json: *const c_char,
}

/// Documents, by name. Owned by the caller; free it once with rag_documents_free. Any number of
/// threads may read it.
pub struct rag_documents {
    documents: Vec<StoredDocument>,
    views: Vec<rag_document>,
    _texts: Texts,
}

impl fmt::Debug for rag_documents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.documents).finish()
    }
}

impl From<Vec<StoredDocument>> for rag_documents {
    fn from(documents: Vec<StoredDocument>) -> Self {
        let mut texts = Texts::default();
        let views = documents.iter().map(|document| view(document, &mut texts)).collect();
        Self { documents, views, _texts: texts }
    }
}

fn view(document: &StoredDocument, texts: &mut Texts) -> rag_document {
    let skipped = document.skipped.as_ref().map(|why| why.message.as_str());
    rag_document {
        document_id: document.id,
        uri: texts.keep(&document.uri),
        kind: texts.keep(&document.kind),
        title: texts.keep_optional(document.title.as_deref()),
        lang: texts.keep_optional(document.lang.as_deref()),
        metadata_json: texts.keep(&serde_json::json!(document.metadata).to_string()),
        skipped: texts.keep_optional(skipped),
        size_bytes: document.size_bytes,
        mtime_ns: document.mtime_ns,
        text_bytes: document.text_bytes,
        passage_count: document.passage_count,
        unread: texts.keep_optional(
            Some(unread_words(&document.unread)).filter(|words| !words.is_empty()).as_deref(),
        ),
        unread_json: texts.keep(&unread_json(&document.unread)),
    }
}

/// The documents that pass `filter`, such as "kind = pdf AND year >= 2020", by name; all, and the
/// files that were skipped too, if it is NULL. `filter` may be NULL. On success `*documents` is
/// owned by the caller: free it with rag_documents_free.
///
/// RAG_INVALID_ARGUMENT: the filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_documents(
    kb: *const rag_kb,
    filter: *const c_char,
    documents: *mut *mut rag_documents,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(documents, "documents")?;
            let kb = handles::shared(kb)?;
            let filter = boundary::optional_text(filter, "filter")?.map(Filter::parse);
            let listed = kb.enter()?.documents(filter.transpose()?.as_ref())?;
            place.set(|| listed.into());
            Ok(())
        })
    }
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_documents_count(documents: *const rag_documents) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { documents.as_ref() }.map_or(0, |documents| documents.views.len())
}

/// The document at `index`, from 0, lent until `documents` is freed; NULL beyond the last and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_documents_at(
    documents: *const rag_documents,
    index: usize,
) -> *const rag_document {
    // SAFETY: null or live, by contract.
    let documents = unsafe { documents.as_ref() };
    documents.and_then(|all| all.views.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// All as the JSON object {"documents": [...]}. On success `*json` is owned by the caller: free it
/// with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_documents_to_json(
    documents: *const rag_documents,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let documents = boundary::handle(documents, "documents")?;
                serde_json::to_string(&serde_json::json!({ "documents": documents.documents }))
                    .map_err(|cause| Error::internal_cause("documents do not fit JSON", cause))
            })
        })
    }
}

/// Frees documents. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_documents_free(documents: *mut rag_documents) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(documents) }
}

/// The numbers of the passages of the document named `uri`, in their order, for rag_kb_passage;
/// none for a file that was skipped. On success `*ids` is owned by the caller: free it with
/// rag_passage_ids_free.
///
/// RAG_NOT_FOUND: there is no such document.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_passages(
    kb: *const rag_kb,
    uri: *const c_char,
    ids: *mut *mut rag_passage_ids,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(ids, "ids")?;
            let kb = handles::shared(kb)?;
            let passages = kb.enter()?.passages(boundary::text(uri, "uri")?)?;
            let numbers: Vec<i64> = passages.iter().map(|passage| passage.id).collect();
            place.set(|| numbers.into());
            Ok(())
        })
    }
}
