//! Free space on the disk, asked before work whose need is known: to be refused at once beats
//! failing half-way.

use std::path::Path;

use rusqlite::Connection;

use super::fault::Outcome;
use crate::error::{Error, Result};

/// Refuses if the disk that holds `path` has less than `needed_bytes` free. Where the system does
/// not say how much it has, the work goes on: SQLite reports a full disk by itself, and what was
/// committed stays.
///
/// # Errors
/// DiskFull.
pub(super) fn require(path: &Path, needed_bytes: u64) -> Result<()> {
    match free_bytes(path) {
        Some(free_bytes) if free_bytes < needed_bytes => {
            Err(Error::DiskFull { path: path.to_owned(), needed_bytes, free_bytes })
        }
        _ => Ok(()),
    }
}

/// What this user may still write where `path` is or will be; `None` if the system cannot say.
fn free_bytes(path: &Path) -> Option<u64> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let disk = fs4::statvfs(folder).ok()?;
    // some network and user-space file systems report nothing at all
    (disk.total_space() > 0).then(|| disk.available_space())
}

/// As [`require`], for bytes that one transaction writes to the log of the file at `path`: what the
/// log has already taken on the disk is written over.
///
/// # Errors
/// DiskFull.
pub(super) fn require_in_log(path: &Path, needed_bytes: u64) -> Result<()> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let held = std::fs::metadata(log).map_or(0, |log| log.len());
    match needed_bytes.saturating_sub(held) {
        0 => Ok(()),
        needed_bytes => require(path, needed_bytes),
    }
}

/// Bytes of the file with everything that waits in its log.
pub(super) fn file_bytes(connection: &Connection) -> Outcome<u64> {
    pages(connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
}

/// Of these, the bytes that hold something.
pub(super) fn used_bytes(connection: &Connection) -> Outcome<u64> {
    pages(
        connection,
        "SELECT (page_count - freelist_count) * page_size \
         FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
    )
}

fn pages(connection: &Connection, sql: &str) -> Outcome<u64> {
    let bytes: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(bytes.cast_unsigned())
}
