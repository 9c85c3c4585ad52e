//! Small inputs that real use brought up, read through the public API: one module a group of
//! formats.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use rag_core::document::{self, Document, UnreadKind};

mod mail;
mod markup;
mod office;

/// A sample of `tests/data/cases`.
fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/cases").join(name)
}

/// A sample as it is read.
fn read_sample(name: &str) -> Document {
    let path = sample(name);
    document::read(&path, &fs::read(&path).unwrap()).unwrap()
}

/// `bytes` as they are read under `name`.
fn read(name: &str, bytes: impl AsRef<[u8]>) -> Document {
    document::read(Path::new(name), bytes.as_ref()).unwrap()
}

/// How many of a kind were left out of the text.
fn unread(document: &Document, kind: UnreadKind) -> u64 {
    document.unread.iter().filter(|unread| unread.kind == kind).map(|unread| unread.count).sum()
}
