//! The file written anew, without the space that nothing uses.

use rusqlite::limits::Limit;

use super::connection::ConnectionSource;
use super::meta;
use super::pool::ConnectionPool;
use super::space::{require_in_log, used_bytes};
use crate::error::Result;

/// Rewrites the file without its unused space and folds its log into it.
///
/// # Errors
/// Store; DiskFull; Busy.
pub(super) fn vacuum(pool: &ConnectionPool) -> Result<()> {
    rewrite(pool)?;
    pool.alone(|connection| {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    })
}

/// Writes the pages anew, without those that are free.
///
/// # Errors
/// Store; DiskFull; Busy.
pub(super) fn rewrite(pool: &ConnectionPool) -> Result<()> {
    // pages get new places: no log from before belongs to what they will be
    pool.write(|connection| meta::bump(connection, meta::CHANGE))?;
    pool.alone(|connection| {
        if !matches!(pool.source(), ConnectionSource::Memory) {
            require_in_log(pool.path(), used_bytes(connection)?)?;
        }
        connection.execute_batch("INSERT INTO lexical(lexical) VALUES('optimize')")?;
        // VACUUM attaches its new file under a name of its own
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
        let vacuumed = connection.execute_batch("VACUUM");
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        vacuumed?;
        Ok(())
    })
}
