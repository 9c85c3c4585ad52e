//! `rag bench`: speed on this machine, in figures that name their unit.

mod encode;
mod generate;
mod index;

use std::time::{Duration, Instant};

use clap::Subcommand;
use rag_core::kernels::KernelLevel;
use serde::Serialize;

use crate::console::Console;
use crate::failure::{Failure, Outcome};
use crate::options::{Config, Holding};

/// Measure speed on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Encode(encode::Args),
    Generate(generate::Args),
    Index(index::Args),
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        match &self.what {
            What::Encode(args) => args.show(held),
            What::Generate(args) => args.show(held),
            What::Index(_) => Ok(()),
        }
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    match &args.what {
        What::Encode(args) => encode::run(args, config, console),
        What::Generate(args) => generate::run(args, config, console),
        What::Index(args) => index::run(args, console),
    }
}

/// What the figures were measured on.
#[derive(Debug, Serialize)]
struct Machine {
    thread_count: usize,
    architecture: &'static str,
    kernel_level: String,
}

impl Machine {
    fn here() -> Self {
        Self {
            thread_count: std::thread::available_parallelism().map_or(1, usize::from),
            architecture: std::env::consts::ARCH,
            kernel_level: KernelLevel::detect().name().to_owned(),
        }
    }
}

/// JSON, or one `name value` line per figure.
fn print(figures: &impl Serialize, console: &mut Console<'_>) -> Result<(), Failure> {
    if console.is_json() {
        return console.json(figures);
    }
    let value = serde_json::to_value(figures).map_err(std::io::Error::from)?;
    for (name, value) in value.as_object().into_iter().flatten() {
        match value.as_f64().filter(|_| value.is_f64()) {
            Some(number) => console.line(format_args!("{name:<32}{number:.2}"))?,
            None => {
                console.line(format_args!("{name:<32}{}", value.to_string().trim_matches('"')))?
            }
        }
    }
    Ok(())
}

/// Runs `work` once unmeasured and `count` times measured; returns the times, shortest first.
fn times<E>(
    count: usize,
    mut work: impl FnMut() -> std::result::Result<(), E>,
) -> std::result::Result<Vec<Duration>, E> {
    work()?;
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        work()?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok(times)
}

fn milliseconds(time: Option<&Duration>) -> f64 {
    time.map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Seeded pseudo-random numbers (SplitMix64, Steele et al. 2014): the same work on every machine.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform over [-1, 1).
    fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// English-like text of `word_count` common words.
    fn text(&mut self, word_count: usize) -> String {
        const WORDS: [&str; 24] = [
            "the",
            "river",
            "of",
            "bridge",
            "was",
            "opened",
            "in",
            "water",
            "station",
            "north",
            "people",
            "measured",
            "and",
            "report",
            "a",
            "temperature",
            "large",
            "system",
            "from",
            "winter",
            "market",
            "between",
            "signal",
            "house",
        ];
        let word = |number: u64| WORDS.get((number % WORDS.len() as u64) as usize).copied();
        let words: Vec<&str> = (0..word_count).filter_map(|_| word(self.next())).collect();
        words.join(" ")
    }
}
