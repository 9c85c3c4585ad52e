//! Damaged files taken over into new ones, and copies of files in use.

use std::fs;
use std::path::Path;

use rag_core::store::{Access, IndexMode, Salvage, Seal, Store};
use rag_core::{CancelToken, Error, ErrorCode};
use rusqlite::Connection;

use crate::fixture::{Kb, identity, noise, unit};

const DIM: usize = 16;

fn sample(path: &Path) {
    let kb = Kb::create(path, DIM);
    for number in 0..30u64 {
        let texts: Vec<String> =
            (0..5).map(|n| format!("passage {n} of doc {number} ").repeat(20)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        kb.put(&format!("doc {number}"), &texts, number);
    }
    kb.skip("skipped");
    kb.store.put_setting("llm", "tiny").unwrap();
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    kb.store.remove_document("doc 29").unwrap();
}

fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    connection.execute_batch(sql).unwrap();
}

/// Takes over `path`, encoding lost vectors from seed 99.
fn salvage(path: &Path, to: &Path) -> rag_core::Result<Salvage> {
    let _ = fs::remove_file(to);
    let mut encode = |texts: &[String]| Ok(texts.iter().flat_map(|_| unit(DIM, 99)).collect());
    Store::salvage(path, to, Some(&identity(DIM)), &mut encode, &CancelToken::new())
}

#[test]
fn a_sound_file_comes_over_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("kb.rag"), folder.path().join("new.rag"));
    sample(&path);
    let report = salvage(&path, &to).unwrap();
    assert_eq!((report.document_count, report.passage_count), (30, 145));
    assert_eq!((report.vectors_made, report.lost), (0, vec![]));
    let (old, new) = (Store::open(&path, Access::ReadOnly), Store::open(&to, Access::ReadWrite));
    let (old, new) = (old.unwrap(), new.unwrap());
    assert_eq!(new.check(&CancelToken::new()).unwrap(), []);
    assert_eq!(new.documents().unwrap(), old.documents().unwrap());
    assert_eq!(new.setting("llm").unwrap().as_deref(), Some("tiny"));
    let ids: Vec<i64> = (0..200).collect();
    assert_eq!(new.passages(&ids).unwrap(), old.passages(&ids).unwrap());
    let nearest = |store: &Store| store.nearest(&unit(DIM, 1), 20, IndexMode::Auto).unwrap();
    assert_eq!(nearest(&new), nearest(&old));
    assert_eq!(new.lexical("doc", 200).unwrap().len(), 145);
    drop(new);
    let kb = Kb::create(&to, DIM);
    assert!(kb.put("next", &["more"], 1)[0] > 150, "an id of a removed passage came back");
    assert_eq!(salvage_existing(&path, &to), ErrorCode::InvalidArgument);
}

fn salvage_existing(path: &Path, to: &Path) -> ErrorCode {
    let mut encode = |_: &[String]| Ok(Vec::new());
    let refused = Store::salvage(path, to, None, &mut encode, &CancelToken::new());
    refused.unwrap_err().code()
}

#[test]
fn each_damage_costs_only_what_it_hit() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("kb.rag"), folder.path().join("new.rag"));
    for (sql, lost, made) in [
        ("UPDATE passage SET text = text || '.' WHERE id = 7", &["doc 1"][..], 0),
        ("DELETE FROM passage WHERE id = 7", &["doc 1"], 0),
        ("DELETE FROM passage WHERE id = 10", &["doc 1"], 0),
        ("UPDATE document SET title = 'x' WHERE id = 2", &["doc 1"], 0),
        ("UPDATE document SET source_map = x'00' WHERE id = 2", &["doc 1"], 0),
        ("UPDATE vector SET data = zeroblob(72) WHERE id = 9", &[], 1),
        ("DELETE FROM vector WHERE id > 140", &[], 5),
        ("DELETE FROM lexical WHERE rowid = 9", &[], 0),
        ("DELETE FROM segment", &[], 0),
        ("DELETE FROM meta WHERE key <> 'setting.llm'", &[], 0),
        ("UPDATE meta SET value = 'x' WHERE key = 'setting.llm'", &["setting llm"], 0),
        ("DROP TABLE lexical; DROP TABLE segment; DROP TABLE tombstone", &[], 0),
    ] {
        let _ = fs::remove_file(&path);
        sample(&path);
        tamper(&path, sql);
        let report = salvage(&path, &to).unwrap();
        assert_eq!(report.lost, lost, "{sql}");
        assert_eq!(report.vectors_made, made, "{sql}");
        let store = Store::open(&to, Access::ReadOnly).unwrap();
        assert_eq!(store.check(&CancelToken::new()).unwrap(), [], "{sql}");
        assert_eq!(store.encoder().unwrap(), Some(identity(DIM)), "{sql}");
    }
}

#[test]
fn a_vector_that_cannot_be_made_again_costs_its_document() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("kb.rag"), folder.path().join("new.rag"));
    sample(&path);
    tamper(&path, "DELETE FROM vector WHERE id = 9");
    let mut encode = |_: &[String]| Err(Error::internal("no model"));
    let report = Store::salvage(&path, &to, None, &mut encode, &CancelToken::new()).unwrap();
    assert_eq!(report.lost, ["doc 1"]);
    assert_eq!(report.document_count, 29);
    fs::remove_file(&to).unwrap();
    let mut cancelled = |_: &[String]| Err(Error::Cancelled);
    let stopped = Store::salvage(&path, &to, None, &mut cancelled, &CancelToken::new());
    assert_eq!(stopped.unwrap_err().code(), ErrorCode::Cancelled);
    let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("new")));
}

/// Pages of zeros anywhere: what comes over is sound and was there before.
#[test]
fn zeroed_pages_cost_documents_and_never_put_anything_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let (path, to) = (folder.path().join("kb.rag"), folder.path().join("new.rag"));
    sample(&path);
    let sound = fs::read(&path).unwrap();
    let original = Store::open(&path, Access::ReadOnly).unwrap();
    let ids: Vec<i64> = (0..200).collect();
    let passages = original.passages(&ids).unwrap();
    drop(original);
    let mut next = noise(5);
    let (mut kept, mut refused) = (0, 0);
    for _ in 0..40 {
        let pages = sound.len() / 8192;
        let page = 1 + ((f64::from(next()) + 0.5) * (pages - 1) as f64) as usize;
        let mut rotten = sound.clone();
        rotten[page * 8192..][..8192].fill(0);
        fs::write(&path, &rotten).unwrap();
        let Ok(report) = salvage(&path, &to) else {
            refused += 1;
            continue;
        };
        let store = Store::open(&to, Access::ReadOnly).unwrap();
        assert_eq!(store.check(&CancelToken::new()).unwrap(), [], "page {page}");
        for passage in store.passages(&ids).unwrap() {
            assert!(passages.contains(&passage), "page {page}: {passage:?}");
        }
        kept += report.document_count;
    }
    println!("40 zeroed pages: {kept} of 1200 documents kept, {refused} files refused");
    assert!(kept > 800 && refused < 10, "{kept} {refused}");
}

#[test]
fn a_copy_of_a_file_in_use_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, DIM);
    kb.put("first", &["one", "two"], 1);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 0..200 {
                kb.put(&format!("doc {}", number % 20), &["some", "more", "words"], number);
            }
        });
        for number in 0..8 {
            let to = folder.path().join(format!("copy {number}.rag"));
            kb.store.backup(&to, &CancelToken::new()).unwrap();
            let copy = Store::open(&to, Access::ReadOnly).unwrap();
            assert_eq!(copy.check(&CancelToken::new()).unwrap(), []);
            let info = copy.info().unwrap();
            assert_eq!(info.passage_count, 2 + 3 * (info.document_count - 1));
        }
        writer.join().unwrap();
    });
    let to = folder.path().join("copy 0.rag");
    let refused = kb.store.backup(&to, &CancelToken::new()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidArgument);
    let cancel = CancelToken::new();
    cancel.cancel();
    let to = folder.path().join("never.rag");
    assert_eq!(kb.store.backup(&to, &cancel).unwrap_err().code(), ErrorCode::Cancelled);
    assert!(!to.exists() && !folder.path().join("never.rag.part").exists());
    let memory = Kb::memory(DIM);
    memory.put("a", &["kept"], 1);
    memory.store.backup(&to, &CancelToken::new()).unwrap();
    assert_eq!(Store::open(&to, Access::ReadOnly).unwrap().info().unwrap().passage_count, 1);
}

#[test]
fn vacuum_leaves_nothing_of_what_was_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, DIM);
    kb.put("kept", &["ordinary words"], 1);
    kb.put("secret", &["the passphrase is xylophonequartz"], 2);
    kb.store.remove_document("secret").unwrap();
    kb.store.vacuum().unwrap();
    drop(kb);
    let bytes = fs::read(&path).unwrap();
    for word in ["xylophone", "passphras", "secret"] {
        let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!found, "{word} is still there");
    }
}
