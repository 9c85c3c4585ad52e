//! A copy of the file as it stands in one snapshot, while others read and write it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::fault::{Outcome, StoreFault};
use super::pool::ConnectionPool;
use super::{link, space};
use crate::error::{Error, Result};
use crate::files::Claim;
use crate::progress::CancelToken;

/// Pages copied between two looks at the cancel token.
const PAGES: i32 = 512;

/// Writes the copy beside its place and moves it there when it is whole and on the disk.
pub(super) fn backup(pool: &ConnectionPool, to: &Path, cancel: &CancelToken) -> Result<()> {
    require_free(to)?;
    let part = part(to);
    let copied = create_part(&part, pool.path())
        .and_then(|()| copy(pool, &part, cancel).map_err(|fault| fault.at(to)));
    let moved = copied.and_then(|()| put_in_place(&part, to));
    if moved.is_err() {
        let _ = fs::remove_file(&part);
    }
    moved
}

/// Refuses a name that is taken, also by a link that leads nowhere, or by the log of a file that
/// had it before: SQLite would read that log into the new file.
pub(super) fn require_free(to: &Path) -> Result<()> {
    if fs::symlink_metadata(to).is_ok() {
        return Err(Error::invalid("to", format!("{} exists already", to.display())));
    }
    for log in [companion(to, "-wal"), companion(to, "-journal")] {
        if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            let log = log.display();
            let reason =
                format!("{log} is the log of another file: move it away, or choose another name");
            return Err(Error::invalid("to", reason));
        }
    }
    Ok(())
}

/// The name of a file that SQLite keeps beside the one at `path`.
fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The name a file has while it is written.
pub(super) fn part(path: &Path) -> PathBuf {
    companion(path, ".part")
}

/// Makes the empty file that what `source` holds is copied to. From its first moment on nobody may
/// read it who may not read `source`, and what the process masks is masked; SQLite gives a log
/// beside it the same mode.
pub(super) fn create_part(part: &Path, source: &Path) -> Result<()> {
    // what a killed one left, logs included
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let _ = fs::remove_file(companion(part, suffix));
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
        let mode = fs::metadata(source).map_or(0, |source| source.mode());
        options.mode(OWNER | (mode & READERS_AND_WRITERS));
    }
    #[cfg(not(unix))]
    let _ = source;
    options.open(part).map(drop).map_err(|source| Error::io(part, source))
}

/// What the owner of a copy may do at least: a copy of a file that is only to be read is still to
/// be written.
#[cfg(unix)]
const OWNER: u32 = 0o600;
/// What a copy takes over of its source's mode.
#[cfg(unix)]
const READERS_AND_WRITERS: u32 = 0o666;

/// Syncs a finished file and gives it its name.
pub(super) fn put_in_place(part: &Path, to: &Path) -> Result<()> {
    let synced = File::options().read(true).write(true).open(part).and_then(|file| file.sync_all());
    synced.map_err(|source| Error::io(part, source))?;
    fs::rename(part, to).map_err(|source| Error::io(to, source))
}

/// Writes the copy, as it stands in one snapshot and with a lineage of its own.
pub(super) fn copy(pool: &ConnectionPool, part: &Path, cancel: &CancelToken) -> Outcome<()> {
    let reader = pool.reader()?;
    // a snapshot of its own: writers would make the copy begin again
    let snapshot = reader.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    space::require(part, space::file_bytes(&snapshot)?)?;
    let _claim = Claim::create(part)?;
    let mut copy = Connection::open(part)?;
    let backup = Backup::new(&snapshot, &mut copy)?;
    loop {
        cancel.check()?;
        match backup.step(PAGES)? {
            StepResult::Done => break,
            StepResult::Busy | StepResult::Locked => std::thread::sleep(Duration::from_millis(5)),
            _ => {}
        }
    }
    drop(backup);
    link::renew(&copy)?;
    copy.close().map_err(|(_, error)| StoreFault::Sql(error))
}
