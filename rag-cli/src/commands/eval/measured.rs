//! What a way of searching reaches, and how it compares with the first.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::time::Instant;

use rag_core::CancelToken;
use rag_core::search::{NearPrint, near_copies};
use serde::Serialize;

use super::bootstrap::interval;
use super::parts::Parts;
use super::ranking::Ranker;
use super::reranking::Reranked;
use super::settings::Setting;
use crate::beir::Collection;
use crate::console::Console;
use crate::metrics::{Judgements, Metrics};

/// Documents looked at per query; the deepest measure is recall@100.
const DEPTH: usize = 100;
/// Documents looked through for copies.
const COPIES_DEPTH: usize = 10;
/// Queries named in a comparison, each way.
const NAMED: usize = 5;

/// What one way of searching reached.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    pub(super) setting: String,
    pub(super) metrics: Metrics,
    /// Of each measure, the ends of its 95 % interval over the queries.
    pub(super) intervals: BTreeMap<&'static str, [f64; 2]>,
    pub(super) search_seconds: f64,
    /// Milliseconds a query, median and 95th percentile, its encoding not counted.
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    /// nDCG@10 of the queries of each language, where queries.jsonl says which is whose.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) languages: BTreeMap<String, OfLanguage>,
    /// Against the first setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) against_first: Option<Comparison>,
    #[serde(skip)]
    pub(super) queries: Vec<Metrics>,
}

/// What the queries of one language reached.
#[derive(Debug, Serialize)]
pub(super) struct OfLanguage {
    #[serde(rename = "ndcg@10")]
    pub(super) ndcg_at_10: f64,
    pub(super) query_count: usize,
}

/// nDCG@10 of one setting minus that of the first, query by query.
#[derive(Debug, Serialize)]
pub(super) struct Comparison {
    #[serde(rename = "ndcg@10")]
    pub(super) difference: f64,
    pub(super) interval: [f64; 2],
    pub(super) better_count: usize,
    pub(super) worse_count: usize,
    /// The queries that gained and lost most: id and difference.
    pub(super) most_better: Vec<(String, f64)>,
    pub(super) most_worse: Vec<(String, f64)>,
}

/// What every way of searching is measured on.
#[derive(Debug)]
pub(super) struct Measuring<'a> {
    pub(super) collection: &'a Collection,
    pub(super) ranker: &'a Ranker,
    /// What the ranker holds of the documents.
    pub(super) parts: Parts,
    /// By what copies among the documents are told, each made when it is first needed.
    pub(super) prints: &'a [OnceCell<NearPrint>],
    /// Sorts the best documents anew, whatever found them.
    pub(super) reranked: Option<&'a Reranked>,
}

impl Measuring<'_> {
    fn print(&self, place: usize) -> Option<&NearPrint> {
        let document = self.collection.documents.get(place)?;
        let text = if document.text.is_empty() { &document.title } else { &document.text };
        Some(self.prints.get(place)?.get_or_init(|| NearPrint::of(text)))
    }

    /// Searches every query in one way.
    pub(super) fn measure(
        &self,
        setting: &Setting,
        console: &Console<'_>,
        cancel: &CancelToken,
    ) -> rag_core::Result<Measured> {
        let collection = self.collection;
        let bar = console.bar("searching", Some(collection.queries.len() as u64));
        let none = Judgements::new();
        let mut queries = Vec::with_capacity(collection.queries.len());
        let mut times = Vec::with_capacity(collection.queries.len());
        for (index, query) in collection.queries.iter().enumerate() {
            cancel.check()?;
            let start = Instant::now();
            let mut ranked = self.ranker.rank(index, query, setting, DEPTH)?;
            if let Some(reranked) = self.reranked {
                reranked.sort(collection, query, &mut ranked, cancel)?;
            }
            times.push(start.elapsed().as_secs_f64());
            let ids: Vec<&str> = ranked
                .iter()
                .filter_map(|document| collection.documents.get(*document))
                .map(|document| document.id.as_str())
                .collect();
            let judgements = collection.judgements.get(&query.id).unwrap_or(&none);
            let first: Vec<&NearPrint> =
                ranked.iter().take(COPIES_DEPTH).filter_map(|place| self.print(*place)).collect();
            let copies_at_10 = near_copies(&first) as f64 / (first.len() as f64).max(1.0);
            queries.push(Metrics { copies_at_10, ..Metrics::of(&ids, judgements) });
            bar.set(index + 1);
        }
        let search_seconds = times.iter().sum();
        times.sort_by(f64::total_cmp);
        let at =
            |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default() * 1e3;
        Ok(Measured {
            setting: format!("{}{}", setting.name, self.parts.suffix()),
            metrics: Metrics::mean(&queries),
            intervals: intervals(&queries),
            search_seconds,
            p50_ms: at(50),
            p95_ms: at(95),
            languages: by_language(collection, &queries),
            against_first: None,
            queries,
        })
    }
}

fn by_language(collection: &Collection, queries: &[Metrics]) -> BTreeMap<String, OfLanguage> {
    let mut languages: BTreeMap<String, OfLanguage> = BTreeMap::new();
    for (query, metrics) in collection.queries.iter().zip(queries) {
        if let Some(lang) = &query.lang {
            let none = || OfLanguage { ndcg_at_10: 0.0, query_count: 0 };
            let of = languages.entry(lang.clone()).or_insert_with(none);
            of.ndcg_at_10 += metrics.ndcg_at_10;
            of.query_count += 1;
        }
    }
    languages.values_mut().for_each(|of| of.ndcg_at_10 /= of.query_count as f64);
    languages
}

fn intervals(queries: &[Metrics]) -> BTreeMap<&'static str, [f64; 2]> {
    let names = Metrics::default().named();
    let column = |place: usize| -> Vec<f64> {
        queries.iter().filter_map(|query| query.named().get(place).map(|pair| pair.1)).collect()
    };
    names.iter().enumerate().map(|(place, (name, _))| (*name, interval(&column(place)))).collect()
}

impl Measured {
    /// Compares with `first`, query by query.
    pub(super) fn compare(&mut self, first: &[Metrics], collection: &Collection) {
        let differences: Vec<f64> = self
            .queries
            .iter()
            .zip(first)
            .map(|(mine, theirs)| mine.ndcg_at_10 - theirs.ndcg_at_10)
            .collect();
        let mut named: Vec<(String, f64)> = collection
            .queries
            .iter()
            .zip(&differences)
            .map(|(query, difference)| (query.id.clone(), *difference))
            .collect();
        named.sort_by(|a, b| b.1.total_cmp(&a.1));
        let better = named.iter().filter(|query| query.1 > 0.0);
        let worse = named.iter().rev().filter(|query| query.1 < 0.0);
        self.against_first = Some(Comparison {
            difference: differences.iter().sum::<f64>() / (differences.len() as f64).max(1.0),
            interval: interval(&differences),
            better_count: better.clone().count(),
            worse_count: worse.clone().count(),
            most_better: better.take(NAMED).cloned().collect(),
            most_worse: worse.take(NAMED).cloned().collect(),
        });
    }
}
