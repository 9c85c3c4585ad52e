//! Compares generated answers with the gold answers that queries carry.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use rag_core::cite::Status;
use rag_core::files::PlainFile;
use rag_core::search::MIN_COVERAGE;
use rag_core::store::{Comparison, Filter, FilterField};
use rag_core::{AddOptions, Answer, AskOptions, Error, KnowledgeBase, OpenOptions};
use serde::Serialize;

use crate::beir::{Collection, Query};
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Job;
use crate::metrics::Judgements;

/// Words that SQuAD's measure leaves out, English and French.
const ARTICLES: [&str; 10] = ["a", "an", "the", "le", "la", "les", "l", "un", "une", "des"];

/// How answers are asked for.
#[derive(Debug, Clone)]
pub(super) struct How<'a> {
    /// The models.
    pub(super) opening: OpenOptions,
    pub(super) options: AskOptions,
    /// Whether each query is also asked with its documents taken out.
    pub(super) unanswerable: bool,
    /// Where each answer is written, if anywhere.
    pub(super) records: Option<&'a Path>,
}

/// In what an answer went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It holds no gold answer.
    Other,
    /// There is none.
    Refused,
    /// There is one although its documents were taken out.
    Invented,
}

/// A question that went wrong.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) wrong: Wrong,
    pub(super) question: String,
    pub(super) gold: Vec<String>,
    pub(super) relevant: Vec<String>,
    pub(super) answer: Answer,
}

/// Cases of one kind that are kept.
const MAX_CASES: usize = 50;

/// One answer, as `--answers` writes it: a line of JSON.
#[derive(Debug, Serialize)]
struct Record<'a> {
    id: &'a str,
    question: &'a str,
    gold: &'a [String],
    relevant: &'a [&'a str],
    contained: bool,
    /// What the generator was told and what it wrote; empty if it was not asked.
    prompt: &'a str,
    raw_text: &'a str,
    answer: &'a Answer,
}

/// Means over the queries that carry answers; a query that found no answer counts 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct AnswerMetrics {
    /// Share of answers that contain a gold answer.
    pub(super) containment: f64,
    /// Share of answers that are a gold answer.
    pub(super) exact_match: f64,
    /// Overlap of words with the best gold answer.
    pub(super) f1: f64,
    /// Share of queries that got any answer.
    pub(super) found: f64,
    /// Share of queries that were answered with sentences of the passages.
    pub(super) quoted: f64,
    /// Share of queries one of whose relevant documents was among the passages shown.
    pub(super) shown: f64,
    /// Of the answers that contain a gold answer, the share of citations that lie in a relevant
    /// document.
    pub(super) citation_precision: f64,
    /// Of the answers that contain a gold answer, the share with a citation in a relevant document.
    pub(super) citation_recall: f64,
    /// Share of citations whose quote stands in its source.
    pub(super) citations_verified: f64,
    /// Median milliseconds of a whole answer.
    pub(super) p50_ms: f64,
    /// Share of queries that got no answer once their relevant documents were taken out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unanswerable_refused: Option<f64>,
    /// What other thresholds of coverage would have refused before an answer was written:
    /// threshold, share of the answerable, share of the unanswerable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) coverage_curve: Vec<[f64; 3]>,
    #[serde(skip)]
    pub(super) answered_count: usize,
}

/// Puts the corpus into a knowledge base in memory and asks every query that carries answers.
pub(super) fn measure(
    collection: &Collection,
    how: &How<'_>,
    console: &Console<'_>,
    job: &Job,
) -> Result<(AnswerMetrics, Vec<Case>), Failure> {
    let knowledge_base = KnowledgeBase::open(":memory:", &how.opening)?;
    fill(&knowledge_base, collection, console, job)?;
    let queries: Vec<_> = collection.queries.iter().filter(|q| !q.answers.is_empty()).collect();
    let bar = console.bar("answering", Some(queries.len() as u64));
    let mut tally = Tally::default();
    let mut records = how.records.map(Records::create).transpose()?;
    let (none, mut cases) = (Judgements::new(), Vec::new());
    for (index, query) in queries.iter().enumerate() {
        let judged = collection.judgements.get(&query.id).unwrap_or(&none);
        let relevant: Vec<&str> =
            judged.iter().filter(|pair| *pair.1 > 0).map(|pair| pair.0.as_str()).collect();
        let start = Instant::now();
        let answer = knowledge_base.ask_with(&query.text, &how.options, job.call())?;
        tally.times.push(start.elapsed().as_secs_f64() * 1e3);
        let contained = tally.add(&answer, &query.answers, &relevant);
        if let Some(records) = &mut records {
            let trace = answer.trace.as_ref();
            records.write(&Record {
                id: &query.id,
                question: &query.text,
                gold: &query.answers,
                relevant: &relevant,
                contained,
                prompt: trace.map_or("", |trace| &trace.prompt),
                raw_text: trace.map_or("", |trace| &trace.raw_text),
                answer: &answer,
            })?;
        }
        if how.unanswerable {
            let mut options = how.options.clone();
            options.search.filter = Some(without(&relevant));
            let answer = knowledge_base.ask_with(&query.text, &options, job.call())?;
            tally.add_unanswerable(&answer);
            if answer.found {
                keep(&mut cases, Wrong::Invented, query, &relevant, answer);
            }
        }
        if !contained {
            let wrong = if answer.found { Wrong::Other } else { Wrong::Refused };
            keep(&mut cases, wrong, query, &relevant, answer);
        }
        bar.set(index + 1);
    }
    Ok((tally.metrics(), cases))
}

fn keep(cases: &mut Vec<Case>, wrong: Wrong, query: &Query, relevant: &[&str], answer: Answer) {
    if cases.iter().filter(|case| case.wrong == wrong).count() < MAX_CASES {
        cases.push(Case {
            wrong,
            question: query.text.clone(),
            gold: query.answers.clone(),
            relevant: relevant.iter().map(|uri| (*uri).to_owned()).collect(),
            answer,
        });
    }
}

/// A file of answers, a line each.
struct Records<'a> {
    path: &'a Path,
    file: BufWriter<PlainFile>,
    /// Bytes of the lines that stand there whole.
    whole_bytes: u64,
}

impl<'a> Records<'a> {
    fn create(path: &'a Path) -> rag_core::Result<Self> {
        let file = PlainFile::create(path).map_err(|source| Error::io(path, source))?;
        Ok(Self { path, file: BufWriter::new(file), whole_bytes: 0 })
    }

    /// Each line is on the disk before the next question: a run may be cut off.
    fn write(&mut self, record: &Record<'_>) -> rag_core::Result<()> {
        let line = serde_json::to_string(record)
            .map_err(|source| Error::internal_cause("an answer does not fit JSON", source))?;
        let written = writeln!(self.file, "{line}").and_then(|()| self.file.flush());
        match written {
            Ok(()) => self.whole_bytes += line.len() as u64 + 1,
            // a disk that is full took a part of it
            Err(_) => drop(self.file.get_ref().set_len(self.whole_bytes)),
        }
        written.map_err(|source| Error::io(self.path, source))
    }
}

/// Every document but these.
fn without(uris: &[&str]) -> Filter {
    let is = |uri: &&str| Filter::Compare(FilterField::Path, Comparison::Equal, (*uri).to_owned());
    Filter::Not(Box::new(Filter::Any(uris.iter().map(is).collect())))
}

fn fill(
    knowledge_base: &KnowledgeBase,
    collection: &Collection,
    console: &Console<'_>,
    job: &Job,
) -> Result<(), Failure> {
    let bar = console.bar("indexing", Some(collection.documents.len() as u64));
    for (index, document) in collection.documents.iter().enumerate() {
        let text = document.full_text();
        if !text.trim().is_empty() {
            knowledge_base.add_with(&document.id, &text, &AddOptions::default(), job.call())?;
        }
        bar.set(index + 1);
    }
    Ok(())
}

/// Sums over the queries asked so far.
#[derive(Debug, Default)]
struct Tally {
    containment: f64,
    exact_match: f64,
    f1: f64,
    found: usize,
    quoted: usize,
    shown: usize,
    /// Of the answers that contain a gold answer: citations, and those in a relevant document.
    cited: usize,
    cited_relevant: usize,
    /// Answers that contain a gold answer, and those of them that cite a relevant document.
    right: usize,
    right_cited: usize,
    citations: usize,
    verified: usize,
    unanswerable: usize,
    refused: usize,
    times: Vec<f64>,
    coverages: Vec<f64>,
    unanswerable_coverages: Vec<f64>,
}

impl Tally {
    /// Whether the answer contains a gold answer.
    fn add(&mut self, answer: &Answer, gold: &[String], relevant: &[&str]) -> bool {
        let contained = self.add_text(&without_markers(&answer.text), gold);
        self.found += usize::from(answer.found);
        self.quoted += usize::from(answer.quoted);
        self.shown +=
            usize::from(answer.hits.iter().any(|hit| relevant.contains(&hit.uri.as_str())));
        self.citations += answer.citations.len();
        self.verified += answer.citations.iter().filter(|c| c.status == Status::Ok).count();
        if contained {
            self.cited += answer.citations.len();
            let right = answer.citations.iter().filter(|c| relevant.contains(&c.uri.as_str()));
            let count = right.count();
            self.cited_relevant += count;
            self.right += 1;
            self.right_cited += usize::from(count > 0);
        }
        self.coverages.extend(coverage(answer));
        contained
    }

    /// Compares a text with the gold answers; whether it contains one.
    fn add_text(&mut self, text: &str, gold: &[String]) -> bool {
        let words = normalise(text);
        let gold: Vec<Vec<String>> = gold.iter().map(|text| normalise(text)).collect();
        let any = |test: &dyn Fn(&[String]) -> bool| gold.iter().any(|g| test(g));
        let contained = any(&|g| contains(&words, g));
        self.containment += f64::from(u8::from(contained));
        self.exact_match += f64::from(u8::from(any(&|g| words == g)));
        self.f1 += gold.iter().map(|g| overlap(&words, g)).fold(0.0, f64::max);
        contained
    }

    fn add_unanswerable(&mut self, answer: &Answer) {
        self.unanswerable += 1;
        self.refused += usize::from(!answer.found);
        self.unanswerable_coverages.extend(coverage(answer));
    }

    fn metrics(mut self) -> AnswerMetrics {
        let count = self.times.len();
        let share = |part: f64, whole: usize| part / (whole as f64).max(1.0);
        self.times.sort_by(f64::total_cmp);
        AnswerMetrics {
            containment: share(self.containment, count),
            exact_match: share(self.exact_match, count),
            f1: share(self.f1, count),
            found: share(self.found as f64, count),
            quoted: share(self.quoted as f64, count),
            shown: share(self.shown as f64, count),
            citation_precision: share(self.cited_relevant as f64, self.cited),
            citation_recall: share(self.right_cited as f64, self.right),
            citations_verified: share(self.verified as f64, self.citations),
            p50_ms: self.times.get(count / 2).copied().unwrap_or_default(),
            unanswerable_refused: (self.unanswerable > 0)
                .then(|| share(self.refused as f64, self.unanswerable)),
            coverage_curve: self.curve(),
            answered_count: count,
        }
    }

    fn curve(&self) -> Vec<[f64; 3]> {
        if self.unanswerable_coverages.is_empty() {
            return Vec::new();
        }
        let below = |values: &[f64], threshold: f64| {
            let refused = values.iter().filter(|value| **value < threshold).count();
            refused as f64 / (values.len() as f64).max(1.0)
        };
        (1..=20)
            .map(|step| f64::from(step) * 0.05)
            .map(|at| [at, below(&self.coverages, at), below(&self.unanswerable_coverages, at)])
            .collect()
    }
}

/// The share of the question that the passages held, for a question of up to eight words; longer
/// ones measured alike.
fn coverage(answer: &Answer) -> Option<f64> {
    let trace = answer.trace.as_ref()?;
    let needed = f64::from(trace.min_coverage?);
    Some(f64::from(trace.coverage?) * f64::from(MIN_COVERAGE) / needed)
}

/// Takes the engine's `[1]` out.
pub(super) fn without_markers(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, after) = rest.split_at(open);
        result.push_str(before);
        let digits = after.get(1..).unwrap_or("").bytes().take_while(u8::is_ascii_digit).count();
        match after.get(1 + digits..) {
            Some(tail) if digits > 0 && tail.starts_with(']') => rest = tail.get(1..).unwrap_or(""),
            _ => {
                result.push('[');
                rest = after.get(1..).unwrap_or("");
            }
        }
    }
    result.push_str(rest);
    result
}

/// Lower-case words without punctuation and articles (Rajpurkar et al. 2016, the SQuAD measure).
pub(super) fn normalise(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !ARTICLES.contains(word))
        .map(str::to_owned)
        .collect()
}

fn contains(words: &[String], part: &[String]) -> bool {
    !part.is_empty() && words.windows(part.len()).any(|window| window == part)
}

fn overlap(words: &[String], gold: &[String]) -> f64 {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in gold {
        *left.entry(word).or_default() += 1;
    }
    let mut shared = 0.0;
    for word in words {
        if let Some(count) = left.get_mut(word.as_str())
            && *count > 0
        {
            *count -= 1;
            shared += 1.0;
        }
    }
    if shared == 0.0 { 0.0 } else { 2.0 * shared / (words.len() + gold.len()) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_of_one_answer() {
        let mut tally = Tally::default();
        assert!(tally.add_text(&without_markers("The year 1995 [1]."), &["1995".to_owned()]));
        assert_eq!((tally.containment, tally.exact_match), (1.0, 0.0));
        // One shared word of two and one.
        assert!((tally.f1 - 2.0 / 3.0).abs() < 1e-12);
        assert!(tally.add_text("the bridge", &["A bridge!".to_owned()]));
        assert_eq!((tally.containment, tally.exact_match), (2.0, 1.0));
    }

    #[test]
    fn an_empty_answer_scores_nothing() {
        let mut tally = Tally::default();
        assert!(!tally.add_text("", &["1995".to_owned()]));
        assert_eq!(tally.metrics(), AnswerMetrics::default());
    }

    #[test]
    fn only_numbers_in_brackets_are_markers() {
        assert_eq!(without_markers("a [12] [x] [1"), "a  [x] [1");
    }
}
