//! Products of rows with tiles: straight from the tile for few rows, through an unpacked panel for
//! many.
//!
//! Each number of a result is one sum over the blocks in order, in integers within a block: it is
//! the same bits however many rows are multiplied together, whichever way is taken, and on any
//! number of threads.
#![expect(
    unsafe_code,
    reason = "vectors into checked slices, and columns of a result for each task"
)]

use std::marker::PhantomData;

use super::formats::{BlockFormat, places, zero_shift};
use super::panel::{TileProduct, Unpacked, panel};
use super::rows::{QuantizedRows, SPARE_ROWS};
use super::{BLOCK, GgmlType, Isa, LANES, Matrix, Simd, UNIT, Work, unit_start, with_format};
use crate::kernels::pool::Pool;

/// From this many rows on, panels are worth unpacking.
const PANEL_FROM_ROWS: usize = 13;
/// Tasks per thread when a matrix is only read once.
const TASKS_PER_THREAD: usize = 6;
/// How far ahead of the codes lines are asked for: two small pages, as the hardware looks no
/// further than one.
const AHEAD: usize = 8192;

/// Rows to multiply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// How many.
    pub(crate) rows: usize,
    /// `[rows, columns]`, read for plain weights only.
    pub(crate) values: &'a [f32],
    /// The same rounded, read for quantised weights only.
    pub(crate) rounded: &'a QuantizedRows,
}

/// What to do with the product of the input with one matrix.
pub(crate) struct Target<'a> {
    /// The matrix `[out, in]`.
    pub(crate) matrix: &'a Matrix,
    /// Added to each row; empty for nothing.
    pub(crate) bias: &'a [f32],
    /// `[rows, matrix rows]`.
    pub(crate) out: &'a mut [f32],
    /// Whether the product is added to what `out` holds.
    pub(crate) add: bool,
}

/// A target whose columns several tasks write, each its own.
struct Shared<'a> {
    matrix: &'a Matrix,
    bias: &'a [f32],
    out: *mut f32,
    add: bool,
}

// SAFETY: tasks write disjoint columns through `out`, see `multiply`.
unsafe impl Sync for Shared<'_> {}

/// Some tiles of one target.
struct Task {
    target: usize,
    first: usize,
    count: usize,
}

/// What a thread keeps from tile to tile.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    unpacked: Unpacked,
    /// For each row sixteen, and for some rows beyond.
    pub(super) sums: Vec<[f32; LANES]>,
}

impl Input<'_> {
    /// Panics unless there are enough values for products with `matrix`.
    pub(super) fn check(&self, matrix: &Matrix) {
        let columns = matrix.columns;
        if matrix.kind.is_quantised() {
            let rounded = self.rounded;
            assert!(rounded.columns == columns);
            assert!(rounded.codes.len() >= (self.rows + SPARE_ROWS) * columns);
            assert!(rounded.facts.len() >= (self.rows + SPARE_ROWS) * (columns / BLOCK));
        } else {
            assert!(self.values.len() >= self.rows * columns);
        }
    }

    /// The sums of all rows with one tile of `matrix`.
    pub(super) fn sums(&self, isa: Isa, matrix: &Matrix, tile: usize, scratch: &mut Scratch) {
        let Scratch { unpacked, sums } = scratch;
        sums.resize(self.rows.next_multiple_of(SPARE_ROWS), [0.0; LANES]);
        if self.rows >= PANEL_FROM_ROWS && matrix.kind.is_quantised() {
            with_format!(matrix.kind, F => {
                let product = TileProduct { rounded: self.rounded, matrix, tile, unpacked, sums };
                panel::<F>(isa, product);
            }, {});
            return;
        }
        let mut row = 0;
        while row < self.rows {
            let direct = Direct { input: *self, matrix, tile, row };
            row += match self.rows - row {
                8.. => direct.run::<8>(isa, sums),
                4.. => direct.run::<4>(isa, sums),
                2.. => direct.run::<2>(isa, sums),
                _ => direct.run::<1>(isa, sums),
            };
        }
    }
}

/// Multiplies the input with each matrix, all in one parallel region.
pub(crate) fn multiply(pool: &Pool, isa: Isa, input: Input<'_>, targets: &mut [Target<'_>]) {
    for target in targets.iter() {
        let rows = target.matrix.rows;
        assert!(target.out.len() == input.rows * rows);
        assert!(target.bias.is_empty() || target.bias.len() == rows);
        input.check(target.matrix);
    }
    let shared: Vec<Shared<'_>> = targets
        .iter_mut()
        .map(|target| Shared {
            matrix: target.matrix,
            bias: target.bias,
            out: target.out.as_mut_ptr(),
            add: target.add,
        })
        .collect();
    let total: usize = shared.iter().map(|target| target.matrix.tile_count()).sum();
    let run = run_len(total, input.rows, pool);
    let mut tasks = Vec::new();
    for (index, target) in shared.iter().enumerate() {
        let tiles = target.matrix.tile_count();
        tasks.extend((0..tiles).step_by(run).map(|first| Task {
            target: index,
            first,
            count: run.min(tiles - first),
        }));
    }
    pool.run_with(tasks.len(), Scratch::default, |scratch, index| {
        let task = &tasks[index];
        let target = &shared[task.target];
        for tile in task.first..task.first + task.count {
            input.sums(isa, target.matrix, tile, scratch);
            for (row, sums) in scratch.sums.iter().enumerate().take(input.rows) {
                // SAFETY: `row` is below the input's rows; tasks are disjoint runs of tiles, so
                // that nobody else writes this one.
                unsafe { target.write(row, tile, sums) };
            }
        }
    });
}

/// How many of `total` equal parts a task takes: one if each is much work, else as many as make a
/// few tasks for each thread.
pub(super) fn run_len(total: usize, rows: usize, pool: &Pool) -> usize {
    if rows >= PANEL_FROM_ROWS {
        return 1;
    }
    total.div_ceil(pool.thread_count() * TASKS_PER_THREAD).max(1)
}

/// Some rows times one tile.
#[derive(Clone, Copy)]
struct Direct<'a> {
    input: Input<'a>,
    matrix: &'a Matrix,
    tile: usize,
    row: usize,
}

impl Direct<'_> {
    fn run<const R: usize>(self, isa: Isa, sums: &mut [[f32; LANES]]) -> usize {
        let kind = self.matrix.kind;
        let found = with_format!(kind, F => {
            isa.run(Quantised::<F, R> { direct: self, format: PhantomData })
        }, match kind {
            GgmlType::F32 => isa.run(Plain::<4, R> { direct: self }),
            GgmlType::F16 => isa.run(Plain::<2, R> { direct: self }),
            _ => isa.run(Plain::<0, R> { direct: self }),
        });
        sums[self.row..self.row + R].copy_from_slice(&found);
        R
    }
}

impl Shared<'_> {
    /// Finishes and stores one row of one tile.
    ///
    /// # Safety
    /// `row` is a row of `out`, `tile` one of its tiles, and no other task writes that tile.
    unsafe fn write(&self, row: usize, tile: usize, sums: &[f32; LANES]) {
        let (width, from) = (self.matrix.rows, tile * LANES);
        let count = LANES.min(width - from);
        // SAFETY: by contract; columns `from..from + count` of the row are this task's.
        let out =
            unsafe { std::slice::from_raw_parts_mut(self.out.add(row * width + from), count) };
        let bias = self.bias.get(from..from + count).unwrap_or_default();
        match <&mut [f32; LANES]>::try_from(&mut *out) {
            // whole tiles without a bias are nearly all
            Ok(out) if bias.is_empty() && self.add => {
                out.iter_mut().zip(sums).for_each(|(out, sum)| *out += sum);
            }
            Ok(out) if bias.is_empty() => *out = *sums,
            _ => {
                for (at, (out, sum)) in out.iter_mut().zip(sums).enumerate() {
                    let sum = bias.get(at).map_or(*sum, |bias| sum + bias);
                    *out = if self.add { *out + sum } else { sum };
                }
            }
        }
    }
}

/// The sums of `R` rows with a tile of quantised weights.
struct Quantised<'a, F, const R: usize> {
    direct: Direct<'a>,
    format: PhantomData<F>,
}

impl<F: BlockFormat, const R: usize> Work for Quantised<'_, F, R> {
    type Out = [[f32; LANES]; R];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [[f32; LANES]; R] {
        let Direct { input, matrix, tile, row } = self.direct;
        let (columns, tile) = (matrix.columns, matrix.tile(tile));
        let blocks = columns / BLOCK;
        let codes = &input.rounded.codes[row * columns..][..R * columns];
        let facts = &input.rounded.facts[row * blocks..][..R * blocks];
        assert!(tile.len() >= unit_start::<F>(blocks, blocks.div_ceil(UNIT)));
        let mut sums = [simd.zero(); R];
        for first in (0..blocks).step_by(UNIT) {
            let [mut at, mut scales, shared] = places::<F>(blocks, first);
            for block in first..blocks.min(first + UNIT) {
                // SAFETY: a block's places lie within the tile (asserted above), as the codes and
                // facts of `R` rows do within their slices; lines asked for ahead need not exist.
                unsafe {
                    let start = tile.as_ptr();
                    for line in (0..F::CODE_BYTES + F::SCALE_BYTES).step_by(64) {
                        simd.prefetch(start.wrapping_add(at + AHEAD + line));
                    }
                    let open = F::codes(simd, start.add(at));
                    let found = F::scales(simd, start.add(scales), start.add(shared));
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let values = codes.as_ptr().add(r * columns + block * BLOCK);
                        let facts = &*facts.as_ptr().add(r * blocks + block);
                        let [a, b, c, d, e, f, g, h] = open;
                        let [less, more_less] = &facts.half_less;
                        let first = half::<S, F>(simd, less, [a, b, c, d], values);
                        let second = half::<S, F>(simd, more_less, [e, f, g, h], values.add(16));
                        *sum = if F::HALVES {
                            let sum = facts.add_scaled(simd, first, found.scales[0], *sum);
                            facts.add_scaled(simd, second, found.scales[1], sum)
                        } else {
                            let whole = simd.add_ints(first, second);
                            facts.add_scaled(simd, whole, found.scales[0], *sum)
                        };
                        *sum = facts.add_offsets::<S, F>(simd, found.offsets, *sum);
                    }
                }
                at += F::CODE_BYTES;
                scales += F::SCALE_BYTES;
            }
        }
        let mut out = [[0.0; LANES]; R];
        for (out, sum) in out.iter_mut().zip(sums) {
            // SAFETY: sixteen elements.
            unsafe { simd.store(out.as_mut_ptr(), sum) };
        }
        out
    }
}

/// The integer products of half a block, less its zero point: `less` is minus the sum of its
/// values.
///
/// # Safety
/// `values` holds sixteen.
#[inline(always)]
unsafe fn half<S: Simd, F: BlockFormat>(
    simd: S,
    less: &i32,
    codes: [S::Codes; 4],
    values: *const i8,
) -> S::Ints {
    let steps = S::steps(F::BITS);
    // SAFETY: four values for each of four groups, by contract.
    unsafe {
        let mut sums = simd.start(less, zero_shift::<S, F>());
        let mut group = 0;
        while group < 4 {
            let mut products = simd.open(sums);
            for (step, codes) in codes.iter().enumerate().skip(group).take(steps) {
                let values = values.add(4 * step);
                products = simd.multiply(products, *codes, values, F::BITS);
            }
            sums = simd.close(sums, products);
            group += steps;
        }
        sums
    }
}

/// The sums of `R` rows with a tile of plain floats: 4 bytes for f32, 2 for f16, 0 for bfloat16.
struct Plain<'a, const WIDTH: usize, const R: usize> {
    direct: Direct<'a>,
}

impl<const WIDTH: usize, const R: usize> Work for Plain<'_, WIDTH, R> {
    type Out = [[f32; LANES]; R];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [[f32; LANES]; R] {
        let Direct { input, matrix, tile, row } = self.direct;
        let (columns, tile) = (matrix.columns, matrix.tile(tile));
        let values = &input.values[row * columns..][..R * columns];
        let bytes = if WIDTH == 4 { 4 * LANES } else { 2 * LANES };
        assert!(tile.len() >= columns * bytes);
        let mut sums = [simd.zero(); R];
        for column in 0..columns {
            // SAFETY: the tile holds sixteen elements for each column, and `values` `R` rows (both
            // checked above).
            unsafe {
                let at = tile.as_ptr().add(column * bytes);
                let weights = match WIDTH {
                    4 => simd.load(at.cast()),
                    2 => simd.load_half(at.cast()),
                    _ => simd.load_bfloat(at.cast()),
                };
                for (r, sum) in sums.iter_mut().enumerate() {
                    let value = simd.splat(*values.as_ptr().add(r * columns + column));
                    *sum = simd.mul_add(weights, value, *sum);
                }
            }
        }
        let mut out = [[0.0; LANES]; R];
        for (out, sum) in out.iter_mut().zip(sums) {
            // SAFETY: sixteen elements.
            unsafe { simd.store(out.as_mut_ptr(), sum) };
        }
        out
    }
}
