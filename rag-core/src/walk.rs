//! Which files a folder offers: ignore rules, size cap, regular files only, in a fixed order.

use std::path::{Path, PathBuf};

use crate::error::{Result, Skipped};

/// What to list.
#[derive(Debug, Clone)]
pub struct WalkOptions {
    /// Larger files are skipped with a reason. Default 64 MiB.
    pub max_file_bytes: u64,
    /// Whether files and folders whose name starts with a dot are listed. Default [`Hidden::Skip`].
    pub hidden: Hidden,
}

/// What to do with hidden files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// Leave them out, silently.
    Skip,
    /// List them like any other.
    List,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self { max_file_bytes: 64 << 20, hidden: Hidden::Skip }
    }
}

/// A regular file that may hold a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Absolute path with symbolic links of the root resolved.
    pub path: PathBuf,
    /// Size when listed.
    pub size_bytes: u64,
    /// Time of last change when listed, in nanoseconds since 1970.
    pub mtime_ns: i64,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files to read, sorted by path.
    pub candidates: Vec<Candidate>,
    /// The files and folders passed over for a reason the user should see.
    pub skipped: Vec<Skipped>,
}

/// Lists the files under `root`, or `root` itself if it is a file.
///
/// # Errors
/// [`ErrorCode::Io`](crate::ErrorCode::Io) if `root` does not exist or cannot be listed.
pub fn walk(_root: &Path, _options: &WalkOptions) -> Result<Listing> {
    todo!()
}

/// Size and time of last change of one file, by its path as given.
///
/// # Errors
/// [`ErrorCode::Io`](crate::ErrorCode::Io) if it is gone.
pub fn stat(_path: &Path) -> Result<Candidate> {
    todo!()
}
