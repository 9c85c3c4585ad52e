//! Packing: weights laid out in panels, in the order in which the micro-kernel reads them.

use std::ops::Range;

use crate::kernels::isa::{Isa, Simd, Work};

/// Columns of a panel.
pub(super) fn panel_columns(isa: Isa) -> usize {
    isa.run(PanelColumns)
}

struct PanelColumns;

impl Work for PanelColumns {
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::NR
    }
}

/// The right-hand side of a product, laid out in panels of [`panel_columns`] columns.
#[derive(Debug, Default, Clone)]
pub(crate) struct Packed<W = f32> {
    /// Panel after panel; a panel is `depth` rows of `columns` words, zero where it is wider than
    /// the matrix.
    pub(crate) data: Vec<W>,
    /// Words of a column.
    pub(crate) depth: usize,
    pub(crate) width: usize,
}

impl<W: Copy + Default> Packed<W> {
    /// Packs `width` rows of `depth` words, as a linear layer stores its weight (`[out, in]`).
    pub(crate) fn from_rows(isa: Isa, rows: &[W], depth: usize) -> Self {
        let columns = panel_columns(isa);
        let mut packed = Self::default();
        packed.reset(columns, depth, rows.len() / depth.max(1));
        for (column, row) in rows.chunks_exact(depth.max(1)).enumerate() {
            packed.set_column(columns, column, row.iter().copied());
        }
        packed
    }

    /// Makes room for another matrix; old words may stay in the padding, where they do no harm.
    pub(crate) fn reset(&mut self, columns: usize, depth: usize, width: usize) {
        self.depth = depth;
        self.width = width;
        self.data.resize(width.next_multiple_of(columns) * depth, W::default());
    }

    #[inline(always)]
    pub(crate) fn set_column(
        &mut self,
        columns: usize,
        column: usize,
        words: impl Iterator<Item = W>,
    ) {
        let start = column / columns * columns * self.depth + column % columns;
        for (place, word) in self.data[start..].iter_mut().step_by(columns).zip(words) {
            *place = word;
        }
    }

    /// The words of one row that lie in one panel, `columns` of them.
    #[inline(always)]
    pub(crate) fn row_mut(&mut self, columns: usize, row: usize, panel: usize) -> &mut [W] {
        &mut self.data[(panel * self.depth + row) * columns..][..columns]
    }
}

impl<W> Packed<W> {
    /// The whole matrix.
    #[cfg(test)]
    pub(crate) fn panels(&self) -> Panels<'_, W> {
        Panels { data: &self.data, depth: self.depth, width: self.width }
    }

    /// The columns of `range`, which starts at a multiple of [`panel_columns`].
    pub(crate) fn columns(&self, columns: usize, range: Range<usize>) -> Panels<'_, W> {
        let end = range.end.next_multiple_of(columns);
        let data = &self.data[range.start * self.depth..end * self.depth];
        Panels { data, depth: self.depth, width: range.len() }
    }
}

/// Some columns of a [`Packed`].
#[derive(Debug)]
pub(crate) struct Panels<'a, W> {
    pub(super) data: &'a [W],
    pub(super) depth: usize,
    pub(super) width: usize,
}
