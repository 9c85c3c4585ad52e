//! A small model with seeded random weights, written as a sentence-transformers folder, and
//! candle's answer for it.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::Module;
use candle_nn::VarBuilder;
use candle_transformers::models::{bert, jina_bert, xlm_roberta};
use serde_json::{Value, json};

const WORDS: [&str; 12] = [
    "[PAD]", "[CLS]", "[SEP]", "[UNK]", "one", "two", "three", "four", "five", "six", "seven",
    "eight",
];
const HIDDEN: usize = 32;
const WIDE: usize = 48;
const LAYERS: usize = 2;
const POSITIONS: usize = 40;

/// Whose positions and tensor names it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Bert,
    XlmRoberta,
    JinaBert,
}

pub(crate) struct TinyFolder {
    dir: tempfile::TempDir,
    family: Family,
}

impl TinyFolder {
    pub(crate) fn new(family: Family) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let folder = Self { dir, family };
        fs::create_dir(folder.path().join("1_Pooling")).unwrap();
        folder.write("config.json", &folder.config());
        folder.write("tokenizer.json", &tokenizer());
        folder.write("modules.json", &json!([
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}
        ]));
        folder.write("1_Pooling/config.json", &json!({
            "word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": false, "pooling_mode_mean_tokens": true,
            "pooling_mode_max_tokens": false, "pooling_mode_mean_sqrt_len_tokens": false
        }));
        folder.write(
            "sentence_bert_config.json",
            &json!({"max_seq_length": 30, "do_lower_case": false}),
        );
        folder.write(
            "config_sentence_transformers.json",
            &json!({"prompts": {"query": "", "passage": ""}}),
        );
        candle_core::safetensors::save(&weights(family), folder.path().join("model.safetensors"))
            .unwrap();
        folder
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, name: &str, value: &Value) {
        fs::write(self.path().join(name), serde_json::to_vec(value).unwrap()).unwrap();
    }

    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = serde_json::from_slice(&fs::read(self.path().join(name)).unwrap()).unwrap();
        change(&mut value);
        self.write(name, &value);
    }

    /// Adds a `Dense` module of 2 outputs between pooling and `Normalize`.
    pub(crate) fn add_dense(&self) {
        fs::create_dir(self.path().join("2_Dense")).unwrap();
        self.edit("modules.json", |modules| {
            let dense = json!({"path": "2_Dense", "type": "sentence_transformers.models.Dense"});
            modules.as_array_mut().unwrap().insert(2, dense);
        });
        self.write(
            "2_Dense/config.json",
            &json!({"in_features": HIDDEN, "out_features": 2, "bias": true,
                "activation_function": "torch.nn.modules.activation.Tanh"}),
        );
        let mut weight = vec![0.0f32; 2 * HIDDEN];
        (weight[0], weight[HIDDEN], weight[HIDDEN + 1]) = (2.0, 1.0, -1.0);
        let tensor =
            |values, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu).unwrap();
        let tensors = HashMap::from([
            ("linear.weight", tensor(weight, &[2, HIDDEN])),
            ("linear.bias", tensor(vec![0.1f32, -0.2], &[2])),
        ]);
        let path = self.path().join("2_Dense/model.safetensors");
        candle_core::safetensors::save(&tensors, path).unwrap();
    }

    pub(crate) fn flip_weight(&self) {
        let path = self.path().join("model.safetensors");
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    fn config(&self) -> Value {
        let (model_type, pad) = match self.family {
            Family::XlmRoberta => ("xlm-roberta", 1),
            _ => ("bert", 0),
        };
        let positions = if self.family == Family::JinaBert { "alibi" } else { "absolute" };
        json!({
            "model_type": model_type, "vocab_size": WORDS.len(), "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
            "num_attention_heads": 4, "intermediate_size": WIDE, "hidden_act": "gelu", "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0, "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
            "initializer_range": 0.02, "layer_norm_eps": 1e-12, "pad_token_id": pad,
            "position_embedding_type": positions
        })
    }

    fn ids(text: &str) -> Vec<u32> {
        let id = |word| WORDS.iter().position(|known| *known == word).unwrap_or(3) as u32;
        // [CLS] is 1, XLM-R's padding id: positions would skip it, so the tiny model frames with 2
        [vec![2], text.split_whitespace().map(id).collect(), vec![2]].concat()
    }

    /// The mean token state by candle's own model, not scaled.
    pub(crate) fn candle_mean(&self, text: &str) -> Vec<f32> {
        let bytes = fs::read(self.path().join("model.safetensors")).unwrap();
        let weights =
            VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu).unwrap();
        let ids = Tensor::new(Self::ids(text), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let types = ids.zeros_like().unwrap();
        let config = fs::read(self.path().join("config.json")).unwrap();
        let states = if self.family == Family::JinaBert {
            let config: jina_bert::Config = serde_json::from_slice(&config).unwrap();
            jina_bert::BertModel::new(weights, &config).unwrap().forward(&ids).unwrap()
        } else if self.family == Family::Bert {
            let config: bert::Config = serde_json::from_slice(&config).unwrap();
            bert::BertModel::load(weights, &config).unwrap().forward(&ids, &types, None).unwrap()
        } else {
            let config: xlm_roberta::Config = serde_json::from_slice(&config).unwrap();
            let model = xlm_roberta::XLMRobertaModel::new(&config, weights.pp("roberta")).unwrap();
            let mask = ids.ones_like().unwrap().to_dtype(DType::F32).unwrap();
            model.forward(&ids, &mask, &types, None, None, None).unwrap()
        };
        states.mean(1).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }
}

fn tokenizer() -> Value {
    let vocab: BTreeMap<&str, usize> =
        WORDS.iter().enumerate().map(|(id, word)| (*word, id)).collect();
    let special = |id: usize| {
        json!({
            "id": id, "content": WORDS[id], "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            "special": true
        })
    };
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 5, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 7}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "[PAD]"},
        "added_tokens": [special(0), special(1), special(2), special(3)],
        "normalizer": null,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 2], "cls": ["[SEP]", 2]},
        "decoder": null,
        "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "[UNK]"}
    })
}

fn weights(family: Family) -> HashMap<String, Tensor> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut tensors = HashMap::new();
    let mut add = |name: String, shape: &[usize], offset: f32| {
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            offset + 0.4 * ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0)
        };
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
        let prefix = if family == Family::XlmRoberta { "roberta." } else { "" };
        tensors.insert(
            format!("{prefix}{name}"),
            Tensor::from_vec(values, shape, &Device::Cpu).unwrap(),
        );
    };
    let is_jina = family == Family::JinaBert;
    for (name, rows) in [("word", WORDS.len()), ("position", POSITIONS), ("token_type", 2)] {
        if is_jina && name == "position" {
            continue;
        }
        add(format!("embeddings.{name}_embeddings.weight"), &[rows, HIDDEN], 0.0);
    }
    let wide = if is_jina { 2 * WIDE } else { WIDE };
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        for (part, out, input) in [
            ("attention.self.query", HIDDEN, HIDDEN),
            ("attention.self.key", HIDDEN, HIDDEN),
            ("attention.self.value", HIDDEN, HIDDEN),
            ("attention.output.dense", HIDDEN, HIDDEN),
            (if is_jina { "mlp.gated_layers" } else { "intermediate.dense" }, wide, HIDDEN),
            (if is_jina { "mlp.wo" } else { "output.dense" }, HIDDEN, WIDE),
        ] {
            add(format!("{}.weight", name(part)), &[out, input], 0.0);
            if part != "mlp.gated_layers" {
                add(format!("{}.bias", name(part)), &[out], 0.0);
            }
        }
        let out_norm = if is_jina { "mlp.layernorm" } else { "output.LayerNorm" };
        norms.extend([name("attention.output.LayerNorm"), name(out_norm)]);
    }
    for norm in norms {
        add(format!("{norm}.weight"), &[HIDDEN], 1.0);
        add(format!("{norm}.bias"), &[HIDDEN], 0.0);
    }
    tensors
}
