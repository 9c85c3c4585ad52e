//! The rows of a sheet: values by their formats, formulas without values, merged cells.

use std::collections::HashMap;

use super::{XlsxBook, XlsxSheet, rich_text};
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::ooxml::is_on;
use crate::document::office::sheet;
use crate::document::vocabulary::{SourceFile, Unit, UnreadKind, one_line, unread};
use crate::document::writing::draft::{DocumentDraft, Join, part};
use crate::error::Result;

/// Reads the rows of one sheet.
pub(super) struct Sheet<'a> {
    source: &'a SourceFile<'a>,
    book: &'a XlsxBook,
    tab: &'a XlsxSheet,
    draft: &'a mut DocumentDraft,
    join: Join,
    /// The row that was read last, from 1.
    row: usize,
    /// The areas of merged cells that are still below or on the row.
    merged: Vec<Merged>,
    /// Formulas that several cells share: the text, and where it was written.
    shared: HashMap<u32, (String, usize, usize)>,
}

/// Formulas of a sheet that several cells share.
const MAX_SHARED: usize = 10_000;

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
struct XlsxCell {
    kind: String,
    style: usize,
    value: String,
    inline: Option<String>,
    formula: Option<SheetFormula>,
}

/// A formula as it is written; shared ones may leave the text to another cell.
#[derive(Default)]
struct SheetFormula {
    text: String,
    shared: Option<u32>,
}

impl<'a> Sheet<'a> {
    /// Looks through `xml` for merged cells, which stand behind the rows.
    pub(super) fn new(
        source: &'a SourceFile<'a>,
        book: &'a XlsxBook,
        tab: &'a XlsxSheet,
        draft: &'a mut DocumentDraft,
        xml: &mut Xml<'_>,
    ) -> Result<Self> {
        let merged = merged_cells(xml)?;
        Ok(Self {
            source,
            book,
            tab,
            draft,
            join: Join::Start,
            row: 0,
            merged,
            shared: HashMap::new(),
        })
    }

    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "row" => {
                    let row = tag.number("r").unwrap_or(self.row + 1);
                    let is_hidden = tag.attribute("hidden").is_some() && is_on(tag, "hidden");
                    self.read_row(xml, row, is_hidden)?;
                    self.draft.check(self.source)?;
                    Visit::Done
                }
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    fn read_row(&mut self, xml: &mut Xml<'_>, row: usize, is_hidden: bool) -> Result<()> {
        let mut cells: Vec<(usize, String)> = Vec::new();
        let mut column = 0;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if tag.name() != "c" {
                return Ok(Visit::Enter);
            }
            column = tag.attribute("r").and_then(|r| sheet::column(&r)).unwrap_or(column + 1);
            let mut cell = XlsxCell {
                kind: tag.attribute("t").unwrap_or_default(),
                style: tag.number("s").unwrap_or(0),
                ..XlsxCell::default()
            };
            cell.read(xml)?;
            let formula = cell.formula.take().and_then(|formula| {
                self.remember(&formula, column, row);
                cell.lacks_value(self.book).then(|| self.formula(&formula, column, row))
            });
            cells.push((column, formula.unwrap_or_else(|| cell.shown(self.book))));
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
        let place = format!("{}{}", self.tab.place(), if is_hidden { " (hidden)" } else { "" });
        let location = part(Unit::Row, row, Some(&place));
        self.draft.row(&cells, self.join, &location);
        self.join = Join::Continue;
        Ok(())
    }
}

impl Sheet<'_> {
    /// Keeps the text of a formula that others share, which only the first of them has.
    fn remember(&mut self, formula: &SheetFormula, column: usize, row: usize) {
        if let Some(index) = formula.shared
            && !formula.text.trim().is_empty()
            && self.shared.len() < MAX_SHARED
        {
            self.shared.insert(index, (formula.text.clone(), column, row));
        }
    }

    /// The text of a formula as it reads in this cell, whose value is not stored.
    fn formula(&self, formula: &SheetFormula, column: usize, row: usize) -> String {
        unread::note(UnreadKind::Formula, 1);
        let away = |to: usize, from: usize| {
            i64::try_from(to).unwrap_or(0) - i64::try_from(from).unwrap_or(0)
        };
        let shared = formula.shared.and_then(|index| self.shared.get(&index));
        let text = match shared {
            Some((text, from_column, from_row)) if formula.text.trim().is_empty() => {
                sheet::moved(text, away(column, *from_column), away(row, *from_row))
            }
            _ => one_line(&formula.text),
        };
        if text.is_empty() { text } else { format!("={text}") }
    }

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

impl XlsxCell {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "f" => {
                    let shared = tag.attribute("t").filter(|kind| kind == "shared");
                    let shared = shared.and_then(|_| tag.number("si"));
                    self.formula = Some(SheetFormula { text: xml.text()?, shared });
                    Visit::Done
                }
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

    /// Whether a formula stands here whose value was never calculated.
    fn lacks_value(&self, book: &XlsxBook) -> bool {
        let value = self.value.trim();
        let is_text = self.kind == "str";
        value.is_empty() && !is_text || value == "0" && book.is_uncalculated
    }

    /// The value as the sheet shows it.
    fn shown(self, book: &XlsxBook) -> String {
        let format = book.formats.get(self.style).cloned().unwrap_or_default();
        if let Some(inline) = self.inline {
            return format.show_text(inline);
        }
        let value = self.value.trim();
        match self.kind.as_str() {
            "s" => {
                let index = value.parse::<usize>().ok();
                let text = index.and_then(|index| book.strings.get(index)).cloned();
                format.show_text(text.unwrap_or_default())
            }
            "b" => if matches!(value, "1" | "true") { "TRUE" } else { "FALSE" }.to_owned(),
            "" | "n" => match value.parse::<f64>() {
                Ok(number) => format.show(number, book.from_1904),
                Err(_) => self.value,
            },
            _ => format.show_text(sheet::unescaped(self.value)),
        }
    }
}
