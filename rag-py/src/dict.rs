//! Core values to plain Python values, with the keys that the shell's `--json` has.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use rag_core::Error;
use serde::Serialize;
use serde_json::Value;

use crate::error::to_py;

/// `value` as dicts, lists, strings, numbers, booleans and `None`.
pub(crate) fn to_plain<'py>(
    py: Python<'py>,
    value: &impl Serialize,
) -> PyResult<Bound<'py, PyAny>> {
    from_json(py, &to_json(py, value)?)
}

/// The word that an enum is written as.
pub(crate) fn word(py: Python<'_>, value: &impl Serialize) -> PyResult<String> {
    Ok(to_json(py, value)?.as_str().unwrap_or_default().to_owned())
}

pub(crate) fn to_json(py: Python<'_>, value: &impl Serialize) -> PyResult<Value> {
    serde_json::to_value(value)
        .map_err(|error| to_py(py, &Error::internal_cause("a result has no JSON form", error)))
}

fn from_json<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(truth) => truth.into_bound_py_any(py),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => integer.into_bound_py_any(py),
            (None, Some(integer)) => integer.into_bound_py_any(py),
            (None, None) => number.as_f64().into_bound_py_any(py),
        },
        Value::String(text) => text.into_bound_py_any(py),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(from_json(py, item)?)?;
            }
            Ok(list.into_any())
        }
        Value::Object(entries) => {
            let dict = PyDict::new(py);
            for (key, entry) in entries {
                dict.set_item(key, from_json(py, entry)?)?;
            }
            Ok(dict.into_any())
        }
    }
}
