//! Options of how the graph of the vector index is built.

use super::options;

options! {
    /// How a graph is built (Malkov and Yashunin 2016, section 4.1).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct BuildOptions("sync") {
        /// Neighbours kept for each passage in the upper layers of the graph, twice as many in the lowest (Malkov and Yashunin 2018); a
        /// graph is built above 100,000 passages.
        m: usize = 16, name("hnsw_m"), range(2.0, 64.0), unit("neighbours");
        /// Candidates explored for each passage that is put into the graph.
        ef_construction: usize = 200, name("hnsw_ef_construction"), range(1.0, 10_000.0), unit("passages");
    }
    check(|_| Ok(()))
}
