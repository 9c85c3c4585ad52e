//! Options of an answer.

use std::borrow::Cow;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::generate::GenerateOptions;
use super::guards::Guards;
use super::search::SearchOptions;
use super::value::{Fault, Value};
use super::{Kind, OptionValue, form, options, switch, words};
use crate::error::{Error, Result};
use crate::model::Message;
use crate::prompt::{AnswerLength, Example, Fence, Order};

/// Whether to record how an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Explain {
    /// No.
    #[default]
    Off,
    /// Into [`Answer::trace`](crate::Answer::trace).
    Trace,
}

switch!(Explain, Off, Trace);

/// When to say "not found" instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Abstain {
    /// Below the floor measured on this knowledge base with unrelated questions, or where the passages hold less than
    /// [`crate::search::MIN_COVERAGE`] of what a question in their language says.
    #[default]
    Calibrated,
    /// Below this cosine, whatever the words.
    Below(f32),
    /// Never: answer whatever was found.
    Never,
}

impl Abstain {
    /// Reads `calibrated`, `never`, or a cosine.
    ///
    /// # Errors
    /// InvalidArgument for anything else, or a cosine that is not from -1 to 1.
    pub fn parse(text: &str) -> Result<Self> {
        match (text, text.trim().parse()) {
            ("calibrated", _) => Ok(Self::Calibrated),
            ("never", _) => Ok(Self::Never),
            (_, Ok(cosine)) if (-1.0..=1.0).contains(&cosine) => Ok(Self::Below(cosine)),
            _ => {
                let reason = format!("{text:?} is not calibrated, never, or a cosine from -1 to 1");
                Err(Error::invalid("abstain", reason))
            }
        }
    }
}

/// As [`Abstain::parse`] reads it.
impl fmt::Display for Abstain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Calibrated => f.write_str("calibrated"),
            Self::Never => f.write_str("never"),
            Self::Below(cosine) => write!(f, "{cosine}"),
        }
    }
}

form!(Abstain, "abstain", "calibrated, never, or a cosine");

words! {
    /// Whether questions that a table answers are computed from it.
    pub enum Tables("tables", Off or Compute) {
        /// No: they are answered as any other.
        Off = "off",
        /// Where all that the question says is understood.
        Compute = "compute",
    }
}

words! {
    /// When pieces of an answer are handed on to those who listen.
    pub enum Stream("stream") {
        /// Once a passage supports a sentence of it: what was handed on is not withdrawn.
        Checked = "checked",
        /// At once. Where the checks then take another text or none, those who listen are told that what they have is withdrawn. As
        /// checked where nobody listens for that ([`Call::on_retract`](crate::Call::on_retract)), and where several drafts are written.
        Raw = "raw",
    }
}

words! {
    /// What an answer may cost: how many hits a reranker sorts anew, where that is left unset.
    #[derive(Default)]
    pub enum Effort("effort") {
        /// No reranking even where there is a reranker.
        Fast = "fast",
        /// The reranker sorts its 30 if there is one.
        #[default]
        Balanced = "balanced",
        /// The reranker sorts the best 50 if there is one.
        Thorough = "thorough",
    }
}

impl Effort {
    /// How many hits are sorted anew for a thorough answer. Several drafts are no part of it: with a small generator they made
    /// answers worse (docs/asking.md).
    const THOROUGH_RERANK: usize = 50;
}

/// What the generator writes before the search, for the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rewrite {
    /// Nothing. A follow-up is searched together with the question before it.
    #[default]
    None,
    /// A follow-up as a question that stands alone (Ma et al. 2023). A first question stays as it is.
    Standalone,
    /// So many other wordings of the question, each searched too; the lists are joined by rank. At most
    /// [`Rewrite::MAX_VARIANTS`].
    Variants(usize),
    /// A passage that might answer the question: its vector is averaged with that of the question (HyDE, Gao et al. 2022).
    Hypothetical,
}

impl Rewrite {
    /// Most other wordings of a question.
    pub const MAX_VARIANTS: usize = 5;
    /// How many where no count is given.
    pub const DEFAULT_VARIANTS: usize = 3;

    /// Reads `none`, `standalone`, `variants`, `variants:COUNT` or `hypothetical`.
    ///
    /// # Errors
    /// InvalidArgument for anything else, or a count out of range.
    pub fn parse(text: &str) -> Result<Self> {
        let (name, count) = match text.split_once(':') {
            Some((name, count)) => (name, Some(count.parse::<usize>().ok())),
            None => (text, None),
        };
        match (name, count) {
            ("none", None) => Ok(Self::None),
            ("standalone", None) => Ok(Self::Standalone),
            ("hypothetical", None) => Ok(Self::Hypothetical),
            ("variants", None) => Ok(Self::Variants(Self::DEFAULT_VARIANTS)),
            ("variants", Some(Some(count))) if (1..=Self::MAX_VARIANTS).contains(&count) => {
                Ok(Self::Variants(count))
            }
            _ => {
                let most = Self::MAX_VARIANTS;
                let reason = format!(
                    "{text:?} is not none, standalone, variants, variants:1 to variants:{most}, or hypothetical"
                );
                Err(Error::invalid("rewrite", reason))
            }
        }
    }
}

/// As [`Rewrite::parse`] reads it.
impl fmt::Display for Rewrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Standalone => f.write_str("standalone"),
            Self::Hypothetical => f.write_str("hypothetical"),
            Self::Variants(count) => write!(f, "variants:{count}"),
        }
    }
}

form!(Rewrite, "rewrite", "none, standalone, variants[:COUNT] or hypothetical");

/// Who writes an answer.
#[derive(Debug, Clone, Default)]
pub enum Writer {
    /// The generator.
    #[default]
    Generator,
    /// Nobody: the answer is the sentence of the passages that answers best, or two that come close, word for word. Needs no
    /// generator.
    Passages,
    /// The caller: another model, in this process or elsewhere. What it writes is judged, cited and masked like any answer. It writes
    /// answers to questions; summaries are then the sentences nearest the middle, as without a generator.
    Own(OwnWriter),
}

/// Writes answers in the generator's place.
#[derive(Clone)]
pub struct OwnWriter(Arc<Write>);

/// A conversation to the answer that ends it, handed on piece by piece.
type Write =
    dyn Fn(&[Message], &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<()> + Send + Sync;

impl OwnWriter {
    /// `write` gets the conversation as the generator would (instructions, worked examples, history, numbered passages and the
    /// question) and gives the answer. What it fails with comes out of the call. No passage is left out for want of room: how many
    /// fit is the caller's to say with `top_k`.
    pub fn new(write: impl Fn(&[Message]) -> Result<String> + Send + Sync + 'static) -> Self {
        Self::streaming(move |messages, on_piece| {
            // there is nothing left to end
            let _ = on_piece(&write(messages)?);
            Ok(())
        })
    }

    /// As [`OwnWriter::new`] for a writer that hands its answer on as it comes. The answer is all pieces up to the one for which it
    /// gets `Break`, because the answer was ended or the call cancelled; it should then return.
    pub fn streaming(
        write: impl Fn(&[Message], &mut dyn FnMut(&str) -> ControlFlow<()>) -> Result<()>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self(Arc::new(write))
    }

    /// The answer; `on_piece` gets it as it is written, until it breaks.
    pub(crate) fn write(
        &self,
        messages: &[Message],
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<String> {
        let mut text = String::new();
        let mut flow = ControlFlow::Continue(());
        (self.0)(messages, &mut |piece| {
            if flow.is_continue() && !piece.is_empty() {
                text.push_str(piece);
                flow = on_piece(piece);
            }
            flow
        })?;
        Ok(text)
    }
}

impl fmt::Debug for OwnWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnWriter").finish_non_exhaustive()
    }
}

/// From and to JSON, for what is made of named parts.
macro_rules! object {
    ($type:ty, $name:literal, $syntax:literal) => {
        impl OptionValue for $type {
            const KIND: Kind = Kind::Form { name: $name, syntax: $syntax };

            fn read(value: Value) -> std::result::Result<Self, Fault> {
                serde_json::from_value(value.to_json())
                    .map_err(|error| Fault::Type(format!("{value} is not {}: {error}", $syntax)))
            }

            fn show(&self) -> Value {
                serde_json::to_value(self).map_or(Value::Unset, |json| Value::from_json(&json))
            }
        }
    };
}

object!(Message, "message", "{\"role\": \"system\", \"user\" or \"assistant\", \"content\": TEXT}");
object!(Example, "example", "{\"passages\": [TEXT], \"question\": TEXT, \"answer\": TEXT}");

options! {
    /// How to answer.
    #[derive(Debug, Clone)]
    pub struct AskOptions("ask") {
        /// Persona and rules, put into the system turn.
        system: Option<String> = None, unset("none");
        /// Earlier turns of the conversation.
        history: Vec<Message> = Vec::new();
        /// When to say "not found": calibrated looks at the words that the passages share with the question and at a floor measured on
        /// the knowledge base, a cosine refuses what is below it, never answers from whatever was found.
        abstain: Abstain = Abstain::Calibrated;
        /// Record how the answer came about.
        explain: Explain = Explain::Off;
        /// Show the generator only so many sentences of each passage, those around the one that answers best: small models get lost in
        /// long passages.
        sentences: Option<usize> = None, range(1.0, f64::INFINITY), unit("sentences"), unset("three where a few words are asked for, else all");
        /// How many drafts are written, each from another of the passages found; the one that the generator was surest of and a passage
        /// supports is taken. One is handed on as it is written, several at their end.
        candidates: usize = 1, range(1.0, 16.0), unit("drafts");
        /// What an answer may cost, where `rerank` is not given: fast sorts nothing anew, balanced the best 30 if there is a reranker,
        /// thorough the best 50.
        effort: Effort = Effort::Balanced;
        /// How long the answer should be: short asks for a few words, sentences for one or two sentences, auto as the question does.
        answer_length: AnswerLength = AnswerLength::Auto;
        /// Fence each passage with a word that none can know, so that what it says does not pass for an instruction.
        fence: Fence = Fence::Numbered;
        /// In what order the prompt shows passages.
        order: Order = Order::BestLast;
        /// Worked examples shown before the passages in place of ours; an empty list for none.
        examples: Option<Vec<Example>> = None, unset("two, in the language of the question");
        /// What the generator writes for the search: a follow-up that stands alone, other wordings that are searched too, or a passage
        /// that might answer.
        rewrite: Rewrite = Rewrite::None;
        /// Compute the answer from a table where one holds all that the question asks for; off leaves it to who writes.
        tables: Tables = Tables::Compute;
        /// When pieces of an answer are handed on: checked, once a passage supports a sentence of it; raw, as they are written, and what
        /// the checks then do not take is withdrawn. The answer is the same. As checked where nobody listens for what is withdrawn, and for
        /// several `candidates`.
        stream: Stream = Stream::Checked;
    }
    parts {
        /// How passages are found; `top_k` are offered to the prompt. Default 3 passages, both legs.
        search: SearchOptions = SearchOptions { top_k: 3, ..SearchOptions::default() }, renames(&[]);
        /// How the answer is generated. Default greedy, 256 tokens.
        generate: GenerateOptions = GenerateOptions::default(), renames(&[("sampling_top_k", "top_k")]);
        /// What may be asked and answered, and whether personal data is masked. Default only a limit on length.
        guards: Guards = Guards::default(), renames(&[]);
    }
    custom {
        /// Answer with the best sentence of the passages, or two that come close, word for word; needs no generator.
        extract: Kind::Flag, set(Self::set_extract),
            get(|options| Value::Flag(matches!(options.writer, Writer::Passages)));
    }
    code {
        /// Who writes the answer. Default the generator.
        writer: Writer = Writer::Generator, is("a callable");
    }
    check(|_| Ok(()))
}

impl AskOptions {
    /// These options with what [`AskOptions::effort`] sets of what was left unset; the one place that knows it.
    pub(crate) fn settled(&self, has_reranker: bool) -> Cow<'_, Self> {
        let rerank = match self.effort {
            Effort::Fast => Some(0),
            Effort::Thorough => has_reranker.then_some(Effort::THOROUGH_RERANK),
            Effort::Balanced => None,
        };
        match (self.search.rerank, rerank) {
            (None, Some(_)) => {
                let mut settled = self.clone();
                settled.search.rerank = rerank;
                Cow::Owned(settled)
            }
            _ => Cow::Borrowed(self),
        }
    }

    fn set_extract(&mut self, value: Value) -> std::result::Result<(), Fault> {
        match (bool::read(value)?, &self.writer) {
            (true, Writer::Own(_)) => return Err(Fault::Value("not together with writer".into())),
            (true, _) => self.writer = Writer::Passages,
            (false, Writer::Passages) => self.writer = Writer::Generator,
            (false, _) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_sets_only_what_was_left_unset() {
        let with = |effort| AskOptions { effort, ..AskOptions::default() };
        let costs = |options: &AskOptions, has_reranker| {
            let settled = options.settled(has_reranker);
            (settled.candidates, settled.search.rerank, settled.search.top_k)
        };
        assert_eq!(AskOptions::default().effort, Effort::Balanced);
        for has_reranker in [true, false] {
            assert_eq!(costs(&with(Effort::Fast), has_reranker), (1, Some(0), 3));
            assert_eq!(costs(&with(Effort::Balanced), has_reranker), (1, None, 3));
        }
        assert_eq!(costs(&with(Effort::Thorough), true), (1, Some(50), 3));
        // there is nothing to sort with, which is no error where it was not asked for
        assert_eq!(costs(&with(Effort::Thorough), false), (1, None, 3));
        let mut own = with(Effort::Thorough);
        (own.candidates, own.search.rerank) = (2, Some(10));
        assert_eq!(costs(&own, true), (2, Some(10), 3));
        own.effort = Effort::Fast;
        assert_eq!(costs(&own, true), (2, Some(10), 3));
    }
}
