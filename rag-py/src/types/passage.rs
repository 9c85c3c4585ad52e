//! A passage as stored.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rag_core::store::PassageRow;

use super::{repr, short};
use crate::pickle::{Reduced, reduce};

/// A passage of a document, as the knowledge base holds it.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Passage(pub(crate) PassageRow);

#[pymethods]
impl Passage {
    /// Its number in its file, never reused.
    #[getter]
    fn id(&self) -> i64 {
        self.0.id
    }

    /// The number of its document.
    #[getter]
    fn document_id(&self) -> i64 {
        self.0.document_id
    }

    /// The document: an absolute path, or the name that added text was given.
    #[getter]
    fn uri(&self) -> &str {
        &self.0.uri
    }

    /// Title of the document.
    #[getter]
    fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// Its place in the document, from 0.
    #[getter]
    fn ordinal(&self) -> usize {
        self.0.ordinal
    }

    /// First byte in the document's text (UTF-8).
    #[getter]
    fn start(&self) -> usize {
        self.0.start
    }

    /// One past its last byte.
    #[getter]
    fn end(&self) -> usize {
        self.0.end
    }

    /// Page on which it begins, from 1.
    #[getter]
    fn page(&self) -> Option<u32> {
        self.0.page
    }

    /// Headings above it, outermost first, joined with " > ".
    #[getter]
    fn heading(&self) -> Option<&str> {
        self.0.heading.as_deref()
    }

    /// Its text.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// The same as plain values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item("id", self.0.id)?;
        dict.set_item("document_id", self.0.document_id)?;
        dict.set_item("uri", &self.0.uri)?;
        dict.set_item("title", &self.0.title)?;
        dict.set_item("ordinal", self.0.ordinal)?;
        dict.set_item("start", self.0.start)?;
        dict.set_item("end", self.0.end)?;
        dict.set_item("page", self.0.page)?;
        dict.set_item("heading", &self.0.heading)?;
        dict.set_item("text", &self.0.text)?;
        Ok(dict)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Passage", &self.0)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let uri = repr(py, &self.0.uri)?;
        Ok(format!("Passage(id={}, uri={uri}, text={})", self.0.id, short(py, &self.0.text)?))
    }
}
