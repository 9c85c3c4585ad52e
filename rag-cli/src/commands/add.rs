//! `rag add KB URI < text`: one text under a name of the caller's.

use std::collections::BTreeMap;
use std::io::{self, Read};

use rag_core::{AddOptions, Error};
use serde::Serialize;

use super::options::{KnowledgeBaseArgs, RemovalArgs};
use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Add the text on standard input under a name, in place of any with the same name
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    removal: RemovalArgs,
    /// The name that citations will show
    uri: String,
    /// Metadata as KEY=VALUE; may be given more than once
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_pair)]
    metadata: Vec<(String, String)>,
}

#[derive(Debug, Serialize)]
struct Report {
    passage_ids: Vec<i64>,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let mut text = String::new();
    let read = io::stdin().lock().read_to_string(&mut text);
    read.map_err(|source| Error::io("standard input", source))?;
    let metadata: BTreeMap<String, String> = args.metadata.iter().cloned().collect();
    let knowledge_base = args.knowledge_base.open_to_write(args.removal)?;
    console.notices(&knowledge_base.notices());
    let job = console.job();
    let passage_ids =
        knowledge_base.add_with(&args.uri, &text, &AddOptions { metadata }, job.call())?;
    if console.is_json() {
        console.json(&Report { passage_ids })?;
    } else {
        console.line(format_args!("added {} passages", passage_ids.len()))?;
    }
    Ok(Exit::Done)
}
