//! Question to hits: dense and lexical legs, fused by reciprocal rank.

mod floor;

use serde::Serialize;

use crate::error::Result;
use crate::store::{IndexMode, Store};

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
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { top_k: 5, mode: Mode::default(), index: IndexMode::default() }
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
    /// Page, from 1.
    pub page: Option<u32>,
    /// Title of the document.
    pub title: Option<String>,
    /// Heading path.
    pub heading: Option<String>,
    /// The passage.
    pub text: String,
    /// Its rank in each leg.
    pub ranks: Ranks,
}

/// Finds the passages that answer `question` best; `embedding` is its unit vector, needed unless the mode is lexical.
///
/// Fusion is reciprocal rank fusion with k = 60 (Cormack, Clarke and Buettcher 2009).
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for `top_k` 0 or above 10,000, or a missing embedding.
pub fn search(
    _store: &Store,
    _question: &str,
    _embedding: Option<&[f32]>,
    _options: &SearchOptions,
) -> Result<Vec<Hit>> {
    todo!()
}
