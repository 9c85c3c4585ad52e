//! Builds the graph over int8 codes, on any number of threads, always the same.
//!
//! Nodes go in batches. Each node of a batch looks for its neighbours in the graph as it stood
//! before the batch, on all threads; then their links are written, and each node that was linked to
//! picks its best, again on all threads. No node waits for another and no lock is held, so the
//! graph depends on nothing but the codes and the options. Batches of a constant share of the graph
//! lose no recall: Manohar et al. 2024 (ParlayANN), section 3. Neighbours are chosen by the
//! heuristic of Malkov and Yashunin 2016, algorithm 4. Nodes of higher layers come first, so that
//! the entry is final from the start.

use rayon::prelude::*;

use super::codes::Codes;
use super::frontier::{Scratches, WalkScratch};
use super::graph::Links;
use super::walk::{Score, Walk};
use super::{BuildOptions, GraphBuilder, ScoredPosition};
use crate::error::{Error, Result};
use crate::options::Options;
use crate::progress::CancelToken;

/// Most layers.
const MAX_LAYERS: usize = 16;
/// A batch is at most this share of the nodes before it, and at most so many nodes.
const BATCH_SHARE: usize = 32;
const MAX_BATCH: usize = 2048;
/// The seed of the levels.
const SEED: u64 = 0x5241_4748;

/// The default builder.
#[derive(Debug, Clone, Copy, Default)]
pub struct Native {
    /// Links and effort.
    pub options: BuildOptions,
    /// Threads; 0, the default, takes one per core. The graph does not depend on it.
    pub thread_count: usize,
}

impl GraphBuilder for Native {
    fn build(&self, codes: &Codes, _vectors: &[f32], cancel: &CancelToken) -> Result<Links> {
        self.options.validate()?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.thread_count).build();
        let pool =
            pool.map_err(|error| Error::internal_cause("no threads to build with", error))?;
        pool.install(|| Growing::new(codes, self.options).grow(cancel))
    }
}

/// The links of one layer, a fixed number of places a node, best first.
#[derive(Debug)]
struct Layer {
    places: usize,
    links: Vec<u32>,
    scores: Vec<f32>,
    counts: Vec<u8>,
    /// So many of a node's first links were chosen together: no two of them need comparing again.
    chosen: Vec<u8>,
}

/// The graph while it grows.
struct Growing<'a> {
    codes: &'a Codes,
    /// The sum of each node's codes.
    sums: Vec<i32>,
    options: BuildOptions,
    levels: Vec<u8>,
    /// Nodes in the order they go in: higher levels first.
    order: Vec<u32>,
    /// The place of each node in `order`; a layer's nodes have its first places.
    ranks: Vec<u32>,
    layers: Vec<Layer>,
    scratches: Scratches,
}

/// What a node found: its neighbours on each layer from 0, best first.
type Found = Vec<Vec<ScoredPosition>>;

/// A node that was linked to, and by whom.
struct Pick {
    layer: usize,
    target: u32,
    sources: Vec<ScoredPosition>,
}

impl<'a> Growing<'a> {
    fn new(codes: &'a Codes, options: BuildOptions) -> Self {
        let count = codes.len();
        let levels: Vec<u8> = (0..count as u64).map(|node| level(node, options.m)).collect();
        let mut order: Vec<u32> = (0..count as u32).collect();
        order.sort_by_key(|node| std::cmp::Reverse(levels[*node as usize]));
        let mut ranks = vec![0u32; count];
        for (rank, node) in (0u32..).zip(&order) {
            ranks[*node as usize] = rank;
        }
        let layer_count = order.first().map_or(0, |first| usize::from(levels[*first as usize]) + 1);
        let layers = (0..layer_count).map(|layer| {
            let on_layer = levels.iter().filter(|level| usize::from(**level) >= layer).count();
            Layer::new(on_layer, if layer == 0 { 2 * options.m } else { options.m })
        });
        let layers = layers.collect();
        let (sums, scratches) = (codes.sums(), Scratches::default());
        Self { codes, sums, options, levels, order, ranks, layers, scratches }
    }

    fn grow(mut self, cancel: &CancelToken) -> Result<Links> {
        let mut done = 1;
        while done < self.order.len() {
            cancel.check()?;
            let size = (done / BATCH_SHARE).clamp(1, MAX_BATCH).min(self.order.len() - done);
            let batch = self.order[done..done + size].to_vec();
            let found: Vec<Found> = batch.par_iter().map(|node| self.search(*node)).collect();
            let picks = self.link(&batch, &found);
            let picked: Vec<_> = picks.par_iter().map(|pick| self.pick(pick)).collect();
            for (pick, (links, chosen)) in picks.iter().zip(picked) {
                let slot = self.slot(pick.layer, pick.target);
                self.layers[pick.layer].write(slot, &links, chosen);
            }
            done += size;
        }
        Ok(self.finish())
    }

    /// Places of a node's links on a layer.
    fn slot(&self, layer: usize, node: u32) -> usize {
        // layer 0 keeps the order of the codes: neighbours in a document are neighbours in memory
        if layer == 0 { node as usize } else { self.ranks[node as usize] as usize }
    }

    fn neighbours(&self, layer: usize, node: u32) -> &[u32] {
        self.layers[layer].links_of(self.slot(layer, node))
    }

    fn walk<'b>(&'b self, layer: usize, node: u32) -> Walk<impl Fn(u32) -> &'b [u32], impl Score> {
        let sum = self.sums[node as usize];
        Walk {
            node_count: self.codes.len(),
            neighbours: move |other| self.neighbours(layer, other),
            score: move |others: &[u32], scores: &mut [f32]| {
                self.codes.scores_between(node, sum, others, scores);
            },
        }
    }

    /// Finds the neighbours of a new node on each of its layers.
    fn search(&self, node: u32) -> Found {
        self.scratches.lend(|scratch| self.search_with(node, scratch))
    }

    fn search_with(&self, node: u32, scratch: &mut WalkScratch) -> Found {
        let level = usize::from(self.levels[node as usize]);
        let mut found = vec![Vec::new(); level + 1];
        let Some(&entry) = self.order.first() else { return found };
        let mut scores = [0.0];
        self.codes.scores_between(node, self.sums[node as usize], &[entry], &mut scores);
        let mut best = ScoredPosition { score: scores[0], position: entry };
        for layer in (0..self.layers.len()).rev() {
            let walk = self.walk(layer, node);
            if layer > level {
                best = walk.descend(best);
                continue;
            }
            walk.explore(&[best.position], self.options.ef_construction, scratch);
            let candidates: Vec<ScoredPosition> = scratch.frontier.candidates().collect();
            best = candidates.first().copied().unwrap_or(best);
            found[layer] = self.select(&candidates, self.options.m, |_| false);
        }
        found
    }

    /// Up to `limit` of `candidates`, given best first: each is nearer to the base than to any
    /// taken before it. Two for which `is_chosen` holds need no comparing.
    fn select(
        &self,
        candidates: &[ScoredPosition],
        limit: usize,
        is_chosen: impl Fn(usize) -> bool,
    ) -> Vec<ScoredPosition> {
        let mut taken: Vec<ScoredPosition> = Vec::with_capacity(limit);
        // positions to compare with: all that were taken, and those of them that were not chosen
        // before
        let (mut all, mut new) = (Vec::with_capacity(limit), Vec::with_capacity(limit));
        for (index, candidate) in candidates.iter().enumerate() {
            if taken.len() == limit {
                break;
            }
            let rivals = if is_chosen(index) { &new } else { &all };
            if self.is_apart(candidate, rivals) {
                taken.push(*candidate);
                all.push(candidate.position);
                if !is_chosen(index) {
                    new.push(candidate.position);
                }
            }
        }
        taken
    }

    fn is_apart(&self, candidate: &ScoredPosition, rivals: &[u32]) -> bool {
        const STEP: usize = 4;
        let sum = self.sums[candidate.position as usize];
        rivals.chunks(STEP).all(|rivals| {
            let mut scores = [f32::NEG_INFINITY; STEP];
            self.codes.scores_between(candidate.position, sum, rivals, &mut scores);
            scores.iter().all(|score| *score <= candidate.score)
        })
    }

    /// Writes the links of a batch, and gathers the links back, by layer and target.
    fn link(&mut self, batch: &[u32], found: &[Found]) -> Vec<Pick> {
        let mut back: Vec<(usize, u32, ScoredPosition)> = Vec::new();
        for (node, found) in batch.iter().zip(found) {
            for (layer, neighbours) in found.iter().enumerate() {
                let slot = self.slot(layer, *node);
                self.layers[layer].write(slot, neighbours, neighbours.len());
                let source =
                    |to: &ScoredPosition| ScoredPosition { score: to.score, position: *node };
                back.extend(neighbours.iter().map(|to| (layer, to.position, source(to))));
            }
        }
        back.sort_by_key(|(layer, target, source)| (*layer, *target, source.position));
        let groups = back.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let pick = |group: &[(usize, u32, ScoredPosition)]| Pick {
            layer: group[0].0,
            target: group[0].1,
            sources: group.iter().map(|link| link.2).collect(),
        };
        groups.map(pick).collect()
    }

    /// The links of a node that was linked to, and how many of the first were chosen together.
    fn pick(&self, pick: &Pick) -> (Vec<ScoredPosition>, usize) {
        let layer = &self.layers[pick.layer];
        let (mut links, chosen) = layer.read(self.slot(pick.layer, pick.target));
        if links.len() + pick.sources.len() <= layer.places {
            links.extend(&pick.sources);
            return (links, chosen);
        }
        let mut all: Vec<(ScoredPosition, bool)> =
            links.iter().enumerate().map(|(index, link)| (*link, index < chosen)).collect();
        all.extend(pick.sources.iter().map(|source| (*source, false)));
        all.sort_by_key(|link| std::cmp::Reverse(link.0));
        let candidates: Vec<ScoredPosition> = all.iter().map(|link| link.0).collect();
        let picked = self.select(&candidates, layer.places, |index| all[index].1);
        let count = picked.len();
        (picked, count)
    }

    fn finish(self) -> Links {
        let of_node = |node: u32| {
            let level = self.levels[node as usize];
            (0..=usize::from(level)).map(|layer| self.neighbours(layer, node).to_vec()).collect()
        };
        Links { nodes: (0..self.codes.len() as u32).map(of_node).collect() }
    }
}

impl Layer {
    fn new(node_count: usize, places: usize) -> Self {
        let room = node_count * places;
        Self {
            places,
            links: vec![0; room],
            scores: vec![0.0; room],
            counts: vec![0; node_count],
            chosen: vec![0; node_count],
        }
    }

    fn links_of(&self, slot: usize) -> &[u32] {
        &self.links[slot * self.places..][..usize::from(self.counts[slot])]
    }

    fn read(&self, slot: usize) -> (Vec<ScoredPosition>, usize) {
        let scores = &self.scores[slot * self.places..];
        let links = self.links_of(slot).iter().zip(scores);
        let links = links.map(|(&position, &score)| ScoredPosition { score, position }).collect();
        (links, usize::from(self.chosen[slot]))
    }

    fn write(&mut self, slot: usize, links: &[ScoredPosition], chosen: usize) {
        let start = slot * self.places;
        for (place, link) in links.iter().enumerate() {
            self.links[start + place] = link.position;
            self.scores[start + place] = link.score;
        }
        // `m` is at most 64, so a node has at most 128 places
        self.counts[slot] = links.len() as u8;
        self.chosen[slot] = chosen as u8;
    }
}

/// The top layer of a node: `l` or more with odds `m^-l` (Malkov and Yashunin 2016, section 4.1),
/// from its number alone (splitmix64, Steele et al. 2014).
fn level(node: u64, m: usize) -> u8 {
    let mut state = (node + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(SEED);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^= state >> 31;
    let mut level = 0;
    // integers only: the logarithm of a float may differ between platforms
    while level + 1 < MAX_LAYERS as u8 && state.is_multiple_of(m as u64) {
        state /= m as u64;
        level += 1;
    }
    level
}
