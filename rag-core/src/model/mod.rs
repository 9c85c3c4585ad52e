//! Model folders and files on disk: found by name, read without trust, checked, fingerprinted.

pub(crate) mod chat;
pub(crate) mod gguf;
mod template;
mod tokenizer;

use std::ffi::OsString;
use std::path::PathBuf;

pub use self::chat::{ChatModel, Message, Rendered, Role, TemplateSource};
pub use self::gguf::{GgufSummary, inspect};
use crate::error::Result;

/// The encoder used when none is named: French, English and ninety more languages.
pub const DEFAULT_ENCODER: &str = "e5-small";
/// The generator used when none is named.
pub const DEFAULT_LLM: &str = "qwen2.5-0.5b";

/// Where models are looked for, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelDirs {
    /// Folders that hold one folder per model name.
    pub model_dirs: Vec<PathBuf>,
    /// Hugging Face hub caches, read only.
    pub hub_caches: Vec<PathBuf>,
}

impl ModelDirs {
    /// The documented places, from the variables `RAG_MODELS`, `RAG_CACHE`, `XDG_CACHE_HOME`, `HF_HUB_CACHE`,
    /// `HF_HOME` and `HOME`; `lookup` is usually `|name| std::env::var_os(name)`.
    #[must_use]
    pub fn from_variables(_lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        todo!()
    }

    /// The folder or file that `name` stands for: a path that exists, a name in `model_dirs`, or a hub id
    /// (`"owner/name"`) in a hub cache.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`](crate::ErrorCode::NotFound) with the places looked in.
    pub fn resolve(&self, _name: &str) -> Result<PathBuf> {
        todo!()
    }
}
