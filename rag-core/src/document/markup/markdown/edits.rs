//! What of a Markdown text is not read as it is written: struck-out text is left out, and
//! superscripts in HTML get characters of their own. A text without either stays the file.

use std::ops::Range;

use pulldown_cmark::{Event, Parser, Tag, TagEnd};

use crate::document::limits;
use crate::document::vocabulary::{SourceMap, UnreadKind, unread};
use crate::document::writing::script::{self, Script};

/// A stretch that is written otherwise.
struct Edit {
    range: Range<usize>,
    shown: String,
}

/// `text` as it is read, and where each part of it stands in `text`.
pub(super) fn apply(text: &str) -> (String, SourceMap) {
    let mut read = String::with_capacity(text.len());
    let mut map = SourceMap::default();
    let mut at = 0;
    let end = Edit { range: text.len()..text.len(), shown: String::new() };
    for edit in edits(text).into_iter().chain([end]) {
        if edit.range.start < at {
            continue;
        }
        let piece = text.get(at..edit.range.start).unwrap_or_default();
        map.push_exact(read.len()..read.len() + piece.len(), at as u64);
        read.push_str(piece);
        map.push_whole(read.len(), &edit.shown, edit.range.start as u64..edit.range.end as u64);
        read.push_str(&edit.shown);
        at = edit.range.end;
    }
    (read, map)
}

/// What is open: a tag of HTML, and where its content begins.
struct OpenTag {
    name: &'static str,
    start: usize,
    content: usize,
}

/// The edits in the order of the text; one inside another follows it.
fn edits(text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut open: Option<OpenTag> = None;
    let is_plain = !text.contains("~~") && !text.contains('<');
    if is_plain {
        return edits;
    }
    let mut struck = None;
    for (event, range) in Parser::new_ext(text, super::options()).into_offset_iter() {
        limits::tick();
        match event {
            Event::Start(Tag::Strikethrough) => struck = struck.or(Some(range.start)),
            Event::End(TagEnd::Strikethrough) if struck == Some(range.start) => {
                struck = None;
                edits.push(deleted(text, range));
            }
            Event::Html(_) | Event::InlineHtml(_) => tags(text, range, &mut open, &mut edits),
            // What is open in one paragraph does not end in another.
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::Heading(_)) => open = None,
            _ => {}
        }
    }
    edits.sort_by_key(|edit| (edit.range.start, std::cmp::Reverse(edit.range.end)));
    edits
}

fn deleted(text: &str, range: Range<usize>) -> Edit {
    unread::note(UnreadKind::DeletedText, 1);
    // One of the blanks around it goes with it.
    let blank = |at: Option<&u8>| at.is_some_and(|byte| *byte == b' ');
    let bytes = text.as_bytes();
    let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
    let after = usize::from(blank(before) && blank(bytes.get(range.end)));
    Edit { range: range.start..range.end + after, shown: String::new() }
}

/// Elements whose content is written otherwise.
const ELEMENTS: [&str; 5] = ["sup", "sub", "del", "s", "strike"];

/// Follows the tags in the HTML at `range`.
fn tags(text: &str, range: Range<usize>, open: &mut Option<OpenTag>, edits: &mut Vec<Edit>) {
    let html = text.get(range.clone()).unwrap_or_default();
    for (offset, _) in html.match_indices('<') {
        let rest = html.get(offset + 1..).unwrap_or_default();
        let Some(close) = rest.find('>') else { return };
        let tag = rest.get(..close).unwrap_or_default();
        let (start, end) = (range.start + offset, range.start + offset + 1 + close + 1);
        let ended = tag.strip_prefix('/');
        let word = ended.unwrap_or(tag).split(|c: char| !c.is_ascii_alphanumeric()).next();
        let name = ELEMENTS.iter().find(|name| word.is_some_and(|w| w.eq_ignore_ascii_case(name)));
        let Some(name) = name else { continue };
        match (ended, open.take()) {
            (None, _) => *open = Some(OpenTag { name, start, content: end }),
            (Some(_), Some(begun)) if begun.name == *name => {
                edits.extend(element(text, &begun, start, end));
            }
            (Some(_), _) => {}
        }
    }
}

/// The edit for an element from its start tag to `end`, whose content ends at `content_end`.
fn element(text: &str, begun: &OpenTag, content_end: usize, end: usize) -> Option<Edit> {
    let script = match begun.name {
        "sup" => Script::Superscript,
        "sub" => Script::Subscript,
        _ => return Some(deleted(text, begun.start..end)),
    };
    let content = text.get(begun.content..content_end)?;
    let is_plain = content.chars().count() <= script::MAX_SCRIPT_CHARS
        && !content.contains(['<', '[', '`', '\n']);
    let line = text.get(..begun.start)?;
    let before = line.get(line.rfind('\n').map_or(0, |at| at + 1)..)?;
    let shown = script::shown(script, content, before);
    is_plain.then_some(Edit { range: begun.start..end, shown })
}
