//! What a folder holds: its modules, its weights, how many tokens it takes, and whether it is a
//! reranker's.

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::architecture::{Positions, TransformerConfig};
use crate::error::{Error, Result};
use crate::model::formats::files::{
    COLBERT_CLASS, CROSS_ENCODER_CLASS, class_of, read_json_if_there,
};

/// An entry of `modules.json`.
#[derive(Deserialize)]
pub(in crate::model) struct Module {
    #[serde(default)]
    pub(in crate::model) path: String,
    r#type: String,
}

impl Module {
    /// The last word of its class, such as `Pooling`.
    pub(in crate::model) fn kind(&self) -> &str {
        self.r#type.rsplit('.').next().unwrap_or_default()
    }
}

/// How a reranker reads a question and a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum RerankerKind {
    /// Both at once.
    CrossEncoder,
    /// Each alone; their tokens meet afterwards.
    LateInteraction,
}

/// What Stanford's ColBERT writes its settings into.
pub(in crate::model) const COLBERT_SETTINGS: &str = "artifact.metadata";

/// Whether `path` is a folder with a reranker, a cross-encoder or a model of late interaction: then
/// [`Reranker::load`](crate::rerank::Reranker::load) is for it. Looks at its settings alone, such
/// as `config.json` and `modules.json`.
#[must_use]
pub fn is_reranker(path: &Path) -> bool {
    reranker_kind(path).is_some()
}

/// Which reranker a folder holds, if one.
pub(in crate::model) fn reranker_kind(path: &Path) -> Option<RerankerKind> {
    let fields = |path: PathBuf| read_json_if_there::<Map<String, Value>>(&path).ok().flatten();
    let modules: Option<Vec<Module>> =
        read_json_if_there(&path.join("modules.json")).ok().flatten();
    let has = |kind: &str| modules.iter().flatten().any(|module| module.kind() == kind);
    if has("Pooling") {
        return None;
    }
    let transformer = modules.as_ref().and_then(|modules| modules.first());
    let folder = path.join(transformer.map_or("", |module| &module.path));
    let config = fields(folder.join("config.json")).unwrap_or_default();
    let class = class_of(&config).unwrap_or_default();
    if class.ends_with(CROSS_ENCODER_CLASS) {
        return Some(RerankerKind::CrossEncoder);
    }
    let is_late = match modules {
        None => class == COLBERT_CLASS || path.join(COLBERT_SETTINGS).is_file(),
        Some(_) => {
            let settings = fields(path.join("config_sentence_transformers.json"));
            let model = settings.as_ref().and_then(|fields| fields.get("model_type")?.as_str());
            has("Dense") || matches!(model, Some("ColBERT" | "MultiVectorEncoder"))
        }
    };
    is_late.then_some(RerankerKind::LateInteraction)
}

/// `folder/part`, if `part` does not lead out of it.
pub(in crate::model) fn inside(modules: &Path, folder: &Path, part: &str) -> Result<PathBuf> {
    let ordinary = Path::new(part).components().all(|c| matches!(c, Component::Normal(_)));
    if ordinary && !part.contains('\0') {
        Ok(if part.is_empty() { folder.to_owned() } else { folder.join(part) })
    } else {
        Err(Error::model(modules, format!("module path {part:?} leads out of the folder")))
    }
}

/// Most tokens that the transformer has positions for.
pub(in crate::model) fn usable_tokens(config: &TransformerConfig) -> usize {
    // a model without a position table may claim any length: rotations and biases are made for this
    // many
    const MOST_WITHOUT_TABLE: usize = 1 << 15;
    match config.positions {
        Positions::Table { .. } | Positions::TableAndBuckets { .. } => {
            config.position_count - config.first_position()
        }
        Positions::Rotary { .. } | Positions::Linear => {
            config.position_count.min(MOST_WITHOUT_TABLE)
        }
    }
}

/// The limit in `sentence_bert_config.json` or its older names, within the positions the
/// transformer has.
pub(in crate::model) fn read_max_tokens(
    folder: &Path,
    config: &TransformerConfig,
) -> Result<usize> {
    #[derive(Default, Deserialize)]
    struct SentenceConfig {
        #[serde(default)]
        max_seq_length: Option<u64>,
        #[serde(default)]
        do_lower_case: bool,
    }
    let usable = usable_tokens(config);
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

/// The file of the weights.
pub(in crate::model) fn weights_path(folder: &Path) -> Result<PathBuf> {
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
