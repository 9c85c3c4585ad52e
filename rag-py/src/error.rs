//! Core errors to Python exceptions. The classes are written in Python, in `rag_py.errors`.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use rag_core::{Error, ErrorCode};

/// The class in `rag_py.errors` for a code; `None` where Python's own `OSError` serves.
fn class_name(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::InvalidArgument => Some("InvalidArgumentError"),
        ErrorCode::NotFound => Some("NotFoundError"),
        ErrorCode::Io => None,
        ErrorCode::Document => Some("DocumentError"),
        ErrorCode::Model => Some("ModelError"),
        ErrorCode::ModelMismatch => Some("ModelMismatchError"),
        ErrorCode::Store => Some("StoreError"),
        ErrorCode::StoreVersion => Some("StoreVersionError"),
        ErrorCode::Busy => Some("BusyError"),
        ErrorCode::ContextOverflow => Some("ContextOverflowError"),
        ErrorCode::Cancelled => Some("CancelledError"),
        ErrorCode::Internal => Some("InternalError"),
    }
}

fn class(py: Python<'_>, code: ErrorCode) -> PyResult<Bound<'_, PyType>> {
    match class_name(code) {
        Some(name) => Ok(py.import("rag_py.errors")?.getattr(name)?.cast_into()?),
        None => Ok(py.get_type::<PyOSError>()),
    }
}

/// Every error code: its name, its number and the class it is raised as.
#[pyfunction]
pub(crate) fn error_classes(
    py: Python<'_>,
) -> PyResult<Vec<(&'static str, i32, Bound<'_, PyType>)>> {
    ErrorCode::ALL.iter().map(|code| Ok((code.name(), *code as i32, class(py, *code)?))).collect()
}

/// A core error that carries what a callable raised through the core.
pub(crate) fn raised(error: PyErr) -> Error {
    Error::model_cause(Path::new("a callable"), "it raised", error)
}

/// What a callable raised, if that is the cause.
fn original(py: Python<'_>, error: &Error) -> Option<PyErr> {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(raised) = error.downcast_ref::<PyErr>() {
            return Some(raised.clone_ref(py));
        }
        cause = error.source();
    }
    None
}

/// The exception for a core error: what a callable raised, else its message followed by its causes.
pub(crate) fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    if let Some(raised) = original(py, error) {
        return raised;
    }
    if let Error::Io { path, source } = error {
        return os_error(py, path, source).unwrap_or_else(|failure| failure);
    }
    match class(py, error.code()) {
        Ok(class) => PyErr::from_type(class, (error.line(),)),
        Err(failure) => failure,
    }
}

/// An `OSError`; Python picks the child (`FileNotFoundError`, ...) by `errno`.
fn os_error(py: Python<'_>, path: &Path, source: &io::Error) -> PyResult<PyErr> {
    let (number, text): (i32, String) = match source.raw_os_error() {
        Some(number) => (number, py.import("os")?.call_method1("strerror", (number,))?.extract()?),
        None => {
            let number = py.import("errno")?.getattr(errno_name(source.kind()))?.extract()?;
            (number, source.to_string())
        }
    };
    Ok(PyOSError::new_err((number, text, path.as_os_str().to_owned())))
}

/// The name in Python's `errno` for an error that the core found without a system call.
fn errno_name(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::StorageFull => "ENOSPC",
        io::ErrorKind::InvalidInput => "EINVAL",
        _ => "EIO",
    }
}

/// Runs `work`; a panic becomes [`Error::Internal`] and does not cross into Python.
pub(crate) fn guarded<T>(work: impl FnOnce() -> rag_core::Result<T>) -> rag_core::Result<T> {
    // After a panic the knowledge base is only used through its own locks, which recover or report.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(text.unwrap_or("a panic without a message"))
}
