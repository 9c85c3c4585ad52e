//! How many threads a call may use.

use std::num::NonZeroUsize;

use crate::options::{Fault, Kind, OptionValue, Value};

/// Most threads of a call.
const MAX: usize = 256;

/// Threads of a call, the caller's included. Default as many as the machine runs at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Threads(Option<NonZeroUsize>);

impl Threads {
    /// So many; 0 for as many as the machine runs at once, 256 at most.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self(NonZeroUsize::new(count))
    }

    /// As many as were asked for, if a number was.
    #[must_use]
    pub fn asked(self) -> Option<NonZeroUsize> {
        self.0
    }

    /// How many that is on this machine.
    #[must_use]
    pub fn count(self) -> usize {
        let machine = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        self.0.map_or_else(machine, NonZeroUsize::get).min(MAX)
    }
}

impl OptionValue for Threads {
    const KIND: Kind = Kind::Integer;

    fn read(value: Value) -> Result<Self, Fault> {
        usize::read(value).map(Self::of)
    }

    fn show(&self) -> Value {
        self.0.map_or(Value::Unset, |count| count.get().into())
    }

    fn number(&self) -> Option<f64> {
        self.0.map(NonZeroUsize::get).and_then(|count| count.number())
    }
}
