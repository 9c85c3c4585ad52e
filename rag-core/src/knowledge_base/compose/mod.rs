//! Drafts for decisions: what the documents say on a task, and what follows from it, with each
//! sentence marked as the documents' or the model's own.
//!
//! An answer is withheld unless a document says it. A draft is not, for it is asked to say what no
//! document says; in return nothing in it passes for the documents' that the checks of citations do
//! not find there.

mod author;
mod draft;
mod marks;
mod material;
mod plan;
mod quality;

use crate::error::{Error, Result};
use crate::guard::Outlet;
use crate::options::Options;
use crate::progress::Call;
use crate::prompt::{self, DraftWords};

use super::KnowledgeBase;
use super::run::Run;
use super::types::{ComposeOptions, DraftKind, NotFoundReason, Outcome, Timings};
use author::Author;
pub use draft::{DecisionDraft, DraftPart, DraftSection, DraftSentence, DraftVerdict, Origin};
use marks::DraftMarks;
use material::{Material, SentenceVectors, TableRows};
use plan::TaskPlan;

/// Facts that a generator is shown: small models lose the thread in more.
const SHOWN_FACTS: usize = 10;
/// TableRows of a table for each sentence that a part may have.
const ROWS_PER_SENTENCE: usize = 4;
/// Most sentences of a part that stands under an option.
const OPTION_SENTENCES: usize = 3;

impl KnowledgeBase {
    /// Writes a draft for `task` from the documents, with [`ComposeOptions::default`]: a synthesis.
    ///
    /// # Errors
    /// As [`KnowledgeBase::compose_with`].
    pub fn compose(&self, task: &str) -> Result<DecisionDraft> {
        self.compose_with(task, &ComposeOptions::default(), Call::new())
    }

    /// Writes a draft for `task`: what the documents say on it, and by [`ComposeOptions::kind`]
    /// what follows.
    ///
    /// Each sentence says whose it is ([`Origin`]): a document's, with citations that passed the
    /// checks of answers, or the model's own, which is never withheld for being new. Where
    /// documents give different figures for one thing, both are quoted. Without a generator, or
    /// with
    /// [`Writer::Passages`](super::Writer::Passages), a draft is made of sentences of the documents
    /// alone, and [`DecisionDraft::unwritten`] names the parts that are missing. If the documents
    /// hold nothing on the subject, nothing is written and [`DecisionDraft::reason`] says why.
    ///
    /// [`Call::on_piece`] gets each part when it is written and checked; returning `Break` ends the
    /// draft there.
    ///
    /// # Errors
    /// InvalidArgument for an empty task or options out of range; ContextOverflow if the task does
    /// not fit the generator; Cancelled; NotFound or Model if a model cannot be loaded; Store.
    pub fn compose_with(
        &self,
        task: &str,
        options: &ComposeOptions,
        mut call: Call<'_>,
    ) -> Result<DecisionDraft> {
        if task.trim().is_empty() {
            return Err(Error::invalid("task", "it is empty"));
        }
        options.validate()?;
        let ask = self.settled(&options.ask);
        let mut run = Run::new(self, task, &ask, call.lend());
        let mut draft = DecisionDraft::empty(options.kind);
        if let Some(refusal) = run.guard()? {
            return Ok(timed(draft.refused(refusal), &run));
        }
        let plan = TaskPlan::of(task);
        let vectors = SentenceVectors::new(&run);
        let rows =
            if options.kind == DraftKind::Table { TableRows::Taken } else { TableRows::Left };
        let material = Material::gather(&run, &plan, &vectors, rows)?;
        run.timings.search_ms = run.elapsed_ms();
        draft.searches.clone_from(&plan.searches);
        draft.hits.clone_from(&material.hits);
        draft.reason = material.reason;
        let words = prompt::draft_words(task);
        let mut refusal = None;
        if draft.reason.is_none() {
            let marks = DraftMarks::new(&material);
            let drafting =
                Drafting { options, plan: &plan, material: &material, words, marks, draft };
            (draft, refusal) = drafting.written(&mut run)?;
        }
        if options.ask.guards.masks_answer() {
            draft.mask();
        }
        draft.write_text(words);
        draft = timed(draft, &run);
        Ok(match refusal {
            Some(refusal) => draft.refused(refusal),
            None => draft,
        })
    }
}

fn timed(draft: DecisionDraft, run: &Run<'_>) -> DecisionDraft {
    DecisionDraft { timings: Timings { total_ms: run.elapsed_ms(), ..run.timings }, ..draft }
}

/// A draft as it is written.
struct Drafting<'d> {
    options: &'d ComposeOptions,
    plan: &'d TaskPlan,
    material: &'d Material,
    words: &'static DraftWords,
    marks: DraftMarks<'d>,
    draft: DecisionDraft,
}

impl Drafting<'_> {
    /// The draft, and why it may not be seen.
    fn written(
        mut self,
        run: &mut Run<'_>,
    ) -> Result<(DecisionDraft, Option<crate::guard::Refusal>)> {
        let mut listeners = run.listeners();
        let (mut on_piece, _) = listeners.split();
        let guards = &self.options.ask.guards;
        let mut outlet = Outlet::new(guards, &mut on_piece);
        let mut told = String::new();
        let mut next = 0;
        let mut hand_on = |draft: &DecisionDraft| {
            let mut is_heard = true;
            for section in draft.sections.iter().skip(next) {
                let piece = spoken(section);
                told.push_str(&piece);
                is_heard &= outlet.piece(&piece).is_continue();
            }
            next = draft.sections.len();
            is_heard
        };
        self.documents()?;
        if hand_on(&self.draft) {
            self.own_parts(run, &mut hand_on)?;
        }
        self.contradictions()?;
        hand_on(&self.draft);
        let refusal = outlet.finish(&told);
        self.marks.verify(run.knowledge_base, &run.cancel)?;
        let Self { marks, mut draft, .. } = self;
        (draft.citations, draft.conflicts) = (marks.citations, marks.conflicts);
        let found = draft.sentences().next().is_some();
        draft.found = found;
        draft.outcome = if found { Outcome::Answered } else { Outcome::NotFound };
        draft.reason = (!found).then_some(NotFoundReason::Unsupported);
        Ok((draft, refusal))
    }

    /// What the documents say: as a text, as a rule or as the rows of a table.
    fn documents(&mut self) -> Result<()> {
        let most = self.options.max_sentences;
        let (part, heading, count) = match self.options.kind {
            DraftKind::Table => (DraftPart::Table, self.words.table, most * ROWS_PER_SENTENCE),
            DraftKind::Assess => (DraftPart::Rule, self.words.rule, most),
            _ => (DraftPart::Documents, self.words.documents, most),
        };
        let mut sentences = Vec::new();
        for fact in self.material.first(count) {
            sentences.extend(self.marks.quoted(&fact.text)?);
        }
        self.add(part, heading, sentences);
        if self.options.kind == DraftKind::Assess {
            let fact = |text: &String| DraftSentence {
                text: text.clone(),
                origin: Origin::Task,
                markers: Vec::new(),
                refuted: None,
            };
            let facts = self.plan.facts.iter().take(most).map(fact).collect();
            self.add(DraftPart::Facts, self.words.case, facts);
        }
        Ok(())
    }

    /// What no document holds; who writes it is asked for one part after the other, until nobody
    /// listens.
    fn own_parts(
        &mut self,
        run: &mut Run<'_>,
        hand_on: &mut dyn FnMut(&DecisionDraft) -> bool,
    ) -> Result<()> {
        let shown = self.material.first(SHOWN_FACTS.max(self.options.max_sentences));
        let facts = shown.into_iter().map(|fact| fact.text.clone()).collect();
        let Some(mut author) = Author::of(run, facts, &self.plan.shown) else {
            self.draft.unwritten = self.own_headings();
            return Ok(());
        };
        match self.options.kind {
            DraftKind::Synthesis | DraftKind::Table => Ok(()),
            DraftKind::Explain => {
                let (ask, heading) = (self.words.ask.explanation, self.words.explanation);
                self.ask(&mut author, DraftPart::Explanation, heading, ask)
            }
            DraftKind::Scenarios => self.scenarios(&mut author, hand_on),
            DraftKind::Argument => self.argument(&mut author, hand_on),
            DraftKind::Assess => self.assessment(&mut author),
        }
    }

    fn scenarios(
        &mut self,
        author: &mut Author<'_, '_>,
        hand_on: &mut dyn FnMut(&DecisionDraft) -> bool,
    ) -> Result<()> {
        let (words, ask) = (self.words, &self.words.ask);
        for (place, option) in author.options(words)?.into_iter().enumerate() {
            let heading = format!("{} {}: {option}", words.option, place + 1);
            self.push(DraftPart::Option, &heading, Vec::new());
            for (part, heading, ask) in [
                (DraftPart::For, words.in_favour, ask.in_favour),
                (DraftPart::Against, words.against, ask.against),
                (DraftPart::Consequences, words.consequences, ask.consequences),
            ] {
                self.ask(author, part, heading, &ask.replace("{}", &option))?;
            }
            if !hand_on(&self.draft) {
                break;
            }
        }
        Ok(())
    }

    fn argument(
        &mut self,
        author: &mut Author<'_, '_>,
        hand_on: &mut dyn FnMut(&DecisionDraft) -> bool,
    ) -> Result<()> {
        let (words, ask) = (self.words, &self.words.ask);
        let thesis = author.sentences(ask.thesis, 1)?;
        let said = thesis.first().cloned().unwrap_or_else(|| self.plan.subject().to_owned());
        self.own(DraftPart::Thesis, words.thesis, thesis)?;
        for (part, heading, ask) in [
            (DraftPart::Arguments, words.arguments, ask.arguments),
            (DraftPart::Objections, words.objections, ask.objections),
            (DraftPart::Conclusion, words.conclusion, ask.conclusion),
        ] {
            self.ask(author, part, heading, &ask.replace("{}", &said))?;
            if !hand_on(&self.draft) {
                break;
            }
        }
        Ok(())
    }

    /// Yes or no stands only where a document supports the reason and none speaks against it: small
    /// models say yes to most questions.
    fn assessment(&mut self, author: &mut Author<'_, '_>) -> Result<()> {
        let (verdict, reason) =
            author.verdict(self.words.ask.verdict, self.options.max_sentences)?;
        let mut reasons = Vec::new();
        for sentence in &reason {
            reasons.push(self.marks.mark(sentence)?);
        }
        let is_cited = reasons.iter().any(|reason| reason.origin == Origin::Cited);
        let is_refuted = reasons.iter().any(|reason| reason.refuted.is_some());
        let verdict = if is_cited && !is_refuted { verdict } else { DraftVerdict::Unclear };
        let place = DraftVerdict::ALL.iter().position(|known| *known == verdict).unwrap_or(2);
        let said = DraftSentence {
            text: format!("{}.", self.words.verdicts[place]),
            origin: Origin::Model,
            markers: Vec::new(),
            refuted: None,
        };
        self.draft.verdict = Some(verdict);
        let sentences = std::iter::once(said).chain(reasons).collect();
        self.add(DraftPart::Assessment, self.words.assessment, sentences);
        Ok(())
    }

    /// A part that the author is asked for.
    fn ask(
        &mut self,
        author: &mut Author<'_, '_>,
        part: DraftPart,
        heading: &str,
        instruction: &str,
    ) -> Result<()> {
        let is_under =
            matches!(part, DraftPart::For | DraftPart::Against | DraftPart::Consequences);
        let most = self.options.max_sentences;
        let most = if is_under { most.min(OPTION_SENTENCES) } else { most };
        let sentences = author.sentences(instruction, most)?;
        self.own(part, heading, sentences)
    }

    /// A part in the author's words, each sentence marked as whose it is.
    fn own(&mut self, part: DraftPart, heading: &str, said: Vec<String>) -> Result<()> {
        let mut sentences = Vec::with_capacity(said.len());
        for sentence in &said {
            sentences.push(self.marks.mark(sentence)?);
        }
        self.add(part, heading, sentences);
        Ok(())
    }

    /// Where documents give different figures for one thing.
    fn contradictions(&mut self) -> Result<()> {
        let sentences = self.marks.contradictions()?;
        self.add(DraftPart::Conflicts, self.words.conflicts, sentences);
        Ok(())
    }

    /// A part, if it says something.
    fn add(&mut self, part: DraftPart, heading: &str, sentences: Vec<DraftSentence>) {
        if !sentences.is_empty() {
            self.push(part, heading, sentences);
        }
    }

    fn push(&mut self, part: DraftPart, heading: &str, sentences: Vec<DraftSentence>) {
        self.draft.sections.push(DraftSection { part, heading: heading.to_owned(), sentences });
    }

    /// The headings of what an author would write.
    fn own_headings(&self) -> Vec<String> {
        let words = self.words;
        let headings: &[&str] = match self.options.kind {
            DraftKind::Synthesis | DraftKind::Table => &[],
            DraftKind::Explain => &[words.explanation],
            DraftKind::Scenarios => {
                &[words.option, words.in_favour, words.against, words.consequences]
            }
            DraftKind::Argument => {
                &[words.thesis, words.arguments, words.objections, words.conclusion]
            }
            DraftKind::Assess => &[words.assessment],
        };
        headings.iter().map(|heading| (*heading).to_owned()).collect()
    }
}

/// A part as it is handed on while the draft is written.
fn spoken(section: &DraftSection) -> String {
    let said: Vec<&str> = section.sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    match said.is_empty() {
        true => format!("{}\n\n", section.heading),
        false => format!("{}\n\n{}\n\n", section.heading, said.join(" ")),
    }
}
