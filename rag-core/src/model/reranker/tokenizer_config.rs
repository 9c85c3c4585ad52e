//! What `tokenizer_config.json` says to those who make a network's inputs.

use std::path::Path;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::model::formats::files::read_json_if_there;

/// The parts of it that a reranker needs.
pub(super) struct TokenizerConfig {
    /// Most tokens of an input; `usize::MAX` where it does not say.
    pub(super) max_tokens: usize,
    /// Whether the network is given the types of tokens.
    pub(super) names_types: bool,
    /// The token that stands for a word to be guessed.
    pub(super) mask_token: Option<String>,
}

impl TokenizerConfig {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("tokenizer_config.json");
        let config: Map<String, Value> = read_json_if_there(&path)?.unwrap_or_default();
        // 1e30 stands for no limit
        let limit = config.get("model_max_length").and_then(Value::as_u64);
        let names = config.get("model_input_names").and_then(Value::as_array);
        let mask = config.get("mask_token");
        let mask = mask.map(|token| token.get("content").unwrap_or(token));
        Ok(Self {
            max_tokens: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX),
            names_types: names
                .is_none_or(|names| names.iter().any(|name| name == "token_type_ids")),
            mask_token: mask.and_then(Value::as_str).map(str::to_owned),
        })
    }
}
