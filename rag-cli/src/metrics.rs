//! Measures of a ranking against judgements, as `trec_eval` computes them.

use std::collections::HashMap;

use serde::Serialize;

/// The judged documents of one query and their grades; a grade above 0 is relevant.
pub(crate) type Judgements = HashMap<String, u32>;

/// Means over queries. `ndcg` takes the grade itself as the gain (Jarvelin and Kekalainen 2002;
/// linear gain as `trec_eval`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Metrics {
    #[serde(rename = "ndcg@10")]
    pub(crate) ndcg_at_10: f64,
    #[serde(rename = "recall@1")]
    pub(crate) recall_at_1: f64,
    #[serde(rename = "recall@10")]
    pub(crate) recall_at_10: f64,
    #[serde(rename = "recall@100")]
    pub(crate) recall_at_100: f64,
    #[serde(rename = "mrr@10")]
    pub(crate) mrr_at_10: f64,
    #[serde(rename = "map@100")]
    pub(crate) map_at_100: f64,
    /// Of the first ten, the share that nearly repeats one before it; the ranking alone does not
    /// say.
    #[serde(rename = "copies@10")]
    pub(crate) copies_at_10: f64,
}

impl Metrics {
    /// The measures of one query. `ranking` is best first, without repeats.
    pub(crate) fn of(ranking: &[&str], judgements: &Judgements) -> Self {
        let grades: Vec<u32> =
            ranking.iter().map(|id| judgements.get(*id).copied().unwrap_or(0)).collect();
        let relevant_count = judgements.values().filter(|grade| **grade > 0).count();
        Self {
            ndcg_at_10: ndcg(&grades, judgements, 10),
            recall_at_1: recall(&grades, relevant_count, 1),
            recall_at_10: recall(&grades, relevant_count, 10),
            recall_at_100: recall(&grades, relevant_count, 100),
            mrr_at_10: reciprocal_rank(&grades, 10),
            map_at_100: average_precision(&grades, relevant_count, 100),
            copies_at_10: 0.0,
        }
    }

    /// The measures in the order they are shown, with their names.
    pub(crate) fn named(&self) -> [(&'static str, f64); 7] {
        [
            ("ndcg@10", self.ndcg_at_10),
            ("recall@1", self.recall_at_1),
            ("recall@10", self.recall_at_10),
            ("recall@100", self.recall_at_100),
            ("mrr@10", self.mrr_at_10),
            ("map@100", self.map_at_100),
            ("copies@10", self.copies_at_10),
        ]
    }

    /// The mean over queries; zeros if there are none.
    pub(crate) fn mean(all: &[Metrics]) -> Self {
        let mean = |value: fn(&Metrics) -> f64| {
            all.iter().map(value).sum::<f64>() / (all.len() as f64).max(1.0)
        };
        Self {
            ndcg_at_10: mean(|m| m.ndcg_at_10),
            recall_at_1: mean(|m| m.recall_at_1),
            recall_at_10: mean(|m| m.recall_at_10),
            recall_at_100: mean(|m| m.recall_at_100),
            mrr_at_10: mean(|m| m.mrr_at_10),
            map_at_100: mean(|m| m.map_at_100),
            copies_at_10: mean(|m| m.copies_at_10),
        }
    }
}

fn ndcg(grades: &[u32], judgements: &Judgements, depth: usize) -> f64 {
    let mut ideal: Vec<u32> = judgements.values().copied().collect();
    ideal.sort_unstable_by(|a, b| b.cmp(a));
    let best = discounted_gain(&ideal, depth);
    if best > 0.0 { discounted_gain(grades, depth) / best } else { 0.0 }
}

fn discounted_gain(grades: &[u32], depth: usize) -> f64 {
    let gains = grades.iter().take(depth).enumerate();
    gains.map(|(index, grade)| f64::from(*grade) / (index as f64 + 2.0).log2()).sum()
}

fn recall(grades: &[u32], relevant_count: usize, depth: usize) -> f64 {
    let found = grades.iter().take(depth).filter(|grade| **grade > 0).count();
    found as f64 / (relevant_count as f64).max(1.0)
}

fn reciprocal_rank(grades: &[u32], depth: usize) -> f64 {
    let first = grades.iter().take(depth).position(|grade| *grade > 0);
    first.map_or(0.0, |index| 1.0 / (index as f64 + 1.0))
}

fn average_precision(grades: &[u32], relevant_count: usize, depth: usize) -> f64 {
    let mut found = 0.0;
    let mut sum = 0.0;
    for (index, grade) in grades.iter().take(depth).enumerate() {
        if *grade > 0 {
            found += 1.0;
            sum += found / (index as f64 + 1.0);
        }
    }
    sum / (relevant_count as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgements(pairs: &[(&str, u32)]) -> Judgements {
        pairs.iter().map(|(id, grade)| ((*id).to_owned(), *grade)).collect()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn values_computed_by_hand() {
        // Relevant a (2), c (1), z (1, never found); ranked b, a, d, c.
        let metrics = Metrics::of(
            &["b", "a", "d", "c"],
            &judgements(&[("a", 2), ("c", 1), ("z", 1), ("b", 0)]),
        );
        let gain = 2.0 / 3f64.log2() + 1.0 / 5f64.log2();
        let ideal = 2.0 + 1.0 / 3f64.log2() + 0.5;
        assert!(close(metrics.ndcg_at_10, gain / ideal));
        assert!(close(metrics.recall_at_1, 0.0));
        assert!(close(metrics.recall_at_10, 2.0 / 3.0));
        assert!(close(metrics.recall_at_100, 2.0 / 3.0));
        assert!(close(metrics.mrr_at_10, 0.5));
        assert!(close(metrics.map_at_100, (0.5 + 0.5) / 3.0));
    }

    #[test]
    fn a_perfect_ranking_scores_one() {
        let metrics = Metrics::of(&["a", "b", "c"], &judgements(&[("a", 3), ("b", 1)]));
        assert!(close(metrics.ndcg_at_10, 1.0));
        assert!(close(metrics.recall_at_1, 0.5));
        assert!(close(metrics.map_at_100, 1.0));
        assert!(close(metrics.mrr_at_10, 1.0));
    }

    #[test]
    fn depths_are_kept() {
        let ranking: Vec<String> = (0..200).map(|rank| rank.to_string()).collect();
        let ranking: Vec<&str> = ranking.iter().map(String::as_str).collect();
        let metrics = Metrics::of(&ranking, &judgements(&[("10", 1), ("150", 1)]));
        assert!(close(metrics.ndcg_at_10, 0.0));
        assert!(close(metrics.mrr_at_10, 0.0));
        assert!(close(metrics.recall_at_10, 0.0));
        assert!(close(metrics.recall_at_100, 0.5));
        assert!(close(metrics.map_at_100, 1.0 / 11.0 / 2.0));
    }

    #[test]
    fn the_mean_of_nothing_is_zero() {
        assert_eq!(Metrics::mean(&[]), Metrics::default());
    }
}
