//! A conversation over a knowledge base.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use rag_core::model::Message;
use rag_core::{AskOptions, CancelToken, Error, Result};

use crate::dict::to_plain;
use crate::error::to_py;
use crate::interrupt::long_call;
use crate::process::ThisProcess;
use crate::stream::{AnswerStream, OnPiece};
use crate::types::Answer;

/// A conversation: each turn is an `ask` that knows the turns before it. One turn at a time.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Chat {
    talk: ThisProcess<Arc<Talk>>,
}

struct Talk {
    knowledge_base: Arc<rag_core::KnowledgeBase>,
    /// Taken out while a turn runs.
    options: Mutex<Option<AskOptions>>,
}

impl Chat {
    pub(crate) fn new(knowledge_base: Arc<rag_core::KnowledgeBase>, options: AskOptions) -> Self {
        let talk = Talk { knowledge_base, options: Mutex::new(Some(options)) };
        Self { talk: ThisProcess::new(Arc::new(talk)) }
    }
}

impl Talk {
    /// One turn. The history stays as it was if it fails.
    fn say(&self, text: &str, on_piece: OnPiece<'_>, cancel: &CancelToken) -> Result<Answer> {
        let mut turn = Turn { talk: self, options: Some(self.take()?) };
        let options = turn.options.clone().unwrap_or_default();
        let mut chat = self.knowledge_base.chat(options);
        let answer = chat.say(text, on_piece, cancel)?;
        if let Some(options) = &mut turn.options {
            options.history = chat.history().to_vec();
        }
        Ok(Answer(answer))
    }

    fn take(&self) -> Result<AskOptions> {
        self.with(Option::take).ok_or_else(busy)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Option<AskOptions>) -> T) -> T {
        work(&mut self.options.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts the options back when a turn ends, however it ends.
struct Turn<'a> {
    talk: &'a Talk,
    options: Option<AskOptions>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let options = self.options.take();
        self.talk.with(|slot| *slot = options);
    }
}

fn busy() -> Error {
    Error::invalid("chat", "a turn is running; wait for its answer")
}

#[pymethods]
impl Chat {
    /// Says something and returns the answer; both join the history if the answer was found.
    ///
    /// Args:
    ///     text: What to say.
    ///     stream: Return an `AnswerStream` instead, which gives the answer as it is written.
    ///
    /// Raises:
    ///     InvalidArgumentError: The text is empty, or another turn is running.
    #[pyo3(signature = (text, *, stream=false))]
    fn say<'py>(&self, py: Python<'py>, text: String, stream: bool) -> PyResult<Bound<'py, PyAny>> {
        let talk = Arc::clone(self.talk.get()?);
        if stream {
            let ask = move |on_piece: OnPiece<'_>, cancel: &CancelToken| {
                talk.say(&text, on_piece, cancel).map(|answer| answer.0)
            };
            let stream = AnswerStream::start(ask).map_err(|error| to_py(py, &error))?;
            return Ok(Bound::new(py, stream)?.into_any());
        }
        let mut keep_going = |_: &str| ControlFlow::Continue(());
        let answer = long_call(py, |cancel| talk.say(&text, &mut keep_going, cancel))?;
        Ok(Bound::new(py, answer)?.into_any())
    }

    /// The turns so far, oldest first, as `{"role": ..., "content": ...}`.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let copy = |slot: &mut Option<AskOptions>| slot.as_ref().map(|it| it.history.clone());
        let history: Vec<Message> =
            self.talk.get()?.with(copy).ok_or_else(|| to_py(py, &busy()))?;
        to_plain(py, &history)
    }

    /// Forgets the turns so far.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        let clear = |slot: &mut Option<AskOptions>| slot.as_mut().map(|it| it.history.clear());
        self.talk.get()?.with(clear).ok_or_else(|| to_py(py, &busy()))
    }
}
