//! Ggml's quantised blocks taken apart into codes, scales and offsets, without loss.
//!
//! Layouts as in llama.cpp, `ggml-common.h`; arithmetic as in its `dequantize_row_*`. Every scale is a 16-bit
//! float times a small integer, which an f32 holds exactly.

use candle_core::quantized::GgmlDType;
use half::f16;

/// How one type is taken apart.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Elements of a block in the file.
    pub(super) elements: usize,
    /// Bytes of a block in the file.
    pub(super) bytes: usize,
    /// Elements that share a scale, 16 or 32.
    pub(super) block: usize,
    /// Whether blocks have an offset.
    pub(super) has_offsets: bool,
    unpack: fn(&[u8], &mut Out<'_>),
}

/// Where one file block goes.
pub(super) struct Out<'a> {
    pub(super) codes: &'a mut [i8],
    pub(super) scales: &'a mut [f32],
    /// Empty if the type has none.
    pub(super) offsets: &'a mut [f32],
}

impl Format {
    /// The format of a quantised type; `None` for plain floats.
    pub(super) fn of(dtype: GgmlDType) -> Option<Self> {
        let (elements, bytes, block, has_offsets, unpack): (_, _, _, _, fn(&[u8], &mut Out<'_>)) =
            match dtype {
                GgmlDType::Q4_0 => (32, 18, 32, false, q4_0),
                GgmlDType::Q4_1 => (32, 20, 32, true, q4_1),
                GgmlDType::Q5_0 => (32, 22, 32, false, q5_0),
                GgmlDType::Q5_1 => (32, 24, 32, true, q5_1),
                GgmlDType::Q8_0 => (32, 34, 32, false, q8_0),
                GgmlDType::Q2K => (256, 84, 16, true, q2_k),
                GgmlDType::Q3K => (256, 110, 16, false, q3_k),
                GgmlDType::Q4K => (256, 144, 32, true, q4_k),
                GgmlDType::Q5K => (256, 176, 32, true, q5_k),
                GgmlDType::Q6K => (256, 210, 16, false, q6_k),
                _ => return None,
            };
        Some(Self { elements, bytes, block, has_offsets, unpack })
    }

    /// Takes whole file blocks apart; the slices of `out` have room for exactly them.
    pub(super) fn unpack(self, bytes: &[u8], out: &mut Out<'_>) {
        let scales = self.elements / self.block;
        for (index, block) in bytes.chunks_exact(self.bytes).enumerate() {
            let offsets =
                if self.has_offsets { index * scales..(index + 1) * scales } else { 0..0 };
            (self.unpack)(
                block,
                &mut Out {
                    codes: &mut out.codes[index * self.elements..][..self.elements],
                    scales: &mut out.scales[index * scales..][..scales],
                    offsets: &mut out.offsets[offsets],
                },
            );
        }
    }
}

fn float(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

fn code(bits: u8, zero: i8) -> i8 {
    bits as i8 - zero
}

/// 32 codes: low halves of 16 bytes, then high halves.
fn nibbles(low: &[u8], zero: i8, codes: &mut [i8]) {
    let (first, second) = codes.split_at_mut(16);
    for ((first, second), byte) in first.iter_mut().zip(second).zip(low) {
        *first = code(byte & 0x0F, zero);
        *second = code(byte >> 4, zero);
    }
}

/// As [`nibbles`], with a fifth bit for each from four bytes.
fn five_bits(high: &[u8], low: &[u8], zero: i8, codes: &mut [i8]) {
    nibbles(low, zero, codes);
    let high = u32::from_le_bytes([high[0], high[1], high[2], high[3]]);
    for (index, code) in codes.iter_mut().enumerate() {
        *code += (((high >> index) & 1) << 4) as i8;
    }
}

fn q4_0(block: &[u8], out: &mut Out<'_>) {
    out.scales[0] = float(block, 0);
    nibbles(&block[2..18], 8, out.codes);
}

fn q4_1(block: &[u8], out: &mut Out<'_>) {
    out.scales[0] = float(block, 0);
    out.offsets[0] = float(block, 2);
    nibbles(&block[4..20], 0, out.codes);
}

fn q5_0(block: &[u8], out: &mut Out<'_>) {
    out.scales[0] = float(block, 0);
    five_bits(&block[2..6], &block[6..22], 16, out.codes);
}

fn q5_1(block: &[u8], out: &mut Out<'_>) {
    out.scales[0] = float(block, 0);
    out.offsets[0] = float(block, 2);
    five_bits(&block[4..8], &block[8..24], 0, out.codes);
}

fn q8_0(block: &[u8], out: &mut Out<'_>) {
    out.scales[0] = float(block, 0);
    for (code, byte) in out.codes.iter_mut().zip(&block[2..34]) {
        *code = *byte as i8;
    }
}

fn q2_k(block: &[u8], out: &mut Out<'_>) {
    let (scales, low) = (&block[..16], &block[16..80]);
    let (scale, least) = (float(block, 80), float(block, 82));
    for (index, packed) in scales.iter().enumerate() {
        out.scales[index] = scale * f32::from(packed & 0x0F);
        out.offsets[index] = -least * f32::from(packed >> 4);
    }
    for (index, code) in out.codes.iter_mut().enumerate() {
        let (half, quarter, at) = (index / 128, index % 128 / 32, index % 32);
        *code = ((low[32 * half + at] >> (2 * quarter)) & 3) as i8;
    }
}

fn q3_k(block: &[u8], out: &mut Out<'_>) {
    let (high, low, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let scale = float(block, 108);
    for (index, out) in out.scales.iter_mut().enumerate() {
        let low = if index < 8 { scales[index] & 0x0F } else { scales[index - 8] >> 4 };
        let high = (scales[8 + index % 4] >> (2 * (index / 4))) & 3;
        *out = scale * f32::from(code(low | high << 4, 32));
    }
    for (index, out) in out.codes.iter_mut().enumerate() {
        let (half, quarter, at) = (index / 128, index % 128 / 32, index % 32);
        let bits = (low[32 * half + at] >> (2 * quarter)) & 3;
        let is_high = (high[at] >> (4 * half + quarter)) & 1;
        *out = code(bits | is_high << 2, 4);
    }
}

/// Scales and offsets of [`q4_k`] and [`q5_k`]: eight of each, six bits wide, in twelve bytes.
fn six_bit_scales(block: &[u8], out: &mut Out<'_>) {
    let (scale, least) = (float(block, 0), float(block, 2));
    let packed = &block[4..16];
    for index in 0..8 {
        let (factor, offset) = if index < 4 {
            (packed[index] & 63, packed[index + 4] & 63)
        } else {
            let (low, high) = (packed[index + 4], index - 4);
            ((low & 0x0F) | (packed[high] >> 6) << 4, (low >> 4) | (packed[index] >> 6) << 4)
        };
        out.scales[index] = scale * f32::from(factor);
        out.offsets[index] = -least * f32::from(offset);
    }
}

fn q4_k(block: &[u8], out: &mut Out<'_>) {
    six_bit_scales(block, out);
    for (codes, low) in out.codes.chunks_exact_mut(64).zip(block[16..144].chunks_exact(32)) {
        let (first, second) = codes.split_at_mut(32);
        for ((first, second), byte) in first.iter_mut().zip(second).zip(low) {
            *first = (byte & 0x0F) as i8;
            *second = (byte >> 4) as i8;
        }
    }
}

fn q5_k(block: &[u8], out: &mut Out<'_>) {
    six_bit_scales(block, out);
    let (high, low) = (&block[16..48], &block[48..176]);
    for (quarter, (codes, low)) in
        out.codes.chunks_exact_mut(64).zip(low.chunks_exact(32)).enumerate()
    {
        let (first, second) = codes.split_at_mut(32);
        for (((first, second), byte), high) in first.iter_mut().zip(second).zip(low).zip(high) {
            let high = high >> (2 * quarter);
            *first = ((byte & 0x0F) | (high & 1) << 4) as i8;
            *second = ((byte >> 4) | (high & 2) << 3) as i8;
        }
    }
}

fn q6_k(block: &[u8], out: &mut Out<'_>) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = float(block, 208);
    for (out, factor) in out.scales.iter_mut().zip(scales) {
        *out = scale * f32::from(*factor as i8);
    }
    let halves = low.chunks_exact(64).zip(high.chunks_exact(32));
    for (codes, (low, high)) in out.codes.chunks_exact_mut(128).zip(halves) {
        for at in 0..32 {
            let (near, far, high) = (low[at], low[at + 32], high[at]);
            codes[at] = code((near & 0x0F) | (high & 3) << 4, 32);
            codes[at + 32] = code((far & 0x0F) | (high >> 2 & 3) << 4, 32);
            codes[at + 64] = code((near >> 4) | (high >> 4 & 3) << 4, 32);
            codes[at + 96] = code((far >> 4) | (high >> 6) << 4, 32);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use candle_core::Device;
    use candle_core::quantized::{QStorage, QTensor};

    use super::*;

    /// Every type, on random bytes, against candle's own dequantisation.
    #[test]
    fn codes_scales_and_offsets_give_the_dequantised_values() {
        let types = [
            GgmlDType::Q4_0,
            GgmlDType::Q4_1,
            GgmlDType::Q5_0,
            GgmlDType::Q5_1,
            GgmlDType::Q8_0,
            GgmlDType::Q2K,
            GgmlDType::Q3K,
            GgmlDType::Q4K,
            GgmlDType::Q5K,
            GgmlDType::Q6K,
        ];
        for dtype in types {
            let format = Format::of(dtype).unwrap();
            assert_eq!((format.elements, format.bytes), (dtype.block_size(), dtype.type_size()));
            let mut state = 7u64;
            let mut bytes: Vec<u8> = (0..16 * format.bytes)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 56) as u8
                })
                .collect();
            // Scales of moderate size: a random exponent may be infinite.
            for block in bytes.chunks_exact_mut(format.bytes) {
                let at: &[usize] = match dtype {
                    GgmlDType::Q2K => &[80, 82],
                    GgmlDType::Q3K => &[108],
                    GgmlDType::Q6K => &[208],
                    GgmlDType::Q4_1 | GgmlDType::Q5_1 | GgmlDType::Q4K | GgmlDType::Q5K => &[0, 2],
                    _ => &[0],
                };
                for at in at {
                    block[at + 1] = 0x20 | block[at + 1] & 0x8F;
                }
            }
            let count = 16 * format.elements;
            let storage = QStorage::from_data(bytes.clone().into(), &Device::Cpu, dtype).unwrap();
            let expected: Vec<f32> = QTensor::new(storage, count)
                .unwrap()
                .dequantize(&Device::Cpu)
                .unwrap()
                .to_vec1()
                .unwrap();
            let mut codes = vec![0i8; count];
            let mut scales = vec![0f32; count / format.block];
            let mut offsets = vec![0f32; if format.has_offsets { count / format.block } else { 0 }];
            let mut out = Out { codes: &mut codes, scales: &mut scales, offsets: &mut offsets };
            format.unpack(&bytes, &mut out);
            for (index, expected) in expected.into_iter().enumerate() {
                let block = index / format.block;
                let value = scales[block] * f32::from(codes[index])
                    + offsets.get(block).copied().unwrap_or(0.0);
                assert!(
                    (value - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                    "{dtype:?} {index}: {value} {expected}"
                );
            }
        }
    }
}
