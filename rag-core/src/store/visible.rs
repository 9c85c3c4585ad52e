//! A text as it looks: without the characters that nobody sees inside words, and with powers apart
//! from their numbers. Words are compared so; the text itself keeps every character.

use std::borrow::Cow;

/// `text` without soft hyphens, joiners, marks of direction and the like, with plain digits for
/// those set high or low, and with `^` between a number and those beside it: ten to the 4th is not
/// 104.
///
/// Small digits after one or two letters are plain ones, as in `m2` and `H2O`.
pub(crate) fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_invisible(c) || is_small_digit(c)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let (mut last, mut letters) = (' ', 0);
    for c in text.chars() {
        if is_invisible(c) {
            continue;
        }
        let after_number =
            is_digit(last) && is_small_digit(c) || is_small_digit(last) && is_digit(c);
        if after_number || (letters > 2 && is_small_digit(c)) {
            shown.push('^');
        }
        letters = if c.is_alphabetic() { letters + 1 } else { 0 };
        shown.push(plain_digit(c));
        last = c;
    }
    Cow::Owned(shown)
}

/// Characters that are not seen and mean nothing for which word it is.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Digits set high, low or in fractions, which decompose into plain ones.
fn is_small_digit(c: char) -> bool {
    matches!(c, '\u{b2}' | '\u{b3}' | '\u{b9}' | '\u{bc}'..='\u{be}' | '\u{2070}' | '\u{2074}'..='\u{2079}'
        | '\u{2080}'..='\u{2089}' | '\u{2150}'..='\u{215f}' | '\u{2460}'..='\u{2473}')
}

/// A digit that is set high or low, on the line.
fn plain_digit(c: char) -> char {
    let digit = match c {
        '\u{b9}' => Some(1),
        '\u{b2}' | '\u{b3}' => Some(c as u32 - 0xB0),
        '\u{2070}' | '\u{2074}'..='\u{2079}' => Some(c as u32 - 0x2070),
        '\u{2080}'..='\u{2089}' => Some(c as u32 - 0x2080),
        _ => None,
    };
    digit.and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)
}

fn is_digit(c: char) -> bool {
    c.is_numeric() && !is_small_digit(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sees_a_difference() {
        for (text, right) in [
            ("co\u{ad}op\u{200b}er\u{2060}ate\u{feff}", "cooperate"),
            ("\u{645}\u{6cc}\u{200c}\u{631}\u{648}\u{645}", "\u{645}\u{6cc}\u{631}\u{648}\u{645}"),
            ("\u{202e}abc\u{202c}", "abc"),
            ("\u{e01}\u{200b}\u{e02}", "\u{e01}\u{e02}"),
            ("plain", "plain"),
        ] {
            assert_eq!(visible(text), right);
        }
    }

    #[test]
    fn powers_stand_apart_from_their_numbers() {
        for (text, right) in [
            ("10\u{2074} m\u{b2}", "10^4 m2"),
            ("10\u{207b}\u{2079}", "10\u{207b}9"),
            ("5\u{bd}", "5^\u{bd}"),
            ("\u{b9}\u{2074}C", "14C"),
            ("C\u{2081}\u{2082}", "C12"),
            ("IPCC\u{b9}", "IPCC^1"),
        ] {
            assert_eq!(visible(text), right);
        }
    }
}
