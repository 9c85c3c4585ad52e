//! Nothing of what was removed is left where its removal was to be thorough.

use std::fs;
use std::path::Path;
use std::process::Command;

use rag_core::CancelToken;
use rag_core::store::{IndexMode, Seal};
use rusqlite::Connection;

use crate::fixture::{Kb, unit};

const DIM: usize = 16;

/// Words that stand nowhere else, and their stems.
const SECRETS: [&str; 4] = ["zyxwvutarian", "qqquxfoobar", "vertraulichkeitsstufe", "s3cr3tt0k3n"];

/// How often bytes occur in the file and what stands beside it. Another process reads them: one
/// that closes a file loses the locks it has on it.
fn count(path: &Path, needle: &[u8]) -> usize {
    let read = |suffix: &&str| {
        let name = format!("{}{suffix}", path.display());
        Command::new("cat").arg(name).output().unwrap().stdout
    };
    ["", "-wal", "-shm", "-journal"]
        .iter()
        .map(read)
        .map(|bytes| bytes.windows(needle.len()).filter(|window| *window == needle).count())
        .sum()
}

fn left(path: &Path) -> Vec<&'static str> {
    SECRETS.into_iter().filter(|secret| count(path, &secret.as_bytes()[..7]) > 0).collect()
}

/// Two hundred documents, every fourth with a secret in its name, heading and text, sealed
/// half-way.
fn sample(path: &Path, secure: bool) -> (Kb, Vec<String>) {
    let kb = Kb::create(path, DIM);
    if secure {
        kb.store.delete_securely().unwrap();
    }
    let mut secret_uris = Vec::new();
    for number in 0..200_u64 {
        let secret = SECRETS[number as usize / 4 % SECRETS.len()];
        let is_secret = number.is_multiple_of(4);
        let word = if is_secret { secret } else { "ordinary" };
        let uri = format!("/docs/{word}-{}.txt", number.wrapping_mul(2_654_435_761) % 1000);
        let first = format!("{word} is said in {number}. ").repeat(1 + number as usize % 40);
        kb.put(&uri, &[&first, "a plain second passage"], number);
        if is_secret {
            secret_uris.push(uri);
        }
        if number == 120 {
            kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
        }
    }
    (kb, secret_uris)
}

#[test]
fn purged_text_is_found_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let (kb, uris) = sample(&path, false);
    for uri in &uris {
        assert!(kb.store.remove_document(uri).unwrap());
    }
    assert!(!left(&path).is_empty(), "removed text stays until it is purged");
    // a search before and after sees the same
    let search = || kb.store.nearest(&unit(DIM, 7), 10, IndexMode::Auto).unwrap();
    let expected = search();
    kb.store.purge().unwrap();
    assert_eq!(left(&path), [""; 0]);
    assert_eq!(fs::metadata(format!("{}-wal", path.display())).unwrap().len(), 0);
    assert_eq!(search(), expected);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    kb.store.seal(Seal::Now, &CancelToken::new()).unwrap();
    assert_eq!(search(), expected);
    drop(kb);
    assert_eq!(left(&path), [""; 0]);
}

#[test]
fn what_was_removed_long_before_goes_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let (kb, uris) = sample(&path, false);
    for uri in &uris {
        kb.store.remove_document(uri).unwrap();
    }
    drop(kb);
    assert!(!left(&path).is_empty());
    Kb::create(&path, DIM).store.purge().unwrap();
    assert_eq!(left(&path), [""; 0]);
}

/// Removed vectors tell much of their texts: no code of theirs is left either.
#[test]
fn codes_of_removed_vectors_go_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let (kb, uris) = sample(&path, false);
    let sealed = |path: &Path| -> i64 {
        let connection = Connection::open(path).unwrap();
        connection.query_row("SELECT count(*) FROM segment", [], |row| row.get(0)).unwrap()
    };
    assert!(sealed(&path) > 0);
    kb.store.purge().unwrap();
    assert!(sealed(&path) > 0, "nothing was removed");
    kb.store.remove_document(&uris[0]).unwrap();
    kb.store.purge().unwrap();
    assert_eq!(sealed(&path), 0);
}

#[test]
fn a_reader_in_the_way_is_told_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let (kb, uris) = sample(&path, false);
    let reader = Connection::open(&path).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM passage").unwrap();
    kb.store.remove_document(&uris[0]).unwrap();
    assert_eq!(kb.store.purge().unwrap_err().code(), rag_core::ErrorCode::Busy);
    reader.execute_batch("COMMIT").unwrap();
    kb.store.purge().unwrap();
}

#[test]
fn secure_deletion_leaves_no_text_in_rows_words_or_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let (kb, uris) = sample(&path, true);
    for uri in &uris {
        kb.store.remove_document(uri).unwrap();
    }
    kb.store.scrub().unwrap();
    // the texts are longer than what split pages keep of names
    let text = count(&path, b"is said in 4.");
    assert_eq!(text, 0);
    assert_eq!(fs::metadata(format!("{}-wal", path.display())).unwrap().len(), 0);
    assert_eq!(kb.store.check(&CancelToken::new()).unwrap(), []);
    println!("left of names in split pages: {:?}", left(&path));
}
