//! Figures of a text as value and unit: numbers, money, dates, times, ordinals, and codes that are
//! exact or nothing.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::bounds::{bound, counted, hand_units_back};
use super::figure::{Figure, FigureValue};
use super::numerals;
use super::tokens::Token;
use super::units::{self, MeasureUnit};
use crate::dates::{self, Moment};

/// Which mark parts decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decimal {
    Point,
    Comma,
}

static CODE: LazyLock<Regex> = LazyLock::new(|| {
    let letters_first = r"[A-Za-z]+-?\d+[A-Za-z0-9]*(?:[.-][A-Za-z0-9]*\d[A-Za-z0-9]*)*";
    let version = r"v?\d+(?:\.\d+){2,}";
    let phone = r"(?:\+\d{1,3}[ .-]?)?(?:\(\d+\)[ .-]?)?\d{2,4}(?:[ .-]\d{2,4}){2,}";
    let fraction = r"\d+/\d+";
    let pattern = format!(r"\b(?:{letters_first}|{version})\b|{phone}\b|\b{fraction}\b");
    Regex::new(&pattern).expect("a pattern of ours")
});

static POWER: LazyLock<Regex> = LazyLock::new(|| {
    let digits =
        r"[-+\x{2212}]?\d+|[\x{207a}\x{207b}]?[\x{2070}\x{b9}\x{b2}\x{b3}\x{2074}-\x{2079}]+";
    let pattern = format!(
        r"^[\s\x{{a0}}]?[x\x{{d7}}\x{{b7}}\x{{22c5}}*][\s\x{{a0}}]?10(?:\^|\*\*)?({digits})"
    );
    Regex::new(&pattern).expect("a pattern of ours")
});

static SCALE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^[\s\x{a0}\x{202f}-]?(thousands?|hundreds?|millions?|millones|billions?|trillions?|milliards?|milliers?|mille|dozens?|bn|mrd|mio)\b")
        .expect("a pattern of ours")
});

/// The figures of `text`, whose words are `tokens`.
pub(super) fn figures(text: &str, tokens: &[Token], decimal: Decimal) -> Vec<Figure> {
    let mut found: Vec<Figure> = dates::moments(text)
        .into_iter()
        .map(|(range, moment)| {
            let value = match moment {
                Moment::Date(date, other) => FigureValue::Date(date, other),
                Moment::Time(minutes, is_sure) => FigureValue::Time(minutes, is_sure),
            };
            Figure::new(range, value)
        })
        .collect();
    add_codes(text, &mut found);
    add_digits(text, decimal, &mut found);
    add_words(text, tokens, &mut found);
    found.sort_by_key(|figure| figure.range.start);
    hand_units_back(text, &mut found);
    for figure in &mut found {
        figure.bound = bound(text, &figure.range);
        figure.counted = counted(tokens, &figure.range);
    }
    found
}

fn is_free(range: &Range<usize>, found: &[Figure]) -> bool {
    found.iter().all(|old| range.end <= old.range.start || old.range.end <= range.start)
}

fn add_codes(text: &str, found: &mut Vec<Figure>) {
    for matched in CODE.find_iter(text) {
        let (range, written) = (matched.range(), matched.as_str());
        if !is_free(&range, found) || !is_code(written) || !starts_word(text, range.start) {
            continue;
        }
        let code = written.chars().filter(|c| c.is_alphanumeric() || ".+/".contains(*c));
        found.push(Figure::new(
            range,
            FigureValue::Code(code.flat_map(char::to_lowercase).collect()),
        ));
    }
}

fn starts_word(text: &str, start: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    before.is_none_or(|c| !c.is_alphanumeric() && c != '.')
}

fn is_code(written: &str) -> bool {
    let letters: String = written.chars().take_while(|c| c.is_ascii_alphabetic()).collect();
    let digits = written.chars().filter(char::is_ascii_digit).count();
    if written.contains('/') || (letters.eq_ignore_ascii_case("v") && digits > 1) {
        return true;
    }
    if letters.is_empty() {
        let groups: Vec<&str> = written.split([' ', '.', '-', '(', ')']).collect();
        let is_version = written.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let thousands = groups.len() > 1 && groups.iter().skip(1).all(|group| group.len() == 3);
        return if is_version && digits < 8 { !thousands } else { digits >= 8 && !thousands };
    }
    // "mid-1990", "under-18": a number with a word before it
    let hyphenated = written.as_bytes().get(letters.len()) == Some(&b'-');
    letters != "x" && !(hyphenated && letters.bytes().all(|b| b.is_ascii_lowercase()))
}

fn add_digits(text: &str, decimal: Decimal, found: &mut Vec<Figure>) {
    let mut at = 0;
    while let Some(place) = text.get(at..).and_then(|rest| rest.find(|c: char| c.is_ascii_digit()))
    {
        let start = at + place;
        let figure = number_at(text, start, decimal);
        at = figure.range.end.max(start + 1);
        if is_mark(text, &figure.range) {
            continue;
        }
        if is_free(&figure.range, found) {
            found.push(figure);
        } else if let Some(old) = found.iter().find(|old| old.range.contains(&start)) {
            at = old.range.end;
        }
    }
}

/// "[1]" numbers a source or a note and says nothing.
fn is_mark(text: &str, range: &Range<usize>) -> bool {
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    before.ends_with('[') && after.starts_with(']')
}

/// The number whose first digit stands at `start`, with sign, power, scale, unit and currency.
fn number_at(text: &str, start: usize, decimal: Decimal) -> Figure {
    let (mut amount, mut end) = digits(text, start, decimal);
    let after = |end: usize| text.get(end..).unwrap_or_default();
    if let Some(part) = fraction(after(end)) {
        amount += part;
        end += after(end).chars().next().map_or(0, char::len_utf8);
    }
    let mut range_start = start;
    let before = text.get(..start).unwrap_or_default();
    if let Some(lead) = sign(before) {
        amount = -amount;
        range_start = start - lead;
    }
    if let Some(length) = ordinal_ending(after(end)) {
        return Figure::new(range_start..end + length, FigureValue::Ordinal(amount));
    }
    let power = superscript(after(end)).filter(|_| amount.abs() == 10.0);
    if let Some((exponent, length)) = power {
        (amount, end) = (amount.powi(exponent), end + length);
    }
    if let Some(captures) = POWER.captures(after(end)) {
        let exponent = captures.get(1).and_then(|digits| plain(digits.as_str())).unwrap_or(0);
        amount *= 10_f64.powi(exponent);
        end += captures.get(0).map_or(0, |whole| whole.len());
    }
    let currency = currency_before(text.get(..range_start).unwrap_or_default());
    if let Some((scale, length)) = scale(after(end), currency.is_some()) {
        (amount, end) = (amount * scale, end + length);
    }
    let of =
        [" of ", " de ", " d'", " d\u{2019}"].into_iter().find(|of| after(end).starts_with(of));
    let skipped = of.map_or(0, |of| of.len() - 1);
    let unit = match currency {
        Some((unit, lead)) => {
            range_start -= lead;
            Some(unit)
        }
        None => unit_after(after(end))
            .map(|(unit, length)| {
                end += length;
                unit
            })
            .or_else(|| {
                // "3 millions d'euros"
                let (unit, length) = of.and_then(|_| money_after(after(end + skipped)))?;
                end += skipped + length;
                Some(unit)
            }),
    };
    Figure::new(range_start..end, FigureValue::Number(sized(amount, unit.as_ref()), unit))
}

/// The amount in the unit that all of its kind are compared in.
fn sized(amount: f64, unit: Option<&MeasureUnit>) -> f64 {
    amount * unit.map_or(1.0, |unit| unit.size)
}

fn money_after(text: &str) -> Option<(MeasureUnit, usize)> {
    let trimmed = text.trim_start_matches([' ', '\'', '\u{2019}']);
    let length = trimmed.find(|c: char| !c.is_alphabetic()).unwrap_or(trimmed.len());
    let unit = units::currency(trimmed.get(..length)?)?;
    Some((unit, text.len() - trimmed.len() + length))
}

fn unit_after(text: &str) -> Option<(MeasureUnit, usize)> {
    if let Some(rest) = ["per cent", "pour cent", "por ciento", "per cento"]
        .into_iter()
        .find(|name| text.trim_start().starts_with(name))
    {
        let lead = text.len() - text.trim_start().len();
        return Some((MeasureUnit::new("percent", 1.0), lead + rest.len()));
    }
    units::leading(text)
}

/// The value of the digits at `start` and where they end; marks of thousands and decimals by their
/// place.
fn digits(text: &str, start: usize, decimal: Decimal) -> (f64, usize) {
    let is_space = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}');
    let run = |from: usize| {
        let rest = text.get(from..).unwrap_or_default();
        rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
    };
    let mut groups: Vec<(char, &str)> = Vec::new();
    let mut end = start + run(start);
    groups.push((' ', text.get(start..end).unwrap_or_default()));
    while let Some(mark) = text.get(end..).and_then(|rest| rest.chars().next()) {
        let next = end + mark.len_utf8();
        let length = run(next);
        let is_mark = matches!(mark, '.' | ',' | '\'' | '\u{2019}') || is_space(mark);
        let in_thousands = length == 3
            && groups[0].1.len() <= 3
            && groups.iter().skip(1).all(|(_, group)| group.len() == 3)
            && !groups.iter().any(|(mark, _)| matches!(mark, '.' | ','));
        let spaced_ok = !(is_space(mark) || matches!(mark, '\'' | '\u{2019}')) || in_thousands;
        if !is_mark || length == 0 || !spaced_ok {
            break;
        }
        groups.push((
            if is_space(mark) { ' ' } else { mark },
            text.get(next..next + length).unwrap_or_default(),
        ));
        end = next + length;
    }
    (value_of(&groups, decimal), end)
}

/// The last mark parts decimals unless it can only be one of thousands, or the language says so.
fn value_of(groups: &[(char, &str)], decimal: Decimal) -> f64 {
    let marks: Vec<char> = groups.iter().skip(1).map(|(mark, _)| *mark).collect();
    let last = marks.last().copied();
    let is_decimal = match last {
        Some(mark @ ('.' | ',')) => {
            let once = marks.iter().filter(|other| **other == mark).count() == 1;
            let others = marks.iter().any(|other| *other != mark);
            let three = groups.last().is_some_and(|(_, group)| group.len() == 3)
                && groups
                    .first()
                    .is_some_and(|(_, group)| (1..=3).contains(&group.len()) && *group != "0");
            let of_language = match decimal {
                Decimal::Point => mark == '.',
                Decimal::Comma => mark == ',',
            };
            once && (others || !three || of_language)
        }
        _ => false,
    };
    let whole = groups.len() - usize::from(is_decimal);
    let mut written: String = groups.iter().take(whole).map(|(_, group)| *group).collect();
    if is_decimal {
        written.push('.');
        written.push_str(groups.last().map_or("", |(_, group)| group));
    }
    written.parse().unwrap_or(f64::NAN)
}

/// The length of a minus sign that belongs to the number after `before`.
fn sign(before: &str) -> Option<usize> {
    for word in ["minus ", "moins ", "negative "] {
        let lower = before.to_ascii_lowercase();
        let bounds = ["au moins ", "du moins ", "ou moins ", "de moins ", "le moins "];
        if lower.ends_with(word) && !bounds.iter().any(|bound| lower.ends_with(bound)) {
            return Some(word.len());
        }
    }
    let mark = before.chars().next_back().filter(|c| matches!(c, '-' | '\u{2212}' | '\u{2013}'))?;
    let rest = before.get(..before.len() - mark.len_utf8())?;
    let stands_alone =
        rest.chars().next_back().is_none_or(|c| c.is_whitespace() || "([=<>:$\u{20ac}".contains(c));
    stands_alone.then_some(mark.len_utf8())
}

fn fraction(after: &str) -> Option<f64> {
    Some(match after.chars().next()? {
        '\u{bd}' => 0.5,
        '\u{bc}' => 0.25,
        '\u{be}' => 0.75,
        '\u{2153}' => 1.0 / 3.0,
        '\u{2154}' => 2.0 / 3.0,
        _ => return None,
    })
}

fn ordinal_ending(after: &str) -> Option<usize> {
    let endings = ["st", "nd", "rd", "th", "\u{e8}me", "eme", "er", "e", "\u{ba}", "\u{aa}"];
    let ending = endings.into_iter().find(|ending| after.starts_with(ending))?;
    let ends = after.get(ending.len()..)?.chars().next().is_none_or(|c| !c.is_alphanumeric());
    ends.then_some(ending.len())
}

/// The exponent of a ten: "10^-9", or in superscript digits.
fn superscript(after: &str) -> Option<(i32, usize)> {
    let (text, lead) = match after.strip_prefix('^') {
        Some(rest) => (rest, 1),
        None => (after, 0),
    };
    let is_part = |c: char| match lead {
        1 => c.is_ascii_digit() || "-+\u{2212}".contains(c),
        _ => {
            "\u{207a}\u{207b}\u{2070}\u{b9}\u{b2}\u{b3}".contains(c)
                || ('\u{2074}'..='\u{2079}').contains(&c)
        }
    };
    let length = text.find(|c: char| !is_part(c)).unwrap_or(text.len());
    Some((plain(text.get(..length)?)?, lead + length))
}

/// Digits of any height as a number.
fn plain(digits: &str) -> Option<i32> {
    let plain = digits.chars().map(|c| match c {
        '\u{207b}' | '\u{2212}' => '-',
        '\u{207a}' => '+',
        '\u{2070}' => '0',
        '\u{b9}' => '1',
        '\u{b2}' => '2',
        '\u{b3}' => '3',
        '\u{2074}'..='\u{2079}' => char::from(b'4' + (u32::from(c) - 0x2074) as u8),
        other => other,
    });
    plain.collect::<String>().parse().ok().filter(|exponent: &i32| exponent.abs() < 300)
}

fn scale(after: &str, is_money: bool) -> Option<(f64, usize)> {
    if is_money {
        let letter = after.chars().next();
        let ends = after.chars().nth(1).is_none_or(|c| !c.is_alphanumeric());
        let factor = match letter {
            Some('k' | 'K') => Some(1e3),
            Some('m' | 'M') => Some(1e6),
            Some('b' | 'B') => Some(1e9),
            _ => None,
        };
        if let Some(factor) = factor.filter(|_| ends) {
            return Some((factor, 1));
        }
    }
    let captures = SCALE.captures(after)?;
    let word = captures.get(1)?.as_str().to_ascii_lowercase();
    let factor = match word.trim_end_matches('s') {
        "dozen" => 12.0,
        "hundred" => 100.0,
        "thousand" | "mille" | "millier" => 1e3,
        "million" | "millone" | "mio" => 1e6,
        "trillion" => 1e12,
        _ => 1e9,
    };
    Some((factor, captures.get(0)?.len()))
}

fn currency_before(before: &str) -> Option<(MeasureUnit, usize)> {
    let trimmed = before.trim_end_matches([' ', '\u{a0}']);
    let sign = ["US$", "$", "\u{20ac}", "\u{a3}", "\u{a5}", "EUR", "USD", "GBP", "CHF"]
        .into_iter()
        .find(|sign| trimmed.ends_with(sign))?;
    Some((units::currency(sign)?, before.len() - trimmed.len() + sign.len()))
}

/// Numbers written as words, where no digits stand.
fn add_words(text: &str, tokens: &[Token], found: &mut Vec<Figure>) {
    let mut index = 0;
    while let Some(rest) = tokens.get(index..).filter(|rest| !rest.is_empty()) {
        let Some(numeral) = numerals::leading(rest) else {
            index += 1;
            continue;
        };
        index += numeral.length;
        let Some(last) = rest.get(numeral.length - 1) else { break };
        let (start, mut end) = (rest[0].range.start, last.range.end);
        let value = if numeral.is_ordinal {
            FigureValue::Ordinal(numeral.amount)
        } else {
            let unit = unit_after(text.get(end..).unwrap_or_default());
            end += unit.as_ref().map_or(0, |(_, length)| *length);
            let unit = unit.map(|(unit, _)| unit);
            FigureValue::Number(sized(numeral.amount, unit.as_ref()), unit)
        };
        if is_free(&(start..end), found) {
            found.push(Figure::new(start..end, value));
        }
    }
}
