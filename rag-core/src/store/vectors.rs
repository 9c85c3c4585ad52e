//! The vector index in memory: the sealed segment, the rows written since (the tail), and what was deleted.

use rusqlite::{Connection, OptionalExtension};

use super::fault::{Fault, Outcome};
use super::segment::Segment;
use super::types::IndexMode;
use super::{meta, schema};
use crate::index::codes::{Code, Codes};
use crate::index::flat;
use crate::index::graph::Graph;
use crate::kernels::dot::dot_f32;

/// Passages from which `IndexMode::Auto` walks the graph.
pub(super) const AUTO_GRAPH: usize = 100_000;
/// Fewest candidates rescored with the original vectors, and most when scores are close.
const MIN_RESCORED: usize = 40;
const MAX_RESCORED: usize = 4096;
/// Fewest candidates explored in the graph: recall@10 of 0.99 on real sentence vectors.
const MIN_EF: usize = 128;

/// Codes with their passage ids.
#[derive(Debug, Default)]
struct Part {
    ids: Vec<i64>,
    codes: Codes,
    dead: Vec<bool>,
    dead_count: usize,
}

/// All codes, as of one state of the file.
#[derive(Debug, Default)]
pub(super) struct Vectors {
    loaded: bool,
    change: u64,
    generation: u64,
    sealed: Part,
    graph: Option<Graph>,
    tail: Part,
    last_id: i64,
    last_tombstone: i64,
    /// Why the segment could not be used, if it could not.
    segment_fault: Option<String>,
}

impl Part {
    fn new(ids: Vec<i64>, codes: Codes) -> Self {
        let dead = vec![false; ids.len()];
        Self { ids, codes, dead, dead_count: 0 }
    }

    fn is_live(&self, position: u32) -> bool {
        self.dead.get(position as usize) == Some(&false)
    }

    fn kill(&mut self, id: i64) {
        if let Ok(position) = self.ids.binary_search(&id)
            && !self.dead[position]
        {
            self.dead[position] = true;
            self.dead_count += 1;
        }
    }

    fn scan(&self, query: &Code, limit: usize) -> Vec<(i64, f32)> {
        let found = flat::best(&self.codes, query, limit, |position| self.is_live(position));
        found.iter().map(|c| (self.ids[c.position as usize], c.score)).collect()
    }
}

impl Vectors {
    /// Whether this is the state of the file that `connection` sees, or a later one.
    pub(super) fn is_current(&self, connection: &Connection) -> Outcome<bool> {
        Ok(self.loaded && self.change >= meta::counter(connection, meta::CHANGE)?)
    }

    /// Brings the state up to the snapshot that `connection` sees.
    pub(super) fn refresh(&mut self, connection: &Connection, dim: usize) -> Outcome<()> {
        let change = meta::counter(connection, meta::CHANGE)?;
        let generation = meta::counter(connection, meta::GENERATION)?;
        if !self.loaded || generation != self.generation || self.tail.codes.dim() != dim {
            *self = Self::load(connection, generation, dim)?;
        }
        self.bury(connection)?;
        self.extend(connection, dim)?;
        (self.loaded, self.change) = (true, change);
        Ok(())
    }

    fn load(connection: &Connection, generation: u64, dim: usize) -> Outcome<Self> {
        let mut state =
            Self { generation, tail: Part::new(Vec::new(), Codes::new(dim)), ..Self::default() };
        match Segment::read(connection, generation, dim) {
            Ok(Some(segment)) => {
                state.last_id = segment.max_id;
                state.graph = segment.graph;
                state.sealed = Part::new(segment.ids, segment.codes);
            }
            Ok(None) => {}
            Err(fault) => state.segment_fault = Some(fault.damage()?),
        }
        Ok(state)
    }

    fn bury(&mut self, connection: &Connection) -> Outcome<()> {
        let mut statement = connection
            .prepare_cached("SELECT seq, id FROM tombstone WHERE seq > ?1 ORDER BY seq")?;
        let mut rows = statement.query([self.last_tombstone])?;
        while let Some(row) = rows.next()? {
            self.last_tombstone = row.get(0)?;
            let id = row.get(1)?;
            self.sealed.kill(id);
            self.tail.kill(id);
        }
        Ok(())
    }

    fn extend(&mut self, connection: &Connection, dim: usize) -> Outcome<()> {
        let last = self.last_id;
        each_vector(connection, last, dim, |id, vector| {
            self.tail.codes.push(vector);
            self.tail.ids.push(id);
            self.tail.dead.push(false);
            self.last_id = id;
            Ok(())
        })
    }

    /// The passages nearest to `query` by cosine, best first, ties by id.
    ///
    /// Candidates come from codes and are rescored with the original vectors. A scan is exact: if a passage
    /// outside of the candidates might belong among the best, more are taken.
    pub(super) fn nearest(
        &self,
        connection: &Connection,
        query: &[f32],
        limit: usize,
        mode: IndexMode,
    ) -> Outcome<Vec<(i64, f32)>> {
        let code = Code::new(query);
        let graph = self.graph.as_ref().filter(|_| self.uses_graph(limit, mode));
        let mut wanted = limit.saturating_mul(4).max(MIN_RESCORED);
        let mut candidates = self.candidates(&code, wanted, graph);
        let mut hits = rescore(connection, query, &candidates)?;
        hits.truncate(limit);
        if let (None, Some(outside)) = (graph, candidates.get(wanted - 1)) {
            let margin = self.sealed.codes.margin(&code).max(self.tail.codes.margin(&code));
            let reached = hits.get(limit.saturating_sub(1)).map_or(f32::NEG_INFINITY, |hit| hit.1);
            if limit > 0 && outside.1 + margin >= reached {
                wanted = wanted.max(MAX_RESCORED);
                candidates = self.candidates(&code, wanted, None);
                candidates.retain(|candidate| candidate.1 + margin >= reached);
                hits = rescore(connection, query, &candidates)?;
                hits.truncate(limit);
            }
        }
        Ok(hits)
    }

    fn uses_graph(&self, limit: usize, mode: IndexMode) -> bool {
        let count = self.sealed.ids.len();
        let worth = match mode {
            IndexMode::Auto => count > AUTO_GRAPH,
            IndexMode::Flat => false,
            IndexMode::Hnsw => true,
        };
        // exploring a large part of the graph costs more than a scan
        worth && limit.saturating_mul(8) < count
    }

    fn candidates(&self, query: &Code, wanted: usize, graph: Option<&Graph>) -> Vec<(i64, f32)> {
        let mut found = match graph {
            Some(graph) => {
                let keep = |position| self.sealed.is_live(position);
                let ef = wanted.max(MIN_EF);
                let near = graph.search(&self.sealed.codes, query, wanted, ef, keep);
                near.iter().map(|c| (self.sealed.ids[c.position as usize], c.score)).collect()
            }
            None => self.sealed.scan(query, wanted),
        };
        found.extend(self.tail.scan(query, wanted));
        found.sort_by(best_first);
        found.truncate(wanted);
        found
    }

    /// Whether so much changed since the last seal, or so little of it is usable, that sealing pays.
    pub(super) fn wants_seal(&self) -> bool {
        let (sealed, tail) = (self.sealed.ids.len(), self.tail.ids.len());
        let dead = self.sealed.dead_count + self.tail.dead_count;
        self.segment_fault.is_some()
            || tail > (sealed / 10).max(20_000)
            || dead > ((sealed + tail) / 5).max(1000)
    }

    /// Passages that are not deleted.
    pub(super) fn live_count(&self) -> usize {
        let live = |part: &Part| part.ids.len() - part.dead_count;
        live(&self.sealed) + live(&self.tail)
    }
}

/// Higher score first, then lower id.
fn best_first(a: &(i64, f32), b: &(i64, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// True cosines of the candidates that still exist, best first.
fn rescore(
    connection: &Connection,
    query: &[f32],
    candidates: &[(i64, f32)],
) -> Outcome<Vec<(i64, f32)>> {
    let mut statement = connection.prepare_cached("SELECT data FROM vector WHERE id = ?1")?;
    let mut vector = Vec::with_capacity(query.len());
    let mut hits = Vec::with_capacity(candidates.len());
    for (id, _) in candidates {
        let intact = statement
            .query_row([id], |row| Ok(read_row(*id, row, query.len(), &mut vector)))
            .optional()?;
        match intact {
            Some(true) => hits.push((*id, dot_f32(query, &vector).clamp(-1.0, 1.0))),
            Some(false) => return Err(damaged(*id)),
            None => {}
        }
    }
    hits.sort_by(best_first);
    Ok(hits)
}

/// Calls `each` with every vector above `after`, by id.
pub(super) fn each_vector(
    connection: &Connection,
    after: i64,
    dim: usize,
    mut each: impl FnMut(i64, &[f32]) -> Outcome<()>,
) -> Outcome<()> {
    let mut statement =
        connection.prepare_cached("SELECT data, id FROM vector WHERE id > ?1 ORDER BY id")?;
    let mut rows = statement.query([after])?;
    let mut vector = Vec::with_capacity(dim);
    while let Some(row) = rows.next()? {
        let id = row.get(1)?;
        if !read_row(id, row, dim, &mut vector) {
            return Err(damaged(id));
        }
        each(id, &vector)?;
    }
    Ok(())
}

fn read_row(id: i64, row: &rusqlite::Row<'_>, dim: usize, vector: &mut Vec<f32>) -> bool {
    let data = row.get_ref(0).ok().and_then(|data| data.as_blob().ok());
    let read = data.is_some_and(|data| schema::read_vector_row(id, data, vector));
    read && vector.len() == dim
}

fn damaged(id: i64) -> Fault {
    Fault::Damaged(format!("the vector of passage {id} is damaged; add its document again"))
}
