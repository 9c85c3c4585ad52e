//! The knowledge base file: one SQLite database, one transaction per document.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::encode::EncoderIdentity;
use crate::error::Result;
use crate::passage::Passage;
use crate::progress::CancelToken;

/// How to open the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write; create the file if it does not exist.
    Create,
    /// Read and write; the file must exist.
    ReadWrite,
    /// Read only; the file must exist.
    ReadOnly,
}

/// What the file says of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentRow {
    /// Its number, never reused.
    pub id: i64,
    /// Where it came from: an absolute path, or the caller's own name for added text.
    pub uri: String,
    /// Size of the source when read.
    pub size_bytes: u64,
    /// Its time of last change when read, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// BLAKE3 of the source bytes.
    pub hash: [u8; 32],
    /// Why it was skipped, if it was: code number and message.
    pub skipped: Option<(i32, String)>,
}

/// A document to be written.
#[derive(Debug, Clone)]
pub struct NewDocument<'a> {
    /// Unique name: an absolute path for files.
    pub uri: &'a str,
    /// Size of the source.
    pub size_bytes: u64,
    /// Time of last change, nanoseconds since 1970; 0 for added text.
    pub mtime_ns: i64,
    /// BLAKE3 of the source bytes.
    pub hash: [u8; 32],
    /// The format's name.
    pub kind: &'a str,
    /// Title, if any.
    pub title: Option<&'a str>,
    /// ISO 639-1 code, if known.
    pub lang: Option<&'a str>,
    /// The whole extracted text; passages point into it.
    pub text: &'a str,
    /// Packed source map.
    pub source_map: &'a [u8],
    /// Metadata from the format or the caller.
    pub metadata: &'a BTreeMap<String, String>,
}

/// A passage as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassageRow {
    /// Its number, never reused.
    pub id: i64,
    /// The document it belongs to.
    pub document_id: i64,
    /// Uri of that document.
    pub uri: String,
    /// Title of that document.
    pub title: Option<String>,
    /// Its place in the document, from 0.
    pub ordinal: usize,
    /// First byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Page on which it begins, from 1.
    pub page: Option<u32>,
    /// Heading path.
    pub heading: Option<String>,
    /// Its text.
    pub text: String,
}

/// Counts and sizes, as shown by `rag info`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Info {
    /// Documents held, skipped ones not counted.
    pub document_count: usize,
    /// Documents that were passed over and are remembered with their reason.
    pub skipped_count: usize,
    /// Passages held.
    pub passage_count: usize,
    /// Name of the encoder, if one was ever bound.
    pub encoder: Option<String>,
    /// Its fingerprint.
    pub fingerprint: Option<String>,
    /// Length of its vectors.
    pub dim: Option<usize>,
    /// Counts seals of the vector index.
    pub generation: u64,
    /// How questions meet vectors now: `"flat"` or `"hnsw"`.
    pub index: String,
    /// Format version of the file.
    pub format_version: u32,
    /// Size of the file, in bytes.
    pub bytes: u64,
}

/// One thing found wrong by a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Which part: `"file"`, `"passage"`, `"vector"`, `"lexical"`, `"segment"`, `"document"`.
    pub part: String,
    /// What is wrong, and with which row.
    pub message: String,
    /// Whether the part can be made again from what is intact.
    pub repairable: bool,
}

/// How to search vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexMode {
    /// Exact below 100,000 passages, HNSW above.
    #[default]
    Auto,
    /// Always exact.
    Flat,
    /// HNSW wherever a graph exists.
    Hnsw,
}

/// An open knowledge base file. Any number of threads may use it at once.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens the file at `path`; `":memory:"` is a store that is never written.
    ///
    /// # Errors
    /// Io if it cannot be opened; Store if it is not ours or is damaged; StoreVersion if it is newer.
    pub fn open(_path: &Path, _access: Access) -> Result<Self> {
        todo!()
    }

    /// The path it was opened at.
    #[must_use]
    pub fn path(&self) -> &PathBuf {
        todo!()
    }

    /// The encoder the file was built with, if any passage was ever written.
    pub fn encoder(&self) -> Result<Option<EncoderIdentity>> {
        todo!()
    }

    /// Ties an empty file to an encoder, or checks that the file's is the same.
    ///
    /// # Errors
    /// ModelMismatch if the file was built with another one.
    pub fn bind_encoder(&self, _identity: &EncoderIdentity) -> Result<()> {
        todo!()
    }

    /// A value kept in the file for the facade (calibration, names of models).
    pub fn setting(&self, _key: &str) -> Result<Option<String>> {
        todo!()
    }

    /// Keeps a value for the facade.
    pub fn put_setting(&self, _key: &str, _value: &str) -> Result<()> {
        todo!()
    }

    /// Every document, skipped ones included, by uri.
    pub fn documents(&self) -> Result<Vec<DocumentRow>> {
        todo!()
    }

    /// The document with this uri.
    pub fn document(&self, _uri: &str) -> Result<Option<DocumentRow>> {
        todo!()
    }

    /// The packed source map of a document.
    pub fn source_map(&self, _document_id: i64) -> Result<Option<Vec<u8>>> {
        todo!()
    }

    /// Writes a document with its passages and vectors in one transaction, in place of any with the same uri.
    /// `vectors` has one unit row per passage. Returns the new passage ids in order.
    pub fn put_document(
        &self,
        _document: &NewDocument<'_>,
        _passages: &[Passage],
        _vectors: &[f32],
    ) -> Result<Vec<i64>> {
        todo!()
    }

    /// Remembers that a file was passed over, so that it is not read again until it changes. Removes what
    /// was held under that uri.
    pub fn put_skipped(
        &self,
        _uri: &str,
        _size_bytes: u64,
        _mtime_ns: i64,
        _hash: [u8; 32],
        _code: i32,
        _message: &str,
    ) -> Result<()> {
        todo!()
    }

    /// Notes a new size and time of a document whose bytes are the same.
    pub fn touch_document(&self, _id: i64, _size_bytes: u64, _mtime_ns: i64) -> Result<()> {
        todo!()
    }

    /// Gives a document another uri, for renamed files.
    pub fn rename_document(&self, _id: i64, _uri: &str, _mtime_ns: i64) -> Result<()> {
        todo!()
    }

    /// Removes a document and its passages in one transaction; `false` if there was none.
    pub fn remove_document(&self, _uri: &str) -> Result<bool> {
        todo!()
    }

    /// The passage with this id.
    pub fn passage(&self, _id: i64) -> Result<Option<PassageRow>> {
        todo!()
    }

    /// The passages with these ids, in the order given; unknown ids are left out.
    pub fn passages(&self, _ids: &[i64]) -> Result<Vec<PassageRow>> {
        todo!()
    }

    /// The `limit` passages with the highest cosine to `query` (unit, `dim` long), best first, ties by id.
    pub fn nearest(
        &self,
        _query: &[f32],
        _limit: usize,
        _mode: IndexMode,
    ) -> Result<Vec<(i64, f32)>> {
        todo!()
    }

    /// The `limit` passages that match any word of `question` best by BM25, best first. Score: higher is better.
    pub fn lexical(&self, _question: &str, _limit: usize) -> Result<Vec<(i64, f32)>> {
        todo!()
    }

    /// Builds the vector index over all passages and swaps it in, if enough changed or `force` asks.
    pub fn seal(&self, _seal: Seal, _cancel: &CancelToken) -> Result<()> {
        todo!()
    }

    /// Looks at every row and reports every damage; an empty list is a sound file.
    pub fn check(&self, _cancel: &CancelToken) -> Result<Vec<Damage>> {
        todo!()
    }

    /// Rewrites the file without its unused space.
    pub fn vacuum(&self) -> Result<()> {
        todo!()
    }

    /// Counts and sizes.
    pub fn info(&self) -> Result<Info> {
        todo!()
    }
}

/// When to build the vector index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seal {
    /// If the unsealed tail or the deleted part has grown large.
    IfNeeded,
    /// Now, with an HNSW graph, whatever the size.
    Now,
}
