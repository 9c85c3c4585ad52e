//! Builds the graph with hnsw_rs, kept behind a fence.
//!
//! hnsw_rs panics on numbers that are not finite, exits the process for `m` above 256 and when it reads files,
//! and starts threads when it is dropped. So: only finite unit vectors go in, with our own clamped distance;
//! `m` is at most 64; its files are never used; the graph is copied out by its public iterators; everything runs
//! under `catch_unwind`, and the drop in a pool of one thread. Insertion is serial: the same vectors always
//! give the same graph. About 800 vectors of 384 a second, and 4 KB of memory each while building.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_rs::prelude::{Distance, Hnsw};

use super::graph::Links;
use crate::error::{Error, Result};
use crate::kernels::dot::dot_f32;
use crate::progress::CancelToken;

/// Layers hnsw_rs may use, its own limit.
const MAX_LAYERS: usize = 16;

/// How a graph is built (Malkov and Yashunin 2016, section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildOptions {
    /// Neighbours kept per node above layer 0, twice as many on layer 0; 2 to 64. Default 16.
    pub m: usize,
    /// Candidates explored per insertion; 1 to 10,000. Default 200.
    pub ef_construction: usize,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { m: 16, ef_construction: 200 }
    }
}

/// 1 - cosine of unit vectors, kept inside [0, 2] whatever the rounding.
#[derive(Debug, Default, Clone, Copy)]
struct UnitDistance;

impl Distance<f32> for UnitDistance {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        (1.0 - dot_f32(a, b)).clamp(0.0, 2.0)
    }
}

/// Builds the links among the rows of `vectors`, each `dim` long and of length 1.
///
/// # Errors
/// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) for options out of range or vectors that
/// are not finite unit vectors; [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled) between two vectors;
/// [`ErrorCode::Internal`](crate::ErrorCode::Internal) if hnsw_rs panics.
pub fn build(
    vectors: &[f32],
    dim: usize,
    options: BuildOptions,
    cancel: &CancelToken,
) -> Result<Links> {
    validate(vectors, dim, options)?;
    catch_unwind(AssertUnwindSafe(|| insert_all(vectors, dim, options, cancel)))
        .unwrap_or_else(|_| Err(Error::internal("the graph builder panicked")))
}

fn validate(vectors: &[f32], dim: usize, options: BuildOptions) -> Result<()> {
    if !(2..=64).contains(&options.m) || !(1..=10_000).contains(&options.ef_construction) {
        return Err(Error::invalid("m", "2 to 64, with ef_construction from 1 to 10,000"));
    }
    if dim == 0 || !vectors.len().is_multiple_of(dim) || u32::try_from(vectors.len() / dim).is_err()
    {
        return Err(Error::invalid("vectors", "not whole rows of the index's length"));
    }
    for row in vectors.chunks_exact(dim) {
        let norm = dot_f32(row, row);
        if !norm.is_finite() || (norm - 1.0).abs() > 0.01 {
            return Err(Error::invalid("vectors", "a row is not a unit vector"));
        }
    }
    Ok(())
}

fn insert_all(
    vectors: &[f32],
    dim: usize,
    options: BuildOptions,
    cancel: &CancelToken,
) -> Result<Links> {
    let count = vectors.len() / dim;
    let hnsw: Hnsw<'static, f32, UnitDistance> =
        Hnsw::new(options.m, count, MAX_LAYERS, options.ef_construction, UnitDistance);
    let mut inserted = Ok(());
    for (row, vector) in vectors.chunks_exact(dim).enumerate() {
        inserted = cancel.check();
        if inserted.is_err() {
            break;
        }
        hnsw.insert((vector, row));
    }
    let links = inserted.and_then(|()| export(&hnsw, count));
    drop_alone(hnsw)?;
    links
}

/// Copies the links out; every node stands on the layers up to its own level, with links to nodes on them.
fn export(hnsw: &Hnsw<'static, f32, UnitDistance>, count: usize) -> Result<Links> {
    let mut links = Links { nodes: vec![Vec::new(); count] };
    for level in 0..MAX_LAYERS {
        for point in hnsw.get_point_indexation().get_layer_iterator(level) {
            let mut layers = point.get_neighborhood_id();
            layers.truncate(level + 1);
            let node = links.nodes.get_mut(point.get_origin_id());
            let node = node.ok_or_else(|| Error::internal("the graph has a node of its own"))?;
            *node = layers
                .into_iter()
                .map(|layer| layer.into_iter().map(|n| n.get_origin_id() as u32).collect())
                .collect();
        }
    }
    let complete = links.nodes.iter().all(|layers| !layers.is_empty());
    if complete { Ok(links) } else { Err(Error::internal("the graph builder lost a node")) }
}

/// hnsw_rs clears itself with rayon's global pool; a pool of one thread keeps that from starting.
fn drop_alone(hnsw: Hnsw<'static, f32, UnitDistance>) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let pool = pool.map_err(|error| Error::internal_cause("no thread to drop the graph", error))?;
    pool.install(move || drop(hnsw));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::codes::{Code, Codes};
    use crate::index::flat;
    use crate::index::graph::Graph;

    const DIM: usize = 16;

    /// Unit vectors around a few centres, from a fixed seed.
    fn clustered(count: usize) -> Vec<f32> {
        let mut state = 7u64;
        let mut next = move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        };
        let centres: Vec<f32> = (0..8 * DIM).map(|_| next()).collect();
        let mut vectors = Vec::with_capacity(count * DIM);
        for row in 0..count {
            let centre = &centres[row % 8 * DIM..][..DIM];
            let vector: Vec<f32> = centre.iter().map(|x| x + next() * 0.4).collect();
            let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
            vectors.extend(vector.iter().map(|x| x / norm));
        }
        vectors
    }

    fn packed(vectors: &[f32]) -> (Graph, Codes) {
        let mut codes = Codes::new(DIM);
        vectors.chunks_exact(DIM).for_each(|row| codes.push(row));
        let links = build(vectors, DIM, BuildOptions::default(), &CancelToken::new());
        (Graph::pack(links.expect("sound vectors"), &codes).expect("has nodes"), codes)
    }

    #[test]
    fn graph_finds_what_the_scan_finds() {
        let vectors = clustered(1000);
        let (graph, codes) = packed(&vectors);
        let (mut found, mut wanted) = (0, 0);
        for row in vectors.chunks_exact(DIM).step_by(20) {
            let query = Code::new(row);
            let exact = flat::best(&codes, &query, 10, |_| true);
            let near = graph.search(&codes, &query, 10, 64, |_| true);
            found += exact.iter().filter(|candidate| near.contains(candidate)).count();
            wanted += exact.len();
        }
        assert!(found * 100 >= wanted * 98, "{found} of {wanted}");
    }

    #[test]
    fn same_vectors_give_the_same_graph() {
        let vectors = clustered(300);
        assert_eq!(packed(&vectors).0, packed(&vectors).0);
    }

    #[test]
    fn duplicates_are_all_found() {
        let vectors = clustered(8)[..DIM].repeat(150);
        let (graph, codes) = packed(&vectors);
        let found = graph.search(&codes, &Code::new(&vectors[..DIM]), 150, 150, |_| true);
        assert_eq!(found.len(), 150);
    }

    #[test]
    fn what_would_break_the_builder_is_refused() {
        let cancel = CancelToken::new();
        let options = BuildOptions::default();
        let row = clustered(1);
        for m in [0, 1, 65, 300] {
            assert!(build(&row, DIM, BuildOptions { m, ..options }, &cancel).is_err());
        }
        assert!(build(&row[..DIM - 1], DIM, options, &cancel).is_err());
        assert!(build(&[f32::NAN; DIM], DIM, options, &cancel).is_err());
        assert!(build(&[0.0; DIM], DIM, options, &cancel).is_err());
        cancel.cancel();
        assert!(matches!(build(&row, DIM, options, &cancel), Err(Error::Cancelled)));
    }
}
