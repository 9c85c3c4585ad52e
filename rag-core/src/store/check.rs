//! Looking for damage: every row against its checksum, every index against what it was made from.
//!
//! SQLite's own check sees only broken pages; two thirds of single flipped bits lie in values,
//! where it sees nothing. A step that fails on a damaged page is itself a finding, and the next
//! step goes on.
//!
//! Checksums vouch for chance, not for people: whoever wrote the file can make them right. So every
//! number is also held against what it must agree with, and the vector index against the vectors it
//! was made from.

use rusqlite::{Connection, OptionalExtension};
use xxhash_rust::xxh3::Xxh3;

use super::bm25::WORDS;
use super::fault::{Outcome, StoreFault};
use super::link::{self, Link};
use super::pool::ConnectionPool;
use super::rows::{self, DocumentRecord, PASSAGE_COLUMNS};
use super::schema::RowSum;
use super::segment::SealedSegment;
use super::types::Damage;
use super::{lexical, meta, schema, subject};
use crate::document::SourceMap;
use crate::index::codes::Codes;
use crate::index::graph::Graph;
use crate::progress::CancelToken;

/// Damages named for one part; the rest is only counted.
const MAX_NAMED: usize = 100;
/// Bytes that a document's text may go on behind its last passage and the last place in its source:
/// white space, which nothing points at.
const MAX_TRAILING_BYTES: i64 = 1 << 16;
/// How far codes may be from those that this machine makes: kernels add in different orders, and
/// round half a step otherwise.
const CODE_STEPS: i16 = 1;
/// The same for the scale of a code, as a part of it.
const SCALE_TOLERANCE: f32 = 1e-3;
/// SQLite instructions between two looks at the cancel token.
const STEPS: i32 = 100_000;

/// What has been found so far.
struct Findings<'a> {
    cancel: &'a CancelToken,
    damages: Vec<Damage>,
}

/// Every damage in one snapshot of the file.
pub(super) fn check(pool: &ConnectionPool, cancel: &CancelToken) -> Outcome<Vec<Damage>> {
    // FTS5 looks at its index as this connection saw it at its last search, and takes what others
    // merged since for damage: so a connection that has not searched
    let mut reader = pool.new_reader()?;
    prepare(&reader)?;
    let watch = cancel.clone();
    reader.progress_handler(STEPS, Some(move || watch.is_cancelled()))?;
    // before the snapshot: what is acknowledged meanwhile must be in it
    let noted = link::acknowledged(pool.path());
    let found = reader
        .unchecked_transaction()
        .map_err(StoreFault::from)
        .and_then(|snapshot| run(&snapshot, noted, cancel));
    reader.progress_handler(0, None::<fn() -> bool>)?;
    found
}

/// Gives the connection a table that shows every word of the full-text index; it lives in memory
/// only.
fn prepare(connection: &Connection) -> Outcome<()> {
    let before: bool = connection.query_row("PRAGMA query_only", [], |row| row.get(0))?;
    connection.pragma_update(None, "query_only", false)?;
    let made = connection.execute_batch(WORDS);
    connection.pragma_update(None, "query_only", before)?;
    Ok(made?)
}

fn run(connection: &Connection, noted: Option<Link>, cancel: &CancelToken) -> Outcome<Vec<Damage>> {
    let mut findings = Findings { cancel, damages: Vec::new() };
    findings.step("log", false, connection, |connection, report| {
        link::missing(noted, link::last(connection)?).map_or(Ok(()), report)
    })?;
    findings.step("file", false, connection, pages)?;
    findings.step("file", false, connection, numbers)?;
    findings.step("file", false, connection, settings)?;
    findings.step("document", false, connection, documents)?;
    findings.step("passage", false, connection, passages)?;
    findings.step("vector", true, connection, vectors)?;
    findings.step("lexical", true, connection, full_text)?;
    findings.step("lexical", true, connection, subjects)?;
    findings.step("segment", true, connection, segment)?;
    Ok(findings.damages)
}

/// Takes one damage's message.
type Report<'a> = dyn FnMut(String) -> Outcome<()> + 'a;

impl Findings<'_> {
    fn step(
        &mut self,
        part: &str,
        repairable: bool,
        connection: &Connection,
        look: impl FnOnce(&Connection, &mut Report<'_>) -> Outcome<()>,
    ) -> Outcome<()> {
        self.cancel.check()?;
        let mut messages = Vec::new();
        let mut count = 0usize;
        let outcome = look(connection, &mut |message| {
            self.cancel.check()?;
            count += 1;
            if messages.len() < MAX_NAMED {
                messages.push(message);
            }
            Ok(())
        });
        if let Err(fault) = outcome {
            messages.push(fault.damage()?);
        }
        if count > MAX_NAMED {
            messages.push(format!("and {} more", count - MAX_NAMED));
        }
        let damage = |message| Damage { part: part.to_owned(), message, repairable };
        self.damages.extend(messages.into_iter().map(damage));
        Ok(())
    }
}

fn pages(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let mut statement = connection.prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let message: String = row.get(0)?;
        if message != "ok" {
            report(message)?;
        }
    }
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, id): (String, Option<i64>) = (row.get(0)?, row.get(1)?);
        report(format!("row {} of {table} belongs to nothing", id.unwrap_or_default()))?;
    }
    Ok(())
}

/// The numbers that new rows go on from: one that lies behind gives an id twice, and old citations
/// another passage.
fn numbers(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    for (table, column) in [("document", "id"), ("passage", "id"), ("tombstone", "seq")] {
        let sql = format!(
            "SELECT coalesce(max({column}), 0), coalesce(min({column}), 1), \
             coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'), 0) FROM {table}"
        );
        let (last, first, next): (i64, i64, i64) =
            connection.query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if first < 1 || last > next {
            report(format!(
                "the rows of {table} are numbered {first} to {last}, the counter says {next}"
            ))?;
        }
    }
    Ok(())
}

fn settings(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let mut statement = connection.prepare("SELECT key, value, \"check\" FROM meta")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
        if row.get::<_, i64>(2)? != meta::row_sum(&key, &value) {
            report(format!("the value of {key:?} is damaged"))?;
        }
    }
    meta::counter(connection, meta::CHANGE)?;
    meta::counter(connection, meta::GENERATION)?;
    meta::precision(connection)?;
    meta::input(connection)?;
    meta::reindex_mark(connection)?;
    let held: bool =
        connection.query_row("SELECT EXISTS(SELECT 1 FROM passage)", [], |row| row.get(0))?;
    if held && meta::encoder(connection)?.is_none() {
        report("passages are held, but not the name of their encoder".to_owned())?;
    }
    Ok(())
}

fn documents(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let mut statement = rows::documents_by_id(connection)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let record = match DocumentRecord::read(row) {
            Ok(record) => record,
            Err(error) => {
                report(format!("document {}: {error}", row.get::<_, i64>(0)?))?;
                continue;
            }
        };
        if record.sum() != record.check || record.hash.len() != 32 {
            report(format!("document {} ({}) is damaged", record.id, record.uri))?;
        }
        let flaws = [record.flaw(), spans(connection, &record)?, map(connection, &record, report)?];
        for flaw in flaws.into_iter().flatten() {
            report(format!("document {} ({}) {flaw}", record.id, record.uri))?;
        }
    }
    Ok(())
}

/// Whether the passages of a document are numbered without a gap and lie inside its text.
fn spans(connection: &Connection, document: &DocumentRecord) -> Outcome<Option<&'static str>> {
    let mut statement = connection.prepare_cached(
        "SELECT ordinal, start, \"end\" FROM passage WHERE document = ?1 ORDER BY ordinal",
    )?;
    let mut rows = statement.query([document.id])?;
    let mut expected = 0i64;
    while let Some(row) = rows.next()? {
        let (ordinal, start, end): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if ordinal != expected {
            return Ok(Some("lacks a passage"));
        }
        if start < 0 || start > end || end > document.length {
            return Ok(Some("has a passage outside of its text"));
        }
        expected += 1;
    }
    Ok((document.status != 0 && expected > 0).then_some("was skipped but has passages"))
}

/// Whether the source map can be read, and its text is the document's.
fn map(
    connection: &Connection,
    document: &DocumentRecord,
    report: &mut Report<'_>,
) -> Outcome<Option<&'static str>> {
    let bytes = match rows::source_map(connection, document.id) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(fault) => {
            report(fault.damage()?)?;
            return Ok(None);
        }
    };
    let mut end = 0;
    if !bytes.is_empty() {
        let Some(map) = SourceMap::from_bytes(&bytes) else {
            return Ok(Some("has a source map that cannot be read"));
        };
        end = map.segments.last().map_or(0, |(text, _)| text.end);
    }
    let end = i64::try_from(end).unwrap_or(i64::MAX);
    if end > document.length {
        return Ok(Some("has a source map of more than its text"));
    }
    let sql = "SELECT coalesce(max(\"end\"), 0) FROM passage WHERE document = ?1";
    let held: i64 = connection.prepare_cached(sql)?.query_row([document.id], |row| row.get(0))?;
    let trailing = document.length.saturating_sub(end.max(held));
    Ok((trailing > MAX_TRAILING_BYTES).then_some("says it is longer than its text"))
}

fn passages(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let mut statement = connection.prepare(&format!(
        "SELECT {PASSAGE_COLUMNS} FROM passage LEFT JOIN document ON document.id = passage.document \
         ORDER BY passage.id"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match rows::read_passage(row) {
            Ok((_, true)) => {}
            Ok((passage, false)) => {
                let (id, document) = (passage.id, passage.document_id);
                report(format!("passage {id} of document {document} is damaged"))?;
            }
            Err(error) => report(format!("passage {}: {error}", row.get::<_, i64>(0)?))?,
        }
    }
    Ok(())
}

fn vectors(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let dim = meta::encoder(connection)?.map_or(0, |identity| identity.dim);
    let mut statement = connection.prepare("SELECT id, data FROM vector ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut vector = Vec::new();
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let data = row.get_ref(1)?.as_blob().unwrap_or_default();
        if !schema::read_vector_row(id, data, dim, &mut vector) {
            report(format!("the vector of passage {id} is damaged"))?;
        }
    }
    let unlike = "SELECT id FROM passage WHERE id NOT IN (SELECT id FROM vector) \
         UNION SELECT id FROM vector WHERE id NOT IN (SELECT id FROM passage)";
    let mut statement = connection.prepare(unlike)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        report(format!("passage {id} lacks its vector, or the vector its passage"))?;
    }
    Ok(())
}

/// Makes the full-text index again in memory and compares.
///
/// FTS5's own check cannot: the index keeps no text to compare with.
fn full_text(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let cut = meta::cut(connection)?;
    let model = Connection::open_in_memory()?;
    model.execute_batch(schema::LEXICAL)?;
    model.execute_batch("BEGIN")?;
    let mut statement = connection.prepare(
        "SELECT passage.id, heading, text, lang FROM passage \
         LEFT JOIN document ON document.id = passage.document ORDER BY passage.id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (heading, text): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        let lang: Option<String> = row.get(3)?;
        let body = lexical::index_text(heading.as_deref(), &text, lang.as_deref(), cut);
        model
            .prepare_cached("INSERT INTO lexical(rowid, body) VALUES(?1, ?2)")?
            .execute((row.get::<_, i64>(0)?, body))?;
    }
    model.execute_batch("COMMIT")?;
    model.execute_batch(WORDS)?;
    if sizes(connection)? != sizes(&model)? {
        report("the full-text index counts words wrongly".to_owned())?;
    }
    if instances(connection)? != instances(&model)? {
        report("the full-text index does not hold the words of the passages".to_owned())?;
    }
    for column in ["averages", "version"] {
        if shadow(connection, column)? != shadow(&model, column)? {
            report(format!("the full-text index has wrong {column}"))?;
        }
    }
    Ok(())
}

/// Makes the words of titles and names again and compares.
fn subjects(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    if !subject::is_kept(connection)? {
        return Ok(());
    }
    let cut = meta::cut(connection)?;
    let (mut expected, mut held) = (0u64, 0u64);
    let sum = |word: &str, document: i64, field: i64| {
        RowSum::new().text(word).int(document).int(field).finish().cast_unsigned()
    };
    // the order does not matter
    subject::each(connection, |id, subject| {
        for (word, field) in subject.words(cut) {
            expected = expected.wrapping_add(sum(&word, id, field as i64));
        }
        Ok(())
    })?;
    let mut statement = connection.prepare("SELECT word, document, field FROM subject")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let word = row.get_ref(0)?.as_str().unwrap_or_default();
        held = held.wrapping_add(sum(word, row.get(1)?, row.get(2)?));
    }
    match held == expected {
        true => Ok(()),
        false => report("the index of titles and names does not hold their words".to_owned()),
    }
}

/// A checksum over the lengths of all rows.
fn sizes(connection: &Connection) -> Outcome<u64> {
    let mut statement = connection.prepare("SELECT id, sz FROM lexical_docsize ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut sum = Xxh3::new();
    while let Some(row) = rows.next()? {
        sum.update(&row.get::<_, i64>(0)?.to_le_bytes());
        sum.update(row.get_ref(1)?.as_blob().unwrap_or_default());
    }
    Ok(sum.digest())
}

/// A sum over every occurrence of every word; the order of the index does not matter.
fn instances(connection: &Connection) -> Outcome<u64> {
    let mut statement = connection.prepare("SELECT term, doc, \"offset\" FROM temp.words")?;
    let mut rows = statement.query([])?;
    let mut total = 0u64;
    while let Some(row) = rows.next()? {
        let mut sum = Xxh3::new();
        sum.update(row.get_ref(0)?.as_bytes().unwrap_or_default());
        sum.update(&row.get::<_, i64>(1)?.to_le_bytes());
        sum.update(&row.get::<_, i64>(2)?.to_le_bytes());
        total = total.wrapping_add(sum.digest());
    }
    Ok(total)
}

/// The totals that BM25 divides by, or the format that FTS5 reads the index as.
fn shadow(connection: &Connection, what: &str) -> Outcome<Vec<u8>> {
    let sql = match what {
        "averages" => "SELECT block FROM lexical_data WHERE id = 1",
        _ => "SELECT group_concat(k || '=' || v) FROM (SELECT k, v FROM lexical_config ORDER BY k)",
    };
    let mut bytes = connection.query_row(sql, [], |row| {
        Ok(row.get_ref(0)?.as_bytes().map(<[u8]>::to_vec).unwrap_or_default())
    })?;
    // an index that was emptied keeps totals of zero, a new one keeps none
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Ok(bytes)
}

fn segment(connection: &Connection, report: &mut Report<'_>) -> Outcome<()> {
    let dim = meta::encoder(connection)?.map_or(0, |identity| identity.dim);
    let generation = meta::counter(connection, meta::GENERATION)?;
    let deleted = ids(connection, "SELECT id FROM tombstone ORDER BY id")?;
    let held = ids(connection, "SELECT id FROM passage ORDER BY id")?;
    if let Some(id) = deleted.iter().find(|id| held.binary_search(id).is_ok()) {
        report(format!("passage {id} is noted as deleted but held"))?;
    }
    let others = "SELECT count(*) FROM segment WHERE generation <> ?1 OR NOT \
         EXISTS(SELECT 1 FROM meta WHERE key = 'segment' AND value <> 'none')";
    let others: i64 = connection.query_row(others, [generation.cast_signed()], |row| row.get(0))?;
    if others > 0 {
        report(format!("{others} parts of a vector index that is not in use"))?;
    }
    let Some(segment) = SealedSegment::read(connection, generation, dim)? else { return Ok(()) };
    let given = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'passage'";
    if segment.max_id > connection.query_row(given, [], |row| row.get(0))? {
        report(format!("the vector index is said to hold passages up to {}", segment.max_id))?;
    }
    let sealed = |id: &i64| segment.ids.binary_search(id).is_ok();
    if let Some(id) = held.iter().find(|id| **id <= segment.max_id && !sealed(id)) {
        report(format!("passage {id} is missing from the vector index"))?;
    }
    let known = |id: &i64| held.binary_search(id).is_ok() || deleted.binary_search(id).is_ok();
    if let Some(id) = segment.ids.iter().find(|id| !known(id)) {
        report(format!("passage {id} is in the vector index but nowhere else"))?;
    }
    if let Some(flaw) = segment.graph.as_ref().and_then(Graph::flaw) {
        report(format!("the graph of the vector index {flaw}"))?;
    }
    codes(connection, &segment, dim, report)
}

/// Holds the codes of the vector index against the vectors they were made from.
fn codes(
    connection: &Connection,
    segment: &SealedSegment,
    dim: usize,
    report: &mut Report<'_>,
) -> Outcome<()> {
    let mut statement = connection.prepare("SELECT data FROM vector WHERE id = ?1")?;
    let mut vector = Vec::new();
    let rows = segment.ids.iter().zip(segment.codes.scales());
    for ((id, scale), code) in rows.zip(segment.codes.data().chunks_exact(dim.max(1))) {
        let data: Option<Vec<u8>> = statement.query_row([id], |row| row.get(0)).optional()?;
        // one that was removed since has no vector, one that is damaged was named before
        if !data.is_some_and(|data| schema::read_vector_row(*id, &data, dim, &mut vector)) {
            continue;
        }
        let mut made = Codes::new(dim);
        made.push(&vector);
        let near = |(a, b): (&i8, &i8)| (i16::from(*a) - i16::from(*b)).abs() <= CODE_STEPS;
        let is_scale = |made: &f32| (made - scale).abs() <= made * SCALE_TOLERANCE;
        if !made.scales().iter().all(is_scale) || !made.data().iter().zip(code).all(near) {
            report(format!(
                "passage {id} stands elsewhere in the vector index than its vector says"
            ))?;
        }
    }
    Ok(())
}

fn ids(connection: &Connection, sql: &str) -> Outcome<Vec<i64>> {
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

#[cfg(test)]
mod tests;
