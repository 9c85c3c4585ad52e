//! A sentence-transformers folder on disk: which transformer, which pooling, which prefixes, how many tokens.
//!
//! Owns the reading and checking of `modules.json`, `config.json`, `1_Pooling/config.json`,
//! `sentence_bert_config.json` and `config_sentence_transformers.json`. What a folder asks for and we lack is
//! refused by name. A folder without `modules.json` is taken as a plain transformer with mean pooling.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::files;

use super::architecture::{Positions, TransformerConfig, transformer_config};
use super::encoder_gguf::{self, is_encoder_gguf};
use super::reranker_folder::is_reranker;
use super::safetensors::Tensors;

/// Largest configuration file read.
pub(super) const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest tokenizer file read; a vocabulary of 250,000 pieces takes 10 to 20 MB.
pub(super) const MAX_TOKENIZER_BYTES: u64 = 256 << 20;

/// How token states become one vector; the order is the one in which sentence-transformers puts several side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The state of the first token.
    Cls,
    /// The largest value of each component.
    Max,
    /// The average over all tokens, special tokens and prefix included.
    Mean,
    /// The sum over all tokens, divided by the root of their number.
    MeanSqrtLen,
    /// The average with weights 1, 2, 3 ... by position.
    WeightedMean,
    /// The state of the last token.
    Last,
}

impl Pooling {
    /// The word in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Pooling::Cls => "cls",
            Pooling::Max => "max",
            Pooling::Mean => "mean",
            Pooling::MeanSqrtLen => "mean_sqrt_len",
            Pooling::WeightedMean => "weighted_mean",
            Pooling::Last => "last",
        }
    }

    /// The names of several, `+` between them.
    pub(crate) fn names(all: &[Self]) -> String {
        all.iter().map(|pooling| pooling.name()).collect::<Vec<_>>().join("+")
    }

    /// The one of this name in `1_Pooling/config.json`, old or new.
    fn of(name: &str) -> Option<Self> {
        match name {
            "cls_token" | "cls" => Some(Pooling::Cls),
            "max_tokens" | "max" => Some(Pooling::Max),
            "mean_tokens" | "mean" => Some(Pooling::Mean),
            "mean_sqrt_len_tokens" => Some(Pooling::MeanSqrtLen),
            "weightedmean_tokens" | "weightedmean" => Some(Pooling::WeightedMean),
            "lasttoken" => Some(Pooling::Last),
            _ => None,
        }
    }
}

/// A linear layer after pooling (sentence-transformers' `Dense`).
#[derive(Debug)]
pub(crate) struct DenseFolder {
    pub(crate) weights_path: PathBuf,
    pub(crate) in_features: usize,
    pub(crate) out_features: usize,
    pub(crate) has_bias: bool,
    /// tanh after it, else nothing.
    pub(crate) has_tanh: bool,
}

/// Everything a folder says about its encoder, without the weights.
#[derive(Debug)]
pub(crate) struct EncoderFolder {
    pub(crate) config: TransformerConfig,
    pub(crate) config_bytes: Vec<u8>,
    pub(crate) tokenizer_path: PathBuf,
    pub(crate) tokenizer_bytes: Vec<u8>,
    pub(crate) weights_path: PathBuf,
    pub(crate) poolings: Vec<Pooling>,
    pub(crate) denses: Vec<DenseFolder>,
    pub(crate) query_prefix: String,
    pub(crate) passage_prefix: String,
    /// Most tokens of a text, special tokens and prefix included.
    pub(crate) max_tokens: usize,
}

impl EncoderFolder {
    /// Reads and checks a folder.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming the file and what is wrong with it.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        if folder.is_file() || is_encoder_gguf(folder) {
            return encoder_gguf::read(folder);
        }
        if !folder.is_dir() {
            return Err(Error::model(
                folder,
                "not a folder with config.json, tokenizer.json and model.safetensors",
            ));
        }
        if is_reranker(folder) {
            let reason = "a cross-encoder, which scores pairs of texts and makes no vectors: give it as reranker";
            return Err(Error::model(folder, reason));
        }
        let modules = Modules::read(folder)?;
        let config_path = modules.transformer.join("config.json");
        let config_bytes = read_file(&config_path, MAX_CONFIG_BYTES)?;
        let config = transformer_config(&config_path, &config_bytes)?;
        let poolings = match &modules.pooling {
            Some(path) => read_pooling(path, config.hidden_size)?,
            None => vec![Pooling::Mean],
        };
        let mut denses = Vec::new();
        let mut dim = config.hidden_size * poolings.len();
        for path in &modules.denses {
            let dense = read_dense(path, dim)?;
            dim = dense.out_features;
            denses.push(dense);
        }
        let (query_prefix, passage_prefix) = read_prefixes(folder)?;
        let max_tokens = read_max_tokens(&modules.transformer, &config)?;
        let tokenizer_path = modules.transformer.join("tokenizer.json");
        let tokenizer_bytes = read_file(&tokenizer_path, MAX_TOKENIZER_BYTES)?;
        let weights_path = weights_path(&modules.transformer)?;
        Ok(Self {
            config,
            config_bytes,
            tokenizer_path,
            tokenizer_bytes,
            weights_path,
            poolings,
            denses,
            query_prefix,
            passage_prefix,
            max_tokens,
        })
    }
}

impl EncoderFolder {
    /// Reads the weights.
    ///
    /// # Errors
    /// As [`Tensors::read`].
    pub(crate) fn tensors(&self) -> Result<Tensors> {
        if is_encoder_gguf(&self.weights_path) {
            encoder_gguf::tensors(&self.weights_path)
        } else {
            Tensors::read(&self.weights_path)
        }
    }
}

/// Where the parts of a folder lie.
struct Modules {
    transformer: PathBuf,
    pooling: Option<PathBuf>,
    denses: Vec<PathBuf>,
}

#[derive(Deserialize)]
pub(super) struct Module {
    #[serde(default)]
    pub(super) path: String,
    r#type: String,
}

impl Module {
    /// The last word of its class, such as `Pooling`.
    pub(super) fn kind(&self) -> &str {
        self.r#type.rsplit('.').next().unwrap_or_default()
    }
}

impl Modules {
    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("modules.json");
        let Some(modules) = read_json_if_there::<Vec<Module>>(&path)? else {
            return Ok(Self { transformer: folder.to_owned(), pooling: None, denses: Vec::new() });
        };
        let kinds: Vec<&str> = modules.iter().map(Module::kind).collect();
        let known =
            |kind: &&str| matches!(*kind, "Transformer" | "Pooling" | "Dense" | "Normalize");
        if let Some(other) = kinds.iter().find(|kind| !known(kind)) {
            return Err(Error::model(&path, format!("module {other} is not one this engine runs")));
        }
        let end = kinds.len() - usize::from(kinds.last() == Some(&"Normalize"));
        let ([transformer, pooling, denses @ ..], ["Transformer", "Pooling", others @ ..]) =
            (&modules[..end], &kinds[..end])
        else {
            return Err(wrong_order(&path, &kinds));
        };
        if others.iter().any(|kind| *kind != "Dense") {
            return Err(wrong_order(&path, &kinds));
        }
        let denses = denses.iter().map(|dense| inside(&path, folder, &dense.path));
        Ok(Self {
            transformer: inside(&path, folder, &transformer.path)?,
            pooling: Some(inside(&path, folder, &pooling.path)?.join("config.json")),
            denses: denses.collect::<Result<_>>()?,
        })
    }
}

fn wrong_order(path: &Path, kinds: &[&str]) -> Error {
    Error::model(
        path,
        format!("modules {kinds:?}, expected Transformer, Pooling, Dense, Normalize"),
    )
}

fn read_dense(folder: &Path, dim: usize) -> Result<DenseFolder> {
    #[derive(Deserialize)]
    struct Config {
        in_features: u64,
        out_features: u64,
        #[serde(default = "yes")]
        bias: bool,
        #[serde(default)]
        activation_function: Option<String>,
    }
    let path = folder.join("config.json");
    let config: Config = read_json(&path)?;
    if config.in_features != dim as u64 || !(1..=1 << 14).contains(&config.out_features) {
        let (from, to) = (config.in_features, config.out_features);
        let reason = format!("maps {from} numbers to {to}, expected {dim} to at most 16384");
        return Err(Error::model(&path, reason));
    }
    let activation = config.activation_function.unwrap_or_else(|| "Tanh".to_owned());
    let has_tanh = match activation.rsplit('.').next() {
        Some("Tanh") => true,
        Some("Identity") => false,
        _ => {
            let reason = format!("activation_function {activation:?} is not supported");
            return Err(Error::model(&path, reason));
        }
    };
    Ok(DenseFolder {
        weights_path: weights_path(folder)?,
        in_features: dim,
        out_features: config.out_features as usize,
        has_bias: config.bias,
        has_tanh,
    })
}

fn yes() -> bool {
    true
}

/// `folder/part`, if `part` does not lead out of it.
pub(super) fn inside(modules: &Path, folder: &Path, part: &str) -> Result<PathBuf> {
    let ordinary = Path::new(part).components().all(|c| matches!(c, Component::Normal(_)));
    if ordinary && !part.contains('\0') {
        Ok(if part.is_empty() { folder.to_owned() } else { folder.join(part) })
    } else {
        Err(Error::model(modules, format!("module path {part:?} leads out of the folder")))
    }
}

/// The poolings whose results lie side by side in a vector, in sentence-transformers' order.
fn read_pooling(path: &Path, hidden_size: usize) -> Result<Vec<Pooling>> {
    let config: serde_json::Map<String, Value> = read_json(path)?;
    if config.get("include_prompt") == Some(&Value::Bool(false)) {
        return Err(Error::model(path, "pooling without the prompt is not one this engine runs"));
    }
    let dim = config.get("word_embedding_dimension").or_else(|| config.get("embedding_dimension"));
    if let Some(dim) = dim.and_then(Value::as_u64).filter(|&dim| dim != hidden_size as u64) {
        return Err(Error::model(
            path,
            format!("pools {dim} numbers, the transformer has {hidden_size}"),
        ));
    }
    let word = |value: &Value| value.as_str().map(str::to_owned);
    let modes: Vec<String> = match config.get("pooling_mode") {
        Some(Value::String(mode)) => vec![mode.clone()],
        Some(Value::Array(modes)) if modes.iter().all(Value::is_string) => {
            modes.iter().filter_map(word).collect()
        }
        _ => {
            let set = config.iter().filter(|(_, value)| **value == Value::Bool(true));
            set.filter_map(|(key, _)| key.strip_prefix("pooling_mode_"))
                .map(str::to_owned)
                .collect()
        }
    };
    let unknown = || Error::model(path, format!("pooling {modes:?} is not one this engine runs"));
    let mut poolings: Vec<Pooling> =
        modes.iter().map(|mode| Pooling::of(mode).ok_or_else(unknown)).collect::<Result<_>>()?;
    if !matches!(config.get("pooling_mode"), Some(Value::Array(_))) {
        poolings.sort_by_key(|pooling| *pooling as u8);
    }
    let mut once = poolings.clone();
    once.sort_by_key(|pooling| *pooling as u8);
    once.dedup();
    if poolings.is_empty() || once.len() < poolings.len() {
        return Err(unknown());
    }
    Ok(poolings)
}

/// The query and the passage prefix: prompts `query`, and `passage` or `document`, else the default prompt.
fn read_prefixes(folder: &Path) -> Result<(String, String)> {
    #[derive(Default, Deserialize)]
    struct Prompts {
        #[serde(default)]
        prompts: Option<serde_json::Map<String, Value>>,
        #[serde(default)]
        default_prompt_name: Option<String>,
    }
    let path = folder.join("config_sentence_transformers.json");
    let Prompts { prompts, default_prompt_name } = read_json_if_there(&path)?.unwrap_or_default();
    let prompts = prompts.unwrap_or_default();
    let prompt = |name: &str| prompts.get(name).and_then(Value::as_str).map(str::to_owned);
    let default = match &default_prompt_name {
        Some(name) => prompt(name).ok_or_else(|| {
            Error::model(&path, format!("default prompt {name:?} is not among the prompts"))
        })?,
        None => String::new(),
    };
    let query = prompt("query").unwrap_or_else(|| default.clone());
    let passage = prompt("passage").or_else(|| prompt("document")).unwrap_or(default);
    Ok((query, passage))
}

/// The limit in `sentence_bert_config.json` or its older names, within the positions the transformer has.
pub(super) fn read_max_tokens(folder: &Path, config: &TransformerConfig) -> Result<usize> {
    #[derive(Default, Deserialize)]
    struct SentenceConfig {
        #[serde(default)]
        max_seq_length: Option<u64>,
        #[serde(default)]
        do_lower_case: bool,
    }
    // a model without a position table may claim any length: rotations and biases are made for this many
    const MOST_WITHOUT_TABLE: usize = 1 << 15;
    let usable = match config.positions {
        Positions::Table { .. } | Positions::TableAndBuckets { .. } => {
            config.position_count - config.first_position()
        }
        Positions::Rotary { .. } | Positions::Linear => {
            config.position_count.min(MOST_WITHOUT_TABLE)
        }
    };
    for kind in ["bert", "roberta", "xlm-roberta", "camembert", "distilbert", "mpnet"] {
        let path = folder.join(format!("sentence_{kind}_config.json"));
        let Some(sentence) = read_json_if_there::<SentenceConfig>(&path)? else { continue };
        if sentence.do_lower_case {
            return Err(Error::model(
                &path,
                "do_lower_case outside the tokenizer is not supported",
            ));
        }
        let limit = sentence.max_seq_length.and_then(|limit| usize::try_from(limit).ok());
        return match limit {
            Some(limit) if limit < 4 => {
                Err(Error::model(&path, format!("max_seq_length is {limit}")))
            }
            limit => Ok(limit.unwrap_or(usable).min(usable)),
        };
    }
    Ok(usable)
}

pub(super) fn weights_path(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("model.safetensors");
    if path.is_file() {
        return Ok(path);
    }
    let reason = if folder.join("model.safetensors.index.json").exists() {
        "weights in several parts are not supported: join them into one model.safetensors"
    } else if folder.join("pytorch_model.bin").exists() {
        "model.safetensors is missing, and pytorch_model.bin is not read: convert it to safetensors"
    } else {
        "model.safetensors is missing"
    };
    Err(Error::model(folder, reason))
}

pub(super) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    let missing = |e: std::io::Error| match (e.kind(), path.parent(), path.file_name()) {
        (std::io::ErrorKind::NotFound, Some(folder), Some(name)) => {
            Error::model(folder, format!("{} is missing", name.to_string_lossy()))
        }
        _ => Error::io(path, e),
    };
    let info = fs::metadata(path).map_err(missing)?;
    if !info.is_file() || info.len() > most {
        return Err(Error::model(path, format!("not a file of at most {most} bytes")));
    }
    files::read(path).map_err(missing)
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = read_file(path, MAX_CONFIG_BYTES)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::model_cause(path, "not the JSON expected here", e))
}

pub(super) fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}
