//! How to answer.

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use rag_core::model::{Message, Role};
use rag_core::prompt::{Example, Fence, Order};
use rag_core::{Abstain, AskOptions, Error, Explain, Result, Rewrite, Writer};

use super::given::{self, Options, choice, or_default, owned_text, owned_texts, set_all, some};
use super::{rag_generate_options, rag_guards, rag_search_options};
use crate::boundary;
use crate::handles::{Shared, rag_setting};
use crate::own::{self, rag_on_write, rag_turn};
use crate::progress::{Pieces, rag_cancel, rag_on_piece, rag_on_retract};

/// When to say "not found" instead of answering.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_abstain {
    /// Below the floor measured on this knowledge base with unrelated questions, or where the
    /// passages hold less than 0.4 of what a question in their language says.
    RAG_ABSTAIN_CALIBRATED = 0,
    /// Below the cosine in `abstain_below`, whatever the words.
    RAG_ABSTAIN_BELOW = 1,
    /// Never: answer whatever was found.
    RAG_ABSTAIN_NEVER = 2,
}

/// Whether to record how an answer came about.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_explain {
    /// No.
    RAG_EXPLAIN_OFF = 0,
    /// Into the "trace" of the answer's JSON.
    RAG_EXPLAIN_TRACE = 1,
}

/// Who writes an answer.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_writer {
    /// The generator; nobody if the knowledge base was opened with the generator "none".
    RAG_WRITER_GENERATOR = 0,
    /// Nobody: the answer is the sentence of the passages that answers best, word for word. Needs
    /// no generator.
    RAG_WRITER_PASSAGES = 1,
}

/// How passages are told apart from the rest of a prompt.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_fence {
    /// A number before each passage.
    RAG_FENCE_NUMBERED = 0,
    /// A number and a word before and after each passage, so that none can close its own fence.
    RAG_FENCE_MARKED = 1,
}

/// In what order a prompt shows passages. Which of them are shown does not depend on it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_order {
    /// The best last, next to the question: small models read that best.
    RAG_ORDER_BEST_LAST = 0,
    /// The best first.
    RAG_ORDER_BEST_FIRST = 1,
    /// As they stand in their documents, these in the order of their best passage.
    RAG_ORDER_DOCUMENT = 2,
}

/// What the generator writes before a search, for it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_rewrite {
    /// Nothing. A follow-up is searched together with the question before it.
    RAG_REWRITE_NONE = 0,
    /// A follow-up as a question that stands alone. A first question stays as it is.
    RAG_REWRITE_STANDALONE = 1,
    /// Other wordings of the question, each searched too; the lists are joined by rank.
    RAG_REWRITE_VARIANTS = 2,
    /// A passage that might answer the question: its vector is averaged with that of the question.
    RAG_REWRITE_HYPOTHETICAL = 3,
}

/// A question answered the way answers should be.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_example {
    /// What the answer is taken from.
    pub passages: *const *const c_char,
    /// How many passages.
    pub passage_count: usize,
    /// The question.
    pub question: *const c_char,
    /// The answer.
    pub answer: *const c_char,
}

/// How to answer. Begin with RAG_ASK_OPTIONS_INIT; zero in a field is its default.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct rag_ask_options {
    /// sizeof(rag_ask_options); set by RAG_ASK_OPTIONS_INIT.
    pub struct_size: usize,
    /// How passages are found; `top_k` of them are offered to the prompt. NULL: 3 passages, both
    /// legs.
    pub search: *const rag_search_options,
    /// How the answer is generated. NULL: greedy, 256 tokens.
    pub generate: *const rag_generate_options,
    /// What may be asked and answered, and whether personal data is masked. NULL: only a limit on
    /// length.
    pub guards: *const rag_guards,
    /// Persona and rules, put into the system turn. NULL: none.
    pub system: *const c_char,
    /// Earlier turns of the conversation, `history_count` of them; a chat goes on from them.
    pub history: *const rag_turn,
    /// How many.
    pub history_count: usize,
    /// A rag_abstain.
    pub abstain: i32,
    /// The cosine for RAG_ABSTAIN_BELOW.
    pub abstain_below: f32,
    /// A rag_explain.
    pub explain: i32,
    /// A rag_writer.
    pub writer: i32,
    /// A rag_fence.
    pub fence: i32,
    /// A rag_order.
    pub order: i32,
    /// A rag_rewrite.
    pub rewrite: i32,
    /// How many other wordings RAG_REWRITE_VARIANTS asks for, 1 to 5. 0: 3.
    pub variant_count: u32,
    /// Of each passage, only so many sentences in a row are shown to the generator, those around
    /// the one that answers best: small models get lost in long passages. 0: all.
    pub sentences: usize,
    /// Worked examples shown before the passages, in place of ours; not NULL and none of them: no
    /// examples. NULL: two in the language of the question.
    pub examples: *const rag_example,
    /// How many.
    pub example_count: usize,
    /// Gets the answer as it is written. NULL: none.
    pub on_piece: rag_on_piece,
    /// Handed to `on_piece`.
    pub user_data: *mut c_void,
    /// Stops the call, within one token. NULL: nothing does.
    pub cancel: *const rag_cancel,
    /// Writes answers to questions in the generator's place; `writer` is then RAG_WRITER_GENERATOR.
    /// No passage is left out for want of room: how many fit is yours to say with `top_k`. NULL:
    /// `writer` says who does.
    pub on_write: rag_on_write,
    /// Handed to `on_write`.
    pub write_user_data: *mut c_void,
    /// Options by their names in docs/options.md, `setting_count` of them, set after the fields;
    /// among them those that have no field here.
    pub settings: *const rag_setting,
    /// How many.
    pub setting_count: usize,
    /// Hears that what `on_piece` was given is withdrawn. With it the setting "stream" may be
    /// "raw": pieces come as they are written, before they are checked. NULL: they are checked
    /// first.
    pub on_retract: rag_on_retract,
    /// Handed to `on_retract`.
    pub retract_user_data: *mut c_void,
}

// SAFETY: repr(C), struct_size first, then only integers, floats, pointers and nullable functions.
unsafe impl Options for rag_ask_options {
    const NAME: &'static str = "rag_ask_options";
}

impl rag_ask_options {
    /// Who listens to the answer.
    ///
    /// # Safety
    /// The callbacks may be called as long as the result lives.
    pub(crate) unsafe fn pieces(&self) -> Pieces {
        // SAFETY: passed on to the caller.
        unsafe {
            Pieces::new(self.on_piece, self.user_data)
                .retracting(self.on_retract, self.retract_user_data)
        }
    }

    /// What rag-core is asked for: what is given, laid over `options`.
    ///
    /// # Safety
    /// The pointers are null or valid, and the callbacks callable as long as the result lives.
    pub(crate) unsafe fn over(
        &self,
        kb: &Arc<Shared>,
        mut options: AskOptions,
    ) -> Result<AskOptions> {
        // SAFETY: passed on to the caller.
        unsafe {
            self.lay_over_parts(&mut options)?;
            options.system = owned_text(self.system, "system")?;
            options.history = self.history()?;
            options.writer = self.writer(kb)?;
            options.examples = self.examples()?;
        }
        options.abstain = self.abstain()?;
        options.explain = choice(self.explain, &[Explain::Off, Explain::Trace], "explain")?;
        options.fence = choice(self.fence, &[Fence::Numbered, Fence::Marked], "fence")?;
        options.order = choice(self.order, &Order::ALL, "order")?;
        options.rewrite = self.rewrite()?;
        options.sentences = some(self.sentences);
        // SAFETY: passed on to the caller.
        unsafe { set_all(&mut options, self.settings, self.setting_count) }?;
        Ok(options)
    }

    /// The options that a search, a generation and guards have of their own.
    ///
    /// # Safety
    /// As [`Self::over`].
    unsafe fn lay_over_parts(&self, options: &mut AskOptions) -> Result<()> {
        // SAFETY: passed on to the caller.
        unsafe {
            let search = given::read(self.search)?;
            search.check_part()?;
            search.lay_over(&mut options.search)?;
            let generate = given::read(self.generate)?;
            generate.check_part()?;
            generate.lay_over(&mut options.generate)?;
            given::read(self.guards)?.lay_over(&mut options.guards)
        }
    }

    /// # Safety
    /// As [`Self::over`].
    unsafe fn history(&self) -> Result<Vec<Message>> {
        // SAFETY: passed on to the caller.
        let turns = unsafe { boundary::array(self.history, self.history_count, "history") }?;
        let message = |turn: &rag_turn| -> Result<Message> {
            // SAFETY: passed on to the caller.
            unsafe {
                let role = boundary::text(turn.role, "role")?;
                let content = boundary::sized_text(turn.content, turn.content_bytes, "content")?;
                Ok(Message { role: Role::parse(role)?, content: content.to_owned() })
            }
        };
        turns.iter().map(message).collect()
    }

    /// # Safety
    /// As [`Self::over`].
    unsafe fn writer(&self, kb: &Arc<Shared>) -> Result<Writer> {
        let chosen = choice(self.writer, &[Writer::Generator, Writer::Passages], "writer")?;
        // SAFETY: passed on to the caller.
        match (unsafe { own::writer(kb, self.on_write, self.write_user_data) }, chosen) {
            (None, chosen) => Ok(chosen),
            (Some(own), Writer::Generator) => Ok(Writer::Own(own)),
            (Some(_), _) => Err(Error::invalid("writer", "on_write takes the generator's place")),
        }
    }

    /// # Safety
    /// As [`Self::over`].
    unsafe fn examples(&self) -> Result<Option<Vec<Example>>> {
        if self.examples.is_null() && self.example_count == 0 {
            return Ok(None);
        }
        // SAFETY: passed on to the caller.
        let given = unsafe { boundary::array(self.examples, self.example_count, "examples") }?;
        let example = |example: &rag_example| -> Result<Example> {
            // SAFETY: passed on to the caller.
            unsafe {
                Ok(Example {
                    passages: owned_texts(example.passages, example.passage_count, "examples")?,
                    question: boundary::text(example.question, "examples")?.to_owned(),
                    answer: boundary::text(example.answer, "examples")?.to_owned(),
                })
            }
        };
        given.iter().map(example).collect::<Result<_>>().map(Some)
    }

    fn abstain(&self) -> Result<Abstain> {
        let choices = [Abstain::Calibrated, Abstain::Below(self.abstain_below), Abstain::Never];
        choice(self.abstain, &choices, "abstain")
    }

    fn rewrite(&self) -> Result<Rewrite> {
        let given = usize::try_from(self.variant_count).unwrap_or(usize::MAX);
        let count = or_default(given, Rewrite::DEFAULT_VARIANTS);
        let choices =
            [Rewrite::None, Rewrite::Standalone, Rewrite::Variants(count), Rewrite::Hypothetical];
        choice(self.rewrite, &choices, "rewrite")
    }
}
