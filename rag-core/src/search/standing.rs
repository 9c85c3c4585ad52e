//! How far the nearest passage stands out from the others in meaning.
//!
//! The floor is measured with French and English questions, and a question in Thai is farther from,
//! or nearer to, every passage than those are. What does not depend on its language is how far its
//! nearest passage stands above its cosines with all passages, in standard deviations: on XQuAD 95
//! of 100 questions in each of eight languages have 3.1 to 3.5 at least.

use crate::error::Result;
use crate::store::{Filter, IndexMode, NearestOptions, Store};

use super::Floor;

/// Passages that the question is compared with, spread over all.
const MAX_SAMPLE: usize = 512;
/// Fewest passages that make a mean and a deviation.
const MIN_SAMPLE: usize = 30;
/// Deviations of a question that answers in another language than it was asked in.
const FOREIGN_DEVIATIONS: f32 = 3.0;
/// Deviations at which a question needs as many of its words as an English one.
const EVEN_DEVIATIONS: f32 = 3.5;
/// How much less is needed for each deviation more.
const EASE: f32 = 0.3;
/// The most that is needed of a question that does not stand out at all.
const MAX_EASE: f32 = 1.25;
/// Cosines of one question differ at least by so much.
const MIN_DEVIATION: f32 = 1e-3;

/// The cosines of a question with passages that do not answer it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Standing {
    mean: f32,
    deviation: f32,
}

impl Standing {
    /// The cosine that a passage in another language must reach.
    pub(crate) fn foreign_cosine(self) -> f32 {
        self.mean + FOREIGN_DEVIATIONS * self.deviation
    }

    /// What the share of the words that a passage must hold is multiplied with, if its cosine is
    /// `best`: 0 if the meaning is sure by itself.
    pub(crate) fn ease(self, best: f32) -> f32 {
        let deviations = (best - self.mean) / self.deviation.max(MIN_DEVIATION);
        (1.0 - EASE * (deviations - EVEN_DEVIATIONS)).clamp(0.0, MAX_EASE)
    }

    fn of(cosines: &[f32]) -> Option<Self> {
        if cosines.len() < MIN_SAMPLE {
            return None;
        }
        let count = cosines.len() as f32;
        let mean = cosines.iter().sum::<f32>() / count;
        let variance = cosines.iter().map(|cosine| (cosine - mean).powi(2)).sum::<f32>() / count;
        Some(Self { mean, deviation: variance.sqrt() })
    }
}

/// What few passages tell: how near unrelated questions come. In spreads of theirs related ones
/// stand as high as among many passages in deviations.
impl From<Floor> for Standing {
    fn from(floor: Floor) -> Self {
        Self { mean: floor.median, deviation: floor.spread }
    }
}

/// Compares a question with passages spread over all that may be found; `None` if there are too few
/// to tell.
///
/// # Errors
/// InvalidArgument if the vector is no unit vector of the files' length; Store.
pub(crate) fn standing(
    stores: &[&Store],
    embedding: &[f32],
    filter: Option<&Filter>,
) -> Result<Option<Standing>> {
    let all = Filter::All(Vec::new());
    let mut cosines = Vec::with_capacity(MAX_SAMPLE);
    for store in stores {
        let ids = store.passages_where(filter.unwrap_or(&all))?;
        let step = (ids.len() * stores.len()).div_ceil(MAX_SAMPLE).max(1);
        let sample: Vec<i64> = ids.iter().copied().step_by(step).collect();
        // a mean needs every passage of the sample; the graph would leave out the far ones
        let options = NearestOptions {
            mode: IndexMode::Flat,
            among: Some(&sample),
            ..NearestOptions::default()
        };
        let found = store.nearest_with(embedding, sample.len(), &options)?;
        cosines.extend(found.into_iter().map(|(_, cosine)| cosine));
    }
    Ok(Standing::of(&cosines))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_stands_out_needs_fewer_of_its_words() {
        let cosines: Vec<f32> = (0..100).map(|n| 0.7 + 0.001 * n as f32).collect();
        let standing = Standing::of(&cosines).unwrap();
        assert!(
            (standing.mean - 0.7495).abs() < 1e-4 && (standing.deviation - 0.0289).abs() < 1e-3
        );
        assert_eq!(standing.ease(0.75), MAX_EASE);
        assert_eq!(standing.ease(1.0), 0.0);
        let even = standing.mean + EVEN_DEVIATIONS * standing.deviation;
        assert!((standing.ease(even) - 1.0).abs() < 1e-4);
        assert_eq!(Standing::of(&cosines[..20]), None);
    }
}
