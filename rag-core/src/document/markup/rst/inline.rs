//! Words inside a paragraph: emphasis, literals, roles, references and escapes without their marks.

use std::collections::HashMap;
use std::ops::Range;

use crate::document::writing::flow::Flow;
use crate::document::writing::script::{self, Script};

/// Longest stretch between two marks; keeps the search for the second one at constant cost.
const MAX_SPAN_BYTES: usize = 2000;

/// Second marks that are looked at, likewise.
const MAX_CLOSINGS: usize = 8;

/// Adds the words of `range` of the input to the block that is being written.
pub(super) fn add(
    flow: &mut Flow,
    input: &str,
    range: Range<usize>,
    substitutions: &HashMap<&str, &str>,
) {
    let mut at = range.start;
    while at < range.end {
        let Some(rest) = input.get(at..range.end) else { return };
        let before = input.get(range.start..at).and_then(|text| text.chars().next_back());
        let plain = rest.find(['`', '*', '|', '_', '\\', ':']).unwrap_or(rest.len());
        if plain > 0 {
            flow.exact(rest.get(..plain).unwrap_or_default(), at);
            at += plain;
            continue;
        }
        let window = rest.get(..rest.floor_char_boundary(MAX_SPAN_BYTES)).unwrap_or_default();
        at += match special(window, before) {
            InlinePiece::Words { range: words, length } => {
                let (start, end) = (at + words.start, at + words.end);
                // What is inside marks may hold escapes, but no marks.
                flow.exact(input.get(start..end).unwrap_or_default(), start);
                length
            }
            InlinePiece::Name { name, length } => {
                match substitutions.get(name) {
                    Some(text) => flow.whole(text, at..at + length),
                    None => flow.exact(name, at + 1),
                }
                length
            }
            InlinePiece::Raised { script, content, length } => {
                let shown = script::shown(script, content, flow.before());
                flow.whole(&shown, at..at + length);
                length
            }
            InlinePiece::Nothing { length } => length,
        };
    }
}

/// What a special character begins.
enum InlinePiece<'a> {
    /// Words between marks: where they are, and how long all of it is.
    Words { range: Range<usize>, length: usize },
    /// The name of a substitution.
    Name { name: &'a str, length: usize },
    /// A superscript or subscript.
    Raised { script: Script, content: &'a str, length: usize },
    /// Marks that stand for nothing.
    Nothing { length: usize },
}

/// Reads the special character that `rest` begins with; `before` stands before it.
fn special(rest: &str, before: Option<char>) -> InlinePiece<'_> {
    let itself = InlinePiece::Words { range: 0..1, length: 1 };
    let opens =
        before.is_none_or(|c| c.is_whitespace() || "'\"([{<-/:\u{ab}\u{2018}\u{201c}".contains(c));
    match rest.as_bytes() {
        [b'\\', next, ..] if next.is_ascii_whitespace() => InlinePiece::Nothing { length: 2 },
        [b'\\', ..] => {
            let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
            InlinePiece::Words { range: 1..1 + escaped, length: 1 + escaped }
        }
        [b'`', b'`', ..] => match rest.get(2..).and_then(|inner| inner.find("``")) {
            Some(end) if end > 0 => InlinePiece::Words { range: 2..2 + end, length: end + 4 },
            _ => InlinePiece::Words { range: 0..2, length: 2 },
        },
        [b'`', ..] if opens => interpreted(rest, 0).unwrap_or(itself),
        [b':', ..] if opens => role(rest).unwrap_or(itself),
        [b'*', b'*', ..] if opens => {
            between(rest, "**").unwrap_or(InlinePiece::Words { range: 0..2, length: 2 })
        }
        [b'*', ..] if opens => between(rest, "*").unwrap_or(itself),
        [b'|', ..] if opens => match between(rest, "|") {
            Some(InlinePiece::Words { range, length }) => {
                let after = rest.get(length..).unwrap_or_default();
                let underscores = after.bytes().take_while(|&b| b == b'_').count().min(2);
                let name = rest.get(range).unwrap_or_default();
                InlinePiece::Name { name, length: length + underscores }
            }
            _ => itself,
        },
        [b'_', ..] => reference(rest, before),
        _ => itself,
    }
}

/// Words between two marks: no white space inside them at the marks, none but punctuation after the
/// second.
fn between<'a>(rest: &'a str, mark: &str) -> Option<InlinePiece<'a>> {
    let inner = rest.get(mark.len()..)?;
    if inner.starts_with(char::is_whitespace) {
        return None;
    }
    let mut from = 0;
    for _ in 0..MAX_CLOSINGS {
        let end = from + inner.get(from..)?.find(mark)?;
        let last = inner.get(..end)?.chars().next_back()?;
        let after = inner.get(end + mark.len()..)?.chars().next();
        if !last.is_whitespace() && last != '\\' && after.is_none_or(|c| !c.is_alphanumeric()) {
            let range = mark.len()..mark.len() + end;
            return Some(InlinePiece::Words { range, length: end + 2 * mark.len() });
        }
        from = end + mark.len();
    }
    None
}

/// `` :role:`text` ``, from the colon on.
fn role(rest: &str) -> Option<InlinePiece<'_>> {
    let tick = rest.find('`')?;
    let name = rest.get(1..tick)?.strip_suffix(':')?;
    let sound = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '+' | ':' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(sound) {
        return None;
    }
    let piece = interpreted(rest, tick)?;
    let script = match name {
        "sup" | "superscript" => Script::Superscript,
        "sub" | "subscript" => Script::Subscript,
        _ => return Some(piece),
    };
    match piece {
        InlinePiece::Words { range, length } => {
            Some(InlinePiece::Raised { script, content: rest.get(range)?, length })
        }
        piece => Some(piece),
    }
}

/// `` `text` ``, `` `text <target>`_ ``, `` `~module.name` `` from the tick at `tick` on.
fn interpreted(rest: &str, tick: usize) -> Option<InlinePiece<'_>> {
    let start = tick + 1;
    let inner = rest.get(start..)?;
    let end = inner.find('`').filter(|&end| end > 0)?;
    let after = inner.get(end + 1..)?;
    let underscores = after.bytes().take_while(|&b| b == b'_').count().min(2);
    let length = start + end + 1 + underscores;
    let content = inner.get(..end)?;
    let mut words = 0..content.len();
    if let Some(open) = content.rfind('<')
        && content.ends_with('>')
        && open > 0
    {
        words.end = content.get(..open)?.trim_end().len();
    }
    match content.as_bytes().first() {
        Some(b'!') => words.start = 1,
        Some(b'~') => words.start = content.get(..words.end)?.rfind('.').map_or(1, |dot| dot + 1),
        _ => {}
    }
    Some(InlinePiece::Words {
        range: start + words.start..start + words.end.max(words.start),
        length,
    })
}

/// The underscore of `name_`, `[1]_` and `name__` says that it is a reference; any other is a
/// character.
fn reference(rest: &str, before: Option<char>) -> InlinePiece<'_> {
    let count = rest.bytes().take_while(|&b| b == b'_').count();
    let after = rest.get(count..).and_then(|rest| rest.chars().next());
    let ends = after
        .is_none_or(|c| c.is_whitespace() || "'\")]}>-/:.,;!?\u{bb}\u{2019}\u{201d}".contains(c));
    let named = before.is_some_and(|c| c.is_alphanumeric() || c == ']');
    match count <= 2 && named && ends {
        true => InlinePiece::Nothing { length: count },
        false => InlinePiece::Words { range: 0..count, length: count },
    }
}
