//! `rag repair KB TO`: what is intact in a damaged file, as a new one.

use std::path::PathBuf;

use rag_core::{KnowledgeBase, OpenOptions};

use super::options::{KnowledgeBaseArgs, model_dirs};
use crate::console::{Console, one_line};
use crate::failure::{Exit, Outcome};
use crate::options::{Config, Holding};

/// Make a new file of what is intact in a damaged one; exit code 4 if something is lost
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    /// The file to make; it must not exist
    to: PathBuf,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let options = OpenOptions { model_dirs: model_dirs(), ..args.knowledge_base.options(config)? };
    let job = console.job();
    let report =
        KnowledgeBase::repair_with(&args.knowledge_base.path, &args.to, &options, job.call())?;
    if console.is_json() {
        console.json(&report)?;
    } else {
        for name in &report.lost {
            console.line(format_args!("lost: {}", one_line(name)))?;
        }
        console.line(format_args!(
            "kept {} documents, {} passages; encoded {} again; lost {}",
            report.document_count,
            report.passage_count,
            report.vectors_made,
            report.lost.len()
        ))?;
    }
    Ok(if report.lost.is_empty() { Exit::Done } else { Exit::Skipped })
}
