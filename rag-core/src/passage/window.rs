//! The tokens just ahead of the splitter, counted piece by piece so that no text is tokenised twice
//! to find a cut.

use std::collections::VecDeque;

use super::TokenRanges;
use crate::error::Result;

/// Bytes handed to the tokenizer at once, cut at white space where there is some.
const PIECE_BYTES: usize = 4096;

/// Where the tokens of a stretch of text start.
pub(super) struct TokenWindow<'a> {
    text: &'a str,
    tokens: &'a dyn TokenRanges,
    /// Starts of tokens at or after the last `advance`, in order.
    starts: VecDeque<usize>,
    /// Text before this was tokenised.
    next: usize,
}

impl<'a> TokenWindow<'a> {
    pub(super) fn new(text: &'a str, tokens: &'a dyn TokenRanges) -> Self {
        Self { text, tokens, starts: VecDeque::new(), next: 0 }
    }

    /// Forgets what stands before `start`, then sees to it that `count` tokens from there on are
    /// known, or all up to `end`.
    pub(super) fn advance(&mut self, start: usize, end: usize, count: usize) -> Result<()> {
        while self.starts.front().is_some_and(|&first| first < start) {
            self.starts.pop_front();
        }
        self.next = self.next.max(start);
        while self.starts.len() < count && self.next < end {
            self.read_piece(end)?;
        }
        Ok(())
    }

    fn read_piece(&mut self, end: usize) -> Result<()> {
        let start = self.next;
        let limit = self.text.floor_char_boundary(end.min(start + PIECE_BYTES));
        let mut stop = limit;
        if limit < end {
            let piece = self.text.get(start..limit).unwrap_or_default();
            let white = piece.char_indices().rev().find(|(_, c)| c.is_whitespace());
            stop = white.map_or(limit, |(at, _)| start + at).max(start + 1);
            stop = self.text.ceil_char_boundary(stop);
        }
        let piece = self.text.get(start..stop).unwrap_or_default();
        let mut last = start;
        for range in self.tokens.token_ranges(piece)? {
            last = last.max((start + range.start).min(stop));
            self.starts.push_back(last);
        }
        self.next = stop;
        Ok(())
    }

    /// Tokens known that start before `place`.
    pub(super) fn count_before(&self, place: usize) -> usize {
        self.starts.partition_point(|&start| start < place)
    }

    /// Tokens known.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Where the known token `index` starts.
    pub(super) fn start_of(&self, index: usize) -> Option<usize> {
        self.starts.get(index).copied()
    }
}
