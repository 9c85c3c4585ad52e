//! `rag read`: what a reader makes of a file, or of every file of a folder. Always JSON.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rag_core::document::{self, Document};
use rag_core::walk::{Hidden, WalkOptions, walk};
use rag_core::{Error, Result, Unreadable};
use serde::Serialize;

use crate::console::Console;
use crate::failure::{Exit, Outcome};

/// Show a file as the engine sees it, or try every file of a folder; prints JSON
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
}

pub(crate) fn run(args: &Args, console: &mut Console<'_>) -> Outcome {
    if args.check {
        return check(args, console);
    }
    let document = read(&args.path)?;
    console.json(&document)?;
    Ok(Exit::Done)
}

fn read(path: &Path) -> Result<Document> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, source))?;
    // A pipe would block for ever, a device never end.
    if !metadata.is_file() {
        let reason = "not a regular file; a folder needs --check";
        return Err(Error::document(path, Unreadable::NotAFile, reason));
    }
    let bytes = fs::read(path).map_err(|source| Error::io(path, source))?;
    document::read(path, &bytes)
}

fn check(args: &Args, console: &mut Console<'_>) -> Outcome {
    let hidden = if args.hidden { Hidden::List } else { Hidden::Skip };
    let listing = walk(&args.path, &WalkOptions { hidden, ..WalkOptions::default() })?;
    let job = console.job();
    let bar = console.bar("reading", Some(listing.candidates.len() as u64));
    let mut refused_count = listing.skipped.len();
    for skipped in &listing.skipped {
        console.json(&refused(&skipped.path, &skipped.error, 0.0))?;
    }
    for (index, candidate) in listing.candidates.iter().enumerate() {
        job.token().check()?;
        let verdict = judge(&candidate.path);
        refused_count += usize::from(verdict.code.is_some());
        console.json(&verdict)?;
        bar.set(index + 1);
    }
    Ok(if refused_count == 0 { Exit::Done } else { Exit::Skipped })
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
