//! The exponential and the hyperbolic tangent of sixteen numbers.

use crate::kernels::isa::Simd;

/// `e^x`, exact to two units in the last place, for `x` from -87 (and below, as -87) to 88.
///
/// Range reduction by ln 2 in two parts (Cody and Waite 1980: in one, `n ln 2` would lose the bits
/// that `x - n ln 2` needs), then the Taylor polynomial of degree six. Not `f32::exp`, which is a
/// call for each number and differs between platforms in the last bits.
#[inline(always)]
pub(crate) fn exp<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    // in this order NaN stays
    let x = simd.min(simd.splat(88.0), simd.max(simd.splat(-87.0), x));
    let n = simd.round(simd.mul(x, simd.splat(std::f32::consts::LOG2_E)));
    let r = simd.mul_add(n, simd.splat(-0.693_145_75), x);
    let r = simd.mul_add(n, simd.splat(-1.428_606_8e-6), r);
    let mut p = simd.splat(1.0 / 720.0);
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = simd.mul_add(p, r, simd.splat(coefficient));
    }
    simd.mul(p, simd.power_of_two(n))
}

/// The hyperbolic tangent as `1 - 2 / (e^2x + 1)`.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::Floats) -> S::Floats {
    let one = simd.splat(1.0);
    let power = exp(simd, simd.add(x, x));
    simd.sub(one, simd.div(simd.splat(2.0), simd.add(power, one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::{Isa, LANES, Work};

    /// Applies a function of this module to sixteen numbers.
    struct Apply {
        values: [f32; LANES],
        tanh: bool,
    }

    impl Work for Apply {
        type Out = [f32; LANES];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f32; LANES] {
            let mut out = [0.0; LANES];
            let values = simd.read(&self.values);
            simd.write(&mut out, if self.tanh { tanh(simd, values) } else { exp(simd, values) });
            out
        }
    }

    #[test]
    fn exp_and_tanh_are_exact_to_a_few_units_in_the_last_place() {
        for isa in Isa::available() {
            for step in 0..10_000 {
                let x = step as f32 / 10_000.0 * 170.0 - 85.0;
                let found = isa.run(Apply { values: [x; LANES], tanh: false });
                let exact = f64::from(x).exp();
                assert!((f64::from(found[7]) / exact - 1.0).abs() < 3e-7, "{isa:?} {x}");
                let x = x / 8.0;
                let found = isa.run(Apply { values: [x; LANES], tanh: true });
                assert!((f64::from(found[15]) - f64::from(x).tanh()).abs() < 3e-7, "{isa:?} {x}");
            }
            let zero = isa.run(Apply { values: [-1000.0; LANES], tanh: false });
            assert!(zero[0] < 1e-37);
            assert!(isa.run(Apply { values: [f32::NAN; LANES], tanh: false })[0].is_nan());
        }
    }
}
