//! The knowledge base file, through the public interface: what is kept, found, refused and noticed.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod damage;
mod files;
mod filters;
mod fixture;
mod format;
mod injection;
mod logs;
mod model;
mod modes;
mod processes;
mod purge;
mod reindex;
mod salvage;
mod space;
mod vectors;

use std::collections::BTreeMap;

use fixture::{Kb, identity, unit};
use rag_core::store::{Access, IndexMode, NewDocument, Seal, Store};
use rag_core::{CancelToken, ErrorCode};

#[test]
fn reopened_store_returns_same_hits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, 16);
    kb.put("a.txt", &["the old bridge", "a quiet river"], 1);
    kb.put("b.txt", &["bridge over water"], 2);
    let query = unit(16, 99);
    let before = (
        kb.store.nearest(&query, 5, IndexMode::Auto).unwrap(),
        kb.store.lexical("bridge", 5).unwrap(),
    );
    assert_eq!((before.0.len(), before.1.len()), (3, 2));
    drop(kb);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["kb.rag"], "a closed store is one file");
    for access in [Access::Create, Access::ReadWrite, Access::ReadOnly] {
        let store = Store::open(&path, access).unwrap();
        assert_eq!(store.nearest(&query, 5, IndexMode::Auto).unwrap(), before.0);
        assert_eq!(store.lexical("bridge", 5).unwrap(), before.1);
        assert_eq!(store.encoder().unwrap(), Some(identity(16)));
        assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
    }
}

#[test]
fn documents_keep_what_was_said_of_them() {
    let kb = Kb::memory(8);
    let metadata = BTreeMap::from([("author".to_owned(), "A \"quoted\" name".to_owned())]);
    let text = "Tout d'abord. Ensuite.";
    let document = NewDocument {
        uri: "/tmp/\u{e9}t\u{e9}.md",
        size_bytes: u64::MAX,
        mtime_ns: -5,
        hash: [7; 32],
        kind: "markdown",
        title: Some("Titre"),
        lang: Some("fr"),
        text,
        source_map: &[],
        metadata: &metadata,
        unread: &[],
    };
    let passages = [fixture::passage(0..13, Some("Titre > Un")), fixture::passage(14..22, None)];
    let vectors = [unit(8, 1), unit(8, 2)].concat();
    let ids = kb.store.put_document(&document, &passages, &vectors).unwrap();
    let row = kb.store.document("/tmp/\u{e9}t\u{e9}.md").unwrap().unwrap();
    assert_eq!(
        (row.size_bytes, row.mtime_ns, row.hash, row.skipped),
        (u64::MAX, -5, [7; 32], None)
    );
    let found = kb.store.passages(&[ids[1], 999, ids[0]]).unwrap();
    assert_eq!(found.iter().map(|p| p.id).collect::<Vec<_>>(), [ids[1], ids[0]]);
    assert_eq!(
        (found[0].text.as_str(), found[0].start, found[0].end, found[0].ordinal),
        ("Ensuite.", 14, 22, 1)
    );
    assert_eq!(
        (found[1].heading.as_deref(), found[1].title.as_deref()),
        (Some("Titre > Un"), Some("Titre"))
    );
    assert_eq!(kb.store.source_map(row.id).unwrap(), Some(Vec::new()));
    assert_eq!(kb.store.source_map(row.id + 1).unwrap(), None);
    assert_eq!(kb.store.passage(12345).unwrap(), None);
}

#[test]
fn a_document_replaces_the_one_with_its_uri_and_ids_are_not_reused() {
    let kb = Kb::memory(8);
    let first = kb.put("a", &["alpha one", "alpha two"], 1);
    let second = kb.put("a", &["beta"], 2);
    assert!(second[0] > first[1]);
    assert_eq!(kb.store.lexical("alpha", 5).unwrap(), []);
    assert_eq!(kb.ids_nearest(3, 10), second);
    assert!(kb.store.remove_document("a").unwrap());
    assert!(!kb.store.remove_document("a").unwrap());
    assert_eq!(kb.ids_nearest(3, 10), [0i64; 0]);
    assert!(kb.put("a", &["gamma"], 3)[0] > second[0]);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn skipped_touched_and_renamed_documents_are_remembered() {
    let kb = Kb::memory(8);
    kb.put("a", &["alpha"], 1);
    let error = kb.skip("a");
    let skipped = kb.store.document("a").unwrap().unwrap().skipped.unwrap();
    assert_eq!((skipped.code.as_str(), skipped.unreadable), ("Document", error.unreadable()));
    assert_eq!(skipped.message, "cannot read a: locked");
    let listed = kb.store.list(None).unwrap();
    assert_eq!((listed[0].skipped.as_ref(), listed[0].metadata.len()), (Some(&skipped), 0));
    assert_eq!(kb.store.lexical("alpha", 5).unwrap(), []);
    let ids = kb.put("b", &["beta"], 2);
    let b = kb.store.document("b").unwrap().unwrap();
    kb.store.touch_document(b.id, 77, 88).unwrap();
    kb.store.rename_document(b.id, "a", 99).unwrap();
    let moved = kb.store.document("a").unwrap().unwrap();
    assert_eq!((moved.id, moved.size_bytes, moved.mtime_ns, moved.skipped), (b.id, 77, 99, None));
    assert_eq!(kb.store.document("b").unwrap(), None);
    assert_eq!(kb.store.passage(ids[0]).unwrap().unwrap().uri, "a");
    let missing = kb.store.touch_document(9999, 1, 1).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NotFound);
    let info = kb.store.info().unwrap();
    assert_eq!((info.document_count, info.skipped_count, info.passage_count), (1, 0, 1));
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn settings_are_kept_apart_from_our_own_values() {
    let kb = Kb::memory(8);
    assert_eq!(kb.store.setting("generation").unwrap(), None);
    kb.store.put_setting("generation", "mine").unwrap();
    assert_eq!(kb.store.setting("generation").unwrap().as_deref(), Some("mine"));
    assert_eq!(kb.store.info().unwrap().generation, 0);
}

#[test]
fn another_encoder_is_refused_once_passages_are_held() {
    let kb = Kb::memory(8);
    let mut other = identity(8);
    other.fingerprint = "another".to_owned();
    kb.store.bind_encoder(&other).unwrap();
    kb.store.bind_encoder(&identity(8)).unwrap();
    kb.put("a", &["alpha"], 1);
    let error = kb.store.bind_encoder(&other).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ModelMismatch);
    let mut moved = identity(8);
    moved.name = "/elsewhere/model".to_owned();
    kb.store.bind_encoder(&moved).unwrap();
    assert_eq!(kb.store.encoder().unwrap(), Some(moved));
}

#[test]
fn what_would_break_the_file_is_refused_at_the_door() {
    let kb = Kb::memory(4);
    let passages = [fixture::passage(0..4, None)];
    let refused = |uri: &str, text: &str, vectors: &[f32]| {
        let document = fixture::document(uri, text);
        kb.store.put_document(&document, &passages, vectors).unwrap_err().code()
    };
    let good = unit(4, 1);
    assert_eq!(refused("", "text", &good), ErrorCode::InvalidArgument);
    assert_eq!(refused("a", "tex", &good), ErrorCode::InvalidArgument);
    assert_eq!(refused("a", "tex\u{e9}", &good), ErrorCode::InvalidArgument);
    assert_eq!(refused("a", "text", &good[..3]), ErrorCode::InvalidArgument);
    for bad in [[0.0; 4], [f32::NAN; 4], [f32::INFINITY, 0.0, 0.0, 0.0], [0.6; 4]] {
        assert_eq!(refused("a", "text", &bad), ErrorCode::InvalidArgument);
        let error = kb.store.nearest(&bad, 1, IndexMode::Auto).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
    }
    let error = kb.store.nearest(&good[..2], 1, IndexMode::Auto).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert_eq!(kb.store.documents().unwrap(), []);
    let unbound = Store::open(":memory:".as_ref(), Access::Create).unwrap();
    let document = fixture::document("a", "text");
    let error = unbound.put_document(&document, &passages, &good).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert_eq!(unbound.nearest(&good, 3, IndexMode::Auto).unwrap(), []);
    unbound.seal(Seal::Now, &CancelToken::new()).unwrap();
}

#[test]
fn vacuum_keeps_everything_and_gives_space_back() {
    let folder = tempfile::tempdir().unwrap();
    let kb = Kb::create(&folder.path().join("kb.rag"), 64);
    for n in 0..200u64 {
        kb.put(&format!("doc {n}"), &["some words to fill a page with text"], n + 1);
    }
    for n in 0..190 {
        kb.store.remove_document(&format!("doc {n}")).unwrap();
    }
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    let before = (kb.ids_nearest(500, 20), kb.store.lexical("words", 20).unwrap());
    kb.store.vacuum().unwrap();
    let bytes = kb.store.info().unwrap().bytes;
    assert_eq!((kb.ids_nearest(500, 20), kb.store.lexical("words", 20).unwrap()), before);
    assert!(bytes < 300_000, "{bytes}");
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    Kb::memory(4).store.vacuum().unwrap();
}

#[test]
fn a_check_after_searches_and_writes_finds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("kb.rag"), ":memory:".into()] {
        let kb = Kb::create(&path, 8);
        for number in 0..300 {
            kb.put(&format!("doc {number}"), &["some words about the bridge"], number + 1);
            if number % 7 == 0 {
                assert!(!kb.store.lexical("bridge words", 50).unwrap().is_empty());
            }
            if number % 50 == 49 {
                assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), [], "{number}");
            }
        }
    }
}

#[test]
fn a_cancelled_check_or_seal_leaves_the_store_usable() {
    let kb = Kb::memory(8);
    kb.put("a", &["alpha"], 1);
    let cancel = CancelToken::new();
    cancel.cancel();
    assert_eq!(kb.store.check(&cancel).unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(kb.store.seal(Seal::Now, &cancel).unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(kb.ids_nearest(1, 1).len(), 1);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}
