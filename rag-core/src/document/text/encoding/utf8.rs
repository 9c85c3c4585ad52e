//! UTF-8 with faults: a stray byte, a character cut in two, a line in another encoding, surrogates
//! written apart.

use std::ops::Range;

/// A stretch of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stretch<'a> {
    /// UTF-8.
    Text(&'a str),
    /// One character as two surrogates of three bytes each (CESU-8, Unicode Technical Report 26).
    Paired(char),
    /// No UTF-8 at all.
    Fault,
}

/// Gives every stretch of `bytes` in order, with where it stands; faults beside each other are one.
pub(super) fn each<'a>(bytes: &'a [u8], mut found: impl FnMut(Stretch<'a>, Range<usize>)) {
    let (mut at, mut fault) = (0, 0..0);
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let (text, fault_bytes) = match std::str::from_utf8(rest) {
            Ok(text) => (text, 0),
            Err(error) => {
                let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                let length = error.error_len().unwrap_or(rest.len() - valid.len());
                (std::str::from_utf8(valid).unwrap_or_default(), length)
            }
        };
        let paired = surrogates(rest.get(text.len()..).unwrap_or_default());
        if !text.is_empty() || paired.is_some() {
            flush(&mut fault, &mut found);
        }
        if !text.is_empty() {
            found(Stretch::Text(text), at..at + text.len());
            at += text.len();
        }
        match paired {
            Some(paired) => {
                found(Stretch::Paired(paired), at..at + 6);
                at += 6;
            }
            None => {
                fault = if fault.is_empty() {
                    at..at + fault_bytes
                } else {
                    fault.start..at + fault_bytes
                };
                at += fault_bytes;
            }
        }
    }
    flush(&mut fault, &mut found);
}

fn flush<'a>(fault: &mut Range<usize>, found: &mut impl FnMut(Stretch<'a>, Range<usize>)) {
    if fault.start < fault.end {
        found(Stretch::Fault, std::mem::take(fault));
    }
}

/// The character that six bytes of CESU-8 stand for.
fn surrogates(bytes: &[u8]) -> Option<char> {
    let [0xED, a @ 0xA0..=0xAF, b @ 0x80..=0xBF, 0xED, c @ 0xB0..=0xBF, d @ 0x80..=0xBF, ..] =
        bytes
    else {
        return None;
    };
    let unit =
        |second: u8, third: u8| 0xD000 | (u16::from(second & 0x3F) << 6) | u16::from(third & 0x3F);
    char::decode_utf16([unit(*a, *b), unit(*c, *d)]).next()?.ok()
}

/// Whether bytes that are not all valid are UTF-8 all the same: at least `least` characters of
/// several bytes are valid for each fault.
///
/// In other encodings a pair of bytes is hardly ever valid by chance; most often in GBK, once in
/// seven characters. A character cut at the very end speaks for UTF-8, not against it.
pub(super) fn is_likely(bytes: &[u8], least: usize) -> bool {
    let (mut valid, mut faults) = (0_usize, 0_usize);
    each(bytes, |stretch, range| match stretch {
        Stretch::Text(text) => {
            let tails = text.bytes().filter(|byte| byte & 0xC0 == 0x80).count();
            valid += (text.len() - tails).saturating_sub(ascii(text));
        }
        Stretch::Paired(_) => valid += 1,
        Stretch::Fault
            if range.end == bytes.len() && is_cut(bytes.get(range).unwrap_or_default()) => {}
        Stretch::Fault => faults += 1,
    });
    valid > 0 && valid >= least.saturating_mul(faults)
}

fn ascii(text: &str) -> usize {
    text.bytes().filter(u8::is_ascii).count()
}

/// The first bytes of a character whose others are missing.
fn is_cut(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(bytes: &[u8]) -> Vec<(Stretch<'_>, Range<usize>)> {
        let mut all = Vec::new();
        each(bytes, |stretch, range| all.push((stretch, range)));
        all
    }

    #[test]
    fn faults_stand_between_what_is_valid() {
        let found = stretches(b"a\xFF\xFEb\xC3\xA9\xE2\x82");
        let expected = [
            (Stretch::Text("a"), 0..1),
            (Stretch::Fault, 1..3),
            (Stretch::Text("b\u{e9}"), 3..6),
            (Stretch::Fault, 6..8),
        ];
        assert_eq!(found, expected);
        let paired = stretches(b"x\xED\xA0\xBD\xED\xB8\x80y");
        assert_eq!(paired.get(1), Some(&(Stretch::Paired('\u{1f600}'), 1..7)));
        assert!(stretches(b"").is_empty());
    }

    #[test]
    fn a_share_of_valid_characters_speaks_for_utf8() {
        let cafe = "caf\u{e9} ".repeat(3);
        assert!(is_likely(&[cafe.as_bytes(), b"\xE9"].concat(), 2));
        assert!(is_likely(b"caf\xC3\xA9 and caf\xC3", 2));
        assert!(!is_likely(b"caf\xE9", 2));
        assert!(!is_likely(b"caf\xC3", 2));
        assert!(!is_likely(b"\xC3\xA9 \xE9 \xE8 \xE0", 2));
    }
}
