//! Matrix products of f32 rows with packed weights.
//!
//! Every number of a result is one sum over the depth in order: it does not depend on how many rows are
//! multiplied together, so a vector is the same in any batch and on any number of threads.

use super::level::{Level, MAX_COLUMNS, MAX_ROWS, Simd, Tile, per_level};
use super::rows::{gelu, softmax_numerators};

/// The right-hand side of a product, laid out in panels of `Level::columns` columns.
#[derive(Debug, Default, Clone)]
pub(crate) struct Packed {
    /// Panel after panel; a panel is `depth` rows of `columns` numbers, zero where it is wider than the matrix.
    data: Vec<f32>,
    depth: usize,
    width: usize,
}

impl Packed {
    /// Packs `width` rows of `depth` numbers, as a linear layer stores its weight (`[out, in]`).
    pub(crate) fn from_rows(level: Level, rows: &[f32], depth: usize) -> Self {
        let columns = level.columns();
        let mut packed = Self::default();
        packed.reset(columns, depth, rows.len() / depth.max(1));
        for (column, row) in rows.chunks_exact(depth.max(1)).enumerate() {
            packed.set_column(columns, column, row);
        }
        packed
    }

    /// Makes room for another matrix; the old numbers may stay in the padding, where they do no harm.
    fn reset(&mut self, columns: usize, depth: usize, width: usize) {
        self.depth = depth;
        self.width = width;
        self.data.resize(width.next_multiple_of(columns) * depth, 0.0);
    }

    fn set_column(&mut self, columns: usize, column: usize, values: &[f32]) {
        let start = column / columns * columns * self.depth + column % columns;
        for (place, &value) in self.data[start..].iter_mut().step_by(columns).zip(values) {
            *place = value;
        }
    }

    fn set_row(&mut self, columns: usize, row: usize, values: &[f32]) {
        for (panel, values) in values.chunks(columns).enumerate() {
            let start = (panel * self.depth + row) * columns;
            self.data[start..start + values.len()].copy_from_slice(values);
        }
    }
}

/// What happens to a row of a product before it is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) enum After<'a> {
    /// Nothing more than the bias.
    Nothing,
    /// The error-function GELU.
    Gelu,
    /// Everything below zero becomes zero.
    Relu,
    /// These rows, shaped as the result, are added.
    Add(&'a [f32]),
}

/// Rows that are multiplied together, so that they stay in the second-level cache.
const BLOCK_ROWS: usize = 96;

#[inline(always)]
fn linear_body<S: Simd>(
    simd: S,
    x: &[f32],
    weight: &Packed,
    bias: &[f32],
    after: After<'_>,
    out: &mut [f32],
) {
    let (depth, width) = (weight.depth, weight.width);
    let mut tile: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
    let row_count = out.len() / width;
    for block in (0..row_count).step_by(BLOCK_ROWS) {
        let block_end = row_count.min(block + BLOCK_ROWS);
        for (panel, b) in weight.data.chunks_exact(depth * S::COLUMNS).enumerate() {
            let column = panel * S::COLUMNS;
            let bias = &bias[column..width.min(column + S::COLUMNS)];
            for row in (block..block_end).step_by(S::ROWS) {
                let rows = S::ROWS.min(block_end - row);
                simd.tile(rows, &x[row * depth..], depth, depth, b, &mut tile);
                for (r, sums) in tile.chunks_exact(S::COLUMNS).take(rows).enumerate() {
                    let at = (row + r) * width + column;
                    finish(simd, sums, bias, after, at, &mut out[at..at + bias.len()]);
                }
            }
        }
    }
}

#[inline(always)]
fn finish<S: Simd>(
    simd: S,
    sums: &[f32],
    bias: &[f32],
    after: After<'_>,
    at: usize,
    out: &mut [f32],
) {
    let sums = &sums[..out.len()];
    let bias = &bias[..out.len()];
    match after {
        After::Nothing => (0..out.len()).for_each(|i| out[i] = sums[i] + bias[i]),
        After::Gelu => (0..out.len()).for_each(|i| out[i] = gelu(simd, sums[i] + bias[i])),
        After::Relu => (0..out.len()).for_each(|i| {
            let value = sums[i] + bias[i];
            // NaN stays
            out[i] = if value < 0.0 { 0.0 } else { value };
        }),
        After::Add(rows) => {
            let rows = &rows[at..at + out.len()];
            (0..out.len()).for_each(|i| out[i] = sums[i] + bias[i] + rows[i]);
        }
    }
}

per_level! {
    /// `out = after(x * weight + bias)`, row by row; `x` has `depth` and `out` `width` numbers a row.
    pub(crate) fn linear(x: &[f32], weight: &Packed, bias: &[f32], after: After<'_>, out: &mut [f32]) = linear_body
}

/// Buffers of [`attention`], kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct AttentionScratch {
    keys: Packed,
    values: Packed,
    scores: Vec<f32>,
}

/// The shape of one sequence's attention.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heads {
    /// Number of heads.
    pub(crate) count: usize,
    /// Numbers of one head.
    pub(crate) dim: usize,
}

#[inline(always)]
fn attention_body<S: Simd>(
    simd: S,
    heads: Heads,
    qkv: &[f32],
    scratch: &mut AttentionScratch,
    out: &mut [f32],
) {
    let hidden = heads.count * heads.dim;
    let len = out.len() / hidden;
    let stride = 3 * hidden;
    scratch.scores.resize(S::ROWS * len, 0.0);
    for head in 0..heads.count {
        let offset = head * heads.dim;
        scratch.keys.reset(S::COLUMNS, heads.dim, len);
        scratch.values.reset(S::COLUMNS, len, heads.dim);
        for (token, row) in qkv.chunks_exact(stride).enumerate() {
            scratch.keys.set_column(S::COLUMNS, token, &row[hidden + offset..][..heads.dim]);
            scratch.values.set_row(S::COLUMNS, token, &row[2 * hidden + offset..][..heads.dim]);
        }
        for token in (0..len).step_by(S::ROWS) {
            let rows = S::ROWS.min(len - token);
            let queries = &qkv[token * stride + offset..];
            let out = &mut out[token * hidden + offset..];
            attend(simd, rows, queries, stride, scratch, out, hidden);
        }
    }
}

/// Attention of up to `S::ROWS` queries over all keys of one head.
#[inline(always)]
fn attend<S: Simd>(
    simd: S,
    rows: usize,
    queries: &[f32],
    stride: usize,
    scratch: &mut AttentionScratch,
    out: &mut [f32],
    out_stride: usize,
) {
    let AttentionScratch { keys, values, scores } = scratch;
    let (dim, len) = (keys.depth, keys.width);
    let mut tile: Tile = [0.0; MAX_ROWS * MAX_COLUMNS];
    for (panel, b) in keys.data.chunks_exact(dim * S::COLUMNS).enumerate() {
        simd.tile(rows, queries, stride, dim, b, &mut tile);
        let column = panel * S::COLUMNS;
        let count = S::COLUMNS.min(len - column);
        for (scores, sums) in
            scores.chunks_exact_mut(len).zip(tile.chunks_exact(S::COLUMNS)).take(rows)
        {
            scores[column..column + count].copy_from_slice(&sums[..count]);
        }
    }
    let mut scales = [0.0; MAX_ROWS];
    for (scale, row) in scales.iter_mut().zip(scores.chunks_exact_mut(len)).take(rows) {
        *scale = softmax_numerators(simd, row);
    }
    for (panel, b) in values.data.chunks_exact(len * S::COLUMNS).enumerate() {
        simd.tile(rows, scores, len, len, b, &mut tile);
        let column = panel * S::COLUMNS;
        let count = S::COLUMNS.min(dim - column);
        for (r, sums) in tile.chunks_exact(S::COLUMNS).take(rows).enumerate() {
            let out = &mut out[r * out_stride + column..][..count];
            (0..count).for_each(|i| out[i] = sums[i] * scales[r]);
        }
    }
}

per_level! {
    /// Bidirectional attention of one sequence (Vaswani et al. 2017, section 3.2).
    ///
    /// `qkv` has three times `hidden` numbers a token: queries already divided by the root of the head's size,
    /// keys, values. `out` has `hidden`.
    pub(crate) fn attention(
        heads: Heads,
        qkv: &[f32],
        scratch: &mut AttentionScratch,
        out: &mut [f32],
    ) = attention_body
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn product(x: &[f32], weight: &[f32], depth: usize) -> Vec<f32> {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let row = |a| weight.chunks_exact(depth).map(move |b| dot(a, b) as f32);
        x.chunks_exact(depth).flat_map(row).collect()
    }

    #[test]
    fn linear_equals_the_plain_product_at_every_shape() {
        for level in Level::available() {
            for (rows, depth, width) in
                [(1, 1, 1), (3, 5, 7), (13, 32, 33), (97, 20, 65), (200, 48, 64)]
            {
                let (x, w) = (numbers(rows * depth, 1), numbers(width * depth, 2));
                let bias = numbers(width, 3);
                let mut out = vec![0.0; rows * width];
                linear(
                    level,
                    &x,
                    &Packed::from_rows(level, &w, depth),
                    &bias,
                    After::Nothing,
                    &mut out,
                );
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
        for level in Level::available() {
            let packed = Packed::from_rows(level, &w, depth);
            let x = numbers(30 * depth, 1);
            let mut all = vec![0.0; 30 * width];
            linear(level, &x, &packed, &bias, After::Gelu, &mut all);
            for (x, among) in x.chunks_exact(depth).zip(all.chunks_exact(width)) {
                let mut alone = vec![0.0; width];
                linear(level, x, &packed, &bias, After::Gelu, &mut alone);
                assert_eq!(alone, among, "{level:?}");
            }
        }
    }

    #[test]
    fn attention_equals_the_definition_at_every_length() {
        let heads = Heads { count: 2, dim: 20 };
        let hidden = 40;
        for level in Level::available() {
            let mut scratch = AttentionScratch::default();
            for len in [1, 2, 7, 12, 13, 31, 32, 33, 70] {
                let qkv = numbers(len * 3 * hidden, len as u64);
                let mut out = vec![0.0; len * hidden];
                attention(level, heads, &qkv, &mut scratch, &mut out);
                let part = |token: usize, part: usize, head: usize| {
                    &qkv[token * 3 * hidden + part * hidden + head * 20..][..20]
                };
                for (head, token) in
                    (0..2).flat_map(|head| (0..len).map(move |token| (head, token)))
                {
                    let dot = |other| {
                        part(token, 0, head)
                            .iter()
                            .zip(part(other, 1, head))
                            .map(|(a, b)| a * b)
                            .sum::<f32>()
                    };
                    let weights: Vec<f32> = (0..len).map(|other| dot(other).exp()).collect();
                    let total: f32 = weights.iter().sum();
                    for e in 0..20 {
                        let want: f32 = weights
                            .iter()
                            .enumerate()
                            .map(|(t, w)| w * part(t, 2, head)[e])
                            .sum::<f32>()
                            / total;
                        let got = out[token * hidden + head * 20 + e];
                        assert!((got - want).abs() < 1e-5, "{level:?} {len}: {got} {want}");
                    }
                }
            }
        }
    }
}
