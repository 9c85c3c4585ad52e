//! The words of a text as questions, sentences and claims are compared by them: without case,
//! accents, endings and function words.

use std::collections::BTreeSet;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use crate::document;
use crate::fold::fold;
use crate::store::lexical::gram_len;
use crate::store::visible::visible;

/// A word that carries meaning.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Word {
    /// What it is compared by.
    pub(crate) key: String,
    pub(crate) kind: WordKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum WordKind {
    /// Holds a digit.
    Number,
    /// Written with a capital inside a sentence.
    Name,
    Other,
}

impl WordKind {
    /// How much a word counts for a claim.
    pub(crate) fn weight(self) -> f32 {
        match self {
            WordKind::Number => 2.0,
            WordKind::Name => 1.5,
            WordKind::Other => 1.0,
        }
    }
}

/// A language that the engine writes in itself: instructions, headings, plans in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    French,
}

impl Language {
    /// French for a text in French, English for all else.
    pub(crate) fn of(text: &str) -> Self {
        match document::guess_lang(text) {
            Some("fr") => Language::French,
            _ => Language::English,
        }
    }

    /// One of two wordings.
    pub(crate) fn pick(self, english: &'static str, french: &'static str) -> &'static str {
        match self {
            Language::English => english,
            Language::French => french,
        }
    }
}

/// The meaning-carrying words of `text`, in order. A number is its digits: `10h30` is 10 and 30,
/// and `1,200` or `1 200` is 1200.
pub(crate) fn words(text: &str) -> Vec<Word> {
    written(&visible(text)).0
}

/// As [`words`], of a text without anything invisible, and the piece of it that each is written in.
pub(crate) fn written(text: &str) -> (Vec<Word>, Vec<&str>) {
    let stemmers = [Algorithm::English, Algorithm::French].map(Stemmer::create);
    let (mut words, mut places): (Vec<Word>, Vec<&str>) = (Vec::new(), Vec::new());
    for (place, piece) in pieces(text).into_iter().enumerate() {
        if piece.chars().any(|c| c.is_ascii_digit()) {
            push_digits(piece, &mut words);
            places.resize(words.len(), piece);
            continue;
        }
        let folded = fold(piece);
        if folded.len() < 2 || FUNCTION_WORDS.contains(&folded.as_str()) {
            continue;
        }
        let is_name = place > 0 && piece.chars().next().is_some_and(char::is_uppercase);
        let kind = if is_name { WordKind::Name } else { WordKind::Other };
        words.push(Word { key: key(&folded, &stemmers), kind });
        places.push(piece);
    }
    (words, places)
}

/// What the meaning-carrying words of `text` are compared by, each once.
pub(crate) fn keys(text: &str) -> BTreeSet<String> {
    words(text).into_iter().map(|word| word.key).collect()
}

/// The words of a text, elided ones apart; what is written without spaces between words in grams of
/// its letters.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let len = gram_len(first);
        let end = rest.find(|c| gram_len(c) != len).unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        match len {
            None => {
                pieces.extend(run.unicode_words().flat_map(|word| word.split(['\'', '\u{2019}'])));
            }
            Some(len) => pieces.extend(grams(run, len)),
        }
        rest = tail;
    }
    pieces
}

/// Every `len` letters of a run that follow each other; a shorter run whole.
pub(crate) fn grams(run: &str, len: usize) -> impl Iterator<Item = &str> {
    let starts = run.char_indices().map(|(at, _)| at);
    let ends = run.char_indices().skip(len).map(|(at, _)| at).chain([run.len()]);
    starts.zip(ends).map(|(start, end)| &run[start..end])
}

/// The runs of digits of a piece, thousands joined to the run before; letters beside them belong to
/// a code and stay as a word of their own (`E21` is the name `e21` and the number 21).
fn push_digits(piece: &str, words: &mut Vec<Word>) {
    for run in piece.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()) {
        match words.last_mut() {
            Some(last)
                if last.kind == WordKind::Number && run.len() == 3 && last.key.len() <= 3 =>
            {
                last.key.push_str(run);
            }
            _ => words.push(Word { key: run.to_owned(), kind: WordKind::Number }),
        }
    }
    if piece.chars().next().is_some_and(char::is_alphabetic) {
        words.push(Word { key: fold(piece), kind: WordKind::Name });
    }
}

/// The stem of a folded word: English, then French (Snowball, Porter 2001). Both, because a claim
/// is too short to tell its language; what counts is that two forms of a word get one key.
pub(crate) fn key(folded: &str, stemmers: &[Stemmer; 2]) -> String {
    stemmers.iter().fold(folded.to_owned(), |word, stemmer| stemmer.stem(&word).into_owned())
}

/// Whether a folded word is too small to carry a claim of its own.
pub(crate) fn is_function_word(folded: &str) -> bool {
    FUNCTION_WORDS.contains(&folded)
}

/// French and English words that carry no claim of their own, folded.
const FUNCTION_WORDS: &[&str] = &[
    "a", "about", "an", "and", "are", "as", "at", "au", "aux", "avec", "be", "been", "but", "by",
    "can", "ce", "cela", "ces", "cet", "cette", "ceux", "comme", "could", "dans", "de", "des",
    "did", "do", "does", "donc", "du", "elle", "elles", "en", "est", "et", "ete", "etre", "for",
    "from", "had", "has", "have", "he", "her", "his", "how", "il", "ils", "in", "into", "is", "it",
    "its", "je", "la", "le", "les", "leur", "leurs", "mais", "me", "my", "ne", "no", "non", "not",
    "nous", "of", "on", "ont", "or", "ou", "our", "oui", "par", "pas", "plus", "pour", "qu", "que",
    "quel", "quelle", "quelles", "quels", "qui", "sa", "se", "ses", "she", "si", "so", "some",
    "son", "sont", "sur", "tes", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "to", "tu", "un", "une", "vous", "was", "we", "were", "what", "when", "where", "which",
    "who", "why", "will", "with", "would", "y", "yes", "you", "your", "suis", "es", "am",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.key).collect()
    }

    #[test]
    fn case_accents_endings_and_function_words_do_not_count() {
        assert_eq!(in_order("Les \u{c9}l\u{e8}ves de l'\u{e9}cole"), in_order("eleve ecole"));
        assert_eq!(in_order("the founding of it"), in_order("founded"));
    }

    #[test]
    fn numbers_are_compared_by_their_digits() {
        assert_eq!(in_order("10h30"), in_order("10 h 30"));
        assert_eq!(in_order("10\u{a0}h\u{a0}30"), ["10", "30"]);
        for written in ["1200", "1,200", "1 200", "1\u{202f}200"] {
            assert_eq!(in_order(written), ["1200"], "{written}");
        }
        assert_eq!(in_order("E21"), ["21", "e21"]);
    }

    #[test]
    fn what_is_written_without_spaces_is_compared_in_grams() {
        assert_eq!(in_order("\u{6771}\u{4eac}\u{90fd}"), ["\u{6771}\u{4eac}", "\u{4eac}\u{90fd}"]);
        assert_eq!(in_order("\u{6771} 15"), ["\u{6771}", "15"]);
        // three letters of Thai, tone marks among them; single letters would stand in any sentence
        assert_eq!(in_order("\u{e2b}\u{e49}\u{e2d}\u{e07}").len(), 2);
    }

    #[test]
    fn powers_are_numbers_of_their_own() {
        for written in ["10\u{2074}", "10^4", "10**4"] {
            assert_eq!(in_order(written), ["10", "4"], "{written}");
        }
        assert_eq!(in_order("co\u{ad}op\u{200b}erate"), in_order("cooperate"));
    }

    #[test]
    fn numbers_and_names_are_told_apart() {
        let found = words("In 1995 the lab moved to Lyon");
        let kind = |key: &str| found.iter().find(|word| word.key == key).map(|word| word.kind);
        assert_eq!(kind("1995"), Some(WordKind::Number));
        assert_eq!(kind("lyon"), Some(WordKind::Name));
        assert_eq!(kind("lab"), Some(WordKind::Other));
    }
}
