//! How fast files are read and cut.
//!
//! `cargo run --release -p rag-core --example bench_documents -- split FILE...` cuts the texts with
//! one token a word, so that the splitter alone is measured. `... pdf FILE...` reads PDFs with our
//! reader and with lopdf's own extraction of text, in turn, best of five. One thread.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use rag_core::document;
use rag_core::passage::{self, SplitOptions, TokenRanges};

const RUNS: usize = 5;

/// One token a word.
struct Words;

impl TokenRanges for Words {
    fn token_ranges(&self, text: &str) -> rag_core::Result<Vec<Range<usize>>> {
        let start = |word: &str| word.as_ptr().addr() - text.as_ptr().addr();
        Ok(text.split_whitespace().map(|word| start(word)..start(word) + word.len()).collect())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((what, files)) if what == "split" && !files.is_empty() => split(files),
        Some((what, files)) if what == "pdf" && !files.is_empty() => pdf(files),
        _ => Err("split FILE... or pdf FILE...".into()),
    }
}

fn split(files: &[String]) -> Result<(), Box<dyn Error>> {
    let (mut bytes, mut passages, mut spent) = (0, 0, Duration::ZERO);
    for file in files {
        let document = document::read(Path::new(file), &std::fs::read(file)?)?;
        let mut count = 0;
        let time = best(|| {
            count = passage::split(&document, &Words, &SplitOptions::default())?.len();
            Ok(())
        })?;
        (bytes, passages, spent) = (bytes + document.text.len(), passages + count, spent + time);
    }
    let megabytes = bytes as f64 / 1e6;
    let speed = megabytes / spent.as_secs_f64();
    println!("{megabytes:.1} MB, {passages} passages, {spent:.1?}: {speed:.1} MB/s");
    Ok(())
}

fn pdf(files: &[String]) -> Result<(), Box<dyn Error>> {
    let (mut ours, mut theirs, mut count) = (Duration::ZERO, Duration::ZERO, 0);
    for file in files {
        let bytes = std::fs::read(file)?;
        let Ok(raw) = best(|| {
            let file = lopdf::Document::load_mem(&bytes)?;
            let pages: Vec<u32> = file.get_pages().into_keys().collect();
            file.extract_text(&pages)?;
            Ok(())
        }) else {
            println!("{file}: lopdf extracts nothing");
            continue;
        };
        let Ok(read) =
            best(|| document::read(Path::new(file), &bytes).map(drop).map_err(Into::into))
        else {
            println!("{file}: no text");
            continue;
        };
        (ours, theirs, count) = (ours + read, theirs + raw, count + 1);
    }
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("{count} files: ours {ours:.1?}, lopdf {theirs:.1?}: {ratio:.2} of its time");
    Ok(())
}

fn best(mut run: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}
