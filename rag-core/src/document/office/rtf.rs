//! RTF 1.9: control words and groups to paragraphs, headings, lists and tables. Groups are kept on
//! a vector, so no nesting can overflow the stack.

use std::collections::HashMap;

use encoding_rs::Encoding;

use crate::document::limits;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, UnreadKind, unread,
};
use crate::document::writing::draft::{DocumentDraft, Join, part};
use crate::document::writing::script::Script;
use crate::error::{Error, Result, Unreadable};

mod raised;
mod words;

use words::{Action, action};

/// Reads RTF.
pub(in crate::document) struct RtfReader;

/// Groups inside groups.
const MAX_DEPTH: usize = 4096;

impl Reader for RtfReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut parser = RtfParser::new(source.bytes);
        if !parser.run() {
            let reason = format!("groups nest deeper than {MAX_DEPTH}");
            return Err(Error::document(source.path, Unreadable::TooLarge, reason));
        }
        parser.end_paragraph();
        parser.draft.finish(DocumentKind::Rtf, source)
    }
}

/// Where the text of a group goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RtfTarget {
    Body,
    /// Nowhere.
    Skip,
    /// A table of the header.
    Fonts,
    Styles,
    /// A value of the document information.
    Info(&'static str),
}

/// What a group restores at its end.
#[derive(Debug, Clone, Copy)]
struct RtfState {
    target: RtfTarget,
    /// Encoding of its 8-bit characters.
    encoding: &'static Encoding,
    /// Characters that stand for a Unicode character to readers that know none.
    fallback: usize,
    /// As what its text is left out, if it is.
    hidden: Option<UnreadKind>,
    script: Option<Script>,
}

struct RtfParser<'a> {
    bytes: &'a [u8],
    at: usize,
    state: RtfState,
    saved: Vec<RtfState>,
    draft: DocumentDraft,
    /// The encoding of the document and of each font.
    encoding: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    font: i32,
    /// Bytes of an 8-bit encoding that wait to be decoded together.
    pending: Vec<u8>,
    /// Characters to pass over after a Unicode character.
    skip: usize,
    /// The first half of a character outside the basic plane.
    surrogate: Option<u16>,
    /// The superscript or subscript that is being read, and where it begins in the text.
    raised: Option<(Script, usize)>,
    /// As what text was left out last, so that it is noted once.
    passed: Option<UnreadKind>,
    /// Text of the paragraph, cell or header table that is being read.
    text: String,
    /// Levels of the styles that are headings.
    styles: HashMap<i32, u8>,
    style: i32,
    paragraph: RtfParagraph,
    count: usize,
    tables: usize,
    rows: usize,
    cells: Vec<String>,
    join: Join,
}

/// Properties of a paragraph.
#[derive(Default, Clone, Copy)]
struct RtfParagraph {
    outline: Option<u8>,
    style: Option<i32>,
    in_table: bool,
    listed: bool,
}

impl<'a> RtfParser<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let encoding = encoding_rs::WINDOWS_1252;
        let state =
            RtfState { target: RtfTarget::Body, encoding, fallback: 1, hidden: None, script: None };
        Self {
            bytes,
            at: 0,
            state,
            saved: Vec::new(),
            draft: DocumentDraft::default(),
            encoding,
            fonts: HashMap::new(),
            font: 0,
            pending: Vec::new(),
            skip: 0,
            surrogate: None,
            raised: None,
            passed: None,
            text: String::new(),
            styles: HashMap::new(),
            style: 0,
            paragraph: RtfParagraph::default(),
            count: 0,
            tables: 0,
            rows: 0,
            cells: Vec::new(),
            join: Join::Start,
        }
    }

    /// Whether the end was reached before the cap on depth.
    fn run(&mut self) -> bool {
        while let Some(&byte) = self.bytes.get(self.at) {
            limits::tick();
            self.at += 1;
            match byte {
                b'{' => {
                    self.flush();
                    self.skip = 0;
                    if self.saved.len() >= MAX_DEPTH {
                        return false;
                    }
                    self.saved.push(self.state);
                }
                b'}' => {
                    self.flush();
                    self.skip = 0;
                    self.end_group();
                }
                b'\\' => self.control(),
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
        }
        self.flush();
        true
    }

    fn end_group(&mut self) {
        let ended = self.state;
        let Some(outer) = self.saved.pop() else { return };
        if ended.target != outer.target {
            match ended.target {
                RtfTarget::Info(key) => {
                    let value = std::mem::take(&mut self.text);
                    self.draft.note(key, &value);
                }
                RtfTarget::Fonts => self.text.clear(),
                _ => {}
            }
        }
        if ended.target == RtfTarget::Styles {
            self.end_style();
        }
        self.state = outer;
    }

    /// A style of the style sheet ends; its name says whether it is a heading.
    fn end_style(&mut self) {
        let name = std::mem::take(&mut self.text).to_lowercase();
        let name = name.trim().trim_end_matches(';');
        let level = ["heading", "titre", "\u{fc}berschrift"]
            .iter()
            .find_map(|word| name.strip_prefix(word)?.trim().parse::<u8>().ok())
            .or((name == "title").then_some(1));
        if let Some(level) = level {
            self.styles.insert(self.style, level);
        }
        self.style = 0;
    }

    fn control(&mut self) {
        let Some(&first) = self.bytes.get(self.at) else { return };
        if !first.is_ascii_alphabetic() {
            self.at += 1;
            self.symbol(first);
            return;
        }
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = rest.iter().take(32).take_while(|b| b.is_ascii_alphabetic()).count();
        let name = rest.get(..length).unwrap_or_default();
        let digits = rest.get(length..).unwrap_or_default();
        let sign = usize::from(digits.first() == Some(&b'-'));
        let count = digits.iter().skip(sign).take(10).take_while(|b| b.is_ascii_digit()).count();
        let number = if count > 0 {
            let text = digits.get(..sign + count).and_then(|d| std::str::from_utf8(d).ok());
            text.and_then(|text| text.parse::<i64>().ok()).and_then(|n| i32::try_from(n).ok())
        } else {
            None
        };
        self.at += length + if count > 0 { sign + count } else { 0 };
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        if name == b"bin" {
            self.at = self.at.saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0));
            return;
        }
        self.word(name, number);
    }

    fn symbol(&mut self, symbol: u8) {
        match symbol {
            b'\'' => {
                let hex = self.bytes.get(self.at..self.at + 2);
                let code = hex.and_then(|hex| std::str::from_utf8(hex).ok());
                let code = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                self.at += if code.is_some() { 2 } else { 0 };
                if let Some(code) = code {
                    self.byte(code);
                }
            }
            b'*' => {
                // The word after it is unknown to older readers; ours are listed in `words`.
                let known = self.bytes.get(self.at..).is_some_and(words::is_known_destination);
                if !known {
                    self.state.target = RtfTarget::Skip;
                }
            }
            b'~' => self.push("\u{a0}"),
            b'_' => self.push("-"),
            b'-' | b':' => {}
            b'\\' | b'{' | b'}' => self.byte(symbol),
            b'\r' | b'\n' => self.end_line(),
            b'|' => {}
            _ => {}
        }
    }

    /// A character of text.
    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
            return;
        }
        if self.reads() {
            self.pending.push(byte);
        }
    }

    /// Whether what comes next is read; text that is hidden is noted.
    fn reads(&mut self) -> bool {
        if self.state.target == RtfTarget::Skip {
            return false;
        }
        if let Some(kind) = self.state.hidden.filter(|kind| self.passed != Some(*kind)) {
            unread::note(kind, 1);
        }
        self.passed = self.state.hidden;
        self.state.hidden.is_none()
    }

    fn push(&mut self, text: &str) {
        self.flush();
        if self.reads() {
            self.follow_script();
            self.text.push_str(text);
        }
    }

    /// Decodes what waits.
    fn flush(&mut self) {
        if !self.pending.is_empty() {
            self.follow_script();
            let (text, _) = self.state.encoding.decode_without_bom_handling(&self.pending);
            self.text.push_str(&text);
            self.pending.clear();
        }
    }

    fn word(&mut self, name: &[u8], number: Option<i32>) {
        self.flush();
        let value = number.unwrap_or(0);
        match action(name) {
            Action::Text(text) => self.push(text),
            Action::Skip => {
                if self.state.target == RtfTarget::Body {
                    words::left_out(name).into_iter().for_each(|kind| unread::note(kind, 1));
                }
                self.state.target = RtfTarget::Skip;
            }
            Action::Info(key) => self.state.target = RtfTarget::Info(key),
            Action::Fonts => self.state.target = RtfTarget::Fonts,
            Action::Styles => self.state.target = RtfTarget::Styles,
            Action::ListText => self.paragraph.listed = true,
            Action::Unicode => self.unicode(value),
            Action::Fallback => self.state.fallback = usize::try_from(value).unwrap_or(1).min(8),
            Action::CodePage => {
                self.encoding = words::code_page(value);
                self.state.encoding = self.encoding;
            }
            Action::Charset if self.state.target == RtfTarget::Fonts => {
                if let Some(encoding) = words::charset(value) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            Action::Font => {
                self.font = value;
                if self.state.target != RtfTarget::Fonts {
                    self.state.encoding = self.fonts.get(&value).copied().unwrap_or(self.encoding);
                }
            }
            Action::Style if self.state.target == RtfTarget::Styles => self.style = value,
            Action::Style => self.paragraph.style = Some(value),
            Action::Outline if self.state.target == RtfTarget::Body => {
                self.paragraph.outline = u8::try_from(value).ok();
            }
            Action::Hidden(kind) => self.state.hidden = (number != Some(0)).then_some(kind),
            Action::Script(script) => self.state.script = script,
            Action::Raised => {
                self.state.script = (number != Some(0)).then_some(Script::Superscript);
            }
            Action::Lowered => {
                self.state.script = (number != Some(0)).then_some(Script::Subscript);
            }
            Action::Plain => (self.state.script, self.state.hidden) = (None, None),
            Action::InTable => self.paragraph.in_table = true,
            Action::ResetParagraph => self.paragraph = RtfParagraph::default(),
            Action::EndParagraph => self.end_line(),
            Action::EndCell => self.end_cell(),
            Action::EndRow => self.end_row(),
            Action::Charset | Action::Outline | Action::None => {}
        }
    }

    /// A UTF-16 unit; what follows it is for readers that know none.
    fn unicode(&mut self, value: i32) {
        let unit = value as u16;
        self.skip = self.state.fallback;
        if !self.reads() {
            return;
        }
        let units = [self.surrogate.take(), Some(unit)];
        if self.surrogate.is_none() && (0xD800..0xDC00).contains(&unit) {
            self.surrogate = Some(unit);
            return;
        }
        self.follow_script();
        let decoded = char::decode_utf16(units.into_iter().flatten());
        self.text.extend(decoded.map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }

    fn end_line(&mut self) {
        self.flush();
        if self.state.target != RtfTarget::Body {
            return;
        }
        if self.paragraph.in_table {
            self.text.push(' ');
        } else {
            self.end_paragraph();
        }
    }

    fn place(&self) -> Location {
        part(Unit::Paragraph, self.count, None)
    }

    fn end_paragraph(&mut self) {
        self.flush();
        self.end_script();
        let text = std::mem::take(&mut self.text);
        self.count += 1;
        let listed = std::mem::take(&mut self.paragraph.listed);
        if text.trim().is_empty() {
            return;
        }
        self.join = Join::Start;
        let styled = self.paragraph.style.and_then(|style| self.styles.get(&style).copied());
        let outline = self.paragraph.outline.filter(|&o| o < 9).map(|o| o + 1);
        let place = self.place();
        match outline.or(styled) {
            Some(level) => self.draft.heading(level, &text, &place),
            None if listed => self.draft.block(BlockKind::ListItem, &text, &place),
            None => self.draft.block(BlockKind::Paragraph, &text, &place),
        }
    }

    fn end_cell(&mut self) {
        self.end_script();
        if self.state.target == RtfTarget::Body {
            self.cells.push(std::mem::take(&mut self.text));
        }
    }

    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        if self.join == Join::Start {
            self.tables += 1;
            self.rows = 0;
        }
        self.rows += 1;
        let location = part(Unit::Row, self.rows, Some(&format!("table {}", self.tables)));
        self.draft.row(&cells, self.join, &location);
        if cells.iter().any(|cell| !cell.trim().is_empty()) {
            self.join = Join::Continue;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(rtf: &str) -> Document {
        read_bytes(rtf.as_bytes()).unwrap()
    }

    fn read_bytes(bytes: &[u8]) -> Result<Document> {
        RtfReader.read(&SourceFile::new(Path::new("a.rtf"), bytes))
    }

    #[test]
    fn characters_of_all_spellings() {
        let text =
            read(r"{\rtf1\ansi\ansicpg1252 caf\'e9 \u233? \u-10179?\u-8704? a\~b \{x\}\par}").text;
        assert_eq!(text, "caf\u{e9} \u{e9} \u{1f600} a\u{a0}b {x}");
        let japanese = read(r"{\rtf1{\fonttbl{\f1\fcharset128 MS;}}\f1 \'93\'fa\'96\'7b\par}").text;
        assert_eq!(japanese, "\u{65e5}\u{672c}");
    }

    #[test]
    fn styles_tables_and_what_is_not_text() {
        let rtf = r"{\rtf1{\stylesheet{\s1 heading 1;}{\s2 Normal;}}{\info{\title T}{\author A}}{\*\generator x}
\pard\s1 Head\par\pard Body {\v hidden}text.\par{\pict 00ff}
\trowd\pard\intbl a\cell b\cell\row\trowd\pard\intbl 1\cell 2\cell\row\pard{\listtext - }item\par}";
        let document = read(rtf);
        assert_eq!(document.text, "Head\n\nBody text.\n\na\tb\n1\t2\n\n- item");
        let kinds: Vec<_> = document.blocks.iter().map(|block| block.kind).collect();
        let heading = BlockKind::Heading { level: 1 };
        let expected = [heading, BlockKind::Paragraph, BlockKind::Table, BlockKind::ListItem];
        assert_eq!(kinds, expected);
        assert_eq!(
            (document.title.as_deref(), document.metadata["author"].as_str()),
            (Some("T"), "A")
        );
    }

    #[test]
    fn scripts_are_written_and_struck_text_is_left_out() {
        let rtf = r"{\rtf1 10{\super 4} per m\super 3\nosupersub , H{\sub 2}O, 10\up6 -9\up0  of 1{\super st}, a pump{\super 3} {\strike old }{\strike\b more }new{\pict 00ff}{\header top}.\par}";
        unread::take();
        let expected =
            "10\u{2074} per m\u{b3}, H\u{2082}O, 10\u{207b}\u{2079} of 1st, a pump[3] new.";
        assert_eq!(read(rtf).text, expected);
        let notes: Vec<String> = unread::take().iter().map(ToString::to_string).collect();
        assert_eq!(notes, ["1 picture", "1 piece of deleted text", "1 piece of page furniture"]);
    }

    #[test]
    fn a_note_stands_apart_from_its_word() {
        let rtf =
            r"{\rtf1 a pump{\super\chftn}{\footnote\pard {\super\chftn} See below.} runs.\par}";
        assert_eq!(read(rtf).text, "a pump  See below. runs.");
    }

    #[test]
    fn nesting_is_capped() {
        let deep = format!("{{\\rtf1{}", "{".repeat(10_000));
        assert!(read_bytes(deep.as_bytes()).unwrap_err().line().contains("nest"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(text in r"[\\{}'a-z0-9 \n*\-]{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read_bytes(&[b"{\\rtf1", text.as_bytes()].concat());
            let _ = read_bytes(&bytes);
        }
    }
}
