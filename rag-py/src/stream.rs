//! An answer as it is written: pieces from a background thread, then the answer itself.

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use pyo3::prelude::*;
use rag_core::{CancelToken, Error, Result};

use crate::error::{guarded, to_py};
use crate::process::ThisProcess;
use crate::types::Answer;

/// How long a wait for the next piece may put off a look for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(20);

/// The pieces of an answer as they are written, then the answer with its citations.
///
/// Iterate to get the pieces; `answer` is there at the end. Closing it, leaving its `with` block or dropping it
/// stops the generation within one token. The pieces carry no citation markers; `answer.text` does.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct AnswerStream {
    cancel: CancelToken,
    running: ThisProcess<Running>,
}

struct Running {
    pieces: Mutex<Receiver<String>>,
    worker: Mutex<Option<JoinHandle<Result<rag_core::Answer>>>>,
    outcome: OnceLock<Result<rag_core::Answer>>,
}

/// What gets the pieces.
pub(crate) type OnPiece<'a> = &'a mut dyn FnMut(&str) -> ControlFlow<()>;

impl AnswerStream {
    /// Runs `ask` on a thread of its own. That thread never touches Python, so it cannot hinder its exit.
    pub(crate) fn start(
        ask: impl FnOnce(OnPiece<'_>, &CancelToken) -> Result<rag_core::Answer> + Send + 'static,
    ) -> Result<Self> {
        let cancel = CancelToken::new();
        // Not bounded: an answer has at most `max_new_tokens` pieces, and a full channel would keep the
        // generator from everybody else while its reader is idle.
        let (sender, pieces) = channel();
        let token = cancel.clone();
        let work = move || {
            let mut send = |piece: &str| match sender.send(piece.to_owned()) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            };
            guarded(|| ask(&mut send, &token))
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

    /// The next piece; `None` when the answer is complete or has failed.
    fn next_piece(&self, py: Python<'_>) -> PyResult<Option<String>> {
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

    /// What the worker returned; waits for it.
    fn outcome(&self, py: Python<'_>) -> PyResult<&rag_core::Answer> {
        let running = self.running.get()?;
        let outcome = py.detach(|| running.wait());
        match outcome {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(error)) => Err(to_py(py, error)),
            None => Err(to_py(py, &Error::internal("the answer has no outcome"))),
        }
    }
}

impl Running {
    fn wait(&self) -> Option<&Result<rag_core::Answer>> {
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(worker) = worker.take() {
            let lost = |_| Err(Error::internal("the thread of the answer was lost"));
            let joined = worker.join().unwrap_or_else(lost);
            self.outcome.get_or_init(|| joined);
        }
        self.outcome.get()
    }
}

#[pymethods]
impl AnswerStream {
    fn __iter__(stream: PyRef<'_, Self>) -> PyRef<'_, Self> {
        stream
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<String>> {
        match self.next_piece(py)? {
            Some(piece) => Ok(Some(piece)),
            None => self.outcome(py).map(|_| None),
        }
    }

    /// The answer with its citations; waits until it is complete, passing over pieces not yet read.
    ///
    /// Raises:
    ///     CancelledError: The stream was closed before its end.
    #[getter]
    fn answer(&self, py: Python<'_>) -> PyResult<Answer> {
        while self.next_piece(py)?.is_some() {}
        self.outcome(py).cloned().map(Answer)
    }

    /// Stops the generation within one token. Does not wait; does nothing after the end.
    fn close(&self) {
        self.cancel.cancel();
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

impl Drop for AnswerStream {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}
