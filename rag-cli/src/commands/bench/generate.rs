//! Prompt and answer tokens per second of a generator.

use std::path::PathBuf;
use std::time::Instant;

use rag_core::Error;
use rag_core::files;
use rag_core::generate::{Draft, GenerateOptions, Generator, KvPrecision};
use rag_core::model::DEFAULT_LLM;
use serde::Serialize;

use super::{Machine, Random, print};
use crate::commands::generate::per_second;
use crate::commands::options::{Loading, model_dirs};
use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding, OptionArgs};

/// Take in a made-up prompt and continue it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Generator by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = DEFAULT_LLM)]
    llm: String,
    /// Tokens of the prompt
    #[arg(long, value_name = "N", default_value_t = 512)]
    prompt_tokens: usize,
    /// Tokens to produce
    #[arg(long, value_name = "N", default_value_t = 64)]
    new_tokens: usize,
    /// Runs; the fastest counts
    #[arg(long, value_name = "N", default_value_t = 1)]
    runs: usize,
    #[command(flatten)]
    load: OptionArgs<Loading>,
    /// A text to take instead of a made-up one; its perplexity is measured too
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Figures {
    llm: String,
    prompt_token_count: usize,
    new_token_count: usize,
    load_milliseconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kv: Option<KvPrecision>,
    backend: String,
    kv_bytes_per_token: usize,
    prefill_tokens_per_second: f64,
    decode_tokens_per_second: f64,
    time_to_first_token_milliseconds: f64,
    /// `e` to the mean negative log-probability of the prompt's tokens after the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    perplexity: Option<f64>,
    /// The same prompt again, all of it but the last token still in memory.
    repeated_time_to_first_token_milliseconds: f64,
    #[serde(flatten)]
    machine: Machine,
}

impl Args {
    /// What holds for its options.
    pub(super) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.load)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let path = model_dirs().resolve(&args.llm)?;
    let options = args.load.options(config)?;
    let started = Instant::now();
    let generator = Generator::load_with(&path, &options)?;
    let load_milliseconds = started.elapsed().as_secs_f64() * 1e3;
    let job = console.job();
    let mut prompt_ids = match &args.text {
        Some(path) => {
            let text = files::read_text(path).map_err(|source| Error::io(path, source))?;
            generator.chat().encode_prompt(&text)?
        }
        None => generator.chat().encode(&Random(1).text(args.prompt_tokens))?,
    };
    prompt_ids.truncate(args.prompt_tokens);
    let options = GenerateOptions {
        max_new_tokens: args.new_tokens,
        draft: Draft::Off,
        ..GenerateOptions::default()
    };
    let mut figures = Figures {
        llm: args.llm.clone(),
        prompt_token_count: prompt_ids.len(),
        new_token_count: 0,
        load_milliseconds,
        kv: generator.kv_precision(),
        backend: generator.backend().to_string(),
        kv_bytes_per_token: generator.kv_bytes_per_token(),
        prefill_tokens_per_second: 0.0,
        decode_tokens_per_second: 0.0,
        time_to_first_token_milliseconds: f64::INFINITY,
        perplexity: None,
        repeated_time_to_first_token_milliseconds: f64::INFINITY,
        machine: Machine {
            thread_count: generator.thread_count().unwrap_or_else(|| Machine::here().thread_count),
            kernel_level: generator
                .kernel_level()
                .map_or_else(|| generator.backend().to_string(), |level| level.name().to_owned()),
            ..Machine::here()
        },
    };
    for run in 0..args.runs.max(1) {
        // Another first token each time, so that nothing kept from the run before can help.
        prompt_ids.rotate_left(usize::from(run > 0 && args.text.is_none()));
        let done = generator.generate_with(&prompt_ids, &options, job.call())?;
        let prefill = per_second(done.prompt_token_count, done.prefill);
        let decode = per_second(done.token_ids.len().saturating_sub(1), done.decode);
        let first_ms = done.time_to_first_token.as_secs_f64() * 1e3;
        figures.new_token_count = done.token_ids.len();
        figures.prefill_tokens_per_second = figures.prefill_tokens_per_second.max(prefill);
        figures.decode_tokens_per_second = figures.decode_tokens_per_second.max(decode);
        figures.time_to_first_token_milliseconds =
            figures.time_to_first_token_milliseconds.min(first_ms);
        let one = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
        let again = generator.generate_with(&prompt_ids, &one, job.call())?;
        figures.repeated_time_to_first_token_milliseconds = figures
            .repeated_time_to_first_token_milliseconds
            .min(again.time_to_first_token.as_secs_f64() * 1e3);
    }
    if let (Some(_), Some((first, rest))) = (&args.text, prompt_ids.split_first()) {
        let sum = generator.log_probability_with(&[*first], rest, job.call())?;
        figures.perplexity = Some((-sum / rest.len().max(1) as f64).exp());
    }
    print(&figures, console)?;
    Ok(Exit::Done)
}
