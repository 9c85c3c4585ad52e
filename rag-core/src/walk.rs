//! Which files a folder offers: ignore rules, size cap, regular files only, in a fixed order.
//!
//! Symbolic links are never followed, so nothing outside the root is listed and nothing loops. No
//! file is opened unless it is a regular one: a pipe or device would block for ever.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ignore::WalkBuilder;
use ignore::overrides::{Override, OverrideBuilder};

use crate::error::{Error, Result, Skipped, Unreadable};
use crate::files;

pub use crate::options::walk::{Hidden, WalkOptions};

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
/// Rules of `.gitignore`, `.ignore` and `.ragignore` files inside the root hold, in a git
/// repository or not. Left out without a word: ignored and hidden files, symbolic links, pipes,
/// sockets and devices, and knowledge bases with their side files. Paths are sorted byte by byte.
///
/// # Errors
/// [`ErrorCode::Io`](crate::ErrorCode::Io) if `root` does not exist or cannot be listed;
/// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for a glob that cannot be read;
/// [`ErrorCode::Document`](crate::ErrorCode::Document) if it is neither a file nor a folder.
pub fn walk(root: &Path, options: &WalkOptions) -> Result<Listing> {
    let root = fs::canonicalize(root).map_err(|source| Error::io(root, source))?;
    let metadata = fs::metadata(&root).map_err(|source| Error::io(&root, source))?;
    let mut listing = Listing::default();
    if metadata.is_dir() {
        fs::read_dir(&root).map_err(|source| Error::io(&root, source))?;
        list_folder(&root, options, &mut listing)?;
    } else if metadata.is_file() {
        listing.add(root, &metadata, options);
    } else {
        return Err(Error::document(
            &root,
            Unreadable::NotAFile,
            "neither a regular file nor a folder",
        ));
    }
    listing.candidates.sort_by(|a, b| byte_order(&a.path, &b.path));
    listing.skipped.sort_by(|a, b| byte_order(&a.path, &b.path));
    Ok(listing)
}

/// Size and time of last change of one file, by its path as given.
///
/// # Errors
/// [`ErrorCode::Io`](crate::ErrorCode::Io) if it is gone.
pub fn stat(path: &Path) -> Result<Candidate> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, source))?;
    let (size_bytes, mtime_ns) = (metadata.len(), mtime_ns(&metadata));
    Ok(Candidate { path: path.to_owned(), size_bytes, mtime_ns })
}

fn byte_order(a: &Path, b: &Path) -> std::cmp::Ordering {
    a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes())
}

/// The globs as the walker takes them: a rule that includes comes as it is, one that excludes
/// behind a `!`.
fn globs(root: &Path, options: &WalkOptions) -> Result<Override> {
    let mut builder = OverrideBuilder::new(root);
    let excluded = options.exclude.iter().map(|glob| ("exclude", format!("!{glob}")));
    let included = options.include.iter().map(|glob| ("include", glob.clone()));
    for (argument, glob) in included.chain(excluded) {
        let refuse = |reason: String| Error::invalid(argument, reason);
        if glob.trim_start_matches('!').trim().is_empty() || glob.starts_with("!!") {
            return Err(refuse(format!("{glob:?} is no glob")));
        }
        builder.add(&glob).map_err(|error| refuse(error.to_string()))?;
    }
    builder.build().map_err(|error| Error::invalid("include", error.to_string()))
}

fn list_folder(root: &Path, options: &WalkOptions, listing: &mut Listing) -> Result<()> {
    let walk = WalkBuilder::new(root)
        .follow_links(false)
        .hidden(options.hidden == Hidden::Skip)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .git_ignore(true)
        .require_git(false)
        .add_custom_ignore_filename(".ragignore")
        .overrides(globs(root, options)?)
        .build();
    for entry in walk {
        match entry {
            Ok(entry) => match fs::symlink_metadata(entry.path()) {
                Ok(metadata) if metadata.is_file() => {
                    listing.add(entry.into_path(), &metadata, options);
                }
                Ok(_) => {}
                Err(source) => listing.skip(Error::io(entry.path(), source)),
            },
            Err(error) => listing.skip(walk_error(root, error)),
        }
    }
    Ok(())
}

/// The walker's error as ours, with the path it names.
fn walk_error(root: &Path, error: ignore::Error) -> Error {
    let path = error_path(&error).unwrap_or(root).to_owned();
    let text = error.to_string();
    let source = error.into_io_error().unwrap_or_else(|| io::Error::other(text));
    Error::io(path, source)
}

fn error_path(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => {
            error_path(err)
        }
        ignore::Error::Loop { child, .. } => Some(child),
        _ => None,
    }
}

impl Listing {
    fn skip(&mut self, error: Error) {
        let path = match &error {
            Error::Io { path, .. } | Error::Document { path, .. } => path.clone(),
            _ => PathBuf::new(),
        };
        self.skipped.push(Skipped { path, error });
    }

    fn add(&mut self, path: PathBuf, metadata: &Metadata, options: &WalkOptions) {
        let size_bytes = metadata.len();
        if files::is_of_knowledge_base(&path, size_bytes) {
            return;
        }
        if path.to_str().is_none() {
            self.skip(Error::document(&path, Unreadable::NotAFile, "its name is not valid UTF-8"));
        } else if size_bytes > options.max_file_bytes {
            let cap = options.max_file_bytes;
            self.skip(Error::document(
                &path,
                Unreadable::TooLarge,
                format!("{size_bytes} bytes, the cap is {cap}"),
            ));
        } else {
            self.candidates.push(Candidate { path, size_bytes, mtime_ns: mtime_ns(metadata) });
        }
    }
}

/// Time of last change in nanoseconds since 1970, negative before.
fn mtime_ns(metadata: &Metadata) -> i64 {
    let Ok(time) = metadata.modified() else { return 0 };
    let nanoseconds = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i128::try_from(after.as_nanos()).unwrap_or(i128::MAX),
        Err(before) => -i128::try_from(before.duration().as_nanos()).unwrap_or(i128::MAX),
    };
    nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::error::ErrorCode;

    fn write(folder: &Path, name: &str, bytes: &[u8]) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn names(root: &Path, options: &WalkOptions) -> Vec<String> {
        let root = fs::canonicalize(root).unwrap();
        let listing = walk(&root, options).unwrap();
        let relative = |c: &Candidate| c.path.strip_prefix(&root).unwrap().display().to_string();
        listing.candidates.iter().map(relative).collect()
    }

    #[test]
    fn lists_files_in_byte_order_and_obeys_ignore_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.txt", "a/z.txt", "a.txt", "build/out.txt", "secret.txt", ".dot.txt"] {
            write(folder.path(), name, b"x");
        }
        write(folder.path(), ".gitignore", b"build/\n");
        write(folder.path(), ".ragignore", b"secret.txt\n");
        assert_eq!(names(folder.path(), &WalkOptions::default()), ["a.txt", "a/z.txt", "b.txt"]);
        let all = WalkOptions { hidden: Hidden::List, ..Default::default() };
        let expected = [".dot.txt", ".gitignore", ".ragignore", "a.txt", "a/z.txt", "b.txt"];
        assert_eq!(names(folder.path(), &all), expected);
    }

    #[test]
    fn globs_choose_and_leave_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.md", "a.txt", "docs/b.md", "docs/old/c.md", "docs/d.pdf"] {
            write(folder.path(), name, b"x");
        }
        let listed = |include: &[&str], exclude: &[&str]| {
            let owned = |globs: &[&str]| globs.iter().map(|glob| (*glob).to_owned()).collect();
            let (include, exclude) = (owned(include), owned(exclude));
            names(folder.path(), &WalkOptions { include, exclude, ..Default::default() })
        };
        assert_eq!(listed(&["*.md"], &[]), ["a.md", "docs/b.md", "docs/old/c.md"]);
        assert_eq!(listed(&["*.md"], &["old/"]), ["a.md", "docs/b.md"]);
        assert_eq!(listed(&[], &["*.md", "*.pdf"]), ["a.txt"]);
        assert_eq!(listed(&["/docs/*"], &["*.pdf"]), ["docs/b.md"]);
        for glob in ["", "!", "!x", "a[", "{a"] {
            let options = WalkOptions { exclude: vec![glob.to_owned()], ..Default::default() };
            let error = walk(folder.path(), &options).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{glob}");
        }
    }

    #[test]
    fn a_file_over_the_cap_is_skipped_with_size_and_cap() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "big.txt", &[b'x'; 20]);
        let options = WalkOptions { max_file_bytes: 10, ..Default::default() };
        let listing = walk(folder.path(), &options).unwrap();
        assert!(listing.candidates.is_empty());
        assert_eq!(listing.skipped[0].error.code(), ErrorCode::Document);
        let message = listing.skipped[0].error.line();
        assert!(message.contains("20 bytes") && message.contains("10"), "{message}");
    }

    #[test]
    fn links_pipes_and_broken_links_are_never_listed() {
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), "outside.txt", b"x");
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "inside.txt", b"x");
        symlink(outside.path(), folder.path().join("escape")).unwrap();
        symlink(folder.path(), folder.path().join("loop")).unwrap();
        symlink("nowhere", folder.path().join("dangling.txt")).unwrap();
        symlink(outside.path().join("outside.txt"), folder.path().join("link.txt")).unwrap();
        let pipe = folder.path().join("pipe.txt");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(names(folder.path(), &WalkOptions::default()), ["inside.txt"]);
        assert_eq!(walk(&pipe, &WalkOptions::default()).unwrap_err().code(), ErrorCode::Document);
    }

    #[test]
    fn the_root_may_be_a_file_or_missing() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.txt", b"hello");
        let listing = walk(&folder.path().join("a.txt"), &WalkOptions::default()).unwrap();
        assert_eq!(listing.candidates[0].size_bytes, 5);
        assert!(listing.candidates[0].mtime_ns > 0);
        let found = &listing.candidates[0];
        assert_eq!(&stat(&found.path).unwrap(), found);
        assert_eq!(stat(Path::new("/none/a")).unwrap_err().code(), ErrorCode::Io);
        let missing = walk(&folder.path().join("none"), &WalkOptions::default()).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::Io);
    }

    #[test]
    fn a_knowledge_base_and_its_side_files_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut header = b"SQLite format 3\0".to_vec();
        header.resize(68, 0);
        header.extend(b"RAG1");
        header.resize(4096, 0);
        write(folder.path(), "kb.rag", &header);
        write(folder.path(), "kb.rag-wal", b"x");
        write(folder.path(), "kb.rag-shm", b"x");
        write(folder.path(), "notes-wal", b"x");
        header[68] = b'X';
        write(folder.path(), "other.db", &header);
        assert_eq!(names(folder.path(), &WalkOptions::default()), ["notes-wal", "other.db"]);
    }

    #[test]
    fn a_name_that_is_not_utf8_is_skipped_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        if fs::write(folder.path().join(OsStr::from_bytes(b"caf\xe9.txt")), "x").is_err() {
            return; // this file system refuses such names
        }
        let listing = walk(folder.path(), &WalkOptions::default()).unwrap();
        assert!(listing.candidates.is_empty());
        assert!(listing.skipped[0].error.line().contains("UTF-8"));
    }

    #[test]
    fn an_unreadable_folder_is_skipped_with_an_io_error() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "closed/a.txt", b"x");
        write(folder.path(), "open.txt", b"x");
        let closed = folder.path().join("closed");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).unwrap();
        let readable_anyway = fs::read_dir(&closed).is_ok(); // root reads everything
        let listing = walk(folder.path(), &WalkOptions::default()).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
        if !readable_anyway {
            assert_eq!(listing.candidates.len(), 1);
            assert_eq!(listing.skipped[0].error.code(), ErrorCode::Io);
        }
    }
}
