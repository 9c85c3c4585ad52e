//! Builds the graph with hnsw_rs, kept behind a fence.
//!
//! hnsw_rs panics on numbers that are not finite, exits the process for `m` above 256 and when it
//! reads files, and starts threads when it is dropped. So: only finite unit vectors go in, with our
//! own clamped distance; `m` is at most 64; its files are never used; the graph is copied out by
//! its public iterators; everything runs under `catch_unwind`, and the drop in a pool of one
//! thread. Insertion is serial: the same vectors always give the same graph. About 800 vectors of
//! 384 a second, and 4 KB of memory each while building.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hnsw_rs::prelude::{Distance, Hnsw};

use super::codes::Codes;
use super::graph::Links;
use super::{BuildOptions, GraphBuilder};
use crate::error::{Error, Result};
use crate::kernels::dot::dot_f32;
use crate::options::Options;
use crate::progress::CancelToken;

/// Layers hnsw_rs may use, its own limit.
const MAX_LAYERS: usize = 16;

/// The builder of hnsw_rs, for comparison with our own.
#[derive(Debug, Clone, Copy, Default)]
pub struct HnswRs {
    /// Links and effort.
    pub options: BuildOptions,
}

impl GraphBuilder for HnswRs {
    fn wants_vectors(&self) -> bool {
        true
    }

    fn build(&self, codes: &Codes, vectors: &[f32], cancel: &CancelToken) -> Result<Links> {
        build(vectors, codes.dim(), self.options, cancel)
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

fn build(
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
    options.validate()?;
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

/// Copies the links out; every node stands on the layers up to its own level, with links to nodes
/// on them.
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
