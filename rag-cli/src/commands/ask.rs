//! `rag ask KB QUESTION`: one cited answer, or a plain "not found".

use std::io::{self, Write};
use std::ops::ControlFlow;

use rag_core::cite::Citation;
use rag_core::prompt::Fence;
use rag_core::search::Hit;
use rag_core::{Abstain, Answer, AskOptions, Explain, NotFoundReason, Timings, Trace, Writer};
use serde::Serialize;

use super::options::{GenerateArgs, KnowledgeBaseArgs, SearchArgs, parse_abstain};
use super::search::{place, print_hit};
use crate::console::{Console, shorten, visible};
use crate::failure::{Exit, Failure, Outcome};

/// Characters of a quote shown to people.
const QUOTE_CHARS: usize = 200;

/// Answer a question from the documents, with citations
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    knowledge_base: KnowledgeBaseArgs,
    /// The question, in plain words
    question: String,
    #[command(flatten)]
    ask: AskArgs,
    /// Show how the answer came about
    #[arg(long)]
    explain: bool,
}

/// What `ask` and `chat` share.
#[derive(Debug, clap::Args)]
pub(crate) struct AskArgs {
    /// Generator by name, path or hub id [default: qwen2.5-0.5b]
    #[arg(long, value_name = "NAME|PATH")]
    pub(crate) llm: Option<String>,
    /// Most passages offered to the generator
    #[arg(short = 'k', value_name = "N", default_value_t = 3)]
    passages: usize,
    #[command(flatten)]
    pub(crate) search: SearchArgs,
    #[command(flatten)]
    generate: GenerateArgs,
    /// Persona and rules, put into the system turn
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// When to say "not found": calibrated, never, or below this cosine
    #[arg(long, value_name = "FLOOR", default_value = "calibrated", value_parser = parse_abstain,
          allow_negative_numbers = true)]
    abstain: Abstain,
    /// Answer with the best sentence of the passages, word for word; needs no generator, as --llm none
    #[arg(long)]
    extract: bool,
    /// Show the generator only so many sentences of each passage, those around the one that answers best
    #[arg(long, value_name = "N")]
    sentences: Option<usize>,
    /// Number the passages only, without the word that keeps them from passing for instructions
    #[arg(long)]
    no_fence: bool,
}

impl AskArgs {
    pub(crate) fn options(&self) -> AskOptions {
        AskOptions {
            search: self.search.options(self.passages),
            generate: self.generate.options(),
            system: self.system.clone(),
            abstain: self.abstain,
            writer: if self.extract { Writer::Passages } else { Writer::Generator },
            sentences: self.sentences,
            fence: if self.no_fence { Fence::Numbered } else { Fence::Marked },
            ..AskOptions::default()
        }
    }
}

/// An answer as JSON shows it; hits and trace only on request.
#[derive(Debug, Serialize)]
pub(crate) struct AnswerObject<'a> {
    found: bool,
    text: &'a str,
    citations: &'a [Citation],
    reason: Option<NotFoundReason>,
    left_out: &'a [i64],
    timings: Timings,
    #[serde(skip_serializing_if = "Option::is_none")]
    hits: Option<&'a [Hit]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a Trace>,
}

impl<'a> AnswerObject<'a> {
    pub(crate) fn new(answer: &'a Answer, explain: bool) -> Self {
        Self {
            found: answer.found,
            text: &answer.text,
            citations: &answer.citations,
            reason: answer.reason,
            left_out: &answer.left_out,
            timings: answer.timings,
            hits: explain.then_some(&answer.hits),
            trace: answer.trace.as_ref().filter(|_| explain),
        }
    }
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let llm = args.ask.llm.as_deref();
    let knowledge_base = args.knowledge_base.open_to_ask(llm, &args.ask.search)?;
    let mut options = args.ask.options();
    if args.explain {
        options.explain = Explain::Trace;
    }
    let job = console.job();
    let answer = if console.is_json() {
        let mut ignore = |_: &str| ControlFlow::Continue(());
        knowledge_base.ask(&args.question, &options, &mut ignore, job.token())?
    } else {
        let mut pieces = Pieces::new(console.out());
        let answer = knowledge_base.ask(
            &args.question,
            &options,
            &mut |piece| pieces.write(piece),
            job.token(),
        );
        pieces.finish()?;
        answer?
    };
    if console.is_json() {
        console.json(&AnswerObject::new(&answer, args.explain))?;
    } else {
        print_sources(&answer, console)?;
        if args.explain {
            print_trace(&answer, console)?;
        }
    }
    Ok(if answer.found { Exit::Done } else { Exit::NotFound })
}

/// Writes an answer as it comes; a reader that leaves ends the generation.
pub(crate) struct Pieces<'a> {
    out: &'a mut dyn Write,
    wrote: bool,
    failed: Option<io::Error>,
}

impl<'a> Pieces<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, wrote: false, failed: None }
    }

    pub(crate) fn write(&mut self, piece: &str) -> ControlFlow<()> {
        self.wrote = true;
        let text = visible(piece);
        match self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.failed = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// Ends the line.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        if self.wrote {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// The citations, or why there is no answer.
pub(crate) fn print_sources(answer: &Answer, console: &mut Console<'_>) -> Result<(), Failure> {
    if !answer.found {
        let reason = answer.reason.map_or("no reason given", reason_text);
        return console.line(format_args!("not found: {reason}"));
    }
    console.line(format_args!(""))?;
    for citation in &answer.citations {
        let place = place(&citation.uri, citation.start, citation.end, citation.page);
        let quote = shorten(&citation.quote, QUOTE_CHARS);
        console.line(format_args!("[{}] {place}: {quote}", citation.marker))?;
    }
    if answer.citations.is_empty() {
        console.line(format_args!("no passage supports this answer"))?;
    }
    Ok(())
}

fn reason_text(reason: NotFoundReason) -> &'static str {
    match reason {
        NotFoundReason::Empty => "the knowledge base is empty",
        NotFoundReason::BelowFloor => "no passage is close to the question",
        NotFoundReason::Unsupported => "the passages do not support an answer",
        NotFoundReason::Uncovered => "no passage holds enough of the question's words",
    }
}

fn print_trace(answer: &Answer, console: &mut Console<'_>) -> Result<(), Failure> {
    console.line(format_args!("\nPassages"))?;
    for (index, hit) in answer.hits.iter().enumerate() {
        print_hit(index + 1, hit, console)?;
    }
    if let Some(trace) = &answer.trace {
        console.line(format_args!("\nPrompt\n{}", visible(&trace.prompt)))?;
        console.line(format_args!("\nModel\n{}", visible(&trace.raw_text)))?;
        let cosine =
            |value: Option<f32>| value.map_or("none".to_owned(), |value| format!("{value:.4}"));
        console.line(format_args!(
            "\nbest cosine {}, floor {}, coverage {}, needed {}, seed {}",
            cosine(trace.best),
            cosine(trace.floor),
            cosine(trace.coverage),
            cosine(trace.min_coverage),
            trace.seed
        ))?;
    }
    let timings = &answer.timings;
    console.line(format_args!(
        "load {:.0} ms, search {:.0} ms, prefill {:.0} ms ({} tokens), decode {:.0} ms ({} tokens), total {:.0} ms",
        timings.load_ms,
        timings.search_ms,
        timings.prefill_ms,
        timings.prompt_token_count,
        timings.decode_ms,
        timings.answer_token_count,
        timings.total_ms
    ))
}
