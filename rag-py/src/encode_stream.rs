//! Vectors of many texts, a batch at a time.

use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::types::PyIterator;

use crate::encoder::Encoder;

/// What `Encoder.encode_batches` returns: an iterator of arrays.
#[pyclass(module = "rag_py._native")]
pub(crate) struct EncodeStream {
    encoder: Py<Encoder>,
    texts: Py<PyIterator>,
    batch_size: usize,
}

impl EncodeStream {
    pub(crate) fn new(encoder: Py<Encoder>, texts: Py<PyIterator>, batch_size: usize) -> Self {
        Self { encoder, texts, batch_size: batch_size.max(1) }
    }
}

#[pymethods]
impl EncodeStream {
    fn __iter__(stream: PyRef<'_, Self>) -> PyRef<'_, Self> {
        stream
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyArray2<f32>>>> {
        let texts = self.texts.bind(py).clone().take(self.batch_size);
        let batch: Vec<String> = texts.map(|text| text?.extract()).collect::<PyResult<_>>()?;
        if batch.is_empty() {
            return Ok(None);
        }
        self.encoder.get().encode_passages(py, batch).map(Some)
    }
}
