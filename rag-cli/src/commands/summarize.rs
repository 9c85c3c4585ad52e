//! `rag summarize KB`: a document, or what the documents say about a question, in a few cited
//! sentences.

use std::path::Path;

use rag_core::{Explain, KnowledgeBase, Subject};

use super::ask::{AnswerObject, AskArgs, print_sources};
use super::explain;
use super::options::{KnowledgeBaseArgs, Summarizing, check_keys};
use super::pieces::Pieces;
use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding};

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag summarize kb.rag --document report.pdf\n",
    "  rag summarize kb.rag \"What was decided about the pool?\" --max-sentences 3",
);

/// Summarize a document, or what the documents say about a question, with citations
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    /// What the summary is about; it need not be quoted for the shell
    #[arg(required_unless_present = "document", num_args = 1..)]
    question: Vec<String>,
    /// Summarize this document, by its path or uri, or the end of its path if no other ends so
    #[arg(long, value_name = "URI", conflicts_with = "question")]
    document: Option<String>,
    #[command(flatten)]
    pub(super) ask: AskArgs<Summarizing>,
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
    check_keys(&knowledge_base, options.ask.search.filter.as_ref())?;
    let explains = options.ask.explain == Explain::Trace;
    let uri = args.document.as_deref().map(|document| known_by(&knowledge_base, document));
    let uri = uri.transpose()?;
    let question = args.question.join(" ");
    let subject = match &uri {
        Some(uri) => Subject::Document(uri),
        None => Subject::Question(&question),
    };
    let job = console.job();
    let summary = if console.is_json() {
        knowledge_base.summarize_with(subject, &options, job.call())?
    } else {
        let pieces = Pieces::of(console);
        let summary = knowledge_base.summarize_with(
            subject,
            &options,
            job.call()
                .on_piece(&mut |piece| pieces.borrow_mut().write(piece))
                .on_retract(&mut |why| pieces.borrow_mut().retract(why)),
        );
        pieces.into_inner().finish()?;
        summary?
    };
    if console.is_json() {
        console.json(&AnswerObject::new(&summary, explains))?;
    } else {
        print_sources(&summary, &knowledge_base, console)?;
        if explains {
            explain::print(&summary, &knowledge_base, console)?;
        }
    }
    Ok(if summary.found { Exit::Done } else { Exit::NotFound })
}

/// The uri of a document that is named as people name files: files are known by their whole path.
/// One that is here and not in the knowledge base may be the namesake of another that is.
fn known_by(knowledge_base: &KnowledgeBase, document: &str) -> rag_core::Result<String> {
    let Ok(path) = Path::new(document).canonicalize() else { return Ok(document.to_owned()) };
    let path = path.to_string_lossy().into_owned();
    let is_held = knowledge_base.documents(None)?.iter().any(|held| held.uri == path);
    Ok(if is_held { path } else { document.to_owned() })
}
