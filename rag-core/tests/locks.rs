//! What SQLite's locks on an open knowledge base survive: every call of ours, and another program
//! beside it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stderr)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rag_core::cite::{Citation, Evidence, Status};
use rag_core::document::{self, ReadOptions};
use rag_core::encode::{Encoder, OwnEncoder, TextEncoder, TextRole};
use rag_core::search::{Mode, SearchOptions};
use rag_core::store::{Access, Filter, Seal};
use rag_core::{Call, CancelToken, ErrorCode, KnowledgeBase, OpenOptions};

/// The first byte that readers of the main file share (SQLite, os.h), and the one that says the
/// shared memory is in use.
const SHARED_FIRST: u64 = 0x4000_0002;
const IN_USE: u64 = 128;

struct Lengths;

impl TextEncoder for Lengths {
    fn encode(&self, _: TextRole, texts: &[&str]) -> rag_core::Result<Vec<f32>> {
        Ok(texts.iter().flat_map(|text| [1.0, text.len() as f32]).collect())
    }
}

fn options() -> OpenOptions {
    let about = OwnEncoder { name: "lengths".to_owned(), dim: 2, max_tokens: 64 };
    let encoder = Arc::new(Encoder::own(about, Box::new(Lengths)).unwrap());
    OpenOptions { loaded_encoder: Some(encoder), ..OpenOptions::default() }
}

/// The first bytes of this process's locks on a file.
fn locks(path: &Path) -> Vec<u64> {
    let (inode, process) = (fs::metadata(path).unwrap().ino(), std::process::id());
    let table = fs::read_to_string("/proc/locks").unwrap();
    let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let ours = lines.filter(|fields| {
        fields.len() == 8
            && fields[1] == "POSIX"
            && fields[4] == process.to_string()
            && fields[5].ends_with(&format!(":{inode}"))
    });
    ours.map(|fields| fields[6].parse().unwrap()).collect()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[track_caller]
fn assert_locked(path: &Path, after: &str) {
    assert!(locks(path).contains(&SHARED_FIRST), "the file is not locked after: {after}");
    let memory = beside(path, "-shm");
    assert!(locks(&memory).contains(&IN_USE), "the shared memory is not locked after: {after}");
}

fn sample() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    fs::write(place.join("a.txt"), "The gate is green.\n").unwrap();
    (folder, place)
}

fn cited(uri: &Path) -> Citation {
    Citation {
        marker: 1,
        passage_id: 1,
        uri: uri.to_string_lossy().into_owned(),
        page: None,
        start: 0,
        end: 3,
        source_start: None,
        source_end: None,
        place: None,
        quote: "The".to_owned(),
        support: 1.0,
        evidence: Evidence::Words,
        status: Status::Ok,
        store: 0,
    }
}

#[test]
fn every_call_keeps_the_locks_of_an_open_knowledge_base() {
    let (_folder, place) = sample();
    let path = place.join("kb.rag");
    let kb = KnowledgeBase::open(&path, &options()).unwrap();
    kb.add("note", "The first note.").unwrap();
    assert_locked(&path, "add");
    for access in [Access::Create, Access::ReadWrite, Access::ReadOnly] {
        drop(KnowledgeBase::open(&path, &OpenOptions { access, ..options() }).unwrap());
        assert_locked(&path, &format!("opening it once more, {access:?}"));
    }
    let sync = || kb.sync(&place).unwrap();
    assert_eq!(sync().added, 1, "the knowledge base itself is no document");
    assert_locked(&path, "a sync of the folder it lies in");
    fs::write(place.join("a.txt"), "The gate is blue.\n").unwrap();
    assert_eq!(sync().updated, 1);
    assert_locked(&path, "a second sync");
    for mode in [Mode::Dense, Mode::Lexical, Mode::Hybrid] {
        let search = SearchOptions { mode, ..SearchOptions::default() };
        kb.search_with("Which gate is blue?", &search, Call::new()).unwrap();
    }
    assert_locked(&path, "search");
    let documents = kb.documents(None).unwrap();
    kb.documents(Some(&Filter::parse("kind = text").unwrap())).unwrap();
    let passages = kb.passages(&documents[0].uri).unwrap();
    kb.passage(passages[0].id).unwrap();
    kb.locate(0, passages[0].id, None).unwrap();
    kb.info().unwrap();
    assert_locked(&path, "listings");
    kb.seal(Seal::Now).unwrap();
    assert_locked(&path, "seal");
    assert_eq!(kb.check().unwrap(), []);
    assert_locked(&path, "check");
    kb.backup(place.join("copy.rag")).unwrap();
    assert_eq!(kb.backup(&path).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_locked(&path, "backup");
    KnowledgeBase::repair_with(&path, place.join("new.rag"), &options(), Call::new()).unwrap();
    assert_locked(&path, "repair");
    kb.vacuum().unwrap();
    assert_locked(&path, "vacuum");
    kb.remove("note").unwrap();
    kb.remove_where(&Filter::parse("kind = text").unwrap()).unwrap();
    assert_locked(&path, "remove");
}

#[test]
fn no_name_of_an_open_knowledge_base_is_read_as_a_plain_file() {
    let (_folder, place) = sample();
    let path = place.join("kb.rag");
    let kb = KnowledgeBase::open(&path, &options()).unwrap();
    let cancel = CancelToken::new();
    kb.add("note", "The first note.").unwrap();
    let link = place.join("link.gguf");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut names = vec![path.clone(), link, beside(&path, "-wal"), beside(&path, "-shm")];
    for (number, side) in ["-wal", "-shm"].iter().enumerate() {
        let hard = place.join(format!("hard-{number}.txt"));
        fs::hard_link(beside(&path, side), &hard).unwrap();
        names.push(hard);
    }
    for name in names {
        let shown = name.display().to_string();
        let error = document::read_file(&name, &ReadOptions::default(), &cancel).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io, "{shown}");
        assert_locked(&path, &format!("reading {shown}"));
        kb.verify(&cited(&name)).unwrap();
        assert_locked(&path, &format!("verifying {shown}"));
        let _ = rag_core::model::inspect(&name);
        let named = OpenOptions { encoder: Some(shown.clone()), ..OpenOptions::default() };
        let _ = KnowledgeBase::open(":memory:", &named).map(|kb| kb.encoder().is_ok());
        let named = OpenOptions { llm: Some(shown.clone()), ..OpenOptions::default() };
        let _ = KnowledgeBase::open(":memory:", &named).map(|kb| kb.generator().is_ok());
        let _ = KnowledgeBase::open(&name, &options());
        let _ = rag_core::walk::walk(&name, &rag_core::walk::WalkOptions::default());
        assert_locked(&path, &format!("all else done to {shown}"));
    }
    let sync = || kb.sync(&place).unwrap();
    sync();
    assert_locked(&path, "a sync over hard links of its log");
    assert_eq!(kb.documents(None).unwrap().iter().filter(|row| row.skipped.is_none()).count(), 2);
}

/// Many threads read, walk and open while one writes: every interleaving leaves the locks where
/// they are.
#[test]
fn threads_that_open_and_read_at_once_keep_the_locks() {
    let (_folder, place) = sample();
    let path = place.join("kb.rag");
    let cancel = CancelToken::new();
    for _ in 0..20 {
        let _ = fs::remove_file(&path);
        std::thread::scope(|scope| {
            let opened: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| KnowledgeBase::open(&path, &options()).unwrap()))
                .collect();
            let reading = scope.spawn(|| {
                for _ in 0..50 {
                    let _ = document::read_file(&path, &ReadOptions::default(), &cancel);
                    rag_core::walk::walk(&place, &rag_core::walk::WalkOptions::default()).unwrap();
                }
            });
            let opened: Vec<_> = opened.into_iter().map(|thread| thread.join().unwrap()).collect();
            opened[0].add("note", "words").unwrap();
            reading.join().unwrap();
            assert_locked(&path, "threads");
            drop(opened);
        });
    }
}

/// Runs a few lines of Python, whose module `sqlite3` brings the system's SQLite; `None` where
/// there is no Python.
fn python(code: &str, path: &Path) -> Option<String> {
    let run = Command::new("python3").arg("-c").arg(code).arg(path).output();
    let Ok(run) = run else {
        eprintln!("SKIP: there is no python3");
        return None;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    Some(String::from_utf8(run.stdout).unwrap().trim().to_owned())
}

#[test]
fn another_sqlite_that_comes_and_goes_leaves_the_log_to_who_writes() {
    const COUNT: &str = "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]); \
        print(connection.execute('SELECT count(*) FROM document').fetchone()[0]); connection.close()";
    let (_folder, place) = sample();
    let path = place.join("kb.rag");
    let kb = KnowledgeBase::open(&path, &options()).unwrap();
    let sync = || kb.sync(&place).unwrap();
    sync();
    drop(KnowledgeBase::open(&path, &options()).unwrap());
    let Some(count) = python(COUNT, &path) else { return };
    assert_eq!(count, "1");
    assert!(beside(&path, "-wal").exists(), "it took our log for abandoned");
    fs::write(place.join("b.txt"), "The vault code is 4471.\n").unwrap();
    assert_eq!(sync().added, 1);
    assert_eq!(python(COUNT, &path).unwrap(), "2");
    // as after kill -9: nothing is folded in
    std::mem::forget(kb);
    let copy = place.join("later.rag");
    for side in ["", "-wal"] {
        fs::copy(beside(&path, side), beside(&copy, side)).unwrap();
    }
    let later = KnowledgeBase::open(&copy, &options()).unwrap();
    assert_eq!(later.documents(None).unwrap().len(), 2);
    assert_eq!(later.check().unwrap(), []);
}
