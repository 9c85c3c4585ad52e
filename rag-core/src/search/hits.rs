//! Ranked passages to hits: their texts, their places, and what stands beside them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::fusion::Fused;
use super::{Context, Hit};
use crate::document::SourceMap;
use crate::error::Result;
use crate::store::{PassageRow, Store};

/// Most passages on each side that count as the section around a hit.
const MAX_SECTION: usize = 8;

/// Adds text and place to what was found. A passage deleted since is left out.
pub(super) fn fill(store: &Store, ranked: &[Fused]) -> Result<Vec<Hit>> {
    let ids: Vec<i64> = ranked.iter().map(|f| f.id).collect();
    let by_id: HashMap<i64, &Fused> = ranked.iter().map(|f| (f.id, f)).collect();
    let mut maps = Maps::new(store);
    let mut hits = Vec::with_capacity(ids.len());
    for passage in store.passages(&ids)? {
        if let Some(found) = by_id.get(&passage.id) {
            hits.push(maps.hit(passage, found)?);
        }
    }
    Ok(hits)
}

/// Adds what stands beside each hit, in the order of its document.
///
/// # Errors
/// Store if a passage is damaged.
pub(crate) fn surround(store: &Store, hits: Vec<Hit>, context: Context) -> Result<Vec<Hit>> {
    if context == Context::None {
        return Ok(hits);
    }
    let ids: Vec<i64> = hits.iter().map(|hit| hit.passage_id).collect();
    let mut shown: HashSet<i64> = ids.iter().copied().collect();
    let passages: HashMap<i64, PassageRow> =
        store.passages(&ids)?.into_iter().map(|passage| (passage.id, passage)).collect();
    let mut maps = Maps::new(store);
    let mut surrounded = Vec::with_capacity(hits.len());
    for hit in hits {
        let Some(passage) = passages.get(&hit.passage_id) else { continue };
        let (before, after) = around(store, passage, context)?;
        // a neighbour has the score of the hit it came with and nothing of its own
        let beside = Fused { score: hit.score, ..Fused::default() };
        for row in fresh(before, &mut shown) {
            surrounded.push(maps.hit(row, &beside)?);
        }
        surrounded.push(hit);
        for row in fresh(after, &mut shown) {
            surrounded.push(maps.hit(row, &beside)?);
        }
    }
    Ok(surrounded)
}

/// Those of `rows` that were not shown yet; they are now.
fn fresh(mut rows: Vec<PassageRow>, shown: &mut HashSet<i64>) -> Vec<PassageRow> {
    rows.retain(|row| shown.insert(row.id));
    rows
}

/// What stands before and after a passage, in the order of the document.
fn around(
    store: &Store,
    passage: &PassageRow,
    context: Context,
) -> Result<(Vec<PassageRow>, Vec<PassageRow>)> {
    let reach = match context {
        Context::None => return Ok((Vec::new(), Vec::new())),
        Context::Neighbours(count) => count,
        Context::Section => MAX_SECTION,
    };
    let (mut before, mut after) = store.neighbours(passage.document_id, passage.ordinal, reach)?;
    if context == Context::Section {
        let inside = |row: &&PassageRow| row.heading == passage.heading;
        let kept = before.iter().rev().take_while(inside).count();
        before.drain(..before.len() - kept);
        after.truncate(after.iter().take_while(inside).count());
    }
    Ok((before, after))
}

/// The source maps of the documents met so far.
struct Maps<'a> {
    store: &'a Store,
    maps: HashMap<i64, Option<SourceMap>>,
}

impl<'a> Maps<'a> {
    fn new(store: &'a Store) -> Self {
        Self { store, maps: HashMap::new() }
    }

    fn hit(&mut self, passage: PassageRow, found: &Fused) -> Result<Hit> {
        let source = match self.maps.entry(passage.document_id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(source_map(self.store, passage.document_id)?),
        };
        let range = passage.start..passage.end;
        let bytes = source.as_ref().and_then(|map| map.source_bytes(&range));
        let place = source.as_ref().and_then(|map| map.place(&range));
        Ok(Hit {
            passage_id: passage.id,
            score: found.score,
            cosine: found.cosine,
            bm25: found.bm25,
            uri: passage.uri,
            start: passage.start,
            end: passage.end,
            source_start: bytes.as_ref().map(|bytes| bytes.start),
            source_end: bytes.map(|bytes| bytes.end),
            page: passage.page,
            place,
            title: passage.title,
            heading: passage.heading,
            text: passage.text,
            ranks: found.ranks,
        })
    }
}

fn source_map(store: &Store, document_id: i64) -> Result<Option<SourceMap>> {
    let packed = store.source_map(document_id)?.filter(|packed| !packed.is_empty());
    Ok(packed.and_then(|packed| SourceMap::from_bytes(&packed)))
}
