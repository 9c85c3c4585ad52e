//! Finds the span of the shown passages that supports a claim.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::document;
use crate::error::Result;
use crate::passage;
use crate::search::Hit;
use crate::words::{Word, WordKind, words};

use super::{Citation, Evidence, MIN_SUPPORT, Meaning, Status};

/// A sentence, or two neighbours, of a hit.
#[derive(Debug)]
struct Span {
    hit: usize,
    /// Bytes of the hit's text.
    range: Range<usize>,
    keys: BTreeSet<String>,
    sentence_count: usize,
}

/// Every span that can be cited.
#[derive(Debug)]
pub(super) struct Spans<'a> {
    hits: &'a [Hit],
    spans: Vec<Span>,
}

/// A claim's support.
#[derive(Debug)]
pub(super) struct Support {
    hit: usize,
    range: Range<usize>,
    support: f32,
    evidence: Evidence,
}

impl<'a> Spans<'a> {
    pub(super) fn new(hits: &'a [Hit]) -> Self {
        let mut spans = Vec::new();
        for (index, hit) in hits.iter().enumerate() {
            let sentences = passage::sentences(&hit.text);
            let pairs = sentences.windows(2).map(|pair| (pair[0].start..pair[1].end, 2));
            let singles = sentences.iter().map(|sentence| (sentence.clone(), 1));
            for (range, sentence_count) in singles.chain(pairs) {
                let keys =
                    words(&hit.text[range.clone()]).into_iter().map(|word| word.key).collect();
                spans.push(Span { hit: index, range, keys, sentence_count });
            }
        }
        Self { hits, spans }
    }

    /// The best span for `claim`, if any supports it.
    pub(super) fn support(
        &self,
        question: &str,
        claim: &str,
        meaning: Option<&Meaning<'_>>,
    ) -> Result<Option<Support>> {
        let asked: BTreeSet<String> = words(question).into_iter().map(|word| word.key).collect();
        let mut claimed: BTreeSet<Word> = words(claim).into_iter().collect();
        if claimed.is_empty() {
            claimed = words(question).into_iter().collect();
        }
        match self.by_words(&claimed, &asked, claim) {
            Some(found) => Ok(Some(found)),
            None => self.by_meaning(claim, &claimed, meaning),
        }
    }

    fn by_words(
        &self,
        claimed: &BTreeSet<Word>,
        asked: &BTreeSet<String>,
        claim: &str,
    ) -> Option<Support> {
        let mut best: Option<(f32, f32, &Span)> = None;
        for span in &self.spans {
            let support = coverage(claimed, asked, &span.keys);
            let closeness = asked.intersection(&span.keys).count() as f32;
            // A second sentence must earn its place.
            let rank = support - 0.1 * (span.sentence_count - 1) as f32;
            let better = best.is_none_or(|(best_rank, best_closeness, _)| {
                (rank, closeness) > (best_rank, best_closeness)
            });
            if support >= MIN_SUPPORT && better {
                best = Some((rank, closeness, span));
            }
        }
        let (_, _, span) = best?;
        let quoted = &self.hits[span.hit].text[span.range.clone()];
        let evidence = match claim.trim().trim_end_matches(['.', '!', '?']) {
            core if quoted.contains(core) => Evidence::Quote,
            core if is_near_quote(core, quoted) => Evidence::Near,
            _ => Evidence::Words,
        };
        Some(Support {
            hit: span.hit,
            range: span.range.clone(),
            support: coverage(claimed, asked, &span.keys),
            evidence,
        })
    }

    /// Only for passages in another language than the claim: within one language the encoder finds any sentence
    /// on the same subject close, whether it supports the claim or not.
    fn by_meaning(
        &self,
        claim: &str,
        claimed: &BTreeSet<Word>,
        meaning: Option<&Meaning<'_>>,
    ) -> Result<Option<Support>> {
        let (Some(meaning), Some(language)) = (meaning, document::guess_lang(claim)) else {
            return Ok(None);
        };
        let foreign = |span: &&Span| {
            let other = document::guess_lang(&self.hits[span.hit].text);
            span.sentence_count == 1 && other.is_some_and(|other| other != language)
        };
        let candidates: Vec<&Span> = self
            .spans
            .iter()
            .filter(foreign)
            .filter(|span| holds_numbers(claimed, &span.keys))
            .collect();
        if candidates.is_empty() {
            return Ok(None);
        }
        let texts: Vec<&str> =
            candidates.iter().map(|span| &self.hits[span.hit].text[span.range.clone()]).collect();
        let cosines = (meaning.cosines)(claim, &texts)?;
        let best = candidates.into_iter().zip(cosines).max_by(|a, b| a.1.total_cmp(&b.1));
        Ok(best.filter(|(_, cosine)| *cosine >= meaning.floor).map(|(span, cosine)| Support {
            hit: span.hit,
            range: span.range.clone(),
            support: cosine.clamp(0.0, 1.0),
            evidence: Evidence::Meaning,
        }))
    }
}

/// Words of a claim from which a quote can be told from chance.
const MIN_QUOTE_WORDS: usize = 4;

/// Whether nine of ten words of the claim, small ones too, stand in the text in the same order (longest common subsequence).
fn is_near_quote(claim: &str, text: &str) -> bool {
    let cut = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (claimed, held) = (cut(claim), cut(text));
    if claimed.len() < MIN_QUOTE_WORDS || claimed.len() > 10 * held.len() {
        return false;
    }
    // the longest run of shared words that ends at each word of the text, row by row
    let mut row = vec![0usize; held.len() + 1];
    for word in &claimed {
        let mut diagonal = 0;
        for (place, other) in held.iter().enumerate() {
            let above = row[place + 1];
            row[place + 1] = if word == other { diagonal + 1 } else { above.max(row[place]) };
            diagonal = above;
        }
    }
    row.last().is_some_and(|shared| shared * 10 >= claimed.len() * 9)
}

/// The weighted share of the claim's words that the span holds; 0 if a number is missing.
fn coverage(claimed: &BTreeSet<Word>, asked: &BTreeSet<String>, keys: &BTreeSet<String>) -> f32 {
    if !holds_numbers(claimed, keys) {
        return 0.0;
    }
    let weight = |word: &Word| {
        // Words of the question come back in most answers and prove little.
        if asked.contains(&word.key) { 0.25 } else { word.kind.weight() }
    };
    let total: f32 = claimed.iter().map(weight).sum();
    let held: f32 = claimed.iter().filter(|word| keys.contains(&word.key)).map(weight).sum();
    if total > 0.0 { held / total } else { 0.0 }
}

fn holds_numbers(claimed: &BTreeSet<Word>, keys: &BTreeSet<String>) -> bool {
    claimed.iter().all(|word| word.kind != WordKind::Number || keys.contains(&word.key))
}

impl Support {
    /// The citation of this span; its marker, source bytes and status are filled in by those who know them.
    pub(super) fn citation(&self, hits: &[Hit]) -> Citation {
        let hit = &hits[self.hit];
        Citation {
            marker: 0,
            passage_id: hit.passage_id,
            uri: hit.uri.clone(),
            page: hit.page,
            start: hit.start + self.range.start,
            end: hit.start + self.range.end,
            source_start: None,
            source_end: None,
            quote: hit.text[self.range.clone()].to_owned(),
            support: self.support,
            evidence: self.evidence,
            status: Status::Ok,
            store: hit.store,
        }
    }
}
