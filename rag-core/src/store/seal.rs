//! Sealing: the vector index is built aside from one snapshot, then swapped in by one transaction.

use rusqlite::Connection;

use super::connection::ConnectionSource;
use super::fault::Outcome;
use super::pool::ConnectionPool;
use super::segment::SealedSegment;
use super::vectors::each_vector;
use super::{meta, space};
use crate::error::{Error, Result};
use crate::index::GraphBuilder;
use crate::index::codes::Codes;
use crate::index::graph::Graph;
use crate::progress::CancelToken;

/// What a segment is built from: all vectors of one snapshot.
struct Snapshot {
    generation: u64,
    last_tombstone: i64,
    max_id: i64,
    ids: Vec<i64>,
    codes: Codes,
    /// The original vectors, kept only for a graph builder that wants them.
    vectors: Vec<f32>,
}

/// Builds and swaps in a segment: codes, and a graph if there is a builder. If another seal was
/// faster, its result stands.
pub(super) fn seal(
    pool: &ConnectionPool,
    dim: usize,
    builder: Option<&dyn GraphBuilder>,
    cancel: &CancelToken,
) -> Result<()> {
    let wants_vectors = builder.is_some_and(GraphBuilder::wants_vectors);
    // read first, build aside, write last: only the last step holds up other writers
    let read = |connection: &Connection| Snapshot::read(connection, dim, wants_vectors, cancel);
    let mut snapshot = pool.read(read)?;
    if matches!(pool.source(), ConnectionSource::ReadWrite) {
        space::require_in_log(pool.path(), snapshot.least_bytes())?;
    }
    let graph = match builder.filter(|_| !snapshot.ids.is_empty()) {
        Some(builder) => {
            let vectors = std::mem::take(&mut snapshot.vectors);
            let links = builder.build(&snapshot.codes, &vectors, cancel)?;
            drop(vectors);
            let graph = Graph::pack(links, &snapshot.codes);
            Some(graph.ok_or_else(|| Error::internal("a graph cannot number its nodes"))?)
        }
        None => None,
    };
    cancel.check()?;
    pool.write(|connection| snapshot.swap_in(graph, connection))
}

impl Snapshot {
    /// What the segment takes at least: an id, a scale and a code each, without the graph.
    fn least_bytes(&self) -> u64 {
        self.ids.len() as u64 * (8 + 4 + self.codes.dim() as u64)
    }

    fn read(
        connection: &Connection,
        dim: usize,
        wants_vectors: bool,
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
            if wants_vectors {
                snapshot.vectors.extend_from_slice(vector);
            }
            Ok(())
        })?;
        Ok(snapshot)
    }

    fn swap_in(self, graph: Option<Graph>, connection: &Connection) -> Outcome<()> {
        // another seal was faster and read these rows or newer ones
        if meta::counter(connection, meta::GENERATION)? != self.generation {
            return Ok(());
        }
        let generation = meta::bump(connection, meta::GENERATION)?;
        meta::bump(connection, meta::CHANGE)?;
        // those after it were deleted while the index was built, and are still in it
        connection.execute("DELETE FROM tombstone WHERE seq <= ?1", [self.last_tombstone])?;
        if self.ids.is_empty() {
            connection.execute("DELETE FROM segment", [])?;
            return meta::put(connection, meta::SEGMENT, "none");
        }
        let Self { max_id, ids, codes, .. } = self;
        SealedSegment { generation, max_id, ids, codes, graph }.write(connection)
    }
}
