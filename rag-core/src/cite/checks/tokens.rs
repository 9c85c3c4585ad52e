//! The words of a claim or a span in order, with the clause each stands in.

use std::ops::Range;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use crate::fold::fold;
use crate::words;

/// A word, small ones too.
#[derive(Debug, Clone)]
pub(super) struct Token {
    /// Bytes of the text.
    pub(super) range: Range<usize>,
    /// Without case and accents.
    pub(super) folded: String,
    /// What a word that carries meaning is compared by; empty for function words and numbers.
    pub(super) key: String,
    /// Counts the clauses of the text.
    pub(super) clause: usize,
    /// What stands between it and the word before.
    pub(super) gap: Gap,
    /// Written with a capital letter.
    pub(super) is_capital: bool,
    /// Written in capitals throughout, two at least.
    pub(super) is_upper: bool,
}

/// What stands between two words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// White space, an apostrophe or a quotation mark.
    Space,
    Hyphen,
    Comma,
    /// A mark that ends a clause: full stop, colon, semicolon, bracket, dash, line end.
    Stop,
}

impl Token {
    pub(super) fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.folded.as_str())
    }

    /// A word that carries meaning, and is no number.
    pub(super) fn is_content(&self) -> bool {
        !self.key.is_empty()
    }
}

/// The words of `text`. `n't` and `cannot` are split: `not` is a word of its own.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let stemmers = [Algorithm::English, Algorithm::French].map(Stemmer::create);
    let mut tokens: Vec<Token> = Vec::new();
    let mut end = 0;
    for (start, word) in text.unicode_word_indices() {
        for (from, part, written) in parts(word) {
            let start = start + from;
            let gap = gap(text.get(end..start).unwrap_or_default());
            end = start + written;
            let folded = fold(part);
            let is_capital = part.chars().next().is_some_and(char::is_uppercase);
            let is_upper = part.chars().count() > 1 && part.chars().all(char::is_uppercase);
            let key = match (folded.chars().any(|c| c.is_ascii_digit()), is_code(&folded)) {
                (true, true) => folded.clone(),
                (false, _) if folded.len() > 1 && !is_small(&folded) => {
                    words::key(&folded, &stemmers)
                }
                _ => String::new(),
            };
            let token =
                Token { range: start..end, folded, key, clause: 0, gap, is_capital, is_upper };
            tokens.push(token);
        }
    }
    set_clauses(&mut tokens);
    tokens
}

/// Letters, then digits: a name such as V3.
fn is_code(folded: &str) -> bool {
    folded.starts_with(|c: char| c.is_alphabetic())
}

/// The parts of a word at its apostrophes, each with its first byte, its text and its length in the
/// word.
fn parts(word: &str) -> Vec<(usize, &str, usize)> {
    let lower = word.to_ascii_lowercase().replace('\u{2019}', "'");
    if lower == "cannot" {
        return vec![(0, "can", 3), (3, "not", 3)];
    }
    if let Some(stem) = lower.strip_suffix("n't").filter(|stem| !stem.is_empty()) {
        let positive = match stem {
            "ca" => "can",
            "wo" => "will",
            "sha" => "shall",
            _ => word.get(..stem.len()).unwrap_or_default(),
        };
        return vec![(0, positive, stem.len()), (stem.len(), "not", word.len() - stem.len())];
    }
    let mut parts = Vec::new();
    let mut start = 0;
    for part in word.split(['\'', '\u{2019}']) {
        if !part.is_empty() {
            parts.push((start, part, part.len()));
        }
        start += part.len();
        start += word.get(start..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    parts
}

fn gap(between: &str) -> Gap {
    let is_stop = |c: char| ".;:!?()[]\n\u{2013}\u{2014}\u{2026}|".contains(c);
    if between.contains(is_stop) || between.contains(" - ") {
        Gap::Stop
    } else if between.contains(',') {
        Gap::Comma
    } else if between.contains('-') {
        Gap::Hyphen
    } else {
        Gap::Space
    }
}

/// Words that no check compares by their meaning.
fn is_small(folded: &str) -> bool {
    words::is_function_word(folded) || SMALL.contains(&folded)
}

const SMALL: &[&str] = &[
    "not", "never", "nor", "neither", "none", "any", "also", "yet", "still", "very", "ever",
    "even", "just", "such", "than", "too", "may", "might", "must", "shall", "should", "being",
    "having", "doing", "encore", "aussi", "tres", "jamais", "rien", "aucun", "aucune", "guere",
    "ni", "sans", "sauf", "without", "except", "unless", "doit", "doivent", "peut", "peuvent",
    "faut", "deja", "etait", "etaient", "sera", "seront", "soit", "fut", "furent", "avait",
    "avaient", "ayant", "etant", "lui", "eux", "meme", "ainsi", "alors", "dont", "ou", "puis",
    "only", "however", "thus", "while", "though", "although", "because", "since", "if", "that",
    "which", "nobody", "nothing", "nowhere", "longer", "need", "needs", "ought", "der", "das",
    "nicht", "kein", "keine", "ein", "eine", "ist", "sind", "wird", "werden", "los", "las", "una",
    "del", "gli", "di", "che", "het", "een", "niet", "geen", "nao", "uma", "yes", "oui",
];

/// Words that open a clause.
const OPENERS: &[&str] = &[
    "but", "although", "though", "whereas", "while", "however", "because", "since", "when",
    "whenever", "if", "unless", "until", "which", "who", "whose", "where", "mais", "quoique",
    "tandis", "car", "lorsque", "lorsqu", "quand", "si", "qui", "dont", "puisque", "aber", "weil",
    "wenn", "obwohl", "sondern", "pero", "porque", "cuando", "sino", "perche", "mentre", "porem",
    "maar", "omdat", "wanneer",
];

/// Words that join what may be clauses.
const JOINERS: &[&str] = &["and", "or", "et", "ou", "und", "oder", "y", "e", "en"];

/// Finite verbs that show that what follows a joiner is a clause.
pub(super) const FINITE: &[&str] = &[
    "is", "are", "was", "were", "has", "have", "had", "does", "do", "did", "must", "may", "can",
    "could", "should", "shall", "will", "would", "might", "need", "needs", "am", "est", "sont",
    "etait", "etaient", "fut", "furent", "ont", "avait", "avaient", "doit", "doivent", "peut",
    "peuvent", "sera", "seront", "faut", "va", "vont", "ist", "sind", "war", "waren", "wird",
    "werden", "muss", "darf", "kann", "soll", "hat", "haben", "fue", "debe", "puede", "sono",
    "deve", "puo", "moet", "mag", "zijn",
];

/// How far after a joiner or a comma its verb is looked for.
const LOOK_AHEAD: usize = 5;

fn set_clauses(tokens: &mut [Token]) {
    let mut clause = 0;
    for index in 0..tokens.len() {
        if opens_clause(tokens, index) {
            clause += 1;
        }
        tokens[index].clause = clause;
    }
}

fn opens_clause(tokens: &[Token], index: usize) -> bool {
    let token = &tokens[index];
    match token.gap {
        Gap::Stop => true,
        // an aside: "must not, under any circumstances, be opened"
        Gap::Comma if index > 0 && tokens[index - 1].is(&["not", "pas", "never", "jamais"]) => {
            false
        }
        Gap::Comma if after_aside(tokens, index) => false,
        Gap::Comma => !continues_list(tokens, index),
        _ if token.is(OPENERS) => true,
        _ => token.is(JOINERS) && index > 0 && has_finite(tokens, index + 1),
    }
}

/// Whether the comma before `index` closes an aside that a negation opened.
fn after_aside(tokens: &[Token], index: usize) -> bool {
    let before = tokens.get(index.saturating_sub(8)..index).unwrap_or_default();
    let opened = before.iter().rposition(|token| token.gap == Gap::Comma);
    opened
        .and_then(|place| place.checked_sub(1))
        .and_then(|place| before.get(place))
        .is_some_and(|token| token.is(&["not", "pas", "never", "jamais"]))
}

/// Whether a comma stands in a list whose last item an "or" brings: "no sugar, salt or milk".
fn continues_list(tokens: &[Token], index: usize) -> bool {
    let ahead = tokens.get(index..).unwrap_or_default().iter().take(LOOK_AHEAD);
    let mut ahead = ahead.take_while(|token| token.gap != Gap::Stop && !token.is(FINITE));
    ahead.any(|token| token.is(&["or", "nor", "ou", "ni", "oder"]))
}

fn has_finite(tokens: &[Token], from: usize) -> bool {
    let ahead = tokens.get(from..).unwrap_or_default().iter().take(LOOK_AHEAD);
    let mut ahead = ahead.take_while(|token| matches!(token.gap, Gap::Space | Gap::Hyphen));
    ahead.any(|token| token.is(FINITE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|token| token.folded).collect()
    }

    #[test]
    fn negations_are_words_of_their_own() {
        assert_eq!(
            folded("It can't, cannot and won\u{2019}t."),
            ["it", "can", "not", "can", "not", "and", "will", "not"]
        );
        assert_eq!(folded("l'eau n\u{2019}est"), ["l", "eau", "n", "est"]);
    }

    #[test]
    fn clauses_end_at_stops_and_before_verbs_of_their_own() {
        let clauses = |text: &str| tokens(text).last().map(|token| token.clause);
        assert_eq!(clauses("V3 is open and warm"), Some(0));
        assert_eq!(clauses("V3 is open and V4 is warm"), Some(1));
        assert_eq!(clauses("It holds no sugar, salt or milk"), Some(0));
        assert_eq!(clauses("It is old; it works, but slowly"), Some(2));
    }
}
