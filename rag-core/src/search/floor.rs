//! How close an unrelated question comes to a knowledge base: what "not found" is measured against.

use serde::{Deserialize, Serialize};

use crate::encode::Encoder;
use crate::error::Result;
use crate::progress::{Call, CancelToken};
use crate::store::{IndexMode, Store};

/// The cosine that the best passage for a question must exceed, measured on one knowledge base.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Median of the best cosines that unrelated questions reach.
    pub median: f32,
    /// Their spread: 1.4826 times the median absolute deviation.
    pub spread: f32,
}

impl Floor {
    /// How many spreads above the median of unrelated questions a related one must stand where
    /// nothing but the cosine tells.
    ///
    /// Chosen on development questions of ten collections (English and French, 12 to 524 passages
    /// each): 1 keeps 94 to 100 % of the answerable questions and turns away 55 to 77 % of those on
    /// another subject; 2 keeps 71 to 100 % and turns away 73 to 97 %. The low one is right,
    /// because an answer that no passage supports is caught later.
    pub const SPREADS: f32 = 1.0;

    /// The floor as a cosine, for questions whose words cannot be looked for: in another language
    /// than the passages.
    #[must_use]
    pub fn cosine(&self) -> f32 {
        self.median + Self::SPREADS * self.spread
    }

    /// The floor where the question must be covered too: the median of unrelated questions.
    /// [`MIN_COVERAGE`] tells better.
    #[must_use]
    pub fn covered_cosine(&self) -> f32 {
        self.median
    }
}

/// The share of a question that one of the passages shown must hold, by the idf of its words, for
/// it to be answered.
///
/// The best sign that an answer is there: of the developers' questions on XQuAD, it tells those
/// whose passage was taken out from the others with an area under the curve of 0.95, the best
/// cosine with 0.82 (minilm) to 0.88 (e5-small); docs/quality.md has the whole curve.
pub const MIN_COVERAGE: f32 = 0.4;

/// Words up to which a question must be covered in full measure; longer ones say more than any
/// passage repeats.
const FULL_MEASURE_WORDS: usize = 8;

/// What [`MIN_COVERAGE`] comes to for a question of so many different words.
#[must_use]
pub fn min_coverage(word_count: usize) -> f32 {
    MIN_COVERAGE * (FULL_MEASURE_WORDS as f32 / word_count.max(1) as f32).min(1.0)
}

/// As [`min_coverage`] where words are counted with what makes grammar among them, because no list
/// of it is complete or words have no borders: a question is then longer than it says, and less is
/// taken off for its length (chosen on XQuAD in four languages).
pub(crate) fn min_coverage_of_forms(word_count: usize) -> f32 {
    (MIN_COVERAGE * min_coverage(word_count)).sqrt()
}

/// Measures the floor with questions on everyday subjects, in English and French; `None` for an
/// empty store.
///
/// Median and median absolute deviation (Hampel 1974) keep it right when the documents happen to
/// answer some of the questions.
///
/// # Errors
/// Store; Model; Cancelled.
pub fn measure(store: &Store, encoder: &Encoder, cancel: &CancelToken) -> Result<Option<Floor>> {
    let embeddings = encoder.encode_queries_with(UNRELATED, Call::new().cancel(cancel))?;
    let mut best = Vec::with_capacity(UNRELATED.len());
    for row in embeddings.rows() {
        let Some((_, cosine)) = store.nearest(row, 1, IndexMode::Auto)?.first().copied() else {
            return Ok(None);
        };
        best.push(cosine);
    }
    let middle = median(&mut best);
    let mut deviations: Vec<f32> = best.iter().map(|cosine| (cosine - middle).abs()).collect();
    Ok(Some(Floor { median: middle, spread: 1.4826 * median(&mut deviations) }))
}

fn median(values: &mut [f32]) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Questions that a knowledge base on one subject does not answer, save by chance.
pub(crate) const UNRELATED: &[&str] = &[
    "How long should I boil an egg?",
    "What is the best way to remove a wine stain from a carpet?",
    "Who won the football match last night?",
    "Which shoes should I wear for a marathon?",
    "How do I train a puppy to sit?",
    "What is the melting point of tungsten?",
    "How far is Mars from the Sun?",
    "Which spices go into a chicken curry?",
    "How do I change a flat bicycle tyre?",
    "What time does the last ferry leave the island?",
    "Who painted the ceiling of the chapel?",
    "How many strings does a violin have?",
    "What should I plant in my garden in March?",
    "Why do cats purr?",
    "How do I renew my gym membership?",
    "Which actor played the villain in that spy film?",
    "Combien de temps faut-il pour cuire des lentilles ?",
    "Comment enlever une tache d'encre sur une chemise ?",
    "Qui a gagn\u{e9} le Tour de France cette ann\u{e9}e ?",
    "Quelle est la capitale de la Mongolie ?",
    "Comment apprendre \u{e0} nager \u{e0} un enfant ?",
    "Quel vin servir avec un plateau de fromages ?",
    "Quelle est la distance entre la Terre et la Lune ?",
    "Comment tailler un rosier au printemps ?",
    "Pourquoi les feuilles tombent-elles en automne ?",
    "Quel est le prix d'un billet de cin\u{e9}ma ?",
    "Comment soigner un coup de soleil ?",
    "Qui a compos\u{e9} cet op\u{e9}ra italien ?",
    "Quelle race de chien choisir en appartement ?",
    "Comment faire des cr\u{ea}pes sans grumeaux ?",
    "Combien de cordes a une guitare basse ?",
    "Quel temps fera-t-il demain \u{e0} la plage ?",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_does_not_follow_outliers() {
        assert_eq!(median(&mut [0.2, 0.1, 9.0]), 0.2);
        assert_eq!(median(&mut []), 0.0);
    }
}
