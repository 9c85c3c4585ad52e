//! Which commit follows which: how a log is known to belong to the file that it lies beside.
//!
//! Each transaction writes the row `commit` of `meta`: the lineage of the file, how many commits it
//! has had, a random name of this commit, and the name of the one before. A copy that
//! [`super::backup`] makes begins a lineage of its own. The number of the last commit that was
//! acknowledged is kept outside of file and log too, as an attribute of the file where the system
//! has such: it tells that a log was deleted.

use std::path::Path;

use rusqlite::Connection;

use super::fault::{Outcome, StoreFault};
use super::meta;

/// The key in `meta`.
pub(super) const COMMIT: &str = "commit";
/// Bytes of its value: always as many, so that the row is written over in its place.
const VALUE_BYTES: usize = 16 + 1 + 16 + 1 + 16 + 1 + 16;
/// The attribute of the file.
#[cfg(any(target_os = "linux", target_os = "macos"))]
const ATTRIBUTE: &str = "user.rag.commit";

/// One commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) lineage: u64,
    pub(super) count: u64,
    /// Never 0.
    pub(super) name: u64,
    /// 0 if there was none, or none that was named.
    pub(super) before: u64,
}

impl Link {
    pub(super) fn to_value(self) -> String {
        let Self { lineage, count, name, before } = self;
        format!("{lineage:016x} {count:016x} {name:016x} {before:016x}")
    }

    pub(super) fn parse(value: &str) -> Option<Self> {
        if value.len() != VALUE_BYTES {
            return None;
        }
        let mut words = value.split(' ').map(|word| u64::from_str_radix(word, 16).ok());
        let mut next = || words.next().flatten();
        let (lineage, count, name, before) = (next()?, next()?, next()?, next()?);
        Some(Self { lineage, count, name, before })
    }
}

/// The last commit; `None` in a file that nobody has written to who names them.
pub(super) fn last(connection: &Connection) -> Outcome<Option<Link>> {
    let Some(value) = meta::value(connection, COMMIT)? else { return Ok(None) };
    let damaged = || StoreFault::Damaged(format!("the value of {COMMIT:?} is damaged"));
    Link::parse(&value).map(Some).ok_or_else(damaged)
}

/// Names the commit that the open transaction will be. Once in each.
pub(super) fn advance(connection: &Connection) -> Outcome<Link> {
    let link = match last(connection)? {
        Some(last) => Link {
            count: last.count.wrapping_add(1),
            name: random(connection)?,
            before: last.name,
            ..last
        },
        None => begin(connection, 1)?,
    };
    meta::put(connection, COMMIT, &link.to_value())?;
    Ok(link)
}

/// Begins a lineage: no log that was written before belongs to this file.
pub(super) fn renew(connection: &Connection) -> Outcome<()> {
    let count = last(connection)?.map_or(0, |last| last.count);
    let link = begin(connection, count)?;
    meta::put(connection, COMMIT, &link.to_value())
}

fn begin(connection: &Connection, count: u64) -> Outcome<Link> {
    Ok(Link { lineage: random(connection)?, count, name: random(connection)?, before: 0 })
}

fn random(connection: &Connection) -> Outcome<u64> {
    let number: i64 = connection.query_row("SELECT random()", [], |row| row.get(0))?;
    Ok(number.cast_unsigned().max(1))
}

/// Notes outside of the file that this commit was acknowledged. Not every file system can; then
/// nothing is noted.
pub(super) fn acknowledge(path: &Path, link: Link) {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    let _ = rustix::fs::setxattr(
        path,
        ATTRIBUTE,
        link.to_value().as_bytes(),
        rustix::fs::XattrFlags::empty(),
    );
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    let _ = (path, link);
}

/// Forgets what was acknowledged: other data have taken the file's place.
pub(super) fn forget(path: &Path) {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    let _ = rustix::fs::removexattr(path, ATTRIBUTE);
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    let _ = path;
}

/// The last commit that was acknowledged, if that was noted.
pub(super) fn acknowledged(path: &Path) -> Option<Link> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        let mut value = [0; VALUE_BYTES];
        let length = rustix::fs::getxattr(path, ATTRIBUTE, &mut value[..]).ok()?;
        Link::parse(std::str::from_utf8(value.get(..length)?).ok()?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    {
        let _ = path;
        None
    }
}

/// What is to be said if the file stands behind what was acknowledged. `noted` is older than
/// `last`.
pub(super) fn missing(noted: Option<Link>, last: Option<Link>) -> Option<String> {
    let (noted, last) = noted.zip(last)?;
    let count = noted.count.checked_sub(last.count)?;
    if count == 0 || noted.lineage != last.lineage {
        return None;
    }
    Some(format!(
        "the last {count} commits that were acknowledged are missing: its log (-wal) was deleted, an older copy was put \
         in its place, or the power failed; sync the folder again, or `rag restore` a backup"
    ))
}
