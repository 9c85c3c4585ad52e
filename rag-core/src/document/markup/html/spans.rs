//! Merged cells of HTML tables: what a cell shows in further columns and rows that it covers.

use std::ops::Range;

/// Columns or rows that one cell is repeated over.
const MAX_SPAN: usize = 30;

/// Bytes of a cell that is repeated; a longer one stands only once.
const MAX_REPEATED_BYTES: usize = 200;

/// Columns of a table in which merged cells are followed.
const MAX_COLUMNS: usize = 1000;

/// A copy of a cell: its text and the bytes of the file it came from.
#[derive(Clone, Default)]
pub(super) struct Copy {
    pub(super) text: String,
    pub(super) source: Option<Range<u64>>,
}

/// The merged cells of one table.
#[derive(Default)]
pub(super) struct MergedCells {
    column: usize,
    /// For each column, what hangs down from above and for how many more rows.
    hanging: Vec<(Copy, usize)>,
    /// The cell that is open: where its text begins, columns and rows it covers.
    open: Option<(usize, usize, usize)>,
}

impl MergedCells {
    pub(super) fn begin_row(&mut self) {
        self.column = 0;
        self.open = None;
    }

    /// The column of the next cell, from 0.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// What hangs into the columns from here on, column by column.
    pub(super) fn hanging(&mut self) -> Vec<Copy> {
        let mut copies = Vec::new();
        while let Some((copy, left)) = self.hanging.get_mut(self.column).filter(|(_, n)| *n > 0) {
            *left -= 1;
            copies.push(copy.clone());
            self.column += 1;
        }
        copies
    }

    pub(super) fn begin_cell(&mut self, text_start: usize, columns: usize, rows: usize) {
        self.open = Some((text_start, columns.clamp(1, MAX_SPAN), rows.clamp(1, MAX_SPAN)));
    }

    /// Where the text of the open cell begins.
    pub(super) fn open_start(&self) -> Option<usize> {
        self.open.map(|(start, ..)| start)
    }

    /// Ends the open cell, which showed `copy`; gives how many more columns show it.
    pub(super) fn end_cell(&mut self, copy: &Copy) -> usize {
        let Some((_, columns, rows)) = self.open.take() else { return 0 };
        let narrow = self.column + columns <= MAX_COLUMNS;
        let short = narrow && copy.text.len() <= MAX_REPEATED_BYTES && !copy.text.is_empty();
        if rows > 1 && narrow {
            let end = self.column + columns;
            self.hanging.resize(self.hanging.len().max(end), (Copy::default(), 0));
            for place in self.hanging.iter_mut().take(end).skip(self.column) {
                *place = (if short { copy.clone() } else { Copy::default() }, rows - 1);
            }
        }
        self.column += columns;
        if short { columns - 1 } else { 0 }
    }
}
