//! What supports a part of an answer.

use pyo3::prelude::*;

use super::{repr, short};
use crate::dict::{to_plain, word};
use crate::pickle::{Reduced, reduce};

/// A span of a document that supports a part of an answer.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Citation(pub(crate) rag_core::cite::Citation);

#[pymethods]
impl Citation {
    /// The number in the answer's text, from 1.
    #[getter]
    fn marker(&self) -> usize {
        self.0.marker
    }

    /// The passage that holds the quote.
    #[getter]
    fn passage_id(&self) -> i64 {
        self.0.passage_id
    }

    /// The document: an absolute path, or the name that added text was given.
    #[getter]
    fn uri(&self) -> &str {
        &self.0.uri
    }

    /// Page, from 1.
    #[getter]
    fn page(&self) -> Option<u32> {
        self.0.page
    }

    /// First byte of the quote in the document's text (UTF-8).
    #[getter]
    fn start(&self) -> usize {
        self.0.start
    }

    /// One past its last byte.
    #[getter]
    fn end(&self) -> usize {
        self.0.end
    }

    /// First byte in the source file, where the format has them.
    #[getter]
    fn source_start(&self) -> Option<u64> {
        self.0.source_start
    }

    /// One past the last byte in the source file.
    #[getter]
    fn source_end(&self) -> Option<u64> {
        self.0.source_end
    }

    /// Where it begins, for a person: "page 3", "sheet Budget, row 12", "bytes 10-20".
    #[getter]
    fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// Which file it is of: 0 for the knowledge base itself, 1 for the first of `also`.
    #[getter]
    fn store(&self) -> usize {
        self.0.store
    }

    /// The words of the document.
    #[getter]
    fn quote(&self) -> &str {
        &self.0.quote
    }

    /// How much of the claim the quote covers, 0 to 1.
    #[getter]
    fn support(&self) -> f32 {
        self.0.support
    }

    /// How the support was found: "quote" (word for word), "near" (but for a word in ten), "words"
    /// or "meaning" (in another language).
    #[getter]
    fn evidence(&self, py: Python<'_>) -> PyResult<String> {
        word(py, &self.0.evidence)
    }

    /// "ok", "moved", "changed", "missing" or "unverified" (nobody looked): whether the quote stood
    /// in the source when the answer was made.
    #[getter]
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        word(py, &self.0.status)
    }

    /// The same as plain values, with the keys of `rag ask --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Citation", &self.0)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Citation(marker={}, uri={}, start={}, end={}, status={}, quote={})",
            self.0.marker,
            repr(py, &self.0.uri)?,
            self.0.start,
            self.0.end,
            repr(py, &word(py, &self.0.status)?)?,
            short(py, &self.0.quote)?
        ))
    }
}
