//! `rag backup KB TO`: a copy while the file is in use.

use std::path::PathBuf;

use rag_core::store::{Access, Store};
use serde::Serialize;

use super::options::UntrustedArg;
use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Copy the knowledge base as it stands now, while others may go on using it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The knowledge base file
    #[arg(value_name = "KB")]
    path: PathBuf,
    #[command(flatten)]
    _untrusted: UntrustedArg,
    /// The file to make; it must not exist
    to: PathBuf,
}

#[derive(Debug, Serialize)]
struct Report {
    bytes: u64,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let store = Store::open(&args.path, Access::ReadOnly)?;
    console.notices(store.notices());
    let job = console.job();
    store.backup(&args.to, job.token())?;
    let bytes = Store::open(&args.to, Access::ReadOnly)?.info()?.bytes;
    if console.is_json() {
        console.json(&Report { bytes })?;
    } else {
        console.line(format_args!("{bytes} bytes"))?;
    }
    Ok(Exit::Done)
}
