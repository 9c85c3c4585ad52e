//! Bytes to text: one reader per format, all giving a [`Document`] with blocks and a source map.
//!
//! `detect` picks the format by content first and name second; a format is one file with a
//! [`Reader`] and one line in [`reader`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use crate::error::Result;

mod detect;
mod encoding;
mod html;
mod lang;
mod markdown;
mod pdf;
mod source_map;
mod text;

pub(crate) use markdown::plain_heading;
pub use source_map::{Location, SourceMap};

/// The format a document was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Plain text in any encoding.
    Text,
    /// Markdown (CommonMark).
    Markdown,
    /// HTML.
    Html,
    /// PDF.
    Pdf,
}

impl Kind {
    /// The word stored in the file and shown in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Markdown => "markdown",
            Kind::Html => "html",
            Kind::Pdf => "pdf",
        }
    }
}

/// What a stretch of text is. Blocks do not overlap and stand in text order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its role.
    pub kind: BlockKind,
    /// Bytes of [`Document::text`].
    pub range: Range<usize>,
}

/// The role of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockKind {
    /// A heading; level 1 is the outermost.
    Heading {
        /// 1 to 6.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem,
    /// A table, one row a line.
    Table,
    /// Code or preformatted text.
    Code,
    /// A quotation.
    Quote,
}

/// A document as the engine sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// The format.
    pub kind: Kind,
    /// The title, from metadata or the first heading.
    pub title: Option<String>,
    /// The language as an ISO 639-1 code, where the format or the text says.
    pub lang: Option<String>,
    /// The text, UTF-8.
    pub text: String,
    /// Its structure.
    pub blocks: Vec<Block>,
    /// Where each part stands in the source.
    pub source_map: SourceMap,
    /// Author, dates, page count: whatever the format says.
    pub metadata: BTreeMap<String, String>,
}

/// A file to read.
struct Source<'a> {
    /// For its extension and for errors.
    path: &'a Path,
    /// All of it.
    bytes: &'a [u8],
}

impl Source<'_> {
    /// The extension in lower case, or nothing.
    fn extension(&self) -> String {
        let extension = self.path.extension().unwrap_or_default();
        extension.to_string_lossy().to_ascii_lowercase()
    }
}

/// Reads one format.
trait Reader {
    /// # Errors
    /// [`ErrorCode::Document`](crate::ErrorCode::Document) with what is wrong with the bytes.
    fn read(&self, source: &Source<'_>) -> Result<Document>;
}

/// The reader of each format.
fn reader(kind: Kind) -> &'static dyn Reader {
    match kind {
        Kind::Text => &text::TextReader,
        Kind::Markdown => &markdown::MarkdownReader,
        Kind::Html => &html::HtmlReader,
        Kind::Pdf => &pdf::PdfReader,
    }
}

impl Document {
    /// The document of a text that came without a file: kind [`Kind::Text`], blocks at blank lines, identity map.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self {
            kind: Kind::Text,
            title: None,
            lang: guess_lang(text).map(str::to_owned),
            text: text.to_owned(),
            blocks: text::paragraphs(text),
            source_map: SourceMap::identity(text.len()),
            metadata: BTreeMap::new(),
        }
    }
}

/// The language of a text as an ISO 639-1 code: `Some("fr")`, `Some("en")`, or `None` if unsure. Works on a
/// question of five words as well as on a book (of which only the beginning is looked at).
#[must_use]
pub fn guess_lang(text: &str) -> Option<&'static str> {
    lang::guess(text).filter(|code| matches!(*code, "fr" | "en"))
}

/// Reads a document from the bytes of the file at `path`; the path is used for its extension and in errors.
///
/// The format is found from the content first, then from the extension; text of an unknown kind
/// (source code, tables, logs) is read as [`Kind::Text`]. An empty file gives an empty document.
///
/// # Errors
/// [`ErrorCode::Document`](crate::ErrorCode::Document) if no reader takes the bytes, or the reader refuses them.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Document> {
    let source = Source { path, bytes };
    let kind = detect::detect(&source)?;
    let mut document = reader(kind).read(&source)?;
    if document.lang.is_none() {
        document.lang = lang::guess(&document.text).map(str::to_owned);
    }
    Ok(document)
}

/// The text of the first heading of the outermost level there is, on one line.
fn first_heading(text: &str, blocks: &[Block]) -> Option<String> {
    let heading = blocks.iter().find(|b| matches!(b.kind, BlockKind::Heading { level: 1 }))?;
    let title = one_line(text.get(heading.range.clone())?);
    (!title.is_empty()).then_some(title)
}

/// `text` with every run of white space made one space, and none at the ends.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
