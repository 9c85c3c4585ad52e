//! HTML: a linear tokenizer and our own rules for blocks, so that no nesting can make it slow.
//!
//! Scripts, styles and hidden parts are left out, and what is judged to be the site's rather than the page's. Every run
//! of text maps to its exact bytes in the file.

use std::convert::Infallible;

use encoding_rs::Encoding;
use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use super::markdown::primary_language;
use super::{Document, Kind, Reader, Source, encoding, first_heading, guard, one_line, unread};
use crate::error::Result;

mod builder;
mod math;
mod notes;
mod raised;
mod runs;
mod spans;
mod tags;

use builder::{Boilerplate, Builder};
pub(super) use math::Formula;

/// Reads HTML and XHTML.
pub(super) struct HtmlReader;

impl Reader for HtmlReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
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
pub(super) fn read_chapter(source: &Source<'_>) -> Result<Document> {
    let decoded = encoding::decode(source, declared_encoding(source.bytes))?;
    Ok(document(parse(&decoded.text, Boilerplate::Keep), decoded))
}

fn document(page: builder::Page, decoded: encoding::Decoded) -> Document {
    let mut metadata = page.metadata;
    if decoded.encoding != "UTF-8" {
        metadata.insert("encoding".to_owned(), decoded.encoding.to_owned());
    }
    let title = Some(one_line(&page.title)).filter(|title| !title.is_empty());
    Document {
        kind: Kind::Html,
        title: title.or_else(|| first_heading(&page.text, &page.blocks)),
        lang: page.lang.as_deref().and_then(primary_language),
        source_map: page.map.through(&page.text, &decoded.source_map),
        text: page.text,
        blocks: page.blocks,
        metadata,
        unread: Vec::new(),
    }
}

/// Less text than this is no page to speak of.
const FEW_BYTES: usize = 80;

/// Runs the tokenizer over `input`.
fn parse(input: &str, boilerplate: Boilerplate) -> builder::Page {
    let mut builder = Builder::new(input, boilerplate);
    let callback = |event: CallbackEvent<'_>, span: Span<usize>| -> Option<Infallible> {
        guard::tick();
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

/// The encoding a `<meta>` element names in the first 4 KiB (HTML standard, 13.2.3.2, simplified).
pub(super) fn declared_encoding(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..4096).unwrap_or(bytes).to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    let metas = head.split("<meta").skip(1).filter_map(|rest| rest.split('>').next());
    let mut labels = metas.filter_map(|meta| meta.split_once("charset=").map(|(_, label)| label));
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split("?>").next());
    let xml = declaration.and_then(|d| d.split_once("encoding=")).map(|(_, label)| label);
    let label = labels.next().or(xml)?.trim_start_matches(['"', '\'', ' ']);
    let label = label.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).next()?;
    Encoding::for_label(label.as_bytes())
}

#[cfg(test)]
mod tests;
