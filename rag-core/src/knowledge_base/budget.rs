//! What the context of the generator was spent on.

use crate::error::Result;
use crate::model::Message;
use crate::prompt::Prompt;
use crate::search::Hit;

use super::run::Run;
use super::types::Budget;

impl Run<'_> {
    /// Counts the tokens of each part of a prompt; `shown` are the passages in it.
    pub(super) fn budget(&self, prompt: &Prompt, shown: &[Hit]) -> Result<Budget> {
        let (options, generator) = (self.options, self.knowledge_base.generator()?);
        let count = |text: &str| generator.chat().encode(text).map(|ids| ids.len());
        let turns = |turns: &[Message]| -> Result<usize> {
            turns.iter().try_fold(0, |sum, turn| Ok(sum + count(&turn.content)?))
        };
        let (before, last) = prompt.messages.split_at(prompt.messages.len().saturating_sub(1));
        let (fixed, history) = before.split_at(before.len().saturating_sub(prompt.history_count));
        let (system, examples) = fixed.split_at(fixed.len().min(1));
        let mut budget = Budget {
            context_len: generator.context_len(),
            answer_tokens: options.generate.max_new_tokens,
            prompt_tokens: prompt.rendered.token_ids.len(),
            system_tokens: turns(system)?,
            example_tokens: turns(examples)?,
            history_tokens: turns(history)?,
            question_tokens: count(options.guards.told(self.question).trim())?,
            ..Budget::default()
        };
        let passages = shown.iter().try_fold(0, |sum, hit| count(hit.text.trim()).map(|n| sum + n));
        let room = turns(last)?.saturating_sub(budget.question_tokens);
        budget.passage_tokens = passages?.min(room);
        budget.frame_tokens = budget.prompt_tokens.saturating_sub(budget.spoken_tokens());
        let taken = budget.prompt_tokens.saturating_add(budget.answer_tokens);
        budget.left_tokens = budget.context_len.saturating_sub(taken);
        Ok(budget)
    }
}

impl Budget {
    /// The parts that somebody wrote.
    fn spoken_tokens(&self) -> usize {
        self.system_tokens
            + self.example_tokens
            + self.history_tokens
            + self.passage_tokens
            + self.question_tokens
    }
}
