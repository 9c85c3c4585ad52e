//! A folder as `transformers` saves a decoder: `config.json`, `tokenizer.json` and safetensors
//! weights.
//!
//! Reads and checks files and gives weights GGUF's names. What the configuration means is
//! [`super::config`]'s to say.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use blake3::Hasher;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::kernels::quantized::GgmlType;
use crate::model::formats::files::{
    COLBERT_CLASS, CROSS_ENCODER_CLASS, MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, class_of, read_file,
    read_json_if_there,
};
use crate::model::formats::safetensors::shards::{Shard, Shards};
use crate::model::formats::tensors::TensorSource;

/// Parts of a layer in `transformers` and in GGUF.
const PARTS: &[(&str, &str)] = &[
    ("input_layernorm", "attn_norm"),
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.qkv_proj", "attn_qkv"),
    ("self_attn.q_norm", "attn_q_norm"),
    ("self_attn.k_norm", "attn_k_norm"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.gate_up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("pre_feedforward_layernorm", "ffn_norm"),
    ("post_feedforward_layernorm", "post_ffw_norm"),
];

/// Embeddings of decoders that GGUF's names do not cover.
const EMBEDDINGS: &[&str] = &["transformer.word_embeddings.weight"];

/// An opened folder.
#[derive(Debug)]
pub(crate) struct GeneratorFolder {
    path: PathBuf,
    config: Map<String, Value>,
    config_bytes: Vec<u8>,
    shards: Shards,
    /// GGUF's name of each tensor to the folder's.
    names: BTreeMap<String, String>,
    /// A tensor that GGUF has no name for.
    unnamed: Option<String>,
}

/// Refuses networks that write no text.
fn check_class(folder: &Path, config: &Map<String, Value>) -> Result<()> {
    let reason = match class_of(config).unwrap_or_default() {
        class if class.ends_with(CROSS_ENCODER_CLASS) || class == COLBERT_CLASS => {
            "a reranker, which scores pairs of texts and writes none: give it as reranker"
        }
        class if class.ends_with("Model") && !class.ends_with("LMHeadModel") => {
            "an encoder, which makes vectors and writes no text: give it as encoder"
        }
        _ => return Ok(()),
    };
    Err(Error::model(folder, reason))
}

impl GeneratorFolder {
    /// Whether `path` is a folder with a configuration and safetensors weights.
    pub(crate) fn is_one(path: &Path) -> bool {
        let has = |name: &str| path.join(name).is_file();
        has("config.json") && (has("model.safetensors") || has("model.safetensors.index.json"))
    }

    /// Reads the configuration and the headers of the weights.
    ///
    /// # Errors
    /// Io if a file cannot be read; Model if one is damaged.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let config_path = path.join("config.json");
        let config_bytes = read_file(&config_path, MAX_CONFIG_BYTES)?;
        let config: Map<String, Value> = serde_json::from_slice(&config_bytes)
            .map_err(|cause| Error::model_cause(&config_path, "not a JSON object", cause))?;
        if config.get("quantization_config").is_some_and(|value| !value.is_null()) {
            let reason =
                "weights quantised by other means than GGUF are not supported: use a GGUF file";
            return Err(Error::model(&config_path, reason));
        }
        check_class(path, &config)?;
        let shards = Shards::open(path)?;
        let is_tied = config.get("tie_word_embeddings") == Some(&Value::Bool(true));
        // in Gemma 2 and 3 a norm stands before and after each half of a layer
        let has_four_norms =
            shards.tensors().keys().any(|name| name.ends_with("pre_feedforward_layernorm.weight"));
        let mut names = BTreeMap::new();
        let mut unnamed = None;
        for (name, shard) in shards.tensors() {
            match gguf_name(name, has_four_norms) {
                _ if name.ends_with("rotary_emb.inv_freq") => {}
                Some(known) if known == "output.weight" && is_tied => {}
                _ if shard.shape.is_empty() || shard.shape.contains(&0) => {
                    let reason = format!("tensor {name} has shape {:?}", shard.shape);
                    return Err(Error::model(path, reason));
                }
                Some(known) => {
                    names.insert(known, name.clone());
                }
                None => unnamed = unnamed.or_else(|| Some(name.clone())),
            }
        }
        Ok(Self { path: path.to_owned(), config, config_bytes, shards, names, unnamed })
    }

    /// Refuses weights that our own decoder would pass over.
    ///
    /// # Errors
    /// Model, naming a tensor that belongs to no decoder of ours.
    pub(crate) fn check_names(&self) -> Result<()> {
        match &self.unnamed {
            None => Ok(()),
            Some(name) => {
                Err(self.bad(format!("tensor {name} belongs to no decoder this engine runs")))
            }
        }
    }

    /// Name, kind and shape of every tensor, as the folder has them.
    pub(crate) fn stored(&self) -> impl Iterator<Item = (&str, GgmlType, &[usize])> {
        let shards = self.shards.tensors().iter();
        shards.map(|(name, shard)| (name.as_str(), shard.kind, shard.shape.as_slice()))
    }

    /// Bytes of a tensor in its file, under the folder's name for it.
    pub(crate) fn stored_bytes(&self, name: &str) -> usize {
        self.shards.tensors().get(name).map_or(0, Shard::size_bytes)
    }

    /// Replaces `bytes` by `len` bytes of a tensor from `from` on, under the folder's name for it.
    ///
    /// # Errors
    /// As [`TensorSource::read_part`].
    pub(crate) fn read_stored(
        &self,
        name: &str,
        from: usize,
        len: usize,
        bytes: &mut Vec<u8>,
    ) -> Result<()> {
        let shard = self.shards.tensors().get(name);
        let shard = shard.ok_or_else(|| self.bad(format!("tensor {name} is missing")))?;
        self.shards.read_part(shard, from, len, bytes)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// `model_type` of the configuration, such as `"qwen2"`; empty if it has none.
    pub(crate) fn architecture(&self) -> &str {
        self.config.get("model_type").and_then(Value::as_str).unwrap_or_default()
    }

    /// `config.json`.
    pub(crate) fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// Bytes of all weights.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.shards.size_bytes()
    }

    /// GgmlType and numbers of each tensor that is used; of all where GGUF does not name them all.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = (GgmlType, u64)> {
        let used: HashSet<&str> = self.names.values().map(String::as_str).collect();
        let is_used = move |name: &str| self.unnamed.is_some() || used.contains(name);
        self.stored()
            .filter(move |(name, ..)| is_used(name))
            .map(|(_, kind, shape)| (kind, shape.iter().map(|dim| *dim as u64).product()))
    }

    /// Rows of the embedding, one for each token.
    ///
    /// # Errors
    /// Model if there is no embedding.
    pub(crate) fn vocabulary_len(&self) -> Result<usize> {
        let embedding = self.tensor("token_embd.weight").map(|(_, shape)| shape);
        let stored = |name: &&str| self.shards.tensors().get(*name).map(|shard| &shard.shape[..]);
        let embedding = embedding.or_else(|| EMBEDDINGS.iter().find_map(stored));
        let rows = embedding.and_then(|shape| shape.first().copied());
        rows.ok_or_else(|| self.bad("tensor embed_tokens.weight is missing"))
    }

    /// `tokenizer.json`.
    ///
    /// # Errors
    /// Model if it is missing or not a JSON object.
    pub(crate) fn tokenizer(&self) -> Result<Map<String, Value>> {
        let path = self.path.join("tokenizer.json");
        let bytes = read_file(&path, MAX_TOKENIZER_BYTES)?;
        serde_json::from_slice(&bytes)
            .map_err(|cause| Error::model_cause(&path, "not a JSON object", cause))
    }

    /// `tokenizer_config.json`, empty if it is missing.
    ///
    /// # Errors
    /// Model if it is not a JSON object.
    pub(crate) fn tokenizer_config(&self) -> Result<Map<String, Value>> {
        let config = read_json_if_there(&self.path.join("tokenizer_config.json"))?;
        Ok(config.unwrap_or_default())
    }

    /// The chat template: `chat_template.jinja`, else the one in `tokenizer_config.json` or
    /// `chat_template.json`.
    ///
    /// # Errors
    /// Model if a file is not what it should be.
    pub(crate) fn chat_template(&self) -> Result<Option<String>> {
        let path = self.path.join("chat_template.jinja");
        if path.exists() {
            let source = String::from_utf8(read_file(&path, MAX_CONFIG_BYTES)?);
            return source.map(Some).map_err(|_| Error::model(&path, "not UTF-8"));
        }
        let mut config = self.tokenizer_config()?;
        if !config.contains_key("chat_template") {
            let path = self.path.join("chat_template.json");
            config = read_json_if_there(&path)?.unwrap_or_default();
        }
        Ok(match config.get("chat_template") {
            Some(Value::String(source)) => Some(source.clone()),
            Some(Value::Array(named)) => {
                let default = |entry: &&Value| entry.get("name") == Some(&Value::from("default"));
                let entry = named.iter().find(default).and_then(|entry| entry.get("template"));
                entry.and_then(Value::as_str).map(str::to_owned)
            }
            _ => None,
        })
    }

    /// Tokens that end an answer, by `config.json` and `generation_config.json`.
    ///
    /// # Errors
    /// Model if the latter is not a JSON object.
    pub(crate) fn end_ids(&self) -> Result<Vec<u32>> {
        let path = self.path.join("generation_config.json");
        let generation: Map<String, Value> = read_json_if_there(&path)?.unwrap_or_default();
        let ids = [&self.config, &generation].into_iter().filter_map(|map| map.get("eos_token_id"));
        let ids = ids.flat_map(|ids| match ids {
            Value::Array(ids) => ids.as_slice(),
            one => std::slice::from_ref(one),
        });
        Ok(ids.filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect())
    }

    /// A [`Error::Model`] about this folder.
    pub(crate) fn bad(&self, reason: impl Into<String>) -> Error {
        Error::model(&self.path, reason)
    }
}

impl TensorSource for GeneratorFolder {
    fn tensor(&self, name: &str) -> Option<(GgmlType, &[usize])> {
        let shard = self.shards.tensors().get(self.names.get(name)?)?;
        Some((shard.kind, &shard.shape))
    }

    fn read_part(&self, name: &str, from: usize, len: usize, bytes: &mut Vec<u8>) -> Result<()> {
        let shard = self.names.get(name).and_then(|name| self.shards.tensors().get(name));
        let shard = shard.ok_or_else(|| self.bad(format!("tensor {name} is missing")))?;
        self.shards.read_part(shard, from, len, bytes)
    }

    fn identify(&self, hasher: &mut Hasher) {
        hasher.update(&self.config_bytes);
        for name in ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"] {
            let bytes = read_file(&self.path.join(name), MAX_TOKENIZER_BYTES).unwrap_or_default();
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
        }
        hasher.update(&self.size_bytes().to_le_bytes());
    }

    fn bad(&self, reason: String) -> Error {
        Error::model(&self.path, reason)
    }
}

/// What GGUF calls a tensor of `transformers`; `None` for one that no decoder of ours has.
fn gguf_name(name: &str, has_four_norms: bool) -> Option<String> {
    if name == "lm_head.weight" {
        return Some("output.weight".to_owned());
    }
    let name = name.strip_prefix("model.").unwrap_or(name);
    match name {
        "embed_tokens.weight" => return Some("token_embd.weight".to_owned()),
        "norm.weight" => return Some("output_norm.weight".to_owned()),
        _ => {}
    }
    let (index, part) = name.strip_prefix("layers.")?.split_once('.')?;
    let index: u32 = index.parse().ok()?;
    let (part, kind) =
        part.rsplit_once('.').filter(|(_, kind)| ["weight", "bias"].contains(kind))?;
    let part = match part {
        "post_attention_layernorm" if has_four_norms => "post_attention_norm",
        "post_attention_layernorm" => "ffn_norm",
        _ => PARTS.iter().find(|(theirs, _)| *theirs == part)?.1,
    };
    Some(format!("blk.{index}.{part}.{kind}"))
}
