//! Writes words with the white space due before them, and where each came from.

use super::{Builder, PendingSpace};
use crate::document::markup::html::runs::TextRun;
use crate::document::vocabulary::BlockKind;

impl Builder<'_> {
    pub(super) fn line(&mut self) {
        match &mut self.gap {
            PendingSpace::Kept(kept, source) => {
                kept.push('\n');
                *source = usize::MAX;
            }
            _ => match self.roles.last() {
                Some(BlockKind::Heading { .. }) => self.space(None),
                Some(BlockKind::Code) => self.gap = PendingSpace::Kept("\n".to_owned(), usize::MAX),
                _ => self.gap = PendingSpace::Line,
            },
        }
    }

    pub(super) fn space(&mut self, source: Option<usize>) {
        match self.gap {
            PendingSpace::None => self.gap = PendingSpace::Space(source),
            PendingSpace::Space(_) => self.gap = PendingSpace::Space(None),
            PendingSpace::Line | PendingSpace::Cell | PendingSpace::Kept(..) => {}
        }
    }

    pub(super) fn running(&mut self, piece: &TextRun<'_>) {
        if self.roles.last() == Some(&BlockKind::Code) {
            self.kept(piece);
        } else {
            self.flow(piece);
        }
    }

    /// Running text: white space of any length is one space.
    pub(super) fn flow(&mut self, piece: &TextRun<'_>) {
        let mut start = 0;
        let is_space = |c: char| c.is_ascii_whitespace();
        for run in piece.text.split_inclusive(is_space) {
            let word = run.trim_end_matches(is_space);
            self.word(word, piece, start);
            start += word.len();
            if word.len() < run.len() {
                self.space(piece.exact.then_some(piece.source.start + start));
                start = start.max(start + run.len() - word.len());
            }
        }
    }

    /// Preformatted text: white space stays, but none begins or ends the block.
    pub(super) fn kept(&mut self, piece: &TextRun<'_>) {
        let mut start = 0;
        for run in piece.text.split_inclusive(char::is_whitespace) {
            let word = run.trim_end_matches(char::is_whitespace);
            self.word(word, piece, start);
            start += word.len();
            let white = run.get(word.len()..).unwrap_or_default();
            if !white.is_empty() {
                let source = if piece.exact { piece.source.start + start } else { usize::MAX };
                match &mut self.gap {
                    PendingSpace::Kept(kept, at) => {
                        let follows =
                            source != usize::MAX && at.checked_add(kept.len()) == Some(source);
                        if !follows {
                            *at = usize::MAX;
                        }
                        kept.push_str(white);
                    }
                    _ => self.gap = PendingSpace::Kept(white.to_owned(), source),
                }
                start += white.len();
            }
        }
    }

    /// Writes a word, which stands at `start` of the piece, after the white space due before it.
    pub(super) fn word(&mut self, word: &str, piece: &TextRun<'_>, start: usize) {
        let mut at = start;
        for part in word.split_inclusive('\u{ad}') {
            let shown = part.trim_end_matches('\u{ad}');
            if !shown.is_empty() {
                self.write_gap();
                let in_link = self.open_count.get(b"a".as_slice()).is_some_and(|&count| count > 0);
                self.link_bytes += if in_link { shown.len() } else { 0 };
                let text_start = self.page.text.len();
                self.page.text.push_str(shown);
                if piece.exact {
                    let source = (piece.source.start + at) as u64;
                    self.page.map.push_exact(text_start..self.page.text.len(), source);
                } else {
                    let source = piece.source.start as u64..piece.source.end as u64;
                    self.page.map.push_whole(text_start, shown, source);
                }
            }
            at += part.len();
        }
    }

    pub(super) fn write_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        let text = &mut self.page.text;
        if self.block.is_none() {
            if !text.is_empty() {
                text.push_str(if self.close_to_previous { "\n" } else { "\n\n" });
            }
            let kind = self.roles.last().copied().unwrap_or(BlockKind::Paragraph);
            self.block = Some((kind, text.len()));
            let tabs = std::mem::take(&mut self.tabs);
            if kind == BlockKind::Table {
                text.push_str(&"\t".repeat(tabs));
            }
            if let Some(mark) = self.mark.take().filter(|_| kind == BlockKind::ListItem) {
                text.push_str(&mark);
            }
            return;
        }
        let start = text.len();
        let tabs = std::mem::take(&mut self.tabs);
        match gap {
            PendingSpace::Line if tabs > 0 => {
                text.push('\n');
                text.push_str(&"\t".repeat(tabs));
            }
            _ if tabs > 0 => text.push_str(&"\t".repeat(tabs)),
            PendingSpace::None => {}
            PendingSpace::Space(source) => {
                text.push(' ');
                if let Some(source) = source {
                    self.page.map.push_exact(start..start + 1, source as u64);
                }
            }
            PendingSpace::Line => text.push('\n'),
            PendingSpace::Cell => text.push('\t'),
            PendingSpace::Kept(kept, source) => {
                text.push_str(&kept);
                if source != usize::MAX {
                    self.page.map.push_exact(start..text.len(), source as u64);
                }
            }
        }
    }
}
