//! Our vector index, alone and inside the knowledge base file, as one of the libraries that
//! `benches/peers/index.py` compares.
//!
//! `cargo run --release -p rag-core --features unstable --example bench_index index|hnsw_rs|store BASE.npy QUERIES.npy FOLDER`,
//! where BASE and QUERIES are f32 rows of length 1 and FOLDER is for what is built. Commands come
//! on standard input, one a line, and are described in `benches/peers/index_workers.py`; each is
//! answered by a line of JSON. Searches are one at a time on one thread. `index` keeps codes, graph
//! and f32 rows in memory; `store` is the whole file, with a short text and its full text per
//! vector, ten vectors to a document.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use rag_core::CancelToken;
use rag_core::encode::EncoderIdentity;
use rag_core::index::codes::{Code, Codes};
use rag_core::index::graph::{Graph, Reach};
use rag_core::index::hnsw::HnswRs;
use rag_core::index::native::Native;
use rag_core::index::{BuildOptions, GraphBuilder, ScoredPosition, flat};
use rag_core::kernels::dot::dot_f32;
use rag_core::passage::Passage;
use rag_core::store::{
    Access, Filter, IndexMode, NearestOptions, NewDocument, Precision, Seal, Store,
};

type Outcome<T> = Result<T, Box<dyn Error>>;

const TOP_K: usize = 10;
/// Candidates of the graph, and of a scan, that are scored again with the f32 rows.
const RESCORED: usize = 20;
const RESCORED_SCAN: usize = 40;
/// Vectors that pass a filter up to this number are scanned, as in the store.
const SCANNED_SET: usize = 30_000;
const PER_DOCUMENT: usize = 10;

/// Rows of one length.
struct Rows {
    dim: usize,
    data: Vec<f32>,
}

/// What is measured. An `ef` of 0 is a search without graph.
trait Library {
    /// Builds over the first `count` rows, in place of what was built; reading BASE does not count.
    fn build(&mut self, rows: &Rows, count: usize, threads: usize) -> Outcome<()>;
    /// Writes what was built to the folder.
    fn save(&mut self) -> Outcome<()>;
    /// Reads it again.
    fn open(&mut self) -> Outcome<()>;
    /// Prepares a filter that lets `percent` of the vectors through.
    fn prepare(&mut self, percent: usize) -> Outcome<()>;
    /// The nearest rows, by number in BASE.
    fn search(&self, query: &[f32], ef: usize, percent: Option<usize>) -> Outcome<Vec<i64>>;
    /// Deletes the vectors of the buckets from this one on.
    fn delete(&mut self, from_bucket: usize) -> Outcome<()>;
    /// Adds them again.
    fn add(&mut self, rows: &Rows, from_bucket: usize) -> Outcome<()>;
}

/// Vectors go by tens into a hundred buckets, the same way in `index.py`.
fn bucket(row: usize) -> usize {
    ((row / PER_DOCUMENT) as u32).wrapping_mul(2_654_435_761) as usize / 4096 % 100
}

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, base, queries, folder] = args.as_slice() else {
        return Err("index|hnsw_rs|store BASE.npy QUERIES.npy FOLDER".into());
    };
    let queries = read(queries)?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let mut library: Box<dyn Library> = match kind.as_str() {
        "store" => Box::new(File { path: folder.join("base.rag"), store: None, rows: Vec::new() }),
        _ => Box::new(Memory {
            base: base.clone(),
            path: folder.join("graph"),
            hnsw_rs: kind == "hnsw_rs",
            built: None,
            kept: Vec::new(),
        }),
    };
    println!("{{\"seconds\": 0}}");
    for line in std::io::stdin().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        match answer(library.as_mut(), &words, base, &queries) {
            Ok(seconds) => println!("{{\"seconds\": {seconds:.9}}}"),
            Err(error) => println!("{{\"error\": {:?}}}", error.to_string()),
        }
    }
    Ok(())
}

/// The seconds that one command took.
fn answer(library: &mut dyn Library, words: &[&str], base: &str, queries: &Rows) -> Outcome<f64> {
    let number = |at: usize| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(0);
    match words.first().copied() {
        Some("build") => {
            let rows = read(base)?;
            timed(|| library.build(&rows, number(1), number(2)))
        }
        Some("save") => timed(|| library.save()),
        Some("open") => timed(|| {
            library.open()?;
            library.search(&queries.data[..queries.dim], 128, None).map(drop)
        }),
        Some("search") => {
            let (ef, count, percent) = (number(1), number(2), number(3));
            let percent = Some(percent).filter(|percent| *percent > 0);
            percent.map_or(Ok(()), |percent| library.prepare(percent))?;
            let mut found = Vec::new();
            let seconds = timed(|| {
                for query in queries.data.chunks_exact(queries.dim).take(count) {
                    found.push(library.search(query, ef, percent)?);
                }
                Ok(())
            })?;
            let tens = found.iter().flat_map(|row| (0..TOP_K).map(|n| row.get(n).unwrap_or(&-1)));
            let bytes: Vec<u8> = tens.flat_map(|row| row.to_le_bytes()).collect();
            std::fs::write(words.get(4).ok_or("search EF COUNT PERCENT OUT")?, bytes)?;
            Ok(seconds)
        }
        Some("delete") => timed(|| library.delete(number(1))),
        Some("add") => {
            let rows = read(base)?;
            timed(|| library.add(&rows, number(1)))
        }
        _ => Err("no such command".into()),
    }
}

fn timed(work: impl FnOnce() -> Outcome<()>) -> Outcome<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Codes, graph and f32 rows in memory.
struct Memory {
    base: String,
    path: PathBuf,
    hnsw_rs: bool,
    built: Option<(Rows, Codes, Graph)>,
    kept: Vec<u32>,
}

impl Memory {
    fn codes(rows: &Rows) -> Codes {
        let mut codes = Codes::new(rows.dim);
        rows.data.chunks_exact(rows.dim).for_each(|row| codes.push(row));
        codes
    }
}

impl Library for Memory {
    fn build(&mut self, rows: &Rows, count: usize, threads: usize) -> Outcome<()> {
        let options = BuildOptions::default();
        let builder: Box<dyn GraphBuilder> = match self.hnsw_rs {
            true => Box::new(HnswRs { options }),
            false => Box::new(Native { options, thread_count: threads }),
        };
        let data = rows.data.get(..count * rows.dim).ok_or("more than there are")?.to_vec();
        let rows = Rows { dim: rows.dim, data };
        let codes = Self::codes(&rows);
        let links = builder.build(&codes, &rows.data, &CancelToken::new())?;
        let graph = Graph::pack(links, &codes).ok_or("no vectors")?;
        self.built = Some((rows, codes, graph));
        Ok(())
    }

    fn save(&mut self) -> Outcome<()> {
        let (_, _, graph) = self.built.as_ref().ok_or("nothing built")?;
        Ok(std::fs::write(&self.path, graph.to_bytes())?)
    }

    fn open(&mut self) -> Outcome<()> {
        let rows = read(&self.base)?;
        let codes = Self::codes(&rows);
        let graph = Graph::from_bytes(&std::fs::read(&self.path)?, codes.len());
        self.built = Some((rows, codes, graph.ok_or("not a graph over these vectors")?));
        Ok(())
    }

    fn prepare(&mut self, percent: usize) -> Outcome<()> {
        let (_, codes, _) = self.built.as_ref().ok_or("nothing built")?;
        self.kept =
            (0..codes.len()).filter(|row| bucket(*row) < percent).map(|row| row as u32).collect();
        Ok(())
    }

    fn search(&self, query: &[f32], ef: usize, percent: Option<usize>) -> Outcome<Vec<i64>> {
        let (rows, codes, graph) = self.built.as_ref().ok_or("nothing built")?;
        let code = Code::new(query);
        let candidates = match percent {
            None if ef == 0 => flat::best(codes, &code, RESCORED_SCAN, |_| true),
            None => graph.search(codes, &code, RESCORED, ef),
            Some(_) if ef == 0 || self.kept.len() <= SCANNED_SET => {
                flat::best_among(codes, &code, RESCORED_SCAN, &self.kept)
            }
            Some(percent) => {
                let reach = Reach { limit: RESCORED, ef };
                graph.search_kept(codes, &code, reach, |row| bucket(row as usize) < percent)
            }
        };
        let row = |position: u32| &rows.data[position as usize * rows.dim..][..rows.dim];
        let exact =
            |c: ScoredPosition| ScoredPosition { score: dot_f32(query, row(c.position)), ..c };
        let mut candidates: Vec<ScoredPosition> = candidates.into_iter().map(exact).collect();
        candidates.sort_by(|a, b| b.cmp(a));
        Ok(candidates.iter().take(TOP_K).map(|c| i64::from(c.position)).collect())
    }

    fn delete(&mut self, _from_bucket: usize) -> Outcome<()> {
        Err("a graph alone does not change; the store keeps what is new beside it".into())
    }

    fn add(&mut self, _rows: &Rows, _from_bucket: usize) -> Outcome<()> {
        self.delete(0)
    }
}

/// The whole file.
struct File {
    path: PathBuf,
    store: Option<Store>,
    /// The row of each passage id, from 1; ids beyond are rows in order.
    rows: Vec<i64>,
}

impl File {
    fn store(&self) -> Outcome<&Store> {
        Ok(self.store.as_ref().ok_or("nothing built")?)
    }

    /// One document of neighbouring rows that share a bucket, in one transaction.
    fn put(&mut self, rows: &Rows, first: usize, end: usize) -> Outcome<()> {
        let mut text = String::new();
        let mut passages = Vec::new();
        for row in first..end {
            let start = text.len();
            text.push_str(&format!("vector {row}\n"));
            let range = start..text.len();
            passages.push(Passage { range, heading: None, page: None, token_count: 2 });
            self.rows.push(row as i64);
        }
        let metadata = BTreeMap::from([("bucket".to_owned(), bucket(first).to_string())]);
        let document = NewDocument {
            uri: &format!("rows:{first}"),
            size_bytes: text.len() as u64,
            mtime_ns: 0,
            hash: [0; 32],
            kind: "text",
            title: None,
            lang: None,
            text: &text,
            source_map: &[],
            metadata: &metadata,
            unread: &[],
        };
        let vectors = &rows.data[first * rows.dim..end * rows.dim];
        self.store()?.put_document(&document, &passages, vectors)?;
        Ok(())
    }
}

impl Library for File {
    fn build(&mut self, rows: &Rows, count: usize, threads: usize) -> Outcome<()> {
        self.store = None;
        self.rows.clear();
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.path.clone().into_os_string();
            path.push(suffix);
            let _ = std::fs::remove_file(path);
        }
        let store = Store::open(&self.path, Access::Create)?;
        store.set_precision(Precision::default())?;
        let name = "bench".to_owned();
        let fingerprint = name.clone();
        store.bind_encoder(&EncoderIdentity {
            fingerprint,
            name,
            dim: rows.dim,
            max_tokens: 256,
        })?;
        self.store = Some(store);
        for first in (0..count).step_by(PER_DOCUMENT) {
            self.put(rows, first, count.min(first + PER_DOCUMENT))?;
        }
        let builder = Native { options: BuildOptions::default(), thread_count: threads };
        Ok(self.store()?.seal_with(Seal::Now, &builder, &CancelToken::new())?)
    }

    fn save(&mut self) -> Outcome<()> {
        self.store = None;
        Ok(())
    }

    fn open(&mut self) -> Outcome<()> {
        self.store = Some(Store::open(&self.path, Access::ReadWrite)?);
        Ok(())
    }

    fn prepare(&mut self, _percent: usize) -> Outcome<()> {
        Ok(())
    }

    fn search(&self, query: &[f32], ef: usize, percent: Option<usize>) -> Outcome<Vec<i64>> {
        let store = self.store()?;
        let among = match percent {
            Some(percent) => {
                let filter = Filter::parse(&format!("bucket < {percent}"))?;
                Some(store.passages_where(&filter)?)
            }
            None => None,
        };
        let mode = if ef == 0 { IndexMode::Flat } else { IndexMode::Hnsw };
        let options = NearestOptions {
            mode,
            ef_search: Some(ef).filter(|ef| *ef > 0),
            among: among.as_deref(),
        };
        let hits = store.nearest_with(query, TOP_K, &options)?;
        let row = |id: i64| self.rows.get(id as usize - 1).copied().unwrap_or(id - 1);
        Ok(hits.iter().map(|(id, _)| row(*id)).collect())
    }

    fn delete(&mut self, from_bucket: usize) -> Outcome<()> {
        self.store()?.remove_where(&Filter::parse(&format!("bucket >= {from_bucket}"))?)?;
        Ok(())
    }

    fn add(&mut self, rows: &Rows, from_bucket: usize) -> Outcome<()> {
        let count = self.rows.len();
        for first in (0..count).step_by(PER_DOCUMENT) {
            if bucket(first) >= from_bucket {
                self.put(rows, first, count.min(first + PER_DOCUMENT))?;
            }
        }
        Ok(())
    }
}

/// The rows of a two-dimensional little-endian .npy file of f32.
fn read(path: &str) -> Outcome<Rows> {
    let bytes = std::fs::read(path)?;
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length])?;
    let shape = header.split("'shape': (").nth(1).and_then(|rest| rest.split(')').next());
    let dim = shape.and_then(|shape| shape.split(',').nth(1)).ok_or("not two-dimensional")?;
    let words = bytes[10 + length..].chunks_exact(4);
    let data = words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect();
    Ok(Rows { dim: dim.trim().parse()?, data })
}
