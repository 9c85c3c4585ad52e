//! Logits to the next token: penalties, cut-offs, and a seeded draw.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

pub use crate::options::generate::Sampling;

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
    /// Tokens of prompt and answer.
    seen: Vec<bool>,
    /// How often each token stands in the answer.
    counts: BTreeMap<u32, u32>,
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
        Self {
            sampling: sampling.clone(),
            random: ChaCha8Rng::seed_from_u64(seed),
            seen,
            counts: BTreeMap::new(),
        }
    }

    /// The next token; `None` if no logit is a number. Ties go to the lower id.
    pub(super) fn next(&mut self, logits: &mut [f32]) -> Option<u32> {
        self.adjust(logits);
        let likeliest = argmax(logits)?;
        let id = if self.sampling.temperature > 0.0 {
            self.draw(logits, logits[likeliest as usize])
        } else {
            likeliest
        };
        self.seen[id as usize] = true;
        *self.counts.entry(id).or_default() += 1;
        Some(id)
    }

    /// Biases and penalties.
    fn adjust(&self, logits: &mut [f32]) {
        for (id, bias) in &self.sampling.logit_bias {
            if let Some(logit) = logits.get_mut(*id as usize) {
                *logit += bias;
            }
        }
        let penalty = self.sampling.repetition_penalty;
        if penalty != 1.0 {
            for (logit, _) in logits.iter_mut().zip(&self.seen).filter(|(_, seen)| **seen) {
                *logit = if *logit > 0.0 { *logit / penalty } else { *logit * penalty };
            }
        }
        let (presence, frequency) =
            (self.sampling.presence_penalty, self.sampling.frequency_penalty);
        if presence != 0.0 || frequency != 0.0 {
            for (id, count) in &self.counts {
                logits[*id as usize] -= presence + frequency * *count as f32;
            }
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
        if self.sampling.typical_p < 1.0 {
            keep_typical(&mut candidates, f64::from(self.sampling.typical_p));
        }
        if self.sampling.top_p < 1.0 {
            keep_nucleus(&mut candidates, f64::from(self.sampling.top_p));
        }
        let largest = candidates.iter().fold(0f32, |largest, one| largest.max(one.weight));
        candidates.retain(|candidate| candidate.weight >= self.sampling.min_p * largest);
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

/// Keeps the candidates whose surprise is nearest to the entropy until their share reaches
/// `typical_p`.
fn keep_typical(candidates: &mut Vec<Candidate>, typical_p: f64) {
    let total: f64 = candidates.iter().map(|candidate| f64::from(candidate.weight)).sum();
    let surprise = |candidate: &Candidate| total.ln() - f64::from(candidate.weight).ln();
    let share = |candidate: &Candidate| f64::from(candidate.weight) / total;
    let entropy: f64 = candidates
        .iter()
        .filter(|candidate| candidate.weight > 0.0)
        .map(|candidate| share(candidate) * surprise(candidate))
        .sum();
    let distance = |candidate: &Candidate| (surprise(candidate) - entropy).abs();
    candidates.sort_unstable_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.id.cmp(&b.id)));
    let mut sum = 0.0;
    let kept = candidates.iter().position(|candidate| {
        sum += share(candidate);
        sum >= typical_p
    });
    candidates.truncate(kept.map_or(candidates.len(), |last| last + 1));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::options::Options;
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
    fn presence_and_frequency_penalties_count_the_answer_and_not_the_prompt() {
        let presence = Sampling { presence_penalty: 0.6, ..Sampling::default() };
        let mut first = Sampler::new(&presence, 0, &[0], 3);
        let choices: Vec<_> = (0..4).map(|_| first.next(&mut [3.0, 2.5, 1.0]).unwrap()).collect();
        assert_eq!(choices, [0, 1, 0, 0], "0.6 once for each");
        let frequency = Sampling { frequency_penalty: 0.6, ..Sampling::default() };
        let mut second = Sampler::new(&frequency, 0, &[0], 3);
        let choices: Vec<_> = (0..5).map(|_| second.next(&mut [3.0, 2.5, 1.0]).unwrap()).collect();
        assert_eq!(choices, [0, 1, 0, 1, 0], "0.6 more each time");
    }

    #[test]
    fn a_bias_raises_lowers_and_forbids() {
        let bias = |logit_bias| Sampling { logit_bias, ..Sampling::default() };
        let choose = |sampling: &Sampling| sampler(sampling, 0).next(&mut [3.0, 2.0, 1.0]);
        assert_eq!(choose(&bias(vec![(2, 2.5)])), Some(2));
        assert_eq!(choose(&bias(vec![(0, f32::NEG_INFINITY)])), Some(1));
        let forbid = (0..3).map(|id| (id, f32::NEG_INFINITY)).collect();
        assert_eq!(choose(&bias(forbid)), None);
        let warm = Sampling { temperature: 2.0, ..bias(vec![(0, f32::NEG_INFINITY)]) };
        let mut sampler = sampler(&warm, 3);
        assert!((0..200).all(|_| sampler.next(&mut [3.0, 2.0, 1.0]) != Some(0)));
    }

    /// Entropy of 0.5, 0.25, 0.125, 0.125 is 1.75 bits: surprises 1, 2, 3, 3 lie 0.75, 0.25, 1.25,
    /// 1.25 away.
    #[test]
    fn typical_sampling_keeps_what_is_about_as_surprising_as_the_mean() {
        let logits = [0.5f32.ln(), 0.25f32.ln(), 0.125f32.ln(), 0.125f32.ln()];
        let drawn = |typical_p| {
            let sampling = Sampling { temperature: 1.0, typical_p, ..Sampling::default() };
            let mut sampler = sampler(&sampling, 5);
            let ids = (0..300).map(|_| sampler.next(&mut logits.clone()).unwrap());
            ids.collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        assert_eq!(drawn(0.2), [1]);
        assert_eq!(drawn(0.6), [0, 1]);
        assert_eq!(drawn(0.8), [0, 1, 2]);
        assert_eq!(drawn(1.0), [0, 1, 2, 3]);
    }

    #[test]
    fn values_out_of_range_are_refused_by_name() {
        let default = Sampling::default;
        for (sampling, name) in [
            (Sampling { temperature: -1.0, ..default() }, "temperature"),
            (Sampling { temperature: f32::NAN, ..default() }, "temperature"),
            (Sampling { top_p: 0.0, ..default() }, "top_p"),
            (Sampling { top_p: 1.5, ..default() }, "top_p"),
            (Sampling { top_p: f32::NAN, ..default() }, "top_p"),
            (Sampling { min_p: -0.1, ..default() }, "min_p"),
            (Sampling { min_p: f32::NAN, ..default() }, "min_p"),
            (Sampling { typical_p: f32::NAN, ..default() }, "typical_p"),
            (Sampling { repetition_penalty: f32::NAN, ..default() }, "repetition_penalty"),
            (Sampling { presence_penalty: -101.0, ..default() }, "presence_penalty"),
            (Sampling { frequency_penalty: f32::NAN, ..default() }, "frequency_penalty"),
            (Sampling { logit_bias: vec![(1, f32::INFINITY)], ..default() }, "logit_bias"),
            (Sampling { repetition_penalty: 0.0, ..default() }, "repetition_penalty"),
            (Sampling { repetition_penalty: f32::INFINITY, ..default() }, "repetition_penalty"),
            (Sampling { typical_p: 0.0, ..default() }, "typical_p"),
            (Sampling { presence_penalty: f32::NAN, ..default() }, "presence_penalty"),
            (Sampling { frequency_penalty: 101.0, ..default() }, "frequency_penalty"),
            (Sampling { logit_bias: vec![(1, f32::NAN)], ..default() }, "logit_bias"),
        ] {
            let error = sampling.validate().unwrap_err().to_string();
            assert!(error.starts_with(&format!("invalid {name}: ")), "{error}");
        }
        default().validate().unwrap();
    }

    /// What 400 draws from 0.5, 0.25, 0.15, 0.1 give, and how often the first.
    fn drawn(sampling: &Sampling) -> (Vec<u32>, f64) {
        let logits = [0.5f32.ln(), 0.25f32.ln(), 0.15f32.ln(), 0.1f32.ln()];
        let mut sampler = sampler(sampling, 11);
        let ids: Vec<u32> = (0..400).map(|_| sampler.next(&mut logits.clone()).unwrap()).collect();
        let first = ids.iter().filter(|id| **id == 0).count() as f64 / 400.0;
        let mut kinds = ids;
        kinds.sort_unstable();
        kinds.dedup();
        (kinds, first)
    }

    #[test]
    fn every_cut_off_keeps_what_it_says_and_no_less() {
        let warm = || Sampling { temperature: 1.0, ..Sampling::default() };
        assert_eq!(drawn(&warm()).0, [0, 1, 2, 3]);
        for (k, kept) in [(1, &[0][..]), (2, &[0, 1]), (3, &[0, 1, 2]), (9, &[0, 1, 2, 3])] {
            assert_eq!(drawn(&Sampling { top_k: k, ..warm() }).0, kept, "top_k {k}");
        }
        for (p, kept) in [(0.4, &[0][..]), (0.6, &[0, 1]), (0.8, &[0, 1, 2]), (0.95, &[0, 1, 2, 3])]
        {
            assert_eq!(drawn(&Sampling { top_p: p, ..warm() }).0, kept, "top_p {p}");
        }
        for (p, kept) in [(0.9, &[0][..]), (0.4, &[0, 1]), (0.25, &[0, 1, 2]), (0.1, &[0, 1, 2, 3])]
        {
            assert_eq!(drawn(&Sampling { min_p: p, ..warm() }).0, kept, "min_p {p}");
        }
    }

    /// At half the temperature probabilities are squared: 0.25 of 0.345; at twice it, their roots:
    /// 0.707 of 1.911.
    #[test]
    fn temperature_sharpens_and_flattens() {
        for (temperature, share) in [(0.5, 0.725), (1.0, 0.5), (2.0, 0.37)] {
            let (_, first) = drawn(&Sampling { temperature, ..Sampling::default() });
            assert!((first - share).abs() < 0.07, "{temperature}: {first}");
        }
        assert_eq!(drawn(&Sampling::default()), (vec![0], 1.0));
    }

    #[test]
    fn seeds_draw_their_own_tokens() {
        let warm = Sampling { temperature: 1.0, ..Sampling::default() };
        let draw = |seed| {
            let mut sampler = sampler(&warm, seed);
            (0..40).map(|_| sampler.next(&mut [0.0; 4]).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
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
                Sampling { temperature: 0.7, top_k, top_p, min_p, ..Sampling::default() };
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
