#![allow(clippy::unwrap_used)]

use candle_core::Device;
use candle_core::quantized::{GgmlDType, QStorage, QTensor};

use super::*;
use crate::kernels::elementwise::Gated;
use crate::kernels::elementwise::activation::Activation;

struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn float(&mut self) -> f32 {
        (self.next() % 20_001) as f32 / 10_000.0 - 1.0
    }
}

/// Random rows as they lie in a file, with scales of moderate size: a random exponent may be
/// infinite.
fn rows(kind: GgmlType, rows: usize, columns: usize, noise: &mut Noise) -> Vec<u8> {
    let mut bytes: Vec<u8> =
        (0..rows * kind.row_bytes(columns)).map(|_| noise.next() as u8).collect();
    let floats: &[usize] = match kind {
        GgmlType::Q2_K => &[80, 82],
        GgmlType::Q3_K => &[108],
        GgmlType::Q6_K => &[208],
        GgmlType::Q4_1 | GgmlType::Q5_1 | GgmlType::Q4_K | GgmlType::Q5_K => &[0, 2],
        _ => &[0],
    };
    let top = if kind == GgmlType::F32 || kind == GgmlType::BF16 { 0x3E } else { 0x20 };
    for block in bytes.chunks_exact_mut(kind.block_bytes()) {
        for at in floats {
            let last = if kind == GgmlType::F32 { at + 3 } else { at + 1 };
            block[last] = top | block[last] & 0x81;
        }
    }
    bytes
}

fn matrix(kind: GgmlType, count: usize, columns: usize, noise: &mut Noise) -> (Matrix, Vec<u8>) {
    let bytes = rows(kind, count, columns, noise);
    let mut matrix = Matrix::new(kind, count, columns).unwrap();
    let pool = Pool::new(2);
    let first = count / LANES / 2 * LANES;
    let cut = first * kind.row_bytes(columns);
    matrix.pack(&pool, first, &bytes[cut..]);
    matrix.pack(&pool, 0, &bytes[..cut]);
    (matrix, bytes)
}

fn widened(matrix: &Matrix, isa: Isa) -> Vec<f32> {
    let mut values = vec![0.0; matrix.rows() * matrix.columns()];
    for (row, values) in values.chunks_exact_mut(matrix.columns()).enumerate() {
        matrix.row(isa, row, values);
    }
    values
}

fn candle_type(kind: GgmlType) -> Option<GgmlDType> {
    Some(match kind {
        GgmlType::F32 => GgmlDType::F32,
        GgmlType::F16 => GgmlDType::F16,
        GgmlType::BF16 => GgmlDType::BF16,
        GgmlType::Q4_0 => GgmlDType::Q4_0,
        GgmlType::Q4_1 => GgmlDType::Q4_1,
        GgmlType::Q5_0 => GgmlDType::Q5_0,
        GgmlType::Q5_1 => GgmlDType::Q5_1,
        GgmlType::Q8_0 => GgmlDType::Q8_0,
        GgmlType::Q2_K => GgmlDType::Q2K,
        GgmlType::Q3_K => GgmlDType::Q3K,
        GgmlType::Q4_K => GgmlDType::Q4K,
        GgmlType::Q5_K => GgmlDType::Q5K,
        GgmlType::Q6_K => GgmlDType::Q6K,
        GgmlType::IQ4_NL | GgmlType::IQ4_XS => return None,
    })
}

#[test]
fn packed_rows_are_the_values_candle_reads() {
    for kind in GgmlType::ALL {
        let Some(dtype) = candle_type(kind) else { continue };
        assert_eq!(
            (kind.block_elements(), kind.block_bytes()),
            (dtype.block_size(), dtype.type_size())
        );
        for (count, columns) in [(1, 256), (16, 512), (37, 2304)] {
            let (matrix, bytes) = matrix(kind, count, columns, &mut Noise(7));
            let storage = QStorage::from_data(bytes.into(), &Device::Cpu, dtype).unwrap();
            let expected: Vec<f32> = QTensor::new(storage, count * columns)
                .unwrap()
                .dequantize(&Device::Cpu)
                .unwrap()
                .to_vec1()
                .unwrap();
            for isa in Isa::available() {
                for (index, (found, expected)) in
                    widened(&matrix, isa).iter().zip(&expected).enumerate()
                {
                    let close = (found - expected).abs() <= 1e-6 * expected.abs().max(1.0);
                    assert!(close, "{kind:?} {isa:?} {index}: {found} {expected}");
                }
            }
        }
    }
}

/// Candle does not know these: the arithmetic of `dequantize_row_iq4_nl` and `_xs`, written out.
#[test]
fn non_linear_types_follow_their_curve() {
    let curve = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
    let scale = |bytes: &[u8]| half::f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    let nibble = |codes: &[u8], at: usize| {
        usize::from(if at < 16 { codes[at] & 15 } else { codes[at - 16] >> 4 })
    };
    for isa in Isa::available() {
        let (packed, bytes) = matrix(GgmlType::IQ4_NL, 17, 96, &mut Noise(3));
        for (index, found) in widened(&packed, isa).iter().enumerate() {
            let block = &bytes[index / 32 * 18..][..18];
            let expected = scale(block) * curve[nibble(&block[2..], index % 32)] as f32;
            assert_eq!(*found, expected, "{isa:?} {index}");
        }
        let (packed, bytes) = matrix(GgmlType::IQ4_XS, 17, 512, &mut Noise(4));
        for (index, found) in widened(&packed, isa).iter().enumerate() {
            let block = &bytes[index / 256 * 136..][..136];
            let part = index % 256 / 32;
            let low = i32::from(block[4 + part / 2] >> (4 * (part % 2)) & 15);
            let high = i32::from(u16::from_le_bytes([block[2], block[3]]) >> (2 * part) & 3);
            let level = curve[nibble(&block[8 + 16 * part..], index % 32)] as f32;
            let expected = scale(block) * (low + 16 * high - 32) as f32 * level;
            assert_eq!(*found, expected, "{isa:?} {index}");
        }
    }
}

fn rounded(isa: Isa, count: usize, columns: usize, values: &[f32]) -> QuantizedRows {
    let mut rounded = QuantizedRows::new(count, columns);
    let groups = rounded.groups(1);
    for (index, values) in values.chunks_exact(columns).enumerate() {
        for row in groups.take(index) {
            row.round(isa, values);
        }
    }
    drop(groups);
    rounded
}

fn product(isa: Isa, threads: usize, matrix: &Matrix, values: &[f32], add: bool) -> Vec<f32> {
    let count = values.len() / matrix.columns();
    let rounded = rounded(isa, count, matrix.columns(), values);
    let bias: Vec<f32> = (0..matrix.rows()).map(|row| row as f32 / 64.0).collect();
    let mut out = vec![if add { 0.5 } else { f32::NAN }; count * matrix.rows()];
    let input = Input { rows: count, values, rounded: &rounded };
    let bias = if add { &[][..] } else { &bias };
    let target = Target { matrix, bias, out: &mut out, add };
    multiply(&Pool::new(threads), isa, input, &mut [target]);
    out
}

#[test]
fn products_match_widened_weights_at_every_level_kind_and_shape() {
    for kind in GgmlType::ALL {
        for (rows, columns) in [(5, 256), (16, 512), (70, 1792), (33, 2560)] {
            let columns = if kind.block_elements() == 32 { columns + 96 } else { columns };
            let mut noise = Noise(11);
            let (matrix, _) = matrix(kind, rows, columns, &mut noise);
            for count in [1, 3, 8, 29] {
                let values: Vec<f32> = (0..count * columns).map(|_| noise.float()).collect();
                for isa in Isa::available() {
                    let wide = widened(&matrix, isa);
                    let found = product(isa, 1, &matrix, &values, true);
                    for (row, value) in values.chunks(columns).enumerate() {
                        for (output, weights) in wide.chunks(columns).enumerate() {
                            let exact: f64 =
                                weights.iter().zip(value).map(|(a, b)| f64::from(a * b)).sum();
                            let norm: f64 =
                                weights.iter().map(|a| f64::from(a * a)).sum::<f64>().sqrt();
                            let found = f64::from(found[row * rows + output]) - 0.5;
                            let most = if kind.is_quantised() { 0.02 } else { 1e-4 };
                            assert!(
                                (found - exact).abs() <= most * norm,
                                "{kind:?} {isa:?} {rows}x{columns} {count}: {found} {exact}"
                            );
                        }
                    }
                }
            }
        }
    }
}

/// Against the exact product of the rounded rows, where nothing but the last bits may differ.
#[test]
fn products_of_rounded_rows_are_exact() {
    for kind in GgmlType::ALL.into_iter().filter(|kind| kind.is_quantised()) {
        let mut noise = Noise(5);
        let (rows, columns, count) = (21, 1280, 15);
        let (matrix, _) = matrix(kind, rows, columns, &mut noise);
        let values: Vec<f32> = (0..count * columns).map(|_| noise.float()).collect();
        for isa in Isa::available() {
            let rounded = rounded(isa, count, columns, &values);
            let wide = widened(&matrix, isa);
            let found = product(isa, 2, &matrix, &values, true);
            for row in 0..count {
                for output in 0..rows {
                    let (mut exact, mut size) = (0.5, 0.0);
                    for column in 0..columns {
                        let facts = &rounded.facts[row * columns / BLOCK + column / BLOCK];
                        let code = f64::from(rounded.codes[row * columns + column]);
                        let term = f64::from(wide[output * columns + column])
                            * code
                            * f64::from(facts.scale);
                        exact += term;
                        size += term.abs();
                    }
                    let found = f64::from(found[row * rows + output]);
                    assert!(
                        (found - exact).abs() <= 4e-6 * size + 1e-6,
                        "{kind:?} {isa:?}: {found} {exact}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_row_gives_the_same_bits_in_any_batch_and_on_any_number_of_threads() {
    for kind in GgmlType::ALL {
        let mut noise = Noise(13);
        let (rows, columns) = (75, 1792);
        let (matrix, _) = matrix(kind, rows, columns, &mut noise);
        let values: Vec<f32> = (0..31 * columns).map(|_| noise.float()).collect();
        for isa in Isa::available() {
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            let whole = bits(product(isa, 3, &matrix, &values, false));
            for cut in [1, 2, 5, 12, 14, 30] {
                let mut parts = bits(product(isa, 1, &matrix, &values[..cut * columns], false));
                parts.extend(bits(product(isa, 2, &matrix, &values[cut * columns..], false)));
                assert!(parts == whole, "{kind:?} {isa:?} cut at {cut}");
            }
        }
    }
}

#[test]
fn gated_products_are_the_same_bits_as_products_gated_and_rounded() {
    let (width, columns) = (96, 768);
    for (gate_kind, up_kind) in [(GgmlType::Q5_0, GgmlType::Q6_K), (GgmlType::Q4_1, GgmlType::Q8_0)]
    {
        let mut noise = Noise(19);
        let (gate, _) = matrix(gate_kind, width, columns, &mut noise);
        let (up, _) = matrix(up_kind, width, columns, &mut noise);
        let values: Vec<f32> = (0..29 * columns).map(|_| noise.float()).collect();
        for (isa, count) in
            Isa::available().into_iter().flat_map(|isa| [1, 3, 12, 13, 29].map(|n| (isa, n)))
        {
            let input_rows = rounded(isa, count, columns, &values[..count * columns]);
            let input = Input { rows: count, values: &values, rounded: &input_rows };
            for by in [Activation::Silu, Activation::GeluTanh] {
                let (mut gates, mut ups) = (vec![0.0; count * width], vec![0.0; count * width]);
                let target = |matrix, out| Target { matrix, bias: &[], out, add: false };
                let mut targets = [target(&gate, &mut gates[..]), target(&up, &mut ups[..])];
                multiply(&Pool::new(1), isa, input, &mut targets);
                isa.run(Gated { gates: &mut gates, ups: &ups, by });
                let expected = rounded(isa, count, width, &gates);
                for threads in [1, 3] {
                    let mut found = QuantizedRows::new(count, width);
                    let pair = GatedPair { gate: &gate, up: &up, by };
                    let target = GatedTarget { pair, out: &mut found };
                    multiply_gated(&Pool::new(threads), isa, input, target);
                    assert!(found.codes == expected.codes, "{gate_kind:?} {isa:?} {count} {by:?}");
                    assert!(found.facts == expected.facts, "{gate_kind:?} {isa:?} {count} {by:?}");
                }
            }
        }
    }
}

#[test]
fn vector_levels_agree_to_the_last_bits() {
    let proofs = Isa::available();
    for kind in GgmlType::ALL {
        let mut noise = Noise(17);
        let (matrix, _) = matrix(kind, 40, 768, &mut noise);
        let values: Vec<f32> = (0..14 * 768).map(|_| noise.float()).collect();
        let all: Vec<Vec<f32>> =
            proofs.iter().map(|isa| product(*isa, 2, &matrix, &values, false)).collect();
        for (isa, found) in proofs.iter().zip(&all) {
            for (found, twin) in found.iter().zip(&all[all.len() - 1]) {
                let close = (found - twin).abs() <= 2e-4 * twin.abs().max(1.0);
                assert!(close, "{kind:?} {isa:?}: {found} {twin}");
            }
        }
    }
}

#[test]
fn extreme_codes_do_not_overflow_and_zeros_give_zero() {
    for kind in GgmlType::ALL.into_iter().filter(|kind| kind.is_quantised()) {
        let columns = 512;
        for fill in [0x00, 0x7F, 0x80, 0xFF] {
            let mut bytes = rows(kind, 16, columns, &mut Noise(1));
            let floats = rows(kind, 16, columns, &mut Noise(2));
            bytes.fill(fill);
            for (block, with) in bytes
                .chunks_exact_mut(kind.block_bytes())
                .zip(floats.chunks_exact(kind.block_bytes()))
            {
                let at: &[usize] = match kind {
                    GgmlType::Q2_K => &[80, 82],
                    GgmlType::Q3_K => &[108],
                    GgmlType::Q6_K => &[208],
                    GgmlType::Q4_1 | GgmlType::Q5_1 | GgmlType::Q4_K | GgmlType::Q5_K => &[0, 2],
                    _ => &[0],
                };
                for at in at {
                    block[*at..at + 2].copy_from_slice(&with[*at..at + 2]);
                }
            }
            let mut matrix = Matrix::new(kind, 16, columns).unwrap();
            matrix.pack(&Pool::new(1), 0, &bytes);
            for isa in Isa::available() {
                for sign in [1.0, -1.0] {
                    for count in [1, 16] {
                        let found = product(isa, 1, &matrix, &vec![sign; count * columns], true);
                        let wide = widened(&matrix, isa);
                        for (found, row) in found.iter().zip(wide.chunks(columns)) {
                            let exact: f32 = row.iter().sum::<f32>() * sign + 0.5;
                            let size: f32 = row.iter().map(|value| value.abs()).sum();
                            assert!(
                                (found - exact).abs() <= 1e-4 * size.max(1.0),
                                "{kind:?} {isa:?} {fill}: {found} {exact}"
                            );
                        }
                    }
                }
                let zeros = product(isa, 1, &matrix, &vec![0.0; columns], true);
                assert!(zeros.iter().all(|value| *value == 0.5));
            }
        }
    }
}
