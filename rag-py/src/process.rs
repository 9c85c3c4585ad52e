//! Values that belong to the process that made them.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

/// A value that a forked child can neither use nor drop: its threads and file locks are the
/// parent's.
pub(crate) struct ThisProcess<T> {
    value: Option<T>,
    process: u32,
}

impl<T> ThisProcess<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { value: Some(value), process: std::process::id() }
    }

    /// The value, in the process that made it.
    pub(crate) fn get(&self) -> PyResult<&T> {
        match &self.value {
            Some(value) if self.process == std::process::id() => Ok(value),
            _ => Err(PyRuntimeError::new_err("opened before fork; open it again in this process")),
        }
    }
}

impl<T> Drop for ThisProcess<T> {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}
