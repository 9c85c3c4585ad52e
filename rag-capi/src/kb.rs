//! The knowledge base handle: each function is one call of the facade.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rag_core::index::BuildOptions;
use rag_core::model::ModelDirs;
use rag_core::search::{Context, Fusion, Mode, SearchOptions};
use rag_core::store::{Access, Filter, IndexMode, Seal};
use rag_core::walk::{Hidden, WalkOptions};
use rag_core::{
    AddOptions, AskOptions, Call, Error, KnowledgeBase, Missing, OpenOptions, Plan, Result,
    Subject, SummarizeOptions, SyncOptions, Trust,
};

use crate::answer::{self, rag_answer};
use crate::boundary::{self, Output, run};
use crate::encoder::rag_encoder;
use crate::error::{rag_error, rag_status};
use crate::hits::{rag_hits, rag_passage_ids};
use crate::options::{
    self, choice, or_default, owned_text, rag_add_options, rag_ask_options, rag_open_options,
    rag_search_options, rag_sync_options, read_options,
};
use crate::own;
use crate::progress::{self, Stop, rag_cancel};
use crate::reentry::Guarded;
use crate::report::{rag_check_report, rag_sync_report};

/// One knowledge base: the file, its encoder and, once asked, its generator. Any number of threads may use it at
/// once; writers queue. After a fork, open a new one in the child.
#[derive(Debug)]
pub struct rag_kb {
    shared: Arc<Shared>,
}

/// What the handles over one knowledge base share.
pub(crate) type Shared = Guarded<KnowledgeBase>;

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("path", &self.value().path()).finish_non_exhaustive()
    }
}

const _: () = {
    const fn for_many_threads<T: Send + Sync>() {}
    for_many_threads::<rag_kb>();
};

/// The knowledge base behind a handle, kept alive for the call even if a callback closes the handle.
///
/// # Safety
/// `kb` is null or a live handle.
pub(crate) unsafe fn shared(kb: *const rag_kb) -> Result<Arc<Shared>> {
    // SAFETY: passed on to the caller.
    Ok(Arc::clone(&unsafe { boundary::handle(kb, "kb") }?.shared))
}

/// Opens or creates the knowledge base at `path` (UTF-8); ":memory:" keeps it in memory.
///
/// Models are looked up as paths, then by name in `model_dir` and in the places that the environment variables
/// RAG_MODELS, RAG_CACHE, XDG_CACHE_HOME, HF_HUB_CACHE, HF_HOME and HOME give; nothing is ever downloaded. `options`
/// may be NULL. On success `*kb` is owned by the caller: free it once with rag_kb_close. On failure `*kb` is NULL.
///
/// Models are loaded when they are first needed; only the encoder of a file that already has one is loaded here.
///
/// RAG_NOT_FOUND: a model is not on this machine. RAG_MODEL: the encoder is damaged. RAG_MODEL_MISMATCH: the file was
/// built with another encoder, or one of `also` was. RAG_STORE, RAG_STORE_VERSION, RAG_IO, RAG_BUSY: the file.
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
            let base = KnowledgeBase::open(path, &open_options(options)?)?;
            let shared = Arc::new(Guarded::new(base, "kb"));
            kb.set(|| rag_kb { shared });
            Ok(())
        })
    }
}

/// Where models are looked for.
///
/// # Safety
/// `model_dir` is null or NUL-terminated.
pub(crate) unsafe fn model_dirs(model_dir: *const c_char) -> Result<ModelDirs> {
    let mut dirs = ModelDirs::from_variables(|name| std::env::var_os(name));
    // SAFETY: passed on to the caller.
    if let Some(first) = unsafe { boundary::optional_text(model_dir, "model_dir") }? {
        dirs.model_dirs.insert(0, PathBuf::from(first));
    }
    Ok(dirs)
}

/// # Safety
/// `options` is null or valid.
unsafe fn open_options(options: *const rag_open_options) -> Result<OpenOptions> {
    // SAFETY: passed on to the caller, with its fields.
    unsafe {
        let given = options::read(options)?;
        let accesses = [Access::Create, Access::ReadWrite, Access::ReadOnly];
        Ok(OpenOptions {
            encoder: owned_text(given.encoder, "encoder")?,
            loaded_encoder: given.loaded_encoder.as_ref().map(rag_encoder::shared),
            llm: owned_text(given.llm, "llm")?,
            model_dirs: model_dirs(given.model_dir)?,
            access: choice(given.access, &accesses, "access")?,
            reranker: owned_text(given.reranker, "reranker")?,
            also: boundary::texts(given.also, given.also_count, "also")?
                .into_iter()
                .map(PathBuf::from)
                .collect(),
            secure_delete: given.secure_delete != 0,
            trust: choice(given.trust, &[Trust::Trusted, Trust::Untrusted], "trust")?,
        })
    }
}

/// Closes a knowledge base. NULL is allowed and does nothing. Results, chats and errors made from it stay valid. No
/// other thread may use the handle during the call or after it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_close(kb: *mut rag_kb) {
    // SAFETY: null or a handle that the caller owns, by contract.
    unsafe { boundary::free(kb) }
}

/// Makes the knowledge base mirror `path`, a folder or a file: adds, updates, renames, removes.
///
/// Documents from elsewhere stay. Each document is one transaction: a kill or cancel loses none that was reported. A
/// file that cannot be read is skipped and stands in the report; it costs only itself. `options` may be NULL;
/// `report` may be NULL, else `*report` is owned by the caller: free it with rag_sync_report_free.
///
/// RAG_IO: `path` does not exist. RAG_CANCELLED: by the flag or the callback. RAG_NOT_FOUND, RAG_MODEL: the encoder
/// cannot be loaded. RAG_STORE, RAG_BUSY: the file.
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
            let options = sync_options(&kb, &given)?;
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

/// # Safety
/// Its pointers are null or valid.
unsafe fn sync_options(kb: &Arc<Shared>, given: &rag_sync_options) -> Result<SyncOptions> {
    let owned = |globs: Vec<&str>| globs.into_iter().map(str::to_owned).collect();
    // SAFETY: passed on to the caller.
    let (include, exclude) = unsafe {
        (
            owned(boundary::texts(given.include, given.include_count, "include")?),
            owned(boundary::texts(given.exclude, given.exclude_count, "exclude")?),
        )
    };
    let mut read = read_options(given.max_read_seconds)?;
    // SAFETY: callable until the sync is over, says the caller.
    read.recognizer = unsafe { own::recognizer(kb, given.on_recognize, given.recognize_user_data) };
    let default = WalkOptions::default();
    let graph = BuildOptions::default();
    Ok(SyncOptions {
        walk: WalkOptions {
            max_file_bytes: or_default(given.max_file_bytes, default.max_file_bytes),
            hidden: choice(given.hidden, &[Hidden::Skip, Hidden::List], "hidden")?,
            include,
            exclude,
        },
        plan: choice(given.plan, &[Plan::Apply, Plan::DryRun], "plan")?,
        missing: choice(
            given.missing,
            &[Missing::Guard, Missing::Remove, Missing::Keep],
            "missing",
        )?,
        max_tokens: (given.max_tokens > 0).then_some(given.max_tokens),
        min_tokens: given.min_tokens,
        overlap_tokens: given.overlap_tokens,
        read,
        graph: BuildOptions {
            m: or_default(given.hnsw_m, graph.m),
            ef_construction: or_default(given.hnsw_ef_construction, graph.ef_construction),
        },
    })
}

/// Adds one text of `size` bytes of UTF-8 under the name `uri`, in place of any with the same name.
///
/// `options` may be NULL. `ids` may be NULL, else `*ids` holds the numbers of its passages in order and is owned by
/// the caller: free it with rag_passage_ids_free.
///
/// RAG_INVALID_ARGUMENT: an empty text or name. RAG_NOT_FOUND, RAG_MODEL: the encoder cannot be loaded. RAG_STORE,
/// RAG_BUSY: the file.
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
            let added = kb.enter()?.add_with(
                uri,
                text,
                &AddOptions { metadata: metadata(&given)? },
                progress::call(given.cancel),
            )?;
            ids.set(|| added.into());
            Ok(())
        })
    }
}

/// # Safety
/// The pointers in `given` are null or valid.
unsafe fn metadata(given: &rag_add_options) -> Result<BTreeMap<String, String>> {
    // SAFETY: passed on to the caller.
    unsafe {
        let keys = boundary::texts(given.metadata_keys, given.metadata_count, "metadata_keys")?;
        let values =
            boundary::texts(given.metadata_values, given.metadata_count, "metadata_values")?;
        let pairs = keys.into_iter().zip(values);
        Ok(pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
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
/// RAG_INVALID_ARGUMENT: an empty question, `top_k` out of range, or `rerank` without a reranker. RAG_NOT_FOUND,
/// RAG_MODEL: the encoder or the reranker cannot be loaded.
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
            let mut options = search_options(&SearchFields {
                top_k: or_default(given.top_k, SearchOptions::default().top_k),
                mode: given.mode,
                index: given.index,
                filter: given.filter,
                fusion: given.fusion,
                context: given.context,
                diversity: given.diversity,
            })?;
            options.ef_search = Some(given.ef_search).filter(|ef_search| *ef_search > 0);
            options.rerank = rerank(given.rerank)?;
            let found =
                kb.enter()?.search_with(question, &options, progress::call(given.cancel))?;
            hits.set(|| found.into());
            Ok(())
        })
    }
}

/// The fields that searching and asking share.
pub(crate) struct SearchFields {
    pub(crate) top_k: usize,
    pub(crate) mode: i32,
    pub(crate) index: i32,
    pub(crate) filter: *const c_char,
    pub(crate) fusion: *const c_char,
    pub(crate) context: *const c_char,
    pub(crate) diversity: f32,
}

/// Options of a search.
///
/// # Safety
/// The pointers in `given` are null or NUL-terminated.
pub(crate) unsafe fn search_options(given: &SearchFields) -> Result<SearchOptions> {
    // SAFETY: passed on to the caller.
    let (filter, fusion, context) = unsafe {
        (
            boundary::optional_text(given.filter, "filter")?,
            boundary::optional_text(given.fusion, "fusion")?,
            boundary::optional_text(given.context, "context")?,
        )
    };
    Ok(SearchOptions {
        top_k: given.top_k,
        mode: choice(given.mode, &[Mode::Hybrid, Mode::Dense, Mode::Lexical], "mode")?,
        index: choice(given.index, &[IndexMode::Auto, IndexMode::Flat, IndexMode::Hnsw], "index")?,
        filter: filter.map(Filter::parse).transpose()?,
        fusion: fusion.map(Fusion::parse).transpose()?.unwrap_or_default(),
        context: context.map(Context::parse).transpose()?.unwrap_or_default(),
        diversity: Some(given.diversity).filter(|diversity| *diversity != 0.0),
        ..SearchOptions::default()
    })
}

/// How many hits are reranked: 0 leaves it to the core, -1 is none.
pub(crate) fn rerank(count: i64) -> Result<Option<usize>> {
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

/// Answers `question` from the documents, with verified citations, or says that they do not know.
///
/// `options` may be NULL. On success `*answer` is owned by the caller: free it with rag_answer_free. That the
/// documents do not know is a success: see rag_answer_found. The first call loads the generator.
///
/// RAG_INVALID_ARGUMENT: an empty question. RAG_CONTEXT_OVERFLOW: it alone exceeds the generator. RAG_CANCELLED: by
/// the flag, within one token. RAG_NOT_FOUND, RAG_MODEL: the generator cannot be loaded.
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
            let options = answer::ask_options(&kb, &given, AskOptions::default())?;
            let mut on_piece = |piece: &str| answer::piece(&kb, &given, piece);
            let said = kb.enter()?.ask_with(
                question,
                &options,
                progress::call(given.cancel).on_piece(&mut on_piece),
            )?;
            answer.set(|| said.into());
            Ok(())
        })
    }
}

/// The prompt that rag_kb_ask would give the generator for `question`, without generating, as a JSON object: messages, text,
/// token_ids, template, shown_count (passages), history_count (turns). `options` may be NULL. On success `*json` is owned by the
/// caller: free it with rag_string_free.
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
                let options = answer::ask_options(&kb, &given, AskOptions::default())?;
                let prompt =
                    kb.enter()?.prompt_with(question, &options, progress::call(given.cancel))?;
                serde_json::to_string(&prompt)
                    .map_err(|cause| Error::internal_cause("the prompt does not fit JSON", cause))
            })
        })
    }
}

/// Summarizes the document with the uri `document`, or what the documents say about `question`, in at most `max_sentences`
/// sentences (0: 5), with verified citations. `question` or `document` may be NULL, and one of the two must be.
///
/// The summary is an answer: its sentences carry markers, and it is not found if no passage supports any of them. `options` may be
/// NULL; 10 passages are read for a question unless `top_k` says how many. A long document is read part by part. On success
/// `*answer` is owned by the caller: free it with rag_answer_free.
///
/// RAG_INVALID_ARGUMENT: an empty question, or options out of range. RAG_NOT_FOUND: there is no such document, or no generator.
/// RAG_CONTEXT_OVERFLOW: not even one passage fits the generator. RAG_CANCELLED: by the flag, within one token.
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
                ask: answer::ask_options(&kb, &given, default.ask)?,
            };
            let mut on_piece = |piece: &str| answer::piece(&kb, &given, piece);
            let said = kb.enter()?.summarize_with(
                subject,
                &options,
                progress::call(given.cancel).on_piece(&mut on_piece),
            )?;
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
            let when = choice(when, &[Seal::IfNeeded, Seal::Now], "when")?;
            kb.enter()?.seal_with(when, &BuildOptions::default(), progress::call(cancel))
        })
    }
}

/// Looks at every row of the file. On success `*report` holds every damage, none if the file is sound, and is owned
/// by the caller: free it with rag_check_report_free. `cancel` may be NULL.
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

/// Takes all that was ever removed from the file or replaced in it out of its pages, its full-text index, its vector index
/// and its log; rewrites the file. `cancel` may be NULL, and stops the building of a vector index.
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
