//! What can go wrong, sorted by what the caller can do about it.
//!
//! Owns [`Error`], its stable number [`ErrorCode`], and the one function that writes an error as a
//! line.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The result of every fallible call in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A boxed cause from a dependency, so that its types never appear in our API.
pub type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// Anything rag-core can fail with. [`Error::code`] is stable; variants and messages may grow.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is outside its documented range.
    #[error("invalid {argument}: {reason}")]
    InvalidArgument {
        /// Which argument or option.
        argument: Cow<'static, str>,
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// A model, document or passage with this name does not exist.
    #[error("no {what} {name:?}: {hint}")]
    NotFound {
        /// The kind of thing looked for.
        what: &'static str,
        /// The name it was looked for under.
        name: String,
        /// Where it was looked for, and what to do.
        hint: String,
    },
    /// A file or folder could not be read or written.
    #[error("cannot access {}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A document could not be read as text.
    #[error("cannot read {}: {reason}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why, as a program can tell it.
        unreadable: Unreadable,
        /// What is wrong with it.
        reason: String,
        /// What the reader said, if a library found the fault.
        #[source]
        source: Option<Cause>,
    },
    /// A model folder or file is incomplete, damaged or of a kind we do not run.
    #[error("cannot use model {}: {reason}", path.display())]
    Model {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it and what would be right.
        reason: String,
        /// What the loader said, if a library found the fault.
        #[source]
        source: Option<Cause>,
    },
    /// The knowledge base was built with another encoder; its vectors cannot be compared with ours.
    #[error(
        "knowledge base was built with encoder {found}, this one is {expected}: leave the encoder out, or make another file"
    )]
    ModelMismatch {
        /// The encoder that was asked for.
        expected: String,
        /// The encoder the file was built with.
        found: String,
    },
    /// The knowledge base file is not ours, is damaged, or could not be written.
    #[error("knowledge base {}: {reason}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What is wrong and what is left intact.
        reason: String,
        /// What SQLite said, if it found the fault.
        #[source]
        source: Option<Cause>,
    },
    /// The knowledge base has another format version: it was written by a newer version of this
    /// library, or by an older one and is opened only to be read.
    #[error("knowledge base {} has format version {found}, {}", path.display(), version_advice(*found, *supported))]
    StoreVersion {
        /// The file.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest version this library knows.
        supported: u32,
    },
    /// The disk has less room than the work is known to need; nothing was written. Its code is
    /// Store.
    #[error("{} needs {needed_bytes} bytes, the disk has {free_bytes} free; nothing was written", path.display())]
    DiskFull {
        /// The file to be written.
        path: PathBuf,
        /// Bytes needed, by an estimate that is rather too high.
        needed_bytes: u64,
        /// Bytes free for this user.
        free_bytes: u64,
    },
    /// Another process or thread is writing and did not finish in time.
    #[error("knowledge base {} is being written by another process", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// Question and instructions alone exceed the generator's context.
    #[error("prompt needs {needed_tokens} tokens, the model has {context_len}")]
    ContextOverflow {
        /// Tokens of the shortest prompt that keeps the question whole.
        needed_tokens: usize,
        /// Tokens the model can hold, answer included.
        context_len: usize,
    },
    /// The caller cancelled; what was committed before stays.
    #[error("cancelled")]
    Cancelled,
    /// A broken invariant of ours. Please report it.
    #[error("internal error: {reason}")]
    Internal {
        /// What did not hold.
        reason: String,
        /// What a library said, if it failed where it cannot.
        #[source]
        source: Option<Cause>,
    },
}

/// The stable number of an [`Error`]. Numbers are never reused or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum ErrorCode {
    /// An argument is outside its documented range.
    InvalidArgument = 1,
    /// A named thing does not exist.
    NotFound = 2,
    /// The operating system refused a file operation.
    Io = 3,
    /// A document could not be read.
    Document = 4,
    /// A model could not be used.
    Model = 5,
    /// The file was built with another encoder.
    ModelMismatch = 6,
    /// The file is not ours, is damaged, or could not be written.
    Store = 7,
    /// The file is newer than this library, or older and opened only to be read.
    StoreVersion = 8,
    /// Another writer did not finish in time.
    Busy = 9,
    /// The prompt does not fit the model.
    ContextOverflow = 10,
    /// The caller cancelled.
    Cancelled = 11,
    /// A broken invariant or a caught panic.
    Internal = 99,
}

impl ErrorCode {
    /// Every code, in numeric order.
    pub const ALL: [ErrorCode; 12] = [
        ErrorCode::InvalidArgument,
        ErrorCode::NotFound,
        ErrorCode::Io,
        ErrorCode::Document,
        ErrorCode::Model,
        ErrorCode::ModelMismatch,
        ErrorCode::Store,
        ErrorCode::StoreVersion,
        ErrorCode::Busy,
        ErrorCode::ContextOverflow,
        ErrorCode::Cancelled,
        ErrorCode::Internal,
    ];

    /// The name written in reports and JSON, such as `"ModelMismatch"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::InvalidArgument => "InvalidArgument",
            ErrorCode::NotFound => "NotFound",
            ErrorCode::Io => "Io",
            ErrorCode::Document => "Document",
            ErrorCode::Model => "Model",
            ErrorCode::ModelMismatch => "ModelMismatch",
            ErrorCode::Store => "Store",
            ErrorCode::StoreVersion => "StoreVersion",
            ErrorCode::Busy => "Busy",
            ErrorCode::ContextOverflow => "ContextOverflow",
            ErrorCode::Cancelled => "Cancelled",
            ErrorCode::Internal => "Internal",
        }
    }
}

/// Why a document could not be read. Names are never reused or changed; later versions may add
/// some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Unreadable {
    /// There is no text in it: a scan, pictures only, an empty form.
    NoText,
    /// It is locked by a password or a licence.
    Encrypted,
    /// Its fonts do not say which characters they show.
    UndecodedFont,
    /// Its format has no reader, or it is no text at all.
    Unsupported,
    /// It is damaged.
    Broken,
    /// It is larger, nests deeper or unpacks to more than the limits allow.
    TooLarge,
    /// Reading it took longer than the limit.
    TooSlow,
    /// It is no regular file, or its name cannot be kept.
    NotAFile,
}

impl Unreadable {
    /// Every reason.
    pub const ALL: [Unreadable; 8] = [
        Unreadable::NoText,
        Unreadable::Encrypted,
        Unreadable::UndecodedFont,
        Unreadable::Unsupported,
        Unreadable::Broken,
        Unreadable::TooLarge,
        Unreadable::TooSlow,
        Unreadable::NotAFile,
    ];

    /// The name written in reports and JSON, such as `"NoText"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Unreadable::NoText => "NoText",
            Unreadable::Encrypted => "Encrypted",
            Unreadable::UndecodedFont => "UndecodedFont",
            Unreadable::Unsupported => "Unsupported",
            Unreadable::Broken => "Broken",
            Unreadable::TooLarge => "TooLarge",
            Unreadable::TooSlow => "TooSlow",
            Unreadable::NotAFile => "NotAFile",
        }
    }

    /// The reason of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}

impl Error {
    /// The stable number of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Error::InvalidArgument { .. } => ErrorCode::InvalidArgument,
            Error::NotFound { .. } => ErrorCode::NotFound,
            Error::Io { .. } => ErrorCode::Io,
            Error::Document { .. } => ErrorCode::Document,
            Error::Model { .. } => ErrorCode::Model,
            Error::ModelMismatch { .. } => ErrorCode::ModelMismatch,
            Error::Store { .. } | Error::DiskFull { .. } => ErrorCode::Store,
            Error::StoreVersion { .. } => ErrorCode::StoreVersion,
            Error::Busy { .. } => ErrorCode::Busy,
            Error::ContextOverflow { .. } => ErrorCode::ContextOverflow,
            Error::Cancelled => ErrorCode::Cancelled,
            Error::Internal { .. } => ErrorCode::Internal,
        }
    }

    /// The message followed by its causes, joined with `": "`: the line every binding shows.
    #[must_use]
    pub fn line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }

    /// What is wrong, without which argument it is wrong with.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Error::InvalidArgument { reason, .. } => reason.clone(),
            other => other.line(),
        }
    }

    /// An [`Error::InvalidArgument`].
    pub fn invalid(argument: impl Into<Cow<'static, str>>, reason: impl Into<String>) -> Self {
        Error::InvalidArgument { argument: argument.into(), reason: reason.into() }
    }

    /// An [`Error::Io`] at `path`.
    pub fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Error::Io { path: path.into(), source }
    }

    /// An [`Error::Document`] without a cause.
    pub fn document(path: &Path, unreadable: Unreadable, reason: impl Into<String>) -> Self {
        Error::Document { path: path.to_owned(), unreadable, reason: reason.into(), source: None }
    }

    /// An [`Error::Document`] with the reader's own words.
    pub fn document_cause(
        path: &Path,
        unreadable: Unreadable,
        reason: impl Into<String>,
        source: impl Into<Cause>,
    ) -> Self {
        let (path, reason) = (path.to_owned(), reason.into());
        Error::Document { path, unreadable, reason, source: Some(source.into()) }
    }

    /// Why a document could not be read; nothing for other errors.
    #[must_use]
    pub fn unreadable(&self) -> Option<Unreadable> {
        match self {
            Error::Document { unreadable, .. } => Some(*unreadable),
            _ => None,
        }
    }

    /// An [`Error::Model`] without a cause.
    pub fn model(path: &Path, reason: impl Into<String>) -> Self {
        Error::Model { path: path.to_owned(), reason: reason.into(), source: None }
    }

    /// An [`Error::Model`] with the loader's own words.
    pub fn model_cause(path: &Path, reason: impl Into<String>, source: impl Into<Cause>) -> Self {
        Error::Model { path: path.to_owned(), reason: reason.into(), source: Some(source.into()) }
    }

    /// An [`Error::Store`] without a cause.
    pub fn store(path: &Path, reason: impl Into<String>) -> Self {
        Error::Store { path: path.to_owned(), reason: reason.into(), source: None }
    }

    /// An [`Error::Internal`] without a cause.
    pub fn internal(reason: impl Into<String>) -> Self {
        Error::Internal { reason: reason.into(), source: None }
    }

    /// An [`Error::Internal`] with the words of the library that failed.
    pub fn internal_cause(reason: impl Into<String>, source: impl Into<Cause>) -> Self {
        Error::Internal { reason: reason.into(), source: Some(source.into()) }
    }
}

/// What to do about a file of another version.
fn version_advice(found: u32, supported: u32) -> String {
    if found > supported {
        return format!("this library reads up to {supported}");
    }
    format!("this library reads {supported}: open it once to write, which upgrades it")
}

/// A file that a run over many files passed over, and why.
#[derive(Debug)]
pub struct Skipped {
    /// The file.
    pub path: PathBuf,
    /// Why it was not read.
    pub error: Error,
}

impl Serialize for Skipped {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut state = serializer.serialize_struct("Skipped", 4)?;
        state.serialize_field("path", &self.path.to_string_lossy())?;
        state.serialize_field("code", self.error.code().name())?;
        state.serialize_field("message", &self.error.line())?;
        state.serialize_field("unreadable", &self.error.unreadable())?;
        state.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_number_and_name() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            for other in &ErrorCode::ALL[index + 1..] {
                assert_ne!(*code as i32, *other as i32);
                assert_ne!(code.name(), other.name());
            }
        }
    }

    #[test]
    fn every_reason_is_found_by_its_name() {
        for reason in Unreadable::ALL {
            assert_eq!(Unreadable::from_name(reason.name()), Some(reason));
            assert_eq!(serde_json::to_value(reason).ok(), Some(reason.name().into()));
        }
        assert_eq!(Unreadable::from_name("none"), None);
    }

    #[test]
    fn line_joins_message_and_causes() {
        let error = Error::io("a.txt", io::Error::other("disk on fire"));
        assert_eq!(error.line(), "cannot access a.txt: disk on fire");
    }
}
