//! Ctrl-C: the first press stops the running job, a press without one means leave.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rag_core::{Call, CancelToken};

/// What a press of Ctrl-C did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Press {
    /// The running job was asked to stop.
    Cancelled,
    /// Nothing was running, or what runs was asked before: the program may leave at once.
    Idle,
}

/// Connects a host's signals with the job that is running. Clones share it; any thread may press.
#[derive(Clone, Default)]
pub struct Interrupt {
    running: Arc<Mutex<Option<CancelToken>>>,
    poll: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Interrupt {
    /// An interrupt that nothing has pressed.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An interrupt for hosts that learn of signals only by asking: `true` stops the running job.
    pub fn polling(poll: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { running: Arc::default(), poll: Some(Arc::new(poll)) }
    }

    /// Stops the running job.
    pub fn press(&self) -> Press {
        match &*self.lock() {
            Some(token) if !token.is_cancelled() => {
                token.cancel();
                Press::Cancelled
            }
            _ => Press::Idle,
        }
    }

    /// Starts a job; it ends when the value is dropped.
    #[must_use]
    pub fn begin(&self) -> Job {
        let token = match &self.poll {
            Some(poll) => {
                let poll = Arc::clone(poll);
                CancelToken::polling(move || poll())
            }
            None => CancelToken::new(),
        };
        *self.lock() = Some(token.clone());
        Job { interrupt: self.clone(), token }
    }

    fn lock(&self) -> MutexGuard<'_, Option<CancelToken>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").finish_non_exhaustive()
    }
}

/// A job that a press stops.
#[derive(Debug)]
pub struct Job {
    interrupt: Interrupt,
    token: CancelToken,
}

impl Job {
    /// The flag to hand to the library.
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// A call of the library that the press stops.
    #[must_use]
    pub fn call(&self) -> Call<'static> {
        Call::new().cancel(&self.token)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        *self.interrupt.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_press_stops_the_job_and_the_next_one_leaves() {
        let interrupt = Interrupt::new();
        assert_eq!(interrupt.press(), Press::Idle);
        let job = interrupt.begin();
        assert_eq!(interrupt.clone().press(), Press::Cancelled);
        assert!(job.token().is_cancelled());
        assert_eq!(interrupt.press(), Press::Idle);
        drop(job);
        assert!(!interrupt.begin().token().is_cancelled());
    }

    #[test]
    fn a_poll_stops_every_job() {
        let interrupt = Interrupt::polling(|| true);
        assert!(interrupt.begin().token().is_cancelled());
    }
}
