//! Running text in the making: words from the source with one blank between them, and where each
//! came from.

use std::ops::Range;

use crate::document::limits;
use crate::document::vocabulary::{Block, BlockKind, SourceMap};

/// Text, blocks and map so far.
#[derive(Default)]
pub(in crate::document) struct Flow {
    pub(in crate::document) text: String,
    pub(in crate::document) blocks: Vec<Block>,
    pub(in crate::document) map: SourceMap,
    /// Where the block that is being written begins.
    start: Option<usize>,
    /// Whether a blank stood before what comes next.
    blank: bool,
}

impl Flow {
    /// Adds the words of `piece`, which is what stands at `source` of the input.
    pub(in crate::document) fn exact(&mut self, piece: &str, source: usize) {
        self.add(piece, source..source + piece.len(), true);
    }

    /// Adds the words of `piece`, which stands for the input at `source`.
    pub(in crate::document) fn whole(&mut self, piece: &str, source: Range<usize>) {
        self.add(piece, source, false);
    }

    fn add(&mut self, piece: &str, source: Range<usize>, exact: bool) {
        for word in piece.split_inclusive(char::is_whitespace) {
            let shown = word.trim();
            if !shown.is_empty() {
                let start = self.begin();
                self.text.push_str(shown);
                if exact {
                    let offset = shown.as_ptr().addr() - piece.as_ptr().addr();
                    self.map.push_exact(start..self.text.len(), (source.start + offset) as u64);
                } else {
                    self.map.push_whole(start, shown, source.start as u64..source.end as u64);
                }
            }
            self.blank |= word.len() > shown.len();
        }
    }

    /// Adds lines as they stand in the input from `source` on.
    pub(in crate::document) fn lines(&mut self, piece: &str, source: usize) {
        let start = self.begin();
        self.text.push_str(piece);
        self.map.push_exact(start..self.text.len(), source as u64);
    }

    /// Adds a mark that stands for nothing in the input.
    pub(in crate::document) fn mark(&mut self, mark: &str) {
        self.begin();
        self.text.push_str(mark);
    }

    /// A character between words that is more than a blank: a tab between cells, the end of a line.
    pub(in crate::document) fn separator(&mut self, separator: char) {
        if self.start.is_some() {
            self.text.push(separator);
            self.blank = false;
        }
    }

    pub(in crate::document) fn blank(&mut self) {
        self.blank = true;
    }

    /// What was written of the block so far.
    pub(in crate::document) fn current(&self) -> &str {
        self.start.and_then(|start| self.text.get(start..)).unwrap_or_default()
    }

    /// The text of the block that comes next touches; nothing if white space or the start of a
    /// block parts them.
    pub(in crate::document) fn before(&self) -> &str {
        if self.blank { "" } else { self.current() }
    }

    /// Begins a block if none is open, else writes the blank that is due; gives where the next word
    /// stands.
    fn begin(&mut self) -> usize {
        limits::tick();
        if self.start.is_none() {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            self.start = Some(self.text.len());
        } else if self.blank && !self.text.ends_with(['\n', '\t']) {
            self.text.push(' ');
        }
        self.blank = false;
        self.text.len()
    }

    /// Ends the block that is being written.
    pub(in crate::document) fn end(&mut self, kind: BlockKind) {
        self.blank = false;
        let Some(start) = self.start.take() else { return };
        let written = self.text.get(start..).unwrap_or_default();
        let end = start + written.trim_end().len();
        let mapped = self.map.segments.last().map_or(0, |(range, _)| range.end);
        if mapped <= end {
            self.text.truncate(end);
        }
        if end > start {
            self.blocks.push(Block { kind, range: start..end });
        }
    }
}
