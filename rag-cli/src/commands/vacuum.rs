//! `rag vacuum KB`: gives unused space back.

use std::path::PathBuf;

use rag_core::store::{Access, Store};
use serde::Serialize;

use super::options::UntrustedArg;
use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Rewrite the file without its unused space
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    #[command(flatten)]
    _untrusted: UntrustedArg,
}

#[derive(Debug, Serialize)]
struct Report {
    bytes_before: u64,
    bytes_after: u64,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let store = Store::open(&args.path, Access::ReadWrite)?;
    console.notices(store.notices());
    let bytes_before = store.info()?.bytes;
    store.vacuum()?;
    let bytes_after = store.info()?.bytes;
    if console.is_json() {
        console.json(&Report { bytes_before, bytes_after })?;
    } else {
        console.line(format_args!("{bytes_before} bytes before, {bytes_after} after"))?;
    }
    Ok(Exit::Done)
}
