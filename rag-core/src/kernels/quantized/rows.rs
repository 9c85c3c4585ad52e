//! Rows of f32 brought to int8, block by block, with what products with offset codes need.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use super::super::isa::{Isa, LANES, Simd, Work};
use super::super::pool::Pieces;
use super::BLOCK;
use super::formats::BlockFormat;

/// Rows beyond the last that products may read and nobody looks at.
pub(super) const SPARE_ROWS: usize = 8;

/// What a block of a rounded row carries besides its codes.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[repr(C, align(32))]
pub(super) struct BlockParams {
    /// A code times this is the value.
    pub(super) scale: f32,
    /// Minus the sum of the codes.
    pub(super) less: i32,
    /// The sum of the codes times the scale.
    pub(super) sum: f32,
    /// The same for each half.
    pub(super) half_less: [i32; 2],
    pub(super) half_sum: [f32; 2],
}

impl BlockParams {
    /// `sum` and the products of a block of this row with weights of this scale.
    #[inline(always)]
    pub(super) fn add_scaled<S: Simd>(
        &self,
        simd: S,
        products: S::Ints,
        scale: S::Floats,
        sum: S::Floats,
    ) -> S::Floats {
        let scale = simd.mul(scale, simd.splat(self.scale));
        simd.mul_add(simd.to_floats(products), scale, sum)
    }

    /// `sum` and the offsets of weights times the sum of this block.
    #[inline(always)]
    pub(super) fn add_offsets<S: Simd, F: BlockFormat>(
        &self,
        simd: S,
        offsets: [S::Floats; 2],
        sum: S::Floats,
    ) -> S::Floats {
        if !F::OFFSETS {
            return sum;
        }
        if F::HALVES {
            let sum = simd.mul_add(offsets[0], simd.splat(self.half_sum[0]), sum);
            return simd.mul_add(offsets[1], simd.splat(self.half_sum[1]), sum);
        }
        simd.mul_add(offsets[0], simd.splat(self.sum), sum)
    }
}

/// Rows of int8 codes, -127 to 127; a block of 32 shares a scale, 1/127 of its largest magnitude.
#[derive(Debug)]
pub(crate) struct QuantizedRows {
    pub(super) columns: usize,
    pub(super) codes: Vec<i8>,
    pub(super) facts: Vec<BlockParams>,
    pub(super) rows: usize,
}

/// One row of [`QuantizedRows`], to be written.
pub(crate) struct QuantizedRow<'a> {
    codes: &'a mut [i8],
    facts: &'a mut [BlockParams],
}

impl QuantizedRows {
    /// Zeros; `columns` is rounded down to whole blocks.
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let columns = columns / BLOCK * BLOCK;
        let room = rows + SPARE_ROWS;
        Self {
            columns,
            codes: vec![0; room * columns],
            facts: vec![BlockParams::default(); room * (columns / BLOCK)],
            rows,
        }
    }

    /// The rows in groups of `rows`, for tasks to fill.
    pub(crate) fn groups(&mut self, rows: usize) -> QuantizedGroups<'_> {
        let blocks = self.columns / BLOCK;
        QuantizedGroups {
            codes: Pieces::new(&mut self.codes[..self.rows * self.columns], rows * self.columns),
            facts: Pieces::new(&mut self.facts[..self.rows * blocks], rows * blocks),
            columns: self.columns,
        }
    }
}

/// See [`QuantizedRows::groups`].
pub(crate) struct QuantizedGroups<'a> {
    codes: Pieces<'a, i8>,
    facts: Pieces<'a, BlockParams>,
    columns: usize,
}

impl QuantizedGroups<'_> {
    /// The rows of group `index`, each group once.
    pub(crate) fn take(&self, index: usize) -> impl Iterator<Item = QuantizedRow<'_>> {
        let (codes, facts): (&mut [i8], &mut [BlockParams]) = if self.columns == 0 {
            (&mut [], &mut [])
        } else {
            (self.codes.take(index), self.facts.take(index))
        };
        codes
            .chunks_exact_mut(self.columns.max(1))
            .zip(facts.chunks_exact_mut((self.columns / BLOCK).max(1)))
            .map(|(codes, facts)| QuantizedRow { codes, facts })
    }
}

impl QuantizedRow<'_> {
    /// Rounds `values`, at least as many as there are columns.
    pub(crate) fn round(self, isa: Isa, values: &[f32]) {
        isa.run(Round { row: self, values });
    }

    #[inline(always)]
    fn fill<S: Simd>(self, simd: S, values: &[f32]) {
        assert!(values.len() >= self.codes.len() && self.facts.len() * BLOCK == self.codes.len());
        let blocks = values.chunks_exact(BLOCK).zip(self.codes.chunks_exact_mut(BLOCK));
        for ((values, codes), facts) in blocks.zip(self.facts) {
            // SAFETY: both are 32 elements long.
            unsafe {
                let values = [simd.load(values.as_ptr()), simd.load(values.as_ptr().add(LANES))];
                round_block(simd, values, codes.as_mut_ptr(), facts);
            }
        }
    }
}

/// Rounds the 32 numbers of a block.
///
/// # Safety
/// `to` holds 32 elements.
#[inline(always)]
pub(super) unsafe fn round_block<S: Simd>(
    simd: S,
    [first, second]: [S::Floats; 2],
    to: *mut i8,
    facts: &mut BlockParams,
) {
    // SAFETY: two vectors, by contract.
    unsafe {
        let largest = simd.largest(simd.max(simd.abs(first), simd.abs(second)));
        let inverse = simd.splat(if largest > 1e-30 { 127.0 / largest } else { 0.0 });
        let halves = [
            simd.store_codes(to, simd.mul(first, inverse)),
            simd.store_codes(to.add(16), simd.mul(second, inverse)),
        ];
        let scale = largest / 127.0;
        *facts = BlockParams {
            scale,
            less: -(halves[0] + halves[1]),
            sum: scale * (halves[0] + halves[1]) as f32,
            half_less: halves.map(|sum| -sum),
            half_sum: halves.map(|sum| scale * sum as f32),
        };
    }
}

struct Round<'a> {
    row: QuantizedRow<'a>,
    values: &'a [f32],
}

impl Work for Round<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        self.row.fill(simd, self.values);
    }
}
