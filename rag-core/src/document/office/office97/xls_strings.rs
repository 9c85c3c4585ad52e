//! Texts in XLS records (MS-XLS 2.5.293, 2.4.265).

use super::{u16_at, u32_at, utf16, windows_1252};

/// `count` characters of 8 or 16 bits.
pub(super) fn characters(bytes: &[u8], count: usize, is_wide: bool) -> Option<String> {
    if is_wide {
        return bytes.get(..count.checked_mul(2)?).map(utf16);
    }
    // 8-bit characters are the low halves of 16-bit ones.
    bytes.get(..count).map(|bytes| bytes.iter().map(|&byte| char::from(byte)).collect())
}

/// A text after its length in 16 bits and its flags.
pub(super) fn string_16(bytes: &[u8]) -> Option<String> {
    let count = usize::from(u16_at(bytes, 0)?);
    let flags = *bytes.get(2)?;
    let mut at = 3;
    at += if flags & 8 != 0 { 2 } else { 0 };
    at += if flags & 4 != 0 { 4 } else { 0 };
    characters(bytes.get(at..)?, count, flags & 1 != 0)
}

/// An 8-bit text after its length in 16 bits, as before BIFF 8.
pub(super) fn string_8(bytes: &[u8]) -> Option<String> {
    let count = usize::from(u16_at(bytes, 0)?);
    bytes.get(2..2 + count).map(windows_1252)
}

/// The shared texts, from their record and those that continue it; as many as are sound.
pub(super) fn shared(records: &[&[u8]]) -> Vec<String> {
    let mut reader = ContinuedRecords { records, at: 0 };
    let mut strings = Vec::new();
    if reader.skip(8).is_none() {
        return strings;
    }
    while let Some(string) = reader.string() {
        strings.push(string);
    }
    strings
}

/// Reads across the ends of records.
struct ContinuedRecords<'a> {
    records: &'a [&'a [u8]],
    /// In the first of `records`.
    at: usize,
}

impl<'a> ContinuedRecords<'a> {
    /// Goes on to the next record if this one is read to its end.
    fn settle(&mut self) -> Option<()> {
        while self.at >= self.records.first()?.len() {
            self.at -= self.records.first()?.len();
            self.records = self.records.get(1..)?;
        }
        Some(())
    }

    fn rest(&self) -> &'a [u8] {
        self.records.first().and_then(|record| record.get(self.at..)).unwrap_or_default()
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count)?;
        self.settle().or(Some(()))
    }

    fn string(&mut self) -> Option<String> {
        self.settle()?;
        let rest = self.rest();
        let mut left = usize::from(u16_at(rest, 0)?);
        let flags = *rest.get(2)?;
        let mut at = 3;
        let mut runs = 0;
        if flags & 8 != 0 {
            runs = usize::from(u16_at(rest, at)?) * 4;
            at += 2;
        }
        if flags & 4 != 0 {
            runs = runs.checked_add(usize::try_from(u32_at(rest, at)?).ok()?)?;
            at += 4;
        }
        self.at += at;
        let mut is_wide = flags & 1 != 0;
        let mut text = String::new();
        loop {
            let width = if is_wide { 2 } else { 1 };
            let count = left.min(self.rest().len() / width);
            text.push_str(&characters(self.rest(), count, is_wide)?);
            self.at += count * width;
            left -= count;
            if left == 0 {
                break;
            }
            // A text that goes on in the next record says anew how wide it is.
            self.records = self.records.get(1..)?;
            self.at = 1;
            is_wide = self.records.first()?.first()? & 1 != 0;
        }
        self.skip(runs)?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_goes_on_in_the_next_record_in_another_width() {
        let first = [&[2, 0, 0, 0, 2, 0, 0, 0][..], &[4, 0, 0, b'a', b'b']].concat();
        let second = [1, 0xE9, 0, b'd', 0, 1, 0, 0, b'z'];
        assert_eq!(shared(&[&first, &second]), ["ab\u{e9}d", "z"]);
        assert!(shared(&[&[1, 2]]).is_empty());
    }
}
