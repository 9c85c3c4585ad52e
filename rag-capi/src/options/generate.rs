//! How to generate.

use std::ffi::{c_char, c_void};

use rag_core::generate::{Draft, EarlyStopping, GenerateOptions, Sampling};
use rag_core::options::Options as _;
use rag_core::{Error, Result};

use super::given::{
    Options, choice, or_default, or_default_of_any, owned_text, owned_texts, set_all,
};
use crate::boundary;
use crate::handles::rag_setting;
use crate::progress::{rag_cancel, rag_on_piece, rag_on_progress};

/// What a prompt is.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_prompt_kind {
    /// Text to continue as it is.
    RAG_PROMPT_TEXT = 0,
    /// What a person says: it goes through the model's chat template.
    RAG_PROMPT_CHAT = 1,
}

/// Whether tokens are guessed ahead, which changes the speed and no byte. Not with beams.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_draft {
    /// From what followed the last tokens earlier in prompt and answer, more or fewer as it proves
    /// right.
    RAG_DRAFT_LOOKUP = 0,
    /// One token at a time.
    RAG_DRAFT_OFF = 1,
}

/// How to generate. Begin with RAG_GENERATE_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_generate_options {
    /// sizeof(rag_generate_options); set by RAG_GENERATE_OPTIONS_INIT.
    pub struct_size: usize,
    /// What `prompt` is: a rag_prompt_kind. In a rag_ask_options it is zero.
    pub prompt_kind: i32,
    /// 1: beam search ends as soon as `beams` continuations have ended. 0: once the greedy one and
    /// `beams` others have, and none that still grows scores better.
    pub early_stopping: i32,
    /// A rag_draft.
    pub draft: i32,
    /// Record the log-probability of each token, and of so many of the likeliest in its place, to
    /// 20; -1: of the token alone. They are the model's own, before penalties and temperature: see
    /// rag_generation_logprob_at. Not with beams; answers do not hold them. 0: none.
    pub logprobs: i32,
    /// Persona and rules before a RAG_PROMPT_CHAT prompt. NULL: none. In a rag_ask_options it is
    /// NULL: those have one of their own.
    pub system: *const c_char,
    /// Most tokens to produce. 0: 256.
    pub max_new_tokens: usize,
    /// Seed of the sampler. Same seed, same bytes.
    pub seed: u64,
    /// 0: greedy; otherwise logits are divided by it, to 100.
    pub temperature: f32,
    /// Keep the likeliest tokens that sum to this, to 1. 0: all.
    pub top_p: f32,
    /// Keep tokens at least this share as likely as the likeliest, to 1. 0: all.
    pub min_p: f32,
    /// Keep the tokens whose surprise is nearest to the mean surprise, until they sum to this, to 1. 0: all.
    pub typical_p: f32,
    /// Divides the positive logits of tokens already in prompt or answer, multiplies the negative
    /// ones, to 10. 0: 1, off.
    pub repetition_penalty: f32,
    /// Subtracted from the logits of tokens already in the answer, -100 to 100.
    pub presence_penalty: f32,
    /// Subtracted from the logits of tokens already in the answer, once for each time, -100 to 100.
    pub frequency_penalty: f32,
    /// Beam search divides the log-probability of a continuation by its length to this power, -10
    /// to 10: above 1 prefers long ones, RAG_ZERO compares sums. 0: 1, the mean.
    pub length_penalty: f32,
    /// Keep this many of the likeliest tokens. 0: all.
    pub top_k: usize,
    /// Width of beam search, to 16. Wider than 1 needs temperature 0, no penalty and no logit_bias.
    /// 0: 1, off.
    pub beams: usize,
    /// Generation ends before any of these, `stop_count` of them; none may be empty.
    pub stop: *const *const c_char,
    /// How many there are.
    pub stop_count: usize,
    /// Tokens whose logits are changed, greedy or not, `logit_bias_count` of them.
    pub logit_bias_ids: *const u32,
    /// What is added to each; -INFINITY forbids a token.
    pub logit_bias_values: *const f32,
    /// How many there are of each.
    pub logit_bias_count: usize,
    /// Gets the text as it is written. NULL: none. In a rag_ask_options it is NULL: those have one
    /// of their own.
    pub on_piece: rag_on_piece,
    /// Handed to `on_piece`.
    pub user_data: *mut c_void,
    /// Stops the call, within one token. NULL: nothing does. In a rag_ask_options it is NULL: those
    /// have one of their own.
    pub cancel: *const rag_cancel,
    /// Hold the text to a JSON value that this JSON Schema describes. NULL: not. Of the three, one
    /// at most.
    pub json_schema: *const c_char,
    /// Hold the whole text to this regular expression. NULL: not.
    pub regex: *const c_char,
    /// Hold the whole text to this grammar in Lark's notation. NULL: not.
    pub grammar: *const c_char,
    /// Gets reports while the prompt is taken in; false stops the call. NULL: none. In a
    /// rag_ask_options it is NULL.
    pub on_progress: rag_on_progress,
    /// Handed to `on_progress`.
    pub progress_user_data: *mut c_void,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
}

// SAFETY: repr(C), struct_size first, then only integers, floats, pointers and nullable functions.
unsafe impl Options for rag_generate_options {
    const NAME: &'static str = "rag_generate_options";
}

impl rag_generate_options {
    /// Lays what is given over `options`.
    ///
    /// # Safety
    /// The pointers are null or valid.
    pub(crate) unsafe fn lay_over(&self, options: &mut GenerateOptions) -> Result<()> {
        // SAFETY: passed on to the caller.
        unsafe {
            options.stop = owned_texts(self.stop, self.stop_count, "stop")?;
            options.sampling.logit_bias = self.logit_bias()?;
        }
        let forms =
            [("json_schema", self.json_schema), ("regex", self.regex), ("grammar", self.grammar)];
        for (name, text) in forms {
            // SAFETY: passed on to the caller.
            if let Some(text) = unsafe { owned_text(text, name) }? {
                options.set_all([(name, text.into())])?;
            }
        }
        self.lay_over_sampling(&mut options.sampling);
        options.max_new_tokens = or_default(self.max_new_tokens, options.max_new_tokens);
        options.beams = or_default(self.beams, options.beams);
        options.length_penalty = or_default_of_any(self.length_penalty, options.length_penalty);
        let endings = [EarlyStopping::Settled, EarlyStopping::First];
        options.early_stopping = choice(self.early_stopping, &endings, "early_stopping")?;
        options.logprobs = logprobs(self.logprobs)?;
        options.draft = choice(self.draft, &[Draft::Lookup, Draft::Off], "draft")?;
        options.seed = or_default(self.seed, options.seed);
        // SAFETY: passed on to the caller.
        unsafe { set_all(options, self.settings, self.setting_count) }
    }

    fn lay_over_sampling(&self, sampling: &mut Sampling) {
        sampling.temperature = or_default(self.temperature, sampling.temperature);
        sampling.top_k = or_default(self.top_k, sampling.top_k);
        sampling.top_p = or_default(self.top_p, sampling.top_p);
        sampling.min_p = or_default(self.min_p, sampling.min_p);
        sampling.typical_p = or_default(self.typical_p, sampling.typical_p);
        sampling.repetition_penalty =
            or_default(self.repetition_penalty, sampling.repetition_penalty);
        sampling.presence_penalty = or_default(self.presence_penalty, sampling.presence_penalty);
        sampling.frequency_penalty = or_default(self.frequency_penalty, sampling.frequency_penalty);
    }

    /// # Safety
    /// As [`Self::lay_over`].
    unsafe fn logit_bias(&self) -> Result<Vec<(u32, f32)>> {
        let count = self.logit_bias_count;
        // SAFETY: passed on to the caller.
        let (ids, values) = unsafe {
            (
                boundary::array(self.logit_bias_ids, count, "logit_bias_ids")?,
                boundary::array(self.logit_bias_values, count, "logit_bias_values")?,
            )
        };
        Ok(ids.iter().copied().zip(values.iter().copied()).collect())
    }

    /// Refuses what belongs to a call of its own.
    pub(super) fn check_part(&self) -> Result<()> {
        let foreign = [
            ("prompt_kind", self.prompt_kind != 0),
            ("system", !self.system.is_null()),
            ("on_piece", self.on_piece.is_some()),
            ("cancel", !self.cancel.is_null()),
            ("on_progress", self.on_progress.is_some()),
        ];
        match foreign.iter().find(|(_, is_given)| *is_given) {
            None => Ok(()),
            Some((name, _)) => {
                let reason = format!("its {name} must be zero: it is for rag_generator_generate");
                Err(Error::invalid("generate", reason))
            }
        }
    }
}

/// How many of the likeliest tokens are recorded beside each: 0 records nothing, -1 the token
/// alone.
fn logprobs(count: i32) -> Result<Option<usize>> {
    match count {
        0 => Ok(None),
        -1 => Ok(Some(0)),
        count => usize::try_from(count)
            .map(Some)
            .map_err(|_| Error::invalid("logprobs", format!("{count} is below -1"))),
    }
}
