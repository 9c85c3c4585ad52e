//! What a file holds, for people and programs that look through it.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde::{Deserialize, Serialize};

use super::Store;
use super::connection::ConnectionSource;
use super::fault::{Outcome, StoreFault};
use super::filter::{self, Filter};
use super::rows::{DOCUMENT_COLUMNS, DocumentRecord, UNREAD};
use super::types::{ADDED_TEXT, Info, SkippedDocument};
use super::{meta, reindex, rows, schema, space, vectors};
use crate::document::Unread;
use crate::error::{Error, Result};

/// A document as the file holds it, without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredDocument {
    /// Its number, never reused.
    pub id: i64,
    /// Where it came from: an absolute path, or the caller's own name for added text.
    pub uri: String,
    /// The format: `"markdown"`, `"pdf"`, ...
    pub kind: String,
    /// Title, if it has one.
    pub title: Option<String>,
    /// ISO 639-1 code, if known.
    pub lang: Option<String>,
    /// Size of the source when it was read, in bytes.
    pub size_bytes: u64,
    /// Its time of last change when it was read, nanoseconds since 1970; 0 for added text.
    pub mtime_ns: i64,
    /// Bytes of its text (UTF-8).
    pub text_bytes: u64,
    /// Passages it was cut into.
    pub passage_count: usize,
    /// What its format or the caller says of it.
    pub metadata: BTreeMap<String, String>,
    /// Why nothing of it is held, if it was passed over.
    pub skipped: Option<SkippedDocument>,
    /// What of its source was not read and is not held, one entry a kind.
    #[serde(default)]
    pub unread: Vec<Unread>,
}

impl Store {
    /// The documents that pass `filter`, or all and those that were skipped too, by uri.
    ///
    /// # Errors
    /// InvalidArgument for a filter beyond its limits; Store if a row is damaged.
    pub fn list(&self, filter: Option<&Filter>) -> Result<Vec<StoredDocument>> {
        self.pool.read(|connection| list(connection, filter))
    }

    /// The document with this number.
    ///
    /// # Errors
    /// Store if its row is damaged.
    pub(crate) fn stored_document(&self, id: i64) -> Result<Option<StoredDocument>> {
        self.pool.read(|connection| {
            let count = "SELECT count(*) FROM passage WHERE document = ?1";
            let record = rows::document_by_id(connection, id)?;
            let passages = connection.query_row(count, [id], |row| row.get(0))?;
            record.map(|record| document(record, passages)).transpose()
        })
    }

    /// Counts and sizes.
    ///
    /// # Errors
    /// Store if the file is damaged.
    pub fn info(&self) -> Result<Info> {
        self.pool.read(|connection| {
            let count = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
            let size = |number: i64| usize::try_from(number).unwrap_or(0);
            let encoder = meta::encoder(connection)?;
            let passage_count = size(count("SELECT count(*) FROM passage")?);
            let graph = meta::value(connection, meta::SEGMENT)?.as_deref() == Some("graph");
            let walks = graph && passage_count > vectors::AUTO_GRAPH;
            Ok(Info {
                document_count: size(count("SELECT count(*) FROM document WHERE status = 0")?),
                skipped_count: size(count("SELECT count(*) FROM document WHERE status <> 0")?),
                passage_count,
                encoder: encoder.as_ref().map(|identity| identity.name.clone()),
                fingerprint: encoder.as_ref().map(|identity| identity.fingerprint.clone()),
                dim: encoder.as_ref().map(|identity| identity.dim),
                generation: meta::counter(connection, meta::GENERATION)?,
                index: if walks { "hnsw" } else { "flat" }.to_owned(),
                format_version: schema::VERSION,
                encoder_input: meta::input(connection)?,
                reindex_count: reindex::reindex_count(connection)?,
                bytes: self.bytes(connection)?,
            })
        })
    }

    /// Size of the file and of its log; in memory, of its pages.
    fn bytes(&self, connection: &Connection) -> Outcome<u64> {
        if matches!(self.pool.source(), ConnectionSource::Memory) {
            return space::file_bytes(connection);
        }
        let path = self.pool.path();
        let file = std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(file.len() + std::fs::metadata(log).map_or(0, |log| log.len()))
    }
}

fn list(connection: &Connection, filter: Option<&Filter>) -> Outcome<Vec<StoredDocument>> {
    let (condition, values) = match filter {
        Some(filter) => filter::condition(filter)?,
        None => ("1".to_owned(), Vec::<Value>::new()),
    };
    let sql = format!(
        "SELECT {DOCUMENT_COLUMNS}, (SELECT count(*) FROM passage WHERE passage.document = document.id) \
         FROM document WHERE {condition} ORDER BY uri"
    );
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok((DocumentRecord::read(row)?, row.get::<_, i64>(15)?))
    })?;
    rows.map(|row| {
        let (record, passages) = row?;
        document(record, passages)
    })
    .collect()
}

fn document(record: DocumentRecord, passages: i64) -> Outcome<StoredDocument> {
    let damaged =
        || StoreFault::Damaged(format!("document {} ({}) is damaged", record.id, record.uri));
    if record.sum() != record.check {
        return Err(damaged());
    }
    let mut metadata: BTreeMap<String, String> =
        serde_json::from_str(&record.metadata).map_err(|_| damaged())?;
    // an entry that a later version wrote in a way we do not know is none of ours to refuse
    let unread = metadata.remove(UNREAD).and_then(|json| serde_json::from_str(&json).ok());
    let skipped = record.skipped();
    if skipped.is_some() {
        metadata.clear();
    }
    Ok(StoredDocument {
        id: record.id,
        uri: record.uri,
        kind: record.kind,
        title: record.title,
        lang: record.lang,
        size_bytes: record.size.cast_unsigned(),
        mtime_ns: if record.mtime_ns == ADDED_TEXT { 0 } else { record.mtime_ns },
        text_bytes: record.length.cast_unsigned(),
        passage_count: usize::try_from(passages).unwrap_or(0),
        metadata,
        skipped,
        unread: unread.unwrap_or_default(),
    })
}
