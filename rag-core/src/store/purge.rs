//! Making what was removed unreadable: nothing of it is left in the file, its indexes or its log.
//!
//! SQLite only marks what is deleted as free. Its `secure_delete` writes zeros over that, but a
//! page that was split before may hold a copy; only writing the file anew leaves nothing, and that
//! is what a purge does.

use rusqlite::Connection;

use super::connection::ConnectionSource;
use super::fault::{Outcome, StoreFault};
use super::{Store, segment, vacuum};
use crate::error::{Error, Result};

impl Store {
    /// Takes all that was ever removed from the file or replaced in it out of its pages, its
    /// full-text index, its vector index and its log. A vector index that held some of it is gone
    /// until the next [`Store::seal`].
    ///
    /// Rewrites the file like [`Store::vacuum`]. What the disk or its snapshots keep of overwritten
    /// blocks, and copies of the file, are beyond it.
    ///
    /// # Errors
    /// Store; Busy if another process writes, or still reads from before: the log then holds some
    /// of it yet.
    pub fn purge(&self) -> Result<()> {
        self.pool.write(forget_removed)?;
        vacuum::rewrite(&self.pool)?;
        self.empty_log()
    }

    /// Makes this handle write zeros over what it removes or replaces, in place of marking it as
    /// free.
    ///
    /// Copies that split pages keep go with [`Store::vacuum`] or [`Store::purge`], words in the
    /// full-text index and old pages in the log with [`Store::scrub`].
    ///
    /// # Errors
    /// Store if it was opened to be read.
    pub fn delete_securely(&self) -> Result<()> {
        self.pool.alone(|connection| {
            // the answer of this pragma is the value it has now
            connection.query_row("PRAGMA secure_delete = ON", [], |_| Ok(()))?;
            Ok(())
        })
    }

    /// Takes removed words out of the full-text index and empties the log, if this handle deletes
    /// securely.
    ///
    /// # Errors
    /// Store; Busy if another process writes, or still reads from before.
    pub fn scrub(&self) -> Result<()> {
        if !matches!(self.pool.source(), ConnectionSource::ReadWrite) {
            return Ok(());
        }
        let secure = "PRAGMA secure_delete";
        let is_secure = self.pool.alone(|connection| {
            Ok(connection.query_row(secure, [], |row| row.get::<_, i64>(0))? == 1)
        })?;
        if !is_secure {
            return Ok(());
        }
        self.pool.write(|connection| {
            connection.execute_batch("INSERT INTO lexical(lexical) VALUES('optimize')")?;
            Ok(())
        })?;
        self.empty_log()
    }

    /// Folds the log into the file and cuts it to nothing.
    fn empty_log(&self) -> Result<()> {
        let path = self.path().clone();
        self.pool.alone(|connection| {
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            let is_blocked: i64 = connection.query_row(sql, [], |row| row.get(0))?;
            if is_blocked == 0 { Ok(()) } else { Err(StoreFault::Other(Error::Busy { path })) }
        })
    }
}

/// The vector index holds codes of what was removed until it is built anew, and much of a text can
/// be read off its vector: it goes, and the vectors' rows serve until the next seal.
fn forget_removed(connection: &Connection) -> Outcome<()> {
    let sql = "SELECT EXISTS(SELECT 1 FROM tombstone)";
    if !connection.query_row(sql, [], |row| row.get::<_, bool>(0))? {
        return Ok(());
    }
    segment::forget(connection)
}
