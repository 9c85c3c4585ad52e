//! The turns before a question: what the model is told of them.

use crate::error::Result;
use crate::model::{ChatModel, Message, Role};

use super::types::AskOptions;

/// The earlier turns as the model is told them: the last ones, as many as can fit `budget_tokens`
/// by themselves.
///
/// The prompt drops turns one by one, each time written anew; that is for a few turns and not for a
/// year of them.
pub(super) fn told_history(
    chat: &ChatModel,
    options: &AskOptions,
    budget_tokens: usize,
) -> Result<Vec<Message>> {
    let mut turns = Vec::new();
    if options.history.is_empty() {
        return Ok(turns);
    }
    let (mut left_tokens, frame_tokens) = (budget_tokens, frame_tokens(chat));
    for turn in options.history.iter().rev() {
        let content = options.guards.told(&turn.content).into_owned();
        let needed_tokens = chat.encode(&content)?.len().saturating_add(frame_tokens);
        let Some(left) = left_tokens.checked_sub(needed_tokens) else { break };
        left_tokens = left;
        turns.push(Message { role: turn.role, content });
    }
    turns.reverse();
    Ok(turns)
}

/// Tokens that the chat template spends on a turn beside its words; 1 at least.
fn frame_tokens(chat: &ChatModel) -> usize {
    let turn = |role| Message { role, content: "x".to_owned() };
    let turns = [Role::User, Role::Assistant, Role::User].map(turn);
    let count = |turns: &[Message]| chat.render(turns).map_or(0, |turns| turns.token_ids.len());
    let two_turns = count(&turns).saturating_sub(count(&turns[..1]));
    let words = chat.encode("x").map_or(0, |ids| ids.len());
    (two_turns / 2).saturating_sub(words).max(1)
}
