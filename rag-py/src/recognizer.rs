//! A Python callable that reads the text of pictures.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use rag_core::document::{Picture, Recognizer};

use crate::error::raised;

/// Calls `callable(bytes, media_type, page)`, which gives a text.
pub(crate) struct Callable(pub(crate) Py<PyAny>);

impl Recognizer for Callable {
    fn recognize(&self, picture: &Picture<'_>) -> rag_core::Result<String> {
        Python::attach(|py| {
            let bytes = PyBytes::new(py, picture.bytes);
            let arguments = (bytes, picture.format.media_type(), picture.page);
            self.0.bind(py).call1(arguments)?.extract()
        })
        .map_err(raised)
    }
}
