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

/// Largest configuration file read.
const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest tokenizer file read; a vocabulary of 250,000 pieces takes 10 to 20 MB.
const MAX_TOKENIZER_BYTES: u64 = 256 << 20;

/// How token states become one vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The average over all tokens, special tokens and prefix included.
    Mean,
    /// The sum over all tokens, divided by the root of their number.
    MeanSqrtLen,
    /// The state of the first token.
    Cls,
    /// The largest value of each component.
    Max,
}

impl Pooling {
    /// The word in `1_Pooling/config.json` and in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Pooling::Mean => "mean",
            Pooling::MeanSqrtLen => "mean_sqrt_len",
            Pooling::Cls => "cls",
            Pooling::Max => "max",
        }
    }
}

/// The function between the two halves of a feed-forward layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// GELU with the error function.
    Gelu,
    /// max(x, 0).
    Relu,
}

/// The checked shape of a BERT-like transformer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TransformerConfig {
    /// `model_type`, such as `bert`.
    pub(crate) model_type: String,
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) layer_count: usize,
    pub(crate) head_count: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) activation: Activation,
    /// Rows of the position table.
    pub(crate) position_count: usize,
    /// Row of the first token: 0 for BERT, `pad_token_id + 1` for the RoBERTa family.
    pub(crate) first_position: usize,
    pub(crate) type_count: usize,
    pub(crate) layer_norm_eps: f32,
}

/// Everything a folder says about its encoder, without the weights.
#[derive(Debug)]
pub(crate) struct EncoderFolder {
    pub(crate) config: TransformerConfig,
    pub(crate) config_bytes: Vec<u8>,
    pub(crate) tokenizer_path: PathBuf,
    pub(crate) tokenizer_bytes: Vec<u8>,
    pub(crate) weights_path: PathBuf,
    pub(crate) pooling: Pooling,
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
        if !folder.is_dir() {
            return Err(Error::model(
                folder,
                "not a folder with config.json, tokenizer.json and model.safetensors",
            ));
        }
        let modules = Modules::read(folder)?;
        let config_path = modules.transformer.join("config.json");
        let config_bytes = read_file(&config_path, MAX_CONFIG_BYTES)?;
        let config = transformer_config(&config_path, &config_bytes)?;
        let pooling = match &modules.pooling {
            Some(path) => read_pooling(path, config.hidden_size)?,
            None => Pooling::Mean,
        };
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
            pooling,
            query_prefix,
            passage_prefix,
            max_tokens,
        })
    }
}

/// Where the parts of a folder lie.
struct Modules {
    transformer: PathBuf,
    pooling: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Module {
    #[serde(default)]
    path: String,
    r#type: String,
}

impl Modules {
    fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("modules.json");
        let Some(modules) = read_json_if_there::<Vec<Module>>(&path)? else {
            return Ok(Self { transformer: folder.to_owned(), pooling: None });
        };
        let kind =
            |module: &Module| module.r#type.rsplit('.').next().unwrap_or_default().to_owned();
        let kinds: Vec<String> = modules.iter().map(kind).collect();
        let known =
            |kind: &String| matches!(kind.as_str(), "Transformer" | "Pooling" | "Normalize");
        if let Some(other) = kinds.iter().find(|kind| !known(kind)) {
            return Err(Error::model(&path, format!("module {other} is not one this engine runs")));
        }
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let (
            [transformer, pooling, ..],
            ["Transformer", "Pooling"] | ["Transformer", "Pooling", "Normalize"],
        ) = (&modules[..], &kinds[..])
        else {
            return Err(Error::model(
                &path,
                format!("modules {kinds:?}, expected Transformer, Pooling, Normalize"),
            ));
        };
        Ok(Self {
            transformer: inside(&path, folder, &transformer.path)?,
            pooling: Some(inside(&path, folder, &pooling.path)?.join("config.json")),
        })
    }
}

/// `folder/part`, if `part` does not lead out of it.
fn inside(modules: &Path, folder: &Path, part: &str) -> Result<PathBuf> {
    let ordinary = Path::new(part).components().all(|c| matches!(c, Component::Normal(_)));
    if ordinary && !part.contains('\0') {
        Ok(if part.is_empty() { folder.to_owned() } else { folder.join(part) })
    } else {
        Err(Error::model(modules, format!("module path {part:?} leads out of the folder")))
    }
}

fn read_pooling(path: &Path, hidden_size: usize) -> Result<Pooling> {
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
    let modes: Vec<&str> = match config.get("pooling_mode") {
        Some(Value::String(mode)) => vec![mode],
        _ => {
            let set = config.iter().filter(|(_, value)| **value == Value::Bool(true));
            set.filter_map(|(key, _)| key.strip_prefix("pooling_mode_")).collect()
        }
    };
    match modes[..] {
        ["mean_tokens" | "mean"] => Ok(Pooling::Mean),
        ["mean_sqrt_len_tokens"] => Ok(Pooling::MeanSqrtLen),
        ["cls_token" | "cls"] => Ok(Pooling::Cls),
        ["max_tokens" | "max"] => Ok(Pooling::Max),
        _ => Err(Error::model(path, format!("pooling {modes:?} is not one this engine runs"))),
    }
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
fn read_max_tokens(folder: &Path, config: &TransformerConfig) -> Result<usize> {
    #[derive(Default, Deserialize)]
    struct SentenceConfig {
        #[serde(default)]
        max_seq_length: Option<u64>,
        #[serde(default)]
        do_lower_case: bool,
    }
    let usable = config.position_count - config.first_position;
    for kind in ["bert", "roberta", "xlm-roberta", "camembert"] {
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

fn weights_path(folder: &Path) -> Result<PathBuf> {
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

#[derive(Deserialize)]
struct RawConfig {
    model_type: String,
    vocab_size: u64,
    hidden_size: u64,
    num_hidden_layers: u64,
    num_attention_heads: u64,
    intermediate_size: u64,
    hidden_act: String,
    max_position_embeddings: u64,
    type_vocab_size: u64,
    #[serde(default = "default_eps")]
    layer_norm_eps: f64,
    #[serde(default)]
    pad_token_id: Option<u64>,
    #[serde(default)]
    position_embedding_type: Option<String>,
}

fn default_eps() -> f64 {
    1e-12
}

fn transformer_config(path: &Path, bytes: &[u8]) -> Result<TransformerConfig> {
    let value: Value =
        serde_json::from_slice(bytes).map_err(|e| Error::model_cause(path, "not JSON", e))?;
    let model_type = value.get("model_type").and_then(Value::as_str).unwrap_or("missing");
    let is_roberta = match model_type {
        "bert" => false,
        "roberta" | "xlm-roberta" | "camembert" => true,
        other => {
            return Err(Error::model(
                path,
                format!(
                    "model_type {other:?} is not an encoder this engine runs: bert, roberta, xlm-roberta, camembert"
                ),
            ));
        }
    };
    let raw: RawConfig = serde_json::from_value(value)
        .map_err(|e| Error::model_cause(path, "incomplete configuration", e))?;
    if let Some(kind) = raw.position_embedding_type.filter(|kind| kind != "absolute") {
        return Err(Error::model(
            path,
            format!("position_embedding_type {kind:?} is not supported"),
        ));
    }
    let activation = match raw.hidden_act.as_str() {
        "gelu" => Activation::Gelu,
        "relu" => Activation::Relu,
        other => return Err(Error::model(path, format!("hidden_act {other:?} is not supported"))),
    };
    let size = |name: &str, value: u64, most: u64| match usize::try_from(value) {
        Ok(value) if (1..=most).contains(&(value as u64)) => Ok(value),
        _ => Err(Error::model(path, format!("{name} is {value}, expected 1 to {most}"))),
    };
    let config = TransformerConfig {
        vocab_size: size("vocab_size", raw.vocab_size, 1 << 24)?,
        hidden_size: size("hidden_size", raw.hidden_size, 1 << 14)?,
        layer_count: size("num_hidden_layers", raw.num_hidden_layers, 1 << 10)?,
        head_count: size("num_attention_heads", raw.num_attention_heads, 1 << 10)?,
        intermediate_size: size("intermediate_size", raw.intermediate_size, 1 << 17)?,
        position_count: size("max_position_embeddings", raw.max_position_embeddings, 1 << 20)?,
        type_count: size("type_vocab_size", raw.type_vocab_size, 1 << 10)?,
        first_position: if is_roberta {
            size("pad_token_id", raw.pad_token_id.unwrap_or(1).saturating_add(1), 1 << 20)?
        } else {
            0
        },
        layer_norm_eps: raw.layer_norm_eps as f32,
        model_type: raw.model_type,
        activation,
    };
    if !config.hidden_size.is_multiple_of(config.head_count) {
        let (hidden, heads) = (config.hidden_size, config.head_count);
        return Err(Error::model(
            path,
            format!("hidden_size {hidden} does not divide into {heads} heads"),
        ));
    }
    if config.position_count < config.first_position + 4 {
        return Err(Error::model(
            path,
            format!("max_position_embeddings is {}", config.position_count),
        ));
    }
    if !(0.0..1.0).contains(&config.layer_norm_eps) {
        return Err(Error::model(path, format!("layer_norm_eps is {}", config.layer_norm_eps)));
    }
    Ok(config)
}

fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
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
    fs::read(path).map_err(missing)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = read_file(path, MAX_CONFIG_BYTES)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::model_cause(path, "not the JSON expected here", e))
}

fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}
