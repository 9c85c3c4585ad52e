//! Keyword arguments to core options, by the core's table. What is not given, or `None`, keeps the
//! core's default; only what a program alone can give, a callable, is known here by name.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rag_core::document::Recognizer;
use rag_core::encode::EncoderOptions;
use rag_core::generate::{GenerateOptions, GeneratorOptions};
use rag_core::model::ModelDirs;
use rag_core::options::{Fault, Options, Value};
use rag_core::rerank::RerankerOptions;
use rag_core::search::SearchOptions;
use rag_core::store::Filter;
use rag_core::{
    AskOptions, ComposeOptions, Error, OpenOptions, OwnWriter, SummarizeOptions, SyncOptions,
    Writer,
};

use crate::error::to_py;
use crate::recognizer::Callable;
use crate::{value, writer};

/// Keyword arguments as Python hands them over.
pub(crate) type Keywords<'a, 'py> = &'a Bound<'py, PyDict>;

/// Where models are looked up: the variables of this process.
pub(crate) fn model_dirs() -> ModelDirs {
    ModelDirs::from_variables(|name| std::env::var_os(name))
}

/// A model's name or path as text.
pub(crate) fn model_name(
    py: Python<'_>,
    argument: &'static str,
    name: PathBuf,
) -> PyResult<String> {
    name.into_os_string()
        .into_string()
        .map_err(|_| to_py(py, &Error::invalid(argument, "it is not valid UTF-8")))
}

/// Options whose callables are set by hand.
pub(crate) trait Keyworded: Options {
    /// Sets the option of this name if it is a callable; says whether it is.
    fn set_callable(&mut self, _name: &str, _value: &Bound<'_, PyAny>) -> PyResult<bool> {
        Ok(false)
    }
}

impl Keyworded for SearchOptions {}
impl Keyworded for GenerateOptions {}
impl Keyworded for OpenOptions {}
impl Keyworded for EncoderOptions {}
impl Keyworded for GeneratorOptions {}
impl Keyworded for RerankerOptions {}

impl Keyworded for AskOptions {
    fn set_callable(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        if name != "writer" {
            return Ok(false);
        }
        let callable = callable(name, value)?;
        self.writer = Writer::Own(OwnWriter::streaming(move |turns, on_piece| {
            writer::write(&callable, turns, on_piece)
        }));
        Ok(true)
    }
}

impl Keyworded for SummarizeOptions {
    fn set_callable(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.ask.set_callable(name, value)
    }
}

impl Keyworded for ComposeOptions {
    fn set_callable(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        self.ask.set_callable(name, value)
    }
}

impl Keyworded for SyncOptions {
    fn set_callable(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
        if name != "recognizer" {
            return Ok(false);
        }
        self.read.recognizer = Some(recognizer(value)?);
        Ok(true)
    }
}

/// A callable that reads pictures.
pub(crate) fn recognizer(value: &Bound<'_, PyAny>) -> PyResult<Arc<dyn Recognizer>> {
    Ok(Arc::new(Callable(callable("recognizer", value)?)))
}

fn callable(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    match value.is_callable() {
        true => Ok(value.clone().unbind()),
        false => Err(PyTypeError::new_err(format!("{name} must be callable"))),
    }
}

/// The options of `method`.
pub(crate) fn from_keywords<O: Keyworded>(
    method: &str,
    keywords: Option<Keywords<'_, '_>>,
) -> PyResult<O> {
    let mut options = O::default();
    let mut plain = Vec::new();
    for (name, given) in keywords.into_iter().flatten() {
        let name: String = name.extract()?;
        if given.is_none() {
            check_name::<O>(method, &name)?;
        } else if !options.set_callable(&name, &given)? {
            plain.push((name, given));
        }
    }
    // after the callables: an option says whether it goes together with one
    for (name, given) in plain {
        set_named(&mut options, method, &name, Some(&given))?;
    }
    Ok(options)
}

/// Sets an option of `method` that it names itself; `None` keeps the default.
pub(crate) fn set_named<O: Options>(
    options: &mut O,
    method: &str,
    name: &str,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let Some(given) = given else { return Ok(()) };
    let value = value::of(name, given)?;
    options.set(name, value).map_err(|fault| refused(given.py(), method, name, fault))
}

/// The filter that a method is given: a text or a dict.
pub(crate) fn filter_of(
    method: &str,
    given: Option<&Bound<'_, PyAny>>,
) -> PyResult<Option<Filter>> {
    let mut options = SearchOptions::default();
    set_named(&mut options, method, "filter", given.filter(|given| !given.is_none()))?;
    Ok(options.filter)
}

/// A name that there is not is refused whatever its value.
fn check_name<O: Options>(method: &str, name: &str) -> PyResult<()> {
    match O::default().set(name, Value::Unset) {
        Err(fault @ Fault::Unknown(_)) => Err(unknown(method, name, fault)),
        _ => Ok(()),
    }
}

fn refused(py: Python<'_>, method: &str, name: &str, fault: Fault) -> PyErr {
    match fault {
        Fault::Unknown(_) => unknown(method, name, fault),
        Fault::Type(reason) => {
            PyTypeError::new_err(format!("{method}() argument '{name}': {reason}"))
        }
        fault => to_py(py, &fault.into_error(name)),
    }
}

fn unknown(method: &str, name: &str, fault: Fault) -> PyErr {
    let reason = fault.reason();
    PyTypeError::new_err(format!(
        "{method}() got an unexpected keyword argument '{name}': {reason}"
    ))
}
