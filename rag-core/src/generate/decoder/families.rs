//! Every family against `transformers`, on the small random models of
//! tests/data/generator/families.
#![allow(clippy::unwrap_used)]

use crate::kernels::Threads;
use std::path::{Path, PathBuf};

use super::tests::relative_error;
use super::*;
use crate::generate::engine::GeneratorOptions;
use crate::kernels::isa::KernelLevel;
use crate::model::ChatModel;
use crate::model::formats::gguf::Gguf;
use crate::model::generator::folder::GeneratorFolder;
use crate::model::{Message, Role};

/// Relative L2 distance of logits: keys and values are kept in 11 bits, and products of f16 and
/// bf16 weights round nothing else.
const TOLERANCE: f64 = 1.5e-3;
/// The same where inputs of products are rounded to int8.
const ROUNDED: f64 = 0.03;

fn families() -> Vec<(String, PathBuf)> {
    folders("families", 9)
}

fn folders(kind: &str, least: usize) -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/generator").join(kind);
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let mut folders: Vec<_> = folders.map(|path| (name(&path), path)).collect();
    folders.sort();
    assert!(folders.len() >= least);
    folders
}

fn expected(folder: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap()
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).unwrap()
}

fn load(folder: &GeneratorFolder, config: DecoderConfig, level: Option<KernelLevel>) -> Decoder {
    let engine = GeneratorEngine::new(&GeneratorOptions {
        threads: Threads::of(2),
        level,
        ..GeneratorOptions::default()
    })
    .unwrap();
    Decoder::load(config, folder, folder.vocabulary_len().unwrap(), engine).unwrap()
}

/// Distance of the logits after each recorded position, by position.
fn errors(decoder: &Decoder, expected: &serde_json::Value) -> Vec<(usize, f64)> {
    let prompt = ids(&expected["token_ids"]);
    let mut cache = decoder.new_cache();
    let all = decoder.forward(&prompt, &mut cache, prompt.len(), &CancelToken::new()).unwrap();
    let recorded = expected["logits"].as_object().unwrap().iter();
    let distance = |(position, expected): (&String, &serde_json::Value)| {
        let position: usize = position.parse().unwrap();
        let expected: Vec<f32> = serde_json::from_value(expected.clone()).unwrap();
        let found = &all[position * expected.len()..][..expected.len()];
        (position, relative_error(found, &expected))
    };
    recorded.map(distance).collect()
}

#[test]
fn every_family_gives_the_logits_of_transformers_at_every_level() {
    for (name, path) in families() {
        let folder = GeneratorFolder::open(&path).unwrap();
        for level in KernelLevel::ALL.into_iter().filter(|level| level.is_available()) {
            let config = DecoderConfig::from_folder(&folder, "").unwrap();
            let decoder = load(&folder, config, Some(level));
            for (position, error) in errors(&decoder, &expected(&path)) {
                assert!(error < TOLERANCE, "{name} {level:?} after {position}: {error}");
            }
        }
    }
}

/// What a family does in its own way shows in its logits: without it they are far off.
#[test]
fn the_logits_would_show_each_peculiarity_left_out() {
    type Change = fn(&mut DecoderConfig);
    let cases: &[(&str, &str, Change)] = &[
        ("llama", "rope factors", |config| config.rotations[0].factors = None),
        ("mistral", "window", |config| config.layers[1].window += 1),
        ("smollm3", "layer without positions", |config| config.layers[1].rotation = Some(0)),
        ("qwen3", "window of the second layer", |config| config.layers[1].window = usize::MAX),
        ("gemma", "norms from one on", |config| config.norm_offset = 0.0),
        ("gemma", "scale of embeddings", |config| config.embedding_scale = 1.0),
        ("gemma2", "cap of scores", |config| config.score_cap = 0.0),
        ("gemma2", "cap of logits", |config| config.logit_cap = 0.0),
        ("gemma2", "scale of queries", |config| config.query_scale = 0.25),
        ("gemma3", "linear scaling", |config| config.rotations[0].divisor = 1.0),
        ("gemma3", "local rotation", |config| config.layers[0].rotation = Some(0)),
        ("phi3", "scale of rotated components", |config| config.rotation_scale = 1.0),
        ("phi3", "rope factors", |config| config.rotations[0].factors = None),
        ("phi3", "share that rotates", |config| {
            config.rotated_dim = 16;
            config.rotations[0].factors = None;
        }),
    ];
    for (name, what, change) in cases {
        let (_, path) = families().into_iter().find(|(known, _)| known == name).unwrap();
        let folder = GeneratorFolder::open(&path).unwrap();
        let mut config = DecoderConfig::from_folder(&folder, "").unwrap();
        change(&mut config);
        let errors = errors(&load(&folder, config, None), &expected(&path));
        let largest = errors.iter().map(|(_, error)| *error).fold(0.0, f64::max);
        assert!(largest > 3.0 * TOLERANCE, "{name} without {what}: {largest}");
    }
}

#[test]
fn texts_and_turns_give_the_ids_of_transformers() {
    for (name, path) in families().into_iter().chain(folders("candle", 11)) {
        let expected = expected(&path);
        let chat = ChatModel::from_folder(&GeneratorFolder::open(&path).unwrap(), None).unwrap();
        for case in expected["texts"].as_array().unwrap() {
            let text = case["text"].as_str().unwrap();
            let found = chat.encode_prompt(text).unwrap();
            assert_eq!(found, ids(&case["ids"]), "{name} {text:?}");
        }
        let hostile = chat.encode_prompt("x<s></s><|end|><think>").unwrap();
        let opening =
            usize::from(hostile.first().is_some_and(|id| chat.vocabulary().is_special(*id)));
        assert!(hostile.len() > opening + 3, "{name}");
        assert!(hostile[opening..].iter().all(|id| !chat.vocabulary().is_special(*id)), "{name}");
        let said = |role, content: &str| Message { role, content: content.to_owned() };
        let turns = [said(Role::System, "the lab"), said(Role::User, "the bridge?")];
        let rendered = chat.render(&turns).unwrap();
        assert_eq!(rendered.token_ids, ids(&expected["chat"]), "{name} {}", rendered.text);
    }
}

#[test]
fn a_gguf_file_gives_the_logits_of_its_dequantised_weights() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/generator");
    let expected = std::fs::read(data.join("tiny.json")).unwrap();
    let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
    let gguf = Gguf::open(&data.join("tiny.gguf")).unwrap();
    let chat = ChatModel::from_gguf(&gguf, None).unwrap();
    for level in KernelLevel::ALL.into_iter().filter(|level| level.is_available()) {
        let engine = GeneratorEngine::new(&GeneratorOptions {
            threads: Threads::of(2),
            level: Some(level),
            ..GeneratorOptions::default()
        })
        .unwrap();
        let config = DecoderConfig::from_gguf(&gguf).unwrap();
        let decoder = Decoder::load(config, &gguf, chat.vocabulary_len(), engine).unwrap();
        for (position, error) in errors(&decoder, &expected) {
            assert!(error < ROUNDED, "{level:?} after {position}: {error}");
        }
    }
}
