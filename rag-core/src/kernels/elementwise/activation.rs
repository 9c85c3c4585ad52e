//! The functions between the two halves of a feed-forward layer.

use super::exp::{exp, tanh};
use crate::kernels::isa::Lanes;

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
    pub(crate) fn of<L: Lanes>(self, lanes: L, x: L::Floats) -> L::Floats {
        match self {
            Self::Gelu => gelu(lanes, x),
            Self::GeluTanh => gelu_tanh(lanes, x),
            // the second operand is what a comparison with NaN gives
            Self::Relu => lanes.max(lanes.zero(), x),
            Self::Silu => silu(lanes, x),
        }
    }
}

/// `x / (1 + e^-x)`.
#[inline(always)]
fn silu<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    let power = exp(lanes, lanes.sub(lanes.zero(), x));
    lanes.div(x, lanes.add(lanes.splat(1.0), power))
}

/// `x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2`.
#[inline(always)]
fn gelu_tanh<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    let cube = lanes.mul(lanes.mul(x, x), x);
    let inner = lanes.mul_add(cube, lanes.splat(0.044_715), x);
    let root = lanes.splat((2.0 / std::f32::consts::PI).sqrt());
    let share = lanes.add(lanes.splat(1.0), tanh(lanes, lanes.mul(inner, root)));
    lanes.mul(lanes.mul(lanes.splat(0.5), x), share)
}

/// `x * (1 + erf(x / sqrt 2)) / 2`, absolute error under 1e-6.
///
/// erf by Abramowitz and Stegun 1964, formula 7.1.26 (error 1.5e-7).
#[inline(always)]
fn gelu<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    let (one, zero, half) = (lanes.splat(1.0), lanes.zero(), lanes.splat(0.5));
    let size = lanes.abs(x);
    let slope = lanes.splat(0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2);
    let t = lanes.div(one, lanes.mul_add(size, slope, one));
    let mut p = lanes.splat(1.061_405_4);
    for c in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6, 0.0] {
        p = lanes.mul_add(p, t, lanes.splat(c));
    }
    let power = exp(lanes, lanes.mul(lanes.mul(x, x), lanes.splat(-0.5)));
    let tail = lanes.mul(lanes.mul(lanes.mul(p, power), size), half);
    lanes.sub(lanes.max(zero, x), tail)
}
