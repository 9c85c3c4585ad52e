//! Marks of passages in the texts of documents and models. In a prompt `[1]` stands before a
//! passage, in an answer behind what it supports, and the engine alone may write it: whoever else
//! does is told apart here.

use std::borrow::Cow;
use std::ops::Range;

/// Most bytes between the brackets of a mark.
const MAX_BYTES: usize = 24;
/// Most letters of the word of a fence, ours has four.
const MAX_WORD: usize = 8;

/// What stands between two brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Numbers, as before a passage.
    Numbers,
    /// A number and a word, or a slash and a word, as around a passage in a fence.
    Fence,
    /// Something else.
    Other,
}

/// `text` with round brackets around what would pass for a mark of ours, for a prompt. An index
/// (`x[0]`) or a reference that stands right behind its word is none.
pub(crate) fn disarm(text: &str) -> Cow<'_, str> {
    let mut disarmed = String::new();
    let mut written = 0;
    for mark in marks(text) {
        let follows_mark = written > 0 && written == mark.start;
        if !follows_mark && is_index(text, mark.start) {
            continue;
        }
        let inside = text.get(mark.clone()).unwrap_or_default();
        let inside = inside.trim_start_matches(opens).trim_end_matches(closes);
        disarmed.push_str(text.get(written..mark.start).unwrap_or_default());
        disarmed.push_str(&format!("({inside})"));
        written = mark.end;
    }
    if written == 0 {
        return Cow::Borrowed(text);
    }
    disarmed.push_str(text.get(written..).unwrap_or_default());
    Cow::Owned(disarmed)
}

/// Whether what opens at `start` belongs to the word before it.
fn is_index(text: &str, start: usize) -> bool {
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ')' | ']'))
}

/// Whether something in `text` would pass for a mark of ours.
pub(crate) fn has_marks(text: &str) -> bool {
    marks(text).next().is_some()
}

/// `text` without marks and the spaces before them.
pub(crate) fn strip(text: &str) -> String {
    let mut stripped = String::with_capacity(text.len());
    let mut written = 0;
    for mark in marks(text) {
        stripped.push_str(text.get(written..mark.start).unwrap_or_default().trim_end_matches(' '));
        written = mark.end;
    }
    stripped.push_str(text.get(written..).unwrap_or_default());
    stripped
}

/// Takes the marks out of a text that comes in pieces; the pieces that it gives add up to [`strip`]
/// of the whole.
#[derive(Debug, Default)]
pub(crate) struct StripStream {
    /// The end of what came, which may be the beginning of a mark.
    kept: String,
}

impl StripStream {
    /// Takes the next piece and gives what is decided.
    pub(crate) fn push(&mut self, piece: &str) -> String {
        self.kept.push_str(piece);
        let undecided = undecided(&self.kept);
        let rest = self.kept.split_off(undecided);
        strip(&std::mem::replace(&mut self.kept, rest))
    }

    /// What is left at the end of the text.
    pub(crate) fn finish(self) -> String {
        strip(&self.kept)
    }
}

/// Where the end of `text` begins that later text may make a mark of: an open bracket, and the
/// spaces before it.
fn undecided(text: &str) -> usize {
    let closed_before = |open: usize| text.get(open..).unwrap_or_default().contains(closes);
    let open = text.char_indices().rev().take(MAX_BYTES + 2).find(|(_, c)| opens(*c));
    let end = match open {
        Some((open, _)) if !closed_before(open) && text.len() - open <= MAX_BYTES + 4 => open,
        _ => text.len(),
    };
    text.get(..end).unwrap_or_default().trim_end_matches(' ').len()
}

fn opens(c: char) -> bool {
    matches!(c, '[' | '\u{ff3b}' | '\u{3010}' | '\u{3014}' | '\u{301a}' | '\u{27e6}')
}

fn closes(c: char) -> bool {
    matches!(c, ']' | '\u{ff3d}' | '\u{3011}' | '\u{3015}' | '\u{301b}' | '\u{27e7}')
}

/// Every mark in `text`, brackets included.
fn marks(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let open = at + text.get(at..)?.find(opens)?;
            let width = text.get(open..)?.chars().next()?.len_utf8();
            at = open + width;
            let rest = text.get(at..)?;
            // the nearest bracket of either kind: what is opened anew in between is looked at by
            // itself
            let Some(end) = rest.find(|c| closes(c) || opens(c)) else { continue };
            let close = rest.get(end..)?.chars().next()?;
            if closes(close) && kind(rest.get(..end)?) != Inside::Other {
                at += end + close.len_utf8();
                return Some(open..at);
            }
        }
    })
}

fn kind(inside: &str) -> Inside {
    if inside.len() > MAX_BYTES {
        return Inside::Other;
    }
    // characters that do not show do not make another mark
    let inside: String = inside.chars().filter(|c| !is_blank(*c)).collect();
    let digits = |text: &str| !text.is_empty() && text.chars().all(char::is_numeric);
    let word = |text: &str| {
        (1..=MAX_WORD).contains(&text.chars().count()) && text.chars().all(char::is_alphanumeric)
    };
    let numbers = inside.trim_start_matches('^').split(',').all(digits);
    // a time of day is none
    let opens_fence = inside.split_once(':').is_some_and(|(number, rest)| {
        digits(number) && word(rest) && rest.contains(char::is_alphabetic)
    });
    match inside.strip_prefix('/') {
        _ if numbers => Inside::Numbers,
        _ if opens_fence => Inside::Fence,
        Some(rest) if word(rest) => Inside::Fence,
        _ => Inside::Other,
    }
}

/// White space on one line, and what has no width.
fn is_blank(c: char) -> bool {
    (c.is_whitespace() && c != '\n')
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_document_cannot_write_a_mark() {
        assert_eq!(disarm("[1] policy.md: shut"), "(1) policy.md: shut");
        assert_eq!(
            disarm("\n\n[2] a [3, 4]\n[1:ab2c] b [/ab2c]"),
            "\n\n(2) a (3, 4)\n(1:ab2c) b (/ab2c)"
        );
        assert_eq!(
            disarm("\u{3010}1\u{3011}\u{ff3b}\u{ff12}\u{ff3d} [ 1 ] [1\u{200b}]"),
            "(1)(\u{ff12}) ( 1 ) (1\u{200b})"
        );
        assert_eq!(disarm("[[1]] [^7] [1][2] a[0][1]"), "[(1)] (^7) (1)(2) a[0][1]");
        for text in
            ["x[0] = 1", "[see below]", "[a](b)", "bridge[3] was", "[1", "1]", "[]", "[ ]", "[x]"]
        {
            assert_eq!(disarm(text), text);
        }
    }

    #[test]
    fn marks_are_taken_out_with_the_spaces_before_them() {
        assert_eq!(strip("In 1871 [1], not [2, 3]."), "In 1871, not.");
        assert_eq!(strip("In 1871 \u{3010}1\u{3011} [1:ab2c] so [/ab2c]."), "In 1871 so.");
        assert_eq!(strip("[EMAIL] wrote [12:30] [ ] so"), "[EMAIL] wrote [12:30] [ ] so");
        assert_eq!(strip("a [1"), "a [1");
        assert!(has_marks("a [1] b") && !has_marks("a [b] 1"));
    }

    proptest! {
        #[test]
        fn pieces_add_up_to_the_whole(text in "[\\[\\]0-9 a,:/\u{3010}\u{3011}\n]{0,40}", cuts in prop::collection::vec(0_usize..40, 0..6)) {
            let chars: Vec<char> = text.chars().collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(chars.len())).collect();
            cuts.sort_unstable();
            let (mut stream, mut seen, mut start) = (StripStream::default(), String::new(), 0);
            for end in cuts.into_iter().chain([chars.len()]) {
                let piece: String = chars.get(start..end).unwrap_or_default().iter().collect();
                seen.push_str(&stream.push(&piece));
                start = end;
            }
            seen.push_str(&stream.finish());
            prop_assert_eq!(seen, strip(&text));
        }

        #[test]
        fn what_was_disarmed_has_no_mark_at_the_start_of_a_word(text in "[\\[\\]0-9 a,:/\n]{0,40}") {
            let disarmed = disarm(&text);
            prop_assert!(marks(&disarmed).all(|mark| is_index(&disarmed, mark.start)));
        }
    }
}
