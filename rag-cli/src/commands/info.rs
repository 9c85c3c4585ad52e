//! `rag info KB`: counts and sizes.

use std::path::PathBuf;

use rag_core::store::{Access, Store};

use super::options::UntrustedArg;
use crate::console::{Console, name};
use crate::failure::{Exit, Outcome};

/// Show what the file holds; no model is loaded
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    #[command(flatten)]
    _untrusted: UntrustedArg,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let store = Store::open(&args.path, Access::ReadOnly)?;
    console.notices(store.notices());
    let info = store.info()?;
    if console.is_json() {
        console.json(&info)?;
        return Ok(Exit::Done);
    }
    let encoder = info.encoder.as_deref().map_or("none yet".to_owned(), name);
    let dim = info.dim.map(|dim| format!(", {dim} dimensions")).unwrap_or_default();
    console.line(format_args!("documents   {}", info.document_count))?;
    console.line(format_args!("skipped     {}", info.skipped_count))?;
    console.line(format_args!("passages    {}", info.passage_count))?;
    console.line(format_args!("encoder     {encoder}{dim}"))?;
    console.line(format_args!("index       {}, generation {}", info.index, info.generation))?;
    console.line(format_args!("format      {}", info.format_version))?;
    console.line(format_args!("bytes       {}", info.bytes))?;
    Ok(Exit::Done)
}
