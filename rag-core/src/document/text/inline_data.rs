//! Data written as text: pictures in `data:` addresses, files in base64 or hexadecimal. It is no
//! text to read; what is cut out is noted, and the rest still points at its bytes.
//!
//! Cut are `data:` addresses, and runs of at least 256 characters in one piece or in lines of equal
//! length that use the alphabet of base64 with capitals, small letters and digits in the shares
//! random data has, or that of hexadecimal. Hashes, tokens, keys of SSH, addresses and long words
//! stay.

use std::ops::Range;

use crate::document::text::decoded::Decoded;
use crate::document::vocabulary::{SourceMap, UnreadKind, unread};

/// Characters of data without an address that are cut.
const MIN_RUN_BYTES: usize = 256;

/// Characters of a line of data that goes on in the next one; MIME has 76, PEM 64.
const MIN_LINE_BYTES: usize = 60;

/// Characters of data after `data:...,` that are cut.
const MIN_ADDRESS_BYTES: usize = 16;

/// Bytes of a media type and its parameters.
const MAX_TYPE_BYTES: usize = 120;

/// Cuts data out of a text that was just decoded.
pub(in crate::document) fn cut(decoded: Decoded) -> Decoded {
    let found = stretches(&decoded.text);
    if found.is_empty() {
        return decoded;
    }
    let (text, map) = without(&decoded.text, &found);
    let source_map = map.through(&text, &decoded.source_map);
    Decoded { text, source_map, ..decoded }
}

/// `text` without data, for readers whose text does not come from a decoded file.
pub(in crate::document) fn cut_text(text: String) -> String {
    let found = stretches(&text);
    if found.is_empty() { text } else { without(&text, &found).0 }
}

fn without(text: &str, found: &[(Range<usize>, UnreadKind)]) -> (String, SourceMap) {
    let mut kept = String::with_capacity(text.len());
    let mut map = SourceMap::default();
    let mut at = 0;
    let end = text.len()..text.len();
    for range in found.iter().map(|(range, _)| range).chain([&end]) {
        let piece = text.get(at..range.start).unwrap_or_default();
        map.push_exact(kept.len()..kept.len() + piece.len(), at as u64);
        kept.push_str(piece);
        at = range.end;
    }
    found.iter().for_each(|(_, kind)| unread::note(*kind, 1));
    (kept, map)
}

/// Where data stands in `text`, in order, and what it is.
fn stretches(text: &str) -> Vec<(Range<usize>, UnreadKind)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if !is_base64(byte) {
            at += 1;
            continue;
        }
        let run = lines(bytes, at, is_base64);
        match address(bytes, at).or_else(|| data(bytes, &run)) {
            Some((range, kind)) => {
                at = range.end;
                found.push((whole_definition(text, range), kind));
            }
            None => at = after(bytes, &run).max(at + 1),
        }
    }
    found
}

/// Where to look on after a run that is no data: an address may begin at its end.
fn after(bytes: &[u8], run: &Range<usize>) -> usize {
    let start = run.end.saturating_sub(4);
    let begins = bytes.get(start..run.end + 1).is_some_and(is_address_start);
    if begins { start } else { run.end }
}

fn is_address_start(bytes: &[u8]) -> bool {
    bytes.eq_ignore_ascii_case(b"data:")
}

/// A `data:` address that begins at `at` (RFC 2397).
fn address(bytes: &[u8], at: usize) -> Option<(Range<usize>, UnreadKind)> {
    bytes.get(at..at + 5).filter(|start| is_address_start(start))?;
    let rest = bytes.get(at + 5..)?;
    let head = rest.get(..rest.len().min(MAX_TYPE_BYTES))?;
    let comma = head.iter().position(|&byte| byte == b',')?;
    let media = head.get(..comma)?.to_ascii_lowercase();
    let is_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"/;=+-._ \"".contains(byte);
    if !media.iter().all(is_type) || !(media.contains(&b'/') || media.starts_with(b";base64")) {
        return None;
    }
    let start = at + 5 + comma + 1;
    let end = if media.ends_with(b"base64") {
        lines(bytes, start, is_address_base64).end
    } else {
        let payload = bytes.get(start..)?;
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'()<>\\`".contains(byte);
        start + payload.iter().position(is_end).unwrap_or(payload.len())
    };
    let kind = match () {
        () if media.starts_with(b"image/") => UnreadKind::Picture,
        () if media.starts_with(b"audio/") || media.starts_with(b"video/") => UnreadKind::Media,
        () => UnreadKind::EncodedData,
    };
    (end - start >= MIN_ADDRESS_BYTES).then_some((at..end, kind))
}

/// The run at `range`, if it is base64 or hexadecimal.
fn data(bytes: &[u8], range: &Range<usize>) -> Option<(Range<usize>, UnreadKind)> {
    let data = bytes.get(range.clone())?;
    if data.len() < MIN_RUN_BYTES || data.starts_with(b"AAAAB3NzaC1") {
        return None;
    }
    (looks_random(data) || looks_hexadecimal(data)).then(|| (range.clone(), kind_of(data)))
}

/// The run of characters of data that begins at `start`, over lines of equal length and a last
/// shorter one.
fn lines(bytes: &[u8], start: usize, is_data: fn(u8) -> bool) -> Range<usize> {
    let length = |from: usize| {
        bytes.get(from..).unwrap_or_default().iter().take_while(|&&byte| is_data(byte)).count()
    };
    let first = length(start);
    let mut end = start + first;
    // Lines that each end with padding are a list.
    while first >= MIN_LINE_BYTES && bytes.get(end - 1) != Some(&b'=') {
        let Some(next) = line_end(bytes, end).map(|line_end| end + line_end) else { break };
        let line = length(next);
        let ends_line = next + line == bytes.len() || !is_word(bytes.get(next + line).copied());
        if line == 0 || line > first || (line < first && !ends_line) {
            break;
        }
        // A word of the text on the line below is no rest of the data.
        if line < MIN_LINE_BYTES
            && !looks_like_rest(bytes.get(next..next + line).unwrap_or_default())
        {
            break;
        }
        end = next + line;
        if line < first {
            break;
        }
    }
    start..end
}

/// The end of a text's last line of data: it ends with padding, or mixes letters and digits.
fn looks_like_rest(line: &[u8]) -> bool {
    line.ends_with(b"=")
        || (line.len() >= 4
            && line.iter().any(u8::is_ascii_digit)
            && line.iter().any(u8::is_ascii_uppercase))
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b' ' || byte >= 0x80)
}

/// Bytes of a line end at `at` and the blanks after it; in JSON it is written as an escape.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let length = [b"\r\n".as_slice(), b"\n", b"\\r\\n", b"\\n"]
        .iter()
        .find_map(|end| rest.starts_with(end).then_some(end.len()))?;
    let blanks = rest.get(length..)?.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    Some(length + blanks)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// In an address the signs of base64 may be written as `%2B` and the like.
fn is_address_base64(byte: u8) -> bool {
    is_base64(byte) || byte == b'%'
}

/// Capitals, small letters and digits as in random data, whose base64 has .41, .41 and .16 of them.
fn looks_random(data: &[u8]) -> bool {
    let share = |is_one: fn(&u8) -> bool| {
        data.iter().filter(|byte| is_one(byte)).count() as f64 / data.len() as f64
    };
    let signs = share(|byte| matches!(byte, b'/' | b'-' | b'_' | b'='));
    share(u8::is_ascii_uppercase) > 0.2
        && share(u8::is_ascii_lowercase) > 0.2
        && share(u8::is_ascii_digit) > 0.04
        && signs < 0.1
}

fn looks_hexadecimal(data: &[u8]) -> bool {
    let digits = data.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = data.len() - digits;
    // Lines of it are a list of hashes.
    data.iter().all(u8::is_ascii_hexdigit) && digits * 5 > data.len() && letters * 10 > data.len()
}

/// What data is, by the bytes that files of a kind begin with.
fn kind_of(data: &[u8]) -> UnreadKind {
    let pictures = [
        b"iVBORw0KGgo".as_slice(),
        b"/9j/",
        b"R0lGOD",
        b"UklGR",
        b"PHN2Zy",
        b"89504e47",
        b"ffd8ff",
    ];
    match pictures.iter().any(|head| data.starts_with(head)) {
        true => UnreadKind::Picture,
        false => UnreadKind::EncodedData,
    }
}

/// A definition of a link in Markdown goes with the address that it is for.
fn whole_definition(text: &str, range: Range<usize>) -> Range<usize> {
    let before = text.get(..range.start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let head = before.get(line_start..).unwrap_or_default().trim_end_matches('<').trim();
    let after = text.get(range.end..).unwrap_or_default();
    let line = after.find('\n').map_or(after, |end| after.get(..end).unwrap_or_default());
    let is_definition = head.starts_with('[') && head.ends_with("]:") && !head.starts_with("[^");
    let rest = line.trim_end().trim_start_matches('>');
    match is_definition && rest.is_empty() {
        true => line_start..range.end + line.len(),
        false => range,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Base64 of noise.
    fn noise(length: usize) -> String {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut state = 88_172_645_463_325_252_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(alphabet[(state >> 20) as usize % 64])
        };
        (0..length).map(|_| next()).collect()
    }

    fn kept(text: &str) -> String {
        cut_text(text.to_owned())
    }

    #[test]
    fn pictures_in_addresses_are_cut() {
        let data = noise(400);
        unread::take();
        let inline = format!("a ![map](data:image/png;base64,{data}) b");
        assert_eq!(kept(&inline), "a ![map]() b");
        let definition = format!("x\n\n[image1]: <data:image/png;base64,{data}>\n\ny");
        assert_eq!(kept(&definition), "x\n\n\n\ny");
        let wrapped = format!(
            "<img src=\"data:image/gif;base64,{}\n{}\n{}==\">",
            &data[..76],
            &data[76..152],
            &data[152..180]
        );
        assert_eq!(kept(&wrapped), "<img src=\"\">");
        assert_eq!(kept("url(data:image/svg+xml;utf8,%3Csvg%20xmlns%3D) x"), "url() x");
        assert_eq!(
            kept("\"src\": \"DATA:audio/mp3;base64,AAAAAAAAAAAAAAAAAAAAAA==\""),
            "\"src\": \"\""
        );
        let counts: Vec<_> =
            unread::take().iter().map(|unread| (unread.kind, unread.count)).collect();
        assert_eq!(counts, [(UnreadKind::Picture, 4), (UnreadKind::Media, 1)]);
    }

    #[test]
    fn long_runs_are_cut_and_words_stay() {
        let data = noise(700);
        assert_eq!(kept(&format!("key: {data}== end")), "key:  end");
        let lines: Vec<&str> = (0..10).map(|n| &data[n * 64..n * 64 + 64]).collect();
        let pem = format!("-----BEGIN X-----\n{}\nAb1=\n-----END X-----", lines.join("\n"));
        assert_eq!(kept(&pem), "-----BEGIN X-----\n\n-----END X-----");
        let escaped = format!("\"{}\\nAb1=\\n\"", lines.join("\\n"));
        assert_eq!(kept(&escaped), "\"\\n\"");
        assert_eq!(kept(&"0f3a".repeat(100)), "");
        for stays in [
            noise(200),
            format!("ssh-rsa AAAAB3NzaC1{data}"),
            "word".repeat(100),
            "3141592653".repeat(40),
            "ACGTTGCA".repeat(60),
            "a/long/path/Of/Many/Parts/".repeat(20),
            format!("https://example.org/{}", "path1-of/File_name/".repeat(20)),
            "data: the figures, in thousands, are below".to_owned(),
            "data:text, and more of it that is long enough".to_owned(),
            "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n".repeat(20),
            format!("{}=\n", &data[..63]).repeat(9),
        ] {
            assert_eq!(kept(&stays), stays);
        }
        let prose = format!("{data}\nThe text goes on here.\nAnd here.");
        assert_eq!(kept(&prose), "\nThe text goes on here.\nAnd here.");
    }

    #[test]
    fn many_short_runs_cost_linear_time() {
        let text = "data:".repeat(400_000) + &"a".repeat(2_000_000);
        let start = std::time::Instant::now();
        assert_eq!(kept(&text).len(), text.len());
        assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    }

    proptest! {
        #[test]
        fn what_is_kept_points_at_its_bytes(text in "(data:image/png;base64,|[A-Za-z0-9]{300}|[a-z\u{e9} ]{0,9}|\n|\\)){0,9}") {
            let decoded = Decoded { text: text.clone(), source_map: SourceMap::identity(text.len()), encoding: "UTF-8" };
            let kept = cut(decoded);
            for (range, _) in &kept.source_map.segments {
                let source = kept.source_map.source_bytes(range).unwrap_or_default();
                prop_assert_eq!(kept.text.get(range.clone()), text.get(source.start as usize..source.end as usize));
            }
        }
    }
}
