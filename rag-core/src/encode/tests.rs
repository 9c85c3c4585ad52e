#![allow(clippy::print_stderr)]

use super::parallel::{batches, run_parallel};
use super::*;
use crate::error::Error;
use crate::kernels::KernelLevel;
use crate::kernels::isa::Isa;
use crate::model::test_model;

/// Ids published for the two tokenizers, from the tests of transformers.js.
const PUBLISHED_IDS: &str = include_str!("../../../tests/data/encoder/tokenizer-ids.json");

fn published_ids(tokenizer: &str, encoder: &Encoder) {
    let cases: serde_json::Value = serde_json::from_str(PUBLISHED_IDS).unwrap();
    let cases = cases[tokenizer].as_array().unwrap();
    assert!(cases.len() > 10);
    for case in cases {
        let text = case["text"].as_str().unwrap();
        let ids = encoder.tokenizer().ids(text, 512).unwrap().ids;
        let expected: Vec<u64> =
            case["ids"].as_array().unwrap().iter().filter_map(|id| id.as_u64()).collect();
        assert_eq!(ids.iter().map(|&id| u64::from(id)).collect::<Vec<_>>(), expected, "{text:?}");
    }
}

#[test]
fn token_ids_are_the_published_ones() {
    for (name, tokenizer) in
        [("minilm", "bert-base-uncased"), ("e5-small", "multilingual-e5-small")]
    {
        match test_model(name) {
            Some(folder) => published_ids(tokenizer, &Encoder::load(&folder, name).unwrap()),
            None => eprintln!("SKIP: model {name} is missing"),
        }
    }
}

#[test]
fn every_level_gives_the_same_vectors_within_rounding() {
    let Some(folder) = test_model("minilm") else {
        eprintln!("SKIP: model minilm is missing");
        return;
    };
    let texts =
        ["The bridge was built in 1902.", "", "A longer text about rivers. ".repeat(20).as_str()]
            .map(str::to_owned);
    let encode = |level| {
        let options = EncoderOptions { precision: Precision::F32, level, ..Default::default() };
        let encoder = Encoder::load_with(&folder, "minilm", &options).unwrap();
        encoder.encode_passages(&texts).unwrap()
    };
    let best = encode(None);
    for level in KernelLevel::ALL.map(Some).into_iter().filter(|level| Isa::of(*level).is_some()) {
        for (a, b) in best.rows().zip(encode(level).rows()) {
            let cosine: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            assert!((cosine - 1.0).abs() < 1e-6, "{level:?}: {cosine}");
        }
    }
}

#[test]
fn batches_are_consecutive_and_whole() {
    let ids: Vec<Vec<u32>> = [5, 0, 100, 3, 3, 500, 1].map(|len| vec![1; len]).to_vec();
    let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let sizes = |least, most, threads| -> Vec<usize> {
        batches(&ids, least, most, threads).iter().map(|batch| batch.len()).collect()
    };
    assert_eq!(sizes(100, 100, 1), [3, 3, 1]);
    assert_eq!(sizes(1, 1000, 1), [7]);
    // 612 tokens: a quarter is 153
    assert_eq!(sizes(1, 1000, 2), [6, 1]);
    assert_eq!(sizes(1, 100, 2), [3, 3, 1]);
    assert!(batches(&[], 100, 100, 2).is_empty());
}

#[test]
fn parallel_work_stops_at_the_first_error() {
    let done = std::sync::atomic::AtomicUsize::new(0);
    let result = run_parallel(
        4,
        (0..10_000).collect(),
        || (),
        |(), item: usize| {
            done.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if item == 3 { Err(Error::Cancelled) } else { Ok(()) }
        },
    );
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(done.into_inner() < 10_000);
}
