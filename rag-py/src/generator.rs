//! A generator on its own: a prompt or a conversation to text.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyString;
use rag_core::generate::{GenerateOptions, GeneratorOptions, KvPrecision};
use rag_core::kernels::KernelLevel;
use rag_core::model::Message;
use rag_core::{Call, Error};

use crate::error::to_py;
use crate::interrupt::{LongCall, call, long_call};
use crate::options::{Keywords, from_keywords, model_dirs, model_name};
use crate::process::ThisProcess;
use crate::progress::{progress_callback, report};
use crate::stream::GenerationStream;
use crate::types::Generation;
use crate::value::messages;

/// A loaded generator. One call runs at a time; others wait.
///
/// Loads a model by name, path or hub id, from this machine only: a GGUF file, or a folder as
/// ``transformers`` saves it.
///
/// Args:
///     name_or_path: The model.
#[doc = include_str!("help/generator.txt")]
/// Raises: NotFoundError: No such model on this machine. ModelError: A file is missing, damaged or
/// of a kind we do not run. InvalidArgumentError: An option is unknown, or the template needs
/// tokens that the model does not have.
#[pyclass(frozen, subclass, module = "rag_py._native")]
pub(crate) struct Generator {
    inner: ThisProcess<Arc<rag_core::generate::Generator>>,
    name: String,
}

/// What the model continues: text as it is, or a conversation in the model's own template.
enum Prompt {
    Text(String),
    Messages(Vec<Message>),
}

impl Prompt {
    fn new(prompt: &Bound<'_, PyAny>) -> PyResult<Self> {
        if prompt.is_instance_of::<PyString>() {
            Ok(Prompt::Text(prompt.extract()?))
        } else {
            Ok(Prompt::Messages(messages(prompt)?))
        }
    }

    fn token_ids(&self, generator: &rag_core::generate::Generator) -> rag_core::Result<Vec<u32>> {
        match self {
            Prompt::Text(text) => generator.chat().encode_prompt(text),
            Prompt::Messages(messages) => Ok(generator.chat().render(messages)?.token_ids),
        }
    }
}

#[pymethods]
impl Generator {
    #[new]
    #[pyo3(signature = (name_or_path, **options))]
    fn new(
        py: Python<'_>,
        name_or_path: PathBuf,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Self> {
        let name = model_name(py, "name_or_path", name_or_path)?;
        let options = from_keywords::<GeneratorOptions>("Generator", options)?;
        let load = || {
            let path = model_dirs().resolve(&name)?;
            rag_core::generate::Generator::load_with(&path, &options)
        };
        let inner = call(py, load)?;
        Ok(Self { inner: ThisProcess::new(Arc::new(inner)), name })
    }

    /// Continues a prompt, or answers a conversation.
    ///
    /// No text, in a prompt or in a message, can become a control token. Options that are not given
    /// keep the engine's defaults.
    ///
    /// Args: prompt: Text to continue as it is, or a list of `{"role": ..., "content": ...}` with
    /// the roles "system", "user" and "assistant". stream: Return a `GenerationStream` instead,
    /// which gives the text as it is written. progress: A callable that gets a `Progress` while the
    /// prompt is taken in; True shows a line on standard error. Not for streams.
    #[doc = include_str!("help/generate.txt")]
    /// Raises: InvalidArgumentError: An option is out of range, or a schema, expression or grammar
    /// is malformed. ContextOverflowError: The prompt leaves no room for an answer.
    #[pyo3(signature = (prompt, *, stream=false, progress=None, **options))]
    fn generate<'py>(
        &self,
        py: Python<'py>,
        prompt: &Bound<'py, PyAny>,
        stream: bool,
        progress: Option<Bound<'py, PyAny>>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let progress = progress_callback(py, progress)?;
        if stream && progress.is_some() {
            let error = Error::invalid("progress", "it is not for streams: leave it out");
            return Err(to_py(py, &error));
        }
        let prompt = Prompt::new(prompt)?;
        let options = from_keywords::<GenerateOptions>("generate", options)?;
        let inner = Arc::clone(self.inner.get()?);
        if stream {
            let generate = move |call: Call<'_>| {
                inner.generate_with(&prompt.token_ids(&inner)?, &options, call)
            };
            let stream = GenerationStream::start(generate).map_err(|error| to_py(py, &error))?;
            return Ok(Bound::new(py, stream)?.into_any());
        }
        let running = LongCall::new(py)?;
        let mut on_progress = |step: &rag_core::Progress| report(&running, progress.as_ref(), step);
        let generation = running.run(py, |call| {
            let ids = prompt.token_ids(&inner)?;
            inner.generate_with(&ids, &options, call.on_progress(&mut on_progress))
        })?;
        Ok(Bound::new(py, Generation(generation))?.into_any())
    }

    /// Several answers to one prompt: the first with `seed`, the next with the seed after it, and
    /// so on. The prompt is taken in once. Greedy answers are all the same: give a temperature.
    ///
    /// Args:
    ///     prompt: As for `generate`, whose other options it takes.
    ///     count: How many, to 64.
    #[pyo3(signature = (prompt, count, **options))]
    fn generate_many(
        &self,
        py: Python<'_>,
        prompt: &Bound<'_, PyAny>,
        count: usize,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Vec<Generation>> {
        let prompt = Prompt::new(prompt)?;
        let options = from_keywords::<GenerateOptions>("generate_many", options)?;
        let inner = self.inner.get()?;
        let generations = long_call(py, |call| {
            inner.generate_many(&prompt.token_ids(inner)?, count, &options, call)
        })?;
        Ok(generations.into_iter().map(Generation).collect())
    }

    /// Tokens of a text.
    fn token_count(&self, py: Python<'_>, text: &str) -> PyResult<usize> {
        let inner = self.inner.get()?;
        call(py, || Ok(inner.chat().encode(text)?.len()))
    }

    /// The name or path it was loaded by.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// What writes conversations down: "model" for its own template, else the name of a built-in
    /// one.
    #[getter]
    fn template(&self) -> PyResult<&'static str> {
        Ok(self.inner.get()?.chat().template().name())
    }

    /// How keys and values are kept: "f16" or "q8"; `None` if candle keeps them as it computes
    /// them.
    #[getter]
    fn kv(&self) -> PyResult<Option<&'static str>> {
        Ok(self.inner.get()?.kv_precision().map(KvPrecision::name))
    }

    /// What runs the network: "auto" for our own decoder, "candle", or a device such as "cuda:0".
    #[getter]
    fn backend(&self) -> PyResult<String> {
        Ok(self.inner.get()?.backend().to_string())
    }

    /// The instructions it runs: "avx512", "avx2", "neon", "portable"; `None` if candle chooses.
    #[getter]
    fn level(&self) -> PyResult<Option<&'static str>> {
        Ok(self.inner.get()?.kernel_level().map(KernelLevel::name))
    }

    /// Threads it runs on, the caller's included; `None` if candle chooses.
    #[getter]
    fn threads(&self) -> PyResult<Option<usize>> {
        Ok(self.inner.get()?.thread_count())
    }

    /// Bytes that the keys and values of a token take.
    #[getter]
    fn kv_bytes_per_token(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.kv_bytes_per_token())
    }

    /// Tokens it can hold, prompt and answer together.
    #[getter]
    fn context_len(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.context_len())
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("Generator({:?}, context_len={})", self.name, self.context_len()?))
    }
}
