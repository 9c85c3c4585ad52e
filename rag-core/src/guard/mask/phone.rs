//! Phone numbers: the ways in which French ones are written, and international ones after `+` or
//! `00`, or with a `(0)`.

use super::window::{StreamWindow, digit, is_separator};

/// Digits of an international number, country code included (E.164).
const MAX_DIGITS: usize = 15;
/// Below this it is too short to be told from other numbers.
const MIN_DIGITS: usize = 8;

/// Digits of a French number.
const FRENCH_DIGITS: usize = 10;
/// Characters between two groups of a French number, at most: a separator between two spaces.
const MAX_GAP: usize = 3;
/// Digits of a country's code, at most.
const MAX_CODE_DIGITS: usize = 3;

/// Groups in which the ten digits of a French number stand. After the first, the same separator
/// stands between them.
const FRENCH_GROUPS: [&[usize]; 5] =
    [&[10], &[2, 2, 2, 2, 2], &[4, 2, 2, 2], &[4, 3, 3], &[1, 3, 3, 3]];

pub(super) fn phone(window: &StreamWindow<'_>) -> Option<usize> {
    let (first, after) = window.next(0)?;
    match first {
        '+' => international(window, after),
        '0' | 'O' => french(window).or_else(|| international(window, window.after(after, '0')?)),
        '1'..='9' if has_trunk_zero(window) => international(window, 0),
        _ => None,
    }
}

/// Whether a country's code and `(0)` come, which nothing but a phone number begins with.
fn has_trunk_zero(window: &StreamWindow<'_>) -> bool {
    let mut at = 0;
    for _ in 0..=MAX_CODE_DIGITS {
        match window.next(at) {
            Some((c, after)) if c.is_ascii_digit() => at = after,
            _ => break,
        }
    }
    let zero = gap(window, at).filter(|gap| gap.opens).and_then(|gap| window.after(gap.end, '0'));
    zero.is_some_and(|at| window.after(at, ')').is_some())
}

/// What stands between two digits.
struct Gap {
    /// What parts them: a space, or the first other separator; `None` if nothing does.
    sign: Option<char>,
    /// Whether a bracket opens in it, or closes.
    opens: bool,
    closes: bool,
    end: usize,
}

/// The gap from byte `at` on; `None` if it is too long for one.
fn gap(window: &StreamWindow<'_>, at: usize) -> Option<Gap> {
    let mut gap = Gap { sign: None, opens: false, closes: false, end: at };
    for _ in 0..=MAX_GAP + 1 {
        let (c, after) = window.next(gap.end)?;
        match c {
            '(' => gap.opens = true,
            ')' => gap.closes = true,
            c if is_separator(c) || c == '/' => {
                gap.sign = Some(gap.sign.filter(|sign| *sign != ' ').unwrap_or(c));
            }
            _ => return Some(gap),
        }
        gap.end = after;
    }
    None
}

/// The digit at byte `at`, and the byte after it. A letter drawn like one counts beside a digit,
/// not alone.
fn digit_at(window: &StreamWindow<'_>, at: usize, is_joined: bool) -> Option<(char, usize)> {
    let (c, after) = window.next(at)?;
    let found = digit(c)?;
    let is_digit = c.is_ascii_digit()
        || is_joined
        || window.next(after).is_some_and(|(next, _)| next.is_ascii_digit());
    is_digit.then_some((found, after))
}

fn french(window: &StreamWindow<'_>) -> Option<usize> {
    let (mut groups, mut signs) = (vec![0_usize], Vec::new());
    let (mut at, mut has_bracket) = (0, false);
    for index in 0..FRENCH_DIGITS {
        let gap = gap(window, at)?;
        let parts = gap.sign.is_some() || gap.closes || gap.opens;
        if parts && index > 0 {
            has_bracket |= index == 1 && gap.closes;
            signs.push(gap.sign.unwrap_or(' '));
            groups.push(0);
        }
        let (digit, after) = digit_at(window, gap.end, !parts)?;
        if index == 1 && digit == '0' {
            return None;
        }
        *groups.last_mut()? += 1;
        at = after;
    }
    let rest = signs.get(1..).unwrap_or_default();
    let is_even = rest.windows(2).all(|pair| pair[0] == pair[1]);
    // a slash parts dates as well
    let is_date = signs.contains(&'/') && signs.iter().any(|sign| *sign != '/');
    let is_grouped = FRENCH_GROUPS.contains(&groups.as_slice()) && is_even && !is_date;
    ((is_grouped || has_bracket) && window.ends(at)).then_some(at)
}

/// Country code and number, with separators, brackets or both between digits.
fn international(window: &StreamWindow<'_>, from: usize) -> Option<usize> {
    let start = match window.next(from)? {
        (c, after) if is_separator(c) || c == '(' => after,
        _ => from,
    };
    window.next(start).filter(|(c, _)| ('1'..='9').contains(c))?;
    let (mut digits, mut at) = (Vec::new(), start);
    while digits.len() < MAX_DIGITS {
        // where the length is known, nothing that follows can be taken for more of the number
        let is_french = matches!(digits.as_slice(), [('3', _), ('3', _), ..]);
        let Some((digit, end)) = next_digit(window, at, is_french) else { break };
        digits.push((digit, end));
        at = end;
    }
    let lengths = lengths(&digits);
    lengths.rev().find_map(|length| {
        let (_, end) = *digits.get(length.checked_sub(1)?)?;
        window.ends(end).then_some(end)
    })
}

/// How many digits the number may have. A French one has nine after its code, or ten with the
/// `(0)`.
fn lengths(digits: &[(char, usize)]) -> std::ops::RangeInclusive<usize> {
    let begin: String = digits.iter().take(3).map(|(digit, _)| digit).collect();
    match begin.as_str() {
        "330" => 12..=12,
        _ if begin.starts_with("33") => 11..=11,
        _ => MIN_DIGITS..=MAX_DIGITS,
    }
}

/// The digit at byte `at` or after up to two separators, three if `is_wide` or around a bracket,
/// and the byte after it.
fn next_digit(window: &StreamWindow<'_>, at: usize, is_wide: bool) -> Option<(char, usize)> {
    let (mut place, mut separator_count, mut has_bracket) = (at, 0, is_wide);
    loop {
        let (c, after) = window.next(place)?;
        match c {
            '(' | ')' => has_bracket = true,
            c if is_separator(c) || c == '/' => separator_count += 1,
            _ => break,
        }
        if separator_count > MAX_GAP {
            return None;
        }
        place = after;
    }
    if separator_count == MAX_GAP && !has_bracket {
        return None;
    }
    digit_at(window, place, place == at)
}
