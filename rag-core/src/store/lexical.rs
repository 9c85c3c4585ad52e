//! Words: what is put into the full-text index, and how a question is asked of it.
//!
//! The index holds folded words (no accents, no case, ligatures written out), stemmed by Snowball (Porter 2001)
//! if the document is French or English. A question's language need not be known: each of its words is looked
//! for as it is and by both stems. Words with digits near them, such as parts of `CVE-2024-1234`, are never
//! stemmed, and such a code is also looked for as a phrase. Chinese and Japanese are cut into pairs of letters.

use std::collections::{BTreeSet, HashMap};

use rust_stemmers::{Algorithm, Stemmer};
use unicode_normalization::UnicodeNormalization;

/// Most different words of a question that are looked for; the rest is ignored.
const MAX_TERMS: usize = 64;
/// Letters of a word that count.
const MAX_WORD_CHARS: usize = 64;

/// Words so common in French or English that they are left out of a question with other words. None of them
/// is a word of weight in the other language.
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

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    folded: String,
    /// Whether it may be stemmed.
    plain: bool,
    /// The stretch without white space it stands in.
    stretch: usize,
}

/// Makes the texts to index for the passages of a document in one language.
pub(super) struct Indexer {
    stemmer: Option<Stemmer>,
    /// Stems met so far: a document says few different words, and most of them often.
    stems: HashMap<String, String>,
}

impl Indexer {
    pub(super) fn new(lang: Option<&str>) -> Self {
        Self { stemmer: stemmer(lang), stems: HashMap::new() }
    }

    /// The text to index for a passage: its heading path and text as folded words, stemmed if the language is French or
    /// English.
    pub(super) fn text(&mut self, heading: Option<&str>, text: &str) -> String {
        let mut indexed = String::with_capacity(text.len());
        for part in heading.into_iter().chain([text]) {
            for word in words(part) {
                if !indexed.is_empty() {
                    indexed.push(' ');
                }
                match &self.stemmer {
                    Some(stemmer) if can_stem(&word) => {
                        let stem = self.stems.entry(word.folded);
                        let stem = stem.or_insert_with_key(|word| stemmer.stem(word).into_owned());
                        indexed.push_str(stem);
                    }
                    _ => indexed.push_str(&word.folded),
                }
            }
        }
        indexed
    }
}

/// As [`Indexer::text`], for one passage.
pub(super) fn index_text(heading: Option<&str>, text: &str, lang: Option<&str>) -> String {
    Indexer::new(lang).text(heading, text)
}

/// Something to look for: a word in any of its forms, or a phrase of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// The forms of each word that must stand at its place.
    pub(super) parts: Vec<Vec<String>>,
    /// How often the question says it.
    pub(super) count: usize,
}

/// What a question looks for: each of its words, as it is and by both stems, and its codes as phrases.
///
/// Words that are common in French or English are left out unless there are no others.
pub(super) fn terms(question: &str) -> Vec<Term> {
    let all = words(question);
    let common = |word: &Word| COMMON.binary_search(&word.folded.as_str()).is_ok();
    let only_common = all.iter().all(common);
    let (french, english) =
        (Stemmer::create(Algorithm::French), Stemmer::create(Algorithm::English));
    let mut terms: Vec<Term> = Vec::new();
    let mut numbers: HashMap<Vec<Vec<String>>, usize> = HashMap::new();
    let mut add = |parts: Vec<Vec<String>>| match numbers.get(&parts) {
        Some(number) => terms[*number].count += 1,
        None if terms.len() < MAX_TERMS => {
            numbers.insert(parts.clone(), terms.len());
            terms.push(Term { parts, count: 1 });
        }
        None => {}
    };
    for word in all.iter().filter(|word| only_common || !common(word)) {
        let mut forms = BTreeSet::from([word.folded.clone()]);
        if can_stem(word) {
            forms.insert(french.stem(&word.folded).into_owned());
            forms.insert(english.stem(&word.folded).into_owned());
        }
        add(vec![forms.into_iter().collect()]);
    }
    phrases(&all).into_iter().for_each(&mut add);
    terms
}

/// Codes such as `CVE-2024-1234`, as the phrases they are indexed as.
fn phrases(words: &[Word]) -> Vec<Vec<Vec<String>>> {
    let codes = words.chunk_by(|a, b| a.stretch == b.stretch);
    let is_code = |code: &&[Word]| code.len() > 1 && code.len() <= 8 && !code[0].plain;
    codes
        .filter(is_code)
        .map(|code| code.iter().map(|word| vec![word.folded.clone()]).collect())
        .collect()
}

/// Snowball's stemmers are made for Latin letters; nothing else is given to them.
fn can_stem(word: &Word) -> bool {
    word.plain && word.folded.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn stemmer(lang: Option<&str>) -> Option<Stemmer> {
    match lang?.get(..2)? {
        "fr" => Some(Stemmer::create(Algorithm::French)),
        "en" => Some(Stemmer::create(Algorithm::English)),
        _ => None,
    }
}

/// The words of a text. An elided article (`l'`, `d'`, `qu'`) or a lone letter beside an apostrophe is none.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for (stretch, raw) in text.split_whitespace().enumerate() {
        let folded = fold(raw);
        let plain = !folded.bytes().any(|byte| byte.is_ascii_digit());
        let mut rest = folded.as_str();
        let mut after_apostrophe = false;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
            let (part, tail) = rest.split_at(end);
            let before_apostrophe = tail.starts_with(is_apostrophe);
            let elided = (before_apostrophe && (is_letter(part) || part == "qu"))
                || (after_apostrophe && is_letter(part));
            if !part.is_empty() && !elided {
                push_part(part, plain, stretch, &mut words);
            }
            after_apostrophe = before_apostrophe;
            rest = tail.get(tail.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
    words
}

/// Adds a run of letters and digits: whole, or in pairs where the script has no spaces.
fn push_part(part: &str, plain: bool, stretch: usize, words: &mut Vec<Word>) {
    let mut push = |folded: String| words.push(Word { folded, plain, stretch });
    if part.is_ascii() {
        return push(part.get(..MAX_WORD_CHARS).unwrap_or(part).to_owned());
    }
    let chars: Vec<char> = part.chars().collect();
    for run in chars.chunk_by(|a, b| is_unspaced(*a) == is_unspaced(*b)) {
        if is_unspaced(run[0]) && run.len() > 1 {
            run.windows(2).for_each(|pair| push(pair.iter().collect()));
        } else {
            push(run.iter().take(MAX_WORD_CHARS).collect());
        }
    }
}

/// Lower case without accents, compatibility forms and ligatures written out.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc() {
        for c in c.to_lowercase() {
            match c {
                '\u{153}' => folded.push_str("oe"),
                '\u{e6}' => folded.push_str("ae"),
                '\u{df}' => folded.push_str("ss"),
                '\u{300}'..='\u{36f}' => {}
                _ => folded.push(c),
            }
        }
    }
    folded
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2bc}')
}

fn is_letter(part: &str) -> bool {
    part.len() == 1
}

/// Letters of scripts written without spaces between words.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{2fa1f}')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;
    use crate::store::{LexicalOptions, bm25, schema};

    fn index(passages: &[(&str, Option<&str>)]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(schema::LEXICAL).unwrap();
        connection.execute_batch(bm25::WORDS).unwrap();
        for (id, (text, lang)) in (1i64..).zip(passages) {
            let body = index_text(None, text, *lang);
            connection
                .execute("INSERT INTO lexical(rowid, body) VALUES(?1, ?2)", (id, body))
                .unwrap();
        }
        connection
    }

    fn found(connection: &Connection, question: &str) -> Vec<i64> {
        bm25::search(connection, question, 10, &LexicalOptions::default())
            .unwrap()
            .into_iter()
            .map(|hit| hit.0)
            .collect()
    }

    #[test]
    fn common_words_are_sorted_for_the_search() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn accents_ligatures_and_endings_do_not_matter() {
        let connection = index(&[
            ("L'\u{153}uvre d\u{2019}un ma\u{ee}tre", Some("fr")),
            ("Les \u{e9}l\u{e8}ves \u{e9}tudiaient l\u{2019}histoire", Some("fr")),
            ("The dogs were running", Some("en")),
            ("Straßenbahn fahren", None),
        ]);
        assert_eq!(found(&connection, "oeuvres"), [1]);
        assert_eq!(found(&connection, "\u{152}UVRE"), [1]);
        assert_eq!(found(&connection, "eleve"), [2]);
        assert_eq!(found(&connection, "e\u{301}le\u{300}ve"), [2]);
        assert_eq!(found(&connection, "l'histoire"), [2]);
        assert_eq!(found(&connection, "\u{e9}tudier l'histoire d'un ma\u{ee}tre"), [2, 1]);
        assert_eq!(found(&connection, "run dog"), [3]);
        assert_eq!(found(&connection, "strassenbahn"), [4]);
        assert_eq!(found(&connection, "absent"), [0i64; 0]);
    }

    #[test]
    fn codes_are_found_by_their_parts_and_best_as_a_whole() {
        let connection = index(&[
            ("2024 brought 1234 fixes and one CVE", Some("en")),
            ("see CVE-2024-1234 for the notes", Some("en")),
            ("written in C++ and c#", Some("en")),
        ]);
        assert_eq!(found(&connection, "CVE-2024-1234"), [2, 1]);
        assert_eq!(found(&connection, "c++"), [3]);
    }

    #[test]
    fn japanese_is_found_by_pairs() {
        let connection = index(&[
            ("\u{6771}\u{4eac}\u{90fd}\u{306b}\u{4f4f}\u{3080}", None),
            ("\u{4eac}\u{90fd}", None),
        ]);
        assert_eq!(found(&connection, "\u{6771}\u{4eac}"), [1]);
    }

    #[test]
    fn common_words_count_only_when_alone() {
        let connection = index(&[("the bridge", Some("en")), ("the the the river", Some("en"))]);
        assert_eq!(found(&connection, "what is the bridge"), [1]);
        assert_eq!(found(&connection, "the"), [2, 1]);
        assert_eq!(found(&connection, "  \0?!  "), [0i64; 0]);
    }

    #[test]
    fn long_questions_are_cut() {
        let connection = index(&[("word", None)]);
        let long: String = (0..200_000).map(|n| format!("w{n} ")).collect();
        assert_eq!(found(&connection, &long), [0i64; 0]);
        assert_eq!(found(&connection, &"x".repeat(1_000_000)), [0i64; 0]);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 2000,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(1),
            ..ProptestConfig::default()
        })]

        #[test]
        fn any_question_is_safe_and_finds_its_own_text(question in any::<String>(), filler in "[a-z ]{0,40}") {
            let connection = index(&[(&question, Some("fr")), (&filler, None)]);
            let hits = found(&connection, &question);
            let counts = |word: &Word| {
                word.folded.is_ascii() && COMMON.binary_search(&word.folded.as_str()).is_err()
            };
            let has_ascii_word = words(&question).iter().any(counts);
            if has_ascii_word {
                prop_assert!(hits.contains(&1), "{question:?}");
            }
        }

        #[test]
        fn query_syntax_is_only_text(question in r#"[ANDORTE"'()*:^{}+\-a-c\x00 ]{0,30}"#) {
            let connection = index(&[(&question, Some("en"))]);
            let hits = found(&connection, &question);
            prop_assert_eq!(hits.is_empty(), words(&question).is_empty(), "{:?}", question);
        }
    }
}
