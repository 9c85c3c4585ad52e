//! Dot products of one int8 row with many: the scan over codes and the steps through the graph.
//!
//! Exact at every level, for lengths up to 65,536. With AVX-512 VNNI the rows are shifted to
//! unsigned bytes on the way (`x ^ 0x80` is `x + 128`) and the shift, 128 times the sum of the
//! query, is taken off at the end; four rows are summed side by side, so that their latencies
//! overlap.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "SIMD intrinsics behind run-time detection")
)]

use crate::kernels::isa::Isa;

/// Rows summed side by side.
#[cfg(target_arch = "x86_64")]
const SIDE: usize = 4;
/// Rows fetched ahead of the sums in [`Kernel::gather`].
#[cfg(target_arch = "x86_64")]
const AHEAD: usize = 8;

/// The best way to multiply int8 rows on this CPU; cheap to copy. Made by [`Kernel::detect`] only.
#[derive(Debug, Clone, Copy)]
pub struct Kernel(Isa);

/// The row that others are multiplied with.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    codes: &'a [i8],
    #[cfg_attr(
        not(target_arch = "x86_64"),
        expect(dead_code, reason = "signed products need no sum")
    )]
    sum: i32,
}

impl<'a> Query<'a> {
    /// Adds up the codes.
    #[must_use]
    pub fn new(codes: &'a [i8]) -> Self {
        Self { codes, sum: codes.iter().map(|&x| i32::from(x)).sum() }
    }

    /// For a row whose `sum` of codes is known.
    #[must_use]
    pub fn with_sum(codes: &'a [i8], sum: i32) -> Self {
        Self { codes, sum }
    }
}

impl Default for Kernel {
    fn default() -> Self {
        Self::detect()
    }
}

impl Kernel {
    /// Asks the CPU.
    #[must_use]
    pub fn detect() -> Self {
        Self(Isa::detect_vectors())
    }

    /// The dot product of `query` with each row of `rows`, written to `sums`.
    ///
    /// `rows` is row after row, each as long as the query; rows without a place in `sums`, and
    /// places without a row, are left alone. Limited by memory bandwidth above a few thousand rows.
    pub fn rows(self, query: Query<'_>, rows: &[i8], sums: &mut [i32]) {
        let dim = query.codes.len();
        if dim == 0 {
            sums.fill(0);
            return;
        }
        let count = (rows.len() / dim).min(sums.len());
        let row = |index: usize| &rows[index * dim..][..dim];
        self.each(query, count, row, sums);
    }

    /// The dot product of `query` with the rows of `data` at `positions`, written to the first
    /// places of `sums`.
    ///
    /// # Panics
    /// If a position is not a row of `data`, or `sums` is shorter than `positions`.
    pub fn gather(self, query: Query<'_>, data: &[i8], positions: &[u32], sums: &mut [i32]) {
        let dim = query.codes.len();
        let row = |index: usize| &data[positions[index] as usize * dim..][..dim];
        #[cfg(target_arch = "x86_64")]
        for index in 0..positions.len().min(AHEAD) {
            prefetch(row(index));
        }
        #[cfg(target_arch = "x86_64")]
        let row = |index: usize| {
            if let Some(position) = positions.get(index + AHEAD) {
                prefetch(&data[*position as usize * dim..][..dim]);
            }
            row(index)
        };
        self.each(query, positions.len(), row, &mut sums[..positions.len()]);
    }

    #[inline(always)]
    fn each<'a>(
        self,
        query: Query<'_>,
        count: usize,
        row: impl Fn(usize) -> &'a [i8],
        sums: &mut [i32],
    ) {
        let codes = query.codes;
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Isa::Amx(_) | Isa::Avx512(_) => {
                let shift = 128 * query.sum;
                let mut index = 0;
                while index + SIDE <= count {
                    let rows = [row(index), row(index + 1), row(index + 2), row(index + 3)];
                    // SAFETY: the value says that this CPU has AVX-512 with VNNI.
                    let four = unsafe { x86::four_vnni(codes, rows, shift) };
                    sums[index..index + SIDE].copy_from_slice(&four);
                    index += SIDE;
                }
                for (index, sum) in sums.iter_mut().enumerate().take(count).skip(index) {
                    // SAFETY: as above.
                    *sum = unsafe { x86::one_vnni(codes, row(index), shift) };
                }
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => {
                for (index, sum) in sums.iter_mut().enumerate().take(count) {
                    // SAFETY: the value says that this CPU has AVX2.
                    *sum = unsafe { x86::one_avx2(codes, row(index)) };
                }
            }
            _ => {
                for (index, sum) in sums.iter_mut().enumerate().take(count) {
                    *sum = portable(codes, row(index));
                }
            }
        }
    }
}

/// The scalar twin.
#[inline(always)]
fn portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

/// Asks for a row that will soon be read.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn prefetch(row: &[i8]) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    for line in row.chunks(64) {
        // SAFETY: a hint; it reads nothing that the program sees, and the address is inside `row`.
        unsafe { _mm_prefetch(line.as_ptr(), _MM_HINT_T0) };
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{SIDE, portable};

    /// Which bytes of the last, incomplete block of 64 there are.
    fn tail_mask(length: usize) -> u64 {
        (1u64 << (length % 64)) - 1
    }

    /// The sums of four rows. `shift` is 128 times the sum of `query`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
    pub(super) fn four_vnni(query: &[i8], rows: [&[i8]; SIDE], shift: i32) -> [i32; SIDE] {
        let dim = query.len();
        assert!(rows.iter().all(|row| row.len() == dim));
        let high = _mm512_set1_epi8(i8::MIN);
        let mut sums = [_mm512_setzero_si512(); SIDE];
        for at in (0..dim / 64 * 64).step_by(64) {
            // SAFETY: 64 bytes from `at` lie inside the query, and loads need no alignment.
            let codes = unsafe { _mm512_loadu_si512(query.as_ptr().add(at).cast()) };
            for (sum, row) in sums.iter_mut().zip(rows) {
                // SAFETY: the row is as long as the query.
                let row = unsafe { _mm512_loadu_si512(row.as_ptr().add(at).cast()) };
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_xor_si512(row, high), codes);
            }
        }
        if !dim.is_multiple_of(64) {
            let (at, mask) = (dim / 64 * 64, tail_mask(dim));
            // SAFETY: the mask lets only bytes inside the query be read; the others are 0.
            let codes = unsafe { _mm512_maskz_loadu_epi8(mask, query.as_ptr().add(at)) };
            for (sum, row) in sums.iter_mut().zip(rows) {
                // SAFETY: the row is as long as the query.
                let row = unsafe { _mm512_maskz_loadu_epi8(mask, row.as_ptr().add(at)) };
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_xor_si512(row, high), codes);
            }
        }
        let half = |sum: __m512i| {
            _mm256_add_epi32(_mm512_castsi512_si256(sum), _mm512_extracti64x4_epi64::<1>(sum))
        };
        let pairs = [
            _mm256_hadd_epi32(half(sums[0]), half(sums[1])),
            _mm256_hadd_epi32(half(sums[2]), half(sums[3])),
        ];
        let all = _mm256_hadd_epi32(pairs[0], pairs[1]);
        let four = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all));
        let four = _mm_sub_epi32(four, _mm_set1_epi32(shift));
        let mut out = [0i32; SIDE];
        // SAFETY: `out` has 16 bytes, and the store needs no alignment.
        unsafe { _mm_storeu_si128(out.as_mut_ptr().cast(), four) };
        out
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni,avx2")]
    pub(super) fn one_vnni(query: &[i8], row: &[i8], shift: i32) -> i32 {
        let [sum, ..] = four_vnni(query, [row; SIDE], shift);
        sum
    }

    /// Widens to 16 bits and multiplies in pairs: exact, where the 8-bit multiply would saturate.
    #[target_feature(enable = "avx2")]
    pub(super) fn one_avx2(a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, b_blocks) = (a.chunks_exact(32), b.chunks_exact(32));
        let rest = portable(a_blocks.remainder(), b_blocks.remainder());
        let (mut low, mut high) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (x, y) in a_blocks.zip(b_blocks) {
            // SAFETY: each block has 32 bytes: two unaligned loads of 16.
            let (x0, x1, y0, y1) = unsafe {
                (
                    _mm_loadu_si128(x.as_ptr().cast()),
                    _mm_loadu_si128(x.as_ptr().add(16).cast()),
                    _mm_loadu_si128(y.as_ptr().cast()),
                    _mm_loadu_si128(y.as_ptr().add(16).cast()),
                )
            };
            let pairs0 = _mm256_madd_epi16(_mm256_cvtepi8_epi16(x0), _mm256_cvtepi8_epi16(y0));
            let pairs1 = _mm256_madd_epi16(_mm256_cvtepi8_epi16(x1), _mm256_cvtepi8_epi16(y1));
            low = _mm256_add_epi32(low, pairs0);
            high = _mm256_add_epi32(high, pairs1);
        }
        let mut lanes = [0i32; 8];
        let all = _mm256_add_epi32(low, high);
        // SAFETY: `lanes` has 32 bytes; the store needs no alignment.
        unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), all) };
        lanes.iter().sum::<i32>() + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64, count: usize) -> Vec<i8> {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as u8 as i8
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn every_level_equals_the_scalar_twin_for_every_length() {
        for dim in 1..=1025 {
            let query = noise(1, dim);
            let count = 1 + dim % 9;
            let rows = noise(dim as u64, dim * count);
            let expected: Vec<i32> = rows.chunks(dim).map(|row| portable(&query, row)).collect();
            let positions: Vec<u32> = (0..count as u32).rev().collect();
            for kernel in Isa::available().into_iter().map(Kernel) {
                let mut sums = vec![0; count];
                kernel.rows(Query::new(&query), &rows, &mut sums);
                assert_eq!(sums, expected, "{kernel:?} {dim}");
                kernel.gather(Query::new(&query), &rows, &positions, &mut sums);
                sums.reverse();
                assert_eq!(sums, expected, "{kernel:?} {dim}");
            }
        }
    }

    #[test]
    fn extreme_codes_do_not_saturate() {
        for kernel in Isa::available().into_iter().map(Kernel) {
            for (query, row, each) in [(-128, -128, 16384), (-128, 127, -16256), (127, 127, 16129)]
            {
                let mut sums = [0; 5];
                kernel.rows(Query::new(&[query; 1025]), &[row; 1025 * 5], &mut sums);
                assert_eq!(sums, [1025 * each; 5], "{kernel:?}");
            }
        }
    }

    #[test]
    fn rows_without_a_place_and_places_without_a_row_are_left_alone() {
        let rows: Vec<i8> = (0..12).collect();
        let mut sums = [7; 5];
        let kernel = Kernel::detect();
        kernel.rows(Query::new(&[1, 2, 3]), &rows, &mut sums);
        assert_eq!(sums, [8, 26, 44, 62, 7]);
        kernel.rows(Query::new(&[1, 2, 3]), &rows, &mut sums[..2]);
        kernel.rows(Query::new(&[]), &rows, &mut sums);
        assert_eq!(sums, [0; 5]);
        kernel.gather(Query::new(&[1, 2, 3]), &rows, &[3, 0], &mut sums);
        assert_eq!(sums, [62, 8, 0, 0, 0]);
    }
}
