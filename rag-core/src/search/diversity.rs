//! Maximal marginal relevance (Carbonell and Goldstein 1998): a hit must answer the question and
//! differ from those before it.

use super::fusion::Fused;
use crate::error::Result;
use crate::kernels::dot::dot_f32;
use crate::store::Store;

/// Picks `limit` of `ranked`, best first. Each pick has the greatest of
/// `(1 - diversity) * score - diversity * cosine to the nearest pick`, scores stretched to 0 to 1;
/// ties by rank.
///
/// # Errors
/// Store if a vector is damaged.
pub(super) fn pick(
    stores: &[&Store],
    ranked: Vec<Fused>,
    limit: usize,
    diversity: f32,
) -> Result<Vec<Fused>> {
    let mut vectors = vec![None; ranked.len()];
    for (number, store) in stores.iter().enumerate() {
        let places: Vec<usize> =
            (0..ranked.len()).filter(|place| ranked[*place].key.store == number).collect();
        let ids: Vec<i64> = places.iter().map(|place| ranked[*place].key.id).collect();
        for (place, vector) in places.into_iter().zip(store.vectors_of(&ids)?) {
            vectors[place] = vector;
        }
    }
    let relevance = stretched(ranked.iter().map(|f| f.score));
    let order = order(&relevance, limit, diversity, |a, b| match (&vectors[a], &vectors[b]) {
        (Some(a), Some(b)) => dot_f32(a, b),
        _ => 0.0,
    });
    Ok(order.into_iter().map(|place| ranked[place]).collect())
}

/// The mean direction of some unit vectors; zeros if there is none.
pub(crate) fn centroid(rows: &[&[f32]]) -> Vec<f32> {
    let mut mean = vec![0.0f32; rows.first().map_or(0, |row| row.len())];
    for row in rows {
        mean.iter_mut().zip(*row).for_each(|(sum, more)| *sum += more);
    }
    let length = dot_f32(&mean, &mean).sqrt();
    if length > 0.0 {
        mean.iter_mut().for_each(|x| *x /= length);
    }
    mean
}

/// The places of `limit` of some unit vectors that are near `aim` and differ from each other, best
/// first.
pub(crate) fn spread(aim: &[f32], rows: &[&[f32]], limit: usize, diversity: f32) -> Vec<usize> {
    let scores: Vec<f32> = rows.iter().map(|row| dot_f32(aim, row)).collect();
    spread_by(&scores, rows, limit, diversity)
}

/// As [`spread`], by scores of the caller's in place of an aim.
pub(crate) fn spread_by(
    scores: &[f32],
    rows: &[&[f32]],
    limit: usize,
    diversity: f32,
) -> Vec<usize> {
    let relevance = stretched(scores.iter().copied());
    order(&relevance, limit, diversity, |a, b| dot_f32(rows[a], rows[b]))
}

/// Scores stretched so that the best has 1 and the worst 0; 1 for all if they are equal.
pub(super) fn stretched(scores: impl Iterator<Item = f32> + Clone) -> Vec<f32> {
    let least = scores.clone().fold(f32::INFINITY, f32::min);
    let length = scores.clone().fold(f32::NEG_INFINITY, f32::max) - least;
    scores.map(|score| if length > 0.0 { (score - least) / length } else { 1.0 }).collect()
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
        // kept up to date, so that a round compares with the last pick alone
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
    fn what_is_near_the_middle_and_new_is_chosen() {
        let rows: [&[f32]; 3] = [&[1.0, 0.0], &[1.0, 0.0], &[0.6, 0.8]];
        let middle = centroid(&rows);
        assert!((dot_f32(&middle, &middle) - 1.0).abs() < 1e-6 && middle[0] > 0.9);
        assert_eq!(spread(&middle, &rows, 2, 0.0), [0, 1]);
        assert_eq!(spread(&middle, &rows, 2, 0.8), [0, 2]);
        assert_eq!(spread(&centroid(&[]), &[], 2, 0.5), [0usize; 0]);
    }

    #[test]
    fn a_repetition_comes_after_what_is_new() {
        assert_eq!(order(&[1.0, 0.9, 0.5], 3, 0.0, cosine), [0, 1, 2]);
        assert_eq!(order(&[1.0, 0.9, 0.5], 3, 0.5, cosine), [0, 2, 1]);
        assert_eq!(order(&[1.0, 0.9, 0.5], 2, 1.0, cosine), [0, 2]);
        assert_eq!(order(&[], 2, 0.5, cosine), [0usize; 0]);
    }
}
