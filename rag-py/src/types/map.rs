//! Passages as points of a plane.

use pyo3::prelude::*;

use crate::dict::to_plain;

/// Passages by meaning: from `KnowledgeBase.map`.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct PassageMap(pub(crate) rag_core::PassageMap);

#[pymethods]
impl PassageMap {
    /// For each passage a dict of "passage_id", "uri", "title", "page", "text" (how it begins),
    /// "x" and "y".
    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.points)
    }

    /// For each question a dict of "text", "x" and "y".
    #[getter]
    fn questions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0.questions)
    }

    /// How many passages there are; 5,000 at most are points.
    #[getter]
    fn passage_count(&self) -> usize {
        self.0.passage_count
    }

    /// The share of all differences between the points that lies along x and along y, from 0 to 1.
    #[getter]
    fn shares(&self) -> (f32, f32) {
        self.0.shares.into()
    }

    /// The map as one self-contained HTML page.
    fn to_html(&self) -> String {
        self.0.to_html()
    }

    /// The same as plain values, with the keys of `rag map --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __len__(&self) -> usize {
        self.0.points.len()
    }

    fn __repr__(&self) -> String {
        format!("PassageMap({} of {} passages)", self.0.points.len(), self.0.passage_count)
    }
}
