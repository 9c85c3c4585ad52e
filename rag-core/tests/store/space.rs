//! A disk that is too small: told before the work where the need is known, with what is needed and
//! what is free.

use std::path::{Path, PathBuf};
use std::process::Command;

use rag_core::store::{Access, Encode, Store};
use rag_core::{CancelToken, Error, ErrorCode};

use crate::fixture::Kb;

const DISK_BYTES: u64 = 4 << 20;

/// A small disk in memory; only root may make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={DISK_BYTES}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(folder.path())
            .output()
            .is_ok_and(|output| output.status.success());
        if !mounted {
            println!("SKIP a disk that is too small: no right to mount one");
        }
        mounted.then_some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<std::ffi::OsString> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

/// The need and what was free.
fn told(error: &Error, path: &Path) -> (u64, u64) {
    assert_eq!(error.code(), ErrorCode::Store);
    let Error::DiskFull { path: named, needed_bytes, free_bytes } = error else {
        panic!("{}", error.line());
    };
    assert!(named.starts_with(path.parent().unwrap()), "{}", named.display());
    assert!(needed_bytes > free_bytes && *free_bytes <= DISK_BYTES);
    let line = error.line();
    assert!(line.contains(&needed_bytes.to_string()) && line.contains(&free_bytes.to_string()));
    (*needed_bytes, *free_bytes)
}

fn fill(kb: &Kb, documents: u64) {
    let text = "some words to fill a page with text ".repeat(1000);
    for number in 0..documents {
        kb.put(&format!("doc {number}"), &[&text], number + 1);
    }
}

#[test]
fn a_copy_or_a_repair_that_does_not_fit_is_refused_and_leaves_nothing() {
    let Some(disk) = SmallDisk::new() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, 64);
    fill(&kb, 120);
    let to = disk.path("copy.rag");
    let (needed, _) = told(&kb.store.backup(&to, &CancelToken::new()).unwrap_err(), &to);
    assert!(needed >= 120 * 36_000);
    let encode: &mut Encode<'_> = &mut |_| Err(Error::Cancelled);
    let repaired = Store::salvage(&path, &to, None, encode, &CancelToken::new());
    told(&repaired.unwrap_err(), &to);
    assert!(disk.names().is_empty(), "{:?}", disk.names());
}

#[test]
fn what_does_not_fit_is_refused_and_what_was_there_answers() {
    let Some(disk) = SmallDisk::new() else { return };
    let path = disk.path("kb.rag");
    let kb = Kb::create(&path, 64);
    fill(&kb, 20);
    let text = "words ".repeat(1_000_000);
    // what the log has taken already is written over
    let log = std::fs::metadata(disk.path("kb.rag-wal")).unwrap().len();
    let error = kb.try_put("large", &[&text], 9).unwrap_err();
    let (needed, _) = told(&error, &path);
    assert!(needed + log >= 6_000_000, "{needed}");
    told(&kb.store.require_growth(100 << 20).unwrap_err(), &path);
    kb.store.require_growth(10_000).unwrap();
    // until the disk is nearly full; the last one is refused by our check or by SQLite
    let text = "some words to fill a page with text ".repeat(1000);
    let error = (0..)
        .find_map(|number| kb.try_put(&format!("more {number}"), &[&text], number).err())
        .unwrap();
    assert_eq!(error.code(), ErrorCode::Store);
    let error = kb.store.vacuum().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert_eq!(kb.store.document("large").unwrap(), None);
    assert!(kb.store.lexical("words", 1000).unwrap().len() >= 20);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    // closed and opened again, on the disk that is still full
    drop(kb);
    let store = Store::open(&path, Access::ReadOnly).unwrap();
    assert!(store.lexical("words", 1000).unwrap().len() >= 20);
    assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
}
