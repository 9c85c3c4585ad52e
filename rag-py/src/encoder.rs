//! A sentence encoder on its own: texts to numpy vectors.

use std::ffi::CString;
use std::path::PathBuf;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use rag_core::encode::Embeddings;

use crate::encode_stream::EncodeStream;
use crate::interrupt::{call, long_call};
use crate::options::{Keywords, encoder_options, model_dirs, model_name};
use crate::process::ThisProcess;

/// A loaded sentence encoder. Any number of threads may use it at once.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Encoder {
    inner: ThisProcess<rag_core::encode::Encoder>,
}

#[pymethods]
impl Encoder {
    /// Loads a model by name, path or hub id, from this machine only.
    ///
    /// Args:
    ///     name_or_path: The model.
    ///     precision: "auto" (bf16 where the CPU multiplies it, else f32), "f32", "bf16" or "int8".
    ///     level: Vector instructions: "best", "avx512", "avx2", "neon" or "portable".
    ///     threads: Most threads of a call; default: one per CPU.
    ///     truncate_dim: Keep the first numbers of each vector, scaled to length 1 again; default: all.
    ///     backend: "auto" (our own kernels), "candle" (on the CPU), "cuda", "cuda:N", "metal" or "metal:N" (candle on a
    ///         GPU, in builds with that feature; in float32).
    ///
    /// Raises:
    ///     NotFoundError: No such model on this machine.
    ///     ModelError: A file is missing, damaged or of a kind we do not run.
    ///     InvalidArgumentError: This CPU does not have the level, vectors are shorter than truncate_dim, or the backend's
    ///         device is not there.
    #[new]
    #[pyo3(
        signature = (name_or_path, **options),
        text_signature = "(name_or_path, *, precision=None, level=None, threads=None, truncate_dim=None, backend=None)"
    )]
    fn new(
        py: Python<'_>,
        name_or_path: PathBuf,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Self> {
        let name = model_name(py, "name_or_path", name_or_path)?;
        let options = encoder_options(options)?;
        let load =
            || rag_core::encode::Encoder::load_with(&model_dirs().resolve(&name)?, &name, &options);
        let inner = call(py, load)?;
        Ok(Self { inner: ThisProcess::new(inner) })
    }

    /// Encodes questions, with the model's query prefix.
    ///
    /// A text longer than `max_tokens` is encoded by its beginning, with a `UserWarning`.
    ///
    /// Args:
    ///     texts: The questions.
    ///
    /// Returns:
    ///     Unit vectors, float32, shape `[len(texts), dim]`.
    fn encode_queries<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let inner = self.inner.get()?;
        let vectors = long_call(py, |cancel| inner.encode_queries(&texts, cancel))?;
        self.array(py, vectors)
    }

    /// Encodes passages, with the model's passage prefix.
    ///
    /// A text longer than `max_tokens` is encoded by its beginning, with a `UserWarning`.
    ///
    /// Args:
    ///     texts: The passages.
    ///
    /// Returns:
    ///     Unit vectors, float32, shape `[len(texts), dim]`.
    pub(crate) fn encode_passages<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<String>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let inner = self.inner.get()?;
        let vectors = long_call(py, |cancel| inner.encode_passages(&texts, cancel))?;
        self.array(py, vectors)
    }

    /// Encodes passages from any iterable, a batch at a time, in the memory of one batch.
    ///
    /// The vectors are those of `encode_passages`. Ctrl-C stops within a batch; leaving the loop stops after one.
    ///
    /// Args:
    ///     texts: The passages.
    ///     batch_size: Texts of a batch. Default 256.
    ///
    /// Returns:
    ///     An iterator of unit vectors, float32, shape `[at most batch_size, dim]`, in order.
    #[pyo3(signature = (texts, batch_size=None))]
    fn encode_batches(
        encoder: Bound<'_, Self>,
        texts: Bound<'_, PyAny>,
        batch_size: Option<usize>,
    ) -> PyResult<EncodeStream> {
        let texts = texts.try_iter()?.unbind();
        let batch_size = batch_size.unwrap_or(rag_core::encode::Encoder::BATCH_SIZE);
        Ok(EncodeStream::new(encoder.unbind(), texts, batch_size))
    }

    /// Tokens of a text, without special tokens and prefix.
    fn token_count(&self, py: Python<'_>, text: &str) -> PyResult<usize> {
        let inner = self.inner.get()?;
        call(py, || inner.token_count(text))
    }

    /// The name or path it was loaded by.
    #[getter]
    fn name(&self) -> PyResult<&str> {
        Ok(&self.inner.get()?.identity().name)
    }

    /// Length of its vectors.
    #[getter]
    fn dim(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.identity().dim)
    }

    /// Most tokens it takes, special tokens and prefix included.
    #[getter]
    fn max_tokens(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.identity().max_tokens)
    }

    /// The numbers it multiplies: "f32", "bf16" or "int8".
    #[getter]
    fn precision(&self) -> PyResult<&'static str> {
        Ok(self.inner.get()?.precision().name())
    }

    /// What runs it: "auto", "candle", "cuda:N" or "metal:N".
    #[getter]
    fn backend(&self) -> PyResult<String> {
        Ok(self.inner.get()?.backend().to_string())
    }

    /// Hash over configuration, tokenizer, weights, pooling, prefixes and length limit, as hex.
    #[getter]
    fn fingerprint(&self) -> PyResult<&str> {
        Ok(&self.inner.get()?.identity().fingerprint)
    }

    fn __repr__(&self) -> PyResult<String> {
        let identity = self.inner.get()?.identity();
        Ok(format!("Encoder({:?}, dim={})", identity.name, identity.dim))
    }
}

impl Encoder {
    fn array<'py>(
        &self,
        py: Python<'py>,
        vectors: Embeddings,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let rows = vectors.len();
        if !vectors.truncated.is_empty() {
            self.warn_truncated(py, vectors.truncated.len(), rows)?;
        }
        PyArray1::from_vec(py, vectors.data).reshape([rows, vectors.dim])
    }

    fn warn_truncated(&self, py: Python<'_>, truncated: usize, rows: usize) -> PyResult<()> {
        let max_tokens = self.max_tokens()?;
        let text = format!(
            "{truncated} of {rows} texts are longer than {max_tokens} tokens; only their beginning was encoded"
        );
        PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(text)?, 1)
    }
}
