//! Long core calls with the interpreter free: Ctrl-C and exceptions of callbacks stop them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use rag_core::{Call, CancelToken};

use crate::error::{guarded, to_py};

/// How often a long call may take the interpreter back to look for signals.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(20);

/// Runs a short core call with the interpreter free.
pub(crate) fn call<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> rag_core::Result<T> + Send,
) -> PyResult<T> {
    py.detach(|| guarded(work)).map_err(|error| to_py(py, &error))
}

/// One long core call: the token that stops it, and the exception to raise once it has stopped.
pub(crate) struct LongCall {
    cancel: CancelToken,
    raised: Raised,
}

/// The first exception that came up during a call.
#[derive(Clone, Default)]
struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    fn put(&self, error: PyErr) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    fn take(&self) -> Option<PyErr> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl LongCall {
    /// Prepares a call. On Python's main thread, which alone runs signal handlers, the token looks
    /// for signals.
    pub(crate) fn new(py: Python<'_>) -> PyResult<Self> {
        let raised = Raised::default();
        let cancel = if on_main_thread(py)? {
            CancelToken::polling(signal_poll(raised.clone()))
        } else {
            CancelToken::new()
        };
        Ok(Self { cancel, raised })
    }

    /// Stops the call and raises `error` when it has returned.
    pub(crate) fn fail(&self, error: PyErr) {
        self.raised.put(error);
        self.cancel.cancel();
    }

    /// Runs `work` with the interpreter free.
    pub(crate) fn run<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(Call<'_>) -> rag_core::Result<T> + Send,
    ) -> PyResult<T> {
        let outcome = py.detach(|| guarded(|| work(Call::new().cancel(&self.cancel))));
        match self.raised.take() {
            Some(error) => Err(error),
            None => outcome.map_err(|error| to_py(py, &error)),
        }
    }
}

/// Runs one long core call that has no callback into Python.
pub(crate) fn long_call<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(Call<'_>) -> rag_core::Result<T> + Send,
) -> PyResult<T> {
    LongCall::new(py)?.run(py, work)
}

fn on_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    Ok(threading.call_method0("current_thread")?.is(&threading.call_method0("main_thread")?))
}

/// Says whether a signal handler raised; looks at most every [`SIGNAL_INTERVAL`], and only on this
/// thread.
fn signal_poll(raised: Raised) -> impl Fn() -> bool + Send + Sync + 'static {
    let main_thread = thread::current().id();
    let start = Instant::now();
    let next_look_ms = AtomicU64::new(0);
    move || {
        let now = start.elapsed();
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        if thread::current().id() != main_thread || now_ms < next_look_ms.load(Ordering::Relaxed) {
            return false;
        }
        let next = now + SIGNAL_INTERVAL;
        next_look_ms.store(u64::try_from(next.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
        match Python::try_attach(|py| py.check_signals()) {
            Some(Err(error)) => {
                raised.put(error);
                true
            }
            Some(Ok(())) | None => false,
        }
    }
}
