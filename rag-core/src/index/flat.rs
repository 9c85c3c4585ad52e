//! Exact scan over codes: every vector is scored, the best are kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ScoredPosition;
use super::codes::{Code, Codes};

/// The `limit` best positions that `keep` lets through, best first, ties by position.
#[must_use]
pub fn best(
    codes: &Codes,
    query: &Code,
    limit: usize,
    keep: impl Fn(u32) -> bool,
) -> Vec<ScoredPosition> {
    let mut best = Best::new(limit);
    codes.for_each(query, |position, score| best.offer(ScoredPosition { score, position }, &keep));
    best.sorted()
}

/// The `limit` best of `positions`, which rise and are in range; best first, ties by position.
#[must_use]
pub fn best_among(
    codes: &Codes,
    query: &Code,
    limit: usize,
    positions: &[u32],
) -> Vec<ScoredPosition> {
    let mut best = Best::new(limit);
    let mut scores = [0f32; BLOCK];
    for positions in positions.chunks(BLOCK) {
        codes.scores(query, positions, &mut scores);
        for (&position, &score) in positions.iter().zip(&scores) {
            best.offer(ScoredPosition { score, position }, |_| true);
        }
    }
    best.sorted()
}

/// Positions scored together.
const BLOCK: usize = 256;

/// The best candidates of a scan.
struct Best {
    limit: usize,
    floor: f32,
    heap: BinaryHeap<Reverse<ScoredPosition>>,
}

impl Best {
    fn new(limit: usize) -> Self {
        Self { limit, floor: f32::NEG_INFINITY, heap: BinaryHeap::new() }
    }

    /// Takes a candidate in if it is among the best so far. Positions must rise: an equal score
    /// then never displaces one that is kept.
    fn offer(&mut self, candidate: ScoredPosition, keep: impl Fn(u32) -> bool) {
        let fits = self.heap.len() < self.limit || candidate.score > self.floor;
        if self.limit == 0 || !fits || !keep(candidate.position) {
            return;
        }
        self.heap.push(Reverse(candidate));
        if self.heap.len() > self.limit {
            self.heap.pop();
        }
        if self.heap.len() == self.limit {
            self.floor = self.heap.peek().map_or(self.floor, |worst| worst.0.score);
        }
    }

    fn sorted(self) -> Vec<ScoredPosition> {
        self.heap.into_sorted_vec().into_iter().map(|candidate| candidate.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> Codes {
        let mut codes = Codes::new(2);
        for angle in [0.0f32, 0.5, 0.1, 0.5, 2.0] {
            codes.push(&[angle.cos(), angle.sin()]);
        }
        codes
    }

    #[test]
    fn best_come_first_and_ties_go_by_position() {
        let query = Code::new(&[0.5f32.cos(), 0.5f32.sin()]);
        let positions = |limit| -> Vec<u32> {
            best(&fixture(), &query, limit, |_| true).iter().map(|c| c.position).collect()
        };
        assert_eq!(positions(10), [1, 3, 2, 0, 4]);
        assert_eq!(positions(1), [1]);
        assert_eq!(positions(0), [0u32; 0]);
    }

    #[test]
    fn what_keep_refuses_is_not_found() {
        let query = Code::new(&[1.0, 0.0]);
        let found = best(&fixture(), &query, 2, |position| position != 0);
        assert_eq!(found.iter().map(|c| c.position).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn a_scan_of_some_finds_what_a_scan_that_keeps_them_finds() {
        let query = Code::new(&[0.3f32.cos(), 0.3f32.sin()]);
        for limit in 0..5 {
            let kept = best(&fixture(), &query, limit, |position| position % 2 == 1);
            assert_eq!(best_among(&fixture(), &query, limit, &[1, 3]), kept);
        }
    }
}
