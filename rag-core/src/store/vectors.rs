//! The vector index in memory: the sealed segment, the rows written since (the tail), and what was
//! deleted.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::{Connection, OptionalExtension};

use super::fault::{Outcome, StoreFault};
use super::segment::SealedSegment;
use super::types::{IndexMode, NearestOptions};
use super::{meta, schema};
use crate::index::ScoredPosition;
use crate::index::codes::{Code, Codes};
use crate::index::flat;
use crate::index::graph::{Graph, Reach};
use crate::kernels::dot::dot_f32;

/// Passages from which `IndexMode::Auto` walks the graph.
pub(super) const AUTO_GRAPH: usize = 100_000;
/// Fewest candidates offered for rescoring with the original vectors, and most when scores are
/// close.
const MIN_RESCORED: usize = 40;
const MAX_RESCORED: usize = 4096;
/// Candidates explored in the graph by default: recall@10 of 0.99 on real sentence vectors.
pub const EF_SEARCH: usize = 128;
/// A chosen set of passages up to this size is scanned; above, the graph is walked with the set as
/// predicate.
const SCANNED_SET: usize = 30_000;

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
pub(super) struct StoredVectors {
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
        // ids are given out rising and rows are read in their order
        if let Ok(position) = self.ids.binary_search(&id)
            && !self.dead[position]
        {
            self.dead[position] = true;
            self.dead_count += 1;
        }
    }

    fn scan(&self, query: &Code, limit: usize, scope: Option<&Scope>) -> Vec<(i64, f32)> {
        let found = match scope {
            Some(scope) => flat::best_among(&self.codes, query, limit, &scope.positions),
            None if self.dead_count == 0 => flat::best(&self.codes, query, limit, |_| true),
            None => flat::best(&self.codes, query, limit, |position| self.is_live(position)),
        };
        self.named(&found)
    }

    fn walk(
        &self,
        graph: &Graph,
        query: &Code,
        reach: Reach,
        scope: Option<&Scope>,
    ) -> Vec<(i64, f32)> {
        let codes = &self.codes;
        let found = match scope {
            Some(scope) => graph.search_kept(codes, query, reach, |node| scope.holds(node)),
            None if self.dead_count == 0 => graph.search(codes, query, reach.limit, reach.ef),
            None => graph.search_kept(codes, query, reach, |node| self.is_live(node)),
        };
        self.named(&found)
    }

    fn named(&self, found: &[ScoredPosition]) -> Vec<(i64, f32)> {
        found.iter().map(|c| (self.ids[c.position as usize], c.score)).collect()
    }
}

/// The passages of one part that a search is limited to, all of them live.
struct Scope {
    /// Rising.
    positions: Vec<u32>,
    /// One bit per position of the part, filled only for a walk.
    bits: Vec<u64>,
}

impl Scope {
    /// The places of `ids`, which rise, in `part`.
    fn new(ids: &[i64], part: &Part) -> Self {
        const NEAR: usize = 64;
        let mut positions = Vec::with_capacity(ids.len().min(part.ids.len()));
        let mut from = 0;
        for id in ids {
            let rest = &part.ids[from..];
            // ids of one document are neighbours, so the next one is mostly close by
            let near = match rest.get(NEAR) {
                Some(far) if far <= id => rest.binary_search(id),
                _ => rest[..NEAR.min(rest.len())].binary_search(id),
            };
            match near {
                Ok(place) => {
                    positions.push((from + place) as u32);
                    from += place + 1;
                }
                Err(place) => from += place,
            }
        }
        positions.retain(|position| part.is_live(*position));
        Self { positions, bits: Vec::new() }
    }

    fn fill_bits(&mut self, count: usize) {
        self.bits = vec![0; count.div_ceil(64)];
        for position in &self.positions {
            self.bits[*position as usize / 64] |= 1 << (position % 64);
        }
    }

    fn holds(&self, position: u32) -> bool {
        self.bits.get(position as usize / 64).is_some_and(|word| word >> (position % 64) & 1 == 1)
    }
}

impl StoredVectors {
    /// Whether this is the state of the file that `connection` sees, or a later one.
    pub(super) fn is_current(&self, connection: &Connection) -> Outcome<bool> {
        Ok(self.loaded && self.change >= meta::counter(connection, meta::CHANGE)?)
    }

    /// Brings the state up to the snapshot that `connection` sees.
    pub(super) fn refresh(&mut self, connection: &Connection, dim: usize) -> Outcome<()> {
        let change = meta::counter(connection, meta::CHANGE)?;
        let generation = meta::counter(connection, meta::GENERATION)?;
        if !self.loaded || generation != self.generation || self.tail.codes.dim() != dim {
            // the tail begins where the segment ends, so that a new segment makes a new tail
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
        match SealedSegment::read(connection, generation, dim) {
            Ok(Some(segment)) => {
                state.last_id = segment.max_id;
                state.graph = segment.graph;
                state.sealed = Part::new(segment.ids, segment.codes);
            }
            Ok(None) => {}
            // a segment is a cache: without it every row is in the tail, and the next seal writes
            // it anew
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
    /// Candidates come from codes and are rescored with the original vectors, until no other can be
    /// among the best. A scan is exact: if those at hand do not settle it, more are taken.
    pub(super) fn nearest(
        &self,
        connection: &Connection,
        query: &[f32],
        limit: usize,
        options: &NearestOptions<'_>,
    ) -> Outcome<Vec<(i64, f32)>> {
        let code = Code::new(query);
        let search = Search::new(self, &code, options, limit);
        let margin = self.sealed.codes.margin(&code).max(self.tail.codes.margin(&code));
        if search.graph.is_some() {
            // what the walk misses weighs more than what rounding hides
            let candidates = search.candidates(limit.saturating_mul(2).max(MIN_RESCORED));
            return Ok(rescore(connection, query, &candidates, limit, margin / 2.0)?.0);
        }
        let mut wanted = limit.saturating_mul(4).max(MIN_RESCORED);
        let mut candidates = search.candidates(wanted);
        let (hits, settled) = rescore(connection, query, &candidates, limit, margin)?;
        if settled || candidates.len() < wanted {
            return Ok(hits);
        }
        wanted = wanted.max(MAX_RESCORED);
        candidates = search.candidates(wanted);
        Ok(rescore(connection, query, &candidates, limit, margin)?.0)
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

    /// Whether so much changed since the last seal, or so little of it is usable, that sealing
    /// pays.
    pub(super) fn wants_seal(&self) -> bool {
        // a seal writes the whole segment, a search scans the whole tail: it pays once the tail is
        // a tenth of it
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

/// One search: where it looks, and how.
struct Search<'a> {
    vectors: &'a StoredVectors,
    query: &'a Code,
    graph: Option<&'a Graph>,
    ef: usize,
    sealed: Option<Scope>,
    tail: Option<Scope>,
}

impl<'a> Search<'a> {
    fn new(
        vectors: &'a StoredVectors,
        query: &'a Code,
        options: &NearestOptions<'_>,
        limit: usize,
    ) -> Self {
        let mut sealed = options.among.map(|ids| Scope::new(ids, &vectors.sealed));
        let tail = options.among.map(|ids| Scope::new(ids, &vectors.tail));
        let small = sealed.as_ref().is_some_and(|scope| scope.positions.len() <= SCANNED_SET);
        let worth = !small && vectors.uses_graph(limit, options.mode);
        let graph = vectors.graph.as_ref().filter(|_| worth);
        if let (Some(scope), Some(_)) = (&mut sealed, graph) {
            scope.fill_bits(vectors.sealed.ids.len());
        }
        let ef = options.ef_search.unwrap_or(EF_SEARCH);
        Self { vectors, query, graph, ef, sealed, tail }
    }

    /// The `wanted` best by code, best first.
    fn candidates(&self, wanted: usize) -> Vec<(i64, f32)> {
        let (vectors, query) = (self.vectors, self.query);
        let scope = self.sealed.as_ref();
        let mut found = match self.graph {
            Some(graph) => {
                let reach = Reach { limit: wanted, ef: self.ef };
                vectors.sealed.walk(graph, query, reach, scope)
            }
            None => vectors.sealed.scan(query, wanted, scope),
        };
        if !vectors.tail.ids.is_empty() {
            found.extend(vectors.tail.scan(query, wanted, self.tail.as_ref()));
            found.sort_by(best_first);
            found.truncate(wanted);
        }
        found
    }
}

/// The `limit` best by true cosine among the candidates that still exist, best first; and whether
/// no candidate beyond those given, which come best first, can be among them: their scores are off
/// by `margin` at most.
fn rescore(
    connection: &Connection,
    query: &[f32],
    candidates: &[(i64, f32)],
    limit: usize,
    margin: f32,
) -> Outcome<(Vec<(i64, f32)>, bool)> {
    let mut statement = connection.prepare_cached("SELECT data FROM vector WHERE id = ?1")?;
    let mut vector = Vec::with_capacity(query.len());
    let mut hits = Vec::with_capacity(candidates.len().min(limit));
    let mut best: BinaryHeap<Reverse<ScoredPosition>> = BinaryHeap::new();
    let mut settled = limit == 0;
    for (id, score) in candidates {
        let floor = best.peek().filter(|_| best.len() == limit).map(|worst| worst.0.score);
        settled = settled || floor.is_some_and(|floor| score + margin < floor);
        if settled {
            break;
        }
        let intact = statement
            .query_row([id], |row| Ok(read_row(*id, row, query.len(), &mut vector)))
            .optional()?;
        match intact {
            Some(true) => {
                let score = dot_f32(query, &vector).clamp(-1.0, 1.0);
                hits.push((*id, score));
                best.push(Reverse(ScoredPosition { score, position: 0 }));
                if best.len() > limit {
                    best.pop();
                }
            }
            Some(false) => return Err(damaged(*id)),
            None => {}
        }
    }
    hits.sort_by(best_first);
    hits.truncate(limit);
    Ok((hits, settled))
}

/// The vector of each passage; `None` where there is none.
pub(super) fn of(
    connection: &Connection,
    ids: &[i64],
    dim: usize,
) -> Outcome<Vec<Option<Vec<f32>>>> {
    let mut statement = connection.prepare_cached("SELECT data FROM vector WHERE id = ?1")?;
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let mut vector = Vec::with_capacity(dim);
        let read = |row: &rusqlite::Row<'_>| Ok(read_row(*id, row, dim, &mut vector));
        found.push(match statement.query_row([id], read).optional()? {
            Some(true) => Some(vector),
            Some(false) => return Err(damaged(*id)),
            None => None,
        });
    }
    Ok(found)
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
    data.is_some_and(|data| schema::read_vector_row(id, data, dim, vector))
}

fn damaged(id: i64) -> StoreFault {
    StoreFault::Damaged(format!("the vector of passage {id} is damaged; add its document again"))
}
