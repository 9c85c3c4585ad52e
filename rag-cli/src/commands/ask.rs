//! `rag ask KB QUESTION`: one cited answer, or a plain "not found".

use std::path::PathBuf;

use rag_core::cite::{Citation, Conflict, has_markers};
use rag_core::guard::Refusal;
use rag_core::options::Value;
use rag_core::search::Hit;
use rag_core::table::TableAnswer;
use rag_core::{
    Answer, Explain, KnowledgeBase, Masked, NotFoundReason, Outcome as AnswerOutcome, Timings,
    ToldBy, Trace,
};
use serde::Serialize;

use super::explain;
use super::guards::note_masked;
use super::options::{
    Asking, KnowledgeBaseArgs, OpenArg, QuestionArg, ReachArgs, Writing, check_keys,
};
use super::pieces::Pieces;
use super::search::other_file;
use crate::console::{Console, one_line, shorten, visible};
use crate::failure::{Exit, Failure, Outcome};
use crate::options::{Config, Holding, OptionArgs, Spelling};
use crate::place::Place;

/// Characters of a quote shown to people.
const QUOTE_CHARS: usize = 200;

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag ask kb.rag \"When was the laboratory founded?\"\n",
    "  rag ask kb.rag \"Combien co\u{fb}te la visite ?\" --extract\n",
    "  rag ask kb.rag \"What is due?\" --explain=page.html\n",
    "  rag ask kb.rag \"Who is on duty?\" --json    for programs",
);

/// Answer a question from the documents, with citations
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    question: QuestionArg,
    #[command(flatten)]
    pub(super) ask: AskArgs<Asking>,
    /// Show how the answer came about; with =FILE.html, write it there as a page
    #[arg(long, value_name = "FILE.html", num_args = 0..=1, require_equals = true)]
    explain: Option<Option<PathBuf>>,
    /// Print the prompt that the generator would be given, instead of an answer
    #[arg(long, conflicts_with = "explain")]
    prompt_only: bool,
    #[command(flatten)]
    open: OpenArg,
}

/// What `ask`, `chat` and `summarize` share.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs<S: Spelling> {
    #[command(flatten)]
    llm: OptionArgs<Writing>,
    #[command(flatten)]
    reach: ReachArgs,
    #[command(flatten)]
    pub(super) options: OptionArgs<S>,
}

impl<S: Spelling> AskArgs<S> {
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.llm)?;
        self.reach.show(held)?;
        held.add(&self.options)
    }

    /// The knowledge base, opened to be asked, and how.
    pub(crate) fn open(
        &self,
        knowledge_base: &KnowledgeBaseArgs,
        config: &Config,
        console: &mut Console<'_>,
    ) -> Result<(KnowledgeBase, S::Options), Failure> {
        let options = self.options.options(config)?;
        self.reach.check(&self.options, config)?;
        let knowledge_base = knowledge_base.open_to_ask(&self.llm, &self.reach, config)?;
        console.notices(&knowledge_base.notices());
        Ok((knowledge_base, options))
    }
}

/// An answer as JSON shows it; hits and trace only on request.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerObject<'a> {
    found: bool,
    text: &'a str,
    /// Whether it is sentences of the passages, word for word.
    quoted: bool,
    citations: &'a [Citation],
    reason: Option<NotFoundReason>,
    left_out: &'a [i64],
    timings: Timings,
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<&'a [Hit]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a Trace>,
    outcome: AnswerOutcome,
    refusal: Option<&'a Refusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masked: Option<Masked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    question_cut: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    conflicts: &'a [Conflict],
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a TableAnswer>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    told_by: &'a [ToldBy],
}

impl<'a> AnswerObject<'a> {
    pub(crate) fn new(answer: &'a Answer, explain: bool) -> Self {
        Self {
            found: answer.found,
            text: &answer.text,
            quoted: answer.quoted,
            citations: &answer.citations,
            reason: answer.reason,
            left_out: &answer.left_out,
            timings: answer.timings,
            hits: explain.then_some(&answer.hits),
            trace: answer.trace.as_ref().filter(|_| explain),
            outcome: answer.outcome,
            refusal: answer.refusal.as_ref(),
            masked: answer.masked,
            question_cut: answer.question_cut.as_deref(),
            conflicts: &answer.conflicts,
            table: answer.table.as_ref(),
            told_by: &answer.told_by,
        }
    }
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)?;
        self.ask.show(held)?;
        if self.explain.is_some() {
            held.set("explain", Value::Flag(true));
        }
        Ok(())
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    args.open.check(&args.knowledge_base)?;
    let (knowledge_base, mut options) = args.ask.open(&args.knowledge_base, config, console)?;
    if args.explain.is_some() {
        options.explain = Explain::Trace;
    }
    let explains = options.explain == Explain::Trace;
    check_keys(&knowledge_base, options.search.filter.as_ref())?;
    let job = console.job();
    let question = args.question.text();
    if args.prompt_only {
        let prompt = knowledge_base.prompt_with(&question, &options, job.call())?;
        match console.is_json() {
            true => console.json(&prompt)?,
            false => console.line(format_args!("{}", visible(&prompt.rendered.text)))?,
        }
        return Ok(Exit::Done);
    }
    let answer = if console.is_json() {
        knowledge_base.ask_with(&question, &options, job.call())?
    } else {
        let pieces = Pieces::of(console);
        let answer = knowledge_base.ask_with(
            &question,
            &options,
            job.call()
                .on_piece(&mut |piece| pieces.borrow_mut().write(piece))
                .on_retract(&mut |why| pieces.borrow_mut().retract(why)),
        );
        pieces.into_inner().finish()?;
        answer?
    };
    if console.is_json() {
        console.json(&AnswerObject::new(&answer, explains))?;
    } else {
        print_sources(&answer, &knowledge_base, console)?;
        if explains && !matches!(args.explain, Some(Some(_))) {
            explain::print(&answer, &knowledge_base, console)?;
        }
    }
    if let Some(Some(path)) = &args.explain {
        explain::write_page(&answer, path, &knowledge_base)?;
    }
    if answer.found
        && let Some(place) = args.open.chosen(answer.citations.iter().map(Place::of_citation))?
    {
        place.open()?;
    }
    Ok(if answer.found { Exit::Done } else { Exit::NotFound })
}

/// Another document that gives another figure, as a citation gives its own.
fn print_conflict(
    conflict: &Conflict,
    knowledge_base: &KnowledgeBase,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let source = &conflict.source;
    let place = Place::of_citation(source);
    let other = other_file(knowledge_base, source.store);
    let quote = quoted(&source.quote);
    let note = source.status.note().map(|note| format!(" ({note})")).unwrap_or_default();
    let (stated, contrary) = (one_line(&conflict.stated), one_line(&conflict.contrary));
    console.line(format_args!(
        "conflict: [{}] says {stated}, {place}{other}{note} says {contrary}: {quote}",
        conflict.marker
    ))
}

/// A quote as people see it; in quotation marks if something in it would pass for one of our
/// markers.
fn quoted(quote: &str) -> String {
    let shown = shorten(quote, QUOTE_CHARS);
    if has_markers(&shown) { format!("\u{201c}{shown}\u{201d}") } else { shown }
}

/// The citations, or why there is no answer.
pub(crate) fn print_sources(
    answer: &Answer,
    knowledge_base: &KnowledgeBase,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    note_masked(answer, console);
    if let Some(asked) = &answer.question_cut {
        let asked = shorten(asked, QUOTE_CHARS);
        console.note(format_args!(
            "the question is too long to be searched for whole; what was: {asked}"
        ));
    }
    if !answer.found {
        let reason = answer.reason_text().unwrap_or_default();
        let word = if answer.outcome == AnswerOutcome::Refused { "refused" } else { "not found" };
        return console.line(format_args!("{word}: {}", one_line(&reason)));
    }
    print_citations(&answer.citations, &answer.conflicts, knowledge_base, console)?;
    for told in &answer.told_by {
        console.line(format_args!("({}) {}", told.kind.text(), quoted(&told.quote)))?;
    }
    if answer.citations.is_empty() && answer.told_by.is_empty() {
        console.line(format_args!("no passage supports this answer"))?;
    }
    Ok(())
}

/// What supports a text, behind an empty line.
pub(crate) fn print_citations(
    citations: &[Citation],
    conflicts: &[Conflict],
    knowledge_base: &KnowledgeBase,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    console.line(format_args!(""))?;
    for citation in citations {
        let place = Place::of_citation(citation);
        let quote = quoted(&citation.quote);
        let other = other_file(knowledge_base, citation.store);
        let note = citation.status.note().map(|note| format!(" ({note})")).unwrap_or_default();
        let (before, after) =
            (format!("[{}] ", citation.marker), format!("{other}{note}: {quote}"));
        place.print(&before, &after, console)?;
    }
    for conflict in conflicts {
        print_conflict(conflict, knowledge_base, console)?;
    }
    Ok(())
}
