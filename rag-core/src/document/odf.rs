//! OpenDocument (ISO/IEC 26300): text, sheets and slides, from `content.xml`.

use std::collections::HashMap;

use super::draft::{Draft, Join, part};
use super::markdown::primary_language;
use super::package::Package;
use super::place::Unit;
use super::xml::{Node, Tag, Visit, Xml};
use super::{BlockKind, Document, Kind, Location, Reader, Source, one_line, sheet};
use crate::error::{Error, Result, Unreadable};

/// Reads ODT, ODS and ODP.
pub(super) struct OdfReader(pub(super) Kind);

/// The part that holds the text.
const CONTENT: &str = "content.xml";

/// Times a cell or row is written out that says it repeats.
const MAX_REPEATS: usize = 200;

/// Bytes that the copies of one cell that repeats may take.
const MAX_COPY_BYTES: usize = 16 << 10;

/// Bytes of a merged cell that is repeated; a longer one stands only once.
const MAX_MERGED_BYTES: usize = 400;

/// Blanks in a row that are written out.
const MAX_BLANKS: usize = 64;

impl Reader for OdfReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        if is_encrypted(&mut package) {
            return Err(Error::document(
                source.path,
                Unreadable::Encrypted,
                "encrypted: it needs a password",
            ));
        }
        let mut reading = Reading::default();
        properties(&mut package, source, &mut reading.draft);
        let text = package.required(CONTENT)?;
        reading.parents = parents(&mut Xml::new(source.path, CONTENT, &text))?;
        reading.flow(&mut Xml::new(source.path, CONTENT, &text))?;
        reading.draft.finish(self.0, source)
    }
}

fn is_encrypted(package: &mut Package<'_>) -> bool {
    let manifest = package.text("META-INF/manifest.xml");
    matches!(manifest, Ok(Some(text)) if text.contains("encryption-data"))
}

fn properties(package: &mut Package<'_>, source: &Source<'_>, draft: &mut Draft) {
    // Metadata says nothing about the subject: damage to it is no reason to refuse the file.
    let Ok(Some(text)) = package.text("meta.xml") else { return };
    let mut xml = Xml::new(source.path, "meta.xml", &text);
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        let key = match tag.name() {
            "title" => "title",
            "initial-creator" => "author",
            "creator" => "last_author",
            "subject" => "subject",
            "keyword" => "keywords",
            "description" => "description",
            "language" => "language",
            "creation-date" => "created",
            "date" => "modified",
            "document-statistic" => {
                pairs.extend(tag.attribute("page-count").map(|count| ("page_count", count)));
                return Ok(Visit::Skip);
            }
            _ => return Ok(Visit::Enter),
        };
        pairs.push((key, xml.text()?));
        Ok(Visit::Done)
    };
    let _ = xml.each(child, |_| {});
    for (key, value) in pairs {
        draft.note(key, &value);
    }
    draft.lang = draft.metadata.get("language").and_then(|tag| primary_language(tag));
}

/// The named style that each automatic style is made from.
fn parents(xml: &mut Xml<'_>) -> Result<HashMap<String, String>> {
    let mut parents = HashMap::new();
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        if tag.name() == "style" {
            parents.extend(tag.attribute("name").zip(tag.attribute("parent-style-name")));
        }
        Ok(if tag.name() == "body" { Visit::Skip } else { Visit::Enter })
    };
    xml.each(child, |_| {})?;
    Ok(parents)
}

#[derive(Default)]
struct Reading {
    draft: Draft,
    parents: HashMap<String, String>,
    /// For each column of the table, the merged cell that hangs into it and for how many more rows.
    hanging: Vec<(String, usize)>,
    /// Paragraphs, tables and slides so far.
    counts: [usize; 3],
    /// The slide that is being read.
    place: Option<Location>,
}

impl Reading {
    fn next_place(&mut self) -> Location {
        self.counts[0] += 1;
        self.place.clone().unwrap_or_else(|| part(Unit::Paragraph, self.counts[0], None))
    }

    /// Reads what stands between the tags of a body, a list, a slide.
    fn flow(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "h" => {
                    let level = tag.number("outline-level").unwrap_or(1);
                    let text = self.paragraph(xml)?;
                    let location = self.next_place();
                    self.draft.heading(level, &text.0, &location);
                    self.boxes(text.1, &location);
                    Visit::Done
                }
                "p" => {
                    self.plain_paragraph(xml, tag)?;
                    Visit::Done
                }
                "list" => {
                    self.list(xml)?;
                    Visit::Done
                }
                "table" => {
                    self.table(xml, tag)?;
                    Visit::Done
                }
                "page" => {
                    self.counts[2] += 1;
                    self.place = Some(part(Unit::Slide, self.counts[2], None));
                    self.flow(xml)?;
                    self.place = None;
                    Visit::Done
                }
                "frame" if is_title(tag) => {
                    let text = one_line(&frame_text(xml)?);
                    let location = self.next_place();
                    self.draft.heading(1, &text, &location);
                    Visit::Done
                }
                "desc" | "title" if self.place.is_some() => Visit::Skip,
                name if is_apart(name) => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    fn plain_paragraph(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<()> {
        let style = tag.attribute("style-name").unwrap_or_default();
        let style = self.parents.get(&style).cloned().unwrap_or(style);
        let (text, boxes) = self.paragraph(xml)?;
        let location = self.next_place();
        match style.as_str() {
            "Title" => self.draft.heading(1, &text, &location),
            "Quotations" => self.draft.block(BlockKind::Quote, &text, &location),
            "Preformatted_20_Text" => self.draft.block(BlockKind::Code, &text, &location),
            _ => self.draft.block(BlockKind::Paragraph, &text, &location),
        }
        self.boxes(boxes, &location);
        Ok(())
    }

    fn boxes(&mut self, boxes: Vec<String>, location: &Location) {
        for text in boxes {
            self.draft.block(BlockKind::Paragraph, &text, location);
        }
    }

    fn list(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let (text, boxes) = self.paragraph(xml)?;
                    let location = self.next_place();
                    self.draft.block(BlockKind::ListItem, &format!("- {text}"), &location);
                    self.boxes(boxes, &location);
                    Visit::Done
                }
                "h" => {
                    let level = tag.number("outline-level").unwrap_or(1);
                    let (text, _) = self.paragraph(xml)?;
                    let location = self.next_place();
                    self.draft.heading(level, &text, &location);
                    Visit::Done
                }
                name if is_apart(name) => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    /// The text of a paragraph, and the texts of notes and frames in it.
    fn paragraph(&mut self, xml: &mut Xml<'_>) -> Result<(String, Vec<String>)> {
        let (mut text, mut boxes) = (String::new(), Vec::new());
        let mut depth = 1;
        while depth > 0 {
            match xml.next()? {
                None => break,
                Some(Node::End) => depth -= 1,
                Some(Node::Text(piece)) => push_text(&mut text, &piece),
                Some(Node::Start(tag)) => match tag.name() {
                    "s" => {
                        let count = tag.number("c").unwrap_or(1).min(MAX_BLANKS);
                        text.extend(std::iter::repeat_n(' ', count));
                        depth += 1;
                    }
                    "tab" => {
                        text.push('\t');
                        depth += 1;
                    }
                    "line-break" => {
                        text.push('\n');
                        depth += 1;
                    }
                    "note-body" | "text-box" => {
                        let inner = frame_text(xml)?;
                        boxes.push(inner);
                    }
                    "note-citation" | "desc" | "title" => xml.skip()?,
                    name if is_apart(name) => xml.skip()?,
                    _ => depth += 1,
                },
            }
        }
        Ok((text, boxes))
    }

    fn table(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<()> {
        self.counts[1] += 1;
        let sheet = tag.attribute("name").map(|name| one_line(&name)).unwrap_or_default();
        // Tables of a text have names that nobody sees.
        let is_sheet = self.place.is_none() && self.counts[0] == 0 || self.in_sheets();
        let name =
            if is_sheet { format!("sheet {sheet}") } else { format!("table {}", self.counts[1]) };
        if is_sheet && !sheet.is_empty() {
            self.draft.heading(1, &sheet, &part(Unit::Row, 1, Some(&name)));
        }
        self.hanging.clear();
        let (mut row, mut join) = (0_usize, Join::Start);
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if tag.name() == "table-row" {
                let repeats = tag.number("number-rows-repeated").unwrap_or(1_usize).max(1);
                let cells = self.row(xml)?;
                for index in 0..repeats.min(if cells.is_empty() { 1 } else { MAX_REPEATS }) {
                    let location = part(Unit::Row, row + index + 1, Some(&name));
                    let location = self.place.clone().unwrap_or(location);
                    self.draft.row(&cells, join, &location);
                    join = if cells.is_empty() { Join::Start } else { Join::Continue };
                }
                row = row.saturating_add(repeats);
                return Ok(Visit::Done);
            }
            Ok(if is_apart(tag.name()) { Visit::Skip } else { Visit::Enter })
        };
        xml.each(child, |_| {})
    }

    fn in_sheets(&self) -> bool {
        let sheets = |block: &super::Block| {
            matches!(block.kind, BlockKind::Heading { level: 1 } | BlockKind::Table)
        };
        self.place.is_none() && self.draft.blocks.iter().all(sheets)
    }

    /// The texts of a row. A merged cell stands in every cell that it covers.
    fn row(&mut self, xml: &mut Xml<'_>) -> Result<Vec<String>> {
        let mut cells: Vec<(usize, String)> = Vec::new();
        let mut column = 0_usize;
        // The last merged cell: its text and the column after it.
        let mut merged = (String::new(), 0_usize);
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if !matches!(tag.name(), "table-cell" | "covered-table-cell") {
                return Ok(Visit::Enter);
            }
            let number = |name| tag.number(name).unwrap_or(1_usize).max(1);
            let repeats = number("number-columns-repeated");
            let (columns, rows) = (number("number-columns-spanned"), number("number-rows-spanned"));
            let mut text = one_line(&frame_text(xml)?);
            if tag.name() == "covered-table-cell" && text.is_empty() {
                text = self.covering(column, &merged);
            } else if (columns > 1 || rows > 1) && text.len() <= MAX_MERGED_BYTES {
                merged = (text.clone(), column.saturating_add(columns.min(MAX_REPEATS)));
                self.hang(column, merged.1, &text, rows);
            }
            let most =
                if text.is_empty() { 1 } else { MAX_REPEATS.min(1 + MAX_COPY_BYTES / text.len()) };
            for index in 0..repeats.min(most) {
                cells.push((column + index + 1, text.clone()));
            }
            column = column.saturating_add(repeats);
            Ok(Visit::Done)
        };
        xml.each(child, |_| {})?;
        let alone = cells.iter().all(|(_, text)| text.is_empty() || *text == merged.0);
        if alone && !merged.0.is_empty() {
            cells.truncate(1);
        }
        Ok(sheet::spread(cells))
    }

    /// The merged cell that covers a column from the left or from above.
    fn covering(&mut self, column: usize, merged: &(String, usize)) -> String {
        if column < merged.1 {
            return merged.0.clone();
        }
        match self.hanging.get_mut(column) {
            Some((text, left)) if *left > 0 => {
                *left -= 1;
                text.clone()
            }
            _ => String::new(),
        }
    }

    fn hang(&mut self, from: usize, to: usize, text: &str, rows: usize) {
        if rows < 2 || to > MAX_HANGING {
            return;
        }
        self.hanging.resize(self.hanging.len().max(to), Default::default());
        for place in self.hanging.iter_mut().take(to).skip(from) {
            *place = (text.to_owned(), rows - 1);
        }
    }
}

/// Columns in which merged cells are followed downwards.
const MAX_HANGING: usize = 1000;

/// White space in ODF is as in HTML: any run of it is one blank.
fn push_text(text: &mut String, piece: &str) {
    for c in piece.chars() {
        match c {
            '\n' | '\r' | '\t' | ' ' => {
                if !text.ends_with([' ', '\n']) {
                    text.push(' ');
                }
            }
            c => text.push(c),
        }
    }
}

/// The text of a frame, note or cell: its paragraphs, a blank between them.
fn frame_text(xml: &mut Xml<'_>) -> Result<String> {
    let mut text = String::new();
    let mut depth = 1;
    while depth > 0 {
        match xml.next()? {
            None => break,
            Some(Node::End) => depth -= 1,
            Some(Node::Text(piece)) => push_text(&mut text, &piece),
            Some(Node::Start(tag)) => {
                if is_apart(tag.name()) || tag.name() == "note-citation" {
                    xml.skip()?;
                    continue;
                }
                if matches!(tag.name(), "p" | "h" | "s" | "tab" | "line-break") {
                    push_text(&mut text, " ");
                }
                depth += 1;
            }
        }
    }
    Ok(text)
}

/// Parts that are no text of the document: what was deleted, remarks, forms, notes for the printer.
fn is_apart(name: &str) -> bool {
    matches!(
        name,
        "tracked-changes"
            | "annotation"
            | "annotation-end"
            | "forms"
            | "index-title-template"
            | "sequence-decls"
            | "automatic-styles"
            | "font-face-decls"
            | "scripts"
            | "shapes"
            | "binary-data"
            | "event-listeners"
            | "settings"
            | "date-time-decl"
            | "footer-decl"
            | "header-decl"
    )
}

fn is_title(tag: &Tag<'_>) -> bool {
    tag.attribute("class").as_deref() == Some("title")
}
