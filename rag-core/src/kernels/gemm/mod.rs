//! Matrix products of rows with packed weights, in each kind of number.
//!
//! Every number of a result is one sum over the depth in order: it does not depend on how many rows
//! are multiplied together, so a vector is the same in any batch and on any number of threads.

#[cfg(target_arch = "x86_64")]
pub(crate) mod amx;
pub(crate) mod linear;
pub(crate) mod microkernel;
mod pack;
pub(crate) mod quantize;

use std::ops::Range;

use self::microkernel::{Bf16, F32, Int8Pairs, Int8Quads, Tiles, Words};
pub(crate) use self::pack::{Packed, Panels};
use self::quantize::QuantParams;
use super::elementwise::activation::Activation;
use super::elementwise::norm::{activate, gelu_near, gelu_near_vector};
use super::isa::level::{Lhs, MAX_COLUMNS, MAX_ROWS, Rhs, Simd, Tile, per_level};
use super::isa::vectors::LANES;

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

    /// The sum of one number as f32.
    #[inline(always)]
    fn one<S: Simd>(self, simd: S, row: usize, column: usize, sum: f32) -> f32 {
        let Self::Int8 { rows, columns, sums } = self else { return sum };
        let QuantParams { scale, zero_point } = rows[row];
        simd.mul_add(-zero_point, sums[column], sum) * (scale * columns[column])
    }

    /// As [`Dequantize::one`] for numbers side by side.
    #[inline(always)]
    fn all<S: Simd>(self, simd: S, row: usize, column: usize, values: S::Vector) -> S::Vector {
        let Self::Int8 { rows, columns, sums } = self else { return values };
        let QuantParams { scale, zero_point } = rows[row];
        let (columns, sums) = (sixteen(columns, column), sixteen(sums, column));
        let values = simd.mul_add_all(simd.splat(-zero_point), simd.load(sums), values);
        simd.mul(values, simd.mul(simd.splat(scale), simd.load(columns)))
    }
}

/// Sixteen numbers from `start` on.
#[inline(always)]
fn sixteen(row: &[f32], start: usize) -> &[f32; LANES] {
    row[start..]
        .first_chunk()
        .expect("columns are finished in whole vectors where there are enough")
}

/// Rows that are multiplied together, so that they stay in the second-level cache.
pub(crate) const BLOCK_ROWS: usize = 96;

#[inline(always)]
fn product<S: Tiles<K>, K: Words>(
    simd: S,
    x: &[K::Word],
    weight: Panels<'_, K::Word>,
    epilogue: Epilogue<'_>,
    out: &mut [f32],
) {
    let Epilogue { scale, bias, post_op } = epilogue;
    let (depth, width) = (weight.depth, weight.width);
    let mut tile: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
    let row_count = out.len() / width;
    for block in (0..row_count).step_by(BLOCK_ROWS) {
        let block_end = row_count.min(block + BLOCK_ROWS);
        for (panel, words) in weight.data.chunks_exact(depth * S::COLUMNS).enumerate() {
            let rhs = Rhs { words, depth };
            let column = panel * S::COLUMNS;
            let bias = &bias[column..width.min(column + S::COLUMNS)];
            for row in (block..block_end).step_by(S::ROWS) {
                let rows = S::ROWS.min(block_end - row);
                let lhs = Lhs { words: &x[row * depth..], stride: depth, rows };
                simd.sums_of_inputs(lhs, rhs, &mut tile);
                for (r, sums) in tile.chunks_exact(S::COLUMNS).take(rows).enumerate() {
                    let at = (row + r) * width + column;
                    let out = &mut out[at..at + bias.len()];
                    let (sums, sums_end) = sums[..bias.len()].as_chunks::<LANES>();
                    let (bias, bias_end) = bias.as_chunks::<LANES>();
                    let (out, out_end) = out.as_chunks_mut::<LANES>();
                    let end = column + LANES * out.len();
                    for (i, ((out, sums), bias)) in out.iter_mut().zip(sums).zip(bias).enumerate() {
                        let sums = scale.all(simd, row + r, column + LANES * i, simd.load(sums));
                        finish_all(simd, simd.add(sums, simd.load(bias)), post_op, out);
                    }
                    let rest = out_end.iter_mut().zip(sums_end).zip(bias_end).enumerate();
                    for (i, ((out, sum), bias)) in rest {
                        let value = scale.one(simd, row + r, end + i, *sum) + bias;
                        *out = finish(simd, value, post_op, *out);
                    }
                }
            }
        }
    }
}

/// What comes after the bias; `before` is what the output held.
#[inline(always)]
fn finish<S: Simd>(simd: S, value: f32, post_op: PostOp, before: f32) -> f32 {
    match post_op {
        PostOp::None => value,
        PostOp::Activation(activation) => activate(simd, activation, value),
        PostOp::GeluNear => gelu_near(simd, value),
        PostOp::Sum => value + before,
    }
}

/// As [`finish`] for numbers side by side.
#[inline(always)]
fn finish_all<S: Simd>(simd: S, values: S::Vector, post_op: PostOp, out: &mut [f32; LANES]) {
    match post_op {
        PostOp::None => simd.store(values, out),
        PostOp::Sum => simd.store(simd.add(values, simd.load(out)), out),
        PostOp::GeluNear => simd.store(gelu_near_vector(simd, values), out),
        PostOp::Activation(activation) => {
            let mut numbers = [0.0; LANES];
            simd.store(values, &mut numbers);
            for value in &mut numbers {
                *value = activate(simd, activation, *value);
            }
            *out = numbers;
        }
    }
}

per_level! {
    /// `out = epilogue(x * weight)`, row by row; `x` has `depth` and `out` `width` numbers a row.
    pub(crate) fn linear(
        x: &[f32], weight: Panels<'_, f32>, epilogue: Epilogue<'_>, out: &mut [f32],
    ) = product::<_, F32>
}
per_level! {
    /// As [`linear`], with `x` and `weight` in pairs of bf16 and sums in f32.
    pub(super) fn linear_bf16(
        x: &[u32], weight: Panels<'_, u32>, epilogue: Epilogue<'_>, out: &mut [f32],
    ) = product::<_, Bf16>
}
per_level! {
    /// As [`linear`], with `x` and `weight` in integers, four a word.
    pub(super) fn linear_quads(
        x: &[u32], weight: Panels<'_, u32>, epilogue: Epilogue<'_>, out: &mut [f32],
    ) = product::<_, Int8Quads>
}
per_level! {
    /// As [`linear`], with `x` and `weight` in integers, two a word.
    pub(super) fn linear_pairs(
        x: &[u32], weight: Panels<'_, u32>, epilogue: Epilogue<'_>, out: &mut [f32],
    ) = product::<_, Int8Pairs>
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::Isa;

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
                linear(level, &x, packed.panels(), with(&bias, PostOp::None), &mut out);
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
            linear(level, &x, packed.panels(), with(&bias, gelu), &mut all);
            for (x, among) in x.chunks_exact(depth).zip(all.chunks_exact(width)) {
                let mut alone = vec![0.0; width];
                linear(level, x, packed.panels(), with(&bias, gelu), &mut alone);
                assert_eq!(alone, among, "{level:?}");
            }
        }
    }
}
