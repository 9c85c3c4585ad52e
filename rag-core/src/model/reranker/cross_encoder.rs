//! A cross-encoder's folder on disk: which transformer, which head, what its logits become, how
//! many tokens.
//!
//! Owns the reading and checking of what `transformers` and sentence-transformers write beside the
//! weights of a `...ForSequenceClassification`. What a folder asks for and we lack is refused by
//! name.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::tokenizer_config::TokenizerConfig;
use crate::error::{Error, Result};
use crate::kernels::elementwise::activation::Activation;
use crate::model::encoder::Pooling;
use crate::model::encoder::architecture::{
    TransformerConfig, activation_named, transformer_config,
};
use crate::model::encoder::modules::{Module, inside, read_max_tokens, weights_path};
use crate::model::formats::files::{
    CROSS_ENCODER_CLASS, MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, class_of, read_file,
    read_json_if_there,
};

/// What stands between the pooled state and the logits, and the names of its tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeadKind {
    /// `pooler.dense` inside the transformer, tanh, `classifier` (BERT, GTE).
    Pooler,
    /// `classifier.dense`, tanh, `classifier.out_proj` (RoBERTa, XLM-RoBERTa, CamemBERT).
    Classifier,
    /// `pre_classifier`, max(x, 0), `classifier` (DistilBERT).
    PreClassifier,
    /// `head.dense`, an activation, `head.norm`, `classifier` (ModernBERT).
    Normed { activation: Activation, has_bias: bool },
}

/// What the logits of a pair become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// The logit as it is.
    Logit,
    /// The sigmoid of the logit.
    Sigmoid,
    /// The share of the second of two labels.
    Softmax,
}

impl Output {
    /// The word in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Output::Logit => "logit",
            Output::Sigmoid => "sigmoid",
            Output::Softmax => "softmax",
        }
    }
}

/// Everything a folder says about its cross-encoder, without the weights.
#[derive(Debug)]
pub(crate) struct CrossEncoderFolder {
    pub(crate) config: TransformerConfig,
    pub(crate) head: HeadKind,
    pub(crate) pooling: Pooling,
    /// The last function that the folder names, if it does.
    function: Option<Output>,
    /// What names it.
    function_path: PathBuf,
    /// Whether the network is told which tokens are the passage's.
    pub(crate) has_types: bool,
    pub(crate) tokenizer_path: PathBuf,
    pub(crate) tokenizer_bytes: Vec<u8>,
    pub(crate) weights_path: PathBuf,
    /// Most tokens of a pair, special tokens included.
    pub(crate) max_tokens: usize,
}

const KNOWN: &str = "bert, roberta, xlm-roberta, camembert, distilbert, modernbert, new and gte";

impl CrossEncoderFolder {
    /// Reads and checks a folder.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming the file and what is wrong with it.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let inner = transformer_folder(folder)?;
        let config_path = inner.join("config.json");
        let config_bytes = read_file(&config_path, MAX_CONFIG_BYTES)?;
        let fields: Map<String, Value> = serde_json::from_slice(&config_bytes)
            .map_err(|e| Error::model_cause(&config_path, "not the JSON expected here", e))?;
        check_class(folder, &fields)?;
        let config = transformer_config(&config_path, &config_bytes)?;
        let (head, pooling) = head(&config_path, &config, &fields)?;
        let (function, function_path) = function(folder, &config_path, &fields)?;
        let tokens = TokenizerConfig::read(&inner)?;
        let max_tokens = read_max_tokens(&inner, &config)?.min(tokens.max_tokens);
        let tokenizer_path = inner.join("tokenizer.json");
        Ok(Self {
            has_types: config.type_count > 1 && tokens.names_types,
            config,
            head,
            pooling,
            function,
            function_path,
            tokenizer_bytes: read_file(&tokenizer_path, MAX_TOKENIZER_BYTES)?,
            tokenizer_path,
            weights_path: weights_path(&inner)?,
            max_tokens,
        })
    }

    /// What `label_count` logits become: as the folder says, else the sigmoid of one and the
    /// softmax of two, as sentence-transformers has it for one.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) for a number of labels that gives no score.
    pub(crate) fn output(&self, label_count: usize) -> Result<Output> {
        match (label_count, self.function) {
            (1, None) => Ok(Output::Sigmoid),
            (1, Some(function @ (Output::Logit | Output::Sigmoid))) => Ok(function),
            (2, None | Some(Output::Logit | Output::Softmax)) => Ok(Output::Softmax),
            (1 | 2, Some(function)) => {
                let reason = format!("{} of {label_count} labels is no score", function.name());
                Err(Error::model(&self.function_path, reason))
            }
            _ => {
                let reason = format!(
                    "{label_count} labels; a reranker has 1, or 2 with the second for a match"
                );
                Err(Error::model(&self.weights_path, reason))
            }
        }
    }
}

/// The folder of the only module, where there is a `modules.json`.
fn transformer_folder(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("modules.json");
    let Some(modules) = read_json_if_there::<Vec<Module>>(&path)? else {
        return Ok(folder.to_owned());
    };
    match &modules[..] {
        [only] if only.kind() == "Transformer" => inside(&path, folder, &only.path),
        _ if modules.iter().any(|module| module.kind() == "Pooling") => Err(is_encoder(folder)),
        _ => {
            let kinds: Vec<&str> = modules.iter().map(Module::kind).collect();
            let reason = format!("modules {kinds:?}, expected a Transformer alone in a reranker");
            Err(Error::model(&path, reason))
        }
    }
}

fn is_encoder(folder: &Path) -> Error {
    let reason = "an encoder, which makes vectors and scores no pairs: give it as encoder; a reranker is a \
                  cross-encoder, or a model of late interaction (ColBERT)";
    Error::model(folder, reason)
}

fn check_class(folder: &Path, config: &Map<String, Value>) -> Result<()> {
    match class_of(config) {
        Some(class) if class.ends_with(CROSS_ENCODER_CLASS) => Ok(()),
        Some(class) if class.ends_with("ForCausalLM") => {
            let reason =
                "a generator, which writes text: give it as llm; a reranker is a cross-encoder";
            Err(Error::model(folder, reason))
        }
        Some(class) if class.ends_with("Model") => Err(is_encoder(folder)),
        class => {
            let class = class.unwrap_or("missing");
            let reason = format!(
                "architectures names {class}, expected a class that ends with {CROSS_ENCODER_CLASS}"
            );
            Err(Error::model(folder, reason))
        }
    }
}

fn head(
    path: &Path,
    config: &TransformerConfig,
    fields: &Map<String, Value>,
) -> Result<(HeadKind, Pooling)> {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    match config.model_type.as_str() {
        "bert" if word("position_embedding_type") != Some("alibi") => {
            Ok((HeadKind::Pooler, Pooling::Cls))
        }
        "new" | "gte" => Ok((HeadKind::Pooler, Pooling::Cls)),
        "roberta" | "xlm-roberta" | "camembert" => Ok((HeadKind::Classifier, Pooling::Cls)),
        "distilbert" => Ok((HeadKind::PreClassifier, Pooling::Cls)),
        "modernbert" => {
            let pooling = match word("classifier_pooling").unwrap_or("cls") {
                "cls" => Pooling::Cls,
                "mean" => Pooling::Mean,
                other => {
                    let reason = format!("classifier_pooling {other:?} is not supported");
                    return Err(Error::model(path, reason));
                }
            };
            let activation = activation_named(word("classifier_activation").unwrap_or("gelu"));
            let activation = activation.ok_or_else(|| {
                Error::model(path, "classifier_activation of this name is not supported")
            })?;
            let has_bias = fields.get("classifier_bias") == Some(&Value::Bool(true));
            Ok((HeadKind::Normed { activation, has_bias }, pooling))
        }
        other => {
            let reason =
                format!("cross-encoders of model_type {other:?} are not run here: {KNOWN}");
            Err(Error::model(path, reason))
        }
    }
}

/// The last function, where sentence-transformers writes it: since 6.0, since 4.0, and before.
fn function(
    folder: &Path,
    config_path: &Path,
    fields: &Map<String, Value>,
) -> Result<(Option<Output>, PathBuf)> {
    let newest = folder.join("config_sentence_transformers.json");
    let settings: Map<String, Value> = read_json_if_there(&newest)?.unwrap_or_default();
    let newer = || fields.get("sentence_transformers")?.get("activation_fn");
    let (name, path) = match settings.get("activation_fn").and_then(Value::as_str) {
        Some(name) => (Some(name), newest.as_path()),
        None => {
            let name = newer().or_else(|| fields.get("sbert_ce_default_activation_function"));
            (name.and_then(Value::as_str), config_path)
        }
    };
    let function = match name.map(|name| name.rsplit('.').next().unwrap_or_default()) {
        None => None,
        Some("Identity") => Some(Output::Logit),
        Some("Sigmoid") => Some(Output::Sigmoid),
        Some("Softmax") => Some(Output::Softmax),
        Some(other) => {
            let reason = format!("the last function {other:?} is not one this engine runs");
            return Err(Error::model(path, reason));
        }
    };
    Ok((function, path.to_owned()))
}
