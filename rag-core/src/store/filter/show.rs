//! A condition as the text that reads as it.

use std::fmt;

use super::{Comparison, Filter, FilterField};

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(field, how, value) => {
                write!(f, "{field} {how} '{}'", value.replace('\'', "''"))
            }
            Self::Glob(field, pattern) => {
                write!(f, "{field} glob '{}'", pattern.replace('\'', "''"))
            }
            Self::All(parts) => joined(f, parts, "AND"),
            Self::Any(parts) => joined(f, parts, "OR"),
            Self::Not(part) => write!(f, "NOT ({part})"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Filter], word: &str) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        match place {
            0 => write!(f, "({part})")?,
            _ => write!(f, " {word} ({part})")?,
        }
    }
    Ok(())
}

impl fmt::Display for FilterField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("kind"),
            Self::Path => f.write_str("path"),
            Self::Title => f.write_str("title"),
            Self::Lang => f.write_str("lang"),
            Self::Size => f.write_str("size"),
            Self::Modified => f.write_str("modified"),
            Self::Metadata(key) => write!(f, "meta.{key}"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
        })
    }
}
