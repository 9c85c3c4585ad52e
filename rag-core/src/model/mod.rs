//! Model folders and files on disk: found by name, read without trust, checked, fingerprinted.

pub(crate) mod architecture;
mod backend;
mod built_in;
pub(crate) mod chat;
mod dirs;
pub(crate) mod encoder_gguf;
pub(crate) mod fingerprint;
pub(crate) mod folder;
pub(crate) mod generator_files;
pub(crate) mod generator_folder;
pub(crate) mod gguf;
pub(crate) mod patterns;
pub(crate) mod reranker_folder;
pub(crate) mod safetensors;
mod summary;
mod template;
pub(crate) mod tensors;
pub(crate) mod tokenizer;

pub use self::backend::Backend;
pub use self::built_in::BuiltInTemplate;
pub use self::chat::{ChatModel, Message, Rendered, Role, TemplateSource};
pub use self::dirs::ModelDirs;
pub use self::encoder_gguf::is_encoder_gguf;
pub use self::reranker_folder::is_reranker;
pub use self::summary::{GeneratorSummary, inspect, is_generator};

use crate::error::{Error, Result};
use crate::files::PlainFile;

/// The encoder used when none is named: French, English and ninety more languages.
pub const DEFAULT_ENCODER: &str = "e5-small";
/// The generator used when none is named.
pub const DEFAULT_LLM: &str = "qwen2.5-0.5b";

/// Opens a file of a model.
fn open_plain(path: &std::path::Path) -> Result<PlainFile> {
    PlainFile::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::InvalidInput => Error::model(path, "not a regular file"),
        _ => Error::io(path, source),
    })
}

/// The folder of a real model for tests: `$RAG_TEST_MODELS/<name>`, else `~/.cache/rag/models/<name>`.
///
/// # Panics
/// If it is missing and `RAG_REQUIRE_MODELS=1`.
#[cfg(test)]
pub(crate) fn test_model(name: &str) -> Option<std::path::PathBuf> {
    let models = std::env::var_os("RAG_TEST_MODELS").map(std::path::PathBuf::from).or_else(|| {
        std::env::var_os("HOME").map(|home| std::path::Path::new(&home).join(".cache/rag/models"))
    });
    let found = models.map(|models| models.join(name)).filter(|path| path.exists());
    let required = std::env::var_os("RAG_REQUIRE_MODELS").is_some_and(|value| value == "1");
    assert!(found.is_some() || !required, "model {name} is missing");
    found
}
