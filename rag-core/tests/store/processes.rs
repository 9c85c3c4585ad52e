//! Several processes on one file. A child is this test binary, told by the environment what to do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rag_core::CancelToken;
use rag_core::store::{Access, IndexMode, Seal, Store};

use crate::fixture::{Kb, unit};

const CHILD: &str = "RAG_STORE_TEST_CHILD";
const TRANSACTIONS: u64 = 300;
/// Kills in the short run, and with `RAG_LONG=1`.
const SHORT: u64 = 20;
const LONG: u64 = 1000;

fn spawn(path: &Path, name: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::child", "--nocapture"])
        .env(CHILD, format!("{name}|{}", path.display()))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing unless started by another test here.
#[test]
fn child() {
    let Ok(order) = std::env::var(CHILD) else { return };
    let (name, path) = order.split_once('|').unwrap();
    if name == "coming and going" {
        return open_and_close(Path::new(path));
    }
    let kb = Kb::create(&PathBuf::from(path), 8);
    if let Some(round) = name.strip_prefix("endless ") {
        write_for_ever(&kb, round, &ledger(Path::new(path)));
    }
    if name == "sealing" {
        // until it is killed
        loop {
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
            println!("sealed");
        }
    }
    let seed: u64 = name.len() as u64;
    for number in 0..TRANSACTIONS {
        kb.put(&format!("{name} {}", number % 200), &["some words", "more words"], seed + number);
    }
}

fn open_and_close(path: &Path) {
    for round in 0..50 {
        let access = if round % 3 == 2 { Access::ReadOnly } else { Access::Create };
        assert_eq!(Store::open(path, access).unwrap().info().unwrap().passage_count, 0);
    }
}

/// Nobody is refused because others make, open or close the same file in that moment.
#[test]
fn processes_that_come_and_go_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let children: Vec<_> = (0..6).map(|_| spawn(&path, "coming and going")).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(
        Store::open(&path, Access::ReadOnly).unwrap().check(&CancelToken::new()).unwrap(),
        []
    );
}

/// Where a writer notes what was committed, outside of the file.
fn ledger(path: &Path) -> PathBuf {
    path.with_extension("ledger")
}

/// Puts fifty documents over and over and notes each once it is committed.
fn write_for_ever(kb: &Kb, round: &str, ledger: &Path) {
    let mut ledger = File::create(ledger).unwrap();
    for number in 0u64.. {
        let name = format!("doc {}", number % 50);
        let text = format!("round {round} state {number}");
        kb.put(&name, &[&text, &text], number);
        ledger.write_all(format!("{name}|{text}\n").as_bytes()).unwrap();
        if number % 20 == 19 {
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
        }
    }
}

#[test]
fn four_writers_and_two_readers_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let mut writers = ["a", "two", "three", "seventh"].map(|name| spawn(&path, name));
    let kb = Kb::create(&path, 8);
    let done = AtomicBool::new(false);
    let read = || {
        let store = Store::open(&path, Access::ReadOnly).unwrap();
        let mut seen = 0;
        while !done.load(Ordering::Relaxed) {
            let count = store.info().unwrap().passage_count;
            assert!(count >= seen, "a reader went back in time");
            seen = count;
            store.nearest(&unit(8, 1), 10, IndexMode::Auto).unwrap();
            store.lexical("words", 10).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(read);
        scope.spawn(read);
        while writers.iter_mut().any(|writer| writer.try_wait().unwrap().is_none()) {
            kb.put("mine", &["my own words"], 7);
        }
        done.store(true, Ordering::Relaxed);
    });
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert_eq!(kb.store.info().unwrap().passage_count, 4 * 200 * 2 + 1);
    assert_eq!(kb.ids_nearest(1, 10_000).len(), 1601);
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
fn a_killed_writer_loses_nothing_it_was_told_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kills = if std::env::var_os("RAG_LONG").is_some() { LONG } else { SHORT };
    let mut kept = BTreeMap::new();
    let mut acknowledged = 0;
    for round in 0..kills {
        let mut writer = spawn(&path, &format!("endless {round}"));
        std::thread::sleep(Duration::from_millis(20 + round * 37 % 130));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let noted = std::fs::read_to_string(ledger(&path)).unwrap_or_default();
        let _ = std::fs::remove_file(ledger(&path));
        for line in noted.lines() {
            let (name, text) = line.split_once('|').unwrap();
            kept.insert(name.to_owned(), text.to_owned());
            acknowledged += 1;
        }
        kept = assert_holds(&path, &kept, round);
    }
    assert!(acknowledged > kills, "the kills came too early to mean anything");
    println!("{kills} kills, {acknowledged} documents acknowledged, 0 lost, 0 half");
}

/// A seal builds aside and swaps in at once: whoever is killed in it leaves the old index or the
/// new one.
#[test]
fn a_kill_in_the_middle_of_a_seal_leaves_an_index_that_answers() {
    const PASSAGES: usize = 4000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let kb = Kb::create(&path, 8);
    let texts: Vec<String> = (0..40).map(|number| format!("passage {number}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for number in 0..PASSAGES as u64 / 40 {
        kb.put(&format!("doc {number}"), &texts, number);
    }
    let search = |store: &Store| store.nearest(&unit(8, 7), 20, IndexMode::Flat).unwrap();
    let expected = search(&kb.store);
    let started = Instant::now();
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    let seal = started.elapsed();
    drop(kb);
    let kills = if std::env::var_os("RAG_LONG").is_some() { 200 } else { 10 };
    let mut generation = 1;
    for round in 0..kills {
        let mut sealer = spawn(&path, "sealing");
        // from before the first to after some, however long one takes here
        std::thread::sleep(seal.mul_f64((round * 7 % 10) as f64 / 4.0));
        if round + 1 == kills {
            wait_for_seal(&path, generation);
        }
        sealer.kill().unwrap();
        sealer.wait().unwrap();
        let store = Store::open(&path, Access::ReadWrite).unwrap();
        assert_eq!(search(&store), expected);
        assert_eq!(store.info().unwrap().passage_count, PASSAGES);
        assert!(store.info().unwrap().generation >= generation, "a seal was undone");
        generation = store.info().unwrap().generation;
        if round % 5 == 4 {
            assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
        }
    }
    assert!(generation > 1, "the kills came too early to mean anything");
    println!("{kills} kills, {generation} seals, 0 lost");
}

/// Waits until another process has sealed once more.
fn wait_for_seal(path: &Path, generation: u64) {
    let store = Store::open(path, Access::ReadOnly).unwrap();
    let started = Instant::now();
    while store.info().unwrap().generation <= generation {
        assert!(started.elapsed() < Duration::from_secs(120), "no seal");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The file is sound, each document is whole, and holds what was noted last, or what was being
/// written. What it holds now is returned.
fn assert_holds(
    path: &Path,
    kept: &BTreeMap<String, String>,
    round: u64,
) -> BTreeMap<String, String> {
    let store = Store::open(path, Access::Create).unwrap();
    assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let ids: Vec<i64> = store
        .nearest(&unit(8, 1), 10_000, IndexMode::Flat)
        .unwrap_or_default()
        .into_iter()
        .map(|hit| hit.0)
        .collect();
    for passage in store.passages(&ids).unwrap() {
        found.entry(passage.uri).or_default().push(passage.text);
    }
    assert!(
        found.values().all(|texts| texts.len() == 2 && texts[0] == texts[1]),
        "half a document"
    );
    let mut ahead = 0;
    for (name, text) in kept {
        let texts = found.get(name).unwrap_or_else(|| panic!("{name} is lost"));
        let newer = texts[0].starts_with(&format!("round {round} "));
        assert!(texts[0] == *text || newer, "{name} went back to {:?} from {text:?}", texts[0]);
        ahead += usize::from(texts[0] != *text);
    }
    assert!(ahead <= 1, "{ahead} documents are ahead of the ledger");
    found.into_iter().map(|(name, mut texts)| (name, texts.remove(0))).collect()
}
