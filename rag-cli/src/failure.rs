//! Exit codes, and how a failed command says why.

use std::io;

use serde::Serialize;

/// Wrong arguments, or options.
pub(crate) const EXIT_USAGE: u8 = 2;

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Done,
    /// The file is damaged; what is wrong was printed.
    Damaged,
    /// The documents hold no answer, a guard refused, or the thing asked for is not there.
    NotFound,
    /// Done, but some files were passed over.
    Skipped,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Damaged => 1,
            Exit::NotFound => 3,
            Exit::Skipped => 4,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library said no.
    Engine(rag_core::Error),
    /// The command was told something wrong: by arguments that do not go together, variables or a
    /// file of options.
    Usage(rag_core::Error),
    /// Standard output could not be written.
    Output(io::Error),
}

/// What every command returns.
pub(crate) type Outcome = Result<Exit, Failure>;

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Failure::Engine(_) => 1,
            Failure::Usage(_) => EXIT_USAGE,
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Failure::Output(_) => 1,
        }
    }

    /// The line for standard error; none when the reader of our output has left.
    pub(crate) fn line(&self) -> Option<String> {
        match self {
            Failure::Engine(error) | Failure::Usage(error) => Some(error.line()),
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => None,
            Failure::Output(error) => Some(format!("cannot write the output: {error}")),
        }
    }
}

impl From<rag_core::Error> for Failure {
    fn from(error: rag_core::Error) -> Self {
        Failure::Engine(error)
    }
}

/// Only writes to standard output are converted by `?`; reads name their file first.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Output(error)
    }
}

/// `{"error": {"code": ..., "message": ...}}`.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorObject {
    error: ErrorFields,
}

#[derive(Debug, Serialize)]
struct ErrorFields {
    code: &'static str,
    message: String,
}

/// The error as JSON shows it.
pub(crate) fn error_object(error: &rag_core::Error) -> ErrorObject {
    ErrorObject { error: ErrorFields { code: error.code().name(), message: error.line() } }
}
