//! `rag sync KB PATH...`: makes the knowledge base mirror folders.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rag_core::document::ReadOptions;
use rag_core::walk::Hidden;
use rag_core::{
    Call, CancelToken, Error, KnowledgeBase, Missing, PartlyRead, Plan, Progress, Result, Stage,
    SyncOptions, SyncReport,
};
use serde::Serialize;

use super::list::unread_line;
use super::options::{KnowledgeBaseArgs, RemovalArgs};
use super::watch::Changes;
use crate::console::{Console, one_line};
use crate::failure::{Exit, Failure, Outcome};

/// Add, update, rename and remove documents until the file mirrors these folders
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    knowledge_base: KnowledgeBaseArgs,
    #[command(flatten)]
    removal: RemovalArgs,
    /// Folders or files
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
    /// Remove documents whose file is missing even if they are all of a folder, or more than half of ten or more; without it
    /// they are kept, or asked about at a terminal
    #[arg(long, conflicts_with_all = ["keep_missing", "watch"])]
    force: bool,
    /// Keep documents whose file is missing
    #[arg(long)]
    keep_missing: bool,
    /// Go on until interrupted: take over what changes, as soon as the system tells, and look again now and then
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
    /// A section with fewer tokens shares its passages with the sections after it
    #[arg(long, value_name = "N", default_value_t = 0)]
    min_tokens: usize,
    /// Tokens of the end of a passage that the next one of the same section repeats
    #[arg(long, value_name = "N", default_value_t = 0)]
    overlap_tokens: usize,
    /// Longest time one file may take to read, in seconds [default: 60]
    #[arg(long, value_name = "N")]
    max_read_seconds: Option<f64>,
    /// Largest file read, in bytes
    #[arg(long, value_name = "N")]
    max_file_bytes: Option<u64>,
    /// Neighbours of a node, where a graph is built at the end (above 100,000 passages), 2 to 64 [default: 16]
    #[arg(long, value_name = "N")]
    hnsw_m: Option<usize>,
    /// Candidates explored for each node of the graph, 1 to 10,000 [default: 200]
    #[arg(long, value_name = "N")]
    hnsw_ef_construction: Option<usize>,
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

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    let knowledge_base = args.knowledge_base.open_to_write(args.removal)?;
    console.notices(&knowledge_base.notices());
    let job = console.job();
    let bar = console.bar("scanning", None);
    let mut on_progress = |progress: &Progress| {
        bar.show(progress);
        if args.json_progress {
            write_progress(progress, console.err());
        }
    };
    let options = options(args)?;
    // before the first look, so that no change falls between the two
    let changes = args.watch.then(|| Changes::watch(&args.paths, knowledge_base.path()));
    let mut report = knowledge_base.sync_with(
        &args.paths,
        &options,
        job.call().on_progress(&mut on_progress),
    )?;
    drop(bar);
    let is_withheld = options.missing == Missing::Guard && !report.missing.is_empty();
    if is_withheld && !args.dry_run && may_remove(args, &report, console) {
        let options = SyncOptions { missing: Missing::Remove, ..options.clone() };
        let forced = knowledge_base.sync_with(&args.paths, &options, job.call())?;
        report.removed += forced.removed;
        report.missing = forced.missing;
    }
    print(&report, args, console)?;
    if let Some(changes) = changes {
        watch(args, &changes, &knowledge_base, &options, job.token(), console)?;
    }
    let is_whole = report.skipped.is_empty() && (report.missing.is_empty() || args.keep_missing);
    Ok(if is_whole { Exit::Done } else { Exit::Skipped })
}

/// Whether documents that were withheld may go after all: says how many, then takes `--force` or a yes at the terminal.
fn may_remove(args: &Args, report: &SyncReport, console: &mut Console<'_>) -> bool {
    let count = report.missing.len();
    let first = report.missing.first().map(|path| one_line(&path.to_string_lossy()));
    let first = first.unwrap_or_default();
    if args.force {
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

/// Syncs whenever something changes, until cancelled; reports each time that it changed the knowledge base.
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
                    print(&report, args, console)?;
                }
                missing = report.missing.len();
            }
        }
        took = started.elapsed();
    }
    Ok(())
}

fn options(args: &Args) -> Result<SyncOptions> {
    let mut options = SyncOptions {
        max_tokens: args.max_tokens,
        min_tokens: args.min_tokens,
        overlap_tokens: args.overlap_tokens,
        ..SyncOptions::default()
    };
    if let Some(seconds) = args.max_read_seconds {
        options.read = ReadOptions::for_seconds(seconds)?;
    }
    options.missing = if args.keep_missing { Missing::Keep } else { Missing::Guard };
    options.plan = if args.dry_run { Plan::DryRun } else { Plan::Apply };
    options.walk.hidden = if args.hidden { Hidden::List } else { Hidden::Skip };
    if let Some(m) = args.hnsw_m {
        options.graph.m = m;
    }
    if let Some(ef_construction) = args.hnsw_ef_construction {
        options.graph.ef_construction = ef_construction;
    }
    options.walk.include.clone_from(&args.include);
    options.walk.exclude.clone_from(&args.exclude);
    if let Some(max_file_bytes) = args.max_file_bytes {
        options.walk.max_file_bytes = max_file_bytes;
    }
    Ok(options)
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

fn print(report: &SyncReport, args: &Args, console: &mut Console<'_>) -> Result<(), Failure> {
    for skipped in &report.skipped {
        console.note(format_args!("skipped: {}", skipped.error.line()));
    }
    for PartlyRead { path, unread } in &report.unread {
        let path = one_line(&path.to_string_lossy());
        console.note(format_args!("not read in {path}: {}", unread_line(unread)));
    }
    if !report.missing.is_empty() && !args.keep_missing {
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
    let would = if args.dry_run { "would be: " } else { "" };
    console.line(format_args!(
        "{would}added {added}, updated {updated}, removed {removed}, renamed {renamed}, unchanged {unchanged}, \
         skipped {}; {} passages in {:.1} s",
        report.skipped.len(),
        report.passage_count,
        report.seconds
    ))
}
