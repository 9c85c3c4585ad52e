//! What a figure of a text is: a value of its kind, the limit it may be, and what it counts.

use std::ops::Range;

use super::units::MeasureUnit;
use crate::dates::Date;

/// A figure where it stands.
#[derive(Debug, Clone)]
pub(super) struct Figure {
    /// Bytes of the text, unit included.
    pub(super) range: Range<usize>,
    pub(super) value: FigureValue,
    pub(super) bound: Bound,
    /// What it counts: keys of up to two words right after it.
    pub(super) counted: Vec<String>,
}

/// What a figure says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FigureValue {
    /// An amount of a unit, or of nothing that is known.
    Number(f64, Option<MeasureUnit>),
    /// A place in a row.
    Ordinal(f64),
    /// A date and, where day and month cannot be told apart, its other reading.
    Date(Date, Option<Date>),
    /// Minutes from midnight, and whether morning and evening are told apart.
    Time(u32, bool),
    /// A name of letters and digits, a version, a telephone number.
    Code(String),
}

/// Whether a number is a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    None,
    /// At least, more than.
    Lower,
    /// At most, less than.
    Upper,
}

impl Figure {
    /// One that is no limit and counts nothing, as far as is known yet.
    pub(super) fn new(range: Range<usize>, value: FigureValue) -> Self {
        Self { range, value, bound: Bound::None, counted: Vec::new() }
    }
}
