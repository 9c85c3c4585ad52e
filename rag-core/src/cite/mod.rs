//! Answer to citations: each claim of an answer aligned to a span of a passage that the model was
//! shown.
//!
//! Small models cite badly, so their own `[1]` is thrown away. The engine compares the words of
//! each claim with the sentences of the passages and places its own markers. Whether the span still
//! stands in the source file is the facade's to find out.

mod align;
mod checks;
mod conflicts;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::marks;
use crate::passage;
pub use crate::search::Cosines;
use crate::search::{Hit, is_first};
use crate::words;

use align::Verdict;
pub use checks::Reason;
pub(crate) use checks::{asks_whether, polar_lead};

/// The share of a claim's words that must be found for it to count as supported.
pub const MIN_SUPPORT: f32 = 0.5;

/// Whether a citation still stands in its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The source holds the quote at the cited place.
    Ok,
    /// The source changed, and the quote stands elsewhere in it.
    Moved,
    /// The source changed, and the quote is gone.
    Changed,
    /// The source cannot be read.
    Missing,
    /// Nobody looked: the knowledge base is not trusted, or the source did not answer in time.
    Unverified,
}

impl Status {
    /// What a reader should know of the source, in words; `None` if the quote stands in it.
    #[must_use]
    pub fn note(self) -> Option<&'static str> {
        match self {
            Status::Ok => None,
            Status::Moved => Some("source changed, quote moved"),
            Status::Changed => Some("source changed"),
            Status::Missing => Some("source missing"),
            Status::Unverified => Some("source not verified"),
        }
    }
}

/// How a span was found to support a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Evidence {
    /// The claim stands in it word for word.
    Quote,
    /// The claim stands in it but for a word in ten.
    Near,
    /// It holds the claim's words, names and numbers.
    Words,
    /// It means the same in another language, by the encoder.
    Meaning,
}

/// A span of a passage that supports a part of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    /// The number in the answer text, from 1.
    pub marker: usize,
    /// The passage that holds the quote.
    pub passage_id: i64,
    /// The document.
    pub uri: String,
    /// Page, from 1.
    pub page: Option<u32>,
    /// First byte of the quote in the document's text; for text and Markdown in UTF-8 that is the
    /// file itself.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Bytes of the source file, where the format has them: first.
    pub source_start: Option<u64>,
    /// One past the last byte of the source file.
    pub source_end: Option<u64>,
    /// Where it begins, for a person: `page 3`, `sheet Budget, row 12`, `bytes 10-20`; as
    /// [`crate::search::Hit::place`]. Not written to JSON where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The words of the document.
    pub quote: String,
    /// How much of the claim the quote covers, 0 to 1; for [`Evidence::Meaning`] the cosine.
    pub support: f32,
    /// How the support was found.
    pub evidence: Evidence,
    /// Whether the quote stands in the source.
    pub status: Status,
    /// Which of several files asked as one holds it: [`Hit::store`].
    #[serde(default, skip_serializing_if = "is_first")]
    pub store: usize,
}

/// A claim whose words a passage holds without saying so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refuted {
    /// The claim, as it was written.
    pub claim: String,
    /// In what they disagree.
    pub reason: Reason,
    /// The same in words.
    pub detail: String,
    /// The passage.
    pub passage_id: i64,
    /// What it says.
    pub quote: String,
    /// Which of several files asked as one holds it: [`Hit::store`].
    #[serde(default, skip_serializing_if = "is_first")]
    pub store: usize,
}

/// Another document that gives another figure or date for what was cited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The citation that it disagrees with.
    pub marker: usize,
    /// The figure as cited.
    pub stated: String,
    /// The figure that the other document gives.
    pub contrary: String,
    /// Where it does; its own marker is 0.
    pub source: Citation,
}

/// An answer with its evidence.
#[derive(Debug, Clone, PartialEq)]
pub struct Cited {
    /// The answer with `[1]`-style markers behind each supported claim.
    pub text: String,
    /// The spans the markers stand for, in order of first use.
    pub citations: Vec<Citation>,
    /// Claims that no passage supports.
    pub unsupported: Vec<String>,
    /// Those of them whose words stand in a passage that says otherwise, with the reason.
    pub refuted: Vec<Refuted>,
    /// Other documents that give other figures for what is cited.
    pub conflicts: Vec<Conflict>,
}

/// Compares by meaning where words cannot be compared: a claim in one language, a passage in
/// another.
pub struct Meaning<'a> {
    /// How claim and sentences are compared.
    pub cosines: Cosines<'a>,
    /// The cosine that counts as support.
    pub floor: f32,
}

impl std::fmt::Debug for Meaning<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meaning").field("floor", &self.floor).finish_non_exhaustive()
    }
}

/// Aligns each claim of `answer` to the sentence, or two neighbouring sentences, of `hits` that
/// hold most of its words.
///
/// Words are compared without case, accents and endings; names weigh more than other words and
/// words of the question less. Ties go to the span closer to the question, then to the better hit.
/// Shared words are not enough: the span must agree in negations, figures with their sign and unit,
/// dates, opposites, names, who does what to whom, and what must, may and need not be; see
/// [`Reason`]. A claim without words of its own ("Yes.") is judged against the question. Nothing
/// overrules a disagreement, not even a claim that is quoted but for a word.
///
/// # Errors
/// Whatever `meaning` fails with.
pub fn cite(
    question: &str,
    answer: &str,
    hits: &[Hit],
    meaning: Option<&Meaning<'_>>,
) -> Result<Cited> {
    let answer = without_markers(answer);
    // a mark at its beginning leaves a blank
    let answer = answer.trim_start();
    let spans = align::Spans::new(hits);
    let mut cited = Cited {
        text: String::with_capacity(answer.len() + 16),
        citations: Vec::new(),
        unsupported: Vec::new(),
        refuted: Vec::new(),
        conflicts: Vec::new(),
    };
    let asked = words::keys(question);
    let mut written = 0;
    for range in passage::sentences(answer) {
        let claim = &answer[range.clone()];
        let found = match spans.judge(question, claim, meaning)? {
            Verdict::Supported(found) => found,
            Verdict::Refuted(refuted) => {
                cited.unsupported.push(claim.trim().to_owned());
                cited.refuted.push(refuted);
                continue;
            }
            Verdict::Unsupported => {
                cited.unsupported.push(claim.trim().to_owned());
                continue;
            }
        };
        let known = cited.citations.len();
        let marker = cited.mark(found.citation(hits));
        if marker > known {
            cited.conflicts.extend(conflicts::find(&spans, &found, marker, &asked));
        }
        let place = written + marker_place(&answer[written..range.end]);
        cited.text.push_str(&answer[written..place]);
        cited.text.push_str(&format!(" [{marker}]"));
        written = place;
    }
    cited.text.push_str(&answer[written..]);
    Ok(cited)
}

impl Cited {
    /// The marker of a span: its old one if it was cited before.
    fn mark(&mut self, mut citation: Citation) -> usize {
        let same = |old: &&Citation| {
            (old.passage_id, old.start, old.end)
                == (citation.passage_id, citation.start, citation.end)
                && old.store == citation.store
        };
        if let Some(old) = self.citations.iter().find(same) {
            return old.marker;
        }
        citation.marker = self.citations.len() + 1;
        self.citations.push(citation);
        self.citations.len()
    }
}

/// Whether `text` holds every word of `question` that carries meaning, and there are at least two
/// or a number.
#[must_use]
pub(crate) fn holds_words(question: &str, text: &str) -> bool {
    let asked = words::words(question);
    let held = words::keys(text);
    let telling = asked.len() >= 2 || asked.iter().any(|word| word.kind == words::WordKind::Number);
    telling
        && asked.iter().all(|word| held.contains(&word.key))
        && checks::gives_negatives(question, text)
}

/// Whether the passages that `answer` cites hold what it takes over from `question`: most of the
/// words that both say stand in them, their titles or headings.
#[must_use]
pub(crate) fn holds_subject<'h>(
    question: &str,
    answer: &str,
    cited: impl Iterator<Item = &'h Hit>,
) -> bool {
    let mut taken: BTreeSet<String> = words::keys(question)
        .intersection(&words::keys(&without_markers(answer)))
        .cloned()
        .collect();
    let count = taken.len();
    for hit in cited {
        let named = hit.title.iter().chain(&hit.heading).chain([&hit.uri, &hit.text]);
        let held: BTreeSet<String> = named.flat_map(|text| words::keys(text)).collect();
        taken.retain(|key| !held.contains(key));
    }
    count == 0 || taken.len() * 2 < count
}

/// Whether `answer` says more than the words of `question`: small models hand them back. Yes and no
/// do, and so does one of two things that the question names.
#[must_use]
pub(crate) fn adds_to(question: &str, answer: &str) -> bool {
    let answer = without_markers(answer);
    let is_choice = question.split_whitespace().any(|word| ["or", "ou"].contains(&word));
    is_choice
        || checks::leading_polar(&answer).is_some()
        || !words::keys(&answer).is_subset(&words::keys(question))
}

/// Whether `answer` begins with yes or no.
#[must_use]
pub(crate) fn is_polar(answer: &str) -> bool {
    checks::leading_polar(answer).is_some()
}

/// Whether `question` is nothing but figures, and `text` holds their digits with another sign.
#[must_use]
pub(crate) fn turns_signs(question: &str, text: &str) -> bool {
    let asked = words::words(question);
    !asked.is_empty()
        && asked.iter().all(|word| word.kind == words::WordKind::Number)
        && !checks::gives_negatives(question, text)
}

/// Where a marker goes in a claim: before the closing punctuation.
fn marker_place(claim: &str) -> usize {
    claim.trim_end().trim_end_matches(['.', '!', '?', ';', ':', ',']).trim_end().len()
}

/// The text without `[1]`-style markers and the spaces before them, whatever brackets and digits
/// they are written with, and without the fences of passages.
#[must_use]
pub fn without_markers(text: &str) -> String {
    marks::strip(text)
}

/// Whether `text` holds something that would pass for a marker of an answer, such as the `[1]` of a
/// list of references.
#[must_use]
pub fn has_markers(text: &str) -> bool {
    marks::has_marks(text)
}

#[cfg(test)]
mod tests;
