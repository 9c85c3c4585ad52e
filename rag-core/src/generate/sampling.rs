//! Logits to the next token: penalties, cut-offs, and a seeded draw.

use std::cmp::Ordering;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How the next token is chosen. Temperature 0 is greedy.
///
/// In this order: repetition penalty, temperature, `top_k`, `top_p`, `min_p`, draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// 0 is greedy; otherwise logits are divided by it. Range 0 to 100. Default 0.
    pub temperature: f32,
    /// Keep the k likeliest tokens; 0 keeps all. Default 0.
    pub top_k: usize,
    /// Keep the likeliest tokens that sum to p (Holtzman et al. 2020). Range above 0 to 1. Default 1, all.
    pub top_p: f32,
    /// Keep tokens at least this share as likely as the likeliest. Range 0 to 1. Default 0, all.
    pub min_p: f32,
    /// Divides the positive logits of tokens already in prompt or answer, multiplies the negative ones
    /// (Keskar et al. 2019). Range above 0 to 10. Default 1, off.
    pub repetition_penalty: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0 }
    }
}

impl Sampling {
    /// # Errors
    /// InvalidArgument, naming the value outside its range.
    pub(super) fn check(&self) -> Result<()> {
        let in_range = |argument, value: f32, least: f32, most: f32| {
            if value >= least && value <= most {
                return Ok(());
            }
            Err(Error::invalid(argument, format!("{value} is outside {least} to {most}")))
        };
        in_range("temperature", self.temperature, 0.0, 100.0)?;
        in_range("top_p", self.top_p, f32::MIN_POSITIVE, 1.0)?;
        in_range("min_p", self.min_p, 0.0, 1.0)?;
        in_range("repetition_penalty", self.repetition_penalty, f32::MIN_POSITIVE, 10.0)
    }
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    id: u32,
    /// Logit over temperature, then probability up to a common factor.
    weight: f32,
}

/// Draws tokens; the same seed and logits draw the same tokens on every platform.
pub(super) struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    seen: Vec<bool>,
}

impl Sampler {
    /// A sampler that has seen the prompt.
    pub(super) fn new(
        sampling: &Sampling,
        seed: u64,
        prompt: &[u32],
        vocabulary_len: usize,
    ) -> Self {
        let mut seen = vec![false; vocabulary_len];
        for id in prompt {
            seen[*id as usize] = true;
        }
        Self { sampling: sampling.clone(), random: ChaCha8Rng::seed_from_u64(seed), seen }
    }

    /// The next token; `None` if no logit is a number. Ties go to the lower id.
    pub(super) fn next(&mut self, logits: &mut [f32]) -> Option<u32> {
        self.penalise(logits);
        let likeliest = argmax(logits)?;
        let id = if self.sampling.temperature > 0.0 {
            self.draw(logits, logits[likeliest as usize])
        } else {
            likeliest
        };
        self.seen[id as usize] = true;
        Some(id)
    }

    fn penalise(&self, logits: &mut [f32]) {
        let penalty = self.sampling.repetition_penalty;
        if penalty == 1.0 {
            return;
        }
        for (logit, _) in logits.iter_mut().zip(&self.seen).filter(|(_, seen)| **seen) {
            *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
        }
    }

    fn draw(&mut self, logits: &[f32], largest: f32) -> u32 {
        let temperature = self.sampling.temperature;
        let mut candidates: Vec<Candidate> = (0u32..)
            .zip(logits)
            .filter(|(_, logit)| !logit.is_nan())
            .map(|(id, logit)| Candidate { id, weight: (logit - largest) / temperature })
            .collect();
        if self.sampling.top_k > 0 && self.sampling.top_k < candidates.len() {
            candidates.select_nth_unstable_by(self.sampling.top_k, likelier);
            candidates.truncate(self.sampling.top_k);
        }
        for candidate in &mut candidates {
            candidate.weight = candidate.weight.exp();
        }
        if self.sampling.top_p < 1.0 {
            keep_nucleus(&mut candidates, f64::from(self.sampling.top_p));
        }
        // The likeliest has weight 1.
        candidates.retain(|candidate| candidate.weight >= self.sampling.min_p);
        candidates.sort_unstable_by_key(|candidate| candidate.id);
        let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
        let mut left = self.unit() * total;
        for candidate in &candidates {
            left -= f64::from(candidate.weight);
            if left < 0.0 {
                return candidate.id;
            }
        }
        // Rounding may leave a crumb; the likeliest is always a candidate.
        candidates.iter().copied().min_by(likelier).map_or(0, |candidate| candidate.id)
    }

    /// Uniform in [0, 1) with 53 bits.
    fn unit(&mut self) -> f64 {
        (self.random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// The likeliest token, the lowest id among equals; `None` if no logit is a number.
pub(super) fn argmax(logits: &[f32]) -> Option<u32> {
    let mut best: Option<(u32, f32)> = None;
    for (id, logit) in (0u32..).zip(logits) {
        if *logit > best.map_or(f32::NEG_INFINITY, |(_, best)| best) {
            best = Some((id, *logit));
        }
    }
    best.map(|(id, _)| id)
}

fn likelier(a: &Candidate, b: &Candidate) -> Ordering {
    b.weight.total_cmp(&a.weight).then(a.id.cmp(&b.id))
}

/// Keeps the likeliest candidates until their share reaches `top_p`. Sorts only as many as needed.
fn keep_nucleus(candidates: &mut Vec<Candidate>, top_p: f64) {
    let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
    let mut sorted = 0;
    let mut sum = 0.0;
    while sorted < candidates.len() {
        let end = (sorted.max(128) * 4).min(candidates.len());
        if end < candidates.len() {
            candidates[sorted..].select_nth_unstable_by(end - sorted, likelier);
        }
        candidates[sorted..end].sort_unstable_by(likelier);
        for index in sorted..end {
            sum += f64::from(candidates[index].weight);
            if sum >= top_p * total {
                candidates.truncate(index + 1);
                return;
            }
        }
        sorted = end;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sampler(sampling: &Sampling, seed: u64) -> Sampler {
        Sampler::new(sampling, seed, &[], 1000)
    }

    #[test]
    fn greedy_takes_the_lowest_id_among_equals() {
        let mut logits = [0.0, 3.0, 3.0, -1.0];
        assert_eq!(sampler(&Sampling::default(), 7).next(&mut logits), Some(1));
    }

    #[test]
    fn numbers_that_are_not_are_never_chosen() {
        let warm = Sampling { temperature: 1.0, ..Sampling::default() };
        for sampling in [Sampling::default(), warm] {
            assert_eq!(sampler(&sampling, 1).next(&mut [f32::NAN, -5.0, f32::NAN]), Some(1));
            assert_eq!(sampler(&sampling, 1).next(&mut [f32::NAN; 3]), None);
        }
    }

    #[test]
    fn repetition_penalty_lowers_seen_tokens_of_either_sign() {
        let sampling = Sampling { repetition_penalty: 2.0, ..Sampling::default() };
        let mut logits = [2.0, 1.5, -1.0];
        let mut sampler = Sampler::new(&sampling, 0, &[0, 2], 3);
        assert_eq!(sampler.next(&mut logits), Some(1));
        assert_eq!(logits, [1.0, 1.5, -2.0]);
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let default = Sampling::default;
        for (sampling, name) in [
            (Sampling { temperature: -1.0, ..default() }, "temperature"),
            (Sampling { temperature: f32::NAN, ..default() }, "temperature"),
            (Sampling { top_p: 0.0, ..default() }, "top_p"),
            (Sampling { top_p: 1.5, ..default() }, "top_p"),
            (Sampling { min_p: -0.1, ..default() }, "min_p"),
            (Sampling { repetition_penalty: 0.0, ..default() }, "repetition_penalty"),
            (Sampling { repetition_penalty: f32::INFINITY, ..default() }, "repetition_penalty"),
        ] {
            let error = sampling.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("invalid {name}: ")), "{error}");
        }
        default().check().unwrap();
    }

    #[test]
    fn draws_follow_the_distribution() {
        let sampling = Sampling { temperature: 1.0, ..Sampling::default() };
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
        let mut sampler = sampler(&sampling, 42);
        let mut counts = [0; 3];
        for _ in 0..20_000 {
            counts[sampler.next(&mut logits.clone()).unwrap() as usize] += 1;
        }
        for (count, share) in counts.into_iter().zip([0.5, 0.3, 0.2]) {
            assert!((f64::from(count) / 20_000.0 - share).abs() < 0.012, "{counts:?}");
        }
    }

    /// Sorts everything and cuts, the plain way.
    fn allowed(logits: &[f32], sampling: &Sampling) -> Vec<u32> {
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
        if sampling.top_k > 0 {
            order.truncate(sampling.top_k);
        }
        let weight =
            |id: &usize| f64::from((logits[*id] - logits[order[0]]) / sampling.temperature).exp();
        let total: f64 = order.iter().map(weight).sum();
        let mut sum = 0.0;
        let mut kept = Vec::new();
        for id in &order {
            if sum >= f64::from(sampling.top_p) * total * (1.0 + 1e-4) {
                break;
            }
            sum += weight(id);
            if weight(id) >= f64::from(sampling.min_p) * (1.0 - 1e-4) {
                kept.push(*id as u32);
            }
        }
        kept
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn drawn_tokens_are_within_every_cut_off(
            logits in prop::collection::vec(-8.0f32..8.0, 1..1000),
            top_k in 0usize..50,
            top_p in 0.05f32..1.0,
            min_p in 0.0f32..0.5,
            seed: u64,
        ) {
            let sampling =
                Sampling { temperature: 0.7, top_k, top_p, min_p, repetition_penalty: 1.0 };
            let allowed = allowed(&logits, &sampling);
            let mut first = sampler(&sampling, seed);
            let mut second = sampler(&sampling, seed);
            for _ in 0..20 {
                let id = first.next(&mut logits.clone()).unwrap();
                prop_assert!(allowed.contains(&id), "{} not in {:?}", id, allowed);
                prop_assert_eq!(Some(id), second.next(&mut logits.clone()));
            }
        }
    }
}
