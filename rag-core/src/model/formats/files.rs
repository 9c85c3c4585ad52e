//! Files of a model: opened and read within bounds, with errors that name the file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::files::{self, PlainFile};

/// How the classes of networks that score pairs end.
pub(in crate::model) const CROSS_ENCODER_CLASS: &str = "ForSequenceClassification";
/// The class of a ColBERT as Stanford's code saves it.
pub(in crate::model) const COLBERT_CLASS: &str = "HF_ColBERT";

/// Largest configuration file read.
pub(in crate::model) const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest tokenizer file read; a vocabulary of 250,000 pieces takes 10 to 20 MB.
pub(in crate::model) const MAX_TOKENIZER_BYTES: u64 = 256 << 20;

/// Opens a file of a model.
pub(in crate::model) fn open_plain(path: &Path) -> Result<PlainFile> {
    PlainFile::open(path).map_err(|source| match source.kind() {
        std::io::ErrorKind::InvalidInput => Error::model(path, "not a regular file"),
        _ => Error::io(path, source),
    })
}

/// The GGUF file that `path` is or, if it is a folder, the only one in it.
///
/// # Errors
/// Io if it cannot be read; Model if the folder holds none or several.
pub(in crate::model) fn find_gguf(path: &Path) -> Result<PathBuf> {
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
        [] => Err(Error::model(
            path,
            "the folder holds no .gguf file, nor config.json with safetensors weights",
        )),
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

/// The bytes of a file of at most `most` bytes.
pub(in crate::model) fn read_file(path: &Path, most: u64) -> Result<Vec<u8>> {
    let missing = |e: std::io::Error| match (e.kind(), path.parent(), path.file_name()) {
        (std::io::ErrorKind::NotFound, Some(folder), Some(name)) => {
            Error::model(folder, format!("{} is missing", name.to_string_lossy()))
        }
        _ => Error::io(path, e),
    };
    let info = fs::metadata(path).map_err(missing)?;
    if !info.is_file() || info.len() > most {
        return Err(Error::model(path, format!("not a file of at most {most} bytes")));
    }
    files::read(path).map_err(missing)
}

/// Refuses a folder that is given as another kind of model and holds a generator in GGUF.
///
/// # Errors
/// Model, naming what the folder is.
pub(in crate::model) fn check_no_gguf(folder: &Path) -> Result<()> {
    match find_gguf(folder) {
        Ok(_) if !folder.join("config.json").exists() => {
            let reason = "a generator in GGUF, which writes text: give it as llm";
            Err(Error::model(folder, reason))
        }
        _ => Ok(()),
    }
}

/// The class of the network that a `config.json` names.
pub(in crate::model) fn class_of(config: &Map<String, Value>) -> Option<&str> {
    config.get("architectures")?.get(0)?.as_str()
}

/// What a JSON file says.
pub(in crate::model) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = read_file(path, MAX_CONFIG_BYTES)?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::model_cause(path, "not the JSON expected here", e))
}

/// The same; `None` without the file.
pub(in crate::model) fn read_json_if_there<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}
