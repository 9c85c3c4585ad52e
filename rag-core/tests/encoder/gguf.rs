//! BERT encoders in GGUF files, against `transformers`.

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::ErrorCode;
use rag_core::encode::{Encoder, EncoderOptions, Precision};
use rag_core::model::{Backend, is_encoder_gguf, is_generator};

use crate::{cosine, vector};

/// Lowest cosine with the float64 vectors of the f32 weights.
const GGUF: [(&str, f64); 3] =
    [("bert-f32.gguf", 1.0 - 1e-9), ("bert-f16.gguf", 1.0 - 1e-6), ("bert-q8_0.gguf", 0.999)];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/encoder/gguf")
}

#[test]
fn files_of_each_type_give_the_vectors_of_transformers() {
    let bytes = fs::read(folder().join("expected.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    for (name, least) in GGUF {
        let path = folder().join(name);
        assert!(is_encoder_gguf(&path));
        for backend in [Backend::Auto, Backend::Candle] {
            let options = EncoderOptions { precision: Precision::F32, backend, ..super::options() };
            let encoder = Encoder::load_with(&path, "x", &options).unwrap();
            assert_eq!((encoder.identity().dim, encoder.identity().max_tokens), (32, 40));
            for case in expected["cases"].as_array().unwrap() {
                let text = case["text"].as_str().unwrap();
                let got = encoder.encode_passages(&[text]).unwrap().data;
                let cosine = cosine(&got, &vector(&case["vector"]));
                assert!(cosine > least, "{name} {text:?}: {cosine}");
            }
        }
    }
}

#[test]
fn each_file_has_a_fingerprint_of_its_own() {
    let print = |name: &str| super::open(&folder().join(name), "x").unwrap().identity().clone();
    let prints: Vec<_> = GGUF.iter().map(|(name, _)| print(name).fingerprint).collect();
    assert!(prints[0] != prints[1] && prints[1] != prints[2]);
    assert_eq!(print(GGUF[0].0).fingerprint, prints[0]);
}

#[test]
fn other_files_are_refused() {
    let generator = folder().join("../../generator/tiny.gguf");
    assert!(!is_encoder_gguf(&generator) && is_generator(&generator));
    let code = |path: &Path| super::open(path, "x").unwrap_err().code();
    assert_eq!(code(&generator), ErrorCode::Model);
    let place = tempfile::tempdir().unwrap();
    let whole = fs::read(folder().join("bert-f16.gguf")).unwrap();
    let changed = |from: &str, to: &str| {
        let at = whole.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        let path = place.path().join("changed.gguf");
        fs::write(&path, bytes).unwrap();
        super::open(&path, "x").unwrap_err()
    };
    for (from, to) in [
        ("blk.0.attn_q.weight", "blk.0.attn_x.weight"),
        ("bert.block_count", "bert.block_coins"),
        ("tokenizer.ggml.tokens", "tokenizer.ggml.tikens"),
        ("position_embd.weight", "position_embx.weight"),
    ] {
        let error = changed(from, to);
        assert_eq!(error.code(), ErrorCode::Model, "{}", error.line());
    }
    for len in [0, 3, 100, whole.len() / 2, whole.len() - 1] {
        let path = place.path().join("short.gguf");
        fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(code(&path), ErrorCode::Model, "{len}");
    }
}
