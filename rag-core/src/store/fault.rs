//! What fails inside the store, and how it is told to the caller.

use std::path::Path;

use rusqlite::ErrorCode as Sql;

use crate::error::Error;

/// The result of a function inside the store, which does not know the file's path.
pub(super) type Outcome<T> = Result<T, StoreFault>;

/// A failure before the file's path is put to it.
#[derive(Debug)]
pub(super) enum StoreFault {
    /// SQLite's own.
    Sql(rusqlite::Error),
    /// Something we read is not what we wrote.
    Damaged(String),
    /// Already an error of ours.
    Other(Error),
}

impl From<rusqlite::Error> for StoreFault {
    fn from(error: rusqlite::Error) -> Self {
        StoreFault::Sql(error)
    }
}

impl From<Error> for StoreFault {
    fn from(error: Error) -> Self {
        StoreFault::Other(error)
    }
}

impl StoreFault {
    /// The error for a caller who has the file at `path` open.
    pub(super) fn at(self, path: &Path) -> Error {
        let error = match self {
            StoreFault::Other(error) => return error,
            StoreFault::Damaged(what) => {
                return Error::store(path, format!("{what}; `check` names every damage"));
            }
            StoreFault::Sql(error) => error,
        };
        let reason = match error.sqlite_error_code() {
            Some(Sql::DatabaseBusy | Sql::DatabaseLocked) => {
                return Error::Busy { path: path.to_owned() };
            }
            Some(Sql::OperationInterrupted) => return Error::Cancelled,
            Some(code) => reason(code, &error),
            None => "a row is damaged; `check` names every damage",
        };
        Error::Store {
            path: path.to_owned(),
            reason: reason.to_owned(),
            source: Some(Box::new(error)),
        }
    }

    /// What happened, for a list of damages. A cancellation or a lock is not damage and comes back
    /// as it is.
    pub(super) fn damage(self) -> Result<String, StoreFault> {
        match self {
            StoreFault::Damaged(what) => Ok(what),
            StoreFault::Sql(error) => match error.sqlite_error_code() {
                Some(Sql::OperationInterrupted | Sql::DatabaseBusy | Sql::DatabaseLocked) => {
                    Err(StoreFault::Sql(error))
                }
                _ => Ok(error.to_string()),
            },
            other => Err(other),
        }
    }
}

fn reason(code: Sql, error: &rusqlite::Error) -> &'static str {
    /// The extended code for a file that was moved or deleted under us.
    const MOVED: i32 = 8 | (4 << 8);
    let moved = matches!(error, rusqlite::Error::SqliteFailure(e, _) if e.extended_code == MOVED);
    match code {
        _ if moved => "the file was moved or replaced while open; open it again",
        Sql::DiskFull => "the disk is full; what was there before is intact",
        Sql::SystemIoFailure => "reading or writing failed; what was committed before is intact",
        Sql::DatabaseCorrupt => "the file is damaged; `check` names every damage",
        Sql::NotADatabase => "not a rag file, or its first page is damaged",
        Sql::ReadOnly => "read-only; nothing was written",
        Sql::CannotOpen | Sql::PermissionDenied => "the file or its folder does not allow it",
        Sql::OutOfMemory => "out of memory; nothing was written",
        Sql::TooBig => "a text or value is larger than 256 MiB",
        _ => "the database failed",
    }
}
