//! The functions between the two halves of a feed-forward layer.

use super::exp::{exp, tanh};
use crate::kernels::isa::Simd;

/// A function of each number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    /// GELU with the error function (Hendrycks and Gimpel 2016).
    Gelu,
    /// GELU by its tanh approximation (Hendrycks and Gimpel 2016).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x * sigmoid(x)`.
    Silu,
}

impl Activation {
    /// Of sixteen numbers; NaN stays.
    #[inline(always)]
    pub(crate) fn of<S: Simd>(self, simd: S, x: S::Floats) -> S::Floats {
        match self {
            Self::Gelu => gelu(simd, x),
            Self::GeluTanh => gelu_tanh(simd, x),
            // the second operand is what a comparison with NaN gives
            Self::Relu => simd.max(simd.zero(), x),
            Self::Silu => silu(simd, x),
        }
    }
}

/// `x / (1 + e^-x)`.
#[inline(always)]
fn silu<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    let power = exp(simd, simd.sub(simd.zero(), x));
    simd.div(x, simd.add(simd.splat(1.0), power))
}

/// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2`.
#[inline(always)]
fn gelu_tanh<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    let cube = simd.mul(simd.mul(x, x), x);
    let inner = simd.mul_add(cube, simd.splat(0.044_715), x);
    let root = simd.splat((2.0 / std::f32::consts::PI).sqrt());
    let share = simd.add(simd.splat(1.0), tanh(simd, simd.mul(inner, root)));
    simd.mul(simd.mul(simd.splat(0.5), x), share)
}

/// `x * (1 + erf(x / sqrt 2)) / 2`, absolute error under 1e-6.
///
/// erf by Abramowitz and Stegun 1964, formula 7.1.26 (error 1.5e-7).
#[inline(always)]
fn gelu<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    let (one, zero, half) = (simd.splat(1.0), simd.zero(), simd.splat(0.5));
    let size = simd.abs(x);
    let slope = simd.splat(0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2);
    let t = simd.div(one, simd.mul_add(size, slope, one));
    let mut p = simd.splat(1.061_405_4);
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6, 0.0] {
        p = simd.mul_add(p, t, simd.splat(c));
    }
    let power = exp(simd, simd.mul(simd.mul(x, x), simd.splat(-0.5)));
    let tail = simd.mul(simd.mul(simd.mul(p, power), size), half);
    simd.sub(simd.max(zero, x), tail)
}

/// GELU with an error under 4e-5 times `|x|` or 1, for results that are rounded to bf16 or int8
/// next.
///
/// erf(x / sqrt 2) / x as a polynomial in x^2 over |x| <= 4, fitted at 400 Chebyshev nodes; no
/// division, no exp.
#[inline(always)]
pub(crate) fn gelu_near<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    // NaN stays
    let near = simd.min(simd.splat(4.0), simd.max(simd.splat(-4.0), x));
    let v = simd.mul_add(simd.mul(near, near), simd.splat(0.125), simd.splat(-1.0));
    let [first, rest @ ..] = GELU_NEAR;
    let mut p = simd.splat(first);
    for c in rest {
        p = simd.mul_add(p, v, simd.splat(c));
    }
    simd.mul(x, simd.mul_add(near, p, simd.splat(0.5)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::elementwise::padded;
    use crate::kernels::isa::{Isa, LANES, Work};

    /// One of the functions of this module.
    #[derive(Debug, Clone, Copy)]
    enum Function {
        Of(Activation),
        GeluNear,
    }

    struct Apply<'a>(Function, &'a mut [f32]);

    impl Work for Apply<'_> {
        type Out = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            for values in self.1.chunks_mut(LANES) {
                let mut all = padded(values, 0.0);
                let x = simd.read(&all);
                let result = match self.0 {
                    Function::Of(activation) => activation.of(simd, x),
                    Function::GeluNear => gelu_near(simd, x),
                };
                simd.write(&mut all, result);
                values.copy_from_slice(&all[..values.len()]);
            }
        }
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

    fn exact(function: Function, x: f64) -> f64 {
        match function {
            Function::Of(Activation::Gelu) | Function::GeluNear => {
                x * (1.0 + erf(x / std::f64::consts::SQRT_2)) / 2.0
            }
            Function::Of(Activation::GeluTanh) => {
                let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                x * (1.0 + inner.tanh()) / 2.0
            }
            Function::Of(Activation::Relu) => x.max(0.0),
            Function::Of(Activation::Silu) => x / (1.0 + (-x).exp()),
        }
    }

    #[test]
    fn every_function_is_within_its_stated_error() {
        for isa in Isa::available() {
            for (function, most) in [
                (Function::Of(Activation::Gelu), 1e-6),
                (Function::Of(Activation::GeluTanh), 3e-6),
                (Function::Of(Activation::Relu), 0.0),
                (Function::Of(Activation::Silu), 3e-6),
                (Function::GeluNear, 4e-5),
            ] {
                let x = grid(-12.0, 12.0);
                let mut y = x.clone();
                isa.run(Apply(function, &mut y));
                for (x, y) in x.iter().zip(y) {
                    let x = f64::from(*x);
                    let near = matches!(function, Function::GeluNear);
                    let most = if near { most * x.abs().max(1.0) } else { most };
                    let error = (f64::from(y) - exact(function, x)).abs();
                    assert!(error <= most, "{isa:?} {function:?}({x}) = {y}");
                }
                let mut odd = [f32::NAN, f32::NEG_INFINITY, f32::MAX, f32::MIN];
                isa.run(Apply(function, &mut odd));
                assert!(odd[0].is_nan(), "a fault upstream stays visible: {function:?}");
                if matches!(function, Function::Of(_)) {
                    assert_eq!(odd[2], f32::MAX, "{function:?}");
                }
            }
        }
    }
}
