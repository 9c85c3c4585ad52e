//! candle's networks beside our own decoder, on real models.
#![allow(clippy::unwrap_used)]

mod common;

use rag_core::Call;
use rag_core::generate::{Backend, GenerateOptions, Generator, GeneratorOptions};

/// Relative L2 distance of logits: both sides round what goes into a product to 8 bits, each in its
/// own way.
const TOLERANCE: f64 = 0.12;
const PROMPT: &str = "The bridge over the Velden river was opened to traffic in";

#[test]
fn both_backends_read_the_same_from_gguf_files() {
    for name in ["qwen2.5-0.5b", "smollm2"] {
        let Some(path) = common::model(name) else { return };
        let ours = Generator::load(&path).unwrap();
        let options = GeneratorOptions { backend: Backend::Candle, ..GeneratorOptions::default() };
        let candle = Generator::load_with(&path, &options).unwrap();
        assert_eq!((ours.backend(), candle.backend()), (Backend::Auto, Backend::Candle));
        assert_eq!(ours.architecture(), candle.architecture());
        let prompt = ours.chat().encode_prompt(PROMPT).unwrap();
        let (a, b) = (ours.logits(&prompt).unwrap(), candle.logits(&prompt).unwrap());
        let square = |x: f32| f64::from(x) * f64::from(x);
        let error: f64 = a.iter().zip(&b).map(|(a, b)| square(a - b)).sum();
        let error = (error / b.iter().copied().map(square).sum::<f64>()).sqrt();
        assert!(error < TOLERANCE, "{name}: {error}");

        let greedy = GenerateOptions { max_new_tokens: 4, ..GenerateOptions::default() };
        let first = candle.generate_with(&prompt, &greedy, Call::new()).unwrap();
        let again = candle.generate_with(&prompt, &greedy, Call::new()).unwrap();
        assert_eq!((again.text, again.drafted_token_count), (first.text, 0));
    }
}
