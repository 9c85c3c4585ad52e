//! Cuts a document into passages that fit the encoder, with exact byte spans.
//!
//! A passage ends where a section ends, else at the end of a block, else of a sentence or line,
//! else of a word, else between two characters. Each section is read once from front to back:
//! linear time.

use std::ops::Range;

use crate::document::Document;
use crate::error::Result;
pub use crate::options::split::SplitOptions;
pub use input::{EncoderInput, EncoderText};

mod breaks;
mod input;
mod rows;
mod sections;
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

/// A stretch of a document small enough to encode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Bytes of [`Document::text`]; never empty, never only white space.
    pub range: Range<usize>,
    /// Headings above it, outermost first, joined with `" > "`; put before the text for encoding
    /// only. In a program they are the names of the definitions that it is in, its own among them.
    /// A passage from the middle of a table has the header row as the last of them, its cells
    /// joined with `" | "`.
    pub heading: Option<String>,
    /// Page on which it begins, from 1.
    pub page: Option<u32>,
    /// Tokens of its text, without the heading.
    pub token_count: usize,
}

impl Passage {
    /// What the encoder sees under [`EncoderInput::Heading`]: the heading path, a line feed, the
    /// text.
    #[must_use]
    pub fn encoder_text(&self, text: &str) -> String {
        let body = text.get(self.range.clone()).unwrap_or_default();
        match &self.heading {
            Some(heading) => format!("{heading}\n{body}"),
            None => body.to_owned(),
        }
    }
}

/// Cuts `document` into passages that together cover every character of its text that is not white
/// space.
///
/// Passages stand in text order; without overlap they share no character. A heading begins a
/// passage and stands in the one that it introduces. Every passage was counted with `tokens` after
/// it was cut.
///
/// # Errors
/// Whatever `tokens` fails with; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument)
/// if the options leave no room for text.
pub fn split(
    document: &Document,
    tokens: &dyn TokenRanges,
    options: &SplitOptions,
) -> Result<Vec<Passage>> {
    options.check_room()?;
    splitter::Splitter::new(document, tokens, options).run()
}

/// The sentences of `text`, trimmed of white space, in order; together they cover all but white
/// space. A single line break does not end a sentence, a blank line does; a row of a table (cells
/// separated by tabs or bars) is one. Abbreviations and French punctuation are respected.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    rows::sentences(text)
}

/// What names the cells of a row: its table's header, cells joined with `" | "`. `row` is one of
/// the [`sentences`] of `text`, a passage under `heading`; nothing if it is no row, or is the
/// header itself.
#[must_use]
pub(crate) fn header_over(text: &str, heading: Option<&str>, row: &Range<usize>) -> Option<String> {
    rows::header_over(text, heading, row)
}

/// Whether a sentence of `text`, a passage under `heading`, only names the columns of the rows
/// below it.
#[must_use]
pub(crate) fn is_header_row(text: &str, heading: Option<&str>, row: &Range<usize>) -> bool {
    rows::is_header_row(text, heading, row)
}

/// Most words, and most characters, of a line that is taken for a heading by its look.
const HEADING_WORDS: usize = 10;
const HEADING_CHARS: usize = 80;

/// Whether a sentence of `text` is only a heading: marked as one (`# A`, a line that is
/// underlined), or a short line alone that does not end like a sentence, holds no number, and
/// stands over text that does, or over a table.
///
/// A heading says what is spoken of; it answers nothing.
#[must_use]
pub fn is_heading(text: &str, sentence: Range<usize>) -> bool {
    let line = text.get(sentence.clone()).unwrap_or_default().trim();
    let is_marked = |line: &str| {
        let words = line.trim_start_matches('#');
        (1..=6).contains(&(line.len() - words.len())) && words.starts_with([' ', '\t'])
    };
    let rule = |line: &str| line.len() > 1 && line.chars().all(|c| matches!(c, '=' | '-' | '~'));
    let lines: Vec<&str> = line.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => false,
        lines if lines.iter().all(|line| is_marked(line)) => true,
        [words, under] => rule(under) && !rule(words),
        [words] => is_bare_heading(text, sentence, words),
        _ => false,
    }
}

fn is_bare_heading(text: &str, place: Range<usize>, line: &str) -> bool {
    let before = text.get(..place.start).unwrap_or_default();
    let after = text.get(place.end..).unwrap_or_default();
    let gap_before = before.get(before.trim_end().len()..).unwrap_or_default();
    let gap_after = after.get(..after.len() - after.trim_start().len()).unwrap_or_default();
    let is_first = before.trim().is_empty();
    if !(is_first || gap_before.contains("\n\n")) || !gap_after.contains("\n\n") {
        return false;
    }
    let next = after.trim_start().split("\n\n").next().unwrap_or_default();
    let is_short =
        line.split_whitespace().count() <= HEADING_WORDS && line.chars().count() <= HEADING_CHARS;
    let stands_over = ends_sentence(next) || next.contains('\t');
    is_short && !says_something(line) && !ends_sentence(line) && stands_over
}

/// Whether a line without a full stop looks like an entry of a list, a field with its value, or a
/// figure.
fn says_something(line: &str) -> bool {
    line.starts_with(|c: char| c.is_lowercase() || matches!(c, '-' | '*' | '+' | '>'))
        || line.contains([':', ';', '|', '\t', '=', '\u{2022}', '\u{2610}', '\u{2611}'])
        || line.contains(char::is_numeric)
}

fn ends_sentence(text: &str) -> bool {
    const STOPS: [char; 10] = [
        '.', '!', '?', '\u{2026}', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{964}', '\u{6d4}',
        '\u{61f}',
    ];
    text.trim_end().trim_end_matches(['"', '\'', ')', '\u{bb}', '\u{201d}']).ends_with(STOPS)
}

#[cfg(test)]
mod tests;
