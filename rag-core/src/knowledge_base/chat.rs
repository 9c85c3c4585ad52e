//! A conversation: each turn is an `ask` that knows the turns before it.

use std::ops::ControlFlow;

use crate::error::Result;
use crate::model::{Message, Role};
use crate::progress::CancelToken;

use super::KnowledgeBase;
use super::types::{Answer, AskOptions};

/// A conversation over a knowledge base.
#[derive(Debug)]
pub struct Chat<'a> {
    knowledge_base: &'a KnowledgeBase,
    options: AskOptions,
}

impl KnowledgeBase {
    /// Starts a conversation that continues `options.history`; each turn is an `ask` with the turns before it.
    #[must_use]
    pub fn chat(&self, options: AskOptions) -> Chat<'_> {
        Chat { knowledge_base: self, options }
    }
}

impl Chat<'_> {
    /// Says something and returns the answer; both join the history if the answer was found.
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask`]; the history is then unchanged.
    pub fn say(
        &mut self,
        text: &str,
        on_piece: &mut dyn FnMut(&str) -> ControlFlow<()>,
        cancel: &CancelToken,
    ) -> Result<Answer> {
        let answer = self.knowledge_base.ask(text, &self.options, on_piece, cancel)?;
        if answer.found {
            self.remember(Role::User, text.to_owned());
            self.remember(Role::Assistant, crate::cite::without_markers(&answer.text));
        }
        Ok(answer)
    }

    /// The turns so far.
    #[must_use]
    pub fn history(&self) -> &[Message] {
        &self.options.history
    }

    /// Forgets the turns so far.
    pub fn clear(&mut self) {
        self.options.history.clear();
    }

    fn remember(&mut self, role: Role, content: String) {
        self.options.history.push(Message { role, content });
    }
}
