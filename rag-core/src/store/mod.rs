//! The knowledge base file: one SQLite database, one transaction per document.
//!
//! Documents, passages, vectors and full text are rows, and rows are the truth. The vector index
//! over them is a sealed segment plus the rows written since, searched together. docs/format.md
//! describes the file.

mod backup;
mod bm25;
mod check;
mod common;
mod connection;
mod fault;
mod filter;
mod forms;
pub(crate) mod lexical;
mod limit;
mod link;
mod listing;
mod log;
mod maintenance;
mod measure;
mod meta;
mod migrate;
mod open;
mod page;
mod pool;
mod purge;
mod reading;
mod reindex;
mod restore;
mod rows;
mod salvage;
mod schema;
mod scopes;
mod seal;
mod searching;
mod segment;
mod space;
pub(crate) mod subject;
mod types;
mod vacuum;
mod vectors;
pub(crate) mod visible;
mod write;
mod writing;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

use rusqlite::Connection;

use crate::error::Result;
use fault::Outcome;
use pool::ConnectionPool;
use scopes::Scopes;
use vectors::StoredVectors;

pub use vectors::EF_SEARCH;

pub use bm25::Coverage;
pub use filter::{Comparison, Filter, FilterField};
pub use listing::StoredDocument;
pub use salvage::{Encode, EncodeTexts};
pub(crate) use types::DocumentDate;
pub use types::{
    ADDED_TEXT, Access, Damage, DocumentRow, IndexMode, Info, LexicalOptions, NearestOptions,
    NewDocument, PassageRow, Precision, Salvage, Seal, SkippedDocument, SkippedFile, Statistics,
};

/// An open knowledge base file. Any number of threads may use it at once; writers queue.
///
/// Other processes may use the file as well: a search sees what they committed before it began. On
/// drop the file is left without companions, unless another process has it open.
#[derive(Debug)]
pub struct Store {
    pool: ConnectionPool,
    vectors: RwLock<StoredVectors>,
    scopes: Scopes,
}

impl Store {
    /// Opens the file at `path`; `":memory:"` is a store that is never written.
    ///
    /// A file that is empty counts as new. A file that is not ours is left as it is. One of an
    /// earlier format version is upgraded in one transaction if it is opened to be written.
    ///
    /// # Errors
    /// Io if it does not exist (unless it may be created) or cannot be read; Store if it is not
    /// ours, is damaged, or cannot be written; StoreVersion if it is newer, or older and opened to
    /// be read; Busy.
    pub fn open(path: &Path, access: Access) -> Result<Self> {
        let pool = open::open(path, access)?;
        Ok(Self { pool, vectors: RwLock::default(), scopes: Scopes::default() })
    }

    /// Opens the file at `path` to read the documents that pass `filter` and no others, whatever is
    /// asked of it: those that do not pass are as if they were not there, those that were skipped
    /// too. How rare a word is is still counted over the whole file.
    ///
    /// # Errors
    /// As [`Store::open`] for read-only access; InvalidArgument for a filter beyond its limits.
    pub fn open_limited(path: &Path, filter: &Filter) -> Result<Self> {
        let pool = open::open_limited(path, filter)?;
        Ok(Self { pool, vectors: RwLock::default(), scopes: Scopes::default() })
    }

    /// The passages that a store with a limit shows of `among`, or of all; `among` itself where
    /// there is no limit.
    fn shown<'a>(&self, among: Option<&'a [i64]>) -> Result<Option<Cow<'a, [i64]>>> {
        if !self.pool.is_limited() {
            return Ok(among.map(Cow::Borrowed));
        }
        let shown = self.passages_where(&Filter::All(Vec::new()))?;
        Ok(Some(Cow::Owned(limit::both(among, &shown))))
    }

    /// `ids` with 0, the number of no passage, in the place of those that are not shown.
    fn known<'a>(&self, ids: &'a [i64]) -> Result<Cow<'a, [i64]>> {
        let Some(shown) = self.shown(None)? else { return Ok(Cow::Borrowed(ids)) };
        let known = |id: &i64| if shown.binary_search(id).is_ok() { *id } else { 0 };
        Ok(Cow::Owned(ids.iter().map(known).collect()))
    }

    /// The path it was opened at.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        self.pool.path()
    }

    /// What was found as the file was opened and its user should know, in sentences: a log of other
    /// data that was set aside, commits that are missing. Empty for most files.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        self.pool.notices()
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
