//! `rag list KB`: the documents that a file holds.

use std::path::PathBuf;

use rag_core::document::Unread;
use rag_core::store::{Access, Filter, Store, StoredDocument};
use serde::Serialize;

use super::options::{UntrustedArg, parse_filter};
use crate::console::{Console, name, one_line};
use crate::failure::{Exit, Outcome};

/// List the documents that the file holds, and the files it passed over; no model is loaded
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    #[command(flatten)]
    _untrusted: UntrustedArg,
    /// Only documents that pass, such as "kind = pdf AND year >= 2020"
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    filter: Option<Filter>,
    /// Only files that were passed over, with the reason
    #[arg(long, conflicts_with = "filter")]
    skipped: bool,
}

#[derive(Debug, Serialize)]
struct Listing {
    documents: Vec<StoredDocument>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let store = Store::open(&args.path, Access::ReadOnly)?;
    console.notices(store.notices());
    let mut documents = store.list(args.filter.as_ref())?;
    documents.retain(|document| !args.skipped || document.skipped.is_some());
    if console.is_json() {
        console.json(&Listing { documents })?;
        return Ok(Exit::Done);
    }
    for document in &documents {
        let (uri, count) = (name(&document.uri), document.passage_count);
        match &document.skipped {
            Some(why) => {
                console.line(format_args!("skipped  {uri}  {}", one_line(&why.message)))?
            }
            None => console.line(format_args!("{count:>7}  {uri}  {}", document.kind))?,
        }
        if !document.unread.is_empty() {
            let unread = unread_line(&document.unread);
            console.line(format_args!("         not read: {unread}"))?;
        }
    }
    Ok(Exit::Done)
}

/// What was not read of a document, on one line.
pub(super) fn unread_line(unread: &[Unread]) -> String {
    one_line(&unread.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}
