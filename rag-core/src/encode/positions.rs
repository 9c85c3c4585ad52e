//! What attention is told about where tokens stand, worked out once when a model is loaded.

use crate::kernels::attention::bidirectional::Distances;
use crate::kernels::elementwise::rope::{RotaryTable, frequencies};
use crate::model::encoder::architecture::{Positions, Rotary, TransformerConfig};

/// One kind of attention layer.
#[derive(Debug, Default)]
pub(super) struct PositionScheme {
    /// Rotation of queries and keys.
    pub(super) rotary: Option<RotaryTable>,
    /// Numbers added to scores by distance.
    pub(super) distances: Option<Distances>,
}

/// The kinds of layer of a model, and which layer is of which kind.
#[derive(Debug)]
pub(super) struct LayerPositions {
    global: PositionScheme,
    local: Option<PositionScheme>,
    global_every: usize,
}

impl LayerPositions {
    /// For sequences of up to `max_tokens`; `buckets` is MPNet's table.
    pub(super) fn new(config: &TransformerConfig, max_tokens: usize, buckets: &[f32]) -> Self {
        let (mut global, mut local, mut every) = (PositionScheme::default(), None, 1);
        match config.positions {
            Positions::Table { .. } => {}
            Positions::TableAndBuckets { .. } => {
                global.distances = Some(by_bucket(max_tokens, buckets, config.head_count));
            }
            Positions::Linear => global.distances = Some(linear(max_tokens, config.head_count)),
            Positions::Rotary { global: rotary, local: near, window, global_every } => {
                let table = |rotary: Rotary| {
                    let dim = config.hidden_size / config.head_count;
                    let divisor = f64::from(rotary.divisor);
                    let speeds: Vec<f64> = frequencies(dim, f64::from(rotary.theta))
                        .map(|frequency| frequency / divisor)
                        .collect();
                    let angle = |position: usize, pair: usize| position as f64 * speeds[pair];
                    RotaryTable::new(dim / 2, 0..max_tokens, 1.0, angle)
                };
                global.rotary = Some(table(rotary));
                if global_every > 1 {
                    let distances = Some(windowed(max_tokens, window));
                    local = Some(PositionScheme { rotary: Some(table(near)), distances });
                }
                every = global_every;
            }
        }
        Self { global, local, global_every: every }
    }

    /// What layer `index` is told.
    pub(super) fn of(&self, index: usize) -> &PositionScheme {
        match &self.local {
            Some(local) if !index.is_multiple_of(self.global_every) => local,
            _ => &self.global,
        }
    }
}

/// For each head a row of numbers by the distance from query to key.
fn distances(
    max_tokens: usize,
    head_count: usize,
    value: impl Fn(usize, isize) -> f32,
) -> Distances {
    let reach = max_tokens.max(1);
    let most = reach.cast_signed();
    let row = |head| (1 - most..most).map(move |distance| (head, distance));
    let values = (0..head_count).flat_map(row).map(|(head, distance)| value(head, distance));
    Distances { reach, values: values.collect() }
}

/// 0 inside the window, minus infinity outside.
fn windowed(max_tokens: usize, window: usize) -> Distances {
    distances(max_tokens, 1, |_, distance| {
        if distance.unsigned_abs() <= window { 0.0 } else { f32::NEG_INFINITY }
    })
}

/// The slopes of Press et al. 2022; for a count that is no power of two, every other slope of twice
/// the power below follows those of the power.
fn slopes(head_count: usize) -> Vec<f32> {
    let of_power = |count: usize| {
        let start = (-8.0 / count as f64).exp2();
        (1..=count).map(move |i| start.powi(i.try_into().unwrap_or(i32::MAX)) as f32)
    };
    let power = 1 << head_count.max(1).ilog2();
    let more = of_power(2 * power).step_by(2).take(head_count - power);
    of_power(power).chain(more).collect()
}

fn linear(max_tokens: usize, head_count: usize) -> Distances {
    let slopes = slopes(head_count);
    distances(max_tokens, head_count, |head, distance| {
        -slopes[head] * distance.unsigned_abs() as f32
    })
}

/// The bucket of a distance: half for keys before the query and half after, exact up to a quarter
/// of them, then by its logarithm up to 128 (Raffel et al. 2020, as MPNet sets it).
fn bucket_of(distance: isize, bucket_count: usize) -> usize {
    const FARTHEST: f32 = 128.0;
    let half = bucket_count / 2;
    let offset = if distance > 0 { half } else { 0 };
    let far = distance.unsigned_abs();
    let exact = half / 2;
    if far < exact {
        return offset + far;
    }
    let exact_float = exact.max(1) as f32;
    let scale = (half - exact) as f32 / (FARTHEST / exact_float).ln();
    let bucket = exact + ((far as f32 / exact_float).ln() * scale) as usize;
    offset + bucket.min(half.saturating_sub(1))
}

fn by_bucket(max_tokens: usize, buckets: &[f32], head_count: usize) -> Distances {
    let bucket_count = buckets.len() / head_count;
    distances(max_tokens, head_count, |head, distance| {
        buckets[bucket_of(distance, bucket_count) * head_count + head]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_the_paper() {
        assert_eq!(slopes(8)[..3], [0.5, 0.25, 0.125]);
        let twelve = slopes(12);
        assert_eq!(twelve.len(), 12);
        assert!((twelve[8] - 0.5f32.sqrt()).abs() < 1e-6 && (twelve[9] - 0.353_553_4).abs() < 1e-6);
        assert_eq!(slopes(1).len(), 1);
    }

    #[test]
    fn buckets_are_those_of_the_reference() {
        // transformers 5.23, MPNetEncoder.relative_position_bucket, 32 buckets
        let cases =
            [(0, 0), (-7, 7), (-8, 8), (1, 17), (20, 26), (-127, 15), (-500, 15), (500, 31)];
        for (distance, bucket) in cases {
            assert_eq!(bucket_of(distance, 32), bucket, "{distance}");
        }
        for bucket_count in [1, 2, 3, 5] {
            assert!(
                (-9..9).all(|distance| bucket_of(distance, bucket_count) < bucket_count.max(2))
            );
        }
    }
}
