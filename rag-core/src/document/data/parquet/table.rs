//! The rows of a Parquet file, read a few at a time from all columns.

use std::sync::Arc;

use bytes::Bytes;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::columns::{Column, columns};
use super::footer;
use super::pages::{PageBudget, Pages};
use crate::document::limits;
use crate::document::vocabulary::{Document, DocumentKind, SourceFile, Unit};
use crate::document::writing::draft::{DocumentDraft, Join, part};
use crate::error::{Error, Result, Unreadable};

/// Rows of a table, as many as are computed with.
const MAX_ROWS: u64 = 1 << 20;

/// Cells of a table, as many as are computed with.
const MAX_CELLS: u64 = 16 << 20;

/// Columns of a table, as many as a row of a document keeps.
const MAX_COLUMNS: usize = 4096;

/// Bytes of all cells, as many as the text of a document may have.
const MAX_CELL_BYTES: usize = 64 << 20;

/// Bytes of the footer, which tells of each column in each row group.
const MAX_FOOTER_BYTES: usize = 16 << 20;

/// Rows that are decoded at once.
const ROWS_AT_ONCE: usize = 256;

/// Reads the table.
pub(super) fn read(source: &SourceFile<'_>) -> Result<Document> {
    let metadata = metadata(source)?;
    let schema = metadata.file_metadata().schema_descr();
    if schema.num_columns() > MAX_COLUMNS {
        return Err(too_large(source, format!("more than {MAX_COLUMNS} columns")));
    }
    let columns = columns(schema);
    let rows = row_count(source, &metadata, columns.len())?;
    let mut table = Table {
        source,
        file: Bytes::copy_from_slice(source.bytes),
        budget: Arc::new(PageBudget::new(source.path)),
        columns,
        draft: DocumentDraft::default(),
        row: 0,
        cell_bytes: 0,
    };
    table.header();
    for group in metadata.row_groups() {
        table.group(group)?;
    }
    let mut draft = table.draft;
    draft.metadata.insert("row_count".to_owned(), rows.to_string());
    draft.finish(DocumentKind::Parquet, source)
}

fn broken(source: &SourceFile<'_>, what: impl Into<String>) -> Error {
    Error::document(source.path, Unreadable::Broken, what)
}

fn too_large(source: &SourceFile<'_>, what: impl Into<String>) -> Error {
    Error::document(source.path, Unreadable::TooLarge, what)
}

/// An error of the decoders, or one of ours that came through them.
fn failed(source: &SourceFile<'_>, what: &str, error: ParquetError) -> Error {
    let cause = match error {
        ParquetError::External(cause) => match cause.downcast::<Error>() {
            Ok(ours) => return *ours,
            Err(other) => ParquetError::External(other),
        },
        other => other,
    };
    let reason = format!("broken Parquet file: {what}");
    Error::document_cause(source.path, Unreadable::Broken, reason, cause)
}

/// The footer: behind it stand its length and the mark of the format.
fn metadata(source: &SourceFile<'_>) -> Result<ParquetMetaData> {
    let cut = || broken(source, "broken Parquet file: it does not end as one, copy it again");
    let body = source.bytes.strip_suffix(super::MARK).ok_or_else(cut)?;
    let (body, length) = body.split_last_chunk().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    let start = body.len().checked_sub(length).filter(|start| *start >= super::MARK.len());
    let footer = start.and_then(|start| body.get(start..));
    let footer = footer.ok_or_else(|| {
        broken(source, format!("broken Parquet file: a footer of {length} bytes is not there"))
    })?;
    if length > MAX_FOOTER_BYTES {
        let reason = format!("a footer of {length} bytes, the cap is {MAX_FOOTER_BYTES}");
        return Err(too_large(source, reason));
    }
    if !footer::is_sound(footer) {
        return Err(broken(source, "broken Parquet file: its footer cannot be read"));
    }
    ParquetMetaDataReader::decode_metadata(footer)
        .map_err(|error| failed(source, "its footer cannot be read", error))
}

/// The rows of all groups, if they are not too many.
fn row_count(source: &SourceFile<'_>, metadata: &ParquetMetaData, width: usize) -> Result<u64> {
    let groups = metadata.row_groups().iter().map(|group| u64::try_from(group.num_rows()).ok());
    let rows = groups.reduce(|sum, rows| sum?.checked_add(rows?)).unwrap_or(Some(0));
    let rows = rows.ok_or_else(|| broken(source, "broken Parquet file: less than no rows"))?;
    if rows > MAX_ROWS {
        return Err(too_large(source, format!("{rows} rows, the cap is {MAX_ROWS}")));
    }
    let cells = rows.saturating_mul(width as u64);
    if cells > MAX_CELLS {
        return Err(too_large(source, format!("{cells} cells, the cap is {MAX_CELLS}")));
    }
    Ok(rows)
}

/// A table in the making.
struct Table<'a> {
    source: &'a SourceFile<'a>,
    file: Bytes,
    budget: Arc<PageBudget>,
    columns: Vec<Column>,
    draft: DocumentDraft,
    /// The row that was written last, from 1.
    row: usize,
    cell_bytes: usize,
}

impl Table<'_> {
    /// Writes the names of the columns.
    fn header(&mut self) {
        let names: Vec<String> = self.columns.iter().map(|column| column.name.clone()).collect();
        self.draft.row(&names, Join::Start, &part(Unit::Row, 1, Some("header")));
    }

    /// Reads the rows of a group.
    fn group(&mut self, group: &RowGroupMetaData) -> Result<()> {
        let mut readers = self.readers(group)?;
        let mut left = usize::try_from(group.num_rows()).unwrap_or(0);
        while left > 0 {
            let count = left.min(ROWS_AT_ONCE);
            let cells = self.cells(&mut readers, count)?;
            for row in cells {
                self.row += 1;
                let location = part(Unit::Row, self.row, None);
                self.draft.row(&row, Join::Continue, &location);
                self.draft.check(self.source)?;
            }
            left -= count;
        }
        Ok(())
    }

    fn readers(&self, group: &RowGroupMetaData) -> Result<Vec<ColumnReader>> {
        if group.columns().len() != self.columns.len() {
            return Err(broken(self.source, "broken Parquet file: a row group lacks columns"));
        }
        let open = |(chunk, column): (_, &Column)| {
            let pages = Pages::new(&self.file, chunk, &self.budget);
            let pages = pages.map_err(|error| self.failed(column, error))?;
            Ok(get_column_reader(chunk.column_descr_ptr(), Box::new(pages)))
        };
        group.columns().iter().zip(&self.columns).map(open).collect()
    }

    fn failed(&self, column: &Column, error: ParquetError) -> Error {
        let name: String = column.name.chars().take(80).collect();
        failed(self.source, &format!("column {name:?} cannot be read"), error)
    }

    /// The cells of the next rows.
    fn cells(&mut self, readers: &mut [ColumnReader], count: usize) -> Result<Vec<Vec<String>>> {
        let mut rows = vec![Vec::with_capacity(readers.len()); count];
        for (reader, column) in readers.iter_mut().zip(&self.columns) {
            limits::tick();
            self.budget.next_rows();
            let cells = column.cells(reader, count);
            let cells = cells.map_err(|error| self.failed(column, error))?;
            self.cell_bytes += cells.iter().map(String::len).sum::<usize>();
            if self.cell_bytes > MAX_CELL_BYTES {
                let reason = format!("its text is longer than {MAX_CELL_BYTES} bytes");
                return Err(too_large(self.source, reason));
            }
            for (row, cell) in rows.iter_mut().zip(cells) {
                row.push(cell);
            }
        }
        Ok(rows)
    }
}
