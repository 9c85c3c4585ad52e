//! Answer to citations: each claim aligned to a span of a passage that was shown, and verified.

use serde::Serialize;

/// Whether a citation still stands in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The source holds the quote at the cited place.
    Ok,
    /// The source changed, and the quote stands elsewhere in it.
    Moved,
    /// The source changed, and the quote is gone.
    Changed,
    /// The source cannot be read.
    Missing,
}

/// A span of a passage that supports a part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Citation {
    /// The number in the answer text, from 1.
    pub marker: usize,
    /// The passage that holds the quote.
    pub passage_id: i64,
    /// The document.
    pub uri: String,
    /// Page, from 1.
    pub page: Option<u32>,
    /// First byte of the quote in the document's text; for text and Markdown in UTF-8 that is the file itself.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Bytes of the source file, where the format has them: first.
    pub source_start: Option<u64>,
    /// One past the last byte of the source file.
    pub source_end: Option<u64>,
    /// The words of the document.
    pub quote: String,
    /// How much of the claim the quote covers, 0 to 1.
    pub support: f32,
    /// Whether the quote stands in the source.
    pub status: Status,
}
