//! What a handle holds, kept from the callbacks that are made for it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use rag_core::{Error, Result};

/// A value that no thread may use while it is inside a callback made for that value: it would wait
/// for itself.
pub(crate) struct Guarded<T> {
    value: T,
    /// The argument that a wrong call is blamed on.
    argument: &'static str,
    /// Threads that are inside a callback of this value.
    calling_back: Mutex<Vec<ThreadId>>,
}

impl<T> Guarded<T> {
    pub(crate) fn new(value: T, argument: &'static str) -> Self {
        Self { value, argument, calling_back: Mutex::default() }
    }

    fn threads(&self) -> MutexGuard<'_, Vec<ThreadId>> {
        self.calling_back.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value as it is, for what takes no lock.
    pub(crate) fn value(&self) -> &T {
        &self.value
    }

    /// The value, unless this thread is inside one of its callbacks.
    pub(crate) fn enter(&self) -> Result<&T> {
        if self.threads().contains(&thread::current().id()) {
            let reason = "used from inside a callback that was made for it";
            return Err(Error::invalid(self.argument, reason));
        }
        Ok(&self.value)
    }

    /// Runs `callback` with this thread marked.
    pub(crate) fn call_back<R>(&self, callback: impl FnOnce() -> R) -> R {
        let thread = thread::current().id();
        self.threads().push(thread);
        let result = callback();
        let mut threads = self.threads();
        if let Some(index) = threads.iter().rposition(|other| *other == thread) {
            threads.swap_remove(index);
        }
        result
    }
}
