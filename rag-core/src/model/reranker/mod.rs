//! What a reranker's folder says. The folder decides what it is: a cross-encoder, or a model of
//! late interaction.

pub(crate) mod cross_encoder;
pub(crate) mod late_interaction;
mod tokenizer_config;

use std::path::Path;

use crate::error::{Error, Result};
use crate::model::encoder::modules::{RerankerKind, reranker_kind};
use crate::model::formats::files::check_no_gguf;
use cross_encoder::CrossEncoderFolder;
use late_interaction::LateInteractionFolder;

/// Everything a folder says about its reranker, without the weights.
#[derive(Debug)]
pub(crate) enum RerankerFolder {
    CrossEncoder(Box<CrossEncoderFolder>),
    LateInteraction(Box<LateInteractionFolder>),
}

impl RerankerFolder {
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
        check_no_gguf(folder)?;
        match reranker_kind(folder) {
            Some(RerankerKind::LateInteraction) => {
                LateInteractionFolder::read(folder).map(Box::new).map(Self::LateInteraction)
            }
            // what is neither is told there what it is
            _ => CrossEncoderFolder::read(folder).map(Box::new).map(Self::CrossEncoder),
        }
    }
}
