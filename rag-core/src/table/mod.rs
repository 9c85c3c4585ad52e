//! Tables of documents: where they stand in a text, what their columns hold, and what is computed
//! from them.
//!
//! They are found again in what the store keeps of a document: its passages, and where each part
//! came from. Nothing of them is stored, so a file that was written before has its tables too. What
//! cannot be told for sure (which of two numbers `1,234` is, a row whose cells do not line up) is
//! said in a note, and then nothing is computed from it.
mod columns;
mod compute;
mod day;
mod find;
mod layout;
mod plan;
mod quantity;
mod question;

use std::borrow::Cow;
use std::ops::Range;

use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::options::words;

pub(crate) use columns::CellReading;
pub(crate) use find::tables;
pub(crate) use layout::Stored;
pub use plan::{
    TableAggregate, TableAnswer, TableFilter, TableFunction, TablePlan, TableSort, TableTest,
};
pub(crate) use plan::{Told, columns_of, told};
pub(crate) use question::{
    Hint, Planned, WordGap, asks_for_a_figure, asks_for_rows, carried_on, files_named, gaps, plan,
    plan_with,
};

words! {
    /// What the cells of a column are.
    pub enum ColumnKind("kind") {
        /// Words, codes, formulas, and whatever is not alike.
        Text = "text",
        /// Whole numbers.
        Integer = "integer",
        /// Numbers with decimals, or with a unit.
        Number = "number",
        /// Numbers with a per cent sign.
        Percent = "percent",
        /// Amounts of one currency.
        Currency = "currency",
        /// Days.
        Date = "date",
    }
}

impl ColumnKind {
    /// Whether it is computed with.
    #[must_use]
    pub fn is_number(self) -> bool {
        !matches!(self, Self::Text | Self::Date)
    }
}

/// A column of a table, as its cells show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableColumn {
    /// What the header calls it; `column 3` without a name.
    pub name: String,
    /// What its cells are.
    pub kind: ColumnKind,
    /// The unit of all its numbers, from the cells or the header: `kg`, `EUR`, `%`.
    pub unit: Option<String>,
    /// Why it is not what it looks like, or is not computed with.
    pub note: Option<String>,
}

/// A table of a document, without its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableInfo {
    /// What it is asked for by: number of the document and place in it, such as `7.2`. Stays until
    /// the document changes.
    pub id: String,
    /// The document.
    pub uri: String,
    /// What stands over it: its own title, or the heading.
    pub title: Option<String>,
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// Rows of values: without header, titles and rows of totals.
    pub row_count: usize,
    /// First byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// What is not certain about it as a whole, or was left out.
    pub notes: Vec<String>,
}

/// A table with its cells.
///
/// In JSON it is [`TableInfo`] with `rows`: for each row its cells, each `{"text", "start",
/// "end"}` in bytes of the document's text.
#[derive(Debug, Clone)]
pub struct DataTable {
    /// All but the cells.
    pub info: TableInfo,
    /// The text that the cells point into.
    text: std::sync::Arc<str>,
    /// Row by row, so many cells each as there are columns.
    cells: Vec<[u32; 2]>,
    /// How each column is read as values.
    readings: Vec<Option<CellReading>>,
    /// Why nothing is computed from it.
    flaw: Option<String>,
    /// Whether its cells may stand in the wrong columns, so that not even one is looked up.
    is_ragged: bool,
    /// Whether rows that are no values were left out: how many rows there are is then a matter of
    /// opinion.
    has_sections: bool,
    /// Where its rows are fields, the column of their names and that of what they hold.
    fields: Option<[usize; 2]>,
    /// The title of the document and the headings that it stands under.
    about: String,
    /// What stands once over all columns: the period of a report.
    caption: String,
}

impl DataTable {
    /// Rows of values.
    #[must_use]
    pub fn row_count(&self) -> usize {
        self.info.row_count
    }

    /// The words of a cell; empty beyond the last.
    #[must_use]
    pub fn cell(&self, row: usize, column: usize) -> &str {
        let text = self.text.get(self.span(row, column)).unwrap_or_default();
        columns::plain(text)
    }

    /// The cells of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = &str> {
        (0..self.info.columns.len()).map(move |column| self.cell(row, column))
    }

    /// Where a cell stands in the document's text, in bytes; empty beyond the last.
    #[must_use]
    pub fn span(&self, row: usize, column: usize) -> Range<usize> {
        let width = self.info.columns.len();
        let place = row.checked_mul(width).and_then(|start| start.checked_add(column));
        let cell = place.filter(|_| column < width).and_then(|place| self.cells.get(place));
        cell.map_or(0..0, |cell| cell[0] as usize..cell[1] as usize)
    }

    /// The words of a cell on one line, signs beside the number that they belong to.
    pub(crate) fn shown(&self, row: usize, column: usize) -> Cow<'_, str> {
        let cell = self.cell(row, column);
        if cell.contains('\t') { cell.replace('\t', "").into() } else { cell.into() }
    }

    /// How the cells of a column are read as values; `None` for words.
    pub(crate) fn reading(&self, column: usize) -> Option<&CellReading> {
        self.readings.get(column)?.as_ref()
    }

    /// Why nothing is computed from it.
    pub(crate) fn flaw(&self) -> Option<&str> {
        self.flaw.as_deref()
    }
}

impl Serialize for DataTable {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Cell<'a> {
            text: Cow<'a, str>,
            start: usize,
            end: usize,
        }
        let cell = |row, column| {
            let span = self.span(row, column);
            Cell { text: self.shown(row, column), start: span.start, end: span.end }
        };
        let width = self.info.columns.len();
        let rows: Vec<Vec<Cell<'_>>> = (0..self.row_count())
            .map(|row| (0..width).map(|column| cell(row, column)).collect())
            .collect();
        let info = &self.info;
        let mut map = serializer.serialize_struct("DataTable", 9)?;
        map.serialize_field("id", &info.id)?;
        map.serialize_field("uri", &info.uri)?;
        map.serialize_field("title", &info.title)?;
        map.serialize_field("columns", &info.columns)?;
        map.serialize_field("row_count", &info.row_count)?;
        map.serialize_field("start", &info.start)?;
        map.serialize_field("end", &info.end)?;
        map.serialize_field("notes", &info.notes)?;
        map.serialize_field("rows", &rows)?;
        map.end()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
