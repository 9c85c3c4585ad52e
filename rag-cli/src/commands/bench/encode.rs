//! Passages and questions per second of an encoder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rag_core::model::DEFAULT_ENCODER;
use rag_core::{Error, Result, files};
use serde::Serialize;

use super::{Machine, Random, milliseconds, print, times};
use crate::commands::encode::load;
use crate::commands::options::Encoding;
use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding, OptionArgs};

/// Words per passage: about 146 tokens on average, with a spread as in real documents.
const PASSAGE_WORDS: std::ops::Range<u64> = 40..250;
const QUERY_COUNT: usize = 100;

/// Encode made-up passages and questions
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Encoder by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = DEFAULT_ENCODER)]
    encoder: String,
    /// Passages per run
    #[arg(long, value_name = "N", default_value_t = 192)]
    passages: usize,
    /// Runs; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Encode the lines of this file, not made-up passages
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    #[command(flatten)]
    how: OptionArgs<Encoding>,
}

#[derive(Debug, Serialize)]
struct Figures {
    encoder: String,
    precision: &'static str,
    load_milliseconds: f64,
    passage_count: usize,
    mean_passage_tokens: f64,
    passages_per_second: f64,
    tokens_per_second: f64,
    /// Tokenising on one thread, to the time of all threads.
    tokenizer_share: f64,
    query_p50_milliseconds: f64,
    query_p99_milliseconds: f64,
    #[serde(flatten)]
    machine: Machine,
}

impl Args {
    /// What holds for its options.
    pub(super) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.how)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let start = Instant::now();
    let encoder = load(&args.encoder, &args.how.options(config)?)?;
    let load_time = start.elapsed();
    let job = console.job();
    let passages = match &args.texts {
        Some(path) => lines(path, args.passages)?,
        None => passages(args.passages),
    };
    let count = || passages.iter().map(|text| encoder.token_count(text)).sum::<Result<usize>>();
    let token_count = count()?;
    let token_times = times(args.runs.max(1), || count().map(|_| ()))?;
    let passage_times = times(args.runs.max(1), || {
        encoder.encode_passages_with(&passages, job.call()).map(|_| ())
    })?;
    let query_times = times(QUERY_COUNT, || {
        encoder
            .encode_queries_with(&["When was the bridge over the river opened?"], job.call())
            .map(|_| ())
    })?;
    let seconds = milliseconds(passage_times.first()) / 1e3;
    let figures = Figures {
        encoder: args.encoder.clone(),
        precision: encoder.precision().name(),
        load_milliseconds: milliseconds(Some(&load_time)),
        passage_count: passages.len(),
        mean_passage_tokens: token_count as f64 / (passages.len() as f64).max(1.0),
        passages_per_second: passages.len() as f64 / seconds,
        tokens_per_second: token_count as f64 / seconds,
        tokenizer_share: milliseconds(token_times.first())
            / (1e3 * seconds * encoder.thread_count() as f64),
        query_p50_milliseconds: milliseconds(query_times.get(QUERY_COUNT / 2)),
        query_p99_milliseconds: milliseconds(query_times.get(QUERY_COUNT * 99 / 100)),
        machine: Machine {
            kernel_level: encoder.level_name().to_owned(),
            thread_count: encoder.thread_count(),
            ..Machine::here()
        },
    };
    print(&figures, console)?;
    Ok(Exit::Done)
}

/// The first `count` lines of a file.
fn lines(path: &Path, count: usize) -> Result<Vec<String>> {
    let text = files::read_text(path).map_err(|source| Error::io(path, source))?;
    Ok(text.lines().take(count).map(str::to_owned).collect())
}

fn passages(count: usize) -> Vec<String> {
    let mut random = Random(1);
    let spread = PASSAGE_WORDS.end - PASSAGE_WORDS.start;
    (0..count)
        .map(|_| {
            let word_count = PASSAGE_WORDS.start + random.next() % spread;
            random.text(word_count as usize)
        })
        .collect()
}
