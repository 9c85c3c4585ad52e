//! A passage found by a search.

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyTuple};

use super::{repr, short};
use crate::dict::to_plain;
use crate::pickle::{Reduced, reduce};

/// A passage found. It also unpacks and indexes as the pair `(passage_id, score)`.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Hit(pub(crate) rag_core::search::Hit);

#[pymethods]
impl Hit {
    /// The passage's number in its file, never reused.
    #[getter]
    fn passage_id(&self) -> i64 {
        self.0.passage_id
    }

    /// By what hits are sorted; higher is better. It ranks the hits of one search; across questions
    /// compare cosines.
    #[getter]
    fn score(&self) -> f32 {
        self.0.score
    }

    /// Cosine to the question, where vectors were searched and found it.
    #[getter]
    fn cosine(&self) -> Option<f32> {
        self.0.cosine
    }

    /// The document: an absolute path, or the name that added text was given.
    #[getter]
    fn uri(&self) -> &str {
        &self.0.uri
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

    /// Page, from 1.
    #[getter]
    fn page(&self) -> Option<u32> {
        self.0.page
    }

    /// Where it begins, for a person: "page 3", "sheet Budget, row 12".
    #[getter]
    fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// Title of the document.
    #[getter]
    fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// Headings above the passage, outermost first, joined with " > ".
    #[getter]
    fn heading(&self) -> Option<&str> {
        self.0.heading.as_deref()
    }

    /// The passage.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// Which file it is of: 0 for the knowledge base itself, 1 for the first of `also`.
    #[getter]
    fn store(&self) -> usize {
        self.0.store
    }

    /// BM25 of the question's words, where it was computed.
    #[getter]
    fn bm25(&self) -> Option<f32> {
        self.0.bm25
    }

    /// Where else the same words stand, as far as those passages were found too: dicts with
    /// "passage_id", "uri" and, if it is not 0, "store".
    #[getter]
    fn copies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.copies)
    }

    /// The newest version of its document that lies beside it, as far as their names say:
    /// "report_v3.docx" for a hit of "report_v1.docx"; None where there is none.
    #[getter]
    fn newer(&self) -> Option<&str> {
        self.0.newer.as_deref()
    }

    /// Its rank, from 1, among vectors ("dense"), among words ("lexical") and, if it was reranked,
    /// after that ("rerank").
    #[getter]
    fn ranks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.ranks)
    }

    /// Which words of `question` stand in which part of it: dicts with "field" ("title", "name",
    /// "heading" or "text") and "words", as they are written there. None for a hit that was found
    /// by its meaning alone; function words do not count.
    fn matched<'py>(&self, py: Python<'py>, question: &str) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &rag_core::search::matched(question, &self.0))
    }

    /// The same as plain values, with the keys of `rag search --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __len__(&self) -> usize {
        2
    }

    fn __getitem__<'py>(&self, index: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        self.pair(index.py())?.as_any().get_item(index)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.pair(py)?.try_iter()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Hit", &self.0)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "Hit(passage_id={}, score={:.4}, uri={}, text={})",
            self.0.passage_id,
            self.0.score,
            repr(py, &self.0.uri)?,
            short(py, &self.0.text)?
        ))
    }
}

impl Hit {
    fn pair<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (self.0.passage_id, self.0.score).into_pyobject(py)
    }
}
