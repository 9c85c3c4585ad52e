//! The log beside a file: its own is always taken, one of other data never, and one that is deleted
//! is missed.

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::store::{Access, Seal, Store};
use rag_core::{CancelToken, ErrorCode};

use crate::fixture::{Kb, noise};

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// File and log as a kill leaves them, under another name.
fn killed(path: &Path, to: &Path) {
    let _ = fs::remove_file(beside(to, "-shm"));
    for side in ["", "-wal"] {
        let _ = fs::remove_file(beside(to, side));
        if beside(path, side).exists() {
            fs::copy(beside(path, side), beside(to, side)).unwrap();
        }
    }
}

fn contents(store: &Store) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for document in store.documents().unwrap() {
        for passage in store.passages_of(document.id).unwrap() {
            all.push((document.uri.clone(), passage.text));
        }
    }
    all
}

/// Opens what lies there, to be written; asserts that it is sound, holds `expected` and takes new
/// documents.
#[track_caller]
fn assert_is(path: &Path, expected: &[(String, String)], is_foreign: bool) {
    let kb = Kb { store: Store::open(path, Access::ReadWrite).unwrap(), dim: 8 };
    assert_eq!(kb.store.notices().len(), usize::from(is_foreign), "{:?}", kb.store.notices());
    assert_eq!(contents(&kb.store), expected);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    kb.put("zz later", &["written after it was opened"], 99);
    assert_eq!(contents(&kb.store).len(), expected.len() + 1);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    drop(kb);
    let store = Store::open(path, Access::ReadOnly).unwrap();
    assert_eq!(contents(&store).len(), expected.len() + 1);
    assert!(store.notices().is_empty());
}

fn sample(folder: &Path) -> (PathBuf, Kb) {
    let path = folder.join("kb.rag");
    let kb = Kb::create(&path, 8);
    kb.put("a", &["alpha", "beta"], 1);
    (path, kb)
}

#[test]
fn the_log_of_a_file_that_a_copy_was_put_over_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    let copy = folder.path().join("backup.rag");
    kb.store.backup(&copy, &CancelToken::new()).unwrap();
    let expected = contents(&kb.store);
    let texts: Vec<String> = (0..60).map(|n| format!("text {n} ").repeat(50)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    kb.put("b", &texts, 2);
    kb.store.remove_document("a").unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite, Access::Create] {
        let place = folder.path().join("place.rag");
        killed(&path, &place);
        fs::copy(&copy, &place).unwrap();
        let store = Store::open(&place, access).unwrap();
        assert_eq!(contents(&store), expected, "{access:?}");
        let notice = store.notices().join("");
        let aside = beside(&place, "-wal.aside1");
        assert!(notice.contains(&*aside.to_string_lossy()), "{notice}");
        assert_eq!(fs::read(&aside).unwrap(), fs::read(beside(&path, "-wal")).unwrap());
        drop(store);
        fs::remove_file(&aside).unwrap();
        killed(&path, &place);
        fs::copy(&copy, &place).unwrap();
        assert_is(&place, &expected, true);
        fs::remove_file(&aside).unwrap();
    }
    assert!(
        Store::open(&copy, Access::ReadOnly).unwrap().notices().is_empty(),
        "a copy alone is no cause for a word"
    );
}

#[test]
fn a_repair_takes_nothing_from_a_log_of_other_data() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    let copy = folder.path().join("backup.rag");
    kb.store.backup(&copy, &CancelToken::new()).unwrap();
    let expected = contents(&kb.store);
    kb.put("b", &["gamma"], 2);
    let place = folder.path().join("place.rag");
    killed(&path, &place);
    fs::copy(&copy, &place).unwrap();
    let new = folder.path().join("new.rag");
    let mut none = |_: &[String]| -> rag_core::Result<Vec<f32>> { panic!("no vector is lost") };
    Store::salvage(&place, &new, None, &mut none, &CancelToken::new()).unwrap();
    assert_eq!(contents(&Store::open(&new, Access::ReadOnly).unwrap()), expected);
}

/// A seeded story; after each step both what a kill would leave and every copy made before are
/// tried.
#[test]
fn whatever_the_moment_a_files_own_log_is_taken_and_another_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (path, mut kb) = sample(folder.path());
    let place = folder.path().join("place.rag");
    let mut copies: Vec<(PathBuf, Vec<(String, String)>)> = Vec::new();
    let mut next = noise(11);
    let mut foreign = 0;
    for step in 0..40u64 {
        match ((next() + 0.5) * 10.0) as u32 {
            0..=4 => drop(kb.put(&format!("doc {}", step % 7), &[&format!("state {step}")], step)),
            5 => drop(kb.store.remove_document(&format!("doc {}", step % 5)).unwrap()),
            6 => kb.store.seal(Seal::Now, &CancelToken::new()).unwrap(),
            7 => kb.store.vacuum().unwrap(),
            8 => kb.store.put_setting("note", &"x".repeat(step as usize * 90)).unwrap(),
            _ => {
                drop(kb);
                kb = Kb { store: Store::open(&path, Access::ReadWrite).unwrap(), dim: 8 };
            }
        }
        killed(&path, &place);
        let log = beside(&place, "-wal");
        let live = fs::metadata(&log).is_ok_and(|log| log.len() > 0);
        assert_is(&place, &contents(&kb.store), false);
        // a plain copy of the closed file, and one that we make
        let copy = folder.path().join(format!("copy-{step}.rag"));
        kb.store.backup(&copy, &CancelToken::new()).unwrap();
        copies.push((copy, contents(&kb.store)));
        if !live {
            let plain = folder.path().join(format!("plain-{step}.rag"));
            fs::copy(&path, &plain).unwrap();
            copies.push((plain, contents(&kb.store)));
        }
        for (copy, expected) in copies.iter().rev().step_by(3) {
            killed(&path, &place);
            fs::copy(copy, &place).unwrap();
            let is_plain = copy.to_string_lossy().contains("plain");
            let store = Store::open(&place, Access::ReadOnly).unwrap();
            let set_aside = !store.notices().is_empty();
            let found = contents(&store);
            assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
            drop(store);
            let _ = fs::remove_file(beside(&place, "-wal.aside1"));
            // a copy from where the log begins is the file that the log belongs to
            let own = is_plain && !set_aside && found == contents(&kb.store);
            assert!(found == *expected || own, "step {step}, {}", copy.display());
            assert!(set_aside || own || !live, "step {step}, {}", copy.display());
            foreign += u32::from(set_aside);
        }
    }
    assert!(foreign > 50, "{foreign}");
}

#[test]
fn a_file_of_before_commits_were_named_keeps_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/store/v1.rag");
    fs::copy(kept, &path).unwrap();
    let store = Store::open(&path, Access::ReadWrite).unwrap();
    let place = folder.path().join("place.rag");
    for round in 0..5 {
        store.put_setting("round", &round.to_string()).unwrap();
        killed(&path, &place);
        let later = Store::open(&place, Access::ReadWrite).unwrap();
        assert_eq!(later.setting("round").unwrap().unwrap(), round.to_string());
        assert!(later.notices().is_empty());
    }
}

#[test]
fn a_journal_from_the_making_of_another_file_does_not_empty_this_one() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    let expected = contents(&kb.store);
    drop(kb);
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    journal.extend([0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 32, 0]);
    journal.resize(512, 0);
    fs::write(beside(&path, "-journal"), journal).unwrap();
    assert_is(&path, &expected, true);
}

#[test]
fn a_log_deleted_while_open_is_reported_and_what_it_held_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    kb.put("b", &["gamma"], 2);
    let expected = contents(&kb.store);
    fs::remove_file(beside(&path, "-wal")).unwrap();
    let error = kb.try_put("c", &["delta"], 3).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert!(error.to_string().contains("-wal"), "{error}");
    assert!(kb.store.documents().is_err() && kb.try_put("c", &["delta"], 3).is_err());
    drop(kb);
    assert_is(&path, &expected, false);
}

#[test]
fn a_log_replaced_while_open_is_reported_and_never_folded_in() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    for side in ["-wal", "-shm"] {
        fs::remove_file(beside(&path, side)).unwrap();
    }
    fs::write(beside(&path, "-wal"), b"").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(kb.try_put("c", &["delta"], 3).unwrap_err().to_string().contains("replaced"));
    let second = Store::open(&path, Access::ReadWrite).unwrap_err();
    assert!(second.to_string().contains("close it first"), "{second}");
    drop(kb);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_log_deleted_after_a_kill_is_missed_by_check() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    kb.put("b", &["gamma"], 2);
    let place = folder.path().join("place.rag");
    let copied = std::process::Command::new("cp").arg("-a").arg(&path).arg(&place).status();
    let noted = rustix_attribute(&place);
    if !copied.is_ok_and(|status| status.success()) || !noted {
        println!("SKIP: this file system keeps no attributes");
        return;
    }
    let store = Store::open(&place, Access::ReadOnly).unwrap();
    let found = store.check(&CancelToken::new()).unwrap();
    assert_eq!((found.len(), found[0].part.as_str()), (1, "log"), "{found:?}");
    assert!(found[0].message.contains("-wal"), "{}", found[0].message);
    assert_eq!(store.notices().len(), 1);
    drop(store);
    // who writes to it has been told, and begins to count from here
    let store = Store::open(&place, Access::ReadWrite).unwrap();
    assert_eq!(store.notices().len(), 1);
    drop(store);
    assert_eq!(
        Store::open(&place, Access::ReadOnly).unwrap().check(&CancelToken::new()).unwrap(),
        []
    );
}

fn rustix_attribute(path: &Path) -> bool {
    let found = std::process::Command::new("python3")
        .args(["-c", "import os, sys; os.getxattr(sys.argv[1], 'user.rag.commit')"])
        .arg(path)
        .stderr(std::process::Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

#[cfg(unix)]
#[test]
fn a_file_with_two_names_is_only_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    let other = folder.path().join("other.rag");
    fs::hard_link(&path, &other).unwrap();
    let error = kb.try_put("b", &["gamma"], 2).unwrap_err();
    assert!(error.to_string().contains("hard links"), "{error}");
    let expected = contents(&kb.store);
    let second = Store::open(&other, Access::ReadOnly).unwrap_err();
    assert!(second.to_string().contains("kb.rag"), "{second}");
    drop(kb);
    for access in [Access::Create, Access::ReadWrite] {
        let error = Store::open(&other, access).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Store);
        assert!(error.to_string().contains("hard links"), "{error}");
    }
    let reader = Store::open(&other, Access::ReadOnly).unwrap();
    assert_eq!(contents(&reader), expected);
    drop(reader);
    fs::remove_file(&other).unwrap();
    assert_is(&path, &expected, false);
}

#[cfg(unix)]
#[test]
fn a_link_leads_to_the_one_real_name() {
    let folder = tempfile::tempdir().unwrap();
    let (path, kb) = sample(folder.path());
    let link = folder.path().join("link.rag");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let other = Kb { store: Store::open(&link, Access::ReadWrite).unwrap(), dim: 8 };
    other.put("b", &["gamma"], 2);
    assert_eq!(contents(&kb.store), contents(&other.store));
    assert!(!beside(&link, "-wal").exists() && beside(&path, "-wal").exists());
}

#[test]
fn a_restore_puts_a_whole_backup_in_place_and_no_log_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let cancel = CancelToken::new();
    let (path, kb) = sample(folder.path());
    let copy = folder.path().join("backup.rag");
    kb.store.backup(&copy, &cancel).unwrap();
    let expected = contents(&kb.store);
    kb.put("b", &["gamma"], 2);
    let error = Store::restore(&copy, &path, &cancel).unwrap_err();
    assert!(error.to_string().contains("close it"), "{error}");
    kb.put("c", &["delta"], 3);
    let place = folder.path().join("place.rag");
    killed(&path, &place);
    let info = Store::restore(&copy, &place, &cancel).unwrap();
    assert_eq!((info.document_count, info.passage_count), (1, 2));
    for side in ["-wal", "-wal.aside1", "-journal", ".part"] {
        assert!(!beside(&place, side).exists(), "{side}");
    }
    assert_is(&place, &expected, false);
    let new = folder.path().join("new.rag");
    Store::restore(&copy, &new, &cancel).unwrap();
    assert_is(&new, &expected, false);
    // what is damaged or not ours is left alone
    let mut bytes = fs::read(&copy).unwrap();
    let at = bytes.windows(5).rposition(|window| window == b"alpha").unwrap();
    bytes[at] ^= 1;
    fs::write(&copy, bytes).unwrap();
    let before = fs::read(&new).unwrap();
    let error = Store::restore(&copy, &new, &cancel).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert_eq!(fs::read(&new).unwrap(), before);
    let notes = folder.path().join("notes.txt");
    fs::write(&notes, "mine").unwrap();
    assert_eq!(Store::restore(&new, &notes, &cancel).unwrap_err().code(), ErrorCode::Store);
    assert_eq!(fs::read_to_string(&notes).unwrap(), "mine");
}
