//! The knowledge base file: one SQLite database, one transaction per document.
//!
//! Documents, passages, vectors and full text are rows, and rows are the truth. The vector index over them is a
//! sealed segment plus the rows written since, searched together. docs/format.md describes the file.

mod backup;
mod bm25;
mod check;
mod common;
mod fault;
mod filter;
mod forms;
pub(crate) mod lexical;
mod link;
mod listing;
mod log;
mod meta;
mod migrate;
mod open;
mod page;
mod pool;
mod purge;
mod restore;
mod rows;
mod salvage;
mod schema;
mod scopes;
mod seal;
mod segment;
mod space;
mod types;
mod vectors;
pub(crate) mod visible;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::Connection;

use crate::encode::EncoderIdentity;
use crate::error::{Error, Result};
use crate::index::GraphBuilder;
use crate::index::native::Native;
use crate::passage::Passage;
use crate::progress::CancelToken;
use fault::Outcome;
use open::ConnectionSource;
use pool::ConnectionPool;
use scopes::Scopes;
use vectors::StoredVectors;

pub use vectors::EF_SEARCH;

pub use bm25::{Coverage, Statistics};
pub use filter::{Comparison, Filter, FilterField};
pub use listing::StoredDocument;
pub use salvage::Encode;
pub use types::{
    ADDED_TEXT, Access, Damage, DocumentRow, IndexMode, Info, LexicalOptions, NearestOptions,
    NewDocument, PassageRow, Precision, Salvage, Seal, SkippedDocument, SkippedFile,
};

/// An open knowledge base file. Any number of threads may use it at once; writers queue.
///
/// Other processes may use the file as well: a search sees what they committed before it began. On drop the
/// file is left without companions, unless another process has it open.
#[derive(Debug)]
pub struct Store {
    pool: ConnectionPool,
    vectors: RwLock<StoredVectors>,
    scopes: Scopes,
}

impl Store {
    /// Opens the file at `path`; `":memory:"` is a store that is never written.
    ///
    /// A file that is empty counts as new. A file that is not ours is left as it is. One of an earlier format
    /// version is upgraded in one transaction if it is opened to be written.
    ///
    /// # Errors
    /// Io if it does not exist (unless it may be created) or cannot be read; Store if it is not ours, is
    /// damaged, or cannot be written; StoreVersion if it is newer, or older and opened to be read; Busy.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let pool = open::open(path, access)?;
        Ok(Self { pool, vectors: RwLock::default(), scopes: Scopes::default() })
    }

    /// The path it was opened at.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        self.pool.path()
    }

    /// What was found as the file was opened and its user should know, in sentences: a log of other data that was set
    /// aside, commits that are missing. Empty for most files.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        self.pool.notices()
    }

    /// The encoder the file was built with, if any was ever bound.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn encoder(&self) -> Result<Option<EncoderIdentity>> {
        self.pool.read(meta::encoder)
    }

    /// Ties an empty file to an encoder, or checks that the file's is the same.
    ///
    /// # Errors
    /// ModelMismatch if passages of another encoder are held; Store; Busy.
    pub fn bind_encoder(&self, identity: &EncoderIdentity) -> Result<()> {
        if !(1..=meta::MAX_DIM).contains(&identity.dim) {
            return Err(Error::invalid("encoder", format!("vectors of length {}", identity.dim)));
        }
        let held = self.encoder()?;
        if held.as_ref() == Some(identity) {
            return Ok(());
        }
        if matches!(self.pool.source(), ConnectionSource::ReadOnly { .. }) {
            return match held.filter(|held| !write::comparable(held, identity)) {
                Some(held) => Err(write::mismatch(&held, identity)),
                None => Ok(()),
            };
        }
        self.pool.write(|connection| write::bind_encoder(connection, identity))
    }

    /// A value kept in the file for the facade (calibration, names of models).
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn setting(&self, key: &str) -> Result<Option<String>> {
        self.pool.read(|connection| meta::setting(connection, key))
    }

    /// Keeps a value for the facade.
    ///
    /// # Errors
    /// Store if it cannot be written; Busy.
    pub fn put_setting(&self, key: &str, value: &str) -> Result<()> {
        self.pool.write(|connection| meta::put_setting(connection, key, value))
    }

    /// Every document, skipped ones included, by uri.
    ///
    /// # Errors
    /// Store if a row is damaged.
    pub fn documents(&self) -> Result<Vec<DocumentRow>> {
        self.pool.read(rows::all_documents)
    }

    /// The document with this uri.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub fn document(&self, uri: &str) -> Result<Option<DocumentRow>> {
        self.pool.read(|connection| {
            rows::document(connection, uri)?.map(rows::DocumentRecord::into_row).transpose()
        })
    }

    /// The packed source map of a document.
    ///
    /// # Errors
    /// Store if it is damaged.
    pub fn source_map(&self, document_id: i64) -> Result<Option<Vec<u8>>> {
        self.pool.read(|connection| rows::source_map(connection, document_id))
    }

    /// Writes a document with its passages and vectors in one transaction, in place of any with the same uri.
    /// `vectors` has one unit row per passage. Returns the new passage ids in order.
    ///
    /// # Errors
    /// InvalidArgument if passages do not lie in the text, vectors are not one finite unit row per passage, or
    /// no encoder is bound; DiskFull if the disk cannot hold it; Store; Busy.
    pub fn put_document(
        &self,
        document: &NewDocument<'_>,
        passages: &[Passage],
        vectors: &[f32],
    ) -> Result<Vec<i64>> {
        let dim = match self.dim()? {
            Some(dim) => dim,
            None if passages.is_empty() => 1,
            None => return Err(Error::invalid("vectors", "no encoder is bound to the file")),
        };
        write::validate(document, passages, vectors, dim)?;
        let cut = self.pool.read(meta::cut)?;
        let bodies = write::bodies(document, passages, cut);
        self.pool.write(|connection| {
            if matches!(self.pool.source(), ConnectionSource::ReadWrite) {
                let bytes = write::least_bytes(connection, document, passages, dim)?;
                space::require_in_log(self.path(), bytes)?;
            }
            let rows = write::NewRows { passages, bodies: &bodies, vectors, dim };
            write::put_document(connection, document, &rows)
        })
    }

    /// Refuses if the file is to grow by at least `bytes` and the disk is known to lack room for that.
    ///
    /// # Errors
    /// DiskFull, never where the system does not say how much room there is; Store.
    pub fn require_growth(&self, bytes: u64) -> Result<()> {
        if !matches!(self.pool.source(), ConnectionSource::ReadWrite) {
            return Ok(());
        }
        let unused = self.pool.read(|connection| {
            Ok(space::file_bytes(connection)?.saturating_sub(space::used_bytes(connection)?))
        })?;
        match bytes.saturating_sub(unused) {
            0 => Ok(()),
            needed_bytes => space::require(self.path(), needed_bytes),
        }
    }

    /// Remembers that a file was passed over, so that it is not read again until it changes. Removes what
    /// was held under that uri.
    ///
    /// # Errors
    /// InvalidArgument for no uri; Store; Busy.
    pub fn put_skipped(&self, file: &SkippedFile<'_>) -> Result<()> {
        if file.uri.is_empty() {
            return Err(Error::invalid("uri", "a skipped file has a name"));
        }
        self.pool.write(|connection| write::put_skipped(connection, file))
    }

    /// Notes a new size and time of a document whose bytes are the same.
    ///
    /// # Errors
    /// NotFound if there is none with this id; Store; Busy.
    pub fn touch_document(&self, id: i64, size_bytes: u64, mtime_ns: i64) -> Result<()> {
        self.touch_documents(&[(id, size_bytes, mtime_ns)])
    }

    /// As [`Store::touch_document`] for many, in one transaction: id, size and time of each.
    ///
    /// # Errors
    /// NotFound if there is none with one of the ids; Store; Busy.
    pub fn touch_documents(&self, documents: &[(i64, u64, i64)]) -> Result<()> {
        self.pool.write(|connection| {
            let mut all = documents.iter();
            all.try_for_each(|(id, size, mtime_ns)| {
                write::touch(connection, *id, *size, *mtime_ns)
            })?;
            meta::bump(connection, meta::CHANGE)?;
            Ok(())
        })
    }

    /// Gives a document another uri, for renamed files, in place of any document that had it.
    ///
    /// # Errors
    /// NotFound if there is none with this id; Store; Busy.
    pub fn rename_document(&self, id: i64, uri: &str, mtime_ns: i64) -> Result<()> {
        if uri.is_empty() {
            return Err(Error::invalid("uri", "empty"));
        }
        self.pool.write(|connection| write::rename(connection, id, uri, mtime_ns))
    }

    /// Removes a document and its passages in one transaction; `false` if there was none.
    ///
    /// # Errors
    /// Store; Busy.
    pub fn remove_document(&self, uri: &str) -> Result<bool> {
        self.pool.write(|connection| write::remove(connection, uri))
    }

    /// Removes every document that passes `filter`, in one transaction, and names them in order. Files that were
    /// skipped do not pass any filter.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store; Busy.
    pub fn remove_where(&self, filter: &Filter) -> Result<Vec<String>> {
        self.pool.write(|connection| {
            let uris = filter::documents(connection, filter)?;
            for uri in &uris {
                write::remove(connection, uri)?;
            }
            Ok(uris)
        })
    }

    /// Decides how precisely vectors are kept. Default half precision.
    ///
    /// # Errors
    /// InvalidArgument if passages are held and it would be a change; Store; Busy.
    pub fn set_precision(&self, precision: Precision) -> Result<()> {
        self.pool.write(|connection| write::set_precision(connection, precision))
    }

    /// The passages of the documents that pass `filter`, by rising id: what [`NearestOptions::among`] takes.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store.
    pub fn passages_where(&self, filter: &Filter) -> Result<Arc<[i64]>> {
        self.pool.read(|connection| self.scopes.passages(connection, filter))
    }

    /// The passage with this id.
    ///
    /// # Errors
    /// Store if it is damaged.
    pub fn passage(&self, id: i64) -> Result<Option<PassageRow>> {
        Ok(self.passages(&[id])?.pop())
    }

    /// The passages with these ids, in the order given; unknown ids are left out.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn passages(&self, ids: &[i64]) -> Result<Vec<PassageRow>> {
        self.pool.read(|connection| rows::passages(connection, ids))
    }

    /// The passages before and after the one at `ordinal` of a document, `reach` on each side at most, in their order.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn neighbours(
        &self,
        document_id: i64,
        ordinal: usize,
        reach: usize,
    ) -> Result<(Vec<PassageRow>, Vec<PassageRow>)> {
        self.pool.read(|connection| rows::neighbours(connection, document_id, ordinal, reach))
    }

    /// The passages of a document, in their order.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn passages_of(&self, document_id: i64) -> Result<Vec<PassageRow>> {
        self.pool.read(|connection| rows::passages_of(connection, document_id, 0..=usize::MAX))
    }

    /// The unit vector of each passage; `None` where there is none.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn vectors_of(&self, ids: &[i64]) -> Result<Vec<Option<Vec<f32>>>> {
        self.pool.read(|connection| {
            let dim = meta::encoder(connection)?.map_or(0, |identity| identity.dim);
            vectors::of(connection, ids, dim)
        })
    }

    /// The `limit` passages with the highest cosine to `query` (unit, `dim` long), best first, ties by id.
    ///
    /// The scan is exact; the graph, where [`IndexMode`] lets it, finds about 99 in 100 of the ten best. The
    /// score is the true cosine, within [-1, 1]. An empty file gives no hits whatever the query.
    ///
    /// # Errors
    /// InvalidArgument if the query is no unit vector of the file's length; Store if a vector is damaged.
    pub fn nearest(&self, query: &[f32], limit: usize, mode: IndexMode) -> Result<Vec<(i64, f32)>> {
        self.nearest_with(query, limit, &NearestOptions { mode, ..NearestOptions::default() })
    }

    /// As [`Store::nearest`], with options.
    ///
    /// # Errors
    /// InvalidArgument if the query is no unit vector of the file's length; Store if a vector is damaged.
    pub fn nearest_with(
        &self,
        query: &[f32],
        limit: usize,
        options: &NearestOptions<'_>,
    ) -> Result<Vec<(i64, f32)>> {
        let Some(dim) = self.dim()? else { return Ok(Vec::new()) };
        if query.len() != dim {
            let reason = format!("{} numbers, the file has vectors of {dim}", query.len());
            return Err(Error::invalid("query", reason));
        }
        write::check_unit("query", query)?;
        self.with_vectors(dim, |connection, vectors| {
            vectors.nearest(connection, query, limit, options)
        })
    }

    /// The `limit` passages that match any word of `question` best by BM25, best first. Score: higher is better.
    ///
    /// Any question is fine; one without words finds nothing. Accents and case do not matter, and French and
    /// English endings do not.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn lexical(&self, question: &str, limit: usize) -> Result<Vec<(i64, f32)>> {
        self.lexical_with(question, limit, &LexicalOptions::default())
    }

    /// As [`Store::lexical`], with options.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn lexical_with(
        &self,
        question: &str,
        limit: usize,
        options: &LexicalOptions<'_>,
    ) -> Result<Vec<(i64, f32)>> {
        self.pool.read(|connection| bm25::search(connection, question, limit, options))
    }

    /// How much of `question` each of some passages holds; its words weigh what `statistics` say, or else this file.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn coverage(
        &self,
        question: &str,
        ids: &[i64],
        statistics: Option<&Statistics>,
    ) -> Result<Coverage> {
        self.pool.read(|connection| bm25::coverage(connection, question, ids, statistics))
    }

    /// A number that every change of the passages and of the vector index makes greater.
    ///
    /// # Errors
    /// Store.
    pub fn change(&self) -> Result<u64> {
        self.pool.read(|connection| meta::counter(connection, meta::CHANGE))
    }

    /// What the words of `question` count in this file, to be added up over several that are asked as one.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn statistics(&self, question: &str) -> Result<Statistics> {
        self.pool.read(|connection| bm25::statistics(connection, question))
    }

    /// Builds the vector index over all passages and swaps it in, if enough changed or [`Seal::Now`] asks.
    ///
    /// Searches and writes go on meanwhile; what is written meanwhile stays in the tail. A graph is built with
    /// [`Native`] and its defaults, on all cores; docs/benchmarks.md says how fast.
    ///
    /// # Errors
    /// Cancelled; Store; Busy.
    pub fn seal(&self, seal: Seal, cancel: &CancelToken) -> Result<()> {
        self.seal_with(seal, &Native::default(), cancel)
    }

    /// As [`Store::seal`], with a graph by `builder` where a graph is built.
    ///
    /// # Errors
    /// InvalidArgument for options of the builder out of range; Cancelled; Store; Busy.
    pub fn seal_with(
        &self,
        seal: Seal,
        builder: &dyn GraphBuilder,
        cancel: &CancelToken,
    ) -> Result<()> {
        self.pool.writable()?;
        let Some(dim) = self.dim()? else { return Ok(()) };
        if seal == Seal::Now {
            return seal::seal(&self.pool, dim, Some(builder), cancel);
        }
        let state = |_: &Connection, vectors: &StoredVectors| {
            Ok((vectors.wants_seal(), vectors.live_count()))
        };
        let (wanted, count) = self.with_vectors(dim, state)?;
        if !wanted {
            return Ok(());
        }
        let builder = Some(builder).filter(|_| count > vectors::AUTO_GRAPH);
        seal::seal(&self.pool, dim, builder, cancel)
    }

    /// Looks at every row and reports every damage; an empty list is a sound file.
    ///
    /// Reads the whole file and makes the full-text index again in memory: a few seconds for 10,000 passages.
    ///
    /// # Errors
    /// Cancelled; Store if the file cannot be read at all.
    pub fn check(&self, cancel: &CancelToken) -> Result<Vec<Damage>> {
        check::check(&self.pool, cancel).map_err(|fault| fault.at(self.path()))
    }

    /// Writes a copy of the file to `to`, which must not exist, as it stands now. Others may read and write
    /// meanwhile. The copy appears under its name when it is whole and on the disk.
    ///
    /// # Errors
    /// InvalidArgument if `to` exists; Io or Store if it cannot be written, for instance on a full disk, and
    /// nothing is left of it then; Cancelled.
    pub fn backup(&self, to: &Path, cancel: &CancelToken) -> Result<()> {
        backup::backup(&self.pool, to, cancel)
    }

    /// Puts a copy of the knowledge base at `from` in the place of `to`, whose own data and log go. `from` is checked
    /// before; the copy appears whole, and keeps the mode of what it replaces. Returns what it holds.
    ///
    /// # Errors
    /// Store if `from` is damaged or no knowledge base, or `to` is open, or is something else than a knowledge base;
    /// Io; DiskFull; Cancelled. `to` is as it was then.
    pub fn restore(from: &Path, to: &Path, cancel: &CancelToken) -> Result<Info> {
        restore::restore(from, to, cancel)
    }

    /// The encoder that the file at `path` was built with, however damaged the rest of it is.
    #[must_use]
    pub fn encoder_of(path: &Path) -> Option<EncoderIdentity> {
        salvage::encoder(path)
    }

    /// Makes a new file `to` of what is intact in the file `from`, which is only read.
    ///
    /// Rows keep their ids. A document is kept whole or not at all. Both indexes are made anew; vectors that are
    /// lost come from `encode`, and where that fails their documents are lost as well. `identity` is the encoder
    /// to note if the file no longer says which one it was.
    ///
    /// # Errors
    /// InvalidArgument if `to` exists; Store if `from` is no database at all or `to` cannot be written; Io;
    /// Cancelled, nothing is left of `to` then.
    pub fn salvage(
        from: &Path,
        to: &Path,
        identity: Option<&EncoderIdentity>,
        encode: &mut Encode<'_>,
        cancel: &CancelToken,
    ) -> Result<Salvage> {
        salvage::salvage(from, to, salvage::Help { identity, encode, cancel })
    }

    /// Rewrites the file without its unused space and folds its log into it. Needs as much free space again, and
    /// as much memory. Nothing of what was removed is left in the file.
    ///
    /// # Errors
    /// Store, for instance if the disk is full (DiskFull if that is known before); Busy if another process is writing.
    pub fn vacuum(&self) -> Result<()> {
        space::vacuum(&self.pool)
    }

    fn dim(&self) -> Result<Option<usize>> {
        Ok(self.encoder()?.map(|identity| identity.dim))
    }

    /// Runs `work` with the vectors as they stand in one snapshot of the file.
    fn with_vectors<T>(
        &self,
        dim: usize,
        work: impl FnOnce(&Connection, &StoredVectors) -> Outcome<T>,
    ) -> Result<T> {
        self.pool.read(|connection| {
            let held = self.vectors.read().unwrap_or_else(PoisonError::into_inner);
            if held.is_current(connection)? {
                return work(connection, &held);
            }
            drop(held);
            let mut held = self.vectors.write().unwrap_or_else(PoisonError::into_inner);
            if !held.is_current(connection)? {
                held.refresh(connection, dim)?;
            }
            drop(held);
            let held = self.vectors.read().unwrap_or_else(PoisonError::into_inner);
            work(connection, &held)
        })
    }
}
