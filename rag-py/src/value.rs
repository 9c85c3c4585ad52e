//! Python's values as those that options take.

use std::path::PathBuf;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat, PyMapping, PyString};
use rag_core::Error;
use rag_core::model::{Message, Role};
use rag_core::options::{OptionValue, Value};
use rag_core::prompt::Example;

use crate::error::to_py;

/// What is nested deeper is refused: a list may hold itself.
const MAX_DEPTH: usize = 100;

/// What the option `name` is given.
pub(crate) fn of(name: &str, given: &Bound<'_, PyAny>) -> PyResult<Value> {
    match name {
        // anything with these keys serves, so that a missing one is a KeyError
        "history" => Ok(messages(given)?.show()),
        "examples" => Ok(examples(given)?.show()),
        _ => plain(name, given, 0),
    }
}

fn plain(name: &str, given: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth > MAX_DEPTH {
        let reason = format!("it is nested more than {MAX_DEPTH} times");
        return Err(to_py(given.py(), &Error::invalid(name.to_owned(), reason)));
    }
    match scalar(given)? {
        Some(value) => Ok(value),
        None => several(name, given, depth + 1),
    }
}

/// A value that is one, those of numpy included.
fn scalar(given: &Bound<'_, PyAny>) -> PyResult<Option<Value>> {
    if given.is_none() {
        return Ok(Some(Value::Unset));
    }
    if let Ok(flag) = given.extract() {
        return Ok(Some(Value::Flag(flag)));
    }
    if given.is_instance_of::<PyString>() {
        return Ok(Some(Value::Text(given.extract()?)));
    }
    if given.is_instance_of::<PyFloat>() {
        return Ok(Some(Value::Number(given.extract()?)));
    }
    Ok(given.extract().ok().map(Value::Integer))
}

/// A dict, a path, a list, or what says of itself that it is a number.
fn several(name: &str, given: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if let Ok(mapping) = given.cast::<PyMapping>() {
        return pairs(name, mapping, depth);
    }
    let is_bytes = given.is_instance_of::<PyBytes>();
    if let (false, Ok(path)) = (is_bytes, given.extract::<PathBuf>()) {
        return text(name, given.py(), path);
    }
    if let (false, Ok(values)) = (is_bytes, given.try_iter()) {
        let values = values.map(|value| plain(name, &value?, depth));
        return Ok(Value::List(values.collect::<PyResult<_>>()?));
    }
    if let Ok(number) = given.extract() {
        return Ok(Value::Number(number));
    }
    let kind = given.get_type().name()?;
    Err(PyTypeError::new_err(format!("argument '{name}': no option takes a value of type {kind}")))
}

fn pairs(name: &str, mapping: &Bound<'_, PyMapping>, depth: usize) -> PyResult<Value> {
    let mut pairs = Vec::new();
    for pair in mapping.items()? {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair.extract()?;
        pairs.push((plain(name, &key, depth)?, plain(name, &value, depth)?));
    }
    Ok(Value::Map(pairs))
}

fn text(name: &str, py: Python<'_>, path: PathBuf) -> PyResult<Value> {
    let refused = |_| to_py(py, &Error::invalid(name.to_owned(), "it is not valid UTF-8"));
    path.into_os_string().into_string().map(Value::Text).map_err(refused)
}

/// Messages from a list of `{"role": ..., "content": ...}`.
pub(crate) fn messages(given: &Bound<'_, PyAny>) -> PyResult<Vec<Message>> {
    let message = |turn: Bound<'_, PyAny>| {
        let role: String = turn.get_item("role")?.extract()?;
        let role = Role::parse(&role).map_err(|error| to_py(turn.py(), &error))?;
        Ok(Message { role, content: turn.get_item("content")?.extract()? })
    };
    given.try_iter()?.map(|turn| message(turn?)).collect()
}

/// Worked examples from a list of dicts with passages, question and answer.
fn examples(given: &Bound<'_, PyAny>) -> PyResult<Vec<Example>> {
    let example = |example: Bound<'_, PyAny>| {
        Ok(Example {
            passages: example.get_item("passages")?.extract()?,
            question: example.get_item("question")?.extract()?,
            answer: example.get_item("answer")?.extract()?,
        })
    };
    given.try_iter()?.map(|each| example(each?)).collect()
}
