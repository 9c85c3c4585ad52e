//! DOCX: paragraphs by their styles, lists with their numbers, tables, notes and comments.

use super::numbering::{Label, Numbering};
use super::styles::Styles;
use super::{chart, is_on, math, properties};
use crate::document::draft::{Draft, Join, part};
use crate::document::package::{Package, Relation};
use crate::document::place::Unit;
use crate::document::xml::{Tag, Visit, Xml};
use crate::document::{BlockKind, Document, Kind, Location, Reader, Source, one_line};
use crate::error::Result;

/// Reads DOCX and DOCM.
pub(in crate::document) struct DocxReader;

/// What follows the body, and the word before each of it.
const NOTES: [(&str, &str, &str); 3] = [
    ("word/footnotes.xml", "footnote", "footnote"),
    ("word/endnotes.xml", "endnote", "endnote"),
    ("word/comments.xml", "comment", "comment"),
];

impl Reader for DocxReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        let main = main_part(&mut package)?;
        let mut reading = Reading {
            styles: Styles::read(&mut package, source)?,
            numbering: Numbering::read(&mut package, source)?,
            relations: package.relations(&main)?,
            draft: Draft::default(),
            charts: Vec::new(),
            paragraph: 0,
            table: 0,
            note: None,
        };
        properties(&mut package, source, &mut reading.draft)?;
        let text = package.required(&main)?;
        reading.flow(&mut Xml::new(source.path, &main, &text))?;
        for (name, location) in std::mem::take(&mut reading.charts) {
            chart::add(&mut package, source, &name, &mut reading.draft, &location)?;
        }
        for (name, element, word) in NOTES {
            if let Some(text) = package.text(name)? {
                reading.notes(&mut Xml::new(source.path, name, &text), element, word)?;
            }
        }
        reading.draft.finish(Kind::Docx, source)
    }
}

/// The part that the container names as its document.
fn main_part(package: &mut Package<'_>) -> Result<String> {
    let relations = package.relations("")?;
    let found = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    Ok(found.map_or_else(|| "word/document.xml".to_owned(), |relation| relation.target))
}

struct Reading {
    styles: Styles,
    numbering: Numbering,
    relations: Vec<Relation>,
    draft: Draft,
    /// Charts met, with the place they were met at.
    charts: Vec<(String, Location)>,
    /// Paragraphs and tables so far.
    paragraph: usize,
    table: usize,
    /// While notes are read: what they are called.
    note: Option<(&'static str, usize)>,
}

/// A paragraph as it is read.
#[derive(Default)]
struct Paragraph {
    style: String,
    text: String,
    outline: Option<u8>,
    /// List and level of its own properties.
    list: Option<String>,
    level: Option<usize>,
    /// What frames and text boxes inside it hold.
    boxes: Vec<Paragraph>,
}

impl Reading {
    /// Reads paragraphs and tables up to the end of the element that was begun.
    fn flow(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let location = self.next_place();
                    let paragraph = self.paragraph(xml, &location)?;
                    self.write(paragraph, &location);
                    Visit::Done
                }
                "tbl" => {
                    self.table += 1;
                    self.read_table(xml)?;
                    Visit::Done
                }
                "sectPr" | "sdtPr" | "sdtEndPr" | "Fallback" | "del" | "moveFrom" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    fn next_place(&mut self) -> Location {
        if let Some((word, number)) = self.note {
            return part(Unit::Paragraph, 1, Some(&format!("{word} {number}")));
        }
        self.paragraph += 1;
        part(Unit::Paragraph, self.paragraph, None)
    }

    fn paragraph(&mut self, xml: &mut Xml<'_>, location: &Location) -> Result<Paragraph> {
        let mut paragraph = Paragraph::default();
        let mut hidden = false;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            let text = &mut paragraph.text;
            Ok(match tag.name() {
                "t" if hidden => Visit::Skip,
                "t" => {
                    text.push_str(&xml.text()?);
                    Visit::Done
                }
                "tab" | "ptab" => push_and_skip(text, "\t"),
                "br" | "cr" => push_and_skip(text, "\n"),
                "noBreakHyphen" => push_and_skip(text, "-"),
                "sym" => push_and_skip(text, &symbol(tag)),
                "pStyle" => {
                    paragraph.style = tag.attribute("val").unwrap_or_default();
                    Visit::Skip
                }
                "numId" => {
                    paragraph.list = tag.attribute("val");
                    Visit::Skip
                }
                "ilvl" => {
                    paragraph.level = tag.number("val");
                    Visit::Skip
                }
                "outlineLvl" => {
                    paragraph.outline = tag.number("val");
                    Visit::Skip
                }
                "oMath" => {
                    math::add(xml, text)?;
                    Visit::Done
                }
                "txbxContent" => {
                    paragraph.boxes.extend(self.text_box(xml, location)?);
                    Visit::Done
                }
                "chart" => {
                    self.meet_chart(tag, location);
                    Visit::Skip
                }
                "r" => {
                    hidden = false;
                    Visit::Enter
                }
                "rPr" => {
                    hidden = hides_run(xml)?;
                    Visit::Done
                }
                "Fallback" | "del" | "moveFrom" | "instrText" | "delText" | "delInstrText"
                | "pPrChange" | "sdtPr" | "tblPr" | "sectPr" | "fldData" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        Ok(paragraph)
    }

    /// The paragraphs of a text box; a table in it gives one for each row.
    fn text_box(&mut self, xml: &mut Xml<'_>, location: &Location) -> Result<Vec<Paragraph>> {
        let mut paragraphs = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let mut paragraph = self.paragraph(xml, location)?;
                    let inner = std::mem::take(&mut paragraph.boxes);
                    paragraphs.push(paragraph);
                    paragraphs.extend(inner);
                    Visit::Done
                }
                "sdtPr" | "Fallback" | "sectPr" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        Ok(paragraphs)
    }

    fn meet_chart(&mut self, tag: &Tag<'_>, location: &Location) {
        let id = tag.attribute("id").unwrap_or_default();
        if let Some(relation) = self.relations.iter().find(|relation| relation.id == id) {
            self.charts.push((relation.target.clone(), location.clone()));
        }
    }

    /// Adds a paragraph to the document, then those of the boxes in it.
    fn write(&mut self, mut paragraph: Paragraph, location: &Location) {
        let boxes = std::mem::take(&mut paragraph.boxes);
        self.write_one(&paragraph, location);
        for inner in &boxes {
            self.write_one(inner, location);
        }
    }

    fn write_one(&mut self, paragraph: &Paragraph, location: &Location) {
        let text = paragraph.text.trim();
        if text.is_empty() {
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
    fn label(&mut self, paragraph: &Paragraph) -> Option<Label> {
        let (list, level) = self.styles.numbering(&paragraph.style);
        let list = paragraph.list.clone().or(list).filter(|list| list != "0")?;
        let level = paragraph.level.or(level).unwrap_or(0);
        self.numbering.next(&list, level)
    }

    fn read_table(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let name = format!("table {}", self.table);
        let mut rows = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "tr" => {
                    let location = part(Unit::Row, rows.len() + 1, Some(&name));
                    rows.push((self.cells(xml, &location)?, location));
                    Visit::Done
                }
                "tblPr" | "tblGrid" | "del" | "sdtPr" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        let (mut grid, mut join) = (ColumnGrid::default(), Join::Start);
        for (cells, location) in rows {
            let row = grid.row(cells);
            self.draft.row(&row, join, &location);
            join = Join::Continue;
        }
        Ok(())
    }

    fn cells(&mut self, xml: &mut Xml<'_>, location: &Location) -> Result<Vec<Cell>> {
        let mut cells = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "tc" => {
                    let mut cell = Cell { columns: 1, ..Cell::default() };
                    self.cell(xml, location, &mut cell)?;
                    cells.push(cell);
                    Visit::Done
                }
                "trPr" | "tblPrEx" | "sdtPr" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        Ok(cells)
    }

    /// The paragraphs of a cell, those of tables in it too.
    fn cell(&mut self, xml: &mut Xml<'_>, location: &Location, cell: &mut Cell) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let paragraph = self.paragraph(xml, location)?;
                    let number = match self.label(&paragraph) {
                        Some(Label::Number(number)) => format!("{number} "),
                        _ => String::new(),
                    };
                    let boxes = paragraph.boxes.iter().map(|inner| one_line(&inner.text));
                    let own = one_line(&format!("{number}{}", paragraph.text));
                    let texts = std::iter::once(own).chain(boxes);
                    cell.words.extend(texts.filter(|text| !text.is_empty()));
                    Visit::Done
                }
                "gridSpan" => {
                    cell.columns = tag.number("val").unwrap_or(1);
                    Visit::Skip
                }
                "vMerge" => {
                    cell.goes_on = tag.attribute("val").as_deref() != Some("restart");
                    Visit::Skip
                }
                "tblPr" | "sdtPr" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    /// Footnotes, endnotes or comments, each set off by its word.
    fn notes(&mut self, xml: &mut Xml<'_>, element: &str, word: &'static str) -> Result<()> {
        let mut number = 0;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if tag.name() != element {
                return Ok(Visit::Enter);
            }
            // Lines between text and notes, not notes.
            if tag.attribute("type").is_some_and(|kind| kind != "normal") {
                return Ok(Visit::Skip);
            }
            number += 1;
            self.note = Some((word, number));
            self.flow(xml)?;
            Ok(Visit::Done)
        };
        let result = xml.each(child, |_| {});
        self.note = None;
        result
    }
}

/// A cell of a table.
#[derive(Default)]
struct Cell {
    words: Vec<String>,
    /// Columns it covers.
    columns: usize,
    /// Whether it is the lower part of a merged cell.
    goes_on: bool,
}

/// Bytes of a cell that is repeated; a longer one stands only once.
const MAX_REPEATED_BYTES: usize = 400;

/// Columns that one cell is repeated over.
const MAX_SPAN: usize = 30;

/// Rows of cells that say they go on from above, not how far they reach down.
#[derive(Default)]
struct ColumnGrid {
    /// The last text of each column.
    above: Vec<String>,
}

impl ColumnGrid {
    fn row(&mut self, cells: Vec<Cell>) -> Vec<String> {
        let mut row = Vec::new();
        let alone = cells.len() == 1;
        for cell in cells {
            let is_short = |text: &&String| text.len() <= MAX_REPEATED_BYTES;
            let above = self.above.get(row.len()).filter(|_| cell.goes_on).filter(is_short);
            let text = above.cloned().unwrap_or_else(|| cell.words.join(" "));
            let columns = if alone { 1 } else { cell.columns.clamp(1, MAX_SPAN) };
            let again = if is_short(&&text) { text.clone() } else { String::new() };
            row.push(text);
            row.extend(std::iter::repeat_n(again, columns - 1));
        }
        self.above.clone_from(&row);
        row
    }
}

fn push_and_skip(text: &mut String, piece: &str) -> Visit {
    text.push_str(piece);
    Visit::Skip
}

/// Reads the properties of a run to their end.
fn hides_run(xml: &mut Xml<'_>) -> Result<bool> {
    let mut hidden = false;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        hidden |= tag.name() == "vanish" && is_on(tag, "val");
        Ok(Visit::Skip)
    };
    xml.each(child, |_| {})?;
    Ok(hidden)
}

/// A character of a symbol font, where it has a character of its own.
fn symbol(tag: &Tag<'_>) -> String {
    let code = tag.attribute("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
    match code {
        Some(0xF0B7 | 0xF0A7) => "\u{2022}".to_owned(),
        Some(0xF0E0) => "\u{2192}".to_owned(),
        Some(0xF0FC | 0xF050) => "\u{2713}".to_owned(),
        Some(code) if !(0xE000..=0xF8FF).contains(&code) => {
            char::from_u32(code).map(String::from).unwrap_or_default()
        }
        _ => String::new(),
    }
}
