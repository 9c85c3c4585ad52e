//! Files of earlier format versions: opening one to write takes it to this version in one
//! transaction.
//!
//! A step knows the tables it starts from and what to do with them. Steps are never changed once
//! released: a file of any version goes through all that follow its own. A kill, a full disk or a
//! failing step leaves the file as it was.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::fault::{Outcome, StoreFault};
use super::schema::version;
use super::{link, schema, space, subject};
use crate::error::Error;

/// Every format version: how its tables look, and how a file gets to the next one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder {
    /// The first step goes from version 1 to 2, and so on.
    pub(super) steps: &'static [MigrationStep],
    /// The tables of the version after the last step.
    pub(super) tables: &'static [&'static str],
}

/// The way from one version to the next.
#[derive(Debug)]
pub(super) struct MigrationStep {
    /// The tables before it.
    pub(super) tables: &'static [&'static str],
    /// What is done; all steps of a file share one transaction, which is not theirs to end. A step
    /// that drops a table of FTS5 or needs more than the statements we allow has to say so here
    /// first.
    pub(super) run: fn(&Connection) -> Outcome<()>,
    /// Whether a file from before it can be read as it is, so that one that may not be written need
    /// not be upgraded.
    pub(super) is_optional: bool,
}

/// The versions this library knows.
pub(super) const LADDER: Ladder = Ladder {
    // words of titles and names
    steps: &[MigrationStep { tables: TABLES_1, run: subject::fill, is_optional: true }],
    tables: schema::TABLES,
};

const TABLES_1: &[&str] = &[
    "CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, \"check\" INTEGER NOT NULL) \
     WITHOUT ROWID",
    "CREATE TABLE document(id INTEGER PRIMARY KEY AUTOINCREMENT, uri TEXT NOT NULL UNIQUE, \
     kind TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, hash BLOB NOT NULL, title TEXT, \
     lang TEXT, metadata TEXT NOT NULL, length INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT, \
     added_at INTEGER NOT NULL, map_check INTEGER NOT NULL, \"check\" INTEGER NOT NULL, \
     source_map BLOB NOT NULL)",
    "CREATE TABLE passage(id INTEGER PRIMARY KEY AUTOINCREMENT, \
     document INTEGER NOT NULL REFERENCES document(id), ordinal INTEGER NOT NULL, start INTEGER NOT NULL, \
     \"end\" INTEGER NOT NULL, page INTEGER, heading TEXT, text TEXT NOT NULL, \"check\" INTEGER NOT NULL, \
     UNIQUE(document, ordinal))",
    "CREATE TABLE vector(id INTEGER PRIMARY KEY REFERENCES passage(id), data BLOB NOT NULL)",
    "CREATE TABLE segment(generation INTEGER NOT NULL, kind TEXT NOT NULL, chunk INTEGER NOT NULL, \
     data BLOB NOT NULL, \"check\" BLOB NOT NULL, PRIMARY KEY(generation, kind, chunk))",
    "CREATE TABLE tombstone(seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL)",
    schema::LEXICAL,
];

const _: () = assert!(LADDER.version() == schema::VERSION);

impl Ladder {
    /// The version after the last step.
    pub(super) const fn version(&self) -> u32 {
        self.steps.len() as u32 + 1
    }

    /// Whether a file of this version can be read as it is.
    pub(super) fn reads(&self, version: u32) -> bool {
        let done = usize::try_from(version).ok().and_then(|version| version.checked_sub(1));
        let left = done.and_then(|done| self.steps.get(done..));
        left.is_some_and(|steps| steps.iter().all(|step| step.is_optional))
    }

    /// The tables of a version.
    pub(super) fn tables_of(&self, version: u32) -> Option<&'static [&'static str]> {
        if version == self.version() {
            return Some(self.tables);
        }
        let step = usize::try_from(version).ok()?.checked_sub(1)?;
        self.steps.get(step).map(|step| step.tables)
    }
}

/// Refuses a file of any version but `expected`.
pub(super) fn expect(connection: &Connection, path: &Path, expected: u32) -> Outcome<()> {
    match version(connection)? {
        found if found == expected => Ok(()),
        0 => Err(StoreFault::Damaged("it has no format version".to_owned())),
        found => {
            let path = path.to_owned();
            Err(StoreFault::Other(Error::StoreVersion { path, found, supported: expected }))
        }
    }
}

/// Takes an older file to the last version of `ladder`; nothing to do for one that has it.
pub(super) fn upgrade(connection: &mut Connection, path: &Path, ladder: &Ladder) -> Outcome<()> {
    let found = version(connection)?;
    if found == 0 || found >= ladder.version() {
        return Ok(());
    }
    // every page may be written once to the log, and as many new ones after those
    space::require(path, space::file_bytes(connection)?.saturating_mul(2))?;
    let stepped = run(connection, ladder);
    if let Err(fault) = stepped {
        return Err(explained(fault, path, found, ladder.version()));
    }
    // the header is read before the log: let it tell the new version. Others may hold the log: it
    // then tells later.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}

fn run(connection: &mut Connection, ladder: &Ladder) -> Outcome<()> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    // another process may have been faster
    let found = version(&transaction)?;
    let Some(tables) = ladder.tables_of(found) else { return Ok(()) };
    schema::verify(&transaction, tables)?;
    let done = usize::try_from(found).unwrap_or(usize::MAX).saturating_sub(1);
    for step in ladder.steps.get(done..).unwrap_or_default() {
        (step.run)(&transaction)?;
    }
    link::advance(&transaction)?;
    transaction.pragma_update(None, "user_version", ladder.version())?;
    schema::verify(&transaction, ladder.tables)?;
    transaction.commit()?;
    Ok(())
}

/// The error of an upgrade, which says that nothing was changed.
fn explained(fault: StoreFault, path: &Path, from: u32, to: u32) -> StoreFault {
    match fault.at(path) {
        error @ (Error::Busy { .. } | Error::Cancelled | Error::DiskFull { .. }) => error.into(),
        error => StoreFault::Other(Error::Store {
            path: path.to_owned(),
            reason: format!(
                "the upgrade from format version {from} to {to} failed; it is as it was"
            ),
            source: Some(Box::new(error)),
        }),
    }
}

#[cfg(test)]
mod tests;
