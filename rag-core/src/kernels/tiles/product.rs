//! Products of rows with tiles: straight from the tile for few rows, through an unpacked panel for many.
//!
//! Each number of a result is one sum over the blocks in order, in integers within a block: it is the same bits
//! however many rows are multiplied together, whichever way is taken, and on any number of threads.
#![expect(
    unsafe_code,
    reason = "vectors into checked slices, and columns of a result for each task"
)]

use std::marker::PhantomData;

use super::formats::{Format, places};
use super::rounded::{Facts, Rounded, SPARE_ROWS};
use super::{BLOCK, Kind, LANES, Lanes, Matrix, Proof, UNIT, Work, unit_start, with_format};
use crate::kernels::lanes::each;
use crate::kernels::pool::Pool;

/// From this many rows on, panels are worth unpacking.
const PANEL_FROM_ROWS: usize = 13;
/// Blocks of a panel: it stays in the first-level cache.
const PANEL_BLOCKS: usize = 3 * UNIT;
/// A panel this long or shorter is not cut.
const WHOLE_BLOCKS: usize = 4 * UNIT;
/// Tasks per thread when a matrix is only read once.
const TASKS_PER_THREAD: usize = 6;
/// How far ahead of the codes lines are asked for.
const AHEAD: usize = 2048;

/// Rows to multiply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    /// How many.
    pub(crate) rows: usize,
    /// `[rows, columns]`, read for plain weights only.
    pub(crate) values: &'a [f32],
    /// The same rounded, read for quantised weights only.
    pub(crate) rounded: &'a Rounded,
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

/// Multiplies the input with each matrix, all in one parallel region.
pub(crate) fn multiply(pool: &Pool, proof: Proof, input: Input<'_>, targets: &mut [Target<'_>]) {
    for target in targets.iter() {
        let (rows, columns) = (target.matrix.rows, target.matrix.columns);
        assert!(target.out.len() == input.rows * rows);
        assert!(target.bias.is_empty() || target.bias.len() == rows);
        if target.matrix.kind.is_quantised() {
            let rounded = input.rounded;
            assert!(rounded.columns == columns);
            assert!(rounded.codes.len() >= (input.rows + SPARE_ROWS) * columns);
            assert!(rounded.facts.len() >= (input.rows + SPARE_ROWS) * (columns / BLOCK));
        } else {
            assert!(input.values.len() >= input.rows * columns);
        }
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
    let tasks = tasks(&shared, input.rows, pool.thread_count(), proof);
    pool.run_with(tasks.len(), Scratch::default, |scratch, index| {
        let task = &tasks[index];
        // Tasks are disjoint runs of tiles, and a tile is written by nobody but its task.
        run(proof, input, &shared[task.target], task, scratch);
    });
}

fn is_panel(matrix: &Matrix, rows: usize) -> bool {
    rows >= PANEL_FROM_ROWS && matrix.kind.is_quantised()
}

fn tasks(targets: &[Shared<'_>], rows: usize, threads: usize, proof: Proof) -> Vec<Task> {
    let total: usize = targets.iter().map(|target| target.matrix.tile_count()).sum();
    let run = total.div_ceil(threads * TASKS_PER_THREAD).max(1);
    let mut tasks = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let run = if is_panel(target.matrix, rows) { panel_tiles(proof) } else { run };
        let tiles = target.matrix.tile_count();
        tasks.extend((0..tiles).step_by(run).map(|first| Task {
            target: index,
            first,
            count: run.min(tiles - first),
        }));
    }
    tasks
}

fn run(proof: Proof, input: Input<'_>, target: &Shared<'_>, task: &Task, scratch: &mut Scratch) {
    let matrix = target.matrix;
    if is_panel(matrix, input.rows) {
        with_format!(matrix.kind, F => panel::<F>(proof, input, target, task, scratch), {});
        return;
    }
    for tile in task.first..task.first + task.count {
        let mut row = 0;
        while row < input.rows {
            let direct = Direct { input, target, tile, row };
            row += match input.rows - row {
                8.. => direct.run::<8>(proof),
                4.. => direct.run::<4>(proof),
                2.. => direct.run::<2>(proof),
                _ => direct.run::<1>(proof),
            };
        }
    }
}

/// Some rows times one tile.
#[derive(Clone, Copy)]
struct Direct<'a> {
    input: Input<'a>,
    target: &'a Shared<'a>,
    tile: usize,
    row: usize,
}

impl Direct<'_> {
    fn run<const R: usize>(self, proof: Proof) -> usize {
        let kind = self.target.matrix.kind;
        let sums = with_format!(kind, F => {
            proof.run(Quantised::<F, R> { direct: self, format: PhantomData })
        }, match kind {
            Kind::F32 => proof.run(Plain::<4, R> { direct: self }),
            Kind::F16 => proof.run(Plain::<2, R> { direct: self }),
            _ => proof.run(Plain::<0, R> { direct: self }),
        });
        for (row, sums) in (self.row..).zip(sums) {
            // SAFETY: `row` is below the input's rows and the tile belongs to this task alone.
            unsafe { self.target.write(row, self.tile, &sums) };
        }
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

impl<F: Format, const R: usize> Work for Quantised<'_, F, R> {
    type Out = [[f32; LANES]; R];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [[f32; LANES]; R] {
        let Direct { input, target, tile, row } = self.direct;
        let (columns, tile) = (target.matrix.columns, target.matrix.tile(tile));
        let blocks = columns / BLOCK;
        let codes = &input.rounded.codes[row * columns..][..R * columns];
        let facts = &input.rounded.facts[row * blocks..][..R * blocks];
        assert!(tile.len() >= unit_start::<F>(blocks, blocks.div_ceil(UNIT)));
        let mut sums = [lanes.zero(); R];
        for first in (0..blocks).step_by(UNIT) {
            let [mut at, mut scales, shared] = places::<F>(blocks, first);
            for block in first..blocks.min(first + UNIT) {
                // SAFETY: a block's places lie within the tile (asserted above), as the codes and facts of `R`
                // rows do within their slices; lines asked for ahead need not exist.
                unsafe {
                    let start = tile.as_ptr();
                    for line in (0..F::CODE_BYTES + F::SCALE_BYTES).step_by(64) {
                        lanes.prefetch(start.wrapping_add(at + AHEAD + line));
                    }
                    let open = F::codes(lanes, start.add(at));
                    let found = F::scales(lanes, start.add(scales), start.add(shared));
                    for (r, sum) in sums.iter_mut().enumerate() {
                        let values = codes.as_ptr().add(r * columns + block * BLOCK);
                        let facts = &*facts.as_ptr().add(r * blocks + block);
                        let [a, b, c, d, e, f, g, h] = open;
                        let first = half::<L, F>(lanes, facts, 0, [a, b, c, d], values);
                        let second = half::<L, F>(lanes, facts, 1, [e, f, g, h], values.add(16));
                        *sum = if F::HALVES {
                            let sum = scaled(lanes, facts, first, found.scales[0], *sum);
                            scaled(lanes, facts, second, found.scales[1], sum)
                        } else {
                            let whole = lanes.add_ints(first, second);
                            scaled(lanes, facts, whole, found.scales[0], *sum)
                        };
                        *sum = with_offsets::<L, F>(lanes, facts, found.offsets, *sum);
                    }
                }
                at += F::CODE_BYTES;
                scales += F::SCALE_BYTES;
            }
        }
        let mut out = [[0.0; LANES]; R];
        for (out, sum) in out.iter_mut().zip(sums) {
            // SAFETY: sixteen elements.
            unsafe { lanes.store(out.as_mut_ptr(), sum) };
        }
        out
    }
}

#[inline(always)]
fn zero_shift<L: Lanes, F: Format>() -> u32 {
    if F::BITS == 8 { L::SIGNED_SHIFT } else { F::ZERO_SHIFT }
}

/// The integer products of half a block, less its zero point.
///
/// # Safety
/// `values` holds sixteen.
#[inline(always)]
unsafe fn half<L: Lanes, F: Format>(
    lanes: L,
    facts: &Facts,
    index: usize,
    codes: [L::Codes; 4],
    values: *const i8,
) -> L::Ints {
    let steps = L::steps(F::BITS);
    // SAFETY: four values for each of four groups, by contract.
    unsafe {
        let mut sums = lanes.start(&raw const facts.half_less[index], zero_shift::<L, F>());
        let mut group = 0;
        while group < 4 {
            let mut products = lanes.open(sums);
            for (step, codes) in codes.iter().enumerate().skip(group).take(steps) {
                let values = values.add(4 * step);
                products = lanes.multiply(products, *codes, values, F::BITS);
            }
            sums = lanes.close(sums, products);
            group += steps;
        }
        sums
    }
}

#[inline(always)]
fn scaled<L: Lanes>(
    lanes: L,
    facts: &Facts,
    products: L::Ints,
    scale: L::Floats,
    sum: L::Floats,
) -> L::Floats {
    let scale = lanes.mul(scale, lanes.splat(facts.scale));
    lanes.mul_add(lanes.to_floats(products), scale, sum)
}

#[inline(always)]
fn with_offsets<L: Lanes, F: Format>(
    lanes: L,
    facts: &Facts,
    offsets: [L::Floats; 2],
    sum: L::Floats,
) -> L::Floats {
    if !F::OFFSETS {
        return sum;
    }
    if F::HALVES {
        let sum = lanes.mul_add(offsets[0], lanes.splat(facts.half_sum[0]), sum);
        return lanes.mul_add(offsets[1], lanes.splat(facts.half_sum[1]), sum);
    }
    lanes.mul_add(offsets[0], lanes.splat(facts.sum), sum)
}

/// The sums of `R` rows with a tile of plain floats: 4 bytes for f32, 2 for f16, 0 for bfloat16.
struct Plain<'a, const WIDTH: usize, const R: usize> {
    direct: Direct<'a>,
}

impl<const WIDTH: usize, const R: usize> Work for Plain<'_, WIDTH, R> {
    type Out = [[f32; LANES]; R];

    #[inline(always)]
    fn run<L: Lanes>(self, lanes: L) -> [[f32; LANES]; R] {
        let Direct { input, target, tile, row } = self.direct;
        let (columns, tile) = (target.matrix.columns, target.matrix.tile(tile));
        let values = &input.values[row * columns..][..R * columns];
        let bytes = if WIDTH == 4 { 4 * LANES } else { 2 * LANES };
        assert!(tile.len() >= columns * bytes);
        let mut sums = [lanes.zero(); R];
        for column in 0..columns {
            // SAFETY: the tile holds sixteen elements for each column, and `values` `R` rows (both checked above).
            unsafe {
                let at = tile.as_ptr().add(column * bytes);
                let weights = match WIDTH {
                    4 => lanes.load(at.cast()),
                    2 => lanes.load_half(at.cast()),
                    _ => lanes.load_bfloat(at.cast()),
                };
                for (r, sum) in sums.iter_mut().enumerate() {
                    let value = lanes.splat(*values.as_ptr().add(r * columns + column));
                    *sum = lanes.mul_add(weights, value, *sum);
                }
            }
        }
        let mut out = [[0.0; LANES]; R];
        for (out, sum) in out.iter_mut().zip(sums) {
            // SAFETY: sixteen elements.
            unsafe { lanes.store(out.as_mut_ptr(), sum) };
        }
        out
    }
}

/// What a thread keeps from panel to panel.
#[derive(Debug, Default)]
struct Scratch {
    /// For each block, group and tile 64 codes.
    codes: Vec<u8>,
    /// For each block and tile: scales, second scales, offsets, second offsets, as far as the format has them.
    terms: Vec<f32>,
    /// Sums so far: for each row and tile sixteen.
    sums: Vec<f32>,
}

fn panel_tiles(proof: Proof) -> usize {
    match proof {
        #[cfg(target_arch = "x86_64")]
        Proof::Avx512(_) => crate::kernels::lanes::Avx512::PANEL_TILES,
        #[cfg(target_arch = "x86_64")]
        Proof::Avx2(_) => crate::kernels::lanes::Avx2::PANEL_TILES,
        Proof::Portable(_) => crate::kernels::lanes::Portable::PANEL_TILES,
    }
}

/// All rows times the tiles of one task.
fn panel<F: Format>(
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
