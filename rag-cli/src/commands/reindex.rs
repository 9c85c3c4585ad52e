//! `rag reindex KB`: encodes passages again, with the titles of their documents.

use rag_core::{KnowledgeBase, Plan, Progress, ReindexReport, SyncReport};

use super::options::{KnowledgeBaseArgs, Reindexing, RemovalArgs};
use crate::console::{Console, name};
use crate::failure::{Exit, Failure, Outcome};
use crate::options::{Config, Holding, OptionArgs};

/// Encode passages again that were encoded without the titles of their documents, from what the
/// file holds; a run that was interrupted goes on
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    removal: RemovalArgs,
    #[command(flatten)]
    options: OptionArgs<Reindexing>,
}

impl Args {
    /// What holds for its options.
    pub(crate) fn show(&self, held: &mut Holding<'_>) -> rag_core::Result<()> {
        self.knowledge_base.show(held)?;
        held.add(&self.removal)?;
        held.add(&self.options)
    }
}

pub(crate) fn run(args: &Args, config: &Config, console: &mut Console<'_>) -> Outcome {
    let plan = args.options.options(config)?.plan;
    let knowledge_base = args.knowledge_base.open_to_change(&args.removal, config)?;
    console.notices(&knowledge_base.notices());
    let job = console.job();
    let bar = console.bar("encoding", None);
    let mut on_progress = |progress: &Progress| bar.show(progress);
    let report = knowledge_base.reindex_with(plan, job.call().on_progress(&mut on_progress))?;
    drop(bar);
    if console.is_json() {
        console.json(&report)?;
        return Ok(Exit::Done);
    }
    let ReindexReport { passage_count, encoded, seconds } = report;
    match plan {
        Plan::DryRun => console.line(format_args!(
            "would encode {encoded} of {passage_count} passages again in {}",
            about(seconds)
        )),
        Plan::Apply => console.line(format_args!(
            "encoded {encoded} of {passage_count} passages again in {seconds:.1} s"
        )),
    }?;
    Ok(Exit::Done)
}

/// Tells what a reindex would do, where it would do something, and how long it would take at the
/// speed of a sync that encoded passages.
pub(super) fn advise(
    knowledge_base: &KnowledgeBase,
    synced: &SyncReport,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if console.is_quiet() || synced.passage_count == 0 {
        return Ok(());
    }
    let count = knowledge_base.info()?.reindex_count;
    if count > 0 {
        let seconds = synced.seconds / synced.passage_count as f64 * count as f64;
        let path = knowledge_base.path().to_string_lossy();
        console.note(format_args!(
            "{}; `rag reindex {}` encodes them again, {} at the speed of this sync",
            untitled(count),
            name(&path),
            about(seconds)
        ));
    }
    Ok(())
}

/// What is said of passages that a reindex would encode again.
pub(super) fn untitled(count: usize) -> String {
    format!("{count} passages are searched without the titles of their documents")
}

fn about(seconds: f64) -> String {
    match seconds {
        seconds if seconds < 100.0 => format!("about {:.0} s", seconds.ceil()),
        seconds => format!("about {:.0} min", seconds / 60.0),
    }
}
