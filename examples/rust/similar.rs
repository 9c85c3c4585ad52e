//! The encoder alone, without a knowledge base: each line with the line that means most nearly the
//! same.
//!
//! `cargo run --release -p rag-core --example similar -- ENCODER < LINES`
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::env;
use std::error::Error;
use std::io::{self, BufRead};

use rag_core::encode::Encoder;
use rag_core::model::ModelDirs;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name] = arguments.as_slice() else {
        return Err("usage: similar ENCODER < LINES".into());
    };
    let dirs = ModelDirs::from_variables(|name| env::var_os(name));
    let encoder = Encoder::load(&dirs.resolve(name)?, name)?;
    let mut lines = io::stdin().lock().lines().collect::<Result<Vec<String>, _>>()?;
    lines.retain(|line| !line.trim().is_empty());
    if lines.len() < 2 {
        return Err("there must be two lines or more on the standard input".into());
    }

    let vectors = encoder.encode_queries(&lines)?;
    let rows: Vec<&[f32]> = vectors.rows().collect();
    // rows have length 1: their dot product is the cosine
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    for (i, line) in lines.iter().enumerate() {
        let others = (0..lines.len()).filter(|&j| j != i).map(|j| (cosine(rows[i], rows[j]), j));
        if let Some((score, j)) = others.max_by(|a, b| a.0.total_cmp(&b.0)) {
            println!("{score:.3}  {line}  |  {}", lines[j]);
        }
    }
    Ok(())
}
