//! A file that is written has one name: with two, its log would be looked for under either.

use std::fs::{self, Metadata};
use std::path::Path;

use crate::error::{Error, Result};

/// Refuses a file to be written that may be written under another name at the same time. SQLite
/// names its log after the file: each name has a log of its own, and commits in one are lost to the
/// other.
///
/// # Errors
/// Store if it has hard links, or is a single file that was mounted.
pub(crate) fn require_one_name(path: &Path) -> Result<()> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, source))?;
    require_one_link(path, &metadata)?;
    if is_mounted(path) {
        let reason = "it is mounted as a single file, so that its log lies apart from that of whoever has it under its \
                      other name, and commits would be lost; mount the folder it lies in; it may be opened read-only";
        return Err(Error::store(path, reason));
    }
    Ok(())
}

/// As [`require_one_name`], for hard links alone, which may be made at any time.
///
/// # Errors
/// Store if there are any.
pub(crate) fn require_one_link(path: &Path, metadata: &Metadata) -> Result<()> {
    let names = name_count(metadata);
    if names > 1 {
        let reason = format!(
            "it has {names} names (hard links), each of which would have a log of its own, and commits would be lost; remove \
             the others, or write to a copy of it (`rag backup`); it may be opened read-only"
        );
        return Err(Error::store(path, reason));
    }
    Ok(())
}

#[cfg(unix)]
fn name_count(metadata: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(metadata)
}

#[cfg(not(unix))]
fn name_count(_: &Metadata) -> u64 {
    1
}

/// Whether the file itself, and not a folder above it, is what was mounted.
#[cfg(target_os = "linux")]
fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mounted(_: &Path) -> bool {
    false
}
