//! Softmax of a whole row (that of a row which comes page by page is in `attention/causal.rs`).

use super::exp::exp;
use crate::kernels::isa::{LANES, Simd};

/// Softmax without the division: the first `len` numbers of `row` become `e^(x - max)`, the others,
/// of any value before, become 0; the result is 1 over the sum. The row is a whole number of
/// vectors.
#[inline(always)]
pub(crate) fn softmax_numerators<S: Simd>(simd: S, row: &mut [f32], len: usize) -> f32 {
    row[len..].fill(f32::NEG_INFINITY);
    let (vectors, rest) = row.as_chunks_mut::<LANES>();
    assert!(rest.is_empty());
    let mut largest = simd.splat(f32::NEG_INFINITY);
    for values in vectors.iter() {
        largest = simd.max(simd.read(values), largest);
    }
    let largest = simd.splat(simd.largest(largest));
    for values in vectors.iter_mut() {
        let powers = exp(simd, simd.sub(simd.read(values), largest));
        simd.write(values, powers);
    }
    row[len..].fill(0.0);
    // summed after the numbers past the end are zero again: e^-87 is not
    let mut sums = simd.zero();
    for values in row.as_chunks::<LANES>().0 {
        sums = simd.add(sums, simd.read(values));
    }
    1.0 / simd.sum(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{Isa, Work};

    struct Row<'a>(&'a mut [f32], usize);

    impl Work for Row<'_> {
        type Out = f32;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> f32 {
            softmax_numerators(simd, self.0, self.1)
        }
    }

    #[test]
    fn softmax_rows_sum_to_one_at_every_length() {
        for isa in Isa::available() {
            for len in 1..200usize {
                let row: Vec<f32> = (0..len).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
                let padded = |to: usize| {
                    let mut padded = row.clone();
                    padded.resize(len.next_multiple_of(to), f32::NAN);
                    padded
                };
                let (mut short, mut long) = (padded(16), padded(32));
                let scale = isa.run(Row(&mut short, len));
                let sum: f32 = short.iter().map(|value| value * scale).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{isa:?} {len}: {sum}");
                let same = isa.run(Row(&mut long, len));
                assert_eq!(same.to_bits(), scale.to_bits(), "{isa:?} {len}");
                assert!(long[len..].iter().all(|value| value.to_bits() == 0));
            }
        }
    }

    #[test]
    fn a_fault_upstream_stays_visible() {
        for isa in Isa::available() {
            let mut row = [1.0; 32];
            row[3] = f32::NAN;
            assert!(isa.run(Row(&mut row, 20)).is_nan(), "{isa:?}");
        }
    }
}
