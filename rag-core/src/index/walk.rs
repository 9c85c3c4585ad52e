//! Walks through one layer of a graph (Malkov and Yashunin 2016, algorithm 2), for building and for
//! searching.

use std::collections::BinaryHeap;

use super::ScoredPosition;
use super::frontier::WalkScratch;

/// Neighbours scored together.
pub(super) const BLOCK: usize = 64;

/// A way to score nodes, at most [`BLOCK`], into the first places of the slice.
pub(super) trait Score: Fn(&[u32], &mut [f32]) {}

impl<F: Fn(&[u32], &mut [f32])> Score for F {}

/// A layer and a way to score its nodes against what is looked for.
pub(super) struct Walk<N, S> {
    /// Nodes are below this.
    pub(super) node_count: usize,
    /// The links of a node, each below `node_count`.
    pub(super) neighbours: N,
    /// Their scores.
    pub(super) score: S,
}

impl<'a, N, S> Walk<N, S>
where
    N: Fn(u32) -> &'a [u32],
    S: Score,
{
    /// Leaves in the frontier the best nodes found when the `ef` best seen have all been expanded.
    pub(super) fn explore(&self, starts: &[u32], ef: usize, scratch: &mut WalkScratch) {
        scratch.frontier.reset(ef);
        scratch.visited.reset(self.node_count);
        let mut floor = f32::NEG_INFINITY;
        self.take(starts, scratch, |scratch, candidate| scratch.frontier.insert(candidate));
        while let Some(next) = scratch.frontier.expand() {
            self.take((self.neighbours)(next.position), scratch, |scratch, candidate| {
                if candidate.score >= floor {
                    scratch.frontier.insert(candidate);
                    floor = scratch.frontier.floor();
                }
            });
        }
    }

    /// As [`Walk::explore`], keeping only nodes that `keep` lets through; the others are walked
    /// over.
    pub(super) fn explore_kept(
        &self,
        starts: &[u32],
        ef: usize,
        scratch: &mut WalkScratch,
        keep: impl Fn(u32) -> bool,
    ) {
        scratch.frontier.reset(ef);
        scratch.visited.reset(self.node_count);
        let mut open: BinaryHeap<ScoredPosition> = BinaryHeap::new();
        let enter = |scratch: &mut WalkScratch,
                     open: &mut BinaryHeap<ScoredPosition>,
                     new: ScoredPosition| {
            if new.score >= scratch.frontier.floor() {
                open.push(new);
                if keep(new.position) {
                    scratch.frontier.insert(new);
                }
            }
        };
        self.take(starts, scratch, |scratch, candidate| enter(scratch, &mut open, candidate));
        while let Some(next) = open.pop() {
            if next.score < scratch.frontier.floor() {
                break;
            }
            let links = (self.neighbours)(next.position);
            self.take(links, scratch, |scratch, candidate| enter(scratch, &mut open, candidate));
        }
    }

    /// Steps to better neighbours until there is none; the score rises, so it ends.
    pub(super) fn descend(&self, mut best: ScoredPosition) -> ScoredPosition {
        let mut scores = [0.0; BLOCK];
        loop {
            let mut next = best;
            for links in (self.neighbours)(best.position).chunks(BLOCK) {
                (self.score)(links, &mut scores);
                let scored = links.iter().zip(scores);
                let scored = scored.map(|(&position, score)| ScoredPosition { score, position });
                next = scored.fold(next, ScoredPosition::max);
            }
            if next == best {
                return best;
            }
            best = next;
        }
    }

    /// Scores the nodes among `links` that were not seen yet.
    fn take(
        &self,
        links: &[u32],
        scratch: &mut WalkScratch,
        mut each: impl FnMut(&mut WalkScratch, ScoredPosition),
    ) {
        let mut fresh = [0u32; BLOCK];
        let mut scores = [0f32; BLOCK];
        for links in links.chunks(BLOCK) {
            let mut count = 0;
            for &link in links {
                fresh[count] = link;
                count += usize::from(scratch.visited.insert(link));
            }
            (self.score)(&fresh[..count], &mut scores[..count]);
            for (&position, &score) in fresh.iter().zip(&scores).take(count) {
                each(scratch, ScoredPosition { score, position });
            }
        }
    }
}
