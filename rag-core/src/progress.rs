//! How a long call tells where it is, and how it is stopped.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

/// The part of a long call that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Listing and comparing files.
    Scan,
    /// Reading, splitting, encoding and storing documents; `done` and `total` count files.
    Index,
    /// Building the vector index; `done` and `total` count vectors.
    Seal,
}

/// One report from a long call. `done <= total` where the total is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being counted.
    pub stage: Stage,
    /// Units finished.
    pub done: usize,
    /// Units in all, once known.
    pub total: Option<usize>,
    /// Passages stored so far in this call.
    pub passage_count: usize,
    /// The file just finished, if the stage works on files.
    pub path: Option<PathBuf>,
}

/// A flag that stops a long call: checked per file, per batch and per token.
///
/// Clones share the flag. Any thread may cancel; a cancelled token stays cancelled.
#[derive(Clone, Default)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
    poll: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that also asks `poll` each time it is checked; `true` cancels.
    ///
    /// For hosts that learn of an interrupt only when they look, such as Python's pending signals.
    pub fn polling(poll: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { flag: Arc::default(), poll: Some(Arc::new(poll)) }
    }

    /// Asks every call that holds this token to stop at its next check.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelToken::cancel`] was called or the poll said so.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        if self.flag.load(Ordering::Relaxed) {
            return true;
        }
        let interrupted = self.poll.as_ref().is_some_and(|poll| poll());
        if interrupted {
            self.cancel();
        }
        interrupted
    }

    /// # Errors
    /// [`Error::Cancelled`] if the token is cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.flag.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_flag() {
        let token = CancelToken::new();
        let clone = token.clone();
        assert!(clone.check().is_ok());
        token.cancel();
        assert!(matches!(clone.check(), Err(Error::Cancelled)));
    }

    #[test]
    fn a_poll_that_says_yes_cancels_for_good() {
        let token = CancelToken::polling(|| true);
        assert!(token.is_cancelled());
        assert!(token.flag.load(Ordering::Relaxed));
    }
}
