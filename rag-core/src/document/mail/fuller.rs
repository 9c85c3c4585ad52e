//! Two versions of one message, plain and formatted: the one that says more, and what only the other one says.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::{add_blocks, add_text};
use crate::document::draft::Draft;
use crate::document::{BlockKind, Document, Location, text};

/// Words that one version may have beyond the other and still say the same: greetings, labels of links.
const ALIKE_WORDS: usize = 2;

/// As a share of the words of a version: one in so many.
const ALIKE_SHARE: usize = 20;

/// Words from which on what only one version says is a text of its own, not a notice about the other one.
const OWN_TEXT_WORDS: usize = 40;

/// Adds the version that says more; of the other one the paragraphs that say something else.
pub(in crate::document) fn add_fuller(
    draft: &mut Draft,
    plain: &str,
    rich: &Document,
    place: &Location,
) {
    let (plain_words, rich_words) = (word_set(plain), word_set(&rich.text));
    let only_rich = Surplus::of(&rich_words, &plain_words);
    let only_plain = Surplus::of(&plain_words, &rich_words);
    let keeps_plain = match (only_rich.is_little, only_plain.is_little) {
        (true, _) => true,
        (false, true) => false,
        (false, false) => plain_words.len() >= rich_words.len(),
    };
    if keeps_plain {
        add_text(draft, plain, place);
        if !only_rich.is_little && only_rich.counts {
            for block in &rich.blocks {
                let content = rich.text.get(block.range.clone()).unwrap_or_default();
                if says_more(content, &plain_words, &only_rich) {
                    draft.block(block.kind, content, place);
                }
            }
        }
        return;
    }
    add_blocks(draft, rich, place);
    if only_plain.is_little || !only_plain.counts {
        return;
    }
    for block in text::paragraphs(plain) {
        let content = plain.get(block.range).unwrap_or_default();
        if says_more(content, &rich_words, &only_plain) {
            draft.block(BlockKind::Paragraph, content, place);
        }
    }
}

/// What one version has and the other has not.
struct Surplus {
    /// So little that both say the same.
    is_little: bool,
    /// So much, or with such numbers, that it is worth keeping beside a fuller version.
    counts: bool,
    /// Whether it is a text of its own.
    is_text: bool,
}

impl Surplus {
    fn of(words: &HashSet<String>, others: &HashSet<String>) -> Self {
        let only: Vec<&String> = words.difference(others).collect();
        let has_number = only.iter().any(|word| is_number(word));
        let limit = ALIKE_WORDS.max(words.len() / ALIKE_SHARE);
        let is_text = only.len() >= OWN_TEXT_WORDS && only.len() * 2 >= words.len();
        Self {
            is_little: only.len() <= limit && !has_number,
            counts: is_text || has_number,
            is_text,
        }
    }
}

/// Whether a paragraph holds a number that the other version has not, or is mostly words that it has not.
fn says_more(paragraph: &str, others: &HashSet<String>, surplus: &Surplus) -> bool {
    let words = word_set(paragraph);
    let only: Vec<&String> = words.difference(others).collect();
    only.iter().any(|word| is_number(word)) || (surplus.is_text && only.len() * 2 > words.len())
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
