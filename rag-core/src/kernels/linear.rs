//! A linear layer whose weights were rounded and packed once, and what it needs to run.

use super::convert::{
    RowScale, bf16_rows, pair_count, quantize_pairs, quantize_quads, quantize_weights, whole_words,
};
use super::gemm::{
    After, BLOCK_ROWS, Packed, Scale, linear, linear_bf16, linear_pairs, linear_quads,
};
use super::level::Level;

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

    /// Multiplies rows of `depth` numbers into rows of `width`.
    pub(crate) fn run(&self, x: &[f32], after: After, inputs: &mut Inputs, out: &mut [f32]) {
        let (level, bias) = (self.level, &self.bias[..]);
        if let Weight::F32(packed) = &self.weight {
            return linear(level, x, packed, bias, after, out);
        }
        // rounded again before the next product
        let after = if after == After::Gelu { After::GeluNear } else { after };
        let Inputs { words, scales } = inputs;
        let blocks = x.chunks(BLOCK_ROWS * self.depth);
        for (x, out) in blocks.zip(out.chunks_mut(BLOCK_ROWS * self.width())) {
            match &self.weight {
                Weight::F32(_) => {}
                Weight::Bf16(packed) => {
                    bf16_rows(level, x, self.depth, words);
                    linear_bf16(level, words, packed, Scale::One, bias, after, out);
                }
                Weight::Whole(whole) if whole.quads => {
                    quantize_quads(level, x, self.depth, words, scales);
                    linear_quads(
                        level,
                        words,
                        &whole.packed,
                        whole.scale(scales),
                        bias,
                        after,
                        out,
                    );
                }
                Weight::Whole(whole) => {
                    quantize_pairs(level, x, self.depth, words, scales);
                    linear_pairs(
                        level,
                        words,
                        &whole.packed,
                        whole.scale(scales),
                        bias,
                        after,
                        out,
                    );
                }
            }
        }
    }
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
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => proof.vnni().is_some(),
        _ => false,
    }
}

/// Whether products of bf16 are faster than those of f32.
pub(crate) fn multiplies_bf16(level: Level) -> bool {
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512(proof) => proof.bf16().is_some(),
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
        linear.run(&numbers(rows * depth, 6007), after, &mut Inputs::default(), &mut out);
        out
    }

    const SHAPES: [[usize; 3]; 6] =
        [[1, 1, 1], [3, 5, 7], [13, 32, 33], [97, 21, 65], [200, 48, 64], [5, 385, 17]];

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
        let (depth, width) = (41, 50);
        let x = numbers(100 * depth, 6007);
        for (level, format) in Level::available().into_iter().flat_map(|level| {
            [Format::F32, Format::Bf16, Format::Int8].map(|format| (level, format))
        }) {
            let weight = numbers(width * depth, 7919);
            let linear = Linear::new(level, format, &weight, depth, numbers(width, 31));
            let mut inputs = Inputs::default();
            let mut all = vec![0.0; 100 * width];
            linear.run(&x, After::Gelu, &mut inputs, &mut all);
            for (x, among) in x.chunks_exact(depth).zip(all.chunks_exact(width)) {
                let mut alone = vec![0.0; width];
                linear.run(x, After::Gelu, &mut inputs, &mut alone);
                assert_eq!(alone, among, "{level:?} {format:?}");
            }
        }
    }
}
