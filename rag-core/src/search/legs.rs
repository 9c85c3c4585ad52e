//! What vectors and words say, over one file or several asked as one.
//!
//! Several files give the scores of one that holds all: cosines need nothing for that, and words
//! are weighed by the counts of all files together.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::leg::{Key, Leg};
use super::{Duplicates, Fusion, Mode, SearchOptions, SearchQuery, prior};
use crate::error::{Error, Result};
use crate::store::{LexicalOptions, NearestOptions, Statistics, Store};

/// Fewest passages each leg hands to the fusion.
const MIN_LEG: usize = 100;

/// What each leg says.
#[derive(Default)]
pub(super) struct Legs {
    pub(super) dense: Leg,
    pub(super) lexical: Leg,
}

impl Legs {
    pub(super) fn of(
        stores: &[&Store],
        query: &SearchQuery,
        embedding: Option<&[f32]>,
        options: &SearchOptions,
    ) -> Result<Self> {
        let scopes = stores.iter().map(|store| query.scope(store, options.filter.as_ref()));
        let scopes = scopes.collect::<Result<Vec<_>>>()?;
        let is_settled = options.mode != Mode::Hybrid
            && options.diversity.is_none()
            && matches!(options.duplicates, None | Some(Duplicates::Keep))
            && !prior::is_asked(options);
        let depth = if is_settled { options.top_k } else { options.top_k.max(MIN_LEG) };
        // each leg scores what the other found, if scores are to be compared
        let both = options.mode == Mode::Hybrid && matches!(options.fusion, Fusion::Convex { .. });
        let nearest = |store: &Store, limit: usize, among: Option<&[i64]>| match embedding {
            Some(embedding) => {
                let (mode, ef_search) = (options.index, options.ef_search);
                store.nearest_with(embedding, limit, &NearestOptions { mode, ef_search, among })
            }
            None => Err(Error::invalid("embedding", "missing; this mode needs it")),
        };
        let mut legs = Self::default();
        if options.mode != Mode::Lexical {
            for (number, store) in stores.iter().enumerate() {
                let found = nearest(store, depth, scopes[number].as_deref())?;
                legs.dense.found.extend(keyed(number, found));
            }
            best_first(&mut legs.dense.found);
            legs.dense.found.truncate(depth);
        }
        if options.mode != Mode::Dense {
            let statistics = statistics(stores, &query.text)?;
            let wanted: HashSet<Key> =
                legs.dense.found.iter().map(|hit| hit.0).filter(|_| both).collect();
            for (number, store) in stores.iter().enumerate() {
                let also = ids_in(number, wanted.iter());
                let (among, statistics) = (scopes[number].as_deref(), statistics.as_ref());
                let words = LexicalOptions { among, also: &also, statistics };
                let mut found = store.lexical_with(&query.text, depth, &words)?;
                let more = found.split_off(depth.min(found.len()));
                legs.lexical.found.extend(keyed(number, found));
                legs.lexical.also.extend(keyed(number, more));
            }
            best_first(&mut legs.lexical.found);
            let rest = legs.lexical.found.split_off(depth.min(legs.lexical.found.len()));
            legs.lexical.also.extend(rest.into_iter().filter(|hit| wanted.contains(&hit.0)));
        }
        if both {
            let held: HashSet<Key> = legs.dense.found.iter().map(|hit| hit.0).collect();
            let missing: Vec<Key> = legs
                .lexical
                .found
                .iter()
                .map(|hit| hit.0)
                .filter(|key| !held.contains(key))
                .collect();
            for (number, store) in stores.iter().enumerate() {
                let missing = ids_in(number, missing.iter());
                let scored = nearest(store, missing.len(), Some(&missing))?;
                legs.dense.also.extend(keyed(number, scored));
            }
        }
        Ok(legs)
    }
}

/// The documents that `text` names, by their first and last passage, and how much of their name it
/// says.
pub(super) fn named(stores: &[&Store], text: &str) -> Result<Vec<(RangeInclusive<Key>, f32)>> {
    let mut all = Vec::new();
    for (number, store) in stores.iter().enumerate() {
        let key = |id: &i64| Key { store: number, id: *id };
        let named = store.named(text)?.into_iter();
        all.extend(
            named.map(|one| (key(one.passages.start())..=key(one.passages.end()), one.share)),
        );
    }
    Ok(all)
}

/// What the words of `question` count in all files together; `None` for one file, which counts by
/// itself.
///
/// # Errors
/// Store if a full-text index is damaged.
pub(super) fn statistics(stores: &[&Store], question: &str) -> Result<Option<Statistics>> {
    if stores.len() < 2 {
        return Ok(None);
    }
    let mut sum = Statistics::default();
    for store in stores {
        sum.add(&store.statistics(question)?);
    }
    Ok(Some(sum))
}

fn keyed(store: usize, hits: Vec<(i64, f32)>) -> impl Iterator<Item = (Key, f32)> {
    hits.into_iter().map(move |(id, score)| (Key { store, id }, score))
}

/// The numbers of those passages that are of this file, rising.
fn ids_in<'a>(store: usize, keys: impl Iterator<Item = &'a Key>) -> Vec<i64> {
    let mut ids: Vec<i64> = keys.filter(|key| key.store == store).map(|key| key.id).collect();
    ids.sort_unstable();
    ids
}

/// Best first, ties by key.
fn best_first(hits: &mut [(Key, f32)]) {
    hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
}
