//! Superscripts, subscripts and marks of notes: collected until they end, then written as
//! [`script`] says.

use std::ops::Range;

use super::runs::TextRun;
use super::start_tag::StartTag;
use super::tags;
use crate::document::writing::script::{self, Script};

/// A superscript or subscript that is open.
pub(super) struct RaisedElement {
    script: Script,
    /// Whether it is, or holds, a link to a note.
    is_note: bool,
    /// How many elements are open around it.
    pub(super) depth: usize,
    pieces: Vec<(String, Range<usize>, bool)>,
    chars: usize,
}

/// What became of a superscript at its end.
pub(super) enum RaisedText {
    /// These characters stand for the bytes at this place; `true` if a blank follows.
    Shown(String, Range<usize>, bool),
    /// It is running text after all: its pieces, and whether each is the bytes at its place.
    Running(Vec<(String, Range<usize>, bool)>),
}

impl RaisedElement {
    /// One that `tag` begins inside `depth` elements; `in_note_link` if it stands first in a link
    /// to a note.
    pub(super) fn begun_by(tag: &StartTag, depth: usize, in_note_link: bool) -> Option<Self> {
        let style = || tag.get(b"style").unwrap_or_default();
        let is_note_link = is_note_link(tag);
        let script = match tag.name.as_slice() {
            b"sup" => Script::Superscript,
            b"sub" => Script::Subscript,
            b"a" if is_named_note(tag) => Script::Superscript,
            b"span" | b"small" | b"font" | b"a" => tags::raises(style())?,
            _ => return None,
        };
        let named = tag.get(b"class").unwrap_or_default().split(u8::is_ascii_whitespace);
        let is_named = named.into_iter().any(tags::is_note_class);
        let is_note = script == Script::Superscript && (is_note_link || in_note_link || is_named);
        Some(Self { script, is_note, depth, pieces: Vec::new(), chars: 0 })
    }

    /// Takes what an element inside it says about it.
    pub(super) fn inside(&mut self, tag: &StartTag) {
        self.is_note |= self.script == Script::Superscript && is_note_link(tag);
    }

    pub(super) fn push(&mut self, piece: &TextRun<'_>) {
        self.chars += piece.text.chars().count();
        self.pieces.push((piece.text.to_owned(), piece.source.clone(), piece.exact));
    }

    /// Whether it is longer than any superscript.
    pub(super) fn is_too_long(&self) -> bool {
        self.chars > script::MAX_SCRIPT_CHARS
    }

    /// How it is written after `before`, the text of its line.
    pub(super) fn end(self, before: &str) -> RaisedText {
        let content: String = self.pieces.iter().map(|(text, ..)| text.as_str()).collect();
        let (Some(first), Some(last)) = (self.pieces.first(), self.pieces.last()) else {
            return RaisedText::Running(Vec::new());
        };
        let source = first.1.start..last.1.end;
        let marks = before.ends_with(|c: char| !c.is_whitespace());
        let shown = if self.is_note && marks {
            script::note_mark(&content)
        } else {
            script::shown(self.script, &content, before)
        };
        if self.is_too_long() || shown == content || shown.is_empty() {
            return RaisedText::Running(self.pieces);
        }
        RaisedText::Shown(shown, source, content.ends_with(char::is_whitespace))
    }
}

/// A link to a place in this file, as marks of notes are.
pub(super) fn is_note_link(tag: &StartTag) -> bool {
    let target = tag.get(b"href").unwrap_or_default();
    tag.name == b"a" && (target.starts_with(b"#") || is_named_note(tag))
}

/// A mark of a note by name (EPUB 3 structural semantics, DPUB-ARIA).
fn is_named_note(tag: &StartTag) -> bool {
    let words = |name: &[u8]| tag.get(name).unwrap_or_default().split(u8::is_ascii_whitespace);
    words(b"epub:type").any(|word| word == b"noteref")
        || words(b"role").any(|word| word == b"doc-noteref")
}
