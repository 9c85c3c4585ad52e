//! Question to hits: a dense and a lexical leg, fused; more of the same left out, and what stands beside a hit added.

mod diversity;
mod floor;
mod fusion;
mod hits;
mod legs;
mod script;
mod sentences;
mod standing;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::store::{Filter, IndexMode, Store};
use fusion::Fused;
use legs::Legs;

pub(crate) use crate::store::lexical::{MAX_TERMS as MAX_QUESTION_WORDS, spoken, word_count};
pub(crate) use diversity::{centroid, spread};
pub(crate) use floor::UNRELATED;
pub use floor::{Floor, MIN_COVERAGE, measure as measure_floor, min_coverage};
pub use fusion::Fusion;
pub(crate) use hits::{surround, whole};
pub(crate) use script::script;
pub use sentences::{Cosines, Sentence, focus, sentences};
pub(crate) use standing::{Standing, standing};

/// Which legs answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Vectors only; score is the cosine.
    Dense,
    /// Words only; score is BM25.
    Lexical,
    /// Both, fused as [`SearchOptions::fusion`] says; score is the fused one.
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
    /// How both legs become one order. Default a mean of scores.
    pub fusion: Fusion,
    /// How much a hit must differ from those before it, from 0 to 1: maximal marginal relevance (Carbonell and Goldstein 1998).
    /// Default not at all.
    pub diversity: Option<f32>,
    /// What comes with each hit. Default nothing.
    pub context: Context,
    /// How many of the best hits a knowledge base with a reranker sorts anew; 0 for none. Default
    /// [`crate::rerank::DEFAULT_COUNT`], or none without a reranker. [`search`] alone does not rerank.
    pub rerank: Option<usize>,
}

/// What comes with each hit, as hits of their own that stand beside it in the order of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Context {
    /// Nothing.
    #[default]
    None,
    /// So many passages before and after it, of the same document.
    Neighbours(usize),
    /// The passages around it under the same heading, eight on each side at most.
    Section,
}

impl Context {
    /// Reads `none`, `section`, or a number of neighbours.
    ///
    /// # Errors
    /// InvalidArgument for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match (text, text.parse()) {
            ("none", _) => Ok(Self::None),
            ("section", _) => Ok(Self::Section),
            (_, Ok(count)) if count <= MAX_NEIGHBOURS => Ok(Self::Neighbours(count)),
            _ => {
                let reason =
                    format!("{text:?} is not none, section, or a number up to {MAX_NEIGHBOURS}");
                Err(Error::invalid("context", reason))
            }
        }
    }
}

impl SearchOptions {
    fn validate(&self) -> Result<()> {
        if !(1..=MAX_TOP_K).contains(&self.top_k) {
            let reason = format!("{} is not from 1 to {MAX_TOP_K}", self.top_k);
            return Err(Error::invalid("top_k", reason));
        }
        if let Some(diversity) = self.diversity
            && !(0.0..=1.0).contains(&diversity)
        {
            return Err(Error::invalid("diversity", format!("{diversity} is not from 0 to 1")));
        }
        if let Context::Neighbours(count) = self.context
            && count > MAX_NEIGHBOURS
        {
            let reason = format!("{count} neighbours are more than {MAX_NEIGHBOURS}");
            return Err(Error::invalid("context", reason));
        }
        self.fusion.validate()
    }
}

/// Most passages on each side of a hit that may come with it.
const MAX_NEIGHBOURS: usize = 100;

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            top_k: 5,
            mode: Mode::default(),
            index: IndexMode::default(),
            ef_search: None,
            filter: None,
            fusion: Fusion::default(),
            diversity: None,
            context: Context::None,
            rerank: None,
        }
    }
}

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
    /// By what the hits are sorted; see [`Mode`], or the reranker's score where it has a rank of its own. Higher is
    /// better.
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
    /// Where it begins, for a person: `page 3`, `sheet Budget, row 12`, `bytes 10-20`; as [`crate::document::SourceMap::place`].
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
    /// Which of several files asked as one it is of, from 0; not written to JSON where it is the first.
    #[serde(default, skip_serializing_if = "is_first")]
    pub store: usize,
}

/// Whether a file is the one that was asked.
#[allow(clippy::trivially_copy_pass_by_ref)] // serde passes a reference
pub(crate) fn is_first(store: &usize) -> bool {
    *store == 0
}

/// Most hits that may be asked for.
const MAX_TOP_K: usize = 10_000;

/// Finds the passages that answer `question` best; `embedding` is its unit vector, needed unless the mode is lexical.
///
/// The order is total: by score, then by passage id. With [`SearchOptions::context`], each hit is followed or preceded by what
/// stands beside it, in the order of the document.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for `top_k` 0 or above 10,000, other options out of range,
/// or a missing embedding; [`ErrorCode::Store`](crate::ErrorCode::Store) if what is needed is damaged.
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
/// Scores are those of one file that holds the documents of all: words are weighed by the counts of all files. Equal scores go by
/// file, then by passage id.
///
/// # Errors
/// As [`search`]; files by another encoder give no hits by vectors, or InvalidArgument where vectors have another length.
pub fn search_all(
    stores: &[&Store],
    question: &str,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Hit>> {
    let ranked = rank(stores, question, embedding, options)?;
    hits::surround(stores, hits::fill(stores, &ranked)?, options.context)
}

/// The greatest share of `question` that one of `hits` holds, by the idf of its words, and how many words it has; `None` without hits.
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

/// The best passages without their texts.
fn rank(
    stores: &[&Store],
    question: &str,
    embedding: Option<&[f32]>,
    options: &SearchOptions,
) -> Result<Vec<Fused>> {
    options.validate()?;
    let legs = Legs::of(stores, question, embedding, options)?;
    let mut ranked = fusion::join(&legs.dense, &legs.lexical);
    match options.mode {
        Mode::Dense => ranked.iter_mut().for_each(|f| f.score = f.cosine.unwrap_or_default()),
        Mode::Lexical => ranked.iter_mut().for_each(|f| f.score = f.bm25.unwrap_or_default()),
        Mode::Hybrid => fusion::fuse(&mut ranked, options.fusion),
    }
    fusion::sort(&mut ranked);
    match options.diversity {
        Some(diversity) => diversity::pick(stores, ranked, options.top_k, diversity),
        None => {
            ranked.truncate(options.top_k);
            Ok(ranked)
        }
    }
}
