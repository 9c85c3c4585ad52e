//! Bytes to text: byte order mark, then strict UTF-8, then a declared or guessed encoding.
//!
//! Refuses what is not text at all. UTF-8 stays as it is, byte for byte, so that spans of the text
//! are spans of the file; other encodings get a source map exact per character run or per line.
//! Bytes that are not valid become U+FFFD, one a stretch, and are noted.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

use crate::document::text::decoded::Decoded;
use crate::document::text::inline_data;
use crate::document::vocabulary::{SourceFile, SourceMap, UnreadKind, unread};
use crate::error::{Error, Result, Unreadable};

mod utf8;

use utf8::Stretch;

/// Bytes looked at to tell text from other data.
const SAMPLE_BYTES: usize = 64 << 10;

/// Zeros that a text of any length may hold; a log cut by a crash has some.
const FEW_ZEROS: usize = 2;

/// Characters of several bytes for each fault that make a text UTF-8, and that do so if it says it
/// is something else.
const LEAST_VALID: usize = 2;
const LEAST_VALID_AGAINST: usize = 10;

/// Decodes the file; `declared` is an encoding that the format names and that counts more than a
/// guess. Data written as text is cut out.
pub(in crate::document) fn decode(
    source: &SourceFile<'_>,
    declared: Option<&'static Encoding>,
) -> Result<Decoded> {
    decode_all(source, declared).map(inline_data::cut)
}

fn decode_all(source: &SourceFile<'_>, declared: Option<&'static Encoding>) -> Result<Decoded> {
    let bytes = source.bytes;
    if let Some(decoded) = decode_marked(bytes) {
        return Ok(decoded);
    }
    if let Some(big_endian) = unmarked_utf32(bytes) {
        return Ok(if big_endian {
            decode_utf32(bytes, 0, u32::from_be_bytes, "UTF-32BE")
        } else {
            decode_utf32(bytes, 0, u32::from_le_bytes, "UTF-32LE")
        });
    }
    if let Some(big_endian) = unmarked_utf16(bytes) {
        return Ok(decode_utf16(bytes, 0, big_endian));
    }
    if looks_binary(bytes) {
        return Err(Error::document(source.path, Unreadable::Unsupported, "binary data, not text"));
    }
    if !has_iso_2022_escape(bytes)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Ok(utf8(text, 0));
    }
    let declared = declared.filter(|encoding| *encoding != encoding_rs::UTF_8);
    let least = if declared.is_some() { LEAST_VALID_AGAINST } else { LEAST_VALID };
    let decoded = if !bytes.is_ascii() && utf8::is_likely(bytes, least) {
        decode_faulty_utf8(bytes, 0)
    } else {
        decode_legacy(bytes, declared.unwrap_or_else(|| guess(bytes)))
    };
    if replaced_share(&decoded.text) > 0.1 {
        let reason = format!("not text in {} or any other known encoding", decoded.encoding);
        return Err(Error::document(source.path, Unreadable::Unsupported, reason));
    }
    Ok(decoded)
}

/// UTF-8 after `skip` bytes: what is valid maps byte for byte, each fault is one U+FFFD.
fn decode_faulty_utf8(bytes: &[u8], skip: usize) -> Decoded {
    let mut decoded = Decoded::empty("UTF-8");
    let body = bytes.get(skip..).unwrap_or_default();
    utf8::each(body, |stretch, range| {
        let bytes = body.get(range.clone()).unwrap_or_default();
        let range = range.start + skip..range.end + skip;
        let mut buffer = [0; 4];
        match stretch {
            Stretch::Text(text) => decoded.push(text, range, bytes),
            Stretch::Paired(paired) => decoded.push(paired.encode_utf8(&mut buffer), range, bytes),
            Stretch::Fault => {
                unread::note(UnreadKind::InvalidBytes, 1);
                decoded.push("\u{fffd}", range, bytes);
            }
        }
    });
    decoded
}

fn utf8(text: &str, mark_bytes: usize) -> Decoded {
    Decoded {
        text: text.to_owned(),
        source_map: SourceMap::shifted(text.len(), mark_bytes as u64),
        encoding: "UTF-8",
    }
}

/// Text after a byte order mark; behind it there may still be faults.
fn decode_marked(bytes: &[u8]) -> Option<Decoded> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => Some(match std::str::from_utf8(rest) {
            Ok(text) => utf8(text, 3),
            Err(_) => decode_faulty_utf8(bytes, 3),
        }),
        [0xFF, 0xFE, 0, 0, ..] => Some(decode_utf32(bytes, 4, u32::from_le_bytes, "UTF-32LE")),
        [0, 0, 0xFE, 0xFF, ..] => Some(decode_utf32(bytes, 4, u32::from_be_bytes, "UTF-32BE")),
        [0xFF, 0xFE, ..] => Some(decode_utf16(bytes, 2, false)),
        [0xFE, 0xFF, ..] => Some(decode_utf16(bytes, 2, true)),
        _ => None,
    }
}

/// Whether text without a mark is UTF-16, and if so whether the high byte stands first: every other
/// byte is then often zero, for letters of Latin scripts, spaces, line ends and tags.
fn unmarked_utf16(bytes: &[u8]) -> Option<bool> {
    let sample = bytes.get(..bytes.len().min(SAMPLE_BYTES) & !1)?;
    if sample.len() < 8 {
        return None;
    }
    let (mut even, mut odd) = (0_usize, 0_usize);
    for pair in sample.as_chunks::<2>().0 {
        even += usize::from(pair[0] == 0);
        odd += usize::from(pair[1] == 0);
    }
    let pairs = sample.len() / 2;
    let zeros = even + odd;
    if zeros <= FEW_ZEROS && zeros * 2 < pairs {
        return None; // a text with a stray zero
    }
    let big_endian =
        match (even * 20 > pairs && odd * 10 <= even, odd * 20 > pairs && even * 10 <= odd) {
            (true, _) => true,
            (_, true) => false,
            _ => return None,
        };
    let encoding = if big_endian { UTF_16BE } else { UTF_16LE };
    // The sample may cut the last pair of units in two.
    let whole = sample.get(..sample.len().saturating_sub(2))?;
    let text = encoding.decode_without_bom_handling(whole).0;
    let odd_ones = text.chars().filter(|&c| is_no_text(c)).count();
    (odd_ones * 50 < pairs).then_some(big_endian)
}

/// Whether text without a mark is UTF-32, and if so whether the high byte stands first.
fn unmarked_utf32(bytes: &[u8]) -> Option<bool> {
    let sample = bytes.get(..bytes.len().min(SAMPLE_BYTES) & !3)?;
    if sample.len() < 16 || !bytes.len().is_multiple_of(4) {
        return None;
    }
    let units = sample.as_chunks::<4>().0;
    let is_text = |unit: fn([u8; 4]) -> u32| {
        units.iter().all(|&bytes| char::from_u32(unit(bytes)).is_some_and(|c| !is_no_text(c)))
    };
    [(true, u32::from_be_bytes as fn([u8; 4]) -> u32), (false, u32::from_le_bytes)]
        .into_iter()
        .find_map(|(big_endian, unit)| is_text(unit).then_some(big_endian))
}

fn is_no_text(c: char) -> bool {
    (c.is_control() && !c.is_whitespace()) || c == char::REPLACEMENT_CHARACTER
}

/// Whether the bytes are no text in any encoding that keeps ASCII: zeros or many control
/// characters.
pub(in crate::document) fn looks_binary(bytes: &[u8]) -> bool {
    let sample = bytes.get(..SAMPLE_BYTES).unwrap_or(bytes);
    let zeros = sample.iter().filter(|&&b| b == 0).count();
    let controls = sample.iter().filter(|&&b| is_control(b)).count();
    (zeros > FEW_ZEROS && zeros * 1000 > sample.len()) || controls * 20 > sample.len()
}

/// Control characters that text does not use; tab, line ends, form feed and escape it may.
fn is_control(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F)
}

fn has_iso_2022_escape(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| matches!(pair, [0x1B, b'$' | b'('])) && bytes.is_ascii()
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow)
}

fn replaced_share(text: &str) -> f64 {
    let replaced = text.chars().filter(|&c| c == char::REPLACEMENT_CHARACTER).count();
    replaced as f64 / text.chars().count().max(1) as f64
}

fn decode_legacy(bytes: &[u8], encoding: &'static Encoding) -> Decoded {
    if encoding.is_single_byte() {
        decode_single_byte(bytes, encoding)
    } else {
        decode_lines(bytes, 0, encoding)
    }
}

/// One byte a character: runs of ASCII map byte for byte, runs between them as a whole.
fn decode_single_byte(bytes: &[u8], encoding: &'static Encoding) -> Decoded {
    let mut decoded = Decoded::empty(encoding.name());
    let mut start = 0;
    for run in bytes.chunk_by(|a, b| a.is_ascii() == b.is_ascii()) {
        let (text, _) = encoding.decode_without_bom_handling(run);
        note_faults(&text, 0);
        decoded.push(&text, start..start + run.len(), run);
        start += run.len();
    }
    decoded
}

/// Several bytes a character, maybe with state: line by line through one decoder.
fn decode_lines(bytes: &[u8], skip: usize, encoding: &'static Encoding) -> Decoded {
    let mut decoded = Decoded::empty(encoding.name());
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut start = skip;
    let body = bytes.get(skip..).unwrap_or_default();
    for line in body.split_inclusive(|&b| b == b'\n') {
        let end = start + line.len();
        let room = decoder.max_utf8_buffer_length(line.len()).unwrap_or(0);
        let mut text = String::with_capacity(room);
        let _ = decoder.decode_to_string(line, &mut text, end == bytes.len());
        note_faults(&text, 0);
        decoded.push(&text, start..end, line);
        start = end;
    }
    decoded
}

fn decode_utf16(bytes: &[u8], skip: usize, big_endian: bool) -> Decoded {
    let encoding = if big_endian { UTF_16BE } else { UTF_16LE };
    let line_end: [u8; 2] = if big_endian { [0, b'\n'] } else { [b'\n', 0] };
    let fault: [u8; 2] = if big_endian { [0xFF, 0xFD] } else { [0xFD, 0xFF] };
    decode_units(bytes, skip, encoding.name(), line_end, |line| {
        let text = encoding.decode_without_bom_handling(line).0.into_owned();
        note_faults(&text, line.as_chunks::<2>().0.iter().filter(|&&unit| unit == fault).count());
        text
    })
}

fn decode_utf32(
    bytes: &[u8],
    skip: usize,
    unit: fn([u8; 4]) -> u32,
    name: &'static str,
) -> Decoded {
    let line_end: [u8; 4] =
        if unit([b'\n', 0, 0, 0]) == 10 { [b'\n', 0, 0, 0] } else { [0, 0, 0, b'\n'] };
    decode_units(bytes, skip, name, line_end, |line| {
        let (units, rest) = line.as_chunks::<4>();
        let chars = units.iter().map(|&u| char::from_u32(unit(u)));
        let broken = (!rest.is_empty()).then_some(None);
        let chars = chars.chain(broken).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        let text: String = chars.collect();
        note_faults(&text, 0);
        text
    })
}

/// Notes the U+FFFD of `text`, of which `meant` stand so in the file.
fn note_faults(text: &str, meant: usize) {
    let shown = text.chars().filter(|&c| c == char::REPLACEMENT_CHARACTER).count();
    unread::note(UnreadKind::InvalidBytes, shown.saturating_sub(meant) as u64);
}

/// Lines of fixed-width units, each decoded on its own.
fn decode_units<const N: usize>(
    bytes: &[u8],
    skip: usize,
    name: &'static str,
    line_end: [u8; N],
    decode: impl Fn(&[u8]) -> String,
) -> Decoded {
    let mut decoded = Decoded::empty(name);
    let body = bytes.get(skip..).unwrap_or_default();
    let mut start = 0;
    while start < body.len() {
        let rest = body.get(start..).unwrap_or_default();
        let units = rest.as_chunks::<N>().0;
        let end = units.iter().position(|unit| *unit == line_end).map(|index| (index + 1) * N);
        let line = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        decoded.push(&decode(line), skip + start..skip + start + line.len(), line);
        start += line.len();
    }
    decoded
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Decoded> {
        decode(&SourceFile::new(Path::new("a.txt"), bytes), None)
    }

    fn utf16(text: &str, big_endian: bool) -> Vec<u8> {
        let bytes = |u: u16| if big_endian { u.to_be_bytes() } else { u.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    const FRENCH: &str = "Le laboratoire a \u{e9}t\u{e9} cr\u{e9}\u{e9} en 1995.\nIl est \u{e0} Orsay, o\u{f9} l'\u{e9}t\u{e9} est doux.\n";

    #[test]
    fn utf8_stays_byte_for_byte_and_a_mark_shifts_it() {
        let plain = decoded(FRENCH.as_bytes()).unwrap();
        assert_eq!(plain.text, FRENCH);
        assert_eq!(plain.source_map, SourceMap::identity(FRENCH.len()));
        let marked = decoded(format!("\u{feff}{FRENCH}").as_bytes()).unwrap();
        assert_eq!(marked.text, FRENCH);
        assert_eq!(marked.source_map.source_bytes(&(0..2)), Some(3..5));
    }

    #[test]
    fn utf16_with_and_without_mark_is_read() {
        for big_endian in [false, true] {
            let mut marked = if big_endian { vec![0xFE, 0xFF] } else { vec![0xFF, 0xFE] };
            marked.extend(utf16(FRENCH, big_endian));
            assert_eq!(decoded(&marked).unwrap().text, FRENCH);
            let bare = decoded(&utf16(FRENCH, big_endian)).unwrap();
            assert_eq!(bare.text, FRENCH);
            let second_line = FRENCH.find('\n').unwrap() + 1;
            let expected = 2 * FRENCH[..second_line].chars().count() as u64;
            let found = bare.source_map.source_bytes(&(second_line..second_line + 2)).unwrap();
            assert_eq!(found, expected..2 * FRENCH.chars().count() as u64);
        }
    }

    #[test]
    fn utf32_with_and_without_mark_is_read() {
        let mut bytes = vec![0xFF, 0xFE, 0, 0];
        bytes.extend(FRENCH.chars().flat_map(|c| (c as u32).to_le_bytes()));
        assert_eq!(decoded(&bytes).unwrap().text, FRENCH);
        assert_eq!(decoded(&bytes[4..]).unwrap().text, FRENCH);
    }

    #[test]
    fn windows_1252_is_guessed_and_maps_to_single_bytes() {
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(FRENCH);
        let text = decoded(&bytes).unwrap();
        assert_eq!(text.text, FRENCH);
        assert_eq!(text.encoding, "windows-1252");
        let word = FRENCH.find("Orsay").unwrap();
        let at = bytes.windows(5).position(|w| w == b"Orsay").unwrap() as u64;
        assert_eq!(text.source_map.source_bytes(&(word..word + 5)), Some(at..at + 5));
        let accent = FRENCH.find('\u{e9}').unwrap();
        assert_eq!(text.source_map.source_bytes(&(accent..accent + 2)), Some(17..18));
    }

    #[test]
    fn shift_jis_and_iso_2022_jp_are_guessed() {
        let japanese = "\u{3053}\u{308c}\u{306f}\u{65e5}\u{672c}\u{8a9e}\u{306e}\u{6587}\u{7ae0}\u{3067}\u{3059}\u{3002}\n".repeat(4);
        for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP, encoding_rs::ISO_2022_JP] {
            let (bytes, _, _) = encoding.encode(&japanese);
            assert_eq!(decoded(&bytes).unwrap().text, japanese, "{}", encoding.name());
        }
    }

    /// The text and how many stretches were noted as not valid.
    fn faulty(bytes: &[u8]) -> (String, u64) {
        unread::take();
        let text = decoded(bytes).unwrap().text;
        (text, unread::take().iter().map(|unread| unread.count).sum())
    }

    #[test]
    fn a_bad_byte_costs_itself_only_and_the_map_stays_exact() {
        let (head, tail) = FRENCH.split_at(20);
        let bytes = [head.as_bytes(), b"\xE9\xFF", tail.as_bytes()].concat();
        unread::take();
        let found = decoded(&bytes).unwrap();
        assert_eq!(found.text, format!("{head}\u{fffd}{tail}"));
        assert_eq!(found.encoding, "UTF-8");
        assert_eq!(unread::take()[0].count, 1);
        let word = found.text.find("Orsay").unwrap();
        let at = bytes.windows(5).position(|w| w == b"Orsay").unwrap() as u64;
        assert_eq!(found.source_map.source_bytes(&(word..word + 5)), Some(at..at + 5));
        let marked = [b"\xEF\xBB\xBF", bytes.as_slice()].concat();
        let found = decoded(&marked).unwrap();
        assert_eq!(found.source_map.source_bytes(&(word..word + 5)), Some(at + 3..at + 8));
    }

    #[test]
    fn faults_of_every_kind_are_noted() {
        let cut = [FRENCH.as_bytes(), b"\xC3"].concat();
        assert_eq!(faulty(&cut), (format!("{FRENCH}\u{fffd}"), 1));
        let latin = [FRENCH.repeat(3).as_bytes(), b"D\xE9j\xE0 vu.\n"].concat();
        assert_eq!(faulty(&latin), (format!("{}D\u{fffd}j\u{fffd} vu.\n", FRENCH.repeat(3)), 2));
        let cesu = [FRENCH.as_bytes(), b"\xED\xA0\xBD\xED\xB8\x80"].concat();
        assert_eq!(faulty(&cesu), (format!("{FRENCH}\u{1f600}"), 0));
        for big_endian in [false, true] {
            let lone: [u8; 2] = if big_endian { [0xD8, 0x3D] } else { [0x3D, 0xD8] };
            let bytes = [utf16(FRENCH, big_endian), lone.to_vec()].concat();
            assert_eq!(faulty(&bytes), (format!("{FRENCH}\u{fffd}"), 1));
            let odd = [utf16(FRENCH, big_endian), vec![0x41]].concat();
            assert_eq!(faulty(&odd), (format!("{FRENCH}\u{fffd}"), 1));
            let meant = format!("A \u{fffd} is meant here. {FRENCH}");
            assert_eq!(faulty(&utf16(&meant, big_endian)), (meant, 0));
        }
        for text in ["one line\0 of a longer log\n", "one line\0 of a longer logs\n"] {
            assert_eq!(faulty(text.as_bytes()), (text.to_owned(), 0));
        }
        assert_eq!(faulty("caf\u{fffd}".as_bytes()).1, 0);
    }

    #[test]
    fn other_encodings_are_not_taken_for_faulty_utf8() {
        let korean = "\u{b300}\u{d55c}\u{bbfc}\u{ad6d}\u{c758} \u{c218}\u{b3c4}\u{b294} \u{c11c}\u{c6b8}\u{c774}\u{b2e4}.\n";
        let chinese = "\u{4e2d}\u{534e}\u{4eba}\u{6c11}\u{5171}\u{548c}\u{56fd}\u{7684}\u{9996}\u{90fd}\u{662f}\u{5317}\u{4eac}\u{3002}\n";
        let thai = "\u{e01}\u{e23}\u{e38}\u{e07}\u{e40}\u{e17}\u{e1e}\u{e21}\u{e2b}\u{e32}\u{e19}\u{e04}\u{e23}\n";
        let cases = [
            (encoding_rs::EUC_KR, korean),
            (encoding_rs::GBK, chinese),
            (encoding_rs::WINDOWS_874, thai),
            (encoding_rs::WINDOWS_1252, FRENCH),
        ];
        for (encoding, text) in cases {
            let (bytes, _, lost) = encoding.encode(text);
            assert!(
                !lost && !utf8::is_likely(&bytes.repeat(4), LEAST_VALID),
                "{}",
                encoding.name()
            );
        }
    }

    #[test]
    fn binary_data_is_refused_by_name() {
        let bytes: Vec<u8> =
            (0..4000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let error = decoded(&bytes).err().unwrap();
        assert!(error.line().contains("binary"), "{}", error.line());
        assert!(decoded(b"").unwrap().text.is_empty());
    }

    proptest! {
        #[test]
        fn any_bytes_decode_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..400), mark in 0_usize..5) {
            let mut marked = [&b""[..], b"\xEF\xBB\xBF", b"\xFF\xFE", b"\xFE\xFF", b"\xFF\xFE\0\0"][mark].to_vec();
            marked.extend(bytes);
            if let Ok(decoded) = decoded(&marked) {
                let mut end = 0;
                for (range, _) in &decoded.source_map.segments {
                    prop_assert!(range.start >= end && decoded.text.get(range.clone()).is_some());
                    let source = decoded.source_map.source_bytes(range).unwrap();
                    prop_assert!(source.end as usize <= marked.len() && source.start < source.end);
                    end = range.end;
                }
                prop_assert_eq!(end, decoded.text.len());
            }
        }
    }
}
