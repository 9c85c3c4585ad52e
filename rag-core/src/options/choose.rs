//! Types of options that are neither words nor numbers: flags that have names in Rust, and texts in a form.

use super::value::{Fault, Value};

/// An enum of two that is a flag on every other surface: `$off` for false, `$on` for true.
macro_rules! switch {
    ($type:ty, $off:ident, $on:ident) => {
        impl $crate::options::OptionValue for $type {
            const KIND: $crate::options::Kind = $crate::options::Kind::Flag;

            fn read(value: $crate::options::Value) -> Result<Self, $crate::options::Fault> {
                Ok(match bool::read(value)? {
                    true => Self::$on,
                    false => Self::$off,
                })
            }

            fn show(&self) -> $crate::options::Value {
                $crate::options::Value::Flag(*self == Self::$on)
            }
        }
    };
}

/// A type that is written as a text in a form, by its `parse` and its `Display`.
macro_rules! form {
    ($type:ty, $name:literal, $syntax:literal) => {
        impl $crate::options::OptionValue for $type {
            const KIND: $crate::options::Kind =
                $crate::options::Kind::Form { name: $name, syntax: $syntax };

            fn read(value: $crate::options::Value) -> Result<Self, $crate::options::Fault> {
                $crate::options::Forms::text($syntax, value, Self::parse)
            }

            fn show(&self) -> $crate::options::Value {
                $crate::options::Value::Text(self.to_string())
            }
        }
    };
}

pub(crate) use {form, switch};

/// Reads texts in a form.
pub(crate) struct Forms;

impl Forms {
    /// By `parse`, whose reason is kept.
    pub(crate) fn text<T>(
        syntax: &str,
        value: Value,
        parse: impl FnOnce(&str) -> crate::Result<T>,
    ) -> Result<T, Fault> {
        let text = match &value {
            Value::Text(text) | Value::Written(text) => text.clone(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number.to_string(),
            other => return Err(Fault::of_type(syntax, other)),
        };
        parse(&text).map_err(|error| Fault::Value(error.reason()))
    }
}
