//! `rag restore BACKUP KB`: a backup in the place of a file.

use std::path::PathBuf;

use rag_core::KnowledgeBase;

use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Put a backup in the place of a knowledge base, which nobody may have open; the backup is checked
/// first
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The copy that `rag backup` made
    #[arg(value_name = "BACKUP")]
    from: PathBuf,
    /// The file to replace or make; its own data and its log go
    #[arg(value_name = "KB")]
    to: PathBuf,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let job = console.job();
    let info = KnowledgeBase::restore_with(&args.from, &args.to, job.call())?;
    if console.is_json() {
        console.json(&info)?;
    } else {
        console.line(format_args!(
            "restored {} documents, {} passages",
            info.document_count, info.passage_count
        ))?;
    }
    Ok(Exit::Done)
}
