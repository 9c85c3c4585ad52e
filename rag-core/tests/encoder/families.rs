//! Every family against `transformers`, on the small random models of tests/data/encoder/families.

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::ErrorCode;
use rag_core::encode::{Encoder, EncoderOptions, Precision};
use rag_core::kernels::KernelLevel;

use crate::{cosine, vector};

/// Largest difference of a component from the float64 reference.
const COMPARE: f64 = 3e-6;
/// Lowest cosine with it in bf16 and int8.
const ROUNDED: [(Precision, f64); 2] = [(Precision::Bf16, 0.9995), (Precision::Int8, 0.995)];

pub(crate) fn families() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/encoder/families");
    let mut folders: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert!(folders.len() >= 9);
    folders
}

pub(crate) fn cases(folder: &Path) -> Vec<(String, Vec<f32>)> {
    let expected: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let cases = expected["cases"].as_array().unwrap().iter();
    cases.map(|case| (case["text"].as_str().unwrap().to_owned(), vector(&case["vector"]))).collect()
}

#[test]
fn every_family_gives_the_vectors_of_transformers_at_every_level() {
    for folder in families() {
        for level in KernelLevel::ALL {
            let options = EncoderOptions {
                precision: Precision::F32,
                level: Some(level),
                ..super::options()
            };
            let encoder = match Encoder::load_with(&folder, "x", &options) {
                Err(error) if error.code() == ErrorCode::InvalidArgument => continue,
                loaded => loaded.unwrap(),
            };
            for (text, want) in cases(&folder) {
                let got = encoder.encode_passages(&[&text]).unwrap().data;
                for (got, want) in got.iter().zip(&want) {
                    let off = f64::from((got - want).abs());
                    assert!(off < COMPARE, "{} {level:?} {text:?}: {got} {want}", folder.display());
                }
            }
        }
    }
}

#[test]
fn every_family_runs_rounded() {
    for folder in families() {
        for (precision, least) in ROUNDED {
            let options = EncoderOptions { precision, ..super::options() };
            let encoder = Encoder::load_with(&folder, "x", &options).unwrap();
            for (text, want) in cases(&folder) {
                let got = encoder.encode_passages(&[&text]).unwrap().data;
                let cosine = cosine(&got, &want);
                assert!(cosine > least, "{} {precision:?} {text:?}: {cosine}", folder.display());
            }
        }
    }
}

#[test]
fn longer_texts_are_cut_to_the_positions_a_family_has() {
    for folder in families() {
        let encoder = super::open(&folder, "x").unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        let first =
            usize::from(["roberta", "camembert", "xlm-roberta", "mpnet"].contains(&name)) * 2;
        assert_eq!(
            encoder.identity().max_tokens,
            48.min(encoder.identity().max_tokens + first) - first,
            "{name}"
        );
        let long = "river ".repeat(100);
        assert_eq!(encoder.encode_passages(&[&long]).unwrap().truncated, [0]);
    }
}
