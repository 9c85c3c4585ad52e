//! Writing: every function here runs inside one transaction of the caller.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;

use super::fault::{Outcome, StoreFault};
use super::rows::{self, DocumentRecord, PassageSum, TRIED_PICTURES, UNREAD, UNREADABLE};
use super::subject::DocumentNames;
use super::types::{NewDocument, Precision, SkippedFile};
use super::{lexical, meta, schema};
use crate::encode::EncoderIdentity;
use crate::error::{Error, Result};
use crate::kernels::dot::dot_f32;
use crate::passage::Passage;

/// How far the squared length of a vector may be from 1.
const UNIT_TOLERANCE: f32 = 2e-3;

/// Checks what the caller hands in, before anything is written.
///
/// # Errors
/// InvalidArgument for an empty uri, passages that are not stretches of the text, or vectors that
/// are not one finite unit row per passage.
pub(super) fn validate(
    document: &NewDocument<'_>,
    passages: &[Passage],
    vectors: &[f32],
    dim: usize,
) -> Result<()> {
    if document.uri.is_empty() {
        return Err(Error::invalid("uri", "empty"));
    }
    if let Some(passage) = passages.iter().find(|p| document.text.get(p.range.clone()).is_none()) {
        let (range, length) = (&passage.range, document.text.len());
        return Err(Error::invalid(
            "passages",
            format!("{range:?} is no stretch of {length} bytes"),
        ));
    }
    validate_rows(passages.len(), vectors, dim)
}

/// Refuses vectors that are not one finite unit row for each of `count` passages.
pub(super) fn validate_rows(count: usize, vectors: &[f32], dim: usize) -> Result<()> {
    if count.checked_mul(dim) != Some(vectors.len()) {
        let found = vectors.len();
        let reason = format!("{found} numbers for {count} passages of {dim}");
        return Err(Error::invalid("vectors", reason));
    }
    vectors.chunks_exact(dim.max(1)).try_for_each(|row| check_unit("vectors", row))
}

/// What a document takes in the log at least: its texts and vectors, without the full text.
pub(super) fn least_bytes(
    connection: &Connection,
    document: &NewDocument<'_>,
    passages: &[Passage],
    dim: usize,
) -> Outcome<u64> {
    let number = match meta::precision(connection)? {
        Precision::F16 => 2,
        Precision::F32 => 4,
    };
    let texts: usize = passages.iter().map(|passage| passage.range.len()).sum();
    Ok((texts + document.source_map.len() + passages.len() * (dim * number + 8)) as u64)
}

/// Refuses a vector that is not finite or not of length 1.
pub(super) fn check_unit(argument: &'static str, vector: &[f32]) -> Result<()> {
    let norm = dot_f32(vector, vector);
    // false for NaN as well
    if (norm - 1.0).abs() <= UNIT_TOLERANCE {
        return Ok(());
    }
    Err(Error::invalid(argument, format!("not a unit vector: its squared length is {norm}")))
}

/// The words of each passage, as they are indexed; made before the transaction, so that it is
/// short.
pub(super) fn bodies(
    document: &NewDocument<'_>,
    passages: &[Passage],
    cut: lexical::Cut,
) -> Vec<String> {
    let mut indexer = lexical::Indexer::new(document.lang, cut);
    let body = |passage: &Passage| {
        let text = document.text.get(passage.range.clone()).unwrap_or_default();
        indexer.text(passage.heading.as_deref(), text)
    };
    passages.iter().map(body).collect()
}

/// The metadata as its row keeps it, with what was not read under a name of its own.
fn metadata(document: &NewDocument<'_>) -> Result<String> {
    let json = |error| Error::internal_cause("metadata cannot be written as JSON", error);
    let is_own = |key: &String| key.as_str() != UNREAD;
    let mut metadata: BTreeMap<&str, &str> = document
        .metadata
        .iter()
        .filter(|(key, _)| is_own(key))
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let unread = serde_json::to_string(document.unread).map_err(json)?;
    if !document.unread.is_empty() {
        metadata.insert(UNREAD, &unread);
    }
    serde_json::to_string(&metadata).map_err(json)
}

/// The passages of a new document, in order: each with what its words are found by, and its vector.
pub(super) struct NewRows<'a> {
    pub(super) passages: &'a [Passage],
    pub(super) bodies: &'a [String],
    /// Row after row of `dim` numbers.
    pub(super) vectors: &'a [f32],
    pub(super) dim: usize,
}

pub(super) fn put_document(
    connection: &Connection,
    document: &NewDocument<'_>,
    rows: &NewRows<'_>,
) -> Outcome<Vec<i64>> {
    let NewRows { passages, bodies, vectors, dim } = *rows;
    // never updated in place: the ids of passages are not used again, so that what was cited before
    // cannot come to point at other words
    remove(connection, document.uri)?;
    let mut record = DocumentRecord {
        id: 0,
        uri: document.uri.to_owned(),
        kind: document.kind.to_owned(),
        size: document.size_bytes.cast_signed(),
        mtime_ns: document.mtime_ns,
        hash: document.hash.to_vec(),
        title: document.title.map(str::to_owned),
        lang: document.lang.map(str::to_owned),
        metadata: metadata(document)?,
        length: document.text.len() as i64,
        status: 0,
        error: None,
        added_at: now(),
        map_check: 0,
        check: 0,
    };
    let document_id = record.insert(connection, document.source_map)?;
    record.subject().put(connection, document_id)?;
    let mut ids = Vec::with_capacity(passages.len());
    let first_id = next_passage_id(connection)?;
    let mut rows = vectors.chunks_exact(dim.max(1));
    let precision = meta::precision(connection)?;
    for (ordinal, passage) in passages.iter().enumerate() {
        let text = document.text.get(passage.range.clone()).unwrap_or_default();
        let id = first_id + ordinal as i64;
        let columns = PassageSum {
            id,
            document: document_id,
            ordinal: ordinal as i64,
            start: passage.range.start as i64,
            end: passage.range.end as i64,
            page: passage.page.map(i64::from),
            heading: passage.heading.as_deref(),
            text,
        };
        insert_passage(connection, &columns)?;
        let vector = rows.next().unwrap_or_default();
        connection
            .prepare_cached("INSERT INTO vector(id, data) VALUES(?1, ?2)")?
            .execute((id, schema::vector_row(id, vector, precision)))?;
        let body = bodies.get(ordinal).map_or("", String::as_str);
        connection
            .prepare_cached("INSERT INTO lexical(rowid, body) VALUES(?1, ?2)")?
            .execute((id, body))?;
        ids.push(id);
    }
    meta::bump(connection, meta::CHANGE)?;
    Ok(ids)
}

fn insert_passage(connection: &Connection, columns: &PassageSum<'_>) -> Outcome<()> {
    connection
        .prepare_cached(
            "INSERT INTO passage(id, document, ordinal, start, \"end\", page, heading, text, \"check\") \
             VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(rusqlite::params![
            columns.id,
            columns.document,
            columns.ordinal,
            columns.start,
            columns.end,
            columns.page,
            columns.heading,
            columns.text,
            columns.sum(),
        ])?;
    Ok(())
}

/// One more than any id ever given out: SQLite keeps the highest for AUTOINCREMENT tables.
fn next_passage_id(connection: &Connection) -> Outcome<i64> {
    // the highest id there is would be that of a removed passage again
    let last: i64 = connection
        .prepare_cached(
            "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'passage'), 0), \
             coalesce((SELECT max(id) FROM passage), 0))",
        )?
        .query_row([], |row| row.get(0))?;
    last.checked_add(1)
        .filter(|id| *id < i64::MAX >> 1)
        .ok_or_else(|| StoreFault::Damaged("no passage number is left".to_owned()))
}

/// Removes the document with this uri, its passages and vectors; `false` if there was none.
pub(super) fn remove(connection: &Connection, uri: &str) -> Outcome<bool> {
    let found = connection
        .prepare_cached("SELECT id, title, lang FROM document WHERE uri = ?1")?
        .query_map([uri], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))?
        .next()
        .transpose()?;
    let Some((id, title, lang)): Option<(i64, Option<String>, Option<String>)> = found else {
        return Ok(false);
    };
    DocumentNames { title: title.as_deref(), uri, lang: lang.as_deref() }.remove(connection, id)?;
    let passages: Vec<i64> = connection
        .prepare_cached("SELECT id FROM passage WHERE document = ?1")?
        .query_map([id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for passage in passages {
        connection.prepare_cached("DELETE FROM lexical WHERE rowid = ?1")?.execute([passage])?;
        connection.prepare_cached("DELETE FROM vector WHERE id = ?1")?.execute([passage])?;
        connection.prepare_cached("INSERT INTO tombstone(id) VALUES(?1)")?.execute([passage])?;
    }
    connection.prepare_cached("DELETE FROM passage WHERE document = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM document WHERE id = ?1")?.execute([id])?;
    meta::bump(connection, meta::CHANGE)?;
    Ok(true)
}

pub(super) fn put_skipped(connection: &Connection, file: &SkippedFile<'_>) -> Outcome<()> {
    remove(connection, file.uri)?;
    let mut metadata = BTreeMap::new();
    if let Some(unreadable) = file.error.unreadable() {
        metadata.insert(UNREADABLE, unreadable.name());
    }
    if file.tried_pictures {
        metadata.insert(TRIED_PICTURES, "yes");
    }
    let metadata = serde_json::to_string(&metadata);
    let mut record = DocumentRecord {
        id: 0,
        uri: file.uri.to_owned(),
        kind: String::new(),
        size: file.size_bytes.cast_signed(),
        mtime_ns: file.mtime_ns,
        hash: file.hash.to_vec(),
        title: None,
        lang: None,
        metadata: metadata.map_err(|error| StoreFault::Damaged(error.to_string()))?,
        length: 0,
        status: file.error.code() as i64,
        error: Some(file.error.line()),
        added_at: now(),
        map_check: 0,
        check: 0,
    };
    record.insert(connection, &[])?;
    meta::bump(connection, meta::CHANGE)?;
    Ok(())
}

pub(super) fn touch(connection: &Connection, id: i64, size: u64, mtime_ns: i64) -> Outcome<()> {
    let mut record = existing(connection, id)?;
    record.size = size.cast_signed();
    record.mtime_ns = mtime_ns;
    record.update(connection)
}

/// Gives a document another uri, in place of any document that had it.
pub(super) fn rename(connection: &Connection, id: i64, uri: &str, mtime_ns: i64) -> Outcome<()> {
    let mut record = existing(connection, id)?;
    if record.uri != uri {
        remove(connection, uri)?;
    }
    record.subject().remove(connection, id)?;
    record.uri = uri.to_owned();
    if record.status == 0 {
        record.subject().put(connection, id)?;
    }
    record.mtime_ns = mtime_ns;
    record.update(connection)?;
    meta::bump(connection, meta::CHANGE)?;
    Ok(())
}

fn existing(connection: &Connection, id: i64) -> Outcome<DocumentRecord> {
    let record = rows::document_by_id(connection, id)?.ok_or_else(|| Error::NotFound {
        what: "document",
        name: id.to_string(),
        hint: "it may have been removed meanwhile".to_owned(),
    })?;
    if record.sum() == record.check {
        return Ok(record);
    }
    Err(StoreFault::Damaged(format!("document {id} ({}) is damaged", record.uri)))
}

/// Decides how precisely vectors are kept, while there are none.
pub(super) fn set_precision(connection: &Connection, precision: Precision) -> Outcome<()> {
    if meta::precision(connection)? == precision {
        return Ok(());
    }
    if !is_empty(connection)? {
        let reason = "it can be chosen only before the first passage is written";
        return Err(StoreFault::Other(Error::invalid("precision", reason)));
    }
    meta::put_precision(connection, precision)
}

fn is_empty(connection: &Connection) -> Outcome<bool> {
    let sql = "SELECT NOT EXISTS(SELECT 1 FROM passage)";
    Ok(connection.query_row(sql, [], |row| row.get(0))?)
}

/// Ties the file to an encoder unless it holds passages of another.
pub(super) fn bind_encoder(connection: &Connection, identity: &EncoderIdentity) -> Outcome<()> {
    let held = meta::encoder(connection)?;
    if held.as_ref() == Some(identity) {
        return Ok(());
    }
    if let Some(held) = held.filter(|held| !comparable(held, identity))
        && !is_empty(connection)?
    {
        return Err(StoreFault::Other(mismatch(&held, identity)));
    }
    meta::put_encoder(connection, identity)
}

/// Whether vectors of both may be compared; the name says nothing about that.
pub(super) fn comparable(a: &EncoderIdentity, b: &EncoderIdentity) -> bool {
    a.fingerprint == b.fingerprint && a.dim == b.dim
}

pub(super) fn mismatch(held: &EncoderIdentity, asked: &EncoderIdentity) -> Error {
    let name = |identity: &EncoderIdentity| {
        let short: String = identity.fingerprint.chars().take(12).collect();
        format!("{} ({short})", identity.name)
    };
    Error::ModelMismatch { expected: name(asked), found: name(held) }
}

/// Seconds since 1970; 0 if the clock stands before.
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs() as i64)
}
