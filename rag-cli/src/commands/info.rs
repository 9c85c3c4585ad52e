//! `rag info KB`: counts and sizes.

use std::path::PathBuf;

use rag_core::passage::EncoderInput;
use rag_core::store::{Access, Store};

use super::options::UntrustedArg;
use super::reindex::untitled;
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
    console.line(format_args!("encoded     {}", encoded(info.encoder_input)))?;
    console.line(format_args!("index       {}, generation {}", info.index, info.generation))?;
    console.line(format_args!("format      {}", info.format_version))?;
    console.line(format_args!("bytes       {}", info.bytes))?;
    if info.reindex_count > 0 {
        let (count, path) = (info.reindex_count, args.path.to_string_lossy());
        console.note(format_args!(
            "{}; `rag reindex {}` encodes them again, with --dry-run it says how long that takes",
            untitled(count),
            name(&path)
        ));
    }
    Ok(Exit::Done)
}

/// What the encoder reads of a new passage.
fn encoded(input: EncoderInput) -> &'static str {
    match input {
        EncoderInput::Title => "title, headings, text",
        EncoderInput::Heading => "headings, text",
    }
}
