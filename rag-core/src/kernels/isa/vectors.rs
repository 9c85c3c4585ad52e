//! Sixteen f32 side by side, for what follows a product in the encoder.
//!
//! Left to the compiler, loops over sixteen numbers were cut into pieces of two and four. Every
//! operation is that of
//! [`Vectors::mul_add`] and the like on each number, so results do not depend on which of the two was used.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "SIMD intrinsics behind run-time detection")
)]

use super::Portable;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};

/// Numbers in a vector.
pub(crate) const LANES: usize = 16;

/// One level's vectors.
pub(crate) trait Vectors: Copy {
    /// Sixteen f32.
    type Vector: Copy;

    fn splat(self, value: f32) -> Self::Vector;
    fn load(self, from: &[f32; LANES]) -> Self::Vector;
    fn store(self, values: Self::Vector, to: &mut [f32; LANES]);
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// `a * b + c` of one number, fused where the hardware does it at full speed.
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32;
    /// `a * b + c`, fused where [`Vectors::mul_add`] is.
    fn mul_add_all(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    /// The smaller; `b` if one is NaN.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The larger; `b` if one is NaN.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The sum of the sixteen: halves are added until one is left.
    fn total(self, a: Self::Vector) -> f32;
    /// The largest of sixteen numbers that are not NaN.
    fn largest(self, a: Self::Vector) -> f32;
}

/// Methods that are one expression of intrinsics.
#[cfg(target_arch = "x86_64")]
macro_rules! intrinsics {
    ($($name:ident($($arg:ident: $type:ty),*) $(-> $out:ty)? = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $type),*) $(-> $out)? {
            use std::arch::x86_64::*;
            // SAFETY: `self` is the proof that this CPU has the instructions; references are to
            // sixteen numbers.
            unsafe { $body }
        }
    )*};
}

#[cfg(target_arch = "x86_64")]
impl Vectors for Avx512 {
    type Vector = std::arch::x86_64::__m512;

    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    intrinsics! {
        splat(value: f32) -> Self::Vector = _mm512_set1_ps(value);
        load(from: &[f32; LANES]) -> Self::Vector = _mm512_loadu_ps(from.as_ptr());
        store(values: Self::Vector, to: &mut [f32; LANES]) = _mm512_storeu_ps(to.as_mut_ptr(), values);
        add(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_add_ps(a, b);
        mul(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_mul_ps(a, b);
        mul_add_all(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector = _mm512_fmadd_ps(a, b, c);
        min(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_min_ps(a, b);
        max(a: Self::Vector, b: Self::Vector) -> Self::Vector = _mm512_max_ps(a, b);
        total(a: Self::Vector) -> f32 = {
            let (low, high) = (_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            total_of_eight(_mm256_add_ps(low, high))
        };
        largest(a: Self::Vector) -> f32 = {
            let (low, high) = (_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            largest_of_eight(_mm256_max_ps(low, high))
        };
    }
}

#[cfg(target_arch = "x86_64")]
impl Vectors for Avx2 {
    type Vector = [std::arch::x86_64::__m256; 2];

    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }

    intrinsics! {
        splat(value: f32) -> Self::Vector = [_mm256_set1_ps(value); 2];
        load(from: &[f32; LANES]) -> Self::Vector =
            [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from.as_ptr().add(8))];
        store(values: Self::Vector, to: &mut [f32; LANES]) = {
            _mm256_storeu_ps(to.as_mut_ptr(), values[0]);
            _mm256_storeu_ps(to.as_mut_ptr().add(8), values[1]);
        };
        add(a: Self::Vector, b: Self::Vector) -> Self::Vector =
            [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])];
        mul(a: Self::Vector, b: Self::Vector) -> Self::Vector =
            [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])];
        mul_add_all(a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector =
            [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])];
        min(a: Self::Vector, b: Self::Vector) -> Self::Vector =
            [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])];
        max(a: Self::Vector, b: Self::Vector) -> Self::Vector =
            [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])];
        total(a: Self::Vector) -> f32 = total_of_eight(_mm256_add_ps(a[0], a[1]));
        largest(a: Self::Vector) -> f32 = largest_of_eight(_mm256_max_ps(a[0], a[1]));
    }
}

/// Halves of eight numbers together, and so on until one is left.
#[cfg(target_arch = "x86_64")]
macro_rules! fold_eight {
    ($name:ident, $four:ident, $one:ident) => {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn $name(a: std::arch::x86_64::__m256) -> f32 {
            use std::arch::x86_64::*;
            let four = $four(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = $four(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32($one(two, _mm_shuffle_ps::<1>(two, two)))
        }
    };
}
#[cfg(target_arch = "x86_64")]
fold_eight!(total_of_eight, _mm_add_ps, _mm_add_ss);
#[cfg(target_arch = "x86_64")]
fold_eight!(largest_of_eight, _mm_max_ps, _mm_max_ss);

/// Each number of the result by its index.
#[inline(always)]
fn each(value: impl Fn(usize) -> f32) -> [f32; LANES] {
    let mut all = [0.0; LANES];
    for (i, place) in all.iter_mut().enumerate() {
        *place = value(i);
    }
    all
}

impl Vectors for Portable {
    type Vector = [f32; LANES];

    #[inline(always)]
    fn mul_add(self, a: f32, b: f32, c: f32) -> f32 {
        // elsewhere `f32::mul_add` may be a library call
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            a.mul_add(b, c)
        } else {
            a * b + c
        }
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Self::Vector {
        [value; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> Self::Vector {
        *from
    }

    #[inline(always)]
    fn store(self, values: Self::Vector, to: &mut [f32; LANES]) {
        *to = values;
    }

    #[inline(always)]
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn mul_add_all(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector {
        each(|i| Vectors::mul_add(self, a[i], b[i], c[i]))
    }

    #[inline(always)]
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector {
        each(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn total(self, mut a: Self::Vector) -> f32 {
        for width in [8, 4, 2, 1] {
            for i in 0..width {
                a[i] += a[i + width];
            }
        }
        a[0]
    }

    #[inline(always)]
    fn largest(self, a: Self::Vector) -> f32 {
        a.into_iter().fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Isa;
    use super::super::level::{Simd, per_level};
    use super::*;
    use crate::kernels::elementwise::norm::{gelu_near, gelu_near_vector};

    #[inline(always)]
    fn both_body<S: Simd>(
        simd: S,
        x: &[f32; LANES],
        one: &mut [f32; LANES],
        all: &mut [f32; LANES],
    ) {
        for (place, value) in one.iter_mut().zip(x) {
            *place = gelu_near(simd, *value);
        }
        simd.store(gelu_near_vector(simd, simd.load(x)), all);
    }

    per_level! {
        fn both(x: &[f32; LANES], one: &mut [f32; LANES], all: &mut [f32; LANES]) = both_body
    }

    #[test]
    fn a_vector_has_the_bits_of_its_numbers() {
        let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 4.0, -4.0, 1e-40];
        for level in Isa::available() {
            for step in 0..1000 {
                let mut x = each(|i| (step * LANES + i) as f32 / 1600.0 - 5.0);
                if step == 0 {
                    x[..8].copy_from_slice(&special);
                }
                let (mut one, mut all) = ([0.0; LANES], [0.0; LANES]);
                both(level, &x, &mut one, &mut all);
                let bits = |row: &[f32; LANES]| {
                    row.map(|value| {
                        (value.is_nan(), if value.is_nan() { 0 } else { value.to_bits() })
                    })
                };
                assert_eq!(bits(&one), bits(&all), "{level:?} {x:?}");
            }
        }
    }
}
