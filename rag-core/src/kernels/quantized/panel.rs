//! Many rows times a tile: its codes are written out once, a stretch of columns at a time, then all
//! rows pass.
#![expect(unsafe_code, reason = "vectors into checked slices")]

use std::marker::PhantomData;

use super::formats::{BlockFormat, places, zero_shift};
use super::rows::{BlockParams, QuantizedRows, SPARE_ROWS};
use super::{BLOCK, Isa, LANES, Matrix, Simd, UNIT, Work, unit_start};
use crate::kernels::isa::each;

/// Blocks of a panel: it stays in the first-level cache.
const PANEL_BLOCKS: usize = 3 * UNIT;
/// A panel this long or shorter is not cut.
const WHOLE_BLOCKS: usize = 4 * UNIT;

/// What a thread keeps from panel to panel.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    /// For each block and group 64 codes.
    codes: Vec<u8>,
    /// For each block: scales, second scales, offsets, second offsets, as far as the format has
    /// them.
    terms: Vec<f32>,
}

/// Multiplies all rows with one tile.
pub(super) fn panel<F: BlockFormat>(isa: Isa, product: TileProduct<'_>) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Amx(tiles) => panel_at::<_, F, 8>(tiles.vectors(), product),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(simd) => panel_at::<_, F, 8>(simd, product),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(simd) => panel_at::<_, F, 1>(simd, product),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(simd) => panel_at::<_, F, 2>(simd, product),
        #[cfg(target_arch = "aarch64")]
        Isa::NeonPlain(simd) => panel_at::<_, F, 2>(simd, product),
        Isa::Portable(simd) => panel_at::<_, F, 4>(simd, product),
    }
}

/// All rows and one tile.
pub(super) struct TileProduct<'a> {
    pub(super) rounded: &'a QuantizedRows,
    pub(super) matrix: &'a Matrix,
    pub(super) tile: usize,
    pub(super) unpacked: &'a mut Unpacked,
    /// Sixteen for each row, and for up to [`SPARE_ROWS`] beyond.
    pub(super) sums: &'a mut [[f32; LANES]],
}

fn panel_at<S: Simd, F: BlockFormat, const R: usize>(simd: S, product: TileProduct<'_>) {
    const { assert!(R == S::PANEL_ROWS && R <= SPARE_ROWS) };
    let TileProduct { rounded, matrix, tile, unpacked, sums } = product;
    assert!(sums.len().is_multiple_of(R));
    let blocks = matrix.columns / BLOCK;
    let length = if blocks <= WHOLE_BLOCKS { blocks } else { PANEL_BLOCKS };
    unpacked.codes.resize(length * LANES * BLOCK, 0);
    unpacked.terms.resize(length * terms_len::<F>(), 0.0);
    sums.as_flattened_mut().fill(0.0);
    let tile = matrix.tile(tile);
    for first in (0..blocks).step_by(length) {
        let count = length.min(blocks - first);
        let format = PhantomData;
        simd.run(Unpack::<F> { tile, blocks, first, count, unpacked, format });
        simd.run(Panel::<F, R> { rounded, first, count, unpacked, sums, format });
    }
}

/// Numbers that belong to a block of a tile in a panel.
const fn terms_len<F: BlockFormat>() -> usize {
    LANES * (1 + F::HALVES as usize) * (1 + F::OFFSETS as usize)
}

/// Writes some blocks of a tile out.
struct Unpack<'a, F> {
    tile: &'a [u8],
    blocks: usize,
    first: usize,
    count: usize,
    unpacked: &'a mut Unpacked,
    format: PhantomData<F>,
}

impl<F: BlockFormat> Work for Unpack<'_, F> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { tile, blocks, first, count, .. } = self;
        let length = terms_len::<F>();
        let Unpacked { codes, terms } = self.unpacked;
        assert!(codes.len() >= count * LANES * BLOCK && terms.len() >= count * length);
        assert!(first + count <= blocks);
        assert!(tile.len() >= unit_start::<F>(blocks, blocks.div_ceil(UNIT)));
        for block in 0..count {
            let [from, scales, shared] = places::<F>(blocks, first + block);
            // SAFETY: a block's places lie within the tile, and there is room for `count` blocks
            // (both asserted above).
            unsafe {
                let start = tile.as_ptr();
                let open = F::codes(simd, start.add(from));
                for (group, open) in open.iter().enumerate() {
                    simd.save_codes(codes.as_mut_ptr().add((8 * block + group) * 64), *open);
                }
                let found = F::scales(simd, start.add(scales), start.add(shared));
                let mut to = terms.as_mut_ptr().add(block * length);
                for half in 0..1 + usize::from(F::HALVES) {
                    simd.store(to, found.scales[half]);
                    to = to.add(LANES);
                }
                for half in 0..(1 + usize::from(F::HALVES)) * usize::from(F::OFFSETS) {
                    simd.store(to, found.offsets[half]);
                    to = to.add(LANES);
                }
            }
        }
    }
}

/// All rows times the blocks written out, `R` rows at a time.
struct Panel<'a, F, const R: usize> {
    rounded: &'a QuantizedRows,
    first: usize,
    count: usize,
    unpacked: &'a Unpacked,
    sums: &'a mut [[f32; LANES]],
    format: PhantomData<F>,
}

impl<F: BlockFormat, const R: usize> Work for Panel<'_, F, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (columns, blocks) = (self.rounded.columns, self.rounded.columns / BLOCK);
        let Unpacked { codes, terms } = self.unpacked;
        let rows = self.sums.len();
        assert!(self.first + self.count <= blocks);
        assert!(self.rounded.codes.len() >= rows * columns);
        assert!(self.rounded.facts.len() >= rows * blocks);
        assert!(codes.len() >= self.count * LANES * BLOCK);
        assert!(terms.len() >= self.count * terms_len::<F>());
        for (index, sums) in self.sums.as_chunks_mut::<R>().0.iter_mut().enumerate() {
            let row = index * R;
            // SAFETY: `R` rows from `row` on are within all slices (asserted above).
            unsafe {
                panel_rows::<S, F, R>(
                    simd,
                    PanelRows {
                        codes: codes.as_ptr(),
                        terms: terms.as_ptr(),
                        values: self.rounded.codes.as_ptr().add(row * columns + self.first * BLOCK),
                        columns,
                        facts: self.rounded.facts.as_ptr().add(row * blocks + self.first),
                        blocks,
                        count: self.count,
                    },
                    sums,
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
    facts: *const BlockParams,
    blocks: usize,
    count: usize,
}

/// # Safety
/// `count` blocks at `codes` and `terms`; `R` rows of `count` blocks at `values` and `facts`.
#[inline(always)]
unsafe fn panel_rows<S: Simd, F: BlockFormat, const R: usize>(
    simd: S,
    at: PanelRows,
    out: &mut [[f32; LANES]; R],
) {
    // SAFETY: every access is within what the contract says, and a row of `out` is sixteen numbers.
    unsafe {
        let mut sums: [S::Floats; R] = each!(R, r => simd.load(out[r].as_ptr()));
        for block in 0..at.count {
            let facts: [&BlockParams; R] = each!(R, r => &*at.facts.add(r * at.blocks + block));
            let terms = at.terms.add(block * terms_len::<F>());
            if F::HALVES {
                for half in 0..2 {
                    let less = each!(R, r => simd.start(&raw const facts[r].half_less[half], zero_shift::<S, F>()));
                    let products = panel_half::<S, F, R>(simd, at, HalfBlock { block, half }, less);
                    let scale = simd.load(terms.add(half * LANES));
                    sums = each!(R, r => facts[r].add_scaled(simd, products[r], scale, sums[r]));
                }
            } else {
                let less =
                    each!(R, r => simd.start(&raw const facts[r].less, zero_shift::<S, F>()));
                let products = panel_half::<S, F, R>(simd, at, HalfBlock { block, half: 0 }, less);
                let products =
                    panel_half::<S, F, R>(simd, at, HalfBlock { block, half: 1 }, products);
                let scale = simd.load(terms);
                sums = each!(R, r => facts[r].add_scaled(simd, products[r], scale, sums[r]));
            }
            if F::OFFSETS {
                let offsets = if F::HALVES {
                    each!(2, half => simd.load(terms.add((2 + half) * LANES)))
                } else {
                    [simd.load(terms.add(LANES)); 2]
                };
                sums = each!(R, r => facts[r].add_offsets::<S, F>(simd, offsets, sums[r]));
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            simd.store(out.as_mut_ptr(), sum);
        }
    }
}

/// One half of a block: four of its eight groups of columns.
#[derive(Clone, Copy)]
struct HalfBlock {
    block: usize,
    half: usize,
}

/// Adds the products of half a block to `sums`.
///
/// # Safety
/// As [`panel_rows`]; the block is below the count.
#[inline(always)]
unsafe fn panel_half<S: Simd, F: BlockFormat, const R: usize>(
    simd: S,
    at: PanelRows,
    HalfBlock { block, half }: HalfBlock,
    mut sums: [S::Ints; R],
) -> [S::Ints; R] {
    let steps = S::steps(F::BITS);
    let mut group = 4 * half;
    while group < 4 * half + 4 {
        let mut products = each!(R, r => simd.open(sums[r]));
        for step in group..group + steps {
            // SAFETY: the block's codes and values, by contract.
            unsafe {
                let codes = simd.load_codes(at.codes.add((8 * block + step) * 64));
                for (r, product) in products.iter_mut().enumerate() {
                    let values = at.values.add(r * at.columns + block * BLOCK + 4 * step);
                    *product = simd.multiply(*product, codes, values, F::BITS);
                }
            }
        }
        sums = each!(R, r => simd.close(sums[r], products[r]));
        group += steps;
    }
    sums
}
