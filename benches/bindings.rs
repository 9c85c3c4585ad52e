//! One search and one encoding from Rust, to set the bindings beside:
//! `bench_bindings KB ENCODER TEXTS.txt`; see `bindings.py`.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Instant;

use rag_core::encode::Encoder;
use rag_core::search::{Mode, SearchOptions};
use rag_core::{Call, KnowledgeBase, OpenOptions};

/// Searches that are timed, after a tenth as many that are not.
const SEARCHES: usize = 2000;
/// Texts that are encoded before the clock runs.
const WARM_UP: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [path, encoder, texts] = arguments.as_slice() else {
        return Err("usage: bench_bindings KB ENCODER TEXTS.txt".into());
    };
    let knowledge_base = KnowledgeBase::open(path, &OpenOptions::read_only())?;
    let options = SearchOptions { mode: Mode::Lexical, top_k: 10, ..SearchOptions::default() };
    let mut times = Vec::with_capacity(SEARCHES);
    for round in 0..SEARCHES + SEARCHES / 10 {
        let start = Instant::now();
        let hits = knowledge_base.search_with("river bridge", &options, Call::new())?;
        let took = start.elapsed();
        if hits.len() != 10 {
            return Err(format!("{} hits, not 10", hits.len()).into());
        }
        if round >= SEARCHES / 10 {
            times.push(took);
        }
    }
    times.sort_unstable();
    println!("search_us {:.2}", times[SEARCHES / 2].as_secs_f64() * 1e6);

    let texts = fs::read_to_string(texts)?;
    let texts: Vec<&str> = texts.lines().collect();
    let encoder = Encoder::load(Path::new(encoder), "minilm")?;
    encoder.encode_passages(&texts[..texts.len().min(WARM_UP)])?;
    let start = Instant::now();
    encoder.encode_passages(&texts)?;
    println!("encode_s {:.4}", start.elapsed().as_secs_f64());
    Ok(())
}
