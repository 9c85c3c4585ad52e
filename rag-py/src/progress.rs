//! Reports while a call runs, to a callable of Python's or to the package's own bar.

use pyo3::prelude::*;

use crate::interrupt::LongCall;
use crate::types::Progress;

/// The callable to report to: the one given, the package's own for True, or none.
pub(crate) fn progress_callback(
    py: Python<'_>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Option<Py<PyAny>>> {
    let Some(progress) = progress else { return Ok(None) };
    match progress.extract::<bool>() {
        Ok(false) => Ok(None),
        Ok(true) => Ok(Some(py.import("rag_py._progress")?.call_method0("reporter")?.unbind())),
        Err(_) => Ok(Some(progress.unbind())),
    }
}

/// Calls back; an exception there stops the call and comes out of it.
pub(crate) fn report(running: &LongCall, callback: Option<&Py<PyAny>>, step: &rag_core::Progress) {
    let Some(callback) = callback else { return };
    let outcome = Python::attach(|py| callback.call1(py, (Progress(step.clone()),)));
    if let Err(error) = outcome {
        running.fail(error);
    }
}
