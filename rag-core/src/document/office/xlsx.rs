//! XLSX: sheets as headings, stretches of rows as tables, values as a person sees them.

use std::collections::HashMap;

use super::{chart, is_on, properties};
use crate::document::draft::{Draft, Join, part};
use crate::document::package::Package;
use crate::document::place::Unit;
use crate::document::sheet::{self, Format};
use crate::document::xml::{Tag, Visit, Xml};
use crate::document::{BlockKind, Document, Kind, Reader, Source, one_line};
use crate::error::Result;

/// Reads XLSX and XLSM.
pub(in crate::document) struct XlsxReader;

/// The list of sheets.
const WORKBOOK: &str = "xl/workbook.xml";

impl Reader for XlsxReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        let mut draft = Draft::default();
        properties(&mut package, source, &mut draft)?;
        let book = Book::read(&mut package, source)?;
        for (name, target) in &book.sheets {
            let Some(text) = package.text(target)? else { continue };
            let whole = part(Unit::Row, 1, Some(&format!("sheet {name}")));
            draft.heading(1, name, &whole);
            let merged = merged_cells(&mut Xml::new(source.path, target, &text))?;
            let (join, row) = (Join::Start, 0);
            let mut sheet =
                Sheet { source, book: &book, name, draft: &mut draft, join, row, merged };
            sheet.read(&mut Xml::new(source.path, target, &text))?;
            let relations = package.relations(target)?;
            for relation in &relations {
                let part = relation.target.as_str();
                match relation.kind.as_str() {
                    "drawing" => add_drawing(&mut package, source, part, &mut draft, name)?,
                    "comments" | "threadedComment" => {
                        add_comments(&mut package, source, part, &mut draft, name)?;
                    }
                    _ => {}
                }
            }
        }
        draft.metadata.insert("sheet_count".to_owned(), book.sheets.len().to_string());
        draft.finish(Kind::Xlsx, source)
    }
}

/// What the sheets share.
struct Book {
    /// Name and part of each visible sheet.
    sheets: Vec<(String, String)>,
    strings: Vec<String>,
    /// How each cell style shows numbers.
    formats: Vec<Format>,
    /// Whether days are counted from 1904.
    from_1904: bool,
}

impl Book {
    fn read(package: &mut Package<'_>, source: &Source<'_>) -> Result<Self> {
        let relations = package.relations(WORKBOOK)?;
        let text = package.required(WORKBOOK)?;
        let mut book =
            Self { sheets: Vec::new(), strings: Vec::new(), formats: Vec::new(), from_1904: false };
        let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
            match tag.name() {
                "workbookPr" => {
                    book.from_1904 = tag.attribute("date1904").is_some() && is_on(tag, "date1904");
                }
                "sheet" if tag.attribute("state").is_none_or(|state| state == "visible") => {
                    let id = tag.attribute_named("r:id").or_else(|| tag.attribute("id"));
                    let found = relations.iter().find(|relation| Some(&relation.id) == id.as_ref());
                    let name = tag.attribute("name").unwrap_or_default();
                    book.sheets
                        .extend(found.map(|relation| (one_line(&name), relation.target.clone())));
                }
                _ => {}
            }
            Ok(Visit::Enter)
        };
        Xml::new(source.path, WORKBOOK, &text).each(child, |_| {})?;
        if let Some(relation) = relations.iter().find(|r| r.kind == "sharedStrings") {
            book.strings = shared_strings(package, source, &relation.target)?;
        }
        if let Some(relation) = relations.iter().find(|r| r.kind == "styles") {
            book.formats = formats(package, source, &relation.target)?;
        }
        Ok(book)
    }
}

/// Bytes of a cell; a sheet holds at most 32,767 characters in one.
const MAX_CELL_BYTES: usize = 4 * 32_767;

fn shared_strings(
    package: &mut Package<'_>,
    source: &Source<'_>,
    name: &str,
) -> Result<Vec<String>> {
    let Some(text) = package.text(name)? else { return Ok(Vec::new()) };
    let mut strings = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "si" => {
                let mut string = rich_text(xml)?;
                string.truncate(string.floor_char_boundary(MAX_CELL_BYTES));
                strings.push(string);
                Visit::Done
            }
            _ => Visit::Enter,
        })
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    Ok(strings)
}

/// A text with runs, without its phonetic guide.
fn rich_text(xml: &mut Xml<'_>) -> Result<String> {
    let mut text = String::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            // Threads of comments use a name of their own.
            "t" | "text" => {
                text.push_str(&xml.text()?);
                Visit::Done
            }
            "rPh" | "rPr" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    Ok(text)
}

/// How the cells of each style show numbers (ECMA-376 part 1, 18.8.30).
fn formats(package: &mut Package<'_>, source: &Source<'_>, name: &str) -> Result<Vec<Format>> {
    let Some(text) = package.text(name)? else { return Ok(Vec::new()) };
    let mut codes: HashMap<u32, String> = HashMap::new();
    let mut formats = Vec::new();
    let mut in_cells = false;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        match tag.name() {
            "numFmt" => {
                let id = tag.number("numFmtId").unwrap_or(0);
                codes.insert(id, tag.attribute("formatCode").unwrap_or_default());
            }
            "cellXfs" => in_cells = true,
            "cellStyleXfs" | "cellStyles" | "dxfs" => in_cells = false,
            "xf" if in_cells => {
                let id: u32 = tag.number("numFmtId").unwrap_or(0);
                let code = codes.get(&id).map(String::as_str);
                formats.push(code.map_or_else(|| Format::built_in(id), Format::of_code));
            }
            _ => {}
        }
        Ok(Visit::Enter)
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    Ok(formats)
}

struct Sheet<'a> {
    source: &'a Source<'a>,
    book: &'a Book,
    name: &'a str,
    draft: &'a mut Draft,
    join: Join,
    /// The row that was read last, from 1.
    row: usize,
    /// The areas of merged cells that are still below or on the row.
    merged: Vec<Merged>,
}

/// An area that shows the value of its first cell.
struct Merged {
    columns: std::ops::RangeInclusive<usize>,
    rows: std::ops::RangeInclusive<usize>,
    text: String,
}

/// Merged areas of a sheet that are looked at.
const MAX_MERGED: usize = 5000;

/// Rows or columns of an area that its value is repeated over.
const MAX_AREA: usize = 30;

/// The areas of merged cells, which stand behind the rows, in the order of their first rows.
fn merged_cells(xml: &mut Xml<'_>) -> Result<Vec<Merged>> {
    let mut merged = Vec::new();
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        if tag.name() == "mergeCell"
            && merged.len() < MAX_MERGED
            && let Some(area) = tag.attribute("ref").and_then(|area| Merged::parse(&area))
        {
            merged.push(area);
        }
        Ok(if tag.name() == "row" { Visit::Skip } else { Visit::Enter })
    };
    xml.each(child, |_| {})?;
    merged.sort_by_key(|area: &Merged| *area.rows.start());
    Ok(merged)
}

impl Merged {
    fn parse(area: &str) -> Option<Self> {
        let (first, last) = area.split_once(':')?;
        let (left, right) = (sheet::column(first)?, sheet::column(last)?);
        let (top, bottom) = (sheet::row(first)?, sheet::row(last)?);
        let columns = left..=right.min(left + MAX_AREA);
        Some(Self { columns, rows: top..=bottom.min(top + MAX_AREA), text: String::new() })
    }
}

/// A cell as it is read.
#[derive(Default)]
struct Cell {
    kind: String,
    style: usize,
    value: String,
    inline: Option<String>,
}

impl Sheet<'_> {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "row" => {
                    let row = tag.number("r").unwrap_or(self.row + 1);
                    self.read_row(xml, row)?;
                    self.draft.check(self.source)?;
                    Visit::Done
                }
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    fn read_row(&mut self, xml: &mut Xml<'_>, row: usize) -> Result<()> {
        let mut cells: Vec<(usize, String)> = Vec::new();
        let mut column = 0;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if tag.name() != "c" {
                return Ok(Visit::Enter);
            }
            column = tag.attribute("r").and_then(|r| sheet::column(&r)).unwrap_or(column + 1);
            let mut cell = Cell {
                kind: tag.attribute("t").unwrap_or_default(),
                style: tag.number("s").unwrap_or(0),
                ..Cell::default()
            };
            cell.read(xml)?;
            cells.push((column, cell.shown(self.book)));
            Ok(Visit::Done)
        };
        xml.each(child, |_| {})?;
        if row != self.row + 1 {
            self.join = Join::Start;
        }
        self.row = row;
        self.fill(row, &mut cells);
        let cells = sheet::spread(cells);
        if cells.is_empty() {
            self.join = Join::Start;
            return Ok(());
        }
        let location = part(Unit::Row, row, Some(&format!("sheet {}", self.name)));
        self.draft.row(&cells, self.join, &location);
        self.join = Join::Continue;
        Ok(())
    }
}

impl Sheet<'_> {
    /// Repeats the value of each merged area in the cells of this row that it covers.
    fn fill(&mut self, row: usize, cells: &mut Vec<(usize, String)>) {
        self.merged.retain(|area| *area.rows.end() >= row);
        if cells.is_empty() {
            return;
        }
        let on_row = self.merged.partition_point(|area| *area.rows.start() <= row);
        for area in self.merged.iter_mut().take(on_row) {
            if *area.rows.start() == row {
                let first = cells.iter().find(|(column, _)| column == area.columns.start());
                area.text = first.map(|(_, text)| text.clone()).unwrap_or_default();
            }
            let alone = cells.iter().all(|(column, _)| area.columns.contains(column));
            if alone || area.text.trim().is_empty() || area.text.len() > 200 {
                continue;
            }
            cells
                .retain(|(column, text)| !area.columns.contains(column) || !text.trim().is_empty());
            for column in area.columns.clone() {
                if !cells.iter().any(|(taken, _)| *taken == column) {
                    cells.push((column, area.text.clone()));
                }
            }
        }
        cells.sort_by_key(|(column, _)| *column);
    }
}

impl Cell {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "v" => {
                    self.value = xml.text()?;
                    Visit::Done
                }
                "is" => {
                    self.inline = Some(rich_text(xml)?);
                    Visit::Done
                }
                _ => Visit::Skip,
            })
        };
        xml.each(child, |_| {})
    }

    /// The value as the sheet shows it.
    fn shown(self, book: &Book) -> String {
        if let Some(inline) = self.inline {
            return inline;
        }
        match self.kind.as_str() {
            "s" => {
                let index = self.value.trim().parse::<usize>().ok();
                index.and_then(|index| book.strings.get(index)).cloned().unwrap_or_default()
            }
            "b" => if self.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            "" | "n" => match self.value.trim().parse::<f64>() {
                Ok(number) => {
                    let format = book.formats.get(self.style).copied().unwrap_or_default();
                    format.show(number, book.from_1904)
                }
                Err(_) => self.value,
            },
            _ => self.value,
        }
    }
}

/// The charts and text boxes that lie over a sheet.
fn add_drawing(
    package: &mut Package<'_>,
    source: &Source<'_>,
    name: &str,
    draft: &mut Draft,
    sheet: &str,
) -> Result<()> {
    let Some(text) = package.text(name)? else { return Ok(()) };
    let location = part(Unit::Row, 1, Some(&format!("sheet {sheet}")));
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "txBody" => {
                for paragraph in super::drawing_paragraphs(xml)? {
                    draft.block(BlockKind::Paragraph, &paragraph.text, &location);
                }
                Visit::Done
            }
            "Fallback" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    for relation in package.relations(name)?.iter().filter(|r| r.kind == "chart") {
        chart::add(package, source, &relation.target, draft, &location)?;
    }
    Ok(())
}

/// What people wrote on cells.
fn add_comments(
    package: &mut Package<'_>,
    source: &Source<'_>,
    name: &str,
    draft: &mut Draft,
    sheet: &str,
) -> Result<()> {
    let Some(text) = package.text(name)? else { return Ok(()) };
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "comment" | "threadedComment" => {
                let reference = tag.attribute("ref").unwrap_or_default();
                let row = sheet::row(&reference).unwrap_or(1);
                let location = part(Unit::Row, row, Some(&format!("sheet {sheet}")));
                let text = rich_text(xml)?;
                // What older programs show in place of a thread.
                if !text.starts_with("[Threaded comment]") {
                    draft.block(BlockKind::Quote, &text, &location);
                }
                Visit::Done
            }
            "authors" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    Xml::new(source.path, name, &text).each(child, |_| {})
}
