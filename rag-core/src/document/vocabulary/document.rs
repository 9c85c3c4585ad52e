//! A document as the engine sees it: text, blocks, and where they stand in the file.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::kind::DocumentKind;
use super::source_map::SourceMap;
use super::unread::Unread;
use super::white_space::one_line;

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

/// A named stretch of a document that no heading stands over: a definition of a program, with what
/// belongs to it above. Sections stand in text order, an outer one before those inside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it is called, on one line: `Splitter`, `cut`.
    pub name: String,
    /// Bytes of [`Document::text`].
    pub range: Range<usize>,
}

/// A document as the engine sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// The format.
    pub kind: DocumentKind,
    /// The title, from metadata or the first heading.
    pub title: Option<String>,
    /// The language as an ISO 639-1 code, where the format or the text says.
    pub lang: Option<String>,
    /// The text, UTF-8.
    pub text: String,
    /// Its structure.
    pub blocks: Vec<Block>,
    /// Its named parts, where it has no headings to show them: those of a program, if the feature
    /// `code` is built in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// Where each part stands in the source.
    pub source_map: SourceMap,
    /// Author, dates, page count: whatever the format says.
    pub metadata: BTreeMap<String, String>,
    /// What stands in the source and not in the text, one entry a kind.
    pub unread: Vec<Unread>,
}

/// The text of the first heading of the outermost level there is, on one line.
pub(in crate::document) fn first_heading(text: &str, blocks: &[Block]) -> Option<String> {
    let heading = blocks.iter().find(|b| matches!(b.kind, BlockKind::Heading { level: 1 }))?;
    let title = one_line(text.get(heading.range.clone())?);
    (!title.is_empty()).then_some(title)
}
