//! Files that commands write: made aside, then put in place whole, so that a full disk or a kill
//! leaves the old file or the new one and never a part. They hold what documents say, so only their
//! owner may read them.

use std::fs::{self, File, Metadata};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rag_core::{Error, Result, files};
use tempfile::NamedTempFile;

/// Puts a file with these bytes at `path`, in place of any that is there; `source` is the knowledge
/// base it was made from.
///
/// A new file is its owner's alone (0600). One in place of another keeps that one's mode, less what
/// `source` does not allow. A link stays, and what it leads to is replaced.
///
/// # Errors
/// InvalidArgument if `path` is a pipe, a device, a folder or a knowledge base; Io. The old file is
/// as it was then.
pub(crate) fn replace(path: &Path, bytes: &[u8], source: &Path) -> Result<()> {
    let (target, old) = target(path)?;
    let io = |error| Error::io(path, error);
    let mut aside = aside(&target).map_err(io)?;
    aside.write_all(bytes).and_then(|()| aside.as_file().sync_all()).map_err(io)?;
    if let Some(old) = old {
        keep_mode(aside.as_file(), &old, source).map_err(io)?;
    }
    aside.persist(&target).map(drop).map_err(|error| io(error.error))
}

/// Whether a file can be put at `path`: for who learns only after long work what it will hold.
///
/// # Errors
/// As [`replace`].
pub(crate) fn check(path: &Path) -> Result<()> {
    let (target, _) = target(path)?;
    aside(&target).map(drop).map_err(|error| Error::io(path, error))
}

/// A file beside `target`, made for the owner alone, under a name that no listing shows and no sync
/// reads.
fn aside(target: &Path) -> std::io::Result<NamedTempFile> {
    let folder = match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    tempfile::Builder::new().prefix(".rag-").suffix(".part").tempfile_in(folder)
}

/// Where the file is to stand, all links followed, and what stands there.
fn target(path: &Path) -> Result<(PathBuf, Option<Metadata>)> {
    let not_over = |what: &str| {
        Err(Error::invalid("output", format!("{} is {what}; name another file", path.display())))
    };
    if files::is_knowledge_base(path) {
        return not_over("a knowledge base that is open");
    }
    match fs::metadata(path) {
        Ok(old) if files::is_of_knowledge_base(path, old.len()) => {
            not_over("a knowledge base, or the log of one")
        }
        Ok(old) if old.is_file() => {
            let target = fs::canonicalize(path).map_err(|source| Error::io(path, source))?;
            Ok((target, Some(old)))
        }
        Ok(_) => {
            let reason = format!("{} is not a regular file; name a file", path.display());
            Err(Error::invalid("output", reason))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((path.to_owned(), None)),
        Err(source) => Err(Error::io(path, source)),
    }
}

#[cfg(unix)]
fn keep_mode(file: &File, old: &Metadata, source: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let allowed = fs::metadata(source).map_or(0, |source| source.permissions().mode());
    let mode = 0o600 | (old.permissions().mode() & allowed & 0o666);
    file.set_permissions(fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_mode(_: &File, _: &Metadata, _: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_new_file_is_its_owners_and_an_old_one_keeps_what_the_source_allows() {
        let folder = tempfile::tempdir().unwrap();
        let (path, source) = (folder.path().join("page.html"), folder.path().join("kb.rag"));
        fs::write(&source, "").unwrap();
        replace(&path, b"one", &source).unwrap();
        assert_eq!(mode(&path), 0o600);
        for (old, allowed, expected) in
            [(0o644, 0o640, 0o640), (0o644, 0o600, 0o600), (0o600, 0o644, 0o600)]
        {
            set_mode(&path, old);
            set_mode(&source, allowed);
            replace(&path, b"two", &source).unwrap();
            assert_eq!(mode(&path), expected);
        }
    }

    #[test]
    fn what_fails_leaves_the_old_file_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.json");
        fs::write(&path, "old").unwrap();
        let missing = folder.path().join("no/page.html");
        assert!(replace(&missing, b"new", &path).is_err());
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for refused in [pipe.as_path(), folder.path(), Path::new("/dev/null")] {
            assert!(replace(refused, b"new", &path).unwrap_err().line().contains("not a regular"));
        }
        // a knowledge base that nobody has open
        let base = folder.path().join("kb.rag");
        let mut header = b"SQLite format 3\0".to_vec();
        header.resize(68, 0);
        header.extend(b"RAG1");
        header.resize(512, 0);
        fs::write(&base, &header).unwrap();
        for refused in [&base, &folder.path().join("kb.rag-wal")] {
            fs::write(folder.path().join("kb.rag-wal"), "log").unwrap();
            assert!(check(refused).unwrap_err().line().contains("is a knowledge base"));
            assert!(replace(refused, b"new", &path).is_err());
        }
        assert_eq!(fs::read(&base).unwrap(), header);
        fs::remove_file(folder.path().join("kb.rag-wal")).unwrap();
        fs::remove_file(&base).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("page.html"), folder.path().join("link.html"));
        fs::write(&path, "old").unwrap();
        symlink("page.html", &link).unwrap();
        replace(&link, b"new", &path).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
