//! The disk fails at every call, one after another: nothing acknowledged is lost, nothing is half
//! there.
//!
//! A story of writes, seals, searches and a vacuum is told once to count its calls to the disk,
//! then again and again with a fault at one of them. `RAG_LONG=1` tries every call, otherwise every
//! few.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../store/fixture.rs"]
#[allow(dead_code)]
mod fixture;
mod vfs;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fixture::{Kb, identity, unit};
use rag_core::store::{Access, IndexMode, Seal, Store};
use rag_core::{CancelToken, ErrorCode, Result};
use vfs::Fault;

const DIM: usize = 16;
/// Calls tried in the short run.
const SHORT: u64 = 120;

/// One at a time: the faults are those of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    vfs::install();
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Documents by name, with their passages.
type Contents = BTreeMap<String, Vec<String>>;

#[derive(Debug, Clone, Copy)]
enum Step {
    Put(&'static str, u64),
    Remove(&'static str),
    Seal,
    Vacuum,
    Search,
    Reopen,
}

use Step::{Put, Remove, Reopen, Seal as SealNow, Search, Vacuum};

const STORY: &[Step] = &[
    Put("a", 1),
    Put("b", 2),
    Search,
    Put("a", 3),
    SealNow,
    Put("c", 4),
    Remove("b"),
    Search,
    Reopen,
    Put("d", 5),
    Vacuum,
    Search,
    SealNow,
    Remove("a"),
    Put("b", 6),
    Reopen,
    Search,
    Put("e", 7),
];

fn passages(name: &str, seed: u64) -> Vec<String> {
    (0..4).map(|n| format!("passage {n} of {name} in state {seed} ").repeat(30)).collect()
}

/// What the file holds after so many steps.
fn after(steps: usize) -> Contents {
    let mut contents = Contents::new();
    for step in &STORY[..steps] {
        match step {
            Put(name, seed) => {
                contents.insert((*name).to_owned(), passages(name, *seed));
            }
            Remove(name) => {
                contents.remove(*name);
            }
            _ => {}
        }
    }
    contents
}

fn open(path: &Path) -> Result<Store> {
    let store = Store::open(path, Access::Create)?;
    store.bind_encoder(&identity(DIM))?;
    Ok(store)
}

fn take(step: Step, kb: &mut Option<Kb>, path: &Path) -> Result<()> {
    if matches!(step, Reopen) {
        drop(kb.take());
        *kb = Some(Kb { store: open(path)?, dim: DIM });
        return Ok(());
    }
    let Some(kb) = kb else { return Ok(()) };
    match step {
        Put(name, seed) => {
            let texts = passages(name, seed);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            kb.try_put(name, &texts, seed).map(|_| ())
        }
        Remove(name) => kb.store.remove_document(name).map(|_| ()),
        SealNow => kb.store.seal(Seal::Now, &CancelToken::new()),
        Vacuum => kb.store.vacuum(),
        Search => {
            kb.store.nearest(&unit(DIM, 1), 3, IndexMode::Hnsw)?;
            kb.store.lexical("state", 3).map(|_| ())
        }
        Reopen => Ok(()),
    }
}

/// Tells the story until a step fails. The steps that were acknowledged, and the handle.
fn tell(path: &Path) -> (usize, Option<Kb>) {
    let Ok(store) = open(path) else { return (0, None) };
    let mut kb = Some(Kb { store, dim: DIM });
    for (number, step) in STORY.iter().enumerate() {
        if let Err(error) = take(*step, &mut kb, path) {
            let code = error.code();
            assert!(
                matches!(code, ErrorCode::Store | ErrorCode::Busy | ErrorCode::Io),
                "{error:?}"
            );
            return (number, kb);
        }
    }
    (STORY.len(), kb)
}

fn contents(store: &Store) -> Contents {
    let mut contents = Contents::new();
    let ids: Vec<i64> = (0..1000).collect();
    for passage in store.passages(&ids).unwrap() {
        contents.entry(passage.uri).or_default().push(passage.text);
    }
    contents
}

/// The file is sound and holds what it held after one of the steps `from..=to`.
fn assert_state(store: &Store, from: usize, to: usize, what: &str) {
    assert_eq!(store.check(&CancelToken::new()).unwrap(), [], "{what}");
    let found = contents(store);
    let allowed = (from..=to.min(STORY.len())).any(|steps| after(steps) == found);
    let names: Vec<&String> = found.keys().collect();
    assert!(allowed, "{what}: after {from} to {to} steps the file holds {names:?}");
    let count: usize = found.values().map(Vec::len).sum();
    let hits = store.nearest(&unit(DIM, 1), 1000, IndexMode::Auto).unwrap();
    assert_eq!(hits.len(), if store.encoder().unwrap().is_some() { count } else { 0 }, "{what}");
    assert_eq!(store.lexical("state", 1000).unwrap().len(), count, "{what}");
}

/// Tries a fault at many calls of the story; `lost` says that the last commits may be lost.
fn try_all(name: &str, fault: impl Fn(u64) -> Fault, lost: bool) {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    vfs::order(None);
    assert_eq!(tell(&folder.path().join("sound.rag")).0, STORY.len());
    let calls = vfs::calls();
    let stride = if std::env::var_os("RAG_LONG").is_some() { 1 } else { (calls / SHORT).max(1) };
    let mut tried = 0;
    for at in (1..=calls).step_by(stride as usize) {
        let path = folder.path().join(format!("{at}.rag"));
        vfs::order(Some(fault(at)));
        let (done, kb) = tell(&path);
        let what = format!("{:?}, {done} steps done", fault(at));
        assert!(vfs::happened() || done == STORY.len(), "{what}");
        if lost {
            // nothing of this process outlives a power cut
            drop(kb);
            vfs::repair();
            let _ = std::fs::remove_file(folder.path().join(format!("{at}.rag-shm")));
        } else {
            vfs::repair();
            if let Some(kb) = &kb {
                assert_state(&kb.store, done, done + 1, &format!("{what}, same handle"));
            }
            drop(kb);
        }
        let store = Store::open(&path, Access::Create).unwrap_or_else(|error| {
            panic!("{what}: {}", error.line());
        });
        assert_state(&store, if lost { 0 } else { done }, done + 1, &what);
        store.bind_encoder(&identity(DIM)).unwrap();
        let kb = Kb { store, dim: DIM };
        kb.put("after", &["the next write"], 9);
        drop(kb);
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(folder.path().join(format!("{at}.rag{suffix}")));
        }
        tried += 1;
    }
    println!("{name}: {tried} of {calls} calls, 0 wrong states");
}

#[test]
fn an_io_error_at_any_call_leaves_a_whole_state_and_a_usable_handle() {
    try_all("I/O error", Fault::Io, false);
}

#[test]
fn a_disk_that_fills_up_at_any_call_loses_nothing() {
    try_all("disk full", Fault::Full, false);
}

#[test]
fn a_power_cut_at_any_call_leaves_a_whole_state() {
    for seed in 0..if std::env::var_os("RAG_LONG").is_some() { 4 } else { 1 } {
        try_all("power cut", |at| Fault::PowerCut(at, seed * 1_000_003 + at), true);
    }
}
