//! Days as cells write them, as numbers that sort: 20260503.

use crate::fold::fold;

/// In which order a column writes day and month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DayOrder {
    DayFirst,
    MonthFirst,
}

/// Beginnings of the months, English and French, folded.
const MONTHS: [&[&str]; 12] = [
    &["jan"],
    &["feb", "fev"],
    &["mar"],
    &["apr", "avr"],
    &["may", "mai"],
    &["jun", "juin"],
    &["jul", "juil"],
    &["aug", "aou"],
    &["sep"],
    &["oct"],
    &["nov"],
    &["dec"],
];

/// The month that a word names, from 1.
pub(super) fn month(word: &str) -> Option<i64> {
    let word = fold(word.trim_end_matches('.'));
    let is_long = word.len() >= 3 && word.chars().all(char::is_alphabetic) && word.len() <= 9;
    let named = |names: &&[&str]| names.iter().any(|name| word.starts_with(name));
    let place = MONTHS.iter().position(named).filter(|_| is_long)?;
    i64::try_from(place + 1).ok()
}

/// The day that a cell is, if it is one; a time of day behind it is not looked at.
pub(super) fn day(cell: &str, order: DayOrder) -> Option<i64> {
    let cell = cell.trim();
    let cell = cell.split_once('T').filter(|(day, _)| day.len() == 10).map_or(cell, |pair| pair.0);
    let cell = match cell.rsplit_once(' ') {
        Some((day, time)) if time.contains(':') => day,
        _ => cell,
    };
    let parts: Vec<&str> =
        cell.split(['-', '/', '.', ' ', ',']).filter(|part| !part.is_empty()).collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let number = |part: &str| part.parse::<i64>().ok().filter(|_| part.len() <= 4);
    if let Some(month) = month(b) {
        return checked(number(c).filter(|_| c.len() == 4)?, month, number(a)?);
    }
    if let Some(month) = month(a) {
        return checked(number(c).filter(|_| c.len() == 4)?, month, number(b)?);
    }
    let (first, second, third) = (number(a)?, number(b)?, number(c)?);
    match (a.len(), c.len(), order) {
        (4, ..) => checked(first, second, third),
        (_, 4, DayOrder::DayFirst) => checked(third, second, first),
        (_, 4, DayOrder::MonthFirst) if !cell.contains('.') => checked(third, first, second),
        _ => None,
    }
}

fn checked(year: i64, month: i64, day: i64) -> Option<i64> {
    let fits =
        (1000..=2999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    fits.then_some(year * 10_000 + month * 100 + day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_in_both_orders() {
        let first = |text| day(text, DayOrder::DayFirst);
        assert_eq!(first("2026-05-03"), Some(20_260_503));
        assert_eq!(first("2026-05-03T10:00:00"), Some(20_260_503));
        assert_eq!(first("03/05/2026 10:30"), Some(20_260_503));
        assert_eq!(day("03/05/2026", DayOrder::MonthFirst), Some(20_260_305));
        assert_eq!(first("3 mai 2026"), Some(20_260_503));
        assert_eq!(first("May 3, 2026"), Some(20_260_503));
        assert_eq!(first("1er mars 2026"), None);
        assert_eq!(day("13/05/2026", DayOrder::MonthFirst), None);
        for text in ["", "12", "2026", "1.2.3", "a b c", "2026-13-01"] {
            assert_eq!(first(text), None, "{text}");
        }
    }
}
