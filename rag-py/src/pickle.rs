//! Pickling of what calls return: as JSON, under the name of the class.

use pyo3::prelude::*;
use rag_core::Error;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::dict::to_json;
use crate::error::to_py;

/// What `__reduce__` gives: [`restore`](crate::types::restore) and its arguments.
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

/// The value that pickled JSON says.
pub(crate) fn read<T: DeserializeOwned>(py: Python<'_>, json: &str) -> PyResult<T> {
    serde_json::from_str(json)
        .map_err(|error| to_py(py, &Error::invalid("pickle", error.to_string())))
}
