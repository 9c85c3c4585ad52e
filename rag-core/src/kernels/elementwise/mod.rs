//! What networks do to rows between products: norms, activations, gates, softmax, rotation, caps.
//!
//! Written over whole vectors; the end of a row is padded to one and cut again, so that a number
//! gets the same bits wherever in a row it stands.

pub(crate) mod activation;
pub(crate) mod exp;
pub(crate) mod norm;
pub(crate) mod rope;
pub(crate) mod softmax;

use self::activation::Activation;
use self::exp::tanh;
use super::isa::{LANES, Simd, Work};

/// Up to sixteen numbers, and `rest` for those that are missing.
#[inline(always)]
pub(super) fn padded(numbers: &[f32], rest: f32) -> [f32; LANES] {
    let mut all = [rest; LANES];
    all[..numbers.len()].copy_from_slice(numbers);
    all
}

/// Replaces each sixteen numbers `$x` of `$a` by `$e`, with those of each `$b` as `$y`; the last,
/// shorter ones are padded with zeros and cut again. A macro, as a closure would not be compiled
/// for the level.
macro_rules! map_rows {
    ($simd:ident, $x:ident: $a:expr $(, $y:ident: $b:expr)* => $e:expr) => {{
        let row: &mut [f32] = $a;
        $(let $y: &[f32] = $b;)*
        $(assert!($y.len() == row.len());)*
        let (whole, rest) = row.as_chunks_mut::<{ $crate::kernels::isa::LANES }>();
        $(let $y = $y.as_chunks::<{ $crate::kernels::isa::LANES }>();)*
        for (index, place) in whole.iter_mut().enumerate() {
            // not used where there is one row
            let _ = index;
            let $x = $simd.read(place);
            $(let $y = $simd.read(&$y.0[index]);)*
            $simd.write(place, $e);
        }
        if !rest.is_empty() {
            let mut last = $crate::kernels::elementwise::padded(rest, 0.0);
            let $x = $simd.read(&last);
            $(let $y = $simd.read(&$crate::kernels::elementwise::padded($y.1, 0.0));)*
            $simd.write(&mut last, $e);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }};
}
use map_rows;

/// `row += values`.
pub(crate) struct Add<'a> {
    /// The row.
    pub(crate) row: &'a mut [f32],
    /// As long.
    pub(crate) values: &'a [f32],
}

impl Work for Add<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        map_rows!(simd, x: self.row, y: self.values => simd.add(x, y));
    }
}

/// `f(gate) * up` (Shazeer 2020).
#[inline(always)]
pub(crate) fn gated<S: Simd>(simd: S, by: Activation, gate: S::Floats, up: S::Floats) -> S::Floats {
    simd.mul(by.of(simd, gate), up)
}

/// `gate = f(gate) * up` in place.
pub(crate) struct Gated<'a> {
    /// The gates.
    pub(crate) gates: &'a mut [f32],
    /// As many values.
    pub(crate) ups: &'a [f32],
    /// `f`.
    pub(crate) by: Activation,
}

impl Work for Gated<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let by = self.by;
        map_rows!(simd, gate: self.gates, up: self.ups => gated(simd, by, gate, up));
    }
}

/// A gated linear unit (Shazeer 2020), row by row: the first half of a row, activated, times its
/// second half.
pub(crate) struct Glu<'a> {
    /// Rows twice as wide as those of the output.
    pub(crate) wide: &'a [f32],
    /// The output.
    pub(crate) out: &'a mut [f32],
    /// Numbers of an output row.
    pub(crate) width: usize,
    /// `f`.
    pub(crate) by: Activation,
}

impl Work for Glu<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { wide, out, width, by } = self;
        for (wide, out) in wide.chunks_exact(2 * width).zip(out.chunks_exact_mut(width)) {
            let (gates, ups) = wide.split_at(width);
            out.copy_from_slice(gates);
            map_rows!(simd, gate: out, up: ups => gated(simd, by, gate, up));
        }
    }
}

/// `x = cap * tanh(x / cap)` in place.
pub(crate) struct Cap<'a> {
    /// The numbers.
    pub(crate) values: &'a mut [f32],
    /// What none exceeds.
    pub(crate) cap: f32,
}

impl Work for Cap<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (cap, inverse) = (simd.splat(self.cap), simd.splat(1.0 / self.cap));
        map_rows!(simd, x: self.values => simd.mul(cap, tanh(simd, simd.mul(x, inverse))));
    }
}

#[cfg(test)]
mod tests {
    use super::norm::RmsNorm;
    use super::*;
    use crate::kernels::isa::Isa;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|at| ((at * 37 + seed * 11) % 101) as f32 / 20.0 - 2.5).collect()
    }

    fn assert_close(found: &[f32], expected: impl Iterator<Item = f64>, isa: Isa) {
        for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
            let error = (f64::from(*found) - expected).abs();
            assert!(error <= 2e-6 * expected.abs().max(1.0), "{isa:?} {at}: {found} {expected}");
        }
    }

    #[test]
    fn every_level_follows_the_formulas_at_any_length() {
        for isa in Isa::available() {
            for len in [1, 2, 15, 16, 17, 64, 100, 576] {
                let (a, b) = (numbers(len, 1), numbers(len, 2));
                let wide =
                    |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
                let (wide_a, wide_b) = (wide(&a), wide(&b));
                let zipped = || wide_a.iter().zip(&wide_b);

                let mut row = a.clone();
                isa.run(RmsNorm { row: &mut row, weight: &b, epsilon: 1e-5 });
                let mean = wide_a.iter().map(|v| v * v).sum::<f64>() / len as f64;
                let inverse = 1.0 / (mean + 1e-5).sqrt();
                assert_close(&row, zipped().map(|(a, b)| a * inverse * b), isa);

                let mut row = a.clone();
                isa.run(Add { row: &mut row, values: &b });
                assert_close(&row, zipped().map(|(a, b)| a + b), isa);

                let mut row = a.clone();
                isa.run(Gated { gates: &mut row, ups: &b, by: Activation::Silu });
                assert_close(&row, zipped().map(|(a, b)| a / (1.0 + (-a).exp()) * b), isa);

                let mut row = a.clone();
                isa.run(Gated { gates: &mut row, ups: &b, by: Activation::GeluTanh });
                let gelu = |x: f64| {
                    let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
                    0.5 * x * (1.0 + inner.tanh())
                };
                assert_close(&row, zipped().map(|(a, b)| gelu(*a) * b), isa);

                let mut row = a.clone();
                isa.run(Cap { values: &mut row, cap: 1.5 });
                assert_close(&row, wide_a.iter().map(|a| 1.5 * (a / 1.5).tanh()), isa);
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
                let wide = &[-1.0, 2.0, 3.0, 3.0];
                level.run(Glu { wide, out: &mut out, width: 2, by: activation });
                for (got, want) in out.iter().zip(want) {
                    assert!((got - want).abs() < 1e-5, "{level:?} {activation:?} {out:?}");
                }
            }
        }
    }
}
