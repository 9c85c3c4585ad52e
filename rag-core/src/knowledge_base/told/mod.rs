//! Questions to the assistant itself and about what was said before: what the persona or the user's
//! own turns tell answers them, which is no citation of a document.
//!
//! Only where a question is addressed so ([`question`]). One for a name, the day or what was asked
//! is answered before anything is searched; any other only where the passages do not answer it, and
//! a sentence of the persona or the user holds all its words.

mod question;
mod vocabulary;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::cite;
use crate::dates::{self, Moment};
use crate::error::Result;
use crate::fold::fold;
use crate::guard::{Outlet, Refusal};
use crate::model::Role;
use crate::passage;
use crate::progress::Retraction;
use crate::search::Hit;
use crate::words::keys;

use super::draft::View;
use super::run::{Retrieved, Run, Written};
use super::types::{Abstain, Answer, NotFoundReason, Outcome, OwnWriter, ToldBy, ToldKind, Writer};
use question::{Addressed, asked, speaks_of_assistant, speaks_of_now, speaks_of_self, tokens};
use vocabulary::{ASSISTANT_CALLED, ASSISTANT_IS, NAMED, OF, USER_CALLED, USER_IS};

/// What answers a question that is addressed to the assistant or the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recalled {
    told: ToldBy,
    /// What an answer holds one of; empty for anything.
    telling: BTreeSet<String>,
    /// Whether it holds all of them, as of a date.
    needs_all: bool,
    /// What the question is about; empty where no document can be asked for it.
    about: BTreeSet<String>,
    /// Whether it is shown word for word whoever writes.
    is_quoted: bool,
}

impl Recalled {
    fn new(kind: ToldKind, quote: &str) -> Self {
        Self {
            told: ToldBy { kind, quote: quote.trim().to_owned() },
            telling: BTreeSet::new(),
            needs_all: false,
            about: BTreeSet::new(),
            is_quoted: false,
        }
    }

    /// Whether no document can be asked for it.
    pub(super) fn is_own(&self) -> bool {
        self.about.is_empty()
    }

    /// Whether it answers in the place of the passages found: these do not answer or, where the
    /// user said it, none holds the words of the question.
    pub(super) fn stands_for(&self, hits: &[Hit], reason: Option<NotFoundReason>) -> bool {
        let holds = |hit: &Hit| self.about.is_subset(&keys(&hit.text));
        let is_said = self.told.kind == ToldKind::Conversation;
        reason.is_some() || (is_said && !hits.iter().any(holds))
    }

    /// As something to write from; it is of no document.
    fn as_hit(&self) -> Hit {
        Hit { text: self.told.quote.clone(), end: self.told.quote.len(), ..Hit::default() }
    }

    /// Whether `text` says nothing but this: each claim is supported by it, and all words that are
    /// not the question's stand in it.
    fn supports(&self, question: &str, text: &str) -> Result<bool> {
        let plain = cite::without_markers(text);
        let cited = cite::cite(question, &plain, &[self.as_hit()], None)?;
        let said = keys(&plain);
        let tells = match self.needs_all {
            true => self.telling.is_subset(&said),
            false => self.telling.is_empty() || !self.telling.is_disjoint(&said),
        };
        let mut held = keys(question);
        held.append(&mut keys(&self.told.quote));
        Ok(!cited.citations.is_empty()
            && cited.unsupported.is_empty()
            && said.is_subset(&held)
            && tells
            && cite::adds_to(question, &plain))
    }
}

impl Run<'_> {
    /// What answers the question if it is addressed to the assistant or the conversation. Nothing
    /// where a cosine decides, any answer is wanted, or one of a given form.
    pub(super) fn told_of(&self) -> Option<Recalled> {
        let options = self.options;
        if options.abstain != Abstain::Calibrated || options.generate.constraint.is_some() {
            return None;
        }
        let users = options.history.iter().filter(|turn| turn.role == Role::User);
        let turns: Vec<Cow<'_, str>> =
            users.map(|turn| options.guards.told(&turn.content)).collect();
        let turns: Vec<&str> = turns.iter().map(AsRef::as_ref).collect();
        find(self.question, options.system.as_deref().unwrap_or_default(), &turns)
    }

    /// The answer from what was told: in words of who writes where they say nothing else, else in
    /// those that were told.
    pub(super) fn answer_told(mut self, found: &Recalled) -> Result<Answer> {
        let (written, refusal) = match &self.options.writer {
            Writer::Own(own) if !found.is_quoted => self.told_by_own(found, own)?,
            Writer::Generator if !found.is_quoted && self.knowledge_base.models.has_generator() => {
                self.drafted_told(found)?
            }
            _ => {
                let quoted = found.quoted(Written::default());
                let refusal = self.hand_out(&quoted.text);
                (quoted, refusal)
            }
        };
        let answer = Answer {
            found: true,
            text: cite::without_markers(&written.text).trim().to_owned(),
            quoted: written.is_quoted,
            told_by: vec![found.told.clone()],
            outcome: Outcome::Answered,
            ..self.unanswered(&Retrieved::default(), &written)
        };
        Ok(self.finish(answer, refusal))
    }

    /// What the caller's own model writes; what was told where it says anything else.
    fn told_by_own(
        &mut self,
        found: &Recalled,
        own: &OwnWriter,
    ) -> Result<(Written, Option<Refusal>)> {
        let mut listeners = self.listeners();
        let on_retract = listeners.take_on_retract();
        let (mut on_piece, _) = listeners.split();
        let mut outlet = Outlet::new(&self.options.guards, &mut on_piece).retracting(on_retract);
        let retrieved = Retrieved::given(vec![found.as_hit()]);
        let (written, refusal) = self.told_by(&retrieved, own, &mut outlet)?;
        if found.supports(self.question, &written.text)? {
            return Ok((written, refusal));
        }
        let quoted = found.quoted(written);
        if outlet.can_retract() {
            outlet.retract(Retraction::Unsupported);
            let refusal = outlet.whole(&quoted.text);
            return Ok((quoted, refusal));
        }
        // its pieces were handed on as they came
        let refusal = self.options.guards.check_answer(&quoted.text);
        Ok((quoted, refusal))
    }

    fn drafted_told(&mut self, found: &Recalled) -> Result<(Written, Option<Refusal>)> {
        let mut listeners = self.listeners();
        let (mut on_piece, call) = listeners.split();
        let mut outlet = Outlet::new(&self.options.guards, &mut on_piece);
        let told = vec![found.as_hit()];
        let view = View { told: told.clone(), cited: Some(told) };
        let draft = self.draft(&Retrieved::default(), view, call, None)?;
        let text = &draft.written.text;
        let is_fit = draft.sureness.is_enough && found.supports(self.question, text)?;
        let written = if is_fit { draft.written } else { found.quoted(draft.written) };
        let refusal = outlet.whole(&written.text);
        Ok((written, refusal))
    }
}

impl Recalled {
    /// What was told in the place of what was written.
    fn quoted(&self, written: Written) -> Written {
        let text = cite::without_markers(&self.told.quote);
        Written { text, is_quoted: true, ..written }
    }
}

/// What answers `question` of a persona and the user's turns, oldest first.
fn find(question: &str, persona: &str, turns: &[&str]) -> Option<Recalled> {
    let (by_persona, by_user) = (ToldKind::Persona, ToldKind::Conversation);
    let newest = || turns.iter().rev().flat_map(|turn| sentences(turn)).filter(|s| !asks(s));
    match asked(question, turns.is_empty())? {
        Addressed::AssistantName => {
            named(by_persona, sentences(persona), ASSISTANT_CALLED, ASSISTANT_IS, Named::Must)
        }
        Addressed::Assistant => {
            named(by_persona, sentences(persona), ASSISTANT_CALLED, ASSISTANT_IS, Named::May)
        }
        Addressed::UserName => named(by_user, newest(), USER_CALLED, USER_IS, Named::Must),
        Addressed::Said { first } => {
            let turn = if first { turns.first() } else { turns.last() }?;
            Some(Recalled { is_quoted: true, ..Recalled::new(by_user, turn) })
        }
        Addressed::Day => sentences(persona)
            .find_map(|sentence| dated(by_persona, sentence))
            .or_else(|| newest().find_map(|sentence| dated(by_user, sentence))),
        Addressed::OfAssistant(about) => {
            let mut of_it = sentences(persona).filter(|s| speaks_of_assistant(&tokens(s)));
            of_it.find_map(|sentence| holding(by_persona, sentence, &about))
        }
        Addressed::OfUser(about) => {
            let mut of_user = newest().filter(|sentence| speaks_of_self(&tokens(sentence)));
            of_user.find_map(|sentence| holding(by_user, sentence, &about))
        }
    }
}

fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let ranges = passage::sentences(text).into_iter();
    ranges.map(|range| text[range].trim()).filter(|sentence| !sentence.is_empty())
}

fn asks(sentence: &str) -> bool {
    sentence.ends_with(['?', '\u{ff1f}'])
}

/// A sentence that says more than `about`, and all of that.
fn holding(kind: ToldKind, sentence: &str, about: &BTreeSet<String>) -> Option<Recalled> {
    let held = keys(sentence);
    let telling: BTreeSet<String> = held.difference(about).cloned().collect();
    let is_it = about.is_subset(&held) && !telling.is_empty();
    is_it.then(|| Recalled { telling, about: about.clone(), ..Recalled::new(kind, sentence) })
}

/// A sentence that says what day it is.
fn dated(kind: ToldKind, sentence: &str) -> Option<Recalled> {
    let moments = dates::moments(sentence);
    let (range, _) = moments.into_iter().find(|(_, moment)| matches!(moment, Moment::Date(..)))?;
    let telling = keys(sentence.get(range)?);
    let is_now = speaks_of_now(&tokens(sentence));
    is_now.then(|| Recalled { telling, needs_all: true, ..Recalled::new(kind, sentence) })
}

/// Whether a name is asked for, or who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Must,
    May,
}

/// The first sentence that says what somebody is called, else the first that says so in passing,
/// else, where no name is asked for, the first that says who it is.
fn named<'t>(
    kind: ToldKind,
    sentences: impl Iterator<Item = &'t str>,
    called: &[&str],
    is: &[&str],
    name: Named,
) -> Option<Recalled> {
    let mut best: Option<(u8, Recalled)> = None;
    for sentence in sentences {
        let Some((rank, telling)) = naming(sentence, called, is) else { continue };
        if rank == 0 && name == Named::Must {
            continue;
        }
        if best.as_ref().is_none_or(|(held, _)| rank > *held) {
            // who somebody is may be said without the name
            let telling = if name == Named::Must { telling } else { BTreeSet::new() };
            best = Some((rank, Recalled { telling, ..Recalled::new(kind, sentence) }));
        }
    }
    best.map(|(_, found)| found)
}

/// How well a sentence says a name, 2 to 0, and the name: behind "your name is", behind "you are"
/// with a capital, or none.
fn naming(sentence: &str, called: &[&str], is: &[&str]) -> Option<(u8, BTreeSet<String>)> {
    let separate = |c: char| !c.is_alphanumeric();
    let written: Vec<&str> = sentence.split(separate).filter(|word| !word.is_empty()).collect();
    let folded: Vec<String> = written.iter().map(|word| fold(word)).collect();
    let name_at = |at: usize| -> Vec<&str> {
        let rest = written.get(at..).unwrap_or_default().iter().copied();
        rest.take_while(|word| word.starts_with(char::is_uppercase)).collect()
    };
    if let Some(at) = behind(&folded, called) {
        let mut name = name_at(at);
        if name.is_empty() {
            name.extend(written.get(at));
        }
        return (!name.is_empty()).then(|| (2, keys_of(&name)));
    }
    let at = behind(&folded, is)?;
    let name = match name_at(at) {
        name if name.is_empty() => named_behind(&folded, at).map(name_at).unwrap_or_default(),
        name => name,
    };
    match name.is_empty() {
        true => written.get(at).map(|_| (0, BTreeSet::new())),
        false => Some((1, keys_of(&name))),
    }
}

/// The keys of a name, which may be a word that else says little.
fn keys_of(name: &[&str]) -> BTreeSet<String> {
    name.iter().flat_map(|word| keys(word)).collect()
}

/// Where the first of these phrases ends that stands in the words.
fn behind(words: &[String], phrases: &[&str]) -> Option<usize> {
    let ends = |phrase: &&str| {
        let phrase: Vec<&str> = phrase.split(' ').collect();
        let at = words.windows(phrase.len()).position(|window| window == phrase.as_slice())?;
        Some(at + phrase.len())
    };
    phrases.iter().filter_map(ends).min()
}

/// Where a name begins that follows "you are" with a few words: "a guide named".
fn named_behind(words: &[String], from: usize) -> Option<usize> {
    let rest = words.get(from..)?;
    let at = rest.iter().take(5).position(|word| NAMED.contains(&word.as_str()))?;
    let is_of = |word: &String| OF.contains(&word.as_str());
    (!rest.get(..at)?.iter().any(is_of)).then_some(from + at + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
