//! One question, or one summary, on its way to an answer. The steps are methods: guard, retrieve
//! and judge here and in the modules that know how, then prompt and write by whoever writes, then
//! cite. The answer is built here, whichever way it ends.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use crate::cite::{self, Citation, Meaning};
use crate::document::SourceMap;
use crate::error::Result;
use crate::generate::{Generation, Generator};
use crate::guard::{Outlet, Refusal};
use crate::progress::{Call, CancelToken};
use crate::search::{Hit, Sentence};

use super::KnowledgeBase;
use super::gate::{Gate, Searched};
use super::queries::Queries;
use super::types::{
    Abstain, Answer, AskOptions, Budget, Explain, NotFoundReason, Outcome, Stream, Timings, Trace,
};

/// What stays the same from the question to the answer, and the time spent so far.
pub(super) struct Run<'a> {
    pub(super) knowledge_base: &'a KnowledgeBase,
    /// Empty for the summary of a document.
    pub(super) question: &'a str,
    pub(super) options: &'a AskOptions,
    pub(super) cancel: CancelToken,
    /// Who gets what is written.
    listeners: Call<'a>,
    pub(super) started: Instant,
    pub(super) timings: Timings,
}

/// What retrieval found for a question.
#[derive(Default)]
pub(super) struct Retrieved {
    pub(super) hits: Vec<Hit>,
    pub(super) gate: Gate,
    /// What the generator wrote for the search.
    rewritten: Vec<String>,
    /// What of a long question was searched for.
    question_cut: Option<String>,
    /// The question before, with what a follow-up names in the place of its own.
    pub(super) carried: Option<String>,
    /// The sentences of the hits, best first, once somebody asked for them.
    pub(super) ranked: OnceCell<Vec<Sentence>>,
}

/// What was written, and what its writer was shown.
#[derive(Default)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) shown: Vec<Hit>,
    pub(super) prompt: String,
    pub(super) generation: Option<Generation>,
    /// Whether it is sentences of the passages.
    pub(super) is_quoted: bool,
    pub(super) budget: Option<Budget>,
    pub(super) left_out_turns: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        knowledge_base: &'a KnowledgeBase,
        question: &'a str,
        options: &'a AskOptions,
        mut listeners: Call<'a>,
    ) -> Self {
        if options.stream == Stream::Checked {
            // nothing is handed on that is withdrawn
            listeners.take_on_retract();
        }
        let (started, timings) = (Instant::now(), Timings::default());
        let cancel = listeners.token().clone();
        Self { knowledge_base, question, options, cancel, listeners, started, timings }
    }

    /// Those who listen, for the step that writes what they hear.
    pub(super) fn listeners(&mut self) -> Call<'a> {
        std::mem::take(&mut self.listeners)
    }

    /// Hands out a text that is complete already; why it may not be seen, if so.
    pub(super) fn hand_out(&mut self, text: &str) -> Option<Refusal> {
        let guards = &self.options.guards;
        let mut listeners = self.listeners();
        let (mut on_piece, _) = listeners.split();
        Outlet::new(guards, &mut on_piece).whole(text)
    }

    /// The generator; if it is loaded by this, the time it took is noted.
    pub(super) fn generator(&mut self) -> Result<&'a Generator> {
        let (loading, was_loaded) =
            (Instant::now(), self.knowledge_base.models.generator_is_loaded());
        let generator = self.knowledge_base.generator()?;
        if !was_loaded {
            self.timings.load_ms = milliseconds(loading.elapsed());
        }
        Ok(generator)
    }

    /// What is found for the question.
    pub(super) fn retrieve(&mut self) -> Result<Retrieved> {
        let knowledge_base = self.knowledge_base;
        let question_cut = knowledge_base.cut_question(self.question, self.options.search.mode)?;
        let asked = question_cut.as_deref().unwrap_or(self.question);
        let queries = self.queries(asked)?;
        let found = self.retrieve_by(asked, queries)?;
        Ok(Retrieved { question_cut, ..found })
    }

    /// What is found for a follow-up once tables told what it asks; else what was found before.
    pub(super) fn retrieve_again(&mut self, before: Retrieved) -> Result<Retrieved> {
        let Some(whole) = before.carried else { return Ok(before) };
        let found = self.retrieve_by(&whole, Queries::whole(&whole))?;
        Ok(Retrieved { question_cut: before.question_cut, carried: Some(whole), ..found })
    }

    fn retrieve_by(&mut self, asked: &str, queries: Queries) -> Result<Retrieved> {
        let knowledge_base = self.knowledge_base;
        let embedding = queries.embedding(knowledge_base.encoder()?, &self.cancel)?;
        let hits = self.found(&queries, &embedding)?;
        let is_follow_up = queries.is_follow_up;
        let search = Searched { asked, is_follow_up, embedding: &embedding, hits: &hits };
        let gate = Gate::of(self.knowledge_base, self.options, &search, &self.cancel)?;
        self.timings.search_ms = milliseconds(self.started.elapsed());
        Ok(Retrieved { hits, gate, rewritten: queries.rewritten, ..Retrieved::default() })
    }

    /// Why there is nothing to answer from.
    pub(super) fn judge(&self, retrieved: &Retrieved) -> Option<NotFoundReason> {
        retrieved.gate.not_found(retrieved.asked(self.question), &retrieved.hits)
    }

    /// Places citations, fills in what only the file knows, and judges whether the answer is
    /// supported.
    pub(super) fn cite(&self, retrieved: &Retrieved, written: &Written) -> Result<Answer> {
        let cosines = |claim: &str, sentences: &[&str]| self.cosines(claim, sentences);
        let meaning = retrieved.gate.meaning.map(|floor| Meaning { cosines: &cosines, floor });
        let asked = retrieved.asked(self.question);
        let cited = cite::cite(asked, written.text.trim(), &written.shown, meaning.as_ref())?;
        let (mut citations, mut conflicts) = (cited.citations, cited.conflicts);
        let sources = conflicts.iter_mut().map(|conflict| &mut conflict.source);
        // one for all citations: each source is looked at once, and all together have one limit of
        // time
        let mut verifier = self.knowledge_base.verifier(&self.cancel);
        for citation in citations.iter_mut().chain(sources) {
            self.knowledge_base.fill(citation)?;
            citation.status = verifier.status(citation)?;
        }
        // nothing is no answer, even to those who want any
        let any = self.options.abstain == Abstain::Never && !cited.text.is_empty();
        let supported = !citations.is_empty() || any;
        let (shown, left_out) = retrieved.hits.split_at(written.shown.len());
        let mut answer = self.unanswered(retrieved, written);
        if let Some(trace) = &mut answer.trace {
            trace.unsupported = cited.unsupported;
            trace.refuted = cited.refuted;
        }
        Ok(Answer {
            found: supported,
            text: if supported { cited.text } else { String::new() },
            quoted: supported && written.is_quoted,
            citations,
            conflicts,
            reason: (!supported).then_some(NotFoundReason::Unsupported),
            hits: shown.to_vec(),
            left_out: left_out.iter().map(|hit| hit.passage_id).collect(),
            outcome: if supported { Outcome::Answered } else { Outcome::NotFound },
            ..answer
        })
    }

    /// Fills in what only the file knows of citations that were made by hand.
    pub(super) fn settle(&self, citations: &mut [Citation]) -> Result<()> {
        let mut verifier = self.knowledge_base.verifier(&self.cancel);
        for citation in citations {
            self.knowledge_base.fill(citation)?;
            citation.status = verifier.status(citation)?;
        }
        Ok(())
    }

    /// The end of a run that wrote something.
    pub(super) fn finish(self, mut answer: Answer, refusal: Option<Refusal>) -> Answer {
        answer.timings = Timings { total_ms: self.elapsed_ms(), ..self.timings };
        match refusal {
            Some(refusal) => answer.refused(refusal),
            None => answer.masked(self.question, self.options),
        }
    }

    /// The end of a run whose question may not be asked.
    pub(super) fn refuse(mut self, refusal: Refusal) -> Answer {
        self.timings.total_ms = self.elapsed_ms();
        self.unanswered(&Retrieved::default(), &Written::default()).refused(refusal)
    }

    /// The end of a run that found nothing to answer from.
    pub(super) fn not_found(mut self, reason: NotFoundReason, retrieved: Retrieved) -> Answer {
        self.timings.total_ms = self.elapsed_ms();
        let answer = self.unanswered(&retrieved, &Written::default());
        let answer = Answer { reason: Some(reason), hits: retrieved.hits, ..answer };
        answer.masked(self.question, self.options)
    }

    /// An answer without text, passages and reason: what every answer begins as.
    pub(super) fn unanswered(&self, retrieved: &Retrieved, written: &Written) -> Answer {
        let guards = &self.options.guards;
        let told = |asked: &String| guards.told(asked).into_owned();
        Answer {
            found: false,
            text: String::new(),
            quoted: false,
            citations: Vec::new(),
            reason: None,
            hits: Vec::new(),
            left_out: Vec::new(),
            timings: self.timings,
            trace: self.is_traced().then(|| self.trace(retrieved, written)),
            outcome: Outcome::NotFound,
            refusal: None,
            masked: None,
            question_cut: retrieved.question_cut.as_ref().map(told),
            conflicts: Vec::new(),
            table: None,
            told_by: Vec::new(),
        }
    }

    /// What is known of an answer before it is cited.
    fn trace(&self, retrieved: &Retrieved, written: &Written) -> Trace {
        let (gate, generation) = (&retrieved.gate, written.generation.as_ref());
        Trace {
            prompt: written.prompt.clone(),
            raw_text: written.text.trim().to_owned(),
            unsupported: Vec::new(),
            refuted: Vec::new(),
            floor: gate.floor,
            best: gate.best,
            coverage: gate.coverage.map(|pair| pair.0),
            min_coverage: gate.coverage.map(|pair| pair.1),
            relevance: gate.relevance.map(|pair| pair.0),
            min_relevance: gate.relevance.map(|pair| pair.1),
            seed: self.options.generate.seed,
            reused_token_count: generation.map_or(0, |g| g.reused_token_count),
            drafted_token_count: generation.map_or(0, |g| g.drafted_token_count),
            accepted_token_count: generation.map_or(0, |g| g.accepted_token_count),
            hits: retrieved.hits.clone(),
            question: self.options.guards.told(self.question).into_owned(),
            rewritten: retrieved.rewritten.clone(),
            left_out_turns: written.left_out_turns,
            budget: written.budget,
        }
    }

    pub(super) fn is_traced(&self) -> bool {
        self.options.explain == Explain::Trace
    }

    pub(super) fn elapsed_ms(&self) -> f64 {
        milliseconds(self.started.elapsed())
    }

    /// How near each sentence is to a claim.
    pub(super) fn cosines(&self, claim: &str, sentences: &[&str]) -> Result<Vec<f32>> {
        let encoder = self.knowledge_base.encoder()?;
        let claim = encoder.encode_queries_with(&[claim], Call::new().cancel(&self.cancel))?.data;
        let rows = encoder.encode_passages_with(sentences, Call::new().cancel(&self.cancel))?;
        Ok(rows.rows().map(|row| row.iter().zip(&claim).map(|(a, b)| a * b).sum()).collect())
    }
}

impl Retrieved {
    /// Passages that were not looked for with a question.
    pub(super) fn given(hits: Vec<Hit>) -> Self {
        Self { hits, ..Self::default() }
    }

    /// What of `question` was searched for, or what it comes to where it goes on with another.
    pub(super) fn asked<'q>(&'q self, question: &'q str) -> &'q str {
        self.carried.as_deref().or(self.question_cut.as_deref()).unwrap_or(question)
    }
}

impl KnowledgeBase {
    /// Where a citation stands in its source.
    pub(super) fn fill(&self, citation: &mut Citation) -> Result<()> {
        let store = self.store_at(citation.store)?;
        let row = store.document(&citation.uri)?;
        let packed = row.map(|row| store.source_map(row.id)).transpose()?.flatten();
        let map = packed.and_then(|bytes| SourceMap::from_bytes(&bytes));
        if let Some(map) = map {
            let range = citation.start..citation.end;
            let source = map.source_bytes(&range);
            citation.source_start = source.as_ref().map(|range| range.start);
            citation.source_end = source.as_ref().map(|range| range.end);
            citation.place = map.place(&range);
            citation.page = map.page(&range).or(citation.page);
        }
        Ok(())
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

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
