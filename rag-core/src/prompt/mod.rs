//! Question, hits and history to the tokens the generator sees, within its budget.
//!
//! The form follows what small models were measured to answer best with: passages first, the question after them,
//! the instruction last, two worked examples, and no word about refusing (the engine judges that, not the model).
//! Passages are data: the chat model encodes them so that no control token can come out of them.

mod examples;

use crate::document;
use crate::error::{Error, Result};
use crate::model::{ChatModel, Message, Rendered, Role};
use crate::search::Hit;

/// What the prompt is made from.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The question, as asked.
    pub question: &'a str,
    /// Passages, best first.
    pub hits: &'a [Hit],
    /// Earlier turns, oldest first.
    pub history: &'a [Message],
    /// Persona and rules of the caller.
    pub system: Option<&'a str>,
    /// Most tokens of the prompt.
    pub budget_tokens: usize,
}

/// A prompt that fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// The conversation, examples included.
    pub messages: Vec<Message>,
    /// Its text and tokens.
    pub rendered: Rendered,
    /// How many of the hits are in it: always the first ones.
    pub shown_count: usize,
    /// How many turns of the history are in it: always the last ones.
    pub history_count: usize,
}

/// Builds the prompt: whole passages are dropped from the tail, after the oldest turns, until it fits.
///
/// The instruction is written in the language of the question (French or English).
///
/// # Errors
/// ContextOverflow if the question does not fit even without passages and history; Model if the chat template
/// fails.
pub fn build(chat: &ChatModel, request: &Request<'_>) -> Result<Prompt> {
    let mut shown_count = request.hits.len();
    let mut history_count = request.history.len();
    loop {
        let messages = messages(request, shown_count, history_count);
        let rendered = chat.render(&messages)?;
        let needed_tokens = rendered.token_ids.len();
        if needed_tokens <= request.budget_tokens {
            return Ok(Prompt { messages, rendered, shown_count, history_count });
        }
        if history_count > 0 {
            history_count -= 1;
        } else if shown_count > 1 {
            shown_count -= 1;
        } else {
            return Err(Error::ContextOverflow {
                needed_tokens,
                context_len: request.budget_tokens,
            });
        }
    }
}

fn messages(request: &Request<'_>, shown_count: usize, history_count: usize) -> Vec<Message> {
    let language = Language::of(request.question);
    let mut messages =
        vec![Message { role: Role::System, content: system(language, request.system) }];
    for example in language.examples() {
        messages.push(user(user_turn(language, example.passages, example.question)));
        messages.push(Message { role: Role::Assistant, content: example.answer.to_owned() });
    }
    messages.extend(request.history[request.history.len() - history_count..].iter().cloned());
    let passages: Vec<&str> =
        request.hits[..shown_count].iter().map(|hit| hit.text.as_str()).collect();
    messages.push(user(user_turn(language, &passages, request.question)));
    messages
}

fn user(content: String) -> Message {
    Message { role: Role::User, content }
}

fn system(language: Language, persona: Option<&str>) -> String {
    match persona {
        Some(persona) => format!("{}\n{}", persona.trim(), language.rules()),
        None => language.rules().to_owned(),
    }
}

/// Passages, question, instruction.
fn user_turn(language: Language, passages: &[&str], question: &str) -> String {
    let mut turn = String::new();
    for (index, passage) in passages.iter().enumerate() {
        let number = index + 1;
        turn.push_str(&format!("[{number}] {}\n\n", passage.trim()));
    }
    turn.push_str(&format!(
        "{} {}\n{}",
        language.question_label(),
        question.trim(),
        language.instruction()
    ));
    turn
}

/// The language the instructions are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    English,
    French,
}

impl Language {
    fn of(question: &str) -> Self {
        match document::guess_lang(question) {
            Some("fr") => Language::French,
            _ => Language::English,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn instructions_follow_the_language_of_the_question() {
        let turn = |question: &str| user_turn(Language::of(question), &["P"], question);
        assert!(
            turn("En quelle ann\u{e9}e le pont a-t-il \u{e9}t\u{e9} construit ?")
                .contains("passages ci-dessus")
        );
        assert!(turn("When was the bridge built?").contains("passages above"));
    }

    #[test]
    fn passages_are_numbered_in_order_before_the_question() {
        let turn = user_turn(Language::English, &["first", "second"], "Why?");
        let places: Vec<usize> = ["[1] first", "[2] second", "Why?"]
            .iter()
            .map(|part| turn.find(part).unwrap())
            .collect();
        assert!(places.is_sorted());
    }
}
