//! Whether a span denies what a claim says, or says the opposite: word for word, with the stand of
//! each.
//!
//! Each word of the claim is held against the word of the span that stands among the same
//! neighbours. The words that a negation falls on first decide; where none of them is shared, the
//! others do by majority.

use super::negation::Stand;
use super::opposites;
use super::tokens::Token;
use super::{Disagreement, Reading, Reason};

/// Why the span contradicts the claim, if it does.
pub(super) fn find(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    if let Some(fault) = exception(claim, span).or_else(|| condition(claim, span)) {
        return Some(fault);
    }
    let mut tally = Tally::default();
    for index in 0..claim.tokens.len() {
        if let Some(vote) = vote(claim, span, index) {
            tally.add(vote);
        }
    }
    tally.verdict(claim)
}

/// How one word of the claim compares.
struct Vote {
    index: usize,
    agrees: bool,
    decides: bool,
    is_opposite: bool,
}

#[derive(Default)]
struct Tally {
    against: Option<(usize, bool)>,
    decided_for: usize,
    plain_for: usize,
    plain_against: Vec<usize>,
}

impl Tally {
    fn add(&mut self, vote: Vote) {
        match (vote.agrees, vote.decides) {
            (false, true) => {
                self.against.get_or_insert((vote.index, vote.is_opposite));
            }
            (false, false) => self.plain_against.push(vote.index),
            (true, true) => self.decided_for += 1,
            (true, false) => self.plain_for += 1,
        }
    }

    fn verdict(&self, claim: &Reading) -> Option<Disagreement> {
        let word = |index: usize| claim.word(index);
        if let Some((index, is_opposite)) = self.against {
            let reason = if is_opposite { Reason::Opposite } else { Reason::Negation };
            let detail = match is_opposite {
                true => format!("the passage says the opposite of {:?}", word(index)),
                false => format!("{:?} is denied in one and not in the other", word(index)),
            };
            return Some(Disagreement::new(reason, detail));
        }
        let first = *self.plain_against.first()?;
        let outvoted = self.decided_for == 0 && self.plain_against.len() >= self.plain_for.max(1);
        outvoted.then(|| {
            Disagreement::new(
                Reason::Negation,
                format!("{:?} is denied in one and not in the other", word(first)),
            )
        })
    }
}

fn vote(claim: &Reading, span: &Reading, index: usize) -> Option<Vote> {
    let (token, stand) = (&claim.tokens[index], claim.stands[index]);
    if !token.is_content() && !opposites::has_opposite(&token.folded, &token.key) {
        return None;
    }
    if stand.either {
        return None;
    }
    let mut candidates: Vec<(f32, usize, bool)> = Vec::new();
    for (place, other) in span.tokens.iter().enumerate() {
        let same = token.folded == other.folded || (token.is_content() && token.key == other.key);
        if same || is_turned(claim, span, index, place) {
            candidates.push((closeness(claim, span, index, place), place, !same));
        }
    }
    let best = candidates.iter().map(|candidate| candidate.0).fold(f32::MIN, f32::max);
    let vote_of = |&(_, place, is_opposite): &(f32, usize, bool)| {
        let other: Stand = span.stands[place];
        Vote {
            index,
            agrees: (stand.denied == other.denied) ^ is_opposite,
            decides: is_opposite || ((stand.focus || other.focus) && token.is_content()),
            is_opposite,
        }
    };
    let near = |candidate: &&(f32, usize, bool)| candidate.0 >= best - 0.05 - 0.1 * best.abs();
    let usable = |candidate: &&(f32, usize, bool)| !span.stands[candidate.1].either;
    let votes: Vec<Vote> = candidates.iter().filter(near).filter(usable).map(vote_of).collect();
    if !token.is_content() && !votes.iter().any(|vote| vote.is_opposite) {
        return None;
    }
    let agreeing = votes.iter().position(|vote| vote.agrees);
    votes.into_iter().nth(agreeing.unwrap_or(0))
}

/// Whether the words are opposites that stand for one another: their neighbours are the same.
fn is_turned(claim: &Reading, span: &Reading, index: usize, place: usize) -> bool {
    let (a, b) = (&claim.tokens[index], &span.tokens[place]);
    let opposite = opposites::are_opposite((&a.folded, &a.key), (&b.folded, &b.key))
        || opposites::is_prefixed(&a.folded, &b.folded);
    if !opposite || holds(claim, b) {
        return false;
    }
    let same = |a: Option<&Token>, b: Option<&Token>| {
        a.zip(b).is_some_and(|(a, b)| a.folded == b.folded || (a.is_content() && a.key == b.key))
    };
    let beside = same(before(claim, index), before(span, place))
        || same(after(claim, index), after(span, place));
    if beside {
        return true;
    }
    let crossed = same(before(claim, index), after(span, place))
        || same(after(claim, index), before(span, place));
    !crossed && !relates(claim, index) && share_held(claim, span, index) >= 0.8
}

fn holds(reading: &Reading, word: &Token) -> bool {
    reading
        .tokens
        .iter()
        .any(|token| token.folded == word.folded || (token.is_content() && token.key == word.key))
}

/// Words that relate what stands before them to what follows: turned around with their sides they
/// say the same.
fn relates(reading: &Reading, index: usize) -> bool {
    let relation = [
        "before", "after", "avant", "apres", "above", "below", "over", "under", "with", "without",
        "on", "off", "up", "down",
    ];
    let next = reading.tokens.get(index + 1..).unwrap_or_default().iter().take(3);
    reading.tokens[index].is(&relation)
        || next.into_iter().any(|token| token.is(&["than", "que", "qu", "als"]))
}

/// The share of the claim's other words that the span holds.
fn share_held(claim: &Reading, span: &Reading, index: usize) -> f32 {
    let others = claim.tokens.iter().enumerate();
    let others: Vec<&Token> = others
        .filter(|(place, token)| *place != index && token.is_content())
        .map(|(_, token)| token)
        .collect();
    if others.is_empty() {
        return 0.0;
    }
    others.iter().filter(|token| holds(span, token)).count() as f32 / others.len() as f32
}

fn before(reading: &Reading, index: usize) -> Option<&Token> {
    reading.tokens.get(..index)?.iter().rev().find(|token| counts(token))
}

fn after(reading: &Reading, index: usize) -> Option<&Token> {
    reading.tokens.get(index + 1..)?.iter().find(|token| counts(token))
}

fn counts(token: &Token) -> bool {
    token.is_content() || token.folded.starts_with(|c: char| c.is_ascii_digit())
}

/// How many of the claim's words around `index` stand around `place` of the span, near ones for
/// more.
fn closeness(claim: &Reading, span: &Reading, index: usize, place: usize) -> f32 {
    let reach = 8;
    let from = index.saturating_sub(reach);
    let around = claim.tokens.iter().enumerate().skip(from).take(2 * reach + 1);
    let mut score = 0.0;
    for (_, token) in around.filter(|(at, token)| *at != index && counts(token)) {
        let nearest = span.tokens.iter().enumerate().filter(|(at, other)| {
            *at != place
                && (other.folded == token.folded || (token.is_content() && other.key == token.key))
        });
        let clause = span.tokens[place].clause;
        let weigh = |(at, other): (usize, &Token)| {
            let same_clause = if other.clause == clause { 0.5 } else { 0.0 };
            1.0 / (1.0 + at.abs_diff(place) as f32) + same_clause
        };
        score += nearest.map(weigh).fold(0.0, f32::max);
    }
    score
}

/// What the span excepts, the claim may not include; and "all" may not drop the exception.
fn exception(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let excepted: Vec<&Token> =
        stood(span, |stand| stand.excepted).filter(|token| counts(token)).collect();
    let named = stood(claim, |stand| stand.excepted).next().is_some();
    let first = excepted.first()?;
    if named || span.tokens.iter().any(|token| token.is(&["unless", "moins"])) {
        return None;
    }
    let included = claim.tokens.iter().zip(&claim.stands).find(|(token, stand)| {
        !stand.denied && excepted.iter().any(|other| other.folded == token.folded)
    });
    if let Some((token, _)) = included {
        return Some(Disagreement::new(
            Reason::Negation,
            format!("the passage excepts {:?}", token.folded),
        ));
    }
    let universal = claim.tokens.iter().any(|token| {
        token.is(&[
            "all",
            "every",
            "each",
            "everyone",
            "everything",
            "any",
            "tous",
            "toutes",
            "tout",
            "chaque",
            "no",
            "aucun",
            "aucune",
            "always",
            "never",
            "toujours",
            "jamais",
        ])
    });
    universal.then(|| {
        Disagreement::new(
            Reason::Negation,
            format!("the exception of {:?} is left out", first.folded),
        )
    })
}

fn stood(reading: &Reading, which: fn(&Stand) -> bool) -> impl Iterator<Item = &Token> {
    reading
        .tokens
        .iter()
        .zip(&reading.stands)
        .filter(move |(_, stand)| which(stand))
        .map(|(token, _)| token)
}

/// "If" where the span says "unless", and the other way round.
fn condition(claim: &Reading, span: &Reading) -> Option<Disagreement> {
    let unless = |reading: &Reading| next_of(reading, &["unless"]);
    let given = |reading: &Reading| next_of(reading, &["if", "when", "whenever"]);
    let crossed = |a: Option<String>, b: Option<String>| a.is_some() && a == b;
    let found = crossed(unless(claim), given(span)) || crossed(given(claim), unless(span));
    found.then(|| Disagreement::new(Reason::Negation, "\"unless\" stands for \"if\"".to_owned()))
}

fn next_of(reading: &Reading, openers: &[&str]) -> Option<String> {
    let at = reading.tokens.iter().position(|token| token.is(openers))?;
    after(reading, at).map(|token| token.key.clone())
}
