//! Sealing: the vector index is built aside from one snapshot, then swapped in by one transaction.

use rusqlite::Connection;

use super::fault::Outcome;
use super::meta;
use super::pool::Pool;
use super::segment::Segment;
use super::vectors::each_vector;
use crate::error::{Error, Result};
use crate::index::codes::Codes;
use crate::index::graph::Graph;
use crate::index::hnsw::{self, BuildOptions};
use crate::progress::CancelToken;

/// What a segment is built from: all vectors of one snapshot.
struct Snapshot {
    generation: u64,
    last_tombstone: i64,
    max_id: i64,
    ids: Vec<i64>,
    codes: Codes,
    /// The original vectors, kept only to build a graph.
    vectors: Vec<f32>,
}

/// Whether a graph is built over the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Codes,
    Graph,
}

/// Builds and swaps in a segment of `kind`. If another seal was faster, its result stands.
pub(super) fn seal(pool: &Pool, dim: usize, kind: Kind, cancel: &CancelToken) -> Result<()> {
    let mut snapshot = pool.read(|connection| Snapshot::read(connection, dim, kind, cancel))?;
    let graph = match kind {
        Kind::Graph if !snapshot.ids.is_empty() => {
            let vectors = std::mem::take(&mut snapshot.vectors);
            let links = hnsw::build(&vectors, dim, BuildOptions::default(), cancel)?;
            drop(vectors);
            let graph = Graph::pack(links, &snapshot.codes);
            Some(graph.ok_or_else(|| Error::internal("a graph cannot number its nodes"))?)
        }
        _ => None,
    };
    cancel.check()?;
    pool.write(|connection| snapshot.swap_in(graph, connection))
}

impl Snapshot {
    fn read(
        connection: &Connection,
        dim: usize,
        kind: Kind,
        cancel: &CancelToken,
    ) -> Outcome<Self> {
        let number = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let mut snapshot = Self {
            generation: meta::counter(connection, meta::GENERATION)?,
            last_tombstone: number("SELECT coalesce(max(seq), 0) FROM tombstone")?,
            max_id: number("SELECT coalesce(max(id), 0) FROM passage")?,
            ids: Vec::new(),
            codes: Codes::new(dim),
            vectors: Vec::new(),
        };
        each_vector(connection, 0, dim, |id, vector| {
            cancel.check()?;
            snapshot.ids.push(id);
            snapshot.codes.push(vector);
            if kind == Kind::Graph {
                snapshot.vectors.extend_from_slice(vector);
            }
            Ok(())
        })?;
        Ok(snapshot)
    }

    fn swap_in(self, graph: Option<Graph>, connection: &Connection) -> Outcome<()> {
        if meta::counter(connection, meta::GENERATION)? != self.generation {
            return Ok(());
        }
        let generation = meta::bump(connection, meta::GENERATION)?;
        meta::bump(connection, meta::CHANGE)?;
        connection.execute("DELETE FROM tombstone WHERE seq <= ?1", [self.last_tombstone])?;
        if self.ids.is_empty() {
            connection.execute("DELETE FROM segment", [])?;
            return meta::put(connection, meta::SEGMENT, "none");
        }
        let Self { max_id, ids, codes, .. } = self;
        Segment { generation, max_id, ids, codes, graph }.write(connection)
    }
}
