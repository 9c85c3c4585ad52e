//! `rag add KB URI < text`: one text under a name of the caller's.

use std::io::{self, Read};

use rag_core::Error;
use serde::Serialize;

use super::options::{Adding, KnowledgeBaseArgs, RemovalArgs};
use crate::console::Console;
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding, OptionArgs};

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  echo \"The pool opens at noon.\" | rag add kb.rag note:1 --metadata year=2024",
);

/// Add the text on standard input under a name, in place of any with the same name
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    removal: RemovalArgs,
    /// The name that citations will show
    uri: String,
    #[command(flatten)]
    pub(super) options: OptionArgs<Adding>,
}

#[derive(Debug, Serialize)]
struct Report {
    passage_ids: Vec<i64>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)?;
        held.add(&self.removal)?;
        held.add(&self.options)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let mut text = String::new();
    let read = io::stdin().lock().read_to_string(&mut text);
    read.map_err(|source| Error::io("standard input", source))?;
    let options = args.options.options(config)?;
    let knowledge_base = args.knowledge_base.open_to_write(&args.removal, config)?;
    console.notices(&knowledge_base.notices());
    let job = console.job();
    let passage_ids = knowledge_base.add_with(&args.uri, &text, &options, job.call())?;
    if console.is_json() {
        console.json(&Report { passage_ids })?;
    } else {
        console.line(format_args!("added {} passages", passage_ids.len()))?;
    }
    Ok(Exit::Done)
}
