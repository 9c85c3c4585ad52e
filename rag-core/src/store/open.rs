//! Opening: the header is read before SQLite sees the file, and a file that is not ours is never
//! touched.
//!
//! Durability: WAL with `synchronous=NORMAL`. A killed process loses nothing that was committed; a
//! power cut may lose the last commits, never older ones, and never leaves half of one.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::bm25::WORDS;
use super::connection::{ConnectionSource, harden, reader, wait_for_writer};
use super::fault::{Outcome, StoreFault};
use super::filter::Filter;
use super::limit::DocumentLimit;
use super::migrate::{self, LADDER, Ladder};
use super::pool::ConnectionPool;
use super::types::Access;
use super::{link, log, meta, schema};
use crate::error::{Error, Result};
use crate::files::{self, Claim, beside};
use crate::visible;

/// The name of a store that is never written to disk.
const MEMORY: &str = ":memory:";

/// What the first 100 bytes say.
enum Header {
    Empty,
    Ours,
}

pub(super) fn open(path: &Path, access: Access) -> Result<ConnectionPool> {
    open_with(path, access, &LADDER, None)
}

/// As [`open`], to read what passes `filter`.
pub(super) fn open_limited(path: &Path, filter: &Filter) -> Result<ConnectionPool> {
    open_with(path, Access::ReadOnly, &LADDER, Some(DocumentLimit::new(filter)?))
}

/// As [`open`], for a library that knows the versions of `ladder`; only what is read has a limit.
pub(super) fn open_with(
    path: &Path,
    access: Access,
    ladder: &Ladder,
    limit: Option<DocumentLimit>,
) -> Result<ConnectionPool> {
    if path.as_os_str() == MEMORY {
        return memory(path, access);
    }
    let claim = match (Claim::take_to_open(path)?, access) {
        (Some(claim), _) => claim,
        (None, Access::Create) => claim_new(path)?,
        (None, _) => return Err(Error::io(path, not_there(path))),
    };
    let aside = claim.alone(|| log::settle(claim.name())).transpose()?.flatten();
    let pool = open_claimed(path, access, claim, ladder, limit)?;
    Ok(pool.with_notice(aside.map(|log| {
        format!(
            "a log of other data lay beside the file, as when a copy is put over it; it was not read, and is now {}",
            log.display()
        )
    })))
}

fn open_claimed(
    path: &Path,
    access: Access,
    claim: Claim,
    ladder: &Ladder,
    limit: Option<DocumentLimit>,
) -> Result<ConnectionPool> {
    match (header(path, &claim, ladder.version())?, access) {
        (Header::Empty, Access::Create) => {
            create(path)?;
            match header(path, &claim, ladder.version())? {
                Header::Ours => read_write(path, claim, ladder),
                Header::Empty => Err(Error::store(path, "it vanished while it was made")),
            }
        }
        (Header::Empty, _) => Err(Error::store(path, "not a rag file: it is empty")),
        (Header::Ours, Access::ReadOnly) => read_only(path, claim, ladder, limit),
        (Header::Ours, Access::Create | Access::ReadWrite) => read_write(path, claim, ladder),
    }
}

fn not_there(path: &Path) -> io::Error {
    let name = visible::name(&path.to_string_lossy());
    let reason = format!("there is no such file; `rag sync {name} FOLDER` makes one");
    io::Error::new(io::ErrorKind::NotFound, reason)
}

fn claim_new(path: &Path) -> Result<Claim> {
    // SQLite reports a missing or forbidden folder without saying which
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::metadata(folder).map_err(|source| Error::io(folder, source))?;
    }
    Claim::create_to_open(path)
}

/// What the file is: its first bytes, unless SQLite has it open in this process, which must then
/// read them.
fn header(path: &Path, claim: &Claim, newest: u32) -> Result<Header> {
    match claim.alone(|| read_header(path, newest)) {
        Some(header) => header,
        None => match header_by_sqlite(path) {
            // who has it open has read its header, in a folder that takes no log
            Err(fault) if cannot_open(&fault) => Ok(Header::Ours),
            header => header.map_err(|fault| fault.at(path)),
        },
    }
}

fn header_by_sqlite(path: &Path) -> Outcome<Header> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    harden(&mut connection)?;
    let number = |sql| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
    match number("PRAGMA application_id")? {
        schema::APPLICATION_ID => Ok(Header::Ours),
        _ if number("PRAGMA page_count")? == 0 => Ok(Header::Empty),
        _ => Err(StoreFault::Other(Error::store(path, "not a rag file"))),
    }
}

fn memory(path: &Path, access: Access) -> Result<ConnectionPool> {
    if access == Access::ReadOnly {
        return Err(Error::invalid("access", "a store in memory cannot be read-only"));
    }
    let run = || -> Outcome<Connection> {
        let mut connection = Connection::open_in_memory()?;
        harden(&mut connection)?;
        fill(&connection)?;
        connection.execute_batch(WORDS)?;
        Ok(connection)
    };
    let connection = run().map_err(|fault| fault.at(path))?;
    Ok(ConnectionPool::in_memory(path.to_owned(), schema::VERSION, connection))
}

/// Makes the tables in one transaction; two processes that do so at once end with one set.
fn create(path: &Path) -> Result<()> {
    let run = || -> Outcome<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        harden(&mut connection)?;
        connection.pragma_update(None, "page_size", schema::PAGE_SIZE)?;
        let transaction = Transaction::new(&mut connection, TransactionBehavior::Immediate)?;
        let id: u32 = transaction.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        if id != schema::APPLICATION_ID {
            fill(&transaction)?;
        }
        transaction.commit()?;
        Ok(())
    };
    run().map_err(|fault| fault.at(path))
}

fn fill(connection: &Connection) -> Outcome<()> {
    schema::create(connection)?;
    meta::create(connection)?;
    link::renew(connection)
}

fn read_write(path: &Path, claim: Claim, ladder: &Ladder) -> Result<ConnectionPool> {
    files::require_one_name(path)?;
    let run = || -> Outcome<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags)?;
        harden(&mut connection)?;
        if connection.is_readonly("main")? {
            return Err(StoreFault::Other(Error::store(
                path,
                "the file is read-only: open it with read-only access, or make it writable",
            )));
        }
        write_ahead(&connection)?;
        migrate::upgrade(&mut connection, path, ladder)?;
        verify(&connection, path, ladder)?;
        Ok(connection)
    };
    let connection = run().map_err(|fault| fault.at(path))?;
    ConnectionPool::new(
        path.to_owned(),
        ConnectionSource::ReadWrite,
        ladder.version(),
        None,
        claim,
        connection,
    )
}

/// Switches to the write-ahead log. SQLite does not call the busy handler for this statement, since
/// a connection that already reads could wait for one that waits for it: whoever opens a new file
/// while others do is refused at once. The statement holds nothing between two attempts, so we wait
/// here as the handler would.
fn write_ahead(connection: &Connection) -> Outcome<()> {
    let mut asked = 0;
    loop {
        match connection.query_row("PRAGMA journal_mode=WAL", [], |_| Ok(())) {
            Err(error) if is_busy(&error) && wait_for_writer(asked) => asked += 1,
            done => return Ok(done?),
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
    matches!(error.sqlite_error_code(), Some(DatabaseBusy | DatabaseLocked))
}

/// Refuses a file of another version or with other tables than ours.
fn verify(connection: &Connection, path: &Path, ladder: &Ladder) -> Outcome<()> {
    migrate::expect(connection, path, ladder.version())?;
    schema::verify(connection, ladder.tables)
}

/// As [`verify`], of a file that is only to be read, and its version: an earlier one will do if all
/// that was added since can be done without.
fn verify_to_read(connection: &Connection, path: &Path, ladder: &Ladder) -> Outcome<u32> {
    let found = schema::version(connection)?;
    match ladder.tables_of(found).filter(|_| ladder.reads(found)) {
        Some(tables) => schema::verify(connection, tables).map(|()| found),
        None => verify(connection, path, ladder).map(|()| ladder.version()),
    }
}

fn read_only(
    path: &Path,
    claim: Claim,
    ladder: &Ladder,
    limit: Option<DocumentLimit>,
) -> Result<ConnectionPool> {
    let source = ConnectionSource::ReadOnly { immutable: false };
    let opened = reader(path, &source, limit.as_ref()).and_then(|connection| {
        let version = verify_to_read(&connection, path, ladder)?;
        Ok((connection, version))
    });
    let connection = match opened {
        Ok((connection, version)) => Ok((connection, source, version)),
        // a folder that takes no log: nobody can be writing, so none is needed
        Err(fault) if cannot_open(&fault) && !has_log(path) => {
            immutable(path, ladder, limit.as_ref())
        }
        Err(fault) => Err(fault),
    };
    let (connection, source, version) = connection.map_err(|fault| fault.at(path))?;
    let pool = ConnectionPool::new(path.to_owned(), source, version, limit, claim, connection)?;
    let is_older = version < ladder.version();
    Ok(pool.with_notice(is_older.then(|| {
        format!(
            "the file is of format version {version}: what later versions find, such as titles and file names, is not searched until it is opened to be written, as a sync does"
        )
    })))
}

fn immutable(
    path: &Path,
    ladder: &Ladder,
    limit: Option<&DocumentLimit>,
) -> Outcome<(Connection, ConnectionSource, u32)> {
    let source = ConnectionSource::ReadOnly { immutable: true };
    let connection = reader(path, &source, limit)?;
    let version = verify_to_read(&connection, path, ladder)?;
    Ok((connection, source, version))
}

fn cannot_open(fault: &StoreFault) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly, SystemIoFailure};
    matches!(fault, StoreFault::Sql(error) if matches!(
        error.sqlite_error_code(),
        Some(CannotOpen | PermissionDenied | ReadOnly | SystemIoFailure)
    ))
}

/// What SQLite names log and journal after: links are followed.
fn real_name(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether commits wait in a log beside the file; they must not be passed over.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(&real_name(path), "-wal")).is_ok_and(|log| log.len() > 0)
}

/// What the first 100 bytes say to a library that knows versions up to `newest`. Nobody else in
/// this process has the file open: closing it drops all locks.
fn read_header(path: &Path, newest: u32) -> Result<Header> {
    let io = |source| Error::io(path, source);
    let meta = std::fs::metadata(path).map_err(io)?;
    if meta.len() == 0 {
        return Ok(Header::Empty);
    }
    let mut header = Vec::with_capacity(100);
    File::open(path).map_err(io)?.take(100).read_to_end(&mut header).map_err(io)?;
    let word = |at: usize| -> u32 {
        let bytes = header.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    };
    let ours = header.starts_with(b"SQLite format 3\0") && word(68) == schema::APPLICATION_ID;
    let blank = header.iter().all(|byte| *byte == 0);
    if (ours || blank) && interrupted_creation(path) {
        return Ok(Header::Empty);
    }
    if !ours {
        return Err(Error::store(path, "not a rag file"));
    }
    match word(60) {
        0 => return Err(Error::store(path, "its header is damaged: it has no format version")),
        found if found > newest => {
            let path = path.to_owned();
            return Err(Error::StoreVersion { path, found, supported: newest });
        }
        _ => {}
    }
    let page_bytes = if word(16) >> 16 == 1 { 65536 } else { u64::from(word(16) >> 16) };
    let expected = page_bytes * u64::from(word(28));
    // with a log beside it, the file may be anything from before to after a checkpoint
    if meta.len() < expected && !has_log(path) {
        let reason = format!("it is cut short: {} of {expected} bytes", meta.len());
        return Err(Error::store(path, reason));
    }
    Ok(Header::Ours)
}

/// Whether a rollback journal says that the file was new when a process was killed making it:
/// SQLite will empty it again. The journal's header is magic, record count, nonce, then the size in
/// pages at its start.
fn interrupted_creation(path: &Path) -> bool {
    const JOURNAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let mut header = Vec::with_capacity(20);
    let read = File::open(beside(&real_name(path), "-journal"))
        .and_then(|file| file.take(20).read_to_end(&mut header));
    read.is_ok() && header.starts_with(&JOURNAL) && header.get(16..20) == Some(&[0; 4])
}
