//! Rows of f32 to the words that products multiply: pairs of bf16, or integers with a scale.
//!
//! Rounding is to nearest, ties to even, so every level makes the same words.

use super::dispatch::Dispatch;
use super::microkernel::{Bf16, Int8Pairs, Int8Quads, Job, MicroKernel, Words, in_registers};
use crate::kernels::isa::{Isa, LANES, Simd, Work};

/// The upper half of an f32 after rounding it to bf16, in the lower 16 bits.
#[inline(always)]
fn bf16(value: f32) -> u32 {
    let bits = value.to_bits();
    bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16
}

/// Two bf16 in a word, the first in the low half.
#[inline(always)]
pub(crate) fn bf16_pair(first: f32, second: f32) -> u32 {
    bf16(first) | bf16(second) << 16
}

/// Words of a row of `depth` numbers at two a word.
pub(crate) fn pair_count(depth: usize) -> usize {
    depth.div_ceil(2)
}

/// Numbers rounded in one stretch of straight-line code, which compilers turn into vectors.
const STRETCH: usize = 64;

/// [`bf16_pair`] of numbers side by side.
#[inline(always)]
fn bf16_stretch<const N: usize>(stretch: &[f32; N], words: &mut [u32]) {
    let halves = stretch.map(|value| bf16(value) as u16);
    for (word, pair) in words.iter_mut().zip(halves.as_chunks::<2>().0) {
        *word = u32::from(pair[0]) | u32::from(pair[1]) << 16;
    }
}

/// Writes a row as pairs of bf16; an odd end is paired with zero.
#[inline(always)]
pub(crate) fn bf16_row(row: &[f32], words: &mut [u32]) {
    let (stretches, rest) = row.as_chunks::<STRETCH>();
    let (places, words) = words.split_at_mut(stretches.len() * (STRETCH / 2));
    for (place, stretch) in places.chunks_exact_mut(STRETCH / 2).zip(stretches) {
        bf16_stretch(stretch, place);
    }
    // heads are shorter than a long stretch
    let (stretches, rest) = rest.as_chunks::<LANES>();
    let (places, end) = words.split_at_mut(stretches.len() * (LANES / 2));
    for (place, stretch) in places.chunks_exact_mut(LANES / 2).zip(stretches) {
        bf16_stretch(stretch, place);
    }
    for (word, pair) in end.iter_mut().zip(rest.chunks(2)) {
        *word = bf16_pair(pair[0], pair.get(1).copied().unwrap_or(0.0));
    }
}

/// Rows of `depth` numbers as pairs of bf16, `pair_count(depth)` words a row.
pub(crate) fn bf16_rows(isa: Isa, x: &[f32], depth: usize, words: &mut Vec<u32>) {
    isa.run(InRows(Bf16Rows { x, depth }, words));
}

/// Rows of bf16 one after the other.
struct InRows<'a>(Bf16Rows<'a>, &'a mut Vec<u32>);

impl Work for InRows<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self(Bf16Rows { x, depth }, words) = self;
        words.resize(x.len() / depth * pair_count(depth), 0);
        for (row, words) in x.chunks_exact(depth).zip(words.chunks_exact_mut(pair_count(depth))) {
            bf16_row(row, words);
        }
    }
}

/// Something that writes the words of a row. A closure would not be compiled for the level.
trait RowWords {
    /// Writes those of row `index`.
    fn write(&mut self, index: usize, words: &mut [u32]);
}

/// Rows of words where a micro-kernel reads them: one after the other, or in the order of its
/// registers, followed by rows of any value up to a whole group.
#[inline(always)]
fn lay_out<M: MicroKernel<K>, K: Words>(
    rows: usize,
    count: usize,
    words: &mut Vec<u32>,
    mut from: impl RowWords,
) {
    let room = rows.next_multiple_of(M::ROWS_READ) * count;
    if !in_registers::<M, K>(count) {
        words.resize(room, 0);
        for (index, words) in words.chunks_exact_mut(count).enumerate().take(rows) {
            from.write(index, words);
        }
        return;
    }
    // one row more, to write before it is cut
    words.resize(room + count, 0);
    let (places, whole) = words.split_at_mut(room);
    for index in 0..rows {
        from.write(index, whole);
        let start = index / M::ROWS_READ * M::ROWS_READ * count + index % M::ROWS_READ * M::STEPS;
        let steps = places[start..].chunks_mut(M::ROWS_READ * M::STEPS);
        for (place, step) in steps.zip(whole.as_chunks::<LANES>().0) {
            place[..LANES].copy_from_slice(step);
        }
    }
}

/// Rows of `depth` numbers.
struct Bf16Rows<'a> {
    x: &'a [f32],
    depth: usize,
}

impl RowWords for Bf16Rows<'_> {
    #[inline(always)]
    fn write(&mut self, index: usize, words: &mut [u32]) {
        bf16_row(&self.x[index * self.depth..][..self.depth], words);
    }
}

/// Rows of `depth` numbers as pairs of bf16, where a product reads them.
pub(crate) fn bf16_inputs(isa: Isa, x: &[f32], depth: usize, words: &mut Vec<u32>) {
    Bf16::run(
        isa,
        Inputs {
            rows: x.len() / depth,
            count: pair_count(depth),
            words,
            from: Bf16Rows { x, depth },
        },
    );
}

/// Inputs to be written where a micro-kernel reads them.
struct Inputs<'a, F> {
    rows: usize,
    /// Words of a row.
    count: usize,
    words: &'a mut Vec<u32>,
    from: F,
}

impl<K: Words, F: RowWords> Job<K> for Inputs<'_, F> {
    #[inline(always)]
    fn run<S: Simd, M: MicroKernel<K>>(self, _: S, _: M) {
        lay_out::<M, K>(self.rows, self.count, self.words, self.from);
    }
}

/// How a row of integers is read: `value = scale * (number - zero_point)`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct QuantParams {
    pub(crate) scale: f32,
    pub(crate) zero_point: f32,
}

/// Rows rounded to the words of a product; kept from call to call.
#[derive(Debug, Default)]
pub(crate) struct Quantized {
    pub(crate) words: Vec<u32>,
    /// One for each row where the words are integers.
    pub(crate) params: Vec<QuantParams>,
}

/// The smallest and the largest number of a row and zero; NaN if there is one in it.
#[inline(always)]
fn range_of(row: &[f32]) -> (f32, f32) {
    let smaller = |a: f32, b: f32| if b < a || b.is_nan() { b } else { a };
    let larger = |a: f32, b: f32| if b > a || b.is_nan() { b } else { a };
    let (mut low, mut high) = ([0.0; LANES], [0.0; LANES]);
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            low[i] = smaller(low[i], chunk[i]);
            high[i] = larger(high[i], chunk[i]);
        }
    }
    for (i, &value) in rest.iter().enumerate() {
        low[i] = smaller(low[i], value);
        high[i] = larger(high[i], value);
    }
    (low.into_iter().fold(0.0, smaller), high.into_iter().fold(0.0, larger))
}

/// Rounds to a whole number in 0 to 255; NaN gives some number, its row's scale is NaN.
#[inline(always)]
fn to_byte(value: f32) -> u8 {
    // adding 2^23 rounds to an integer, left in the low bits
    (value.clamp(0.0, 255.0) + 8_388_608.0).to_bits() as u8
}

/// Bytes side by side in a word, each in `32 / GROUP` bits.
#[inline(always)]
fn join<const GROUP: usize>(bytes: &[u8; GROUP]) -> u32 {
    let placed = (0..).zip(bytes).map(|(i, &byte)| u32::from(byte) << (i * (32 / GROUP as u32)));
    placed.fold(0, |word, byte| word | byte)
}

#[inline(always)]
fn quantize_row<const GROUP: usize>(row: &[f32], words: &mut [u32]) -> QuantParams {
    let (low, high) = range_of(row);
    let scale = (high - low) / 255.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    let zero_point = (-low * inverse).round_ties_even();
    let byte = |value: f32| to_byte(value * inverse + zero_point);
    let (stretches, rest) = row.as_chunks::<STRETCH>();
    let (places, end) = words.split_at_mut(stretches.len() * (STRETCH / GROUP));
    for (place, stretch) in places.chunks_exact_mut(STRETCH / GROUP).zip(stretches) {
        let bytes = stretch.map(byte);
        for (word, group) in place.iter_mut().zip(bytes.as_chunks::<GROUP>().0) {
            *word = join(group);
        }
    }
    for (word, group) in end.iter_mut().zip(rest.chunks(GROUP)) {
        let mut bytes = [0; GROUP];
        bytes.iter_mut().zip(group).for_each(|(place, &value)| *place = byte(value));
        *word = join(&bytes);
    }
    QuantParams { scale, zero_point }
}

/// Rows of `depth` numbers, and how each was rounded.
struct QuantizedRows<'a, const GROUP: usize> {
    x: &'a [f32],
    depth: usize,
    params: &'a mut [QuantParams],
}

impl<const GROUP: usize> RowWords for QuantizedRows<'_, GROUP> {
    #[inline(always)]
    fn write(&mut self, index: usize, words: &mut [u32]) {
        let row = &self.x[index * self.depth..][..self.depth];
        self.params[index] = quantize_row::<GROUP>(row, words);
    }
}

/// Rows as bytes, `GROUP` a word, where a product of `K` reads them.
fn quantize<K: Dispatch<Word = u32>, const GROUP: usize>(
    isa: Isa,
    x: &[f32],
    depth: usize,
    to: &mut Quantized,
) {
    let rows = x.len() / depth;
    let Quantized { words, params } = to;
    params.clear();
    params.resize(rows, QuantParams::default());
    let from = QuantizedRows::<GROUP> { x, depth, params };
    K::run(isa, Inputs { rows, count: depth.div_ceil(GROUP), words, from });
}

/// Rows of `depth` numbers as bytes, four a word, each row over its own range (asymmetric, per
/// token), where a product reads them.
pub(crate) fn quantize_quads(isa: Isa, x: &[f32], depth: usize, to: &mut Quantized) {
    quantize::<Int8Quads, 4>(isa, x, depth, to);
}

/// The same numbers, two a word.
pub(crate) fn quantize_pairs(isa: Isa, x: &[f32], depth: usize, to: &mut Quantized) {
    quantize::<Int8Pairs, 2>(isa, x, depth, to);
}

/// A weight row in -127 to 127 (symmetric), its scale, and the sum of its numbers.
pub(crate) fn quantize_weights(row: &[f32]) -> (Vec<i8>, f32, i32) {
    let largest = row.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let scale = largest / 127.0;
    let inverse = if scale > 0.0 { 1.0 / scale } else { 0.0 };
    // adding 1.5 * 2^23 rounds to a whole number, ties to even; the largest is 127 by construction
    const ROUND: f32 = 12_582_912.0;
    let numbers: Vec<i8> =
        row.iter().map(|value| ((value * inverse + ROUND) - ROUND) as i8).collect();
    let sum = numbers.iter().map(|&number| i32::from(number)).sum();
    (numbers, scale, sum)
}

/// Integers side by side in words, `group` (2 or 4) a word.
pub(crate) fn int8_words(numbers: &[i8], group: usize) -> Vec<u32> {
    let word = |numbers: &[i8]| match *numbers {
        [a, b] if group == 2 => pair_word(a, b),
        [a] if group == 2 => pair_word(a, 0),
        _ => {
            let mut bytes = [0; 4];
            for (byte, number) in bytes.iter_mut().zip(numbers) {
                *byte = number.cast_unsigned();
            }
            u32::from_le_bytes(bytes)
        }
    };
    numbers.chunks(group).map(word).collect()
}

fn pair_word(first: i8, second: i8) -> u32 {
    let wide = |number: i8| u32::from(i16::from(number).cast_unsigned());
    wide(first) | wide(second) << 16
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;
    use crate::kernels::isa::Isa;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919) % 1009) as f32 / 97.0 - 3.7).collect()
    }

    #[test]
    fn bf16_words_are_those_of_the_half_crate() {
        let mut words = Vec::new();
        for depth in (1..=130).chain([191, 255, 384]) {
            let x = numbers(3 * depth);
            for level in Isa::available() {
                bf16_rows(level, &x, depth, &mut words);
                for (row, words) in x.chunks(depth).zip(words.chunks(pair_count(depth))) {
                    for (i, value) in row.iter().enumerate() {
                        let half = (words[i / 2] >> (16 * (i % 2))) as u16;
                        assert_eq!(half, bf16::from_f32(*value).to_bits(), "{level:?} {value}");
                    }
                }
            }
        }
        assert_eq!(bf16_pair(f32::INFINITY, f32::NEG_INFINITY), 0xff80_7f80);
        assert!(bf16::from_bits(bf16_pair(f32::NAN, 0.0) as u16).is_nan());
    }

    /// Words in the order of rows.
    fn in_rows(level: Isa, words: &[u32], rows: usize, count: usize) -> Vec<u32> {
        if level.level().name() != "amx" || !count.is_multiple_of(16) {
            return words[..rows * count].to_vec();
        }
        let place = |row: usize, word: usize| {
            row / 16 * 16 * count + word / 16 * 256 + row % 16 * 16 + word % 16
        };
        (0..rows * count).map(|at| words[place(at / count, at % count)]).collect()
    }

    #[test]
    fn inputs_are_the_rows_in_the_order_of_registers() {
        for depth in [1, 31, 32, 64, 100, 384] {
            for rows in [1, 2, 15, 16, 17, 40] {
                let x = numbers(rows * depth);
                for level in Isa::available() {
                    let (mut plain, mut inputs) = (Vec::new(), vec![7; 3]);
                    bf16_rows(level, &x, depth, &mut plain);
                    bf16_inputs(level, &x, depth, &mut inputs);
                    let found = in_rows(level, &inputs, rows, pair_count(depth));
                    assert_eq!(found, plain, "{level:?} {rows}x{depth}");
                }
            }
        }
    }

    #[test]
    fn int8_rows_are_within_half_a_step_and_equal_at_every_level() {
        for depth in (1..=130).chain([191, 255, 384]) {
            let x = numbers(5 * depth);
            let mut made = Vec::new();
            for level in Isa::available() {
                let (mut quads, mut pairs) = (Quantized::default(), Quantized::default());
                quantize_quads(level, &x, depth, &mut quads);
                quantize_pairs(level, &x, depth, &mut pairs);
                assert_eq!(quads.params, pairs.params);
                let params = quads.params;
                let quads = in_rows(level, &quads.words, 5, depth.div_ceil(4));
                let pairs = in_rows(level, &pairs.words, 5, depth.div_ceil(2));
                for (r, row) in x.chunks(depth).enumerate() {
                    for (i, value) in row.iter().enumerate() {
                        let quad = quads[r * depth.div_ceil(4) + i / 4].to_le_bytes()[i % 4];
                        let pair = pairs[r * depth.div_ceil(2) + i / 2] >> (16 * (i % 2)) & 0xffff;
                        assert_eq!(u32::from(quad), pair);
                        let back = params[r].scale * (f32::from(quad) - params[r].zero_point);
                        assert!(
                            (back - value).abs() <= params[r].scale * 1.01,
                            "{level:?} {back} {value}"
                        );
                    }
                }
                made.push((quads, params));
            }
            assert!(made.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn a_fault_upstream_stays_visible() {
        let mut to = Quantized::default();
        for bad in [f32::NAN, f32::INFINITY] {
            let mut x = numbers(40);
            x[33] = bad;
            quantize_quads(Isa::detect(), &x, 20, &mut to);
            assert!(to.params[0].scale.is_finite() && !to.params[1].scale.is_finite());
        }
        quantize_quads(Isa::detect(), &[0.0; 20], 20, &mut to);
        assert_eq!((to.params[0].scale, &to.words[..5]), (0.0, &[0; 5][..]));
    }

    #[test]
    fn weights_keep_their_largest_number_and_zero_rows() {
        let (row, scale, sum) = quantize_weights(&[0.5, -2.54, 1.27, 0.0]);
        assert_eq!((&row[..], sum), (&[25, -127, 64, 0][..], -38));
        assert!((scale - 0.02).abs() < 1e-6);
        assert_eq!(quantize_weights(&[0.0; 3]), (vec![0; 3], 0.0, 0));
        assert_eq!(int8_words(&[1, -1, 2, -2, 3], 4), [0xfe02_ff01, 3]);
        assert_eq!(int8_words(&[1, -1, 3], 2), [0xffff_0001, 3]);
    }
}
