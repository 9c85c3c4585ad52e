//! A conversation over a knowledge base.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use rag_core::model::Message;
use rag_core::{Answer, AskOptions, Call, Conversation, Error, Result};

use crate::dict::to_plain;
use crate::error::to_py;
use crate::process::ThisProcess;
use crate::stream;

/// A conversation: each turn is an `ask` that knows the turns before it. One turn at a time.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct Chat {
    talk: ThisProcess<Arc<Talk>>,
}

struct Talk {
    knowledge_base: Arc<rag_core::KnowledgeBase>,
    /// Taken out while a turn runs.
    conversation: Mutex<Option<Conversation>>,
}

/// What a turn says.
enum Said {
    Text(String),
    Again(u64),
}

impl Chat {
    pub(crate) fn new(knowledge_base: Arc<rag_core::KnowledgeBase>, options: AskOptions) -> Self {
        let conversation = knowledge_base.chat(options).into_conversation();
        Self::with(knowledge_base, conversation)
    }

    pub(crate) fn with(
        knowledge_base: Arc<rag_core::KnowledgeBase>,
        conversation: Conversation,
    ) -> Self {
        let talk = Talk { knowledge_base, conversation: Mutex::new(Some(conversation)) };
        Self { talk: ThisProcess::new(Arc::new(talk)) }
    }

    /// One turn, as an answer or a stream of one.
    fn turn<'py>(&self, py: Python<'py>, said: Said, stream: bool) -> PyResult<Bound<'py, PyAny>> {
        let talk = Arc::clone(self.talk.get()?);
        stream::answer(py, stream, move |call| talk.turn(&said, call))
    }
}

impl Talk {
    /// One turn. The conversation stays as it was if it fails.
    fn turn(&self, said: &Said, call: Call<'_>) -> Result<Answer> {
        let mut turn = Turn { talk: self, conversation: Some(self.take()?) };
        let conversation = turn.conversation.clone().unwrap_or_default();
        let mut chat = self.knowledge_base.continue_chat(conversation);
        let answer = match said {
            Said::Text(text) => chat.say_with(text, call)?,
            Said::Again(seed) => chat.regenerate_with(*seed, call)?,
        };
        turn.conversation = Some(chat.into_conversation());
        Ok(answer)
    }

    fn take(&self) -> Result<Conversation> {
        self.with(Option::take).ok_or_else(busy)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Option<Conversation>) -> T) -> T {
        work(&mut self.conversation.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Puts the conversation back when a turn ends, however it ends.
struct Turn<'a> {
    talk: &'a Talk,
    conversation: Option<Conversation>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let conversation = self.conversation.take();
        self.talk.with(|slot| *slot = conversation);
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
        self.turn(py, Said::Text(text), stream)
    }

    /// Asks the last question again with another seed; the new answer takes the place of the old
    /// one in the history.
    ///
    /// Greedy options would give the same answer again, so such a turn is sampled at a temperature
    /// of 0.7. If the new answer is not found, question and old answer leave the history.
    ///
    /// Args:
    ///     seed: Same seed, same answer.
    ///     stream: Return an `AnswerStream` instead, which gives the answer as it is written.
    ///
    /// Raises:
    ///     InvalidArgumentError: Nothing was said yet, or another turn is running.
    #[pyo3(signature = (seed, *, stream=false))]
    fn regenerate<'py>(
        &self,
        py: Python<'py>,
        seed: u64,
        stream: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.turn(py, Said::Again(seed), stream)
    }

    /// The turns so far and the last question as JSON, for `KnowledgeBase.resume`. Options are not
    /// in it.
    fn save(&self, py: Python<'_>) -> PyResult<String> {
        let save = |slot: &mut Option<Conversation>| slot.as_ref().map(Conversation::save);
        let saved = self.talk.get()?.with(save).unwrap_or_else(|| Err(busy()));
        saved.map_err(|error| to_py(py, &error))
    }

    /// The turns so far, oldest first, as `{"role": ..., "content": ...}`.
    #[getter]
    fn history<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let copy = |slot: &mut Option<Conversation>| slot.as_ref().map(|it| it.history().to_vec());
        let history: Vec<Message> =
            self.talk.get()?.with(copy).ok_or_else(|| to_py(py, &busy()))?;
        to_plain(py, &history)
    }

    /// Forgets the turns so far.
    fn clear(&self, py: Python<'_>) -> PyResult<()> {
        let clear = |slot: &mut Option<Conversation>| slot.as_mut().map(Conversation::clear);
        self.talk.get()?.with(clear).ok_or_else(|| to_py(py, &busy()))
    }
}
