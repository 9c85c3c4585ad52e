//! Whether a graph that was read is one that a builder would make: no search fails on any other,
//! but it may find nothing.

use std::collections::VecDeque;

use super::Graph;

impl Graph {
    /// What of it no builder makes, or `None`: links from a node to itself or out of its layer, or
    /// a node that the entry does not reach, which no search would find.
    #[must_use]
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        for (number, layer) in self.layers.iter().enumerate() {
            let base = number == 0;
            let nodes = if base { self.node_count as usize } else { layer.nodes.len() };
            let on_layer = |node: &u32| base || layer.nodes.binary_search(node).is_ok();
            if !on_layer(&self.entry) {
                return Some("begins at a node that is not on every layer");
            }
            for place in 0..nodes {
                let node = if base { place as u32 } else { layer.nodes.get(place).copied()? };
                let mut neighbours = layer.neighbours(node).iter();
                if neighbours.any(|neighbour| *neighbour == node || !on_layer(neighbour)) {
                    return Some("has links that lead nowhere");
                }
            }
        }
        (self.reach() < self.len()).then_some("does not reach every passage")
    }

    /// How many nodes the entry reaches on layer 0.
    fn reach(&self) -> usize {
        let Some(layer) = self.layers.first() else { return 0 };
        let mut seen = vec![false; self.len()];
        let mut queue = VecDeque::from([self.entry]);
        let mut count = 0;
        while let Some(node) = queue.pop_front() {
            match seen.get_mut(node as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            count += 1;
            queue.extend(layer.neighbours(node));
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ring;
    use super::*;

    #[test]
    fn graphs_that_lead_nowhere_are_told() {
        let (links, codes) = ring(40);
        let graph = Graph::pack(links, &codes).expect("has nodes");
        assert_eq!(graph.flaw(), None);
        // every node of layer 0 linked to itself, in place of what it was linked to
        let mut selfish = graph.clone();
        let starts = selfish.layers[0].starts.clone();
        for (node, pair) in starts.windows(2).enumerate() {
            selfish.layers[0].links[pair[0] as usize..pair[1] as usize].fill(node as u32);
        }
        assert_eq!(selfish.flaw(), Some("has links that lead nowhere"));
        // two halves, each a ring of its own
        let mut parted = graph.clone();
        for (node, pair) in starts.windows(2).enumerate() {
            let half = node as u32 / 20 * 20;
            let turn = |step: u32| half + (node as u32 - half + step) % 20;
            let own = [turn(1), turn(19)];
            for (at, link) in (pair[0]..pair[1]).zip(own.iter().cycle()) {
                parted.layers[0].links[at as usize] = *link;
            }
        }
        assert_eq!(parted.flaw(), Some("does not reach every passage"));
        let mut astray = graph.clone();
        astray.layers[1].links[0] = 7;
        assert_eq!(astray.flaw(), Some("has links that lead nowhere"));
        let mut below = graph;
        below.entry = 7;
        assert_eq!(below.flaw(), Some("begins at a node that is not on every layer"));
    }
}
