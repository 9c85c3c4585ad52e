//! Maximal marginal relevance (Carbonell and Goldstein 1998): a hit must answer the question and differ from those before it.

use super::fusion::Fused;
use crate::error::Result;
use crate::kernels::dot::dot_f32;
use crate::store::Store;

/// Picks `limit` of `ranked`, best first. Each pick has the greatest of
/// `(1 - diversity) * score - diversity * cosine to the nearest pick`, scores stretched to 0 to 1; ties by rank.
///
/// # Errors
/// Store if a vector is damaged.
pub(super) fn pick(
    store: &Store,
    ranked: Vec<Fused>,
    limit: usize,
    diversity: f32,
) -> Result<Vec<Fused>> {
    let ids: Vec<i64> = ranked.iter().map(|f| f.id).collect();
    let vectors = store.vectors_of(&ids)?;
    let least = ranked.iter().map(|f| f.score).fold(f32::INFINITY, f32::min);
    let length = ranked.iter().map(|f| f.score).fold(f32::NEG_INFINITY, f32::max) - least;
    let relevance: Vec<f32> = ranked
        .iter()
        .map(|f| if length > 0.0 { (f.score - least) / length } else { 1.0 })
        .collect();
    let order = order(&relevance, limit, diversity, |a, b| match (&vectors[a], &vectors[b]) {
        (Some(a), Some(b)) => dot_f32(a, b),
        _ => 0.0,
    });
    Ok(order.into_iter().map(|place| ranked[place]).collect())
}

/// The places of the picks.
fn order(
    relevance: &[f32],
    limit: usize,
    diversity: f32,
    cosine: impl Fn(usize, usize) -> f32,
) -> Vec<usize> {
    let mut nearest = vec![f32::NEG_INFINITY; relevance.len()];
    let mut waiting: Vec<usize> = (0..relevance.len()).collect();
    let mut picked = Vec::with_capacity(limit.min(relevance.len()));
    while picked.len() < limit && !waiting.is_empty() {
        let worth = |place: usize| {
            let likeness = if picked.is_empty() { 0.0 } else { nearest[place] };
            (1.0 - diversity) * relevance[place] - diversity * likeness
        };
        let mut best = 0;
        for index in 1..waiting.len() {
            if worth(waiting[index]) > worth(waiting[best]) {
                best = index;
            }
        }
        let place = waiting.remove(best);
        for other in &waiting {
            nearest[*other] = nearest[*other].max(cosine(place, *other));
        }
        picked.push(place);
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 and 1 say the same, 2 says something else.
    fn cosine(a: usize, b: usize) -> f32 {
        if a.max(b) < 2 { 1.0 } else { 0.1 }
    }

    #[test]
    fn a_repetition_comes_after_what_is_new() {
        assert_eq!(order(&[1.0, 0.9, 0.5], 3, 0.0, cosine), [0, 1, 2]);
        assert_eq!(order(&[1.0, 0.9, 0.5], 3, 0.5, cosine), [0, 2, 1]);
        assert_eq!(order(&[1.0, 0.9, 0.5], 2, 1.0, cosine), [0, 2]);
        assert_eq!(order(&[], 2, 0.5, cosine), [0usize; 0]);
    }
}
