//! What a generator writes is a draft: it becomes the answer where a passage supports it and the
//! model was sure of its words. Otherwise the sentences that answer best are quoted.
//!
//! Small models say something wrong more often than they say nothing. Of 200 questions of XQuAD the
//! model that comes by default answered 0.61 in its own words. Taking its word only where it was
//! sure, and quoting elsewhere, it is 0.75 of 120 others, and the overlap with the short gold
//! answers 0.37 instead of the 0.17 of quotes alone, which hold 0.86 of them.

use std::borrow::Cow;
use std::ops::ControlFlow;

use crate::cite::{self, Citation, Evidence};
use crate::error::{Error, Result};
use crate::generate::{GenerateOptions, Generation, StopReason};
use crate::guard::{Outlet, Refusal};
use crate::model::Role;
use crate::passage;
use crate::progress::{Call, Retraction};
use crate::search::{self, Hit, Sentence};
use crate::words::words;

use super::ask::request;
use super::follow_up::{follow_up, says_nothing};
use super::run::{Retrieved, Run, Written};
use super::types::{Abstain, Answer, Writer};

/// Most tokens of an answer in a few words; one that goes on was not sure of its end.
const SHORT_TOKENS: usize = 64;
/// How many sentences are shown where a few words are asked for: the best one and its neighbours.
pub(super) const SHORT_SENTENCES: usize = 3;
/// The least log-probability of the least sure word of a few.
const MIN_WORD: f32 = -0.5;
/// The least mean log-probability of the words of a sentence.
const MIN_MEAN: f32 = -0.2;

/// What was written, and what became of it.
pub(super) struct Drafted {
    pub(super) written: Written,
    pub(super) sureness: Sureness,
    /// Whether it is taken as it comes: a sentence of it is supported.
    is_open: bool,
    /// What was not handed on.
    held: String,
}

/// What a draft is written from.
pub(super) struct View {
    /// What the generator is shown.
    pub(super) told: Vec<Hit>,
    /// What it is cited from; `None` for what fits of [`View::told`].
    pub(super) cited: Option<Vec<Hit>>,
}

/// How sure a model was of its words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sureness {
    /// Whether that is enough.
    pub(super) is_enough: bool,
    /// The log-probability of the least sure word of a few, the mean of those of sentences; 0 where
    /// nothing was recorded.
    pub(super) logprob: f32,
}

impl Run<'_> {
    /// The answer in the generator's words, or in those of the passages; with it why it may not be
    /// seen, if so.
    pub(super) fn drafted(&mut self, retrieved: &Retrieved) -> Result<(Answer, Option<Refusal>)> {
        let mut listeners = self.listeners();
        let on_retract = listeners.take_on_retract();
        let (mut on_piece, call) = listeners.split();
        let mut outlet = Outlet::new(&self.options.guards, &mut on_piece).retracting(on_retract);
        let (answer, refusal) = self.settled(retrieved, call, &mut outlet)?;
        if !answer.found {
            outlet.retract(Retraction::Unsupported);
        }
        Ok((answer, refusal))
    }

    /// The draft that may be the answer, or what is quoted in its place; handed on.
    fn settled(
        &mut self,
        retrieved: &Retrieved,
        call: Call<'_>,
        outlet: &mut Outlet<'_>,
    ) -> Result<(Answer, Option<Refusal>)> {
        if self.options.candidates > 1 && self.may_quote() {
            let (answer, draft, is_fit) = self.best_draft(retrieved)?;
            return match is_fit {
                true => {
                    let (answer, lead) = self.led(retrieved, answer);
                    let refusal = outlet.whole(&format!("{lead}{}", draft.written.text));
                    Ok((answer, refusal))
                }
                false => self.quoted_instead(retrieved, draft, answer, outlet),
            };
        }
        let view = View {
            told: self.shown(retrieved)?,
            // other documents may say otherwise, which is a conflict to be told
            cited: self.is_focused().then(|| retrieved.hits.clone()),
        };
        let draft = self.draft(retrieved, view, call, Some(&mut *outlet))?;
        let answer = self.cite(retrieved, &draft.written)?;
        if draft.is_open || self.is_fit(retrieved, &draft, &answer) {
            return Ok(self.handed_on(retrieved, draft, answer, outlet));
        }
        self.quoted_instead(retrieved, draft, answer, outlet)
    }

    /// The answer of a draft that is fit, what is left of it handed on.
    fn handed_on(
        &self,
        retrieved: &Retrieved,
        draft: Drafted,
        answer: Answer,
        outlet: &mut Outlet<'_>,
    ) -> (Answer, Option<Refusal>) {
        if draft.is_open {
            return (answer, draft.hand_on(outlet));
        }
        let (answer, lead) = self.led(retrieved, answer);
        if lead.is_empty() {
            return (answer, draft.hand_on(outlet));
        }
        outlet.retract(Retraction::Reworded);
        let refusal = outlet.whole(&format!("{lead}{}", draft.written.text));
        (answer, refusal)
    }

    /// Whether a draft may be the answer.
    pub(super) fn is_fit(&self, retrieved: &Retrieved, draft: &Drafted, answer: &Answer) -> bool {
        answer.found
            && draft.sureness.is_enough
            && self.answers(retrieved, &answer.text, &answer.citations)
    }

    /// The sentences that answer best in the place of a draft that was not fit. What was handed on
    /// of it is withdrawn, unless the sentences are its own.
    fn quoted_instead(
        &self,
        retrieved: &Retrieved,
        draft: Drafted,
        answer: Answer,
        outlet: &mut Outlet<'_>,
    ) -> Result<(Answer, Option<Refusal>)> {
        let text = self.quote(retrieved)?;
        let Drafted { mut written, sureness, held, .. } = draft;
        let drafted = std::mem::take(&mut written.text);
        let quoted = Written {
            text: text.clone(),
            shown: retrieved.hits.clone(),
            is_quoted: true,
            ..written
        };
        let (mut quoted, lead) = self.led(retrieved, self.cite(retrieved, &quoted)?);
        let refusal = if lead.is_empty() && text.trim() == drafted.trim() {
            hand_on(&held, &drafted, outlet)
        } else {
            outlet.retract(match answer.found && !sureness.is_enough {
                true => Retraction::Unsure,
                false => Retraction::Unsupported,
            });
            outlet.whole(&format!("{lead}{text}"))
        };
        if let Some((trace, drafted)) = quoted.trace.as_mut().zip(answer.trace) {
            trace.raw_text = drafted.raw_text;
            trace.unsupported = drafted.unsupported;
            trace.refuted = drafted.refuted;
        }
        Ok((quoted, refusal))
    }

    /// Sentences of the passages, word for word.
    pub(super) fn extracted(&mut self, retrieved: &Retrieved) -> Result<(Answer, Option<Refusal>)> {
        let text = self.quote(retrieved)?;
        let shown = retrieved.hits.clone();
        let written = Written { text, shown, is_quoted: true, ..Written::default() };
        let (answer, lead) = self.led(retrieved, self.cite(retrieved, &written)?);
        let refusal = self.hand_out(&format!("{lead}{}", written.text));
        Ok((answer, refusal))
    }

    /// An answer to a question of yes or no with that word before it, where what is cited says so
    /// beyond doubt; and what was put before it, with the blank behind it.
    fn led(&self, retrieved: &Retrieved, answer: Answer) -> (Answer, String) {
        match self.lead(retrieved, &answer) {
            Some(lead) => {
                let lead = format!("{lead} ");
                (Answer { text: format!("{lead}{}", answer.text), ..answer }, lead)
            }
            None => (answer, String::new()),
        }
    }

    fn lead(&self, retrieved: &Retrieved, answer: &Answer) -> Option<&'static str> {
        let asked = retrieved.asked(self.question);
        let first = passage::sentences(&answer.text).into_iter().next()?;
        let is_plain = self.may_quote()
            && answer.conflicts.is_empty()
            && answer.text[first].contains("[1]")
            && !cite::is_polar(&answer.text);
        if !is_plain || answer.citations.iter().any(|one| one.evidence == Evidence::Meaning) {
            return None;
        }
        let mut leads = answer.citations.iter().map(|one| cite::polar_lead(asked, &one.quote));
        let lead = leads.next()??;
        leads.flatten().all(|other| other == lead).then_some(lead)
    }

    /// The sentences of what was found, best first; found out once, and only for who needs them:
    /// each goes through the encoder.
    pub(super) fn ranked<'r>(&self, retrieved: &'r Retrieved) -> Result<&'r [Sentence]> {
        if let Some(ranked) = retrieved.ranked.get() {
            return Ok(ranked);
        }
        let cosines = |asked: &str, texts: &[&str]| self.cosines(asked, texts);
        let asked = self.compared(retrieved);
        let ranked = search::sentences(&asked, &retrieved.hits, &cosines)?;
        Ok(retrieved.ranked.get_or_init(|| ranked))
    }

    /// What a generator is shown of the hits. Where a few words are asked for, the sentences around
    /// the best one alone: small models get lost among passages.
    pub(super) fn shown(&self, retrieved: &Retrieved) -> Result<Vec<Hit>> {
        let hits = &retrieved.hits;
        let count = match self.options.sentences {
            Some(0) => return Err(Error::invalid("sentences", "at least one must be shown")),
            None if !self.is_focused() => return Ok(hits.clone()),
            count => count.unwrap_or(SHORT_SENTENCES),
        };
        let ranked = self.ranked(retrieved)?;
        let mut focused = search::focus_on(ranked, hits, count);
        match ranked.first() {
            Some(best) if self.is_focused() => Ok(vec![focused.swap_remove(best.hit)]),
            _ => Ok(focused),
        }
    }

    /// The sentences that answer best, as they stand there.
    fn quote(&self, retrieved: &Retrieved) -> Result<String> {
        let (asked, hits) = (self.compared(retrieved), &retrieved.hits);
        Ok(joined(&search::quoted(&asked, self.ranked(retrieved)?, hits), hits))
    }

    /// What sentences are compared with: the question. A follow-up that says nothing by itself
    /// ("And when?") with the questions it goes on with; others alone, for with those the sentence
    /// that answered them comes first.
    fn compared<'r>(&'r self, retrieved: &'r Retrieved) -> Cow<'r, str> {
        let asked = retrieved.asked(self.question);
        match says_nothing(asked) {
            true => follow_up(asked, &self.options.history).into(),
            false => asked.into(),
        }
    }

    /// Whether a text with these citations is an answer: not what was answered before, which small
    /// models repeat, nor the words of the question, and about its subject.
    fn answers(&self, retrieved: &Retrieved, text: &str, citations: &[Citation]) -> bool {
        let said = words(&cite::without_markers(text));
        let turns = self.options.history.iter().filter(|turn| turn.role == Role::Assistant);
        let mut before = turns.map(|turn| words(&cite::without_markers(&turn.content)));
        !before.any(|turn| turn == said)
            && cite::adds_to(retrieved.asked(self.question), text)
            && self.is_about(retrieved, text, citations)
    }

    /// Whether the passages cited speak of what an answer takes from the question: a price that
    /// stands beside a visitor is not one of petrol. In another language nobody can tell by the
    /// words.
    fn is_about(&self, retrieved: &Retrieved, answer: &str, citations: &[Citation]) -> bool {
        if citations.iter().any(|citation| citation.evidence == Evidence::Meaning) {
            return true;
        }
        let asked = retrieved.asked(self.question);
        let hit = |citation| Some((retrieved.hit(citation)?, citation));
        let cited: Vec<(&Hit, &Citation)> = citations.iter().filter_map(hit).collect();
        let is_of_its_row = |(hit, citation): &(&Hit, &Citation)| {
            let range = citation.start - hit.start..citation.end - hit.start;
            search::is_of_its_row(asked, hit, &range)
        };
        cited.iter().any(is_of_its_row)
            && cite::holds_subject(asked, answer, cited.iter().map(|(hit, _)| *hit))
    }

    /// Whether the prompt is made of the best sentences instead of the passages found.
    pub(super) fn is_focused(&self) -> bool {
        let is_ours = !matches!(self.options.writer, Writer::Own(_));
        is_ours && self.options.sentences.is_none() && self.is_short()
    }

    /// Whether a few words are asked for of the generator.
    fn is_short(&self) -> bool {
        request(self.question, &[], &[], self.options).is_short()
    }

    /// Whether the passages may speak in the generator's place: not where any answer is wanted, or
    /// one of a given form.
    fn may_quote(&self) -> bool {
        self.options.abstain != Abstain::Never && self.options.generate.constraint.is_none()
    }

    /// Has a draft written; without an outlet nothing of it is handed on.
    pub(super) fn draft(
        &mut self,
        retrieved: &Retrieved,
        view: View,
        call: Call<'_>,
        outlet: Option<&mut Outlet<'_>>,
    ) -> Result<Drafted> {
        let generator = self.generator()?;
        let View { mut told, cited } = view;
        let options = self.options;
        let prompt = self.knowledge_base.prompt_of(self.question, &told, options)?;
        told.truncate(prompt.shown_count);
        let budget = self.is_traced().then(|| self.budget(&prompt, &told)).transpose()?;
        let shown = cited.unwrap_or(told);
        let is_short = self.is_short();
        let asked = retrieved.asked(self.question);
        let is_supported = |text: &str| {
            let cited = cite::cite(asked, text, &shown, None)?.citations;
            Ok(!cited.is_empty() && self.answers(retrieved, text, &cited))
        };
        let is_alone = outlet.is_some();
        let is_raw = outlet.as_ref().is_some_and(|outlet| outlet.can_retract());
        let mut outlet = outlet;
        let mut held = Held {
            hand_on: &mut |piece| match &mut outlet {
                Some(outlet) => outlet.piece(piece),
                None => ControlFlow::Continue(()),
            },
            text: String::new(),
            is_open: !self.may_quote(),
            is_supported: &is_supported,
            // what it begins with is known at its end
            is_whole: is_short || !is_alone || cite::asks_whether(asked),
            is_raw,
            checked: 0,
        };
        let before = self.started.elapsed();
        let generation = generator.generate_with(
            &prompt.rendered.token_ids,
            &generate_options(&options.generate, is_short && self.may_quote()),
            call.on_piece(&mut |piece| held.piece(piece)),
        )?;
        let is_open = held.is_open;
        let held = held.left();
        self.timings.add_generation(&generation, before);
        let written = Written {
            budget,
            text: generation.text.clone(),
            left_out_turns: options.history.len().saturating_sub(prompt.history_count),
            prompt: prompt.rendered.text,
            ..Written::default()
        };
        Ok(Drafted {
            sureness: Sureness::of(&generation, is_short),
            written: Written { generation: Some(generation), shown, ..written },
            is_open,
            held,
        })
    }
}

impl Drafted {
    /// Hands on what was not yet; why none of it may be seen, if so.
    fn hand_on(&self, outlet: &mut Outlet<'_>) -> Option<Refusal> {
        hand_on(&self.held, &self.written.text, outlet)
    }
}

/// Hands on what was `held` of a text, its end; why none of it may be seen, if so.
fn hand_on(held: &str, text: &str, outlet: &mut Outlet<'_>) -> Option<Refusal> {
    // there is nothing left to end
    let _ = outlet.piece(held);
    outlet.finish(text)
}

/// Holds what is written back until a passage supports a sentence of it: what was handed on is
/// never taken back. Raw, it is handed on at once; what opens it is the same, so that the answer
/// is.
struct Held<'a> {
    hand_on: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    text: String,
    is_open: bool,
    is_supported: &'a dyn Fn(&str) -> Result<bool>,
    /// Whether all of it is judged at its end.
    is_whole: bool,
    /// Whether it is handed on before it is judged.
    is_raw: bool,
    /// Sentences that were looked at.
    checked: usize,
}

impl Held<'_> {
    fn piece(&mut self, piece: &str) -> ControlFlow<()> {
        if self.is_open {
            return (self.hand_on)(piece);
        }
        self.text.push_str(piece);
        let flow = match self.is_raw {
            true => (self.hand_on)(piece),
            false => ControlFlow::Continue(()),
        };
        if self.is_whole || !self.is_supported_now() {
            return flow;
        }
        self.is_open = true;
        let held = std::mem::take(&mut self.text);
        if self.is_raw { flow } else { (self.hand_on)(&held) }
    }

    /// What was not handed on.
    fn left(self) -> String {
        if self.is_raw { String::new() } else { self.text }
    }

    /// Whether one of the sentences that have just ended is supported. What fails here fails again
    /// when the whole is judged, and is told then.
    fn is_supported_now(&mut self) -> bool {
        let sentences = passage::sentences(&self.text);
        let ended = sentences.len().saturating_sub(1);
        if ended <= self.checked {
            return false;
        }
        let new = sentences[self.checked].start..sentences[ended - 1].end;
        self.checked = ended;
        (self.is_supported)(&self.text[new]).unwrap_or(false)
    }
}

/// How a draft is written: with the probability of each word where it can be had.
fn generate_options(options: &GenerateOptions, is_short: bool) -> GenerateOptions {
    let mut options = options.clone();
    if options.beams == 1 {
        options.logprobs = options.logprobs.or(Some(0));
    }
    if is_short {
        options.max_new_tokens = options.max_new_tokens.min(SHORT_TOKENS);
    }
    options
}

impl Sureness {
    /// What a caller ended is as the caller wants it, and beam search weighs whole texts.
    fn of(generation: &Generation, is_short: bool) -> Self {
        let logprobs = || generation.logprobs.iter().map(|token| token.logprob);
        if generation.stop_reason == StopReason::Callback || generation.logprobs.is_empty() {
            return Self { is_enough: true, logprob: 0.0 };
        }
        match is_short {
            true => {
                let is_ended = generation.stop_reason != StopReason::MaxNewTokens;
                let logprob = logprobs().fold(0.0, f32::min);
                Self { is_enough: is_ended && logprob >= MIN_WORD, logprob }
            }
            false => {
                let logprob = logprobs().sum::<f32>() / generation.logprobs.len() as f32;
                Self { is_enough: logprob >= MIN_MEAN, logprob }
            }
        }
    }
}

impl Retrieved {
    /// The hit that a citation is of.
    fn hit(&self, citation: &Citation) -> Option<&Hit> {
        let is_it = |hit: &&Hit| {
            (hit.store, hit.passage_id) == (citation.store, citation.passage_id)
                && hit.start <= citation.start
                && citation.end <= hit.end
        };
        self.hits.iter().find(is_it)
    }
}

/// These sentences as one text, each as it stands there.
fn joined(sentences: &[&Sentence], hits: &[Hit]) -> String {
    let mut text = String::new();
    for sentence in sentences {
        let written = cite::without_markers(&hits[sentence.hit].text[sentence.range.clone()]);
        let line = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let ends = text.ends_with(['.', '!', '?', '\u{2026}', '\u{3002}', '\u{ff01}', '\u{ff1f}']);
        match (text.is_empty(), ends) {
            (true, _) => {}
            (false, true) => text.push(' '),
            // a row of a table ends without a mark
            (false, false) => text.push_str("\n\n"),
        }
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests;
