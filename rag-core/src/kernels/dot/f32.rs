//! The f32 dot product, for exact scores.
//!
//! It keeps 32 partial sums and adds them in a fixed tree, without fused multiply-add, so that
//! AVX-512, AVX2 and portable code return the same bits; the level is chosen at run time.

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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::dot_f32_portable;

    #[target_feature(enable = "avx2")]
    pub(super) fn dot_f32_avx2(a: &[f32], b: &[f32]) -> f32 {
        dot_f32_portable(a, b)
    }

    #[target_feature(enable = "avx512f")]
    pub(super) fn dot_f32_avx512(a: &[f32], b: &[f32]) -> f32 {
        dot_f32_portable(a, b)
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
        for length in 0..=1025 {
            let expected = dot_f32_portable(&a[..length], &b[..length]);
            assert_eq!(dot_f32(&a[..length], &b[..length]).to_bits(), expected.to_bits());
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: AVX2 was just detected.
                let sum = unsafe { x86::dot_f32_avx2(&a[..length], &b[..length]) };
                assert_eq!(sum.to_bits(), expected.to_bits());
            }
        }
    }

    #[test]
    fn nothing_times_something_is_zero() {
        assert_eq!(dot_f32(&[], &[1.0]), 0.0);
    }
}
