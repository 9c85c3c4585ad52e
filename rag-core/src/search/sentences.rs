//! The sentences of some hits, by how well each answers the question: what is quoted where no generator runs, and what is shown
//! to one that is too small for whole passages.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Hit;
use crate::error::Result;
use crate::passage;
use crate::words::{Word, words};

/// The cosine of a question (first argument) with each of some sentences.
pub type Cosines<'a> = &'a dyn Fn(&str, &[&str]) -> Result<Vec<f32>>;

/// What the meaning of a sentence counts beside the words it shares with the question, and beside the rank of its hit.
const MEANING: f32 = 0.5;
const WORDS: f32 = 0.3;
const RANK: f32 = 0.2;

/// A sentence of a hit.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentence {
    /// Which hit.
    pub hit: usize,
    /// Its number in the hit, from 0.
    pub number: usize,
    /// Bytes of the hit's text.
    pub range: Range<usize>,
    /// Higher is better.
    pub score: f32,
}

/// Every sentence of `hits`, best first; ties in the order of the hits.
///
/// # Errors
/// Whatever `cosines` fails with.
pub fn sentences(question: &str, hits: &[Hit], cosines: Cosines<'_>) -> Result<Vec<Sentence>> {
    let mut sentences = Vec::new();
    for (hit, found) in hits.iter().enumerate() {
        for (number, range) in passage::sentences(&found.text).into_iter().enumerate() {
            if !found.text[range.clone()].trim().is_empty() {
                sentences.push(Sentence { hit, number, range, score: 0.0 });
            }
        }
    }
    let texts: Vec<&str> =
        sentences.iter().map(|sentence| &hits[sentence.hit].text[sentence.range.clone()]).collect();
    let cosines = if texts.is_empty() { Vec::new() } else { cosines(question, &texts)? };
    let asked: BTreeSet<Word> = words(question).into_iter().collect();
    let least = cosines.iter().copied().fold(f32::INFINITY, f32::min);
    let length = cosines.iter().copied().fold(f32::NEG_INFINITY, f32::max) - least;
    let scores: Vec<f32> = texts
        .iter()
        .zip(&cosines)
        .zip(&sentences)
        .map(|((text, cosine), sentence)| {
            let meaning = if length > 0.0 { (cosine - least) / length } else { 1.0 };
            let rank = 1.0 - sentence.hit as f32 / hits.len() as f32;
            MEANING * meaning + WORDS * share(&asked, text) + RANK * rank
        })
        .collect();
    sentences.iter_mut().zip(scores).for_each(|(sentence, score)| sentence.score = score);
    sentences.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then((a.hit, a.number).cmp(&(b.hit, b.number)))
    });
    Ok(sentences)
}

/// The share of the question's words that a sentence holds.
fn share(asked: &BTreeSet<Word>, text: &str) -> f32 {
    let held: BTreeSet<String> = words(text).into_iter().map(|word| word.key).collect();
    let weight = |word: &&Word| word.kind.weight();
    let total: f32 = asked.iter().map(|word| weight(&word)).sum();
    let found: f32 = asked.iter().filter(|word| held.contains(&word.key)).map(|w| weight(&w)).sum();
    if total > 0.0 { found / total } else { 0.0 }
}

/// Each hit cut down to the `count` sentences in a row that hold its best one in their middle.
///
/// # Errors
/// Whatever `cosines` fails with.
pub fn focus(question: &str, hits: &[Hit], count: usize, cosines: Cosines<'_>) -> Result<Vec<Hit>> {
    let ranked = sentences(question, hits, cosines)?;
    let mut focused = Vec::with_capacity(hits.len());
    for (index, hit) in hits.iter().enumerate() {
        let ranges = passage::sentences(&hit.text);
        let best = ranked.iter().find(|sentence| sentence.hit == index);
        let Some(best) = best.filter(|_| ranges.len() > count) else {
            focused.push(hit.clone());
            continue;
        };
        let first = best.number.saturating_sub(count / 2).min(ranges.len() - count);
        let range = ranges[first].start..ranges[first + count - 1].end;
        focused.push(hit.slice(range));
    }
    Ok(focused)
}

impl Hit {
    /// A part of this hit. Bytes of the source are those of the whole: where a part of it stands, the document knows.
    fn slice(&self, range: Range<usize>) -> Self {
        Self {
            start: self.start + range.start,
            end: self.start + range.end,
            text: self.text[range].to_owned(),
            ..self.clone()
        }
    }
}
