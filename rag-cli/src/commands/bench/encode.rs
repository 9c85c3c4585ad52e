//! Passages and questions per second of an encoder.

use rag_core::Result;
use rag_core::model::DEFAULT_ENCODER;
use serde::Serialize;

use super::{Machine, Random, milliseconds, print, times};
use crate::commands::encode::load;
use crate::console::Console;
use crate::failure::{Exit, Outcome};

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
}

#[derive(Debug, Serialize)]
struct Figures {
    encoder: String,
    passage_count: usize,
    mean_passage_tokens: f64,
    passages_per_second: f64,
    tokens_per_second: f64,
    query_p50_milliseconds: f64,
    query_p99_milliseconds: f64,
    #[serde(flatten)]
    machine: Machine,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let encoder = load(&args.encoder)?;
    let job = console.job();
    let passages = passages(args.passages);
    let token_count =
        passages.iter().map(|text| encoder.token_count(text)).sum::<Result<usize>>()?;
    let passage_times =
        times(args.runs.max(1), || encoder.encode_passages(&passages, job.token()).map(|_| ()))?;
    let query_times = times(QUERY_COUNT, || {
        encoder
            .encode_queries(&["When was the bridge over the river opened?"], job.token())
            .map(|_| ())
    })?;
    let seconds = milliseconds(passage_times.first()) / 1e3;
    let figures = Figures {
        encoder: args.encoder.clone(),
        passage_count: passages.len(),
        mean_passage_tokens: token_count as f64 / (passages.len() as f64).max(1.0),
        passages_per_second: passages.len() as f64 / seconds,
        tokens_per_second: token_count as f64 / seconds,
        query_p50_milliseconds: milliseconds(query_times.get(QUERY_COUNT / 2)),
        query_p99_milliseconds: milliseconds(query_times.get(QUERY_COUNT * 99 / 100)),
        machine: Machine::here(),
    };
    print(&figures, console)?;
    Ok(Exit::Done)
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
