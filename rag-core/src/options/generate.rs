//! Options of a generation.

use serde::{Deserialize, Serialize};

use super::value::{Fault, Value};
use super::{Kind, OptionValue, options, switch};
use crate::error::{Error, Result};
use crate::generate::Constraint;

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

switch!(Draft, Off, Lookup);

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

switch!(EarlyStopping, Settled, First);

options! {
    /// How the next token is chosen. Temperature 0 is greedy.
    ///
    /// In this order: `logit_bias`, penalties, temperature, `top_k`, `typical_p`, `top_p`, `min_p`, draw.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    pub struct Sampling("generate") {
        /// 0 always takes the likeliest token; otherwise logits are divided by it.
        temperature: f32 = 0.0, range(0.0, 100.0);
        /// Sample from the k likeliest tokens; 0 keeps all.
        top_k: usize = 0, unit("tokens");
        /// Sample from the likeliest tokens that sum to this probability (Holtzman et al. 2020); 1 keeps all.
        top_p: f32 = 1.0, above(0.0, 1.0);
        /// Sample from tokens at least this share as likely as the likeliest; 0 keeps all.
        min_p: f32 = 0.0, range(0.0, 1.0);
        /// Sample from the tokens about as surprising as the mean, until they sum to this probability (Meister et al. 2023); 1
        /// keeps all.
        typical_p: f32 = 1.0, above(0.0, 1.0);
        /// Divides the positive logits of tokens already seen and multiplies the negative ones (Keskar et al. 2019); 1 is off.
        repetition_penalty: f32 = 1.0, above(0.0, 10.0);
        /// Subtracted from the logits of tokens already in the answer.
        presence_penalty: f32 = 0.0, range(-100.0, 100.0);
        /// Subtracted from the logits of tokens already in the answer, once for each time.
        frequency_penalty: f32 = 0.0, range(-100.0, 100.0);
        /// Added to the logits of these tokens, greedy or not; negative infinity forbids one.
        logit_bias: LogitBias = LogitBias::new();
    }
    check(Self::check)
}

/// Tokens and what is added to their logits.
pub type LogitBias = Vec<(u32, f32)>;

impl OptionValue for (u32, f32) {
    const KIND: Kind = Kind::Form { name: "logit_bias", syntax: "TOKEN=BIAS" };

    fn read(value: Value) -> std::result::Result<Self, Fault> {
        let pair = match &value {
            Value::Map(pairs) => match pairs.as_slice() {
                [(id, bias)] => pair(id, bias),
                _ => None,
            },
            other => other
                .as_text()
                .and_then(|text| text.split_once('='))
                .and_then(|(id, bias)| Some((id.trim().parse().ok()?, bias.trim().parse().ok()?))),
        };
        pair.ok_or_else(|| Fault::of_type("a token id, = and a number, such as 11=-2.5", &value))
    }

    fn show(&self) -> Value {
        Value::Text(format!("{}={}", self.0, self.1))
    }
}

/// Files without whole numbers as keys have them as texts, and infinities as texts.
fn pair(id: &Value, bias: &Value) -> Option<(u32, f32)> {
    let id = match id {
        Value::Integer(id) => u32::try_from(*id).ok()?,
        id => id.as_text()?.trim().parse().ok()?,
    };
    let bias = match bias.as_text() {
        Some(text) => text.trim().parse().ok()?,
        None => f32::read(bias.clone()).ok()?,
    };
    Some((id, bias))
}

impl Sampling {
    fn check(&self) -> Result<()> {
        match self.logit_bias.iter().find(|(_, bias)| bias.is_nan() || *bias == f32::INFINITY) {
            None => Ok(()),
            Some((id, bias)) => Err(Error::invalid("logit_bias", format!("{bias} for token {id}"))),
        }
    }

    /// Whether logits reach the choice as the model gave them.
    pub(crate) fn leaves_logits(&self) -> bool {
        self.repetition_penalty == 1.0
            && self.presence_penalty == 0.0
            && self.frequency_penalty == 0.0
            && self.logit_bias.is_empty()
    }
}

options! {
    /// How to generate.
    #[derive(Debug, Clone)]
    pub struct GenerateOptions("generate") {
        /// Most tokens to produce.
        max_new_tokens: usize = 256, range(1.0, f64::INFINITY), unit("tokens");
        /// Width of beam search; 1 samples. Wider needs temperature 0 and no penalty, gives the continuation with the best mean
        /// log-probability, never below the greedy one, and hands it out in one piece.
        beams: usize = 1, range(1.0, 16.0), unit("continuations");
        /// Beam search divides the log-probability of a continuation by its length to this power: above 1 prefers long ones, 0
        /// compares sums (Wu et al. 2016).
        length_penalty: f32 = 1.0, range(-10.0, 10.0);
        /// Beam search ends with the first continuations that end, and not once none that grows is better.
        early_stopping: EarlyStopping = EarlyStopping::Settled;
        /// Record the log-probability of each token of the answer, and of this many of the likeliest in its place: the model's own,
        /// before penalties and temperature. Not with beams.
        logprobs: Option<usize> = None, range(0.0, 20.0), unit("tokens"), unset("none");
        /// Guess tokens ahead from the text so far; it changes the speed and no byte.
        draft: Draft = Draft::Lookup;
        /// Seed of the sampler. Same seed, same bytes.
        seed: u64 = 0;
        /// Generation ends before any of these texts; none may be empty.
        stop: Vec<String> = Vec::new();
    }
    parts {
        /// How tokens are chosen. Default greedy.
        sampling: Sampling = Sampling::default(), renames(&[]);
    }
    custom {
        /// Hold the text to a JSON Schema, in any way of choosing tokens.
        json_schema: Kind::Text, set(|options, value| options.hold(schema(value), Constraint::JsonSchema)),
            get(|options| options.held("json_schema")), unset("any text");
        /// Hold the text to a regular expression, which the whole of it matches.
        regex: Kind::Text, set(|options, value| options.hold(value, Constraint::Regex)),
            get(|options| options.held("regex")), unset("any text");
        /// Hold the text to a context-free grammar in Lark's notation.
        grammar: Kind::Text, set(|options, value| options.hold(value, Constraint::Grammar)),
            get(|options| options.held("grammar")), unset("any text");
    }
    code {
        /// The form that the text is held to: what the options `json_schema`, `regex` and `grammar` set. Needs feature `constrain`, see
        /// [`CAN_CONSTRAIN`](crate::generate::CAN_CONSTRAIN). Default none.
        constraint: Option<Constraint> = None, is("");
    }
    check(Self::check)
}

impl GenerateOptions {
    fn check(&self) -> Result<()> {
        let plain = self.sampling.temperature == 0.0 && self.sampling.leaves_logits();
        if self.beams > 1 && !plain {
            let reason = "beam search needs temperature 0, no penalty and no logit_bias";
            return Err(Error::invalid("beams", reason));
        }
        if self.beams > 1 && self.logprobs.is_some() {
            return Err(Error::invalid("logprobs", "beam search does not record them"));
        }
        if self.stop.iter().any(String::is_empty) {
            return Err(Error::invalid("stop", "a stop string is empty"));
        }
        Ok(())
    }

    /// Holds the text to one form; a second one is refused.
    fn hold(
        &mut self,
        value: Value,
        constraint: impl FnOnce(String) -> Constraint,
    ) -> std::result::Result<(), Fault> {
        let text = match value {
            Value::Unset => return Ok(()),
            Value::Text(text) | Value::Written(text) => text,
            other => return Err(Fault::of_type("a text", &other)),
        };
        let constraint = constraint(text);
        match &self.constraint {
            Some(first) if first.name() != constraint.name() => {
                Err(Fault::Value(format!("give it or {}, not both", first.name())))
            }
            _ => {
                self.constraint = Some(constraint);
                Ok(())
            }
        }
    }

    fn held(&self, name: &str) -> Value {
        match &self.constraint {
            Some(constraint) if constraint.name() == name => constraint.source().into(),
            _ => Value::Unset,
        }
    }
}

/// A schema that is not written down yet, or `true` for any value, as JSON.
fn schema(value: Value) -> Value {
    match value {
        Value::Map(_) | Value::Flag(_) => Value::Text(value.to_json().to_string()),
        written => written,
    }
}
