//! Vectors to nearest neighbours: int8 codes, exact scan, HNSW graph.
//!
//! Works on positions in memory and knows nothing of files or passages; `store` turns positions into passage
//! ids and rescores with the original vectors. Scores here come from codes and are approximate.

pub mod codes;
pub mod flat;
pub mod graph;
pub mod hnsw;

use std::cmp::Ordering;

/// A position and its approximate score. Orders by score, then the lower position first: "greater" is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Approximate cosine.
    pub score: f32,
    /// Place among the codes searched.
    pub position: u32,
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.position.cmp(&self.position))
    }
}
