//! `rag map KB`: the passages by meaning, as a page to look at.

use std::path::PathBuf;

use rag_core::PassageMap;
use rag_core::store::Filter;

use super::options::{KnowledgeBaseArgs, check_keys, parse_filter};
use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding};
use crate::written;

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag map kb.rag --out map.html\n",
    "  rag map kb.rag --out map.html --question \"when is it open?\" --filter \"kind = pdf\"",
);

/// Draw the passages as points of a plane, near ones saying like things; without questions no model
/// is loaded
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    /// Write the map to this file, as one HTML page
    #[arg(long, value_name = "FILE.html", required_unless_present = "json")]
    out: Option<PathBuf>,
    /// Draw this question among the passages; may be given more than once
    #[arg(long = "question", value_name = "QUESTION")]
    questions: Vec<String>,
    /// Only passages of documents that pass, such as "kind = pdf AND path glob '*/reports/*'"
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    filter: Option<Filter>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    args.out.as_deref().map(written::check).transpose()?;
    let knowledge_base = args.knowledge_base.open_to_look(config)?;
    console.notices(&knowledge_base.notices());
    check_keys(&knowledge_base, args.filter.as_ref())?;
    let questions: Vec<&str> = args.questions.iter().map(String::as_str).collect();
    let map = knowledge_base.map(args.filter.as_ref(), &questions)?;
    if let Some(path) = &args.out {
        written::replace(path, map.to_html().as_bytes(), knowledge_base.path())?;
    }
    if console.is_json() {
        console.json(&map)?;
    } else if let Some(path) = &args.out {
        let PassageMap { points, passage_count, .. } = &map;
        console.line(format_args!(
            "{} of {passage_count} passages drawn: {}",
            points.len(),
            path.display()
        ))?;
    }
    Ok(Exit::Done)
}
