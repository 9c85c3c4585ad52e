//! Models by hub id, through the hub's own client and into its own cache.

use std::path::{Path, PathBuf};

use hf_hub::api::sync::{ApiBuilder, ApiError, ApiRepo};
use rag_core::{Error, Result};

/// What the folder of an encoder or a reranker is made of, beside its modules.
const FOLDER_FILES: [&str; 11] = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "modules.json",
    "artifact.metadata",
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_xlm-roberta_config.json",
    "sentence_camembert_config.json",
    "config_sentence_transformers.json",
    "model.safetensors",
];

/// Downloads the files of `id` that this engine reads; returns the folder of that snapshot.
///
/// A repository of GGUF files must hold exactly one. `on_progress` counts files here. The client
/// follows its own variables, such as `HF_HOME`.
pub(crate) fn fetch(id: &str, on_progress: &mut dyn FnMut(u64, u64)) -> Result<PathBuf> {
    let failed = |e: ApiError| Error::model_cause(Path::new(id), "the hub did not deliver it", e);
    let repository = ApiBuilder::from_env().build().map_err(failed)?.model(id.to_owned());
    let info = repository.info().map_err(failed)?;
    let names: Vec<String> = info.siblings.into_iter().map(|file| file.rfilename).collect();
    let wanted = wanted(id, &names)?;
    let total = wanted.len() as u64;
    let mut folder = None;
    for (done, name) in (0..).zip(&wanted) {
        on_progress(done, total);
        folder = Some(get(&repository, name).map_err(failed)?);
    }
    on_progress(total, total);
    folder.ok_or_else(|| {
        Error::model(Path::new(id), "the hub holds no file of it that this engine reads")
    })
}

fn wanted(id: &str, names: &[String]) -> Result<Vec<String>> {
    let gguf: Vec<&String> = names.iter().filter(|name| name.ends_with(".gguf")).collect();
    match gguf[..] {
        [] => Ok(names
            .iter()
            .filter(|name| FOLDER_FILES.contains(&name.as_str()) || is_of_module(name))
            .cloned()
            .collect()),
        [only] => Ok(vec![only.clone()]),
        _ => {
            let list = gguf.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Error::model(
                Path::new(id),
                format!("holds several models, download one by hand: {list}"),
            ))
        }
    }
}

/// Whether a file belongs to a module with a folder of its own, such as
/// `1_Dense/model.safetensors`.
fn is_of_module(name: &str) -> bool {
    let Some((folder, file)) = name.split_once('/') else { return false };
    let is_numbered =
        folder.split_once('_').is_some_and(|(number, _)| number.parse::<u8>().is_ok());
    is_numbered && matches!(file, "config.json" | "model.safetensors")
}

/// Downloads one file and returns the snapshot's folder.
fn get(repository: &ApiRepo, name: &str) -> std::result::Result<PathBuf, ApiError> {
    let path = repository.get(name)?;
    let depth = Path::new(name).components().count();
    Ok(path.ancestors().nth(depth).unwrap_or(&path).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_comes_with_its_modules_and_nothing_else() {
        let names = [
            "README.md",
            "artifact.metadata",
            "config.json",
            "1_Dense/config.json",
            "1_Dense/model.safetensors",
            "1_Dense/pytorch_model.bin",
            "3_MultiVectorMask/config.json",
            "onnx/config.json",
            "onnx/model.onnx",
            "model.safetensors",
            "tokenizer_config.json",
        ];
        let wanted = wanted("a/b", &names.map(str::to_owned)).unwrap();
        let left_out = |name: &&str| !wanted.iter().any(|kept| kept == name);
        let missing: Vec<&str> = names.into_iter().filter(left_out).collect();
        let others =
            ["README.md", "1_Dense/pytorch_model.bin", "onnx/config.json", "onnx/model.onnx"];
        assert_eq!(missing, others);
    }
}
