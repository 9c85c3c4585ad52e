//! The two legs made one order: by scores (Bruch, Gai and Ingber 2023) or by ranks (Cormack, Clarke
//! and Buettcher 2009).

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::Ranks;
use super::leg::{Key, Leg};
use crate::error::{Error, Result};

/// How the two legs become one order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fusion {
    /// A weighted mean of cosine and BM25, each stretched over the candidates so that the best has
    /// 1 and the worst 0. Every candidate of one leg is scored by the other too. The score says how
    /// a passage stands among those of one search: the best of any question may have 1, so scores
    /// of different questions cannot be compared; cosines can.
    Convex {
        /// What the cosine counts, from 0 to 1; BM25 counts the rest.
        dense_weight: f32,
    },
    /// The sum of `1 / (k + rank)` over the legs that found the passage.
    ReciprocalRank {
        /// How little the first ranks differ. 60 in the paper.
        k: f32,
    },
}

impl Fusion {
    /// The weight of the cosine by default: one for all encoders and languages, chosen on the
    /// development questions of twelve collections (docs/quality.md).
    pub const DENSE_WEIGHT: f32 = 0.6;
    /// The constant of the paper.
    pub const K: f32 = 60.0;

    /// Reads `convex`, `convex:WEIGHT`, `rrf` or `rrf:K`.
    ///
    /// # Errors
    /// InvalidArgument for anything else, or a number out of range.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, Some(number.parse::<f32>().ok())),
            None => (text, None),
        };
        let fusion = match (name, number) {
            ("convex", None) => Self::default(),
            ("convex", Some(Some(dense_weight))) => Self::Convex { dense_weight },
            ("rrf", None) => Self::ReciprocalRank { k: Self::K },
            ("rrf", Some(Some(k))) => Self::ReciprocalRank { k },
            _ => {
                let reason = format!("{text:?} is not convex, convex:WEIGHT, rrf or rrf:K");
                return Err(Error::invalid("fusion", reason));
            }
        };
        fusion.validate().map(|()| fusion)
    }

    /// # Errors
    /// InvalidArgument for a weight that is not from 0 to 1, or a constant that is not positive.
    pub(crate) fn validate(self) -> Result<()> {
        match self {
            Self::Convex { dense_weight } if !(0.0..=1.0).contains(&dense_weight) => {
                let reason = format!("the weight {dense_weight} is not from 0 to 1");
                Err(Error::invalid("fusion", reason))
            }
            Self::ReciprocalRank { k } if !(k.is_finite() && k > 0.0) => {
                Err(Error::invalid("fusion", format!("k {k} is not a positive number")))
            }
            _ => Ok(()),
        }
    }
}

/// As [`Fusion::parse`] reads it; the default weight and constant are left out.
impl fmt::Display for Fusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convex { dense_weight } if *dense_weight == Self::DENSE_WEIGHT => {
                f.write_str("convex")
            }
            Self::Convex { dense_weight } => write!(f, "convex:{dense_weight}"),
            Self::ReciprocalRank { k } if *k == Self::K => f.write_str("rrf"),
            Self::ReciprocalRank { k } => write!(f, "rrf:{k}"),
        }
    }
}

impl Default for Fusion {
    fn default() -> Self {
        Self::Convex { dense_weight: Self::DENSE_WEIGHT }
    }
}

/// A passage with its fused score and what each leg says of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Fused {
    pub(super) key: Key,
    pub(super) score: f32,
    pub(super) cosine: Option<f32>,
    pub(super) bm25: Option<f32>,
    pub(super) ranks: Ranks,
    /// Whether it stands for a document that was named.
    pub(super) is_named: bool,
}

/// Every passage that a leg found, without a fused score, by file and id.
pub(super) fn join(dense: &Leg, lexical: &Leg) -> Vec<Fused> {
    let mut joined: BTreeMap<Key, Fused> = BTreeMap::new();
    for (rank, (key, cosine)) in (1..).zip(&dense.found) {
        let fused = joined.entry(*key).or_default();
        (fused.ranks.dense, fused.cosine) = (Some(rank), Some(*cosine));
    }
    for (rank, (key, bm25)) in (1..).zip(&lexical.found) {
        let fused = joined.entry(*key).or_default();
        (fused.ranks.lexical, fused.bm25) = (Some(rank), Some(*bm25));
    }
    for (key, cosine) in &dense.also {
        joined.entry(*key).and_modify(|fused| fused.cosine = Some(*cosine));
    }
    for (key, bm25) in &lexical.also {
        joined.entry(*key).and_modify(|fused| fused.bm25 = Some(*bm25));
    }
    joined.iter_mut().for_each(|(key, fused)| fused.key = *key);
    joined.into_values().collect()
}

/// Scores and sorts: best first, ties by id.
pub(super) fn fuse(joined: &mut [Fused], fusion: Fusion) {
    match fusion {
        Fusion::Convex { dense_weight } => {
            let cosines = Span::of(joined.iter().map(|fused| fused.cosine));
            let words = Span::of(joined.iter().map(|fused| fused.bm25));
            for fused in joined.iter_mut() {
                fused.score = dense_weight * cosines.place(fused.cosine)
                    + (1.0 - dense_weight) * words.place(fused.bm25);
            }
        }
        Fusion::ReciprocalRank { k } => {
            let share = |rank: Option<usize>| rank.map_or(0.0, |rank| 1.0 / (k + rank as f32));
            for fused in joined.iter_mut() {
                fused.score = share(fused.ranks.dense) + share(fused.ranks.lexical);
            }
        }
    }
    sort(joined);
}

/// Lifts the best passage of each document that was named: who types a title or a file name wants
/// that document first, whatever others say of the same words. The more of the name was typed, the
/// higher; all of it comes first. Each document is given by its first and last passage, and that
/// share.
pub(super) fn lift(fused: &mut [Fused], named: &[(RangeInclusive<Key>, f32)], fusion: Fusion) {
    let most = match fusion {
        Fusion::Convex { .. } => 1.0,
        Fusion::ReciprocalRank { k } => 2.0 / (k + 1.0),
    };
    for (passages, share) in named {
        let own = fused.iter_mut().filter(|fused| passages.contains(&fused.key));
        let best = own.reduce(|best, other| if other.score > best.score { other } else { best });
        if let Some(best) = best.filter(|best| best.score <= share * most) {
            (best.score, best.is_named) = (share * most, true);
        }
    }
}

/// Best first; of equal ones those that were named, then by id.
pub(super) fn sort(fused: &mut [Fused]) {
    fused.sort_by(|a, b| {
        let order = b.score.total_cmp(&a.score).then(b.is_named.cmp(&a.is_named));
        order.then(a.key.cmp(&b.key))
    });
}

/// From the least to the greatest score of a leg.
struct Span {
    least: f32,
    greatest: f32,
}

impl Span {
    /// A passage without a score has the least: it holds no word of the question, or no vector.
    fn of(scores: impl Iterator<Item = Option<f32>> + Clone) -> Self {
        let held = scores.clone().flatten();
        let least = if scores.clone().any(|score| score.is_none()) {
            0.0f32.min(held.clone().fold(f32::INFINITY, f32::min))
        } else {
            held.clone().fold(f32::INFINITY, f32::min)
        };
        Self { least, greatest: held.fold(f32::NEG_INFINITY, f32::max) }
    }

    /// From 0 to 1; 1 for all where all are equal.
    fn place(&self, score: Option<f32>) -> f32 {
        let Some(score) = score else { return 0.0 };
        let length = self.greatest - self.least;
        if length > 0.0 { (score - self.least) / length } else { 1.0 }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn keyed(scores: &[(i64, f32)]) -> Vec<(Key, f32)> {
        scores.iter().map(|(id, score)| (Key { store: 0, id: *id }, *score)).collect()
    }

    fn leg(found: &[(i64, f32)], also: &[(i64, f32)]) -> Leg {
        Leg { found: keyed(found), also: keyed(also) }
    }

    fn legs(dense: &[(i64, f32)], lexical: &[(i64, f32)]) -> Vec<Fused> {
        join(&leg(dense, &[]), &leg(lexical, &[]))
    }

    fn ids(fused: &[Fused]) -> Vec<i64> {
        fused.iter().map(|f| f.key.id).collect()
    }

    #[test]
    fn found_by_both_beats_found_by_one() {
        let mut fused = legs(&[(1, 0.9), (2, 0.8)], &[(3, 7.0), (2, 6.0)]);
        fuse(&mut fused, Fusion::ReciprocalRank { k: 60.0 });
        assert_eq!(ids(&fused), [2, 1, 3]);
        assert_eq!(fused[0].ranks, Ranks { dense: Some(2), lexical: Some(2), rerank: None });
        assert_eq!(fused[0].score, 2.0 / 62.0);
        assert_eq!(fused[1].ranks, Ranks { dense: Some(1), ..Ranks::default() });
    }

    #[test]
    fn equal_scores_go_by_id() {
        let mut fused = legs(&[(9, 0.5), (4, 0.4)], &[(4, 2.0), (9, 1.0)]);
        fuse(&mut fused, Fusion::ReciprocalRank { k: 60.0 });
        assert_eq!(fused[0].score, fused[1].score);
        assert_eq!(ids(&fused), [4, 9]);
        assert!(legs(&[], &[]).is_empty());
    }

    #[test]
    fn scores_are_stretched_and_weighed() {
        let dense = leg(&[(1, 0.9), (2, 0.5)], &[(3, 0.1)]);
        let lexical = leg(&[(3, 8.0)], &[(2, 4.0)]);
        let mut fused = join(&dense, &lexical);
        fuse(&mut fused, Fusion::Convex { dense_weight: 0.75 });
        assert_eq!(ids(&fused), [1, 2, 3]);
        let scores: Vec<f32> = fused.iter().map(|f| f.score).collect();
        assert!((scores[0] - 0.75).abs() < 1e-6 && (scores[1] - 0.5).abs() < 1e-6);
        assert!((scores[2] - 0.25).abs() < 1e-6);
        assert_eq!(fused[2].ranks, Ranks { lexical: Some(1), ..Ranks::default() });
        assert_eq!((fused[2].cosine, fused[0].bm25), (Some(0.1), None));
    }

    #[test]
    fn a_document_that_is_named_comes_first_with_its_best_passage() {
        let mut fused = legs(&[(1, 0.9), (2, 0.8), (3, 0.5)], &[(2, 7.0), (3, 6.0)]);
        let fusion = Fusion::default();
        fuse(&mut fused, fusion);
        assert_eq!(ids(&fused), [2, 1, 3]);
        let key = |id| Key { store: 0, id };
        let lifted = |first, last, share| {
            let mut fused = fused.clone();
            lift(&mut fused, &[(key(first)..=key(last), share)], fusion);
            sort(&mut fused);
            fused.iter().map(|f| f.key.id).collect::<Vec<_>>()
        };
        assert_eq!(lifted(3, 9, 1.0), [3, 2, 1]);
        assert_eq!(lifted(1, 1, 1.0), [1, 2, 3]);
        // of several passages the best
        assert_eq!(lifted(1, 3, 1.0), [2, 1, 3]);
        // too little of the name to say that it is meant
        assert_eq!(lifted(3, 9, 0.2), [2, 1, 3]);
    }

    #[test]
    fn fusions_have_names() {
        assert_eq!(Fusion::parse("convex").unwrap(), Fusion::default());
        let weighted = Fusion::Convex { dense_weight: 0.25 };
        assert_eq!(Fusion::parse("convex:0.25").unwrap(), weighted);
        assert_eq!(Fusion::parse("rrf").unwrap(), Fusion::ReciprocalRank { k: 60.0 });
        assert_eq!(Fusion::parse("rrf:10").unwrap(), Fusion::ReciprocalRank { k: 10.0 });
        for text in ["", "RRF", "convex:2", "convex:NaN", "rrf:0", "rrf:", "mean"] {
            assert!(Fusion::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_leg_alone_keeps_its_order() {
        for fusion in [Fusion::default(), Fusion::ReciprocalRank { k: 60.0 }] {
            let mut fused = legs(&[(5, 0.9), (2, 0.3), (7, -0.2)], &[]);
            fuse(&mut fused, fusion);
            assert_eq!(ids(&fused), [5, 2, 7]);
            let mut fused = legs(&[], &[(5, 0.9), (2, 0.3)]);
            fuse(&mut fused, fusion);
            assert_eq!(ids(&fused), [5, 2]);
        }
    }
}
