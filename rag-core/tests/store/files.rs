//! Files that are missing, not ours, newer, cut short or not to be written.

use std::fs;
use std::path::Path;

use rag_core::store::{Access, IndexMode, SkippedFile, Store};
use rag_core::{CancelToken, Error, ErrorCode, Unreadable};
use rusqlite::Connection;

use crate::fixture::{Kb, unit};

const ALL: [Access; 3] = [Access::Create, Access::ReadWrite, Access::ReadOnly];

fn code(path: &Path, access: Access) -> ErrorCode {
    Store::open(path, access).unwrap_err().code()
}

/// Asserts that no access opens the file, and that it keeps its bytes and gets no companions.
fn assert_refused_untouched(path: &Path, expected: ErrorCode) {
    let before = fs::read(path).unwrap();
    for access in ALL {
        assert_eq!(code(path, access), expected, "{access:?}");
    }
    assert_eq!(fs::read(path).unwrap(), before);
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
}

fn sample(path: &Path) -> Kb {
    let kb = Kb::create(path, 8);
    kb.put("a", &["alpha", "beta"], 1);
    kb
}

#[test]
fn a_missing_file_is_made_only_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    assert_eq!(code(&path, Access::ReadWrite), ErrorCode::Io);
    assert_eq!(code(&path, Access::ReadOnly), ErrorCode::Io);
    assert_eq!(code(&folder.path().join("no/kb.rag"), Access::Create), ErrorCode::Io);
    assert!(!path.exists());
    drop(Store::open(&path, Access::Create).unwrap());
    let store = Store::open(&path, Access::ReadOnly).unwrap();
    assert_eq!(store.encoder().unwrap(), None);
    assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn an_empty_file_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    fs::write(&path, b"").unwrap();
    assert_eq!(code(&path, Access::ReadWrite), ErrorCode::Store);
    sample(&path);
    assert_eq!(Store::open(&path, Access::ReadOnly).unwrap().info().unwrap().passage_count, 2);
}

/// Nobody is refused as busy because others make, open or close the same file in that moment.
#[test]
fn a_file_made_by_many_at_once_is_opened_by_all() {
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kb.rag");
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..4 {
                        let store = Store::open(&path, Access::Create).unwrap();
                        assert_eq!(store.info().unwrap().passage_count, 0);
                        drop(Store::open(&path, Access::ReadOnly).unwrap());
                    }
                });
            }
        });
    }
}

#[test]
fn what_is_not_ours_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    for bytes in [b"x".to_vec(), b"plain text, longer than a header. ".repeat(20), vec![0; 8192]] {
        fs::write(&path, bytes).unwrap();
        assert_refused_untouched(&path, ErrorCode::Store);
    }
    fs::remove_file(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE notes(text); INSERT INTO notes VALUES('mine')").unwrap();
    drop(other);
    assert_refused_untouched(&path, ErrorCode::Store);
    assert_eq!(code(folder.path(), Access::Create), ErrorCode::Store);
}

#[test]
fn a_newer_file_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    sample(&path);
    let mut bytes = fs::read(&path).unwrap();
    bytes[60..64].copy_from_slice(&7u32.to_be_bytes());
    fs::write(&path, bytes).unwrap();
    assert_refused_untouched(&path, ErrorCode::StoreVersion);
}

#[test]
fn a_file_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    sample(&path);
    let bytes = fs::read(&path).unwrap();
    for length in [50, 100, 4096, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        assert_refused_untouched(&path, ErrorCode::Store);
    }
}

#[test]
fn a_schema_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    for sql in [
        "CREATE TRIGGER evil AFTER INSERT ON passage BEGIN DELETE FROM document; END",
        "CREATE VIEW evil AS SELECT 1",
        "ALTER TABLE passage ADD COLUMN more",
        "DROP TABLE tombstone",
    ] {
        let _ = fs::remove_file(&path);
        sample(&path);
        let hostile = Connection::open(&path).unwrap();
        hostile.execute_batch(sql).unwrap();
        drop(hostile);
        for access in ALL {
            assert_eq!(code(&path, access), ErrorCode::Store, "{sql}");
        }
    }
}

#[test]
fn read_only_reads_and_does_not_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    sample(&path);
    let before = fs::read(&path).unwrap();
    let store = Store::open(&path, Access::ReadOnly).unwrap();
    assert_eq!(store.lexical("alpha", 5).unwrap().len(), 1);
    let error = Error::document("x".as_ref(), Unreadable::Broken, "m");
    let file = SkippedFile {
        uri: "x",
        size_bytes: 1,
        mtime_ns: 1,
        hash: [0; 32],
        error: &error,
        tried_pictures: false,
    };
    for error in [
        store.put_setting("a", "b").unwrap_err(),
        store.remove_document("a").unwrap_err(),
        store.put_skipped(&file).unwrap_err(),
        store.vacuum().unwrap_err(),
        store.seal(rag_core::store::Seal::Now, &CancelToken::new()).unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::Store);
        assert!(error.to_string().contains("read-only"), "{error}");
    }
    store.bind_encoder(&crate::fixture::identity(8)).unwrap();
    drop(store);
    assert_eq!(fs::read(&path).unwrap(), before);
}

/// Root may write anywhere, so a folder that takes no companion files is made by putting something
/// in their way.
#[cfg(unix)]
#[test]
fn a_folder_that_takes_no_log_is_read_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb 100%?#.rag");
    sample(&path);
    std::os::unix::fs::symlink("/nowhere/at/all", folder.path().join("kb 100%?#.rag-shm")).unwrap();
    let store = Store::open(&path, Access::ReadOnly).unwrap();
    assert_eq!(store.lexical("alpha", 5).unwrap().len(), 1);
    assert_eq!(store.nearest(&unit(8, 1), 5, IndexMode::Auto).unwrap().len(), 2);
    assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
    assert_eq!(code(&path, Access::ReadWrite), ErrorCode::Store);
}

/// A file that is moved or replaced while open is told by every call; what took its name is not
/// touched.
#[cfg(unix)]
#[test]
fn a_file_that_is_moved_or_replaced_while_open_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (path, other) = (folder.path().join("kb.rag"), folder.path().join("other.rag"));
    for replaced in [true, false] {
        let kb = sample(&path);
        kb.store.nearest(&unit(8, 1), 5, IndexMode::Auto).unwrap();
        let before = if replaced {
            drop(sample(&other));
            let bytes = fs::read(&other).unwrap();
            fs::rename(&other, &path).unwrap();
            Some(bytes)
        } else {
            fs::rename(&path, folder.path().join("moved.rag")).unwrap();
            None
        };
        for error in [
            kb.try_put("b", &["gamma"], 2).map(|_| ()).unwrap_err(),
            kb.store.nearest(&unit(8, 1), 5, IndexMode::Auto).map(|_| ()).unwrap_err(),
            kb.store.lexical("alpha", 5).map(|_| ()).unwrap_err(),
            kb.store.check(&CancelToken::new()).map(|_| ()).unwrap_err(),
            kb.store.vacuum().unwrap_err(),
        ] {
            assert_eq!(error.code(), ErrorCode::Store);
            assert!(error.line().contains("moved or replaced"), "{}", error.line());
        }
        assert_eq!(before.is_some(), path.exists());
        if let Some(before) = before {
            assert_eq!(fs::read(&path).unwrap(), before);
        }
        drop(kb);
        for entry in fs::read_dir(folder.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    }
}
