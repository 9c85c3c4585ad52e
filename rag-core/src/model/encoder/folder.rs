//! A sentence-transformers folder on disk: which transformer, which pooling, which prefixes, how
//! many tokens.
//!
//! Owns the reading and checking of `modules.json`, `config.json`, `1_Pooling/config.json`,
//! `sentence_bert_config.json` and `config_sentence_transformers.json`. What a folder asks for and
//! we lack is refused by name. A folder without `modules.json` is taken as a plain transformer with
//! mean pooling.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::architecture::transformer_config;
use super::modules::{Module, inside, read_max_tokens, weights_path};
use super::{DenseFolder, EncoderFiles, Pooling};
use crate::error::{Error, Result};
use crate::model::formats::files::{
    MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, read_file, read_json, read_json_if_there,
};

/// Reads and checks a folder.
///
/// # Errors
/// Model naming the file and what is wrong with it.
pub(super) fn read(folder: &Path) -> Result<EncoderFiles> {
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
    Ok(EncoderFiles {
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

/// Where the parts of a folder lie.
struct Modules {
    transformer: PathBuf,
    pooling: Option<PathBuf>,
    denses: Vec<PathBuf>,
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

/// The layer of a folder, which takes `dim` numbers.
///
/// # Errors
/// Model naming the file and what is wrong with it.
pub(in crate::model) fn read_dense(folder: &Path, dim: usize) -> Result<DenseFolder> {
    #[derive(Deserialize)]
    struct Config {
        in_features: u64,
        out_features: u64,
        #[serde(default = "yes")]
        bias: bool,
        #[serde(default)]
        activation_function: Option<String>,
        #[serde(default)]
        use_residual: bool,
    }
    let path = folder.join("config.json");
    let config: Config = read_json(&path)?;
    if config.in_features != dim as u64 || !(1..=1 << 14).contains(&config.out_features) {
        let (from, to) = (config.in_features, config.out_features);
        let reason = format!("maps {from} numbers to {to}, expected {dim} to at most 16384");
        return Err(Error::model(&path, reason));
    }
    if config.use_residual {
        return Err(Error::model(&path, "use_residual is not supported"));
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

/// The query and the passage prefix: prompts `query`, and `passage` or `document`, else the default
/// prompt.
pub(in crate::model) fn read_prefixes(folder: &Path) -> Result<(String, String)> {
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
