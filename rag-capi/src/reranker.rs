//! A question and texts to scores, without a knowledge base.

use std::ffi::c_char;

use rag_core::rerank::{Reranker, RerankerOptions};
use rag_core::{Call, Error, Result};

use crate::boundary::{self, Output};
use crate::error::{rag_error, rag_status, run};
use crate::options::{self, model_dirs, rag_reranker_options};
use crate::progress::{self, rag_cancel};

/// A cross-encoder, or a model of late interaction: reads a question and a text and says how well
/// the one answers the other. Owned by the caller; free it once with rag_reranker_free. Any number
/// of threads may use it. To sort what a search finds, name it in rag_open_options.reranker.
#[derive(Debug)]
pub struct rag_reranker {
    reranker: Reranker,
}

/// Loads the reranker `name`, looked up as by rag_kb_open. `options` may be NULL.
/// On success `*reranker` is owned by the caller.
///
/// RAG_NOT_FOUND: it is not on this machine. RAG_MODEL: it is damaged or of a kind that this
/// library does not run, such as an encoder. RAG_INVALID_ARGUMENT: this CPU does not have the level
/// asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_reranker_open(
    name: *const c_char,
    options: *const rag_reranker_options,
    reranker: *mut *mut rag_reranker,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(reranker, "reranker")?;
            let reranker = load(boundary::text(name, "name")?, options)?;
            place.set(|| rag_reranker { reranker });
            Ok(())
        })
    }
}

/// # Safety
/// `options` is null or valid, with its fields.
unsafe fn load(name: &str, options: *const rag_reranker_options) -> Result<Reranker> {
    // SAFETY: passed on to the caller.
    let (dirs, options) = unsafe {
        let given = options::read(options)?;
        (model_dirs(given.model_dir)?, given.over(RerankerOptions::default())?)
    };
    Reranker::load_with(&dirs.resolve(name)?, &options)
}

/// Most tokens of a question and a text together, in late interaction of a text; the rest of a
/// longer text is left out. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_reranker_max_tokens(reranker: *const rag_reranker) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { reranker.as_ref() }.map_or(0, |reranker| reranker.reranker.info().max_tokens)
}

/// Says in `scores`, room for `count` floats, how well each of `count` NUL-terminated texts answers
/// `question`; higher is better: from 0 to 1, or any number where the model gives its logit as it
/// is or a sum of cosines. A score depends on its question and text alone.
///
/// `cancel` may be NULL. On failure `scores` is unchanged. RAG_CANCELLED: between batches.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_reranker_score(
    reranker: *const rag_reranker,
    question: *const c_char,
    texts: *const *const c_char,
    count: usize,
    scores: *mut f32,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let reranker = &boundary::handle(reranker, "reranker")?.reranker;
            let question = boundary::text(question, "question")?;
            let texts = boundary::texts(texts, count, "texts")?;
            let room = boundary::array_mut(scores, count, "scores")?;
            let scored = reranker
                .score_with(question, &texts, Call::new().cancel(&progress::token(cancel)))?
                .scores;
            if scored.len() != room.len() {
                return Err(Error::internal("the reranker gave another number of scores"));
            }
            room.copy_from_slice(&scored);
            Ok(())
        })
    }
}

/// Frees a reranker. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_reranker_free(reranker: *mut rag_reranker) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(reranker) }
}
