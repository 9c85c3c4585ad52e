//! Content lines: `group.NAME;PARAMETER=value:VALUE`, folded over several lines.

use std::ops::Range;

use encoding_rs::Encoding;

/// A content line, unfolded.
#[derive(Debug, Clone, Default)]
pub(super) struct ContentLine {
    /// What holds several lines of one card together: `item1`.
    pub(super) group: String,
    /// In capitals.
    pub(super) name: String,
    /// Names in capitals; without a name it is a type (`TEL;CELL`).
    parameters: Vec<(String, String)>,
    /// Decoded, not unescaped.
    pub(super) value: String,
    /// Its bytes in the decoded file.
    pub(super) range: Range<usize>,
}

impl ContentLine {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every type it has, in lower case.
    pub(super) fn types(&self) -> Vec<String> {
        let types = self.parameters.iter().filter(|(key, _)| key == "TYPE");
        types.flat_map(|(_, value)| value.split(',')).map(str::to_lowercase).collect()
    }

    /// The value as text.
    pub(super) fn text(&self) -> String {
        unescaped(&self.value)
    }

    /// The parts of a structured value, each as text.
    pub(super) fn parts(&self, separator: char) -> Vec<String> {
        let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
        for (at, c) in self.value.char_indices() {
            if c == separator && !escaped {
                parts.extend(self.value.get(start..at));
                start = at + c.len_utf8();
            }
            escaped = c == '\\' && !escaped;
        }
        parts.extend(self.value.get(start..));
        parts.into_iter().map(|part| unescaped(part).trim().to_owned()).collect()
    }
}

/// `\n`, `\,`, `\;` and `\\` as what they stand for.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, c == '\\') {
            (_, true) => match chars.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(c @ (',' | ';' | '\\' | ':' | '"')) => text.push(c),
                Some(other) => text.extend(['\\', other]),
                None => text.push('\\'),
            },
            (c, false) => text.push(c),
        }
    }
    text
}

/// The bytes without folds: a line break before a blank or tab.
pub(super) fn unfold_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut unfolded: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line {
            [b' ' | b'\t', rest @ ..] if !unfolded.is_empty() => {
                while matches!(unfolded.last(), Some(b'\r' | b'\n')) {
                    unfolded.pop();
                }
                unfolded.extend_from_slice(rest);
            }
            line => unfolded.extend_from_slice(line),
        }
    }
    unfolded
}

/// Every content line of `text`.
pub(super) fn read(text: &str) -> Vec<ContentLine> {
    let mut lines = Vec::new();
    let mut raw: Option<(String, Range<usize>)> = None;
    let mut at = text.len() - text.trim_start_matches('\u{feff}').len();
    let physical = text.get(at..).unwrap_or_default();
    for line in physical.split_inclusive('\n') {
        let (start, end) = (at, at + line.trim_end_matches(['\r', '\n']).len());
        at += line.len();
        let content = text.get(start..end).unwrap_or_default();
        match &mut raw {
            // a soft break of quoted-printable (RFC 2045, 6.7)
            Some((open, range)) if open.ends_with('=') && is_quoted_printable(open) => {
                open.pop();
                open.push_str(content);
                range.end = end;
            }
            Some((open, range)) if content.starts_with([' ', '\t']) => {
                open.push_str(content.get(1..).unwrap_or_default());
                range.end = end;
            }
            _ => {
                lines.extend(raw.take().and_then(|(raw, range)| parse(&raw, range)));
                raw = Some((content.to_owned(), start..end));
            }
        }
    }
    lines.extend(raw.and_then(|(raw, range)| parse(&raw, range)));
    lines
}

fn is_quoted_printable(raw: &str) -> bool {
    let head = raw.split_once(':').map_or("", |(head, _)| head);
    head.to_ascii_uppercase().contains("QUOTED-PRINTABLE")
}

fn parse(raw: &str, range: Range<usize>) -> Option<ContentLine> {
    let mut pieces = Vec::new();
    let (mut start, mut is_quoted, mut colon) = (0, false, None);
    for (at, c) in raw.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            ';' | ':' if !is_quoted => {
                pieces.push(raw.get(start..at)?);
                start = at + 1;
                if c == ':' {
                    colon = Some(at);
                    break;
                }
            }
            _ => {}
        }
    }
    let value = raw.get(colon? + 1..)?;
    let (head, parameters) = pieces.split_first()?;
    let (group, name) = head.rsplit_once('.').unwrap_or(("", head));
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let parameters: Vec<_> = parameters.iter().map(|piece| parameter(piece)).collect();
    let mut line = ContentLine {
        group: group.to_owned(),
        name: name.to_ascii_uppercase(),
        parameters,
        value: String::new(),
        range,
    };
    line.value = decoded(&line, value);
    Some(line)
}

fn parameter(piece: &str) -> (String, String) {
    match piece.split_once('=') {
        Some((name, value)) => (name.to_ascii_uppercase(), value.replace('"', "")),
        None if piece.eq_ignore_ascii_case("QUOTED-PRINTABLE") => ("ENCODING".into(), piece.into()),
        None => ("TYPE".to_owned(), piece.to_owned()),
    }
}

/// The value without its transfer encoding.
fn decoded(line: &ContentLine, value: &str) -> String {
    let encoding = line.parameter("ENCODING").unwrap_or_default();
    if !encoding.eq_ignore_ascii_case("QUOTED-PRINTABLE") {
        return value.to_owned();
    }
    let bytes = quoted_printable(value);
    let charset = line.parameter("CHARSET").and_then(|label| Encoding::for_label(label.as_bytes()));
    match (charset, String::from_utf8(bytes)) {
        (None, Ok(text)) => text,
        (charset, Ok(text)) if charset == Some(encoding_rs::UTF_8) => text,
        (charset, bytes) => {
            let bytes = bytes.map_or_else(|error| error.into_bytes(), String::into_bytes);
            charset.unwrap_or(encoding_rs::WINDOWS_1252).decode(&bytes).0.into_owned()
        }
    }
}

fn quoted_printable(value: &str) -> Vec<u8> {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let code = value.get(at + 1..at + 3).filter(|_| byte == b'=');
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(decoded_byte) => {
                decoded.push(decoded_byte);
                at += 3;
            }
            None => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}
