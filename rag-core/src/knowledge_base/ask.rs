//! From a question to a cited answer, or to "not found".

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use crate::cite::{self, Citation, Meaning};
use crate::document::SourceMap;
use crate::error::{Error, Result};
use crate::generate::Generation;
use crate::guard::{Outlet, Refusal};
use crate::model::{Message, Role};
use crate::options::Options;
use crate::progress::{Call, CancelToken};
use crate::prompt::{self, Prompt, Request};
use crate::search::{self, Hit};

use super::gate::Gate;
use super::guards::told_history;
use super::types::{
    Abstain, Answer, AskOptions, Explain, NotFoundReason, Outcome, OwnWriter, Timings, Trace,
    Writer,
};
use super::{KnowledgeBase, check_question};

/// What retrieval found for a question.
#[derive(Default)]
pub(super) struct Retrieved {
    pub(super) hits: Vec<Hit>,
    gate: Gate,
    /// What the generator wrote for the search.
    rewritten: Vec<String>,
    /// What of a long question was searched for.
    question_cut: Option<String>,
}

impl KnowledgeBase {
    /// Answers `question` from the documents, with verified citations, or says that they do not know; with
    /// [`AskOptions::default`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask_with`].
    pub fn ask(&self, question: &str) -> Result<Answer> {
        self.ask_with(question, &AskOptions::default(), Call::new())
    }

    /// Answers `question` from the documents, with verified citations, or says that they do not know.
    ///
    /// [`Call::on_piece`] gets the answer as it is written, without markers; returning `Break` ends it there. Pieces may
    /// arrive and the answer still turn out not found, if no passage supports what was written. A question or answer
    /// that the guards refuse is an answer too, with [`Outcome::Refused`].
    ///
    /// # Errors
    /// InvalidArgument for an empty question or options out of range; ContextOverflow if the question alone
    /// exceeds the model; Cancelled within one token; NotFound or Model if a model cannot be loaded; Store.
    pub fn ask_with(
        &self,
        question: &str,
        options: &AskOptions,
        mut call: Call<'_>,
    ) -> Result<Answer> {
        let cancel = &call.token().clone();
        check_question(question)?;
        options.validate()?;
        let started = Instant::now();
        let mut timings = Timings::default();
        if let Some(refusal) = self.refusal(question, options, cancel)? {
            timings.total_ms = milliseconds(started.elapsed());
            return Ok(not_answered(question, timings, options).refused(refusal));
        }
        let retrieved = self.retrieve(question, options, cancel)?;
        timings.search_ms = milliseconds(started.elapsed());
        if let Some(reason) = retrieved.not_found(question) {
            timings.total_ms = timings.search_ms;
            return Ok(not_found(question, reason, retrieved, timings, options));
        }

        let (mut answer, refusal) = match &options.writer {
            Writer::Own(own) => self.told(question, retrieved, options, own, &mut call)?,
            Writer::Generator if self.models.has_generator() => {
                self.generated(question, retrieved, options, &mut call, started, &mut timings)?
            }
            _ => self.extracted(question, retrieved, options, &mut call)?,
        };
        timings.total_ms = milliseconds(started.elapsed());
        answer.timings = timings;
        Ok(match refusal {
            Some(refusal) => answer.refused(refusal),
            None => answer.masked(question, options),
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn generated(
        &self,
        question: &str,
        retrieved: Retrieved,
        options: &AskOptions,
        call: &mut Call<'_>,
        started: Instant,
        timings: &mut Timings,
    ) -> Result<(Answer, Option<Refusal>)> {
        let (mut on_piece, call) = call.split();
        let cancel = &call.token().clone();
        let loading = Instant::now();
        let was_loaded = self.models.generator_is_loaded();
        let generator = self.generator()?;
        if !was_loaded {
            timings.load_ms = milliseconds(loading.elapsed());
        }
        let shown = self.shown(&retrieved, question, options, cancel)?;
        let prompt = self.prompt_of(question, &shown, options)?;
        let before = started.elapsed();
        let ids = &prompt.rendered.token_ids;
        let mut outlet = Outlet::new(&options.guards, &mut on_piece);
        let generation = generator.generate_with(
            ids,
            &options.generate,
            call.on_piece(&mut |piece| outlet.piece(piece)),
        )?;
        timings.add_generation(&generation, before);
        let refusal = outlet.finish(&generation.text);
        let shown = &shown[..prompt.shown_count];
        let written = Written {
            text: generation.text.trim(),
            shown,
            prompt: &prompt.rendered.text,
            generation: Some(&generation),
        };
        let mut answer = self.cited(question, &written, retrieved, options, cancel)?;
        if let Some(trace) = &mut answer.trace {
            trace.budget = Some(self.budget(&prompt, question, shown, options)?);
            trace.left_out_turns = options.history.len().saturating_sub(prompt.history_count);
        }
        Ok((answer, refusal))
    }

    /// What the caller's own model writes.
    fn told(
        &self,
        question: &str,
        retrieved: Retrieved,
        options: &AskOptions,
        own: &OwnWriter,
        call: &mut Call<'_>,
    ) -> Result<(Answer, Option<Refusal>)> {
        let (mut on_piece, call) = call.split();
        let cancel = call.token();
        let shown = self.shown(&retrieved, question, options, cancel)?;
        let told = |turn: &Message| Message {
            content: options.guards.told(&turn.content).into_owned(),
            role: turn.role,
        };
        let history: Vec<Message> = options.history.iter().map(told).collect();
        let messages = prompt::messages(&Request {
            question: &options.guards.told(question),
            hits: &shown,
            history: &history,
            system: options.system.as_deref(),
            budget_tokens: usize::MAX,
            fence: options.fence,
            order: options.order,
            examples: options.examples.as_deref(),
        });
        let mut outlet = Outlet::new(&options.guards, &mut on_piece);
        let text = own.write(&messages, &mut |piece| match cancel.is_cancelled() {
            true => ControlFlow::Break(()),
            false => outlet.piece(piece),
        })?;
        cancel.check()?;
        let refusal = outlet.finish(&text);
        let turns: Vec<&str> = messages.iter().map(|turn| turn.content.as_str()).collect();
        let prompt = turns.join("\n\n");
        let written =
            Written { text: text.trim(), shown: &shown, prompt: &prompt, generation: None };
        Ok((self.cited(question, &written, retrieved, options, cancel)?, refusal))
    }

    /// The best sentence, word for word.
    fn extracted(
        &self,
        question: &str,
        retrieved: Retrieved,
        options: &AskOptions,
        call: &mut Call<'_>,
    ) -> Result<(Answer, Option<Refusal>)> {
        let (mut on_piece, call) = call.split();
        let cancel = call.token();
        let cosines = |asked: &str, texts: &[&str]| self.cosines(asked, texts, cancel);
        let ranked = search::sentences(retrieved.asked(question), &retrieved.hits, &cosines)?;
        let text = ranked.first().map_or(String::new(), |best| {
            let passage = &retrieved.hits[best.hit].text;
            let sentence = cite::without_markers(&passage[best.range.clone()]);
            sentence.split_whitespace().collect::<Vec<_>>().join(" ")
        });
        let refusal = Outlet::new(&options.guards, &mut on_piece).whole(&text);
        let hits = retrieved.hits.clone();
        let written = Written { text: &text, shown: &hits, prompt: "", generation: None };
        Ok((self.cited(question, &written, retrieved, options, cancel)?, refusal))
    }

    /// What a generator is shown of these hits.
    fn shown(
        &self,
        retrieved: &Retrieved,
        question: &str,
        options: &AskOptions,
        cancel: &CancelToken,
    ) -> Result<Vec<Hit>> {
        let (question, hits) = (retrieved.asked(question), &retrieved.hits);
        match options.sentences {
            Some(0) => Err(Error::invalid("sentences", "at least one must be shown")),
            Some(count) => {
                let cosines = |asked: &str, texts: &[&str]| self.cosines(asked, texts, cancel);
                search::focus(question, hits, count, &cosines)
            }
            None => Ok(hits.clone()),
        }
    }

    /// The prompt that [`KnowledgeBase::ask`] would give the model for this question, text and tokens, without generating; what it is
    /// made from is found as for an answer. Whether the passages would pass for an answer is not judged.
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask`].
    pub fn prompt(&self, question: &str) -> Result<Prompt> {
        self.prompt_with(question, &AskOptions::default(), Call::new())
    }

    /// As [`KnowledgeBase::prompt`], for [`KnowledgeBase::ask_with`].
    ///
    /// # Errors
    /// As [`KnowledgeBase::ask_with`].
    pub fn prompt_with(
        &self,
        question: &str,
        options: &AskOptions,
        call: Call<'_>,
    ) -> Result<Prompt> {
        let cancel = call.token();
        check_question(question)?;
        let retrieved = self.retrieve(question, options, cancel)?;
        let shown = self.shown(&retrieved, question, options, cancel)?;
        self.prompt_of(question, &shown, options)
    }

    /// As [`KnowledgeBase::prompt_with`], for hits of the caller's.
    ///
    /// # Errors
    /// ContextOverflow if the question alone exceeds the model; InvalidArgument if `max_new_tokens` fills the
    /// context; NotFound or Model if the generator cannot be loaded.
    pub fn prompt_of(&self, question: &str, hits: &[Hit], options: &AskOptions) -> Result<Prompt> {
        let generator = self.generator()?;
        let context_len = generator.context_len();
        let max_new_tokens = options.generate.max_new_tokens;
        let budget_tokens = context_len.checked_sub(max_new_tokens).filter(|budget| *budget > 0);
        let budget_tokens = budget_tokens.ok_or_else(|| {
            let reason = format!("{max_new_tokens} leaves no room in a context of {context_len}");
            Error::invalid("max_new_tokens", reason)
        })?;
        let history = told_history(generator.chat(), options, budget_tokens)?;
        let request = Request {
            question: &options.guards.told(question),
            hits,
            history: &history,
            system: options.system.as_deref(),
            budget_tokens,
            fence: options.fence,
            order: options.order,
            examples: options.examples.as_deref(),
        };
        prompt::build(generator.chat(), &request)
    }

    pub(super) fn retrieve(
        &self,
        question: &str,
        options: &AskOptions,
        cancel: &CancelToken,
    ) -> Result<Retrieved> {
        let question_cut = self.cut_question(question, options.search.mode)?;
        let asked = question_cut.as_deref().unwrap_or(question);
        let queries = self.queries(asked, options, cancel)?;
        let embedding = queries.embedding(self.encoder()?, cancel)?;
        let hits = self.found(&queries, &embedding, &options.search, cancel)?;
        let gate = self.gate(asked, &embedding, &hits, options, cancel)?;
        Ok(Retrieved { hits, gate, rewritten: queries.rewritten, question_cut })
    }

    /// Places citations, fills in what only the file knows, and judges whether the answer is supported.
    pub(super) fn cited(
        &self,
        question: &str,
        written: &Written<'_>,
        retrieved: Retrieved,
        options: &AskOptions,
        cancel: &CancelToken,
    ) -> Result<Answer> {
        let (shown, left_out) = retrieved.hits.split_at(written.shown.len());
        let cosines = |claim: &str, sentences: &[&str]| self.cosines(claim, sentences, cancel);
        let meaning = retrieved.gate.meaning.map(|floor| Meaning { cosines: &cosines, floor });
        let asked = retrieved.asked(question);
        let cited = cite::cite(asked, written.text, written.shown, meaning.as_ref())?;
        let mut citations = cited.citations;
        let mut conflicts = cited.conflicts;
        let sources = conflicts.iter_mut().map(|conflict| &mut conflict.source);
        let mut verifier = self.verifier(cancel);
        for citation in citations.iter_mut().chain(sources) {
            self.fill(citation)?;
            citation.status = verifier.status(citation)?;
        }
        // nothing is no answer, even to those who want any
        let any = options.abstain == Abstain::Never && !cited.text.is_empty();
        let supported = !citations.is_empty() || any;
        let trace = (options.explain == Explain::Trace).then(|| Trace {
            prompt: written.prompt.to_owned(),
            raw_text: written.text.to_owned(),
            unsupported: cited.unsupported,
            refuted: cited.refuted,
            ..retrieved.trace(question, options, written.generation)
        });
        Ok(Answer {
            found: supported,
            text: if supported { cited.text } else { String::new() },
            citations,
            reason: (!supported).then_some(NotFoundReason::Unsupported),
            left_out: left_out.iter().map(|hit| hit.passage_id).collect(),
            hits: shown.to_vec(),
            timings: Timings::default(),
            trace,
            outcome: if supported { Outcome::Answered } else { Outcome::NotFound },
            refusal: None,
            masked: None,
            question_cut: retrieved.told_cut(options),
            conflicts,
        })
    }

    fn fill(&self, citation: &mut Citation) -> Result<()> {
        let store = self.store_at(citation.store)?;
        let row = store.document(&citation.uri)?;
        let packed = row.map(|row| store.source_map(row.id)).transpose()?.flatten();
        let map = packed.and_then(|bytes| SourceMap::from_bytes(&bytes));
        if let Some(map) = map {
            let range = citation.start..citation.end;
            let source = map.source_bytes(&range);
            citation.source_start = source.as_ref().map(|range| range.start);
            citation.source_end = source.as_ref().map(|range| range.end);
            citation.page = map.page(&range).or(citation.page);
        }
        Ok(())
    }

    pub(super) fn cosines(
        &self,
        claim: &str,
        sentences: &[&str],
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        let encoder = self.encoder()?;
        let claim = encoder.encode_queries(&[claim], cancel)?.data;
        let rows = encoder.encode_passages(sentences, cancel)?;
        Ok(rows.rows().map(|row| row.iter().zip(&claim).map(|(a, b)| a * b).sum()).collect())
    }
}

impl Retrieved {
    /// Passages that were not looked for with a question.
    pub(super) fn given(hits: Vec<Hit>) -> Self {
        Self { hits, ..Self::default() }
    }

    /// What of `question` was searched for.
    pub(super) fn asked<'a>(&'a self, question: &'a str) -> &'a str {
        self.question_cut.as_deref().unwrap_or(question)
    }

    /// What of a long question was searched for, as a model would be told it.
    fn told_cut(&self, options: &AskOptions) -> Option<String> {
        self.question_cut.as_ref().map(|asked| options.guards.told(asked).into_owned())
    }

    /// Why there is nothing to answer from.
    pub(super) fn not_found(&self, question: &str) -> Option<NotFoundReason> {
        self.gate.not_found(self.asked(question), &self.hits)
    }

    /// What is known of an answer before it is cited.
    fn trace(
        &self,
        question: &str,
        options: &AskOptions,
        generation: Option<&Generation>,
    ) -> Trace {
        Trace {
            prompt: String::new(),
            raw_text: String::new(),
            unsupported: Vec::new(),
            refuted: Vec::new(),
            floor: self.gate.floor,
            best: self.gate.best,
            coverage: self.gate.coverage.map(|pair| pair.0),
            min_coverage: self.gate.coverage.map(|pair| pair.1),
            seed: options.generate.seed,
            reused_token_count: generation.map_or(0, |g| g.reused_token_count),
            drafted_token_count: generation.map_or(0, |g| g.drafted_token_count),
            accepted_token_count: generation.map_or(0, |g| g.accepted_token_count),
            hits: self.hits.clone(),
            question: options.guards.told(question).into_owned(),
            rewritten: self.rewritten.clone(),
            left_out_turns: 0,
            budget: None,
        }
    }
}

/// What was written for a question, and what its writer was shown.
pub(super) struct Written<'a> {
    pub(super) text: &'a str,
    pub(super) shown: &'a [Hit],
    pub(super) prompt: &'a str,
    pub(super) generation: Option<&'a Generation>,
}

/// A follow-up is searched together with the question before it.
pub(super) fn follow_up(question: &str, history: &[Message]) -> String {
    match history.iter().rev().find(|message| message.role == Role::User) {
        Some(last) => format!("{}\n{question}", last.content),
        None => question.to_owned(),
    }
}

pub(super) fn not_found(
    question: &str,
    reason: NotFoundReason,
    retrieved: Retrieved,
    timings: Timings,
    options: &AskOptions,
) -> Answer {
    let mut answer = not_answered(question, timings, options);
    answer.question_cut = retrieved.told_cut(options);
    answer.reason = Some(reason);
    answer.trace = answer.trace.map(|_| retrieved.trace(question, options, None));
    answer.hits = retrieved.hits;
    answer.masked(question, options)
}

/// An answer without text, passages and reason.
pub(super) fn not_answered(question: &str, timings: Timings, options: &AskOptions) -> Answer {
    let nothing = Retrieved::default();
    let trace = (options.explain == Explain::Trace).then(|| nothing.trace(question, options, None));
    Answer {
        found: false,
        text: String::new(),
        citations: Vec::new(),
        reason: None,
        hits: Vec::new(),
        left_out: Vec::new(),
        timings,
        trace,
        outcome: Outcome::NotFound,
        refusal: None,
        masked: None,
        question_cut: None,
        conflicts: Vec::new(),
    }
}

impl Timings {
    pub(super) fn add_generation(&mut self, generation: &Generation, before: Duration) {
        self.prefill_ms += milliseconds(generation.prefill);
        self.decode_ms += milliseconds(generation.decode);
        self.first_token_ms = milliseconds(before + generation.time_to_first_token);
        self.prompt_token_count += generation.prompt_token_count;
        self.answer_token_count += generation.token_ids.len();
    }
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_follow_up_is_searched_with_the_question_before() {
        let turn = |role, content: &str| Message { role, content: content.to_owned() };
        let history = [turn(Role::User, "Who founded the lab?"), turn(Role::Assistant, "Ada.")];
        assert_eq!(follow_up("And when?", &history), "Who founded the lab?\nAnd when?");
        assert_eq!(follow_up("And when?", &[]), "And when?");
    }
}
