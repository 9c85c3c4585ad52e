//! Words that are so common in the language of a question that they say nothing of what it asks
//! for.
//!
//! French and English ones are always left out, as their endings are always looked for. Those of
//! another language are left out of a question that is in it: told by which list holds most of its
//! words, so that it need not be right, only consistent. The lists are Snowball's as NLTK hands
//! them on, question words added, which they lack.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::fold::fold;

/// Words so common in French or English that they are left out of a question with other words. None
/// of them is a word of weight in the other language.
const COMMON: &[&str] = &[
    "a",
    "about",
    "afin",
    "ainsi",
    "alors",
    "also",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "au",
    "aussi",
    "aux",
    "avaient",
    "avait",
    "avec",
    "avoir",
    "be",
    "because",
    "been",
    "before",
    "being",
    "between",
    "both",
    "by",
    "can",
    "ce",
    "ces",
    "cet",
    "cette",
    "combien",
    "comment",
    "could",
    "dans",
    "de",
    "des",
    "did",
    "do",
    "does",
    "doit",
    "donc",
    "dont",
    "du",
    "during",
    "each",
    "elle",
    "elles",
    "entre",
    "est",
    "et",
    "etaient",
    "etait",
    "ete",
    "etre",
    "eux",
    "for",
    "from",
    "furent",
    "fut",
    "had",
    "has",
    "have",
    "having",
    "he",
    "her",
    "him",
    "his",
    "how",
    "i",
    "if",
    "il",
    "ils",
    "in",
    "into",
    "is",
    "it",
    "its",
    "la",
    "laquelle",
    "le",
    "lequel",
    "les",
    "lesquelles",
    "lesquels",
    "leur",
    "leurs",
    "lui",
    "mais",
    "me",
    "meme",
    "might",
    "my",
    "ne",
    "no",
    "nos",
    "not",
    "notre",
    "nous",
    "of",
    "on",
    "only",
    "ont",
    "other",
    "ou",
    "our",
    "par",
    "pas",
    "peut",
    "peuvent",
    "pour",
    "pourquoi",
    "qu",
    "quand",
    "que",
    "quel",
    "quelle",
    "quelles",
    "quels",
    "qui",
    "quoi",
    "ses",
    "she",
    "should",
    "so",
    "some",
    "sont",
    "sous",
    "such",
    "sur",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "those",
    "through",
    "to",
    "tres",
    "tu",
    "un",
    "under",
    "une",
    "until",
    "us",
    "very",
    "vos",
    "votre",
    "vous",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whom",
    "whose",
    "why",
    "with",
    "would",
    "you",
    "your",
];

/// Languages with a list, by ISO 639-1; the first two are those whose stems are in the index.
const LANGUAGES: [&str; 54] = [
    "en", "fr", "ar", "az", "be", "bn", "ca", "da", "de", "el", "es", "eu", "fi", "he", "hu", "id",
    "it", "kk", "ne", "nl", "no", "pt", "ro", "ru", "sl", "sq", "sv", "ta", "tg", "tr", "uz", "hi",
    "ko", "pl", "cs", "uk", "vi", "af", "bg", "et", "fa", "ga", "gl", "gu", "hr", "hy", "lt", "lv",
    "mr", "ms", "sk", "sw", "tl", "ur",
];
/// Those of them that are stemmed in the index.
const STEMMED: u64 = 0b11;
const ENGLISH: u64 = 0b01;

/// What asks, and what is missing in the lists: a language a line, its code first.
const QUESTION_WORDS: &str = include_str!("question_words.txt");

/// For each listed word the languages that list it, a bit each.
static LISTED: LazyLock<HashMap<String, u64>> = LazyLock::new(|| {
    let mut listed: HashMap<String, u64> = HashMap::new();
    for (number, code) in LANGUAGES.iter().enumerate() {
        let known = stop_words::lookup(code).unwrap_or_default().iter().copied();
        let lines = QUESTION_WORDS.lines().map(str::split_whitespace);
        let asking = lines.filter(|words| words.clone().next() == Some(*code));
        for word in known.chain(asking.flat_map(|line| line.skip(1))) {
            *listed.entry(fold(word)).or_default() |= 1 << number;
        }
    }
    listed
});

/// Letters of Chinese and pairs of Japanese that make grammar, as they stand in the table.
static GRAMMAR: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let lines =
        QUESTION_WORDS.lines().filter(|line| line.starts_with("zh ") || line.starts_with("ja "));
    lines.flat_map(|line| line.split(' ').skip(1)).collect()
});

/// Whether a few letters in a row of a script without spaces hold grammar.
pub(super) fn is_grammar(gram: &str) -> bool {
    GRAMMAR.iter().any(|part| gram.contains(part))
}

/// Whether a folded word is common in French or English.
pub(super) fn is_common(word: &str) -> bool {
    COMMON.binary_search(&word).is_ok()
}

/// The languages that a text may be in, as far as its common words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Common {
    /// A bit for each.
    languages: u64,
    /// How many of the words are common in each of them.
    count: usize,
    /// Words of the text.
    word_count: usize,
}

/// Common words from which the language of a text is known; and one word in so many, where prose
/// has four.
const MIN_KNOWN: usize = 2;
const KNOWN_SHARE: usize = 10;
/// Common words from which that of a passage is.
const MIN_PROSE: usize = 4;
/// Words of a question in which one common word tells its language; in a longer one it is by chance
/// a word of another.
const SHORT_QUESTION: usize = 4;

impl Common {
    /// The languages of which most of these folded words are common; none if there is no common
    /// one.
    pub(super) fn of(words: &[&str]) -> Self {
        let mut counts = [0usize; LANGUAGES.len()];
        for word in words {
            let listed = LISTED.get(*word).copied().unwrap_or(0);
            for (language, count) in counts.iter_mut().enumerate() {
                *count += usize::from(listed >> language & 1 == 1);
            }
        }
        let most = counts.into_iter().max().unwrap_or(0);
        let best = counts.iter().enumerate().filter(|(_, count)| **count == most && most > 0);
        let languages = best.map(|(language, _)| 1 << language).sum();
        Self { languages, count: most, word_count: words.len() }
    }

    /// Whether the text may be in a language whose stems are in the index; then it is taken to be,
    /// unless all that tells is one word that other languages have too.
    pub(crate) fn is_stemmed(self) -> bool {
        self.languages & STEMMED != 0 && (self.count > 1 || self.languages & !STEMMED == 0)
    }

    /// Whether the text may be in English, and is not as likely in French.
    pub(crate) fn is_english(self) -> bool {
        self.languages & STEMMED == ENGLISH
    }

    /// Whether both are known to be in languages, and none that they share.
    pub(crate) fn differs(self, other: Self) -> bool {
        self.is_known() && other.is_known() && self.languages & other.languages == 0
    }

    /// Whether enough of the words are common to tell the language of a passage: rows of a table
    /// hold few, and a word of theirs is by chance a common one of another language.
    pub(crate) fn is_prose(self) -> bool {
        self.count >= MIN_PROSE
    }

    fn is_known(self) -> bool {
        self.count >= MIN_KNOWN && self.count * KNOWN_SHARE >= self.word_count
    }

    /// Whether a folded word is common in the language of the text, if that is none whose stems are
    /// in the index.
    pub(super) fn holds(self, word: &str) -> bool {
        let listed = LISTED.get(word).copied().unwrap_or(0);
        let tells = self.count >= MIN_KNOWN || self.word_count <= SHORT_QUESTION;
        tells && !self.is_stemmed() && listed & self.languages != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(question: &str) -> Vec<String> {
        let folded = fold(question);
        let words: Vec<&str> =
            folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let common = Common::of(&words);
        let kept = words.iter().filter(|word| !is_common(word) && !common.holds(word));
        kept.map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn common_words_are_sorted_for_the_search() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn what_asks_is_left_out_in_the_language_of_the_question() {
        for (question, telling) in [
            ("Wie hoch ist die Mahngeb\u{fc}hr?", "hoch mahngebuhr"),
            ("\u{bf}Cu\u{e1}l es la multa por retraso?", "multa retraso"),
            ("Кто руководит библиотекой?", "руководит библиотекои"),
            ("Wat is de boete voor te laat inleveren?", "boete laat inleveren"),
            ("Cine conduce biblioteca?", "conduce biblioteca"),
            ("K\u{fc}t\u{fc}phanenin m\u{fc}d\u{fc}r\u{fc} kim?", "kutuphanenin muduru"),
            ("연체료가 얼마예요?", "연체료가"),
        ] {
            let telling: Vec<&str> = telling.split(' ').collect();
            assert_eq!(left(question), telling, "{question}");
        }
    }

    #[test]
    fn french_and_english_questions_keep_what_they_kept() {
        for question in
            ["When did the war end?", "Qui dirige la biblioth\u{e8}que ?", "Is the die cast?"]
        {
            let folded = fold(question);
            let words: Vec<&str> = folded.split(' ').collect();
            assert!(Common::of(&words).is_stemmed(), "{question}");
        }
        // words of other languages stay in a question without any common word of those two
        assert!(!Common::of(&["mahngebuhr"]).is_stemmed());
    }
}
