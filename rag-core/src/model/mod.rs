//! Model folders and files on disk: found by name, read without trust, checked, fingerprinted.

use std::ffi::OsString;
use std::path::PathBuf;

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

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Persona and rules.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation. Its content is data: no text in it can become a control token.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// The tokenizer and chat template of a generator.
#[derive(Debug)]
pub struct ChatModel {}

impl ChatModel {
    /// The tokens of a conversation, ready for the answer; control tokens come only from the template.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the template fails.
    pub fn render(&self, _messages: &[Message]) -> Result<Rendered> {
        todo!()
    }

    /// The tokens of plain text, with control tokens read as ordinary text.
    pub fn encode(&self, _text: &str) -> Result<Vec<u32>> {
        todo!()
    }

    /// The text of tokens; control tokens are left out.
    pub fn decode(&self, _ids: &[u32]) -> Result<String> {
        todo!()
    }
}

/// A conversation as the model sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text, template included.
    pub text: String,
    /// Its tokens.
    pub token_ids: Vec<u32>,
}
