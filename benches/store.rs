//! Times of the knowledge base file: writing, searching, sealing, opening.
//!
//! `cargo run --release -p rag-core --example bench_store [FOLDER [COUNT...]]`; vectors are made up
//! around a thousand centres, from a fixed seed, 384 long. One thread.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rag_core::CancelToken;
use rag_core::encode::EncoderIdentity;
use rag_core::passage::Passage;
use rag_core::store::{Access, Filter, IndexMode, NearestOptions, NewDocument, Seal, Store};

const DIM: usize = 384;
const PER_DOCUMENT: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let counts: Vec<usize> =
        std::env::args().skip(2).filter_map(|count| count.parse().ok()).collect();
    let counts = if counts.is_empty() { vec![5_000, 10_000, 100_000] } else { counts };
    for count in counts {
        let path = folder.join(format!("bench-store-{}-{count}.rag", std::process::id()));
        let measured = measure(&path, count);
        std::fs::remove_file(&path)?;
        measured?;
    }
    Ok(())
}

fn measure(path: &Path, count: usize) -> rag_core::Result<()> {
    let store = Store::open(path, Access::Create)?;
    store.bind_encoder(&EncoderIdentity {
        fingerprint: "bench".to_owned(),
        name: "bench".to_owned(),
        dim: DIM,
        max_tokens: 256,
    })?;
    let (write, slowest) = fill(&store, count)?;
    let per_second = count as f64 / write.as_secs_f64();
    println!(
        "{count} passages: put_document {per_second:.0} passages/s, slowest {slowest:.1?} for {PER_DOCUMENT}"
    );
    let cancel = CancelToken::new();
    let (_, first) = timed(|| store.nearest(&vector(1), 10, IndexMode::Flat))?;
    println!("  first search, from rows {first:.1?}");
    search(&store, "unsealed scan", IndexMode::Flat)?;
    let (_, needed) = timed(|| store.seal(Seal::IfNeeded, &cancel))?;
    println!("  seal if needed {needed:.1?}, generation {}", store.info()?.generation);
    search(&store, "scan", IndexMode::Flat)?;
    if count <= 100_000 {
        let (_, graph) = timed(|| store.seal(Seal::Now, &cancel))?;
        println!("  seal with graph {graph:.1?}");
        search(&store, "graph", IndexMode::Hnsw)?;
    }
    small_commits(&store)?;
    filtered(&store)?;
    let (damages, check) = timed(|| store.check(&cancel))?;
    println!("  check {check:.1?}, {} damages, {} bytes", damages.len(), store.info()?.bytes);
    for damage in damages {
        println!("  {}: {}", damage.part, damage.message);
    }
    drop(store);
    let (store, open) = timed(|| Store::open(path, Access::ReadWrite))?;
    let (_, first) = timed(|| store.nearest(&vector(1), 10, IndexMode::Auto))?;
    println!("  open {open:.1?}, first search {first:.1?}");
    Ok(())
}

/// Writes `count` passages; the whole time and that of the slowest document, made-up vectors not
/// counted.
fn fill(store: &Store, count: usize) -> rag_core::Result<(Duration, Duration)> {
    let sentence = "the old bridge over the quiet river was built by the town in that year ";
    let metadata = BTreeMap::new();
    let (mut total, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for document in 0..count / PER_DOCUMENT {
        let mut text = String::new();
        let mut passages = Vec::new();
        for n in 0..PER_DOCUMENT {
            let start = text.len();
            text.push_str(&sentence.repeat(7));
            text.push_str(&format!("word{} word{}", n * 7 % 997, document * PER_DOCUMENT + n));
            let range = start..text.len();
            passages.push(Passage { range, heading: None, page: None, token_count: 100 });
        }
        let base = (document * PER_DOCUMENT) as u64;
        let vectors: Vec<f32> = (0..PER_DOCUMENT as u64).flat_map(|n| vector(base + n)).collect();
        let uri = format!("/documents/{document}.txt");
        let row = NewDocument {
            uri: &uri,
            size_bytes: text.len() as u64,
            mtime_ns: 0,
            hash: [0; 32],
            kind: "text",
            title: None,
            lang: Some("en"),
            text: &text,
            source_map: &[],
            metadata: &metadata,
            unread: &[],
        };
        let (_, took) = timed(|| store.put_document(&row, &passages, &vectors))?;
        total += took;
        slowest = slowest.max(took);
    }
    Ok((total, slowest))
}

/// One passage a transaction, as a text that is added on its own.
fn small_commits(store: &Store) -> rag_core::Result<()> {
    let (text, metadata) =
        ("a note on the new bridge over the quiet river ".repeat(10), BTreeMap::new());
    let passage = Passage { range: 0..text.len(), heading: None, page: None, token_count: 100 };
    let mut times = Vec::new();
    for number in 0..100 {
        let uri = format!("note:{number}");
        let document = NewDocument {
            uri: &uri,
            size_bytes: text.len() as u64,
            mtime_ns: 0,
            hash: [0; 32],
            kind: "text",
            title: None,
            lang: Some("en"),
            text: &text,
            source_map: &[],
            metadata: &metadata,
            unread: &[],
        };
        let vector = vector(20_000_000 + number);
        let passages = std::slice::from_ref(&passage);
        times.push(timed(|| store.put_document(&document, passages, &vector))?.1);
    }
    times.sort();
    println!("  1 passage committed: p50 {:.2?}, slowest {:.2?}", times[50], times[99]);
    Ok(())
}

/// A search among one document of a thousand passages, found by its path.
fn filtered(store: &Store) -> rag_core::Result<()> {
    let filter = Filter::parse("path = '/documents/3.txt'")?;
    let mut times = Vec::new();
    for seed in 0..200 {
        let query = vector(10_000_000 + seed);
        let (hits, took) = timed(|| {
            let among = store.passages_where(&filter)?;
            let options = NearestOptions { among: Some(&among), ..NearestOptions::default() };
            store.nearest_with(&query, 10, &options)
        })?;
        assert_eq!(hits.len(), 10);
        times.push(took);
    }
    times.sort();
    println!("  among {PER_DOCUMENT}: p50 {:.2?}, p95 {:.2?}", times[100], times[190]);
    Ok(())
}

fn search(store: &Store, name: &str, mode: IndexMode) -> rag_core::Result<()> {
    let mut times = Vec::new();
    let mut words = Vec::new();
    let (mut found, mut wanted) = (0, 0);
    for seed in 0..200 {
        let query = vector(10_000_000 + seed);
        let (hits, took) = timed(|| store.nearest(&query, 10, mode))?;
        times.push(took);
        let exact = store.nearest(&query, 10, IndexMode::Flat)?;
        found += exact.iter().filter(|hit| hits.contains(hit)).count();
        wanted += exact.len();
        let question = format!("when was word{} by the bridge word{seed}", seed * 31 % 997);
        words.push(timed(|| store.lexical(&question, 50))?.1);
    }
    times.sort();
    words.sort();
    println!(
        "  {name}: nearest best {:.2?} p50 {:.2?} p95 {:.2?}, recall@10 {:.4}; lexical best {:.2?} p50 {:.2?}",
        times[0],
        times[100],
        times[190],
        found as f64 / f64::from(wanted.max(1) as u32),
        words[0],
        words[100]
    );
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> rag_core::Result<T>) -> rag_core::Result<(T, Duration)> {
    let start = Instant::now();
    let value = work()?;
    Ok((value, start.elapsed()))
}

/// A unit vector near one of a thousand centres.
fn vector(seed: u64) -> Vec<f32> {
    let mut centre = noise(seed % 1000 + 1_000_000_000);
    let mut own = noise(seed);
    let vector: Vec<f32> = (0..DIM).map(|_| centre() + own() * 0.8).collect();
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / norm).collect()
}

fn noise(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }
}
