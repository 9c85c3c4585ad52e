//! Functions of the core that need no knowledge base.

use std::path::PathBuf;

use pyo3::prelude::*;
use rag_core::document::{self, ReadOptions};
use rag_core::guard;

use crate::dict::to_plain;
use crate::error::to_py;
use crate::interrupt::long_call;
use crate::options::recognizer;

/// Reads a document as `sync` does: its text, what each part of it is, and where it stands in the
/// file.
///
/// Args: path: A file of any format that `sync` reads. recognizer: Reads the text of pictures and
/// scanned pages, as for `sync`. Default: none, they are refused. max_read_seconds: Longest time it
/// may take, that of the recognizer not counted. Default 60.
///
/// Returns: A dict: `kind`, `title`, `lang`, `text`, `blocks` (`kind` and `range` in bytes of the
/// text), `source_map`, `metadata`.
///
/// Raises:
///     FileNotFoundError: There is no such file.
///     DocumentError: It is a folder, a pipe or a device, or cannot be read; the message says why.
#[pyfunction]
#[pyo3(signature = (path, *, recognizer=None, max_read_seconds=None))]
pub(crate) fn read<'py>(
    py: Python<'py>,
    path: PathBuf,
    recognizer: Option<Bound<'py, PyAny>>,
    max_read_seconds: Option<f64>,
) -> PyResult<Bound<'py, PyAny>> {
    let mut options = ReadOptions::default();
    if let Some(seconds) = max_read_seconds {
        options = ReadOptions::for_seconds(seconds).map_err(|error| to_py(py, &error))?;
    }
    if let Some(callable) = recognizer {
        options.recognizer = Some(self::recognizer(&callable)?);
    }
    let document = long_call(py, |call| document::read_file(&path, &options, call.token()))?;
    to_plain(py, &document)
}

/// Masks personal data: e-mail addresses, phone numbers, IBANs, payment cards, French social
/// security numbers.
///
/// Args:
///     text: Any text.
///
/// Returns:
///     The text with `[EMAIL]`, `[PHONE]`, ... in their places, and how often each kind was masked.
#[pyfunction]
pub(crate) fn mask<'py>(py: Python<'py>, text: &str) -> PyResult<(String, Bound<'py, PyAny>)> {
    let (masked, counts) = py.detach(|| guard::mask(text));
    Ok((masked, to_plain(py, &counts)?))
}
