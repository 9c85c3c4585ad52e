//! Connections: one writer, and readers that come and go. An in-memory store has one connection for all.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::{Fault, Outcome};
use super::migrate;
use super::open::{self, Source};
use crate::error::{Error, Result};
use crate::files::{Claim, FileId};

/// Readers kept for later.
const MAX_IDLE: usize = 8;

/// The connections of one store. Readers are closed before the writer, which then leaves one file behind.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    source: Source,
    /// The format version it was opened with. A newer library may upgrade the file meanwhile: every snapshot asks.
    version: u32,
    idle: Mutex<Vec<Connection>>,
    main: Mutex<Connection>,
    /// Which file it is, whatever its name; none in memory. The last field, so that it outlives every connection.
    claim: Option<Claim>,
}

/// A connection to read with; it goes back to the pool.
pub(super) enum Reader<'a> {
    Pooled(Option<Connection>, &'a Mutex<Vec<Connection>>),
    Shared(MutexGuard<'a, Connection>),
}

impl Pool {
    pub(super) fn in_memory(path: PathBuf, version: u32, main: Connection) -> Self {
        let (idle, main) = (Mutex::default(), Mutex::new(main));
        Self { path, source: Source::Memory, version, idle, main, claim: None }
    }

    /// The store of the file that `claim` is on, which `main` has read by now.
    ///
    /// # Errors
    /// Store if another file has taken its name meanwhile.
    pub(super) fn new(
        path: PathBuf,
        source: Source,
        version: u32,
        main: Connection,
        claim: Claim,
    ) -> Result<Self> {
        claim.note_sides();
        let (idle, main) = (Mutex::default(), Mutex::new(main));
        let pool = Self { path, source, version, idle, main, claim: Some(claim) };
        pool.in_place()?;
        Ok(pool)
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.path
    }

    pub(super) fn source(&self) -> &Source {
        &self.source
    }

    /// Runs `read` over one snapshot of the file.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        let result = self.reader().and_then(|reader| {
            let snapshot = reader.unchecked_transaction()?;
            migrate::expect(&snapshot, &self.path, self.version)?;
            read(&snapshot)
        });
        result.map_err(|fault| fault.at(&self.path))
    }

    /// Runs `write` in one transaction, committed if it succeeds and undone if not.
    pub(super) fn write<T>(&self, write: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        self.writable()?;
        self.in_place()?;
        let mut connection = lock(&self.main);
        let run = || {
            // immediate: a transaction that begins by reading cannot wait for its turn to write
            let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
            migrate::expect(&transaction, &self.path, self.version)?;
            let value = write(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|fault: Fault| fault.at(&self.path))
    }

    /// Runs `work` on the writer outside of any transaction.
    pub(super) fn alone<T>(&self, work: impl FnOnce(&Connection) -> Outcome<T>) -> Result<T> {
        self.writable()?;
        self.in_place()?;
        work(&lock(&self.main)).map_err(|fault| fault.at(&self.path))
    }

    /// A connection to read with, without a transaction.
    pub(super) fn reader(&self) -> Outcome<Reader<'_>> {
        if matches!(self.source, Source::Memory) {
            return Ok(Reader::Shared(lock(&self.main)));
        }
        self.in_place()?;
        let idle = lock(&self.idle).pop();
        match idle {
            Some(connection) => Ok(Reader::Pooled(Some(connection), &self.idle)),
            None => self.new_reader(),
        }
    }

    /// As [`Pool::reader`], one that nobody used before; in memory there is only the one.
    pub(super) fn new_reader(&self) -> Outcome<Reader<'_>> {
        if matches!(self.source, Source::Memory) {
            return Ok(Reader::Shared(lock(&self.main)));
        }
        self.in_place()?;
        let connection = open::reader(&self.path, &self.source)?;
        Ok(Reader::Pooled(Some(connection), &self.idle))
    }

    /// Refuses to go on if another file has taken the name of ours, or none has it: SQLite does not notice with a log,
    /// and new connections would see another file than the writer.
    fn in_place(&self) -> Result<()> {
        let file = self.claim.as_ref().and_then(Claim::id);
        if file.is_some() && FileId::of(&self.path) != file {
            let reason = "the file was moved or replaced while open; open it again";
            return Err(Error::store(&self.path, reason));
        }
        Ok(())
    }

    /// Refuses what would write to a store opened to be read.
    pub(super) fn writable(&self) -> Result<()> {
        match self.source {
            Source::Memory | Source::ReadWrite => Ok(()),
            Source::ReadOnly { .. } => Err(read_only(&self.path)),
        }
    }
}

impl Drop for Pool {
    /// Folds the log into the file; SQLite removes the log with the last connection.
    fn drop(&mut self) {
        lock(&self.idle).clear();
        if matches!(self.source, Source::ReadWrite) {
            // another process may be at work: then it will do this when it closes
            let _ = lock(&self.main).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
    }
}

impl Deref for Reader<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Reader::Pooled(connection, _) => {
                connection.as_ref().expect("taken only when the reader is dropped")
            }
            Reader::Shared(connection) => connection,
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            Reader::Pooled(connection, _) => {
                connection.as_mut().expect("taken only when the reader is dropped")
            }
            Reader::Shared(connection) => connection,
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Reader::Pooled(connection, idle) = self {
            let mut idle = lock(idle);
            if idle.len() < MAX_IDLE {
                idle.extend(connection.take());
            }
        }
    }
}

/// The error for a write to a store that was opened to be read.
pub(super) fn read_only(path: &Path) -> Error {
    Error::store(path, "opened read-only; nothing was written")
}

/// A panic while the lock was held undid its transaction; the connection is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
