//! What a generator's files are, for people who look before they load.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::kernels::quantized::GgmlType;
use crate::model::formats::files::{find_gguf, read_json};
use crate::model::formats::gguf;
use crate::model::formats::gguf::Gguf;
use crate::model::generator::files::GeneratorFiles;
use crate::model::generator::folder::GeneratorFolder;

/// What a generator's files say about themselves. Nothing here has been run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GeneratorSummary {
    /// The file or folder.
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
    /// GgmlType of tokenizer and, for byte-pair ones, how it splits, such as `"gpt2/qwen2"`;
    /// `"tokenizer.json/BPE"` in a folder.
    pub tokenizer: Option<String>,
    /// Tokens in the vocabulary.
    pub vocabulary_len: Option<usize>,
    /// Whether it brings a chat template.
    pub has_chat_template: bool,
    /// Size of the file, or of a folder's weights.
    pub size_bytes: u64,
    /// Its licence, if it names one.
    pub licence: Option<String>,
}

/// Reads the header of a GGUF file, of the one in a folder, or of a folder as `transformers` saves
/// it.
///
/// # Errors
/// [`ErrorCode::Io`](crate::ErrorCode::Io) if it cannot be read,
/// [`ErrorCode::Model`](crate::ErrorCode::Model) if it is damaged.
pub fn inspect(path: &Path) -> Result<GeneratorSummary> {
    match GeneratorFiles::open(path)? {
        GeneratorFiles::Gguf(gguf) => Ok(of_gguf(&gguf)),
        GeneratorFiles::Folder(folder) => of_folder(&folder),
    }
}

/// Whether `path` is a GGUF file, a folder with one, or a folder with a decoder of `transformers`:
/// then
/// [`Generator::load`](crate::generate::Generator::load) is for it. Looks at names and `config.json` alone.
#[must_use]
pub fn is_generator(path: &Path) -> bool {
    if !GeneratorFolder::is_one(path) || path.join("modules.json").exists() {
        return find_gguf(path).is_ok();
    }
    let config: Result<Map<String, Value>> = read_json(&path.join("config.json"));
    let classes = config.ok().and_then(|mut config| config.remove("architectures"));
    let class = classes.as_ref().and_then(|classes| classes.get(0)?.as_str());
    class.is_some_and(|class| class.ends_with("ForCausalLM"))
}

fn of_gguf(gguf: &Gguf) -> GeneratorSummary {
    let architecture = gguf.text("general.architecture").unwrap_or("unknown").to_owned();
    let context_len = match gguf.metadata().get(&format!("{architecture}.context_length")) {
        Some(gguf::GgufValue::Integer(len)) => u64::try_from(*len).ok(),
        _ => None,
    };
    let tokenizer = gguf.text("tokenizer.ggml.model").map(|model| {
        gguf.text("tokenizer.ggml.pre").map_or(model.to_owned(), |pre| format!("{model}/{pre}"))
    });
    let tensors = gguf.tensors().values();
    let tensors: Vec<_> = tensors.map(|info| (info.kind, info.element_count() as u64)).collect();
    GeneratorSummary {
        path: gguf.path().to_owned(),
        name: gguf.text("general.name").map(str::to_owned),
        parameter_count: tensors.iter().map(|(_, count)| count).sum(),
        quantisation: commonest(&tensors),
        context_len,
        tokenizer,
        vocabulary_len: gguf.texts("tokenizer.ggml.tokens").map(<[String]>::len),
        has_chat_template: gguf.text("tokenizer.chat_template").is_some(),
        size_bytes: gguf.size_bytes(),
        licence: gguf.text("general.license").map(str::to_owned),
        architecture,
    }
}

fn of_folder(folder: &GeneratorFolder) -> Result<GeneratorSummary> {
    let text = |key: &str| folder.config().get(key).and_then(Value::as_str).map(str::to_owned);
    let tensors: Vec<_> = folder.tensors().collect();
    let model = folder.tokenizer()?.remove("model");
    let kind = model.as_ref().and_then(|model| model.get("type")?.as_str());
    Ok(GeneratorSummary {
        path: folder.path().to_owned(),
        architecture: text("model_type").unwrap_or_else(|| "unknown".to_owned()),
        name: text("_name_or_path").filter(|name| !name.is_empty()),
        parameter_count: tensors.iter().map(|(_, count)| count).sum(),
        quantisation: commonest(&tensors),
        context_len: folder.config().get("max_position_embeddings").and_then(Value::as_u64),
        tokenizer: kind.map(|kind| format!("tokenizer.json/{kind}")),
        vocabulary_len: folder.vocabulary_len().ok(),
        has_chat_template: folder.chat_template()?.is_some(),
        size_bytes: folder.size_bytes(),
        licence: None,
    })
}

/// The type that holds most weights, as llama.cpp writes it.
fn commonest(tensors: &[(GgmlType, u64)]) -> String {
    let count_of = |kind: GgmlType| -> u64 {
        tensors.iter().filter(|(other, _)| *other == kind).map(|(_, count)| count).sum()
    };
    let kinds = GgmlType::ALL.into_iter().map(|kind| (kind, count_of(kind)));
    let commonest = kinds.filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count);
    commonest.map_or_else(String::new, |(kind, _)| kind.name().to_owned())
}
