//! Whether the figures of a claim stand in a span.

use super::figure::{Bound, Figure, FigureValue};
use super::units::MeasureUnit;

/// The first figure of the claim that the span does not give.
pub(super) fn missing<'a>(
    claim: &'a [Figure],
    span: &[Figure],
    is_row: bool,
) -> Option<&'a Figure> {
    claim.iter().find(|figure| !is_given(figure, span, is_row))
}

/// Whether the span gives this figure.
pub(super) fn is_given(figure: &Figure, span: &[Figure], is_row: bool) -> bool {
    let givers: Vec<&Figure> =
        span.iter().filter(|other| gives(&figure.value, other, span, is_row)).collect();
    let bounds = |other: &&Figure| !are_opposite(figure.bound, other.bound);
    givers.iter().any(bounds) && !counts_something_else(figure, &givers, span)
}

fn are_opposite(a: Bound, b: Bound) -> bool {
    matches!((a, b), (Bound::Lower, Bound::Upper) | (Bound::Upper, Bound::Lower))
}

/// The number stands there, but for another thing, and this thing has another number.
fn counts_something_else(figure: &Figure, givers: &[&Figure], span: &[Figure]) -> bool {
    let counts_same = |other: &Figure| other.counted.iter().any(|key| figure.counted.contains(key));
    let is_number = |value: &FigureValue| matches!(value, FigureValue::Number(..));
    if figure.counted.is_empty() || !is_number(&figure.value) {
        return false;
    }
    let has_unit = |other: &Figure| matches!(&other.value, FigureValue::Number(_, Some(_)));
    let is_unitless = matches!(&figure.value, FigureValue::Number(_, None));
    let all_counted = givers.iter().all(|other| {
        (is_unitless && has_unit(other)) || (!other.counted.is_empty() && !counts_same(other))
    });
    let other_number = span
        .iter()
        .any(|other| is_number(&other.value) && counts_same(other) && other.value != figure.value);
    all_counted && other_number
}

fn gives(value: &FigureValue, other: &Figure, span: &[Figure], is_row: bool) -> bool {
    match (value, &other.value) {
        (FigureValue::Number(a, unit), FigureValue::Number(b, other)) => {
            is_same_amount((*a, unit.as_ref()), (*b, other.as_ref()), is_row)
        }
        (FigureValue::Number(a, None), FigureValue::Date(date, _)) => {
            let parts = [date.year, date.day.and_then(|day| i32::try_from(day).ok())];
            parts.into_iter().flatten().any(|part| is_close(f64::from(part), *a))
        }
        (FigureValue::Number(a, None), FigureValue::Ordinal(b))
        | (FigureValue::Ordinal(a), FigureValue::Ordinal(b)) => is_close(*a, *b),
        (FigureValue::Ordinal(a), FigureValue::Number(b, None)) => is_close(*a, *b),
        (FigureValue::Ordinal(a), FigureValue::Date(date, _)) => {
            date.day.is_some_and(|day| is_close(f64::from(day), *a))
        }
        (FigureValue::Date(a, second), FigureValue::Date(b, other)) => {
            let years = years(span);
            let readings = || Some(*b).into_iter().chain(*other);
            Some(*a)
                .into_iter()
                .chain(*second)
                .any(|a| readings().any(|b| a.is_given_by(&b, &years)))
        }
        (FigureValue::Time(a, sure), FigureValue::Time(b, other)) => {
            a == b || ((!sure || !other) && a % 720 == b % 720)
        }
        (FigureValue::Time(minutes, _), FigureValue::Number(seconds, Some(unit))) => {
            unit.measure == "time" && is_close(f64::from(*minutes) * 60.0, *seconds)
        }
        (FigureValue::Number(seconds, Some(unit)), FigureValue::Time(minutes, _)) => {
            unit.measure == "time" && is_close(f64::from(*minutes) * 60.0, *seconds)
        }
        (FigureValue::Code(a), FigureValue::Code(b)) => a == b,
        _ => false,
    }
}

fn is_same_amount(
    (a, unit): (f64, Option<&MeasureUnit>),
    (b, other): (f64, Option<&MeasureUnit>),
    is_row: bool,
) -> bool {
    match (unit, other) {
        (Some(unit), Some(other)) => {
            unit.factor(other).is_some_and(|factor| is_close(a * factor, b))
        }
        (None, Some(other)) => is_close(a, b / other.size),
        // a unit that the span does not know; that of a cell stands in the header of its column
        (Some(unit), None) => is_row && is_close(a / unit.size, b),
        (None, None) => is_close(a, b),
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn years(span: &[Figure]) -> Vec<i32> {
    let year = |figure: &Figure| match &figure.value {
        FigureValue::Number(amount, None) if amount.fract() == 0.0 && amount.abs() < 1e4 => {
            Some(*amount as i32)
        }
        FigureValue::Date(date, _) => date.year,
        _ => None,
    };
    span.iter().filter_map(year).collect()
}

/// Whether two figures are of one kind, so that one might stand in the other's place.
pub(super) fn is_same_kind(a: &FigureValue, b: &FigureValue) -> bool {
    match (a, b) {
        (FigureValue::Number(_, Some(a)), FigureValue::Number(_, Some(b))) => a.factor(b).is_some(),
        (FigureValue::Number(_, None), FigureValue::Number(_, None))
        | (FigureValue::Ordinal(_), FigureValue::Ordinal(_))
        | (FigureValue::Date(..), FigureValue::Date(..))
        | (FigureValue::Time(..), FigureValue::Time(..))
        | (FigureValue::Code(_), FigureValue::Code(_)) => true,
        _ => false,
    }
}
