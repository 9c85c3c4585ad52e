//! Drafts for decisions.

use std::ffi::c_char;

use rag_core::{ComposeOptions, DraftKind, Error};

use crate::boundary;
use crate::error::{rag_error, rag_status, run};
use crate::handles::{rag_kb, shared};
use crate::options::{self, choice, or_default, rag_ask_options};
use crate::progress::{self, Pieces};

/// What a draft is to be.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_draft_kind {
    /// What the documents say, each thing once.
    RAG_DRAFT_SYNTHESIS = 0,
    /// Three ways to go, each with what speaks for it, against it, and what follows.
    RAG_DRAFT_SCENARIOS = 1,
    /// A thesis, arguments, objections, a conclusion.
    RAG_DRAFT_ARGUMENT = 2,
    /// A rule as the documents have it, the facts of the case, and whether it is kept.
    RAG_DRAFT_ASSESS = 3,
    /// What the documents say, and the same explained.
    RAG_DRAFT_EXPLAIN = 4,
    /// A table of what the documents say, each row with its document.
    RAG_DRAFT_TABLE = 5,
}

/// Writes a draft for `task` from the documents, as a JSON object: kind, found, text (Markdown,
/// with `[1]` behind what a document supports and `[*]` behind what is the model's own), sections
/// (each with part, heading and sentences; each of these with text, origin and markers), verdict,
/// citations, conflicts, unwritten, reason, outcome, refusal, searches, hits, timings.
///
/// `kind` is a rag_draft_kind; each part has at most `max_sentences` sentences (0: 5). `options`
/// may be NULL; 6 passages are read for each search unless `top_k` says how many. `on_piece` gets
/// each part when it is written and checked. A draft of which the documents hold nothing is no
/// error: `found` is false and `reason` says why. On success `*json` is owned by the caller: free
/// it with rag_string_free.
///
/// RAG_INVALID_ARGUMENT: an empty task, or options out of range. RAG_NOT_FOUND: there is no
/// generator of this name. RAG_CONTEXT_OVERFLOW: the task does not fit the generator.
/// RAG_CANCELLED: by the flag, within one token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_compose(
    kb: *const rag_kb,
    task: *const c_char,
    kind: i32,
    max_sentences: usize,
    options: *const rag_ask_options,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let kb = shared(kb)?;
                let task = boundary::text(task, "task")?;
                let given = options::read(options)?;
                let default = ComposeOptions::default();
                let options = ComposeOptions {
                    kind: choice(kind, &DraftKind::ALL, "kind")?,
                    max_sentences: or_default(max_sentences, default.max_sentences),
                    ask: given.over(&kb, default.ask)?,
                };
                let pieces = Pieces::new(given.on_piece, given.user_data);
                let mut on_piece = |piece: &str| pieces.hand_out(&kb, piece);
                let draft = kb.enter()?.compose_with(
                    task,
                    &options,
                    progress::call(given.cancel).on_piece(&mut on_piece),
                )?;
                serde_json::to_string(&draft)
                    .map_err(|cause| Error::internal_cause("the draft does not fit JSON", cause))
            })
        })
    }
}
