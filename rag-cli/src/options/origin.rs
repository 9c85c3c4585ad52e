//! Where the value of an option comes from.

use std::fmt;
use std::path::PathBuf;

use rag_core::options::Value;

/// Where a value comes from; what is further down holds against what is above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The table of options.
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// A variable.
    Variable(String),
    /// The command line.
    Argument,
}

impl Origin {
    /// Its kind, in a word that never changes.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File(..) => "file",
            Self::Variable(_) => "variable",
            Self::Argument => "argument",
        }
    }

    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(..) => 1,
            Self::Variable(_) => 2,
            Self::Argument => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line) => write!(f, "{}, line {line}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Default | Self::Argument => f.write_str(self.name()),
        }
    }
}

/// A value that a file or a variable gives an option.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) group: &'static str,
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) origin: Origin,
}
