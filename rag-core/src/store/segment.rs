//! The sealed part of the vector index as rows: chunks of 1 MiB, each with its BLAKE3 hash.
//!
//! A segment is a cache. What is missing, stale or rotten is not used: the vectors' rows are read
//! instead, and the next seal writes it anew.

use rusqlite::Connection;

use super::fault::{Outcome, StoreFault};
use super::meta;
use crate::index::codes::Codes;
use crate::index::graph::Graph;

// one value for all codes would pass the limit of a value (`connection.rs`) at some 700,000
// passages
const CHUNK_BYTES: usize = 1 << 20;
const MAGIC: &[u8; 4] = b"RAGS";
const FORMAT: u32 = 1;
const HEAD_BYTES: usize = 64;

/// Sealed vectors: passage ids, rising, with their codes and perhaps a graph over them.
#[derive(Debug, Clone)]
pub(super) struct SealedSegment {
    pub(super) generation: u64,
    /// Every passage up to this id that existed when it was sealed is in it.
    pub(super) max_id: i64,
    pub(super) ids: Vec<i64>,
    pub(super) codes: Codes,
    pub(super) graph: Option<Graph>,
}

impl SealedSegment {
    /// Writes the segment in place of any other, inside the caller's transaction.
    pub(super) fn write(&self, connection: &Connection) -> Outcome<()> {
        connection.execute("DELETE FROM segment", [])?;
        let graph = self.graph.as_ref().map(Graph::to_bytes).unwrap_or_default();
        let ids: Vec<u8> = self.ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        let scales: Vec<u8> = self.codes.scales().iter().flat_map(|s| s.to_le_bytes()).collect();
        let codes: Vec<u8> = self.codes.data().iter().map(|code| code.cast_unsigned()).collect();
        let lengths = [ids.len(), scales.len(), codes.len(), graph.len()];
        let kind = if self.graph.is_some() { "graph" } else { "codes" };
        self.put(connection, "head", &self.head(lengths))?;
        self.put(connection, "ids", &ids)?;
        self.put(connection, "scales", &scales)?;
        self.put(connection, "codes", &codes)?;
        self.put(connection, "graph", &graph)?;
        meta::put(connection, meta::SEGMENT, kind)
    }

    fn head(&self, lengths: [usize; 4]) -> Vec<u8> {
        let mut head = Vec::with_capacity(HEAD_BYTES);
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&FORMAT.to_le_bytes());
        head.extend_from_slice(&self.generation.to_le_bytes());
        head.extend_from_slice(&self.max_id.to_le_bytes());
        head.extend_from_slice(&(self.codes.dim() as u64).to_le_bytes());
        for length in lengths {
            head.extend_from_slice(&(length as u64).to_le_bytes());
        }
        head
    }

    fn put(&self, connection: &Connection, kind: &str, bytes: &[u8]) -> Outcome<()> {
        let mut statement = connection.prepare_cached(
            "INSERT INTO segment(generation, kind, chunk, data, \"check\") VALUES(?1, ?2, ?3, ?4, ?5)",
        )?;
        let generation = self.generation.cast_signed();
        for (chunk, data) in (0i64..).zip(bytes.chunks(CHUNK_BYTES)) {
            let sum = chunk_sum(generation, kind, chunk, data);
            statement.execute((generation, kind, chunk, data, sum.as_slice()))?;
        }
        Ok(())
    }

    /// Reads the segment of this generation, of vectors of length `dim`; `None` if there ought to
    /// be none.
    ///
    /// # Errors
    /// `StoreFault::Damaged` with what is wrong, if it cannot be used.
    pub(super) fn read(
        connection: &Connection,
        generation: u64,
        dim: usize,
    ) -> Outcome<Option<Self>> {
        let kind = meta::value(connection, meta::SEGMENT)?.unwrap_or_default();
        if kind == "none" {
            return Ok(None);
        }
        let damaged = |what: &str| StoreFault::Damaged(format!("the vector index {what}"));
        let head = bytes_of(connection, generation, "head", HEAD_BYTES as u64)?;
        let word = |at: usize| -> u64 {
            let bytes = head.get(at * 8..at * 8 + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_le_bytes)
        };
        let magic = head.starts_with(MAGIC) && head.get(4..8) == Some(&FORMAT.to_le_bytes());
        if !magic || word(1) != generation || word(3) != dim as u64 {
            return Err(damaged("is of another generation or format"));
        }
        let ids = bytes_of(connection, generation, "ids", word(4))?;
        let scales = bytes_of(connection, generation, "scales", word(5))?;
        let codes = bytes_of(connection, generation, "codes", word(6))?;
        let graph = bytes_of(connection, generation, "graph", word(7))?;
        let ids: Vec<i64> = words(&ids).map(i64::from_le_bytes).collect();
        let scales: Vec<f32> = words(&scales).map(f32::from_le_bytes).collect();
        let codes: Vec<i8> = codes.into_iter().map(u8::cast_signed).collect();
        let max_id = word(2).cast_signed();
        // a deleted passage is looked up by halves, which finds nothing among ids that do not rise
        let rising = ids.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || ids.last().is_some_and(|last| *last > max_id) || ids.len() != scales.len() {
            return Err(damaged("lists its passages wrongly"));
        }
        let graph = match kind.as_str() {
            "graph" => Some(
                Graph::from_bytes(&graph, ids.len())
                    .ok_or_else(|| damaged("has a damaged graph"))?,
            ),
            _ => None,
        };
        let codes =
            Codes::from_parts(dim, scales, codes).ok_or_else(|| damaged("has damaged codes"))?;
        Ok(Some(Self { generation, max_id, ids, codes, graph }))
    }
}

/// Takes the vector index out of the file, and out of the memory of all who have it open: the
/// vectors' rows serve until the next seal.
pub(super) fn forget(connection: &Connection) -> Outcome<()> {
    connection.execute("DELETE FROM segment", [])?;
    connection.execute("DELETE FROM tombstone", [])?;
    meta::put(connection, meta::SEGMENT, "none")?;
    meta::bump(connection, meta::GENERATION)?;
    meta::bump(connection, meta::CHANGE)?;
    Ok(())
}

/// The chunks of one kind, each checked against its hash, which must add up to `length`.
fn bytes_of(connection: &Connection, generation: u64, kind: &str, length: u64) -> Outcome<Vec<u8>> {
    let mut statement = connection.prepare_cached(
        "SELECT chunk, data, \"check\" FROM segment WHERE generation = ?1 AND kind = ?2 ORDER BY chunk",
    )?;
    let damaged = |what| Err(StoreFault::Damaged(format!("the vector index's {kind} {what}")));
    let generation = generation.cast_signed();
    let mut bytes = Vec::new();
    let mut rows = statement.query((generation, kind))?;
    let mut expected = 0i64;
    while let Some(row) = rows.next()? {
        let (chunk, data) = (row.get::<_, i64>(0)?, row.get_ref(1)?);
        let (Ok(data), Ok(sum)) = (data.as_blob(), row.get_ref(2)?.as_blob()) else {
            return damaged("are not bytes");
        };
        if chunk != expected || chunk_sum(generation, kind, chunk, data) != sum {
            return damaged("are damaged");
        }
        bytes.extend_from_slice(data);
        expected += 1;
    }
    if bytes.len() as u64 != length {
        return damaged("are incomplete");
    }
    Ok(bytes)
}

fn chunk_sum(generation: i64, kind: &str, chunk: i64, data: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&generation.to_le_bytes());
    hasher.update(&chunk.to_le_bytes());
    hasher.update(kind.as_bytes());
    hasher.update(&[0]);
    hasher.update(data);
    hasher.finalize().into()
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.chunks_exact(N).filter_map(|word| word.try_into().ok())
}
