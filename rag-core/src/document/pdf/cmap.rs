//! ToUnicode maps: character codes to text (ISO 32000-1, 9.10.3).

use std::collections::HashMap;

/// Longest range that is written out; longer ones are kept as ranges.
const MAX_EXPANDED: u32 = 256;

/// Entries read at most, against maps made to exhaust memory.
const MAX_ENTRIES: usize = 400_000;

/// A code: how many bytes it has, and their value.
type Code = (u8, u32);

/// Codes to text.
#[derive(Default)]
pub(super) struct CMap {
    chars: HashMap<Code, String>,
    /// First code, last value, and the character of the first.
    ranges: Vec<(Code, u32, u32)>,
    /// Code lengths in use: bit n for n bytes.
    lengths: u8,
}

#[derive(Debug, Clone, PartialEq)]
enum CMapToken {
    Hex(Vec<u8>),
    Open,
    Close,
    Word(Vec<u8>),
}

impl CMap {
    /// Reads what it understands of a CMap file.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut map = Self::default();
        let mut tokens = Tokens { bytes };
        while let Some(token) = tokens.next() {
            let CMapToken::Word(word) = token else { continue };
            match word.as_slice() {
                b"begincodespacerange" => map.read_codespaces(&mut tokens),
                b"beginbfchar" => map.read_chars(&mut tokens),
                b"beginbfrange" => map.read_ranges(&mut tokens),
                _ => {}
            }
        }
        map.ranges.sort_unstable();
        map
    }

    fn read_codespaces(&mut self, tokens: &mut Tokens<'_>) {
        while let Some(CMapToken::Hex(low)) = tokens.next() {
            if let 1..=4 = low.len() {
                self.lengths |= 1 << low.len();
            }
            tokens.next();
        }
    }

    fn read_chars(&mut self, tokens: &mut Tokens<'_>) {
        while let Some(CMapToken::Hex(code)) = tokens.next() {
            match tokens.next() {
                Some(CMapToken::Hex(text)) => self.put(code_of(&code), utf16(&text)),
                Some(CMapToken::Word(_)) => {} // a glyph name, which nobody writes
                _ => return,
            }
        }
    }

    fn read_ranges(&mut self, tokens: &mut Tokens<'_>) {
        while let Some(CMapToken::Hex(low)) = tokens.next() {
            let Some(CMapToken::Hex(high)) = tokens.next() else { return };
            let (length, first) = code_of(&low);
            let last = code_of(&high).1;
            match tokens.next() {
                Some(CMapToken::Hex(text)) => self.put_range((length, first), last, &text),
                Some(CMapToken::Open) => {
                    let mut code = first;
                    while let Some(CMapToken::Hex(text)) = tokens.next() {
                        self.put((length, code), utf16(&text));
                        code = code.wrapping_add(1);
                    }
                }
                _ => return,
            }
        }
    }

    fn put_range(&mut self, first: Code, last: u32, text: &[u8]) {
        let mut chars: Vec<char> = utf16(text).chars().collect();
        let Some(end) = chars.pop() else { return };
        if last.wrapping_sub(first.1) >= MAX_EXPANDED {
            if chars.is_empty() && last > first.1 && self.ranges.len() < MAX_ENTRIES {
                self.ranges.push((first, last, u32::from(end)));
            }
            return;
        }
        let start: String = chars.into_iter().collect();
        for step in 0..=last - first.1 {
            if let Some(end) = char::from_u32(u32::from(end) + step) {
                self.put((first.0, first.1 + step), format!("{start}{end}"));
            }
        }
    }

    fn put(&mut self, code: Code, text: String) {
        if self.chars.len() < MAX_ENTRIES {
            self.chars.insert(code, text);
        }
    }

    /// The text of a code, if the map has it.
    pub(super) fn get(&self, length: u8, code: u32) -> Option<String> {
        if let Some(text) = self.chars.get(&(length, code)) {
            return Some(text.clone());
        }
        let after = self.ranges.partition_point(|(first, ..)| *first <= (length, code));
        let ((range_length, first), last, start) = *self.ranges.get(after.checked_sub(1)?)?;
        if range_length != length || code > last {
            return None;
        }
        char::from_u32(start.checked_add(code - first)?).map(String::from)
    }

    /// Bytes of a code where the map has codes of one length only, as nearly all have.
    pub(super) fn code_length(&self) -> Option<usize> {
        let lengths = self.lengths;
        (lengths.count_ones() == 1).then_some(lengths.trailing_zeros() as usize)
    }
}

fn code_of(bytes: &[u8]) -> Code {
    let value = bytes.iter().take(4).fold(0_u32, |value, &byte| value << 8 | u32::from(byte));
    (bytes.len().min(4) as u8, value)
}

fn utf16(bytes: &[u8]) -> String {
    if let [byte] = bytes {
        return char::from(*byte).to_string();
    }
    let units = bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_be_bytes(*pair));
    char::decode_utf16(units).map_while(|c| c.ok()).collect()
}

struct Tokens<'a> {
    bytes: &'a [u8],
}

impl Iterator for Tokens<'_> {
    type Item = CMapToken;

    fn next(&mut self) -> Option<CMapToken> {
        loop {
            let (&first, rest) = self.bytes.split_first()?;
            match first {
                b'%' => self.skip_while(|b| b != b'\n' && b != b'\r'),
                b'<' if rest.first() != Some(&b'<') => return Some(self.hex(rest)),
                b'[' | b']' => {
                    self.bytes = rest;
                    return Some(if first == b'[' { CMapToken::Open } else { CMapToken::Close });
                }
                b if b.is_ascii_alphabetic() || b == b'/' => return Some(self.word()),
                _ => self.bytes = rest,
            }
        }
    }
}

impl Tokens<'_> {
    fn skip_while(&mut self, condition: impl Fn(u8) -> bool) {
        let end = self.bytes.iter().position(|&b| !condition(b)).unwrap_or(self.bytes.len());
        self.bytes = self.bytes.get(end..).unwrap_or_default();
    }

    fn hex(&mut self, rest: &[u8]) -> CMapToken {
        let end = rest.iter().position(|&b| b == b'>').unwrap_or(rest.len());
        let inside = rest.get(..end).unwrap_or_default();
        let digits: Vec<u8> =
            inside.iter().filter_map(|&b| char::from(b).to_digit(16)).map(|d| d as u8).collect();
        self.bytes = self.bytes.get(end + 2..).unwrap_or_default();
        CMapToken::Hex(
            digits.chunks(2).map(|pair| pair.iter().fold(0, |v, d| v << 4 | d)).collect(),
        )
    }

    fn word(&mut self) -> CMapToken {
        let is_word = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'-' | b'_' | b'.');
        let end = self.bytes.iter().position(|b| !is_word(b)).unwrap_or(self.bytes.len());
        let (word, rest) = self.bytes.split_at(end);
        self.bytes = rest;
        CMapToken::Word(word.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chars_ranges_and_arrays_are_read() {
        let map = CMap::parse(
            b"/CIDInit begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange
            2 beginbfchar <0003> <0020> <0004> <00660069> endbfchar % comment <0009>
            3 beginbfrange <0010> <0012> <0041> <0020> <0021> [<0061> <D83DDE00>] <1000> <2000> <4E00> endbfrange",
        );
        assert_eq!(map.get(2, 3).as_deref(), Some(" "));
        assert_eq!(map.get(2, 4).as_deref(), Some("fi"));
        assert_eq!(map.get(2, 0x12).as_deref(), Some("C"));
        assert_eq!(map.get(2, 0x21).as_deref(), Some("\u{1F600}"));
        assert_eq!(map.get(2, 0x1001).as_deref(), Some("\u{4E01}"));
        assert_eq!(map.get(2, 9), None);
        assert_eq!(map.get(1, 3), None);
        assert_eq!(map.code_length(), Some(2));
    }

    #[test]
    fn nonsense_gives_an_empty_map() {
        for bytes in [&b""[..], b"beginbfrange <00> <FFFFFFFF> <0041>", b"beginbfchar <", b"<<<<"] {
            assert_eq!(CMap::parse(bytes).get(2, 0), None);
        }
    }
}
