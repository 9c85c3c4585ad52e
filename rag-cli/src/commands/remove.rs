//! `rag remove KB URI`: takes one document out.

use std::path::PathBuf;

use rag_core::store::{Access, Store};
use serde::Serialize;

use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Remove the document with this name; exit code 3 if there is none
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    /// Its name: an absolute path, or what it was added under
    uri: String,
}

#[derive(Debug, Serialize)]
struct Report {
    removed: bool,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let removed = Store::open(&args.path, Access::ReadWrite)?.remove_document(&args.uri)?;
    if console.is_json() {
        console.json(&Report { removed })?;
    } else {
        console.line(format_args!("{}", if removed { "removed" } else { "no such document" }))?;
    }
    Ok(if removed { Exit::Done } else { Exit::NotFound })
}
