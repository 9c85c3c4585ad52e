//! Where tests find real models and shared data.
#![allow(dead_code, unreachable_pub, clippy::print_stderr)]

use std::path::{Path, PathBuf};

/// The folder of a real model, or `None` after a printed SKIP. Panics instead if
/// `RAG_REQUIRE_MODELS=1`.
///
/// Looks in `RAG_TEST_MODELS`, then in the cache that `rag model fetch` fills.
pub fn model(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RAG_TEST_MODELS").map(PathBuf::from).or_else(|| {
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/rag/models"))
    })?;
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("RAG_REQUIRE_MODELS").is_some_and(|value| value == "1");
    assert!(!required, "model {name} is missing from {}", root.display());
    eprintln!("SKIP: model {name} is missing from {}", root.display());
    None
}

/// A file or folder of the shared data sets, or `None` after a printed SKIP.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("RAG_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let found = root.join("data").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("SKIP: shared data {path} is missing from {}", root.display());
    None
}
