//! `rag remove KB URI`: takes documents out.

use std::path::PathBuf;

use rag_core::Error;
use rag_core::store::{Access, Filter, Seal, Store};
use serde::Serialize;

use super::options::{RemovalArgs, UntrustedArg, parse_filter};
use crate::console::{Console, name};
use crate::failure::{Exit, Failure, Outcome};
use crate::options::{Config, Holding};

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag remove kb.rag /srv/docs/old.pdf\n",
    "  rag remove kb.rag --filter \"path glob 'drafts/*'\"",
);

/// Remove the document with this name, or all that pass a filter; exit code 3 if there is none
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    pub(super) path: PathBuf,
    #[command(flatten)]
    pub(super) untrusted: UntrustedArg,
    /// Its name: an absolute path, or what it was added under
    #[arg(conflicts_with = "filter")]
    uri: Option<String>,
    /// Instead of a name: every document that passes, such as "kind = pdf AND year < 2020"
    #[arg(long, value_name = "FILTER", value_parser = parse_filter)]
    filter: Option<Filter>,
    /// Leave nothing of it, nor of anything removed before, in the file, its indexes or its log;
    /// rewrites the file
    #[arg(long)]
    purge: bool,
    #[command(flatten)]
    removal: RemovalArgs,
}

#[derive(Debug, Serialize)]
struct Report {
    removed: bool,
    /// Those that passed the filter, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    uris: Option<Vec<String>>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        held.add(&self.removal)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    if args.uri.is_none() && args.filter.is_none() {
        let reason = "missing: name a document by its path or uri, or several by --filter";
        return Err(Failure::Usage(Error::invalid("URI", reason)));
    }
    let store = Store::open(&args.path, Access::ReadWrite)?;
    console.notices(store.notices());
    if args.removal.options(config)?.secure_delete {
        store.delete_securely()?;
    }
    let uris = args.filter.as_ref().map(|filter| store.remove_where(filter)).transpose()?;
    let removed = match (&args.uri, &uris) {
        (Some(uri), _) => store.remove_document(uri)?,
        (None, uris) => uris.as_ref().is_some_and(|uris| !uris.is_empty()),
    };
    if args.purge {
        store.purge()?;
        store.seal(Seal::IfNeeded, console.job().token())?;
    } else if removed {
        store.scrub()?;
    }
    if console.is_json() {
        console.json(&Report { removed, uris })?;
    } else {
        for uri in uris.iter().flatten() {
            console.line(format_args!("{}", name(uri)))?;
        }
        console.line(format_args!("{}", if removed { "removed" } else { "no such document" }))?;
    }
    Ok(if removed { Exit::Done } else { Exit::NotFound })
}
