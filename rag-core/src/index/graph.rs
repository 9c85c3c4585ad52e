//! The packed HNSW graph and its search (Malkov and Yashunin 2016, algorithms 2 and 5).
//!
//! Holds links only: nodes are positions among the codes it was built with. Whatever bytes it is
//! read from, no search can leave its arrays or fail to end.

mod soundness;

use std::collections::{HashMap, VecDeque};

use super::ScoredPosition;
use super::codes::{Code, Codes};
use super::frontier::{MAX_POSITIONS, Scratches, WalkScratch};
use super::walk::{Score, Walk};

const MAGIC: &[u8; 4] = b"RAGH";
const FORMAT: u32 = 1;
/// Most layers a graph may have.
const MAX_LAYERS: usize = 16;

/// Links as a builder gives them: for each node, its neighbours on layer 0, 1, ... up to its own
/// level.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// `nodes[n][layer]` lists the neighbours of node `n`.
    pub nodes: Vec<Vec<Vec<u32>>>,
}

/// One layer: the nodes on it and their neighbours, packed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    /// Nodes on this layer, rising; empty on layer 0, which has them all.
    nodes: Vec<u32>,
    /// `starts[i]..starts[i + 1]` are the links of the i-th node.
    starts: Vec<u32>,
    links: Vec<u32>,
}

/// How far a search goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Most nodes found.
    pub limit: usize,
    /// Candidates explored, at least `limit`.
    pub ef: usize,
}

/// A navigable small-world graph, packed.
#[derive(Debug)]
pub struct Graph {
    entry: u32,
    node_count: u32,
    layers: Vec<Layer>,
    scratches: Scratches,
}

impl Clone for Graph {
    fn clone(&self) -> Self {
        let layers = self.layers.clone();
        Self {
            layers,
            scratches: Scratches::default(),
            entry: self.entry,
            node_count: self.node_count,
        }
    }
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        let parts = |graph: &Self| (graph.entry, graph.node_count);
        parts(self) == parts(other) && self.layers == other.layers
    }
}

impl Eq for Graph {}

impl Graph {
    /// Packs `links`, after linking every node that layer 0 does not reach to a reachable one near
    /// it.
    ///
    /// `None` if there is no node, or more than a graph can number.
    #[must_use]
    pub fn pack(mut links: Links, codes: &Codes) -> Option<Self> {
        if links.nodes.is_empty() || links.nodes.len() >= MAX_POSITIONS {
            return None;
        }
        let node_count = links.nodes.len() as u32;
        let top = links.nodes.iter().map(Vec::len).max()?.clamp(1, MAX_LAYERS);
        let entry = links.nodes.iter().position(|layers| layers.len() >= top).unwrap_or(0) as u32;
        connect(&mut links, entry, codes);
        let layers = (0..top).map(|layer| Layer::pack(&links, layer)).collect();
        Some(Self { entry, node_count, layers, scratches: Scratches::default() })
    }

    /// Number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.node_count as usize
    }

    /// Most links of a node on layer 0.
    #[cfg(test)]
    pub(super) fn most_links(&self) -> u32 {
        self.layers[0].starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }

    /// Whether there is no node; never so for a packed graph.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.node_count == 0
    }

    /// The about `limit` best nodes, best first; `ef` candidates are explored, at least `limit`.
    ///
    /// # Panics
    /// If `codes` has fewer vectors than the graph has nodes.
    #[must_use]
    pub fn search(
        &self,
        codes: &Codes,
        query: &Code,
        limit: usize,
        ef: usize,
    ) -> Vec<ScoredPosition> {
        self.scratches.lend(|scratch| {
            let starts = self.starts(codes, query);
            self.walk(0, codes, query).explore(&starts, ef.max(limit), scratch);
            scratch.frontier.candidates().take(limit).collect()
        })
    }

    /// As [`Graph::search`] with the `ef` and `limit` of `reach`, among the nodes that `keep` lets
    /// through.
    ///
    /// # Panics
    /// If `codes` has fewer vectors than the graph has nodes.
    #[must_use]
    pub fn search_kept(
        &self,
        codes: &Codes,
        query: &Code,
        Reach { limit, ef }: Reach,
        keep: impl Fn(u32) -> bool,
    ) -> Vec<ScoredPosition> {
        self.scratches.lend(|scratch| {
            let starts = self.starts(codes, query);
            self.walk(0, codes, query).explore_kept(&starts, ef.max(limit), scratch, keep);
            scratch.frontier.candidates().take(limit).collect()
        })
    }

    /// Where to begin on layer 0: near the query, and at the entry, which alone is sure to reach
    /// every node.
    fn starts(&self, codes: &Codes, query: &Code) -> [u32; 2] {
        let score = codes.score(query, self.entry);
        let mut best = ScoredPosition { score, position: self.entry };
        for layer in (1..self.layers.len()).rev() {
            best = self.walk(layer, codes, query).descend(best);
        }
        [best.position, self.entry]
    }

    fn walk<'a>(
        &'a self,
        layer: usize,
        codes: &'a Codes,
        query: &'a Code,
    ) -> Walk<impl Fn(u32) -> &'a [u32], impl Score> {
        let layer = &self.layers[layer];
        assert!(codes.len() >= self.len(), "a graph is searched with the codes it was built over");
        Walk {
            node_count: self.len(),
            neighbours: |node| layer.neighbours(node),
            score: |nodes: &[u32], scores: &mut [f32]| codes.scores(query, nodes, scores),
        }
    }

    /// The bytes described in docs/format.md.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(MAGIC);
        put(&mut bytes, &[FORMAT, self.node_count, self.entry, self.layers.len() as u32]);
        for layer in &self.layers {
            let degrees: Vec<u32> = layer.starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            put(&mut bytes, &[degrees.len() as u32, layer.links.len() as u32]);
            put(&mut bytes, &layer.nodes);
            put(&mut bytes, &degrees);
            put(&mut bytes, &layer.links);
        }
        bytes
    }

    /// Reads what [`Graph::to_bytes`] wrote; `None` for anything that is not a graph over
    /// `node_count` nodes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], node_count: usize) -> Option<Self> {
        let (magic, rest) = bytes.split_at_checked(4)?;
        let mut words = Words { bytes: rest };
        let header = words.take(4)?;
        let [format, count, entry, layer_count] = header[..] else { return None };
        let sound = magic == MAGIC
            && format == FORMAT
            && count as usize == node_count
            && node_count < MAX_POSITIONS;
        if !sound || entry >= count || !(1..=MAX_LAYERS).contains(&(layer_count as usize)) {
            return None;
        }
        let mut layers = Vec::with_capacity(layer_count as usize);
        for layer in 0..layer_count {
            layers.push(Layer::read(&mut words, count, layer == 0)?);
        }
        let scratches = Scratches::default();
        words.bytes.is_empty().then_some(Self { entry, node_count: count, layers, scratches })
    }
}

impl Layer {
    fn pack(links: &Links, layer: usize) -> Self {
        let mut packed = Self { nodes: Vec::new(), starts: vec![0], links: Vec::new() };
        let count = links.nodes.len();
        let on_layer = |node: u32| links.nodes.get(node as usize).is_some_and(|l| l.len() > layer);
        for node in (0..count as u32).filter(|node| on_layer(*node)) {
            if layer > 0 {
                packed.nodes.push(node);
            }
            let neighbours = &links.nodes[node as usize][layer];
            packed.links.extend(neighbours.iter().filter(|n| **n != node && on_layer(**n)));
            packed.starts.push(packed.links.len() as u32);
        }
        packed
    }

    fn read(words: &mut Words<'_>, count: u32, base: bool) -> Option<Self> {
        let sizes = words.take(2)?;
        let [node_count, link_count] = sizes[..] else { return None };
        if node_count > count || (base && node_count != count) {
            return None;
        }
        let nodes = if base { Vec::new() } else { words.take(node_count as usize)? };
        let degrees = words.take(node_count as usize)?;
        let links = words.take(link_count as usize)?;
        let mut starts = Vec::with_capacity(degrees.len() + 1);
        let mut start = 0u32;
        starts.push(start);
        for degree in degrees {
            start = start.checked_add(degree)?;
            starts.push(start);
        }
        let rising = nodes.windows(2).all(|pair| pair[0] < pair[1]);
        let inside = nodes.iter().chain(&links).all(|node| *node < count);
        (start == link_count && rising && inside).then_some(Self { nodes, starts, links })
    }

    fn neighbours(&self, node: u32) -> &[u32] {
        let index = if self.nodes.is_empty() {
            node as usize
        } else {
            match self.nodes.binary_search(&node) {
                Ok(index) => index,
                Err(_) => return &[],
            }
        };
        match (self.starts.get(index), self.starts.get(index + 1)) {
            (Some(start), Some(end)) => {
                self.links.get(*start as usize..*end as usize).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// Links nodes that the entry does not reach on layer 0 to one near them that it does reach, both
/// ways.
///
/// Where very many vectors are equal, almost none of them is reached at first. Each is found its
/// place by a walk, not a scan, and those that come to one node are linked in a tree below it, not
/// all to it.
fn connect(links: &mut Links, entry: u32, codes: &Codes) {
    let count = links.nodes.len();
    for layers in &mut links.nodes {
        layers.iter_mut().for_each(|links| links.retain(|link| (*link as usize) < count));
        if layers.is_empty() {
            layers.push(Vec::new());
        }
    }
    let mut reach =
        Reached { codes, entry, nodes: vec![false; count], scratch: WalkScratch::default() };
    let mut crowds: HashMap<u32, Crowd> = HashMap::new();
    reach.spread(links, entry);
    for node in 0..count as u32 {
        if reach.nodes[node as usize] {
            continue;
        }
        let nearest = reach.nearest(links, node);
        let other = crowds.entry(nearest).or_default().admit(node, nearest, links);
        links.nodes[other as usize][0].push(node);
        links.nodes[node as usize][0].push(other);
        reach.spread(links, node);
    }
}

/// A node with so many links takes no more unreached ones.
const CROWDED: usize = 128;

/// The nodes that came to one node, in their order.
#[derive(Debug, Default)]
struct Crowd {
    members: Vec<u32>,
    /// Members before this place are crowded too.
    next: usize,
}

impl Crowd {
    /// Takes `node` in, and says which to link it to: `first`, or the first member with room.
    fn admit(&mut self, node: u32, first: u32, links: &Links) -> u32 {
        let has_room = |node: u32| links.nodes[node as usize][0].len() < CROWDED;
        let mut other = first;
        if !has_room(first) {
            while self.members.get(self.next).is_some_and(|member| !has_room(*member)) {
                self.next += 1;
            }
            other = self.members.get(self.next).copied().unwrap_or(first);
        }
        self.members.push(node);
        other
    }
}

/// Candidates explored for the nearest node.
const NEAR: usize = 64;

/// Which nodes the entry reaches on layer 0.
struct Reached<'a> {
    codes: &'a Codes,
    entry: u32,
    nodes: Vec<bool>,
    scratch: WalkScratch,
}

impl Reached<'_> {
    /// About the nearest node to `node` among those reached.
    fn nearest(&mut self, links: &Links, node: u32) -> u32 {
        let (codes, entry) = (self.codes, self.entry);
        let Some(code) = codes.code(node) else { return entry };
        let walk = |layer: usize| Walk {
            node_count: links.nodes.len(),
            neighbours: move |at: u32| {
                links.nodes[at as usize].get(layer).map_or(&[][..], |all| all)
            },
            score: |nodes: &[u32], scores: &mut [f32]| codes.scores(&code, nodes, scores),
        };
        let mut best = ScoredPosition { score: codes.score(&code, entry), position: entry };
        for layer in (1..links.nodes[entry as usize].len()).rev() {
            best = walk(layer).descend(best);
        }
        let start = if self.nodes[best.position as usize] { best.position } else { entry };
        walk(0).explore(&[start, entry], NEAR, &mut self.scratch);
        self.scratch.frontier.candidates().next().map_or(entry, |candidate| candidate.position)
    }

    /// Marks what `from` leads to.
    fn spread(&mut self, links: &Links, from: u32) {
        let mut queue = VecDeque::from([from]);
        self.nodes[from as usize] = true;
        while let Some(node) = queue.pop_front() {
            for &link in &links.nodes[node as usize][0] {
                if let Some(seen) = self.nodes.get_mut(link as usize).filter(|seen| !**seen) {
                    *seen = true;
                    queue.push_back(link);
                }
            }
        }
    }
}

fn put(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.reserve(words.len() * 4);
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
}

/// Reads little-endian words and never past the end.
struct Words<'a> {
    bytes: &'a [u8],
}

impl Words<'_> {
    fn take(&mut self, count: usize) -> Option<Vec<u32>> {
        let (head, rest) = self.bytes.split_at_checked(count.checked_mul(4)?)?;
        self.bytes = rest;
        let word = |word: &[u8]| u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
        Some(head.chunks_exact(4).map(word).collect())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) fn ring(count: u32) -> (Links, Codes) {
        let mut codes = Codes::new(2);
        let mut links = Links::default();
        for node in 0..count {
            let angle = node as f32 / count as f32 * std::f32::consts::TAU;
            codes.push(&[angle.cos(), angle.sin()]);
            let base = vec![(node + 1) % count, (node + count - 1) % count];
            let upper = vec![(node + 10) % count, (node + count - 10) % count];
            links.nodes.push(if node % 10 == 0 { vec![base, upper] } else { vec![base] });
        }
        (links, codes)
    }

    fn nearest(graph: &Graph, codes: &Codes, node: u32) -> Vec<u32> {
        let code = codes.code(node).expect("node exists");
        graph.search(codes, &code, 3, 8).iter().map(|c| c.position).collect()
    }

    #[test]
    fn search_walks_to_the_nearest() {
        let (links, codes) = ring(40);
        let graph = Graph::pack(links, &codes).expect("has nodes");
        assert!(nearest(&graph, &codes, 7).contains(&7));
        let code = codes.code(7).expect("node exists");
        let found = graph.search_kept(&codes, &code, Reach { limit: 2, ef: 8 }, |node| node != 7);
        let mut positions: Vec<u32> = found.iter().map(|c| c.position).collect();
        positions.sort_unstable();
        assert_eq!(positions, [6, 8]);
    }

    #[test]
    fn unreachable_nodes_are_linked() {
        let (mut links, codes) = ring(40);
        for layers in &mut links.nodes {
            layers[0].retain(|link| *link != 15 && *link != 27);
        }
        links.nodes[15] = vec![vec![]];
        links.nodes[27] = vec![];
        let graph = Graph::pack(links, &codes).expect("has nodes");
        // with every node explored, what is found is what can be reached
        let code = codes.code(27).expect("node exists");
        assert_eq!(graph.search(&codes, &code, 40, 40).len(), 40);
    }

    #[test]
    fn bytes_round_trip_and_damage_never_panics() {
        let (links, codes) = ring(40);
        let graph = Graph::pack(links, &codes).expect("has nodes");
        let bytes = graph.to_bytes();
        assert_eq!(Graph::from_bytes(&bytes, 40), Some(graph));
        assert_eq!(Graph::from_bytes(&bytes, 41), None);
        for cut in 0..bytes.len() {
            assert_eq!(Graph::from_bytes(&bytes[..cut], 40), None);
        }
        for bit in 0..bytes.len() * 8 {
            let mut rotten = bytes.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            if let Some(graph) = Graph::from_bytes(&rotten, 40) {
                let _ = nearest(&graph, &codes, 7);
            }
        }
    }

    #[test]
    fn one_node_is_a_graph_and_none_is_not() {
        let mut codes = Codes::new(1);
        assert!(Graph::pack(Links::default(), &codes).is_none());
        codes.push(&[1.0]);
        let graph = Graph::pack(Links { nodes: vec![vec![]] }, &codes).expect("has a node");
        assert_eq!(nearest(&graph, &codes, 0), [0]);
    }
}
