//! `rag sync KB PATH...`: makes the knowledge base mirror folders.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rag_core::{
    Call, CancelToken, Error, KnowledgeBase, Missing, PartlyRead, Plan, Progress, Result, Stage,
    SyncOptions, SyncReport,
};
use serde::Serialize;

use super::list::unread_line;
use super::options::{KnowledgeBaseArgs, RemovalArgs, Syncing};
use super::reindex;
use super::watch::Changes;
use crate::console::{Console, name, one_line};
use crate::failure::{Exit, Failure, Outcome};
use crate::options::{Config, Holding, OptionArgs};

/// What a person may type.
const EXAMPLES: &str = concat!(
    "Examples:\n",
    "  rag sync kb.rag docs/                      mirrors a folder: again after each change\n",
    "  rag sync kb.rag docs/ --watch              goes on until interrupted\n",
    "  rag sync kb.rag a.pdf b/ --exclude \"*.log\"",
);

/// Add, update, rename and remove documents until the file mirrors these folders
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(super) knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    removal: RemovalArgs,
    /// Folders or files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Go on until interrupted: take over what changes, as soon as the system tells, and look again
    /// now and then
    #[arg(long, conflicts_with_all = ["dry_run", "force"])]
    watch: bool,
    #[command(flatten)]
    pub(super) options: OptionArgs<Syncing>,
    /// One JSON line on standard error for each document once it is safe in the file
    #[arg(long)]
    json_progress: bool,
}

/// A document that was committed.
#[derive(Debug, Serialize)]
struct ProgressLine<'a> {
    path: &'a str,
    done: usize,
    total: Option<usize>,
    passage_count: usize,
    passages_per_second: f64,
    remaining_seconds: Option<f64>,
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
    let mut options = args.options.options(config)?;
    let is_forced = options.missing == Missing::Remove;
    if is_forced && args.watch {
        return Err(Failure::Usage(Error::invalid("force", "not together with watch")));
    }
    if is_forced {
        // how many go is told before they do
        options.missing = Missing::Guard;
    }
    if args.knowledge_base.path.is_dir() {
        let reason = format!(
            "{} is a folder; the knowledge base comes first: `rag sync KB.rag {}`",
            name(&args.knowledge_base.path.to_string_lossy()),
            name(&args.knowledge_base.path.to_string_lossy()),
        );
        return Err(Failure::Usage(Error::invalid("KB", reason)));
    }
    let knowledge_base = args.knowledge_base.open_to_write(&args.removal, config)?;
    console.notices(&knowledge_base.notices());
    let job = console.job();
    let bar = console.bar("scanning", None);
    let mut on_progress = |progress: &Progress| {
        bar.show(progress);
        if args.json_progress {
            write_progress(progress, console.err());
        }
    };
    // before the first look, so that no change falls between the two
    let changes = args.watch.then(|| Changes::watch(&args.paths, knowledge_base.path()));
    let mut report = knowledge_base.sync_with(
        &args.paths,
        &options,
        job.call().on_progress(&mut on_progress),
    )?;
    drop(bar);
    let is_withheld = options.missing == Missing::Guard && !report.missing.is_empty();
    if is_withheld && options.plan == Plan::Apply && may_remove(is_forced, args, &report, console) {
        let options = SyncOptions { missing: Missing::Remove, ..options.clone() };
        let forced = knowledge_base.sync_with(&args.paths, &options, job.call())?;
        report.removed += forced.removed;
        report.missing = forced.missing;
    }
    print(&report, &options, console)?;
    if options.plan == Plan::Apply {
        reindex::advise(&knowledge_base, &report, console)?;
    }
    if let Some(changes) = changes {
        watch(args, &changes, &knowledge_base, &options, job.token(), console)?;
    }
    let is_whole = report.skipped.is_empty()
        && (report.missing.is_empty() || options.missing == Missing::Keep);
    Ok(if is_whole { Exit::Done } else { Exit::Skipped })
}

/// Whether documents that were withheld may go after all: says how many, then takes `--force` or a
/// yes at the terminal.
fn may_remove(
    is_forced: bool,
    args: &Args,
    report: &SyncReport,
    console: &mut Console<'_>,
) -> bool {
    let count = report.missing.len();
    let first = report.missing.first().map(|path| one_line(&path.to_string_lossy()));
    let first = first.unwrap_or_default();
    if is_forced {
        console
            .note(format_args!("removing {count} documents whose file is missing: {first}, ..."));
        return true;
    }
    if args.watch {
        return false;
    }
    console.confirm(format_args!(
        "the files of {count} documents are missing ({first}, ...). Remove them from the knowledge base?"
    ))
}

/// Syncs whenever something changes, until cancelled; reports each time that it changed the
/// knowledge base.
fn watch(
    args: &Args,
    changes: &Changes,
    knowledge_base: &KnowledgeBase,
    options: &SyncOptions,
    cancel: &CancelToken,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    if let Some(reason) = changes.trouble() {
        console.note(format_args!(
            "the system does not tell of all changes, looking more often: {reason}"
        ));
    }
    let mut took = Duration::ZERO;
    let mut missing = 0;
    while changes.wait(took, cancel) {
        let started = Instant::now();
        let mut on_progress = |progress: &Progress| {
            if args.json_progress {
                write_progress(progress, console.err());
            }
        };
        match knowledge_base.sync_with(
            &args.paths,
            options,
            Call::new().on_progress(&mut on_progress).cancel(cancel),
        ) {
            Err(Error::Cancelled) => return Ok(()),
            // its turn comes: what changed is found by the next look
            Err(error @ Error::Busy { .. }) => console.note(format_args!("{}", error.line())),
            Err(error) => return Err(error.into()),
            Ok(report) => {
                let changed = report.added + report.updated + report.removed + report.renamed;
                // what is missing is told when it happens, not at each look
                if changed > 0 || report.missing.len() > missing {
                    print(&report, options, console)?;
                }
                missing = report.missing.len();
            }
        }
        took = started.elapsed();
    }
    Ok(())
}

/// Writes and flushes one line, so that its reader knows the document survives a kill.
fn write_progress(progress: &Progress, err: &mut dyn Write) {
    let (Stage::Index, Some(path)) = (progress.stage, &progress.path) else { return };
    let line = ProgressLine {
        path: &path.to_string_lossy(),
        done: progress.done,
        total: progress.total,
        passage_count: progress.passage_count,
        passages_per_second: progress.passages_per_second(),
        remaining_seconds: progress.remaining().map(|left| left.as_secs_f64()),
    };
    if let Ok(mut text) = serde_json::to_string(&line) {
        text.push('\n');
        // A closed standard error is no reason to stop the work.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}

fn print(
    report: &SyncReport,
    options: &SyncOptions,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    for skipped in &report.skipped {
        console.note(format_args!("skipped: {}", skipped.error.line()));
    }
    for PartlyRead { path, unread } in &report.unread {
        let path = one_line(&path.to_string_lossy());
        console.note(format_args!("not read in {path}: {}", unread_line(unread)));
    }
    if !report.missing.is_empty() && options.missing != Missing::Keep {
        let count = report.missing.len();
        console.note(format_args!(
            "kept {count} documents whose file is missing: is a folder not mounted? `rag sync --force` removes them, \
             --keep-missing keeps them without a word"
        ));
    }
    if console.is_json() {
        return console.json(report);
    }
    let SyncReport { added, updated, removed, renamed, unchanged, .. } = report;
    let would = if options.plan == Plan::DryRun { "would be: " } else { "" };
    console.line(format_args!(
        "{would}added {added}, updated {updated}, removed {removed}, renamed {renamed}, unchanged {unchanged}, \
         skipped {}; {} passages in {:.1} s",
        report.skipped.len(),
        report.passage_count,
        report.seconds
    ))
}
