//! Numbers that carry check digits: bank accounts, social security, payment cards.

use super::window::{StreamWindow, digit};

/// Shortest and longest IBAN (ISO 13616).
const IBAN_CHARS: std::ops::RangeInclusive<usize> = 15..=34;
/// Characters of a NIR, its key included.
const NIR_CHARS: usize = 15;
/// Longest card number (ISO/IEC 7812).
const MAX_CARD_DIGITS: usize = 19;

/// Characters of an IBAN by country, for the countries of SEPA (SWIFT's registry). Elsewhere the
/// longest that checks is taken.
const IBAN_LENGTHS: &[(&str, usize)] = &[
    ("AD", 24),
    ("AT", 20),
    ("BE", 16),
    ("BG", 22),
    ("CH", 21),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("EE", 20),
    ("ES", 24),
    ("FI", 18),
    ("FR", 27),
    ("GB", 22),
    ("GI", 23),
    ("GR", 27),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IS", 26),
    ("IT", 27),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("MC", 27),
    ("MT", 31),
    ("NL", 18),
    ("NO", 15),
    ("PL", 28),
    ("PT", 25),
    ("RO", 24),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("VA", 22),
];

/// Two letters, two digits, then letters and digits, in groups or not.
pub(super) fn iban(window: &StreamWindow<'_>) -> Option<usize> {
    let (mut country, mut at) = (String::new(), 0);
    for index in 0..4 {
        let (mut c, mut after) = window.next(at)?;
        // in lower case a word of two letters before a number
        if index == 2 && c == ' ' && is_upper_case(window) {
            (c, after) = window.next(after)?;
        }
        at = after;
        match index {
            0 | 1 if c.is_ascii_alphabetic() => country.push(c.to_ascii_uppercase()),
            2 | 3 if c.is_ascii_digit() || c == 'O' => {}
            _ => return None,
        }
    }
    let takes = |index: usize, c: char| match index {
        2 | 3 => digit(c),
        _ => c.is_ascii_alphanumeric().then_some(c),
    };
    let symbols = window.symbols(*IBAN_CHARS.end(), takes);
    let known = IBAN_LENGTHS.iter().find(|(name, _)| *name == country).map(|(_, length)| *length);
    let lengths = known.map_or(IBAN_CHARS, |length| length..=length);
    longest(window, &symbols, lengths, |symbols| {
        mod_97(symbols, |c| c) == Some(1) || mod_97(symbols, |c| digit(c).unwrap_or(c)) == Some(1)
    })
}

/// Whether the first two letters are capitals.
fn is_upper_case(window: &StreamWindow<'_>) -> bool {
    let first = window.next(0);
    let second = first.and_then(|(_, after)| window.next(after));
    [first, second].into_iter().flatten().all(|(c, _)| c.is_ascii_uppercase())
}

/// Sex, year, month, department (2A and 2B in Corsica), commune, order, key.
pub(super) fn nir(window: &StreamWindow<'_>) -> Option<usize> {
    window.next(0).filter(|(c, _)| "123478".contains(*c))?;
    let corsica = |c: char| matches!(c, 'A' | 'a' | 'B' | 'b');
    let takes = |index: usize, c: char| digit(c).or((index == 6 && corsica(c)).then_some(c));
    let symbols = window.symbols(NIR_CHARS, takes);
    longest(window, &symbols, NIR_CHARS..=NIR_CHARS, has_nir_key)
}

/// The last two digits are 97 less the rest of the number by 97; 2A counts as 19 and 2B as 18.
fn has_nir_key(symbols: &[(char, usize)]) -> bool {
    let mut digits: Vec<u64> = Vec::with_capacity(NIR_CHARS);
    for (c, _) in symbols {
        let digit = match c.to_ascii_uppercase() {
            'A' | 'B' if digits.last() != Some(&2) => return false,
            letter @ ('A' | 'B') => {
                digits.pop();
                digits.push(1);
                if letter == 'A' { 9 } else { 8 }
            }
            digit => u64::from(digit.to_digit(10).unwrap_or(0)),
        };
        digits.push(digit);
    }
    let Some((number, key)) = digits.split_at_checked(13) else { return false };
    let value = |digits: &[u64]| digits.iter().fold(0, |sum, digit| sum * 10 + digit);
    97 - value(number) % 97 == value(key)
}

/// The first digits and length of a known issuer, and Luhn's digit.
pub(super) fn card(window: &StreamWindow<'_>) -> Option<usize> {
    window.next(0).filter(|(c, _)| "23456".contains(*c))?;
    let symbols = window.symbols(MAX_CARD_DIGITS, |_, c| digit(c));
    longest(window, &symbols, 13..=MAX_CARD_DIGITS, |symbols| {
        let digits: Vec<u32> = symbols.iter().filter_map(|(c, _)| c.to_digit(10)).collect();
        has_issuer(&digits) && has_luhn_digit(&digits)
    })
}

/// Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay, Maestro.
fn has_issuer(digits: &[u32]) -> bool {
    let first = digits.iter().take(4).fold(0, |sum, digit| sum * 10 + digit);
    matches!(
        (first, digits.len()),
        (4000..=4999, 13 | 16 | 19)
            | (2221..=2720 | 5100..=5599, 16)
            | (3400..=3499 | 3700..=3799, 15)
            | (3000..=3059 | 3600..=3699 | 3800..=3999, 14)
            | (3528..=3589 | 6000..=6999, 16..=19)
            | (5000..=5099 | 5600..=5899, 13..=19)
    )
}

/// Luhn's sum: from the right, every second digit counts double, less 9 beyond 9.
fn has_luhn_digit(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, twice) => twice - if twice > 9 { 9 } else { 0 },
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The rest by 97 of an IBAN with its first four characters moved behind, letters as 10 to 35 (ISO
/// 7064). All but the country are read as `reads` says.
fn mod_97(symbols: &[(char, usize)], reads: impl Fn(char) -> char) -> Option<u32> {
    let (front, back) = symbols.split_at_checked(4)?;
    let front = front.iter().map(|(c, _)| *c);
    back.iter().map(|(c, _)| reads(*c)).chain(front).try_fold(0, |rest, c| {
        let value = c.to_digit(36)?;
        Some(if value < 10 { rest * 10 + value } else { rest * 100 + value } % 97)
    })
}

/// Where the longest number of one of these lengths ends that is a whole word and passes `check`.
fn longest(
    window: &StreamWindow<'_>,
    symbols: &[(char, usize)],
    lengths: std::ops::RangeInclusive<usize>,
    check: impl Fn(&[(char, usize)]) -> bool,
) -> Option<usize> {
    lengths.rev().find_map(|length| {
        let number = symbols.get(..length)?;
        let end = number.last()?.1;
        (window.ends(end) && check(number)).then_some(end)
    })
}
