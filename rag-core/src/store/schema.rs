//! The tables, their version, and the checksums of their rows. docs/format.md describes them byte
//! by byte.

use std::collections::BTreeSet;

use half::f16;
use half::slice::HalfFloatSliceExt;
use rusqlite::Connection;
use xxhash_rust::xxh3::Xxh3;

use super::fault::{Outcome, StoreFault};
use super::types::Precision;
use crate::kernels::dot::dot_f32;

/// "RAG1", in the file's header at byte 68.
pub(super) const APPLICATION_ID: u32 = 0x5241_4731;
/// The version of the tables, in the file's header at byte 60. Earlier ones are in
/// [`super::migrate`].
pub(super) const VERSION: u32 = 2;

/// 8 KiB pages hold ten vectors of 384 half-precision numbers; 4 KiB pages would hold four each.
pub(super) const PAGE_SIZE: u32 = 8192;

/// The full-text table, also made in memory by `check` to compare with. What goes into it is words
/// separated by spaces; the tokenizer cuts nothing else.
pub(super) const LEXICAL: &str = "CREATE VIRTUAL TABLE lexical USING fts5(body, content='', \
     contentless_delete=1, tokenize='ascii')";

/// The words of titles and names; a word stands in one field of a document. Ordinary rows and no
/// full-text table: a word is looked up, never a place.
pub(super) const SUBJECT: &str = "CREATE TABLE subject(word TEXT NOT NULL, document INTEGER NOT NULL, \
     field INTEGER NOT NULL, PRIMARY KEY(word, document)) WITHOUT ROWID";

/// The tables of this version. A new version keeps the old list in its step of
/// [`super::migrate::LADDER`].
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE meta(key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, \"check\" INTEGER NOT NULL) \
     WITHOUT ROWID",
    "CREATE TABLE document(id INTEGER PRIMARY KEY AUTOINCREMENT, uri TEXT NOT NULL UNIQUE, \
     kind TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, hash BLOB NOT NULL, title TEXT, \
     lang TEXT, metadata TEXT NOT NULL, length INTEGER NOT NULL, status INTEGER NOT NULL, error TEXT, \
     added_at INTEGER NOT NULL, map_check INTEGER NOT NULL, \"check\" INTEGER NOT NULL, \
     source_map BLOB NOT NULL)",
    "CREATE TABLE passage(id INTEGER PRIMARY KEY AUTOINCREMENT, \
     document INTEGER NOT NULL REFERENCES document(id), ordinal INTEGER NOT NULL, start INTEGER NOT NULL, \
     \"end\" INTEGER NOT NULL, page INTEGER, heading TEXT, text TEXT NOT NULL, \"check\" INTEGER NOT NULL, \
     UNIQUE(document, ordinal))",
    "CREATE TABLE vector(id INTEGER PRIMARY KEY REFERENCES passage(id), data BLOB NOT NULL)",
    "CREATE TABLE segment(generation INTEGER NOT NULL, kind TEXT NOT NULL, chunk INTEGER NOT NULL, \
     data BLOB NOT NULL, \"check\" BLOB NOT NULL, PRIMARY KEY(generation, kind, chunk))",
    "CREATE TABLE tombstone(seq INTEGER PRIMARY KEY AUTOINCREMENT, id INTEGER NOT NULL)",
    LEXICAL,
    SUBJECT,
];

/// Makes the tables and marks the file as ours. The caller owns the transaction.
pub(super) fn create(connection: &Connection) -> Outcome<()> {
    create_tables(connection, TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

fn create_tables(connection: &Connection, tables: &[&str]) -> Outcome<()> {
    for table in tables {
        connection.execute_batch(table)?;
    }
    Ok(())
}

/// The file's version as the connection sees it: the header of the file may be behind its log.
pub(super) fn version(connection: &Connection) -> Outcome<u32> {
    Ok(connection.prepare_cached("PRAGMA user_version")?.query_row([], |row| row.get(0))?)
}

/// Refuses a file whose tables are not exactly these: a damaged one, or one made to trick us.
pub(super) fn verify(connection: &Connection, tables: &[&str]) -> Outcome<()> {
    let model = Connection::open_in_memory()?;
    create_tables(&model, tables)?;
    let (ours, found) = (objects(&model)?, objects(connection)?);
    match ours.symmetric_difference(&found).next() {
        None => Ok(()),
        Some((kind, name, _)) => Err(StoreFault::Damaged(format!(
            "its {kind} {name:?} is not as this version writes it"
        ))),
    }
}

/// The tables that `ANALYZE` leaves behind, as SQLite writes them; all else of such a name is no
/// work of SQLite's.
const STATISTICS: &[(&str, &str)] = &[
    ("sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("sqlite_stat3", "CREATE TABLE sqlite_stat3(tbl,idx,neq,nlt,ndlt,sample)"),
    ("sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
];

/// Whether it is a table that `ANALYZE` made.
fn is_statistics(kind: &str, name: &str, sql: &str) -> bool {
    kind == "table" && STATISTICS.contains(&(name, sql))
}

/// Whether it is one of FTS5's own tables: an ordinary one, whose columns are SQLite's affair.
fn is_shadow(kind: &str, name: &str, sql: &str) -> bool {
    kind == "table" && name.starts_with("lexical_") && sql.starts_with("CREATE TABLE ")
}

/// Type, name and SQL of everything in the schema: tables and indexes, for no version of ours has
/// triggers or views.
fn objects(connection: &Connection) -> Outcome<BTreeSet<(String, String, String)>> {
    let mut statement =
        connection.prepare("SELECT type, name, coalesce(sql, '') FROM sqlite_schema")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut objects = BTreeSet::new();
    for row in rows {
        let (kind, name, sql): (String, String, String) = row?;
        if is_statistics(&kind, &name, &sql) {
            continue;
        }
        let sql = if is_shadow(&kind, &name, &sql) { String::new() } else { sql };
        objects.insert((kind, name, sql));
    }
    Ok(objects)
}

/// A running checksum over the columns of a row (xxh3-64). Each column is framed by its kind and
/// length.
pub(super) struct RowSum(Xxh3);

impl RowSum {
    pub(super) fn new() -> Self {
        Self(Xxh3::new())
    }

    pub(super) fn int(mut self, value: i64) -> Self {
        self.0.update(&[1]);
        self.0.update(&value.to_le_bytes());
        self
    }

    pub(super) fn optional_int(mut self, value: Option<i64>) -> Self {
        match value {
            Some(value) => self.int(value),
            None => {
                self.0.update(&[0]);
                self
            }
        }
    }

    pub(super) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.update(&[2]);
        self.0.update(&(value.len() as u64).to_le_bytes());
        self.0.update(value);
        self
    }

    pub(super) fn text(self, value: &str) -> Self {
        self.bytes(value.as_bytes())
    }

    pub(super) fn optional_text(mut self, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(value),
            None => {
                self.0.update(&[0]);
                self
            }
        }
    }

    /// The checksum as SQLite keeps it.
    pub(super) fn finish(self) -> i64 {
        self.0.digest().cast_signed()
    }
}

/// A vector as it is stored: its numbers, then the checksum of id and numbers.
pub(super) fn vector_row(id: i64, vector: &[f32], precision: Precision) -> Vec<u8> {
    let mut row: Vec<u8> = match precision {
        Precision::F16 => {
            vector.iter().flat_map(|x| f16::from_f32(*x).to_bits().to_le_bytes()).collect()
        }
        Precision::F32 => vector.iter().flat_map(|x| x.to_le_bytes()).collect(),
    };
    let sum = vector_sum(id, &row);
    row.extend_from_slice(&sum.to_le_bytes());
    row
}

/// How far the squared length of a stored vector may be from 1: half precision moves each number by
/// 2^-11 of it.
const STORED_TOLERANCE: f32 = 5e-3;

/// Reads a row of `dim` numbers of either precision into `vector`, at length 1; `false` if it is
/// damaged, or holds what no version of ours writes: numbers that are not finite, or a vector that
/// is not of length 1.
pub(super) fn read_vector_row(id: i64, data: &[u8], dim: usize, vector: &mut Vec<f32>) -> bool {
    vector.clear();
    let Some((body, sum)) = data.split_last_chunk::<8>() else { return false };
    if u64::from_le_bytes(*sum) != vector_sum(id, body) {
        return false;
    }
    if body.len() == dim * 4 {
        vector.extend(body.chunks_exact(4).map(|x| f32::from_le_bytes([x[0], x[1], x[2], x[3]])));
        return is_unit(dot_f32(vector, vector));
    }
    if body.len() != dim * 2 {
        return false;
    }
    let half = body.chunks_exact(2).map(|x| f16::from_bits(u16::from_le_bytes([x[0], x[1]])));
    let half: Vec<f16> = half.collect();
    vector.resize(dim, 0.0);
    half.convert_to_f32_slice(vector);
    // rounding moved its end a little off the unit sphere
    let squared = dot_f32(vector, vector);
    let norm = squared.sqrt();
    vector.iter_mut().for_each(|x| *x /= norm);
    is_unit(squared)
}

/// False for NaN as well.
fn is_unit(squared: f32) -> bool {
    (squared - 1.0).abs() <= STORED_TOLERANCE
}

fn vector_sum(id: i64, body: &[u8]) -> u64 {
    let mut sum = Xxh3::new();
    sum.update(&id.to_le_bytes());
    sum.update(body);
    sum.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_flipped_bit_of_a_vector_row_shows() {
        for precision in [Precision::F16, Precision::F32] {
            let row = vector_row(7, &[0.6, -0.8], precision);
            let mut vector = Vec::new();
            assert!(read_vector_row(7, &row, 2, &mut vector));
            assert!((vector[0] - 0.6).abs() < 3e-4 && (vector[1] + 0.8).abs() < 3e-4);
            assert!((dot_f32(&vector, &vector) - 1.0).abs() < 1e-6);
            assert!(!read_vector_row(8, &row, 2, &mut vector));
            assert!(!read_vector_row(7, &row, 3, &mut vector));
            for bit in 0..row.len() * 8 {
                let mut rotten = row.clone();
                rotten[bit / 8] ^= 1 << (bit % 8);
                assert!(!read_vector_row(7, &rotten, 2, &mut vector));
            }
        }
    }

    #[test]
    fn a_vector_row_that_is_not_of_length_one_is_damaged() {
        for precision in [Precision::F16, Precision::F32] {
            for vector in
                [[0.0, 0.0], [6.0, 8.0], [0.1, 0.1], [f32::NAN, 1.0], [f32::INFINITY, 0.0]]
            {
                let row = vector_row(7, &vector, precision);
                assert!(!read_vector_row(7, &row, 2, &mut Vec::new()), "{vector:?}");
            }
        }
    }

    #[test]
    fn columns_do_not_run_into_each_other() {
        let a = RowSum::new().text("ab").text("c").finish();
        let b = RowSum::new().text("a").text("bc").finish();
        let none = RowSum::new().optional_text(None).finish();
        let empty = RowSum::new().optional_text(Some("")).finish();
        assert_ne!(a, b);
        assert_ne!(none, empty);
    }
}
