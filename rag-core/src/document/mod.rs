//! Bytes to text: one reader per format, all giving a [`Document`] with blocks and a source map.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use crate::error::Result;

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

/// Where a stretch of text came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// Bytes of the source file.
    Bytes(Range<u64>),
    /// A page, counted from 1.
    Page(u32),
}

/// Maps ranges of the text to places in the source. Segments do not overlap and stand in text order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceMap {
    /// Text range and where it came from.
    pub segments: Vec<(Range<usize>, Location)>,
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

impl SourceMap {
    /// The map of a text that is the file, byte for byte.
    #[must_use]
    pub fn identity(length_bytes: usize) -> Self {
        Self { segments: vec![(0..length_bytes, Location::Bytes(0..length_bytes as u64))] }
    }

    /// The source bytes that a text range came from, if the source has bytes to show.
    #[must_use]
    pub fn source_bytes(&self, _range: &Range<usize>) -> Option<Range<u64>> {
        todo!()
    }

    /// The page on which a text range begins, counted from 1.
    #[must_use]
    pub fn page(&self, _range: &Range<usize>) -> Option<u32> {
        todo!()
    }

    /// Packs the map for the store.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!()
    }

    /// Reads what [`SourceMap::to_bytes`] wrote; `None` if the bytes are damaged.
    #[must_use]
    pub fn from_bytes(_bytes: &[u8]) -> Option<Self> {
        todo!()
    }
}

impl Document {
    /// The document of a text that came without a file: kind [`Kind::Text`], blocks at blank lines, identity map.
    #[must_use]
    pub fn plain(_text: &str) -> Self {
        todo!()
    }
}

/// The language of a text as an ISO 639-1 code: `Some("fr")`, `Some("en")`, or `None` if unsure. Works on a
/// question of five words as well as on a book (of which only the beginning is looked at).
#[must_use]
pub fn guess_lang(_text: &str) -> Option<&'static str> {
    todo!()
}

/// Reads a document from the bytes of the file at `path`; the path is used for its extension and in errors.
///
/// # Errors
/// [`ErrorCode::Document`](crate::ErrorCode::Document) if no reader takes the bytes, or the reader refuses them.
pub fn read(_path: &Path, _bytes: &[u8]) -> Result<Document> {
    todo!()
}
