//! What a decoder does to the states of a token, a row at a time: norms, gates, rotation, caps.
#![expect(unsafe_code, reason = "vectors into checked slices")]

pub(crate) mod activation;
pub(crate) mod exp;
pub(crate) mod norm;
pub(crate) mod rope;

use self::activation::Activation;
use self::exp::tanh;
use super::isa::{LANES, Lanes, Work};

/// Replaces each run of sixteen numbers `$x` of `$a` by `$e`, with those of `$b` as `$y`; the last,
/// shorter one is padded with zeros and cut again. A macro, as a closure would not be compiled for
/// the level.
macro_rules! map_rows {
    ($lanes:ident, $a:expr, $b:expr, |$x:ident, $y:ident| $e:expr) => {{
        let (a, b): (&mut [f32], &[f32]) = ($a, $b);
        assert!(a.len() == b.len());
        let (whole, rest) = a.as_chunks_mut::<LANES>();
        let (other, other_rest) = b.as_chunks::<LANES>();
        for (a, b) in whole.iter_mut().zip(other) {
            // SAFETY: both are sixteen long.
            let ($x, $y) = unsafe { ($lanes.load(a.as_ptr()), $lanes.load(b.as_ptr())) };
            // SAFETY: as above.
            unsafe { $lanes.store(a.as_mut_ptr(), $e) };
        }
        if !rest.is_empty() {
            let (mut a, mut b) = ([0.0; LANES], [0.0; LANES]);
            a[..rest.len()].copy_from_slice(rest);
            b[..rest.len()].copy_from_slice(other_rest);
            // SAFETY: both are sixteen long.
            let ($x, $y) = unsafe { ($lanes.load(a.as_ptr()), $lanes.load(b.as_ptr())) };
            // SAFETY: as above.
            unsafe { $lanes.store(a.as_mut_ptr(), $e) };
            rest.copy_from_slice(&a[..rest.len()]);
        }
    }};
}

/// One over the root of the mean square, in every lane.
#[inline(always)]
fn inverse_root<L: Lanes>(lanes: L, values: &[f32], epsilon: f32) -> L::Floats {
    let mut sums = lanes.zero();
    let (whole, rest) = values.as_chunks::<LANES>();
    for values in whole {
        // SAFETY: sixteen long.
        let values = unsafe { lanes.load(values.as_ptr()) };
        sums = lanes.mul_add(values, values, sums);
    }
    let mut last = [0.0; LANES];
    last[..rest.len()].copy_from_slice(rest);
    // SAFETY: sixteen long.
    let last = unsafe { lanes.load(last.as_ptr()) };
    sums = lanes.mul_add(last, last, sums);
    let mean = lanes.sum(sums) / values.len() as f32;
    lanes.splat(1.0 / (mean + epsilon).sqrt())
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
    fn run<L: Lanes>(self, lanes: L) {
        let inverse = inverse_root(lanes, self.row, self.epsilon);
        map_rows!(lanes, self.row, self.weight, |value, weight| lanes
            .mul(lanes.mul(value, inverse), weight));
    }
}

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
    fn run<L: Lanes>(self, lanes: L) {
        map_rows!(lanes, self.row, self.values, |x, y| lanes.add(x, y));
    }
}

/// `f(gate) * up` (Shazeer 2020).
#[inline(always)]
pub(crate) fn gated<L: Lanes>(
    lanes: L,
    by: Activation,
    gate: L::Floats,
    up: L::Floats,
) -> L::Floats {
    lanes.mul(by.of(lanes, gate), up)
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
    fn run<L: Lanes>(self, lanes: L) {
        let by = self.by;
        map_rows!(lanes, self.gates, self.ups, |gate, up| gated(lanes, by, gate, up));
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
    fn run<L: Lanes>(self, lanes: L) {
        let (cap, inverse) = (lanes.splat(self.cap), lanes.splat(1.0 / self.cap));
        let (whole, rest) = self.values.as_chunks_mut::<LANES>();
        let mut last = [[0.0; LANES]];
        last[0][..rest.len()].copy_from_slice(rest);
        for values in whole.iter_mut().chain(&mut last) {
            // SAFETY: sixteen long.
            unsafe {
                let shares = lanes.mul(lanes.load(values.as_ptr()), inverse);
                lanes.store(values.as_mut_ptr(), lanes.mul(cap, tanh(lanes, shares)));
            }
        }
        rest.copy_from_slice(&last[0][..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::isa::Isa;
    use super::*;

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
}
