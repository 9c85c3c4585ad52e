//! The cells of tables: tabs between them, and what merged ones show again.

use super::{Builder, PendingSpace};
use crate::document::markup::html::spans::{Copy, MergedCells};
use crate::document::markup::html::start_tag::StartTag;
use crate::document::markup::html::tags::ElementEffect;

impl Builder<'_> {
    /// Notes the columns and rows that a cell of the outermost table covers; fills those covered
    /// from above.
    pub(super) fn begin_span(&mut self, tag: &StartTag, effect: ElementEffect) {
        if effect == ElementEffect::Table && self.table_depth == 0 {
            self.spans = MergedCells::default();
        }
        if self.table_depth != 1 {
            return;
        }
        match effect {
            ElementEffect::Row => {
                self.spans.begin_row();
                self.tabs = 0;
            }
            ElementEffect::Cell => {
                // a cell need not be closed
                self.end_cell();
                self.hang();
                self.next_cell();
                let number = |name| tag.text(name).and_then(|text| text.parse().ok()).unwrap_or(1);
                let is_spent = self.copy_budget == 0;
                let spans = (number(b"colspan"), number(b"rowspan"));
                let (columns, rows) = if is_spent { (1, 1) } else { spans };
                self.spans.begin_cell(self.page.text.len(), columns, rows);
            }
            _ => {}
        }
    }

    pub(super) fn hang(&mut self) {
        let first = self.spans.column();
        for (place, copy) in self.spans.hanging().into_iter().enumerate() {
            self.tabs += usize::from(first + place > 0);
            self.end_words();
            self.copy(&copy);
        }
    }

    /// Goes on to the cell of the next column.
    fn next_cell(&mut self) {
        self.tabs += usize::from(self.spans.column() > 0);
        self.end_words();
    }

    /// Forgets the white space at the end of a cell.
    fn end_words(&mut self) {
        if !matches!(self.gap, PendingSpace::Line) {
            self.gap = PendingSpace::Cell;
        }
    }

    /// Writes a cell again.
    pub(super) fn copy(&mut self, copy: &Copy) {
        let spent = self.copy_budget < copy.text.len() + 1;
        self.copy_budget = self.copy_budget.saturating_sub(copy.text.len() + 1);
        if spent || copy.text.is_empty() {
            return;
        }
        self.write_gap();
        let start = self.page.text.len();
        self.page.text.push_str(&copy.text);
        if let Some(source) = copy.source.clone() {
            self.page.map.push_whole(start, &copy.text, source);
        }
        self.gap = PendingSpace::Cell;
    }

    pub(super) fn end_cell(&mut self) {
        let Some(start) = self.spans.open_start() else { return };
        let text = self.page.text.get(start..).unwrap_or_default().trim().to_owned();
        let source = self.page.map.source_bytes(&(start..self.page.text.len()));
        let copy = Copy { text, source };
        let first = self.spans.column();
        let copies = self.spans.end_cell(&copy);
        for _ in 0..copies {
            self.tabs += 1;
            self.end_words();
            self.copy(&copy);
        }
        // columns that a long or empty cell covers without showing it again
        self.tabs += self.spans.column().saturating_sub(first + 1 + copies);
    }
}
