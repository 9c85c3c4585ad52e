//! What calls return: frozen values around the core's own, each with `to_dict()`, equality and a
//! short repr.

mod answer;
mod citation;
mod document;
mod draft;
mod generation;
mod hit;
mod location;
mod map;
mod passage;
mod report;
mod retraction;
mod table;

pub(crate) use answer::Answer;
pub(crate) use citation::Citation;
pub(crate) use document::Document;
pub(crate) use draft::Draft;
pub(crate) use generation::Generation;
pub(crate) use hit::Hit;
pub(crate) use location::{Findable, Location};
pub(crate) use map::PassageMap;
pub(crate) use passage::Passage;
pub(crate) use report::{Progress, Skipped, SyncReport, Unread};
pub(crate) use retraction::Retraction;
pub(crate) use table::Table;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyString;
use rag_core::Error;

use crate::error::to_py;
use crate::pickle;

/// Characters of a text that a repr shows.
const REPR_CHARS: usize = 60;

/// The beginning of `text` as Python would write it.
fn short(py: Python<'_>, text: &str) -> PyResult<String> {
    let mut shown: String = text.chars().take(REPR_CHARS).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    repr(py, &shown)
}

/// `text` as Python would write it.
fn repr(py: Python<'_>, text: &str) -> PyResult<String> {
    Ok(PyString::new(py, text).repr()?.to_string())
}

/// Makes a pickled value again; called by `pickle`.
#[pyfunction]
pub(crate) fn restore<'py>(
    py: Python<'py>,
    class: &str,
    json: &str,
) -> PyResult<Bound<'py, PyAny>> {
    match class {
        "Answer" => Answer(pickle::read(py, json)?).into_bound_py_any(py),
        "Document" => Document(pickle::read(py, json)?).into_bound_py_any(py),
        "Draft" => Draft(pickle::read(py, json)?).into_bound_py_any(py),
        "Hit" => Hit(pickle::read(py, json)?).into_bound_py_any(py),
        "Passage" => Passage(pickle::read(py, json)?).into_bound_py_any(py),
        "Unread" => Unread(pickle::read(py, json)?).into_bound_py_any(py),
        "Citation" => Citation(pickle::read(py, json)?).into_bound_py_any(py),
        _ => Err(to_py(py, &Error::invalid("class", format!("{class:?} is not pickled")))),
    }
}
