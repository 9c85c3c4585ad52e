//! What a search found, and the numbers of passages.

use std::ffi::c_char;
use std::fmt;
use std::ptr;

use rag_core::Error;
use rag_core::search::Hit;

use crate::boundary::{self, Texts};
use crate::error::{rag_error, rag_status, run};

/// A passage found. Lent by rag_hits_at or rag_answer_hit_at until its owner is freed; later
/// versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_hit {
    /// The passage's number in its file, never reused.
    pub passage_id: i64,
    /// By what the hits of one search are sorted; see rag_mode, or the reranker's score where
    /// `rerank_rank` is not 0. Higher is better. Across questions compare cosines.
    pub score: f32,
    /// Cosine to the question; NaN where it was not computed.
    pub cosine: f32,
    /// Name of the document: an absolute path for files.
    pub uri: *const c_char,
    /// Title of the document; NULL if it has none.
    pub title: *const c_char,
    /// Heading path above the passage; NULL if there is none.
    pub heading: *const c_char,
    /// The passage, UTF-8, followed by a NUL byte.
    pub text: *const c_char,
    /// Bytes of `text`, the NUL byte not counted.
    pub text_bytes: usize,
    /// First byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// First byte in the source file; -1 where the format has none to show.
    pub source_start: i64,
    /// One past its last byte in the source file; -1 likewise.
    pub source_end: i64,
    /// Rank among vectors, from 1; 0 if not found there.
    pub dense_rank: usize,
    /// Rank among words, from 1; 0 if not found there.
    pub lexical_rank: usize,
    /// Page, from 1; 0 if the format has none.
    pub page: u32,
    /// BM25 of the question's words; NaN where it was not computed.
    pub bm25: f32,
    /// Rank after reranking, from 1; 0 if the hit was not reranked.
    pub rerank_rank: usize,
    /// Which file it is of: 0 for the knowledge base itself, 1 for the first of
    /// rag_open_options.also.
    pub store: usize,
}

/// C's view of `hit`; its texts are kept in `texts`.
pub(crate) fn view(hit: &Hit, texts: &mut Texts) -> rag_hit {
    rag_hit {
        passage_id: hit.passage_id,
        score: hit.score,
        cosine: hit.cosine.unwrap_or(f32::NAN),
        uri: texts.keep(&hit.uri),
        title: texts.keep_optional(hit.title.as_deref()),
        heading: texts.keep_optional(hit.heading.as_deref()),
        text: texts.keep(&hit.text),
        text_bytes: hit.text.len(),
        start: hit.start,
        end: hit.end,
        source_start: boundary::offset(hit.source_start),
        source_end: boundary::offset(hit.source_end),
        dense_rank: hit.ranks.dense.unwrap_or(0),
        lexical_rank: hit.ranks.lexical.unwrap_or(0),
        page: hit.page.unwrap_or(0),
        bm25: hit.bm25.unwrap_or(f32::NAN),
        rerank_rank: hit.ranks.rerank.unwrap_or(0),
        store: hit.store,
    }
}

/// What a search found, best first. Owned by the caller; free it once with rag_hits_free. Any
/// number of threads may read it.
pub struct rag_hits {
    hits: Vec<Hit>,
    views: Vec<rag_hit>,
    _texts: Texts,
}

impl fmt::Debug for rag_hits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.hits).finish()
    }
}

impl From<Vec<Hit>> for rag_hits {
    fn from(hits: Vec<Hit>) -> Self {
        let mut texts = Texts::default();
        let views = hits.iter().map(|hit| view(hit, &mut texts)).collect();
        Self { hits, views, _texts: texts }
    }
}

/// How many hits there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_hits_count(hits: *const rag_hits) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { hits.as_ref() }.map_or(0, |hits| hits.views.len())
}

/// The hit at `index`, from 0, lent until `hits` is freed; NULL beyond the last and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_hits_at(hits: *const rag_hits, index: usize) -> *const rag_hit {
    // SAFETY: null or live, by contract.
    let hits = unsafe { hits.as_ref() };
    hits.and_then(|hits| hits.views.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// All hits as the JSON object {"hits": [...]}. On success `*json` is owned by the caller: free it
/// with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_hits_to_json(
    hits: *const rag_hits,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let hits = boundary::handle(hits, "hits")?;
                serde_json::to_string(&serde_json::json!({ "hits": hits.hits }))
                    .map_err(|cause| Error::internal_cause("hits do not fit JSON", cause))
            })
        })
    }
}

/// Frees hits. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_hits_free(hits: *mut rag_hits) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(hits) }
}

/// Numbers of passages, in order. Owned by the caller; free it once with rag_passage_ids_free.
#[derive(Debug)]
pub struct rag_passage_ids {
    ids: Vec<i64>,
}

impl From<Vec<i64>> for rag_passage_ids {
    fn from(ids: Vec<i64>) -> Self {
        Self { ids }
    }
}

/// How many numbers there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_passage_ids_count(ids: *const rag_passage_ids) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { ids.as_ref() }.map_or(0, |ids| ids.ids.len())
}

/// The number at `index`, from 0; 0, which is never a passage, beyond the last and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_passage_ids_at(ids: *const rag_passage_ids, index: usize) -> i64 {
    // SAFETY: null or live, by contract.
    unsafe { ids.as_ref() }.and_then(|ids| ids.ids.get(index)).copied().unwrap_or(0)
}

/// Frees numbers of passages. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_passage_ids_free(ids: *mut rag_passage_ids) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(ids) }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn hit(text: &str) -> Hit {
        Hit {
            passage_id: 3,
            score: 0.5,
            uri: "a.txt".to_owned(),
            end: text.len(),
            source_start: Some(4),
            text: text.to_owned(),
            ..Hit::default()
        }
    }

    #[test]
    fn hits_are_lent_whole_and_end_with_null() {
        let hits = rag_hits::from(vec![hit("a\0b"), hit("")]);
        // SAFETY: `hits` lives; the views point into it.
        unsafe {
            assert_eq!(rag_hits_count(&hits), 2);
            let first = &*rag_hits_at(&hits, 0);
            let text = std::slice::from_raw_parts(first.text.cast::<u8>(), first.text_bytes + 1);
            assert_eq!(text, b"a\0b\0");
            assert_eq!(CStr::from_ptr(first.uri), c"a.txt");
            assert!(first.cosine.is_nan() && first.heading.is_null());
            assert_eq!((first.source_start, first.source_end, first.page), (4, -1, 0));
            assert!(rag_hits_at(&hits, 2).is_null());
        }
    }

    #[test]
    fn hits_as_json_hold_the_keys_of_the_shell() {
        let hits = rag_hits::from(vec![hit("x")]);
        let mut json = ptr::null_mut();
        // SAFETY: `hits` and `json` are live locals; the text is freed once.
        unsafe {
            let status = rag_hits_to_json(&hits, &mut json, ptr::null_mut());
            assert_eq!(status, rag_status::RAG_OK);
            let words = CStr::from_ptr(json).to_string_lossy().into_owned();
            crate::error::rag_string_free(json);
            assert!(words.starts_with("{\"hits\":[{") && words.contains("\"passage_id\":3"));
        }
    }
}
