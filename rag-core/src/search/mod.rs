//! Question to hits: a dense and a lexical leg, fused; more of the same left out, and what stands
//! beside a hit added.

mod copies;
mod diversity;
mod floor;
mod fusion;
mod hits;
mod leg;
mod legs;
mod matched;
mod plane;
mod prior;
mod script;
mod sentences;
mod standing;
mod syntax;
mod versions;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::store::Store;
use fusion::Fused;
use legs::Legs;

use crate::options::Options;
pub use crate::options::search::{Context, Duplicates, Mode, SearchOptions, Syntax};
pub(crate) use crate::store::lexical::{
    Common, MAX_TERMS as MAX_QUESTION_WORDS, spoken, word_count,
};
pub use copies::{HitCopy, NearPrint, near_copies};
pub(crate) use diversity::{centroid, spread, spread_by};
pub use floor::{Floor, MIN_COVERAGE, measure as measure_floor, min_coverage};
pub(crate) use floor::{UNRELATED, min_coverage_of_forms};
pub use fusion::Fusion;
pub(crate) use hits::{given, surround, whole};
pub use matched::{Matched, matched};
pub(crate) use plane::Plane;
pub use prior::{Boost, Recency};
pub(crate) use script::{WritingSystem, script};
pub use sentences::{Cosines, Sentence, focus, sentences};
pub(crate) use sentences::{focus_on, is_of_its_row, quoted};
pub(crate) use standing::{Standing, standing};
pub use syntax::SearchQuery;

/// Where a hit stood in each leg, from 1. Neither for a passage that only stands beside a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ranks {
    /// Rank among vectors.
    pub dense: Option<usize>,
    /// Rank among words.
    pub lexical: Option<usize>,
    /// Rank after reranking; not written to JSON where no reranker ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank: Option<usize>,
}

/// A passage found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Hit {
    /// The passage's number in its file, never reused.
    pub passage_id: i64,
    /// By what the hits are sorted; see [`Mode`], or the reranker's score where it has a rank of
    /// its own. Higher is better.
    pub score: f32,
    /// Cosine to the question, where it was computed.
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
    /// Where it begins, for a person: `page 3`, `sheet Budget, row 12`, `bytes 10-20`; as
    /// [`crate::document::SourceMap::place`].
    pub place: Option<String>,
    /// Title of the document.
    pub title: Option<String>,
    /// Heading path.
    pub heading: Option<String>,
    /// The passage.
    pub text: String,
    /// Its rank in each leg.
    pub ranks: Ranks,
    /// BM25 of the question's words, where it was computed.
    pub bm25: Option<f32>,
    /// Which of several files asked as one it is of, from 0; not written to JSON where it is the
    /// first.
    #[serde(default, skip_serializing_if = "is_first")]
    pub store: usize,
    /// Where else the same words stand, as far as those were found too; see
    /// [`SearchOptions::duplicates`]. Not written to JSON where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<HitCopy>,
    /// The newest version of its document that lies beside it, as far as their names say:
    /// `report_v3.docx` for a hit of `report_v1.docx`, of the first 100 hits. Not written to JSON
    /// where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
}

/// Whether a file is the one that was asked.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
pub(crate) fn is_first(store: &usize) -> bool {
    *store == 0
}

/// Finds the passages that answer `question` best; `embedding` is its unit vector, needed unless
/// the mode is lexical.
///
/// The order is total: by score, then by passage id. With [`SearchOptions::context`], each hit is
/// followed or preceded by what stands beside it, in the order of the document.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for `top_k` 0 or above 10,000, other options out of range,
/// or a missing embedding; [`ErrorCode::Store`](crate::ErrorCode::Store) if what is needed is
/// damaged.
pub fn search(
    store: &Store,
    question: &str,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Hit>> {
    search_all(&[store], question, embedding, options)
}

/// As [`search`], over several files asked as one; [`Hit::store`] says which one a hit is of.
///
/// Scores are those of one file that holds the documents of all: words are weighed by the counts of
/// all files. Equal scores go by file, then by passage id.
///
/// # Errors
/// As [`search`]; files by another encoder give no hits by vectors, or InvalidArgument where
/// vectors have another length.
pub fn search_all(
    stores: &[&Store],
    question: &str,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Hit>> {
    search_for(stores, &SearchQuery::plain(question), embedding, options)
}

/// As [`search_all`], of what fulfils the conditions of `query`.
///
/// # Errors
/// As [`search_all`].
pub fn search_for(
    stores: &[&Store],
    query: &SearchQuery,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Hit>> {
    let ranked = rank(stores, query, embedding, options)?;
    let mut hits = match copies::Likeness::of(options.duplicates) {
        Some(likeness) => copies::folded(stores, &ranked, options.top_k, likeness)?,
        None => hits::fill(stores, ranked.get(..options.top_k).unwrap_or(&ranked))?,
    };
    versions::mark(stores, &mut hits)?;
    hits::surround(stores, hits, options.context)
}

/// The greatest share of `question` that one of `hits` holds, by the idf of its words, and how many
/// words it has; `None` without hits.
///
/// # Errors
/// Store if a full-text index is damaged.
pub fn coverage(stores: &[&Store], question: &str, hits: &[Hit]) -> Result<Option<(f32, usize)>> {
    let statistics = legs::statistics(stores, question)?;
    let mut greatest: Option<(f32, usize)> = None;
    for (number, store) in stores.iter().enumerate() {
        let ids: Vec<i64> =
            hits.iter().filter(|hit| hit.store == number).map(|hit| hit.passage_id).collect();
        if ids.is_empty() {
            continue;
        }
        let coverage = store.coverage(question, &ids, statistics.as_ref())?;
        let share = coverage.shares.into_iter().fold(0.0, f32::max);
        if greatest.is_none_or(|(most, _)| share > most) {
            greatest = Some((share, coverage.word_count));
        }
    }
    Ok(greatest)
}

/// The best passages without their texts, more than are asked for where more were found.
fn rank(
    stores: &[&Store],
    query: &SearchQuery,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Fused>> {
    options.validate()?;
    let legs = Legs::of(stores, query, embedding, options)?;
    let mut ranked = fusion::join(&legs.dense, &legs.lexical);
    match options.mode {
        Mode::Dense => ranked.iter_mut().for_each(|f| f.score = f.cosine.unwrap_or_default()),
        Mode::Lexical => ranked.iter_mut().for_each(|f| f.score = f.bm25.unwrap_or_default()),
        Mode::Hybrid => {
            fusion::fuse(&mut ranked, options.fusion);
            fusion::lift(&mut ranked, &legs::named(stores, &query.text)?, options.fusion);
        }
    }
    if prior::is_asked(options) {
        prior::weigh(stores, &mut ranked, options)?;
    }
    fusion::sort(&mut ranked);
    match options.diversity {
        Some(diversity) => diversity::pick(stores, ranked, options.top_k, diversity),
        None => Ok(ranked),
    }
}
