//! Words: what is put into the full-text index, and how a question is asked of it.
//!
//! The index holds folded words (no accents, no case, ligatures written out), stemmed by Snowball
//! (Porter 2001) if the document is French or English. A question's language need not be known:
//! each of its words is looked for as it is and by both stems, and where no stem was written, in
//! the forms that [`super::forms`] knows. Words with digits near them, such as parts of
//! `CVE-2024-1234`, are never stemmed, and such a code is also looked for as a phrase. Chinese and
//! Japanese are cut into pairs of letters, Thai, Lao, Khmer and Burmese into threes.

use std::collections::{BTreeSet, HashMap};

use rust_stemmers::{Algorithm, Stemmer};

pub(crate) use super::common::Common;
use super::common::{is_common, is_grammar};
use super::forms::{Phrase, WordForms};
use super::measure;
use super::visible::visible;
use crate::dates::{Date, Moment, moments};
use crate::fold::fold;

/// Most different words of a question that are looked for: the rarest ones.
pub(crate) const MAX_TERMS: usize = 64;
/// Most different words of a question that are read.
const MAX_READ: usize = 512;
/// Most dates of a question that are looked for in all their spellings.
const MAX_DATES: usize = 4;
/// Bytes of a question that are looked through for dates.
const MAX_DATED_BYTES: usize = 4096;
/// Letters of a word that count.
const MAX_WORD_CHARS: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    folded: String,
    /// Whether it may be stemmed.
    plain: bool,
    /// The stretch without white space it stands in.
    stretch: usize,
    /// Whether it is no word but so many letters in a row of a script without spaces.
    gram: bool,
}

/// How the words of a file are cut. What was written one way is never looked at the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// Only Chinese and Japanese are cut into grams: files of before.
    Pairs,
    /// Thai, Lao, Khmer and Burmese too; and words are what one sees of them ([`visible`]).
    Grams,
}

/// Makes the texts to index for the passages of a document in one language.
pub(super) struct Indexer {
    stemmer: Option<Stemmer>,
    cut: Cut,
    /// Stems met so far: a document says few different words, and most of them often.
    stems: HashMap<String, String>,
}

impl Indexer {
    pub(super) fn new(lang: Option<&str>, cut: Cut) -> Self {
        Self { stemmer: stemmer(lang), cut, stems: HashMap::new() }
    }

    /// The text to index for a passage: its heading path and text as folded words, stemmed if the
    /// language is French or English.
    pub(super) fn text(&mut self, heading: Option<&str>, text: &str) -> String {
        let mut indexed = String::with_capacity(text.len());
        for part in heading.into_iter().chain([text]) {
            for word in words(part, self.cut) {
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
pub(super) fn index_text(
    heading: Option<&str>,
    text: &str,
    lang: Option<&str>,
    cut: Cut,
) -> String {
    Indexer::new(lang, cut).text(heading, text)
}

/// Something to look for: a word in any of its forms, or a phrase of words.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    /// The forms of each word that must stand at its place.
    pub(super) parts: Phrase,
    /// Other ways to write it: `5 km` for `5km`, `3 mars 2024` for a word of `2024-03-03`.
    pub(super) also: Vec<Phrase>,
    /// How often the question says it.
    pub(super) count: usize,
    /// Other words of the index that are it too.
    pub(super) kin: Option<WordForms>,
    /// How much of a word it is: less for three letters of Thai.
    pub(super) share: f32,
    /// How much it takes of the room for [`MAX_TERMS`] words.
    pub(super) room: f32,
}

/// What a question looks for: each of its words, as it is, by both stems and in its forms, and its
/// codes as phrases.
///
/// Words that are common in its language are left out unless there are no others.
pub(super) fn terms(question: &str) -> Vec<Term> {
    let all = words(question, Cut::Grams);
    let folded: Vec<&str> = all.iter().map(|word| word.folded.as_str()).collect();
    let spoken = Common::of(&folded);
    let common = |word: &Word| {
        is_common(&word.folded)
            || spoken.holds(&word.folded)
            || (word.gram && is_grammar(&word.folded))
    };
    let only_common = all.iter().all(common);
    let (french, english) =
        (Stemmer::create(Algorithm::French), Stemmer::create(Algorithm::English));
    let dates = dates(question);
    let mut terms = Terms::default();
    for (place, word) in all.iter().enumerate() {
        if !only_common && common(word) {
            continue;
        }
        let mut forms = BTreeSet::from([word.folded.clone()]);
        forms.extend(measure::joined(&folded, place));
        if can_stem(word) {
            forms.insert(french.stem(&word.folded).into_owned());
            forms.insert(english.stem(&word.folded).into_owned());
        }
        let inflects = word.plain && !word.gram && !(word.folded.is_ascii() && spoken.is_stemmed());
        let kin = if inflects { WordForms::of(&word.folded) } else { None };
        let parts = vec![forms.into_iter().collect()];
        let mut also: Vec<Phrase> = measure::apart(&word.folded).into_iter().collect();
        also.extend(dates.iter().flat_map(|date| date.also(&word.folded)).cloned());
        terms.add(Term { parts, also, count: 1, kin, share: word.share(), room: word.room() });
    }
    for parts in phrases(&all) {
        let of_parts = |date: &&AskedDate| parts.iter().all(|forms| date.holds(&forms[0]));
        let also = dates.iter().find(of_parts).map(|date| date.spellings.clone());
        let also = also.unwrap_or_default();
        terms.add(Term { parts, also, count: 1, kin: None, share: 1.0, room: 1.0 });
    }
    terms.list
}

/// Each word of a text, common ones too, with the forms it may be written in.
pub(super) fn word_forms(text: &str) -> Vec<Vec<String>> {
    let stemmers = [Algorithm::French, Algorithm::English].map(Stemmer::create);
    let forms = |word: &Word| {
        let mut forms = BTreeSet::from([word.folded.clone()]);
        if can_stem(word) {
            forms.extend(stemmers.iter().map(|stemmer| stemmer.stem(&word.folded).into_owned()));
        }
        forms.into_iter().collect()
    };
    words(text, Cut::Grams).iter().take(MAX_READ).map(forms).collect()
}

/// How many different words a question looks for, were there no limit.
pub(crate) fn word_count(question: &str) -> usize {
    let all = words(question, Cut::Grams);
    let mut different: HashMap<&str, f32> = HashMap::new();
    for word in all.iter().filter(|word| !is_common(&word.folded)) {
        different.insert(&word.folded, word.room());
    }
    different.values().sum::<f32>().ceil() as usize
}

/// The languages that a text may be in, as far as its common words tell.
pub(crate) fn spoken(text: &str) -> Common {
    let all = words(text, Cut::Grams);
    let folded: Vec<&str> = all.iter().map(|word| word.folded.as_str()).collect();
    Common::of(&folded)
}

/// Terms in the order of the question, each once.
#[derive(Default)]
struct Terms {
    list: Vec<Term>,
    numbers: HashMap<Vec<Vec<String>>, usize>,
}

impl Terms {
    fn add(&mut self, term: Term) {
        match self.numbers.get(&term.parts) {
            Some(number) => self.list[*number].count += 1,
            None if self.list.len() < MAX_READ => {
                self.numbers.insert(term.parts.clone(), self.list.len());
                self.list.push(term);
            }
            None => {}
        }
    }
}

impl Word {
    /// How many words it makes of the share of a question that is asked of a passage. Many grams
    /// straddle two words, and few passages hold them: measured on Thai and Chinese questions so
    /// that a passage that answers holds the same share of them as of English words.
    fn share(&self) -> f32 {
        match self.gram_len() {
            Some(3) => 1.0 / 6.0,
            Some(_) => 1.25,
            None => 1.0,
        }
    }

    /// How many words it stands for, as letters go: two to a word in Chinese, four in Thai.
    fn room(&self) -> f32 {
        match self.gram_len() {
            Some(3) => 0.25,
            Some(_) => 0.5,
            None => 1.0,
        }
    }

    fn gram_len(&self) -> Option<usize> {
        self.folded.chars().next().filter(|_| self.gram).and_then(gram_len)
    }
}

/// A full date of a question.
struct AskedDate {
    /// The words it is asked with.
    words: Vec<String>,
    /// All that it may be written as.
    spellings: Vec<Phrase>,
}

impl AskedDate {
    fn holds(&self, word: &str) -> bool {
        self.words.iter().any(|held| held == word)
    }

    /// The spellings, where `word` is its day or its month: its year stands in all of them.
    fn also(&self, word: &str) -> &[Phrase] {
        if word.len() != 4 && self.holds(word) { &self.spellings } else { &[] }
    }
}

/// Each full date that a question says.
fn dates(question: &str) -> Vec<AskedDate> {
    let question =
        question.get(..question.floor_char_boundary(MAX_DATED_BYTES)).unwrap_or_default();
    let written = moments(question).into_iter().filter_map(|(range, moment)| match moment {
        Moment::Date(date, other) => Some((range, [Some(date), other])),
        Moment::Time(..) => None,
    });
    let asked = written.take(MAX_DATES).map(|(range, dates)| {
        // both where day and month cannot be told apart
        let dates = dates.iter().flatten().flat_map(Date::spellings);
        let spellings = dates.collect::<BTreeSet<_>>();
        let said = words(question.get(range).unwrap_or_default(), Cut::Grams);
        AskedDate {
            words: said.into_iter().map(|word| word.folded).collect(),
            spellings: spellings.iter().map(|spelling| word_forms(spelling)).collect(),
        }
    });
    asked.filter(|date| !date.spellings.is_empty()).collect()
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

/// Whether the words of a document in this language are indexed by their stems.
pub(super) fn is_stemmed(lang: Option<&str>) -> bool {
    stemmer(lang).is_some()
}

fn stemmer(lang: Option<&str>) -> Option<Stemmer> {
    match lang?.get(..2)? {
        "fr" => Some(Stemmer::create(Algorithm::French)),
        "en" => Some(Stemmer::create(Algorithm::English)),
        _ => None,
    }
}

/// The words of a text. An elided article (`l'`, `d'`, `qu'`) or a lone letter beside an apostrophe
/// is none.
fn words(text: &str, cut: Cut) -> Vec<Word> {
    let shown = if cut == Cut::Grams { visible(text) } else { text.into() };
    let mut words = Vec::new();
    for (stretch, raw) in shown.split_whitespace().enumerate() {
        let folded = fold(raw);
        let plain = !folded.bytes().any(|byte| byte.is_ascii_digit());
        let mut rest = folded.as_str();
        let mut after_apostrophe = false;
        while !rest.is_empty() {
            let end = rest.find(|c| !is_word_char(c, cut)).unwrap_or(rest.len());
            let (part, tail) = rest.split_at(end);
            let before_apostrophe = tail.starts_with(is_apostrophe);
            let elided = (before_apostrophe && (is_letter(part) || part == "qu"))
                || (after_apostrophe && is_letter(part));
            if !part.is_empty() && !elided {
                let mut push = |folded, gram| words.push(Word { folded, plain, stretch, gram });
                push_part(part, cut, &mut push);
            }
            after_apostrophe = before_apostrophe;
            rest = tail.get(tail.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
    }
    words
}

/// Tone marks stand inside a word of Thai.
fn is_word_char(c: char, cut: Cut) -> bool {
    c.is_alphanumeric() || cut_len(c, cut) == Some(3)
}

/// Adds a run of letters and digits: whole, or in grams where the script has no spaces; `push` is
/// told which.
fn push_part(part: &str, cut: Cut, push: &mut impl FnMut(String, bool)) {
    if part.is_ascii() {
        return push(part.get(..MAX_WORD_CHARS).unwrap_or(part).to_owned(), false);
    }
    let chars: Vec<char> = part.chars().collect();
    for run in chars.chunk_by(|a, b| cut_len(*a, cut) == cut_len(*b, cut)) {
        match cut_len(run[0], cut) {
            Some(len) if run.len() > len => {
                run.windows(len).for_each(|gram| push(gram.iter().collect(), true));
            }
            len => push(run.iter().take(MAX_WORD_CHARS).collect(), len.is_some()),
        }
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2bc}')
}

fn is_letter(part: &str) -> bool {
    part.len() == 1
}

/// How many letters in a row stand for a word in a script that is written without spaces between
/// words; none in others.
pub(crate) fn gram_len(c: char) -> Option<usize> {
    match c {
        '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{2fa1f}' => Some(2),
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}' => Some(3),
        _ => None,
    }
}

/// As [`gram_len`], for a file that is cut so.
fn cut_len(c: char, cut: Cut) -> Option<usize> {
    gram_len(c).filter(|len| *len == 2 || cut == Cut::Grams)
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
        schema::create(&connection).unwrap();
        connection.execute_batch(bm25::WORDS).unwrap();
        for (id, (text, lang)) in (1i64..).zip(passages) {
            let body = index_text(None, text, *lang, Cut::Grams);
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
    fn what_nobody_sees_does_not_matter_and_powers_are_no_digits() {
        let connection = index(&[
            ("the co\u{ad}opera\u{200b}tive", Some("en")),
            ("below 10\u{2074} per m\u{b2}", None),
            ("room 104, plot 10 and 4", None),
        ]);
        assert_eq!(found(&connection, "cooperative"), [1]);
        assert_eq!(found(&connection, "coop\u{2060}erative"), [1]);
        assert_eq!(found(&connection, "104"), [3]);
        for power in ["10^4", "10\u{2074}", "10**4"] {
            assert_eq!(found(&connection, power)[0], 2, "{power}");
        }
        assert_eq!(found(&connection, "m2"), [2]);
        assert_eq!(index_text(None, "below 10\u{2074}", None, Cut::Pairs), "below 104");
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
    fn measures_and_dates_are_found_however_they_are_written() {
        let connection = index(&[
            ("anchored 5km off the coast", Some("en")),
            ("anchored 5 km off the coast", Some("en")),
            ("5 buoys and a rope of 7 km", Some("en")),
            ("Signed on 2024-03-05.", Some("en")),
            ("Sign\u{e9} le 5 mars 2024.", Some("fr")),
            ("Signed on March 5, 2024.", Some("en")),
            ("Signed 05/03/2024.", None),
            ("Signed on 5 June 2024, revised in March.", Some("en")),
        ]);
        let first = |question: &str, count: usize| {
            let mut best = found(&connection, question);
            best.truncate(count);
            best.sort_unstable();
            best
        };
        for question in ["5km", "5 km"] {
            assert_eq!(first(question, 2), [1, 2], "{question}");
        }
        for question in
            ["signed 2024-03-05", "signed on 5 March 2024", "5 mars 2024", "the 5th of March 2024"]
        {
            assert_eq!(first(question, 4), [4, 5, 6, 7], "{question}");
        }
        // day and month change places where nothing tells them apart
        assert!(first("signed 03/05/2024", 4).contains(&7));
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
    fn thai_is_found_inside_a_run_without_spaces() {
        let text = "\u{e2b}\u{e49}\u{e2d}\u{e07}\u{e2a}\u{e21}\u{e38}\u{e14}";
        let connection = index(&[
            (&format!("\u{e40}\u{e1b}\u{e34}\u{e14}{text}\u{e17}\u{e38}\u{e01}"), None),
            ("\u{e1b}\u{e34}\u{e14}", None),
        ]);
        assert_eq!(found(&connection, text), [1]);
        // a file of before keeps what it wrote
        assert_eq!(index_text(None, text, None, Cut::Pairs).split(' ').count(), 2);
    }

    #[test]
    fn forms_are_found_where_no_stem_was_written() {
        let connection = index(&[
            ("연체료는 하루에 이백 원이며", None),
            ("회원은 책을 빌릴 수 있습니다", None),
            ("Die Mahngeb\u{fc}hren betragen zwanzig Cent", Some("de")),
            ("المكتبة مفتوحة يوم الاحد", None),
        ]);
        assert_eq!(found(&connection, "연체료"), [1]);
        assert_eq!(found(&connection, "연체료가 얼마예요?"), [1]);
        assert_eq!(found(&connection, "Wie hoch ist die Mahngeb\u{fc}hr?"), [3]);
        assert_eq!(found(&connection, "مكتبة"), [4]);
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
            let all = words(&question, Cut::Grams);
            let folded: Vec<&str> = all.iter().map(|word| word.folded.as_str()).collect();
            let spoken = Common::of(&folded);
            let counts = |word: &Word| {
                word.folded.is_ascii() && !is_common(&word.folded) && !spoken.holds(&word.folded)
            };
            let has_ascii_word = all.iter().any(counts);
            if has_ascii_word {
                prop_assert!(hits.contains(&1), "{question:?}");
            }
        }

        #[test]
        fn query_syntax_is_only_text(question in r#"[ANDORTE"'()*:^{}+\-a-c\x00 ]{0,30}"#) {
            let connection = index(&[(&question, Some("en"))]);
            let hits = found(&connection, &question);
            prop_assert_eq!(hits.is_empty(), words(&question, Cut::Grams).is_empty(), "{:?}", question);
        }
    }
}
