//! What an encoder's files say: a folder of sentence-transformers, or a GGUF file of llama.cpp's.

pub(crate) mod architecture;
pub(crate) mod family;
pub(in crate::model) mod folder;
mod gguf;
pub(in crate::model) mod modules;

use std::path::{Path, PathBuf};

pub use self::gguf::is_encoder_gguf;
use crate::error::{Error, Result};
use crate::model::formats::files::check_no_gguf;
use crate::model::formats::safetensors::Tensors;
use architecture::TransformerConfig;

/// How token states become one vector; the order is the one in which sentence-transformers puts
/// several side by side.
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

/// Everything that a folder or file says about its encoder, without the weights.
#[derive(Debug)]
pub(crate) struct EncoderFiles {
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

impl EncoderFiles {
    /// Reads and checks a folder, or a GGUF file or a folder with one.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) naming the file and what is wrong with it.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        if path.is_file() || is_encoder_gguf(path) {
            return gguf::read(path);
        }
        if !path.is_dir() {
            let reason = "not a folder with config.json, tokenizer.json and model.safetensors";
            return Err(Error::model(path, reason));
        }
        check_no_gguf(path)?;
        if modules::is_reranker(path) {
            let reason = "a reranker, which scores pairs of texts and makes no vectors of whole texts: give it as reranker";
            return Err(Error::model(path, reason));
        }
        folder::read(path)
    }

    /// Reads the weights.
    ///
    /// # Errors
    /// As [`Tensors::read`].
    pub(crate) fn tensors(&self) -> Result<Tensors> {
        if is_encoder_gguf(&self.weights_path) {
            gguf::tensors(&self.weights_path)
        } else {
            Tensors::read(&self.weights_path)
        }
    }
}
