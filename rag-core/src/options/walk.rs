//! Options of what a folder offers.

use super::{options, switch};

/// What to do with hidden files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hidden {
    /// Leave them out, silently.
    Skip,
    /// List them like any other.
    List,
}

switch!(Hidden, Skip, List);

options! {
    /// What to list.
    #[derive(Debug, Clone)]
    pub struct WalkOptions("sync") {
        /// Larger files are skipped and reported.
        max_file_bytes: u64 = 64 << 20, unit("bytes");
        /// Take files and folders whose name starts with a dot too.
        hidden: Hidden = Hidden::Skip;
        /// Only files that match one of these globs, in the syntax of .gitignore and relative to the folder.
        include: Vec<String> = Vec::new();
        /// No files or folders that match one of these globs.
        exclude: Vec<String> = Vec::new();
    }
    check(|_| Ok(()))
}
