//! What a stream says of what it gave.

use pyo3::prelude::*;

/// All pieces that a stream gave before are withdrawn: the checks took another text, whose pieces
/// follow, or none.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Retraction(pub(crate) rag_core::Retraction);

#[pymethods]
impl Retraction {
    /// Why: "unsupported" (no passage supports it as an answer to the question), "unsure" (the
    /// generator was not sure of its words), "guard" (a guard refuses it) or "reworded" (yes or no
    /// comes first).
    #[getter]
    fn reason(&self) -> &'static str {
        self.0.name()
    }

    fn __repr__(&self) -> String {
        format!("Retraction(reason='{}')", self.0)
    }
}
