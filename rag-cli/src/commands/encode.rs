//! `rag encode`: lines on standard input to unit vectors.

use std::io::{self, BufRead};

use rag_core::encode::{Embeddings, Encoder, EncoderOptions};
use rag_core::model::DEFAULT_ENCODER;
use rag_core::{Call, CancelToken, Error};

use super::options::{Encoding, model_dirs};
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome};
use crate::npy;
use crate::options::{Config, Holding, OptionArgs};

/// Lines handed to the encoder at once; it makes batches of its own.
const LINES_AT_ONCE: usize = 1024;

/// Turn each line of standard input into a vector: a .npy file on standard output, or one JSON
/// array a line
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Encoder by name, path or hub id
    #[arg(long, value_name = "NAME|PATH", default_value = DEFAULT_ENCODER)]
    encoder: String,
    /// The lines are questions, not passages
    #[arg(long)]
    query: bool,
    #[command(flatten)]
    pub(super) how: OptionArgs<Encoding>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.how)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let encoder = load(&args.encoder, &args.how.options(config)?)?;
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
        encoder.encode_queries_with(lines, Call::new().cancel(cancel))
    } else {
        encoder.encode_passages_with(lines, Call::new().cancel(cancel))
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
