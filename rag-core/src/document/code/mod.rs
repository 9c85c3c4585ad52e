//! Programs: text whose blocks and sections are those of its grammar.
//!
//! A definition (function, method, class, module) is a section under its name; comments,
//! attributes and decorators directly above belong to it. What is longer than
//! [`outline::WHOLE_BYTES`] is cut into blocks where a statement begins a line. The grammars are
//! tree-sitter's. A file of no known language, or of which its grammar understands nothing, stays
//! the plain text that it is without this room.

mod grammar;
mod name;
mod outline;
mod parse;

use grammar::Grammar;
use outline::Outline;

use crate::document::text::plain::TextReader;
use crate::document::vocabulary::{Document, Reader, SourceFile};
use crate::error::Result;

/// Reads text in any encoding, and programs by their grammar.
pub(in crate::document) struct CodeReader;

impl Reader for CodeReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut document = TextReader.read(source)?;
        if let Some((grammar, outline)) = understood(&source.extension(), &document.text) {
            document.metadata.insert("language".to_owned(), grammar.name.to_owned());
            (document.blocks, document.sections) = (outline.blocks, outline.sections);
        }
        Ok(document)
    }
}

/// The grammar among those of an extension that understands most of `text`, and what it says.
fn understood(extension: &str, text: &str) -> Option<(&'static Grammar, Outline)> {
    let mut best: Option<(&Grammar, Outline)> = None;
    for grammar in grammar::likely(extension, text) {
        let Some(tree) = parse::parse(grammar, text) else { continue };
        let outline = outline::outline(grammar, &tree, text);
        if !tree.root_node().has_error() {
            return Some((grammar, outline));
        }
        let count = best.as_ref().map_or(0, |(_, best)| best.sections.len());
        if outline.sections.len() > count {
            best = Some((grammar, outline));
        }
    }
    best
}
