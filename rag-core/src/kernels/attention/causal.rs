//! Causal attention over keys and values kept as 16-bit floats, or rounded to 8 bits, in pages of
//! 64 positions.
//!
//! Softmax is worked out page by page (Milakov and Gimelshein 2018). A query meets its pages in
//! order and on its own, so its result is the same bits whatever queries stand beside it and on any
//! number of threads.
#![expect(unsafe_code, reason = "vectors into checked slices, and a query for each task")]

use std::sync::Arc;

use super::kv_page::{CacheShape, KeyBias, KvPrecision, Page};
use super::scores::{PagePart, score, weigh_all};
use super::{PAGE, kv_q8};
use crate::kernels::elementwise::exp::{exp, tanh};
use crate::kernels::isa::{Isa, LANES, Simd, Work};
use crate::kernels::pool::Pool;

/// The keys and values that one layer's queries attend to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KvView<'a> {
    /// Pages from position 0 on; they hold the queries' own positions too.
    pub(crate) pages: &'a [Arc<Page>],
    /// The layer.
    pub(crate) layer: usize,
    /// Position of the first query.
    pub(crate) first: usize,
    /// Query heads that share a key head (Ainslie et al. 2023).
    pub(crate) group: usize,
    /// Positions a query sees, its own included; `usize::MAX` for all.
    pub(crate) window: usize,
    /// The bias that the keys were written without, `[heads, dim]`, not rotated; empty if they hold
    /// it.
    pub(crate) bias: &'a [f32],
    /// Scores go through `cap * tanh(score / cap)`; 0 for no cap.
    pub(crate) cap: f32,
}

/// Replaces each query by its attention output: `queries` is `[positions, heads * dim]`, already
/// scaled.
pub(crate) fn attend(pool: &Pool, isa: Isa, view: KvView<'_>, queries: &mut [f32]) {
    let Some(shape) = view.pages.first().map(|page| page.shape) else { return };
    let stride = shape.heads * view.group * shape.dim;
    let positions = queries.len() / stride;
    assert!(queries.len() == positions * stride && view.group > 0 && view.window > 0);
    assert!(view.first + positions <= view.pages.len() * PAGE);
    assert!(view.pages.iter().all(|page| page.shape == shape) && view.layer < shape.layers);
    let bias_len = if shape.bias == KeyBias::Apart { shape.heads * shape.dim } else { 0 };
    assert!(view.bias.len() == bias_len);
    let rows = positions * view.group;
    // few rows are spread over the threads
    let least = (rows * shape.heads).div_ceil(pool.thread_count());
    let most = isa.run(QueriesAtOnce).min(least.max(1));
    let runs = rows.div_ceil(most);
    let start = Start(queries.as_mut_ptr());
    pool.run_with(runs * shape.heads, Vec::new, |sums, task| {
        // the last positions see most, so they go first
        let (run, head) = (runs - 1 - task / shape.heads, task % shape.heads);
        let row = run * most;
        let count = most.min(rows - row);
        let at = |row: usize| {
            let row = row.min(rows - 1);
            let number = head * view.group + row % view.group;
            let offset = row / view.group * stride + number * shape.dim;
            // SAFETY: `row` is a row of the queries and `number` below their heads.
            (unsafe { start.get().add(offset) }, view.first + row / view.group)
        };
        let rows = Rows { view, shape, head, count, sums };
        match count {
            5.. => run_rows::<8>(isa, rows, std::array::from_fn(|r| at(row + r.min(count - 1)))),
            3..=4 => run_rows::<4>(isa, rows, std::array::from_fn(|r| at(row + r.min(count - 1)))),
            2 => run_rows::<2>(isa, rows, std::array::from_fn(|r| at(row + r))),
            _ => run_rows::<1>(isa, rows, [at(row)]),
        }
    });
}

/// The start of the queries, of which tasks write disjoint heads of positions.
struct Start(*mut f32);

// SAFETY: see `attend`: each row of each head belongs to one task.
unsafe impl Sync for Start {}

impl Start {
    fn get(&self) -> *mut f32 {
        self.0
    }
}

/// Queries that a task takes at most.
struct QueriesAtOnce;

impl Work for QueriesAtOnce {
    type Out = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        S::QUERIES
    }
}

/// Some queries of one key head.
struct Rows<'a> {
    view: KvView<'a>,
    shape: CacheShape,
    head: usize,
    /// How many of the `R` rows count; the others repeat the last.
    count: usize,
    sums: &'a mut Vec<f32>,
}

fn run_rows<const R: usize>(isa: Isa, rows: Rows<'_>, queries: [(*mut f32, usize); R]) {
    isa.run(Attention { rows, queries });
}

struct Attention<'a, const R: usize> {
    rows: Rows<'a>,
    /// Where each query stands and its position.
    queries: [(*mut f32, usize); R],
}

/// The softmax of `R` queries over the pages they have met so far.
struct OnlineSoftmax<const R: usize> {
    largest: [f32; R],
    sum: [f32; R],
    /// Scores, then weights, of a page.
    weights: [[f32; PAGE]; R],
}

impl<const R: usize> Work for Attention<'_, R> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Rows { view, shape, head, count, sums } = self.rows;
        let width = shape.width();
        let turned_len = if view.bias.is_empty() { 0 } else { R * shape.dim };
        sums.clear();
        sums.resize(R * width + turned_len, 0.0);
        let (sums, turned) = sums.split_at_mut(R * width);
        for (turned, (query, _)) in turned.chunks_exact_mut(shape.dim).zip(&self.queries) {
            let bias = &view.bias[head * shape.dim..][..shape.dim];
            // SAFETY: the query's `dim` numbers are this task's alone.
            kv_q8::rotated_bias(
                unsafe { std::slice::from_raw_parts(*query, shape.dim) },
                bias,
                turned,
            );
        }
        let mut softmax = OnlineSoftmax {
            largest: [f32::NEG_INFINITY; R],
            sum: [0.0; R],
            weights: [[0.0; PAGE]; R],
        };
        let is_rounded = shape.precision == KvPrecision::Q8;
        if is_rounded {
            for (query, _) in self.queries.iter().take(count) {
                // SAFETY: the query's `dim` numbers are this task's alone.
                kv_q8::hadamard(unsafe { std::slice::from_raw_parts_mut(*query, shape.dim) });
            }
        }
        let seen = |position: usize| (position + 1).saturating_sub(view.window);
        let (from, to) = (seen(self.queries[0].1), self.queries[R - 1].1 + 1);
        for (page, base) in view.pages.iter().zip((0..).step_by(PAGE)) {
            if base + PAGE <= from || base >= to {
                continue;
            }
            let count = PAGE.min(to - base);
            // SAFETY: a page's keys are whole groups of `dim` vectors, its values `PAGE` rows of
            // `width`; each query holds `dim` numbers; `sums` holds `R` rows of `width`.
            unsafe {
                let scores = &mut softmax.weights;
                if is_rounded {
                    let numbers = page.rounded(view.layer, head).0;
                    let keys = PagePart { numbers, width: shape.dim, count };
                    score(simd, keys, &self.queries, scores);
                    if !turned.is_empty() {
                        let numbers = &page.angles[..];
                        let angles = PagePart { numbers, width: shape.dim, count };
                        kv_q8::add_rotated_bias(simd, angles, turned, scores);
                    }
                } else {
                    let numbers = page.halves(view.layer, head).0;
                    let keys = PagePart { numbers, width: shape.dim, count };
                    score(simd, keys, &self.queries, scores);
                }
                for r in 0..R {
                    let position = self.queries[r].1;
                    let visible = seen(position).saturating_sub(base).min(PAGE)
                        ..(position + 1).saturating_sub(base).min(PAGE);
                    let sums = &mut sums[r * width..][..width];
                    softmax.meet(simd, QueryRow { index: r, visible, sums }, view.cap);
                }
                let weights = &softmax.weights;
                if is_rounded {
                    let numbers = page.rounded(view.layer, head).1;
                    weigh_all(simd, PagePart { numbers, width, count }, weights, sums);
                } else {
                    let numbers = page.halves(view.layer, head).1;
                    weigh_all(simd, PagePart { numbers, width, count }, weights, sums);
                }
            }
        }
        for (r, (query, _)) in self.queries.iter().enumerate().take(count) {
            let share = 1.0 / softmax.sum[r];
            // SAFETY: the query's `dim` numbers are this task's alone.
            let out = unsafe { std::slice::from_raw_parts_mut(*query, shape.dim) };
            for (out, sum) in out.iter_mut().zip(&sums[r * width..]) {
                *out = sum * share;
            }
        }
    }
}

/// The lanes of a group of positions within a range.
#[inline(always)]
fn mask(group: usize, visible: &std::ops::Range<usize>) -> u16 {
    let from = visible.start.saturating_sub(group * LANES).min(LANES);
    let to = visible.end.saturating_sub(group * LANES).min(LANES);
    (((1u32 << to) - 1) & !((1u32 << from) - 1)) as u16
}

/// One of the queries that meet a page: its sums, and the positions of the page that it sees.
struct QueryRow<'a> {
    index: usize,
    visible: std::ops::Range<usize>,
    sums: &'a mut [f32],
}

impl<const R: usize> OnlineSoftmax<R> {
    /// Turns the scores of a row into weights relative to the largest so far, zero where it does
    /// not see, and brings its sums to the same scale.
    #[inline(always)]
    fn meet<S: Simd>(&mut self, simd: S, row: QueryRow<'_>, cap: f32) {
        let QueryRow { index: r, visible, sums } = row;
        let weights = &mut self.weights[r];
        if visible.is_empty() {
            weights.fill(0.0);
            return;
        }
        let none = simd.splat(f32::NEG_INFINITY);
        let mut largest = none;
        for (group, scores) in weights.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // SAFETY: sixteen long.
            unsafe {
                let mut values = simd.load(scores.as_ptr());
                if cap > 0.0 {
                    let shares = simd.mul(values, simd.splat(1.0 / cap));
                    values = simd.mul(simd.splat(cap), tanh(simd, shares));
                }
                let values = simd.keep(mask(group, &visible), values, none);
                simd.store(scores.as_mut_ptr(), values);
                largest = simd.max(largest, values);
            }
        }
        let before = self.largest[r];
        let largest = simd.largest(largest).max(before);
        if largest > before {
            let factor = if before == f32::NEG_INFINITY { 0.0 } else { (before - largest).exp() };
            self.sum[r] *= factor;
            sums.iter_mut().for_each(|sum| *sum *= factor);
            self.largest[r] = largest;
        }
        let (top, mut total) = (simd.splat(largest), simd.zero());
        for (group, weights) in weights.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // SAFETY: sixteen long.
            unsafe {
                let power = exp(simd, simd.sub(simd.load(weights.as_ptr()), top));
                let power = simd.keep(mask(group, &visible), power, simd.zero());
                simd.store(weights.as_mut_ptr(), power);
                total = simd.add(total, power);
            }
        }
        self.sum[r] += simd.sum(total);
    }
}

#[cfg(test)]
mod tests;
