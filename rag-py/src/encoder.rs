//! A sentence encoder on its own: texts to numpy vectors.

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::{PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyIterator;
use rag_core::encode::{Embeddings, EncoderOptions, OwnEncoder, TextEncoder, TextRole};

use crate::error::raised;
use crate::interrupt::{call, long_call};
use crate::options::{Keywords, from_keywords, model_dirs, model_name};
use crate::process::ThisProcess;

/// A loaded sentence encoder. Any number of threads may use it at once.
///
/// Loads a model by name, path or hub id, from this machine only.
///
/// Args:
///     name_or_path: The model.
#[doc = include_str!("help/encoder.txt")]
/// Raises: NotFoundError: No such model on this machine. ModelError: A file is missing, damaged or
/// of a kind we do not run. InvalidArgumentError: This CPU does not have the level, vectors are
/// shorter than truncate_dim, or the backend's device is not there.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Encoder {
    inner: ThisProcess<Arc<rag_core::encode::Encoder>>,
}

#[pymethods]
impl Encoder {
    #[new]
    #[pyo3(signature = (name_or_path, **options))]
    fn new(
        py: Python<'_>,
        name_or_path: PathBuf,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Self> {
        let name = model_name(py, "name_or_path", name_or_path)?;
        let options = from_keywords::<EncoderOptions>("Encoder", options)?;
        let load =
            || rag_core::encode::Encoder::load_with(&model_dirs().resolve(&name)?, &name, &options);
        let inner = call(py, load)?;
        Ok(Self { inner: ThisProcess::new(Arc::new(inner)) })
    }

    /// An encoder of your own: any callable that turns texts into vectors.
    ///
    /// Give it to `rag_py.open(encoder=...)`, each time the file is opened: the file keeps its name
    /// alone. Passages are cut by words. What the callable raises comes out of the call that needed
    /// the vectors.
    ///
    /// Args: name: Stands for the vectors: a file is only searched by an encoder of the name, dim
    /// and max_tokens it was built with. Give another when the vectors change. dim: Length of a
    /// vector, 1 to 4,096. encode: Gets a list of at most 64 texts and returns an array of shape
    /// `[len(texts), dim]`, or what numpy makes one of. Rows may have any length but zero; they are
    /// scaled to 1. Several threads may call it at once. encode_queries: The same for questions.
    /// Default: `encode`. max_tokens: Most words of a passage, 64 or more. Default 200.
    ///
    /// Raises:
    ///     InvalidArgumentError: An empty name, or a number out of range.
    #[staticmethod]
    #[pyo3(signature = (name, dim, encode, *, encode_queries=None, max_tokens=200))]
    fn from_callable(
        py: Python<'_>,
        name: String,
        dim: usize,
        encode: Py<PyAny>,
        encode_queries: Option<Py<PyAny>>,
        max_tokens: usize,
    ) -> PyResult<Self> {
        let about = OwnEncoder { name, dim, max_tokens };
        let queries = encode_queries.unwrap_or_else(|| encode.clone_ref(py));
        let inner = call(py, || {
            rag_core::encode::Encoder::own(
                about,
                Box::new(Callable { passages: encode, queries, dim }),
            )
        })?;
        Ok(Self { inner: ThisProcess::new(Arc::new(inner)) })
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
        let vectors = long_call(py, |call| inner.encode_queries_with(&texts, call))?;
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
        let vectors = long_call(py, |call| inner.encode_passages_with(&texts, call))?;
        self.array(py, vectors)
    }

    /// Encodes passages from any iterable, a batch at a time, in the memory of one batch.
    ///
    /// The vectors are those of `encode_passages`. Ctrl-C stops within a batch; leaving the loop
    /// stops after one.
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

    /// What runs it: "auto" (our own kernels, or a callable), "candle", "cuda:N" or "metal:N".
    #[getter]
    fn backend(&self) -> PyResult<String> {
        Ok(self.inner.get()?.backend().to_string())
    }

    /// The instructions it runs: "amx", "avx512", "avx2", "neon", "portable"; "candle" where candle
    /// chooses, "own" for a callable.
    #[getter]
    fn level(&self) -> PyResult<&'static str> {
        Ok(self.inner.get()?.level_name())
    }

    /// Most threads of a call.
    #[getter]
    fn threads(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.thread_count())
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

/// An encoder as `open` takes it.
#[derive(FromPyObject)]
pub(crate) enum EncoderChoice<'py> {
    Loaded(Bound<'py, Encoder>),
    Named(PathBuf),
}

/// A name, or an encoder that is there already.
pub(crate) type Chosen = (Option<String>, Option<Arc<rag_core::encode::Encoder>>);

impl EncoderChoice<'_> {
    /// What the options of the core take.
    pub(crate) fn split(py: Python<'_>, choice: Option<Self>) -> PyResult<Chosen> {
        match choice {
            None => Ok((None, None)),
            Some(Self::Named(name)) => Ok((Some(model_name(py, "encoder", name)?), None)),
            Some(Self::Loaded(encoder)) => Ok((None, Some(encoder.get().shared()?))),
        }
    }
}

/// A callable of Python's behind the core's encoders.
struct Callable {
    passages: Py<PyAny>,
    queries: Py<PyAny>,
    dim: usize,
}

impl Callable {
    fn rows(&self, py: Python<'_>, role: TextRole, texts: &[&str]) -> PyResult<Vec<f32>> {
        let callable = match role {
            TextRole::Query => &self.queries,
            TextRole::Passage => &self.passages,
        };
        let given = callable.bind(py).call1((texts.to_vec(),))?;
        let numpy = py.import("numpy")?;
        let array = numpy.call_method1("asarray", (given, numpy.getattr("float32")?))?;
        let shape: Vec<usize> = array.getattr("shape")?.extract()?;
        if shape != [texts.len(), self.dim] {
            let wanted = (texts.len(), self.dim);
            let text = format!("the encoder gave an array of shape {shape:?}, not {wanted:?}");
            return Err(PyValueError::new_err(text));
        }
        array.call_method0("ravel")?.extract()
    }
}

impl TextEncoder for Callable {
    fn encode(&self, role: TextRole, texts: &[&str]) -> rag_core::Result<Vec<f32>> {
        Python::attach(|py| self.rows(py, role, texts)).map_err(raised)
    }
}

impl Encoder {
    /// The core's encoder, to be shared.
    pub(crate) fn shared(&self) -> PyResult<Arc<rag_core::encode::Encoder>> {
        self.inner.get().cloned()
    }

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
