//! HTML: a linear tokenizer and our own rules for blocks, so that no nesting can make it slow.
//!
//! Scripts, styles and hidden parts are left out, and what is judged to be the site's rather than
//! the page's. Every run of text maps to its exact bytes in the file.

use std::convert::Infallible;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::document::limits;
use crate::document::text::declared::declared_encoding;
use crate::document::text::decoded::Decoded;
use crate::document::text::encoding;
use crate::document::text::language::primary_language;
use crate::document::vocabulary::{
    Document, DocumentKind, Reader, SourceFile, first_heading, one_line, unread,
};
use crate::error::Result;

mod builder;
mod math;
mod notes;
mod raised;
mod runs;
mod spans;
mod start_tag;
mod tags;

use builder::{Boilerplate, Builder};
pub(in crate::document) use math::MathFormula;

/// Reads HTML and XHTML.
pub(in crate::document) struct HtmlReader;

impl Reader for HtmlReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, declared_encoding(source.bytes))?;
        let (page, notes) = unread::set_aside(|| parse(&decoded.text, Boilerplate::Drop));
        // A page that is hardly more than its menu is read whole.
        if page.text.len() < FEW_BYTES {
            let (whole, whole_notes) =
                unread::set_aside(|| parse(&decoded.text, Boilerplate::Keep));
            if page.text.is_empty() || whole.text.len() > 2 * page.text.len() + FEW_BYTES {
                unread::keep(whole_notes);
                return Ok(document(whole, decoded));
            }
        }
        unread::keep(notes);
        Ok(document(page, decoded))
    }
}

/// Reads a chapter of a book, in which everything is about its subject.
pub(in crate::document) fn read_chapter(source: &SourceFile<'_>) -> Result<Document> {
    let decoded = encoding::decode(source, declared_encoding(source.bytes))?;
    Ok(document(parse(&decoded.text, Boilerplate::Keep), decoded))
}

fn document(page: builder::HtmlPage, decoded: Decoded) -> Document {
    let mut metadata = page.metadata;
    if decoded.encoding != "UTF-8" {
        metadata.insert("encoding".to_owned(), decoded.encoding.to_owned());
    }
    let title = Some(one_line(&page.title)).filter(|title| !title.is_empty());
    Document {
        kind: DocumentKind::Html,
        title: title.or_else(|| first_heading(&page.text, &page.blocks)),
        lang: page.lang.as_deref().and_then(primary_language),
        source_map: page.map.through(&page.text, &decoded.source_map),
        text: page.text,
        blocks: page.blocks,
        sections: Vec::new(),
        metadata,
        unread: Vec::new(),
    }
}

/// Less text than this is no page to speak of.
const FEW_BYTES: usize = 80;

/// Runs the tokenizer over `input`.
fn parse(input: &str, boilerplate: Boilerplate) -> builder::HtmlPage {
    let mut builder = Builder::new(input, boilerplate);
    let callback = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<Infallible> {
        limits::tick();
        builder.event(&event, span.start..span.end);
        None
    };
    let mut emitter = CallbackEmitter::new(callback);
    emitter.naively_switch_states(true);
    if let Some(token) = Tokenizer::new_with_emitter(input, emitter).next() {
        match token {
            Ok(never) | Err(never) => match never {},
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests;
