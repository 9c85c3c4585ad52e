//! Question to hits: dense and lexical legs, fused by reciprocal rank.

mod floor;
mod fusion;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;

use crate::document::SourceMap;
use crate::error::{Error, Result};
use crate::store::{Filter, IndexMode, NearestOptions, Store};
use fusion::Fused;

pub(crate) use floor::UNRELATED;
pub use floor::{Floor, measure as measure_floor};

/// Which legs answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Vectors only; score is the cosine.
    Dense,
    /// Words only; score is BM25.
    Lexical,
    /// Both, fused by reciprocal rank; score is the fused one.
    #[default]
    Hybrid,
}

/// How to search.
#[derive(Debug, Clone)]
pub struct SearchOptions {
    /// Most hits returned. Default 5.
    pub top_k: usize,
    /// Which legs answer. Default both.
    pub mode: Mode,
    /// How vectors are searched. Default by size.
    pub index: IndexMode,
    /// Candidates explored in the graph, where one is walked. Default [`crate::store::EF_SEARCH`].
    pub ef_search: Option<usize>,
    /// Only passages of documents that pass. Default all.
    pub filter: Option<Filter>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            top_k: 5,
            mode: Mode::default(),
            index: IndexMode::default(),
            ef_search: None,
            filter: None,
        }
    }
}

/// Where a hit stood in each leg, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Ranks {
    /// Rank among vectors.
    pub dense: Option<usize>,
    /// Rank among words.
    pub lexical: Option<usize>,
}

/// A passage found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// The passage's number in its file, never reused.
    pub passage_id: i64,
    /// By what the hits are sorted; see [`Mode`]. Higher is better.
    pub score: f32,
    /// Cosine to the question, where the dense leg ran and found it.
    pub cosine: Option<f32>,
    /// The document.
    pub uri: String,
    /// First byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Bytes of the source file, where the format has them: first.
    pub source_start: Option<u64>,
    /// One past the last byte of the source file.
    pub source_end: Option<u64>,
    /// Page or slide, from 1.
    pub page: Option<u32>,
    /// Where it begins, for a person: `page 3`, `sheet Budget, row 12`, `bytes 10-20`; as [`SourceMap::place`].
    pub place: Option<String>,
    /// Title of the document.
    pub title: Option<String>,
    /// Heading path.
    pub heading: Option<String>,
    /// The passage.
    pub text: String,
    /// Its rank in each leg.
    pub ranks: Ranks,
}

/// Fewest passages each leg hands to the fusion.
const MIN_LEG: usize = 50;
/// Most hits that may be asked for.
const MAX_TOP_K: usize = 10_000;

/// Finds the passages that answer `question` best; `embedding` is its unit vector, needed unless the mode is lexical.
///
/// Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Buettcher 2009). The order is total: by
/// score, then by passage id.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for `top_k` 0 or above 10,000, or a missing
/// embedding; [`ErrorCode::Store`](crate::ErrorCode::Store) if what is needed is damaged.
pub fn search(
    store: &Store,
    question: &str,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Hit>> {
    let top_k = options.top_k;
    if !(1..=MAX_TOP_K).contains(&top_k) {
        return Err(Error::invalid("top_k", format!("{top_k} is not from 1 to {MAX_TOP_K}")));
    }
    let depth = match options.mode {
        Mode::Hybrid => (top_k * 4).max(MIN_LEG),
        Mode::Dense | Mode::Lexical => top_k,
    };
    let dense = match (options.mode, embedding) {
        (Mode::Lexical, _) => Vec::new(),
        (_, Some(embedding)) => nearest(store, embedding, depth, options)?,
        (_, None) => return Err(Error::invalid("embedding", "missing; this mode needs it")),
    };
    let lexical = match options.mode {
        Mode::Dense => Vec::new(),
        Mode::Lexical | Mode::Hybrid => match &options.filter {
            Some(filter) => store.lexical_where(question, depth, filter)?,
            None => store.lexical(question, depth)?,
        },
    };
    let mut fused = fusion::fuse(&dense, &lexical);
    fused.truncate(top_k);
    if options.mode != Mode::Hybrid {
        let scores: HashMap<i64, f32> = dense.iter().chain(&lexical).copied().collect();
        fused.iter_mut().for_each(|f| f.score = scores.get(&f.id).copied().unwrap_or(f.score));
    }
    fill(store, &fused, &dense.into_iter().collect())
}

/// The dense leg.
fn nearest(
    store: &Store,
    embedding: &[f32],
    depth: usize,
    options: &SearchOptions,
) -> Result<Vec<(i64, f32)>> {
    let among = options.filter.as_ref().map(|filter| store.passages_where(filter)).transpose()?;
    let (mode, ef_search) = (options.index, options.ef_search);
    let options = NearestOptions { mode, ef_search, among: among.as_deref() };
    store.nearest_with(embedding, depth, &options)
}

/// Adds text and place to what was found. A passage deleted since is left out.
fn fill(store: &Store, fused: &[Fused], cosines: &HashMap<i64, f32>) -> Result<Vec<Hit>> {
    let ids: Vec<i64> = fused.iter().map(|f| f.id).collect();
    let ranked: HashMap<i64, &Fused> = fused.iter().map(|f| (f.id, f)).collect();
    let mut maps: HashMap<i64, Option<SourceMap>> = HashMap::new();
    let mut hits = Vec::with_capacity(ids.len());
    for passage in store.passages(&ids)? {
        let Some(found) = ranked.get(&passage.id) else { continue };
        let source = match maps.entry(passage.document_id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => entry.insert(source_map(store, passage.document_id)?),
        };
        let range = passage.start..passage.end;
        let bytes = source.as_ref().and_then(|map| map.source_bytes(&range));
        let place = source.as_ref().and_then(|map| map.place(&range));
        hits.push(Hit {
            passage_id: passage.id,
            score: found.score,
            cosine: cosines.get(&passage.id).copied(),
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
        });
    }
    Ok(hits)
}

fn source_map(store: &Store, document_id: i64) -> Result<Option<SourceMap>> {
    let packed = store.source_map(document_id)?.filter(|packed| !packed.is_empty());
    Ok(packed.and_then(|packed| SourceMap::from_bytes(&packed)))
}
