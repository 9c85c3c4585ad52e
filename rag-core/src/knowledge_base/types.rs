//! What the facade takes and gives: options and results, each with its defaults.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cite::{Citation, Conflict, Refuted};
use crate::document::{ReadOptions, Unread};
use crate::encode::Encoder;
use crate::error::{Error, Result, Skipped};
use crate::generate::GenerateOptions;
use crate::guard::{Guards, MaskCounts, Refusal};
use crate::index::BuildOptions;
use crate::model::{Message, ModelDirs};
use crate::prompt::{Example, Fence, Order};
use crate::search::{Hit, SearchOptions};
use crate::store::Access;
use crate::walk::WalkOptions;

/// The name of no generator.
pub const NO_LLM: &str = "none";

/// How to open a knowledge base.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Encoder by name, path or hub id. Default: the one the file was built with, else [`crate::model::DEFAULT_ENCODER`].
    pub encoder: Option<String>,
    /// An encoder that was loaded before, to be shared, or is the caller's own ([`Encoder::own`]); then [`OpenOptions::encoder`]
    /// is none.
    pub loaded_encoder: Option<Arc<Encoder>>,
    /// Generator by name, path or hub id; [`NO_LLM`] for none: answers are then the best sentences, as with
    /// [`Writer::Passages`]. Default: [`crate::model::DEFAULT_LLM`]. Loaded at the first answer.
    pub llm: Option<String>,
    /// Where names are looked up.
    pub model_dirs: ModelDirs,
    /// Whether to create, write or only read. Default create.
    pub access: Access,
    /// Reranker by name, path or hub id; loaded at the first search. Default none: see [`SearchOptions::rerank`].
    pub reranker: Option<String>,
    /// Further knowledge bases that are searched with this one as if all were one file, each by the same encoder and only read.
    /// Scores are those of the one file; [`Hit::store`] says where a passage comes from. Default none.
    pub also: Vec<PathBuf>,
    /// Write zeros over what is removed or replaced, in place of marking it as free; at the end of each call that does so its
    /// words leave the full-text index and the log is emptied. Copies that parted pages keep, and codes in the vector index,
    /// go with [`KnowledgeBase::purge`](super::KnowledgeBase::purge). Each such call then costs a rewriting of the full-text
    /// index. Default false.
    pub secure_delete: bool,
    /// Whether what the file says of places outside of it is followed. Default trusted.
    pub trust: Trust,
}

/// Whether what a file says of places outside of it is followed.
///
/// Either way only regular files are opened by the paths of documents, and an encoder that the file names by a path is opened only
/// if that path leads into the model folders or was named by somebody on this machine before
/// ([`ModelDirs::resolve_stored`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Citations are verified in the files that were indexed.
    #[default]
    Trusted,
    /// For a file of somebody else's. Nothing outside of it is touched on its word: every citation of a file is
    /// [`Unverified`](crate::cite::Status::Unverified), no other file is searched with it, and a name in the file is a name in the
    /// model folders, never a path.
    Untrusted,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            encoder: None,
            loaded_encoder: None,
            llm: None,
            model_dirs: ModelDirs::default(),
            access: Access::Create,
            reranker: None,
            also: Vec::new(),
            secure_delete: false,
            trust: Trust::default(),
        }
    }
}

/// How to bring a knowledge base in line with folders.
#[derive(Debug, Clone, Default)]
pub struct SyncOptions {
    /// Which files count.
    pub walk: WalkOptions,
    /// Only say what would be done.
    pub plan: Plan,
    /// Most tokens of a passage. Default 200, or what the encoder takes if that is less.
    pub max_tokens: Option<usize>,
    /// A section with fewer tokens shares its passages with the sections after it. Default 0: none does.
    pub min_tokens: usize,
    /// Tokens of the end of a passage that the next one of the same section repeats. Default 0.
    pub overlap_tokens: usize,
    /// How each file is read.
    pub read: ReadOptions,
    /// What becomes of documents whose file is missing.
    pub missing: Missing,
    /// How the vector index is built at the end, if it needs to be and is large enough for a graph (more than
    /// 100,000 passages). It is not kept in the file: a later sync that builds the graph anew says it again.
    pub graph: BuildOptions,
}

/// What a sync does with documents whose file is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    /// Removes them; but keeps those of a root if they are all of its documents and no other file is there, or more than half of
    /// ten or more, and those of a folder that is there and empty if they are ten or more: an unmounted share looks just so.
    #[default]
    Guard,
    /// Removes them all.
    Remove,
    /// Keeps them all.
    Keep,
}

/// Whether a sync writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Plan {
    /// Read, encode and write.
    #[default]
    Apply,
    /// Count what would be done and write nothing.
    DryRun,
}

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

/// A document that was added or updated, and what of its file is not in its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartlyRead {
    /// The file.
    pub path: PathBuf,
    /// What was not read, one entry a kind.
    pub unread: Vec<Unread>,
}

/// How to answer.
#[derive(Debug, Clone)]
pub struct AskOptions {
    /// How passages are found; `top_k` are offered to the prompt. Default 3 passages, both legs.
    pub search: SearchOptions,
    /// How the answer is generated. Default greedy, 256 tokens.
    pub generate: GenerateOptions,
    /// Persona and rules, put into the system turn. Default none.
    pub system: Option<String>,
    /// Earlier turns of the conversation.
    pub history: Vec<Message>,
    /// When to say that the documents do not know. Default [`Abstain::Calibrated`].
    pub abstain: Abstain,
    /// Whether to record how the answer came about.
    pub explain: Explain,
    /// Who writes the answer. Default the generator.
    pub writer: Writer,
    /// Of each passage, only so many sentences in a row are shown to the generator: those around the one that answers best. Small
    /// models get lost in long passages. Default all.
    pub sentences: Option<usize>,
    /// How passages are told apart from the rest of the prompt. Default by a number.
    pub fence: Fence,
    /// In what order the prompt shows passages. Default the best last.
    pub order: Order,
    /// Worked examples shown before the passages, in place of ours; an empty list for none. Default two in the language of the
    /// question.
    pub examples: Option<Vec<Example>>,
    /// What is searched beside the question, or in its place. Default the question alone.
    pub rewrite: Rewrite,
    /// What may be asked and answered, and whether personal data is masked. Default only a limit on length.
    pub guards: Guards,
}

/// Who writes an answer.
#[derive(Debug, Clone, Default)]
pub enum Writer {
    /// The generator.
    #[default]
    Generator,
    /// Nobody: the answer is the sentence of the passages that answers best, word for word. Needs no generator.
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
    pub(super) fn write(
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

impl Default for AskOptions {
    fn default() -> Self {
        Self {
            search: SearchOptions { top_k: 3, ..SearchOptions::default() },
            generate: GenerateOptions::default(),
            system: None,
            history: Vec::new(),
            abstain: Abstain::default(),
            explain: Explain::default(),
            writer: Writer::default(),
            sentences: None,
            fence: Fence::default(),
            order: Order::default(),
            examples: None,
            rewrite: Rewrite::default(),
            guards: Guards::default(),
        }
    }
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

/// Whether to record how an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Explain {
    /// No.
    #[default]
    Off,
    /// Into [`Answer::trace`].
    Trace,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotFoundReason {
    /// The knowledge base holds no passage.
    Empty,
    /// The best passage is no closer to the question than to unrelated ones.
    BelowFloor,
    /// Nothing in the passages supports what the model said.
    Unsupported,
    /// The passages found hold too few of the question's words.
    Uncovered,
}

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The documents hold an answer.
    Answered,
    /// They do not; see [`Answer::reason`].
    NotFound,
    /// It may not be asked, or not be answered so; see [`Answer::refusal`].
    Refused,
}

/// How often personal data was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Masked {
    /// In the question and the earlier turns.
    pub question: MaskCounts,
    /// In the text of the answer.
    pub answer: MaskCounts,
}

/// What `ask` returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Whether the documents hold an answer.
    pub found: bool,
    /// The answer with `[1]`-style markers placed by the engine; empty when not found.
    pub text: String,
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
    /// What of a long question was searched for: its last question. `None` if all of it was, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question_cut: Option<String>,
    /// Other documents shown that give another figure or date for what is cited; left out of JSON if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<Conflict>,
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
