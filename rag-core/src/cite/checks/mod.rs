//! What a claim and the span that shares its words must agree in: negations, figures, opposites,
//! names, roles, modals.
//!
//! Shared words show that a span is about the claim, not that it says so. Each check looks for one
//! way in which it does not, and says which. A claim passes if none finds a fault; nothing here
//! raises the support of a span.

mod agree;
mod bounds;
mod contradiction;
mod figure;
mod figures;
mod modality;
mod names;
mod negation;
mod numerals;
mod opposites;
mod particles;
mod polar;
mod roles;
mod tokens;
mod units;
mod whether;

use serde::{Deserialize, Serialize};

use crate::fold::fold;

use figure::{Figure, FigureValue};
pub(crate) use figures::Decimal;
use negation::Stand;
pub(crate) use polar::Polar;
pub(crate) use polar::leading as leading_polar;
use tokens::{Gap, Token};
pub(crate) use whether::{asks_whether, polar_lead};

/// In what a claim and a passage disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// One denies what the other says.
    Negation,
    /// A number, unit, time, version or code that the passage does not give.
    Figure,
    /// A date that the passage does not give.
    Date,
    /// One says the opposite of the other: more and less, open and closed, all and some.
    Opposite,
    /// The claim names what the passage does not.
    Entity,
    /// Who does what to whom is turned around.
    Role,
    /// What must be, may be or need not be is exchanged.
    Modality,
    /// "Yes" or "no" is not what the passage says to the question.
    Answer,
}

/// A disagreement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Disagreement {
    pub(super) reason: Reason,
    /// In words, lower case.
    pub(super) detail: String,
}

impl Disagreement {
    fn new(reason: Reason, detail: String) -> Self {
        Self { reason, detail }
    }

    /// Whether the passage says otherwise, where it might only not say it.
    pub(super) fn is_contradiction(&self) -> bool {
        !matches!(self.reason, Reason::Figure | Reason::Date | Reason::Entity)
    }
}

/// A claim or a span, read for comparing.
#[derive(Debug)]
pub(super) struct Reading {
    text: String,
    tokens: Vec<Token>,
    stands: Vec<Stand>,
    negation_count: usize,
    figures: Vec<Figure>,
}

impl Reading {
    pub(super) fn new(text: &str, decimal: Decimal) -> Self {
        let tokens = tokens::tokens(text);
        let (stands, negation_count) = negation::stands(&tokens);
        let figures = figures::figures(text, &tokens, decimal);
        Self { text: text.to_owned(), tokens, stands, negation_count, figures }
    }

    /// The text with its figures blanked out.
    pub(super) fn without_figures(&self) -> String {
        let mut text = String::with_capacity(self.text.len());
        let mut from = 0;
        for figure in &self.figures {
            text.push_str(self.text.get(from..figure.range.start).unwrap_or_default());
            text.push_str(" x ");
            from = figure.range.end.max(from);
        }
        text.push_str(self.text.get(from..).unwrap_or_default());
        text
    }

    /// How many figures it has.
    pub(super) fn figure_count(&self) -> usize {
        self.figures.len()
    }

    /// For each figure of `self` whether `other` gives it.
    pub(super) fn given_by(&self, other: &Reading) -> Vec<bool> {
        self.figures
            .iter()
            .map(|figure| agree::is_given(figure, &other.figures, other.is_row()))
            .collect()
    }

    /// The text that was read.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The one figure that each text has and the other has not, if they are of one kind and neither
    /// brings a name of its own to which it belongs.
    pub(super) fn only_difference(&self, other: &Reading) -> Option<(String, String)> {
        let lone = |a: &Reading, b: &Reading| -> Option<Figure> {
            let mut missing =
                a.figures.iter().filter(|figure| !agree::is_given(figure, &b.figures, b.is_row()));
            missing.next().filter(|_| missing.next().is_none()).cloned()
        };
        let (ours, theirs) = (lone(self, other)?, lone(other, self)?);
        let names_differ = names::brings_own(self, other) && names::brings_own(other, self);
        let is_code = matches!(ours.value, FigureValue::Code(_));
        (agree::is_same_kind(&ours.value, &theirs.value) && !names_differ && !is_code)
            .then(|| (self.written(&ours).to_owned(), other.written(&theirs).to_owned()))
    }

    /// Cells of a table, separated by tabs or bars.
    fn is_row(&self) -> bool {
        self.text.contains('\t') || self.text.contains(" | ")
    }

    fn word(&self, index: usize) -> &str {
        self.tokens
            .get(index)
            .and_then(|token| self.text.get(token.range.clone()))
            .unwrap_or_default()
    }

    fn written(&self, figure: &Figure) -> &str {
        self.text.get(figure.range.clone()).unwrap_or_default().trim()
    }

    fn begins_sentence(&self, index: usize) -> bool {
        let Some(token) = self.tokens.get(index) else { return true };
        let before = self.text.get(..token.range.start).unwrap_or_default().trim_end();
        token.gap == Gap::Stop && before.ends_with(['.', '!', '?', ':', '\n', '\u{2026}'])
    }

    /// Words of meaning.
    fn content_count(&self) -> usize {
        self.tokens.iter().filter(|token| token.is_content()).count()
    }
}

/// What is known beside claim and span.
#[derive(Debug)]
pub(super) struct ClaimContext<'a> {
    pub(super) question: &'a Reading,
    /// Title and heading of the passage, folded.
    pub(super) titles: Vec<String>,
    /// The passage, and where the span begins in it.
    pub(super) passage: &'a str,
    pub(super) span_start: usize,
}

impl ClaimContext<'_> {
    fn words(&self) -> impl Iterator<Item = &str> {
        self.passage.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
    }

    /// Whether the passage has this word without a capital.
    fn writes_small(&self, folded: &str) -> bool {
        self.words().any(|word| word.starts_with(char::is_lowercase) && fold(word) == folded)
    }

    /// Whether the passage has names at all beside this one.
    fn has_other_name(&self, folded: &str) -> bool {
        self.words().any(|word| word.starts_with(char::is_uppercase) && fold(word) != folded)
    }

    /// Whether the word stands in the three hundred bytes before the span.
    fn before_span(&self, folded: &str) -> bool {
        let from = self.passage.floor_char_boundary(self.span_start.saturating_sub(300));
        let before = self.passage.get(from..self.span_start).unwrap_or_default();
        before.split(|c: char| !c.is_alphanumeric()).any(|word| fold(word) == folded)
    }

    /// Whether two words stand next to each other in the passage.
    fn side_by_side(&self, a: &str, b: &str) -> bool {
        let words: Vec<String> = self.words().map(fold).collect();
        words
            .windows(2)
            .any(|pair| (pair[0] == a && pair[1] == b) || (pair[0] == b && pair[1] == a))
    }
}

/// Whether every word of the span is the claim's, in order: then it cannot say anything else.
fn is_whole(claim: &Reading, span: &Reading) -> bool {
    let plain = |reading: &Reading| -> String {
        let text = reading.text.split_whitespace().collect::<Vec<_>>().join(" ");
        text.trim_end_matches(['.', '!', '?', ' ', '\u{a0}']).to_owned()
    };
    plain(claim) == plain(span)
}

/// The first fault of `claim` as said by `span`.
pub(super) fn fault(
    claim: &Reading,
    span: &Reading,
    context: &ClaimContext<'_>,
) -> Option<Disagreement> {
    if is_whole(claim, span) {
        return None;
    }
    figure(claim, span)
        .or_else(|| contradiction::find(claim, span))
        .or_else(|| modality::find(claim, span))
        .or_else(|| names::find(claim, span, context))
        .or_else(|| roles::find(claim, span))
        .or_else(|| of_fragment(claim, span, context))
}

fn figure(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let missing = agree::missing(&claim.figures, &span.figures, span.is_row())?;
    let reason =
        if matches!(missing.value, FigureValue::Date(..)) { Reason::Date } else { Reason::Figure };
    let others =
        span.figures.iter().filter(|other| agree::is_same_kind(&missing.value, &other.value));
    let others: Vec<String> =
        others.take(3).map(|other| format!("{:?}", span.written(other))).collect();
    let detail = match others.as_slice() {
        [] => format!("{:?} is not there", claim.written(missing)),
        others => format!("{:?} is not there, but {}", claim.written(missing), others.join(", ")),
    };
    Some(Disagreement::new(reason, detail))
}

/// Whether `text` gives every figure below zero that `question` names: words alone show 40 and -40
/// alike.
pub(super) fn gives_negatives(question: &str, text: &str) -> bool {
    let asked = Reading::new(question, Decimal::Point);
    let is_negative =
        |figure: &&Figure| matches!(figure.value, FigureValue::Number(number, _) if number < 0.0);
    let negatives: Vec<Figure> = asked.figures.iter().filter(is_negative).cloned().collect();
    negatives.is_empty() || {
        let held = Reading::new(text, Decimal::Point);
        agree::missing(&negatives, &held.figures, held.is_row()).is_none()
    }
}

/// An answer of a few words says what its question asks for: "V3" to "which valve must be opened?".
fn of_fragment(
    claim: &Reading,
    span: &Reading,
    context: &ClaimContext<'_>,
) -> Option<Disagreement> {
    let is_fragment = claim.content_count() <= 4
        && !claim.tokens.iter().any(|token| token.is(tokens::FINITE))
        && claim.negation_count == 0;
    if !is_fragment || context.question.tokens.is_empty() {
        return None;
    }
    let whole = Reading::new(
        &format!("{} {}", context.question.text.trim_end_matches(['?', ' ']), claim.text),
        Decimal::Point,
    );
    contradiction::find(&whole, span).filter(|fault| fault.reason == Reason::Negation)
}

/// The fault of an answer "yes" or "no" to `question`, in its own words or none, as said by `span`.
pub(super) fn polar_fault(
    polar: Polar,
    question: &str,
    span: &Reading,
    context: &ClaimContext<'_>,
    decimal: Decimal,
) -> Option<Disagreement> {
    if !polar::is_asked(question) {
        return None;
    }
    let core = Reading::new(&polar::core(question), decimal);
    let fault = core_fault(&core, span, context);
    let denies = fault
        .as_ref()
        .is_some_and(|fault| fault.is_contradiction() || is_other_figure(&core, span));
    match (polar, fault) {
        (Polar::Yes, None) => None,
        (Polar::Yes, Some(fault)) => Some(Disagreement::new(Reason::Answer, fault.detail)),
        (Polar::No, _) if denies => None,
        (Polar::No, _) => {
            Some(Disagreement::new(Reason::Answer, "the passage does not deny it".to_owned()))
        }
    }
}

/// The fault of what a question asks, without its own denial, as said by `span`.
fn core_fault(core: &Reading, span: &Reading, context: &ClaimContext<'_>) -> Option<Disagreement> {
    figure(core, span)
        .or_else(|| contradiction::find(core, span))
        .or_else(|| modality::find(core, span))
        .or_else(|| names::find(core, span, context))
        .or_else(|| roles::find(core, span))
}

fn is_other_figure(core: &Reading, span: &Reading) -> bool {
    agree::missing(&core.figures, &span.figures, span.is_row()).is_some_and(|missing| {
        span.figures.iter().any(|other| agree::is_same_kind(&missing.value, &other.value))
    })
}

/// The polarity of an answer without words of its own: "It is not."
pub(super) fn bare_polar(claim: &Reading) -> Polar {
    if claim.negation_count % 2 == 1 { Polar::No } else { Polar::Yes }
}

/// The fault of a claim said by a span in another language: figures, names and whether it is
/// denied.
pub(super) fn foreign_fault(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let denied = |reading: &Reading| reading.negation_count % 2 == 1;
    let negation = || {
        let short = span.tokens.len() <= 2 * claim.tokens.len() + 4;
        let differs = denied(claim) != denied(span) && (denied(claim) || short);
        differs.then(|| {
            Disagreement::new(Reason::Negation, "one is denied and the other is not".to_owned())
        })
    };
    figure(claim, span).or_else(negation).or_else(|| names::foreign(claim, span))
}

#[cfg(test)]
mod tests;
