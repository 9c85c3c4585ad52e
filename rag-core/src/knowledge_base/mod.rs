//! The facade: one knowledge base, its encoder and its generator. It alone knows every module.

mod ask;
mod asked;
mod budget;
mod candidates;
mod chat;
mod compose;
mod draft;
mod encoding;
mod floors;
mod follow_up;
mod gate;
mod guards;
mod history;
mod map;
mod models;
mod queries;
mod reindex;
mod rerank;
mod rewrite;
mod run;
mod summarize;
mod sync;
mod table_words;
mod tabled;
mod tables;
mod told;
mod types;
mod verify;

use std::path::Path;

use crate::document::SourceMap;
use crate::encode::Encoder;
use crate::error::{Error, Result};
use crate::generate::Generator;
use crate::index::BuildOptions;
use crate::index::native::Native;
use crate::options::Options;
use crate::passage::{self, SplitOptions};
use crate::progress::{Call, CancelToken};
use crate::search::{Hit, Mode, SearchOptions, SearchQuery};
use crate::store::{
    ADDED_TEXT, Access, Damage, Filter, Info, NewDocument, PassageRow, Salvage, Seal, Store,
    StoredDocument,
};

pub use chat::{Chat, Conversation};
pub use compose::{DecisionDraft, DraftPart, DraftSection, DraftSentence, DraftVerdict, Origin};
use floors::Floors;
use guards::Gates;
pub use map::{MapPoint, MapQuestion, PassageMap};
use models::Models;
pub use summarize::Subject;
pub use types::{
    Abstain, AddOptions, Answer, AskOptions, Budget, ComposeOptions, DraftKind, Effort, Explain,
    Masked, Missing, NO_LLM, NotFoundReason, OpenOptions, Outcome, OwnWriter, PartlyRead, Plan,
    ReindexReport, Rewrite, Stream, SummarizeOptions, SyncOptions, SyncReport, Tables, Timings,
    ToldBy, ToldKind, Trace, Trust, Writer,
};

/// One knowledge base: the file, the encoder and, once asked, the generator.
///
/// Any number of threads may use it at once; writers queue. After a fork, open a new one. Models
/// are loaded at their first use and kept.
#[derive(Debug)]
pub struct KnowledgeBase {
    store: Store,
    /// Further files that are searched with it, only to be read.
    also: Vec<Store>,
    models: Models,
    gates: Gates,
    floors: Floors,
    trust: Trust,
}

impl KnowledgeBase {
    /// Opens or creates the knowledge base at `path`; `":memory:"` keeps it in memory.
    ///
    /// # Errors
    /// NotFound if a model named in `options` is not on this machine; Model if it is damaged;
    /// ModelMismatch if the file was built with another encoder than the one named or given, or
    /// than one of [`OpenOptions::also`]; InvalidArgument for options out of range, a file named
    /// twice, an encoder both named and given, or others to be searched with a file that is not
    /// trusted; Store, StoreVersion, Io and Busy for the files.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        options.validate()?;
        // The encoder is looked up first, so that a wrong name leaves no new file behind.
        match (&options.encoder, &options.loaded_encoder) {
            (Some(name), None) => drop(options.model_dirs.resolve(name)?),
            (Some(_), Some(_)) => return Err(Error::invalid("encoder", "one is loaded already")),
            (None, _) => {}
        }
        if options.trust == Trust::Untrusted && !options.also.is_empty() {
            let reason = "a file that is not trusted is searched alone";
            return Err(Error::invalid("also", reason));
        }
        let store = match &options.filter {
            Some(_) if options.access == Access::ReadWrite => {
                let reason = "a file that is opened with a filter is only read";
                return Err(Error::invalid("access", reason));
            }
            Some(filter) => Store::open_limited(path.as_ref(), filter)?,
            None => Store::open(path.as_ref(), options.access)?,
        };
        if options.secure_delete {
            store.delete_securely()?;
        }
        let also = open_also(path.as_ref(), options)?;
        let models = Models::new(&every(&store, &also), options)?;
        let (gates, floors) = (Gates::default(), Floors::default());
        let trust = options.trust;
        let knowledge_base = Self { store, also, models, gates, floors, trust };
        let is_named = options.encoder.is_some() || options.loaded_encoder.is_some();
        if is_named && knowledge_base.store.encoder()?.is_some() {
            knowledge_base.encoder()?;
        }
        Ok(knowledge_base)
    }

    /// The paths of [`OpenOptions::also`], in order: [`Hit::store`] 1 is the first of them.
    #[must_use]
    pub fn also(&self) -> Vec<&Path> {
        self.also.iter().map(|store| store.path().as_path()).collect()
    }

    /// The files that are searched, this one first.
    fn stores(&self) -> Vec<&Store> {
        every(&self.store, &self.also)
    }

    /// The file with this number among those searched.
    fn store_at(&self, number: usize) -> Result<&Store> {
        match number.checked_sub(1) {
            None => Ok(&self.store),
            Some(place) => self.also.get(place).ok_or_else(|| {
                let count = self.also.len() + 1;
                Error::invalid("store", format!("{number}, but {count} files are open"))
            }),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// The encoder, loaded at its first use.
    ///
    /// # Errors
    /// NotFound or Model if it cannot be loaded; ModelMismatch if the file was built with another
    /// one.
    pub fn encoder(&self) -> Result<&Encoder> {
        self.models.encoder(&self.stores())
    }

    /// The generator, loaded at its first use.
    ///
    /// # Errors
    /// NotFound or Model if it cannot be loaded.
    pub fn generator(&self) -> Result<&Generator> {
        self.models.generator()
    }

    /// Adds one text under `uri`, in place of any with the same uri. Returns its passage ids in
    /// order.
    ///
    /// # Errors
    /// InvalidArgument for an empty uri or a text without words; Store and Busy.
    pub fn add(&self, uri: &str, text: &str) -> Result<Vec<i64>> {
        self.add_with(uri, text, &AddOptions::default(), Call::new())
    }

    /// As [`KnowledgeBase::add`], with options.
    ///
    /// # Errors
    /// As [`KnowledgeBase::add`]; Cancelled before anything is written.
    pub fn add_with(
        &self,
        uri: &str,
        text: &str,
        options: &AddOptions,
        call: Call<'_>,
    ) -> Result<Vec<i64>> {
        if uri.trim().is_empty() {
            return Err(Error::invalid("uri", "it is empty"));
        }
        if text.trim().is_empty() {
            return Err(Error::invalid("text", "it holds no words"));
        }
        let encoder = self.bound_encoder()?;
        let document = crate::document::Document::plain(text);
        let passages =
            passage::split(&document, encoder, &self.split_options(&SyncOptions::default())?)?;
        let row = NewDocument {
            uri,
            size_bytes: text.len() as u64,
            mtime_ns: ADDED_TEXT,
            hash: *blake3::hash(text.as_bytes()).as_bytes(),
            kind: document.kind.name(),
            title: document.title.as_deref(),
            lang: document.lang.as_deref(),
            text: &document.text,
            source_map: &SourceMap::identity(text.len()).to_bytes(),
            metadata: &options.metadata,
            unread: &[],
        };
        let ids = self.encode_and_put(&row, &passages, call.token())?;
        self.forget_floor()?;
        self.store.scrub()?;
        Ok(ids)
    }

    /// Removes the document with this uri; `false` if there was none.
    ///
    /// # Errors
    /// Store and Busy.
    pub fn remove(&self, uri: &str) -> Result<bool> {
        let removed = self.store.remove_document(uri)?;
        if removed {
            self.forget_floor()?;
            self.store.scrub()?;
        }
        Ok(removed)
    }

    /// Finds the passages that answer `question` best, best first, with [`SearchOptions::default`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::search_with`].
    pub fn search(&self, question: &str) -> Result<Vec<Hit>> {
        self.search_with(question, &SearchOptions::default(), Call::new())
    }

    /// Finds the passages that answer `question` best, best first.
    ///
    /// # Errors
    /// InvalidArgument for an empty question, a `top_k` out of range, or a `rerank` without a
    /// reranker; NotFound, Model or ModelMismatch for the encoder, unless the mode is lexical;
    /// NotFound or Model for the reranker; Store; Cancelled.
    pub fn search_with(
        &self,
        question: &str,
        options: &SearchOptions,
        call: Call<'_>,
    ) -> Result<Vec<Hit>> {
        let cancel = call.token();
        check_question(question)?;
        let cut = self.cut_question(question, options.mode)?;
        let question = cut.as_deref().unwrap_or(question);
        let query = SearchQuery::of(question, options.syntax);
        let embedding = match options.mode {
            Mode::Lexical => None,
            Mode::Dense | Mode::Hybrid => Some(self.encode_question(&query.text, cancel)?),
        };
        self.ranked_for(&query, embedding.as_deref(), options, cancel)
    }

    /// The passage with this id, or `None` if it was removed or never was.
    ///
    /// # Errors
    /// Store.
    pub fn passage(&self, id: i64) -> Result<Option<PassageRow>> {
        self.store.passage(id)
    }

    /// Builds the vector index.
    ///
    /// # Errors
    /// Store and Busy; the old index then stays.
    pub fn seal(&self, seal: Seal) -> Result<()> {
        self.seal_with(seal, &BuildOptions::default(), Call::new())
    }

    /// As [`KnowledgeBase::seal`], with these options where a graph is built.
    ///
    /// # Errors
    /// InvalidArgument for options out of range; Store and Busy; Cancelled, the old index then
    /// stays.
    pub fn seal_with(&self, seal: Seal, graph: &BuildOptions, call: Call<'_>) -> Result<()> {
        graph.validate()?;
        let builder = Native { options: *graph, ..Native::default() };
        self.store.seal_with(seal, &builder, call.token())
    }

    /// Every damage in the file; empty if it is sound.
    ///
    /// # Errors
    /// Store if the file cannot be read at all.
    pub fn check(&self) -> Result<Vec<Damage>> {
        self.check_with(Call::new())
    }

    /// As [`KnowledgeBase::check`], until it is cancelled.
    ///
    /// # Errors
    /// As [`KnowledgeBase::check`]; Cancelled.
    pub fn check_with(&self, call: Call<'_>) -> Result<Vec<Damage>> {
        self.store.check(call.token())
    }

    /// Rewrites the file without its unused space.
    ///
    /// # Errors
    /// Store and Busy.
    pub fn vacuum(&self) -> Result<()> {
        self.store.vacuum()
    }

    /// Takes all that was ever removed from the file or replaced in it out of its pages, its
    /// full-text index, its vector index and its log, and builds the vector index anew where it was
    /// needed. Rewrites the file like
    /// [`KnowledgeBase::vacuum`].
    ///
    /// What the disk or its snapshots keep of overwritten blocks, and copies of the file, are
    /// beyond it.
    ///
    /// # Errors
    /// Store; Busy if another process writes, or still reads from before: the log then holds some
    /// of it yet.
    pub fn purge(&self) -> Result<()> {
        self.purge_with(Call::new())
    }

    /// As [`KnowledgeBase::purge`], until it is cancelled.
    ///
    /// # Errors
    /// As [`KnowledgeBase::purge`]; Cancelled, the vector index is then built by the next
    /// [`KnowledgeBase::seal`].
    pub fn purge_with(&self, call: Call<'_>) -> Result<()> {
        call.token().check()?;
        self.store.purge()?;
        self.store.seal(Seal::IfNeeded, call.token())
    }

    /// Writes a copy of the file to `to`, which must not exist, as it stands now; others may go on
    /// working.
    ///
    /// # Errors
    /// InvalidArgument if `to` exists; Io or Store if it cannot be written. Nothing is left of it
    /// then.
    pub fn backup(&self, to: impl AsRef<Path>) -> Result<()> {
        self.backup_with(to, Call::new())
    }

    /// As [`KnowledgeBase::backup`], until it is cancelled.
    ///
    /// # Errors
    /// As [`KnowledgeBase::backup`]; Cancelled, nothing is left of the copy then.
    pub fn backup_with(&self, to: impl AsRef<Path>, call: Call<'_>) -> Result<()> {
        self.store.backup(to.as_ref(), call.token())
    }

    /// Puts a copy of the knowledge base `backup` in the place of the file `to`, whose own data and
    /// log go. The backup is checked before; the copy appears whole. Returns what it holds.
    ///
    /// # Errors
    /// Store if the backup is damaged, or `to` is open or is something else than a knowledge base;
    /// Io; DiskFull. `to` is as it was then.
    pub fn restore(backup: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Info> {
        Self::restore_with(backup, to, Call::new())
    }

    /// As [`KnowledgeBase::restore`], until it is cancelled.
    ///
    /// # Errors
    /// As [`KnowledgeBase::restore`]; Cancelled, `to` is as it was then.
    pub fn restore_with(
        backup: impl AsRef<Path>,
        to: impl AsRef<Path>,
        call: Call<'_>,
    ) -> Result<Info> {
        Store::restore(backup.as_ref(), to.as_ref(), call.token())
    }

    /// What was found as the files were opened and their user should know, in sentences: a log of
    /// other data that was set aside, commits that are missing. Empty for most files.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let stores = self.stores().into_iter();
        stores.flat_map(|store| store.notices().iter().cloned()).collect()
    }

    /// Makes a new file `to` of what is intact in the damaged file `from`, which is only read.
    ///
    /// Documents keep their ids and come over whole or not at all; a later sync reads those again
    /// that are lost and whose files are there. Vectors that are lost are encoded again, if the
    /// encoder is on this machine.
    ///
    /// # Errors
    /// InvalidArgument if `to` exists; Store if `from` is no database at all; Io.
    pub fn repair(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<Salvage> {
        Self::repair_with(from, to, &OpenOptions::default(), Call::new())
    }

    /// As [`KnowledgeBase::repair`], with the encoder, how it is loaded, and the model folders of
    /// `options`.
    ///
    /// # Errors
    /// As [`KnowledgeBase::repair`]; InvalidArgument for options out of range; NotFound or Model
    /// for the encoder, where one is named or needed; Cancelled.
    pub fn repair_with(
        from: impl AsRef<Path>,
        to: impl AsRef<Path>,
        options: &OpenOptions,
        call: Call<'_>,
    ) -> Result<Salvage> {
        options.validate()?;
        models::salvage(from.as_ref(), to.as_ref(), options, call.token())
    }

    /// Removes every document that passes `filter`, in one transaction, and names them.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store and Busy.
    pub fn remove_where(&self, filter: &Filter) -> Result<Vec<String>> {
        let removed = self.store.remove_where(filter)?;
        if !removed.is_empty() {
            self.forget_floor()?;
            self.store.scrub()?;
        }
        Ok(removed)
    }

    /// The documents that pass `filter`, by uri; all of them, and the files that were skipped, if
    /// there is none. Those of
    /// [`OpenOptions::also`] are not among them.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store.
    pub fn documents(&self, filter: Option<&Filter>) -> Result<Vec<StoredDocument>> {
        self.store.list(filter)
    }

    /// The document with this uri, or the file of that name that was skipped; `None` if there is
    /// neither. Looked up by an index, whatever the file holds.
    ///
    /// # Errors
    /// Store.
    pub fn document(&self, uri: &str) -> Result<Option<StoredDocument>> {
        match self.store.document(uri)? {
            Some(document) => self.store.stored_document(document.id),
            None => Ok(None),
        }
    }

    /// The passages of the document with this uri, in their order; none for a file that was
    /// skipped.
    ///
    /// # Errors
    /// NotFound if there is no such document; Store.
    pub fn passages(&self, uri: &str) -> Result<Vec<PassageRow>> {
        let document = self.store.document(uri)?.ok_or_else(|| Error::NotFound {
            what: "document",
            name: uri.to_owned(),
            hint: "documents are named by absolute path, or by what they were added under"
                .to_owned(),
        })?;
        self.store.passages_of(document.id)
    }

    /// Counts and sizes.
    ///
    /// # Errors
    /// Store.
    pub fn info(&self) -> Result<Info> {
        self.store.info()
    }

    /// The encoder, tied to the file for good.
    fn bound_encoder(&self) -> Result<&Encoder> {
        let encoder = self.encoder()?;
        self.store.bind_encoder(encoder.identity())?;
        Ok(encoder)
    }

    fn encode_question(&self, question: &str, cancel: &CancelToken) -> Result<Vec<f32>> {
        Ok(self.encoder()?.encode_queries_with(&[question], Call::new().cancel(cancel))?.data)
    }

    /// How files are cut into passages that the encoder takes.
    fn split_options(&self, options: &SyncOptions) -> Result<SplitOptions> {
        let wanted = &options.split;
        let max_tokens = wanted.max_tokens.min(self.encoder()?.passage_budget_tokens());
        let split = SplitOptions { max_tokens, ..wanted.clone() };
        split.validate()?;
        Ok(split.settled())
    }
}

/// The uri of a text that was given none: `text:` and the first 16 hex digits of its BLAKE3 hash.
///
/// The same text has the same uri, so that adding it again replaces it and adding another never
/// does.
#[must_use]
pub fn text_uri(text: &str) -> String {
    let hash = blake3::hash(text.as_bytes()).to_hex();
    format!("text:{}", &hash[..16])
}

/// The files to search with the one at `path`, each of them another.
fn open_also(path: &Path, options: &OpenOptions) -> Result<Vec<Store>> {
    let mut met = vec![path.canonicalize().ok()];
    let mut stores = Vec::with_capacity(options.also.len());
    for path in &options.also {
        let place = path.canonicalize().ok();
        if place.is_some() && met.contains(&place) {
            return Err(Error::invalid("also", format!("{} is named twice", path.display())));
        }
        met.push(place);
        stores.push(match &options.filter {
            Some(filter) => Store::open_limited(path, filter)?,
            None => Store::open(path, Access::ReadOnly)?,
        });
    }
    Ok(stores)
}

fn every<'a>(store: &'a Store, also: &'a [Store]) -> Vec<&'a Store> {
    std::iter::once(store).chain(also).collect()
}

fn check_question(question: &str) -> Result<()> {
    if question.trim().is_empty() {
        return Err(Error::invalid("question", "it is empty"));
    }
    Ok(())
}

/// The access a caller needs to read without writing.
impl OpenOptions {
    /// Options to open an existing file without ever writing to it.
    #[must_use]
    pub fn read_only() -> Self {
        Self { access: Access::ReadOnly, ..Self::default() }
    }
}
