//! Who may read what is made of a knowledge base.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rag_core::store::{Access, Store};
use rag_core::{CancelToken, ErrorCode};

use crate::fixture::Kb;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn salvage(from: &Path, to: &Path) -> rag_core::Result<rag_core::store::Salvage> {
    Store::salvage(from, to, None, &mut |_| Ok(Vec::new()), &CancelToken::new())
}

#[test]
fn copies_have_at_most_the_mode_of_their_source() {
    let folder = tempfile::tempdir().unwrap();
    for source_mode in [0o600, 0o640, 0o644, 0o400] {
        let path = folder.path().join(format!("{source_mode:o}.rag"));
        let kb = Kb::create(&path, 8);
        kb.put("a", &["alpha", "beta"], 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(source_mode)).unwrap();
        let (copy, mended) = (path.with_extension("copy"), path.with_extension("mended"));
        kb.store.backup(&copy, &CancelToken::new()).unwrap();
        drop(kb);
        salvage(&path, &mended).unwrap();
        for made in [copy, mended] {
            let more = mode(&made) & !source_mode & 0o077;
            assert_eq!(more, 0, "{source_mode:o} became {:o}", mode(&made));
            let store = Store::open(&made, Access::ReadWrite).unwrap();
            assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
            // the log beside it is no wider
            store.put_setting("key", "value").unwrap();
            let log = format!("{}-wal", made.display());
            assert_eq!(mode(Path::new(&log)) & !mode(&made), 0);
        }
    }
}

#[test]
fn a_copy_is_never_wider_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, 64);
    let text = "some words to fill a page with text ".repeat(1000);
    for number in 0..100 {
        kb.put(&format!("doc {number}"), &[&text], number);
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let copying = std::thread::spawn(move || {
        let to = kb.store.path().with_extension("copy");
        kb.store.backup(&to, &CancelToken::new()).unwrap();
    });
    while !copying.is_finished() {
        for entry in fs::read_dir(folder.path()).unwrap().flatten() {
            let is_copy = entry.file_name().to_string_lossy().contains(".copy");
            let Ok(metadata) = entry.metadata() else { continue };
            if is_copy {
                assert_eq!(metadata.permissions().mode() & 0o077, 0, "{:?}", entry.file_name());
            }
        }
        std::thread::sleep(Duration::from_micros(200));
    }
    copying.join().unwrap();
    assert_eq!(mode(&folder.path().join("kb.copy")), 0o600);
}

#[test]
fn pipes_and_taken_names_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, 8);
    kb.put("a", &["alpha"], 1);
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let to = folder.path().join("to.rag");
    assert_eq!(salvage(&pipe, &to).unwrap_err().code(), ErrorCode::Store);
    assert_eq!(Store::encoder_of(&pipe), None);
    assert_eq!(Store::open(&pipe, Access::ReadWrite).unwrap_err().code(), ErrorCode::Store);
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for taken in [&pipe, &path, &link] {
        let refused = kb.store.backup(taken, &CancelToken::new()).unwrap_err();
        assert!(refused.line().contains("exists already"), "{}", refused.line());
        assert!(salvage(&path, taken).unwrap_err().line().contains("exists already"));
    }
    fs::write(folder.path().join("to.rag-wal"), "left behind").unwrap();
    let refused = kb.store.backup(&to, &CancelToken::new()).unwrap_err();
    assert!(refused.line().contains("log of another file"), "{}", refused.line());
    assert!(!to.exists());
}
