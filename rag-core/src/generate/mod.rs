//! Prompt tokens to answer tokens: decoder, KV cache, sampling, stop strings.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::progress::CancelToken;

/// How the next token is chosen. Temperature 0 is greedy.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 is greedy; otherwise logits are divided by it. Default 0.
    pub temperature: f32,
    /// Keep the k likeliest tokens; 0 keeps all. Default 0.
    pub top_k: usize,
    /// Keep the likeliest tokens that sum to p (Holtzman et al. 2020). Default 1, all.
    pub top_p: f32,
    /// Keep tokens at least this share as likely as the likeliest. Default 0, all.
    pub min_p: f32,
    /// Divides the logits of tokens already seen (Keskar et al. 2019). Default 1, off.
    pub repetition_penalty: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, min_p: 0.0, repetition_penalty: 1.0 }
    }
}

/// How to generate.
#[derive(Debug, Clone)]
pub struct GenerateOptions {
    /// Most tokens to produce. Default 256.
    pub max_new_tokens: usize,
    /// How tokens are chosen. Default greedy.
    pub sampling: Sampling,
    /// Width of beam search; 1 samples. Default 1.
    pub beams: usize,
    /// Seed of the sampler. Same seed, same bytes. Default 0.
    pub seed: u64,
    /// Generation ends before any of these.
    pub stop: Vec<String>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_new_tokens: 256,
            sampling: Sampling::default(),
            beams: 1,
            seed: 0,
            stop: Vec::new(),
        }
    }
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
    /// Its tokens.
    pub token_ids: Vec<u32>,
    /// Tokens of the prompt.
    pub prompt_token_count: usize,
    /// Why it ended.
    pub stop_reason: StopReason,
    /// Time to take in the prompt.
    pub prefill: Duration,
    /// Time for the tokens after the first.
    pub decode: Duration,
    /// Time until the first token.
    pub time_to_first_token: Duration,
}

/// A loaded generator. One call runs at a time; others wait.
#[derive(Debug)]
pub struct Generator {}

impl Generator {
    /// Loads a GGUF file, or a folder that holds one.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if it is damaged or of a kind we do not run.
    pub fn load(_path: &Path) -> Result<Self> {
        todo!()
    }

    /// Tokenizer and chat template.
    #[must_use]
    pub fn chat(&self) -> &crate::model::ChatModel {
        todo!()
    }

    /// Tokens it can hold, prompt and answer together.
    #[must_use]
    pub fn context_len(&self) -> usize {
        todo!()
    }

    /// Continues `prompt_ids`. `on_piece` gets each piece of text as it is certain (never half a character,
    /// never the beginning of a stop string) and may end the generation.
    ///
    /// # Errors
    /// ContextOverflow if the prompt leaves no room; Cancelled within one token; InvalidArgument for options out of range.
    pub fn generate(
        &self,
        _prompt_ids: &[u32],
        _options: &GenerateOptions,
        _on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
        _cancel: &CancelToken,
    ) -> Result<Generation> {
        todo!()
    }
}
