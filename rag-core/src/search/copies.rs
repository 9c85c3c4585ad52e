//! Passages that say the same in the same words, as where a file lies in several folders, or in
//! nearly the same, as in two versions of it: one hit that names the others.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::Hit;
use super::fusion::Fused;
use super::hits::fill;
use crate::error::Result;
use crate::fold::fold;
use crate::options::search::Duplicates;
use crate::store::Store;

/// Fewest words of a passage that is taken for a copy: "Total: 5" says another thing in each file.
const MIN_WORDS: usize = 8;

/// Least resemblance of passages that are nearly the same: the share of their runs of
/// [`RUN`] words that both have (Broder 1997).
const MIN_RESEMBLANCE: f32 = 0.7;
const RUN: usize = 3;

/// Words that turn what is said into its opposite, folded.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "without", "cannot", "can't", "don't", "doesn't", "isn't", "aren't",
    "won't", "n't", "pas", "non", "jamais", "sans", "aucun", "aucune", "ni", "nicht", "kein",
    "keine", "nie", "ohne", "nunca", "sin", "nao", "sem", "mai", "senza", "niet", "geen", "inte",
    "ikke",
];

/// How alike two passages are that become one hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same words.
    Same,
    /// Nearly the same, with the same figures and names, and as many times "not".
    Near,
}

impl Likeness {
    /// What an option asks for; `None` where each passage is a hit.
    pub(super) fn of(duplicates: Option<Duplicates>) -> Option<Self> {
        match duplicates {
            Some(Duplicates::Fold) => Some(Self::Same),
            Some(Duplicates::Near) => Some(Self::Near),
            Some(Duplicates::Keep) | None => None,
        }
    }
}

/// A passage with the words of a hit that stands in another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HitCopy {
    /// The passage's number in its file.
    pub passage_id: i64,
    /// The document.
    pub uri: String,
    /// Which of several files asked as one it is of, from 0.
    #[serde(default, skip_serializing_if = "super::is_first")]
    pub store: usize,
}

/// The best `count` hits of `ranked`, copies of a better one left out and named with it. Copies
/// that rank far behind the last hit are not looked for.
pub(super) fn folded(
    stores: &[&Store],
    ranked: &[Fused],
    count: usize,
    likeness: Likeness,
) -> Result<Vec<Hit>> {
    let mut hits: Vec<Hit> = Vec::with_capacity(count.min(ranked.len()));
    let mut held = Held::default();
    for part in ranked.chunks(count.max(1)) {
        if hits.len() >= count {
            break;
        }
        for hit in fill(stores, part)? {
            let own = Said::of(hit.heading.as_deref(), &hit.text, likeness);
            match own.as_ref().and_then(|own| held.like(own)) {
                Some(place) => {
                    let Hit { passage_id, uri, store, .. } = hit;
                    hits[place].copies.push(HitCopy { passage_id, uri, store });
                }
                None if hits.len() < count => {
                    own.into_iter().for_each(|own| held.add(own, hits.len()));
                    hits.push(hit);
                }
                None => {}
            }
        }
    }
    Ok(hits)
}

/// What tells whether a text is nearly the same as another; made once, compared often.
#[derive(Debug)]
pub struct NearPrint(Option<Said>);

impl NearPrint {
    /// Of a text of fewer than eight words, which is no copy of anything.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self(Said::of(None, text, Likeness::Near))
    }

    fn is_like(&self, other: &Self) -> bool {
        self.0.as_ref().zip(other.0.as_ref()).is_some_and(|(a, b)| a.is_like(b))
    }
}

/// How many of these texts, in their order, say nearly the same as one before them, as
/// [`Duplicates::Near`] takes it: of their runs of three words both have seven tenths (Broder 1997),
/// and they have the same figures, names and negations.
#[must_use]
pub fn near_copies(prints: &[&NearPrint]) -> usize {
    let is_copy =
        |(at, print): &(usize, &&NearPrint)| prints[..*at].iter().any(|held| held.is_like(print));
    prints.iter().enumerate().filter(is_copy).count()
}

/// What the hits so far say, each with its place.
#[derive(Default)]
struct Held {
    same: HashMap<u128, usize>,
    near: Vec<(Shingles, usize)>,
}

impl Held {
    fn add(&mut self, said: Said, place: usize) {
        self.same.insert(said.words, place);
        self.near.extend(said.shingles.map(|shingles| (shingles, place)));
    }

    fn like(&self, said: &Said) -> Option<usize> {
        let near = || {
            let own = said.shingles.as_ref()?;
            self.near.iter().find(|(held, _)| held.is_like(own)).map(|(_, place)| *place)
        };
        self.same.get(&said.words).copied().or_else(near)
    }
}

/// What a passage says, case, accents and marks aside.
#[derive(Debug)]
struct Said {
    /// The hash of its words and of those of the headings above it.
    words: u128,
    /// What near copies have in common, where they are looked for.
    shingles: Option<Shingles>,
}

impl Said {
    fn is_like(&self, other: &Self) -> bool {
        let shingles = self.shingles.as_ref().zip(other.shingles.as_ref());
        self.words == other.words || shingles.is_some_and(|(a, b)| a.is_like(b))
    }

    /// `None` for a passage too short to be a copy.
    fn of(heading: Option<&str>, text: &str, likeness: Likeness) -> Option<Self> {
        let heading = folded_words(heading.unwrap_or_default());
        let folded = folded_words(text);
        if heading.len() + folded.len() < MIN_WORDS {
            return None;
        }
        let words = xxh3_128([heading.join(" "), folded.join(" ")].join("\n").as_bytes());
        let shingles = (likeness == Likeness::Near).then(|| Shingles::of(text, &folded));
        Some(Self { words, shingles })
    }
}

/// What near copies have in common.
#[derive(Debug)]
struct Shingles {
    /// Each run of [`RUN`] words, once, rising.
    runs: Vec<u64>,
    /// Those of its words that change what it says, rising: figures, names, "not".
    telling: Vec<String>,
}

impl Shingles {
    fn of(text: &str, words: &[String]) -> Self {
        let mut telling = telling(text);
        telling.sort_unstable();
        let runs = words.windows(RUN.min(words.len()).max(1));
        let mut runs: Vec<u64> = runs.map(|run| xxh3_64(run.join(" ").as_bytes())).collect();
        runs.sort_unstable();
        runs.dedup();
        Self { runs, telling }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.telling == other.telling && self.resemblance(other) >= MIN_RESEMBLANCE
    }

    /// The share of the runs of both that each has.
    fn resemblance(&self, other: &Self) -> f32 {
        let shared = self.runs.iter().filter(|run| other.runs.binary_search(run).is_ok()).count();
        let all = self.runs.len() + other.runs.len() - shared;
        if all == 0 { 0.0 } else { shared as f32 / all as f32 }
    }
}

fn folded_words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The words of a text that are a figure, a name or a negation.
fn telling(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '\u{2019}'));
    let is_telling = |word: &&str| {
        word.starts_with(char::is_uppercase)
            || word.chars().any(char::is_numeric)
            || NEGATIONS.contains(&fold(word).as_str())
    };
    words.filter(|word| !word.is_empty()).filter(is_telling).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(heading: Option<&str>, text: &str) -> Hit {
        let heading = heading.map(str::to_owned);
        Hit { heading, text: text.to_owned(), ..Hit::default() }
    }

    fn like(first: &Hit, second: &Hit, likeness: Likeness) -> bool {
        let mut held = Held::default();
        let said = |hit: &Hit| Said::of(hit.heading.as_deref(), &hit.text, likeness);
        said(first).into_iter().for_each(|first| held.add(first, 0));
        said(second).is_some_and(|second| held.like(&second).is_some())
    }

    #[test]
    fn copies_have_the_same_words_under_the_same_headings() {
        let text = "The buoy is serviced twice a year, in spring and in autumn.";
        let same = |a: &Hit, b: &Hit| like(a, b, Likeness::Same);
        let first = hit(None, text);
        assert!(same(&first, &hit(None, &text.to_uppercase().replace(' ', "\n"))));
        assert!(!same(&first, &hit(Some("North"), text)));
        assert!(!same(&first, &hit(None, &text.replace("twice", "once"))));
        // what is short says another thing in each place
        let short = hit(None, "Total: 5 euros");
        assert!(!same(&short, &short));
    }

    #[test]
    fn near_copies_differ_by_a_word_and_by_none_that_tells() {
        let text = "The buoy off the northern pier is serviced 2 times a year, in spring and in \
                    autumn, by the crew of the harbour tug, who replace its lamp and its chain.";
        let near = |a: &str, b: &str| like(&hit(None, a), &hit(None, b), Likeness::Near);
        assert!(near(text, &text.replace("harbour tug", "harbour's tug")));
        assert!(near(text, &text.replace("replace", "renew")));
        // what is folded anyway is folded here too
        assert!(near(text, &text.to_uppercase()));
        for (before, after) in [
            ("2", "3"),
            ("is serviced", "is not serviced"),
            ("northern pier", "Roscoff pier"),
            ("its lamp", "no lamp"),
        ] {
            assert!(!near(text, &text.replace(before, after)), "{after}");
        }
        assert!(!near(text, "The lamp of the buoy is lit by 2 cells that last a whole year."));
        assert!(like(&hit(Some("North"), text), &hit(None, text), Likeness::Near));
        let renewed = text.replace("replace", "renew");
        let prints = [text, "Total: 5", "Total: 5", &renewed, "another", text].map(NearPrint::of);
        assert_eq!(near_copies(&prints.each_ref()), 2);
    }
}
