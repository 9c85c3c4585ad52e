//! candle's networks behind the generator, against `transformers` on small random models.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::generate::network::Cache;
use crate::generate::{GenerateOptions, Generator};
use crate::{Call, ErrorCode};

/// Relative L2 distance of logits: both sides compute in f32 or better, but candle's Falcon
/// approximates its GELU.
const TOLERANCE: f64 = 5e-4;
/// Folders of families that our own decoder runs too, and candle here.
const BOTH_RUN: &[&str] = &["llama", "mistral", "qwen2", "qwen3", "gemma"];

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/generator")
}

fn only_on_candle() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(data().join("candle")).unwrap();
    let mut folders: Vec<_> = folders.map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    assert_eq!(folders.len(), FAMILY_COUNT);
    folders
}

const FAMILY_COUNT: usize = 11;

fn expected(folder: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn load(folder: &Path) -> Result<Generator> {
    let options = GeneratorOptions { backend: Backend::Candle, ..GeneratorOptions::default() };
    Generator::load_with(folder, &options)
}

fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let error: f64 = found.iter().zip(expected).map(|(a, b)| square(a - b)).sum();
    (error / expected.iter().copied().map(square).sum::<f64>()).sqrt()
}

/// The largest distance of the logits after each recorded position.
fn largest_error(generator: &Generator, expected: &Value) -> f64 {
    let prompt = ids(&expected["token_ids"]);
    let mut largest = f64::NAN;
    for (position, logits) in expected["logits"].as_object().unwrap() {
        let position: usize = position.parse().unwrap();
        if position >= generator.context_len() {
            continue;
        }
        let prompt = &prompt[..=position];
        let logits: Vec<f32> = serde_json::from_value(logits.clone()).unwrap();
        for last in [1, 3] {
            let mut cache = generator.network.new_cache();
            let found = generator.network.forward(prompt, &mut cache, last, &CancelToken::new());
            let Ok(found) = found else { return f64::INFINITY };
            assert_eq!((found.len(), cache.len()), (last * logits.len(), prompt.len()));
            largest = largest.max(distance(&found[(last - 1) * logits.len()..], &logits));
        }
    }
    largest
}

#[test]
fn every_family_gives_the_logits_of_transformers() {
    let ours = BOTH_RUN.iter().map(|name| data().join("families").join(name));
    let mut wrong = Vec::new();
    for folder in only_on_candle().into_iter().chain(ours) {
        match load(&folder).map(|generator| largest_error(&generator, &expected(&folder))) {
            Ok(error) if error < TOLERANCE => {}
            other => wrong.push(format!("{}: {other:?}", folder.display())),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn families_that_only_candle_runs_need_no_option_and_continue_as_transformers_does() {
    let mut fingerprints = std::collections::HashSet::new();
    for folder in only_on_candle() {
        let generator = Generator::load(&folder).unwrap();
        assert_eq!((generator.backend(), generator.kernel_level()), (Backend::Candle, None));
        assert_eq!(generator.fingerprint(), load(&folder).unwrap().fingerprint());
        assert!(fingerprints.insert(generator.fingerprint().to_owned()));
        let expected = expected(&folder);
        let prompt = ids(&expected["texts"][0]["ids"]);
        let run = |options: &GenerateOptions| {
            generator.generate_with(&prompt, options, Call::new()).unwrap()
        };
        let greedy = GenerateOptions { max_new_tokens: 8, ..GenerateOptions::default() };
        let first = run(&greedy);
        let wanted = ids(&expected["greedy"]);
        let ends = generator.chat().vocabulary().end_ids();
        let until = wanted.iter().position(|id| ends.contains(id)).unwrap_or(wanted.len());
        assert_eq!(first.token_ids, wanted[..until], "{}", folder.display());
        let beams = run(&GenerateOptions { beams: 3, ..greedy.clone() });
        assert!(!beams.token_ids.is_empty() || until == 0);
        let again = run(&greedy);
        assert_eq!((again.token_ids, again.reused_token_count), (first.token_ids, 0));
    }
}

/// A cache that another has gone past is taken in again.
#[test]
fn caches_part_and_come_back() {
    let folder = data().join("candle/olmo");
    let network = &load(&folder).unwrap().network;
    let cancel = CancelToken::new();
    let mut trunk = network.new_cache();
    network.forward(&[9, 8, 7, 6], &mut trunk, 1, &cancel).unwrap();
    let mut branch = trunk.fork();
    let left = network.forward(&[5], &mut trunk, 1, &cancel).unwrap();
    let right = network.forward(&[4], &mut branch, 1, &cancel).unwrap();
    assert_ne!(left, right);
    trunk.truncate(4);
    assert_eq!(network.forward(&[5], &mut trunk, 1, &cancel).unwrap(), left);
    trunk.truncate(3);
    let mut other = network.new_cache();
    let whole = network.forward(&[9, 8, 7, 3], &mut other, 1, &cancel).unwrap();
    let cut = network.forward(&[3], &mut trunk, 1, &cancel).unwrap();
    assert!(distance(&cut, &whole) < TOLERANCE);
    let Cache::Candle(passes) = &trunk else { panic!("candle's networks have candle's caches") };
    assert_eq!(passes.0, [vec![9, 8, 7], vec![3]]);

    let stopped = CancelToken::new();
    stopped.cancel();
    let error = network.forward(&[1], &mut trunk, 1, &stopped).unwrap_err();
    assert_eq!((error.code(), trunk.len()), (ErrorCode::Cancelled, 4));
}

#[test]
fn what_candle_would_pass_over_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let cases: &[(&str, &str, Value, &str)] = &[
        (
            "olmo2",
            "rope_parameters",
            serde_json::json!({"rope_type": "yarn", "rope_theta": 1e4}),
            "rope_scaling",
        ),
        ("falcon", "alibi", true.into(), "alibi"),
        ("stablelm", "use_parallel_residual", true.into(), "use_parallel_residual"),
        ("qwen3_moe", "mlp_only_layers", serde_json::json!([0]), "mlp_only_layers"),
        ("phi", "num_attention_heads", 0.into(), "num_attention_heads"),
        ("mixtral", "hidden_size", u64::MAX.into(), "hidden_size"),
        ("mixtral", "hidden_size", 64.into(), "hidden_size"),
        ("mixtral", "intermediate_size", 64.into(), "shape mismatch"),
        ("glm4", "head_dim", 4096.into(), "4096"),
        ("helium", "max_position_embeddings", Value::Null, "max_position_embeddings"),
        ("olmo", "num_hidden_layers", 3.into(), "layers.2"),
        ("olmo", "model_type", "mamba".into(), "starcoder2"),
    ];
    for (family, key, value, wanted) in cases {
        let folder = place.path().join(format!("{family}-{key}-{value}").replace(['/', ':'], "_"));
        std::fs::create_dir(&folder).unwrap();
        for entry in std::fs::read_dir(data().join("candle").join(family)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        let path = folder.join("config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config[*key] = value.clone();
        std::fs::write(&path, config.to_string()).unwrap();
        let error = Generator::load(&folder).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Model, "{family} {key}: {error}");
        let mut said = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(inner) = cause {
            said = format!("{said}: {inner}");
            cause = inner.source();
        }
        assert!(said.contains(wanted), "{family} {key}: {said}");
    }
}

#[test]
fn options_that_only_our_decoder_takes_and_devices_that_are_not_there_are_refused() {
    let folder = data().join("candle/olmo");
    let refused = |options: GeneratorOptions| Generator::load_with(&folder, &options).unwrap_err();
    let kv = refused(GeneratorOptions { kv: KvPrecision::Q8, ..GeneratorOptions::default() });
    assert_eq!(kv.code(), ErrorCode::InvalidArgument);
    for backend in [Backend::Cuda(99), Backend::Metal(99)] {
        let error = refused(GeneratorOptions { backend, ..GeneratorOptions::default() });
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
        assert!(error.to_string().contains(&backend.to_string()), "{error}");
    }
}

#[test]
fn names_of_backends_are_read_and_written() {
    for name in ["auto", "candle", "cuda:0", "cuda:3", "metal:1"] {
        assert_eq!(Backend::parse(name).unwrap().to_string(), name);
    }
    assert_eq!(Backend::parse("cuda").unwrap(), Backend::Cuda(0));
    for name in ["", "gpu", "cuda:", "cuda:-1", "candle:0", "CUDA"] {
        assert!(Backend::parse(name).is_err(), "{name}");
    }
}
