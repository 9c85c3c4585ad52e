//! What a GGUF file is, for people who look before they load.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Gguf, Value};
use crate::error::{Error, Result};

/// What a GGUF file says about itself. Nothing here has been run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GgufSummary {
    /// The file.
    pub path: PathBuf,
    /// The network's family, such as `"qwen2"`.
    pub architecture: String,
    /// The model's name, if it has one.
    pub name: Option<String>,
    /// Weights in all.
    pub parameter_count: u64,
    /// The commonest type of the weights, such as `"Q4_K"`.
    pub quantisation: String,
    /// Tokens it was made to hold.
    pub context_len: Option<u64>,
    /// Kind of tokenizer and, for byte-pair ones, how it splits, such as `"gpt2/qwen2"`.
    pub tokenizer: Option<String>,
    /// Tokens in the vocabulary.
    pub vocabulary_len: Option<usize>,
    /// Whether it brings a chat template.
    pub has_chat_template: bool,
    /// Size of the file.
    pub size_bytes: u64,
    /// Its licence, if it names one.
    pub licence: Option<String>,
}

/// Reads the header of a GGUF file, or of the one in a folder.
///
/// # Errors
/// [`ErrorCode::Io`](crate::ErrorCode::Io) if it cannot be read,
/// [`ErrorCode::Model`](crate::ErrorCode::Model) if it is damaged.
pub fn inspect(path: &Path) -> Result<GgufSummary> {
    let gguf = Gguf::open(&find(path)?)?;
    let architecture = gguf.text("general.architecture").unwrap_or("unknown").to_owned();
    let context_len = match gguf.metadata().get(&format!("{architecture}.context_length")) {
        Some(Value::Integer(len)) => u64::try_from(*len).ok(),
        _ => None,
    };
    let tokenizer = gguf.text("tokenizer.ggml.model").map(|model| {
        gguf.text("tokenizer.ggml.pre").map_or(model.to_owned(), |pre| format!("{model}/{pre}"))
    });
    Ok(GgufSummary {
        path: gguf.path().to_owned(),
        name: gguf.text("general.name").map(str::to_owned),
        parameter_count: gguf.tensors().values().map(|info| info.element_count() as u64).sum(),
        quantisation: quantisation(&gguf),
        context_len,
        tokenizer,
        vocabulary_len: gguf.texts("tokenizer.ggml.tokens").map(<[String]>::len),
        has_chat_template: gguf.text("tokenizer.chat_template").is_some(),
        size_bytes: gguf.size_bytes(),
        licence: gguf.text("general.license").map(str::to_owned),
        architecture,
    })
}

/// The GGUF file that `path` is or, if it is a folder, the only one in it.
///
/// # Errors
/// Io if it cannot be read; Model if the folder holds none or several.
pub(crate) fn find(path: &Path) -> Result<PathBuf> {
    let info = std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
    if !info.is_dir() {
        return Ok(path.to_owned());
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|source| Error::io(path, source))? {
        let entry = entry.map_err(|source| Error::io(path, source))?.path();
        if entry.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf")) {
            found.push(entry);
        }
    }
    found.sort();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Error::model(path, "the folder holds no .gguf file")),
        [first, second, ..] => Err(Error::model(
            path,
            format!(
                "the folder holds several .gguf files ({}, {}); name one",
                first.display(),
                second.display()
            ),
        )),
    }
}

/// The type that holds most weights, as llama.cpp writes it.
fn quantisation(gguf: &Gguf) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for info in gguf.tensors().values() {
        let name = info.kind.name();
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += info.element_count(),
            None => counts.push((name, info.element_count())),
        }
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map_or_else(String::new, |(name, _)| name.to_owned())
}
