//! What `compose` returns.

use pyo3::prelude::*;

use super::{Citation, Hit, short};
use crate::dict::{to_plain, word};
use crate::pickle::{Reduced, reduce};

/// A draft for a decision: each sentence says whether it is a document's or the model's own.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Draft(pub(crate) rag_core::DecisionDraft);

#[pymethods]
impl Draft {
    /// What was asked for: "synthesis", "scenarios", "argument", "assess", "explain" or "table".
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind.name()
    }

    /// Whether the documents hold something on the subject; if not, the draft has no parts.
    #[getter]
    fn found(&self) -> bool {
        self.0.found
    }

    /// The whole as Markdown: "[1]" behind what a document supports, "[*]" behind what is the
    /// model's own, the task's words in quotation marks.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// Its parts, in order: dicts with "part", "heading" and "sentences", each of these a dict with
    /// "text", "origin" ("cited", "model" or "task") and "markers".
    #[getter]
    fn sections<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.sections)
    }

    /// Whether the case keeps the rule, of kind "assess": "yes", "no" or "unclear"; else `None`.
    #[getter]
    fn verdict(&self) -> Option<&'static str> {
        self.0.verdict.map(rag_core::DraftVerdict::name)
    }

    /// What supports the sentences, by marker.
    #[getter]
    fn citations(&self) -> Vec<Citation> {
        self.0.citations.iter().cloned().map(Citation).collect()
    }

    /// Documents that give another figure or date for what is cited, as `Answer.conflicts`.
    #[getter]
    fn conflicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.conflicts)
    }

    /// Headings of the parts that only a generator writes and that are missing without one.
    #[getter]
    fn unwritten(&self) -> Vec<String> {
        self.0.unwritten.clone()
    }

    /// Why there is nothing; `None` when found.
    #[getter]
    fn reason(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.0.reason.as_ref().map(|reason| word(py, reason)).transpose()
    }

    /// How it ended: "answered", "not_found" or "refused".
    #[getter]
    fn outcome(&self, py: Python<'_>) -> PyResult<String> {
        word(py, &self.0.outcome)
    }

    /// Which guard refused and why, as `{"guard", "reason"}`; `None` if none did.
    #[getter]
    fn refusal<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.refusal)
    }

    /// How often each kind of personal data was masked; `None` without `mask`.
    #[getter]
    fn masked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.masked)
    }

    /// What was searched, planned from the task.
    #[getter]
    fn searches(&self) -> Vec<String> {
        self.0.searches.clone()
    }

    /// The passages read.
    #[getter]
    fn hits(&self) -> Vec<Hit> {
        self.0.hits.iter().cloned().map(Hit).collect()
    }

    /// Where the time went, in milliseconds, and token counts.
    #[getter]
    fn timings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.timings)
    }

    /// The same as plain values, with the keys of `rag compose --json`, and the passages.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Draft", &self.0)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let kind = self.0.kind.name();
        Ok(if self.0.found {
            let (text, count) = (short(py, &self.0.text)?, self.0.citations.len());
            format!("Draft(kind='{kind}', found=True, text={text}, citations={count})")
        } else {
            let reason = self.reason(py)?.unwrap_or_default();
            format!("Draft(kind='{kind}', found=False, reason='{reason}')")
        })
    }
}
