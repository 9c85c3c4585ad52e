//! The vector index alone: build, queries per second at each `ef_search`, filtered search, memory.
//!
//! `cargo run --release -p rag-core --example bench_index BASE.npy QUERIES.npy TRUTH.npy [native|hnsw_rs] [THREADS]`
//! where BASE and QUERIES are f32 rows of length 1 and TRUTH the exact neighbours (i32 row numbers). One line of
//! JSON; `benches/peers/index.py` puts it beside other libraries. Searches are one at a time on one thread;
//! those with rescoring take the best candidates again with the f32 rows, which here lie in memory.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::time::Instant;

use rag_core::CancelToken;
use rag_core::index::codes::{Code, Codes};
use rag_core::index::graph::Graph;
use rag_core::index::hnsw::HnswRs;
use rag_core::index::native::Native;
use rag_core::index::{BuildOptions, Candidate, GraphBuilder, flat};
use rag_core::kernels::dot::dot_f32;

type Outcome<T> = Result<T, Box<dyn Error>>;

const TOP_K: usize = 10;
const RESCORED: usize = 20;

/// Rows of one length.
struct Rows<T> {
    dim: usize,
    data: Vec<T>,
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [base, queries, truth, rest @ ..] = args.as_slice() else {
        return Err("BASE.npy QUERIES.npy TRUTH.npy [native|hnsw_rs] [THREADS]".into());
    };
    let base = read(base, f32::from_le_bytes)?;
    let queries = read(queries, f32::from_le_bytes)?;
    let truth = read(truth, i32::from_le_bytes)?;
    let threads = rest.get(1).map_or(Ok(1), |count| count.parse())?;
    let options = BuildOptions::default();
    let builder: Box<dyn GraphBuilder> = match rest.first().map(String::as_str) {
        Some("hnsw_rs") => Box::new(HnswRs { options }),
        _ => Box::new(Native { options, thread_count: threads }),
    };

    let mut codes = Codes::new(base.dim);
    base.data.chunks_exact(base.dim).for_each(|row| codes.push(row));
    let start = Instant::now();
    let links = builder.build(&codes, &base.data, &CancelToken::new())?;
    let graph = Graph::pack(links, &codes).ok_or("no vectors")?;
    let build_seconds = start.elapsed().as_secs_f64();
    let graph_bytes = graph.to_bytes().len();
    let memory = codes.len() * (codes.dim() + 4 + 8 + 1) + graph_bytes;

    let bench =
        Bench { base: &base, queries: &queries, truth: &truth, codes: &codes, graph: &graph };
    let mut curve = Vec::new();
    for ef in [16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768] {
        let (recall, qps) = bench.measure(|query| {
            bench.rescored(query, graph.search(&codes, &Code::new(query), RESCORED, ef))
        });
        let (code_recall, code_qps) =
            bench.measure(|query| graph.search(&codes, &Code::new(query), TOP_K, ef));
        curve.push(format!(
            "{{\"ef\": {ef}, \"recall\": {recall:.4}, \"qps\": {qps:.0}, \
             \"codes_recall\": {code_recall:.4}, \"codes_qps\": {code_qps:.0}}}"
        ));
    }
    let (flat_recall, flat_qps) = bench.measure(|query| {
        bench.rescored(query, flat::best(&codes, &Code::new(query), 40, |_| true))
    });
    let one: Vec<u32> = (0..codes.len() as u32).step_by(100).collect();
    let (_, filtered_qps) = bench.measure(|query| {
        bench.rescored(query, flat::best_among(&codes, &Code::new(query), 40, &one))
    });
    println!(
        "{{\"library\": \"rag\", \"builder\": \"{}\", \"threads\": {threads}, \"count\": {}, \"dim\": {}, \
         \"build_seconds\": {build_seconds:.2}, \"vectors_per_second\": {:.0}, \"graph_bytes\": {graph_bytes}, \
         \"memory_bytes_per_vector\": {:.0}, \"flat_recall\": {flat_recall:.4}, \"flat_qps\": {flat_qps:.0}, \
         \"filter_1_percent_qps\": {filtered_qps:.0}, \"curve\": [{}]}}",
        rest.first().map_or("native", String::as_str),
        codes.len(),
        codes.dim(),
        codes.len() as f64 / build_seconds,
        memory as f64 / codes.len() as f64,
        curve.join(", ")
    );
    Ok(())
}

struct Bench<'a> {
    base: &'a Rows<f32>,
    queries: &'a Rows<f32>,
    truth: &'a Rows<i32>,
    codes: &'a Codes,
    graph: &'a Graph,
}

impl Bench<'_> {
    /// Recall@10 and queries per second: the best of three rounds.
    fn measure(&self, search: impl Fn(&[f32]) -> Vec<Candidate>) -> (f64, f64) {
        assert_eq!(self.graph.len(), self.codes.len());
        let (mut found, mut best, mut count) = (0, f64::INFINITY, 0);
        for _ in 0..3 {
            (found, count) = (0, 0);
            let start = Instant::now();
            let results: Vec<Vec<Candidate>> =
                self.queries.data.chunks_exact(self.queries.dim).map(&search).collect();
            best = best.min(start.elapsed().as_secs_f64());
            for (hits, truth) in results.iter().zip(self.truth.data.chunks_exact(self.truth.dim)) {
                let truth = &truth[..TOP_K];
                found += hits.iter().filter(|hit| truth.contains(&(hit.position as i32))).count();
                count += 1;
            }
        }
        (found as f64 / (count * TOP_K) as f64, count as f64 / best)
    }

    fn rescored(&self, query: &[f32], candidates: Vec<Candidate>) -> Vec<Candidate> {
        let dim = self.base.dim;
        let row = |position: u32| &self.base.data[position as usize * dim..][..dim];
        let exact = |c: Candidate| Candidate { score: dot_f32(query, row(c.position)), ..c };
        let mut candidates: Vec<Candidate> = candidates.into_iter().map(exact).collect();
        candidates.sort_by(|a, b| b.cmp(a));
        candidates.truncate(TOP_K);
        candidates
    }
}

/// The rows of a two-dimensional little-endian .npy file of four-byte numbers.
fn read<T>(path: &str, number: impl Fn([u8; 4]) -> T) -> Outcome<Rows<T>> {
    let bytes = std::fs::read(path)?;
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length])?;
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next());
    let dim = shape.and_then(|shape| shape.split(',').nth(1)).ok_or("not two-dimensional")?;
    let words = bytes[10 + length..].chunks_exact(4);
    let data = words.map(|word| number([word[0], word[1], word[2], word[3]])).collect();
    Ok(Rows { dim: dim.trim().parse()?, data })
}
