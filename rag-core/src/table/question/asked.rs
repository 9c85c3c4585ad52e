//! The words of a question, and what each of them was found to say.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};
use unicode_segmentation::UnicodeSegmentation;

use super::vocabulary::{MERGED, PERIODS, SCALES, SYNONYMS, YES_OR_NO};
use crate::fold::fold;
use crate::words;

/// Stems of both languages, and the word that stands for each synonym.
pub(super) struct Stems {
    stemmers: [Stemmer; 2],
    synonyms: HashMap<String, String>,
}

impl Stems {
    pub(super) fn new() -> Self {
        let stemmers = [Algorithm::English, Algorithm::French].map(Stemmer::create);
        let mut synonyms = HashMap::new();
        // a word itself comes before what another is stemmed to
        for is_stem in [false, true] {
            for group in SYNONYMS {
                let first = group.split('|').next().unwrap_or_default();
                let first = words::key(first, &stemmers);
                for word in group.split('|') {
                    let key = if is_stem { words::key(word, &stemmers) } else { word.to_owned() };
                    synonyms.entry(key).or_insert_with(|| first.clone());
                }
            }
        }
        Self { stemmers, synonyms }
    }

    /// What a word is compared by: its stem, or that of the word that stands for its synonyms.
    pub(super) fn key(&self, folded: &str) -> String {
        let stem = self.stem(folded);
        let known = self.synonyms.get(folded).or_else(|| self.synonyms.get(&stem));
        known.cloned().unwrap_or(stem)
    }

    /// The stem of a word alone.
    pub(super) fn stem(&self, folded: &str) -> String {
        words::key(folded, &self.stemmers)
    }

    /// The stems of the words of a name.
    pub(super) fn stems_of(&self, name: &str) -> Vec<String> {
        pieces(name).into_iter().map(|word| self.stem(&fold(word))).collect()
    }

    /// The keys of the telling words of a name, such as that of a column: without what stands in
    /// brackets, with `unit_price` and `unitPrice` as two words.
    pub(super) fn keys_of(&self, name: &str) -> Vec<String> {
        let outside = without_brackets(name);
        let bare = outside.as_str();
        let scale = SCALES.iter().filter_map(|scale| bare.find(scale)).min();
        let bare = scale.map_or(bare, |at| bare.get(..at).unwrap_or(bare));
        let bare = if bare.trim().is_empty() { name } else { bare };
        let mut spaced = String::with_capacity(bare.len() + 8);
        let mut before = ' ';
        for c in bare.chars() {
            if c.is_uppercase() && before.is_lowercase() {
                spaced.push(' ');
            }
            spaced.push(if c == '_' { ' ' } else { c });
            before = c;
        }
        let pieces = pieces(&spaced).into_iter().map(fold);
        let mut keys: Vec<String> = pieces
            .filter(|word| !words::is_function_word(word))
            .map(|word| self.key(&word))
            .collect();
        keys.sort();
        keys.dedup();
        keys
    }
}

/// A name without what stands in brackets.
fn without_brackets(name: &str) -> String {
    let mut depth = 0_usize;
    let kept = name.chars().filter(|c| {
        let was_inside = depth > 0;
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        !was_inside && depth == 0 && !matches!(c, ')' | ']')
    });
    kept.collect()
}

/// A word of the question.
#[derive(Debug, Clone)]
pub(super) struct AskedWord {
    /// As written.
    pub(super) text: String,
    pub(super) folded: String,
    pub(super) stem: String,
    pub(super) key: String,
    /// Whether it says something by itself.
    pub(super) is_telling: bool,
}

impl AskedWord {
    fn new(text: &str, stems: &Stems) -> Self {
        let folded = fold(text);
        Self {
            stem: stems.stem(&folded),
            key: stems.key(&folded),
            is_telling: !words::is_function_word(&folded),
            text: text.to_owned(),
            folded,
        }
    }
}

/// A question in words.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) tokens: Vec<AskedWord>,
}

impl Asked {
    pub(super) fn new(question: &str, stems: &Stems) -> Self {
        let token = |text: &str| AskedWord::new(text, stems);
        let mut asked = Self { tokens: pieces(question).into_iter().map(token).collect() };
        for at in 0..asked.tokens.len() {
            let merged = MERGED
                .iter()
                .find_map(|(phrase, word)| asked.phrase_at(at, phrase).map(|count| (count, *word)));
            if let Some((count, word)) = merged {
                asked.tokens.splice(at..at + count, [token(word)]);
            }
        }
        asked
    }

    /// The question with a half or quarter of a year as its first and last month, if it names one.
    pub(super) fn in_months(&self, stems: &Stems) -> Option<Self> {
        let period = |at: usize| {
            let named = |phrase: &str| self.phrase_at(at, phrase);
            PERIODS.iter().find_map(|(phrases, months)| {
                Some((at, phrases.split('|').find_map(named)?, months))
            })
        };
        let (at, count, months) = (0..self.tokens.len()).find_map(period)?;
        let mut tokens = self.tokens.clone();
        tokens.splice(at..at + count, months.iter().map(|month| AskedWord::new(month, stems)));
        Some(Self { tokens })
    }

    /// Whether it is of a kind that cells answer: not yes or no, not why or where.
    pub(super) fn may_ask_a_table(&self) -> bool {
        let is_where = self.tokens.first().is_some_and(|token| token.folded == "ou");
        let is_yes_or_no = YES_OR_NO.iter().any(|phrase| self.phrase_at(0, phrase).is_some());
        !self.tokens.is_empty() && !is_where && !is_yes_or_no
    }

    /// Whether two words of a title, or a figure of it, stand in the question.
    pub(super) fn says_two_of(&self, title: Option<&str>) -> bool {
        let words: Vec<String> = pieces(title.unwrap_or_default()).into_iter().map(fold).collect();
        let said =
            words.iter().filter(|word| self.tokens.iter().any(|token| token.folded == **word));
        let said: Vec<&String> = said.collect();
        said.len() > 1 || said.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit()))
    }

    /// Whether one of these phrases stands in it.
    pub(super) fn says<'a>(&self, mut phrases: impl Iterator<Item = &'a str>) -> bool {
        let stands =
            |phrase: &str| (0..self.tokens.len()).any(|at| self.phrase_at(at, phrase).is_some());
        phrases.any(stands)
    }

    /// How many words from `at` on are this phrase, if they are.
    pub(super) fn phrase_at(&self, at: usize, phrase: &str) -> Option<usize> {
        let mut count = 0;
        for word in phrase.split(' ') {
            if self.tokens.get(at + count)?.folded != word {
                return None;
            }
            count += 1;
        }
        Some(count)
    }
}

/// Words, numbers with their marks, and signs of units; what is elided stands alone.
pub(super) fn pieces(text: &str) -> Vec<&str> {
    let joined = |piece: &&str| {
        piece.chars().any(char::is_alphanumeric)
            || matches!(*piece, "%" | "$" | "\u{20ac}" | "\u{a3}")
    };
    text.split_word_bounds()
        .flat_map(|word| word.split(['\'', '\u{2019}', '-', '_']))
        .filter(joined)
        .map(|word| word.trim_end_matches(['.', ':']))
        .filter(|word| !word.is_empty())
        .collect()
}
