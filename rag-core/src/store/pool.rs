//! Connections: one writer, and readers that come and go. An in-memory store has one connection for
//! all.

use std::fs::Metadata;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::{self, ConnectionSource};
use super::fault::{Outcome, StoreFault};
use super::limit::{self, DocumentLimit};
use super::{link, migrate};
use crate::error::{Error, Result};
use crate::files::{self, Claim, FileId, beside};

/// Readers kept for later.
const MAX_IDLE: usize = 8;

/// The connections of one store. Readers are closed before the writer, which then leaves one file
/// behind.
#[derive(Debug)]
pub(super) struct ConnectionPool {
    path: PathBuf,
    source: ConnectionSource,
    /// The format version it was opened with. A newer library may upgrade the file meanwhile: every
    /// snapshot asks.
    version: u32,
    /// Which documents are shown, where not all are.
    limit: Option<DocumentLimit>,
    idle: Mutex<Vec<Connection>>,
    main: Mutex<Connection>,
    /// The log that is read and written, where there is one.
    log: Option<FileId>,
    notices: Vec<String>,
    /// Which file it is, whatever its name; none in memory. The last field, so that it outlives
    /// every connection.
    claim: Option<Claim>,
}

/// A connection to read with; it goes back to the pool.
pub(super) enum ReadConnection<'a> {
    Pooled(Option<Connection>, &'a Mutex<Vec<Connection>>),
    Shared(MutexGuard<'a, Connection>),
}

impl ConnectionPool {
    pub(super) fn in_memory(path: PathBuf, version: u32, main: Connection) -> Self {
        let (idle, main) = (Mutex::default(), Mutex::new(main));
        let (log, notices) = (None, Vec::new());
        Self {
            path,
            source: ConnectionSource::Memory,
            version,
            limit: None,
            idle,
            main,
            log,
            notices,
            claim: None,
        }
    }

    /// The store of the file that `claim` is on, which `main` has read by now.
    ///
    /// # Errors
    /// Store if another file has taken its name meanwhile.
    pub(super) fn new(
        path: PathBuf,
        source: ConnectionSource,
        version: u32,
        limit: Option<DocumentLimit>,
        claim: Claim,
        main: Connection,
    ) -> Result<Self> {
        claim.note_sides();
        let logged = source != ConnectionSource::ReadOnly { immutable: true };
        let log = logged.then(|| FileId::of(&beside(claim.name(), "-wal"))).flatten();
        let notices = missing_commits(&path, source, &main).map_err(|fault| fault.at(&path))?;
        let (idle, main) = (Mutex::default(), Mutex::new(main));
        let claim = Some(claim);
        let mut pool = Self { path, source, version, limit, idle, main, log, notices, claim };
        pool.in_place()?;
        if let Some(claim) = &mut pool.claim {
            claim.opened();
        }
        Ok(pool)
    }

    /// Adds what was noticed before it was opened.
    pub(super) fn with_notice(mut self, notice: Option<String>) -> Self {
        self.notices.extend(notice);
        self
    }

    pub(super) fn notices(&self) -> &[String] {
        &self.notices
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Whether only some of the documents are shown.
    pub(super) fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    /// Refuses `what` where only some of the documents are shown.
    pub(super) fn require_whole(&self, what: &str) -> Result<()> {
        if self.is_limited() { Err(limit::refuse(what)) } else { Ok(()) }
    }

    pub(super) fn source(&self) -> &ConnectionSource {
        &self.source
    }

    /// Runs `read` over one snapshot of the file.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        let result = self.reader().and_then(|reader| {
            // one transaction for all that is read, or a commit in between would mix two states of
            // the file
            let snapshot = reader.unchecked_transaction()?;
            migrate::expect(&snapshot, &self.path, self.version)?;
            read(&snapshot)
        });
        result.map_err(|fault| fault.at(&self.path))
    }

    /// Runs `write` in one transaction, committed if it succeeds and undone if not.
    pub(super) fn write<T>(&self, write: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        self.writable()?;
        let mut connection = lock(&self.main);
        self.may_commit(&connection)?;
        let run = || {
            // immediate: a transaction that begins by reading cannot wait for its turn to write
            let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
            migrate::expect(&transaction, &self.path, self.version)?;
            let before = transaction.total_changes();
            let value = write(&transaction)?;
            let changed = transaction.total_changes() != before;
            // naming a commit is a write too: what changed nothing leaves the file as it was
            let commit = if changed { Some(link::advance(&transaction)?) } else { None };
            transaction.commit()?;
            Ok((value, commit))
        };
        let (value, commit) = run().map_err(|fault: StoreFault| fault.at(&self.path))?;
        if let (ConnectionSource::ReadWrite, Some(commit)) = (&self.source, commit) {
            // only what went into the log that others see is acknowledged
            self.placed(&connection)?;
            link::acknowledge(&self.path, commit);
        }
        Ok(value)
    }

    /// Refuses to write where others would not see it, or lose it.
    fn may_commit(&self, connection: &Connection) -> Result<()> {
        if self.source != ConnectionSource::ReadWrite {
            return Ok(());
        }
        files::require_one_link(&self.path, &self.placed(connection)?)
    }

    /// Refuses if file or log have lost their names; what a lost log holds is saved if that can be.
    fn placed(&self, connection: &Connection) -> Result<Metadata> {
        let metadata = self.file_in_place()?;
        if self.log_in_place() {
            return Ok(metadata);
        }
        Err(self.log_lost(self.fold(connection)))
    }

    fn log_name(&self) -> PathBuf {
        let file = self.claim.as_ref().map_or(self.path.as_path(), Claim::name);
        beside(file, "-wal")
    }

    /// Whether the log beside the file is still the one that this store reads and writes.
    fn log_in_place(&self) -> bool {
        self.log.is_none() || FileId::of(&self.log_name()) == self.log
    }

    /// Writes the commits of a log that was deleted into the file, unless another program may have
    /// begun a log of its own since; whether that was done.
    ///
    /// Who opens the file makes a log, and nobody deletes one while we hold the file's lock: where
    /// there is none, nobody has come since.
    fn fold(&self, connection: &Connection) -> bool {
        if self.file_in_place().is_err() || std::fs::symlink_metadata(self.log_name()).is_ok() {
            return false;
        }
        let folded = connection.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        matches!(folded, Ok((0, in_log, done)) if in_log == done)
    }

    fn log_lost(&self, folded: bool) -> Error {
        let what = if folded {
            "what was committed before is in the file now"
        } else {
            "what was committed last may be lost, and `check` may say so"
        };
        let reason = format!(
            "its log (-wal) was deleted or replaced while it was open: {what}; nothing is acknowledged any more: open it again"
        );
        Error::store(&self.path, reason)
    }

    /// Runs `work` on the writer outside of any transaction.
    pub(super) fn alone<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        self.writable()?;
        let connection = lock(&self.main);
        self.may_commit(&connection)?;
        work(&connection).map_err(|fault| fault.at(&self.path))
    }

    /// A connection to read with, without a transaction.
    pub(super) fn reader(&self) -> Outcome<ReadConnection<'_>> {
        if matches!(self.source, ConnectionSource::Memory) {
            return Ok(ReadConnection::Shared(lock(&self.main)));
        }
        self.in_place()?;
        let idle = lock(&self.idle).pop();
        match idle {
            Some(connection) => Ok(ReadConnection::Pooled(Some(connection), &self.idle)),
            None => self.new_reader(),
        }
    }

    /// As [`ConnectionPool::reader`], one that nobody used before; in memory there is only the one.
    pub(super) fn new_reader(&self) -> Outcome<ReadConnection<'_>> {
        if matches!(self.source, ConnectionSource::Memory) {
            return Ok(ReadConnection::Shared(lock(&self.main)));
        }
        self.in_place()?;
        let connection = connection::reader(&self.path, &self.source, self.limit.as_ref())?;
        Ok(ReadConnection::Pooled(Some(connection), &self.idle))
    }

    /// Refuses to go on if another file has taken the name of ours, or none has it: SQLite does not
    /// notice with a log, and new connections would see another file than the writer.
    fn in_place(&self) -> Result<()> {
        if self.claim.is_none() {
            return Ok(());
        }
        self.file_in_place()?;
        // a new connection would begin another log
        if self.log_in_place() { Ok(()) } else { Err(self.log_lost(false)) }
    }

    fn file_in_place(&self) -> Result<Metadata> {
        let file = self.claim.as_ref().and_then(Claim::id);
        match std::fs::metadata(&self.path) {
            Ok(found) if file.is_none() || FileId::from(&found) == file => Ok(found),
            _ => {
                let reason = "the file was moved or replaced while open; open it again";
                Err(Error::store(&self.path, reason))
            }
        }
    }

    /// Refuses what would write to a store opened to be read.
    pub(super) fn writable(&self) -> Result<()> {
        match self.source {
            ConnectionSource::Memory | ConnectionSource::ReadWrite => Ok(()),
            ConnectionSource::ReadOnly { .. } => Err(read_only(&self.path)),
        }
    }
}

impl Drop for ConnectionPool {
    /// Folds the log into the file; SQLite removes the log with the last connection.
    fn drop(&mut self) {
        if let Some(claim) = &mut self.claim {
            claim.closing();
        }
        lock(&self.idle).clear();
        if !matches!(self.source, ConnectionSource::ReadWrite) {
            return;
        }
        let main = lock(&self.main);
        if self.log_in_place() {
            // another process may be at work: then it will do this when it closes
            let _ = main.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            return;
        }
        // what others wrote since must not be written over by a log that nobody sees
        self.fold(&main);
        let _ = main.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    }
}

impl Deref for ReadConnection<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            ReadConnection::Pooled(connection, _) => {
                connection.as_ref().expect("taken only when the reader is dropped")
            }
            ReadConnection::Shared(connection) => connection,
        }
    }
}

impl DerefMut for ReadConnection<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            ReadConnection::Pooled(connection, _) => {
                connection.as_mut().expect("taken only when the reader is dropped")
            }
            ReadConnection::Shared(connection) => connection,
        }
    }
}

impl Drop for ReadConnection<'_> {
    fn drop(&mut self) {
        if let ReadConnection::Pooled(connection, idle) = self {
            let mut idle = lock(idle);
            if idle.len() < MAX_IDLE {
                idle.extend(connection.take());
            }
        }
    }
}

/// Whether the file stands behind what was acknowledged. Who may write begins to count from where
/// it stands.
fn missing_commits(
    path: &Path,
    source: ConnectionSource,
    connection: &Connection,
) -> Outcome<Vec<String>> {
    let noted = link::acknowledged(path);
    // a damaged row is for `check` to name
    let last = link::last(connection).or_else(|fault| fault.damage().map(|_| None))?;
    let notice = link::missing(noted, last);
    if let (Some(_), ConnectionSource::ReadWrite, Some(last)) = (&notice, source, last) {
        link::acknowledge(path, last);
    }
    Ok(notice.into_iter().collect())
}

/// The error for a write to a store that was opened to be read.
pub(super) fn read_only(path: &Path) -> Error {
    Error::store(path, "opened read-only; nothing was written")
}

/// A panic while the lock was held undid its transaction; the connection is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
