//! Products of one f32 row with int8 codes that carry a scale, and maybe an offset, per block of columns.
//!
//! The row is brought to int8 as well, block by block, so that a product is integer within a block. Each output
//! is one sum over the blocks in order: it does not depend on threads.

#![expect(unsafe_code, reason = "SIMD intrinsics behind run-time detection")]

use rayon::prelude::*;

use super::level::{Level, Portable, Simd, per_level};

/// Bytes of codes that one task takes at least.
const TASK_BYTES: usize = 64 << 10;

/// A matrix whose element in block `b` is `scales[b] * code + offsets[b]`, rows one after the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codes {
    /// Columns; a multiple of 32.
    pub(crate) columns: usize,
    /// Columns of a block, 16 or 32.
    pub(crate) block: usize,
    /// One code per element.
    pub(crate) codes: Vec<i8>,
    /// One scale per block.
    pub(crate) scales: Vec<f32>,
    /// One offset per block, or none at all.
    pub(crate) offsets: Vec<f32>,
}

/// A row in the form [`Codes`] multiplies: codes from -127 to 127, and for each block scale and sum.
struct Row {
    codes: Vec<i8>,
    scales: Vec<f32>,
    sums: Vec<f32>,
}

impl Row {
    fn new(values: &[f32], block: usize) -> Self {
        let mut codes = Vec::with_capacity(values.len());
        let mut scales = Vec::with_capacity(values.len() / block);
        let mut sums = Vec::with_capacity(values.len() / block);
        for values in values.chunks_exact(block) {
            let largest = values.iter().fold(0f32, |largest, value| largest.max(value.abs()));
            let inverse = if largest > 0.0 { 127.0 / largest } else { 0.0 };
            codes.extend(values.iter().map(|value| (value * inverse).round_ties_even() as i8));
            scales.push(largest / 127.0);
            sums.push(values.iter().sum());
        }
        Self { codes, scales, sums }
    }
}

impl Codes {
    /// `out[r]` = row `r` times `values`. The error is that of rounding each block of `values` to 1/254 of its
    /// largest magnitude. Parallel in the current rayon pool.
    pub(crate) fn times(&self, level: Level, values: &[f32], out: &mut [f32]) {
        assert!(values.len() == self.columns && self.columns.is_multiple_of(32));
        assert!(out.len() * self.columns == self.codes.len());
        let row = Row::new(values, self.block);
        let rows_per_task = (TASK_BYTES / self.columns).max(1);
        out.par_chunks_mut(rows_per_task).enumerate().for_each(|(task, out)| {
            products(level, self, &row, task * rows_per_task, out);
        });
    }

    /// The elements of rows `first..first + count` as f32, exactly.
    pub(crate) fn widen(&self, level: Level, first: usize, values: &mut [f32]) {
        widen(level, self, first * self.columns / self.block, values);
    }
}

/// A level's way to multiply codes.
trait Multiply: Simd {
    /// Sum over blocks of scale times row scale times integer product. A whole number of 32 columns.
    fn dot<const BLOCK: usize>(self, codes: &[i8], scales: &[f32], row: &Row) -> f32;
}

#[inline(always)]
fn products_body<S: Multiply>(simd: S, matrix: &Codes, row: &Row, first: usize, out: &mut [f32]) {
    let blocks = matrix.columns / matrix.block;
    for (index, out) in (first..).zip(out) {
        let codes = &matrix.codes[index * matrix.columns..][..matrix.columns];
        let scales = &matrix.scales[index * blocks..][..blocks];
        let mut sum = match matrix.block {
            16 => simd.dot::<16>(codes, scales, row),
            _ => simd.dot::<32>(codes, scales, row),
        };
        if !matrix.offsets.is_empty() {
            let offsets = &matrix.offsets[index * blocks..][..blocks];
            sum += lanes_dot(simd, offsets, &row.sums);
        }
        *out = sum;
    }
}

impl Multiply for Portable {
    #[inline(always)]
    fn dot<const BLOCK: usize>(self, codes: &[i8], scales: &[f32], row: &Row) -> f32 {
        let mut sum = 0.0;
        let blocks = codes.as_chunks::<BLOCK>().0.iter().zip(row.codes.as_chunks::<BLOCK>().0);
        for ((left, right), (scale, row_scale)) in blocks.zip(scales.iter().zip(&row.scales)) {
            let product: i32 = left
                .iter()
                .zip(right)
                .map(|(left, right)| i32::from(*left) * i32::from(*right))
                .sum();
            sum += scale * row_scale * product as f32;
        }
        sum
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::super::level::{Avx2, Avx512};
    use super::{Multiply, Row};

    impl Multiply for Avx512 {
        #[inline(always)]
        fn dot<const BLOCK: usize>(self, codes: &[i8], scales: &[f32], row: &Row) -> f32 {
            // SAFETY: `self` is the proof that this CPU has AVX-512.
            unsafe { dot_avx512::<BLOCK>(codes, scales, &row.codes, &row.scales) }
        }
    }

    impl Multiply for Avx2 {
        #[inline(always)]
        fn dot<const BLOCK: usize>(self, codes: &[i8], scales: &[f32], row: &Row) -> f32 {
            // SAFETY: `self` is the proof that this CPU has AVX2.
            unsafe { dot_avx2::<BLOCK>(codes, scales, &row.codes, &row.scales) }
        }
    }

    /// Widens 32 codes to 16 bits and multiplies in pairs, which cannot saturate.
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma")]
    fn dot_avx512<const BLOCK: usize>(
        codes: &[i8],
        scales: &[f32],
        row: &[i8],
        row_scales: &[f32],
    ) -> f32 {
        let mut sums = _mm512_setzero_ps();
        let steps = codes.as_chunks::<32>().0.iter().zip(row.as_chunks::<32>().0);
        let scales = scales.chunks_exact(32 / BLOCK).zip(row_scales.chunks_exact(32 / BLOCK));
        for ((left, right), (scale, row_scale)) in steps.zip(scales) {
            // SAFETY: both arrays have 32 bytes, and the loads need no alignment.
            let (left, right) = unsafe {
                (
                    _mm256_loadu_si256(left.as_ptr().cast()),
                    _mm256_loadu_si256(right.as_ptr().cast()),
                )
            };
            let products =
                _mm512_madd_epi16(_mm512_cvtepi8_epi16(left), _mm512_cvtepi8_epi16(right));
            let mut factor = _mm512_set1_ps(scale[0] * row_scale[0]);
            if BLOCK == 16 {
                let second = _mm512_set1_ps(scale[1] * row_scale[1]);
                factor = _mm512_mask_blend_ps(0xFF00, factor, second);
            }
            sums = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), factor, sums);
        }
        _mm512_reduce_add_ps(sums)
    }

    /// As [`dot_avx512`] in two halves.
    #[target_feature(enable = "avx2,fma")]
    fn dot_avx2<const BLOCK: usize>(
        codes: &[i8],
        scales: &[f32],
        row: &[i8],
        row_scales: &[f32],
    ) -> f32 {
        let mut sums = [_mm256_setzero_ps(); 2];
        let steps = codes.as_chunks::<32>().0.iter().zip(row.as_chunks::<32>().0);
        let scales = scales.chunks_exact(32 / BLOCK).zip(row_scales.chunks_exact(32 / BLOCK));
        for ((left, right), (scale, row_scale)) in steps.zip(scales) {
            for (half, sum) in sums.iter_mut().enumerate() {
                // SAFETY: both arrays have 32 bytes, `half` is 0 or 1, and the loads need no alignment.
                let (left, right) = unsafe {
                    (
                        _mm_loadu_si128(left.as_ptr().add(16 * half).cast()),
                        _mm_loadu_si128(right.as_ptr().add(16 * half).cast()),
                    )
                };
                let products =
                    _mm256_madd_epi16(_mm256_cvtepi8_epi16(left), _mm256_cvtepi8_epi16(right));
                let at = half.min(scale.len() - 1);
                let factor = _mm256_set1_ps(scale[at] * row_scale[at]);
                *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), factor, *sum);
            }
        }
        let mut lanes = [0f32; 8];
        // SAFETY: `lanes` has 32 bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), _mm256_add_ps(sums[0], sums[1])) };
        super::tree_sum(lanes)
    }
}

#[inline(always)]
fn lanes_dot<S: Simd>(simd: S, left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    for (left, right) in left.chunks(8).zip(right.chunks(8)) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum = simd.mul_add(*left, *right, *sum);
        }
    }
    tree_sum(sums)
}

#[inline(always)]
fn tree_sum<const LANES: usize>(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] += lanes[lane + width];
        }
        width /= 2;
    }
    lanes[0]
}

#[inline(always)]
fn widen_body<S: Simd>(_simd: S, matrix: &Codes, first_block: usize, values: &mut [f32]) {
    let codes = &matrix.codes[first_block * matrix.block..][..values.len()];
    let blocks = codes.chunks_exact(matrix.block).zip(values.chunks_exact_mut(matrix.block));
    for (block, (codes, values)) in (first_block..).zip(blocks) {
        let scale = matrix.scales[block];
        let offset = matrix.offsets.get(block).copied().unwrap_or(0.0);
        for (value, code) in values.iter_mut().zip(codes) {
            *value = scale * f32::from(*code) + offset;
        }
    }
}

per_level! {
    fn products(matrix: &Codes, row: &Row, first: usize, out: &mut [f32]) = products_body
}

per_level! {
    fn widen(matrix: &Codes, first_block: usize, values: &mut [f32]) = widen_body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(rows: usize, columns: usize, block: usize, offsets: bool) -> Codes {
        let mut state = 88_172_645_463_325_252u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let count = rows * columns;
        let numbers = |next: &mut dyn FnMut() -> u64| {
            (0..count / block).map(|_| (next() % 1000) as f32 / 500.0 - 1.0).collect()
        };
        Codes {
            columns,
            block,
            codes: (0..count).map(|_| (next() & 0xff) as u8 as i8).collect(),
            scales: numbers(&mut next),
            offsets: if offsets { numbers(&mut next) } else { Vec::new() },
        }
    }

    #[test]
    fn products_match_widened_weights_at_every_level_and_shape() {
        for (rows, columns, block) in
            [(1, 32, 16), (3, 32, 32), (7, 64, 16), (130, 896, 32), (5, 2048, 16)]
        {
            for offsets in [false, true] {
                let matrix = matrix(rows, columns, block, offsets);
                let values: Vec<f32> =
                    (0..columns).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
                for level in Level::available() {
                    let mut wide = vec![0.0; rows * columns];
                    matrix.widen(level, 0, &mut wide);
                    let mut out = vec![0.0; rows];
                    matrix.times(level, &values, &mut out);
                    for (row, out) in wide.chunks(columns).zip(&out) {
                        let exact: f64 =
                            row.iter().zip(&values).map(|(a, b)| f64::from(a * b)).sum();
                        let norm: f64 = row.iter().map(|a| f64::from(a * a)).sum::<f64>().sqrt();
                        assert!(
                            (f64::from(*out) - exact).abs() < 0.02 * norm,
                            "{level:?} {rows}x{columns}: {out} {exact}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn widening_any_row_gives_scale_times_code_plus_offset() {
        let matrix = matrix(9, 64, 32, true);
        for level in Level::available() {
            let mut row = vec![0.0; 64];
            matrix.widen(level, 7, &mut row);
            for (column, value) in row.iter().enumerate() {
                let block = 7 * 2 + column / 32;
                let expected = matrix.scales[block] * f32::from(matrix.codes[7 * 64 + column])
                    + matrix.offsets[block];
                assert!((value - expected).abs() <= expected.abs() * 1e-6, "{level:?}");
            }
        }
    }

    #[test]
    fn extreme_codes_do_not_saturate_and_zeros_give_zero() {
        let matrix = Codes {
            columns: 32,
            block: 32,
            codes: vec![i8::MIN; 32],
            scales: vec![1.0],
            offsets: Vec::new(),
        };
        for level in Level::available() {
            let mut out = [0.0];
            matrix.times(level, &[1.0; 32], &mut out);
            assert!((out[0] + 4096.0).abs() < 0.01, "{level:?} {out:?}");
            matrix.times(level, &[0.0; 32], &mut out);
            assert_eq!(out, [0.0]);
        }
    }
}
