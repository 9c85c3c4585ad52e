//! A linear layer whose weights were rounded and packed once, and what it needs to run.

use std::ops::Range;

use super::dispatch::Dispatch;
use super::microkernel::{Bf16, F32, Int8Pairs, Int8Quads};
use super::pack::panel_columns;
use super::quantize::{
    QuantParams, Quantized, bf16_inputs, bf16_rows, int8_words, pair_count, quantize_pairs,
    quantize_quads, quantize_weights,
};
use super::{BLOCK_ROWS, Dequantize, Epilogue, Multiply, Packed, PostOp};
use crate::kernels::elementwise::activation::Activation;
use crate::kernels::isa::Isa;
use crate::kernels::pool::Pool;

/// The numbers that are multiplied; sums are f32, or exact where the numbers are integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberFormat {
    /// As they are.
    F32,
    /// Weights and inputs rounded to bf16.
    Bf16,
    /// Weights in -127 to 127 with a scale per output; inputs in 0 to 255 over the range of their
    /// row.
    Int8,
}

/// How products are worked out: with which instructions, in which numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arithmetic {
    pub(crate) level: Isa,
    pub(crate) format: NumberFormat,
}

#[derive(Debug)]
enum Weight {
    F32(Packed),
    Bf16(Packed<u32>),
    Int8(Int8Weight),
}

#[derive(Debug)]
struct Int8Weight {
    packed: Packed<u32>,
    /// Four numbers a word, else two.
    quads: bool,
    scales: Vec<f32>,
    sums: Vec<f32>,
}

/// `y = post_op(W x + b)`.
#[derive(Debug)]
pub(crate) struct Linear {
    level: Isa,
    weight: Weight,
    bias: Vec<f32>,
    depth: usize,
}

/// Inputs in the numbers of the weights; kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    quantized: Quantized,
    /// Columns of each thread.
    parts: Vec<f32>,
}

/// One call of a layer: rows of `depth` numbers in, rows of `width` out.
#[derive(Debug)]
pub(crate) struct Product<'a> {
    pub(crate) lhs: &'a [f32],
    pub(crate) post_op: PostOp,
    pub(crate) out: &'a mut [f32],
}

impl Linear {
    /// Rounds and packs `bias.len()` rows of `depth` numbers.
    pub(crate) fn new(arithmetic: Arithmetic, rows: &[f32], depth: usize, bias: Vec<f32>) -> Self {
        let level = arithmetic.level;
        let weight = match arithmetic.format {
            NumberFormat::F32 => Weight::F32(Packed::from_rows(level, rows, depth)),
            NumberFormat::Bf16 => {
                let mut words = Vec::new();
                bf16_rows(level, rows, depth, &mut words);
                Weight::Bf16(Packed::from_rows(level, &words, pair_count(depth)))
            }
            NumberFormat::Int8 => Weight::Int8(Int8Weight::new(level, rows, depth)),
        };
        Self { level, weight, bias, depth }
    }

    /// Numbers of an output row.
    pub(crate) fn width(&self) -> usize {
        self.bias.len()
    }

    /// Works a product out; with a pool, its threads share the columns.
    pub(crate) fn run(&self, product: Product<'_>, pool: Option<&Pool>, inputs: &mut Inputs) {
        let Product { lhs, post_op, out } = product;
        let Inputs { quantized, parts } = inputs;
        let blocks = lhs.chunks(BLOCK_ROWS * self.depth);
        for (x, out) in blocks.zip(out.chunks_mut(BLOCK_ROWS * self.width())) {
            self.quantize(x, quantized);
            let block = Block { x, quantized, post_op };
            match pool.filter(|pool| pool.thread_count() > 1) {
                None => self.columns(block, 0..self.width(), out),
                Some(pool) => self.share(block, pool, parts, out),
            }
        }
    }

    /// Rows in the numbers of the weights.
    fn quantize(&self, x: &[f32], to: &mut Quantized) {
        match &self.weight {
            Weight::F32(_) => {}
            Weight::Bf16(_) => bf16_inputs(self.level, x, self.depth, &mut to.words),
            Weight::Int8(weight) if weight.quads => quantize_quads(self.level, x, self.depth, to),
            Weight::Int8(_) => quantize_pairs(self.level, x, self.depth, to),
        }
    }

    /// The columns of `range`, which starts at a multiple of the level's.
    fn columns(&self, block: Block<'_>, range: Range<usize>, out: &mut [f32]) {
        let Block { x, quantized: Quantized { words, params }, post_op } = block;
        let (level, bias) = (self.level, &self.bias[range.clone()]);
        let wide = panel_columns(level);
        let exact = Epilogue { scale: Dequantize::None, bias, post_op };
        // rounded again before the next product
        let is_gelu = post_op == PostOp::Activation(Activation::Gelu);
        let near = Epilogue { post_op: if is_gelu { PostOp::GeluNear } else { post_op }, ..exact };
        match &self.weight {
            Weight::F32(packed) => {
                let weight = packed.columns(wide, range);
                F32::run(level, Multiply { x, weight, epilogue: exact, out });
            }
            Weight::Bf16(packed) => {
                let weight = packed.columns(wide, range);
                Bf16::run(level, Multiply { x: words, weight, epilogue: near, out });
            }
            Weight::Int8(weight) => {
                let panels = weight.packed.columns(wide, range.clone());
                let epilogue = Epilogue { scale: weight.scale(params).columns(range), ..near };
                let product = Multiply { x: words, weight: panels, epilogue, out };
                if weight.quads {
                    Int8Quads::run(level, product);
                } else {
                    Int8Pairs::run(level, product);
                }
            }
        }
    }

    /// Each thread multiplies some columns into a part of its own; the parts are then put side by
    /// side.
    fn share(&self, block: Block<'_>, pool: &Pool, parts: &mut Vec<f32>, out: &mut [f32]) {
        let width = self.width();
        let rows = out.len() / width;
        let part = width.div_ceil(pool.thread_count()).next_multiple_of(panel_columns(self.level));
        parts.resize(rows * width, 0.0);
        let is_sum = block.post_op == PostOp::Sum;
        let alone = Block { post_op: if is_sum { PostOp::None } else { block.post_op }, ..block };
        pool.pieces(parts, rows * part, |index, out| {
            let start = index * part;
            self.columns(alone, start..width.min(start + part), out);
        });
        for (index, block) in parts.chunks(rows * part).enumerate() {
            let wide = block.len() / rows;
            let out = out.chunks_exact_mut(width).map(|row| &mut row[index * part..][..wide]);
            for (out, row) in out.zip(block.chunks_exact(wide)) {
                if is_sum {
                    out.iter_mut().zip(row).for_each(|(out, value)| *out += value);
                } else {
                    out.copy_from_slice(row);
                }
            }
        }
    }
}

/// Some rows of a product: as they are, and in the numbers of the weights.
#[derive(Clone, Copy)]
struct Block<'a> {
    x: &'a [f32],
    quantized: &'a Quantized,
    post_op: PostOp,
}

impl Int8Weight {
    fn new(level: Isa, rows: &[f32], depth: usize) -> Self {
        let quads = level.multiplies_bytes();
        let group = if quads { 4 } else { 2 };
        let (mut words, mut scales, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.chunks_exact(depth) {
            let (numbers, scale, sum) = quantize_weights(row);
            words.extend(int8_words(&numbers, group));
            scales.push(scale);
            sums.push(sum as f32);
        }
        let packed = Packed::from_rows(level, &words, depth.div_ceil(group));
        Self { packed, quads, scales, sums }
    }

    fn scale<'a>(&'a self, rows: &'a [QuantParams]) -> Dequantize<'a> {
        Dequantize::Int8 { rows, columns: &self.scales, sums: &self.sums }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * step) % 1009) as f32 / 504.5 - 1.0).collect()
    }

    const GELU: PostOp = PostOp::Activation(Activation::Gelu);

    fn linear(level: Isa, format: NumberFormat, depth: usize, width: usize) -> Linear {
        let weight = numbers(width * depth, 7919);
        Linear::new(Arithmetic { level, format }, &weight, depth, numbers(width, 31))
    }

    fn run(level: Isa, format: NumberFormat, shape: [usize; 3], post_op: PostOp) -> Vec<f32> {
        let [rows, depth, width] = shape;
        let linear = linear(level, format, depth, width);
        let mut out = vec![0.5; rows * width];
        let product = Product { lhs: &numbers(rows * depth, 6007), post_op, out: &mut out };
        linear.run(product, None, &mut Inputs::default());
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
        for level in Isa::available() {
            for shape in SHAPES {
                let exact = run(level, NumberFormat::F32, shape, PostOp::Sum);
                for (format, error) in [(NumberFormat::Bf16, 0.005), (NumberFormat::Int8, 0.012)] {
                    // rounding errors of independent products grow with the root of their number
                    let most = error * (shape[1] as f32).sqrt().max(2.0);
                    for (a, b) in run(level, format, shape, PostOp::Sum).iter().zip(&exact) {
                        assert!((a - b).abs() < most, "{level:?} {format:?} {shape:?}: {a} {b}");
                    }
                }
            }
        }
    }

    #[test]
    fn int8_products_are_equal_at_every_level_within_one_rounding() {
        for shape in SHAPES {
            let best = run(Isa::detect(), NumberFormat::Int8, shape, PostOp::None);
            for level in Isa::available() {
                for (a, b) in run(level, NumberFormat::Int8, shape, PostOp::None).iter().zip(&best)
                {
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
        for (level, format, depth) in Isa::available().into_iter().flat_map(|level| {
            let each = |format| [(level, format, 41), (level, format, 128)];
            [NumberFormat::F32, NumberFormat::Bf16, NumberFormat::Int8].map(each).concat()
        }) {
            let width = 50;
            let x = numbers(100 * depth, 6007);
            let linear = linear(level, format, depth, width);
            let mut inputs = Inputs::default();
            let mut all = vec![0.0; 100 * width];
            let product = Product { lhs: &x, post_op: GELU, out: &mut all };
            linear.run(product, None, &mut inputs);
            for (x, among) in x.chunks_exact(depth).zip(all.chunks_exact(width)) {
                let mut alone = vec![0.0; width];
                let product = Product { lhs: x, post_op: GELU, out: &mut alone };
                linear.run(product, None, &mut inputs);
                assert_eq!(alone, among, "{level:?} {format:?}");
            }
        }
    }

    #[test]
    fn threads_that_share_the_columns_give_the_same_bits() {
        for threads in [2, 3, 7] {
            let pool = Pool::new(threads);
            for (level, format) in Isa::available().into_iter().flat_map(|level| {
                [NumberFormat::F32, NumberFormat::Bf16, NumberFormat::Int8]
                    .map(|format| (level, format))
            }) {
                for [rows, depth, width] in SHAPES {
                    let linear = linear(level, format, depth, width);
                    let x = numbers(rows * depth, 6007);
                    for post_op in [PostOp::Sum, GELU] {
                        let mut alone = vec![0.5; rows * width];
                        let mut shared = alone.clone();
                        for (pool, out) in [(None, &mut alone), (Some(&pool), &mut shared)] {
                            let product = Product { lhs: &x, post_op, out };
                            linear.run(product, pool, &mut Inputs::default());
                        }
                        assert_eq!(alone, shared, "{level:?} {format:?} {rows}x{depth}x{width}");
                    }
                }
            }
        }
    }
}
