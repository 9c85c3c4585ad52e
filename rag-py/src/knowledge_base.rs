//! One open knowledge base.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use pyo3::prelude::*;
use pyo3::types::PyIterator;
use rag_core::search::SearchOptions;
use rag_core::store::Access;
use rag_core::{
    AddOptions, AskOptions, Call, ComposeOptions, Conversation, Error, OpenOptions, Plan,
    SummarizeOptions, SyncOptions,
};

use crate::arguments::{About, Texts, named};
use crate::chat::Chat;
use crate::dict::{to_plain, word};
use crate::encoder::EncoderChoice;
use crate::error::to_py;
use crate::interrupt::{LongCall, call, long_call};
use crate::log;
use crate::options::{Keywords, filter_of, from_keywords, model_dirs, set_named};
use crate::process::ThisProcess;
use crate::progress::{progress_callback, report};
use crate::stream;
use crate::types::{
    Citation, Document, Draft, Findable, Hit, Location, Passage, PassageMap, SyncReport, Table,
};

/// One knowledge base: the file, the encoder and, once asked, the generator.
///
/// Any number of threads may use it at once; writers queue. After a fork the child must open it
/// again.
///
/// Args:
///     path: The file, or ":memory:" to keep nothing.
///     read_only: Only read; the file must exist. The same as access="read_only".
#[doc = include_str!("help/open.txt")]
#[pyclass(frozen, subclass, module = "rag_py._native")]
pub(crate) struct KnowledgeBase {
    open: ThisProcess<RwLock<Option<Arc<rag_core::KnowledgeBase>>>>,
    path: PathBuf,
}

/// A filter as text or as a dict.
type Given<'a, 'py> = Option<&'a Bound<'py, PyAny>>;

impl KnowledgeBase {
    /// The core's knowledge base; a call in flight keeps it alive through a `close`.
    fn inner(&self, py: Python<'_>) -> PyResult<Arc<rag_core::KnowledgeBase>> {
        let open = self.open.get()?.read().unwrap_or_else(PoisonError::into_inner);
        let closed = || to_py(py, &Error::invalid("knowledge base", "it is closed"));
        open.clone().ok_or_else(closed)
    }
}

#[pymethods]
impl KnowledgeBase {
    #[new]
    #[pyo3(signature = (path, *, encoder=None, read_only=false, also=None, **options))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        encoder: Option<EncoderChoice<'_>>,
        read_only: bool,
        also: Option<Vec<PathBuf>>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Self> {
        let mut options = from_keywords::<OpenOptions>("open", options)?;
        (options.encoder, options.loaded_encoder) = EncoderChoice::split(py, encoder)?;
        // paths that are not UTF-8 are taken too
        options.also = also.unwrap_or_default();
        if read_only {
            options.access = Access::ReadOnly;
        }
        let inner = call(py, || {
            options.model_dirs = model_dirs();
            rag_core::KnowledgeBase::open(&path, &options)
        })?;
        let path = inner.path().to_owned();
        Ok(Self { open: ThisProcess::new(RwLock::new(Some(Arc::new(inner)))), path })
    }

    /// The file, or ":memory:".
    #[getter]
    fn path(&self) -> &std::ffi::OsStr {
        self.path.as_os_str()
    }

    /// The further files that are searched with it: `Hit.store` 1 is the first of them.
    #[getter]
    fn also(&self, py: Python<'_>) -> PyResult<Vec<PathBuf>> {
        Ok(self.inner(py)?.also().into_iter().map(Path::to_owned).collect())
    }

    /// Makes the knowledge base mirror folders or files: adds, updates, renames, removes.
    ///
    /// Documents outside the paths stay. Each document is one transaction: a kill or Ctrl-C loses
    /// none that was reported. A file that cannot be read is skipped and reported.
    ///
    /// Args: paths: Folders or files. progress: True shows a line on standard error; a callable
    /// gets a `Progress` after each file. It must not write to this knowledge base.
    #[doc = include_str!("help/sync.txt")]
    /// Raises:
    ///     FileNotFoundError: A path does not exist.
    ///     BusyError: Another process is writing.
    #[pyo3(signature = (*paths, progress=None, **options))]
    fn sync(
        &self,
        py: Python<'_>,
        paths: Vec<PathBuf>,
        progress: Option<Bound<'_, PyAny>>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<SyncReport> {
        let inner = self.inner(py)?;
        let options = from_keywords::<SyncOptions>("sync", options)?;
        let progress = progress_callback(py, progress)?;
        let running = LongCall::new(py)?;
        let mut on_progress = |step: &rag_core::Progress| report(&running, progress.as_ref(), step);
        let report = running.run(py, |call| {
            inner.sync_with(&paths, &options, call.on_progress(&mut on_progress))
        })?;
        log::synced(py, &report)?;
        Ok(SyncReport(report))
    }

    /// Adds a text, or several, in place of any with the same uri. Returns the passage ids in
    /// order.
    ///
    /// Each text is a document of its own, and one transaction.
    ///
    /// Args: texts: A text, or a list of texts. uri: The name of a single text. Default: "text:"
    /// and 16 hex digits that depend on the text alone, so that adding the same text again changes
    /// nothing else. metadata: Anything to keep with each text, text to text.
    ///
    /// Raises: InvalidArgumentError: A text holds no words, or a list came with a uri.
    #[pyo3(signature = (texts, uri=None, metadata=None))]
    fn add(
        &self,
        py: Python<'_>,
        texts: Texts,
        uri: Option<String>,
        metadata: Option<BTreeMap<String, String>>,
    ) -> PyResult<Vec<i64>> {
        let inner = self.inner(py)?;
        let options = AddOptions { metadata: metadata.unwrap_or_default() };
        let named = named(texts, uri).map_err(|error| to_py(py, &error))?;
        long_call(py, |call| {
            let mut ids = Vec::new();
            for (uri, text) in &named {
                ids.extend(inner.add_with(
                    uri,
                    text,
                    &options,
                    Call::new().cancel(call.token()),
                )?);
            }
            Ok(ids)
        })
    }

    /// Encodes the passages again that were encoded without the titles of their documents, in a
    /// file begun before titles were read; no other file is read.
    ///
    /// Passages keep their ids. Others may search and write meanwhile. A kill or Ctrl-C loses
    /// nothing that was written, and the next call goes on there.
    ///
    /// Args: dry_run: Only say what would be done and how long it would take, measured on some of
    /// the passages. progress: True shows a line on standard error; a callable gets a `Progress`
    /// now and then. It must not write to this knowledge base.
    ///
    /// Returns: `{"passage_count", "encoded", "seconds"}`: passages that were looked at, those to
    /// which a title gives something new, and the time.
    ///
    /// Raises:
    ///     NotFoundError: The encoder is not on this machine.
    ///     BusyError: Another process is writing.
    #[pyo3(signature = (*, dry_run=false, progress=None))]
    fn reindex<'py>(
        &self,
        py: Python<'py>,
        dry_run: bool,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner(py)?;
        let plan = if dry_run { Plan::DryRun } else { Plan::Apply };
        let progress = progress_callback(py, progress)?;
        let running = LongCall::new(py)?;
        let mut on_progress = |step: &rag_core::Progress| report(&running, progress.as_ref(), step);
        let report =
            running.run(py, |call| inner.reindex_with(plan, call.on_progress(&mut on_progress)))?;
        to_plain(py, &report)
    }

    /// Removes the document with this uri; False if there was none.
    fn remove(&self, py: Python<'_>, uri: &str) -> PyResult<bool> {
        let inner = self.inner(py)?;
        call(py, || inner.remove(uri))
    }

    /// Finds the passages that answer a question best, best first.
    ///
    /// Args: question: In any words.
    #[doc = include_str!("help/search.txt")]
    /// Raises: InvalidArgumentError: The question is empty, or `top_k` out of range.
    #[pyo3(signature = (question, top_k=None, **options))]
    fn search(
        &self,
        py: Python<'_>,
        question: &str,
        top_k: Option<&Bound<'_, PyAny>>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Vec<Hit>> {
        let inner = self.inner(py)?;
        let mut options = from_keywords::<SearchOptions>("search", options)?;
        set_named(&mut options, "search", "top_k", top_k)?;
        let hits = long_call(py, |call| inner.search_with(question, &options, call))?;
        Ok(hits.into_iter().map(Hit).collect())
    }

    /// Answers a question from the documents, with verified citations, or says that they do not
    /// know.
    ///
    /// Args:
    ///     question: In any words.
    ///     stream: Return an `AnswerStream` instead, which gives the answer as it is written: True
    ///         or "checked" once a passage supports a sentence of it, "raw" at once, with a
    ///         `Retraction` where it then turns out not to be the answer.
    #[doc = include_str!("help/ask.txt")]
    /// Raises:
    ///     InvalidArgumentError: The question is empty, or an option out of range.
    ///     ContextOverflowError: The question alone exceeds the model.
    ///     NotFoundError: The generator is not on this machine.
    #[pyo3(signature = (question, *, stream=None, **options))]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        question: String,
        stream: Option<&Bound<'py, PyAny>>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner(py)?;
        let mut options = from_keywords::<AskOptions>("ask", options)?;
        let is_streamed = stream::is_asked(&mut options, "ask", stream)?;
        stream::answer(py, is_streamed, move |call| inner.ask_with(&question, &options, call))
    }

    /// The prompt that `ask` would give the generator, without generating: takes the options of
    /// `ask`.
    ///
    /// Args: question: In any words.
    #[doc = include_str!("help/ask.txt")]
    /// Returns: `{"messages", "text", "token_ids", "template", "shown_count", "history_count"}`:
    /// the conversation, its exact text and tokens, and how many passages and turns of the history
    /// are in it.
    #[pyo3(signature = (question, **options))]
    fn prompt<'py>(
        &self,
        py: Python<'py>,
        question: &str,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner(py)?;
        let options = from_keywords::<AskOptions>("prompt", options)?;
        to_plain(py, &long_call(py, |call| inner.prompt_with(question, &options, call))?)
    }

    /// Summarizes a document, or what the documents say about a question, in a few cited sentences.
    ///
    /// The result is an answer: its sentences carry markers, and `found` is False if no passage
    /// supports any of them. A long document is read part by part; without a generator the most
    /// central sentences are taken, word for word.
    ///
    /// Args: question: What the summary is about. document: Instead, the uri of a document: the
    /// absolute path, or the name it was added under. stream: Return an `AnswerStream` instead,
    /// which gives the summary as it is written; "raw" with a `Retraction` if it is withheld.
    #[doc = include_str!("help/summarize.txt")]
    /// Raises: InvalidArgumentError: Both or neither of question and document, an empty question,
    /// or an option out of range. NotFoundError: There is no such document, or the generator is not
    /// on this machine.
    #[pyo3(signature = (question=None, *, document=None, stream=None, **options))]
    fn summarize<'py>(
        &self,
        py: Python<'py>,
        question: Option<String>,
        document: Option<String>,
        stream: Option<&Bound<'py, PyAny>>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner(py)?;
        let mut options = from_keywords::<SummarizeOptions>("summarize", options)?;
        let is_streamed = stream::is_asked(&mut options.ask, "summarize", stream)?;
        let about = match (question, document) {
            (Some(question), None) => About::Question(question),
            (None, Some(uri)) => About::Document(uri),
            _ => {
                let reason = "give a question or a document, one of the two";
                return Err(to_py(py, &Error::invalid("question", reason)));
            }
        };
        stream::answer(py, is_streamed, move |call| {
            inner.summarize_with(about.subject(), &options, call)
        })
    }

    /// Writes a draft for a task from the documents: a synthesis, scenarios, an argument, an
    /// assessment, an explanation or a table.
    ///
    /// Each sentence says whose it is: a document's, with checked citations, or the model's own,
    /// which is never withheld for being new. Without a generator a draft is made of sentences of
    /// the documents alone, and `unwritten` names the parts that are missing.
    ///
    /// Args: task: What is to be written, in any words.
    #[doc = include_str!("help/compose.txt")]
    /// Raises:
    ///     InvalidArgumentError: The task is empty, or an option out of range.
    ///     ContextOverflowError: The task does not fit the model.
    ///     NotFoundError: The generator is not on this machine.
    #[pyo3(signature = (task, **options))]
    fn compose(
        &self,
        py: Python<'_>,
        task: &str,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Draft> {
        let inner = self.inner(py)?;
        let options = from_keywords::<ComposeOptions>("compose", options)?;
        long_call(py, |call| inner.compose_with(task, &options, call)).map(Draft)
    }

    /// Starts a conversation. Takes the options of `ask`, which hold for every turn.
    ///
    /// Args:
    #[doc = include_str!("help/ask.txt")]
    #[pyo3(signature = (**options))]
    fn chat(&self, py: Python<'_>, options: Option<Keywords<'_, '_>>) -> PyResult<Chat> {
        Ok(Chat::new(self.inner(py)?, from_keywords("chat", options)?))
    }

    /// Goes on with a conversation that `Chat.save` wrote. Takes the options of `ask`, without
    /// `history`.
    ///
    /// Args: saved: What `Chat.save` wrote.
    #[doc = include_str!("help/ask.txt")]
    /// Raises: InvalidArgumentError: It is no saved conversation, or one of a newer version.
    #[pyo3(signature = (saved, **options))]
    fn resume(
        &self,
        py: Python<'_>,
        saved: &str,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Chat> {
        let options = from_keywords::<AskOptions>("resume", options)?;
        let conversation =
            Conversation::resume(saved, options).map_err(|error| to_py(py, &error))?;
        Ok(Chat::with(self.inner(py)?, conversation))
    }

    /// The documents it holds, by uri, and the files that a sync passed over.
    ///
    /// Args: filter: Only documents that pass, such as "kind = pdf AND year >= 2020" or {"kind":
    /// "pdf", "year": {">=": 2020}}; no file that was passed over does. Default all.
    #[pyo3(signature = (filter=None))]
    fn documents(&self, py: Python<'_>, filter: Given<'_, '_>) -> PyResult<Vec<Document>> {
        let (inner, filter) = (self.inner(py)?, filter_of("documents", filter)?);
        Ok(call(py, || inner.documents(filter.as_ref()))?.into_iter().map(Document).collect())
    }

    /// The document with this uri, or None.
    fn document(&self, py: Python<'_>, uri: &str) -> PyResult<Option<Document>> {
        let inner = self.inner(py)?;
        Ok(call(py, || inner.document(uri))?.map(Document))
    }

    /// The tables of the documents, without their rows.
    ///
    /// Args: filter: Only those of documents that pass, such as `"kind = xlsx"`.
    ///
    /// Returns: list of Table, by uri and in the order of the document.
    #[pyo3(signature = (filter=None))]
    fn tables(&self, py: Python<'_>, filter: Given<'_, '_>) -> PyResult<Vec<Table>> {
        let (inner, filter) = (self.inner(py)?, filter_of("tables", filter)?);
        let tables = call(py, || inner.tables(filter.as_ref()))?;
        Ok(tables.into_iter().map(|info| Table { info, cells: None }).collect())
    }

    /// The table with this id, rows and all.
    ///
    /// Raises:
    ///     NotFoundError: No table has this id; those of a document that changed have new ones.
    fn table(&self, py: Python<'_>, id: &str) -> PyResult<Table> {
        let inner = self.inner(py)?;
        let table = call(py, || inner.table(id))?;
        Ok(Table { info: table.info.clone(), cells: Some(table) })
    }

    /// The passages in two dimensions, near ones saying like things; of more than 5,000 as many,
    /// spread over the file.
    ///
    /// Args: filter: Only those of documents that pass. questions: Texts that are put among them,
    /// which loads the encoder.
    #[pyo3(signature = (filter=None, questions=Vec::new()))]
    fn map(
        &self,
        py: Python<'_>,
        filter: Given<'_, '_>,
        questions: Vec<String>,
    ) -> PyResult<PassageMap> {
        let (inner, filter) = (self.inner(py)?, filter_of("map", filter)?);
        let asked: Vec<&str> = questions.iter().map(String::as_str).collect();
        Ok(PassageMap(call(py, || inner.map(filter.as_ref(), &asked))?))
    }

    /// The passages of a document, in their order.
    ///
    /// Raises: NotFoundError: No document has this uri.
    fn passages(&self, py: Python<'_>, uri: &str) -> PyResult<Vec<Passage>> {
        let inner = self.inner(py)?;
        Ok(call(py, || inner.passages(uri))?.into_iter().map(Passage).collect())
    }

    /// The passage with this id, or None.
    fn passage(&self, py: Python<'_>, passage_id: i64) -> PyResult<Option<Passage>> {
        let inner = self.inner(py)?;
        Ok(call(py, || inner.passage(passage_id))?.map(Passage))
    }

    /// Every place in its file that something came from, in the order of the text.
    ///
    /// Args: what: A `Hit`, a `Citation`, a `Passage`, or the id of a passage.
    ///
    /// Returns: list of Location: bytes to open an editor at, pages with the rectangle of each line
    /// of a PDF, paragraphs, rows, slides, chapters. What a reader put in itself, such as a line
    /// feed between rows, has no place.
    ///
    /// Raises: NotFoundError: No passage has this id.
    fn locate(&self, py: Python<'_>, what: Findable<'_>) -> PyResult<Vec<Location>> {
        let inner = self.inner(py)?;
        let (store, id, range) = what.place();
        Ok(call(py, || inner.locate(store, id, range))?.into_iter().map(Location).collect())
    }

    /// Re-reads the cited file: "ok", "moved", "changed", "missing" or "unverified". Ctrl-C stops
    /// it.
    fn verify(&self, py: Python<'_>, citation: PyRef<'_, Citation>) -> PyResult<String> {
        let inner = self.inner(py)?;
        let cited = citation.0.clone();
        word(py, &long_call(py, |call| inner.verify_with(&cited, call))?)
    }

    /// Counts and sizes, with the keys of `rag info --json`.
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner(py)?;
        to_plain(py, &call(py, || inner.info())?)
    }

    /// Every damage in the file, as `{"part", "message", "repairable"}`; an empty list is a sound
    /// file.
    fn check<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let inner = self.inner(py)?;
        to_plain(py, &long_call(py, |call| inner.check_with(call))?)
    }

    /// Removes every document that passes the filter, in one transaction, and returns their names.
    fn remove_where(&self, py: Python<'_>, filter: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
        let inner = self.inner(py)?;
        match filter_of("remove_where", Some(filter))? {
            Some(filter) => call(py, || inner.remove_where(&filter)),
            None => Err(to_py(py, &Error::invalid("filter", "none would remove everything"))),
        }
    }

    /// Writes a copy of the file to a path that must not exist, as it stands now. Others may go on
    /// working.
    fn backup(&self, py: Python<'_>, to: PathBuf) -> PyResult<()> {
        let inner = self.inner(py)?;
        long_call(py, |call| inner.backup_with(&to, call))
    }

    /// Makes a new file of what is intact in a damaged one, which is only read.
    ///
    /// Documents keep their ids and come over whole or not at all; vectors that are lost are
    /// encoded again.
    ///
    /// Args: path: The damaged file. to: The file to make; it must not exist. encoder: For a file
    /// that no longer says which encoder it was built with, or was built with one of your own.
    ///
    /// Returns:
    ///     `{"document_count", "passage_count", "vectors_made", "lost"}`.
    #[staticmethod]
    #[pyo3(signature = (path, to, *, encoder=None))]
    fn repair<'py>(
        py: Python<'py>,
        path: PathBuf,
        to: PathBuf,
        encoder: Option<EncoderChoice<'_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (encoder, loaded_encoder) = EncoderChoice::split(py, encoder)?;
        let model_dirs = model_dirs();
        let options = OpenOptions { encoder, loaded_encoder, model_dirs, ..OpenOptions::default() };
        let report =
            long_call(py, |call| rag_core::KnowledgeBase::repair_with(&path, &to, &options, call))?;
        to_plain(py, &report)
    }

    /// Puts a copy of a backup in the place of a file, whose own data and log go. The backup is
    /// checked before.
    ///
    /// Args:
    ///     backup: What `backup` made.
    ///     to: The file to replace or make; nobody may have it open.
    ///
    /// Returns:
    ///     What it holds, with the keys of `rag info --json`.
    #[staticmethod]
    fn restore<'py>(py: Python<'py>, backup: PathBuf, to: PathBuf) -> PyResult<Bound<'py, PyAny>> {
        let info = long_call(py, |call| rag_core::KnowledgeBase::restore_with(&backup, &to, call))?;
        to_plain(py, &info)
    }

    /// What was found as the file was opened and you should know, in sentences: a log of other data
    /// that was set aside, commits that are missing. Empty for most files.
    fn notices(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.inner(py)?.notices())
    }

    /// Takes all that was ever removed from the file or replaced in it out of its pages, its
    /// full-text index, its vector index and its log. Rewrites the file.
    ///
    /// What the disk or its snapshots keep of overwritten blocks, and copies of the file, are
    /// beyond it.
    ///
    /// Raises: BusyError: Another process writes, or still reads from before.
    fn purge(&self, py: Python<'_>) -> PyResult<()> {
        let inner = self.inner(py)?;
        long_call(py, |call| inner.purge_with(call))
    }

    /// Rewrites the file without its unused space.
    fn vacuum(&self, py: Python<'_>) -> PyResult<()> {
        let inner = self.inner(py)?;
        call(py, || inner.vacuum())
    }

    /// Closes the file, once calls still running have ended. Closing twice does nothing.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let open = self.open.get()?;
        py.detach(|| drop(open.write().unwrap_or_else(PoisonError::into_inner).take()));
        Ok(())
    }

    /// Whether it was closed.
    #[getter]
    fn closed(&self) -> PyResult<bool> {
        Ok(self.open.get()?.read().unwrap_or_else(PoisonError::into_inner).is_none())
    }

    fn __enter__(knowledge_base: PyRef<'_, Self>) -> PyRef<'_, Self> {
        knowledge_base
    }

    fn __exit__(
        &self,
        py: Python<'_>,
        _exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> PyResult<String> {
        let closed = if self.closed()? { ", closed" } else { "" };
        Ok(format!("KnowledgeBase({:?}{closed})", self.path))
    }

    /// The number of documents that were read.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        let inner = self.inner(py)?;
        Ok(call(py, || inner.info())?.document_count)
    }

    /// A knowledge base is one, also without documents.
    fn __bool__(&self) -> bool {
        true
    }

    /// Whether a document that was read has this uri.
    fn __contains__(&self, py: Python<'_>, uri: &str) -> PyResult<bool> {
        Ok(self.document(py, uri)?.is_some_and(|document| document.0.skipped.is_none()))
    }

    /// The documents that were read, by uri.
    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let mut documents = self.documents(py, None)?;
        documents.retain(|document| document.0.skipped.is_none());
        documents.into_pyobject(py)?.try_iter()
    }
}
