//! Rotary positions and gates: what newer encoders do between their products.

use super::activation::Activation;
use super::bidirectional::Heads;
use super::level::{Simd, per_level};
use super::rows::{activate, gelu, gelu_tanh, silu};

/// Cosines and sines of every position's angles (Su et al. 2021), for halves of a head turned together.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    /// Numbers of half a head.
    half: usize,
    /// For each position `half` cosines, then `half` sines.
    values: Vec<f32>,
}

impl Turns {
    /// Angles `position / (divisor * theta^(2 i / dim))` for `count` positions.
    pub(crate) fn new(dim: usize, count: usize, theta: f32, divisor: f32) -> Self {
        let half = dim / 2;
        let frequencies: Vec<f64> = (0..half)
            .map(|i| f64::from(theta).powf(-((2 * i) as f64) / dim as f64) / f64::from(divisor))
            .collect();
        let mut values = Vec::with_capacity(count * dim);
        for position in 0..count {
            let angles = frequencies.iter().map(|frequency| position as f64 * frequency);
            values.extend(angles.clone().map(|angle| angle.cos() as f32));
            values.extend(angles.map(|angle| angle.sin() as f32));
        }
        Self { half, values }
    }
}

#[inline(always)]
fn turn_body<S: Simd>(_: S, heads: Heads, turns: &Turns, qkv: &mut [f32]) {
    let half = turns.half;
    let hidden = heads.count * heads.dim;
    let positions = turns.values.chunks_exact(2 * half);
    for (row, position) in qkv.chunks_exact_mut(3 * hidden).zip(positions) {
        let (cosines, sines) = position.split_at(half);
        for head in row[..2 * hidden].chunks_exact_mut(heads.dim) {
            let (first, second) = head.split_at_mut(half);
            for i in 0..half {
                let (a, b) = (first[i], second[i]);
                first[i] = a * cosines[i] - b * sines[i];
                second[i] = b * cosines[i] + a * sines[i];
            }
        }
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

per_level! {
    /// Turns queries and keys of one sequence by their positions; there are as many positions as tokens or more.
    pub(crate) fn turn(heads: Heads, turns: &Turns, qkv: &mut [f32]) = turn_body
}

per_level! {
    /// Each row of `wide` through the unit, to a row of `out`.
    pub(crate) fn gate(glu: Glu, wide: &[f32], out: &mut [f32]) = gate_body
}

#[cfg(test)]
mod tests {
    use super::super::level::Level;
    use super::*;

    #[test]
    fn products_of_turned_vectors_depend_on_their_distance() {
        let heads = Heads { count: 1, dim: 6 };
        let turns = Turns::new(6, 40, 100.0, 1.0);
        let row: Vec<f32> = (0..18).map(|i| (i as f32 * 0.7).sin()).collect();
        for level in Level::available() {
            let mut qkv: Vec<f32> = row.iter().copied().cycle().take(18 * 40).collect();
            turn(level, heads, &turns, &mut qkv);
            assert_eq!(qkv[..18], row, "position 0 stays");
            let score = |query: usize, key: usize| -> f32 {
                let (query, key) = (&qkv[query * 18..][..6], &qkv[key * 18 + 6..][..6]);
                query.iter().zip(key).map(|(a, b)| a * b).sum()
            };
            assert!(
                (score(3, 7) - score(30, 34)).abs() < 1e-5
                    && (score(3, 7) - score(7, 3)).abs() > 1e-3
            );
            assert_eq!(qkv[12..18], row[12..], "values stay");
        }
    }

    #[test]
    fn gates_multiply_the_second_half() {
        for level in Level::available() {
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
