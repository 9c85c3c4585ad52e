//! Queries per second and recall of the vector index.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use rag_core::encode::EncoderIdentity;
use rag_core::passage::Passage;
use rag_core::store::{Access, IndexMode, NewDocument, Seal, Store};
use rag_core::{CancelToken, Result};
use serde::Serialize;

use super::{Machine, Random, milliseconds, print};
use crate::console::Console;
use crate::failure::{Exit, Outcome};

const TOP_K: usize = 10;
const QUERY_COUNT: usize = 100;
/// Passages committed together.
const PASSAGES_PER_DOCUMENT: usize = 500;
/// Vectors gather around this many centres, as those of real texts do.
const CENTRE_COUNT: usize = 200;

/// Store and search made-up vectors
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Vectors stored
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    vectors: usize,
    /// Length of a vector
    #[arg(long, value_name = "N", default_value_t = 384)]
    dim: usize,
}

#[derive(Debug, Serialize)]
struct Figures {
    vector_count: usize,
    dim: usize,
    insert_vectors_per_second: f64,
    flat_p50_milliseconds: f64,
    seal_seconds: f64,
    hnsw_p50_milliseconds: f64,
    hnsw_recall_at_10: f64,
    #[serde(flatten)]
    machine: Machine,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let job = console.job();
    let mut source = Vectors::new(args.dim);
    let store = Store::open(Path::new(":memory:"), Access::Create)?;
    let start = Instant::now();
    fill(&store, args, &mut source, job.token())?;
    let insert_seconds = start.elapsed().as_secs_f64();
    let queries: Vec<Vec<f32>> = (0..QUERY_COUNT).map(|_| source.vector()).collect();
    let (flat_p50_milliseconds, exact) = search(&store, &queries, IndexMode::Flat)?;
    let start = Instant::now();
    store.seal(Seal::Now, job.token())?;
    let seal_seconds = start.elapsed().as_secs_f64();
    let (hnsw_p50_milliseconds, found) = search(&store, &queries, IndexMode::Hnsw)?;
    let figures = Figures {
        vector_count: args.vectors,
        dim: args.dim,
        insert_vectors_per_second: args.vectors as f64 / insert_seconds.max(1e-9),
        flat_p50_milliseconds,
        seal_seconds,
        hnsw_p50_milliseconds,
        hnsw_recall_at_10: recall(&found, &exact),
        machine: Machine::here(),
    };
    print(&figures, console)?;
    Ok(Exit::Done)
}

fn fill(store: &Store, args: &Args, source: &mut Vectors, cancel: &CancelToken) -> Result<()> {
    store.bind_encoder(&EncoderIdentity {
        fingerprint: "bench".to_owned(),
        name: "bench".to_owned(),
        dim: args.dim,
        max_tokens: 512,
    })?;
    let mut stored = 0;
    while stored < args.vectors {
        cancel.check()?;
        let count = PASSAGES_PER_DOCUMENT.min(args.vectors - stored);
        put(store, stored, count, source)?;
        stored += count;
    }
    Ok(())
}

fn put(store: &Store, number: usize, count: usize, source: &mut Vectors) -> Result<()> {
    let text = "passage ".repeat(count);
    let passages: Vec<Passage> = (0..count)
        .map(|index| Passage {
            range: index * 8..index * 8 + 7,
            heading: None,
            page: None,
            token_count: 1,
        })
        .collect();
    let vectors: Vec<f32> = (0..count).flat_map(|_| source.vector()).collect();
    let document = NewDocument {
        uri: &format!("document {number}"),
        size_bytes: text.len() as u64,
        mtime_ns: 0,
        hash: [0; 32],
        kind: "text",
        title: None,
        lang: None,
        text: &text,
        source_map: &[],
        metadata: &BTreeMap::new(),
        unread: &[],
    };
    store.put_document(&document, &passages, &vectors).map(|_| ())
}

/// The median time of a search, and the ids each query found.
fn search(store: &Store, queries: &[Vec<f32>], mode: IndexMode) -> Result<(f64, Vec<Vec<i64>>)> {
    if let Some(query) = queries.first() {
        store.nearest(query, TOP_K, mode)?; // loads the index
    }
    let mut times = Vec::with_capacity(queries.len());
    let mut found = Vec::with_capacity(queries.len());
    for query in queries {
        let start = Instant::now();
        let nearest = store.nearest(query, TOP_K, mode)?;
        times.push(start.elapsed());
        found.push(nearest.into_iter().map(|(id, _)| id).collect());
    }
    times.sort_unstable();
    Ok((milliseconds(times.get(times.len() / 2)), found))
}

/// The share of the exact neighbours that were found.
fn recall(found: &[Vec<i64>], exact: &[Vec<i64>]) -> f64 {
    let wanted: usize = exact.iter().map(Vec::len).sum();
    let got: usize =
        found.iter().zip(exact).map(|(f, e)| f.iter().filter(|id| e.contains(id)).count()).sum();
    got as f64 / (wanted as f64).max(1.0)
}

/// Unit vectors around centres.
#[derive(Debug)]
struct Vectors {
    random: Random,
    centres: Vec<Vec<f32>>,
}

impl Vectors {
    fn new(dim: usize) -> Self {
        let mut random = Random(1);
        let centres =
            (0..CENTRE_COUNT).map(|_| unit((0..dim).map(|_| random.signed()).collect())).collect();
        Self { random, centres }
    }

    fn vector(&mut self) -> Vec<f32> {
        let number = self.random.next() % CENTRE_COUNT as u64;
        let centre = self.centres.get(number as usize).map_or(&[][..], Vec::as_slice);
        let random = &mut self.random;
        let scale = 1.5 / (centre.len() as f32).max(1.0).sqrt();
        unit(centre.iter().map(|value| value + scale * random.signed()).collect())
    }
}

fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    vector.iter_mut().for_each(|value| *value /= norm);
    vector
}
