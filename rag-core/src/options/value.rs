//! Values of options as callers give them, and what can be wrong with one.

use std::fmt;

use crate::error::Error;

/// A value for an option, as a caller of any surface has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing: what holds where nothing is said.
    Unset,
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i128),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Text as somebody wrote it into a shell, a variable or a file without types: it is read as what the option takes.
    Written(String),
    /// Several.
    List(Vec<Value>),
    /// Pairs of a key and its value.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// What it is, for a person: `a whole number`.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Unset => "nothing",
            Self::Flag(_) => "true or false",
            Self::Integer(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::Written(_) => "a text",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Written(text) => Some(text),
            _ => None,
        }
    }

    /// The same as JSON; numbers that JSON does not have are texts.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::{Number, Value as Json};
        match self {
            Self::Unset => Json::Null,
            Self::Flag(flag) => Json::Bool(*flag),
            Self::Integer(integer) => match (i64::try_from(*integer), u64::try_from(*integer)) {
                (Ok(small), _) => small.into(),
                (_, Ok(large)) => large.into(),
                _ => Json::String(integer.to_string()),
            },
            Self::Number(number) => Number::from_f64(*number)
                .map_or_else(|| Json::String(number.to_string()), Json::Number),
            Self::Text(text) | Self::Written(text) => Json::String(text.clone()),
            Self::List(values) => Json::Array(values.iter().map(Self::to_json).collect()),
            Self::Map(pairs) => {
                let key = |key: &Self| match key {
                    Self::Text(text) | Self::Written(text) => text.clone(),
                    other => other.to_string(),
                };
                Json::Object(pairs.iter().map(|(k, value)| (key(k), value.to_json())).collect())
            }
        }
    }

    /// The value that JSON says.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Unset,
            Json::Bool(flag) => Self::Flag(*flag),
            Json::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(small), _) => Self::Integer(small.into()),
                (_, Some(large)) => Self::Integer(large.into()),
                _ => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(values) => Self::List(values.iter().map(Self::from_json).collect()),
            Json::Object(pairs) => {
                let pair = |(key, value): (&String, &Json)| {
                    (Self::Text(key.clone()), Self::from_json(value))
                };
                Self::Map(pairs.iter().map(pair).collect())
            }
        }
    }
}

/// As an error shows it: texts in quotes.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("nothing"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) | Self::Written(text) => write!(f, "{text:?}"),
            Self::List(_) | Self::Map(_) => write!(f, "{}", self.to_json()),
        }
    }
}

macro_rules! from {
    ($($from:ty => $variant:ident),*) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}

from!(bool => Flag, i64 => Integer, u64 => Integer, u32 => Integer, f64 => Number, f32 => Number, &str => Text, String => Text);

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Integer(i128::try_from(value).unwrap_or(i128::MAX))
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// Why an option does not take a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// There is no option of this name; the nearest one that there is.
    Unknown(Option<&'static str>),
    /// It is of another type than the option takes.
    Type(String),
    /// It is out of range, or is not one of the words, or cannot be read.
    Value(String),
    /// Something else went wrong on the way.
    Other(String),
}

impl Fault {
    /// That the option takes `wanted`, and not `given`.
    pub(super) fn of_type(wanted: &str, given: &Value) -> Self {
        Self::Type(format!("{given} is {}, but it takes {wanted}", given.kind()))
    }

    /// What is wrong, in the words that every surface has for it.
    #[must_use]
    pub fn reason(self) -> String {
        match self {
            Self::Unknown(Some(nearest)) => {
                format!("there is no such option; the nearest is {nearest}")
            }
            Self::Unknown(None) => "there is no such option".to_owned(),
            Self::Type(reason) | Self::Value(reason) | Self::Other(reason) => reason,
        }
    }

    /// As an error that names the option.
    #[must_use]
    pub fn into_error(self, name: &str) -> Error {
        Error::invalid(name.to_owned(), self.reason())
    }
}
