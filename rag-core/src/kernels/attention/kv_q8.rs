//! Keys and values rounded to 8 bits, one scale for each 32 numbers of a head (as GGUF's Q8_0
//! rounds weights).
//!
//! Keys are multiplied by a Hadamard matrix first, and queries with them, which leaves their
//! products as they are: a few large numbers (Qwen's biases) would leave no room for the others
//! (Ashkboos et al. 2024, QuaRot). A value is its code times its scale; scores and sums are those
//! of `scores.rs`.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use super::PAGE;
use super::scores::{PageNumbers, PagePart};
use crate::kernels::isa::{LANES, Simd, Work, each};

/// Numbers of a scale.
pub(super) const BLOCK: usize = 32;

/// Scales of a head's keys or values at one position.
pub(super) fn blocks(dim: usize) -> usize {
    dim.div_ceil(BLOCK)
}

/// Multiplies by the orthonormal Hadamard matrix of the largest power of two that divides the
/// length, part by part.
#[inline(always)]
pub(super) fn hadamard(values: &mut [f32]) {
    let size = 1 << values.len().trailing_zeros().min(16);
    let factor = 1.0 / (size as f32).sqrt();
    for part in values.chunks_exact_mut(size) {
        let mut half = 1;
        while half < size {
            for pair in part.chunks_exact_mut(2 * half) {
                let (left, right) = pair.split_at_mut(half);
                for (a, b) in left.iter_mut().zip(right) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            half *= 2;
        }
        part.iter_mut().for_each(|value| *value *= factor);
    }
}

/// What a query meets in a bias that was rotated with the keys: the product of the rotated bias and
/// the query is that of `out` and the cosines, then sines, of the position. Component `i` pairs
/// with the one half a head further.
#[inline(always)]
pub(super) fn rotated_bias(query: &[f32], bias: &[f32], out: &mut [f32]) {
    let (a, b) = query.split_at(query.len() / 2);
    let (c, d) = bias.split_at(a.len());
    let (with_cos, with_sin) = out.split_at_mut(a.len());
    for (at, (with_cos, with_sin)) in with_cos.iter_mut().zip(with_sin).enumerate() {
        *with_cos = a[at] * c[at] + b[at] * d[at];
        *with_sin = b[at] * c[at] - a[at] * d[at];
    }
}

/// Adds what queries meet in the bias, `turned` as [`rotated_bias`] gives it, to the scores of a
/// page with these angles.
#[inline(always)]
pub(super) fn add_rotated_bias<S: Simd, const R: usize>(
    simd: S,
    angles: PagePart<&[f32]>,
    turned: &[f32],
    scores: &mut [[f32; PAGE]; R],
) {
    let PagePart { numbers: turns, width: dim, count } = angles;
    assert!(turns.len() == PAGE * dim && count <= PAGE && turned.len() == R * dim);
    for group in 0..count.div_ceil(LANES) {
        let mut sums = [simd.zero(); R];
        // SAFETY: groups of `dim` vectors, `R` rows of `dim` numbers, and groups of scores, as
        // asserted.
        unsafe {
            for at in 0..dim {
                let turns = simd.load(turns.as_ptr().add((group * dim + at) * LANES));
                for (r, sum) in sums.iter_mut().enumerate() {
                    let turned = simd.splat(*turned.get_unchecked(r * dim + at));
                    *sum = simd.mul_add(turns, turned, *sum);
                }
            }
            for (scores, sum) in scores.iter_mut().zip(sums) {
                let place = scores.as_mut_ptr().add(group * LANES);
                simd.store(place, simd.add(simd.load(place), sum));
            }
        }
    }
}

/// Stores numbers as codes at `first`, `first + stride` and so on, and the scale of each 32 at
/// `scale_first`, `scale_first + scale_stride` and so on.
pub(super) struct Round<'a> {
    pub(super) values: &'a [f32],
    pub(super) codes: &'a mut [u8],
    pub(super) stride: usize,
    pub(super) first: usize,
    pub(super) scales: &'a mut [u16],
    pub(super) scale_stride: usize,
    pub(super) scale_first: usize,
}

impl Work for Round<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let scales = self.scales[self.scale_first..].iter_mut().step_by(self.scale_stride);
        let codes = self.codes[self.first..].iter_mut().step_by(self.stride);
        let mut codes = codes.take(self.values.len());
        for (values, place) in self.values.chunks(BLOCK).zip(scales) {
            let mut padded = [0.0; BLOCK];
            padded[..values.len()].copy_from_slice(values);
            let (mut rounded, mut halves) = ([0i8; BLOCK], [0; LANES]);
            // SAFETY: two vectors long, and one.
            let scale = unsafe {
                let vectors: [S::Floats; 2] =
                    each!(2, v => simd.load(padded.as_ptr().add(v * LANES)));
                let largest = simd.largest(simd.max(simd.abs(vectors[0]), simd.abs(vectors[1])));
                // as 16 bits, so that codes and scale fit together
                simd.store_half(halves.as_mut_ptr(), simd.splat(largest / 127.0));
                let mut scale = [0.0; LANES];
                simd.store(scale.as_mut_ptr(), simd.load_half(halves.as_ptr()));
                let inverse = simd.splat(if scale[0] > 0.0 { 1.0 / scale[0] } else { 0.0 });
                let (most, least) = (simd.splat(127.0), simd.splat(-127.0));
                for (v, vector) in vectors.into_iter().enumerate() {
                    let code = simd.max(simd.min(simd.mul(vector, inverse), most), least);
                    simd.store_codes(rounded.as_mut_ptr().add(v * LANES), code);
                }
                halves[0]
            };
            // a code cannot say that it is not a number, its scale can
            let is_number = values.iter().all(|value| !value.is_nan());
            *place = if is_number { scale } else { half::f16::NAN.to_bits() };
            for (code, place) in rounded.iter().take(values.len()).zip(&mut codes) {
                *place = code.cast_unsigned();
            }
        }
    }
}

/// The codes and scales of a head's keys, or of its values, in one page.
#[derive(Clone, Copy)]
pub(super) struct Q8Numbers<'a> {
    pub(super) codes: &'a [u8],
    pub(super) scales: &'a [u16],
}

impl PageNumbers for Q8Numbers<'_> {
    type Scale<S: Simd> = S::Floats;

    const SCALED: bool = true;

    #[inline(always)]
    fn is_page(self, width: usize) -> bool {
        self.codes.len() == PAGE * width && self.scales.len() == PAGE * blocks(width)
    }

    #[inline(always)]
    fn blocks(dim: usize) -> usize {
        blocks(dim)
    }

    #[inline(always)]
    fn block(dim: usize, block: usize) -> std::ops::Range<usize> {
        block * BLOCK..dim.min((block + 1) * BLOCK)
    }

    /// Two vectors are under one scale.
    #[inline(always)]
    fn vectors<S: Simd>() -> usize {
        2
    }

    /// Half of what 16-bit floats take, as each block has sums of its own.
    #[inline(always)]
    fn groups(queries: usize) -> usize {
        if queries <= 2 { 2 } else { 1 }
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, at: usize) -> S::Floats {
        // SAFETY: by contract.
        unsafe { simd.load_signed_bytes(self.codes.as_ptr().add(at)) }
    }

    #[inline(always)]
    unsafe fn key_scales<S: Simd>(self, simd: S, group: usize, block: [usize; 2]) -> S::Floats {
        let [block, blocks] = block;
        // SAFETY: by contract.
        unsafe { simd.load_half(self.scales.as_ptr().add((group * blocks + block) * LANES)) }
    }

    #[inline(always)]
    unsafe fn value_scale<S: Simd>(self, simd: S, row: usize, at: [usize; 2]) -> S::Floats {
        let [at, width] = at;
        // SAFETY: by contract.
        let half = unsafe { *self.scales.as_ptr().add(row * blocks(width) + at / BLOCK) };
        let halves = [half; LANES];
        // SAFETY: sixteen long.
        unsafe { simd.load_half(halves.as_ptr()) }
    }

    #[inline(always)]
    fn add_scaled<S: Simd>(
        simd: S,
        sum: S::Floats,
        part: S::Floats,
        scale: S::Floats,
    ) -> S::Floats {
        simd.mul_add(part, scale, sum)
    }

    #[inline(always)]
    fn scale_weight<S: Simd>(simd: S, weight: S::Floats, scale: S::Floats) -> S::Floats {
        simd.mul(weight, scale)
    }
}
