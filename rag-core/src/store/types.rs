//! What goes into the file and what comes out of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::Unread;
use crate::error::{Error, Unreadable};
use crate::options::words;
use crate::passage::EncoderInput;

words! {
    /// How to open the file.
    pub enum Access("access") {
        /// Read and write; create the file if it does not exist.
        Create = "create",
        /// Read and write; the file must exist.
        ReadWrite = "read_write",
        /// Read only; the file must exist.
        ReadOnly = "read_only",
    }
}

/// The time of last change stored for text that came from the caller and not from a file: one that
/// no file has.
pub const ADDED_TEXT: i64 = i64::MIN;

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
    /// Why it was skipped, if it was.
    pub skipped: Option<SkippedDocument>,
}

/// What tells the age of a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DocumentDate {
    /// What its format or the caller says of it.
    pub(crate) metadata: BTreeMap<String, String>,
    /// Its file's time of last change, seconds since 1970; `None` for added text.
    pub(crate) modified: Option<f64>,
}

/// Why a document was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedDocument {
    /// The name of the error's code, such as `"Document"`.
    pub code: String,
    /// Why it could not be read, as a program can tell it; none for other errors, and where an
    /// older version wrote it.
    pub unreadable: Option<Unreadable>,
    /// What was wrong.
    pub message: String,
    /// Whether something could have read the text of pictures in it.
    pub tried_pictures: bool,
}

/// A file that was passed over, to be remembered until it changes.
#[derive(Debug, Clone, Copy)]
pub struct SkippedFile<'a> {
    /// Its name as a document: an absolute path.
    pub uri: &'a str,
    /// Its size.
    pub size_bytes: u64,
    /// Time of last change, nanoseconds since 1970.
    pub mtime_ns: i64,
    /// BLAKE3 of its bytes.
    pub hash: [u8; 32],
    /// Why.
    pub error: &'a Error,
    /// Whether something could have read the text of pictures in it: else it is worth another try
    /// once something can.
    pub tried_pictures: bool,
}

/// A document to be written.
#[derive(Debug, Clone)]
pub struct NewDocument<'a> {
    /// Unique name: an absolute path for files.
    pub uri: &'a str,
    /// Size of the source.
    pub size_bytes: u64,
    /// Time of last change, nanoseconds since 1970; [`ADDED_TEXT`] for added text.
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
    /// What of the source is not in the text.
    pub unread: &'a [Unread],
}

/// A passage as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// What the encoder reads of new passages.
    pub encoder_input: EncoderInput,
    /// Passages that a [reindex](crate::KnowledgeBase::reindex) would encode again: those of which
    /// the encoder was not given the title. 0 unless the file was begun before titles were read.
    pub reindex_count: usize,
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

/// What could be taken over from a damaged file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Salvage {
    /// Documents kept, each whole; skipped files count as well.
    pub document_count: usize,
    /// Their passages.
    pub passage_count: usize,
    /// Passages whose vector was lost and encoded again.
    pub vectors_made: usize,
    /// Documents and settings that are lost, by name where that can be read.
    pub lost: Vec<String>,
}

/// How precisely vectors are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Precision {
    /// Half precision (IEEE 754 binary16), 2 bytes a number: cosines are off by less than 0.0005.
    #[default]
    F16,
    /// Single precision, 4 bytes a number: cosines are exact to rounding.
    F32,
}

words! {
    /// How to search vectors.
    #[derive(Default)]
    pub enum IndexMode("index") {
        /// Exact below 100,000 passages, HNSW above.
        #[default]
        Auto = "auto",
        /// Always exact.
        Flat = "flat",
        /// HNSW wherever a graph exists.
        Hnsw = "hnsw",
    }
}

/// How to look for the nearest passages.
#[derive(Debug, Clone, Copy, Default)]
pub struct NearestOptions<'a> {
    /// Scan or graph. Default by size.
    pub mode: IndexMode,
    /// Candidates explored in the graph (`ef` of Malkov and Yashunin 2016): more find more and take
    /// longer. Default [`EF_SEARCH`](super::EF_SEARCH); never less than is asked for.
    pub ef_search: Option<usize>,
    /// Only these passages, by rising id. Default all.
    pub among: Option<&'a [i64]>,
}

/// How to look for words.
#[derive(Debug, Clone, Copy, Default)]
pub struct LexicalOptions<'a> {
    /// Only these passages, by rising id. Default all. What words weigh is counted over all
    /// passages all the same.
    pub among: Option<&'a [i64]>,
    /// Passages that are scored too, whatever their place, where they hold a word; they come after
    /// those found. Default none.
    pub also: &'a [i64],
    /// What scores are measured against. Default this file.
    pub statistics: Option<&'a Statistics>,
}

words! {
    /// When to build the vector index.
    pub enum Seal("seal") {
        /// If the unsealed tail or the deleted part has grown large.
        IfNeeded = "if_needed",
        /// Now, with an HNSW graph, whatever the size.
        Now = "now",
    }
}

/// What scores are measured against. Those of several files added up give each the scores of one
/// file that holds all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statistics {
    /// Passages.
    pub passage_count: u64,
    /// Words of all passages.
    pub word_count: u64,
    /// For each term of the question, the passages that hold it.
    pub holders: Vec<u64>,
}

impl Statistics {
    /// Adds what another file counted for the same question.
    pub fn add(&mut self, other: &Statistics) {
        self.passage_count += other.passage_count;
        self.word_count += other.word_count;
        self.holders.resize(self.holders.len().max(other.holders.len()), 0);
        for (sum, more) in self.holders.iter_mut().zip(&other.holders) {
            *sum += more;
        }
    }
}
