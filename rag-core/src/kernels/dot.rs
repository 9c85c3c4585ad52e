//! Dot products: f32 for exact scores, int8 for the scan over codes.
//!
//! The f32 product keeps 32 partial sums and adds them in a fixed tree, without fused multiply-add, so that
//! AVX-512, AVX2 and portable code return the same bits; the level is chosen at run time. The int8 product is exact up to a length of 131,072.

#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "calls of functions compiled for a detected instruction set")
)]

/// Partial sums kept by [`dot_f32`].
const LANES: usize = 32;

/// The dot product of two vectors; the longer one's end is ignored.
///
/// The result is the same on every machine: the order of additions is fixed.
#[must_use]
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: AVX-512F was just detected; the function takes slices and checks their lengths itself.
            return unsafe { x86::dot_f32_avx512(a, b) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 was just detected; the function takes slices and checks their lengths itself.
            return unsafe { x86::dot_f32_avx2(a, b) };
        }
    }
    dot_f32_portable(a, b)
}

/// The dot product of two int8 vectors; the longer one's end is ignored.
#[must_use]
pub fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    let mut sum = [0];
    let length = a.len().min(b.len());
    dot_i8_rows(&a[..length], &b[..length], &mut sum);
    sum[0]
}

/// The dot product of `query` with each row of `rows`, written to `sums`.
///
/// `rows` is row after row of `query.len()` codes; rows without a place in `sums`, and places without a row,
/// are left alone. Limited by memory bandwidth above a few thousand rows.
pub fn dot_i8_rows(query: &[i8], rows: &[i8], sums: &mut [i32]) {
    if query.is_empty() {
        sums.fill(0);
        return;
    }
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512bw") {
            // SAFETY: AVX-512BW was just detected; rows are cut to the length of the query inside.
            return unsafe { x86::dot_i8_rows_avx512(query, rows, sums) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: AVX2 was just detected; rows are cut to the length of the query inside.
            return unsafe { x86::dot_i8_rows_avx2(query, rows, sums) };
        }
    }
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
        *sum = dot_i8_portable(query, row);
    }
}

/// The scalar twin of [`dot_f32`], compiled again for wider registers by the functions in `x86`.
#[inline(always)]
fn dot_f32_portable(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (&a[..length], &b[..length]);
    let mut sums = [0f32; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let (a_rest, b_rest) = (a_blocks.remainder(), b_blocks.remainder());
    for (x, y) in a_blocks.zip(b_blocks) {
        for lane in 0..LANES {
            sums[lane] += x[lane] * y[lane];
        }
    }
    for (sum, (x, y)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += x * y;
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            sums[lane] += sums[lane + width];
        }
        width /= 2;
    }
    sums[0]
}

/// The scalar twin of [`dot_i8`].
#[inline(always)]
fn dot_i8_portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(&x, &y)| i32::from(x) * i32::from(y)).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{dot_f32_portable, dot_i8_portable};

    #[target_feature(enable = "avx2")]
    pub(super) fn dot_f32_avx2(a: &[f32], b: &[f32]) -> f32 {
        dot_f32_portable(a, b)
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn dot_f32_avx512(a: &[f32], b: &[f32]) -> f32 {
        dot_f32_portable(a, b)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn dot_i8_rows_avx2(query: &[i8], rows: &[i8], sums: &mut [i32]) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            *sum = dot_i8_avx2(query, row);
        }
    }

    #[target_feature(enable = "avx512bw")]
    pub(super) fn dot_i8_rows_avx512(query: &[i8], rows: &[i8], sums: &mut [i32]) {
        for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len())) {
            *sum = dot_i8_avx512(query, row);
        }
    }

    /// Widens to 16 bits and multiplies in pairs: exact, where the 8-bit multiply would saturate.
    #[target_feature(enable = "avx2")]
    pub(super) fn dot_i8_avx2(a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, b_blocks) = (a.chunks_exact(32), b.chunks_exact(32));
        let rest = dot_i8_portable(a_blocks.remainder(), b_blocks.remainder());
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

    /// As [`dot_i8_avx2`] with twice the width.
    #[target_feature(enable = "avx512bw")]
    pub(super) fn dot_i8_avx512(a: &[i8], b: &[i8]) -> i32 {
        let (a_blocks, b_blocks) = (a.chunks_exact(64), b.chunks_exact(64));
        let rest = dot_i8_avx2(a_blocks.remainder(), b_blocks.remainder());
        let (mut low, mut high) = (_mm512_setzero_si512(), _mm512_setzero_si512());
        for (x, y) in a_blocks.zip(b_blocks) {
            // SAFETY: each block has 64 bytes: two unaligned loads of 32.
            let (x0, x1, y0, y1) = unsafe {
                (
                    _mm256_loadu_si256(x.as_ptr().cast()),
                    _mm256_loadu_si256(x.as_ptr().add(32).cast()),
                    _mm256_loadu_si256(y.as_ptr().cast()),
                    _mm256_loadu_si256(y.as_ptr().add(32).cast()),
                )
            };
            let pairs0 = _mm512_madd_epi16(_mm512_cvtepi8_epi16(x0), _mm512_cvtepi8_epi16(y0));
            let pairs1 = _mm512_madd_epi16(_mm512_cvtepi8_epi16(x1), _mm512_cvtepi8_epi16(y1));
            low = _mm512_add_epi32(low, pairs0);
            high = _mm512_add_epi32(high, pairs1);
        }
        _mm512_reduce_add_epi32(_mm512_add_epi32(low, high)) + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            state >> 33
        }
    }

    #[test]
    fn every_level_equals_the_scalar_twin_for_every_length() {
        let mut next = noise(1);
        let a: Vec<f32> = (0..1025).map(|_| next() as f32 / 2f32.powi(30) - 1.0).collect();
        let b: Vec<f32> = (0..1025).map(|_| next() as f32 / 2f32.powi(30) - 1.0).collect();
        let x: Vec<i8> = (0..1025).map(|_| (next() & 0xff) as u8 as i8).collect();
        let y: Vec<i8> = (0..1025).map(|_| (next() & 0xff) as u8 as i8).collect();
        for length in 0..=1025 {
            let expected = dot_f32_portable(&a[..length], &b[..length]);
            assert_eq!(dot_f32(&a[..length], &b[..length]).to_bits(), expected.to_bits());
            let exact = dot_i8_portable(&x[..length], &y[..length]);
            assert_eq!(dot_i8(&x[..length], &y[..length]), exact);
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: AVX2 was just detected.
                let (sum, codes) = unsafe {
                    (
                        x86::dot_f32_avx2(&a[..length], &b[..length]),
                        x86::dot_i8_avx2(&x[..length], &y[..length]),
                    )
                };
                assert_eq!(sum.to_bits(), expected.to_bits());
                assert_eq!(codes, exact);
            }
        }
    }

    #[test]
    fn extreme_codes_do_not_saturate() {
        let low = vec![i8::MIN; 1025];
        let high = vec![i8::MAX; 1025];
        assert_eq!(dot_i8(&low, &low), 1025 * 128 * 128);
        assert_eq!(dot_i8(&low, &high), -1025 * 128 * 127);
    }

    #[test]
    fn rows_are_scored_one_by_one() {
        let rows: Vec<i8> = (0..12).collect();
        let mut sums = [7; 5];
        dot_i8_rows(&[1, 2, 3], &rows, &mut sums);
        assert_eq!(sums, [8, 26, 44, 62, 7]);
        assert_eq!(dot_f32(&[], &[1.0]), 0.0);
        assert_eq!(dot_i8(&[], &[]), 0);
    }
}
