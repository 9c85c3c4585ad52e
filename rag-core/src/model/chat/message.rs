//! What is said, and by whom.

use serde::{Deserialize, Serialize};

use crate::options::words;

words! {
    /// Who speaks.
    pub enum Role("role") {
        /// Persona and rules.
        System = "system",
        /// The person.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

/// One turn of a conversation. Its content is data: no text in it can become a control token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub content: String,
}

/// The conversation with its system turns put before the first question, for templates that know no
/// system turn; `None` if there is nothing to move.
pub(super) fn without_system(messages: &[Message]) -> Option<Vec<Message>> {
    let (system, mut rest): (Vec<Message>, Vec<Message>) =
        messages.iter().cloned().partition(|message| message.role == Role::System);
    if system.is_empty() {
        return None;
    }
    let first = rest.iter_mut().find(|message| message.role == Role::User)?;
    let mut parts: Vec<String> = system.into_iter().map(|message| message.content).collect();
    parts.push(std::mem::take(&mut first.content));
    first.content = parts.join("\n\n");
    Some(rest)
}
