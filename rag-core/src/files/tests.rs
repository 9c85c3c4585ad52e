#![allow(clippy::unwrap_used)]
use super::*;
use crate::error::ErrorCode;

fn sample(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, "words").unwrap();
    (folder, path)
}

#[test]
fn a_knowledge_base_that_nobody_has_open_is_not_written_over() {
    let (folder, path) = sample("kb.rag");
    let mut bytes = b"SQLite format 3\0".to_vec();
    bytes.resize(68, 0);
    bytes.extend(b"RAG1");
    bytes.resize(4096, 7);
    fs::write(&path, &bytes).unwrap();
    let (log, link) = (beside(&path, "-wal"), folder.path().join("link"));
    fs::write(&log, "log").unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for name in [&path, &log, &link] {
        let error = PlainFile::create(name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{}", name.display());
    }
    assert_eq!(fs::read(&path).unwrap(), bytes);
    assert_eq!(fs::read(&log).unwrap(), b"log");
    // another database is the caller's business
    bytes[68] = b'X';
    fs::write(&path, &bytes).unwrap();
    assert!(PlainFile::create(&log).is_ok() && PlainFile::create(&path).is_ok());
}

#[test]
fn a_claimed_file_is_refused_under_every_name_until_it_is_given_up() {
    let (folder, path) = sample("kb.rag");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let hard = folder.path().join("hard");
    fs::hard_link(&path, &hard).unwrap();
    let log = beside(&path, "-wal");
    fs::write(&log, "log").unwrap();
    let claim = Claim::take(&path).unwrap().unwrap();
    let second = Claim::take(&link).unwrap().unwrap();
    claim.note_sides();
    for name in [&path, &link, &hard, &log] {
        assert!(is_held(&PlainFile::open(name).unwrap_err()), "{}", name.display());
        assert!(is_held(&PlainFile::create(name).unwrap_err()), "{}", name.display());
        assert!(is_knowledge_base(name));
    }
    let error = Claim::take(&hard).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    assert!(error.to_string().contains("kb.rag"), "{error}");
    drop(claim);
    assert!(is_held(&PlainFile::open(&hard).unwrap_err()));
    drop(second);
    assert_eq!(read_text(&hard).unwrap(), "words");
    assert_eq!(read(&log).unwrap(), b"log");
}

/// As when another thread closes a knowledge base whose log was just deleted.
#[test]
fn a_file_with_the_number_of_a_log_that_is_gone_is_no_log() {
    let (folder, path) = sample("kb.rag");
    let claim = Claim::take(&path).unwrap().unwrap();
    let log = beside(&path, "-wal");
    fs::write(&log, "log").unwrap();
    claim.note_sides();
    let number = FileId::of(&log);
    fs::remove_file(&log).unwrap();
    for n in 0..100 {
        let other = folder.path().join(format!("{n}.txt"));
        fs::write(&other, "other").unwrap();
        assert_eq!(read(&other).unwrap(), b"other");
        assert!(Claim::take(&other).is_ok());
        if FileId::of(&other) == number {
            return;
        }
    }
}

#[test]
fn a_descriptor_whose_file_is_claimed_meanwhile_is_kept() {
    let (_folder, path) = sample("kb.rag");
    let plain = PlainFile::open(&path).unwrap();
    let claim = Claim::take(&path).unwrap().unwrap();
    drop(plain);
    let id = claim.id().unwrap();
    assert_eq!(register().get(&id).unwrap().kept.len(), 1);
    drop(claim);
    assert!(register().get(&id).is_none());
}

#[test]
fn a_file_is_looked_at_alone_only_by_its_one_holder() {
    let (_folder, path) = sample("kb.rag");
    let first = Claim::create(&path).unwrap();
    assert_eq!(first.alone(|| 1), Some(1));
    let second = Claim::take(&path).unwrap().unwrap();
    assert_eq!((first.alone(|| 1), second.alone(|| 1)), (None, None));
    drop(first);
    assert_eq!(second.alone(|| 1), Some(1));
}

#[test]
fn pipes_and_devices_are_refused_at_once() {
    let (folder, _) = sample("a");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, folder.path(), Path::new("/dev/zero")] {
        let error = PlainFile::open(path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(Claim::take(&pipe).unwrap_err().code(), ErrorCode::Store);
    assert!(Claim::take(&folder.path().join("none")).unwrap().is_none());
}
