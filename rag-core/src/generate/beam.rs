//! Beam search: several continuations kept side by side, the best by log-probability over length.
//!
//! The greedy continuation always keeps its place, so the answer never scores below the greedy one.

use super::EarlyStopping;
use super::constraint::ConstraintState;
use super::network::{Cache, GeneratorNetwork};
use crate::error::{Error, Result};
use crate::progress::CancelToken;

/// What a search looks for.
pub(super) struct Search<'a> {
    pub(super) width: usize,
    pub(super) max_new_tokens: usize,
    pub(super) end_ids: &'a [u32],
    /// Whether a continuation must end here because a stop string came up.
    pub(super) stops: &'a dyn Fn(&[u32]) -> bool,
    /// The power of the length that log-probabilities are divided by.
    pub(super) length_penalty: f64,
    pub(super) early_stopping: EarlyStopping,
}

/// A continuation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hypothesis {
    /// Its tokens, end token left out.
    pub(super) token_ids: Vec<u32>,
    /// Whether it ends with an end token.
    pub(super) ended: bool,
    /// Sum of the logarithms of the probabilities, end token included.
    log_probability: f64,
}

impl Hypothesis {
    /// Log-probability over a power of the length (Wu et al. 2016, simplified); power 1 is the mean
    /// per token.
    fn score(&self, length_penalty: f64) -> f64 {
        let count = self.token_ids.len() + usize::from(self.ended);
        self.log_probability / (count.max(1) as f64).powf(length_penalty)
    }
}

struct Beam {
    hypothesis: Hypothesis,
    cache: Cache,
    /// Of tokens that may come next; the others' are negative infinity.
    logits: Vec<f32>,
    held: Option<ConstraintState>,
    greedy: bool,
}

struct Child {
    parent: usize,
    id: u32,
    log_probability: f64,
    greedy: bool,
}

/// Where a search begins.
pub(super) struct Start<'a> {
    /// What was taken in.
    pub(super) cache: &'a Cache,
    /// Those of the next token, already masked by `held`.
    pub(super) logits: Vec<f32>,
    pub(super) held: Option<ConstraintState>,
}

impl Search<'_> {
    /// The best continuation.
    ///
    /// # Errors
    /// Cancelled within one token; Model if the logits are not numbers; Internal if every beam is
    /// lost.
    pub(super) fn run(
        &self,
        network: &GeneratorNetwork,
        start: Start<'_>,
        cancel: &CancelToken,
    ) -> Result<Hypothesis> {
        let hypothesis = Hypothesis { token_ids: Vec::new(), ended: false, log_probability: 0.0 };
        let Start { cache, logits, held } = start;
        let mut beams = vec![Beam { hypothesis, cache: cache.fork(), logits, held, greedy: true }];
        let mut finished: Vec<Hypothesis> = Vec::new();
        for _ in 0..self.max_new_tokens {
            cancel.check()?;
            let children = self.choose(&beams)?;
            let forward = |id: u32, cache: &mut Cache| network.forward(&[id], cache, 1, cancel);
            beams = self.grow(&beams, children, &mut finished, forward)?;
            if beams.is_empty() || self.is_settled(&beams, &finished) {
                break;
            }
        }
        finished.extend(beams.into_iter().map(|beam| beam.hypothesis));
        finished
            .into_iter()
            .max_by(|a, b| self.score(a).total_cmp(&self.score(b)))
            .ok_or_else(|| Error::internal("beam search lost every continuation"))
    }

    /// The likeliest `width` children, the greedy one among them.
    fn choose(&self, beams: &[Beam]) -> Result<Vec<Child>> {
        let mut children = Vec::new();
        for (parent, beam) in beams.iter().enumerate() {
            for (rank, (id, log_probability)) in
                likeliest(&beam.logits, self.width).into_iter().enumerate()
            {
                if log_probability == f64::NEG_INFINITY {
                    break;
                }
                let log_probability = beam.hypothesis.log_probability + log_probability;
                children.push(Child {
                    parent,
                    id,
                    log_probability,
                    greedy: beam.greedy && rank == 0,
                });
            }
        }
        if children.is_empty() {
            return Err(Error::internal("the model gave logits that are not numbers"));
        }
        children.sort_by(|a, b| {
            b.greedy.cmp(&a.greedy).then(b.log_probability.total_cmp(&a.log_probability))
        });
        children.truncate(self.width);
        Ok(children)
    }

    /// Moves to the children: ended ones to `finished`, the others become beams with their own
    /// cache. `forward` gives the logits after one more token.
    fn grow(
        &self,
        beams: &[Beam],
        children: Vec<Child>,
        finished: &mut Vec<Hypothesis>,
        forward: impl Fn(u32, &mut Cache) -> Result<Vec<f32>>,
    ) -> Result<Vec<Beam>> {
        let mut grown = Vec::new();
        for child in children {
            let parent = &beams[child.parent];
            let mut hypothesis = parent.hypothesis.clone();
            hypothesis.log_probability = child.log_probability;
            if self.end_ids.contains(&child.id) {
                hypothesis.ended = true;
                finished.push(hypothesis);
                continue;
            }
            hypothesis.token_ids.push(child.id);
            let mut held = parent.held.clone();
            if let Some(held) = &mut held {
                held.push(child.id)?;
                hypothesis.ended = held.is_complete();
            }
            if hypothesis.ended
                || (self.stops)(&hypothesis.token_ids)
                || hypothesis.token_ids.len() == self.max_new_tokens
            {
                finished.push(hypothesis);
                continue;
            }
            let mut cache = parent.cache.fork();
            let mut logits = forward(child.id, &mut cache)?;
            if let Some(held) = &mut held {
                held.mask(&mut logits)?;
            }
            grown.push(Beam { hypothesis, cache, logits, held, greedy: child.greedy });
        }
        Ok(grown)
    }

    fn score(&self, hypothesis: &Hypothesis) -> f64 {
        hypothesis.score(self.length_penalty)
    }

    /// Whether enough have finished and, unless the first ones do, the greedy one with them, and
    /// none still growing scores better now.
    fn is_settled(&self, beams: &[Beam], finished: &[Hypothesis]) -> bool {
        if finished.len() >= self.width && self.early_stopping == EarlyStopping::First {
            return true;
        }
        let best = |scores: &mut dyn Iterator<Item = f64>| scores.fold(f64::NEG_INFINITY, f64::max);
        finished.len() >= self.width
            && beams.iter().all(|beam| !beam.greedy)
            && best(&mut beams.iter().map(|beam| self.score(&beam.hypothesis)))
                <= best(&mut finished.iter().map(|hypothesis| self.score(hypothesis)))
    }
}

/// The `count` likeliest tokens with their log-probabilities, likeliest first, lower id first among
/// equals.
pub(super) fn likeliest(logits: &[f32], count: usize) -> Vec<(u32, f64)> {
    let mut order: Vec<(u32, f32)> =
        (0u32..).zip(logits.iter().copied()).filter(|(_, logit)| !logit.is_nan()).collect();
    let by_logit = |a: &(u32, f32), b: &(u32, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if count < order.len() {
        order.select_nth_unstable_by(count, by_logit);
        order.truncate(count);
    }
    order.sort_unstable_by(by_logit);
    let normaliser = log_sum_exp(logits);
    order.into_iter().map(|(id, logit)| (id, f64::from(logit) - normaliser)).collect()
}

/// Logarithm of the sum of the exponentials, leaving out what is not a number.
pub(super) fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits
        .iter()
        .filter(|logit| !logit.is_nan())
        .map(|logit| f64::from((logit - largest).exp()))
        .sum();
    f64::from(largest) + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::candle::Passes;

    #[test]
    fn a_length_penalty_above_one_prefers_the_longer_of_equal_means() {
        let made = |count: usize| Hypothesis {
            token_ids: vec![0; count],
            ended: false,
            log_probability: -(count as f64),
        };
        let (short, long) = (made(2), made(8));
        assert_eq!(short.score(1.0), long.score(1.0));
        assert!(short.score(1.5) < long.score(1.5));
        assert!(short.score(0.0) > long.score(0.0));
    }

    #[test]
    fn the_first_that_end_end_an_early_search_and_a_settled_one_waits_for_better() {
        let settled = |early_stopping, growing: f64, greedy: bool, finished: usize| {
            let search = Search {
                width: 2,
                max_new_tokens: 9,
                end_ids: &[],
                stops: &|_| false,
                length_penalty: 1.0,
                early_stopping,
            };
            let made =
                |log_probability| Hypothesis { token_ids: vec![0], ended: false, log_probability };
            let beam = Beam {
                hypothesis: made(growing),
                cache: Cache::Candle(Passes::default()),
                logits: Vec::new(),
                held: None,
                greedy,
            };
            search.is_settled(&[beam], &vec![made(-1.0); finished])
        };
        use EarlyStopping::{First, Settled};
        for greedy in [false, true] {
            assert!(settled(First, -0.5, greedy, 2), "two have ended");
            assert!(!settled(First, -0.5, greedy, 1));
            assert!(!settled(Settled, -0.5, greedy, 2), "a better one grows");
        }
        assert!(settled(Settled, -1.5, false, 2));
        assert!(!settled(Settled, -1.5, true, 2), "the greedy one grows");
    }

    #[test]
    fn likeliest_sorts_and_normalises() {
        let logits = [0.2f32.ln(), 0.5f32.ln(), f32::NAN, 0.3f32.ln()];
        let best = likeliest(&logits, 2);
        assert_eq!(best.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 3]);
        assert!((best[0].1 - 0.5f64.ln()).abs() < 1e-6);
    }
}
