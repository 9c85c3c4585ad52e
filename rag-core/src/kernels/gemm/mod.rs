//! Matrix products of rows with packed weights, in each kind of number.
//!
//! Every number of a result is one sum over the depth in order: it does not depend on how many rows
//! are multiplied together, so a vector is the same in any batch and on any number of threads.

#[cfg(target_arch = "x86_64")]
mod amx;
pub(crate) mod dispatch;
pub(crate) mod linear;
pub(crate) mod microkernel;
mod pack;
pub(crate) mod quantize;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use self::microkernel::{Job, Lhs, MAX_COLUMNS, MAX_ROWS, MicroKernel, Rhs, Tile, Words};
pub(crate) use self::pack::{Packed, Panels};
use self::quantize::QuantParams;
use super::elementwise::activation::{Activation, gelu_near};
use super::elementwise::padded;
use super::isa::{LANES, Simd};

/// What happens to a number of a product after its bias was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostOp {
    /// Nothing.
    None,
    /// It goes through a function.
    Activation(Activation),
    /// It goes through GELU to the precision of bf16.
    GeluNear,
    /// What the output held before is added.
    Sum,
}

/// What makes the sums of a product its result, before they are stored: scale, bias, post-op.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Epilogue<'a> {
    pub(crate) scale: Dequantize<'a>,
    /// One number for each column.
    pub(crate) bias: &'a [f32],
    pub(crate) post_op: PostOp,
}

/// How sums of integers become f32.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dequantize<'a> {
    /// They are f32.
    None,
    /// Rows and columns have scales, rows a zero point, columns the sum of their numbers.
    Int8 { rows: &'a [QuantParams], columns: &'a [f32], sums: &'a [f32] },
}

impl<'a> Dequantize<'a> {
    /// That of the columns from `start` to `end`.
    pub(super) fn columns(self, range: Range<usize>) -> Self {
        match self {
            Self::None => Self::None,
            Self::Int8 { rows, columns, sums } => {
                Self::Int8 { rows, columns: &columns[range.clone()], sums: &sums[range] }
            }
        }
    }

    /// Sums of a row as f32; `scales` and `sums` are those of their columns.
    #[inline(always)]
    fn of<S: Simd>(self, simd: S, row: usize, terms: Terms<S>, values: S::Floats) -> S::Floats {
        let Self::Int8 { rows, .. } = self else { return values };
        let QuantParams { scale, zero_point } = rows[row];
        let values = simd.mul_add(simd.splat(-zero_point), terms.sums, values);
        simd.mul(values, simd.mul(simd.splat(scale), terms.scales))
    }
}

/// What belongs to sixteen columns.
#[derive(Clone, Copy)]
struct Terms<S: Simd> {
    bias: S::Floats,
    /// Those of integers: scales, and sums of the columns' numbers.
    scales: S::Floats,
    sums: S::Floats,
}

/// Sixteen numbers from `start` on, zeros after the last.
#[inline(always)]
fn sixteen<S: Simd>(simd: S, row: &[f32], start: usize) -> S::Floats {
    let row = &row[start..];
    match row.first_chunk() {
        Some(whole) => simd.read(whole),
        None => simd.read(&padded(row, 0.0)),
    }
}

/// Rows that are multiplied together, so that they stay in the second-level cache.
pub(crate) const BLOCK_ROWS: usize = 96;

/// `out = epilogue(x * weight)`, row by row; `x` has `depth` words a row and `out` `width` numbers.
pub(super) struct Multiply<'a, W> {
    pub(super) x: &'a [W],
    pub(super) weight: Panels<'a, W>,
    pub(super) epilogue: Epilogue<'a>,
    pub(super) out: &'a mut [f32],
}

impl<K: Words> Job<K> for Multiply<'_, K::Word> {
    #[inline(always)]
    fn run<S: Simd, M: MicroKernel<K>>(self, simd: S, kernel: M) {
        let Self { x, weight, epilogue, out } = self;
        let (depth, width) = (weight.depth, weight.width);
        let mut tile: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
        let row_count = out.len() / width;
        for block in (0..row_count).step_by(BLOCK_ROWS) {
            let block_end = row_count.min(block + BLOCK_ROWS);
            for (panel, words) in weight.data.chunks_exact(depth * M::COLUMNS).enumerate() {
                let rhs = Rhs { words, depth };
                let column = panel * M::COLUMNS;
                let columns = M::COLUMNS.min(width - column);
                for row in (block..block_end).step_by(M::ROWS) {
                    let rows = M::ROWS.min(block_end - row);
                    let lhs = Lhs { words: &x[row * depth..], stride: depth, rows };
                    kernel.sums_of_inputs(lhs, rhs, &mut tile);
                    for at in (0..columns).step_by(LANES) {
                        let place = Place { row, column: column + at };
                        let tile = TileColumns { sums: &tile[at..], stride: M::COLUMNS, rows };
                        epilogue.finish(simd, place, tile, (out, width));
                    }
                }
            }
        }
    }
}

/// Where sums stand in a product.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
}

/// Sixteen columns of a tile.
#[derive(Clone, Copy)]
struct TileColumns<'a> {
    sums: &'a [f32],
    stride: usize,
    rows: usize,
}

impl Epilogue<'_> {
    /// Sixteen columns of sums to results in `out`, whose rows are `width` wide.
    ///
    /// By columns, so that their terms are loaded once for all rows of a tile.
    #[inline(always)]
    fn finish<S: Simd>(
        self,
        simd: S,
        Place { row, column }: Place,
        tile: TileColumns<'_>,
        (out, width): (&mut [f32], usize),
    ) {
        let terms = self.terms(simd, column);
        let rows = tile.sums.chunks(tile.stride).zip(out[row * width..].chunks_exact_mut(width));
        for (r, (sums, out)) in rows.enumerate().take(tile.rows) {
            let sums = sixteen(simd, sums, 0);
            let out = &mut out[column..];
            match out.first_chunk_mut() {
                Some(whole) => {
                    let values = self.of(simd, row + r, terms, sums, whole);
                    simd.write(whole, values);
                }
                None => {
                    let mut last = padded(out, 0.0);
                    let values = self.of(simd, row + r, terms, sums, &last);
                    simd.write(&mut last, values);
                    out.copy_from_slice(&last[..out.len()]);
                }
            }
        }
    }

    /// Those of the columns from `column` on.
    #[inline(always)]
    fn terms<S: Simd>(self, simd: S, column: usize) -> Terms<S> {
        let bias = sixteen(simd, self.bias, column);
        let (scales, sums) = match self.scale {
            Dequantize::None => (simd.zero(), simd.zero()),
            Dequantize::Int8 { columns, sums, .. } => {
                (sixteen(simd, columns, column), sixteen(simd, sums, column))
            }
        };
        Terms { bias, scales, sums }
    }

    /// Sixteen sums to results; `before` is what the output held.
    #[inline(always)]
    fn of<S: Simd>(
        self,
        simd: S,
        row: usize,
        terms: Terms<S>,
        sums: S::Floats,
        before: &[f32; LANES],
    ) -> S::Floats {
        let values = simd.add(self.scale.of(simd, row, terms, sums), terms.bias);
        match self.post_op {
            PostOp::None => values,
            PostOp::Activation(activation) => activation.of(simd, values),
            PostOp::GeluNear => gelu_near(simd, values),
            PostOp::Sum => simd.add(values, simd.read(before)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::dispatch::Dispatch;
    use super::microkernel::F32;
    use super::*;
    use crate::kernels::isa::Isa;

    fn linear(isa: Isa, x: &[f32], weight: &Packed, epilogue: Epilogue<'_>, out: &mut [f32]) {
        F32::run(isa, Multiply { x, weight: weight.panels(), epilogue, out });
    }

    /// Numbers in [-1, 1) from a small generator (xorshift, Marsaglia 2003).
    fn numbers(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    fn with(bias: &[f32], post_op: PostOp) -> Epilogue<'_> {
        Epilogue { scale: Dequantize::None, bias, post_op }
    }

    fn product(x: &[f32], weight: &[f32], depth: usize) -> Vec<f32> {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let row = |a| weight.chunks_exact(depth).map(move |b| dot(a, b) as f32);
        x.chunks_exact(depth).flat_map(row).collect()
    }

    #[test]
    fn linear_equals_the_plain_product_at_every_shape() {
        for level in Isa::available() {
            for (rows, depth, width) in
                [(1, 1, 1), (3, 5, 7), (13, 32, 33), (97, 20, 65), (200, 48, 64)]
            {
                let (x, w) = (numbers(rows * depth, 1), numbers(width * depth, 2));
                let bias = numbers(width, 3);
                let mut out = vec![0.0; rows * width];
                let packed = Packed::from_rows(level, &w, depth);
                linear(level, &x, &packed, with(&bias, PostOp::None), &mut out);
                for (i, (got, want)) in out.iter().zip(product(&x, &w, depth)).enumerate() {
                    let want = want + bias[i % width];
                    assert!(
                        (got - want).abs() < 1e-5,
                        "{level:?} {rows}x{depth}x{width}: {got} {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        let (depth, width) = (40, 50);
        let w = numbers(width * depth, 2);
        let bias = numbers(width, 3);
        let gelu = PostOp::Activation(Activation::Gelu);
        for level in Isa::available() {
            let packed = Packed::from_rows(level, &w, depth);
            let x = numbers(30 * depth, 1);
            let mut all = vec![0.0; 30 * width];
            linear(level, &x, &packed, with(&bias, gelu), &mut all);
            for (x, among) in x.chunks_exact(depth).zip(all.chunks_exact(width)) {
                let mut alone = vec![0.0; width];
                linear(level, x, &packed, with(&bias, gelu), &mut alone);
                assert_eq!(alone, among, "{level:?}");
            }
        }
    }
}
