//! Syncs of folders that are hard to mirror, and syncs that stop early, by cancel or by error,
//! while their pipeline is full: they end, and keep what they reported.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "sync/odd_files.rs"]
mod odd_files;
#[path = "sync/vanished.rs"]
mod vanished;

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rag_core::{Call, CancelToken, Error, ErrorCode, KnowledgeBase, OpenOptions, SyncOptions};

/// More than the pipeline holds, so that its threads are waiting for room when the writer stops.
const DOCUMENTS: usize = 200;
/// Far more than a sync of that size takes.
const HANG: Duration = Duration::from_secs(120);

fn folder_of_documents(place: &Path) -> PathBuf {
    let folder = place.join("docs");
    std::fs::create_dir(&folder).unwrap();
    for number in 0..DOCUMENTS {
        let text = format!("Document {number} speaks of the river.");
        std::fs::write(folder.join(format!("{number:03}.txt")), text).unwrap();
    }
    folder
}

fn open(place: &Path, encoder: &Path) -> KnowledgeBase {
    let encoder = Some(encoder.to_string_lossy().into_owned());
    let options = OpenOptions { encoder, ..OpenOptions::default() };
    KnowledgeBase::open(place.join("kb.rag"), &options).unwrap()
}

/// Runs `sync` on a thread of its own: one that never ends is a failure, not a test that never
/// ends.
fn ends<T: Send + 'static>(sync: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = channel();
    thread::spawn(move || done.send(sync()));
    result.recv_timeout(HANG).expect("the sync did not end")
}

#[test]
fn a_cancel_ends_a_sync_whose_pipeline_is_full() {
    let Some(encoder) = common::model("minilm") else { return };
    for stop_at in [1, 2, 20, 65] {
        let place = tempfile::tempdir().unwrap();
        let docs = folder_of_documents(place.path());
        let kb = open(place.path(), &encoder);
        let (error, reported, kb) = ends(move || {
            let cancel = CancelToken::new();
            let mut reported = 0;
            let mut on_progress = |_: &_| {
                reported += 1;
                if reported == stop_at {
                    cancel.cancel();
                    // the threads before the writer fill their channels meanwhile
                    thread::sleep(Duration::from_millis(200));
                }
            };
            let result = kb.sync_with(
                &[docs],
                &SyncOptions::default(),
                Call::new().on_progress(&mut on_progress).cancel(&cancel),
            );
            (result.unwrap_err(), reported, kb)
        });
        assert_eq!(error.code(), ErrorCode::Cancelled);
        assert_eq!(reported, stop_at);
        assert_eq!(kb.info().unwrap().document_count, stop_at);
        assert!(kb.check().unwrap().is_empty());
    }
}

#[test]
fn an_error_of_the_file_ends_a_sync_whose_pipeline_is_full() {
    let Some(encoder) = common::model("minilm") else { return };
    let place = tempfile::tempdir().unwrap();
    let docs = folder_of_documents(place.path());
    let kb = open(place.path(), &encoder);
    let file = place.path().join("kb.rag");
    let error: Error = ends(move || {
        let mut blocker = None;
        let mut on_progress = |_: &_| {
            blocker.get_or_insert_with(|| {
                let other = rusqlite::Connection::open(&file).unwrap();
                other.execute_batch("BEGIN IMMEDIATE").unwrap();
                other
            });
        };
        kb.sync_with(&[docs], &SyncOptions::default(), Call::new().on_progress(&mut on_progress))
            .unwrap_err()
    });
    assert_eq!(error.code(), ErrorCode::Busy);
}
