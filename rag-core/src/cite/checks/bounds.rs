//! What stands around a figure: the unit it shares, the limit it is, and what it counts.

use std::ops::Range;

use super::figure::{Bound, Figure, FigureValue};
use super::tokens::{Gap, Token};

/// A number without a unit has that of the number it is joined to: "5 to 7 mg".
pub(super) fn hand_units_back(text: &str, found: &mut [Figure]) {
    for index in (1..found.len()).rev() {
        let between = found[index - 1].range.end..found[index].range.start;
        let joined = text.get(between).is_some_and(|between| {
            [
                "-", "\u{2013}", "\u{2014}", "to", "and", "or", "et", "ou", "\u{e0}", "a", "bis",
                "und", "/", "x", "\u{d7}",
            ]
            .contains(&between.trim())
        });
        let unit = match &found[index].value {
            FigureValue::Number(_, Some(unit)) if joined => unit.clone(),
            _ => continue,
        };
        if let FigureValue::Number(amount, own @ None) = &mut found[index - 1].value {
            *amount *= unit.size;
            *own = Some(unit);
        }
    }
}

/// What bounds a number, right before or after it.
pub(super) fn bound(text: &str, range: &Range<usize>) -> Bound {
    let lower = [
        "at least",
        "no less than",
        "not less than",
        "no fewer than",
        "a minimum of",
        "minimum of",
        "more than",
        "over",
        "above",
        "exceeding",
        "exceeds",
        "greater than",
        "higher than",
        "in excess of",
        "au moins",
        "pas moins de",
        "plus de",
        "plus d'",
        "minimum de",
        "sup\u{e9}rieur \u{e0}",
        "sup\u{e9}rieure \u{e0}",
        "mindestens",
        "mehr als",
        "m\u{e1}s de",
        ">",
        "\u{2265}",
        "minimum",
        "not below",
    ];
    let upper = [
        "at most",
        "no more than",
        "not more than",
        "a maximum of",
        "maximum of",
        "up to",
        "less than",
        "fewer than",
        "under",
        "below",
        "lower than",
        "not exceeding",
        "au plus",
        "pas plus de",
        "moins de",
        "moins d'",
        "maximum de",
        "jusqu'\u{e0}",
        "inf\u{e9}rieur \u{e0}",
        "inf\u{e9}rieure \u{e0}",
        "h\u{f6}chstens",
        "weniger als",
        "menos de",
        "<",
        "\u{2264}",
        "maximum",
        "not above",
        "not over",
        "not exceed",
    ];
    let from = text.floor_char_boundary(range.start.saturating_sub(24));
    let before = text.get(from..range.start).unwrap_or_default().to_lowercase();
    let before =
        before.trim_end_matches(|c: char| c.is_whitespace() || "$\u{20ac}\u{a3}".contains(c));
    let longest = |names: &[&str]| {
        names
            .iter()
            .filter(|name| before.ends_with(**name))
            .map(|name| name.len())
            .max()
            .unwrap_or(0)
    };
    match longest(&lower).cmp(&longest(&upper)) {
        std::cmp::Ordering::Greater => return Bound::Lower,
        std::cmp::Ordering::Less => return Bound::Upper,
        std::cmp::Ordering::Equal => {}
    }
    let after = text.get(range.end..).unwrap_or_default().trim_start();
    let starts = |names: &[&str]| names.iter().any(|name| after.starts_with(name));
    if starts(&[
        "or more",
        "or above",
        "or older",
        "and over",
        "and above",
        "ou plus",
        "et plus",
        "minimum",
        "at least",
        "au moins",
    ]) {
        Bound::Lower
    } else if starts(&[
        "or less",
        "or fewer",
        "or below",
        "and under",
        "ou moins",
        "et moins",
        "maximum",
        "at most",
        "au plus",
        "au maximum",
    ]) {
        Bound::Upper
    } else {
        Bound::None
    }
}

/// Keys of up to two words right after a figure.
pub(super) fn counted(tokens: &[Token], range: &Range<usize>) -> Vec<String> {
    let after = tokens.iter().skip_while(|token| token.range.start < range.end).enumerate();
    after
        .take(2)
        .take_while(|(place, token)| {
            let near = matches!(token.gap, Gap::Space) || (*place == 0 && token.gap == Gap::Hyphen);
            near && token.is_content()
        })
        .map(|(_, token)| token.key.clone())
        .collect()
}
