//! Rotary position embedding (Su et al. 2021, RoFormer): pairs of components of a head turned by
//! angles that grow with the position.

use std::ops::Range;

use crate::kernels::Heads;
use crate::kernels::isa::{Simd, Work};

/// Cosines and sines of the angles of some positions.
#[derive(Debug, Clone)]
pub(crate) struct RotaryTable {
    /// Pairs of components that turn.
    pairs: usize,
    /// For each position `pairs` cosines, then as many sines.
    values: Vec<f32>,
}

impl RotaryTable {
    /// A row for each of `positions`: the cosines and sines of `angle(position, pair)`, times
    /// `scale`.
    ///
    /// Angles are worked out in f64: in f32 those of far positions would be off by more than a
    /// degree.
    pub(crate) fn new(
        pairs: usize,
        positions: Range<usize>,
        scale: f64,
        angle: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let mut values = Vec::with_capacity(positions.len() * 2 * pairs);
        for position in positions {
            let angles = (0..pairs).map(|pair| angle(position, pair));
            values.extend(angles.clone().map(|angle| (angle.cos() * scale) as f32));
            values.extend(angles.map(|angle| (angle.sin() * scale) as f32));
        }
        Self { pairs, values }
    }

    /// Cosines and sines of a row, one of each per pair.
    #[inline]
    pub(crate) fn at(&self, row: usize) -> (&[f32], &[f32]) {
        self.values[row * 2 * self.pairs..][..2 * self.pairs].split_at(self.pairs)
    }
}

/// Radians per position of each pair of a head of `dim` components: `base^(-2 i / dim)`.
pub(crate) fn frequencies(dim: usize, base: f64) -> impl Iterator<Item = f64> {
    (0..dim / 2).map(move |pair| base.powf(-((2 * pair) as f64) / dim as f64))
}

/// Rotates queries and keys of one sequence by their positions, component `i` of a head with the
/// one half a head further; there are as many positions as tokens or more.
pub(crate) struct RotateRows<'a> {
    pub(crate) heads: Heads,
    pub(crate) table: &'a RotaryTable,
    /// Queries, keys and values, token by token.
    pub(crate) qkv: &'a mut [f32],
}

impl Work for RotateRows<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { heads, table, qkv } = self;
        let hidden = heads.hidden();
        for (row, index) in qkv.chunks_exact_mut(3 * hidden).zip(0..) {
            let (cos, sin) = table.at(index);
            for head in row[..2 * hidden].chunks_exact_mut(heads.dim) {
                rotate_halves(head, cos, sin, 1.0);
            }
        }
    }
}

/// How components of a head pair up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RotaryPairs {
    /// Neighbours; llama.cpp stores Llama weights permuted for this.
    Neighbours,
    /// Component `i` with the one half of the rotated part further.
    Halves,
}

/// Rotates the first `2 * cos.len()` components of a head and scales all of it.
pub(crate) struct RotateHead<'a> {
    /// The head.
    pub(crate) head: &'a mut [f32],
    /// Cosines, one per pair; empty for no rotation.
    pub(crate) cos: &'a [f32],
    /// Sines.
    pub(crate) sin: &'a [f32],
    /// Which components pair up.
    pub(crate) pairs: RotaryPairs,
    /// Factor of every component.
    pub(crate) scale: f32,
}

/// Rotates a pair by an angle given as its cosine and sine.
#[inline(always)]
fn rotate_pair(x: &mut f32, y: &mut f32, (cos, sin): (&f32, &f32), scale: f32) {
    (*x, *y) = ((*x * cos - *y * sin) * scale, (*x * sin + *y * cos) * scale);
}

/// Rotates component `i` of a head with the one half of it further.
#[inline(always)]
fn rotate_halves(head: &mut [f32], cos: &[f32], sin: &[f32], scale: f32) {
    let (xs, ys) = head.split_at_mut(cos.len());
    for ((x, y), angle) in xs.iter_mut().zip(ys).zip(cos.iter().zip(sin)) {
        rotate_pair(x, y, angle, scale);
    }
}

impl Work for RotateHead<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (rotated, rest) = self.head.split_at_mut(2 * self.cos.len());
        match self.pairs {
            RotaryPairs::Neighbours => {
                let turns = self.cos.iter().zip(self.sin);
                for ([x, y], angle) in rotated.as_chunks_mut::<2>().0.iter_mut().zip(turns) {
                    rotate_pair(x, y, angle, self.scale);
                }
            }
            RotaryPairs::Halves => rotate_halves(rotated, self.cos, self.sin, self.scale),
        }
        rest.iter_mut().for_each(|value| *value *= self.scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::isa::Isa;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|at| ((at * 37 + seed * 11) % 101) as f32 / 20.0 - 2.5).collect()
    }

    #[test]
    fn products_of_rotated_vectors_depend_on_their_distance() {
        let heads = Heads { count: 1, dim: 6 };
        let speeds: Vec<f64> = frequencies(6, 100.0).collect();
        let table =
            RotaryTable::new(3, 0..40, 1.0, |position, pair| position as f64 * speeds[pair]);
        let row: Vec<f32> = (0..18).map(|i| (i as f32 * 0.7).sin()).collect();
        for level in Isa::available() {
            let mut qkv: Vec<f32> = row.iter().copied().cycle().take(18 * 40).collect();
            level.run(RotateRows { heads, table: &table, qkv: &mut qkv });
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
    fn rotation_keeps_lengths_and_leaves_the_rest() {
        let (cos, sin): (Vec<f32>, Vec<f32>) =
            (0..5).map(|pair| ((pair as f32).cos(), (pair as f32).sin())).unzip();
        for isa in Isa::available() {
            for (pairs, first, second) in
                [(RotaryPairs::Neighbours, 2, 3), (RotaryPairs::Halves, 1, 6)]
            {
                let before = numbers(13, 3);
                let mut head = before.clone();
                isa.run(RotateHead { head: &mut head, cos: &cos, sin: &sin, pairs, scale: 2.0 });
                let (x, y) = (before[first], before[second]);
                let expected = 2.0 * (x * cos[1] - y * sin[1]);
                assert!((head[first] - expected).abs() < 1e-5, "{isa:?} {pairs:?}");
                let length = |row: &[f32]| row[..10].iter().map(|v| v * v).sum::<f32>().sqrt();
                assert!((length(&head) - 2.0 * length(&before)).abs() < 1e-4);
                assert_eq!(head[10..], before[10..].iter().map(|v| 2.0 * v).collect::<Vec<_>>());
            }
        }
    }
}
