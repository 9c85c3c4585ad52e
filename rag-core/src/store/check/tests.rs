//! Files whose every checksum is right, and which say what cannot be.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::super::rows::{DocumentRecord, PassageSum};
use super::super::types::{Access, NewDocument, Precision, Seal};
use super::super::{Store, schema};
use super::*;
use crate::encode::EncoderIdentity;
use crate::passage::Passage;

const DIM: usize = 4;

/// Ten documents of two passages each, sealed with a graph.
fn sample(path: &Path) -> Store {
    let store = Store::open(path, Access::Create).unwrap();
    let (fingerprint, name) = ("f00d".to_owned(), "tiny".to_owned());
    store.bind_encoder(&EncoderIdentity { fingerprint, name, dim: DIM, max_tokens: 8 }).unwrap();
    for number in 0..10 {
        let text = format!("first of {number}\nsecond of {number}");
        let passage = |range| Passage { range, heading: None, page: None, token_count: 1 };
        let passages = [passage(0..10), passage(11..text.len())];
        let angle = number as f32 / 3.0;
        let vectors = [angle.cos(), angle.sin(), 0.0, 0.0, 0.0, 0.0, angle.sin(), angle.cos()];
        let document = NewDocument {
            uri: &format!("doc {number}"),
            size_bytes: text.len() as u64,
            mtime_ns: 1,
            hash: [1; 32],
            kind: "text",
            title: None,
            lang: Some("en"),
            text: &text,
            source_map: &SourceMap::identity(text.len()).to_bytes(),
            metadata: &BTreeMap::new(),
            unread: &[],
        };
        store.put_document(&document, &passages, &vectors).unwrap();
    }
    store.seal(Seal::Now, &CancelToken::new()).unwrap();
    store
}

fn found(store: &Store) -> Vec<String> {
    let damages = store.check(&CancelToken::new()).unwrap();
    damages.into_iter().map(|damage| format!("{}: {}", damage.part, damage.message)).collect()
}

/// Changes document 3 and makes its checksum right again.
fn forge_document(connection: &Connection, change: impl Fn(&mut DocumentRecord)) {
    let mut record = rows::document_by_id(connection, 3).unwrap().unwrap();
    change(&mut record);
    connection
        .execute(
            "UPDATE document SET uri = ?1, size = ?2, length = ?3, mtime_ns = ?4, status = ?5, metadata = ?6, \
             map_check = ?7, \"check\" = ?8 WHERE id = 3",
            rusqlite::params![
                record.uri,
                record.size,
                record.length,
                record.mtime_ns,
                record.status,
                record.metadata,
                record.map_check,
                record.sum()
            ],
        )
        .unwrap();
}

/// Changes the source map of document 3 and makes both its checksums right again.
fn forge_map(connection: &Connection, map: &[u8]) {
    connection.execute("UPDATE document SET source_map = ?1 WHERE id = 3", [map]).unwrap();
    let sum = schema::RowSum::new().bytes(map).finish();
    forge_document(connection, |record| record.map_check = sum);
}

/// Gives passage 5, the first of document 3, another span and page, and a checksum that is right.
fn forge_passage(connection: &Connection, start: i64, end: i64, page: Option<i64>) {
    let text = "first of 2";
    let (id, document, ordinal, heading) = (5, 3, 0, None);
    let columns = PassageSum { id, document, ordinal, start, end, page, heading, text };
    let sql = "UPDATE passage SET start = ?1, \"end\" = ?2, page = ?3, \"check\" = ?4 WHERE id = 5";
    assert_eq!(connection.execute(sql, (start, end, page, columns.sum())).unwrap(), 1);
}

fn forge_vector(connection: &Connection, vector: [f32; DIM]) {
    let row = schema::vector_row(5, &vector, Precision::F32);
    connection.execute("UPDATE vector SET data = ?1 WHERE id = 5", [row]).unwrap();
}

/// Writes the segment again after `change`, with hashes that are right.
fn forge_segment(connection: &Connection, change: impl Fn(&mut SealedSegment)) {
    let generation = meta::counter(connection, meta::GENERATION).unwrap();
    let mut segment = SealedSegment::read(connection, generation, DIM).unwrap().unwrap();
    change(&mut segment);
    segment.write(connection).unwrap();
}

/// A graph over as many nodes whose every link leads from a node to itself.
fn selfish(count: u32) -> Graph {
    let mut bytes = b"RAGH".to_vec();
    let ones = std::iter::repeat_n(1, count as usize);
    let words = [1, count, 0, 1, count, count].into_iter().chain(ones).chain(0..count);
    words.for_each(|word: u32| bytes.extend_from_slice(&word.to_le_bytes()));
    Graph::from_bytes(&bytes, count as usize).unwrap()
}

type Forge = fn(&Connection);

#[test]
fn numbers_that_cannot_be_are_named_however_right_their_checksums() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound.rag");
    assert_eq!(found(&sample(&sound)), [""; 0]);
    let forgeries: [(&str, Forge); 21] = [
        ("longer than its text", |c| forge_document(c, |d| d.length = 1 << 40)),
        ("outside of its text", |c| forge_document(c, |d| d.length = 12)),
        ("less than 0 bytes", |c| forge_document(c, |d| d.size = -1)),
        ("not as long as its source", |c| {
            forge_document(c, |d| (d.mtime_ns, d.size) = (i64::MIN, 7));
        }),
        ("no reason there is", |c| forge_document(c, |d| d.status = 77)),
        ("was skipped but has", |c| forge_document(c, |d| d.status = 3)),
        ("metadata", |c| forge_document(c, |d| d.metadata = "[1]".to_owned())),
        ("no uri", |c| forge_document(c, |d| d.uri.clear())),
        ("map that cannot be read", |c| forge_map(c, &[9, 9, 9])),
        ("more than its text", |c| forge_map(c, &SourceMap::identity(1 << 30).to_bytes())),
        ("passage 5", |c| forge_passage(c, 0, 9, None)),
        ("passage 5", |c| forge_passage(c, 9, 0, None)),
        ("passage 5", |c| forge_passage(c, 0, 10, Some(0))),
        ("vector of passage 5", |c| forge_vector(c, [3.0, 4.0, 0.0, 0.0])),
        ("vector of passage 5", |c| forge_vector(c, [f32::NAN, 0.0, 0.0, 0.0])),
        ("passage 5 stands elsewhere", |c| forge_vector(c, [0.0, 0.6, 0.8, 0.0])),
        ("lead nowhere", |c| forge_segment(c, |s| s.graph = Some(selfish(20)))),
        ("passages up to 1000", |c| forge_segment(c, |s| s.max_id = 1000)),
        ("not in use", |c| {
            c.execute_batch("INSERT INTO segment VALUES(99, 'graph', 0, x'00', x'00')").unwrap();
        }),
        ("the counter says 1", |c| {
            let sql = "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'passage'";
            c.execute_batch(sql).unwrap();
        }),
        ("numbered", |c| {
            c.execute_batch("INSERT INTO tombstone(seq, id) VALUES(-1, 9000)").unwrap();
        }),
    ];
    for (number, (named, forge)) in forgeries.into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.rag"));
        fs::copy(&sound, &path).unwrap();
        let store = Store::open(&path, Access::ReadWrite).unwrap();
        let forged = store.pool.write(|connection| {
            forge(connection);
            Ok(())
        });
        forged.unwrap();
        let found = found(&store);
        assert!(found.iter().any(|damage| damage.contains(named)), "{named}: {found:?}");
    }
}

#[test]
fn a_repaired_forgery_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kb.rag");
    let store = sample(&path);
    let forged = store.pool.write(|connection| {
        forge_document(connection, |document| document.length = -5);
        forge_segment(connection, |segment| segment.graph = Some(selfish(20)));
        Ok(())
    });
    forged.unwrap();
    drop(store);
    let to = folder.path().join("mended.rag");
    let mut encode = |_: &[String]| Ok(Vec::new());
    let report = Store::salvage(&path, &to, None, &mut encode, &CancelToken::new()).unwrap();
    assert_eq!(report.lost, ["doc 2"]);
    assert_eq!(found(&Store::open(&to, Access::ReadOnly).unwrap()), [""; 0]);
}

/// A copy of the sample with `sql` run on it as no version of ours would.
fn tampered(folder: &Path, sql: &str) -> PathBuf {
    let path = folder.join("kb.rag");
    let _ = fs::remove_file(&path);
    drop(sample(&path));
    let connection = Connection::open(&path).unwrap();
    let set = |name, on| connection.set_db_config(name, on).unwrap();
    set(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false);
    connection.pragma_update(None, "writable_schema", "ON").unwrap();
    connection.execute_batch(sql).unwrap();
    path
}

#[test]
fn no_trigger_view_or_table_of_any_name_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let insert = |kind: &str, name: &str, table: &str, sql: &str| {
        format!("INSERT INTO sqlite_schema VALUES('{kind}', '{name}', '{table}', 0, '{sql}')")
    };
    let trigger = |name: &str| {
        let sql = format!("CREATE TRIGGER {name} AFTER INSERT ON passage BEGIN SELECT 1; END");
        insert("trigger", name, "passage", &sql)
    };
    let view = |name: &str| insert("view", name, name, &format!("CREATE VIEW {name} AS SELECT 1"));
    for sql in [
        trigger("sqlite_stat1"),
        trigger("sqlite_stat4_x"),
        trigger("lexical_data2"),
        trigger("plain"),
        view("sqlite_stat1"),
        view("lexical_x"),
        "CREATE TABLE lexical_more(a)".to_owned(),
        "CREATE VIRTUAL TABLE lexical_vocab USING fts5vocab('lexical', 'row')".to_owned(),
        "ANALYZE; UPDATE sqlite_schema SET sql = 'CREATE TABLE sqlite_stat1(tbl,idx,stat,more)' \
         WHERE name = 'sqlite_stat1'"
            .to_owned(),
        "CREATE INDEX lexical_i ON passage(text)".to_owned(),
    ] {
        let path = tampered(folder.path(), &sql);
        let error = Store::open(&path, Access::ReadOnly).unwrap_err().line();
        assert!(error.contains("is not as this version writes it"), "{sql}: {error}");
    }
    let path = tampered(folder.path(), "ANALYZE");
    assert_eq!(found(&Store::open(&path, Access::ReadOnly).unwrap()), [""; 0]);
}
