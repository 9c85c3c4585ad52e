//! What happens, told to Python's `logging` under the name "rag_py". A program that sets no logging
//! up sees nothing of it.

use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use rag_core::{Answer, SyncReport};

/// Levels of `logging`.
const DEBUG: u8 = 10;
const INFO: u8 = 20;

/// Tells what `message` says, if anyone listens. A logger that fails is no reason to fail; an
/// interrupt that comes meanwhile is.
fn tell(py: Python<'_>, level: u8, message: impl FnOnce() -> String) -> PyResult<()> {
    let tell = || -> PyResult<()> {
        let logger = py.import("logging")?.call_method1("getLogger", ("rag_py",))?;
        if logger.call_method1("isEnabledFor", (level,))?.is_truthy()? {
            logger.call_method1("log", (level, "%s", message()))?;
        }
        Ok(())
    };
    match tell() {
        Err(error) if error.is_instance_of::<PyException>(py) => error.write_unraisable(py, None),
        told => return told,
    }
    Ok(())
}

/// A line on a sync and one on each file that it passed over.
pub(crate) fn synced(py: Python<'_>, report: &SyncReport) -> PyResult<()> {
    tell(py, INFO, || {
        let SyncReport { added, updated, removed, renamed, unchanged, seconds, .. } = report;
        format!(
            "synced in {seconds:.1} s: {added} added, {updated} updated, {removed} removed, {renamed} renamed, \
             {unchanged} unchanged, {} skipped",
            report.skipped.len()
        )
    })?;
    for skipped in &report.skipped {
        tell(py, INFO, || format!("skipped: {}", skipped.error.line()))?;
    }
    Ok(())
}

/// A line on an answer.
pub(crate) fn answered(py: Python<'_>, answer: &Answer) -> PyResult<()> {
    tell(py, DEBUG, || {
        let (hits, citations) = (answer.hits.len(), answer.citations.len());
        let outcome = match answer.reason_text() {
            Some(reason) => format!("not answered: {reason}"),
            None => format!("answered with {citations} citations"),
        };
        format!("{outcome}; {hits} passages, {:.0} ms", answer.timings.total_ms)
    })
}
