//! Vectors to nearest neighbours: int8 codes, exact scan, HNSW graph.
//!
//! Works on positions in memory and knows nothing of files or passages; `store` turns positions
//! into passage ids and rescores with the original vectors. Scores here come from codes and are
//! approximate.

pub mod codes;
pub mod flat;
mod frontier;
pub mod graph;
pub mod hnsw;
pub mod native;
mod walk;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt::Debug;

use codes::Codes;
use graph::Links;

use crate::error::Result;
pub use crate::options::index::BuildOptions;
use crate::progress::CancelToken;

/// Links vectors into a graph. What it returns may leave nodes unreachable; [`graph::Graph::pack`]
/// repairs that.
pub trait GraphBuilder: Debug + Send + Sync {
    /// Whether it reads the original vectors; if not, none need be kept in memory for it.
    fn wants_vectors(&self) -> bool {
        false
    }

    /// Links the vectors of `codes`; `vectors` are the originals, row after row, or empty if it
    /// does not want them.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for options out of range or vectors that
    /// are not finite unit vectors; [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled) within
    /// one batch;
    /// [`ErrorCode::Internal`](crate::ErrorCode::Internal) if it fails where it cannot.
    fn build(&self, codes: &Codes, vectors: &[f32], cancel: &CancelToken) -> Result<Links>;
}

/// A position and its approximate score. Orders by score, then the lower position first: "greater"
/// is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPosition {
    /// Approximate cosine.
    pub score: f32,
    /// Place among the codes searched.
    pub position: u32,
}

impl Eq for ScoredPosition {}

impl PartialOrd for ScoredPosition {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ScoredPosition {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.position.cmp(&self.position))
    }
}
