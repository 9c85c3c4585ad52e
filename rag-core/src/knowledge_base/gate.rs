//! Whether the passages found are worth an answer: what is looked at before one is written.
//!
//! The words of the question tell best where they can be compared. In French and English, whose
//! stems are in the index, they tell alone. In other languages a word may stand there in a form
//! that is not recognised, and in Chinese or Thai nobody knows where it ends; there a question that
//! stands out in meaning needs fewer of its words. Where question and passage share no language or
//! script, meaning tells alone.

use crate::cite;
use crate::document;
use crate::error::Result;
use crate::progress::CancelToken;
use crate::search::{self, Hit, Standing};
use crate::store::{Filter, IndexMode, NearestOptions};

use super::KnowledgeBase;
use super::types::{Abstain, AskOptions, NotFoundReason};

/// What tells whether there is something to answer from.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// The cosine of the nearest passage among those that may be found.
    pub(super) best: Option<f32>,
    /// The cosine that it must reach.
    pub(super) floor: Option<f32>,
    /// The cosine from which a sentence in another language supports a claim.
    pub(super) meaning: Option<f32>,
    /// The greatest share of the question that a hit holds, and the share needed.
    pub(super) coverage: Option<(f32, f32)>,
}

/// What was searched for, and what came of it.
#[derive(Debug)]
pub(super) struct Searched<'a> {
    /// The question as it was looked for.
    pub(super) asked: &'a str,
    /// Its vector.
    pub(super) embedding: &'a [f32],
    pub(super) hits: &'a [Hit],
}

/// How the words of a question compare with those of some passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Words {
    /// Both are in French or English, whose words are known by their stems.
    Tell,
    /// Both are in one other language.
    Hint,
    /// They are in two languages.
    Differ,
    /// They are in two scripts: unrelated questions of the other are farther away.
    Apart,
}

impl Gate {
    /// Looks at what was found as the options say.
    pub(super) fn of(
        knowledge_base: &KnowledgeBase,
        options: &AskOptions,
        search: &Searched<'_>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let Searched { asked, embedding, hits } = *search;
        let stores = knowledge_base.stores();
        let filter = options.search.filter.as_ref();
        let best = knowledge_base.best_cosine(embedding, filter)?;
        let words = words(asked, hits);
        // nothing was found, so nothing needs to be judged
        let floors = match options.abstain {
            Abstain::Never => return Ok(Gate { best, ..Gate::default() }),
            Abstain::Below(cosine) => {
                let cosine = Some(cosine);
                return Ok(Gate { best, floor: cosine, meaning: cosine, coverage: None });
            }
            Abstain::Calibrated if hits.is_empty() => return Ok(Gate { best, ..Gate::default() }),
            Abstain::Calibrated => knowledge_base.floor(cancel)?,
        };
        let meaning = floors.map(|floor| floor.cosine());
        let standing = match (words, best) {
            (Words::Tell, _) | (_, None) => None,
            (_, Some(_)) => search::standing(&stores, embedding, filter)?,
        };
        if matches!(words, Words::Differ | Words::Apart) {
            let few = match words {
                Words::Apart => floors.map(|floor| floor.covered_cosine()),
                _ => meaning,
            };
            let floor = standing.map(|standing| standing.foreign_cosine()).or(few);
            return Ok(Gate { best, floor, meaning, coverage: None });
        }
        // a follow-up says little
        let coverage = match options.history.is_empty() {
            true => search::coverage(&stores, asked, hits)?,
            false => None,
        };
        let ease = match (words, best, floors) {
            (Words::Hint, Some(best), Some(floor)) => {
                let standing = standing.unwrap_or_else(|| Standing::from(floor));
                standing.ease(best)
            }
            _ => 1.0,
        };
        let needed = |(share, count): (f32, usize)| {
            let least = match words {
                Words::Hint => search::min_coverage_of_forms(count),
                _ => search::min_coverage(count),
            };
            (share, least * ease)
        };
        let floor = match coverage {
            Some(_) => floors.map(|floor| floor.covered_cosine()),
            None => meaning,
        };
        Ok(Gate { best, floor, meaning, coverage: coverage.map(needed) })
    }
}

impl KnowledgeBase {
    /// The cosine of the nearest passage of all that may be found.
    fn best_cosine(&self, embedding: &[f32], filter: Option<&Filter>) -> Result<Option<f32>> {
        let mut best: Option<f32> = None;
        for store in self.stores() {
            let among = filter.map(|filter| store.passages_where(filter)).transpose()?;
            let mode = IndexMode::Auto;
            let options =
                NearestOptions { mode, among: among.as_deref(), ..NearestOptions::default() };
            let nearest = store.nearest_with(embedding, 1, &options)?;
            let cosine = nearest.first().map(|hit| hit.1);
            best = best.into_iter().chain(cosine).reduce(f32::max);
        }
        Ok(best)
    }
}

impl Gate {
    /// Why there is nothing to answer from. A passage that holds every telling word of the question
    /// is kept whatever its cosine: codes and names mean little to an encoder.
    pub(super) fn not_found(&self, question: &str, hits: &[Hit]) -> Option<NotFoundReason> {
        let Some(first) = hits.first() else { return Some(NotFoundReason::Empty) };
        if cite::holds_words(question, &first.text) {
            return None;
        }
        if self.best.zip(self.floor).is_some_and(|(best, floor)| best < floor) {
            return Some(NotFoundReason::BelowFloor);
        }
        if hits.iter().all(|hit| cite::turns_signs(question, &hit.text)) {
            return Some(NotFoundReason::Uncovered);
        }
        let uncovered = self.coverage.is_some_and(|(greatest, needed)| greatest < needed);
        uncovered.then_some(NotFoundReason::Uncovered)
    }
}

/// How the words of `question` compare with those of `hits`; one that is in another language is
/// enough to differ: it may hold the answer and not a word of the question.
fn words(question: &str, hits: &[Hit]) -> Words {
    let asked = document::guess_lang(question);
    let (script, spoken) = (search::script(question), search::spoken(question));
    let apart = |hit: &Hit| script.zip(search::script(&hit.text)).is_some_and(|(a, b)| a != b);
    let foreign = |hit: &Hit| {
        let written = document::guess_lang(&hit.text);
        let other = asked.is_some() && written.is_some() && asked != written;
        other || spoken.differs(search::spoken(&hit.text))
    };
    if hits.iter().any(apart) {
        return Words::Apart;
    }
    if hits.iter().any(foreign) {
        return Words::Differ;
    }
    let known = |hit: &Hit| document::guess_lang(&hit.text).is_some();
    match spoken.is_stemmed() || hits.iter().all(known) {
        true => Words::Tell,
        false => Words::Hint,
    }
}
