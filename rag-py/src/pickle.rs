//! Pickling of what calls return: as JSON, under the name of the class.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use rag_core::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dict::to_json;
use crate::error::to_py;
use crate::types::{Answer, Citation, Document, Hit, Passage, Unread};

/// What `__reduce__` gives: [`restore`] and its arguments.
pub(crate) type Reduced<'py> = (Bound<'py, PyAny>, (&'static str, String));

/// How a value of the class `class` is made again.
pub(crate) fn reduce<'py>(
    py: Python<'py>,
    class: &'static str,
    value: &impl Serialize,
) -> PyResult<Reduced<'py>> {
    let restore = py.import("rag_py._native")?.getattr("restore")?;
    Ok((restore, (class, to_json(py, value)?.to_string())))
}

/// Makes a pickled value again; called by `pickle`.
#[pyfunction]
pub(crate) fn restore<'py>(
    py: Python<'py>,
    class: &str,
    json: &str,
) -> PyResult<Bound<'py, PyAny>> {
    match class {
        "Answer" => Answer(read(py, json)?).into_bound_py_any(py),
        "Document" => Document(read(py, json)?).into_bound_py_any(py),
        "Hit" => Hit(read(py, json)?).into_bound_py_any(py),
        "Passage" => Passage(read(py, json)?).into_bound_py_any(py),
        "Unread" => Unread(read(py, json)?).into_bound_py_any(py),
        "Citation" => Citation(read(py, json)?).into_bound_py_any(py),
        _ => Err(to_py(py, &Error::invalid("class", format!("{class:?} is not pickled")))),
    }
}

fn read<T: DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
    serde_json::from_str(json)
        .map_err(|error| to_py(py, &Error::invalid("pickle", error.to_string())))
}
