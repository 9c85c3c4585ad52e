//! What a tile multiplies: f32, pairs of bf16, or small whole numbers. One step of a row or column
//! is one word.
//!
//! Owns the kinds of [`Words`], their scalar twins and the x86 tiles for those that are not f32.
//! Sums of whole numbers are exact at every level; sums of bf16 differ between levels in the order
//! of rounding.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "SIMD intrinsics behind the proofs of `isa`")
)]

use crate::kernels::isa::Portable;
use crate::kernels::isa::level::{Lhs, Rhs, Simd, Tile};
#[cfg(target_arch = "x86_64")]
use crate::kernels::isa::level::{by_height, check_tile};
#[cfg(target_arch = "x86_64")]
use crate::kernels::isa::{Avx2, Avx512};

/// How numbers lie in words, and what one step of a product does with two of them.
pub(crate) trait Words: Copy {
    /// One step of a row or of a column.
    type Word: Copy + Default + Send + Sync + std::fmt::Debug;
    /// What is summed up.
    type Sum: Copy + Default;

    /// `sum` and the product of two words: the scalar twin of the vector instruction.
    fn step<S: Simd>(simd: S, a: Self::Word, b: Self::Word, sum: Self::Sum) -> Self::Sum;

    /// A finished sum, rounded to f32.
    fn finish(sum: Self::Sum) -> f32;
}

/// One f32 a word.
#[derive(Debug, Clone, Copy)]
pub(crate) struct F32;

/// Two bf16 a word, the first in the low half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bf16;

/// Four whole numbers a word: 0 to 255 on the left, -127 to 127 on the right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int8Quads;

/// The same numbers, two a word in 16 bits each: for CPUs that cannot multiply bytes without
/// saturation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Int8Pairs;

impl Words for F32 {
    type Word = f32;
    type Sum = f32;

    #[inline(always)]
    fn step<S: Simd>(simd: S, a: f32, b: f32, sum: f32) -> f32 {
        simd.mul_add(a, b, sum)
    }

    #[inline(always)]
    fn finish(sum: f32) -> f32 {
        sum
    }
}

impl Words for Bf16 {
    type Word = u32;
    type Sum = f32;

    #[inline(always)]
    fn step<S: Simd>(simd: S, a: u32, b: u32, sum: f32) -> f32 {
        let first = |word: u32| f32::from_bits(word << 16);
        let second = |word: u32| f32::from_bits(word & 0xffff_0000);
        simd.mul_add(first(a), first(b), simd.mul_add(second(a), second(b), sum))
    }

    #[inline(always)]
    fn finish(sum: f32) -> f32 {
        sum
    }
}

impl Words for Int8Quads {
    type Word = u32;
    type Sum = i32;

    #[inline(always)]
    fn step<S: Simd>(_: S, a: u32, b: u32, sum: i32) -> i32 {
        let products = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
        products.fold(sum, |sum, (a, b)| sum + i32::from(a) * i32::from(b.cast_signed()))
    }

    #[inline(always)]
    fn finish(sum: i32) -> f32 {
        sum as f32
    }
}

impl Words for Int8Pairs {
    type Word = u32;
    type Sum = i32;

    #[inline(always)]
    fn step<S: Simd>(_: S, a: u32, b: u32, sum: i32) -> i32 {
        let first = |word: u32| i32::from(word as u16 as i16);
        let second = |word: u32| i32::from((word >> 16) as u16 as i16);
        sum + first(a) * first(b) + second(a) * second(b)
    }

    #[inline(always)]
    fn finish(sum: i32) -> f32 {
        sum as f32
    }
}

/// A level that multiplies words of this kind.
pub(crate) trait Tiles<K: Words>: Simd {
    /// As [`Simd::tile`], in words.
    fn sums(self, lhs: Lhs<'_, K::Word>, rhs: Rhs<'_, K::Word>, out: &mut Tile);

    /// As [`Tiles::sums`], of rows that lie as [`quantize`](super::quantize) lays inputs out.
    #[inline(always)]
    fn sums_of_inputs(self, lhs: Lhs<'_, K::Word>, rhs: Rhs<'_, K::Word>, out: &mut Tile) {
        self.sums(lhs, rhs, out);
    }
}

impl<S: Simd> Tiles<F32> for S {
    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, f32>, rhs: Rhs<'_, f32>, out: &mut Tile) {
        self.tile(lhs, rhs, out);
    }
}

/// The scalar twin of every tile; compiled once per level, four rows by eight columns at a time.
#[inline(always)]
fn plain<K: Words, S: Simd>(simd: S, lhs: Lhs<'_, K::Word>, rhs: Rhs<'_, K::Word>, out: &mut Tile) {
    let (rows, depth) = (lhs.rows, rhs.depth);
    for top in (0..rows).step_by(4) {
        // rows past the last repeat it; their sums are not written
        let row = |r: usize| lhs.row(top + r, depth);
        let (a0, a1, a2, a3) = (row(0), row(1), row(2), row(3));
        for left in (0..S::COLUMNS).step_by(8) {
            let mut sums = [[K::Sum::default(); 8]; 4];
            for (step, b) in rhs.words.chunks_exact(S::COLUMNS).take(depth).enumerate() {
                for (sum, a) in sums.iter_mut().zip([a0[step], a1[step], a2[step], a3[step]]) {
                    for (sum, &b) in sum.iter_mut().zip(&b[left..left + 8]) {
                        *sum = K::step(simd, a, b, *sum);
                    }
                }
            }
            for (r, sums) in sums.iter().enumerate().take(rows - top) {
                let out = &mut out[(top + r) * S::COLUMNS + left..][..8];
                out.iter_mut().zip(sums).for_each(|(out, &sum)| *out = K::finish(sum));
            }
        }
    }
}

macro_rules! plain_tiles {
    ($($level:ident: $kind:ident),*) => {$(
        impl Tiles<$kind> for $level {
            #[inline(always)]
            fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
                plain::<$kind, Self>(self, lhs, rhs, out);
            }
        }
    )*};
}

plain_tiles!(Portable: Bf16, Portable: Int8Quads, Portable: Int8Pairs);
#[cfg(target_arch = "x86_64")]
plain_tiles!(Avx2: Bf16, Avx2: Int8Quads);

#[cfg(target_arch = "x86_64")]
impl Tiles<Bf16> for Avx512 {
    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        if !self.has_bf16() {
            return plain::<Bf16, Self>(self, lhs, rhs, out);
        }
        by_height!(x86::bf16_avx512, (lhs, rhs, out), 1 2 3 4 5 6 7 8 9 10 11 12);
    }
}

#[cfg(target_arch = "x86_64")]
impl Tiles<Int8Quads> for Avx512 {
    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        by_height!(x86::quads_avx512, (lhs, rhs, out), 1 2 3 4 5 6 7 8 9 10 11 12);
    }
}

#[cfg(target_arch = "x86_64")]
impl Tiles<Int8Pairs> for Avx512 {
    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        by_height!(x86::pairs_avx512, (lhs, rhs, out), 1 2 3 4 5 6 7 8 9 10 11 12);
    }
}

#[cfg(target_arch = "x86_64")]
impl Tiles<Int8Pairs> for Avx2 {
    #[inline(always)]
    fn sums(self, lhs: Lhs<'_, u32>, rhs: Rhs<'_, u32>, out: &mut Tile) {
        by_height!(x86::pairs_avx2, (lhs, rhs, out), 1 2 3 4 5 6);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{Lhs, Rhs, Tile};

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn step_bf16(a: __m512i, b: __m512i, sum: __m512) -> __m512 {
        // SAFETY: both types are 64 bytes without invalid values.
        let (a, b) =
            unsafe { (transmute::<__m512i, __m512bh>(a), transmute::<__m512i, __m512bh>(b)) };
        _mm512_dpbf16_ps(sum, a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vnni")]
    fn step_quads(a: __m512i, b: __m512i, sum: __m512i) -> __m512i {
        _mm512_dpbusd_epi32(sum, a, b)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw")]
    fn step_pairs_512(a: __m512i, b: __m512i, sum: __m512i) -> __m512i {
        _mm512_add_epi32(sum, _mm512_madd_epi16(a, b))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn step_pairs_256(a: __m256i, b: __m256i, sum: __m256i) -> __m256i {
        _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
    }

    /// A tile two registers wide.
    macro_rules! tile {
        ($name:ident, $features:literal, $lanes:literal, $zero:ident, $load:ident, $splat:ident, $step:ident, $finish:ident, $store:ident) => {
            /// # Safety
            /// The CPU has the instructions; `lhs` holds `R` rows and `rhs` `depth` steps, as
            /// `check_tile` checks.
            #[target_feature(enable = $features)]
            pub(super) unsafe fn $name<const R: usize>(
                lhs: Lhs<'_, u32>,
                rhs: Rhs<'_, u32>,
                out: &mut Tile,
            ) {
                let (a, stride) = (lhs.words.as_ptr(), lhs.stride);
                let (b, depth) = (rhs.words.as_ptr(), rhs.depth);
                let mut sums = [[$zero(); 2]; R];
                for step in 0..depth {
                    // SAFETY: `step < depth`, and `b` holds `depth` rows of two registers.
                    let (left, right) = unsafe {
                        let row = b.add(step * 2 * $lanes);
                        ($load(row.cast()), $load(row.add($lanes).cast()))
                    };
                    for (r, sum) in sums.iter_mut().enumerate() {
                        // SAFETY: `r < R` and `step < depth`, inside `a` by this function's
                        // contract.
                        let word = $splat(unsafe { *a.add(r * stride + step) }.cast_signed());
                        sum[0] = $step(word, left, sum[0]);
                        sum[1] = $step(word, right, sum[1]);
                    }
                }
                for (row, sum) in out.chunks_exact_mut(2 * $lanes).zip(sums) {
                    // SAFETY: `row` is two registers long.
                    unsafe {
                        $store(row.as_mut_ptr(), $finish(sum[0]));
                        $store(row.as_mut_ptr().add($lanes), $finish(sum[1]));
                    }
                }
            }
        };
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn same(sum: __m512) -> __m512 {
        sum
    }

    tile!(
        bf16_avx512,
        "avx512f,avx512vl,avx512bw,avx512dq,avx512bf16",
        16,
        _mm512_setzero_ps,
        _mm512_loadu_si512,
        _mm512_set1_epi32,
        step_bf16,
        same,
        _mm512_storeu_ps
    );
    tile!(
        quads_avx512,
        "avx512f,avx512vl,avx512bw,avx512dq,avx512vnni",
        16,
        _mm512_setzero_si512,
        _mm512_loadu_si512,
        _mm512_set1_epi32,
        step_quads,
        _mm512_cvtepi32_ps,
        _mm512_storeu_ps
    );
    tile!(
        pairs_avx512,
        "avx512f,avx512vl,avx512bw,avx512dq",
        16,
        _mm512_setzero_si512,
        _mm512_loadu_si512,
        _mm512_set1_epi32,
        step_pairs_512,
        _mm512_cvtepi32_ps,
        _mm512_storeu_ps
    );
    tile!(
        pairs_avx2,
        "avx2,fma",
        8,
        _mm256_setzero_si256,
        _mm256_loadu_si256,
        _mm256_set1_epi32,
        step_pairs_256,
        _mm256_cvtepi32_ps,
        _mm256_storeu_ps
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::Isa;
    use crate::kernels::isa::level::{MAX_COLUMNS, MAX_ROWS, per_level};

    /// The shape of one tile's product.
    #[derive(Clone, Copy)]
    struct Shape {
        kind: usize,
        rows: usize,
        stride: usize,
        depth: usize,
    }

    impl Shape {
        fn operands<'a>(self, a: &'a [u32], b: &'a [u32]) -> (Lhs<'a, u32>, Rhs<'a, u32>) {
            let lhs = Lhs { words: a, stride: self.stride, rows: self.rows };
            (lhs, Rhs { words: b, depth: self.depth })
        }
    }

    fn native_body<S: Tiles<Bf16> + Tiles<Int8Quads> + Tiles<Int8Pairs>>(
        simd: S,
        shape: Shape,
        a: &[u32],
        b: &[u32],
        out: &mut Tile,
    ) {
        let (lhs, rhs) = shape.operands(a, b);
        match shape.kind {
            0 => Tiles::<Bf16>::sums(simd, lhs, rhs, out),
            1 => Tiles::<Int8Quads>::sums(simd, lhs, rhs, out),
            _ => Tiles::<Int8Pairs>::sums(simd, lhs, rhs, out),
        }
    }

    fn twin_body<S: Simd>(simd: S, shape: Shape, a: &[u32], b: &[u32], out: &mut Tile) {
        let (lhs, rhs) = shape.operands(a, b);
        match shape.kind {
            0 => plain::<Bf16, S>(simd, lhs, rhs, out),
            1 => plain::<Int8Quads, S>(simd, lhs, rhs, out),
            _ => plain::<Int8Pairs, S>(simd, lhs, rhs, out),
        }
    }

    per_level! {
        fn native(shape: Shape, a: &[u32], b: &[u32], out: &mut Tile) = native_body
    }
    per_level! {
        fn twin(shape: Shape, a: &[u32], b: &[u32], out: &mut Tile) = twin_body
    }

    /// Words of a kind: bf16 in (-2, 2), bytes of any value, or 16-bit numbers of the sizes that
    /// occur.
    fn words(kind: usize, count: usize, seed: u32) -> Vec<u32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state
        };
        let bf16 = |bits: u32| (bits & 0x8000) | 0x3e00 | (bits & 0x01ff);
        let word = |bits: u32| match kind {
            0 => bf16(bits) | bf16(bits >> 16) << 16,
            1 => bits,
            _ => bits & 0xff | u32::from(i16::from((bits >> 8) as u8 as i8).cast_unsigned()) << 16,
        };
        (0..count).map(|_| word(next())).collect()
    }

    #[test]
    fn every_tile_equals_its_scalar_twin() {
        for level in Isa::available() {
            for (kind, depth) in
                (0..3).flat_map(|kind| [1, 2, 7, 16, 33, 48, 384].map(|depth| (kind, depth)))
            {
                let stride = depth + 3;
                let a = words(kind, MAX_ROWS * stride, 1);
                let b = words(kind, MAX_COLUMNS * depth, 2);
                let most = match level.level().name() {
                    "amx" => 32,
                    "avx512" => 12,
                    "avx2" => 6,
                    _ => 4,
                };
                for rows in 1..=most {
                    let (mut got, mut want) =
                        ([0.0; MAX_ROWS * MAX_COLUMNS], [0.0; MAX_ROWS * MAX_COLUMNS]);
                    let shape = Shape { kind, rows, stride, depth };
                    native(level, shape, &a, &b, &mut got);
                    twin(level, shape, &a, &b, &mut want);
                    for (got, want) in got.iter().zip(want).take(rows * level.columns()) {
                        let slack = if kind == 0 { 1e-5 * depth as f32 } else { 0.0 };
                        assert!(
                            (got - want).abs() <= slack,
                            "{level:?} {kind} {rows}x{depth}: {got} {want}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn the_largest_whole_numbers_do_not_saturate() {
        for level in Isa::available() {
            let depth = 256;
            let mut out = [0.0; MAX_ROWS * MAX_COLUMNS];
            let (a, b) = (vec![u32::MAX; depth], vec![0x8181_8181; depth * MAX_COLUMNS]);
            native(level, Shape { kind: 1, rows: 1, stride: depth, depth }, &a, &b, &mut out);
            assert_eq!(out[0], -(4 * 256 * 255 * 127) as f32, "{level:?}");
            let (a, b) = (vec![0x00ff_00ff; depth], vec![0xff81_ff81; depth * MAX_COLUMNS]);
            native(level, Shape { kind: 2, rows: 1, stride: depth, depth }, &a, &b, &mut out);
            assert_eq!(out[0], -(2 * 256 * 255 * 127) as f32, "{level:?}");
        }
    }
}
