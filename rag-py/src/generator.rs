//! A generator on its own: a prompt or a conversation to text.

use std::ops::ControlFlow;
use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyString;
use rag_core::model::Message;

use crate::interrupt::{call, long_call};
use crate::options::{Keywords, generate_options, messages, model_dirs, model_name};
use crate::process::ThisProcess;
use crate::types::Generation;

/// A loaded generator. One call runs at a time; others wait.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Generator {
    inner: ThisProcess<rag_core::generate::Generator>,
    name: String,
}

/// What the model continues: text as it is, or a conversation in the model's own template.
enum Prompt {
    Text(String),
    Messages(Vec<Message>),
}

#[pymethods]
impl Generator {
    /// Loads a model by name, path or hub id, from this machine only.
    ///
    /// Raises:
    ///     NotFoundError: No such model on this machine.
    ///     ModelError: A file is missing, damaged or of a kind we do not run.
    #[new]
    fn new(py: Python<'_>, name_or_path: PathBuf) -> PyResult<Self> {
        let name = model_name(py, "name_or_path", name_or_path)?;
        let inner =
            call(py, || rag_core::generate::Generator::load(&model_dirs().resolve(&name)?))?;
        Ok(Self { inner: ThisProcess::new(inner), name })
    }

    /// Continues a prompt, or answers a conversation.
    ///
    /// No text, in a prompt or in a message, can become a control token. Options that are not given keep the
    /// engine's defaults.
    ///
    /// Args:
    ///     prompt: Text to continue as it is, or a list of `{"role": ..., "content": ...}` with the roles
    ///         "system", "user" and "assistant".
    ///     max_new_tokens: Most tokens to produce. Default 256.
    ///     temperature: 0 is greedy. Default 0.
    ///     top_k: Keep the k likeliest tokens; 0 keeps all. Default 0.
    ///     top_p: Keep the likeliest tokens that sum to p. Default 1, all.
    ///     min_p: Keep tokens at least this share as likely as the likeliest. Default 0, all.
    ///     repetition_penalty: Divides the logits of tokens already seen. Default 1, off.
    ///     beams: Width of beam search; 1 samples. Default 1.
    ///     seed: Same seed, same bytes. Default 0.
    ///     stop: Generation ends before any of these.
    ///
    /// Raises:
    ///     InvalidArgumentError: An option is out of range.
    ///     ContextOverflowError: The prompt leaves no room for an answer.
    #[pyo3(
        signature = (prompt, **options),
        text_signature = "($self, prompt, *, max_new_tokens=None, temperature=None, top_k=None, top_p=None, min_p=None, repetition_penalty=None, beams=None, seed=None, stop=None)"
    )]
    fn generate(
        &self,
        py: Python<'_>,
        prompt: &Bound<'_, PyAny>,
        options: Option<Keywords<'_, '_>>,
    ) -> PyResult<Generation> {
        let prompt = if prompt.is_instance_of::<PyString>() {
            Prompt::Text(prompt.extract()?)
        } else {
            Prompt::Messages(messages(prompt)?)
        };
        let options = generate_options(options)?;
        let inner = self.inner.get()?;
        long_call(py, |cancel| {
            let token_ids = match &prompt {
                Prompt::Text(text) => inner.chat().encode(text)?,
                Prompt::Messages(messages) => inner.chat().render(messages)?.token_ids,
            };
            let mut keep_going = |_: &str| ControlFlow::Continue(());
            inner.generate(&token_ids, &options, &mut keep_going, cancel)
        })
        .map(Generation)
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

    /// Tokens it can hold, prompt and answer together.
    #[getter]
    fn context_len(&self) -> PyResult<usize> {
        Ok(self.inner.get()?.context_len())
    }

    fn __repr__(&self) -> PyResult<String> {
        Ok(format!("Generator({:?}, context_len={})", self.name, self.context_len()?))
    }
}
