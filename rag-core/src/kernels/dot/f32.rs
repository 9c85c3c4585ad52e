//! The f32 dot product, for exact scores.
//!
//! It keeps 32 partial sums and adds them in a fixed tree, without fused multiply-add, so that
//! AVX-512, AVX2 and portable code return the same bits; the level is chosen at run time.

use crate::kernels::isa::{Isa, Simd, Work};

/// Partial sums kept by [`dot_f32`].
const LANES: usize = 32;

/// The dot product of two vectors; the longer one's end is ignored.
///
/// The result is the same on every machine: the order of additions is fixed.
#[must_use]
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    Isa::detect_vectors().run(Dot { a, b })
}

struct Dot<'a> {
    a: &'a [f32],
    b: &'a [f32],
}

impl Work for Dot<'_> {
    type Out = f32;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> f32 {
        dot_f32_portable(self.a, self.b)
    }
}

/// The scalar twin of [`dot_f32`], compiled again for the registers of each level.
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
            for isa in Isa::available() {
                let sum = isa.run(Dot { a: &a[..length], b: &b[..length] });
                assert_eq!(sum.to_bits(), expected.to_bits(), "{isa:?}");
            }
        }
    }

    #[test]
    fn nothing_times_something_is_zero() {
        assert_eq!(dot_f32(&[], &[1.0]), 0.0);
    }
}
