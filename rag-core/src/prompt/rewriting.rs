//! What the generator is asked to write before a search, in French and English, each with one
//! worked example.

use super::user;
use crate::model::{Message, Role};
use crate::words::Language;

/// What is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rewriting {
    /// The last question of a conversation so that it can be understood alone.
    Standalone,
    /// So many other wordings of a question, one a line.
    Variants(usize),
    /// A passage that might answer a question.
    Passage,
}

/// The conversation that asks for it; `history` are the turns before the question.
pub(crate) fn rewriting(wanted: Rewriting, question: &str, history: &[Message]) -> Vec<Message> {
    let language = Language::of(question);
    let texts = texts(language, wanted);
    let mut messages = vec![
        Message { role: Role::System, content: texts.task.to_owned() },
        user(texts.asked.to_owned()),
        Message { role: Role::Assistant, content: texts.written.to_owned() },
    ];
    let question = question.trim();
    messages.push(user(match wanted {
        Rewriting::Standalone => format!("{}{}: {question}", told(history), texts.label),
        Rewriting::Variants(count) => format!("{} ({count}): {question}", texts.label),
        Rewriting::Passage => format!("{}: {question}", texts.label),
    }));
    messages
}

/// The turns before, one a line.
fn told(history: &[Message]) -> String {
    let line = |turn: &Message| {
        let words = turn.content.split_whitespace().collect::<Vec<_>>().join(" ");
        let dash = if turn.role == Role::User { "Q" } else { "A" };
        format!("{dash}: {words}\n")
    };
    history.iter().map(line).collect()
}

/// The lines of what was written, without the numbers, dashes and quotation marks that models put
/// around them.
pub(crate) fn lines(written: &str) -> Vec<String> {
    let clean = |line: &str| {
        let line = line.trim().trim_start_matches(['-', '*', '\u{2022}']).trim_start();
        let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let line = match number.strip_prefix(['.', ')']) {
            Some(rest) if number.len() < line.len() => rest,
            _ => line,
        };
        line.trim()
            .trim_matches(['"', '\u{201c}', '\u{201d}', '\u{ab}', '\u{bb}', '\u{a0}'])
            .trim()
            .to_owned()
    };
    written.lines().map(clean).filter(|line| line.chars().any(char::is_alphanumeric)).collect()
}

/// The words of a request.
struct Texts {
    task: &'static str,
    asked: &'static str,
    written: &'static str,
    label: &'static str,
}

fn texts(language: Language, wanted: Rewriting) -> Texts {
    match (language, wanted) {
        (Language::English, Rewriting::Standalone) => Texts {
            task: "You rewrite the last question of a conversation so that it can be understood alone.",
            asked: "Q: Who built the Harlow lighthouse?\nA: It was built by the engineer Ann Marsh.\nLast question: When was she born?",
            written: "When was the engineer Ann Marsh born?",
            label: "Last question",
        },
        (Language::French, Rewriting::Standalone) => Texts {
            task: "Tu r\u{e9}\u{e9}cris la derni\u{e8}re question d'une conversation pour qu'on la comprenne sans le reste.",
            asked: "Q: Qui a construit le phare de Kerlan ?\nA: Il a \u{e9}t\u{e9} construit par l'ing\u{e9}nieure Anne Morvan.\nDerni\u{e8}re question: Quand est-elle n\u{e9}e ?",
            written: "Quand l'ing\u{e9}nieure Anne Morvan est-elle n\u{e9}e ?",
            label: "Derni\u{e8}re question",
        },
        (Language::English, Rewriting::Variants(_)) => Texts {
            task: "You write a question in other words, one wording a line.",
            asked: "Question (2): Since when has the Harlow lighthouse been automatic?",
            written: "In which year was the lighthouse at Harlow automated?\nWhen did the Harlow light stop having a keeper?",
            label: "Question",
        },
        (Language::French, Rewriting::Variants(_)) => Texts {
            task: "Tu \u{e9}cris une question avec d'autres mots, une version par ligne.",
            asked: "Question (2): Depuis quand le phare de Kerlan est-il automatique ?",
            written: "En quelle ann\u{e9}e a-t-on automatis\u{e9} le phare de Kerlan ?\nQuand le phare de Kerlan a-t-il cess\u{e9} d'avoir un gardien ?",
            label: "Question",
        },
        (Language::English, Rewriting::Passage) => Texts {
            task: "You write the two sentences of an encyclopedia that would answer a question.",
            asked: "Question: Since when has the Harlow lighthouse been automatic?",
            written: "The Harlow lighthouse was automated in 1984, when its last keeper left. It had been lit for the first time in 1862.",
            label: "Question",
        },
        (Language::French, Rewriting::Passage) => Texts {
            task: "Tu \u{e9}cris les deux phrases d'une encyclop\u{e9}die qui r\u{e9}pondraient \u{e0} une question.",
            asked: "Question: Depuis quand le phare de Kerlan est-il automatique ?",
            written: "Le phare de Kerlan a \u{e9}t\u{e9} automatis\u{e9} en 1984, au d\u{e9}part de son dernier gardien. Il avait \u{e9}t\u{e9} allum\u{e9} pour la premi\u{e8}re fois en 1862.",
            label: "Question",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lose_what_models_put_around_them() {
        let written = "1. Who built it?\n- \"Who was the builder?\"\n\n\u{ab}\u{a0}Qui l'a b\u{e2}ti ?\u{a0}\u{bb}\n---\n1984 was when?";
        let expected =
            ["Who built it?", "Who was the builder?", "Qui l'a b\u{e2}ti ?", "1984 was when?"];
        assert_eq!(lines(written), expected);
    }

    #[test]
    fn a_follow_up_is_told_with_the_turns_before() {
        let turn = |role, content: &str| Message { role, content: content.to_owned() };
        let history = [turn(Role::User, "Who founded\nthe lab?"), turn(Role::Assistant, "Ada.")];
        let messages = rewriting(Rewriting::Standalone, " And when was that? ", &history);
        let last = messages.last().map(|message| message.content.as_str());
        let told = "Q: Who founded the lab?\nA: Ada.\nLast question: And when was that?";
        assert_eq!(last, Some(told));
        let french = rewriting(Rewriting::Passage, "Qui a fond\u{e9} le laboratoire ?", &[]);
        assert!(french[0].content.starts_with("Tu "), "{}", french[0].content);
    }
}
