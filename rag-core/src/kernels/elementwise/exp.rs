//! The exponential and the hyperbolic tangent of sixteen numbers.

use crate::kernels::isa::Lanes;

/// `e^x`, exact to two units in the last place, for `x` from -87 (and below, as -87) to 88.
///
/// Range reduction by ln 2 in two parts, then the Taylor polynomial of degree six.
#[inline(always)]
pub(crate) fn exp<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    let x = lanes.min(lanes.max(x, lanes.splat(-87.0)), lanes.splat(88.0));
    let n = lanes.round(lanes.mul(x, lanes.splat(std::f32::consts::LOG2_E)));
    let r = lanes.mul_add(n, lanes.splat(-0.693_145_75), x);
    let r = lanes.mul_add(n, lanes.splat(-1.428_606_8e-6), r);
    let mut p = lanes.splat(1.0 / 720.0);
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = lanes.mul_add(p, r, lanes.splat(coefficient));
    }
    lanes.mul(p, lanes.power_of_two(n))
}

/// The hyperbolic tangent as `1 - 2 / (e^2x + 1)`.
#[inline(always)]
pub(crate) fn tanh<L: Lanes>(lanes: L, x: L::Floats) -> L::Floats {
    let one = lanes.splat(1.0);
    let power = exp(lanes, lanes.add(x, x));
    lanes.sub(one, lanes.div(lanes.splat(2.0), lanes.add(power, one)))
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
        fn run<L: Lanes>(self, lanes: L) -> [f32; LANES] {
            let mut out = [0.0; LANES];
            // SAFETY: both arrays hold sixteen elements.
            unsafe {
                let values = lanes.load(self.values.as_ptr());
                let values = if self.tanh { tanh(lanes, values) } else { exp(lanes, values) };
                lanes.store(out.as_mut_ptr(), values);
            }
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
        }
    }
}
