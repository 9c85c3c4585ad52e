//! Thrift's compact protocol, in which Parquet writes its footer and the headers of its pages.
//!
//! https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

/// Structs and lists in one another.
const MAX_DEPTH: u8 = 32;

/// What a value is, as its field says.
pub(super) mod kind {
    pub(in super::super) const TRUE: u8 = 1;
    pub(in super::super) const FALSE: u8 = 2;
    pub(in super::super) const BYTE: u8 = 3;
    pub(in super::super) const I16: u8 = 4;
    pub(in super::super) const I32: u8 = 5;
    pub(in super::super) const I64: u8 = 6;
    pub(in super::super) const DOUBLE: u8 = 7;
    pub(in super::super) const BINARY: u8 = 8;
    pub(in super::super) const LIST: u8 = 9;
    pub(in super::super) const SET: u8 = 10;
    pub(in super::super) const STRUCT: u8 = 12;
}

/// Reads values one behind the other. `None` is for what is broken or nests too deep.
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that were read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.at)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, bytes: u64) -> Option<()> {
        let bytes = usize::try_from(bytes).ok().filter(|bytes| *bytes <= self.left())?;
        self.at += bytes;
        Some(())
    }

    /// A number without sign, in seven bits a byte.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    /// A number with sign.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The number and kind of the next field of a struct, whose last one was `last`; the inner
    /// `None` is for its end.
    pub(super) fn field(&mut self, last: i16) -> Option<Option<(i16, u8)>> {
        let byte = self.byte()?;
        let (step, kind) = (byte >> 4, byte & 0x0F);
        if kind == 0 {
            return Some(None);
        }
        if step > 0 {
            return Some(Some((last.checked_add(i16::from(step))?, kind)));
        }
        // the long form is for numbers far off; there are none among those that we know
        let id = i16::try_from(self.integer()?).ok().filter(|id| *id > 100)?;
        Some(Some((id, kind)))
    }

    /// How many values a list has, and their kind. None of them is a boolean: readers differ in
    /// what they take for one.
    pub(super) fn list(&mut self) -> Option<(usize, u8)> {
        let byte = self.byte()?;
        let count = match byte >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        let count = usize::try_from(count).ok().filter(|count| *count <= self.left())?;
        let kind = byte & 0x0F;
        let is_known = count == 0 || !matches!(kind, 0 | kind::TRUE | kind::FALSE);
        is_known.then_some((count, kind))
    }

    /// Passes a value over.
    pub(super) fn skip(&mut self, kind: u8, depth: u8) -> Option<()> {
        if depth >= MAX_DEPTH {
            return None;
        }
        match kind {
            kind::TRUE | kind::FALSE => {}
            kind::BYTE => self.pass(1)?,
            kind::I16 | kind::I32 | kind::I64 => drop(self.varint()?),
            kind::DOUBLE => self.pass(8)?,
            kind::BINARY => {
                let length = self.varint()?;
                self.pass(length)?;
            }
            kind::LIST | kind::SET => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    self.skip(kind, depth + 1)?;
                }
            }
            kind::STRUCT => {
                let mut last = 0;
                while let Some((id, kind)) = self.field(last)? {
                    self.skip(kind, depth + 1)?;
                    last = id;
                }
            }
            // a map: nothing of Parquet is one
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lists_and_fields() {
        let mut thrift = Thrift::new(&[0xAC, 0x02, 0x03, 0x15, 0x02, 0x00]);
        assert_eq!(thrift.varint(), Some(300));
        assert_eq!(thrift.integer(), Some(-2));
        assert_eq!(thrift.field(0), Some(Some((1, kind::I32))));
        assert_eq!(thrift.integer(), Some(1));
        assert_eq!(thrift.field(1), Some(None));
        assert_eq!((thrift.position(), thrift.varint()), (6, None));
    }

    #[test]
    fn what_claims_more_than_there_is_is_broken() {
        // a list of 2^31 values, one of booleans, a text of 100 bytes, a number without end
        assert_eq!(Thrift::new(&[0xF5, 0xFF, 0xFF, 0xFF, 0xFF, 0x07]).list(), None);
        assert_eq!(Thrift::new(&[0x21, 1, 1]).list(), None);
        assert_eq!(Thrift::new(&[100, 1, 2]).skip(kind::BINARY, 0), None);
        assert_eq!(Thrift::new(&[0xFF; 20]).varint(), None);
        let nested = [0x1C; 100];
        assert_eq!(Thrift::new(&nested).skip(kind::STRUCT, 0), None);
        assert_eq!(Thrift::new(&[0]).skip(11, 0), None);
    }
}
