//! How far a mean may be off: percentile intervals by resampling the queries (Efron 1979).

/// Samples drawn.
const SAMPLES: usize = 2000;
/// The share of samples beyond each end of an interval.
const TAIL: f64 = 0.025;
/// Always the same, so that the same run prints the same interval.
const SEED: u64 = 0x5241_4731;

/// The interval that holds the mean of `values` in 95 % of samples, from low to high; zeros if
/// there are none.
pub(super) fn interval(values: &[f64]) -> [f64; 2] {
    if values.is_empty() {
        return [0.0; 2];
    }
    let mut state = SEED;
    let mut means: Vec<f64> = (0..SAMPLES)
        .map(|_| {
            let drawn = (0..values.len()).map(|_| {
                let place = next(&mut state) % values.len() as u64;
                values.get(place as usize).copied().unwrap_or_default()
            });
            drawn.sum::<f64>() / values.len() as f64
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (share * (SAMPLES - 1) as f64).round() as usize;
        means.get(place).copied().unwrap_or_default()
    };
    [at(TAIL), at(1.0 - TAIL)]
}

/// SplitMix64 (Steele, Lea and Flood 2014).
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_mean_and_shrinks_with_more_values() {
        let values: Vec<f64> = (0..50).map(|n| f64::from(n % 2)).collect();
        let [low, high] = interval(&values);
        // 1.96 standard errors are 0.139
        assert!(low < 0.5 && 0.5 < high && (high - low - 0.28).abs() < 0.06, "{low} {high}");
        let many: Vec<f64> = (0..5000).map(|n| f64::from(n % 2)).collect();
        let [low_many, high_many] = interval(&many);
        assert!(high_many - low_many < (high - low) / 5.0);
        assert_eq!(interval(&values), [low, high]);
        assert_eq!(interval(&[0.25]), [0.25, 0.25]);
        assert_eq!(interval(&[]), [0.0, 0.0]);
    }
}
