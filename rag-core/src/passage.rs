//! Cuts a document into passages that fit the encoder, with exact byte spans.
//!
//! A passage ends where a section ends, else at the end of a block, else of a sentence or line, else of a
//! word, else between two characters. Each section is read once from front to back: linear time.

use std::ops::Range;

use crate::document::Document;
use crate::error::{Error, Result};

mod breaks;
mod rows;
mod splitter;
mod window;

/// Counts text in the encoder's own tokens.
pub trait TokenRanges {
    /// The byte range of each token of `text`, without special tokens, in order.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer refuses the text.
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>>;
}

/// How to cut.
#[derive(Debug, Clone)]
pub struct SplitOptions {
    /// Most tokens of a passage, its heading path included. Default 200.
    pub max_tokens: usize,
    /// A section with fewer tokens than this shares its passages with the sections after it, up to a heading of an outer
    /// level. Default 0: every section has passages of its own.
    pub min_tokens: usize,
    /// Tokens repeated from the end of the passage before. Default 0.
    pub overlap_tokens: usize,
    /// Most tokens the heading path may take of `max_tokens`. Default 32.
    pub max_heading_tokens: usize,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { max_tokens: 200, min_tokens: 0, overlap_tokens: 0, max_heading_tokens: 32 }
    }
}

impl SplitOptions {
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if they leave no room for text.
    pub(crate) fn validate(&self) -> Result<()> {
        if self.max_heading_tokens >= self.max_tokens {
            let reason = format!(
                "{} tokens leave no room for text after {} for headings",
                self.max_tokens, self.max_heading_tokens
            );
            return Err(Error::invalid("max_tokens", reason));
        }
        if self.min_tokens > self.max_tokens / 2 {
            let reason = format!("{} is over half of {}", self.min_tokens, self.max_tokens);
            return Err(Error::invalid("min_tokens", reason));
        }
        let room = self.max_tokens - self.max_heading_tokens;
        if self.overlap_tokens > room / 2 {
            let reason =
                format!("{} is over half of {room}, the room for text", self.overlap_tokens);
            return Err(Error::invalid("overlap_tokens", reason));
        }
        Ok(())
    }
}

/// A stretch of a document small enough to encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Bytes of [`Document::text`]; never empty, never only white space.
    pub range: Range<usize>,
    /// Headings above it, outermost first, joined with `" > "`; put before the text for encoding only. A passage from
    /// the middle of a table has the header row as the last of them, its cells joined with `" | "`.
    pub heading: Option<String>,
    /// Page on which it begins, from 1.
    pub page: Option<u32>,
    /// Tokens of its text, without the heading.
    pub token_count: usize,
}

impl Passage {
    /// What the encoder sees: the heading path, a line feed, the text.
    #[must_use]
    pub fn encoder_text(&self, text: &str) -> String {
        let body = text.get(self.range.clone()).unwrap_or_default();
        match &self.heading {
            Some(heading) => format!("{heading}\n{body}"),
            None => body.to_owned(),
        }
    }
}

/// Cuts `document` into passages that together cover every character of its text that is not white space.
///
/// Passages stand in text order; without overlap they share no character. A heading begins a passage and
/// stands in the one that it introduces. Every passage was counted with `tokens` after it was cut.
///
/// # Errors
/// Whatever `tokens` fails with; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if the options leave no room for text.
pub fn split(
    document: &Document,
    tokens: &dyn TokenRanges,
    options: &SplitOptions,
) -> Result<Vec<Passage>> {
    options.validate()?;
    splitter::Splitter::new(document, tokens, options).run()
}

/// The sentences of `text`, trimmed of white space, in order; together they cover all but white space. A single
/// line break does not end a sentence, a blank line does; a row of a table (cells parted by tabs or bars) is one.
/// Abbreviations and French punctuation are respected.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    rows::sentences(text)
}

/// What names the cells of a row: its table's header, cells joined with `" | "`. `row` is one of the [`sentences`] of
/// `text`, a passage under `heading`; nothing if it is no row, or is the header itself.
#[must_use]
pub(crate) fn header_over(text: &str, heading: Option<&str>, row: &Range<usize>) -> Option<String> {
    rows::header_over(text, heading, row)
}

#[cfg(test)]
mod tests;
