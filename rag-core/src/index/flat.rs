//! Exact scan over codes: every vector is scored, the best are kept.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Candidate;
use super::codes::{Code, Codes};

/// The `limit` best positions that `keep` lets through, best first, ties by position.
#[must_use]
pub fn best(
    codes: &Codes,
    query: &Code,
    limit: usize,
    keep: impl Fn(u32) -> bool,
) -> Vec<Candidate> {
    let mut heap: BinaryHeap<Reverse<Candidate>> = BinaryHeap::new();
    let mut floor = f32::NEG_INFINITY;
    codes.for_each(query, |position, score| {
        // positions rise, so an equal score never displaces one that is kept
        if (heap.len() < limit || score > floor) && keep(position) {
            heap.push(Reverse(Candidate { score, position }));
            if heap.len() > limit {
                heap.pop();
            }
            if heap.len() == limit {
                floor = heap.peek().map_or(floor, |worst| worst.0.score);
            }
        }
    });
    heap.into_sorted_vec().into_iter().map(|candidate| candidate.0).collect()
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
}
