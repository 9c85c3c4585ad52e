//! `rag encode`: lines on standard input to unit vectors.

use std::io::{self, BufRead};
use std::num::NonZeroUsize;

use rag_core::encode::{Embeddings, Encoder, EncoderOptions, Precision};
use rag_core::kernels::{KernelLevel, Threads};
use rag_core::model::{Backend, DEFAULT_ENCODER};
use rag_core::{CancelToken, Error};

use super::options::{model_dirs, parse_backend};
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome};
use crate::npy;

/// Lines handed to the encoder at once; it makes batches of its own.
const LINES_AT_ONCE: usize = 1024;

/// Turn each line of standard input into a vector: a .npy file on standard output, or one JSON array a line
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Encoder by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = DEFAULT_ENCODER)]
    encoder: String,
    /// The lines are questions, not passages
    #[arg(long)]
    query: bool,
    #[command(flatten)]
    how: How,
}

/// How an encoder computes
#[derive(Debug, Default, clap::Args)]
pub(crate) struct How {
    /// Numbers that are multiplied; auto: bf16 where the CPU multiplies it, else f32
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionArg,
    /// Vector instructions
    #[arg(long, value_enum, default_value_t)]
    level: LevelArg,
    /// Most threads [default: one per CPU]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Keep the first N numbers of each vector, scaled to length 1 again [default: all]
    #[arg(long, value_name = "N")]
    truncate_dim: Option<NonZeroUsize>,
    /// What runs the network: our own kernels (auto), candle on the CPU, or candle on a GPU
    #[arg(long, value_name = "auto|candle|cuda[:N]|metal[:N]", value_parser = parse_backend, default_value_t)]
    backend: Backend,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum PrecisionArg {
    #[default]
    Auto,
    F32,
    Bf16,
    Int8,
}

#[derive(Debug, Clone, Copy, Default, clap::ValueEnum)]
enum LevelArg {
    #[default]
    Best,
    Amx,
    Avx512,
    Avx2,
    Neon,
    Portable,
}

impl How {
    pub(crate) fn options(&self) -> EncoderOptions {
        EncoderOptions {
            precision: match self.precision {
                PrecisionArg::Auto => Precision::Auto,
                PrecisionArg::F32 => Precision::F32,
                PrecisionArg::Bf16 => Precision::Bf16,
                PrecisionArg::Int8 => Precision::Int8,
            },
            level: match self.level {
                LevelArg::Best => None,
                LevelArg::Amx => Some(KernelLevel::Amx),
                LevelArg::Avx512 => Some(KernelLevel::Avx512),
                LevelArg::Avx2 => Some(KernelLevel::Avx2),
                LevelArg::Neon => Some(KernelLevel::Neon),
                LevelArg::Portable => Some(KernelLevel::Portable),
            },
            threads: Threads::of(self.threads.map_or(0, usize::from)),
            truncate_dim: self.truncate_dim,
            backend: self.backend,
        }
    }
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let encoder = load(&args.encoder, &args.how.options())?;
    let lines = read_lines(&mut io::stdin().lock())?;
    let job = console.job();
    let bar = console.bar("encoding", Some(lines.len() as u64));
    let mut data = Vec::new();
    let mut truncated_count = 0;
    for (index, part) in lines.chunks(LINES_AT_ONCE).enumerate() {
        let rows = encode(&encoder, part, args.query, job.token())?;
        truncated_count += rows.truncated.len();
        if console.is_json() {
            write_arrays(&rows, console)?;
        } else {
            data.extend_from_slice(&rows.data);
        }
        bar.set(index * LINES_AT_ONCE + part.len());
    }
    drop(bar);
    if !console.is_json() {
        npy::write(console.out(), encoder.identity().dim, &data)?;
    }
    if truncated_count > 0 {
        console.note(format_args!(
            "{truncated_count} lines were longer than the encoder takes; their ends were left out"
        ));
    }
    Ok(Exit::Done)
}

/// Loads an encoder by name, path or hub id.
pub(crate) fn load(name: &str, options: &EncoderOptions) -> rag_core::Result<Encoder> {
    Encoder::load_with(&model_dirs().resolve(name)?, name, options)
}

fn encode(
    encoder: &Encoder,
    lines: &[String],
    query: bool,
    cancel: &CancelToken,
) -> rag_core::Result<Embeddings> {
    if query {
        encoder.encode_queries(lines, cancel)
    } else {
        encoder.encode_passages(lines, cancel)
    }
}

fn write_arrays(rows: &Embeddings, console: &mut Console<'_>) -> Result<(), Failure> {
    for row in rows.rows() {
        console.json(&row)?;
    }
    Ok(())
}

/// Every line without its line end; an empty line is a text too.
fn read_lines(input: &mut dyn BufRead) -> rag_core::Result<Vec<String>> {
    let mut lines = Vec::new();
    for (index, line) in input.lines().enumerate() {
        match line {
            Ok(line) => lines.push(line),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let reason = format!("line {} is not UTF-8", index + 1);
                return Err(Error::invalid("standard input", reason));
            }
            Err(source) => return Err(Error::io("standard input", source)),
        }
    }
    Ok(lines)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_are_texts_and_bad_ones_are_named() {
        assert_eq!(read_lines(&mut &b"a\r\n\nb"[..]).unwrap(), ["a", "", "b"]);
        let error = read_lines(&mut &b"a\n\xff\n"[..]).unwrap_err();
        assert_eq!(error.line(), "invalid standard input: line 2 is not UTF-8");
    }
}
