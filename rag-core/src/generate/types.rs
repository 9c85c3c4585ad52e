//! What a generator takes and gives: options with their ranges, and the text with its figures.

use std::time::Duration;

use serde::Serialize;

pub use crate::options::generate::{Draft, EarlyStopping, GenerateOptions};

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
