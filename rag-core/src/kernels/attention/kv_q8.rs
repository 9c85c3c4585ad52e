//! Keys and values rounded to 8 bits, one scale for each 32 numbers of a head (as GGUF's Q8_0
//! rounds weights).
//!
//! Keys are multiplied by a Hadamard matrix first, and queries with them, which leaves their
//! products as they are: a few large numbers (Qwen's biases) would leave no room for the others
//! (Ashkboos et al. 2024, QuaRot). A value is its code times its scale; nothing else differs from
//! the 16-bit kernels beside it, and a query gets the same bits in any company for the same
//! reasons.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use super::{KeyGroups, PAGE, PagePart, Weighing};
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
    let PagePart { area: turns, width: dim, count } = angles;
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
pub(super) struct Area<'a> {
    pub(super) codes: &'a [u8],
    pub(super) scales: &'a [u16],
}

/// As [`score`](super::causal), from codes.
///
/// # Safety
/// Each query holds as many numbers as a key.
#[inline(always)]
pub(super) unsafe fn score<S: Simd, const R: usize>(
    simd: S,
    keys: PagePart<Area<'_>>,
    queries: &[(*mut f32, usize); R],
    scores: &mut [[f32; PAGE]; R],
) {
    assert!(keys.area.codes.len() == PAGE * keys.width && keys.count <= PAGE);
    assert!(keys.area.scales.len() == PAGE * blocks(keys.width));
    let groups = keys.count.div_ceil(LANES);
    // SAFETY: groups `group..group + G` exist in the page, as `G` divides its number of groups.
    unsafe {
        match R {
            1 | 2 => {
                for first in (0..groups).step_by(2) {
                    score_groups::<S, R, 2>(simd, KeyGroups { keys, first }, queries, scores);
                }
            }
            _ => {
                for first in 0..groups {
                    score_groups::<S, R, 1>(simd, KeyGroups { keys, first }, queries, scores);
                }
            }
        }
    }
}

/// # Safety
/// As [`score`]; `G` groups from the first on exist.
#[inline(always)]
unsafe fn score_groups<S: Simd, const R: usize, const G: usize>(
    simd: S,
    groups: KeyGroups<Area<'_>>,
    queries: &[(*mut f32, usize); R],
    scores: &mut [[f32; PAGE]; R],
) {
    let KeyGroups { keys: PagePart { area, width: dim, .. }, first: group } = groups;
    let mut sums = [[simd.zero(); G]; R];
    // SAFETY: by contract.
    unsafe {
        let codes = area.codes.as_ptr().add(group * LANES * dim);
        let scales = area.scales.as_ptr().add(group * LANES * blocks(dim));
        for block in 0..blocks(dim) {
            let mut parts = [[simd.zero(); G]; R];
            for at in block * BLOCK..dim.min((block + 1) * BLOCK) {
                let keys: [S::Floats; G] =
                    each!(G, g => simd.load_signed_bytes(codes.add((g * dim + at) * LANES)));
                for (parts, (query, _)) in parts.iter_mut().zip(queries) {
                    let query = simd.splat(*query.add(at));
                    for (part, keys) in parts.iter_mut().zip(keys) {
                        *part = simd.mul_add(keys, query, *part);
                    }
                }
            }
            let scales: [S::Floats; G] =
                each!(G, g => simd.load_half(scales.add((g * blocks(dim) + block) * LANES)));
            for (sums, parts) in sums.iter_mut().zip(parts) {
                for ((sum, part), scale) in sums.iter_mut().zip(parts).zip(scales) {
                    *sum = simd.mul_add(part, scale, *sum);
                }
            }
        }
        for (scores, sums) in scores.iter_mut().zip(sums) {
            for (g, sum) in sums.iter().enumerate() {
                simd.store(scores.as_mut_ptr().add((group + g) * LANES), *sum);
            }
        }
    }
}

/// As [`weigh_all`](super::causal), from codes.
///
/// # Safety
/// `sums` holds `R` rows as wide as the values, a multiple of sixteen.
#[inline(always)]
pub(super) unsafe fn weigh_all<S: Simd, const R: usize>(
    simd: S,
    values: PagePart<Area<'_>>,
    weights: &[[f32; PAGE]; R],
    sums: &mut [f32],
) {
    let PagePart { area, width, count } = values;
    assert!(area.codes.len() == PAGE * width && count <= PAGE && sums.len() == R * width);
    assert!(area.scales.len() == PAGE * blocks(width));
    let mut at = 0;
    while at < width {
        let wide = at + BLOCK <= width;
        let pass = if S::QUERIES == 8 { R.min(4) } else { R.min(2) };
        for row in (0..R).step_by(pass) {
            let to = Weighing { values, at, row };
            // SAFETY: `pass` rows from `row` on and the vectors from `at` on exist.
            unsafe {
                match (pass, wide) {
                    (4, true) => weigh::<S, R, 4, 2>(simd, to, weights, sums),
                    (2, true) => weigh::<S, R, 2, 2>(simd, to, weights, sums),
                    (_, true) => weigh::<S, R, 1, 2>(simd, to, weights, sums),
                    (4, false) => weigh::<S, R, 4, 1>(simd, to, weights, sums),
                    (2, false) => weigh::<S, R, 2, 1>(simd, to, weights, sums),
                    (_, false) => weigh::<S, R, 1, 1>(simd, to, weights, sums),
                }
            }
        }
        at += if wide { BLOCK } else { LANES };
    }
}

/// `P` rows, `V` vectors of each, all under one scale.
///
/// # Safety
/// As [`weigh_all`]; rows `row..row + P` and numbers `at..at + 16 * V` exist.
#[inline(always)]
unsafe fn weigh<S: Simd, const R: usize, const P: usize, const V: usize>(
    simd: S,
    to: Weighing<Area<'_>>,
    weights: &[[f32; PAGE]; R],
    sums: &mut [f32],
) {
    let PagePart { area, width, count } = to.values;
    // SAFETY: by contract, and the area holds `count` rows of `width` codes and their scales.
    unsafe {
        let start = sums.as_mut_ptr().add(to.row * width + to.at);
        let mut totals: [[S::Floats; V]; P] =
            each!(P, p => each!(V, v => simd.load(start.add(p * width + v * LANES))));
        let scales = area.scales.as_ptr().add(to.at / BLOCK);
        for key in 0..count {
            let from = area.codes.as_ptr().add(key * width + to.at);
            let codes: [S::Floats; V] = each!(V, v => simd.load_signed_bytes(from.add(v * LANES)));
            let scale = widen(simd, *scales.add(key * blocks(width)));
            for (p, totals) in totals.iter_mut().enumerate() {
                let weight = *weights.get_unchecked(to.row + p).get_unchecked(key);
                let weight = simd.mul(simd.splat(weight), scale);
                for (total, codes) in totals.iter_mut().zip(codes) {
                    *total = simd.mul_add(codes, weight, *total);
                }
            }
        }
        for (p, totals) in totals.iter().enumerate() {
            for (v, total) in totals.iter().enumerate() {
                simd.store(start.add(p * width + v * LANES), *total);
            }
        }
    }
}

/// A 16-bit float in all simd.
#[inline(always)]
fn widen<S: Simd>(simd: S, half: u16) -> S::Floats {
    let halves = [half; LANES];
    // SAFETY: sixteen long.
    unsafe { simd.load_half(halves.as_ptr()) }
}
