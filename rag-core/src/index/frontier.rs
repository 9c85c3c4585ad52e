//! The working set of a walk through a graph: the best nodes seen so far, and which nodes were
//! seen.
//!
//! Scores and positions are packed into one number that sorts best first, in a sorted array: for
//! the few hundred candidates of a search, moving the end of an array beats the two heaps of Malkov
//! and Yashunin 2016.

use std::sync::{Mutex, PoisonError};

use super::ScoredPosition;

/// Positions must stay below this.
pub(super) const MAX_POSITIONS: usize = 1 << 31;

/// A candidate as one number: greater is better; the lowest bit says that it has yet to be
/// expanded.
type Key = u64;

fn key(candidate: ScoredPosition) -> Key {
    let bits = candidate.score.to_bits();
    // the sign bit apart, floats order as integers do; negative ones the other way round
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    let position = !(candidate.position << 1) & !1;
    u64::from(ordered) << 32 | u64::from(position) | 1
}

fn candidate(key: Key) -> ScoredPosition {
    let ordered = (key >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    ScoredPosition { score: f32::from_bits(bits), position: !(key as u32 | 1) >> 1 }
}

/// The best candidates, at most `capacity`, and how far they have been expanded.
#[derive(Debug, Default)]
pub(super) struct Frontier {
    /// Best first.
    keys: Vec<Key>,
    capacity: usize,
    /// Every key before this place has been expanded.
    next: usize,
}

impl Frontier {
    /// Empties it for another walk.
    pub(super) fn reset(&mut self, capacity: usize) {
        self.keys.clear();
        self.keys.reserve(capacity + 1);
        self.capacity = capacity.max(1);
        self.next = 0;
    }

    /// The score below which a candidate cannot enter.
    pub(super) fn floor(&self) -> f32 {
        match self.keys.last() {
            Some(worst) if self.keys.len() >= self.capacity => candidate(*worst).score,
            _ => f32::NEG_INFINITY,
        }
    }

    /// Takes a candidate in, in place of the worst if it is full.
    pub(super) fn insert(&mut self, new: ScoredPosition) {
        let new = key(new);
        if self.keys.len() >= self.capacity {
            if self.keys.last().is_some_and(|worst| *worst >= new) {
                return;
            }
            self.keys.pop();
        }
        let place = self.keys.partition_point(|key| *key > new);
        self.keys.insert(place, new);
        self.next = self.next.min(place);
    }

    /// The best candidate that was not expanded yet, now marked as expanded.
    pub(super) fn expand(&mut self) -> Option<ScoredPosition> {
        let unseen = self.keys.get(self.next..)?.iter().position(|key| key & 1 == 1);
        self.next += unseen?;
        let key = self.keys.get_mut(self.next)?;
        *key &= !1;
        let best = candidate(*key);
        self.next += 1;
        Some(best)
    }

    /// What is left, best first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = ScoredPosition> + '_ {
        self.keys.iter().map(|key| candidate(*key))
    }
}

/// One bit per node, cleared at the cost of the nodes that were seen.
#[derive(Debug, Default)]
pub(super) struct Visited {
    words: Vec<u64>,
    touched: Vec<u32>,
}

impl Visited {
    /// Forgets all, and makes room for `count` nodes.
    pub(super) fn reset(&mut self, count: usize) {
        for word in self.touched.drain(..) {
            self.words[word as usize] = 0;
        }
        self.words.resize(count.div_ceil(64), 0);
    }

    /// Whether the node was new; `false` for one out of range.
    pub(super) fn insert(&mut self, node: u32) -> bool {
        let Some(word) = self.words.get_mut(node as usize / 64) else { return false };
        let bit = 1u64 << (node % 64);
        let new = *word & bit == 0;
        if *word == 0 {
            self.touched.push(node / 64);
        }
        *word |= bit;
        new
    }
}

/// What a walk needs besides the graph; reused by the next walk.
#[derive(Debug, Default)]
pub(super) struct WalkScratch {
    pub(super) frontier: Frontier,
    pub(super) visited: Visited,
}

/// Scratches that nobody uses now.
#[derive(Debug, Default)]
pub(super) struct Scratches(Mutex<Vec<WalkScratch>>);

impl Scratches {
    /// Runs `work` with a scratch of its own.
    pub(super) fn lend<T>(&self, work: impl FnOnce(&mut WalkScratch) -> T) -> T {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = lock().pop().unwrap_or_default();
        let value = work(&mut scratch);
        lock().push(scratch);
        value
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn keys_order_as_candidates_do(
            a in any::<(f32, u32)>(), b in any::<(f32, u32)>()
        ) {
            let make = |(score, position): (f32, u32)| ScoredPosition { score, position: position >> 1 };
            let (a, b) = (make(a), make(b));
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(candidate(key(a)).position, a.position);
            prop_assert_eq!(candidate(key(a)).score.to_bits(), a.score.to_bits());
        }

        #[test]
        fn the_best_are_kept_in_order_and_expanded_once(
            scores in proptest::collection::vec(-1.0f32..1.0, 1..80), capacity in 1usize..40
        ) {
            let mut frontier = Frontier::default();
            frontier.reset(capacity);
            let mut all: Vec<ScoredPosition> = Vec::new();
            let mut expanded = Vec::new();
            for (position, score) in (0u32..).zip(scores) {
                all.push(ScoredPosition { score, position });
                frontier.insert(ScoredPosition { score, position });
                if position % 3 == 0 {
                    expanded.extend(frontier.expand());
                }
            }
            while let Some(next) = frontier.expand() {
                expanded.push(next);
            }
            all.sort_by(|a, b| b.cmp(a));
            all.truncate(capacity);
            prop_assert_eq!(frontier.candidates().collect::<Vec<_>>(), all.clone());
            prop_assert!(all.iter().all(|kept| expanded.contains(kept)));
            let mut once = expanded.clone();
            once.sort();
            once.dedup();
            prop_assert_eq!(once.len(), expanded.len());
        }
    }

    #[test]
    fn visited_forgets_and_grows() {
        let mut visited = Visited::default();
        visited.reset(70);
        assert!(visited.insert(3) && visited.insert(69) && !visited.insert(3));
        assert!(!visited.insert(1000));
        visited.reset(2000);
        assert!(visited.insert(3) && visited.insert(1000));
    }
}
