//! Phone numbers: the ways in which French ones are written, and international ones after `+` or `00`.

use super::window::{Window, is_separator};

/// Digits of an international number, country code included (E.164).
const MAX_DIGITS: usize = 15;
/// Below this it is too short to be told from other numbers.
const MIN_DIGITS: usize = 8;

/// Groups in which the ten digits of a French number stand; one separator between all of them.
const FRENCH_GROUPS: [&[usize]; 5] =
    [&[10], &[2, 2, 2, 2, 2], &[4, 2, 2, 2], &[4, 3, 3], &[1, 3, 3, 3]];

pub(super) fn phone(window: &Window<'_>) -> Option<usize> {
    match window.at(0)? {
        '+' => international(window, 1),
        '0' => FRENCH_GROUPS
            .iter()
            .find_map(|groups| french(window, groups))
            .or_else(|| international(window, trunk_zeros(window)?)),
        _ => None,
    }
}

/// The byte after `00`.
fn trunk_zeros(window: &Window<'_>) -> Option<usize> {
    window.at(1).filter(|c| *c == '0')?;
    Some(2)
}

fn french(window: &Window<'_>, groups: &[usize]) -> Option<usize> {
    let (mut at, mut digit_count, mut between) = (0, 0, None);
    for (index, length) in groups.iter().enumerate() {
        if index > 0 {
            let separator = window.at(at).filter(|c| is_separator(*c) || *c == '/')?;
            if *between.get_or_insert(separator) != separator {
                return None;
            }
            at += separator.len_utf8();
        }
        for _ in 0..*length {
            let digit = window.at(at).filter(char::is_ascii_digit)?;
            if digit_count == 1 && digit == '0' {
                return None;
            }
            at += 1;
            digit_count += 1;
        }
    }
    window.ends(at).then_some(at)
}

/// Country code and number, with separators, brackets or both between digits.
fn international(window: &Window<'_>, from: usize) -> Option<usize> {
    let start = match window.at(from)? {
        c if is_separator(c) => from + c.len_utf8(),
        _ => from,
    };
    window.at(start).filter(|c| ('1'..='9').contains(c))?;
    let (mut digits, mut at) = (Vec::new(), start);
    while digits.len() < MAX_DIGITS {
        let Some((digit, end)) = next_digit(window, at) else { break };
        digits.push((digit, end));
        at = end;
    }
    let lengths = lengths(&digits);
    lengths.rev().find_map(|length| {
        let (_, end) = *digits.get(length.checked_sub(1)?)?;
        window.ends(end).then_some(end)
    })
}

/// How many digits the number may have. A French one has nine after its code, or ten with the `(0)`.
fn lengths(digits: &[(char, usize)]) -> std::ops::RangeInclusive<usize> {
    let begin: String = digits.iter().take(3).map(|(digit, _)| digit).collect();
    match begin.as_str() {
        "330" => 12..=12,
        _ if begin.starts_with("33") => 11..=11,
        _ => MIN_DIGITS..=MAX_DIGITS,
    }
}

/// The digit at byte `at` or after up to two separators and brackets, and the byte after it.
fn next_digit(window: &Window<'_>, mut at: usize) -> Option<(char, usize)> {
    for _ in 0..3 {
        let c = window.at(at)?;
        if c.is_ascii_digit() {
            return Some((c, at + 1));
        }
        if !is_separator(c) && !matches!(c, '(' | ')' | '/') {
            return None;
        }
        at += c.len_utf8();
    }
    None
}
