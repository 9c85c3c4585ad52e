//! Calendars (iCalendar, RFC 5545) and address cards (vCard 2.1 to 4.0, RFC 6350): one section an
//! event or person, one paragraph a field.
//!
//! The crates for them bring the time zones of the world with them; what a reader needs is the
//! content lines.

mod calendar;
mod contacts;
mod dates;
mod lines;

use crate::document::text::encoding;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Reader, SourceFile, SourceMap, first_heading,
};
use crate::document::writing::flow::Flow;
use crate::error::Result;
pub(in crate::document) use dates::filetime;
use lines::ContentLine;

/// Reads calendars.
pub(in crate::document) struct CalendarReader;

/// Reads address cards.
pub(in crate::document) struct ContactsReader;

/// Components inside components; deeper ones count as this deep.
const MAX_DEPTH: usize = 32;

impl Reader for CalendarReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        read(source, DocumentKind::Calendar, calendar::write)
    }
}

impl Reader for ContactsReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        read(source, DocumentKind::Contacts, contacts::write)
    }
}

fn read(
    source: &SourceFile<'_>,
    kind: DocumentKind,
    write: fn(&[ContentLine], &mut CardsText),
) -> Result<Document> {
    // A fold may part the bytes of one character: then only the unfolded text can be decoded, and
    // its places are lost.
    let is_wide = source.bytes.contains(&0);
    let parted = !is_wide && std::str::from_utf8(source.bytes).is_err();
    let unfolded = if parted { Some(lines::unfold_bytes(source.bytes)) } else { None };
    let bytes = unfolded.as_deref().unwrap_or(source.bytes);
    let decoded = encoding::decode(&SourceFile { bytes, ..*source }, None)?;
    let mut page = CardsText::default();
    write(&lines::read(&decoded.text), &mut page);
    page.flow.end(BlockKind::Paragraph);
    let flow = page.flow;
    let source_map = match parted {
        true => {
            let mut map = SourceMap::default();
            map.push_whole(0, &flow.text, 0..source.bytes.len() as u64);
            map
        }
        false => flow.map.through(&flow.text, &decoded.source_map),
    };
    let title = page.title.or_else(|| first_heading(&flow.text, &flow.blocks));
    let metadata = [("entry_count".to_owned(), page.entry_count.to_string())].into();
    Ok(Document {
        kind,
        title,
        lang: None,
        source_map,
        text: flow.text,
        blocks: flow.blocks,
        sections: Vec::new(),
        metadata,
        unread: Vec::new(),
    })
}

/// The text in the making.
#[derive(Default)]
struct CardsText {
    flow: Flow,
    title: Option<String>,
    /// Events, tasks or persons.
    entry_count: usize,
}

impl CardsText {
    fn heading(&mut self, level: u8, text: &str, line: Option<&ContentLine>) {
        let range = line.map_or(0..0, |line| line.range.clone());
        self.flow.whole(text, range);
        self.flow.end(BlockKind::Heading { level });
    }

    /// A field as a paragraph; its first line stands behind the label, further ones are paragraphs
    /// of their own.
    fn field(&mut self, label: &str, text: &str, line: &ContentLine) {
        let mut paragraphs = text.lines().map(str::trim).filter(|text| !text.is_empty());
        let Some(first) = paragraphs.next() else { return };
        self.flow.whole(&format!("{label}: {first}"), line.range.clone());
        self.flow.end(BlockKind::Paragraph);
        for paragraph in paragraphs {
            self.flow.whole(paragraph, line.range.clone());
            self.flow.end(BlockKind::Paragraph);
        }
    }
}

/// The components of the given names, outermost first, each with its own lines and those of
/// components inside it that have none of these names left out.
fn components<'a>(
    lines: &'a [ContentLine],
    names: &[&str],
) -> Vec<(&'a str, Vec<&'a ContentLine>)> {
    let mut done = Vec::new();
    // for each open component: its number among those that are kept, if it is one
    let mut open: Vec<Option<usize>> = Vec::new();
    for line in lines {
        match line.name.as_str() {
            "BEGIN" => {
                let name = line.value.trim();
                let is_kept = names.iter().any(|kept| kept.eq_ignore_ascii_case(name));
                if is_kept {
                    done.push((name, Vec::new()));
                }
                if open.len() < MAX_DEPTH {
                    open.push(is_kept.then(|| done.len() - 1));
                }
            }
            "END" => {
                open.pop();
            }
            _ => {
                if let Some((_, own)) = open.last().copied().flatten().and_then(|n| done.get_mut(n))
                {
                    own.push(line);
                }
            }
        }
    }
    done
}

#[cfg(test)]
mod tests;
