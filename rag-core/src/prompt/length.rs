//! How long an answer should be: a question for a name, a date or a figure wants a few words, one
//! for a reason or a way of doing wants sentences.

use crate::options::words;

words! {
    /// How long an answer should be.
    #[derive(Default)]
    pub enum AnswerLength("answer_length") {
        /// As the question asks: a few words to who, when, where, how many and which, in English
        /// and French; sentences to all others, and where a persona speaks.
        #[default]
        Auto = "auto",
        /// A few words.
        Short = "short",
        /// One or two sentences.
        Sentences = "sentences",
    }
}

/// Words that ask for a name, a time, a place or a figure.
const SHORT: &[&str] = &[
    "who",
    "whom",
    "whose",
    "when",
    "where",
    "which",
    "qui",
    "quand",
    "o\u{f9}",
    "combien",
    "quel",
    "quelle",
    "quels",
    "quelles",
    "lequel",
    "laquelle",
    "lesquels",
    "lesquelles",
];
/// Words that ask for a reason, a way or an account.
const LONG: &[&str] = &["why", "pourquoi", "que", "qu", "quoi"];
/// What follows "how" where a figure is asked for.
const MEASURES: &[&str] = &[
    "many", "much", "long", "old", "far", "often", "tall", "big", "large", "high", "deep", "fast",
    "wide", "heavy", "small", "late", "early",
];
/// What follows "what" where an account is asked for: a verb, or a plural that may be a list.
const ACCOUNTS: &[&str] = &[
    "do", "does", "did", "are", "were", "happens", "happened", "makes", "made", "can", "could",
    "should", "would", "will", "must", "has", "have", "if",
];
/// What is explained rather than named: "what is the purpose", "quel est le but".
const EXPLAINED: &[&str] = &[
    "aim",
    "avantage",
    "avantages",
    "but",
    "cause",
    "causes",
    "consequence",
    "consequences",
    "cons\u{e9}quence",
    "cons\u{e9}quences",
    "difference",
    "diff\u{e9}rence",
    "effect",
    "effet",
    "effets",
    "explication",
    "explanation",
    "goal",
    "inconv\u{e9}nients",
    "meaning",
    "objectif",
    "point",
    "policy",
    "principe",
    "principle",
    "procedure",
    "proc\u{e9}dure",
    "process",
    "processus",
    "purpose",
    "raison",
    "raisons",
    "reason",
    "reasons",
    "r\u{e8}gle",
    "r\u{e8}gles",
    "role",
    "r\u{f4}le",
    "rule",
    "rules",
    "sens",
];
/// Words between "what" or "quel" and what is asked for.
const BETWEEN: &[&str] = &[
    "is",
    "was",
    "s",
    "the",
    "a",
    "an",
    "est",
    "sont",
    "\u{e9}tait",
    "\u{e9}taient",
    "fut",
    "le",
    "la",
    "les",
    "l",
    "main",
    "principal",
    "principale",
    "principales",
];
/// What follows "what is" where one thing of somebody is asked for.
const OWNING: &[&str] = &["the", "its", "his", "her", "their", "our", "your", "my"];
/// Words before a second question.
const JOINING: &[&str] = &["and", "by", "et", "par", "or"];
/// What follows "comment" where a name is asked for.
const NAMED: &[&str] = &["s", "se"];

/// Whether a few words answer `question`.
pub(super) fn asks_for_a_few_words(question: &str) -> bool {
    let lower = question.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut asking = words.iter().enumerate().filter_map(|(at, word)| {
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        Some((is_short(word, &words[at + 1..])?, before))
    });
    let first = asking.next().is_some_and(|(is_short, _)| is_short);
    // "when, and by whom?" asks for two things, and a few words tell one
    first && !asking.any(|(_, before)| JOINING.contains(&before))
}

/// Whether a few words answer what `word` asks with the words after it; `None` if it does not ask.
fn is_short(word: &str, rest: &[&str]) -> Option<bool> {
    match word {
        "how" => Some(starts_with(rest, MEASURES)),
        "comment" => Some(starts_with(rest, NAMED)),
        "what" => Some(names(rest)),
        word if LONG.contains(&word) => Some(false),
        word if SHORT.contains(&word) => Some(!is_explained(rest)),
        _ => None,
    }
}

fn starts_with(words: &[&str], any: &[&str]) -> bool {
    words.first().is_some_and(|word| any.contains(word))
}

/// Whether "what" before these words asks for something by its name: "what year", "what is the
/// capital of", "what is Tesla's first name", but not "what is photosynthesis".
fn names(rest: &[&str]) -> bool {
    let is_defined =
        matches!(rest, ["is" | "was", next, ..] if !OWNING.contains(next)) && !rest.contains(&"s");
    !rest.is_empty() && !is_defined && !starts_with(rest, ACCOUNTS) && !is_explained(rest)
}

fn is_explained(rest: &[&str]) -> bool {
    let asked = rest.iter().find(|word| !BETWEEN.contains(word));
    asked.is_some_and(|word| EXPLAINED.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_for_a_name_a_date_or_a_figure_want_a_few_words() {
        for question in [
            "When was the laboratory founded?",
            "In what year did the bridge open?",
            "According to the report, who paid for it?",
            "How many buoys were lost?",
            "What is the capital of the region?",
            "What was Tesla's first name?",
            "Quel est le prix d'une visite ?",
            "En quelle ann\u{e9}e le pont a-t-il \u{e9}t\u{e9} construit ?",
            "D'o\u{f9} vient le nom ?",
            "Comment s'appelle la quatri\u{e8}me bou\u{e9}e ?",
        ] {
            assert!(asks_for_a_few_words(question), "{question}");
        }
    }

    #[test]
    fn all_other_questions_want_sentences() {
        for question in [
            "Why was the laboratory moved?",
            "How is a buoy repaired?",
            "What is a tide?",
            "What are the rules for visits?",
            "What is the purpose of the basin?",
            "What happens when a buoy is lost?",
            "Quel est le but du bassin ?",
            "Pourquoi le laboratoire a-t-il d\u{e9}m\u{e9}nag\u{e9} ?",
            "Comment r\u{e9}pare-t-on une bou\u{e9}e ?",
            "Qu'est-ce qu'une mar\u{e9}e ?",
            "Tell me about the buoys.",
            "When was the laboratory founded, and by whom?",
            "Quand le pont a-t-il \u{e9}t\u{e9} construit, et par qui ?",
            "\u{bf}Cu\u{e1}ndo se fund\u{f3} el laboratorio?",
            "",
        ] {
            assert!(!asks_for_a_few_words(question), "{question}");
        }
    }
}
