//! A linear layer whose weights were rounded and packed once, and what it needs to run.

use super::convert::{
    RowScale, bf16_inputs, bf16_rows, pair_count, quantize_pairs, quantize_quads, quantize_weights,
    whole_words,
};
use super::gemm::{
    After, BLOCK_ROWS, Packed, Scale, linear, linear_bf16, linear_pairs, linear_quads,
};
use super::level::Level;
use super::pool::Pool;

/// The numbers that are multiplied; sums are f32, or exact where the numbers are whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// As they are.
    F32,
    /// Weights and inputs rounded to bf16.
    Bf16,
    /// Weights in -127 to 127 with a scale per output; inputs in 0 to 255 over the range of their row.
    Int8,
}

#[derive(Debug)]
enum Weight {
    F32(Packed),
    Bf16(Packed<u32>),
    Whole(Whole),
}

#[derive(Debug)]
struct Whole {
    packed: Packed<u32>,
    /// Four numbers a word, else two.
    quads: bool,
    scales: Vec<f32>,
    sums: Vec<f32>,
}

/// `y = after(W x + b)`.
#[derive(Debug)]
pub(crate) struct Linear {
    level: Level,
    weight: Weight,
    bias: Vec<f32>,
    depth: usize,
}

/// Inputs in the numbers of the weights; kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    words: Vec<u32>,
    scales: Vec<RowScale>,
    /// Columns of each thread.
    parts: Vec<f32>,
}

impl Linear {
    /// Rounds and packs `bias.len()` rows of `depth` numbers.
    pub(crate) fn new(
        level: Level,
        format: Format,
        rows: &[f32],
        depth: usize,
        bias: Vec<f32>,
    ) -> Self {
        let weight = match format {
            Format::F32 => Weight::F32(Packed::from_rows(level, rows, depth)),
            Format::Bf16 => {
                let mut words = Vec::new();
                bf16_rows(level, rows, depth, &mut words);
                Weight::Bf16(Packed::from_rows(level, &words, pair_count(depth)))
            }
            Format::Int8 => Weight::Whole(Whole::new(level, rows, depth)),
        };
        Self { level, weight, bias, depth }
    }

    /// Numbers of an output row.
    pub(crate) fn width(&self) -> usize {
        self.bias.len()
    }

    /// Multiplies rows of `depth` numbers into rows of `width`; with a pool, its threads share the columns.
    pub(crate) fn run(
        &self,
        x: &[f32],
        after: After,
        pool: Option<&Pool>,
        inputs: &mut Inputs,
        out: &mut [f32],
    ) {
        let Inputs { words, scales, parts } = inputs;
        let blocks = x.chunks(BLOCK_ROWS * self.depth);
        for (x, out) in blocks.zip(out.chunks_mut(BLOCK_ROWS * self.width())) {
            self.round(x, words, scales);
            let input = Input { x, words, scales };
            match pool.filter(|pool| pool.thread_count() > 1) {
                None => self.columns(input, 0, self.width(), after, out),
                Some(pool) => self.share(input, after, pool, parts, out),
            }
        }
    }

    /// Rows in the numbers of the weights.
    fn round(&self, x: &[f32], words: &mut Vec<u32>, scales: &mut Vec<RowScale>) {
        match &self.weight {
            Weight::F32(_) => {}
            Weight::Bf16(_) => bf16_inputs(self.level, x, self.depth, words),
            Weight::Whole(whole) if whole.quads => {
                quantize_quads(self.level, x, self.depth, words, scales);
            }
            Weight::Whole(_) => quantize_pairs(self.level, x, self.depth, words, scales),
        }
    }

    /// The columns from `start`, a multiple of the level's, to `end`.
    fn columns(&self, input: Input<'_>, start: usize, end: usize, after: After, out: &mut [f32]) {
        let (level, bias) = (self.level, &self.bias[start..end]);
        let wide = level.columns();
        // rounded again before the next product
        let near = if after == After::Gelu { After::GeluNear } else { after };
        match &self.weight {
            Weight::F32(packed) => {
                linear(level, input.x, packed.columns(wide, start, end), bias, after, out);
            }
            Weight::Bf16(packed) => {
                let panels = packed.columns(wide, start, end);
                linear_bf16(level, input.words, panels, Scale::One, bias, near, out);
            }
            Weight::Whole(whole) => {
                let panels = whole.packed.columns(wide, start, end);
                let scale = whole.scale(input.scales).columns(start, end);
                let run = if whole.quads { linear_quads } else { linear_pairs };
                run(level, input.words, panels, scale, bias, near, out);
            }
        }
    }

    /// Each thread multiplies some columns into a part of its own; the parts are then put side by side.
    fn share(
        &self,
        input: Input<'_>,
        after: After,
        pool: &Pool,
        parts: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        let width = self.width();
        let rows = out.len() / width;
        let part = width.div_ceil(pool.thread_count()).next_multiple_of(self.level.columns());
        parts.resize(rows * width, 0.0);
        let alone = if after == After::Add { After::Nothing } else { after };
        pool.pieces(parts, rows * part, |index, out| {
            let start = index * part;
            self.columns(input, start, width.min(start + part), alone, out);
        });
        for (index, block) in parts.chunks(rows * part).enumerate() {
            let wide = block.len() / rows;
            let out = out.chunks_exact_mut(width).map(|row| &mut row[index * part..][..wide]);
            for (out, row) in out.zip(block.chunks_exact(wide)) {
                if after == After::Add {
                    out.iter_mut().zip(row).for_each(|(out, value)| *out += value);
                } else {
                    out.copy_from_slice(row);
                }
            }
        }
    }
}

/// Rows, and the same in the numbers of the weights.
#[derive(Clone, Copy)]
struct Input<'a> {
    x: &'a [f32],
    words: &'a [u32],
    scales: &'a [RowScale],
}

impl Whole {
    fn new(level: Level, rows: &[f32], depth: usize) -> Self {
        let quads = multiplies_quads(level);
        let group = if quads { 4 } else { 2 };
        let (mut words, mut scales, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.chunks_exact(depth) {
            let (numbers, scale, sum) = quantize_weights(row);
            words.extend(whole_words(&numbers, group));
            scales.push(scale);
            sums.push(sum as f32);
        }
        let packed = Packed::from_rows(level, &words, depth.div_ceil(group));
        Self { packed, quads, scales, sums }
    }

    fn scale<'a>(&'a self, rows: &'a [RowScale]) -> Scale<'a> {
        Scale::Whole { rows, columns: &self.scales, sums: &self.sums }
    }
}

fn multiplies_quads(level: Level) -> bool {
    match level.vectors() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(vectors) => vectors.vnni().is_some(),
        _ => false,
    }
}

/// Whether products of bf16 are faster than those of f32.
pub(crate) fn multiplies_bf16(level: Level) -> bool {
    match level.vectors() {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(vectors) => vectors.bf16().is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    fn run(level: Level, format: Format, shape: [usize; 3], after: After) -> Vec<f32> {
        let [rows, depth, width] = shape;
        let weight = numbers(width * depth, 7919);
        let linear = Linear::new(level, format, &weight, depth, numbers(width, 31));
        let mut out = vec![0.5; rows * width];
        linear.run(&numbers(rows * depth, 6007), after, None, &mut Inputs::default(), &mut out);
        out
    }

    const SHAPES: [[usize; 3]; 8] = [
        [1, 1, 1],
        [3, 5, 7],
        [13, 32, 33],
        [97, 21, 65],
        [200, 48, 64],
        [5, 385, 17],
        [37, 128, 70],
        [161, 192, 32],
    ];

    #[test]
    fn rounded_products_are_near_those_of_f32() {
        for level in Level::available() {
            for shape in SHAPES {
                let exact = run(level, Format::F32, shape, After::Add);
                for (format, error) in [(Format::Bf16, 0.005), (Format::Int8, 0.012)] {
                    // rounding errors of independent products grow with the root of their number
                    let most = error * (shape[1] as f32).sqrt().max(2.0);
                    for (a, b) in run(level, format, shape, After::Add).iter().zip(&exact) {
                        assert!((a - b).abs() < most, "{level:?} {format:?} {shape:?}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn whole_products_are_equal_at_every_level_within_one_rounding() {
        for shape in SHAPES {
            let best = run(Level::detect(), Format::Int8, shape, After::Nothing);
            for level in Level::available() {
                for (a, b) in run(level, Format::Int8, shape, After::Nothing).iter().zip(&best) {
                    assert!(
                        (a - b).abs() <= 2e-6 * (1.0 + b.abs()),
                        "{level:?} {shape:?}: {a} {b}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        for (level, format, depth) in Level::available().into_iter().flat_map(|level| {
            let each = |format| [(level, format, 41), (level, format, 128)];
            [Format::F32, Format::Bf16, Format::Int8].map(each).concat()
        }) {
            let width = 50;
            let x = numbers(100 * depth, 6007);
            let weight = numbers(width * depth, 7919);
            let linear = Linear::new(level, format, &weight, depth, numbers(width, 31));
            let mut inputs = Inputs::default();
            let mut all = vec![0.0; 100 * width];
            linear.run(&x, After::Gelu, None, &mut inputs, &mut all);
            for (x, among) in x.chunks_exact(depth).zip(all.chunks_exact(width)) {
                let mut alone = vec![0.0; width];
                linear.run(x, After::Gelu, None, &mut inputs, &mut alone);
                assert_eq!(alone, among, "{level:?} {format:?}");
            }
        }
    }

    #[test]
    fn threads_that_share_the_columns_give_the_same_bits() {
        for threads in [2, 3, 7] {
            let pool = Pool::new(threads);
            for (level, format) in Level::available().into_iter().flat_map(|level| {
                [Format::F32, Format::Bf16, Format::Int8].map(|format| (level, format))
            }) {
                for [rows, depth, width] in SHAPES {
                    let weight = numbers(width * depth, 7919);
                    let linear = Linear::new(level, format, &weight, depth, numbers(width, 31));
                    let x = numbers(rows * depth, 6007);
                    for after in [After::Add, After::Gelu] {
                        let mut alone = vec![0.5; rows * width];
                        let mut shared = alone.clone();
                        linear.run(&x, after, None, &mut Inputs::default(), &mut alone);
                        linear.run(&x, after, Some(&pool), &mut Inputs::default(), &mut shared);
                        assert_eq!(alone, shared, "{level:?} {format:?} {rows}x{depth}x{width}");
                    }
                }
            }
        }
    }
}
