//! Tables of a text document, with merged cells and rows that were deleted.

use super::DocxReading;
use super::paragraph::tick_of;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::ooxml::numbering::Label;
use crate::document::vocabulary::{Unit, UnreadKind, one_line, unread};
use crate::document::writing::draft::{Join, part};
use crate::error::Result;

/// A cell of a table.
#[derive(Default)]
struct DocxCell {
    words: Vec<String>,
    /// Columns it covers.
    columns: usize,
    /// Whether it is the lower part of a merged cell.
    goes_on: bool,
}

impl DocxReading<'_> {
    pub(super) fn read_table(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let name = format!("table {}", self.table);
        let mut rows = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "tr" => {
                    let location = part(Unit::Row, rows.len() + 1, Some(&name));
                    match self.cells(xml)? {
                        Some(cells) => rows.push((cells, location)),
                        None => unread::note(UnreadKind::DeletedText, 1),
                    }
                    Visit::Done
                }
                "sdtPr" => {
                    self.tick = tick_of(xml)?;
                    Visit::Done
                }
                "tblPr" | "tblGrid" | "del" => Visit::Skip,
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

    /// The cells of a row; nothing if a tracked change deleted it.
    fn cells(&mut self, xml: &mut Xml<'_>) -> Result<Option<Vec<DocxCell>>> {
        let mut cells = Vec::new();
        let mut is_deleted = false;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "tc" => {
                    let mut cell = DocxCell { columns: 1, ..DocxCell::default() };
                    self.cell(xml, &mut cell)?;
                    cells.push(cell);
                    Visit::Done
                }
                "trPr" => Visit::Enter,
                "del" => {
                    is_deleted = true;
                    Visit::Skip
                }
                "sdtPr" => {
                    self.tick = tick_of(xml)?;
                    Visit::Done
                }
                "tblPrEx" | "trPrChange" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        Ok((!is_deleted).then_some(cells))
    }

    /// The paragraphs of a cell, those of tables in it too.
    fn cell(&mut self, xml: &mut Xml<'_>, cell: &mut DocxCell) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let paragraph = self.paragraph(xml)?;
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
                "altChunk" => {
                    self.chunk(tag)?;
                    Visit::Skip
                }
                "sdtPr" => {
                    self.tick = tick_of(xml)?;
                    Visit::Done
                }
                "tblPr" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }
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
    fn row(&mut self, cells: Vec<DocxCell>) -> Vec<String> {
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
