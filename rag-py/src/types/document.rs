//! A document as stored.

use std::collections::BTreeMap;

use pyo3::prelude::*;
use rag_core::store::StoredDocument;

use super::report::Unread;
use super::repr;
use crate::dict::to_plain;
use crate::pickle::{Reduced, reduce};

/// A document as the knowledge base holds it, without its text; or a file that was passed over.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Document(pub(crate) StoredDocument);

#[pymethods]
impl Document {
    /// Its number in its file, never reused.
    #[getter]
    fn id(&self) -> i64 {
        self.0.id
    }

    /// An absolute path, or the name that added text was given.
    #[getter]
    fn uri(&self) -> &str {
        &self.0.uri
    }

    /// The format: "markdown", "pdf", ...
    #[getter]
    fn kind(&self) -> &str {
        &self.0.kind
    }

    /// Its title.
    #[getter]
    fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// Its language, an ISO 639-1 code.
    #[getter]
    fn lang(&self) -> Option<&str> {
        self.0.lang.as_deref()
    }

    /// Size of the source when it was read, in bytes.
    #[getter]
    fn size_bytes(&self) -> u64 {
        self.0.size_bytes
    }

    /// Its time of last change when it was read, seconds since 1970; 0 for added text.
    #[getter]
    fn modified(&self) -> f64 {
        self.0.mtime_ns as f64 / 1e9
    }

    /// Bytes of its text (UTF-8).
    #[getter]
    fn text_bytes(&self) -> u64 {
        self.0.text_bytes
    }

    /// Passages it was cut into.
    #[getter]
    fn passage_count(&self) -> usize {
        self.0.passage_count
    }

    /// What its format or the caller says of it.
    #[getter]
    fn metadata(&self) -> BTreeMap<String, String> {
        self.0.metadata.clone()
    }

    /// Why nothing of it is held, if it was passed over.
    #[getter]
    fn skipped(&self) -> Option<&str> {
        self.0.skipped.as_ref().map(|why| why.message.as_str())
    }

    /// What of its source was not read and is not held, one entry a kind.
    #[getter]
    fn unread(&self) -> Vec<Unread> {
        Unread::all(&self.0.unread)
    }

    /// The same as plain values, with the keys of `rag list --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Document", &self.0)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let (uri, kind) = (repr(py, &self.0.uri)?, repr(py, &self.0.kind)?);
        if self.0.skipped.is_some() {
            return Ok(format!("Document(uri={uri}, skipped)"));
        }
        Ok(format!("Document(uri={uri}, kind={kind}, passage_count={})", self.0.passage_count))
    }
}
