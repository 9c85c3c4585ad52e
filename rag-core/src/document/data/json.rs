//! JSON and lines of JSON: each value on a line after its path, each record a block.
//!
//! Our own scanner, because values must be found again in the file and nesting must not use the
//! stack.

use std::ops::Range;

use crate::document::limits;
use crate::document::text::encoding;
use crate::document::text::plain::TextReader;
use crate::document::vocabulary::{
    Block, BlockKind, Document, DocumentKind, Reader, SourceFile, SourceMap, UnreadKind, one_line,
    unread,
};
use crate::error::Result;

/// Reads JSON, JSON Lines and concatenated JSON; what is none of them is read as text.
pub(in crate::document) struct JsonReader;

/// Arrays and objects inside each other.
const MAX_DEPTH: usize = 256;

/// Bytes of the path before a value.
const MAX_PATH_BYTES: usize = 200;

/// Bytes of the text; paths can make it much longer than the file, which is then read as text.
const MAX_TEXT_BYTES: usize = 64 << 20;

impl Reader for JsonReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let mut scanner = Scanner::new(&decoded.text);
        if scanner.run().is_none() {
            return Ok(TextReader::of(source, decoded));
        }
        scanner.end_record();
        let title = scanner.title.take();
        Ok(Document {
            kind: DocumentKind::Json,
            title,
            lang: None,
            source_map: scanner.map.through(&scanner.text, &decoded.source_map),
            text: scanner.text,
            blocks: scanner.blocks,
            sections: Vec::new(),
            metadata: Default::default(),
            unread: Vec::new(),
        })
    }
}

/// What a value stands in.
enum JsonFrame {
    /// An object; the bytes of the path before its keys.
    Object {
        path_bytes: usize,
    },
    Array,
}

struct Scanner<'a> {
    input: &'a str,
    at: usize,
    frames: Vec<JsonFrame>,
    /// The keys above the next value, joined with dots.
    path: String,
    text: String,
    blocks: Vec<Block>,
    map: SourceMap,
    record: usize,
    title: Option<String>,
    /// Whether the last line holds values of the array that is open.
    in_list: bool,
}

/// A string: its bytes without quotes, and whether it holds escapes.
struct JsonString {
    range: Range<usize>,
    escaped: bool,
}

impl<'a> Scanner<'a> {
    fn new(input: &'a str) -> Self {
        Self {
            input,
            at: 0,
            frames: Vec::new(),
            path: String::new(),
            text: String::new(),
            blocks: Vec::new(),
            map: SourceMap::default(),
            record: 0,
            title: None,
            in_list: false,
        }
    }

    /// Reads values up to the end; nothing if the input is no JSON.
    fn run(&mut self) -> Option<()> {
        let mut values = 0;
        loop {
            limits::tick();
            self.blanks();
            match self.peek() {
                None if self.frames.is_empty() => return (values > 0).then_some(()),
                None => return None,
                Some(b'{') => self.open(JsonFrame::Object { path_bytes: self.path.len() })?,
                Some(b'[') => self.open(JsonFrame::Array)?,
                Some(b'}' | b']') => self.close()?,
                Some(b',') if !self.frames.is_empty() => self.at += 1,
                Some(_) => {
                    self.value()?;
                    values += 1;
                    continue;
                }
            }
            values += 1;
            if matches!(self.frames.last(), Some(JsonFrame::Object { .. })) {
                self.key()?;
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn open(&mut self, frame: JsonFrame) -> Option<()> {
        self.at += 1;
        self.in_list = false;
        let in_array = !matches!(self.frames.last(), Some(JsonFrame::Object { .. }));
        if in_array && matches!(frame, JsonFrame::Object { .. }) {
            self.end_record();
        }
        self.frames.push(frame);
        (self.frames.len() <= MAX_DEPTH).then_some(())
    }

    fn close(&mut self) -> Option<()> {
        let close = self.peek()?;
        self.at += 1;
        self.in_list = false;
        match (self.frames.pop()?, close) {
            (JsonFrame::Object { path_bytes }, b'}') => {
                self.path.truncate(path_bytes);
                Some(())
            }
            (JsonFrame::Array, b']') => Some(()),
            _ => None,
        }
    }

    /// Reads a key and its colon, if a key comes next, into the path.
    fn key(&mut self) -> Option<()> {
        self.blanks();
        let path_bytes = match self.frames.last() {
            Some(JsonFrame::Object { path_bytes }) => *path_bytes,
            _ => return Some(()),
        };
        if self.peek() != Some(b'"') {
            return matches!(self.peek(), Some(b'}' | b',')).then_some(());
        }
        let key = self.string()?;
        self.blanks();
        if self.peek() != Some(b':') {
            return None;
        }
        self.at += 1;
        self.path.truncate(path_bytes);
        if !self.path.is_empty() && self.path.len() < MAX_PATH_BYTES {
            self.path.push('.');
        }
        if self.path.len() < MAX_PATH_BYTES {
            let raw = self.input.get(key.range.clone()).unwrap_or_default();
            self.path.push_str(&if key.escaped { unescape(raw) } else { raw.to_owned() });
        } else {
            unread::note(UnreadKind::BeyondLimit, 1); // the key of a value that is read
        }
        Some(())
    }

    /// A string, number or word.
    fn value(&mut self) -> Option<()> {
        if self.peek() == Some(b'"') {
            let quoted = self.string()?;
            self.write(&quoted);
            return (self.text.len() <= MAX_TEXT_BYTES).then_some(());
        }
        let start = self.at;
        let ends = |byte: u8| byte.is_ascii_whitespace() || b",]}[{\":".contains(&byte);
        while self.peek().is_some_and(|byte| !ends(byte)) {
            self.at += 1;
        }
        let word = self.input.get(start..self.at)?;
        let is_number = word.parse::<f64>().is_ok()
            && word.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
        if !is_number && !matches!(word, "true" | "false" | "null" | "NaN") {
            return None;
        }
        if word != "null" {
            self.write(&JsonString { range: start..self.at, escaped: false });
        }
        (self.text.len() <= MAX_TEXT_BYTES).then_some(())
    }

    fn string(&mut self) -> Option<JsonString> {
        let start = self.at + 1;
        let mut escaped = false;
        self.at = start;
        loop {
            let rest = self.input.as_bytes().get(self.at..)?;
            self.at += rest.iter().position(|&byte| byte == b'"' || byte == b'\\')?;
            if self.peek() == Some(b'"') {
                break;
            }
            escaped = true;
            self.at += 2;
        }
        self.at += 1;
        Some(JsonString { range: start..self.at - 1, escaped })
    }

    /// Adds a line with path and value.
    fn write(&mut self, value: &JsonString) {
        let raw = self.input.get(value.range.clone()).unwrap_or_default();
        if raw.trim().is_empty() {
            return;
        }
        let listed = std::mem::replace(
            &mut self.in_list,
            matches!(self.frames.last(), Some(JsonFrame::Array)),
        );
        if listed {
            self.text.push_str(", ");
        } else if self.text.len() > self.record {
            self.text.push('\n');
        } else if !self.text.is_empty() {
            self.text.push_str("\n\n");
            self.record = self.text.len();
        }
        if !listed && !self.path.is_empty() {
            self.text.push_str(&self.path);
            self.text.push_str(": ");
        }
        let start = self.text.len();
        if value.escaped {
            let content = unescape(raw);
            self.text.push_str(&content);
            self.map.push_whole(start, &content, value.range.start as u64..value.range.end as u64);
        } else {
            self.text.push_str(raw);
            self.map.push_exact(start..self.text.len(), value.range.start as u64);
        }
        if self.title.is_none() && matches!(self.path.as_str(), "title" | "name") {
            self.title = self.text.get(start..).map(one_line);
        }
    }

    fn end_record(&mut self) {
        if self.text.len() > self.record {
            self.blocks
                .push(Block { kind: BlockKind::Paragraph, range: self.record..self.text.len() });
            self.record = self.text.len();
        }
    }
}

/// A string with its escapes replaced; what is no escape stays.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut units: Vec<u16> = Vec::new();
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        if !before.is_empty() {
            flush(&mut units, &mut text);
            text.push_str(before);
        }
        let code = escape.get(1..2).unwrap_or_default();
        if code == "u"
            && let Some(unit) = escape.get(2..6).and_then(|hex| u16::from_str_radix(hex, 16).ok())
        {
            units.push(unit);
            rest = escape.get(6..).unwrap_or_default();
            continue;
        }
        flush(&mut units, &mut text);
        let plain = match code {
            "n" | "r" => "\n",
            "t" => "\t",
            "b" | "f" => "",
            other => other,
        };
        text.push_str(plain);
        rest = escape.get(1 + code.len().max(1)..).or(escape.get(1..)).unwrap_or_default();
    }
    flush(&mut units, &mut text);
    text.push_str(rest);
    text
}

fn flush(units: &mut Vec<u16>, text: &mut String) {
    let decoded = char::decode_utf16(units.drain(..));
    text.extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Document {
        JsonReader.read(&SourceFile::new(Path::new("a.json"), text.as_bytes())).unwrap()
    }

    #[test]
    fn records_are_blocks_of_paths_and_values() {
        let json = r#"{"name": "lab", "teams": [{"id": 1, "tags": ["a", "b"]}, {"id": 2, "x": {"y": null, "z": true}}]}"#;
        let document = read(json);
        let expected = "name: lab\n\nteams.id: 1\nteams.tags: a, b\n\nteams.id: 2\nteams.x.z: true";
        assert_eq!((document.kind, document.text.as_str()), (DocumentKind::Json, expected));
        assert_eq!(document.blocks.len(), 3);
        assert_eq!(document.title.as_deref(), Some("lab"));
    }

    #[test]
    fn escapes_are_replaced_and_point_at_their_bytes() {
        let json = r#"{"t": "caf\u00e9 \ud83d\ude00 \"q\" a\/b\n"}"#;
        let document = read(json);
        assert_eq!(document.text, "t: caf\u{e9} \u{1f600} \"q\" a/b\n");
        assert_eq!(document.source_map.source_bytes(&(3..6)), Some(7..json.len() as u64 - 2));
    }

    #[test]
    fn lines_of_json_are_records_and_other_text_is_text() {
        assert_eq!(read("{\"a\": 1}\n{\"a\": 2}\n").blocks.len(), 2);
        assert_eq!(read("{\"a\": 1, oops}").kind, DocumentKind::Text);
        assert_eq!(read(&"[".repeat(300)).kind, DocumentKind::Text);
        assert_eq!(read("{\"a\": [1, 2]").kind, DocumentKind::Text);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "[\\[\\]{}\",:a1\\\\u0 \n]{0,120}") {
            let document = read(&text);
            for block in &document.blocks {
                prop_assert!(document.text.get(block.range.clone()).is_some());
            }
        }

        #[test]
        fn strings_come_back(value in "[a-z\u{e9}\u{1f600}\"\\\\/\t]{1,20}") {
            let json = serde_json::json!({ "k": value }).to_string();
            let document = read(&json);
            if !value.trim().is_empty() {
                prop_assert_eq!(document.text, format!("k: {value}"));
            }
        }
    }
}
