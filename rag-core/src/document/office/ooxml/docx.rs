//! DOCX: paragraphs by their styles, lists with their numbers, tables, notes and comments.

use super::here::Here;
use super::numbering::{Label, Numbering};
use super::objects::Objects;
use super::styles::WordStyles;
use super::{properties, signature};
use crate::document::archive::package::{Package, Relation};
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, UnreadKind, one_line,
    unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::Result;
use paragraph::{DocxParagraph, tick_of};

mod chunk;
mod paragraph;
mod table;

/// Reads DOCX and DOCM.
pub(in crate::document) struct DocxReader;

/// What follows the body, and the word for each of it.
const NOTES: [(&str, &str); 3] = [
    ("word/footnotes.xml", "footnote"),
    ("word/endnotes.xml", "endnote"),
    ("word/comments.xml", "comment"),
];

impl Reader for DocxReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        let main = main_part(&mut package)?;
        let mut draft = DocumentDraft::default();
        properties(&mut package, source, &mut draft)?;
        let text = package.required(&main)?;
        let mut reading = DocxReading {
            source,
            styles: WordStyles::read(&mut package, source)?,
            numbering: Numbering::read(&mut package, source)?,
            relations: package.relations(&main)?,
            package,
            draft,
            objects: Objects::default(),
            shown: Vec::new(),
            paragraph: 0,
            table: 0,
            note: None,
            tick: None,
        };
        reading.flow(&mut Xml::new(source.path, &main, &text))?;
        reading.add_objects()?;
        for (name, word) in NOTES {
            if let Some(text) = reading.package.text(name)? {
                reading.notes(&mut Xml::new(source.path, name, &text), word)?;
            }
        }
        reading.furniture();
        reading.draft.finish(DocumentKind::Docx, source)
    }
}

/// The part that the container names as its document.
fn main_part(package: &mut Package<'_>) -> Result<String> {
    let relations = package.relations("")?;
    let found = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    Ok(found.map_or_else(|| "word/document.xml".to_owned(), |relation| relation.target))
}

struct DocxReading<'r> {
    source: &'r SourceFile<'r>,
    package: Package<'r>,
    styles: WordStyles,
    numbering: Numbering,
    relations: Vec<Relation>,
    draft: DocumentDraft,
    objects: Objects,
    /// Ids of charts and diagrams met since the last block.
    shown: Vec<String>,
    /// Paragraphs and tables so far.
    paragraph: usize,
    table: usize,
    /// While notes are read: what they are called.
    note: Option<Note>,
    /// The state of a check box whose sign is still to come.
    tick: Option<bool>,
}

/// A note that is being read.
struct Note {
    /// `footnote`, `endnote` or `comment`.
    word: &'static str,
    number: usize,
    /// Who wrote it and when, until it is written.
    opening: String,
}

impl DocxReading<'_> {
    /// Reads paragraphs and tables up to the end of the element that was begun.
    fn flow(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let location = self.next_place();
                    let paragraph = self.paragraph(xml)?;
                    self.write(paragraph, &location);
                    self.add_shown(&location)?;
                    Visit::Done
                }
                "tbl" => {
                    self.table += 1;
                    self.read_table(xml)?;
                    let location = part(Unit::Row, 1, Some(&format!("table {}", self.table)));
                    self.add_shown(&location)?;
                    Visit::Done
                }
                "altChunk" => {
                    self.chunk(tag)?;
                    Visit::Skip
                }
                "sdtPr" => {
                    self.tick = tick_of(xml)?;
                    Visit::Done
                }
                "del" => {
                    unread::note(UnreadKind::DeletedText, 1);
                    Visit::Skip
                }
                "sectPr" | "sdtEndPr" | "Fallback" | "moveFrom" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    fn next_place(&mut self) -> Location {
        if let Some(note) = &self.note {
            return part(Unit::Paragraph, 1, Some(&format!("{} {}", note.word, note.number)));
        }
        self.paragraph += 1;
        part(Unit::Paragraph, self.paragraph, None)
    }

    /// Adds the charts and diagrams that were met since the last block.
    fn add_shown(&mut self, location: &Location) -> Result<()> {
        for id in std::mem::take(&mut self.shown) {
            if let Some(relation) = self.relations.iter().find(|relation| relation.id == id) {
                let (package, draft) = (&mut self.package, &mut self.draft);
                let here = &mut Here { package, source: self.source, draft, location };
                self.objects.add_shown(here, relation)?;
            }
        }
        Ok(())
    }

    /// Adds the files that are embedded in the document.
    fn add_objects(&mut self) -> Result<()> {
        let location = part(Unit::Paragraph, self.paragraph.max(1), None);
        let (package, draft) = (&mut self.package, &mut self.draft);
        let here = &mut Here { package, source: self.source, draft, location: &location };
        self.objects.add(here, &self.relations)
    }

    /// Adds a paragraph to the document, then those of the boxes in it.
    fn write(&mut self, mut paragraph: DocxParagraph, location: &Location) {
        let boxes = std::mem::take(&mut paragraph.boxes);
        self.write_one(&paragraph, location);
        for inner in &boxes {
            self.write_one(inner, location);
        }
    }

    fn write_one(&mut self, paragraph: &DocxParagraph, location: &Location) {
        let text = paragraph.text.trim();
        if text.is_empty() {
            return;
        }
        if let Some(note) = self.note.as_mut().filter(|note| note.word == "comment") {
            let text = format!("{}{text}", std::mem::take(&mut note.opening));
            self.draft.block(BlockKind::Quote, &text, location);
            return;
        }
        let style = paragraph.style.as_str();
        let outline = paragraph.outline.filter(|&outline| outline < 9).map(|outline| outline + 1);
        let heading = outline.or_else(|| self.styles.heading(style));
        let label = self.label(paragraph);
        if let Some(level) = heading {
            let number = match label {
                Some(Label::Number(number)) if !number.is_empty() => format!("{number} "),
                _ => String::new(),
            };
            self.draft.heading(level, &format!("{number}{text}"), location);
            return;
        }
        let kind = if self.styles.has_word(style, &["code", "preformatted", "verbatim"]) {
            BlockKind::Code
        } else if self.styles.has_word(style, &["quote", "citation"]) {
            BlockKind::Quote
        } else {
            BlockKind::Paragraph
        };
        match label {
            Some(Label::Bullet) => {
                self.draft.block(BlockKind::ListItem, &format!("- {text}"), location);
            }
            Some(Label::Number(number)) => {
                self.draft.block(BlockKind::ListItem, &format!("{number} {text}"), location);
            }
            None => self.draft.block(kind, text, location),
        }
    }

    /// Number or bullet; the paragraph's own properties count before those of its style.
    fn label(&mut self, paragraph: &DocxParagraph) -> Option<Label> {
        let (list, level) = self.styles.numbering(&paragraph.style);
        let list = paragraph.list.clone().or(list).filter(|list| list != "0")?;
        let level = paragraph.level.or(level).unwrap_or(0);
        self.numbering.next(&list, level)
    }

    /// Footnotes, endnotes or comments, each set off by its word.
    fn notes(&mut self, xml: &mut Xml<'_>, word: &'static str) -> Result<()> {
        let mut number = 0;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if tag.name() != word {
                return Ok(Visit::Enter);
            }
            // Lines between text and notes, not notes.
            if tag.attribute("type").is_some_and(|kind| kind != "normal") {
                return Ok(Visit::Skip);
            }
            number += 1;
            let author = tag.attribute("author").unwrap_or_default();
            let opening = signature(&author, &tag.attribute("date").unwrap_or_default());
            self.note = Some(Note { word, number, opening });
            self.flow(xml)?;
            Ok(Visit::Done)
        };
        let result = xml.each(child, |_| {});
        self.note = None;
        result
    }

    /// Notes what stands at the head and foot of the pages, once for each text.
    fn furniture(&mut self) {
        let mut seen = std::collections::HashSet::new();
        let kinds = ["header", "footer"];
        for relation in self.relations.iter().filter(|r| kinds.contains(&r.kind.as_str())) {
            let Ok(Some(text)) = self.package.text(&relation.target) else { continue };
            let words = furniture_text(&mut Xml::new(self.source.path, &relation.target, &text));
            let words = one_line(&words.unwrap_or_default());
            if words.chars().any(char::is_alphabetic) && seen.insert(words.clone()) {
                unread::note_named(UnreadKind::RepeatedText, &words);
            }
        }
    }
}

/// What a header or footer shows, without fields such as the number of the page.
fn furniture_text(xml: &mut Xml<'_>) -> Result<String> {
    let (mut text, mut fields) = (String::new(), 0_usize);
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "t" if fields == 0 => {
                text.push_str(&xml.text()?);
                Visit::Done
            }
            "fldChar" => {
                match tag.attribute("fldCharType").as_deref() {
                    Some("begin") => fields += 1,
                    Some("end") => fields = fields.saturating_sub(1),
                    _ => {}
                }
                Visit::Skip
            }
            "p" | "tab" | "tc" => {
                text.push(' ');
                Visit::Enter
            }
            "t" | "instrText" | "fldSimple" | "Fallback" | "del" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    Ok(text)
}
