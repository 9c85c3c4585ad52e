//! Reciprocal rank fusion: ranks of several legs to one order (Cormack, Clarke and Buettcher 2009).

use std::collections::BTreeMap;

use super::Ranks;

/// The constant of the paper: how little the very first ranks differ.
const K: f32 = 60.0;

/// A passage with its fused score and its rank in each leg.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Fused {
    pub(super) id: i64,
    pub(super) score: f32,
    pub(super) ranks: Ranks,
}

/// Fuses two legs, each best first: the score is the sum of `1 / (60 + rank)`. Best first, ties by id.
pub(super) fn fuse(dense: &[(i64, f32)], lexical: &[(i64, f32)]) -> Vec<Fused> {
    let mut ranks: BTreeMap<i64, Ranks> = BTreeMap::new();
    for (rank, (id, _)) in (1..).zip(dense) {
        ranks.entry(*id).or_default().dense = Some(rank);
    }
    for (rank, (id, _)) in (1..).zip(lexical) {
        ranks.entry(*id).or_default().lexical = Some(rank);
    }
    let share = |rank: Option<usize>| rank.map_or(0.0, |rank| 1.0 / (K + rank as f32));
    let mut fused: Vec<Fused> = ranks
        .into_iter()
        .map(|(id, ranks)| Fused { id, score: share(ranks.dense) + share(ranks.lexical), ranks })
        .collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.id.cmp(&b.id)));
    fused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_by_both_beats_found_by_one() {
        let fused = fuse(&[(1, 0.9), (2, 0.8)], &[(3, 7.0), (2, 6.0)]);
        assert_eq!(fused.iter().map(|f| f.id).collect::<Vec<_>>(), [2, 1, 3]);
        assert_eq!(fused[0].ranks, Ranks { dense: Some(2), lexical: Some(2), rerank: None });
        assert_eq!(fused[0].score, 2.0 / 62.0);
        assert_eq!(fused[1].ranks, Ranks { dense: Some(1), ..Ranks::default() });
    }

    #[test]
    fn equal_scores_go_by_id() {
        let fused = fuse(&[(9, 0.5), (4, 0.4)], &[(4, 2.0), (9, 1.0)]);
        assert_eq!(fused[0].score, fused[1].score);
        assert_eq!(fused.iter().map(|f| f.id).collect::<Vec<_>>(), [4, 9]);
        assert!(fuse(&[], &[]).is_empty());
    }
}
