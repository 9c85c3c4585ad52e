//! Logits and greedy continuations of our generator, for `logits.py` to compare.
//!
//! `cargo run --release -p rag-core --example bench_logits -- MODEL JOB.json OUT`: the job holds
//! `prompts`, lists of token ids, and `new_tokens`. Writes the logits after each prompt to OUT as
//! little-endian f32, one row a prompt, and prints the continuations as JSON if `new_tokens` is not
//! 0.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::io::Write;
use std::path::Path;

use rag_core::Call;
use rag_core::generate::{Draft, GenerateOptions, Generator};
use serde::Deserialize;

#[derive(Deserialize)]
struct Job {
    prompts: Vec<Vec<u32>>,
    new_tokens: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, job, out] = arguments.as_slice() else {
        return Err("usage: bench_logits MODEL JOB.json OUT".into());
    };
    let job: Job = serde_json::from_slice(&std::fs::read(job)?)?;
    let generator = Generator::load(Path::new(model))?;
    let mut out = std::io::BufWriter::new(std::fs::File::create(out)?);
    let mut continuations = Vec::new();
    for prompt in &job.prompts {
        for logit in generator.logits(prompt)? {
            out.write_all(&logit.to_le_bytes())?;
        }
        if job.new_tokens > 0 {
            let options = GenerateOptions {
                max_new_tokens: job.new_tokens,
                draft: Draft::Off,
                ..GenerateOptions::default()
            };
            let found = generator.generate_with(prompt, &options, Call::new())?;
            continuations.push(found.token_ids);
        }
    }
    out.flush()?;
    println!("{}", serde_json::to_string(&continuations)?);
    Ok(())
}
