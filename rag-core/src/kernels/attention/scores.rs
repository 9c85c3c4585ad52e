//! What queries have to do with one page: scores of its keys, and sums of its values by weight.
//!
//! Written once for both kinds of number that a page is kept in. Each score and each sum is added
//! up on its own and in one order, whatever queries stand beside it.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use std::ops::Range;

use super::PAGE;
use crate::kernels::isa::{LANES, Simd, each};

/// Groups of sixteen positions of a page.
const GROUPS: usize = PAGE / LANES;

/// The keys, the values or the angles of the first `count` positions of a page, for one head.
#[derive(Clone, Copy)]
pub(super) struct PagePart<N> {
    pub(super) numbers: N,
    /// Numbers of a position.
    pub(super) width: usize,
    pub(super) count: usize,
}

/// The keys or the values of one head in a page, in one kind of number.
///
/// Keys stand in groups of sixteen positions, number by number; values position by position.
/// Numbers may be in blocks with scales.
pub(super) trait PageNumbers: Copy {
    /// What a block of numbers is multiplied by, if anything.
    type Scale<S: Simd>: Copy;

    /// Whether blocks have scales.
    const SCALED: bool;

    /// Whether these are all positions of a page, `width` numbers each.
    fn is_page(self, width: usize) -> bool;
    /// Blocks of a key.
    fn blocks(dim: usize) -> usize;
    /// Numbers of a block of a key.
    fn block(dim: usize, block: usize) -> Range<usize>;
    /// Vectors of a value that are summed up together.
    fn vectors<S: Simd>() -> usize;
    /// Groups of keys that so many queries meet together: as many as registers hold.
    fn groups(queries: usize) -> usize;

    /// Sixteen numbers from number `at` on.
    ///
    /// # Safety
    /// They exist.
    unsafe fn load<S: Simd>(self, simd: S, at: usize) -> S::Floats;

    /// The scales of a group of keys in a block, `[block, of so many]`.
    ///
    /// # Safety
    /// It exists.
    unsafe fn key_scales<S: Simd>(self, simd: S, group: usize, block: [usize; 2])
    -> Self::Scale<S>;

    /// The scale of a value's numbers from some number on, `[number, width]`, in all lanes.
    ///
    /// # Safety
    /// They exist.
    unsafe fn value_scale<S: Simd>(self, simd: S, row: usize, at: [usize; 2]) -> Self::Scale<S>;

    /// The sum of all blocks so far, after a block whose own sum is `part`.
    fn add_scaled<S: Simd>(
        simd: S,
        sum: S::Floats,
        part: S::Floats,
        scale: Self::Scale<S>,
    ) -> S::Floats;

    /// A weight times the scale of what it weighs.
    fn scale_weight<S: Simd>(simd: S, weight: S::Floats, scale: Self::Scale<S>) -> S::Floats;
}

/// 16-bit floats.
#[derive(Clone, Copy)]
pub(super) struct F16Numbers<'a>(pub(super) &'a [u16]);

impl PageNumbers for F16Numbers<'_> {
    type Scale<S: Simd> = ();

    const SCALED: bool = false;

    #[inline(always)]
    fn is_page(self, width: usize) -> bool {
        self.0.len() == PAGE * width
    }

    #[inline(always)]
    fn blocks(_: usize) -> usize {
        1
    }

    #[inline(always)]
    fn block(dim: usize, _: usize) -> Range<usize> {
        0..dim
    }

    #[inline(always)]
    fn vectors<S: Simd>() -> usize {
        if S::QUERIES == 8 { 4 } else { 1 }
    }

    #[inline(always)]
    fn groups(queries: usize) -> usize {
        match queries {
            1 | 2 => 4,
            4 => 2,
            _ => 1,
        }
    }

    #[inline(always)]
    unsafe fn load<S: Simd>(self, simd: S, at: usize) -> S::Floats {
        // SAFETY: by contract.
        unsafe { simd.load_half(self.0.as_ptr().add(at)) }
    }

    #[inline(always)]
    unsafe fn key_scales<S: Simd>(self, _: S, _: usize, _: [usize; 2]) {}

    #[inline(always)]
    unsafe fn value_scale<S: Simd>(self, _: S, _: usize, _: [usize; 2]) {}

    #[inline(always)]
    fn add_scaled<S: Simd>(_: S, _: S::Floats, part: S::Floats, (): ()) -> S::Floats {
        part
    }

    #[inline(always)]
    fn scale_weight<S: Simd>(_: S, weight: S::Floats, (): ()) -> S::Floats {
        weight
    }
}

/// Scores of the keys, and of some more up to a whole group.
///
/// # Safety
/// Each query holds as many numbers as a key.
#[inline(always)]
pub(super) unsafe fn score<S: Simd, N: PageNumbers, const R: usize>(
    simd: S,
    keys: PagePart<N>,
    queries: &[(*mut f32, usize); R],
    scores: &mut [[f32; PAGE]; R],
) {
    assert!(keys.numbers.is_page(keys.width) && keys.count <= PAGE);
    for first in (0..keys.count.div_ceil(LANES)).step_by(N::groups(R)) {
        // SAFETY: groups `first..first + G` exist in the page, as `G` divides `GROUPS`.
        unsafe {
            match N::groups(R) {
                4 => score_groups::<S, N, R, 4>(simd, keys, first, (queries, scores)),
                2 => score_groups::<S, N, R, 2>(simd, keys, first, (queries, scores)),
                _ => score_groups::<S, N, R, 1>(simd, keys, first, (queries, scores)),
            }
        }
    }
}

/// `G` groups from `first` on.
///
/// # Safety
/// As [`score`]; the groups exist.
#[inline(always)]
unsafe fn score_groups<S: Simd, N: PageNumbers, const R: usize, const G: usize>(
    simd: S,
    keys: PagePart<N>,
    first: usize,
    (queries, scores): (&[(*mut f32, usize); R], &mut [[f32; PAGE]; R]),
) {
    let PagePart { numbers, width: dim, .. } = keys;
    debug_assert!(first + G <= GROUPS);
    let blocks = N::blocks(dim);
    let mut sums = [[simd.zero(); G]; R];
    // SAFETY: by contract.
    unsafe {
        for block in 0..blocks {
            let mut parts = if N::SCALED { [[simd.zero(); G]; R] } else { sums };
            for at in N::block(dim, block) {
                let keys: [S::Floats; G] =
                    each!(G, g => numbers.load(simd, ((first + g) * dim + at) * LANES));
                for (parts, (query, _)) in parts.iter_mut().zip(queries) {
                    let query = simd.splat(*query.add(at));
                    for (part, keys) in parts.iter_mut().zip(keys) {
                        *part = simd.mul_add(keys, query, *part);
                    }
                }
            }
            let scales: [N::Scale<S>; G] =
                each!(G, g => numbers.key_scales(simd, first + g, [block, blocks]));
            for (sums, parts) in sums.iter_mut().zip(parts) {
                for ((sum, part), scale) in sums.iter_mut().zip(parts).zip(scales) {
                    *sum = N::add_scaled(simd, *sum, part, scale);
                }
            }
        }
        for (scores, sums) in scores.iter_mut().zip(sums) {
            for (g, sum) in sums.iter().enumerate() {
                simd.store(scores.as_mut_ptr().add((first + g) * LANES), *sum);
            }
        }
    }
}

/// Which numbers of which rows.
#[derive(Clone, Copy)]
struct Weighing<N> {
    values: PagePart<N>,
    at: usize,
    row: usize,
}

/// Adds the values, weighted, to the sums of each row.
///
/// # Safety
/// `sums` holds `R` rows as wide as the values, a multiple of sixteen.
#[inline(always)]
pub(super) unsafe fn weigh_all<S: Simd, N: PageNumbers, const R: usize>(
    simd: S,
    values: PagePart<N>,
    weights: &[[f32; PAGE]; R],
    sums: &mut [f32],
) {
    let PagePart { numbers, width, count } = values;
    assert!(numbers.is_page(width) && count <= PAGE && sums.len() == R * width);
    let pass = if S::QUERIES == 8 { R.min(4) } else { R.min(2) };
    let mut at = 0;
    while at < width {
        let vectors = if at + N::vectors::<S>() * LANES <= width { N::vectors::<S>() } else { 1 };
        for row in (0..R).step_by(pass) {
            let to = Weighing { values, at, row };
            // SAFETY: `pass` rows from `row` on and the vectors from `at` on exist.
            unsafe {
                match (pass, vectors) {
                    (4, 4) => weigh::<S, N, R, 4, 4>(simd, to, weights, sums),
                    (2, 4) => weigh::<S, N, R, 2, 4>(simd, to, weights, sums),
                    (_, 4) => weigh::<S, N, R, 1, 4>(simd, to, weights, sums),
                    (4, 2) => weigh::<S, N, R, 4, 2>(simd, to, weights, sums),
                    (2, 2) => weigh::<S, N, R, 2, 2>(simd, to, weights, sums),
                    (_, 2) => weigh::<S, N, R, 1, 2>(simd, to, weights, sums),
                    (4, _) => weigh::<S, N, R, 4, 1>(simd, to, weights, sums),
                    (2, _) => weigh::<S, N, R, 2, 1>(simd, to, weights, sums),
                    (_, _) => weigh::<S, N, R, 1, 1>(simd, to, weights, sums),
                }
            }
        }
        at += vectors * LANES;
    }
}

/// `P` rows, `V` vectors of each, all under one scale.
///
/// # Safety
/// As [`weigh_all`]; rows `row..row + P` and numbers `at..at + 16 * V` exist.
#[inline(always)]
unsafe fn weigh<S: Simd, N: PageNumbers, const R: usize, const P: usize, const V: usize>(
    simd: S,
    to: Weighing<N>,
    weights: &[[f32; PAGE]; R],
    sums: &mut [f32],
) {
    let PagePart { numbers, width, count } = to.values;
    // SAFETY: by contract, and there are `count` rows of `width` numbers and their scales.
    unsafe {
        let start = sums.as_mut_ptr().add(to.row * width + to.at);
        let mut totals: [[S::Floats; V]; P] =
            each!(P, p => each!(V, v => simd.load(start.add(p * width + v * LANES))));
        for key in 0..count {
            let values: [S::Floats; V] =
                each!(V, v => numbers.load(simd, key * width + to.at + v * LANES));
            let scale = numbers.value_scale(simd, key, [to.at, width]);
            for (p, totals) in totals.iter_mut().enumerate() {
                let weight = *weights.get_unchecked(to.row + p).get_unchecked(key);
                let weight = N::scale_weight(simd, simd.splat(weight), scale);
                for (total, values) in totals.iter_mut().zip(values) {
                    *total = simd.mul_add(values, weight, *total);
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
