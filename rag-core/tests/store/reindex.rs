//! What vectors were made from is a fact of the file, and a reindex changes it in steps.

use std::path::Path;

use rag_core::passage::EncoderInput;
use rag_core::store::{Access, IndexMode, Seal, Store};
use rag_core::{CancelToken, ErrorCode};
use rusqlite::Connection;

use crate::fixture::{Kb, document, identity, passage, unit};

const DIM: usize = 8;

/// A file of thirty passages that does not say what their vectors were made from.
fn old(path: &Path) -> Kb {
    let kb = Kb::create(path, DIM);
    for number in 0..10u64 {
        kb.put(&format!("doc {number}"), &["alpha", "beta", "gamma"], number);
    }
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    drop(kb);
    let sql = "DELETE FROM meta WHERE key = 'encoder.input'";
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
    Kb::create(path, DIM)
}

fn assert_sound(store: &Store) {
    assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn a_file_of_version_2_says_nothing_and_keeps_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/store/v2.rag");
    std::fs::copy(fixture, &path).unwrap();
    let store = Store::open(&path, Access::ReadWrite).unwrap();
    assert_eq!(store.encoder_input().unwrap(), EncoderInput::Heading);
    store.backup(&folder.path().join("copy.rag"), &CancelToken::new()).unwrap();
    store.vacuum().unwrap();
    store.purge().unwrap();
    assert_eq!(store.encoder_input().unwrap(), EncoderInput::Heading);
    let copy = Store::open(&folder.path().join("copy.rag"), Access::ReadWrite).unwrap();
    assert_eq!(copy.encoder_input().unwrap(), EncoderInput::Heading);
    let new = Store::open(&folder.path().join("new.rag"), Access::Create).unwrap();
    assert_eq!(new.encoder_input().unwrap(), EncoderInput::Title);
}

#[test]
fn a_document_encoded_from_something_else_is_not_written() {
    let kb = Kb::memory(DIM);
    let put = |input| {
        let passages = [passage(0..5, None)];
        let vectors = unit(DIM, 1);
        kb.store.put_document_from(input, &document("a", "alpha"), &passages, &vectors).unwrap()
    };
    assert_eq!(put(EncoderInput::Heading), None);
    assert_eq!(kb.store.info().unwrap().document_count, 0);
    assert_eq!(put(EncoderInput::Title).unwrap().len(), 1);
}

#[test]
fn vectors_are_replaced_in_steps_and_searches_see_each() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = old(&path);
    let reader = Store::open(&path, Access::ReadOnly).unwrap();
    let best = |seed| reader.nearest(&unit(DIM, seed), 1, IndexMode::Hnsw).unwrap()[0];
    assert!(best(500).1 < 0.999);
    // nothing began yet
    kb.store.put_vectors(1, &[1], &unit(DIM, 500)).unwrap();
    assert!(best(500).1 < 0.999);

    assert!(kb.store.begin_reindex().unwrap());
    assert_eq!(kb.store.encoder_input().unwrap(), EncoderInput::Title);
    assert_eq!(kb.store.outdated_count().unwrap(), 30);
    let ids: Vec<i64> = kb.store.outdated(10).unwrap().iter().map(|row| row.id).collect();
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
    let refused = kb.store.put_vectors(10, &ids, &unit(DIM, 1)).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidArgument);
    kb.store.put_vectors(10, &[4], &unit(DIM, 500)).unwrap();
    assert_eq!(best(500).0, 4);
    assert!(best(500).1 > 0.999);
    assert_eq!(kb.store.outdated_count().unwrap(), 20);
    assert_sound(&kb.store);

    // another one that is behind takes nothing back
    kb.store.put_vectors(5, &[], &[]).unwrap();
    assert_eq!(kb.store.outdated(1).unwrap()[0].id, 11);
    kb.store.remove_document("doc 9").unwrap();
    let new = kb.put("new", &["delta"], 77);
    assert!(kb.store.begin_reindex().unwrap(), "it goes on");
    assert_eq!(kb.store.outdated_count().unwrap(), 17);
    kb.store.put_vectors(30, &[11, 29], &[unit(DIM, 600), unit(DIM, 601)].concat()).unwrap();
    assert_eq!(best(600).0, 11);
    assert!(reader.nearest(&unit(DIM, 601), 100, IndexMode::Flat).unwrap().len() == 28);
    kb.store.end_reindex(&CancelToken::new()).unwrap();
    assert!(!kb.store.begin_reindex().unwrap());
    assert_eq!(best(600).0, 11);
    assert_eq!(kb.store.outdated_count().unwrap(), 0);
    assert_eq!(kb.ids_nearest(77_000, 1), new);
    let meta = Connection::open(&path).unwrap();
    let value = |key: &str| -> Option<String> {
        meta.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).ok()
    };
    assert_eq!(value("segment").as_deref(), Some("graph"), "there was one before");
    assert_eq!((value("encoder.input").as_deref(), value("reindex")), (Some("title"), None));
    assert_sound(&kb.store);
}

#[test]
fn what_no_version_writes_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    for (key, value) in [("encoder.input", "smell"), ("reindex", "1 2"), ("reindex", "a b c")] {
        let path = folder.path().join(format!("{}.rag", value.replace(' ', "-")));
        let kb = Kb::create(&path, DIM);
        kb.put("a", &["alpha"], 1);
        drop(kb);
        forge(&path, key, value);
        let store = Store::open(&path, Access::ReadOnly).unwrap();
        let found = store.check(&CancelToken::new());
        let told = found.map_or_else(|error| error.line(), |damage| damage[0].message.clone());
        assert!(told.contains(value), "{told}");
        assert_eq!(store.encoder().unwrap(), Some(identity(DIM)));
    }
}

/// Writes a row of `meta` as anybody can who knows the format.
fn forge(path: &Path, key: &str, value: &str) {
    let mut framed = Vec::new();
    for text in [key, value] {
        framed.push(2);
        framed.extend((text.len() as u64).to_le_bytes());
        framed.extend(text.as_bytes());
    }
    let sum = xxhash_rust::xxh3::xxh3_64(&framed).cast_signed();
    Connection::open(path)
        .unwrap()
        .execute("INSERT OR REPLACE INTO meta VALUES(?1, ?2, ?3)", (key, value, sum))
        .unwrap();
}
