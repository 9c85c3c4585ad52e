//! What a sync reports while it runs and when it is done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use rag_core::Stage;

use super::repr;
use crate::dict::{to_json, to_plain};
use crate::pickle::{Reduced, reduce};

/// What a sync did.
#[pyclass(frozen, module = "rag_py._native")]
pub(crate) struct SyncReport(pub(crate) rag_core::SyncReport);

#[pymethods]
impl SyncReport {
    /// Documents that are new.
    #[getter]
    fn added(&self) -> usize {
        self.0.added
    }

    /// Documents whose bytes changed.
    #[getter]
    fn updated(&self) -> usize {
        self.0.updated
    }

    /// Documents whose file is gone.
    #[getter]
    fn removed(&self) -> usize {
        self.0.removed
    }

    /// Documents that moved, bytes unchanged; they kept their passages.
    #[getter]
    fn renamed(&self) -> usize {
        self.0.renamed
    }

    /// Documents that are as they were.
    #[getter]
    fn unchanged(&self) -> usize {
        self.0.unchanged
    }

    /// Files passed over, each with its reason.
    #[getter]
    fn skipped(&self) -> Vec<Skipped> {
        self.0.skipped.iter().map(Skipped::from).collect()
    }

    /// Documents that were kept though their file is missing.
    #[getter]
    fn missing(&self) -> Vec<&std::ffi::OsStr> {
        self.0.missing.iter().map(|path| path.as_os_str()).collect()
    }

    /// Of each document added or updated that was not read whole, what was not.
    #[getter]
    fn unread(&self) -> BTreeMap<&std::ffi::OsStr, Vec<Unread>> {
        let files = self.0.unread.iter();
        files.map(|file| (file.path.as_os_str(), Unread::all(&file.unread))).collect()
    }

    /// Passages written.
    #[getter]
    fn passage_count(&self) -> usize {
        self.0.passage_count
    }

    /// Wall time.
    #[getter]
    fn seconds(&self) -> f64 {
        self.0.seconds
    }

    /// The same as plain values, with the keys of `rag sync --json`.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __eq__(&self, py: Python<'_>, other: &Self) -> PyResult<bool> {
        Ok(to_json(py, &self.0)? == to_json(py, &other.0)?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let skipped: Vec<String> =
            self.skipped().iter().map(|file| file.__repr__(py)).collect::<PyResult<_>>()?;
        Ok(format!(
            "SyncReport(added={}, updated={}, removed={}, renamed={}, unchanged={}, skipped=[{}])",
            self.0.added,
            self.0.updated,
            self.0.removed,
            self.0.renamed,
            self.0.unchanged,
            skipped.join(", ")
        ))
    }
}

/// Something of a file that is not in its text.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Unread(pub(crate) rag_core::document::Unread);

impl Unread {
    pub(crate) fn all(unread: &[rag_core::document::Unread]) -> Vec<Self> {
        unread.iter().cloned().map(Self).collect()
    }
}

#[pymethods]
impl Unread {
    /// What it is, in a word that never changes, such as "picture" or "deleted_text".
    #[getter]
    fn kind(&self) -> String {
        self.0.kind.name()
    }

    /// How many of them.
    #[getter]
    fn count(&self) -> u64 {
        self.0.count
    }

    /// Names of some of them, five at most, where they have any.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names.clone()
    }

    /// In words: "2 attachments (plan.dwg, a.zip)".
    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Reduced<'py>> {
        reduce(py, "Unread", &self.0)
    }

    fn __repr__(&self) -> String {
        format!("Unread({})", self.0)
    }
}

/// A file that a sync passed over, and why.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Skipped {
    path: PathBuf,
    /// The name of the error code, such as "Document".
    #[pyo3(get)]
    code: &'static str,
    /// What is wrong with it.
    #[pyo3(get)]
    message: String,
    /// Why a document could not be read, in a word that never changes: "NoText", "Encrypted",
    /// "UndecodedFont", "Unsupported", "Broken", "TooLarge", "TooSlow" or "NotAFile"; later
    /// versions may add some. None for other errors.
    #[pyo3(get)]
    unreadable: Option<&'static str>,
}

impl From<&rag_core::error::Skipped> for Skipped {
    fn from(skipped: &rag_core::error::Skipped) -> Self {
        let code = skipped.error.code().name();
        let unreadable = skipped.error.unreadable().map(rag_core::Unreadable::name);
        Self { path: skipped.path.clone(), code, message: skipped.error.line(), unreadable }
    }
}

#[pymethods]
impl Skipped {
    /// The file.
    #[getter]
    fn path(&self) -> &std::ffi::OsStr {
        self.path.as_os_str()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let path = repr(py, &self.path.to_string_lossy())?;
        let message = repr(py, &self.message)?;
        let why = self.unreadable.unwrap_or(self.code);
        Ok(format!("Skipped(path={path}, {why}, message={message})"))
    }
}

/// Where a sync stands.
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Progress(pub(crate) rag_core::Progress);

#[pymethods]
impl Progress {
    /// What is being counted: "scan", "index" (files), "seal" (vectors) or "prefill" (tokens of a
    /// prompt).
    #[getter]
    fn stage(&self) -> &'static str {
        match self.0.stage {
            Stage::Scan => "scan",
            Stage::Index => "index",
            Stage::Seal => "seal",
            Stage::Prefill => "prefill",
        }
    }

    /// Units finished.
    #[getter]
    fn done(&self) -> usize {
        self.0.done
    }

    /// Units in all, once known.
    #[getter]
    fn total(&self) -> Option<usize> {
        self.0.total
    }

    /// Passages stored so far in this call.
    #[getter]
    fn passage_count(&self) -> usize {
        self.0.passage_count
    }

    /// The file just finished, if the stage works on files.
    #[getter]
    fn path(&self) -> Option<&std::ffi::OsStr> {
        self.0.path.as_deref().map(std::path::Path::as_os_str)
    }

    /// Bytes of the files finished; 0 if the stage does not work on files.
    #[getter]
    fn done_bytes(&self) -> u64 {
        self.0.done_bytes
    }

    /// Bytes of all files.
    #[getter]
    fn total_bytes(&self) -> u64 {
        self.0.total_bytes
    }

    /// Seconds since the stage began.
    #[getter]
    fn elapsed(&self) -> f64 {
        self.0.elapsed.as_secs_f64()
    }

    /// Passages stored a second since the stage began; 0 before there are any.
    #[getter]
    fn passages_per_second(&self) -> f64 {
        self.0.passages_per_second()
    }

    /// Seconds that the rest of the stage takes if it goes on like this, once that can be said.
    #[getter]
    fn remaining(&self) -> Option<f64> {
        self.0.remaining().map(|left| left.as_secs_f64())
    }

    fn __repr__(&self) -> String {
        let total = self.0.total.map_or("None".to_owned(), |total| total.to_string());
        format!("Progress(stage='{}', done={}, total={total})", self.stage(), self.0.done)
    }
}
