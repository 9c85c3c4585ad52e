//! Input that must be refused, and by what name.

use std::fs;
use std::path::Path;

use rag_core::generate::{GenerateOptions, Generator, Sampling};
use rag_core::model::{Message, Role, TemplateSource};
use rag_core::{Call, Error, ErrorCode, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::data;

/// A copy of a family's folder to be spoilt.
fn copy(family: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(data("families").join(family)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

/// Changes a JSON file of a folder.
fn edit(folder: &Path, name: &str, change: impl FnOnce(&mut Value)) {
    let path = folder.join(name);
    let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

fn refusal(folder: &Path) -> String {
    let error = Generator::load(folder).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Model, "{error}");
    error.line()
}

#[cfg(unix)]
#[test]
fn pipes_in_place_of_files_are_refused_and_not_waited_for() {
    let mkfifo = |path: &Path| std::process::Command::new("mkfifo").arg(path).status().unwrap();
    for name in ["config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"] {
        let folder = copy("llama");
        fs::remove_file(folder.path().join(name)).unwrap();
        assert!(mkfifo(&folder.path().join(name)).success());
        let reason = refusal(folder.path());
        let is_named = ["not a", "holds no"].iter().any(|words| reason.contains(words));
        assert!(is_named, "{name}: {reason}");
    }
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("model.gguf");
    assert!(mkfifo(&pipe).success());
    assert!(refusal(&pipe).contains("not a regular file"));
    assert!(!rag_core::model::is_encoder_gguf(&pipe));
}

#[test]
fn configurations_we_do_not_run_are_refused_by_name() {
    let cases: &[(&str, &str, Value, &str)] = &[
        (
            "llama",
            "model_type",
            json!("mamba"),
            "model_type \"mamba\" is not supported, supported are llama, mistral",
        ),
        ("llama", "model_type", json!(null), "model_type is missing"),
        ("llama", "quantization_config", json!({"quant_method": "gptq"}), "use a GGUF file"),
        ("llama", "hidden_act", json!("relu"), "activation \"relu\" is not supported in llama"),
        ("llama", "hidden_size", json!(0), "hidden_size is 0, expected 1 to"),
        ("llama", "hidden_size", json!(-1), "hidden_size is -1, expected a count"),
        ("llama", "hidden_size", json!(128), "expected ["),
        ("llama", "max_position_embeddings", json!(0), "max_position_embeddings is 0"),
        ("llama", "num_hidden_layers", json!(3), "blk.2.attn_q.weight is missing"),
        ("llama", "num_key_value_heads", json!(3), "4 heads cannot share 3 key heads"),
        ("llama", "head_dim", json!(7), "head width 7 is not supported"),
        ("llama", "rms_norm_eps", json!("x"), "rms_norm_eps is \"x\", expected a number"),
        ("llama", "rms_norm_eps", json!(null), "rms_norm_eps is missing"),
        (
            "llama",
            "rope_parameters",
            json!({"rope_type": "yarn"}),
            "rope type \"yarn\" is not supported",
        ),
        ("llama", "rope_parameters", json!({"rope_type": "llama3"}), "factor is missing"),
        (
            "llama",
            "rope_parameters",
            json!({"rope_type": "linear", "factor": 0}),
            "must be positive",
        ),
        (
            "phi3",
            "rope_parameters",
            json!({"rope_type": "longrope", "short_factor": [1.0]}),
            "1 rope factors for 8 pairs",
        ),
        (
            "gemma2",
            "layer_types",
            json!(["linear_attention", "full_attention"]),
            "\"linear_attention\"",
        ),
        ("gemma2", "layer_types", json!(["full_attention"]), "not a list of 2"),
        ("gemma2", "attn_logit_softcapping", json!(-1.0), "attn_logit_softcapping is -1"),
        ("gemma3", "rope_parameters", json!({}), "rope_parameters.full_attention is missing"),
    ]; // fmt: skip
    for (family, key, value, expected) in cases {
        let folder = copy(family);
        edit(folder.path(), "config.json", |config| config[*key] = value.clone());
        let reason = refusal(folder.path());
        assert!(reason.contains(expected), "{key}: {reason}");
    }
}

#[test]
fn tokenizers_we_do_not_run_are_refused_by_name() {
    type Change = fn(&mut Value);
    let spoil: &[(&str, Change)] = &[
        ("models of type \"WordPiece\" are not supported", |t| {
            t["model"]["type"] = json!("WordPiece");
        }),
        ("model.vocab is missing or malformed", |t| t["model"]["type"] = json!("Unigram")),
        ("model is missing", |t| t["model"] = json!(null)),
        ("model.vocab is missing", |t| t["model"]["vocab"] = json!([])),
        ("token \"zz\" has id 999999999999", |t| {
            t["model"]["vocab"]["zz"] = json!(999_999_999_999u64);
        }),
        ("an added token lacks", |t| t["added_tokens"][0]["id"] = json!("x")),
        ("not a tokenizer this engine runs", |t| t["pre_tokenizer"] = json!({"type": "Guess"})),
        ("can take time without end", |t| {
            t["pre_tokenizer"] = json!({"type": "Split", "pattern": {"Regex": "(a+)+(?!b)"},
                "behavior": "Isolated", "invert": false});
        }),
        ("can take time without end", |t| {
            t["normalizer"] = json!({"type": "Sequence", "normalizers": [
                {"type": "Replace", "pattern": {"Regex": "(\\s*x)*\\1"}, "content": ""}]});
        }),
        ("not a tokenizer this engine runs", |t| t["model"]["merges"] = json!(["no-such pair"])),
    ];
    for (expected, change) in spoil {
        let folder = copy("llama");
        edit(folder.path(), "tokenizer.json", change);
        let reason = refusal(folder.path());
        assert!(reason.contains(expected), "{reason}");
    }
    let folder = copy("llama");
    fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert!(refusal(folder.path()).contains("tokenizer.json is missing"));
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = copy("qwen2");
    let index = |change: fn(&mut Value)| {
        edit(folder.path(), "model.safetensors.index.json", change);
        refusal(folder.path())
    };
    let reason = index(|index| index["weight_map"]["x"] = json!("../other.safetensors"));
    assert!(reason.contains("is not a file of this folder"), "{reason}");
    let reason = index(|index| index["weight_map"] = json!({}));
    assert!(reason.contains("embed_tokens.weight is missing"), "{reason}");
    let folder = copy("llama");
    let path = folder.path().join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let renamed = |from: &str, to: &str| {
        let text: Vec<u8> = bytes.clone();
        let at = text.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        fs::write(&path, [&text[..at], to.as_bytes(), &text[at + from.len()..]].concat()).unwrap();
        refusal(folder.path())
    };
    let reason = renamed("self_attn.q_proj", "self_attn.x_proj");
    assert!(reason.contains("belongs to no decoder this engine runs"), "{reason}");
    let reason = renamed("\"BF16\"", "\"F8_X\"");
    assert!(reason.contains("F8_X, which is not supported: F32, F16 and BF16 are"), "{reason}");
    fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    assert!(refusal(folder.path()).contains("cut short"));
    fs::remove_file(&path).unwrap();
    assert!(refusal(folder.path()).contains("nor config.json with safetensors weights"));
}

#[test]
fn older_configurations_mean_the_same() {
    let prompt: Vec<u32> = (0..40).collect();
    let logits = |folder: &Path| Generator::load(folder).unwrap().logits(&prompt).unwrap();
    for family in ["llama", "gemma3", "phi3", "smollm3"] {
        let folder = copy(family);
        let expected = logits(folder.path());
        edit(folder.path(), "config.json", |config| {
            let rope = config.as_object_mut().unwrap().remove("rope_parameters").unwrap();
            config["rope_theta"] = rope.get("rope_theta").cloned().unwrap_or(json!(1_000_000.0));
            match family {
                "gemma3" => {
                    config["rope_local_base_freq"] = json!(10_000.0);
                    config["rope_scaling"] = json!({"rope_type": "linear", "factor": 8.0});
                    config.as_object_mut().unwrap().remove("layer_types");
                    config["sliding_window_pattern"] = json!(2);
                }
                "smollm3" => {
                    config.as_object_mut().unwrap().remove("no_rope_layers");
                    config["no_rope_layer_interval"] = json!(2);
                }
                "phi3" => {
                    config["partial_rotary_factor"] = json!(0.5);
                    config["rope_scaling"] = json!({
                        "type": "longrope", "short_factor": rope["short_factor"], "long_factor": rope["long_factor"],
                    }); // fmt: skip
                }
                _ => config["rope_scaling"] = rope,
            }
        });
        assert_eq!(logits(folder.path()), expected, "{family}");
    }
}

#[test]
fn a_hostile_template_of_a_folder_is_replaced_and_said_so() {
    let turn = [Message { role: Role::User, content: "hi".to_owned() }];
    for source in
        ["{% for a in range(99999999) %}x{% endfor %}", "{% if %}", "{{ raise_exception('no') }}"]
    {
        let folder = copy("llama");
        fs::write(folder.path().join("chat_template.jinja"), source).unwrap();
        let rendered = Generator::load(folder.path()).unwrap().chat().render(&turn).unwrap();
        assert!(matches!(rendered.template, TemplateSource::BuiltIn(_)), "{source}");
    }
}

#[test]
fn calls_out_of_range_are_refused() {
    for path in [data("tiny.gguf"), data("families/llama")] {
        let generator = Generator::load(&path).unwrap();
        let call = |prompt: &[u32], sampling: Sampling| -> Result<()> {
            let options = GenerateOptions { sampling, max_new_tokens: 1, ..Default::default() };
            generator.generate_with(prompt, &options, Call::new()).map(|_| ())
        };
        let warm = |temperature| Sampling { temperature, ..Sampling::default() };
        for temperature in [f32::NAN, f32::INFINITY, -1.0] {
            let error = call(&[1], warm(temperature)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
        }
        assert_eq!(call(&[], warm(0.0)).unwrap_err().code(), ErrorCode::InvalidArgument);
        assert_eq!(call(&[u32::MAX], warm(0.0)).unwrap_err().code(), ErrorCode::InvalidArgument);
        let error = call(&vec![1; 1_000_000], warm(0.0)).unwrap_err();
        assert!(
            matches!(error, Error::ContextOverflow { needed_tokens: 1_000_001, context_len: 512 }),
            "{error}"
        );
        assert!(call(&[1], warm(0.0)).is_ok());
        assert_eq!(generator.logits(&[]).unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}

#[test]
fn a_folder_says_what_it_is() {
    let folder = data("families/qwen2");
    let summary = rag_core::model::inspect(&folder).unwrap();
    assert!(rag_core::model::is_generator(&folder));
    assert_eq!((summary.architecture.as_str(), summary.quantisation.as_str()), ("qwen2", "F32"));
    assert_eq!((summary.context_len, summary.has_chat_template), (Some(512), true));
    assert_eq!(summary.tokenizer.as_deref(), Some("tokenizer.json/BPE"));
    assert!(summary.parameter_count > 50_000);
    let generator = Generator::load(&folder).unwrap();
    assert_eq!((generator.architecture(), generator.context_len()), ("qwen2", 512));
    assert_eq!(generator.path(), folder);
    assert_ne!(
        generator.fingerprint(),
        Generator::load(&data("families/qwen3")).unwrap().fingerprint()
    );
    assert!(!rag_core::model::is_generator(&data("../encoder/families/bert")));
}
