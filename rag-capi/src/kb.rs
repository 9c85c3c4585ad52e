//! The knowledge base handle: each function is one call of the facade.

use std::ffi::c_char;
use std::path::PathBuf;
use std::sync::Arc;

use rag_core::options::index::BuildOptions;
use rag_core::search::SearchOptions;
use rag_core::store::Seal;
use rag_core::{
    AddOptions, AskOptions, Call, Error, KnowledgeBase, OpenOptions, Subject, SummarizeOptions,
    SyncOptions,
};

use crate::answer::rag_answer;
use crate::boundary::{self, Output};
use crate::error::{rag_error, rag_status, run};
use crate::handles::{rag_kb, shared};
use crate::hits::{rag_hits, rag_passage_ids};
use crate::options::{
    self, choice, or_default, rag_add_options, rag_ask_options, rag_open_options,
    rag_search_options, rag_sync_options,
};
use crate::progress::{self, Stop, rag_cancel};
use crate::reentry::Guarded;
use crate::report::{rag_check_report, rag_sync_report};

/// Opens or creates the knowledge base at `path` (UTF-8); ":memory:" keeps it in memory.
///
/// Models are looked up as paths, then by name in `model_dir` and in the places that the
/// environment variables RAG_MODELS, RAG_CACHE, XDG_CACHE_HOME, HF_HUB_CACHE, HF_HOME and HOME
/// give; nothing is ever downloaded. `options` may be NULL. On success `*kb` is owned by the
/// caller: free it once with rag_kb_close. On failure `*kb` is NULL.
///
/// Models are loaded when they are first needed; only the encoder of a file that already has one is
/// loaded here.
///
/// RAG_NOT_FOUND: a model is not on this machine. RAG_MODEL: the encoder is damaged.
/// RAG_MODEL_MISMATCH: the file was built with another encoder, or one of `also` was. RAG_STORE,
/// RAG_STORE_VERSION, RAG_IO, RAG_BUSY: the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_open(
    path: *const c_char,
    options: *const rag_open_options,
    kb: *mut *mut rag_kb,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let kb = Output::required(kb, "kb")?;
            let path = boundary::text(path, "path")?;
            let base =
                KnowledgeBase::open(path, &options::read(options)?.over(OpenOptions::default())?)?;
            let shared = Arc::new(Guarded::new(base, "kb"));
            kb.set(|| rag_kb { shared });
            Ok(())
        })
    }
}

/// Closes a knowledge base. NULL is allowed and does nothing. Results, chats and errors made from
/// it stay valid. No other thread may use the handle during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_close(kb: *mut rag_kb) {
    // SAFETY: null or a handle that the caller owns, by contract.
    unsafe { boundary::free(kb) }
}

/// Makes the knowledge base mirror `path`, a folder or a file: adds, updates, renames, removes.
///
/// Documents from elsewhere stay. Each document is one transaction: a kill or cancel loses none
/// that was reported. A file that cannot be read is skipped and stands in the report; it costs only
/// itself. `options` may be NULL; `report` may be NULL, else `*report` is owned by the caller: free
/// it with rag_sync_report_free.
///
/// RAG_IO: `path` does not exist. RAG_CANCELLED: by the flag or the callback. RAG_NOT_FOUND,
/// RAG_MODEL: the encoder cannot be loaded. RAG_STORE, RAG_BUSY: the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_sync(
    kb: *mut rag_kb,
    path: *const c_char,
    options: *const rag_sync_options,
    report: *mut *mut rag_sync_report,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let report = Output::optional(report);
            let kb = shared(kb)?;
            let root = PathBuf::from(boundary::text(path, "path")?);
            let given = options::read(options)?;
            let stop = Stop::default();
            let mut on_progress = |progress: &rag_core::Progress| {
                let call = || progress::report(given.on_progress, given.user_data, progress);
                if !kb.call_back(call) {
                    stop.request();
                }
            };
            let cancel = stop.joined(progress::token(given.cancel));
            let options = given.over(&kb, SyncOptions::default())?;
            let done = kb.enter()?.sync_with(
                &[root],
                &options,
                Call::new().on_progress(&mut on_progress).cancel(&cancel),
            )?;
            report.set(|| done.into());
            Ok(())
        })
    }
}

/// Adds one text of `size` bytes of UTF-8 under the name `uri`, in place of any with the same name.
///
/// `options` may be NULL. `ids` may be NULL, else `*ids` holds the numbers of its passages in order
/// and is owned by the caller: free it with rag_passage_ids_free.
///
/// RAG_INVALID_ARGUMENT: an empty text or name. RAG_NOT_FOUND, RAG_MODEL: the encoder cannot be
/// loaded. RAG_STORE, RAG_BUSY: the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_add(
    kb: *mut rag_kb,
    uri: *const c_char,
    text: *const c_char,
    size: usize,
    options: *const rag_add_options,
    ids: *mut *mut rag_passage_ids,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let ids = Output::optional(ids);
            let kb = shared(kb)?;
            let uri = boundary::text(uri, "uri")?;
            let text = boundary::sized_text(text, size, "text")?;
            let given = options::read(options)?;
            let options = given.over(AddOptions::default())?;
            let added = kb.enter()?.add_with(uri, text, &options, progress::call(given.cancel))?;
            ids.set(|| added.into());
            Ok(())
        })
    }
}

/// Removes the document named `uri`. `removed` may be NULL, else it says whether there was one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_remove(
    kb: *mut rag_kb,
    uri: *const c_char,
    removed: *mut bool,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            if !removed.is_null() {
                removed.write(false);
            }
            let kb = shared(kb)?;
            let was_there = kb.enter()?.remove(boundary::text(uri, "uri")?)?;
            if !removed.is_null() {
                removed.write(was_there);
            }
            Ok(())
        })
    }
}

/// Finds the passages that answer `question` best, best first.
///
/// `options` may be NULL. On success `*hits` is owned by the caller: free it with rag_hits_free.
///
/// RAG_INVALID_ARGUMENT: an empty question, `top_k` out of range, or `rerank` without a reranker.
/// RAG_NOT_FOUND, RAG_MODEL: the encoder or the reranker cannot be loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_search(
    kb: *const rag_kb,
    question: *const c_char,
    options: *const rag_search_options,
    hits: *mut *mut rag_hits,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let hits = Output::required(hits, "hits")?;
            let kb = shared(kb)?;
            let question = boundary::text(question, "question")?;
            let given = options::read(options)?;
            let mut options = SearchOptions::default();
            given.lay_over(&mut options)?;
            let found =
                kb.enter()?.search_with(question, &options, progress::call(given.cancel))?;
            hits.set(|| found.into());
            Ok(())
        })
    }
}

/// Answers `question` from the documents, with verified citations, or says that they do not know.
///
/// `options` may be NULL. On success `*answer` is owned by the caller: free it with
/// rag_answer_free. That the documents do not know is a success: see rag_answer_found. The first
/// call loads the generator.
///
/// RAG_INVALID_ARGUMENT: an empty question. RAG_CONTEXT_OVERFLOW: it alone exceeds the generator.
/// RAG_CANCELLED: by the flag, within one token. RAG_NOT_FOUND, RAG_MODEL: the generator cannot be
/// loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_ask(
    kb: *const rag_kb,
    question: *const c_char,
    options: *const rag_ask_options,
    answer: *mut *mut rag_answer,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let answer = Output::required(answer, "answer")?;
            let kb = shared(kb)?;
            let question = boundary::text(question, "question")?;
            let given = options::read(options)?;
            let options = given.over(&kb, AskOptions::default())?;
            let base = kb.enter()?;
            let ask = |call: Call<'_>| base.ask_with(question, &options, call);
            let said = given.pieces().hear(&kb, progress::call(given.cancel), ask)?;
            answer.set(|| said.into());
            Ok(())
        })
    }
}

/// The prompt that rag_kb_ask would give the generator for `question`, without generating, as a
/// JSON object: messages, text, token_ids, template, shown_count (passages), history_count (turns).
/// `options` may be NULL. On success `*json` is owned by the caller: free it with rag_string_free.
///
/// Errors: as rag_kb_ask.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_prompt(
    kb: *const rag_kb,
    question: *const c_char,
    options: *const rag_ask_options,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let kb = shared(kb)?;
                let question = boundary::text(question, "question")?;
                let given = options::read(options)?;
                let options = given.over(&kb, AskOptions::default())?;
                let prompt =
                    kb.enter()?.prompt_with(question, &options, progress::call(given.cancel))?;
                serde_json::to_string(&prompt)
                    .map_err(|cause| Error::internal_cause("the prompt does not fit JSON", cause))
            })
        })
    }
}

/// Summarizes the document with the uri `document`, or what the documents say about `question`, in
/// at most `max_sentences` sentences (0: 5), with verified citations. `question` or `document` may
/// be NULL, and one of the two must be.
///
/// The summary is an answer: its sentences carry markers, and it is not found if no passage
/// supports any of them. `options` may be NULL; 10 passages are read for a question unless `top_k`
/// says how many. A long document is read part by part. On success `*answer` is owned by the
/// caller: free it with rag_answer_free.
///
/// RAG_INVALID_ARGUMENT: an empty question, or options out of range. RAG_NOT_FOUND: there is no
/// such document, or no generator. RAG_CONTEXT_OVERFLOW: not even one passage fits the generator.
/// RAG_CANCELLED: by the flag, within one token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_summarize(
    kb: *const rag_kb,
    question: *const c_char,
    document: *const c_char,
    max_sentences: usize,
    options: *const rag_ask_options,
    answer: *mut *mut rag_answer,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let answer = Output::required(answer, "answer")?;
            let kb = shared(kb)?;
            let question = boundary::optional_text(question, "question")?;
            let document = boundary::optional_text(document, "document")?;
            let subject = match (question, document) {
                (Some(question), None) => Subject::Question(question),
                (None, Some(document)) => Subject::Document(document),
                _ => {
                    let reason = "one of question and document must be NULL, and not both";
                    return Err(Error::invalid("question", reason));
                }
            };
            let given = options::read(options)?;
            let default = SummarizeOptions::default();
            let options = SummarizeOptions {
                max_sentences: or_default(max_sentences, default.max_sentences),
                ask: given.over(&kb, default.ask)?,
            };
            let base = kb.enter()?;
            let summarize = |call: Call<'_>| base.summarize_with(subject, &options, call);
            let said = given.pieces().hear(&kb, progress::call(given.cancel), summarize)?;
            answer.set(|| said.into());
            Ok(())
        })
    }
}

/// Builds the vector index; `when` is a rag_seal. `cancel` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_seal(
    kb: *mut rag_kb,
    when: i32,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let kb = shared(kb)?;
            let when = choice(when, &Seal::ALL, "when")?;
            kb.enter()?.seal_with(when, &BuildOptions::default(), progress::call(cancel))
        })
    }
}

/// Looks at every row of the file. On success `*report` holds every damage, none if the file is
/// sound, and is owned by the caller: free it with rag_check_report_free. `cancel` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_check(
    kb: *const rag_kb,
    cancel: *const rag_cancel,
    report: *mut *mut rag_check_report,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let report = Output::required(report, "report")?;
            let damage = shared(kb)?.enter()?.check_with(progress::call(cancel))?;
            report.set(|| damage.into());
            Ok(())
        })
    }
}

/// Takes all that was ever removed from the file or replaced in it out of its pages, its full-text
/// index, its vector index and its log; rewrites the file. `cancel` may be NULL, and stops the
/// building of a vector index.
///
/// RAG_BUSY: another process writes, or still reads from before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_purge(
    kb: *mut rag_kb,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe { run(error, || shared(kb)?.enter()?.purge_with(progress::call(cancel))) }
}

/// Rewrites the file without its unused space.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_vacuum(kb: *mut rag_kb, error: *mut *mut rag_error) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe { run(error, || shared(kb)?.enter()?.vacuum()) }
}

/// Encodes the passages again that were encoded without the titles of their documents, in a file
/// begun before titles were read; no other file is read.
///
/// Passages keep their numbers. Others may search and write meanwhile. A kill or cancel loses
/// nothing that was written, and the next call goes on there. `options` may be NULL; of them only
/// `plan`, `on_progress`, `user_data` and `cancel` count. On success `*json` is a JSON object and
/// owned by the caller: free it with rag_string_free. It has passage_count (passages that were
/// looked at), encoded (those to which a title gives something new) and seconds (with
/// RAG_PLAN_DRY_RUN how long it would take, measured on some of the passages).
///
/// RAG_CANCELLED: by the flag or the callback. RAG_NOT_FOUND, RAG_MODEL: the encoder cannot be
/// loaded. RAG_STORE, RAG_BUSY: the file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_reindex(
    kb: *mut rag_kb,
    options: *const rag_sync_options,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let kb = shared(kb)?;
                let given = options::read(options)?;
                let stop = Stop::default();
                let mut on_progress = |progress: &rag_core::Progress| {
                    let call = || progress::report(given.on_progress, given.user_data, progress);
                    if !kb.call_back(call) {
                        stop.request();
                    }
                };
                let cancel = stop.joined(progress::token(given.cancel));
                let plan = given.over(&kb, SyncOptions::default())?.plan;
                let report = kb.enter()?.reindex_with(
                    plan,
                    Call::new().on_progress(&mut on_progress).cancel(&cancel),
                )?;
                serde_json::to_string(&report)
                    .map_err(|cause| Error::internal_cause("the report does not fit JSON", cause))
            })
        })
    }
}
