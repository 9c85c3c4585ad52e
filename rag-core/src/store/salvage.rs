//! What is intact in a damaged file, as a new file: rows that their checksums vouch for keep their
//! ids, vectors that are lost can be encoded again, and both indexes are made anew.
//!
//! A document is kept whole or not at all. The passages of a document have ids in a row, so that a
//! passage that cannot be read is laid to the document it must belong to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::fault::{Outcome, StoreFault};
use super::rows::{self, DocumentRecord, PASSAGE_COLUMNS};
use super::types::{Access, PassageRow, Salvage};
use super::{Store, backup, connection, lexical, log, meta, reindex, schema, space};
use crate::encode::EncoderIdentity;
use crate::error::{Error, Result};
use crate::files::Claim;
use crate::passage::{EncoderInput, EncoderText};
use crate::progress::CancelToken;

/// Ids tried one by one between the readable ends of a damaged table, at most.
const MAX_PROBED: i64 = 10_000_000;
/// Ids tried where nothing says how many there were.
const FEW_PROBED: i64 = 10_000;

/// Encodes passages, one unit row each.
pub type Encode<'a> = dyn FnMut(&[String]) -> Result<Vec<f32>> + 'a;

/// As [`Encode`], from the parts that the encoder read of each passage.
pub type EncodeTexts<'a> = dyn FnMut(&[EncoderText<'_>]) -> Result<Vec<f32>> + 'a;

/// The encoder that a file names, if that much of it can be read.
pub(super) fn encoder(path: &Path) -> Option<EncoderIdentity> {
    let claim = Claim::take(path).ok()??;
    claim.alone(|| log::settle(claim.name())).transpose().ok()?;
    meta::encoder(&open_damaged(path).ok()?).ok().flatten()
}

/// What the caller gives to a rescue.
pub(super) struct Help<'a, 'e> {
    /// The encoder to note if the file no longer says which one it was.
    pub(super) identity: Option<&'a EncoderIdentity>,
    /// Makes vectors that are lost again.
    pub(super) encode: &'a mut EncodeTexts<'e>,
    pub(super) cancel: &'a CancelToken,
}

pub(super) fn salvage(from: &Path, to: &Path, help: Help<'_, '_>) -> Result<Salvage> {
    backup::require_free(to)?;
    let not_there = || Error::io(from, io::ErrorKind::NotFound.into());
    let claim = Claim::take(from)?.ok_or_else(not_there)?;
    claim.alone(|| log::settle(claim.name())).transpose()?;
    let source = open_damaged(from).map_err(|fault| fault.at(from))?;
    let part = backup::part(to);
    // a file too damaged to say how large it is may hold next to nothing
    space::require(&part, space::used_bytes(&source).unwrap_or(0))?;
    let written = backup::create_part(&part, from).and_then(|()| write(&source, from, &part, help));
    let moved = written.and_then(|report| {
        backup::put_in_place(&part, to)?;
        Ok(report)
    });
    if moved.is_err() {
        let _ = fs::remove_file(&part);
    }
    moved
}

fn open_damaged(path: &Path) -> Outcome<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection::harden(&mut connection)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn write(source: &Connection, from: &Path, part: &Path, help: Help<'_, '_>) -> Result<Salvage> {
    let Help { identity, encode, cancel } = help;
    let at = |fault: StoreFault| fault.at(from);
    let target = Store::open(part, Access::Create)?;
    let held = meta::encoder(source).ok().flatten();
    if let Some(identity) = held.as_ref().or(identity) {
        target.bind_encoder(identity)?;
    }
    let mut report = Salvage::default();
    copy_settings(source, &target, &mut report).map_err(at)?;
    let dim = target.dim()?.unwrap_or(1);
    let mut copying = Copying { source, target: &target, dim, encode, report };
    let intact = Intact::find(source, cancel).map_err(at)?;
    for id in ids(source, "document").map_err(at)? {
        cancel.check()?;
        let found = rows::document_by_id(source, id).ok().flatten();
        let name = found.as_ref().map_or_else(|| format!("document {id}"), |row| row.uri.clone());
        let sound = |row: &DocumentRecord| row.sum() == row.check && row.flaw().is_none();
        let whole = found.filter(|row| sound(row) && row.hash.len() == 32);
        let document = whole.and_then(|row| intact.document(source, row));
        let kept = match document {
            Some(document) => document.put(&mut copying)?,
            None => false,
        };
        if !kept {
            copying.report.lost.push(name);
        }
    }
    let report = copying.report;
    keep_numbers(source, &target);
    Ok(report)
}

/// Copies what the layers above keep in the file, how precise its vectors are, and what they were
/// made from.
fn copy_settings(source: &Connection, target: &Store, report: &mut Salvage) -> Outcome<()> {
    let precision = meta::precision(source).unwrap_or_default();
    target.set_precision(precision)?;
    let input = meta::input(source).unwrap_or(EncoderInput::Heading);
    let mark = meta::reindex_mark(source).ok().flatten();
    target.pool.write(|connection| {
        meta::put_input(connection, input)?;
        meta::put_reindex_mark(connection, mark)
    })?;
    let mut keys = Vec::new();
    let mut statement = source.prepare("SELECT key FROM meta")?;
    let mut rows = statement.query([])?;
    while let Ok(Some(row)) = rows.next() {
        keys.extend(row.get::<_, String>(0).ok());
    }
    for key in keys.iter().filter_map(|key| key.strip_prefix(meta::SETTING)) {
        match meta::setting(source, key) {
            Ok(Some(value)) => target.put_setting(key, &value)?,
            _ => report.lost.push(format!("setting {key}")),
        }
    }
    Ok(())
}

/// New ids go on from the highest ever given, where that is known.
fn keep_numbers(source: &Connection, target: &Store) {
    for table in ["document", "passage"] {
        let Some(seq) = last_number(source, table) else { continue };
        // without it, ids of documents that were removed may come back: a loss, but no damage
        let _ = target.pool.write(|connection| {
            let sql = "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1";
            Ok(connection.execute(sql, (table, seq))?)
        });
    }
}

/// Every id of a table: by a scan, or where a page is damaged by scans from both ends and by trying
/// those between.
fn ids(connection: &Connection, table: &'static str) -> Outcome<Vec<i64>> {
    let (mut found, whole) = scan(connection, &format!("SELECT id FROM {table} ORDER BY id"))?;
    if whole {
        return Ok(found);
    }
    let (back, _) = scan(connection, &format!("SELECT id FROM {table} ORDER BY id DESC"))?;
    let first = found.last().map_or(1, |last| last.saturating_add(1));
    let last = match back.last() {
        Some(last) => last.saturating_sub(1),
        None => last_number(connection, table).unwrap_or(first.saturating_add(FEW_PROBED)),
    };
    let last = last.min(first.saturating_add(MAX_PROBED));
    let mut statement = connection.prepare(&format!("SELECT 1 FROM {table} WHERE id = ?1"))?;
    // a page that cannot be read may still hold the id: it counts, and its row will be found
    // wanting
    found.extend((first..=last).filter(|id| !matches!(statement.exists([id]), Ok(false))));
    found.extend(back);
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// The highest id ever given; vectors share the ids of passages.
fn last_number(connection: &Connection, table: &str) -> Option<i64> {
    let name = if table == "vector" { "passage" } else { table };
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
    connection.query_row(sql, [name], |row| row.get(0)).ok()
}

/// The ids up to the first damage, and whether there was none.
fn scan(connection: &Connection, sql: &str) -> Outcome<(Vec<i64>, bool)> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut ids = Vec::new();
    loop {
        match rows.next() {
            Ok(Some(row)) => ids.extend(row.get::<_, i64>(0).ok()),
            Ok(None) => return Ok((ids, true)),
            Err(_) => return Ok((ids, false)),
        }
    }
}

/// The passages that can be read, by document, and the documents that lack one.
struct Intact {
    passages: BTreeMap<i64, Vec<i64>>,
    broken: BTreeSet<i64>,
}

impl Intact {
    fn find(source: &Connection, cancel: &CancelToken) -> Outcome<Self> {
        let mut known: BTreeSet<i64> = ids(source, "passage")?.into_iter().collect();
        known.extend(ids(source, "vector")?);
        let mut intact = Self { passages: BTreeMap::new(), broken: BTreeSet::new() };
        let mut before: Option<PassageRow> = None;
        for id in known {
            cancel.check()?;
            let passage = passage(source, id);
            let follows = before.as_ref().is_some_and(|before| before.id + 1 == id);
            match (&passage, &before) {
                (Some(passage), _) => {
                    let held = intact.passages.entry(passage.document_id).or_default();
                    if passage.ordinal != held.len() {
                        intact.broken.insert(passage.document_id);
                    }
                    held.push(id);
                }
                (None, Some(before)) if follows => {
                    intact.broken.insert(before.document_id);
                }
                (None, _) => {}
            }
            before = passage;
        }
        Ok(intact)
    }

    /// The document with its passages, if it has all of them.
    fn document(&self, source: &Connection, row: DocumentRecord) -> Option<Whole> {
        if self.broken.contains(&row.id) {
            return None;
        }
        let map = rows::source_map(source, row.id).ok().flatten()?;
        let ids = self.passages.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        let passages: Option<Vec<PassageRow>> = ids.iter().map(|id| passage(source, *id)).collect();
        let passages = passages?;
        let length = usize::try_from(row.length).ok()?;
        let is_inside = passages.iter().all(|passage| passage.end <= length);
        is_inside.then_some(Whole { row, map, passages })
    }
}

fn passage(connection: &Connection, id: i64) -> Option<PassageRow> {
    // the document's own columns are read with it, so that its row must be there as well
    let sql = format!(
        "SELECT {PASSAGE_COLUMNS} FROM passage LEFT JOIN document ON document.id = passage.document \
         WHERE passage.id = ?1"
    );
    let mut statement = connection.prepare_cached(&sql).ok()?;
    let found = statement.query_row([id], rows::read_passage).optional().ok()?;
    found.filter(|(_, sound)| *sound).map(|(passage, _)| passage)
}

/// A rescue under way.
struct Copying<'a, 'e> {
    source: &'a Connection,
    target: &'a Store,
    dim: usize,
    encode: &'a mut EncodeTexts<'e>,
    report: Salvage,
}

/// A document that can be kept.
struct Whole {
    row: DocumentRecord,
    map: Vec<u8>,
    passages: Vec<PassageRow>,
}

impl Whole {
    /// Writes it as it was; `false` if a vector is lost and cannot be made again.
    fn put(&self, copying: &mut Copying<'_, '_>) -> Result<bool> {
        let Copying { source, target, dim, encode, report } = copying;
        let (source, dim) = (*source, *dim);
        let Some((vectors, made)) = self.vectors(source, dim, encode)? else { return Ok(false) };
        let written = target.pool.write(|connection| {
            self.row.copy(connection, &self.map)?;
            if self.row.status == 0 {
                self.row.subject().put(connection, self.row.id)?;
            }
            let precision = meta::precision(connection)?;
            for (passage, vector) in self.passages.iter().zip(vectors.chunks_exact(dim)) {
                self.put_passage(source, connection, passage)?;
                connection
                    .prepare_cached("INSERT INTO vector(id, data) VALUES(?1, ?2)")?
                    .execute((passage.id, schema::vector_row(passage.id, vector, precision)))?;
            }
            meta::bump(connection, meta::CHANGE)?;
            Ok(())
        });
        written?;
        report.document_count += 1;
        report.passage_count += self.passages.len();
        report.vectors_made += made;
        Ok(true)
    }

    fn put_passage(
        &self,
        source: &Connection,
        target: &Connection,
        passage: &PassageRow,
    ) -> Outcome<()> {
        const COLUMNS: &str =
            "id, document, ordinal, start, \"end\", page, heading, text, \"check\"";
        let sql = format!("SELECT {COLUMNS} FROM passage WHERE id = ?1");
        let values: Vec<rusqlite::types::Value> = source
            .prepare_cached(&sql)?
            .query_row([passage.id], |row| (0..9).map(|column| row.get(column)).collect())?;
        let sql = format!("INSERT INTO passage({COLUMNS}) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
        target.prepare_cached(&sql)?.execute(rusqlite::params_from_iter(values))?;
        let lang = self.row.lang.as_deref();
        let heading = passage.heading.as_deref();
        let body = lexical::index_text(heading, &passage.text, lang, meta::cut(target)?);
        target
            .prepare_cached("INSERT INTO lexical(rowid, body) VALUES(?1, ?2)")?
            .execute((passage.id, body))?;
        Ok(())
    }

    /// The vectors of all passages, and how many had to be made again; `None` if some could not.
    fn vectors(
        &self,
        source: &Connection,
        dim: usize,
        encode: &mut EncodeTexts<'_>,
    ) -> Result<Option<(Vec<f32>, usize)>> {
        let mut vectors = vec![0.0; self.passages.len() * dim];
        let mut lost = Vec::new();
        for (place, passage) in self.passages.iter().enumerate() {
            match vector(source, passage.id, dim) {
                Some(vector) => vectors[place * dim..][..dim].copy_from_slice(&vector),
                None => lost.push(place),
            }
        }
        if lost.is_empty() {
            return Ok(Some((vectors, 0)));
        }
        let texts: Vec<EncoderText<'_>> =
            lost.iter().map(|place| self.encoder_text(source, *place)).collect();
        let made = match encode(&texts) {
            Ok(made) if made.len() == lost.len() * dim => made,
            Err(Error::Cancelled) => return Err(Error::Cancelled),
            _ => return Ok(None),
        };
        for (place, vector) in lost.iter().zip(made.chunks_exact(dim)) {
            vectors[place * dim..][..dim].copy_from_slice(vector);
        }
        Ok(Some((vectors, lost.len())))
    }

    fn encoder_text(&self, source: &Connection, place: usize) -> EncoderText<'_> {
        let PassageRow { id, title, heading, text, .. } = &self.passages[place];
        let input = reindex::input_of(source, *id);
        EncoderText::of(input, title.as_deref(), heading.as_deref(), text)
    }
}

fn vector(source: &Connection, id: i64, dim: usize) -> Option<Vec<f32>> {
    let mut vector = Vec::new();
    let data: Vec<u8> = source
        .query_row("SELECT data FROM vector WHERE id = ?1", [id], |row| row.get(0))
        .optional()
        .ok()??;
    schema::read_vector_row(id, &data, dim, &mut vector).then_some(vector)
}
