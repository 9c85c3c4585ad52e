//! A reranker on its own: a question and texts to scores.

use std::ffi::CString;
use std::path::PathBuf;

use numpy::PyArray1;
use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use rag_core::rerank::RerankerOptions;

use crate::interrupt::{call, long_call};
use crate::options::{Keywords, from_keywords, model_dirs, model_name};
use crate::process::ThisProcess;

/// A loaded reranker, a cross-encoder or a model of late interaction: reads a question and a text
/// and says how well the one answers the other. Any number of threads may use it at once. To sort
/// what `search` finds, give its name to `rag_py.open(reranker=...)`.
///
/// Loads a model by name, path or hub id, from this machine only.
///
/// Args:
///     name_or_path: The model.
#[doc = include_str!("help/reranker.txt")]
/// Raises:
///     NotFoundError: No such model on this machine.
///     ModelError: A file is missing, damaged or of a kind we do not run, such as an encoder.
///     InvalidArgumentError: This CPU does not have the level.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Reranker {
    inner: ThisProcess<rag_core::rerank::Reranker>,
    name: String,
}

#[pymethods]
impl Reranker {
    #[new]
    #[pyo3(signature = (name_or_path, **options))]
    fn new(
        py: Python<'_>,
        name_or_path: PathBuf,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Self> {
        let name = model_name(py, "name_or_path", name_or_path)?;
        let options = from_keywords::<RerankerOptions>("Reranker", options)?;
        let inner = call(py, || {
            rag_core::rerank::Reranker::load_with(&model_dirs().resolve(&name)?, &options)
        })?;
        Ok(Self { inner: ThisProcess::new(inner), name })
    }

    /// How well each text answers the question. A score depends on its question and text alone.
    ///
    /// A pair longer than `max_tokens` loses the end of its text, with a `UserWarning`; a question
    /// that would leave less than a quarter of them to texts is cut too.
    ///
    /// Args:
    ///     question: The question.
    ///     texts: The texts.
    ///
    /// Returns: Scores, float32, shape `[len(texts)]`; higher is better. From 0 to 1, or any number
    /// where the model gives its logit as it is or a sum of cosines.
    fn score<'py>(
        &self,
        py: Python<'py>,
        question: &str,
        texts: Vec<String>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let inner = self.inner.get()?;
        let scores = long_call(py, |call| inner.score_with(question, &texts, call))?;
        if scores.question_truncated || !scores.truncated.is_empty() {
            let max_tokens = inner.info().max_tokens;
            let what = match (scores.question_truncated, scores.truncated.len()) {
                (true, _) => "the question is".to_owned(),
                (false, count) => format!("{count} of {} texts are", texts.len()),
            };
            let text =
                format!("{what} too long for {max_tokens} tokens; only the beginning was read");
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), &CString::new(text)?, 1)?;
        }
        Ok(PyArray1::from_vec(py, scores.scores))
    }

    /// The name it was loaded by.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The transformer's family, such as "xlm-roberta".
    #[getter]
    fn architecture(&self) -> PyResult<&str> {
        Ok(&self.inner.get()?.info().architecture)
    }

    /// "cross-encoder" or "late-interaction".
    #[getter]
    fn method(&self) -> PyResult<&str> {
        Ok(&self.inner.get()?.info().method)
    }

    /// Most tokens of a question and a text together, special tokens included; in late interaction
    /// of a text.
    #[getter]
    fn max_tokens(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.info().max_tokens)
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("Reranker({:?}, max_tokens={})", self.name, self.max_tokens()?))
    }
}
