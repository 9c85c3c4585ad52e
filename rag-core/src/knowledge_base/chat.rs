//! A conversation: each turn is an `ask` that knows the turns before it.

mod saved;

use crate::error::{Error, Result};
use crate::model::{Message, Role};
use crate::progress::Call;

use super::KnowledgeBase;
use super::types::{Answer, AskOptions};

/// A conversation over a knowledge base.
///
/// The history may grow beyond what the generator holds: a prompt takes the last turns that fit.
#[derive(Debug)]
pub struct Chat<'a> {
    knowledge_base: &'a KnowledgeBase,
    conversation: Conversation,
}

/// What a [`Chat`] is between its turns, without the knowledge base: options, turns, last question.
#[derive(Debug, Clone, Default)]
pub struct Conversation {
    options: AskOptions,
    last: Option<Last>,
}

/// The question said last, as the model was told it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Last {
    question: String,
    /// How many turns of the history it and its answer are: two, or none if there was no answer.
    turn_count: usize,
}

impl KnowledgeBase {
    /// Starts a conversation that continues `options.history`; each turn is an `ask` with the turns
    /// before it.
    #[must_use]
    pub fn chat(&self, options: AskOptions) -> Chat<'_> {
        self.continue_chat(Conversation { options, last: None })
    }

    /// Goes on with a conversation, in this knowledge base or another.
    #[must_use]
    pub fn continue_chat(&self, conversation: Conversation) -> Chat<'_> {
        Chat { knowledge_base: self, conversation }
    }

    /// Goes on with a conversation that [`Chat::save`] wrote; see [`Conversation::resume`].
    ///
    /// # Errors
    /// As [`Conversation::resume`].
    pub fn resume(&self, saved: &str, options: AskOptions) -> Result<Chat<'_>> {
        Ok(self.continue_chat(Conversation::resume(saved, options)?))
    }
}

impl Conversation {
    /// The conversation that [`Conversation::save`] wrote, with these options; its turns stand in
    /// place of `options.history`.
    ///
    /// # Errors
    /// InvalidArgument if `saved` is no saved conversation, is of a newer version, or is beyond its
    /// limits: 16 MiB and 10,000 turns.
    pub fn resume(saved: &str, options: AskOptions) -> Result<Self> {
        let (history, last) = saved::read(saved)?;
        Ok(Self { options: AskOptions { history, ..options }, last })
    }

    /// The turns so far and the last question as JSON. Options are not in it; where questions are
    /// masked, so are these.
    ///
    /// ```json
    /// {"format": "rag-chat", "version": 1, "turns": [{"role": "user", "content": "..."}],
    ///  "last": {"question": "...", "answered": true}}
    /// ```
    ///
    /// # Errors
    /// Internal only.
    pub fn save(&self) -> Result<String> {
        saved::write(&self.options.history, self.last.as_ref())
    }

    /// The turns so far.
    #[must_use]
    pub fn history(&self) -> &[Message] {
        &self.options.history
    }

    /// Forgets the turns so far.
    pub fn clear(&mut self) {
        self.options.history.clear();
        self.last = None;
    }

    fn remember(&mut self, question: &str, answer: &Answer) {
        let told = self.options.guards.told(question).into_owned();
        if answer.found {
            let said = crate::cite::without_markers(&answer.text);
            let history = &mut self.options.history;
            history.push(Message { role: Role::User, content: told.clone() });
            history.push(Message { role: Role::Assistant, content: said });
        }
        let turn_count = if answer.found { 2 } else { 0 };
        self.last = Some(Last { question: told, turn_count });
    }
}

impl Chat<'_> {
    /// The temperature of [`Chat::regenerate`] where the options are greedy.
    pub const REGENERATE_TEMPERATURE: f32 = 0.7;

    /// Says something and returns the answer; both join the history if the answer was found.
    ///
    /// Where questions are masked, it is the masked one that joins.
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask`]; the history is then unchanged.
    pub fn say(&mut self, text: &str) -> Result<Answer> {
        self.say_with(text, Call::new())
    }

    /// As [`Chat::say`], with pieces, reports and a token for this turn.
    ///
    /// # Errors
    /// As [`Chat::say`]; Cancelled.
    pub fn say_with(&mut self, text: &str, call: Call<'_>) -> Result<Answer> {
        let answer = self.knowledge_base.ask_with(text, &self.conversation.options, call)?;
        self.conversation.remember(text, &answer);
        Ok(answer)
    }

    /// Asks the last question again with another seed; the new answer takes the place of the old
    /// one in the history.
    ///
    /// Greedy options would give the same answer again, so such a turn is sampled at a temperature
    /// of
    /// [`Chat::REGENERATE_TEMPERATURE`]. If the new answer is not found, question and old answer leave the history.
    ///
    /// # Errors
    /// InvalidArgument if nothing was said yet; else as [`KnowledgeBase::ask`]. The history is then
    /// unchanged.
    pub fn regenerate(&mut self, seed: u64) -> Result<Answer> {
        self.regenerate_with(seed, Call::new())
    }

    /// As [`Chat::regenerate`], with pieces, reports and a token for this turn.
    ///
    /// # Errors
    /// As [`Chat::regenerate`]; Cancelled.
    pub fn regenerate_with(&mut self, seed: u64, call: Call<'_>) -> Result<Answer> {
        let last = self.conversation.last.clone();
        let last = last.ok_or_else(|| Error::invalid("chat", "nothing was said yet"))?;
        let mut options = self.conversation.options.clone();
        let kept = options.history.len().saturating_sub(last.turn_count);
        options.history.truncate(kept);
        options.generate.seed = seed;
        if options.generate.sampling.temperature == 0.0 && options.generate.beams == 1 {
            options.generate.sampling.temperature = Self::REGENERATE_TEMPERATURE;
        }
        let answer = self.knowledge_base.ask_with(&last.question, &options, call)?;
        self.conversation.options.history.truncate(kept);
        self.conversation.remember(&last.question, &answer);
        Ok(answer)
    }

    /// The conversation as JSON, for [`KnowledgeBase::resume`]; see [`Conversation::save`].
    ///
    /// # Errors
    /// Internal only.
    pub fn save(&self) -> Result<String> {
        self.conversation.save()
    }

    /// What it talks with.
    #[must_use]
    pub fn knowledge_base(&self) -> &KnowledgeBase {
        self.knowledge_base
    }

    /// The turns so far.
    #[must_use]
    pub fn history(&self) -> &[Message] {
        self.conversation.history()
    }

    /// Forgets the turns so far.
    pub fn clear(&mut self) {
        self.conversation.clear();
    }

    /// The conversation, to go on with later.
    #[must_use]
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }
}
