//! What the facade takes and gives: options and results, each with its defaults.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::cite::{Citation, Conflict, Refuted};
use crate::document::Unread;
use crate::error::Skipped;
use crate::guard::{MaskCounts, Refusal};
use crate::options::words;
use crate::search::Hit;
use crate::table::TableAnswer;

pub use crate::options::add::AddOptions;
pub use crate::options::ask::{
    Abstain, AskOptions, Effort, Explain, OwnWriter, Rewrite, Stream, Tables, Writer,
};
pub use crate::options::compose::{ComposeOptions, DraftKind};
pub use crate::options::open::{OpenOptions, Trust};
pub use crate::options::summarize::SummarizeOptions;
pub use crate::options::sync::{Missing, Plan, SyncOptions};

/// The name of no generator.
pub const NO_LLM: &str = "none";

/// What a sync did.
#[derive(Debug, Default, Serialize)]
pub struct SyncReport {
    /// Documents that are new.
    pub added: usize,
    /// Documents whose bytes changed.
    pub updated: usize,
    /// Documents whose file is gone.
    pub removed: usize,
    /// Documents that moved, bytes unchanged; they kept their passages.
    pub renamed: usize,
    /// Documents that are as they were.
    pub unchanged: usize,
    /// Files passed over, each with its reason.
    pub skipped: Vec<Skipped>,
    /// Documents that were kept though their file is missing, by name ([`SyncOptions::missing`]).
    pub missing: Vec<PathBuf>,
    /// Documents added or updated of which something was not read, each with what.
    pub unread: Vec<PartlyRead>,
    /// Passages written.
    pub passage_count: usize,
    /// Wall time.
    pub seconds: f64,
}

/// What a reindex did.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct ReindexReport {
    /// Passages that were looked at: all that were encoded without titles.
    pub passage_count: usize,
    /// Passages that were encoded again: those to which a title gives something new.
    pub encoded: usize,
    /// Wall time; of a dry run, how long it would take, measured on some of the passages.
    pub seconds: f64,
}

/// A document that was added or updated, and what of its file is not in its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartlyRead {
    /// The file.
    pub path: PathBuf,
    /// What was not read, one entry a kind.
    pub unread: Vec<Unread>,
}

words! {
    /// Why there is no answer.
    pub enum NotFoundReason("reason") {
        /// The knowledge base holds no passage.
        Empty = "empty",
        /// The best passage is no closer to the question than to unrelated ones.
        BelowFloor = "below_floor",
        /// Nothing in the passages supports what the model said.
        Unsupported = "unsupported",
        /// The passages found hold too few of the question's words.
        Uncovered = "uncovered",
    }
}

words! {
    /// How a question ended.
    pub enum Outcome("outcome") {
        /// The documents hold an answer.
        Answered = "answered",
        /// They do not; see [`Answer::reason`].
        NotFound = "not_found",
        /// It may not be asked, or not be answered so; see [`Answer::refusal`].
        Refused = "refused",
    }
}

/// How often personal data was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Masked {
    /// In the question and the earlier turns.
    pub question: MaskCounts,
    /// In the text of the answer.
    pub answer: MaskCounts,
}

words! {
    /// Who told what an answer is supported by that no document says.
    pub enum ToldKind("kind") {
        /// The caller, in the persona: [`AskOptions::system`].
        Persona = "persona",
        /// The user, in an earlier turn: [`AskOptions::history`].
        Conversation = "conversation",
    }
}

/// What supports an answer that is of no document: words of the persona or of the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldBy {
    /// Who told it.
    pub kind: ToldKind,
    /// The words, as they were told: a sentence, or a whole turn where that was asked for.
    pub quote: String,
}

/// What `ask` returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether there is an answer: the documents hold it, or [`Answer::told_by`] does.
    pub found: bool,
    /// The answer with `[1]`-style markers placed by the engine; empty when not found.
    pub text: String,
    /// Whether it is sentences of the passages, or of what was told, word for word: without a
    /// generator, or where the generator was not sure of its words or nothing supported them.
    #[serde(default)]
    pub quoted: bool,
    /// What supports it, in order of first use.
    pub citations: Vec<Citation>,
    /// Why there is none.
    pub reason: Option<NotFoundReason>,
    /// The passages put into the prompt; when not found, the nearest ones.
    pub hits: Vec<Hit>,
    /// Passages found but left out of the prompt for want of room.
    pub left_out: Vec<i64>,
    /// Where the time went.
    pub timings: Timings,
    /// How the answer came about, if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
    /// How it ended; [`Answer::found`] is whether it was answered.
    pub outcome: Outcome,
    /// Which guard refused, and why.
    pub refusal: Option<Refusal>,
    /// What was masked, where masking was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub masked: Option<Masked>,
    /// What of a long question was searched for: its last question. `None` if all of it was, or
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question_cut: Option<String>,
    /// Other documents shown that give another figure or date for what is cited; left out of JSON
    /// if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
    /// What was computed from a table, if the answer was; left out of JSON if not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<TableAnswer>,
    /// What supports it where it was asked of the assistant or the conversation and not of the
    /// documents ("What is your name?", "What did I ask first?"); there are no citations and no
    /// markers then. Left out of JSON if there is nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub told_by: Vec<ToldBy>,
}

/// Where the time of an answer went, in milliseconds, and its token counts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Loading the generator, if this call did.
    pub load_ms: f64,
    /// Encoding the question and searching, rewriting included.
    pub search_ms: f64,
    /// Taking in the prompt.
    pub prefill_ms: f64,
    /// Tokens after the first.
    pub decode_ms: f64,
    /// From the call to the first token of the answer, loading included.
    pub first_token_ms: f64,
    /// The whole call.
    pub total_ms: f64,
    /// Tokens of the prompt.
    pub prompt_token_count: usize,
    /// Tokens of the answer.
    pub answer_token_count: usize,
}

/// How an answer came about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The prompt as text.
    pub prompt: String,
    /// What the model wrote, before citations were placed.
    pub raw_text: String,
    /// Claims that no passage supports.
    pub unsupported: Vec<String>,
    /// Those of them whose words stand in a passage that says otherwise, with the reason.
    #[serde(default)]
    pub refuted: Vec<Refuted>,
    /// The cosine a passage must reach.
    pub floor: Option<f32>,
    /// The best cosine found.
    pub best: Option<f32>,
    /// The greatest share of the question's words that a passage holds, where it was looked at.
    pub coverage: Option<f32>,
    /// The share that was needed.
    pub min_coverage: Option<f32>,
    /// The best score that the reranker gave, where it judged.
    #[serde(default)]
    pub relevance: Option<f32>,
    /// The score that was needed.
    #[serde(default)]
    pub min_relevance: Option<f32>,
    /// The seed.
    pub seed: u64,
    /// Tokens of the prompt that were still in memory from the call before.
    pub reused_token_count: usize,
    /// Tokens of the answer that were guessed from prompt and answer.
    pub drafted_token_count: usize,
    /// Guesses that were right.
    pub accepted_token_count: usize,
    /// Every hit with its ranks, kept or not.
    pub hits: Vec<Hit>,
    /// The question, as the model was told it.
    pub question: String,
    /// What the generator wrote for the search: see [`AskOptions::rewrite`].
    pub rewritten: Vec<String>,
    /// Earlier turns that the prompt had no room for.
    pub left_out_turns: usize,
    /// What the context of the generator was spent on; `None` if nothing was generated.
    pub budget: Option<Budget>,
}

/// What the context of the generator was spent on, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Budget {
    /// What the model can hold.
    pub context_len: usize,
    /// Kept free for the answer.
    pub answer_tokens: usize,
    /// The prompt as a whole.
    pub prompt_tokens: usize,
    /// Persona and rules.
    pub system_tokens: usize,
    /// Worked examples.
    pub example_tokens: usize,
    /// Earlier turns.
    pub history_tokens: usize,
    /// Passages.
    pub passage_tokens: usize,
    /// The question.
    pub question_tokens: usize,
    /// Instruction, numbers of passages and the chat template.
    pub frame_tokens: usize,
    /// Room that was left.
    pub left_tokens: usize,
}
