//! Whether the passages found are worth an answer: what is looked at before one is written.
//!
//! The words of the question tell best where they can be compared. In French and English, whose
//! stems are in the index, they tell alone. In other languages a word may stand there in a form
//! that is not recognised, and in Chinese or Thai nobody knows where it ends; there a question that
//! stands out in meaning needs fewer of its words. Where question and passage share no language or
//! script, meaning tells alone. A reranker that reads both at once knows better than all of these.

use crate::cite;
use crate::document;
use crate::error::Result;
use crate::progress::CancelToken;
use crate::search::{self, Common, Floor, Hit, Standing, WritingSystem};
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
    /// The best score that the reranker gave, and the one needed; it decides alone.
    pub(super) relevance: Option<(f32, f32)>,
}

/// What was searched for, and what came of it.
#[derive(Debug)]
pub(super) struct Searched<'a> {
    /// The question as it was looked for.
    pub(super) asked: &'a str,
    /// Whether it is understood only with the questions before it.
    pub(super) is_follow_up: bool,
    /// Its vector.
    pub(super) embedding: &'a [f32],
    pub(super) hits: &'a [Hit],
}

/// How the words of a question compare with those of some passages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    ///
    /// Hits in the question's language are judged by their words, hits in another by their meaning,
    /// and one side is enough. Not all by meaning as soon as one is foreign: in a folder in two
    /// languages every question would pass that is near anything, as one for the price of petrol
    /// beside a table of prices is.
    pub(super) fn of(
        knowledge_base: &KnowledgeBase,
        options: &AskOptions,
        search: &Searched<'_>,
        cancel: &CancelToken,
    ) -> Result<Self> {
        let Searched { asked, embedding, hits, .. } = *search;
        let best = knowledge_base.best_cosine(embedding, options.search.filter.as_ref())?;
        // nothing was found, so nothing needs to be judged
        let floors = match options.abstain {
            Abstain::Never => return Ok(Gate { best, ..Gate::default() }),
            Abstain::Below(cosine) => {
                let cosine = Some(cosine);
                return Ok(Gate { best, floor: cosine, meaning: cosine, ..Gate::default() });
            }
            Abstain::Calibrated if hits.is_empty() => return Ok(Gate { best, ..Gate::default() }),
            Abstain::Calibrated => knowledge_base.floor(cancel)?,
        };
        let judge = Judge { knowledge_base, options, search, best, floors };
        let language = QuestionLanguage::of(asked);
        let is_near = |hit: &&Hit| matches!(language.compared_with(hit), Words::Tell | Words::Hint);
        let (near, foreign): (Vec<&Hit>, Vec<&Hit>) = hits.iter().partition(is_near);
        let near: Vec<Hit> = near.into_iter().cloned().collect();
        let by_words = match near.is_empty() {
            true => None,
            false => Some(Gate {
                relevance: judge.relevance(&near)?,
                ..judge.by_words(language.compared(near.iter()), &near)?
            }),
        };
        let Some(by_words) = by_words else {
            return judge.by_meaning(language.compared(foreign.iter().copied()), &foreign);
        };
        if foreign.is_empty() || by_words.not_found(asked, &near).is_none() {
            return Ok(by_words);
        }
        // if neither side passes, the words tell why
        let by_meaning = judge.by_meaning(language.compared(foreign.iter().copied()), &foreign)?;
        let passes = by_meaning.not_found(asked, hits).is_none();
        Ok(if passes { by_meaning } else { by_words })
    }
}

/// What a gate is made from.
struct Judge<'a> {
    knowledge_base: &'a KnowledgeBase,
    options: &'a AskOptions,
    search: &'a Searched<'a>,
    best: Option<f32>,
    floors: Option<Floor>,
}

impl Judge<'_> {
    /// The gate for hits in the question's language.
    fn by_words(&self, words: Words, hits: &[Hit]) -> Result<Gate> {
        let standing = match words {
            Words::Tell => None,
            _ => self.standing()?,
        };
        // a follow-up says little
        let coverage = match self.search.is_follow_up {
            true => None,
            false => search::coverage(&self.knowledge_base.stores(), self.search.asked, hits)?,
        };
        let ease = match (words, self.best, self.floors) {
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
        let meaning = self.meaning();
        let floor = match coverage {
            Some(_) => self.floors.map(|floor| floor.covered_cosine()),
            None => meaning,
        };
        let coverage = coverage.map(needed);
        Ok(Gate { best: self.best, floor, meaning, coverage, relevance: None })
    }

    /// The gate for hits in another language, or another script.
    fn by_meaning(&self, words: Words, hits: &[&Hit]) -> Result<Gate> {
        let meaning = self.meaning();
        let few = match words {
            Words::Apart => self.floors.map(|floor| floor.covered_cosine()),
            _ => meaning,
        };
        let floor = self.standing()?.map(|standing| standing.foreign_cosine()).or(few);
        let nearest = hits.iter().filter_map(|hit| hit.cosine).reduce(f32::max);
        Ok(Gate { best: nearest.or(self.best), floor, meaning, ..Gate::default() })
    }

    /// What the reranker says of hits in the question's language: it has read both together, which
    /// tells more than their words and their vectors do. Only in a language that it reads, and only
    /// if its scores tell more than an order.
    fn relevance(&self, near: &[Hit]) -> Result<Option<(f32, f32)>> {
        let Searched { asked, is_follow_up, .. } = *self.search;
        let scored = near.iter().filter(|hit| hit.ranks.rerank.is_some()).map(|hit| hit.score);
        let (Some(best), false) = (scored.reduce(f32::max), is_follow_up) else {
            return Ok(None);
        };
        let Some(reranker) = self.knowledge_base.reranker()? else { return Ok(None) };
        let reads = reranker.is_multilingual() || search::spoken(asked).is_english();
        Ok(reranker.midpoint().filter(|_| reads).map(|needed| (best, needed)))
    }

    /// The cosine from which a sentence in another language supports a claim.
    fn meaning(&self) -> Option<f32> {
        self.floors.map(|floor| floor.cosine())
    }

    fn standing(&self) -> Result<Option<Standing>> {
        if self.best.is_none() {
            return Ok(None);
        }
        let filter = self.options.search.filter.as_ref();
        search::standing(&self.knowledge_base.stores(), self.search.embedding, filter)
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
        let is_far = match self.relevance {
            Some((best, needed)) => best < needed,
            None => self.best.zip(self.floor).is_some_and(|(best, floor)| best < floor),
        };
        if is_far {
            return Some(NotFoundReason::BelowFloor);
        }
        if hits.iter().all(|hit| cite::turns_signs(question, &hit.text)) {
            return Some(NotFoundReason::Uncovered);
        }
        let uncovered = self.relevance.is_none()
            && self.coverage.is_some_and(|(greatest, needed)| greatest < needed);
        uncovered.then_some(NotFoundReason::Uncovered)
    }
}

/// The language of a question, as far as it is known.
struct QuestionLanguage {
    guessed: Option<&'static str>,
    script: Option<WritingSystem>,
    spoken: Common,
}

impl QuestionLanguage {
    fn of(question: &str) -> Self {
        Self {
            guessed: document::guess_lang(question),
            script: search::script(question),
            spoken: search::spoken(question),
        }
    }

    /// How the words of the question compare with those of a hit.
    fn compared_with(&self, hit: &Hit) -> Words {
        let written = document::guess_lang(&hit.text);
        if self.script.zip(search::script(&hit.text)).is_some_and(|(a, b)| a != b) {
            return Words::Apart;
        }
        let other = self.guessed.is_some() && written.is_some() && self.guessed != written;
        let spoken = search::spoken(&hit.text);
        if other || (spoken.is_prose() && self.spoken.differs(spoken)) {
            return Words::Differ;
        }
        match self.spoken.is_stemmed() || written.is_some() {
            true => Words::Tell,
            false => Words::Hint,
        }
    }

    /// How they compare with those of some hits: as with the one that is farthest from it.
    fn compared<'h>(&self, hits: impl Iterator<Item = &'h Hit>) -> Words {
        hits.map(|hit| self.compared_with(hit)).max().unwrap_or(Words::Tell)
    }
}
