//! `rag read`: what a reader makes of a file, or of every file of a folder. JSON but for `--table`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rag_core::document::{self, Document, ReadOptions, Unread};
use rag_core::walk::{Hidden, WalkOptions, walk};
use rag_core::{CancelToken, Error, Result, Unreadable};
use serde::Serialize;

use super::list::unread_line;
use crate::console::{Console, one_line};
use crate::failure::{Exit, Failure, Outcome};

/// Show a file as the engine sees it, or try every file of a folder; prints JSON, or with --table a
/// summary
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file, or with --check the folder
    path: PathBuf,
    /// One line per file: whether it can be read, and how fast
    #[arg(long)]
    check: bool,
    /// With --check, take hidden files and folders too
    #[arg(long, requires = "check")]
    hidden: bool,
    /// With --check, a table for people: files, what became of them, characters and time of each
    /// kind, then the refused
    #[arg(long, requires = "check", conflicts_with = "json")]
    table: bool,
}

/// What became of one file.
#[derive(Debug, Serialize)]
struct Verdict {
    path: String,
    kind: Option<&'static str>,
    verdict: &'static str,
    code: Option<&'static str>,
    unreadable: Option<Unreadable>,
    message: Option<String>,
    characters: usize,
    milliseconds: f64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unread: Vec<Unread>,
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    if args.check {
        return check(args, console);
    }
    let document = read(&args.path)?;
    if !document.unread.is_empty() {
        console.note(format_args!("not read: {}", unread_line(&document.unread)));
    }
    console.json(&document)?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Document> {
    if path.is_dir() {
        let reason = "not a regular file; a folder needs --check";
        return Err(Error::document(path, Unreadable::NotAFile, reason));
    }
    document::read_file(path, &ReadOptions::default(), &CancelToken::new())
}

fn check(args: &Args, console: &mut Console<'_>) -> Outcome {
    let hidden = if args.hidden { Hidden::List } else { Hidden::Skip };
    let listing = walk(&args.path, &WalkOptions { hidden, ..WalkOptions::default() })?;
    let job = console.job();
    let bar = console.bar("reading", Some(listing.candidates.len() as u64));
    let mut refused_count = listing.skipped.len();
    let mut table = Table::default();
    for skipped in &listing.skipped {
        let verdict = refused(&skipped.path, &skipped.error, 0.0);
        table.show(verdict, args.table, console)?;
    }
    for (index, candidate) in listing.candidates.iter().enumerate() {
        job.token().check()?;
        let verdict = judge(&candidate.path);
        refused_count += usize::from(verdict.code.is_some());
        table.show(verdict, args.table, console)?;
        bar.set(index + 1);
    }
    drop(bar);
    if args.table {
        table.print(console)?;
    }
    Ok(if refused_count == 0 { Exit::Done } else { Exit::Skipped })
}

/// What became of the files of each kind.
#[derive(Default)]
struct Table {
    kinds: BTreeMap<&'static str, Row>,
    refused: Vec<Verdict>,
}

#[derive(Default)]
struct Row {
    ok: usize,
    empty: usize,
    refused: usize,
    characters: usize,
    milliseconds: f64,
    slowest: f64,
}

impl Table {
    /// Takes a verdict into the table, or prints it.
    fn show(
        &mut self,
        verdict: Verdict,
        is_table: bool,
        console: &mut Console<'_>,
    ) -> Result<(), Failure> {
        if !is_table {
            return console.json(&verdict);
        }
        let row = self.kinds.entry(verdict.kind.unwrap_or("(refused)")).or_default();
        match verdict.verdict {
            "ok" => row.ok += 1,
            "empty" => row.empty += 1,
            _ => row.refused += 1,
        }
        row.characters += verdict.characters;
        row.milliseconds += verdict.milliseconds;
        row.slowest = row.slowest.max(verdict.milliseconds);
        if verdict.code.is_some() {
            self.refused.push(verdict);
        }
        Ok(())
    }

    fn print(&self, console: &mut Console<'_>) -> Result<(), Failure> {
        let head = ["kind", "ok", "empty", "refused", "characters", "ms", "slowest"];
        let [kind, ok, empty, refused, characters, time, slowest] = head;
        console.line(format_args!(
            "{kind:<12}{ok:>8}{empty:>8}{refused:>8}{characters:>14}{time:>10}{slowest:>10}"
        ))?;
        for (kind, row) in &self.kinds {
            console.line(format_args!(
                "{kind:<12}{:>8}{:>8}{:>8}{:>14}{:>10.0}{:>10.1}",
                row.ok, row.empty, row.refused, row.characters, row.milliseconds, row.slowest
            ))?;
        }
        for verdict in &self.refused {
            let why = verdict.unreadable.map_or("Io", Unreadable::name);
            let message = verdict.message.as_deref().unwrap_or_default();
            console.line(format_args!("{why:<14}{}", one_line(message)))?;
        }
        Ok(())
    }
}

fn judge(path: &Path) -> Verdict {
    let start = Instant::now();
    let result = read(path);
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    match result {
        Ok(document) => Verdict {
            path: path.to_string_lossy().into_owned(),
            kind: Some(document.kind.name()),
            verdict: if document.text.trim().is_empty() { "empty" } else { "ok" },
            code: None,
            unreadable: None,
            message: None,
            characters: document.text.chars().count(),
            milliseconds,
            unread: document.unread,
        },
        Err(error) => refused(path, &error, milliseconds),
    }
}

fn refused(path: &Path, error: &Error, milliseconds: f64) -> Verdict {
    Verdict {
        path: path.to_string_lossy().into_owned(),
        kind: None,
        verdict: "refused",
        code: Some(error.code().name()),
        unreadable: error.unreadable(),
        message: Some(error.line()),
        characters: 0,
        milliseconds,
        unread: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_folders_are_not_opened() {
        for path in ["/dev/zero", "/"] {
            let line = read(Path::new(path)).err().map(|error| error.line());
            assert!(line.is_some_and(|line| line.contains("not a regular file")), "{path}");
        }
    }
}
