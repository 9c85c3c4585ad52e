//! Several processes on one file. A child is this test binary, told by the environment what to do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use rag_core::CancelToken;
use rag_core::store::{Access, IndexMode, Seal, Store};

use crate::fixture::{Kb, unit};

const CHILD: &str = "RAG_STORE_TEST_CHILD";
const TRANSACTIONS: u64 = 300;

fn spawn(path: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(CHILD, format!("{name}|{}", path.display()))
        .spawn()
        .unwrap()
}

/// Does nothing unless started by another test here.
#[test]
fn child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (name, path) = order.split_once('|').unwrap();
    let kb = Kb::create(&PathBuf::from(path), 8);
    let seed: u64 = name.len() as u64;
    for number in 0.. {
        if name != "endless" && number == TRANSACTIONS {
            break;
        }
        kb.put(&format!("{name} {}", number % 200), &["some words", "more words"], seed + number);
        if name == "endless" && number % 20 == 19 {
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
        }
    }
}

#[test]
fn two_writers_and_a_reader_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let mut writers = [spawn(&path, "one"), spawn(&path, "three")];
    let kb = Kb::create(&path, 8);
    let mut seen = 0;
    while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
        let count = kb.store.info().unwrap().passage_count;
        assert!(count >= seen, "a reader went back in time");
        seen = count;
        kb.ids_nearest(1, 10);
        kb.put("mine", &["my own words"], 7);
    }
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(kb.store.info().unwrap().passage_count, 2 * 200 * 2 + 1);
    assert_eq!(kb.ids_nearest(1, 10_000).len(), 801);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
}

#[test]
fn a_reader_sees_what_another_store_commits_and_seals() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let writer = Kb::create(&path, 8);
    let reader = Store::open(&path, Access::ReadOnly).unwrap();
    let count = || reader.nearest(&unit(8, 1), 100, IndexMode::Auto).unwrap().len();
    assert_eq!(count(), 0);
    writer.put("a", &["alpha", "beta"], 1);
    assert_eq!(count(), 2);
    writer.put("b", &["gamma"], 2);
    assert_eq!(count(), 3);
    writer.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    assert_eq!((count(), reader.info().unwrap().generation), (3, 1));
    writer.store.remove_document("a").unwrap();
    assert_eq!(count(), 1);
    writer.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    writer.put("a", &["delta"], 3);
    assert_eq!(count(), 2);
    assert_eq!(reader.lexical("delta", 5).unwrap().len(), 1);
}

#[test]
fn a_killed_writer_leaves_whole_documents() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    for round in 0..10u64 {
        let mut writer = spawn(&path, "endless");
        std::thread::sleep(std::time::Duration::from_millis(30 + round * 37 % 150));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let store = Store::open(&path, Access::Create).unwrap();
        assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
        let info = store.info().unwrap();
        assert_eq!(info.passage_count, 2 * info.document_count);
    }
}
