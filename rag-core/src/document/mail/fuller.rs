//! Two versions of one message, plain and formatted: the one that says more, and what only the
//! other one says.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::{add_blocks, add_text};
use crate::document::text::plain;
use crate::document::vocabulary::{BlockKind, Document, Location};
use crate::document::writing::draft::DocumentDraft;

/// Words that one version may have beyond the other and still say the same: greetings, labels of
/// links.
const ALIKE_WORDS: usize = 2;

/// As a share of the words of a version: one in so many.
const ALIKE_SHARE: usize = 20;

/// Words of a notice about the other version at most.
const NOTICE_WORDS: usize = 40;

/// What such notices speak of, in any language.
const NOTICE_OF: [&str; 9] = [
    "html",
    "mime",
    "browser",
    "webbrowser",
    "navigateur",
    "navegador",
    "viewer",
    "webversion",
    "\u{431}\u{440}\u{430}\u{443}\u{437}\u{435}\u{440}",
];

/// Adds the version that says more; of the other one the paragraphs that say something else.
pub(in crate::document) fn add_fuller(
    draft: &mut DocumentDraft,
    plain: &str,
    rich: &Document,
    place: &Location,
) {
    let (plain_words, rich_words) = (word_set(plain), word_set(&rich.text));
    if is_within(&rich_words, &plain_words) {
        return add_text(draft, plain, place);
    }
    if is_within(&plain_words, &rich_words) {
        return add_blocks(draft, rich, place);
    }
    // People see the formatted version; it comes first unless it is a notice itself.
    if rich_words.len() * 2 >= plain_words.len() {
        add_blocks(draft, rich, place);
        for block in plain::paragraphs(plain) {
            let content = plain.get(block.range).unwrap_or_default();
            if says_more(content, &rich_words) && !is_notice(content, &rich_words) {
                draft.block(BlockKind::Paragraph, content, place);
            }
        }
        return;
    }
    add_text(draft, plain, place);
    for block in &rich.blocks {
        let content = rich.text.get(block.range.clone()).unwrap_or_default();
        if says_more(content, &plain_words) && !is_notice(content, &plain_words) {
            draft.block(block.kind, content, place);
        }
    }
}

/// Whether the other version says all of this one, but for a few words that are no numbers.
fn is_within(words: &HashSet<String>, others: &HashSet<String>) -> bool {
    let mut only = words.difference(others);
    let limit = ALIKE_WORDS.min(words.len() / 2).max(words.len() / ALIKE_SHARE);
    only.clone().count() <= limit && !only.any(|word| is_number(word))
}

/// Whether a paragraph holds a number that the other version has not, or is mostly words that it
/// has not.
fn says_more(paragraph: &str, others: &HashSet<String>) -> bool {
    let words = word_set(paragraph);
    let only: Vec<&String> = words.difference(others).collect();
    only.len() * 2 > words.len() || only.iter().any(|word| is_number(word))
}

/// Whether a paragraph only says that there is another version.
fn is_notice(paragraph: &str, others: &HashSet<String>) -> bool {
    let words = word_set(paragraph);
    words.len() <= NOTICE_WORDS
        && words.iter().any(|word| NOTICE_OF.contains(&word.as_str()))
        && !words.difference(others).any(|word| is_number(word))
}

/// A number that says something; single digits count links and paragraphs.
fn is_number(word: &str) -> bool {
    word.len() > 1 && word.contains(|c: char| c.is_ascii_digit())
}

/// The words of a version without links, which plain text spells out, in lower case.
fn word_set(text: &str) -> HashSet<String> {
    let shown = text.split_whitespace().filter(|piece| {
        !piece.contains("://") && !piece.contains("mailto:") && !piece.contains("cid:")
    });
    shown.flat_map(UnicodeSegmentation::unicode_words).map(str::to_lowercase).collect()
}
