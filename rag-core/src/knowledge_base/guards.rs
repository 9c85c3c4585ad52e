//! The guards of a question and of an answer, with what they need of encoder and generator.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cite;
use crate::error::Result;
use crate::guard::{MaskCounts, Refusal, TopicGate, Topics, mask};
use crate::progress::Call;
use crate::search;

use super::follow_up::follow_up;
use super::run::Run;
use super::types::{Answer, AskOptions, Masked, Outcome, Trace};

/// Lists of topics whose vectors are kept.
const KEPT_GATES: usize = 8;

/// The vectors of the topics last asked with, newest first.
#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<VecDeque<Arc<TopicGate>>>);

impl Gates {
    fn get_or_make(
        &self,
        topics: &Topics,
        make: impl FnOnce() -> Result<TopicGate>,
    ) -> Result<Arc<TopicGate>> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = kept().iter().find(|gate| gate.is_for(topics)) {
            return Ok(Arc::clone(gate));
        }
        let gate = Arc::new(make()?);
        let mut kept = kept();
        kept.push_front(Arc::clone(&gate));
        kept.truncate(KEPT_GATES);
        Ok(gate)
    }
}

impl Run<'_> {
    /// Why the question may not be asked.
    pub(super) fn guard(&self) -> Result<Option<Refusal>> {
        let guards = &self.options.guards;
        if let Some(refusal) = guards.check_question(self.question) {
            return Ok(Some(refusal));
        }
        if guards.topics.is_empty() {
            return Ok(None);
        }
        let encoder = self.knowledge_base.encoder()?;
        let make = || TopicGate::new(&guards.topics, search::UNRELATED, encoder, &self.cancel);
        let gate = self.knowledge_base.gates.get_or_make(&guards.topics, make)?;
        let mut forms = vec![self.question.to_owned()];
        let form = follow_up(self.question, &self.options.history);
        forms.extend(Some(form).filter(|form| form != self.question));
        let vectors = encoder.encode_queries_with(&forms, Call::new().cancel(&self.cancel))?;
        Ok(gate.check(vectors.rows()))
    }
}

impl Answer {
    /// The answer that a guard leaves: the reason, the time it took and nothing of what was found
    /// or written.
    pub(super) fn refused(self, refusal: Refusal) -> Self {
        let trace = self.trace.map(|trace| Trace {
            prompt: String::new(),
            raw_text: String::new(),
            unsupported: Vec::new(),
            refuted: Vec::new(),
            hits: Vec::new(),
            ..trace
        });
        Self {
            found: false,
            text: String::new(),
            citations: Vec::new(),
            reason: None,
            hits: Vec::new(),
            left_out: Vec::new(),
            trace,
            conflicts: Vec::new(),
            table: None,
            told_by: Vec::new(),
            outcome: Outcome::Refused,
            refusal: Some(refusal),
            ..self
        }
    }

    /// Masks what is handed out, where that is asked for, and says how much was masked.
    ///
    /// Names of documents and all offsets stay: a citation points to its document whatever the
    /// quote shows.
    pub(super) fn masked(mut self, question: &str, options: &AskOptions) -> Self {
        let guards = &options.guards;
        let mut masked = Masked::default();
        if guards.masks_question() {
            masked.question = mask(question).1;
            options.history.iter().for_each(|turn| masked.question += mask(&turn.content).1);
        }
        if guards.masks_answer() {
            (self.text, masked.answer) = mask_marked(&self.text);
            self.citations.iter_mut().for_each(|citation| mask_in_place(&mut citation.quote));
            self.told_by.iter_mut().for_each(|told| mask_in_place(&mut told.quote));
            let conflicts = self.conflicts.iter_mut();
            let said =
                conflicts.flat_map(|c| [&mut c.stated, &mut c.contrary, &mut c.source.quote]);
            said.for_each(mask_in_place);
            if let Some(table) = &mut self.table {
                let title = table.title.iter_mut();
                title.chain([&mut table.figure, &mut table.words]).for_each(mask_in_place);
                table.plan.filters.iter_mut().flat_map(|f| &mut f.values).for_each(mask_in_place);
            }
            self.mask_passages();
        }
        self.masked = (guards.masks_question() || guards.masks_answer()).then_some(masked);
        self
    }

    fn mask_passages(&mut self) {
        let traced = self.trace.iter_mut().flat_map(|trace| &mut trace.hits);
        for hit in self.hits.iter_mut().chain(traced) {
            mask_in_place(&mut hit.text);
            hit.title.iter_mut().chain(&mut hit.heading).for_each(mask_in_place);
        }
        if let Some(trace) = &mut self.trace {
            let texts = [&mut trace.prompt, &mut trace.raw_text, &mut trace.question];
            texts.into_iter().chain(&mut trace.unsupported).for_each(mask_in_place);
            let refuted = trace.refuted.iter_mut();
            let said = refuted.flat_map(|r| [&mut r.claim, &mut r.detail, &mut r.quote]);
            said.for_each(mask_in_place);
        }
    }
}

fn mask_in_place(text: &mut String) {
    *text = mask(text).0;
}

/// Masks an answer with markers. Should a marker stand within personal data, the markers go.
fn mask_marked(text: &str) -> (String, MaskCounts) {
    let (masked, counts) = mask(text);
    if mask(&cite::without_markers(&masked)).1.total() == 0 {
        return (masked, counts);
    }
    mask(&cite::without_markers(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_does_not_hide_personal_data() {
        assert_eq!(mask_marked("Call 06 12 34 56 78 [1].").0, "Call [PHONE] [1].");
        assert_eq!(mask_marked("Call 06 12 34 [1] 56 78 [2].").0, "Call [PHONE].");
    }
}
