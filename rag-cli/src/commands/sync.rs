//! `rag sync KB PATH...`: makes the knowledge base mirror folders.

use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rag_core::store::Access;
use rag_core::walk::Hidden;
use rag_core::{CancelToken, Error, KnowledgeBase, Plan, Progress, Stage, SyncOptions, SyncReport};
use serde::Serialize;

use super::options::KnowledgeBaseArgs;
use crate::console::Console;
use crate::failure::{Exit, Failure, Outcome};

/// Add, update, rename and remove documents until the file mirrors these folders
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    knowledge_base: KnowledgeBaseArgs,
    /// Folders or files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Go on until interrupted: look again every few seconds and take over what changed
    #[arg(long, conflicts_with = "dry_run")]
    watch: bool,
    /// Take hidden files and folders too
    #[arg(long)]
    hidden: bool,
    /// Only files that match this glob, in the syntax of .gitignore; may be given more than once
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No files or folders that match this glob; may be given more than once
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Most tokens of a passage
    #[arg(long, value_name = "N")]
    max_tokens: Option<usize>,
    /// Largest file read, in bytes
    #[arg(long, value_name = "N")]
    max_file_bytes: Option<u64>,
    /// One JSON line on standard error for each document once it is safe in the file
    #[arg(long)]
    json_progress: bool,
}

/// Between two looks at the folders, and at the interrupt.
const WATCH_TICK: Duration = Duration::from_millis(100);
const WATCH_TICKS: usize = 20;

/// A document that was committed.
#[derive(Debug, Serialize)]
struct ProgressLine<'a> {
    path: &'a str,
    done: usize,
    total: Option<usize>,
    passage_count: usize,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let knowledge_base = args.knowledge_base.open(Access::Create)?;
    let job = console.job();
    let bar = console.bar("scanning", None);
    let mut on_progress = |progress: &Progress| {
        bar.show(progress);
        if args.json_progress {
            write_progress(progress, console.err());
        }
    };
    let options = options(args);
    let report = knowledge_base.sync(&args.paths, &options, &mut on_progress, job.token())?;
    drop(bar);
    print(&report, args.dry_run, console)?;
    if args.watch {
        watch(args, &knowledge_base, &options, job.token(), console)?;
    }
    Ok(if report.skipped.is_empty() { Exit::Done } else { Exit::Skipped })
}

/// Syncs again and again until cancelled; reports each time that something changed.
///
/// Folders are listed anew each time: no event can be missed, on any file system, at the cost of a stat per file.
fn watch(
    args: &Args,
    knowledge_base: &KnowledgeBase,
    options: &SyncOptions,
    cancel: &CancelToken,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    loop {
        for _ in 0..WATCH_TICKS {
            if cancel.is_cancelled() {
                return Ok(());
            }
            thread::sleep(WATCH_TICK);
        }
        let mut on_progress = |progress: &Progress| {
            if args.json_progress {
                write_progress(progress, console.err());
            }
        };
        let report = match knowledge_base.sync(&args.paths, options, &mut on_progress, cancel) {
            Err(Error::Cancelled) => return Ok(()),
            report => report?,
        };
        if report.added + report.updated + report.removed + report.renamed > 0 {
            print(&report, false, console)?;
        }
    }
}

fn options(args: &Args) -> SyncOptions {
    let mut options = SyncOptions { max_tokens: args.max_tokens, ..SyncOptions::default() };
    options.plan = if args.dry_run { Plan::DryRun } else { Plan::Apply };
    options.walk.hidden = if args.hidden { Hidden::List } else { Hidden::Skip };
    options.walk.include.clone_from(&args.include);
    options.walk.exclude.clone_from(&args.exclude);
    if let Some(max_file_bytes) = args.max_file_bytes {
        options.walk.max_file_bytes = max_file_bytes;
    }
    options
}

/// Writes and flushes one line, so that its reader knows the document survives a kill.
fn write_progress(progress: &Progress, err: &mut dyn Write) {
    let (Stage::Index, Some(path)) = (progress.stage, &progress.path) else { return };
    let line = ProgressLine {
        path: &path.to_string_lossy(),
        done: progress.done,
        total: progress.total,
        passage_count: progress.passage_count,
    };
    if let Ok(mut text) = serde_json::to_string(&line) {
        text.push('\n');
        // A closed standard error is no reason to stop the work.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}

fn print(report: &SyncReport, dry_run: bool, console: &mut Console<'_>) -> Result<(), Failure> {
    for skipped in &report.skipped {
        console.note(format_args!("skipped: {}", skipped.error.line()));
    }
    if console.is_json() {
        return console.json(report);
    }
    let SyncReport { added, updated, removed, renamed, unchanged, .. } = report;
    let would = if dry_run { "would be: " } else { "" };
    console.line(format_args!(
        "{would}added {added}, updated {updated}, removed {removed}, renamed {renamed}, unchanged {unchanged}, \
         skipped {}; {} passages in {:.1} s",
        report.skipped.len(),
        report.passage_count,
        report.seconds
    ))
}
