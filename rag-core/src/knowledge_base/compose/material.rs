//! What the documents hold for a task: the passages of several searches, and their best sentences,
//! each thing once.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use crate::cite;
use crate::error::Result;
use crate::progress::{Call, CancelToken};
use crate::search::{self, Hit};
use crate::words::keys;

use super::plan::{TaskPlan, one_line};
use super::quality;
use crate::knowledge_base::KnowledgeBase;
use crate::knowledge_base::run::{Retrieved, Run};
use crate::knowledge_base::types::{AskOptions, NotFoundReason, Rewrite};

/// Sentences of each search that are weighed against each other.
const POOL: usize = 16;
/// Sentences of each search that count as on it whatever their words: the passages are.
const FIRST: usize = 3;
/// Most passages of a draft.
const MAX_HITS: usize = 24;
/// How much a sentence is held back for being like those before it. Higher than for summaries: the
/// searches of one task find the same passages.
const DIVERSITY: f32 = 0.4;
/// The share of what a question must be covered by that is enough for a task: it says what is to
/// be done, which no document repeats.
const TASK_COVERAGE: f32 = 0.6;

/// A sentence of the documents.
#[derive(Debug, Clone)]
pub(super) struct Fact {
    /// On one line.
    pub(super) text: String,
    hit: usize,
    start: usize,
    is_row: bool,
    /// How well it answers the search that it answers best, and whether it is among the first.
    score: f32,
    is_first: bool,
}

/// Whether rows of tables are taken like sentences: in a text they say nothing without their
/// header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TableRows {
    Taken,
    Left,
}

/// What the documents hold for a task.
#[derive(Debug, Default)]
pub(super) struct Material {
    /// The passages of all searches that found something.
    pub(super) hits: Vec<Hit>,
    /// Their sentences, best first, each thing once.
    pub(super) facts: Vec<Fact>,
    /// The cosine from which a sentence in another language supports one of the draft.
    pub(super) meaning: Option<f32>,
    /// Why there is nothing.
    pub(super) reason: Option<NotFoundReason>,
}

impl Material {
    /// Searches for all parts of a task, and takes what the found passages say on them.
    pub(super) fn gather(
        run: &Run<'_>,
        plan: &TaskPlan,
        vectors: &SentenceVectors<'_>,
        rows: TableRows,
    ) -> Result<Self> {
        // a draft stands alone: what was said before does not change what is searched
        let options =
            AskOptions { history: Vec::new(), rewrite: Rewrite::None, ..run.options.clone() };
        let mut material = Self::default();
        let mut held = Vec::new();
        let mut found: Vec<Vec<Hit>> = Vec::new();
        for search in &plan.searches {
            let call = Call::new().cancel(&run.cancel);
            let mut searching = Run::new(run.knowledge_base, search, &options, call);
            let mut retrieved = searching.retrieve()?;
            // no passage answers a task: a reranker would turn all of them away
            retrieved.gate.relevance = None;
            material.meaning = material.meaning.or(retrieved.gate.meaning);
            match reason(&searching, &retrieved) {
                Some(reason) => material.reason = material.reason.or(Some(reason)),
                None => {
                    held.push(search.as_str());
                    found.push(retrieved.hits);
                }
            }
        }
        if held.is_empty() {
            return Ok(material);
        }
        material.reason = None;
        material.hits = merged(found);
        material.facts = material.weigh(&held, vectors, rows)?;
        if material.facts.is_empty() {
            material.reason = Some(NotFoundReason::Uncovered);
        }
        Ok(material)
    }

    /// The sentences that say most on the searches and not the same.
    fn weigh(
        &self,
        searches: &[&str],
        vectors: &SentenceVectors<'_>,
        taken: TableRows,
    ) -> Result<Vec<Fact>> {
        let cosines = |asked: &str, texts: &[&str]| vectors.cosines(asked, texts);
        let asked: BTreeSet<String> = searches.iter().flat_map(|search| keys(search)).collect();
        let (mut pool, mut rest): (Vec<Fact>, Vec<Fact>) = (Vec::new(), Vec::new());
        for search in searches {
            let ranked = search::sentences(search, &self.hits, &cosines)?;
            let facts = ranked.iter().enumerate().map(|(rank, sentence)| {
                let text = &self.hits[sentence.hit].text[sentence.range.clone()];
                let is_row =
                    taken == TableRows::Taken && (text.contains('\t') || text.contains(" | "));
                let text = cite::without_markers(text).replace('\t', ", ");
                let text = one_line(&text);
                Fact {
                    is_row,
                    text,
                    hit: sentence.hit,
                    start: sentence.range.start,
                    score: sentence.score,
                    is_first: rank < FIRST,
                }
            });
            let (sound, unsound): (Vec<Fact>, Vec<Fact>) = facts.partition(|fact| {
                quality::is_sound(&fact.text) || fact.is_row && quality::is_legible(&fact.text)
            });
            pool.extend(sound.into_iter().take(POOL));
            rest.extend(unsound.into_iter().take(POOL));
        }
        if pool.is_empty() {
            // rows of tables and fields are no sentences, and all that some documents have
            pool = rest.into_iter().filter(|fact| quality::is_legible(&fact.text)).collect();
        }
        let pool = each_once(pool);
        let texts: Vec<&str> = pool.iter().map(|fact| fact.text.as_str()).collect();
        let rows = vectors.of(&texts)?;
        let aims: Vec<Vec<f32>> =
            searches.iter().map(|search| vectors.asked(search)).collect::<Result<_>>()?;
        let is_relevant = |place: usize| {
            let shares = !asked.is_disjoint(&keys(texts[place]));
            let is_near = |floor: f32| aims.iter().any(|aim| dot(aim, &rows[place]) >= floor);
            pool[place].is_first || shares || self.meaning.is_some_and(is_near)
        };
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let scores: Vec<f32> = pool.iter().map(|fact| fact.score).collect();
        let mut chosen: Vec<usize> = Vec::new();
        for place in search::spread_by(&scores, &rows, rows.len(), DIVERSITY) {
            let is_copy = |other: &usize| {
                quality::is_copy((texts[place], rows[place]), (texts[*other], rows[*other]))
            };
            if is_relevant(place) && !chosen.iter().any(is_copy) {
                chosen.push(place);
            }
        }
        Ok(chosen.into_iter().map(|place| pool[place].clone()).collect())
    }

    /// The first `count` facts, in the order of the documents: what follows each other there is
    /// read best so.
    pub(super) fn first(&self, count: usize) -> Vec<&Fact> {
        let mut facts: Vec<&Fact> = self.facts.iter().take(count).collect();
        let document = |hit: &Hit| {
            let same = |other: &Hit| (other.store, &other.uri) == (hit.store, &hit.uri);
            self.hits.iter().position(same)
        };
        facts.sort_by_key(|fact| {
            let hit = &self.hits[fact.hit];
            (document(hit), hit.start + fact.start)
        });
        facts
    }
}

/// Every sentence once, with the best score it has.
fn each_once(mut pool: Vec<Fact>) -> Vec<Fact> {
    pool.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut met = BTreeSet::new();
    pool.retain(|fact| met.insert(fact.text.clone()));
    pool
}

/// Why a search found nothing on its part of the task.
fn reason(run: &Run<'_>, retrieved: &Retrieved) -> Option<NotFoundReason> {
    let reason = run.judge(retrieved)?;
    let gate = &retrieved.gate;
    let is_near = gate.best.zip(gate.meaning).is_some_and(|(best, floor)| best >= floor);
    let covers = |part: f32| {
        gate.coverage.is_some_and(|(share, needed)| share > 0.0 && share >= part * needed)
    };
    // a case is told as a story, which is far from the rule in meaning whatever words they share
    let is_told = reason == NotFoundReason::BelowFloor && covers(1.0);
    (!(is_told || is_near && covers(TASK_COVERAGE))).then_some(reason)
}

/// The hits of several searches, the best of each first, each passage once.
fn merged(lists: Vec<Vec<Hit>>) -> Vec<Hit> {
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut met = BTreeSet::new();
    let mut hits = Vec::new();
    for _ in 0..longest {
        for hit in lists.iter_mut().filter_map(Iterator::next) {
            if hits.len() < MAX_HITS && met.insert((hit.store, hit.passage_id)) {
                hits.push(hit);
            }
        }
    }
    hits
}

/// SentenceVectors of sentences, each encoded once: every search and every sentence of the draft is
/// compared with the same ones.
pub(super) struct SentenceVectors<'a> {
    knowledge_base: &'a KnowledgeBase,
    cancel: CancelToken,
    known: RefCell<HashMap<String, Vec<f32>>>,
}

impl<'a> SentenceVectors<'a> {
    pub(super) fn new(run: &Run<'a>) -> Self {
        let (knowledge_base, cancel) = (run.knowledge_base, run.cancel.clone());
        Self { knowledge_base, cancel, known: RefCell::default() }
    }

    /// The cosine of a question or claim with each text.
    pub(super) fn cosines(&self, asked: &str, texts: &[&str]) -> Result<Vec<f32>> {
        let aim = self.asked(asked)?;
        Ok(self.of(texts)?.iter().map(|row| dot(&aim, row)).collect())
    }

    fn asked(&self, text: &str) -> Result<Vec<f32>> {
        self.knowledge_base.encode_question(text, &self.cancel)
    }

    fn of(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        let is_new = |text: &&&str| !self.known.borrow().contains_key(**text);
        let new: Vec<&str> = texts.iter().filter(is_new).copied().collect();
        if !new.is_empty() {
            let encoder = self.knowledge_base.encoder()?;
            let rows = encoder.encode_passages_with(&new, Call::new().cancel(&self.cancel))?;
            let mut known = self.known.borrow_mut();
            known.extend(
                new.iter().map(|text| (*text).to_owned()).zip(rows.rows().map(<[f32]>::to_vec)),
            );
        }
        let known = self.known.borrow();
        Ok(texts.iter().map(|text| known.get(*text).cloned().unwrap_or_default()).collect())
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_each_search_comes_first_and_each_passage_once() {
        let hit = |passage_id: i64| Hit { passage_id, ..Hit::default() };
        let lists = vec![vec![hit(1), hit(2)], vec![hit(2), hit(3)], Vec::new()];
        let ids: Vec<i64> = merged(lists).iter().map(|hit| hit.passage_id).collect();
        assert_eq!(ids, [1, 2, 3]);
    }
}
