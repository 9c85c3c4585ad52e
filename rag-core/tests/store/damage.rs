//! Flipped bits: noticed, or without effect.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rag_core::store::{Access, IndexMode, Seal, Store};
use rag_core::{CancelToken, ErrorCode, Result};
use rusqlite::Connection;

use crate::fixture::{Kb, noise, unit};

const DIM: usize = 16;

fn sample(path: &Path) {
    let kb = Kb::create(path, DIM);
    for number in 0..20u64 {
        let texts: Vec<String> = (0..10)
            .map(|n| format!("passage {n} of {number} speaks of word{}", number * 10 + n))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        kb.put(&format!("doc {number}"), &texts, number);
        if number == 12 {
            kb.store.remove_document("doc 3").unwrap();
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
            kb.store.remove_document("doc 5").unwrap();
        }
    }
    kb.skip("skipped");
    kb.store.put_setting("floor", "0.75").unwrap();
}

/// Everything a caller can read, as text.
fn contents(store: &Store) -> Result<String> {
    let documents = store.documents()?;
    let ids: Vec<i64> = (0..300).collect();
    let mut all = format!("{documents:?}{:?}{:?}", store.passages(&ids)?, store.setting("floor")?);
    for document in &documents {
        all += &format!("{:?}", store.source_map(document.id)?);
    }
    for mode in [IndexMode::Flat, IndexMode::Hnsw] {
        for seed in 0..5 {
            all += &format!("{:?}", store.nearest(&unit(DIM, seed), 20, mode)?);
        }
    }
    for question in ["passage", "word42", "speaks of word199", "word77 absent"] {
        all += &format!("{:?}", store.lexical(question, 300)?);
    }
    let info = store.info()?;
    Ok(all + &format!("{:?}{:?}", store.encoder()?, (info.passage_count, info.document_count)))
}

#[test]
fn a_flipped_bit_is_named_or_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    sample(&path);
    let sound = fs::read(&path).unwrap();
    let expected = contents(&Store::open(&path, Access::ReadOnly).unwrap()).unwrap();
    let mut next = noise(42);
    let (mut refused, mut named, mut harmless) = (0, 0, 0);
    let flips = if std::env::var_os("RAG_LONG").is_some() { 2000 } else { 400 };
    for _ in 0..flips {
        for companion in ["kb.rag-wal", "kb.rag-shm"] {
            let _ = fs::remove_file(folder.path().join(companion));
        }
        let bit = ((f64::from(next()) + 0.5) * (sound.len() * 8) as f64) as usize;
        let mut rotten = sound.clone();
        rotten[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &rotten).unwrap();
        let started = Instant::now();
        let Ok(store) = Store::open(&path, Access::ReadOnly) else {
            refused += 1;
            continue;
        };
        let damages = store.check(&CancelToken::new());
        let read = contents(&store);
        assert!(started.elapsed() < Duration::from_secs(20), "bit {bit} hangs");
        match (damages, read) {
            (Ok(damages), Ok(read)) if damages.is_empty() => {
                assert_eq!(read, expected, "bit {bit} (byte {}) is silently wrong", bit / 8);
                harmless += 1;
            }
            (Ok(damages), Err(error)) if damages.is_empty() => {
                panic!("bit {bit}: check finds nothing, but {}", error.line())
            }
            _ => named += 1,
        }
    }
    println!("{flips} flips: {refused} refused, {named} named, {harmless} harmless, 0 silent");
    assert!(named > 50);
}

/// Runs SQL on the file as no version of ours would.
fn tamper(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA foreign_keys=OFF").unwrap();
    connection.execute_batch(sql).unwrap();
}

#[test]
fn each_part_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    for (sql, part) in [
        ("UPDATE passage SET text = text || '.' WHERE id = 7", "passage"),
        ("UPDATE passage SET start = start + 1 WHERE id = 7", "passage"),
        ("UPDATE document SET uri = 'elsewhere' WHERE id = 2", "document"),
        ("UPDATE document SET source_map = x'00' WHERE id = 2", "document"),
        ("UPDATE vector SET data = zeroblob(72) WHERE id = 9", "vector"),
        ("DELETE FROM vector WHERE id = 9", "vector"),
        ("DELETE FROM passage WHERE id = 9", "document"),
        ("DELETE FROM lexical WHERE rowid = 9", "lexical"),
        ("UPDATE segment SET data = zeroblob(length(data)) WHERE kind = 'codes'", "segment"),
        ("DELETE FROM segment WHERE kind = 'graph'", "segment"),
        ("INSERT INTO tombstone(id) VALUES(9)", "segment"),
        ("UPDATE meta SET value = '0.1' WHERE key = 'setting.floor'", "file"),
        ("DELETE FROM meta WHERE key = 'encoder.dim'", "file"),
    ] {
        let _ = fs::remove_file(&path);
        sample(&path);
        tamper(&path, sql);
        let store = Store::open(&path, Access::ReadWrite).unwrap();
        let damages = store.check(&CancelToken::new()).unwrap();
        assert!(damages.iter().any(|damage| damage.part == part), "{sql}: {damages:?}");
    }
}

#[test]
fn a_rotten_segment_is_passed_over_and_built_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    sample(&path);
    let search = |store: &Store| store.nearest(&unit(DIM, 1), 20, IndexMode::Hnsw).unwrap();
    let exact = |store: &Store| store.nearest(&unit(DIM, 1), 20, IndexMode::Flat).unwrap();
    let expected = exact(&Store::open(&path, Access::ReadOnly).unwrap());
    for sql in [
        "UPDATE segment SET data = zeroblob(length(data)) WHERE kind = 'graph'",
        "DELETE FROM segment WHERE kind = 'ids'",
        "DELETE FROM segment",
        "UPDATE segment SET generation = generation + 1",
        "UPDATE segment SET \"check\" = zeroblob(32) WHERE kind = 'head'",
    ] {
        tamper(&path, sql);
        let store = Store::open(&path, Access::ReadWrite).unwrap();
        assert_eq!(search(&store), expected, "{sql}");
        assert!(!store.check(&CancelToken::new()).unwrap().is_empty(), "{sql}");
        store.seal(Seal::IfNeeded, &CancelToken::new()).unwrap();
        assert_eq!(store.check(&CancelToken::new()).unwrap(), [], "{sql}");
        assert_eq!(exact(&store), expected, "{sql}");
        store.seal(Seal::Now, &CancelToken::new()).unwrap();
    }
}

#[test]
fn a_damaged_vector_is_told_and_its_document_can_be_put_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    sample(&path);
    tamper(&path, "UPDATE vector SET data = zeroblob(72) WHERE id = 185");
    let kb = Kb::create(&path, DIM);
    let error = kb.store.nearest(&unit(DIM, 1), 5, IndexMode::Auto).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Store);
    let uri = kb.store.passage(185).unwrap().unwrap().uri;
    kb.put(&uri, &["said again"], 1);
    assert_eq!(kb.store.nearest(&unit(DIM, 1), 5, IndexMode::Auto).unwrap().len(), 5);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}
