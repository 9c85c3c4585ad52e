//! Norms of rows: layer norm, root mean square norm, unit length.
//!
//! Every sum has one order, which depends on the length of the row alone.

use super::{map_rows, padded};
use crate::kernels::isa::{LANES, Simd, Work};

/// The sum of `$e` over the numbers `$x` of a row; `$pad` stands for those that the last vector
/// lacks, and must add nothing.
macro_rules! sum_rows {
    ($simd:ident, $row:expr, $pad:expr, |$x:ident| $e:expr) => {{
        let (whole, rest) = $row.as_chunks::<LANES>();
        let mut sums = $simd.zero();
        for values in whole {
            let $x = $simd.read(values);
            sums = $simd.add(sums, $e);
        }
        if !rest.is_empty() {
            let $x = $simd.read(&padded(rest, $pad));
            sums = $simd.add(sums, $e);
        }
        $simd.sum(sums)
    }};
}

/// Layer normalisation of each row of `weight.len()` numbers, in place (Ba et al. 2016).
pub(crate) struct LayerNorm<'a> {
    /// The rows.
    pub(crate) rows: &'a mut [f32],
    /// One factor for each number of a row.
    pub(crate) weight: &'a [f32],
    /// One summand for each.
    pub(crate) bias: &'a [f32],
    /// Added to the variance.
    pub(crate) epsilon: f32,
}

impl Work for LayerNorm<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { rows, weight, bias, epsilon } = self;
        let dim = weight.len();
        for row in rows.chunks_exact_mut(dim) {
            let mean = sum_rows!(simd, row, 0.0, |x| x) / dim as f32;
            let means = simd.splat(mean);
            // in two passes: the mean of squares less the square of the mean loses the digits of a
            // small variance
            let variance = sum_rows!(simd, row, mean, |x| {
                let apart = simd.sub(x, means);
                simd.mul(apart, apart)
            }) / dim as f32;
            let scale = simd.splat(1.0 / (variance + epsilon).sqrt());
            map_rows!(simd, x: row, weight: weight, bias: bias => {
                simd.mul_add(simd.mul(simd.sub(x, means), scale), weight, bias)
            });
        }
    }
}

/// One over the root of the mean square, in every lane.
#[inline(always)]
fn inverse_root<S: Simd>(simd: S, values: &[f32], epsilon: f32) -> S::Floats {
    let mut sums = simd.zero();
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        let values = simd.read(values);
        sums = simd.mul_add(values, values, sums);
    }
    let last = simd.read(&padded(rest, 0.0));
    sums = simd.mul_add(last, last, sums);
    let mean = simd.sum(sums) / values.len() as f32;
    simd.splat(1.0 / (mean + epsilon).sqrt())
}

/// Root mean square norm (Zhang and Sennrich 2019) in place.
pub(crate) struct RmsNorm<'a> {
    /// The row.
    pub(crate) row: &'a mut [f32],
    /// One factor for each number.
    pub(crate) weight: &'a [f32],
    /// Added to the mean square.
    pub(crate) epsilon: f32,
}

impl Work for RmsNorm<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let inverse = inverse_root(simd, self.row, self.epsilon);
        map_rows!(simd, value: self.row, weight: self.weight => {
            simd.mul(simd.mul(value, inverse), weight)
        });
    }
}

/// Scales `row` to length 1; a row of zeros stays.
pub(crate) fn normalize(row: &mut [f32]) {
    let square = |value: f64| value * value;
    let length = row.iter().map(|&value| square(f64::from(value))).sum::<f64>().sqrt();
    let scale = if length > 0.0 { 1.0 / length } else { 1.0 };
    for value in row {
        *value = (f64::from(*value) * scale) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::Isa;

    #[test]
    fn layer_norm_centres_and_scales() {
        for level in Isa::available() {
            for dim in [1, 7, 16, 33, 384] {
                let mut x: Vec<f32> = (0..2 * dim).map(|i| ((i * 31) % 17) as f32).collect();
                let (weight, bias) = (vec![1.0; dim], vec![0.0; dim]);
                level.run(LayerNorm { rows: &mut x, weight: &weight, bias: &bias, epsilon: 1e-12 });
                for row in x.chunks_exact(dim) {
                    assert!(row.iter().sum::<f32>().abs() < 1e-3 * dim as f32, "{level:?} {dim}");
                    let square: f32 = row.iter().map(|value| value * value).sum();
                    assert!(
                        dim == 1 || (square / dim as f32 - 1.0).abs() < 1e-3,
                        "{level:?} {dim}"
                    );
                }
            }
        }
    }
}
