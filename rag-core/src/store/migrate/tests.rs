//! A file of version 1 on a ladder with an artificial version behind the last one.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::RwLock;
use std::time::Duration;

use super::super::scopes::Scopes;
use super::super::types::Access;
use super::super::{Store, open};
use super::*;
use crate::error::ErrorCode;
use crate::progress::CancelToken;

const CHILD: &str = "RAG_MIGRATE_TEST_CHILD";
const EXTRA: &str =
    "CREATE TABLE extra(id INTEGER PRIMARY KEY, words INTEGER NOT NULL, copy BLOB NOT NULL)";
const TABLES_NEXT: [&str; 9] = {
    let old = schema::TABLES;
    [old[0], old[1], old[2], old[3], old[4], old[5], old[6], old[7], EXTRA]
};

/// Counts the words of every passage, with enough bytes that pages spill into the log before the
/// commit.
fn count_words(connection: &Connection) -> Outcome<()> {
    connection.execute_batch(EXTRA)?;
    connection.execute_batch(
        "INSERT INTO extra SELECT id, length(text) - length(replace(text, ' ', '')) + 1, zeroblob(200000) FROM passage",
    )?;
    Ok(())
}

fn fail_half_way(connection: &Connection) -> Outcome<()> {
    count_words(connection)?;
    connection.execute_batch("DELETE FROM lexical; DELETE FROM vector")?;
    Err(StoreFault::Damaged("no step is perfect".to_owned()))
}

fn forget_a_table(_: &Connection) -> Outcome<()> {
    Ok(())
}

const fn ladder(steps: &'static [MigrationStep]) -> Ladder {
    Ladder { steps, tables: &TABLES_NEXT }
}

const fn step(run: fn(&Connection) -> Outcome<()>) -> MigrationStep {
    MigrationStep { tables: schema::TABLES, run, is_optional: false }
}

const FIRST: MigrationStep =
    MigrationStep { tables: TABLES_1, run: subject::fill, is_optional: true };
const GOOD: Ladder = ladder(&[FIRST, step(count_words)]);
const FAILING: Ladder = ladder(&[FIRST, step(fail_half_way)]);
const INCOMPLETE: Ladder = ladder(&[FIRST, step(forget_a_table)]);

fn fixture(folder: &Path) -> PathBuf {
    let path = folder.join("kb.rag");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/store/v1.rag");
    std::fs::copy(kept, &path).unwrap();
    path
}

fn store(path: &Path, access: Access, ladder: &Ladder) -> crate::Result<Store> {
    let pool = open::open_with(path, access, ladder, None)?;
    Ok(Store { pool, vectors: RwLock::default(), scopes: Scopes::default() })
}

/// All that a caller can see of the file.
fn answers(store: &Store) -> String {
    let query = [0.5_f32, -0.5, 0.5, 0.0, 0.5, 0.0, 0.0, 0.0];
    let ids: Vec<i64> = (0..100).collect();
    format!(
        "{:?}\n{:?}\n{:?}\n{:?}\n{:?}",
        store.documents().unwrap(),
        store.passages(&ids).unwrap(),
        store.nearest(&query, 50, super::super::IndexMode::Flat).unwrap(),
        store.nearest(&query, 10, super::super::IndexMode::Hnsw).unwrap(),
        store.lexical("passage tail", 50).unwrap(),
    )
}

fn words(store: &Store) -> i64 {
    let sum = |c: &Connection| Ok(c.query_row("SELECT sum(words) FROM extra", [], |r| r.get(0))?);
    store.pool.read(sum).unwrap()
}

#[test]
fn an_older_file_is_upgraded_when_opened_to_write_and_answers_as_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = fixture(folder.path());
    let before = answers(&Store::open(&path, Access::ReadOnly).unwrap());
    let bytes = std::fs::read(&path).unwrap();

    let error = store(&path, Access::ReadOnly, &GOOD).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreVersion);
    assert!(error.line().contains("open it once to write"), "{}", error.line());
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "reading does not upgrade");

    let upgraded = store(&path, Access::ReadWrite, &GOOD).unwrap();
    assert_eq!(answers(&upgraded), before);
    assert_eq!(words(&upgraded), 34 * 4 + 4);
    assert_eq!(upgraded.check(&CancelToken::new()).unwrap(), []);
    // the header says so at once, though the file is still open
    let header = std::fs::read(&path).unwrap();
    assert_eq!(header[60..64], [0, 0, 0, 3]);
    drop(upgraded);
    for access in [Access::ReadOnly, Access::ReadWrite, Access::Create] {
        assert_eq!(answers(&store(&path, access, &GOOD).unwrap()), before);
        let error = Store::open(&path, access).unwrap_err();
        assert!(error.line().contains("reads up to 2"), "{}", error.line());
    }
}

#[test]
fn a_failing_step_leaves_the_file_as_it_was() {
    for (ladder, reason) in [(&FAILING, "no step is perfect"), (&INCOMPLETE, "extra")] {
        let folder = tempfile::tempdir().unwrap();
        let path = fixture(folder.path());
        let before = answers(&Store::open(&path, Access::ReadOnly).unwrap());
        let bytes = std::fs::read(&path).unwrap();
        let error = store(&path, Access::Create, ladder).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Store);
        let line = error.line();
        assert!(line.contains("from format version 1 to 3 failed; it is as it was"), "{line}");
        assert!(line.contains(reason), "{line}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
        assert_eq!(answers(&Store::open(&path, Access::ReadWrite).unwrap()), before);
    }
}

#[test]
fn a_file_upgraded_under_an_open_handle_is_refused_by_that_handle() {
    let folder = tempfile::tempdir().unwrap();
    let path = fixture(folder.path());
    let old = Store::open(&path, Access::ReadWrite).unwrap();
    old.documents().unwrap();
    drop(store(&path, Access::ReadWrite, &GOOD).unwrap());
    for error in [old.documents().unwrap_err(), old.put_setting("a", "b").unwrap_err()] {
        assert_eq!(error.code(), ErrorCode::StoreVersion);
    }
    assert_eq!(store(&path, Access::ReadOnly, &GOOD).unwrap().setting("a").unwrap(), None);
}

#[test]
fn a_version_that_never_was_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = fixture(folder.path());
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE more(id)").unwrap();
    drop(connection);
    let error = store(&path, Access::ReadWrite, &GOOD).unwrap_err();
    assert!(
        error.line().contains("more"),
        "an upgrade starts from tables we know: {}",
        error.line()
    );
}

/// Upgrades the file named in the environment, over and over; started by the test below.
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    drop(store(Path::new(&path), Access::ReadWrite, &GOOD));
}

#[test]
fn a_kill_in_an_upgrade_leaves_the_old_file_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = fixture(folder.path());
    let before = answers(&Store::open(&path, Access::ReadOnly).unwrap());
    let (mut old, mut new) = (0, 0);
    for round in 0..60 {
        for suffix in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(folder.path().join(format!("kb.rag{suffix}")));
        }
        fixture(folder.path());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::migrate::tests::child"])
            .env(CHILD, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(500 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let found = Connection::open(&path).unwrap();
        let store = match version(&found).unwrap() {
            1 => {
                old += 1;
                Store::open(&path, Access::ReadWrite).unwrap()
            }
            3 => {
                new += 1;
                store(&path, Access::ReadWrite, &GOOD).unwrap()
            }
            other => panic!("version {other}"),
        };
        drop(found);
        assert_eq!(answers(&store), before);
        assert_eq!(store.check(&CancelToken::new()).unwrap(), []);
    }
    println!("60 kills: {old} files of the old version, {new} of the new");
    assert!(old > 0, "no kill came before the end");
}
