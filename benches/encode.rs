//! Passages per second of our encoder and of candle's `BertModel`, in one run on the same texts.
//!
//! `cargo run --release -p rag-core --example bench_encode -- MODEL_FOLDER TEXTS.txt`: one passage
//! a line. Rounds alternate between the engines and the best round of each counts. candle runs
//! unpadded, one text at a time, which is its fastest setting on a CPU.
#![allow(clippy::print_stdout)]

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use rag_core::encode::Encoder;
use rag_core::passage::TokenRanges;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Candle {
    model: BertModel,
    tokenizer: tokenizers::Tokenizer,
    max_tokens: usize,
}

impl Candle {
    fn load(folder: &Path, max_tokens: usize) -> Result<Self> {
        let config: Config = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
        let weights = std::fs::read(folder.join("model.safetensors"))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let mut tokenizer = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json"))
            .map_err(|e| e.to_string())?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(|e| e.to_string())?;
        Ok(Self { model: BertModel::load(weights, &config)?, tokenizer, max_tokens })
    }

    fn encode(&self, text: &str) -> Result<Vec<f32>> {
        let encoding = self.tokenizer.encode_fast(text, true).map_err(|e| e.to_string())?;
        let mut ids = encoding.get_ids().to_vec();
        if ids.len() > self.max_tokens {
            let last = ids[ids.len() - 1];
            ids.truncate(self.max_tokens - 1);
            ids.push(last);
        }
        let ids = Tensor::new(&ids[..], &Device::Cpu)?.unsqueeze(0)?;
        let states = self.model.forward(&ids, &ids.zeros_like()?, None)?;
        let mean = states.mean(1)?;
        let unit = mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?)?;
        Ok(unit.flatten_all()?.to_vec1()?)
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    Ok((work()?, start.elapsed()))
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(texts)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench_encode MODEL_FOLDER TEXTS.txt".into());
    };
    let folder = Path::new(&folder);
    let texts = std::fs::read_to_string(texts)?;
    let texts: Vec<&str> = texts.lines().collect();
    let (encoder, load) = timed(|| Ok(Encoder::load(folder, "bench")?))?;
    println!("load_ms: {:.0}", load.as_secs_f64() * 1e3);
    let prefix = Encoder::inspect(folder)?.passage_prefix;
    let peer = Candle::load(folder, encoder.identity().max_tokens)?;
    let tokens =
        texts.iter().map(|text| Ok(encoder.token_ranges(text)?.len())).sum::<Result<usize>>()?;
    println!("passages: {}, mean_tokens: {:.0}", texts.len(), tokens as f64 / texts.len() as f64);

    let one = Encoder::load(folder, "bench")?.with_threads(NonZeroUsize::MIN);
    let mut best = [Duration::MAX; 3];
    let mut lowest = f32::MAX;
    for _ in 0..3 {
        let (ours, time) = timed(|| Ok(encoder.encode_passages(&texts)?))?;
        best[0] = best[0].min(time);
        best[1] = best[1].min(timed(|| Ok(one.encode_passages(&texts)?))?.1);
        let texts = texts.iter().map(|text| peer.encode(&format!("{prefix}{text}")));
        let (theirs, time) = timed(|| texts.collect::<Result<Vec<_>>>())?;
        best[2] = best[2].min(time);
        for (ours, theirs) in ours.rows().zip(&theirs) {
            lowest = lowest.min(ours.iter().zip(theirs).map(|(a, b)| a * b).sum());
        }
    }
    for (name, time) in ["ours", "ours, 1 thread", "candle BertModel"].iter().zip(best) {
        println!("{name}: passages_per_second {:.1}", texts.len() as f64 / time.as_secs_f64());
    }
    println!("lowest cosine between the two: {lowest:.7}");

    let mut times = Vec::new();
    for text in texts.iter().cycle().take(200) {
        let question: String = text.split(' ').take(12).collect::<Vec<_>>().join(" ");
        times.push(timed(|| Ok(encoder.encode_queries(&[question])?))?.1);
    }
    times.sort();
    println!(
        "one question of 12 words: p50_ms {:.2}, p99_ms {:.2}",
        times[100].as_secs_f64() * 1e3,
        times[198].as_secs_f64() * 1e3
    );
    Ok(())
}
