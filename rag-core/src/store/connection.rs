//! A connection to the file of a store: what it may do, and how long it waits for others.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::bm25::WORDS;
use super::fault::Outcome;
use super::limit::DocumentLimit;
use crate::error::Error;

/// How often a writer asks again while another writes, and how often before it says busy: after ten
/// seconds or more. SQLite's own waits grow to 100 ms, and who waits longest then loses to who
/// comes last.
const BUSY_POLL: Duration = Duration::from_millis(2);
const BUSY_POLLS: i32 = 5000;
/// Most bytes of one value.
const MAX_VALUE_BYTES: i32 = 256 << 20;
const MAX_SQL_BYTES: i32 = 64 << 10;
const MAX_VARIABLES: i32 = 999;

/// Where connections come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConnectionSource {
    /// One connection, nothing on disk.
    Memory,
    /// A file we may write.
    ReadWrite,
    /// A file we only read; `immutable` if even its log cannot be kept beside it.
    ReadOnly {
        /// Whether SQLite is told that nobody writes.
        immutable: bool,
    },
}

/// One more connection that can only read.
pub(super) fn reader(
    path: &Path,
    source: &ConnectionSource,
    limit: Option<&DocumentLimit>,
) -> Outcome<Connection> {
    let mut connection = match source {
        ConnectionSource::ReadOnly { immutable: true } => {
            // SQLite would want shared memory beside the file, which cannot be made there; only the
            // uri can say that nobody writes
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            Connection::open_with_flags(
                immutable_uri(path)?,
                flags | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?
        }
        ConnectionSource::ReadOnly { immutable: false } => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)?
        }
        ConnectionSource::ReadWrite | ConnectionSource::Memory => {
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(path, flags)?
        }
    };
    harden(&mut connection)?;
    connection.execute_batch(WORDS)?;
    limit.map(|limit| limit.apply(&connection)).transpose()?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn immutable_uri(path: &Path) -> Outcome<String> {
    let absolute = std::path::absolute(path).map_err(|source| Error::io(path, source))?;
    let mut uri = String::from("file://");
    for byte in absolute.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri.push_str("?immutable=1");
    Ok(uri)
}

/// Settings that keep a hostile or damaged file from doing more than failing.
pub(super) fn harden(connection: &mut Connection) -> Outcome<()> {
    connection.busy_handler(Some(wait_for_writer))?;
    // the file may be anyone's: nothing in its schema may run (triggers, views, functions), and the
    // tables under the full-text index are not to be written past it
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_VARIABLE_NUMBER, MAX_VARIABLES)?;
    // every file is opened through `files`, which knows what this process has open; ATTACH would go
    // past it
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // never mapped: a page that cannot be read is then an error and not a signal that ends the
    // process. NORMAL: with a log a kill loses nothing that was committed; FULL would wait for the
    // disk at every document to save the last ones from a power cut
    connection.execute_batch(
        "PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; \
         PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384; PRAGMA journal_size_limit=67108864;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Whether to ask again, after a short sleep, where another holds what is needed; `asked` is how
/// often it was.
pub(super) fn wait_for_writer(asked: i32) -> bool {
    std::thread::sleep(BUSY_POLL);
    asked < BUSY_POLLS
}
