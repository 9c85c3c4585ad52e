//! Compares generated answers with the gold answers that queries carry.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use rag_core::store::Access;
use rag_core::{AskOptions, KnowledgeBase, OpenOptions};
use serde::Serialize;

use crate::beir::Collection;
use crate::commands::options::model_dirs;
use crate::console::Console;
use crate::failure::Failure;
use crate::interrupt::Job;

/// Words that SQuAD's measure leaves out, English and French.
const ARTICLES: [&str; 10] = ["a", "an", "the", "le", "la", "les", "l", "un", "une", "des"];

/// Means over the queries that carry answers; a query that found no answer counts 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(super) struct AnswerMetrics {
    /// Share of answers that contain a gold answer.
    pub(super) containment: f64,
    /// Share of answers that are a gold answer.
    pub(super) exact_match: f64,
    /// Overlap of words with the best gold answer.
    pub(super) f1: f64,
    /// Share of queries that got any answer.
    pub(super) found: f64,
    #[serde(skip)]
    pub(super) answered_count: usize,
}

/// Puts the corpus into a knowledge base in memory and asks every query that carries answers.
pub(super) fn measure(
    collection: &Collection,
    encoder: &str,
    llm: &str,
    console: &Console<'_>,
    job: &Job,
) -> Result<AnswerMetrics, Failure> {
    let options = OpenOptions {
        encoder: Some(encoder.to_owned()),
        llm: Some(llm.to_owned()),
        model_dirs: model_dirs(),
        access: Access::Create,
        ..OpenOptions::default()
    };
    let knowledge_base = KnowledgeBase::open(":memory:", &options)?;
    fill(&knowledge_base, collection, console, job)?;
    let queries: Vec<_> = collection.queries.iter().filter(|q| !q.answers.is_empty()).collect();
    let bar = console.bar("answering", Some(queries.len() as u64));
    let mut sum = AnswerMetrics::default();
    for (index, query) in queries.iter().enumerate() {
        let mut ignore = |_: &str| ControlFlow::Continue(());
        let options = AskOptions::default();
        let answer = knowledge_base.ask(&query.text, &options, &mut ignore, job.token())?;
        sum.found += f64::from(u8::from(answer.found));
        sum.add(&without_markers(&answer.text), &query.answers);
        bar.set(index + 1);
    }
    Ok(sum.mean(queries.len()))
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
            knowledge_base.add(&document.id, &text, &BTreeMap::new(), job.token())?;
        }
        bar.set(index + 1);
    }
    Ok(())
}

impl AnswerMetrics {
    fn add(&mut self, answer: &str, gold: &[String]) {
        let words = normalise(answer);
        let gold: Vec<Vec<String>> = gold.iter().map(|text| normalise(text)).collect();
        let any =
            |test: &dyn Fn(&[String]) -> bool| f64::from(u8::from(gold.iter().any(|g| test(g))));
        self.containment += any(&|g| contains(&words, g));
        self.exact_match += any(&|g| words == g);
        self.f1 += gold.iter().map(|g| overlap(&words, g)).fold(0.0, f64::max);
    }

    fn mean(self, count: usize) -> Self {
        let divisor = (count as f64).max(1.0);
        Self {
            containment: self.containment / divisor,
            exact_match: self.exact_match / divisor,
            f1: self.f1 / divisor,
            found: self.found / divisor,
            answered_count: count,
        }
    }
}

/// Takes the engine's `[1]` out.
fn without_markers(text: &str) -> String {
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
fn normalise(text: &str) -> Vec<String> {
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
        let mut metrics = AnswerMetrics::default();
        metrics.add(&without_markers("The year 1995 [1]."), &["1995".to_owned()]);
        assert_eq!((metrics.containment, metrics.exact_match), (1.0, 0.0));
        // One shared word of two and one.
        assert!((metrics.f1 - 2.0 / 3.0).abs() < 1e-12);
        metrics.add("the bridge", &["A bridge!".to_owned()]);
        assert_eq!((metrics.containment, metrics.exact_match), (2.0, 1.0));
    }

    #[test]
    fn an_empty_answer_scores_nothing() {
        let mut metrics = AnswerMetrics::default();
        metrics.add("", &["1995".to_owned()]);
        assert_eq!(metrics, AnswerMetrics::default());
    }

    #[test]
    fn only_numbers_in_brackets_are_markers() {
        assert_eq!(without_markers("a [12] [x] [1"), "a  [x] [1");
    }
}
