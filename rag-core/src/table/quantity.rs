//! Numbers as people write them in cells: marks of both kinds, signs, currencies, units; exact, as
//! whole numbers with a scale.

/// What separates decimals, and with it what may separate thousands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// `1,234.5`, `1 234.5`
    Point,
    /// `1.234,5`, `1 234,5`
    Comma,
}

/// A number with its unit: `mantissa` / 10^`scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    pub(super) mantissa: i64,
    pub(super) scale: u32,
    /// `%`, a currency, a unit; empty without one.
    pub(super) unit: String,
    /// What its thousands are separated by, where they are.
    pub(super) group: Option<char>,
    /// Whether the other marks read another number in it.
    pub(super) is_ambiguous: bool,
}

/// Digits of a number at most: more do not fit.
const MAX_DIGITS: usize = 18;

/// Characters of a unit at most.
const MAX_UNIT_CHARS: usize = 12;

const CURRENCY_SIGNS: &[char] = &['$', '\u{20ac}', '\u{a3}', '\u{a5}', '\u{20b9}', '\u{20bd}'];

/// Codes of currencies that tables are written with.
const CURRENCY_CODES: &[&str] = &[
    "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "CAD", "AUD", "SEK", "NOK", "DKK", "PLN", "CZK",
    "INR", "BRL", "RUB", "XOF", "MAD", "TND", "DZD", "euros", "euro", "dollars", "francs",
];

/// Whether a unit is money.
pub(super) fn is_currency(unit: &str) -> bool {
    let mut chars = unit.chars();
    let sign = chars.next().is_some_and(|c| CURRENCY_SIGNS.contains(&c)) && chars.next().is_none();
    sign || CURRENCY_CODES.contains(&unit)
}

impl Quantity {
    /// Reads a cell, all of it.
    pub(super) fn read(cell: &str, marks: Marks) -> Option<Self> {
        let cell = cell.trim();
        let inner = cell.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let (sign, rest) = signed(inner.unwrap_or(cell).trim());
        let (prefix, rest) = currency_before(rest);
        let within = rest.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
        let (again, rest) = signed(within.unwrap_or(rest).trim_start());
        let end = rest.find(|c: char| !is_number_char(c)).unwrap_or(rest.len());
        let (digits, unit) = rest.split_at(end);
        let kept = digits.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = unit.trim();
        if digits.len() - kept.len() > digits.len() - digits.trim_end().len() {
            return None;
        }
        let unit = match (prefix, unit) {
            ("", unit) => unit_of(unit)?,
            (prefix, "") => prefix.to_owned(),
            _ => return None,
        };
        let (mantissa, scale, group) = number(kept, marks)?;
        let other = if marks == Marks::Point { Marks::Comma } else { Marks::Point };
        let is_ambiguous =
            number(kept, other).is_some_and(|found| (found.0, found.1) != (mantissa, scale));
        let negative = sign ^ again ^ inner.is_some() ^ within.is_some();
        let mantissa = if negative { -mantissa } else { mantissa };
        Some(Self { mantissa, scale, unit, group, is_ambiguous })
    }

    /// Its mantissa at a larger scale.
    pub(super) fn at_scale(&self, scale: u32) -> Option<i64> {
        self.mantissa.checked_mul(10_i64.checked_pow(scale.checked_sub(self.scale)?)?)
    }
}

fn is_number_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '.' | ',' | '\'' | '\u{2019}') || is_blank(c)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

/// Whether a minus stands before it, and what follows.
fn signed(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '\u{2212}']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start()),
    }
}

/// A currency before the digits, and what follows.
fn currency_before(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_ascii_digit() || matches!(c, '-' | '\u{2212}' | '.' | '('));
    let (before, rest) = text.split_at(end.unwrap_or(0));
    match is_currency(before.trim()) {
        true => (before.trim(), rest),
        false => ("", text),
    }
}

/// What stands behind the digits as a unit; `None` if it is more than one.
fn unit_of(text: &str) -> Option<String> {
    let is_unit = |c: char| {
        c.is_alphabetic() || matches!(c, '%' | '\u{b0}' | '/' | '\u{b2}' | '\u{b3}' | '\u{2030}')
    };
    let is_sign = text.chars().all(|c| CURRENCY_SIGNS.contains(&c)) && text.chars().count() == 1;
    let fits = text.chars().count() <= MAX_UNIT_CHARS && text.chars().all(is_unit);
    (text.is_empty() || is_sign || fits).then(|| text.to_owned())
}

/// Mantissa, scale and separator of thousands.
fn number(text: &str, marks: Marks) -> Option<(i64, u32, Option<char>)> {
    let mark = if marks == Marks::Point { '.' } else { ',' };
    let (whole, part) = match text.split_once(mark) {
        Some((whole, part)) => (whole, Some(part)),
        None => (text, None),
    };
    let part = part.unwrap_or_default();
    let is_whole = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_whole(part) || (text.ends_with(mark)) {
        return None;
    }
    let group = whole.chars().find(|c| !c.is_ascii_digit());
    let digits = match group {
        Some(group) if group == mark => return None,
        Some(group) => grouped(whole, group)?,
        None => whole.to_owned(),
    };
    let all = format!("{digits}{part}");
    let fits = !all.is_empty() && all.trim_start_matches('0').len() <= MAX_DIGITS;
    let scale = u32::try_from(part.len()).ok()?;
    (fits && part.len() <= MAX_DIGITS).then_some(())?;
    Some((all.parse().ok()?, scale, group))
}

/// The digits of thousands in groups of three.
fn grouped(whole: &str, group: char) -> Option<String> {
    let mut parts = whole.split(group);
    let first = parts.next()?;
    let is_first = (1..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_digit());
    let is_group = |part: &str| part.len() == 3 && part.bytes().all(|b| b.is_ascii_digit());
    (is_first && !first.starts_with('0') && parts.all(is_group)).then(|| whole.replace(group, ""))
}

/// A number as its column writes it.
pub(super) fn written(mantissa: i128, scale: u32, marks: Marks, group: Option<char>) -> String {
    let digits = mantissa.unsigned_abs().to_string();
    let scale = scale as usize;
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, part) = padded.split_at(padded.len() - scale);
    let mut text = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if let Some(group) = group.filter(|_| at > 0 && (whole.len() - at).is_multiple_of(3)) {
            text.push(group);
        }
        text.push(digit);
    }
    if scale > 0 {
        text.push(if marks == Marks::Point { '.' } else { ',' });
        text.push_str(part);
    }
    if mantissa < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(cell: &str, marks: Marks) -> Option<(i64, u32, String)> {
        Quantity::read(cell, marks).map(|q| (q.mantissa, q.scale, q.unit))
    }

    #[test]
    fn numbers_are_read_with_the_marks_of_both_languages() {
        let plain = |mantissa, scale| Some((mantissa, scale, String::new()));
        assert_eq!(read("1,234.5", Marks::Point), plain(12345, 1));
        assert_eq!(read("1 234,5", Marks::Comma), plain(12345, 1));
        assert_eq!(read("1\u{202f}234,50", Marks::Comma), plain(123_450, 2));
        assert_eq!(read("1.234,5", Marks::Comma), plain(12345, 1));
        assert_eq!(read("1,234.5", Marks::Comma), None);
        assert_eq!(read("(81)", Marks::Point), plain(-81, 0));
        assert_eq!(read("\u{2212}0.5", Marks::Point), plain(-5, 1));
        assert_eq!(read(".5", Marks::Point), plain(5, 1));
        for text in
            ["", "12 34", "1,23.4", "229.077.5154", "x", "5.", "12 kg net", "1e5", "1234,567"]
        {
            assert_eq!(read(text, Marks::Point), None, "{text}");
        }
    }

    #[test]
    fn units_and_currencies_stand_before_or_behind() {
        assert_eq!(read("$1,200", Marks::Point).unwrap(), (1200, 0, "$".to_owned()));
        assert_eq!(read("-$5", Marks::Point).unwrap(), (-5, 0, "$".to_owned()));
        assert_eq!(read("12,5 \u{20ac}", Marks::Comma).unwrap(), (125, 1, "\u{20ac}".to_owned()));
        assert_eq!(read("CHF 12", Marks::Point).unwrap(), (12, 0, "CHF".to_owned()));
        assert_eq!(read("34.5 %", Marks::Point).unwrap().2, "%");
        assert_eq!(read("7 km/h", Marks::Point).unwrap().2, "km/h");
        assert_eq!(read("$\t(5,120\t)", Marks::Point).unwrap(), (-5120, 0, "$".to_owned()));
        assert_eq!(read("8.13\t%", Marks::Point).unwrap(), (813, 2, "%".to_owned()));
    }

    #[test]
    fn what_two_languages_read_differently_is_ambiguous() {
        let is_ambiguous = |text, marks| Quantity::read(text, marks).unwrap().is_ambiguous;
        assert!(is_ambiguous("1,234", Marks::Point));
        assert!(is_ambiguous("1.234", Marks::Point));
        assert!(!is_ambiguous("0.123", Marks::Point));
        assert!(!is_ambiguous("1,234,567", Marks::Point));
        assert!(!is_ambiguous("1 234", Marks::Point));
    }

    #[test]
    fn numbers_are_written_as_their_column_does() {
        assert_eq!(written(1_234_567, 2, Marks::Comma, Some(' ')), "12 345,67");
        assert_eq!(written(-5, 1, Marks::Point, Some(',')), "-0.5");
        assert_eq!(written(1_234_567, 0, Marks::Point, Some(',')), "1,234,567");
        assert_eq!(written(0, 0, Marks::Point, None), "0");
    }
}
