//! Pieces merged by score, as SentencePiece's byte-pair models do (Kudo and Richardson 2018): Llama
//! 2, Mistral, Phi-3, Gemma.
//!
//! Starting from characters, the two neighbours whose union has the best score are joined, leftmost
//! first among equals, until no union is a piece. A character that is no piece is written as its
//! bytes.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

/// What stands for a space inside a piece.
pub(super) const SPACE: char = '\u{2581}';

/// A vocabulary of scored pieces.
pub(super) struct SentencePiece {
    /// The pieces that text may become.
    pub(super) ids: HashMap<String, u32>,
    /// One score per token.
    pub(super) scores: Vec<f32>,
    /// The token of each byte, for characters that are no piece.
    pub(super) bytes: [Option<u32>; 256],
    pub(super) unknown: Option<u32>,
    /// Whether a text that opens a prompt, or follows a control token, is read as if a space came
    /// before it.
    pub(super) opens_with_space: bool,
}

/// A stretch of the text, linked to its neighbours; empty once joined to the one before.
#[derive(Clone, Copy)]
struct Symbol {
    start: usize,
    end: usize,
    before: usize,
    after: usize,
}

const NONE: usize = usize::MAX;

/// Two neighbours that would make a piece.
#[derive(PartialEq)]
struct Union {
    score: f32,
    left: usize,
    right: usize,
    end: usize,
}

impl Eq for Union {}

impl Ord for Union {
    fn cmp(&self, other: &Self) -> Ordering {
        self.score.total_cmp(&other.score).then(other.left.cmp(&self.left))
    }
}

impl PartialOrd for Union {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl SentencePiece {
    /// The tokens of `text`; `opens` says that it opens the prompt or follows a control token.
    pub(super) fn encode(&self, text: &str, opens: bool) -> Vec<u32> {
        let mut ids = Vec::new();
        if text.is_empty() {
            return ids;
        }
        let mut plain = text.replace(' ', SPACE.encode_utf8(&mut [0; 4]));
        if opens && self.opens_with_space {
            plain.insert(0, SPACE);
        }
        self.merge(&plain, &mut ids);
        ids
    }

    fn merge(&self, text: &str, ids: &mut Vec<u32>) {
        let mut symbols = characters(text);
        let mut unions = BinaryHeap::new();
        for left in 0..symbols.len() {
            self.propose(text, &symbols, left, &mut unions);
        }
        while let Some(union) = unions.pop() {
            let (left, right) = (symbols[union.left], symbols[union.right]);
            // Either side may have been joined to something else meanwhile.
            let is_stale =
                left.after != union.right || left.start == left.end || right.end != union.end;
            if is_stale {
                continue;
            }
            symbols[union.left].end = right.end;
            symbols[union.left].after = right.after;
            symbols[union.right].start = right.end;
            if right.after != NONE {
                symbols[right.after].before = union.left;
            }
            if left.before != NONE {
                self.propose(text, &symbols, left.before, &mut unions);
            }
            self.propose(text, &symbols, union.left, &mut unions);
        }
        for symbol in symbols.iter().filter(|symbol| symbol.start < symbol.end) {
            self.push(&text[symbol.start..symbol.end], ids);
        }
    }

    /// Puts the union of `left` and its neighbour on the heap, if it is a piece.
    fn propose(&self, text: &str, symbols: &[Symbol], left: usize, unions: &mut BinaryHeap<Union>) {
        let right = symbols[left].after;
        if right == NONE {
            return;
        }
        let end = symbols[right].end;
        if let Some(id) = self.ids.get(&text[symbols[left].start..end]) {
            let score = self.scores.get(*id as usize).copied().unwrap_or(f32::NEG_INFINITY);
            unions.push(Union { score, left, right, end });
        }
    }

    fn push(&self, piece: &str, ids: &mut Vec<u32>) {
        if let Some(id) = self.ids.get(piece) {
            ids.push(*id);
            return;
        }
        let bytes = piece.bytes().map(|byte| self.bytes[usize::from(byte)].or(self.unknown));
        ids.extend(bytes.flatten());
    }
}

fn characters(text: &str) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = text
        .char_indices()
        .enumerate()
        .map(|(index, (start, character))| Symbol {
            start,
            end: start + character.len_utf8(),
            before: index.checked_sub(1).unwrap_or(NONE),
            after: index + 1,
        })
        .collect();
    if let Some(last) = symbols.last_mut() {
        last.after = NONE;
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(scored: &[(&str, f32)], opens_with_space: bool) -> SentencePiece {
        let ids = scored.iter().zip(0u32..).map(|((piece, _), id)| ((*piece).to_owned(), id));
        let mut bytes = [None; 256];
        bytes[0xC3] = Some(90);
        bytes[0xA9] = Some(91);
        let scores = scored.iter().map(|(_, score)| *score).collect();
        SentencePiece { ids: ids.collect(), scores, bytes, unknown: Some(99), opens_with_space }
    }

    #[test]
    fn the_best_union_is_joined_first_and_the_leftmost_among_equals() {
        let scored = [("a", -9.0), ("b", -9.0), ("ab", -2.0), ("ba", -1.0), ("aba", -3.0)];
        let model = pieces(&scored, false);
        assert_eq!(model.encode("aba", false), [4]);
        assert_eq!(model.encode("abab", false), [4, 1], "ba, then a + ba");
        let model = pieces(&[("a", 0.0), ("aa", 0.0)], false);
        assert_eq!(model.encode("aaaaa", false), [1, 1, 0]);
    }

    #[test]
    fn what_is_no_piece_becomes_bytes_or_the_unknown_token() {
        let model = pieces(&[("a", 0.0)], false);
        assert_eq!(model.encode("a\u{e9}z", false), [0, 90, 91, 99]);
        assert_eq!(model.encode("", true), [0; 0]);
    }

    #[test]
    fn a_space_is_put_before_a_text_that_opens_only() {
        let model = pieces(&[("\u{2581}", -3.0), ("a", -3.0), ("\u{2581}a", -1.0)], true);
        assert_eq!(model.encode("a", true), [2]);
        assert_eq!(model.encode("a", false), [1]);
        assert_eq!(model.encode("a a", true), [2, 2]);
    }
}
