//! Many rows times a few tiles: their codes are written out once, a stretch of columns at a time, then all rows
//! pass.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use std::marker::PhantomData;

use super::formats::{Format, places};
use super::product::{Input, Shared, Task, scaled, with_offsets, zero_shift};
use super::rounded::{Facts, SPARE_ROWS};
use super::{BLOCK, LANES, Lanes, Proof, UNIT, Work, unit_start};
use crate::kernels::lanes::each;

/// Blocks of a panel: it stays in the first-level cache.
const PANEL_BLOCKS: usize = 3 * UNIT;
/// A panel this long or shorter is not cut.
const WHOLE_BLOCKS: usize = 4 * UNIT;

/// What a thread keeps from panel to panel.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// For each block, group and tile 64 codes.
    codes: Vec<u8>,
    /// For each block and tile: scales, second scales, offsets, second offsets, as far as the format has them.
    terms: Vec<f32>,
    /// Sums so far: for each row and tile sixteen.
    sums: Vec<f32>,
}

pub(super) fn panel_tiles(proof: Proof) -> usize {
    match proof {
        #[cfg(target_arch = "x86_64")]
        Proof::Avx512(_) => crate::kernels::lanes::Avx512::PANEL_TILES,
        #[cfg(target_arch = "x86_64")]
        Proof::Avx2(_) => crate::kernels::lanes::Avx2::PANEL_TILES,
        Proof::Portable(_) => crate::kernels::lanes::Portable::PANEL_TILES,
    }
}

/// All rows times the tiles of one task.
pub(super) fn panel<F: Format>(
    proof: Proof,
    input: Input<'_>,
    target: &Shared<'_>,
    task: &Task,
    scratch: &mut Scratch,
) {
    match proof {
        #[cfg(target_arch = "x86_64")]
        Proof::Avx512(lanes) => panel_at::<_, F, 6, 2>(lanes, input, target, task, scratch),
        #[cfg(target_arch = "x86_64")]
        Proof::Avx2(lanes) => panel_at::<_, F, 4, 1>(lanes, input, target, task, scratch),
        Proof::Portable(lanes) => panel_at::<_, F, 4, 1>(lanes, input, target, task, scratch),
    }
}

fn panel_at<L: Lanes, F: Format, const R: usize, const T: usize>(
    lanes: L,
    input: Input<'_>,
    target: &Shared<'_>,
    task: &Task,
    scratch: &mut Scratch,
) {
    const { assert!(R == L::PANEL_ROWS && T == L::PANEL_TILES && R <= SPARE_ROWS) };
    assert!(task.count <= T);
    let blocks = target.matrix.columns / BLOCK;
    let length = if blocks <= WHOLE_BLOCKS { blocks } else { PANEL_BLOCKS };
    scratch.codes.resize(length * T * 16 * BLOCK, 0);
    scratch.terms.resize(length * T * terms_len::<F>(), 0.0);
    scratch.sums.clear();
    scratch.sums.resize(input.rows.next_multiple_of(R) * T * LANES, 0.0);
    for first in (0..blocks).step_by(length) {
        let count = length.min(blocks - first);
        lanes.run(Unpack::<F, T> { target, task, first, count, scratch, format: PhantomData });
        lanes.run(Panel::<F, R, T> { input, first, count, scratch, format: PhantomData });
    }
    let rows = scratch.sums.as_chunks::<LANES>().0.chunks_exact(T);
    for (row, sums) in rows.take(input.rows).enumerate() {
        for (tile, sums) in (task.first..).zip(&sums[..task.count]) {
            // SAFETY: `row` is below the input's rows, and the tile belongs to this task alone.
            unsafe { target.write(row, tile, sums) };
        }
    }
}

/// Numbers that belong to a block of a tile in a panel.
const fn terms_len<F: Format>() -> usize {
    LANES * (1 + F::HALVES as usize) * (1 + F::OFFSETS as usize)
}

/// Writes some blocks of a task's tiles out into the scratch.
struct Unpack<'a, F, const T: usize> {
    target: &'a Shared<'a>,
    task: &'a Task,
    first: usize,
    count: usize,
    scratch: &'a mut Scratch,
    format: PhantomData<F>,
}

impl<F: Format, const T: usize> Work for Unpack<'_, F, T> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let blocks = self.target.matrix.columns / BLOCK;
        let length = terms_len::<F>();
        let Scratch { codes, terms, .. } = self.scratch;
        assert!(
            codes.len() >= self.count * T * 16 * BLOCK && terms.len() >= self.count * T * length
        );
        assert!(self.task.count <= T && self.first + self.count <= blocks);
        for t in 0..self.task.count {
            let tile = self.target.matrix.tile(self.task.first + t);
            assert!(tile.len() >= unit_start::<F>(blocks, blocks.div_ceil(UNIT)));
            for block in 0..self.count {
                let [from, scales, shared] = places::<F>(blocks, self.first + block);
                // SAFETY: a block's places lie within the tile, and the scratch has room for `count` blocks of `T`
                // tiles (both asserted above).
                unsafe {
                    let start = tile.as_ptr();
                    let open = F::codes(lanes, start.add(from));
                    for (group, open) in open.iter().enumerate() {
                        let at = ((8 * block + group) * T + t) * 64;
                        lanes.save_codes(codes.as_mut_ptr().add(at), *open);
                    }
                    let found = F::scales(lanes, start.add(scales), start.add(shared));
                    let mut to = terms.as_mut_ptr().add((block * T + t) * length);
                    for half in 0..1 + usize::from(F::HALVES) {
                        lanes.store(to, found.scales[half]);
                        to = to.add(LANES);
                    }
                    for half in 0..(1 + usize::from(F::HALVES)) * usize::from(F::OFFSETS) {
                        lanes.store(to, found.offsets[half]);
                        to = to.add(LANES);
                    }
                }
            }
        }
    }
}

/// All rows times the panel in the scratch, `R` at a time.
struct Panel<'a, F, const R: usize, const T: usize> {
    input: Input<'a>,
    first: usize,
    count: usize,
    scratch: &'a mut Scratch,
    format: PhantomData<F>,
}

impl<F: Format, const R: usize, const T: usize> Work for Panel<'_, F, R, T> {
    type Out = ();

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) {
        let rounded = self.input.rounded;
        let (columns, blocks) = (rounded.columns, rounded.columns / BLOCK);
        let Scratch { codes, terms, sums } = self.scratch;
        let rows = self.input.rows.next_multiple_of(R);
        assert!(sums.len() >= rows * T * LANES && self.first + self.count <= blocks);
        assert!(rounded.codes.len() >= rows * columns && rounded.facts.len() >= rows * blocks);
        assert!(codes.len() >= self.count * T * 16 * BLOCK);
        assert!(terms.len() >= self.count * T * terms_len::<F>());
        for row in (0..rows).step_by(R) {
            // SAFETY: `R` rows from `row` on are within all slices (asserted above).
            unsafe {
                panel_rows::<L, F, R, T>(
                    lanes,
                    PanelRows {
                        codes: codes.as_ptr(),
                        terms: terms.as_ptr(),
                        values: rounded.codes.as_ptr().add(row * columns + self.first * BLOCK),
                        columns,
                        facts: rounded.facts.as_ptr().add(row * blocks + self.first),
                        blocks,
                        count: self.count,
                        sums: sums.as_mut_ptr().add(row * T * LANES),
                    },
                );
            }
        }
    }
}

/// Where [`panel_rows`] finds its rows, and what stands between two of them.
#[derive(Clone, Copy)]
struct PanelRows {
    codes: *const u8,
    terms: *const f32,
    values: *const i8,
    columns: usize,
    facts: *const Facts,
    blocks: usize,
    count: usize,
    sums: *mut f32,
}

/// # Safety
/// `count` blocks of `T` tiles at `codes` and `terms`; `R` rows of `count` blocks at `values` and `facts`; `R * T`
/// vectors at `sums`.
#[inline(always)]
unsafe fn panel_rows<L: Lanes, F: Format, const R: usize, const T: usize>(lanes: L, at: PanelRows) {
    // SAFETY: every access is within what the contract says.
    unsafe {
        let mut sums = [[lanes.zero(); T]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (t, sum) in sums.iter_mut().enumerate() {
                *sum = lanes.load(at.sums.add((r * T + t) * LANES));
            }
        }
        for block in 0..at.count {
            let facts: [&Facts; R] = each!(R, r => &*at.facts.add(r * at.blocks + block));
            let terms = at.terms.add(block * T * terms_len::<F>());
            let mut products = [[lanes.start(&raw const facts[0].less, 0); T]; R];
            for half in 0..2 {
                if half == 0 || F::HALVES {
                    for (products, facts) in products.iter_mut().zip(facts) {
                        let less = if F::HALVES {
                            &raw const facts.half_less[half]
                        } else {
                            &raw const facts.less
                        };
                        *products = [lanes.start(less, zero_shift::<L, F>()); T];
                    }
                }
                panel_half::<L, F, R, T>(lanes, at, block, half, &mut products);
                if F::HALVES {
                    add_scaled(
                        lanes,
                        terms.add(half * LANES),
                        terms_len::<F>(),
                        facts,
                        &products,
                        &mut sums,
                    );
                }
            }
            if !F::HALVES {
                add_scaled(lanes, terms, terms_len::<F>(), facts, &products, &mut sums);
            }
            if F::OFFSETS {
                for t in 0..T {
                    let terms = terms.add(t * terms_len::<F>());
                    let offsets = if F::HALVES {
                        each!(2, half => lanes.load(terms.add((2 + half) * LANES)))
                    } else {
                        [lanes.load(terms.add(LANES)); 2]
                    };
                    for (sums, facts) in sums.iter_mut().zip(facts) {
                        sums[t] = with_offsets::<L, F>(lanes, facts, offsets, sums[t]);
                    }
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (t, sum) in sums.iter().enumerate() {
                lanes.store(at.sums.add((r * T + t) * LANES), *sum);
            }
        }
    }
}

/// # Safety
/// As [`panel_rows`]; `block` is below the count.
#[inline(always)]
unsafe fn panel_half<L: Lanes, F: Format, const R: usize, const T: usize>(
    lanes: L,
    at: PanelRows,
    block: usize,
    half: usize,
    sums: &mut [[L::Ints; T]; R],
) {
    let steps = L::steps(F::BITS);
    let mut group = 4 * half;
    while group < 4 * half + 4 {
        let mut products = each!(R, r => each!(T, t => lanes.open(sums[r][t])));
        for step in group..group + steps {
            // SAFETY: the block's codes and values, by contract.
            unsafe {
                let codes: [L::Codes; T] = each!(T, t => {
                    lanes.load_codes(at.codes.add(((8 * block + step) * T + t) * 64))
                });
                for (r, products) in products.iter_mut().enumerate() {
                    let values = at.values.add(r * at.columns + block * BLOCK + 4 * step);
                    for (product, codes) in products.iter_mut().zip(codes) {
                        *product = lanes.multiply(*product, codes, values, F::BITS);
                    }
                }
            }
        }
        for (sums, products) in sums.iter_mut().zip(products) {
            for (sum, product) in sums.iter_mut().zip(products) {
                *sum = lanes.close(*sum, product);
            }
        }
        group += steps;
    }
}

/// # Safety
/// `terms` holds a vector for each of `T` tiles, `stride` apart.
#[inline(always)]
unsafe fn add_scaled<L: Lanes, const R: usize, const T: usize>(
    lanes: L,
    terms: *const f32,
    stride: usize,
    facts: [&Facts; R],
    products: &[[L::Ints; T]; R],
    sums: &mut [[L::Floats; T]; R],
) {
    // SAFETY: by contract.
    let scales: [L::Floats; T] = each!(T, t => unsafe { lanes.load(terms.add(t * stride)) });
    for (r, sums) in sums.iter_mut().enumerate() {
        for (t, sum) in sums.iter_mut().enumerate() {
            *sum = scaled(lanes, facts[r], products[r][t], scales[t], *sum);
        }
    }
}
