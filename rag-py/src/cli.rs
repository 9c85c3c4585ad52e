//! The shell command, for the wheel's `rag` script.

use std::ffi::OsString;
use std::io;

use pyo3::prelude::*;

/// Runs the `rag` command with these arguments, its name first, and returns its exit code.
#[pyfunction]
pub(crate) fn cli(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| rag_cli::run(arguments, &mut io::stdout(), &mut io::stderr()))
}
