//! What a generator takes and gives: options with their ranges, and the text with its figures.

use std::time::Duration;

use serde::Serialize;

use super::{Constraint, Sampling};
use crate::error::{Error, Result};

const MAX_BEAMS: usize = 16;
const MAX_LOGPROBS: usize = 20;

/// How to generate.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// Most tokens to produce, at least 1. Default 256.
    pub max_new_tokens: usize,
    /// How tokens are chosen. Default greedy.
    pub sampling: Sampling,
    /// Width of beam search, up to 16; 1 samples. Wider needs temperature 0 and no repetition penalty, gives
    /// the continuation with the best mean log-probability, never below the greedy one, and hands it out in
    /// one piece. Default 1.
    pub beams: usize,
    /// Beam search divides the log-probability of a continuation by its length to this power: above 1 prefers long ones,
    /// 0 compares sums (Wu et al. 2016). Range -10 to 10. Default 1, the mean.
    pub length_penalty: f32,
    /// When beam search ends. Default [`EarlyStopping::Settled`].
    pub early_stopping: EarlyStopping,
    /// Records the log-probability of each token of the answer, and of this many of the likeliest in its place, up to 20.
    /// They are the model's own, before penalties and temperature. Not with beams. Default none.
    pub logprobs: Option<usize>,
    /// Whether to guess tokens ahead; it changes the speed and no byte. Not with beams. Default [`Draft::Lookup`].
    pub draft: Draft,
    /// Seed of the sampler. Same seed, same bytes. Default 0.
    pub seed: u64,
    /// Generation ends before any of these; none may be empty.
    pub stop: Vec<String>,
    /// The form that the text is held to, in any way of choosing tokens; needs feature `constrain`, see
    /// [`CAN_CONSTRAIN`](super::CAN_CONSTRAIN). Default none.
    pub constraint: Option<Constraint>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_new_tokens: 256,
            sampling: Sampling::default(),
            beams: 1,
            length_penalty: 1.0,
            early_stopping: EarlyStopping::default(),
            logprobs: None,
            draft: Draft::default(),
            seed: 0,
            stop: Vec::new(),
            constraint: None,
        }
    }
}

impl GenerateOptions {
    /// Fails with InvalidArgument, naming the option outside its range.
    pub(super) fn check(&self) -> Result<()> {
        self.sampling.check()?;
        if self.max_new_tokens == 0 {
            return Err(Error::invalid("max_new_tokens", "must be at least 1"));
        }
        if self.beams == 0 || self.beams > MAX_BEAMS {
            let reason = format!("{} is outside 1 to {MAX_BEAMS}", self.beams);
            return Err(Error::invalid("beams", reason));
        }
        let plain = self.sampling.temperature == 0.0 && self.sampling.leaves_logits();
        if self.beams > 1 && !plain {
            let reason = "beam search needs temperature 0, no penalty and no logit_bias";
            return Err(Error::invalid("beams", reason));
        }
        if !(-10.0..=10.0).contains(&self.length_penalty) {
            let reason = format!("{} is outside -10 to 10", self.length_penalty);
            return Err(Error::invalid("length_penalty", reason));
        }
        match self.logprobs {
            Some(count) if count > MAX_LOGPROBS => {
                return Err(Error::invalid("logprobs", format!("{count} is over {MAX_LOGPROBS}")));
            }
            Some(_) if self.beams > 1 => {
                return Err(Error::invalid("logprobs", "beam search does not record them"));
            }
            _ => {}
        }
        if self.stop.iter().any(String::is_empty) {
            return Err(Error::invalid("stop", "a stop string is empty"));
        }
        Ok(())
    }
}

/// Whether tokens are guessed ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Draft {
    /// From what followed the last tokens earlier in prompt and answer (Saxena 2023), more or fewer as it proves right.
    #[default]
    Lookup,
    /// One token at a time.
    Off,
}

/// When beam search ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyStopping {
    /// Once the greedy continuation and `beams` others have ended and none that still grows scores better.
    #[default]
    Settled,
    /// As soon as `beams` continuations have ended.
    First,
}

/// A token of the answer with the logarithms of the probabilities the model gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TokenLogprob {
    /// The token.
    pub token_id: u32,
    /// Its natural log-probability.
    pub logprob: f32,
    /// The likeliest tokens in its place, likeliest first.
    pub likeliest: Vec<(u32, f32)>,
}

/// Why generation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model ended its turn.
    EndOfTurn,
    /// A stop string came up.
    StopString,
    /// `max_new_tokens` were produced.
    MaxNewTokens,
    /// The context is full.
    ContextFull,
    /// The caller's callback asked to stop.
    Callback,
}

/// What was generated.
#[derive(Debug, Clone, PartialEq)]
pub struct Generation {
    /// The text, stop string left out.
    pub text: String,
    /// Its tokens, end token left out; with a stop string, up to the token that completed it.
    pub token_ids: Vec<u32>,
    /// Log-probabilities of `token_ids`, if they were asked for.
    pub logprobs: Vec<TokenLogprob>,
    /// Tokens of the prompt.
    pub prompt_token_count: usize,
    /// Tokens of the prompt that were still in memory from the call before.
    pub reused_token_count: usize,
    /// Tokens of the answer that were guessed from the text so far.
    pub drafted_token_count: usize,
    /// Guesses that were right: so many passes over the weights were saved.
    pub accepted_token_count: usize,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Time to take in the prompt.
    pub prefill: Duration,
    /// Time for the tokens after the first.
    pub decode: Duration,
    /// Time until the first token.
    pub time_to_first_token: Duration,
}
