//! `rag compose KB TASK`: a draft for a decision, each sentence marked as a document's or the
//! model's own.

use rag_core::DecisionDraft;

use super::ask::{AskArgs, print_citations};
use super::options::{Composing, KnowledgeBaseArgs};
use crate::console::{Console, one_line, visible};
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding};

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag compose kb.rag \"Write a synthesis on the opening hours.\"\n",
    "  rag compose kb.rag \"Propose three scenarios for Sundays.\" --kind scenarios",
);

/// Write a draft from the documents: a synthesis, scenarios, an argument, an assessment
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    /// What is to be written, in plain words; it need not be quoted for the shell
    #[arg(value_name = "TASK", required = true, num_args = 1..)]
    task: Vec<String>,
    #[command(flatten)]
    pub(super) ask: AskArgs<Composing>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)?;
        self.ask.show(held)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let (knowledge_base, options) = args.ask.open(&args.knowledge_base, config, console)?;
    let job = console.job();
    let mut draft = knowledge_base.compose_with(&args.task.join(" "), &options, job.call())?;
    if console.is_json() {
        // passages are shown where an answer is explained; a draft is not
        draft.hits.clear();
        console.json(&draft)?;
    } else if draft.found {
        console.line(format_args!("{}", visible(&draft.text)))?;
        print_citations(&draft.citations, &draft.conflicts, &knowledge_base, console)?;
    } else {
        console.line(format_args!("{}", one_line(&nothing(&draft))))?;
    }
    Ok(if draft.found { Exit::Done } else { Exit::NotFound })
}

/// Why there is no draft.
fn nothing(draft: &DecisionDraft) -> String {
    match &draft.refusal {
        Some(refusal) => format!("refused: {}", refusal.reason),
        None => {
            let reason = draft.reason.map_or("nothing was written", |reason| reason.text());
            format!("not found: {reason}")
        }
    }
}
