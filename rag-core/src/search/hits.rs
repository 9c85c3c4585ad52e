//! Ranked passages to hits: their texts, their places, and what stands beside them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::fusion::Fused;
use super::leg::Key;
use super::{Context, Hit};
use crate::document::SourceMap;
use crate::error::Result;
use crate::store::{PassageRow, Store};

/// Most passages on each side that count as the section around a hit.
const MAX_SECTION: usize = 8;

/// Adds text and place to what was found. A passage deleted since is left out.
pub(super) fn fill(stores: &[&Store], ranked: &[Fused]) -> Result<Vec<Hit>> {
    let mut filled: HashMap<Key, Hit> = HashMap::with_capacity(ranked.len());
    for (number, store) in stores.iter().enumerate() {
        let found: HashMap<i64, &Fused> =
            ranked.iter().filter(|f| f.key.store == number).map(|f| (f.key.id, f)).collect();
        // in the order of the rows, not of the scores: neighbours lie on the same page of the file
        let mut ids: Vec<i64> = found.keys().copied().collect();
        ids.sort_unstable();
        let mut maps = Maps::new(store, number);
        for passage in store.passages(&ids)? {
            if let Some(found) = found.get(&passage.id) {
                filled.insert(found.key, maps.hit(passage, found)?);
            }
        }
    }
    Ok(ranked.iter().filter_map(|found| filled.remove(&found.key)).collect())
}

/// Adds what stands beside each hit, in the order of its document.
///
/// # Errors
/// Store if a passage is damaged.
pub(crate) fn surround(stores: &[&Store], hits: Vec<Hit>, context: Context) -> Result<Vec<Hit>> {
    if context == Context::None {
        return Ok(hits);
    }
    let mut shown: HashSet<Key> = hits.iter().map(key).collect();
    let mut passages: HashMap<Key, PassageRow> = HashMap::with_capacity(hits.len());
    for (number, store) in stores.iter().enumerate() {
        let found = hits.iter().filter(|hit| hit.store == number);
        let ids: Vec<i64> = found.map(|hit| hit.passage_id).collect();
        let rows = store.passages(&ids)?.into_iter();
        passages.extend(rows.map(|row| (Key { store: number, id: row.id }, row)));
    }
    let mut maps: Vec<Maps<'_>> =
        stores.iter().enumerate().map(|(number, store)| Maps::new(store, number)).collect();
    let mut surrounded = Vec::with_capacity(hits.len());
    for hit in hits {
        let Some(passage) = passages.get(&key(&hit)) else { continue };
        let (before, after) = around(stores[hit.store], passage, context)?;
        // a neighbour has the score of the hit it came with and nothing of its own
        let beside = Fused { score: hit.score, ..Fused::default() };
        let number = hit.store;
        for row in fresh(before, number, &mut shown) {
            surrounded.push(maps[number].hit(row, &beside)?);
        }
        surrounded.push(hit);
        for row in fresh(after, number, &mut shown) {
            surrounded.push(maps[number].hit(row, &beside)?);
        }
    }
    Ok(surrounded)
}

/// Passages that were not looked for, as hits without scores, in order.
///
/// # Errors
/// Store if a passage is damaged.
pub(crate) fn given(store: &Store, number: usize, ids: &[i64]) -> Result<Vec<Hit>> {
    let mut maps = Maps::new(store, number);
    let passages = store.passages(ids)?.into_iter();
    passages.map(|passage| maps.hit(passage, &Fused::default())).collect()
}

/// Every passage of a document as a hit without scores, in order.
///
/// # Errors
/// Store if a passage is damaged.
pub(crate) fn whole(stores: &[&Store], store: usize, document_id: i64) -> Result<Vec<Hit>> {
    let mut maps = Maps::new(stores[store], store);
    let passages = stores[store].passages_of(document_id)?;
    passages.into_iter().map(|passage| maps.hit(passage, &Fused::default())).collect()
}

fn key(hit: &Hit) -> Key {
    Key { store: hit.store, id: hit.passage_id }
}

/// Those of `rows` that were not shown yet; they are now.
fn fresh(mut rows: Vec<PassageRow>, store: usize, shown: &mut HashSet<Key>) -> Vec<PassageRow> {
    rows.retain(|row| shown.insert(Key { store, id: row.id }));
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

/// The source maps of the documents of a file met so far.
struct Maps<'a> {
    store: &'a Store,
    number: usize,
    maps: HashMap<i64, Option<SourceMap>>,
}

impl<'a> Maps<'a> {
    fn new(store: &'a Store, number: usize) -> Self {
        Self { store, number, maps: HashMap::new() }
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
            store: self.number,
            copies: Vec::new(),
            newer: None,
        })
    }
}

fn source_map(store: &Store, document_id: i64) -> Result<Option<SourceMap>> {
    let packed = store.source_map(document_id)?.filter(|packed| !packed.is_empty());
    Ok(packed.and_then(|packed| SourceMap::from_bytes(&packed)))
}
