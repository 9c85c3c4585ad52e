//! Other documents that give another figure for the same thing.
//!
//! Two sentences speak of the same thing if they share their words and differ in one figure alone:
//! where two differ, the second says what sets them apart, a year or a place.

use std::collections::BTreeSet;

use super::align::{Span, Spans, Support, citation};
use super::{Conflict, Evidence};

/// Share of the words of both sentences that they must have in common.
const MIN_SHARED: f32 = 0.6;
/// The same where both hold every word of the question.
const MIN_SHARED_ASKED: f32 = 0.4;
/// Words that must be shared at least.
const MIN_WORDS: usize = 3;

/// The sentences of other documents that disagree with the span that supports a claim, in order of
/// the hits.
pub(super) fn find(
    spans: &Spans<'_>,
    support: &Support,
    marker: usize,
    asked: &BTreeSet<String>,
) -> Vec<Conflict> {
    let (hit, range) = support.place();
    let cited: Vec<&Span> = spans
        .sentences()
        .filter(|span| {
            span.hit == hit && range.start <= span.range.start && span.range.end <= range.end
        })
        .filter(|span| spans.reading(span).figure_count() > 0)
        .collect();
    let hits = spans.hits();
    let source = (&hits[hit].uri, hits[hit].store);
    let elsewhere = |span: &&Span| (&hits[span.hit].uri, hits[span.hit].store) != source;
    let mut found = Vec::new();
    for other in spans.sentences().filter(elsewhere) {
        let pair = cited.iter().find_map(|span| differ(spans, span, other, asked));
        if let Some((stated, contrary)) = pair {
            let source = citation(&hits[other.hit], &other.range, 0.0, Evidence::Words);
            found.push(Conflict { marker, stated, contrary, source });
        }
    }
    found
}

/// The one figure in which two sentences on the same thing differ: as cited and as in the other.
fn differ(
    spans: &Spans<'_>,
    cited: &Span,
    other: &Span,
    asked: &BTreeSet<String>,
) -> Option<(String, String)> {
    let words = |span: &Span| crate::words::keys(&spans.reading(span).without_figures());
    // cheap first: figures are read only where the words are near
    let rough = cited.keys.intersection(&other.keys).count();
    if rough < MIN_WORDS {
        return None;
    }
    let (a, b) = (words(cited), words(other));
    let shared = a.intersection(&b).count();
    let share = shared as f32 / a.union(&b).count().max(1) as f32;
    let telling: BTreeSet<&String> = asked.iter().filter(|key| a.contains(*key)).collect();
    let covers = telling.len() >= 2
        && telling.len() == asked.len()
        && telling.iter().all(|key| b.contains(*key));
    let needed = if covers { MIN_SHARED_ASKED } else { MIN_SHARED };
    if shared < MIN_WORDS || share < needed {
        return None;
    }
    spans.reading(cited).only_difference(spans.reading(other))
}
