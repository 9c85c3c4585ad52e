//! Model folders and files on disk: found by name, read without trust, checked, fingerprinted.
//!
//! `formats` reads GGUF and safetensors; `encoder`, `generator` and `reranker` say what the files
//! of each mean; `tokenizer` makes tokens of text for all three; `chat` writes conversations down.

mod backend;
pub(crate) mod chat;
mod dirs;
pub(crate) mod encoder;
pub(crate) mod fingerprint;
pub(crate) mod formats;
pub(crate) mod generator;
pub(crate) mod reranker;
pub(crate) mod tokenizer;

pub use self::backend::Backend;
pub use self::chat::{BuiltInTemplate, ChatModel, Message, Rendered, Role, TemplateSource};
pub use self::dirs::ModelDirs;
pub use self::encoder::is_encoder_gguf;
pub use self::encoder::modules::is_reranker;
pub use self::generator::{GeneratorSummary, inspect, is_generator};

/// The encoder used when none is named: French, English and ninety more languages.
pub const DEFAULT_ENCODER: &str = "e5-small";
/// The generator used when none is named.
pub const DEFAULT_LLM: &str = "qwen2.5-0.5b";

/// The folder of a real model for tests: `$RAG_TEST_MODELS/<name>`, else
/// `~/.cache/rag/models/<name>`.
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
