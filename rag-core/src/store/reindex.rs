//! Encoding the passages of a file again where they stand: their vectors are replaced, some
//! thousand in a transaction, and a row of `meta` says how far that is. Passages keep their ids.
//!
//! A kill leaves a sound file in which some vectors are made from the old input and some from the
//! new: all are of one encoder, and the next reindex goes on where it ended.

use rusqlite::Connection;

use super::connection::ConnectionSource;
use super::fault::{Outcome, StoreFault};
use super::meta::ReindexMark;
use super::rows::{self, PASSAGE_COLUMNS};
use super::{PassageRow, Seal, Store, meta, schema, segment, space, write};
use crate::error::Result;
use crate::passage::{EncoderInput, EncoderText};
use crate::progress::CancelToken;

/// Characters of a passage that its title is compared with.
const COMPARED_CHARS: usize = 1024;

impl Store {
    /// Passages that were not looked at since new ones are encoded with titles, or would not be by
    /// a reindex that began now.
    ///
    /// # Errors
    /// Store.
    pub fn outdated_count(&self) -> Result<usize> {
        self.pool.read(|connection| {
            let Some(mark) = outdated_range(connection)? else { return Ok(0) };
            let sql = "SELECT count(*) FROM passage WHERE id > ?1 AND id <= ?2";
            let count: i64 = connection.query_row(sql, (mark.done, mark.last), |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or(0))
        })
    }

    /// The first passages of [`Store::outdated_count`], by rising id, `limit` at most.
    ///
    /// # Errors
    /// Store if one is damaged.
    pub fn outdated(&self, limit: usize) -> Result<Vec<PassageRow>> {
        self.pool.read(|connection| match outdated_range(connection)? {
            Some(mark) => passages_between(connection, mark, limit),
            None => Ok(Vec::new()),
        })
    }

    /// Has new passages encoded from [`EncoderInput::Title`], and those that are held wait for
    /// [`Store::put_vectors`]. `false` if none has to: the file is made so, and no reindex was
    /// interrupted.
    ///
    /// # Errors
    /// Store; Busy.
    pub fn begin_reindex(&self) -> Result<bool> {
        self.pool.write(|connection| {
            let Some(mark) = outdated_range(connection)? else { return Ok(false) };
            meta::put_input(connection, EncoderInput::Title)?;
            meta::put_reindex_mark(connection, Some(mark))?;
            Ok(true)
        })
    }

    /// Replaces the vectors of the passages `ids`, one unit row each, and notes that all passages
    /// up to `done` are encoded as new ones are. Passages that were removed meanwhile are passed
    /// over.
    ///
    /// # Errors
    /// InvalidArgument if `vectors` are not one finite unit row per id; DiskFull if the disk cannot
    /// hold them; Store; Busy.
    pub fn put_vectors(&self, done: i64, ids: &[i64], vectors: &[f32]) -> Result<()> {
        let dim = self.dim()?.unwrap_or(1);
        write::validate_rows(ids.len(), vectors, dim)?;
        self.pool.write(|connection| {
            // another reindex was faster
            let Some(mark) = meta::reindex_mark(connection)? else { return Ok(()) };
            if matches!(self.pool.source(), ConnectionSource::ReadWrite) {
                space::require_in_log(self.path(), (vectors.len() * 2) as u64)?;
            }
            let mark = ReindexMark { done: mark.done.max(done), ..mark };
            meta::put_reindex_mark(connection, Some(mark))?;
            replace(connection, ids, vectors.chunks_exact(dim))
        })
    }

    /// Builds the vector index anew, with a graph where there was one or it is large enough for
    /// one, and notes that the reindex is over.
    ///
    /// # Errors
    /// Cancelled, the next reindex then begins here; Store; Busy.
    pub fn end_reindex(&self, cancel: &CancelToken) -> Result<()> {
        let Some(mark) = self.pool.read(meta::reindex_mark)? else { return Ok(()) };
        let seal = if mark.had_graph { Seal::Now } else { Seal::IfNeeded };
        self.seal(seal, cancel)?;
        self.pool.write(|connection| meta::put_reindex_mark(connection, None))
    }
}

/// The passages that a reindex has before it, were it to begin or go on now.
fn outdated_range(connection: &Connection) -> Outcome<Option<ReindexMark>> {
    if let Some(mark) = meta::reindex_mark(connection)? {
        return Ok(Some(mark));
    }
    if meta::input(connection)? == EncoderInput::Title {
        return Ok(None);
    }
    let sql = "SELECT coalesce(max(id), 0) FROM passage";
    let last = connection.query_row(sql, [], |row| row.get(0))?;
    let had_graph = meta::value(connection, meta::SEGMENT)?.as_deref() == Some("graph");
    Ok(Some(ReindexMark { done: 0, last, had_graph }))
}

/// What the encoder read of the passage `id`; what it reads of new ones where the file does not
/// say.
pub(super) fn input_of(connection: &Connection, id: i64) -> EncoderInput {
    let input = meta::input(connection).unwrap_or(EncoderInput::Heading);
    match meta::reindex_mark(connection) {
        Ok(Some(mark)) if id > mark.done && id <= mark.last => EncoderInput::Heading,
        _ => input,
    }
}

/// Passages that a reindex would encode again: those whose title the encoder was not given, and
/// that do not begin with it.
pub(super) fn reindex_count(connection: &Connection) -> Outcome<usize> {
    let Some(mark) = outdated_range(connection)? else { return Ok(0) };
    let sql = format!(
        "SELECT title, heading, substr(text, 1, {COMPARED_CHARS}) FROM passage \
         JOIN document ON document.id = passage.document \
         WHERE passage.id > ?1 AND passage.id <= ?2 AND title <> ''"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query((mark.done, mark.last))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (title, heading, body): (String, Option<String>, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let text = EncoderText { title: Some(&title), heading: heading.as_deref(), body: &body };
        count += usize::from(text.has_own_title());
    }
    Ok(count)
}

fn passages_between(
    connection: &Connection,
    mark: ReindexMark,
    limit: usize,
) -> Outcome<Vec<PassageRow>> {
    let sql = format!(
        "SELECT {PASSAGE_COLUMNS} FROM passage LEFT JOIN document ON document.id = passage.document \
         WHERE passage.id > ?1 AND passage.id <= ?2 ORDER BY passage.id LIMIT ?3"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((mark.done, mark.last, limit), rows::read_passage)?;
    rows.map(|row| match row? {
        (passage, true) => Ok(passage),
        (passage, false) => Err(StoreFault::Damaged(format!("passage {} is damaged", passage.id))),
    })
    .collect()
}

fn replace<'a>(
    connection: &Connection,
    ids: &[i64],
    vectors: impl Iterator<Item = &'a [f32]>,
) -> Outcome<()> {
    let precision = meta::precision(connection)?;
    let mut statement = connection.prepare_cached("UPDATE vector SET data = ?2 WHERE id = ?1")?;
    let mut changed = 0;
    for (id, vector) in ids.iter().zip(vectors) {
        changed += statement.execute((id, schema::vector_row(*id, vector, precision)))?;
    }
    if changed > 0 {
        // what others hold in memory, and the segment, are codes of the vectors that were
        segment::forget(connection)?;
    }
    Ok(())
}
