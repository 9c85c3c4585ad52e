//! Text as it is written: pieces from a background thread, then the whole.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pyo3::prelude::*;
use rag_core::{AskOptions, Call, CancelToken, Error, Result};

use crate::error::{guarded, to_py};
use crate::interrupt::long_call;
use crate::log;
use crate::options::set_named;
use crate::process::ThisProcess;
use crate::types::{Answer, Generation, Retraction};

/// How long a wait for the next piece may put off a look for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(20);

/// Work on a thread of its own that writes text piece by piece and ends with a result.
///
/// That thread never touches Python, so it cannot hinder its exit. Dropping the stream stops the
/// work.
struct Stream<T> {
    cancel: CancelToken,
    running: ThisProcess<Running<T>>,
}

/// What a reader of a stream gets.
#[derive(IntoPyObject)]
enum Heard {
    Piece(String),
    Retracted(Retraction),
}

struct Running<T> {
    pieces: Mutex<Receiver<Heard>>,
    worker: Mutex<Option<JoinHandle<Result<T>>>>,
    outcome: OnceLock<Result<T>>,
}

impl<T: Send + Sync + 'static> Stream<T> {
    fn start(work: impl FnOnce(Call<'_>) -> Result<T> + Send + 'static) -> Result<Self> {
        let cancel = CancelToken::new();
        // Not bounded: there are at most `max_new_tokens` pieces, and a full channel would keep the
        // generator from everybody else while its reader is idle.
        let (sender, pieces) = channel();
        let token = cancel.clone();
        let work = move || {
            let mut send = |piece: &str| match sender.send(Heard::Piece(piece.to_owned())) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            // who left needs to hear nothing
            let mut retract = |why| drop(sender.send(Heard::Retracted(Retraction(why))));
            let call = Call::new().on_piece(&mut send).on_retract(&mut retract).cancel(&token);
            guarded(|| work(call))
        };
        let worker = thread::Builder::new()
            .name("rag answer".to_owned())
            .spawn(work)
            .map_err(|error| Error::internal_cause("no thread for the answer", error))?;
        let running = Running {
            pieces: Mutex::new(pieces),
            worker: Mutex::new(Some(worker)),
            outcome: OnceLock::new(),
        };
        Ok(Self { cancel, running: ThisProcess::new(running) })
    }

    /// The next piece; `None` when the work is complete or has failed.
    fn next_piece(&self, py: Python<'_>) -> PyResult<Option<Heard>> {
        let running = self.running.get()?;
        loop {
            let received = py.detach(|| {
                let pieces = running.pieces.lock().unwrap_or_else(PoisonError::into_inner);
                pieces.recv_timeout(SIGNAL_INTERVAL)
            });
            match received {
                Ok(piece) => return Ok(Some(piece)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => {
                    py.check_signals().inspect_err(|_| self.cancel.cancel())?;
                }
            }
        }
    }

    /// The next piece; `None` at a good end, an error at a bad one.
    fn next_or_end(&self, py: Python<'_>) -> PyResult<Option<Heard>> {
        match self.next_piece(py)? {
            Some(piece) => Ok(Some(piece)),
            None => self.outcome(py).map(|_| None),
        }
    }

    /// The result; waits for it, passing over pieces not yet read.
    fn result(&self, py: Python<'_>) -> PyResult<&T> {
        while self.next_piece(py)?.is_some() {}
        self.outcome(py)
    }

    /// What the worker returned; waits for it.
    fn outcome(&self, py: Python<'_>) -> PyResult<&T> {
        let running = self.running.get()?;
        let outcome = py.detach(|| running.wait());
        match outcome {
            Some(Ok(value)) => Ok(value),
            Some(Err(error)) => Err(to_py(py, error)),
            None => Err(to_py(py, &Error::internal("the answer has no outcome"))),
        }
    }
}

impl<T> Running<T> {
    fn wait(&self) -> Option<&Result<T>> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = worker.take() {
            let lost = |_| Err(Error::internal("the thread of the answer was lost"));
            let joined = worker.join().unwrap_or_else(lost);
            self.outcome.get_or_init(|| joined);
        }
        self.outcome.get()
    }
}

impl<T> Drop for Stream<T> {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

/// A stream as asyncio iterates over it.
fn pieces(stream: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    stream.py().import("rag_py._aio")?.call_method1("pieces", (stream,))
}

/// The pieces of an answer as they are written, then the answer with its citations.
///
/// Iterate to get the pieces, with `for` or `async for`; `answer` is there at the end. Closing it,
/// leaving its `with` block or dropping it stops the generation within one token. The pieces carry
/// no citation markers; `answer.text` does. With `stream="raw"` they come before they are checked,
/// and a `Retraction` among them says that all pieces before it are withdrawn.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct AnswerStream {
    stream: Stream<rag_core::Answer>,
    logged: AtomicBool,
}

/// Whether `stream` asks for a stream; a word says when its pieces come.
pub(crate) fn is_asked(
    options: &mut AskOptions,
    method: &str,
    stream: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    match stream.map(|stream| stream.extract::<bool>()) {
        None => Ok(false),
        Some(Ok(flag)) => Ok(flag),
        Some(Err(_)) => set_named(options, method, "stream", stream).map(|()| true),
    }
}

/// The answer that `ask` makes, or a stream of it.
pub(crate) fn answer(
    py: Python<'_>,
    streamed: bool,
    ask: impl FnOnce(Call<'_>) -> Result<rag_core::Answer> + Send + 'static,
) -> PyResult<Bound<'_, PyAny>> {
    if streamed {
        let stream = Stream::start(ask).map_err(|error| to_py(py, &error))?;
        let stream = AnswerStream { stream, logged: AtomicBool::new(false) };
        return Ok(Bound::new(py, stream)?.into_any());
    }
    let answer = long_call(py, ask)?;
    log::answered(py, &answer)?;
    Ok(Bound::new(py, Answer(answer))?.into_any())
}

#[pymethods]
impl AnswerStream {
    fn __iter__(stream: PyRef<'_, Self>) -> PyRef<'_, Self> {
        stream
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Heard>> {
        let piece = self.stream.next_or_end(py)?;
        if piece.is_none() {
            self.answer(py)?;
        }
        Ok(piece)
    }

    fn __aiter__(stream: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        pieces(stream.into_any())
    }

    /// The answer with its citations; waits until it is complete, passing over pieces not yet read.
    ///
    /// Raises:
    ///     CancelledError: The stream was closed before its end.
    #[getter]
    fn answer(&self, py: Python<'_>) -> PyResult<Answer> {
        let answer = self.stream.result(py)?;
        // no lock: logging may let another thread run
        if !self.logged.swap(true, Ordering::Relaxed) {
            log::answered(py, answer)?;
        }
        Ok(Answer(answer.clone()))
    }

    /// Stops the generation within one token. Does not wait; does nothing after the end.
    fn close(&self) {
        self.stream.cancel.cancel();
    }

    fn __enter__(stream: PyRef<'_, Self>) -> PyRef<'_, Self> {
        stream
    }

    fn __exit__(
        &self,
        _exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close();
    }
}

/// The pieces of a text as they are generated, then the whole with its figures.
///
/// Iterate to get the pieces, with `for` or `async for`; `generation` is there at the end. Closing
/// it, leaving its `with` block or dropping it stops the generation within one token.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct GenerationStream(Stream<rag_core::generate::Generation>);

impl GenerationStream {
    /// Runs `generate` in the background.
    pub(crate) fn start(
        generate: impl FnOnce(Call<'_>) -> Result<rag_core::generate::Generation> + Send + 'static,
    ) -> Result<Self> {
        Stream::start(generate).map(Self)
    }
}

#[pymethods]
impl GenerationStream {
    fn __iter__(stream: PyRef<'_, Self>) -> PyRef<'_, Self> {
        stream
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Heard>> {
        self.0.next_or_end(py)
    }

    fn __aiter__(stream: Bound<'_, Self>) -> PyResult<Bound<'_, PyAny>> {
        pieces(stream.into_any())
    }

    /// The whole text with its figures; waits until it is complete, passing over pieces not yet
    /// read.
    ///
    /// Raises:
    ///     CancelledError: The stream was closed before its end.
    #[getter]
    fn generation(&self, py: Python<'_>) -> PyResult<Generation> {
        self.0.result(py).cloned().map(Generation)
    }

    /// Stops the generation within one token. Does not wait; does nothing after the end.
    fn close(&self) {
        self.0.cancel.cancel();
    }

    fn __enter__(stream: PyRef<'_, Self>) -> PyRef<'_, Self> {
        stream
    }

    fn __exit__(
        &self,
        _exception_type: &Bound<'_, PyAny>,
        _exception: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) {
        self.close();
    }
}
