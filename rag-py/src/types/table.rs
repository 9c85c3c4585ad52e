//! A table of a document.

use pyo3::prelude::*;
use rag_core::table::{DataTable, TableInfo};

use super::repr;
use crate::dict::to_plain;

/// A table of a document: from `KnowledgeBase.table` with its rows, from `KnowledgeBase.tables`
/// without.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Table {
    pub(crate) info: TableInfo,
    pub(crate) cells: Option<DataTable>,
}

#[pymethods]
impl Table {
    /// What it is asked for by: number of the document and place in it, such as "7.2".
    #[getter]
    fn id(&self) -> &str {
        &self.info.id
    }

    /// The document.
    #[getter]
    fn uri(&self) -> &str {
        &self.info.uri
    }

    /// What stands over it: its own title, or the heading.
    #[getter]
    fn title(&self) -> Option<&str> {
        self.info.title.as_deref()
    }

    /// For each column a dict of "name", "kind" ("text", "integer", "number", "percent",
    /// "currency" or "date"), "unit" and "note".
    #[getter]
    fn columns<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.info.columns)
    }

    /// Rows of values: without header, titles and rows of totals.
    #[getter]
    fn row_count(&self) -> usize {
        self.info.row_count
    }

    /// What is not certain about it, or was left out.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.info.notes.clone()
    }

    /// The cells of each row as text; None for a table of a list.
    #[getter]
    fn rows(&self) -> Option<Vec<Vec<String>>> {
        let table = self.cells.as_ref()?;
        let row = |row| table.row(row).map(str::to_owned).collect();
        Some((0..table.row_count()).map(row).collect())
    }

    /// Where the cell of a row and a column, both from 0, stands in the document's text, in bytes;
    /// None without rows.
    fn span(&self, row: usize, column: usize) -> Option<(usize, usize)> {
        let span = self.cells.as_ref()?.span(row, column);
        Some((span.start, span.end))
    }

    /// The same as plain values, with the keys of `rag table --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.cells {
            Some(table) => to_plain(py, table),
            None => to_plain(py, &self.info),
        }
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (id, title) = (repr(py, &self.info.id)?, self.info.title.as_deref());
        let title = repr(py, title.unwrap_or_default())?;
        Ok(format!("Table(id={id}, title={title}, row_count={})", self.info.row_count))
    }
}
