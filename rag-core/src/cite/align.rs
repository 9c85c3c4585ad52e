//! Finds the span of the shown passages that supports a claim.
//!
//! The words choose the candidates, best first; the checks of [`super::checks`] have the last word
//! on each.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::Range;

use crate::document;
use crate::error::Result;
use crate::fold::fold;
use crate::passage;
use crate::search::Hit;
use crate::words::{Word, keys, words};

use super::checks::{self, ClaimContext, Decimal, Disagreement, Polar, Reading};
use super::{Citation, Evidence, MIN_SUPPORT, Meaning, Refuted, Status};

/// A sentence, or two neighbours, of a hit.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) hit: usize,
    /// Bytes of the hit's text.
    pub(super) range: Range<usize>,
    pub(super) keys: BTreeSet<String>,
    pub(super) sentence_count: usize,
    reading: OnceCell<Reading>,
}

/// Every span that can be cited.
#[derive(Debug)]
pub(super) struct Spans<'a> {
    hits: &'a [Hit],
    spans: Vec<Span>,
    /// How each hit writes decimals.
    decimals: Vec<Decimal>,
}

/// A claim's support.
#[derive(Debug)]
pub(super) struct Support {
    hit: usize,
    pub(super) range: Range<usize>,
    support: f32,
    evidence: Evidence,
}

/// What became of a claim.
#[derive(Debug)]
pub(super) enum Verdict {
    Supported(Support),
    /// A span holds its words and does not say so.
    Refuted(Refuted),
    Unsupported,
}

/// A claim, read.
#[derive(Debug)]
struct Claim<'a> {
    question: &'a str,
    asked: Reading,
    /// As it was written.
    written: &'a str,
    /// "Yes" or "no" that it begins with, or is.
    polar: Option<Polar>,
    /// It says no more than yes or no, and is read with the question.
    is_bare: bool,
    /// What is looked for: the claim, or the question where it has no words of its own.
    reading: Reading,
    decimal: Decimal,
    words: BTreeSet<Word>,
    asked_keys: BTreeSet<String>,
    /// What each figure counts for.
    figure_weights: Vec<f32>,
}

/// The share of a question's words that must stand in what "yes" or "no" is taken from.
const MIN_POLAR_SUPPORT: f32 = 0.65;

/// How much less than a span that refutes a claim another may hold of it and still support it: by
/// what it refutes, and by what it only lacks.
const REFUTED_MARGIN: f32 = 0.05;
const LACKING_MARGIN: f32 = 0.25;

impl<'a> Claim<'a> {
    fn new(question: &'a str, written: &'a str, fallback: Decimal) -> Self {
        let decimal = decimal_of(written).or_else(|| decimal_of(question)).unwrap_or(fallback);
        let lead = checks::leading_polar(written);
        let asked_keys: BTreeSet<String> = keys(question);
        let own = lead.map_or(written, |(_, rest)| rest);
        let own_keys = keys(own);
        let adds_nothing = lead.is_some() && own_keys.is_subset(&asked_keys);
        let is_bare = own_keys.is_empty() || adds_nothing;
        let reading = Reading::new(if is_bare { question } else { own }, decimal);
        let polar = lead.map(|(polar, _)| polar).or_else(|| {
            let own = Reading::new(own, decimal);
            is_bare.then(|| checks::bare_polar(&own))
        });
        let asked = Reading::new(question, decimal);
        let weigh = |is_asked| if is_asked { 0.25 } else { 2.0 };
        let figure_weights = reading.given_by(&asked).into_iter().map(weigh).collect();
        let words = words(&reading.without_figures()).into_iter().collect();
        Self {
            question,
            asked,
            written,
            polar,
            is_bare,
            reading,
            decimal,
            words,
            asked_keys,
            figure_weights,
        }
    }

    fn weight(&self, word: &Word) -> f32 {
        // Words of the question come back in most answers and prove little.
        if self.asked_keys.contains(&word.key) { 0.25 } else { word.kind.weight() }
    }

    /// The weighted share of the claim that a span with these words holds if it holds all its
    /// figures.
    fn coverage(&self, keys: &BTreeSet<String>) -> f32 {
        let figures: f32 = self.figure_weights.iter().sum();
        let total: f32 = self.words.iter().map(|word| self.weight(word)).sum();
        let held = self.words.iter().filter(|word| keys.contains(&word.key));
        let held: f32 = held.map(|word| self.weight(word)).sum();
        if total + figures > 0.0 { (held + figures) / (total + figures) } else { 0.0 }
    }

    fn min_support(&self) -> f32 {
        let is_polar = self.is_bare && self.polar.is_some();
        if is_polar { MIN_POLAR_SUPPORT } else { MIN_SUPPORT }
    }

    fn fault(
        &self,
        span: &Reading,
        context: &ClaimContext<'_>,
        support: f32,
    ) -> Option<Disagreement> {
        let polar = self.polar.and_then(|polar| {
            checks::polar_fault(polar, self.question, span, context, self.decimal)
        });
        if self.is_bare {
            return polar;
        }
        let polar = polar.filter(|_| support >= MIN_POLAR_SUPPORT && self.covers_question(span));
        checks::fault(&self.reading, span, context).or(polar)
    }

    /// Whether a span is about the question as a whole.
    fn covers_question(&self, span: &Reading) -> bool {
        let held = keys(span.text());
        let shared = self.asked_keys.intersection(&held).count() as f32;
        shared >= MIN_POLAR_SUPPORT * self.asked_keys.len() as f32
    }
}

/// How the language of a text parts decimals.
fn decimal_of(text: &str) -> Option<Decimal> {
    Some(match document::guess_any_lang(text)? {
        "en" => Decimal::Point,
        _ => Decimal::Comma,
    })
}

impl<'a> Spans<'a> {
    pub(super) fn new(hits: &'a [Hit]) -> Self {
        let mut spans = Vec::new();
        for (index, hit) in hits.iter().enumerate() {
            let sentences = passage::sentences(&hit.text);
            // a heading alone supports nothing
            let heading = |range: &Range<usize>| passage::is_heading(&hit.text, range.clone());
            let pairs = sentences
                .windows(2)
                .filter(|pair| !pair.iter().all(heading))
                .map(|pair| (pair[0].start..pair[1].end, 2));
            let singles =
                sentences.iter().filter(|range| !heading(range)).map(|range| (range.clone(), 1));
            for (range, sentence_count) in singles.chain(pairs) {
                let keys = keys(&hit.text[range.clone()]);
                let reading = OnceCell::new();
                spans.push(Span { hit: index, range, keys, sentence_count, reading });
            }
        }
        let decimals =
            hits.iter().map(|hit| decimal_of(&hit.text).unwrap_or(Decimal::Point)).collect();
        Self { hits, spans, decimals }
    }

    pub(super) fn hits(&self) -> &'a [Hit] {
        self.hits
    }

    /// Spans of one sentence.
    pub(super) fn sentences(&self) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(|span| span.sentence_count == 1)
    }

    pub(super) fn text(&self, span: &Span) -> &'a str {
        &self.hits[span.hit].text[span.range.clone()]
    }

    pub(super) fn reading<'s>(&self, span: &'s Span) -> &'s Reading {
        span.reading.get_or_init(|| Reading::new(self.text(span), self.decimals[span.hit]))
    }

    /// What becomes of `claim`: the best span that says so, or the best that says otherwise.
    pub(super) fn judge(
        &self,
        question: &str,
        claim: &str,
        meaning: Option<&Meaning<'_>>,
    ) -> Result<Verdict> {
        let fallback = self.decimals.first().copied().unwrap_or(Decimal::Point);
        let claim = Claim::new(question, claim, fallback);
        match self.by_words(&claim) {
            Verdict::Unsupported => self.by_meaning(&claim, meaning),
            judged => Ok(judged),
        }
    }

    /// The spans that hold enough of the claim, best first, each with what it holds and its rank.
    fn candidates(&self, claim: &Claim<'_>) -> Vec<(f32, f32, &Span)> {
        let mut candidates: Vec<(f32, f32, usize, &Span)> = Vec::new();
        for span in &self.spans {
            let support = claim.coverage(&span.keys);
            if support >= claim.min_support() {
                let closeness = claim.asked_keys.intersection(&span.keys).count();
                // A second sentence must earn its place.
                let rank = support - 0.1 * (span.sentence_count - 1) as f32;
                candidates.push((rank, support, closeness, span));
            }
        }
        // stable: ties go to the better hit
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.2.cmp(&a.2)));
        candidates.into_iter().map(|(rank, support, _, span)| (rank, support, span)).collect()
    }

    fn by_words(&self, claim: &Claim<'_>) -> Verdict {
        let mut refuted: Option<Refuted> = None;
        let mut needed = f32::MIN;
        for (rank, support, span) in self.candidates(claim) {
            if rank < needed {
                break;
            }
            let context = self.context(&claim.asked, span);
            let Some(fault) = claim.fault(self.reading(span), &context, support) else {
                return Verdict::Supported(self.supported(claim, span, support));
            };
            let margin = if fault.is_contradiction() { REFUTED_MARGIN } else { LACKING_MARGIN };
            needed = needed.max(rank - margin);
            refuted.get_or_insert_with(|| self.refuted(claim, span, fault));
        }
        refuted.map_or(Verdict::Unsupported, Verdict::Refuted)
    }

    fn context<'c>(&'c self, asked: &'c Reading, span: &Span) -> ClaimContext<'c> {
        let hit = &self.hits[span.hit];
        ClaimContext {
            question: asked,
            titles: hit.title.iter().chain(&hit.heading).map(|title| fold(title)).collect(),
            passage: &hit.text,
            span_start: span.range.start,
        }
    }

    fn supported(&self, claim: &Claim<'_>, span: &Span, support: f32) -> Support {
        let quoted = self.text(span);
        let evidence = match claim.written.trim().trim_end_matches(['.', '!', '?']) {
            core if quoted.contains(core) => Evidence::Quote,
            core if is_near_quote(core, quoted) => Evidence::Near,
            _ => Evidence::Words,
        };
        Support { hit: span.hit, range: span.range.clone(), support, evidence }
    }

    fn refuted(&self, claim: &Claim<'_>, span: &Span, fault: Disagreement) -> Refuted {
        let hit = &self.hits[span.hit];
        Refuted {
            claim: claim.written.trim().to_owned(),
            reason: fault.reason,
            detail: fault.detail,
            passage_id: hit.passage_id,
            quote: self.text(span).to_owned(),
            store: hit.store,
        }
    }

    /// Only for passages in another language than the claim: within one language the encoder finds
    /// any sentence on the same subject close, whether it supports the claim or not.
    fn by_meaning(&self, claim: &Claim<'_>, meaning: Option<&Meaning<'_>>) -> Result<Verdict> {
        let (Some(meaning), Some(language)) = (meaning, document::guess_lang(claim.written)) else {
            return Ok(Verdict::Unsupported);
        };
        let foreign = |span: &&Span| {
            let other = document::guess_lang(&self.hits[span.hit].text);
            span.sentence_count == 1 && other.is_some_and(|other| other != language)
        };
        let gives_figures = |span: &&Span| {
            claim.reading.figure_count() == 0
                || claim.reading.given_by(self.reading(span)).into_iter().all(|given| given)
        };
        let candidates: Vec<&Span> =
            self.spans.iter().filter(foreign).filter(gives_figures).collect();
        if candidates.is_empty() {
            return Ok(Verdict::Unsupported);
        }
        let texts: Vec<&str> = candidates.iter().map(|span| self.text(span)).collect();
        let cosines = (meaning.cosines)(claim.written, &texts)?;
        let best = candidates.into_iter().zip(cosines).max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((span, cosine)) = best.filter(|(_, cosine)| *cosine >= meaning.floor) else {
            return Ok(Verdict::Unsupported);
        };
        if let Some(fault) = checks::foreign_fault(&claim.reading, self.reading(span)) {
            return Ok(Verdict::Refuted(self.refuted(claim, span, fault)));
        }
        Ok(Verdict::Supported(Support {
            hit: span.hit,
            range: span.range.clone(),
            support: cosine.clamp(0.0, 1.0),
            evidence: Evidence::Meaning,
        }))
    }
}

/// Words of a claim from which a quote can be told from chance.
const MIN_QUOTE_WORDS: usize = 4;

/// Whether nine of ten words of the claim, small ones too, stand in the text in the same order
/// (longest common subsequence).
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

impl Support {
    /// The citation of this span; its marker, source bytes and status are filled in by those who
    /// know them.
    pub(super) fn citation(&self, hits: &[Hit]) -> Citation {
        citation(&hits[self.hit], &self.range, self.support, self.evidence)
    }

    /// The hit and the bytes of its text.
    pub(super) fn place(&self) -> (usize, &Range<usize>) {
        (self.hit, &self.range)
    }
}

/// A citation of `range` of a hit's text.
pub(super) fn citation(
    hit: &Hit,
    range: &Range<usize>,
    support: f32,
    evidence: Evidence,
) -> Citation {
    Citation {
        marker: 0,
        passage_id: hit.passage_id,
        uri: hit.uri.clone(),
        page: hit.page,
        start: hit.start + range.start,
        end: hit.start + range.end,
        source_start: None,
        source_end: None,
        place: None,
        quote: hit.text[range.clone()].to_owned(),
        support,
        evidence,
        status: Status::Ok,
        store: hit.store,
    }
}
