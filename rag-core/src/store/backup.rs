//! A copy of the file as it stands in one snapshot, while others read and write it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::fault::{Fault, Outcome};
use super::pool::Pool;
use super::{link, space};
use crate::error::{Error, Result};
use crate::files::Claim;
use crate::progress::CancelToken;

/// Pages copied between two looks at the cancel token.
const PAGES: i32 = 512;

/// Writes the copy beside its place and moves it there when it is whole and on the disk.
pub(super) fn backup(pool: &Pool, to: &Path, cancel: &CancelToken) -> Result<()> {
    if to.exists() {
        return Err(Error::invalid("to", format!("{} exists already", to.display())));
    }
    let part = part(to);
    let _ = fs::remove_file(&part);
    let copied = copy(pool, &part, cancel).map_err(|fault| fault.at(to));
    let moved = copied.and_then(|()| put_in_place(&part, to));
    if moved.is_err() {
        let _ = fs::remove_file(&part);
    }
    moved
}

/// The name a file has while it is written.
pub(super) fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    PathBuf::from(name)
}

/// Syncs a finished file and gives it its name.
pub(super) fn put_in_place(part: &Path, to: &Path) -> Result<()> {
    let synced = File::options().read(true).write(true).open(part).and_then(|file| file.sync_all());
    synced.map_err(|source| Error::io(part, source))?;
    fs::rename(part, to).map_err(|source| Error::io(to, source))
}

/// Writes the copy, as it stands in one snapshot and with a lineage of its own.
pub(super) fn copy(pool: &Pool, part: &Path, cancel: &CancelToken) -> Outcome<()> {
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
    copy.close().map_err(|(_, error)| Fault::Sql(error))
}
