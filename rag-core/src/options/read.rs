//! From values to the types of options, and back.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::field::Kind;
use super::value::{Fault, Value};

/// A type that options have.
pub trait OptionValue: Sized {
    /// What it takes.
    const KIND: Kind;

    /// Reads a value.
    ///
    /// # Errors
    /// [`Fault::Type`] for another type, [`Fault::Value`] for what it does not take.
    fn read(value: Value) -> Result<Self, Fault>;

    /// The value that reads as this.
    fn show(&self) -> Value;

    /// What a range is held against.
    fn number(&self) -> Option<f64> {
        None
    }
}

impl OptionValue for bool {
    const KIND: Kind = Kind::Flag;

    fn read(value: Value) -> Result<Self, Fault> {
        match &value {
            Value::Flag(flag) => Ok(*flag),
            Value::Written(text) => match text.as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(Fault::of_type("true or false", &value)),
            },
            _ => Err(Fault::of_type("true or false", &value)),
        }
    }

    fn show(&self) -> Value {
        Value::Flag(*self)
    }
}

fn whole(value: &Value) -> Result<i128, Fault> {
    match value {
        Value::Integer(integer) => Ok(*integer),
        Value::Written(text) => {
            text.trim().parse().map_err(|_| Fault::of_type("a whole number", value))
        }
        _ => Err(Fault::of_type("a whole number", value)),
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {
        $(impl OptionValue for $integer {
            const KIND: Kind = Kind::Integer;

            fn read(value: Value) -> Result<Self, Fault> {
                let integer = whole(&value)?;
                Self::try_from(integer).map_err(|_| match integer < 0 {
                    true => Fault::Value(format!("{integer} is below 0")),
                    false => Fault::Value(format!("{integer} is over {}", Self::MAX)),
                })
            }

            fn show(&self) -> Value {
                Value::Integer(i128::try_from(*self).unwrap_or(i128::MAX))
            }

            #[allow(clippy::cast_precision_loss, reason = "ranges are far below 2^53")]
            fn number(&self) -> Option<f64> {
                Some(*self as f64)
            }
        })*
    };
}

integers!(usize, u64);

/// A count of at least one.
impl OptionValue for NonZeroUsize {
    const KIND: Kind = Kind::Integer;

    fn read(value: Value) -> Result<Self, Fault> {
        let count = usize::read(value)?;
        Self::new(count).ok_or_else(|| Fault::Value("0, but it must be above 0".into()))
    }

    fn show(&self) -> Value {
        self.get().into()
    }

    fn number(&self) -> Option<f64> {
        self.get().number()
    }
}

fn number(value: &Value) -> Result<f64, Fault> {
    match value {
        Value::Number(number) => Ok(*number),
        #[allow(clippy::cast_precision_loss, reason = "as any float is read from a whole number")]
        Value::Integer(integer) => Ok(*integer as f64),
        Value::Written(text) => text.trim().parse().map_err(|_| Fault::of_type("a number", value)),
        _ => Err(Fault::of_type("a number", value)),
    }
}

impl OptionValue for f64 {
    const KIND: Kind = Kind::Number;

    fn read(value: Value) -> Result<Self, Fault> {
        number(&value)
    }

    fn show(&self) -> Value {
        Value::Number(*self)
    }

    fn number(&self) -> Option<f64> {
        Some(*self)
    }
}

impl OptionValue for f32 {
    const KIND: Kind = Kind::Number;

    #[allow(clippy::cast_possible_truncation, reason = "to the nearest one")]
    fn read(value: Value) -> Result<Self, Fault> {
        Ok(number(&value)? as Self)
    }

    fn show(&self) -> Value {
        // as it is written in its own precision: 0.6, not 0.6000000238
        Value::Number(self.to_string().parse().unwrap_or(f64::from(*self)))
    }

    fn number(&self) -> Option<f64> {
        Some(self.to_string().parse().unwrap_or(f64::from(*self)))
    }
}

impl OptionValue for String {
    const KIND: Kind = Kind::Text;

    fn read(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Text(text) | Value::Written(text) => Ok(text),
            other => Err(Fault::of_type("a text", &other)),
        }
    }

    fn show(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl OptionValue for PathBuf {
    const KIND: Kind = Kind::Path;

    fn read(value: Value) -> Result<Self, Fault> {
        String::read(value).map(Self::from)
    }

    fn show(&self) -> Value {
        Value::Text(self.to_string_lossy().into_owned())
    }
}

/// A time, in seconds.
impl OptionValue for Duration {
    const KIND: Kind = Kind::Number;

    fn read(value: Value) -> Result<Self, Fault> {
        let seconds = number(&value)?;
        let time = Self::try_from_secs_f64(seconds).ok().filter(|time| !time.is_zero());
        time.ok_or_else(|| Fault::Value(format!("{seconds} is not a time above 0")))
    }

    fn show(&self) -> Value {
        Value::Number(self.as_secs_f64())
    }

    fn number(&self) -> Option<f64> {
        Some(self.as_secs_f64())
    }
}

impl<T: OptionValue> OptionValue for Option<T> {
    const KIND: Kind = T::KIND;

    fn read(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Unset => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn show(&self) -> Value {
        self.as_ref().map_or(Value::Unset, T::show)
    }

    fn number(&self) -> Option<f64> {
        self.as_ref().and_then(T::number)
    }
}

/// A list, one value for a list of one where it was written without types, or a map for a list of pairs.
impl<T: OptionValue> OptionValue for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn read(value: Value) -> Result<Self, Fault> {
        match value {
            Value::List(values) => values.into_iter().map(T::read).collect(),
            written @ Value::Written(_) => Ok(vec![T::read(written)?]),
            Value::Map(pairs) => {
                pairs.into_iter().map(|pair| T::read(Value::Map(vec![pair]))).collect()
            }
            other => Err(Fault::of_type("a list", &other)),
        }
    }

    fn show(&self) -> Value {
        Value::List(self.iter().map(T::show).collect())
    }
}
