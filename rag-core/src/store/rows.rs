//! Documents and passages as rows, each with a checksum over what it says.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Row, Statement};

use super::fault::{Outcome, StoreFault};
use super::schema::RowSum;
use super::subject::DocumentNames;
use super::types::{ADDED_TEXT, DocumentDate, DocumentRow, PassageRow, SkippedDocument};
use crate::error::{ErrorCode, Unreadable};

/// A document row without its source map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DocumentRecord {
    pub(super) id: i64,
    pub(super) uri: String,
    pub(super) kind: String,
    pub(super) size: i64,
    pub(super) mtime_ns: i64,
    pub(super) hash: Vec<u8>,
    pub(super) title: Option<String>,
    pub(super) lang: Option<String>,
    pub(super) metadata: String,
    pub(super) length: i64,
    /// 0 for a document that was read, else the code of the error it was skipped for.
    pub(super) status: i64,
    pub(super) error: Option<String>,
    pub(super) added_at: i64,
    pub(super) map_check: i64,
    pub(super) check: i64,
}

/// What [`DocumentRecord::metadata`] of a skipped document calls the reason.
pub(super) const UNREADABLE: &str = "unreadable";

/// What it calls [`SkippedDocument::tried_pictures`].
pub(super) const TRIED_PICTURES: &str = "tried_pictures";

/// What the metadata of a document that was read calls the JSON of its
/// [`Unread`](crate::document::Unread) parts; a name that no reader and no caller can give.
pub(super) const UNREAD: &str = "rag:unread";

pub(super) const DOCUMENT_COLUMNS: &str = "id, uri, kind, size, mtime_ns, hash, title, lang, metadata, length, status, \
     error, added_at, map_check, \"check\"";

impl DocumentRecord {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            uri: row.get(1)?,
            kind: row.get(2)?,
            size: row.get(3)?,
            mtime_ns: row.get(4)?,
            hash: row.get(5)?,
            title: row.get(6)?,
            lang: row.get(7)?,
            metadata: row.get(8)?,
            length: row.get(9)?,
            status: row.get(10)?,
            error: row.get(11)?,
            added_at: row.get(12)?,
            map_check: row.get(13)?,
            check: row.get(14)?,
        })
    }

    pub(super) fn sum(&self) -> i64 {
        RowSum::new()
            .int(self.id)
            .text(&self.uri)
            .text(&self.kind)
            .int(self.size)
            .int(self.mtime_ns)
            .bytes(&self.hash)
            .optional_text(self.title.as_deref())
            .optional_text(self.lang.as_deref())
            .text(&self.metadata)
            .int(self.length)
            .int(self.status)
            .optional_text(self.error.as_deref())
            .int(self.added_at)
            .int(self.map_check)
            .finish()
    }

    /// What its columns say that cannot be, however right its checksum is.
    pub(super) fn flaw(&self) -> Option<&'static str> {
        let is_code = ErrorCode::ALL.into_iter().any(|code| code as i64 == self.status);
        let metadata: Result<BTreeMap<String, String>, _> = serde_json::from_str(&self.metadata);
        if self.uri.is_empty() {
            return Some("has no uri");
        }
        if self.size < 0 || self.length < 0 {
            return Some("says it has less than 0 bytes");
        }
        if self.mtime_ns == ADDED_TEXT && self.status == 0 && self.size != self.length {
            return Some("is an added text, but not as long as its source");
        }
        if self.status != 0 && !is_code {
            return Some("was skipped for no reason there is");
        }
        if self.status != 0 && self.length != 0 {
            return Some("was skipped but has a text");
        }
        metadata.is_err().then_some("has metadata that is no list of texts by name")
    }

    pub(super) fn into_row(self) -> Outcome<DocumentRow> {
        let damaged =
            |id, uri: &str| StoreFault::Damaged(format!("document {id} ({uri}) is damaged"));
        let hash = <[u8; 32]>::try_from(self.hash.as_slice());
        let (Ok(hash), true) = (hash, self.sum() == self.check) else {
            return Err(damaged(self.id, &self.uri));
        };
        let skipped = self.skipped();
        Ok(DocumentRow {
            id: self.id,
            uri: self.uri,
            size_bytes: self.size.cast_unsigned(),
            mtime_ns: self.mtime_ns,
            hash,
            skipped,
        })
    }

    /// What tells its age.
    fn date(&self) -> Outcome<DocumentDate> {
        let metadata = serde_json::from_str(&self.metadata).ok();
        let Some(metadata) = metadata.filter(|_| self.sum() == self.check) else {
            let (id, uri) = (self.id, &self.uri);
            return Err(StoreFault::Damaged(format!("document {id} ({uri}) is damaged")));
        };
        let is_file = self.mtime_ns != ADDED_TEXT;
        Ok(DocumentDate { metadata, modified: is_file.then(|| self.mtime_ns as f64 / 1e9) })
    }

    /// Why it was passed over, if it was.
    pub(super) fn skipped(&self) -> Option<SkippedDocument> {
        let code = ErrorCode::ALL.into_iter().find(|code| *code as i64 == self.status);
        let metadata: Option<BTreeMap<String, String>> = serde_json::from_str(&self.metadata).ok();
        let metadata = metadata.unwrap_or_default();
        (self.status != 0).then(|| SkippedDocument {
            code: code.map_or("Internal", ErrorCode::name).to_owned(),
            unreadable: metadata.get(UNREADABLE).and_then(|name| Unreadable::from_name(name)),
            tried_pictures: metadata.contains_key(TRIED_PICTURES),
            message: self.error.clone().unwrap_or_default(),
        })
    }

    /// Writes a new row; its id is chosen by SQLite and returned.
    pub(super) fn insert(&mut self, connection: &Connection, source_map: &[u8]) -> Outcome<i64> {
        self.map_check = RowSum::new().bytes(source_map).finish();
        // the checksum covers the id, which is known only after the insert
        connection
            .prepare_cached(
                "INSERT INTO document(uri, kind, size, mtime_ns, hash, title, lang, metadata, length, status, \
                 error, added_at, map_check, \"check\", source_map) \
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 0, ?14)",
            )?
            .execute(rusqlite::params![
                self.uri,
                self.kind,
                self.size,
                self.mtime_ns,
                self.hash,
                self.title,
                self.lang,
                self.metadata,
                self.length,
                self.status,
                self.error,
                self.added_at,
                self.map_check,
                source_map,
            ])?;
        self.id = connection.last_insert_rowid();
        connection
            .prepare_cached("UPDATE document SET \"check\" = ?2 WHERE id = ?1")?
            .execute((self.id, self.sum()))?;
        Ok(self.id)
    }

    /// What its titles and names are.
    pub(super) fn subject(&self) -> DocumentNames<'_> {
        DocumentNames { title: self.title.as_deref(), uri: &self.uri, lang: self.lang.as_deref() }
    }

    /// Writes the row as it is, id and checksum included.
    pub(super) fn copy(&self, connection: &Connection, source_map: &[u8]) -> Outcome<()> {
        connection
            .prepare_cached(&format!(
                "INSERT INTO document({DOCUMENT_COLUMNS}, source_map) \
                 VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
            ))?
            .execute(rusqlite::params![
                self.id,
                self.uri,
                self.kind,
                self.size,
                self.mtime_ns,
                self.hash,
                self.title,
                self.lang,
                self.metadata,
                self.length,
                self.status,
                self.error,
                self.added_at,
                self.map_check,
                self.check,
                source_map,
            ])?;
        Ok(())
    }

    /// Writes back what a rename or a touch may change.
    pub(super) fn update(&self, connection: &Connection) -> Outcome<()> {
        connection
            .prepare_cached(
                "UPDATE document SET uri = ?2, size = ?3, mtime_ns = ?4, \"check\" = ?5 WHERE id = ?1",
            )?
            .execute((self.id, &self.uri, self.size, self.mtime_ns, self.sum()))?;
        Ok(())
    }
}

pub(super) fn all_documents(connection: &Connection) -> Outcome<Vec<DocumentRow>> {
    let sql = format!("SELECT {DOCUMENT_COLUMNS} FROM document ORDER BY uri");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([], DocumentRecord::read)?;
    rows.map(|row| row?.into_row()).collect()
}

pub(super) fn documents_by_id(connection: &Connection) -> Outcome<Statement<'_>> {
    Ok(connection.prepare(&format!("SELECT {DOCUMENT_COLUMNS} FROM document ORDER BY id"))?)
}

pub(super) fn document(connection: &Connection, uri: &str) -> Outcome<Option<DocumentRecord>> {
    let sql = format!("SELECT {DOCUMENT_COLUMNS} FROM document WHERE uri = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([uri], DocumentRecord::read).optional()?)
}

pub(super) fn document_by_id(connection: &Connection, id: i64) -> Outcome<Option<DocumentRecord>> {
    let sql = format!("SELECT {DOCUMENT_COLUMNS} FROM document WHERE id = ?1");
    Ok(connection.prepare_cached(&sql)?.query_row([id], DocumentRecord::read).optional()?)
}

/// What tells the age of the document of each passage.
pub(super) fn dates(connection: &Connection, ids: &[i64]) -> Outcome<Vec<Option<DocumentDate>>> {
    let mut of_passage = connection.prepare_cached("SELECT document FROM passage WHERE id = ?1")?;
    let mut met: HashMap<i64, DocumentDate> = HashMap::new();
    let mut dates = Vec::with_capacity(ids.len());
    for id in ids {
        let document: Option<i64> = of_passage.query_row([id], |row| row.get(0)).optional()?;
        let Some(document) = document else {
            dates.push(None);
            continue;
        };
        if let Entry::Vacant(entry) = met.entry(document)
            && let Some(record) = document_by_id(connection, document)?
        {
            entry.insert(record.date()?);
        }
        dates.push(met.get(&document).cloned());
    }
    Ok(dates)
}

/// The names of documents that begin with `start`, in order.
pub(super) fn named_from(connection: &Connection, start: &str, limit: u32) -> Outcome<Vec<String>> {
    let sql = "SELECT uri FROM document WHERE uri >= ?1 AND uri < ?2 AND status = 0 \
               ORDER BY uri LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let end = format!("{start}{}", char::MAX);
    let uris = statement.query_map((start, end, limit), |row| row.get(0))?;
    Ok(uris.collect::<Result<_, _>>()?)
}

pub(super) fn source_map(connection: &Connection, id: i64) -> Outcome<Option<Vec<u8>>> {
    let mut statement =
        connection.prepare_cached("SELECT map_check, source_map FROM document WHERE id = ?1")?;
    let row: Option<(i64, Vec<u8>)> =
        statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match row {
        Some((sum, map)) if RowSum::new().bytes(&map).finish() == sum => Ok(Some(map)),
        Some(_) => Err(StoreFault::Damaged(format!("the source map of document {id} is damaged"))),
        None => Ok(None),
    }
}

/// The columns of a passage that its checksum covers.
pub(super) struct PassageSum<'a> {
    pub(super) id: i64,
    pub(super) document: i64,
    pub(super) ordinal: i64,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) page: Option<i64>,
    pub(super) heading: Option<&'a str>,
    pub(super) text: &'a str,
}

impl PassageSum<'_> {
    pub(super) fn sum(&self) -> i64 {
        RowSum::new()
            .int(self.id)
            .int(self.document)
            .int(self.ordinal)
            .int(self.start)
            .int(self.end)
            .optional_int(self.page)
            .optional_text(self.heading)
            .text(self.text)
            .finish()
    }
}

/// What a passage is read with; the document's columns may be missing if the file is damaged.
pub(super) const PASSAGE_COLUMNS: &str = "passage.id, passage.document, ordinal, start, \"end\", page, heading, \
     text, passage.\"check\", uri, title";

/// Reads a passage and says whether its checksum holds and its numbers can be: its text is as long
/// as its span.
pub(super) fn read_passage(row: &Row<'_>) -> rusqlite::Result<(PassageRow, bool)> {
    let (heading, text): (Option<String>, String) = (row.get(6)?, row.get(7)?);
    let columns = PassageSum {
        id: row.get(0)?,
        document: row.get(1)?,
        ordinal: row.get(2)?,
        start: row.get(3)?,
        end: row.get(4)?,
        page: row.get(5)?,
        heading: heading.as_deref(),
        text: &text,
    };
    let size = |value: i64| usize::try_from(value);
    let numbers = (size(columns.ordinal), size(columns.start), size(columns.end));
    let page = columns.page.map(u32::try_from).transpose();
    let is_span = columns.end.checked_sub(columns.start) == i64::try_from(text.len()).ok();
    let (id, document_id) = (columns.id, columns.document);
    let intact = columns.sum() == row.get::<_, i64>(8)?;
    let (uri, title) = (row.get::<_, Option<String>>(9)?, row.get(10)?);
    let sound = intact && is_span && uri.is_some() && page.is_ok_and(|page| page != Some(0));
    let ((Ok(ordinal), Ok(start), Ok(end)), true) = (numbers, sound) else {
        return Ok((PassageRow::damaged(id, document_id), false));
    };
    let page = page.unwrap_or_default();
    let uri = uri.unwrap_or_default();
    Ok((PassageRow { id, document_id, uri, title, ordinal, start, end, page, heading, text }, true))
}

impl PassageRow {
    fn damaged(id: i64, document_id: i64) -> Self {
        Self {
            id,
            document_id,
            uri: String::new(),
            title: None,
            ordinal: 0,
            start: 0,
            end: 0,
            page: None,
            heading: None,
            text: String::new(),
        }
    }
}

pub(super) fn passages(connection: &Connection, ids: &[i64]) -> Outcome<Vec<PassageRow>> {
    let sql = format!(
        "SELECT {PASSAGE_COLUMNS} FROM passage LEFT JOIN document ON document.id = passage.document \
         WHERE passage.id = ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        match statement.query_row([id], read_passage).optional()? {
            Some((passage, true)) => found.push(passage),
            Some((_, false)) => {
                return Err(StoreFault::Damaged(format!("passage {id} is damaged")));
            }
            None => {}
        }
    }
    Ok(found)
}

/// The passages before and after the one at `ordinal` of a document, `reach` on each side at most,
/// in their order.
pub(super) fn neighbours(
    connection: &Connection,
    document_id: i64,
    ordinal: usize,
    reach: usize,
) -> Outcome<(Vec<PassageRow>, Vec<PassageRow>)> {
    let range = ordinal.saturating_sub(reach)..=ordinal.saturating_add(reach);
    let mut before = passages_of(connection, document_id, range)?;
    let mut after = before.split_off(before.partition_point(|passage| passage.ordinal < ordinal));
    after.retain(|passage| passage.ordinal != ordinal);
    Ok((before, after))
}

/// All passages, by rising id.
pub(super) fn passage_ids(connection: &Connection) -> Outcome<Vec<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM passage ORDER BY id")?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

/// The passages of a document whose ordinals are in `range`, in their order.
pub(super) fn passages_of(
    connection: &Connection,
    document_id: i64,
    range: RangeInclusive<usize>,
) -> Outcome<Vec<PassageRow>> {
    let sql = format!(
        "SELECT {PASSAGE_COLUMNS} FROM passage LEFT JOIN document ON document.id = passage.document \
         WHERE passage.document = ?1 AND ordinal BETWEEN ?2 AND ?3 ORDER BY ordinal"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let bound = |place: &usize| i64::try_from(*place).unwrap_or(i64::MAX);
    let bounds = (document_id, bound(range.start()), bound(range.end()));
    let mut passages = Vec::new();
    for row in statement.query_map(bounds, read_passage)? {
        let (passage, intact) = row?;
        if !intact {
            return Err(StoreFault::Damaged(format!("passage {} is damaged", passage.id)));
        }
        passages.push(passage);
    }
    Ok(passages)
}
