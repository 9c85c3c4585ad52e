//! Row-wise f32 functions of a transformer: exp, GELU, softmax, layer norm.
//!
//! Plain loops over fixed lanes, so that the compiler vectorises them for each level and every sum
//! has one order, whatever else is computed beside it.

use super::activation::Activation;
use crate::kernels::isa::level::{Simd, per_level};
use crate::kernels::isa::vectors::Vectors;

const LANES: usize = 16;

/// `e^x` for `x <= 88`, relative error under 3e-7; below -87 the result is that of -87.
///
/// Range reduction by ln 2 in two parts and the series to degree 6, as in Cephes' `expf`.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: f32) -> f32 {
    // adding 1.5 * 2^23 rounds to an integer, left in the low bits
    const ROUND: f32 = 12_582_912.0;
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = simd.mul_add(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = simd.mul_add(n, -0.693_359_4, x);
    let r = simd.mul_add(n, 2.121_944_4e-4, r);
    let mut p = 1.0 / 720.0;
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = simd.mul_add(p, r, c);
    }
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `x * (1 + erf(x / sqrt 2)) / 2`, absolute error under 1e-6.
///
/// erf by Abramowitz and Stegun 1964, formula 7.1.26 (error 1.5e-7).
#[inline(always)]
pub(crate) fn gelu<S: Simd>(simd: S, x: f32) -> f32 {
    let size = x.abs();
    let t = 1.0 / simd.mul_add(size, 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2, 1.0);
    let mut p = 1.061_405_4;
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6, 0.0] {
        p = simd.mul_add(p, t, c);
    }
    let tail = p * exp(simd, x * x * -0.5) * size * 0.5;
    let positive = if x > 0.0 { x } else { 0.0 };
    positive - tail
}

/// [`gelu`] with an error under 4e-5 times `|x|` or 1, for results that are rounded to bf16 or int8 next.
///
/// erf(x / sqrt 2) / x as a polynomial in x^2 over |x| <= 4, fitted at 400 Chebyshev nodes; no
/// division, no exp.
#[inline(always)]
pub(crate) fn gelu_near<S: Simd>(simd: S, x: f32) -> f32 {
    let near = x.clamp(-4.0, 4.0);
    let v = simd.mul_add(near * near, 0.125, -1.0);
    let [mut p, rest @ ..] = GELU_NEAR;
    for c in rest {
        p = simd.mul_add(p, v, c);
    }
    x * simd.mul_add(near, p, 0.5)
}

const GELU_NEAR: [f32; 9] = [
    1.177_679_6e-3,
    -3.747_643e-3,
    6.557_563e-3,
    -1.191_101_6e-2,
    2.229_239_4e-2,
    -3.698_354_2e-2,
    5.597_426_7e-2,
    -8.431_595_6e-2,
    0.175_948_8,
];

/// [`gelu_near`] of sixteen numbers.
#[inline(always)]
pub(crate) fn gelu_near_vector<S: Vectors>(simd: S, x: S::Vector) -> S::Vector {
    // NaN stays
    let near = simd.min(simd.splat(4.0), simd.max(simd.splat(-4.0), x));
    let v = simd.mul_add_all(simd.mul(near, near), simd.splat(0.125), simd.splat(-1.0));
    let [first, rest @ ..] = GELU_NEAR;
    let mut p = simd.splat(first);
    for c in rest {
        p = simd.mul_add_all(p, v, simd.splat(c));
    }
    simd.mul(x, simd.mul_add_all(near, p, simd.splat(0.5)))
}

/// `1 / (1 + e^-x)`.
#[inline(always)]
fn sigmoid<S: Simd>(simd: S, x: f32) -> f32 {
    let e = exp(simd, -x.abs());
    let numerator = if x < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// `x / (1 + e^-x)` (Hendrycks and Gimpel 2016).
#[inline(always)]
pub(crate) fn silu<S: Simd>(simd: S, x: f32) -> f32 {
    x * sigmoid(simd, x)
}

/// GELU by its tanh approximation (Hendrycks and Gimpel 2016): `x * sigmoid(2 u)`.
#[inline(always)]
pub(crate) fn gelu_tanh<S: Simd>(simd: S, x: f32) -> f32 {
    // 2 * sqrt(2 / pi)
    let u = 1.595_769 * (x + 0.044_715 * x * x * x);
    x * sigmoid(simd, u)
}

/// `activation` of one number.
#[inline(always)]
pub(crate) fn activate<S: Simd>(simd: S, activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::Gelu => gelu(simd, x),
        Activation::GeluTanh => gelu_tanh(simd, x),
        // NaN stays
        Activation::Relu => {
            if x < 0.0 {
                0.0
            } else {
                x
            }
        }
        Activation::Silu => silu(simd, x),
    }
}

/// A gated linear unit (Shazeer 2020): the activated first half of a row times its second half.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Glu {
    pub(crate) activation: Activation,
    /// Numbers of a half.
    pub(crate) width: usize,
}

#[inline(always)]
fn gate_body<S: Simd>(simd: S, glu: Glu, wide: &[f32], out: &mut [f32]) {
    let Glu { activation, width } = glu;
    for (wide, out) in wide.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
        let (gate, value) = wide.split_at(width);
        // a loop for each function, so that each becomes vectors
        match activation {
            Activation::Gelu => (0..width).for_each(|i| out[i] = gelu(simd, gate[i]) * value[i]),
            Activation::GeluTanh => {
                (0..width).for_each(|i| out[i] = gelu_tanh(simd, gate[i]) * value[i])
            }
            Activation::Silu => (0..width).for_each(|i| out[i] = silu(simd, gate[i]) * value[i]),
            Activation::Relu => {
                let relu = |x| activate(simd, Activation::Relu, x);
                (0..width).for_each(|i| out[i] = relu(gate[i]) * value[i])
            }
        }
    }
}

#[inline(always)]
fn tree_sum(mut lanes: [f32; LANES]) -> f32 {
    let mut width = LANES / 2;
    while width > 0 {
        for i in 0..width {
            lanes[i] += lanes[i + width];
        }
        width /= 2;
    }
    lanes[0]
}

/// The sum of `f(value)` over a row, in an order that depends on its length alone.
#[inline(always)]
fn sum_of(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += f(chunk[i]);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f(value);
    }
    tree_sum(lanes)
}

/// The largest number of a row; NaN counts for nothing.
#[inline(always)]
fn max_of<S: Vectors>(simd: S, row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut largest = simd.splat(f32::NEG_INFINITY);
    for chunk in chunks {
        largest = simd.max(simd.load(chunk), largest);
    }
    rest.iter().fold(simd.largest(largest), |a, &b| if b > a { b } else { a })
}

/// The sum of a row, in an order that depends on its length alone.
#[inline(always)]
fn total_of<S: Vectors>(simd: S, row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = simd.splat(0.0);
    for chunk in chunks {
        sums = simd.add(sums, simd.load(chunk));
    }
    rest.iter().fold(simd.total(sums), |sum, value| sum + value)
}

/// Parameters of a layer normalisation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LayerNorm<'a> {
    /// One factor for each number of a row.
    pub(crate) weight: &'a [f32],
    /// One summand for each.
    pub(crate) bias: &'a [f32],
    /// Added to the variance.
    pub(crate) epsilon: f32,
}

#[inline(always)]
fn layer_norm_body<S: Simd>(simd: S, x: &mut [f32], norm: LayerNorm<'_>) {
    let LayerNorm { weight, bias, epsilon } = norm;
    let dim = weight.len();
    let bias = &bias[..dim];
    for row in x.chunks_exact_mut(dim) {
        let mean = sum_of(row, |value| value) / dim as f32;
        let variance = sum_of(row, |value| (value - mean) * (value - mean)) / dim as f32;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for i in 0..dim {
            row[i] = simd.mul_add((row[i] - mean) * scale, weight[i], bias[i]);
        }
    }
}

/// Softmax without the division: the first `len` numbers of `row` become `e^(x - max)`, the others,
/// of any value before, become 0; the result is 1 over the sum.
#[inline(always)]
pub(crate) fn softmax_numerators<S: Simd>(simd: S, row: &mut [f32], len: usize) -> f32 {
    row[len..].fill(f32::NEG_INFINITY);
    let max = max_of(simd, row);
    let (chunks, rest) = row.as_chunks_mut::<LANES>();
    for chunk in chunks {
        for value in chunk {
            *value = exp(simd, *value - max);
        }
    }
    for value in rest {
        *value = exp(simd, *value - max);
    }
    row[len..].fill(0.0);
    1.0 / total_of(simd, row)
}

per_level! {
    /// Each row of `wide` through the unit, to a row of `out`.
    pub(crate) fn gate(glu: Glu, wide: &[f32], out: &mut [f32]) = gate_body
}

per_level! {
    /// Layer normalisation of each row of `weight.len()` numbers, in place (Ba et al. 2016).
    pub(crate) fn layer_norm(x: &mut [f32], norm: LayerNorm<'_>) = layer_norm_body
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

    per_level! {
        fn exp_all(x: &mut [f32]) = exp_all_body
    }
    per_level! {
        fn gelu_all(x: &mut [f32]) = gelu_all_body
    }
    per_level! {
        fn gelu_near_all(x: &mut [f32]) = gelu_near_all_body
    }
    per_level! {
        fn gelu_tanh_all(x: &mut [f32]) = gelu_tanh_all_body
    }
    per_level! {
        fn silu_all(x: &mut [f32]) = silu_all_body
    }
    per_level! {
        fn softmax(row: &mut [f32], len: usize) -> f32 = softmax_numerators
    }

    #[inline(always)]
    fn exp_all_body<S: Simd>(simd: S, x: &mut [f32]) {
        x.iter_mut().for_each(|value| *value = exp(simd, *value));
    }

    #[inline(always)]
    fn gelu_all_body<S: Simd>(simd: S, x: &mut [f32]) {
        x.iter_mut().for_each(|value| *value = gelu(simd, *value));
    }

    #[inline(always)]
    fn gelu_near_all_body<S: Simd>(simd: S, x: &mut [f32]) {
        x.iter_mut().for_each(|value| *value = gelu_near(simd, *value));
    }

    #[inline(always)]
    fn gelu_tanh_all_body<S: Simd>(simd: S, x: &mut [f32]) {
        x.iter_mut().for_each(|value| *value = gelu_tanh(simd, *value));
    }

    #[inline(always)]
    fn silu_all_body<S: Simd>(simd: S, x: &mut [f32]) {
        x.iter_mut().for_each(|value| *value = silu(simd, *value));
    }

    /// erf in f64 by its series of positive terms, good to 1e-13.
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..400 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        sum * (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI
    }

    fn grid(from: f32, to: f32) -> Vec<f32> {
        (0..=20_000).map(|i| from + (to - from) * i as f32 / 20_000.0).collect()
    }

    #[test]
    fn exp_is_within_its_stated_error() {
        for level in Isa::available() {
            let x = grid(-87.0, 20.0);
            let mut y = x.clone();
            exp_all(level, &mut y);
            for (x, y) in x.iter().zip(y) {
                let exact = f64::from(*x).exp();
                assert!((f64::from(y) / exact - 1.0).abs() < 3e-7, "{level:?} exp({x}) = {y}");
            }
        }
    }

    #[test]
    fn gelu_is_within_its_stated_error() {
        for level in Isa::available() {
            let x = grid(-12.0, 12.0);
            let mut y = x.clone();
            gelu_all(level, &mut y);
            for (x, y) in x.iter().zip(y) {
                let x = f64::from(*x);
                let exact = x * (1.0 + erf(x / std::f64::consts::SQRT_2)) / 2.0;
                assert!((f64::from(y) - exact).abs() < 1e-6, "{level:?} gelu({x}) = {y}");
            }
            let mut odd = [f32::NAN, f32::NEG_INFINITY, f32::MAX, f32::MIN];
            gelu_all(level, &mut odd);
            assert!(odd[0].is_nan(), "a fault upstream stays visible");
        }
    }

    #[test]
    fn the_near_gelu_and_its_relatives_are_within_their_stated_errors() {
        for level in Isa::available() {
            let x = grid(-12.0, 12.0);
            let mut near = x.clone();
            gelu_near_all(level, &mut near);
            let (mut tanh, mut silu) = (x.clone(), x.clone());
            gelu_tanh_all(level, &mut tanh);
            silu_all(level, &mut silu);
            for (i, &x) in x.iter().enumerate() {
                let x = f64::from(x);
                let gelu = x * (1.0 + erf(x / std::f64::consts::SQRT_2)) / 2.0;
                assert!(
                    (f64::from(near[i]) - gelu).abs() < 4e-5 * x.abs().max(1.0),
                    "{level:?} {x}"
                );
                let u = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
                assert!(
                    (f64::from(tanh[i]) - x * (1.0 + u.tanh()) / 2.0).abs() < 3e-6,
                    "{level:?} {x}"
                );
                assert!(
                    (f64::from(silu[i]) - x / (1.0 + (-x).exp())).abs() < 3e-6,
                    "{level:?} {x}"
                );
            }
            let mut odd = [f32::NAN; 1];
            gelu_near_all(level, &mut odd);
            assert!(odd[0].is_nan(), "a fault upstream stays visible");
        }
    }

    #[test]
    fn softmax_rows_sum_to_one_at_every_length() {
        for level in Isa::available() {
            for len in 1..200usize {
                let mut row: Vec<f32> = (0..len).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
                let mut padded = row.clone();
                padded.resize(len.next_multiple_of(32), f32::NAN);
                let scale = softmax(level, &mut row, len);
                let sum: f32 = row.iter().map(|value| value * scale).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{level:?} {len}: {sum}");
                let same = softmax(level, &mut padded, len);
                assert!((same - scale).abs() < 1e-6 * scale, "{level:?} {len}");
                assert!(padded[len..].iter().all(|value| value.to_bits() == 0));
            }
        }
    }

    #[test]
    fn layer_norm_centres_and_scales() {
        for level in Isa::available() {
            for dim in [1, 7, 16, 33, 384] {
                let mut x: Vec<f32> = (0..2 * dim).map(|i| ((i * 31) % 17) as f32).collect();
                let (weight, bias) = (vec![1.0; dim], vec![0.0; dim]);
                let norm = LayerNorm { weight: &weight, bias: &bias, epsilon: 1e-12 };
                layer_norm(level, &mut x, norm);
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

    #[test]
    fn gates_multiply_the_second_half() {
        for level in Isa::available() {
            let mut out = [0.0; 2];
            for (activation, want) in [
                (Activation::Relu, [0.0, 6.0]),
                (Activation::Silu, [-0.268_941_4 * 3.0, 6.0 * 0.880_797_1]),
                (Activation::Gelu, [-0.158_655_3 * 3.0, 6.0 * 0.977_249_9]),
                (Activation::GeluTanh, [-0.158_808 * 3.0, 6.0 * 0.977_298_6]),
            ] {
                gate(level, Glu { activation, width: 2 }, &[-1.0, 2.0, 3.0, 3.0], &mut out);
                for (got, want) in out.iter().zip(want) {
                    assert!((got - want).abs() < 1e-5, "{level:?} {activation:?} {out:?}");
                }
            }
        }
    }
}
