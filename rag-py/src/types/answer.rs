//! What `ask` returns.

use pyo3::prelude::*;

use super::{Citation, Hit, short};
use crate::dict::{to_plain, word};
use crate::pickle::{Reduced, reduce};

/// An answer with its citations, or the statement that the documents do not hold one.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Answer(pub(crate) rag_core::Answer);

#[pymethods]
impl Answer {
    /// Whether there is an answer: the documents hold it, or `told_by` does.
    #[getter]
    fn found(&self) -> bool {
        self.0.found
    }

    /// The answer with "[1]"-style markers; empty when not found.
    #[getter]
    fn text(&self) -> &str {
        &self.0.text
    }

    /// What supports it, in order of first use.
    #[getter]
    fn citations(&self) -> Vec<Citation> {
        self.0.citations.iter().cloned().map(Citation).collect()
    }

    /// Why there is none: "empty", "below_floor", "uncovered" or "unsupported"; `None` when found.
    #[getter]
    fn reason(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.0.reason.as_ref().map(|reason| word(py, reason)).transpose()
    }

    /// The passages put into the prompt; when not found, the nearest ones.
    #[getter]
    fn hits(&self) -> Vec<Hit> {
        self.0.hits.iter().cloned().map(Hit).collect()
    }

    /// Ids of passages found but left out of the prompt for want of room.
    #[getter]
    fn left_out(&self) -> Vec<i64> {
        self.0.left_out.clone()
    }

    /// Where the time went, in milliseconds, and token counts.
    #[getter]
    fn timings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.timings)
    }

    /// How the answer came about, if `explain=True` asked for it.
    #[getter]
    fn trace<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.trace)
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

    /// How often each kind of personal data was masked in question and answer; `None` without
    /// `mask`.
    #[getter]
    fn masked<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.masked)
    }

    /// Whether the text is sentences of the passages, or of what was told, word for word: without
    /// a generator, or where it was not sure of its words or nothing supported them.
    #[getter]
    fn quoted(&self) -> bool {
        self.0.quoted
    }

    /// What of a long question was searched for: its last question. `None` if all of it was, or
    /// nothing.
    #[getter]
    fn question_cut(&self) -> Option<&str> {
        self.0.question_cut.as_deref()
    }

    /// Other documents shown that give another figure or date for what is cited: dicts with
    /// "marker", "stated", "contrary" and "source", a citation as plain values.
    #[getter]
    fn conflicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.conflicts)
    }

    /// What was computed from a table, if the answer was: a dict of "id", "uri", "title", "plan",
    /// "words", "figure" and "row_count".
    #[getter]
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.table)
    }

    /// What supports it where it was asked of the assistant or the conversation and not of the
    /// documents: dicts with "kind" ("persona" or "conversation") and "quote"; there are no
    /// citations then.
    #[getter]
    fn told_by<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.told_by)
    }

    /// How the answer came about, as one HTML page that needs nothing else.
    ///
    /// Ask with `explain=True`, or most of it is missing.
    fn explain_html(&self) -> String {
        self.0.explain_html()
    }

    /// The same as plain values, with the keys of `rag ask --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    /// What a notebook shows: the answer and its citations.
    fn _repr_html_(&self) -> String {
        self.0.to_html()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Answer", &self.0)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(if let Some(refusal) = &self.0.refusal {
            format!("Answer(found=False, outcome='refused', guard='{}')", refusal.guard.name())
        } else if self.0.found {
            let text = short(py, &self.0.text)?;
            let (count, notes) = (self.0.citations.len(), self.0.source_notes());
            let notes = if notes.is_empty() { notes } else { format!(", sources='{notes}'") };
            let told = match self.0.told_by.as_slice() {
                [] => String::new(),
                [told, ..] => format!(", told_by='{}'", told.kind),
            };
            format!("Answer(found=True, text={text}, citations={count}{notes}{told})")
        } else {
            format!("Answer(found=False, reason='{}')", self.reason(py)?.unwrap_or_default())
        })
    }
}
