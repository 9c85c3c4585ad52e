//! Which questions are addressed to the assistant, or to the conversation, instead of to the
//! documents. All is told by closed lists, folded: a question that is in none is one of documents.

use std::collections::BTreeSet;

use crate::fold::fold;
use crate::words::{is_function_word, keys};

use super::vocabulary::{
    ASKING_COUNT, ASSISTANT, ASSISTANT_NAME, CLOSERS, DAY_WORDS, DAYS, FIRST, LAST, ME, NOW,
    NOW_SAID, OPENERS, REQUESTS, SAID, SAID_BY_ME, SAID_WORDS, SMALL, USER_NAME, YOU,
};

/// Most words of a question that is looked at.
const MAX_WORDS: usize = 16;

/// What a question asks of the assistant or of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Addressed {
    /// What the assistant is called.
    AssistantName,
    /// Who it is.
    Assistant,
    /// What the user is called, or who that is.
    UserName,
    /// What the user asked or said: first, or last.
    Said { first: bool },
    /// What day it is.
    Day,
    /// Something of the assistant, in words that are compared as these.
    OfAssistant(BTreeSet<String>),
    /// Something of the user.
    OfUser(BTreeSet<String>),
}

/// What `question` asks; `is_first` if nothing was said before it.
pub(super) fn asked(question: &str, is_first: bool) -> Option<Addressed> {
    let words = tokens(question);
    let said: Vec<&str> = trimmed(&words);
    if said.is_empty() || said.len() > MAX_WORDS {
        return None;
    }
    let joined = said.join(" ");
    let is_in = |phrases: &[&str]| phrases.contains(&joined.as_str());
    if is_in(ASSISTANT_NAME) {
        return Some(Addressed::AssistantName);
    }
    if is_in(ASSISTANT) {
        return Some(Addressed::Assistant);
    }
    if is_in(USER_NAME) {
        return Some(Addressed::UserName);
    }
    if asks_the_day(&said, is_first) {
        return Some(Addressed::Day);
    }
    let has = |any: &[&str]| said.iter().any(|word| any.contains(word));
    if let Some(first) = asks_what_was_said(&said) {
        return Some(Addressed::Said { first });
    }
    if !question.trim_end().ends_with(['?', '\u{ff1f}']) || has(REQUESTS) {
        return None;
    }
    let about = about(&said);
    match (has(ME), has(YOU)) {
        _ if about.is_empty() => None,
        (true, _) => Some(Addressed::OfUser(about)),
        (false, true) => Some(Addressed::OfAssistant(about)),
        _ => None,
    }
}

/// The words of a text, folded, small ones too.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(fold).collect()
}

/// Whether these words speak of the assistant or, in a persona, as it does.
pub(super) fn speaks_of_assistant(words: &[String]) -> bool {
    words.iter().any(|word| YOU.contains(&word.as_str()) || ME.contains(&word.as_str()))
}

/// Whether these words are said of oneself.
pub(super) fn speaks_of_self(words: &[String]) -> bool {
    words.iter().any(|word| ME.contains(&word.as_str()))
}

/// Whether these words say that a date is the one of now.
pub(super) fn speaks_of_now(words: &[String]) -> bool {
    words.iter().any(|word| NOW.contains(&word.as_str()) || NOW_SAID.contains(&word.as_str()))
}

/// The words without greetings before them and politeness behind them.
fn trimmed(words: &[String]) -> Vec<&str> {
    let is_in = |word: &String, any: &[&str]| any.contains(&word.as_str());
    let first = words.iter().position(|word| !is_in(word, OPENERS)).unwrap_or(words.len());
    let last = words.iter().rposition(|word| !is_in(word, CLOSERS)).map_or(first, |at| at + 1);
    words.get(first..last).unwrap_or_default().iter().map(String::as_str).collect()
}

fn asks_the_day(said: &[&str], is_first: bool) -> bool {
    let has = |any: &[&str]| said.iter().any(|word| any.contains(word));
    let is_now = has(NOW)
        // "What day is it?" may go on with what was said before
        || (is_first && has(&["it"]))
        || (has(&["on"]) && has(&["est"]));
    let is_known = |word: &&str| [DAYS, NOW, DAY_WORDS].iter().any(|any| any.contains(word));
    is_now && has(DAYS) && said.iter().all(is_known)
}

/// Whether it is asked what the user said, and if so whether what came first.
fn asks_what_was_said(said: &[&str]) -> Option<bool> {
    let has = |any: &[&str]| said.iter().any(|word| any.contains(word));
    let is_known = |word: &&str| {
        [ME, YOU, SAID, SAID_BY_ME, FIRST, LAST, SAID_WORDS].iter().any(|any| any.contains(word))
    };
    let asks = has(&SAID_WORDS[..ASKING_COUNT]);
    let is_by_user = has(SAID_BY_ME) || (has(SAID) && has(ME));
    (asks && is_by_user && said.iter().all(is_known)).then(|| has(FIRST))
}

/// What the words that tell what a question is about are compared by.
fn about(said: &[&str]) -> BTreeSet<String> {
    let small = [ME, YOU, SAID, SAID_BY_ME, SAID_WORDS, SMALL];
    let tells = |word: &&&str| {
        word.len() > 1 && !is_function_word(word) && !small.iter().any(|any| any.contains(word))
    };
    said.iter().filter(tells).flat_map(|word| keys(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assistant_and_the_user_are_asked_for_in_six_languages() {
        for question in [
            "What is your name?",
            "Comment t'appelles-tu ?",
            "Bonjour, comment t’appelles-tu ?",
            "Wie heißt du?",
            "¿Cómo te llamas?",
            "Come ti chiami?",
            "Qual é o seu nome?",
        ] {
            assert_eq!(asked(question, true), Some(Addressed::AssistantName), "{question}");
        }
        for question in ["Who are you?", "Qui êtes-vous ?", "Wer bist du?", "¿Quién eres?"] {
            assert_eq!(asked(question, true), Some(Addressed::Assistant), "{question}");
        }
        for question in ["What is my name?", "Comment je m'appelle ?", "Wer bin ich?"] {
            assert_eq!(asked(question, false), Some(Addressed::UserName), "{question}");
        }
    }

    #[test]
    fn what_was_said_and_the_day_are_asked_for() {
        for question in [
            "What did I ask first?",
            "What was my first question?",
            "Quelle était ma première question ?",
            "Qu'est-ce que j'ai demandé d'abord ?",
            "Was habe ich zuerst gefragt?",
            "¿Qué pregunté primero?",
        ] {
            assert_eq!(asked(question, false), Some(Addressed::Said { first: true }), "{question}");
        }
        let last = Some(Addressed::Said { first: false });
        assert_eq!(asked("What did I just ask?", false), last);
        assert_eq!(asked("Quelle était ma dernière question ?", false), last);
        for question in [
            "Quel jour sommes-nous ?",
            "What day is it today?",
            "What is today's date?",
            "Welcher Tag ist heute?",
            "¿Qué día es hoy?",
            "Che giorno è oggi?",
            "Quelle est la date d'aujourd'hui ?",
            "What day is it?",
        ] {
            assert_eq!(asked(question, true), Some(Addressed::Day), "{question}");
        }
        assert_eq!(asked("What day is it?", false), None);
    }

    #[test]
    fn questions_of_documents_are_addressed_to_nobody() {
        for question in [
            "Quand le laboratoire a-t-il été créé ?",
            "What is the capital of France?",
            "What is the name of the guide?",
            "What was the first question of the council?",
            "On what day was the bridge opened?",
            "What is the date of today's meeting?",
            "Can you tell me when the bridge was opened?",
            "Peux-tu me dire quand le pont a été ouvert ?",
            "Tell me about the bridge.",
            "Ask me a question.",
            "Who are they?",
            "",
        ] {
            assert_eq!(asked(question, true), None, "{question}");
        }
    }

    #[test]
    fn something_of_the_user_or_the_assistant_is_asked_for_in_its_words() {
        let of = |word: &str| keys(word);
        assert_eq!(asked("Where do I live?", false), Some(Addressed::OfUser(of("live"))));
        assert_eq!(asked("O\u{f9} est mon chien ?", false), Some(Addressed::OfUser(of("chien"))));
        assert_eq!(asked("What is your role?", true), Some(Addressed::OfAssistant(of("role"))));
    }
}
