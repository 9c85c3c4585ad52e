//! The compressed RTF of Outlook (MS-OXRTFCP).

use crate::document::office::office97::u32_at;

/// What the dictionary holds at the start (MS-OXRTFCP, 2.1.2.1).
const INITIAL: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

const COMPRESSED: u32 = 0x7546_5A4C;
const UNCOMPRESSED: u32 = 0x414C_454D;

const DICTIONARY_BYTES: usize = 4096;

/// Bytes that it may unpack to.
const MAX_BYTES: usize = 32 << 20;

/// The RTF; nothing if it is not of this form.
pub(in crate::document) fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let size = usize::try_from(u32_at(bytes, 4)?).ok().filter(|size| *size <= MAX_BYTES)?;
    let content = bytes.get(16..)?;
    match u32_at(bytes, 8)? {
        UNCOMPRESSED => Some(content.get(..size.min(content.len()))?.to_vec()),
        COMPRESSED => Some(inflate(content, size)),
        _ => None,
    }
}

/// Runs of a flag byte and eight items: a byte, or a place in the dictionary and a length. What is
/// cut off is left out.
fn inflate(content: &[u8], size: usize) -> Vec<u8> {
    let mut dictionary = [b' '; DICTIONARY_BYTES];
    let mut write = INITIAL.len().min(DICTIONARY_BYTES);
    dictionary.iter_mut().zip(INITIAL).for_each(|(to, from)| *to = *from);
    let mut out: Vec<u8> = Vec::new();
    let mut put = |byte: u8, dictionary: &mut [u8; DICTIONARY_BYTES], out: &mut Vec<u8>| {
        if let Some(place) = dictionary.get_mut(write) {
            *place = byte;
        }
        write = (write + 1) % DICTIONARY_BYTES;
        out.push(byte);
        write
    };
    let mut written = INITIAL.len();
    let mut input = content.iter().copied();
    while let Some(flags) = input.next() {
        for bit in 0..8 {
            if out.len() >= size {
                return out;
            }
            let Some(first) = input.next() else { return out };
            if flags >> bit & 1 == 0 {
                written = put(first, &mut dictionary, &mut out);
                continue;
            }
            let Some(second) = input.next() else { return out };
            let offset = usize::from(first) << 4 | usize::from(second) >> 4;
            if offset == written {
                return out;
            }
            for step in 0..usize::from(second & 0xF) + 2 {
                let byte =
                    dictionary.get((offset + step) % DICTIONARY_BYTES).copied().unwrap_or(b' ');
                written = put(byte, &mut dictionary, &mut out);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The example of MS-OXRTFCP, 4.1.
    #[test]
    fn the_example_of_the_specification_is_unpacked() {
        let bytes = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0,
            0x0a, 0, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68,
            0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f,
            0xa0,
        ];
        assert_eq!(unpack(&bytes).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        for end in 0..bytes.len() {
            unpack(&bytes[..end]);
        }
        assert_eq!(INITIAL.len(), 207);
    }
}
