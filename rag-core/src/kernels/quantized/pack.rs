//! From the rows of a file to a tile.
//!
//! File layouts as in llama.cpp, `ggml-common.h`; arithmetic as in its `dequantize_row_*`.

use half::{bf16, f16};

use super::formats::BlockFormat;
use super::{BLOCK, GgmlType, LANES, TileShape, UNIT, formats, unit_start, with_format};

/// Packs up to sixteen rows into `out`, a tile of zeros.
pub(super) fn tile(shape: TileShape, rows: &[u8], out: &mut [u8]) {
    let TileShape { kind, columns } = shape;
    let row_bytes = kind.row_bytes(columns);
    for (lane, row) in rows.chunks_exact(row_bytes).enumerate() {
        with_format!(kind, F => quantised_row::<F>(shape, lane, row, out), {
            let width = kind.block_bytes();
            for (column, element) in row.chunks_exact(width).enumerate() {
                out[(column * LANES + lane) * width..][..width].copy_from_slice(element);
            }
        });
    }
}

/// Row `lane` of a tile of plain floats.
pub(super) fn plain_row(kind: GgmlType, tile: &[u8], lane: usize, out: &mut [f32]) {
    let width = kind.block_bytes();
    for (column, out) in out.iter_mut().enumerate() {
        let bytes = &tile[(column * LANES + lane) * width..][..width];
        *out = match *bytes {
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            [a, b] if kind == GgmlType::F16 => f16::from_le_bytes([a, b]).to_f32(),
            [a, b] => bf16::from_le_bytes([a, b]).to_f32(),
            _ => 0.0,
        };
    }
}

fn quantised_row<F: BlockFormat>(shape: TileShape, lane: usize, row: &[u8], out: &mut [u8]) {
    let TileShape { kind, columns } = shape;
    let blocks = columns / BLOCK;
    let per_block = kind.block_elements() / BLOCK;
    for (index, bytes) in row.chunks_exact(kind.block_bytes()).enumerate() {
        let first = index * per_block;
        let start = unit_start::<F>(blocks, first / UNIT);
        let [codes, scales, shared] = formats::places::<F>(blocks, first);
        let mut place = Place {
            unit: &mut out[start..],
            lane,
            codes: codes - start,
            code_bytes: F::CODE_BYTES,
            scales: scales - start,
            scale_bytes: F::SCALE_BYTES,
            shared: shared - start,
        };
        pack_block(kind, bytes, &mut place);
    }
}

/// Where one row of a file block goes.
struct Place<'a> {
    unit: &'a mut [u8],
    lane: usize,
    codes: usize,
    code_bytes: usize,
    scales: usize,
    scale_bytes: usize,
    shared: usize,
}

/// 32 codes as eight words, one per group.
type Words = [u32; 8];

fn words(codes: &[u8; BLOCK]) -> Words {
    let (groups, _) = codes.as_chunks::<4>();
    std::array::from_fn(|group| u32::from_le_bytes(groups[group]))
}

impl Place<'_> {
    /// The row's word in line `line` of block `block`.
    fn word(&mut self, block: usize, line: usize, word: u32) {
        let at = self.codes + block * self.code_bytes + 64 * line + 4 * self.lane;
        self.unit[at..at + 4].copy_from_slice(&word.to_le_bytes());
    }

    fn nibbles(&mut self, block: usize, codes: &Words) {
        for line in 0..4 {
            let low = codes[line] & 0x0F0F_0F0F;
            self.word(block, line, low | (codes[line + 4] & 0x0F0F_0F0F) << 4);
        }
    }

    /// Bit `bit` of each code.
    fn bits(&mut self, block: usize, line: usize, codes: &Words, bit: u32) {
        let packed = (0..8).map(|group| (codes[group] >> bit & 0x0101_0101) << group);
        self.word(block, line, packed.fold(0, |all, bits| all | bits));
    }

    /// Bits `bit` and `bit + 1` of each code.
    fn pairs(&mut self, block: usize, line: usize, codes: &Words, bit: u32) {
        for half in 0..2 {
            let packed =
                (0..4).map(|group| (codes[4 * half + group] >> bit & 0x0303_0303) << (2 * group));
            self.word(block, line + half, packed.fold(0, |all, bits| all | bits));
        }
    }

    fn bytes(&mut self, block: usize, codes: &Words) {
        for (line, word) in codes.iter().enumerate() {
            self.word(block, line, *word);
        }
    }

    /// The row's 16-bit float number `index` of block `block`.
    fn half(&mut self, block: usize, index: usize, bytes: &[u8]) {
        let at = self.scales + block * self.scale_bytes + 32 * index + 2 * self.lane;
        self.unit[at..at + 2].copy_from_slice(bytes);
    }

    /// The row's byte number `index` of block `block`.
    fn factor(&mut self, block: usize, index: usize, byte: u8) {
        self.unit[self.scales + block * self.scale_bytes + 16 * index + self.lane] = byte;
    }

    /// The row's 16-bit float number `index` of the unit.
    fn shared(&mut self, index: usize, bytes: &[u8]) {
        let at = self.shared + 32 * index + 2 * self.lane;
        self.unit[at..at + 2].copy_from_slice(bytes);
    }
}

fn pack_block(kind: GgmlType, from: &[u8], to: &mut Place<'_>) {
    match kind {
        GgmlType::Q4_0 | GgmlType::IQ4_NL => {
            to.nibbles(0, &words(&split_nibbles(&from[2..])));
            to.half(0, 0, &from[..2]);
        }
        GgmlType::Q4_1 => {
            to.nibbles(0, &words(&split_nibbles(&from[4..])));
            to.half(0, 0, &from[..2]);
            to.half(0, 1, &from[2..4]);
        }
        GgmlType::Q5_0 => {
            five_bits(to, &from[6..], &from[2..6]);
            to.half(0, 0, &from[..2]);
        }
        GgmlType::Q5_1 => {
            five_bits(to, &from[8..], &from[4..8]);
            to.half(0, 0, &from[..2]);
            to.half(0, 1, &from[2..4]);
        }
        GgmlType::Q8_0 => {
            let codes = std::array::from_fn(|at| from[2 + at]);
            to.bytes(0, &words(&codes));
            to.half(0, 0, &from[..2]);
        }
        GgmlType::Q2_K => q2_k(from, to),
        GgmlType::Q3_K => q3_k(from, to),
        GgmlType::Q4_K => q4_k(from, to),
        GgmlType::Q5_K => q5_k(from, to),
        GgmlType::Q6_K => q6_k(from, to),
        GgmlType::IQ4_XS => iq4_xs(from, to),
        GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 => {}
    }
}

/// 32 codes: low halves of 16 bytes, then high halves.
fn split_nibbles(low: &[u8]) -> [u8; BLOCK] {
    std::array::from_fn(|at| if at < 16 { low[at] & 15 } else { low[at - 16] >> 4 })
}

/// Codes from nibbles, and a fifth bit for each from four bytes.
fn five_bits(to: &mut Place<'_>, low: &[u8], high: &[u8]) {
    to.nibbles(0, &words(&split_nibbles(low)));
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    // four bits spread to the lowest bits of four bytes
    let spread = |bits: u32| (bits & 15).wrapping_mul(0x0020_4081) & 0x0101_0101;
    let packed = (0..8).map(|group| spread(high >> (4 * group)) << group);
    to.word(0, 4, packed.fold(0, |all, bits| all | bits));
}

/// Codes of 32 columns from two-bit fields: of 256 codes the `block`th 32.
fn two_bits(low: &[u8], block: usize) -> [u8; BLOCK] {
    let (half, quarter) = (block / 4, block % 4);
    std::array::from_fn(|at| low[32 * half + at] >> (2 * quarter) & 3)
}

fn q2_k(from: &[u8], to: &mut Place<'_>) {
    let (scales, low) = (&from[..16], &from[16..80]);
    for block in 0..UNIT {
        to.pairs(block, 0, &words(&two_bits(low, block)), 0);
        for half in 0..2 {
            let packed = scales[2 * block + half];
            to.factor(block, half, packed & 15);
            to.factor(block, 2 + half, packed >> 4);
        }
    }
    to.shared(0, &from[80..82]);
    to.shared(1, &from[82..84]);
}

fn q3_k(from: &[u8], to: &mut Place<'_>) {
    let (high, low, scales) = (&from[..32], &from[32..96], &from[96..108]);
    for block in 0..UNIT {
        let mut codes = two_bits(low, block);
        for (code, high) in codes.iter_mut().zip(high) {
            *code |= (high >> block & 1) << 2;
        }
        let codes = words(&codes);
        to.pairs(block, 0, &codes, 0);
        to.bits(block, 2, &codes, 2);
        for half in 0..2 {
            let index = 2 * block + half;
            let low = if index < 8 { scales[index] & 15 } else { scales[index - 8] >> 4 };
            let high = scales[8 + index % 4] >> (2 * (index / 4)) & 3;
            to.factor(block, half, (low | high << 4).wrapping_sub(32));
        }
    }
    to.shared(0, &from[108..110]);
}

/// Scales and offsets of [`q4_k`] and [`q5_k`]: eight of each, six bits wide, in twelve bytes.
fn six_bit_factors(from: &[u8], to: &mut Place<'_>) {
    let packed = &from[4..16];
    for block in 0..UNIT {
        let (factor, offset) = if block < 4 {
            (packed[block] & 63, packed[block + 4] & 63)
        } else {
            let low = packed[block + 4];
            ((low & 15) | packed[block - 4] >> 6 << 4, low >> 4 | packed[block] >> 6 << 4)
        };
        to.factor(block, 0, factor);
        to.factor(block, 1, offset);
    }
    to.shared(0, &from[..2]);
    to.shared(1, &from[2..4]);
}

/// Codes of 32 columns from nibbles: 64 columns share 32 bytes.
fn half_bytes(low: &[u8], block: usize) -> [u8; BLOCK] {
    let shift = 4 * (block % 2);
    std::array::from_fn(|at| low[32 * (block / 2) + at] >> shift & 15)
}

fn q4_k(from: &[u8], to: &mut Place<'_>) {
    six_bit_factors(from, to);
    for block in 0..UNIT {
        to.nibbles(block, &words(&half_bytes(&from[16..144], block)));
    }
}

fn q5_k(from: &[u8], to: &mut Place<'_>) {
    six_bit_factors(from, to);
    let (high, low) = (&from[16..48], &from[48..176]);
    for block in 0..UNIT {
        let mut codes = half_bytes(low, block);
        for (code, high) in codes.iter_mut().zip(high) {
            *code |= (high >> block & 1) << 4;
        }
        let codes = words(&codes);
        to.nibbles(block, &codes);
        to.bits(block, 4, &codes, 4);
    }
}

fn q6_k(from: &[u8], to: &mut Place<'_>) {
    let (low, high, scales) = (&from[..128], &from[128..192], &from[192..208]);
    for block in 0..UNIT {
        let (half, quarter) = (block / 4, block % 4);
        let low = &low[64 * half + 32 * (quarter % 2)..][..32];
        let high = &high[32 * half..][..32];
        let (low_shift, high_shift) = (4 * (quarter / 2), 2 * quarter);
        let codes = std::array::from_fn(|at| {
            (low[at] >> low_shift & 15) | (high[at] >> high_shift & 3) << 4
        });
        let codes = words(&codes);
        to.nibbles(block, &codes);
        to.pairs(block, 4, &codes, 4);
        to.factor(block, 0, scales[2 * block]);
        to.factor(block, 1, scales[2 * block + 1]);
    }
    to.shared(0, &from[208..210]);
}

fn iq4_xs(from: &[u8], to: &mut Place<'_>) {
    let high = u16::from_le_bytes([from[2], from[3]]);
    let (low, codes) = (&from[4..8], &from[8..136]);
    for block in 0..UNIT {
        to.nibbles(block, &words(&split_nibbles(&codes[16 * block..][..16])));
        let low = low[block / 2] >> (4 * (block % 2)) & 15;
        let high = (high >> (2 * block) & 3) as u8;
        to.factor(block, 0, (low | high << 4).wrapping_sub(32));
    }
    to.shared(0, &from[..2]);
}
