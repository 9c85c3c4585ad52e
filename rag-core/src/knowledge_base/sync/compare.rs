//! What is to be done, decided before anything is written: every file of the roots and every row of
//! the knowledge base finds its counterpart, or is new, moved or missing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::document;
use crate::error::{Error, Result, Skipped, Unreadable};
use crate::progress::CancelToken;
use crate::store::{ADDED_TEXT, DocumentRow, SkippedDocument, Store};
use crate::walk::{self, Candidate};

use super::missing::{self, Losses};
use super::roots::{Root, Roots};
use super::{SyncOptions, SyncReport, Trust, hash_file, is_settled};

/// What is to be done.
#[derive(Debug, Default)]
pub(super) struct Todo {
    pub(super) renamed: Vec<(DocumentRow, Candidate)>,
    /// Rows whose file has another place and other bytes: they take the new name before it is read.
    pub(super) moved: Vec<(DocumentRow, Candidate)>,
    pub(super) touched: Vec<(DocumentRow, Candidate)>,
    pub(super) removed: Vec<DocumentRow>,
    pub(super) write: Vec<(Candidate, Change)>,
    /// Documents that are kept though their file is missing.
    pub(super) missing: Vec<PathBuf>,
    pub(super) roots: Vec<Root>,
    /// Files listed in each of them.
    listed: Vec<usize>,
    unchanged: usize,
    skipped: Vec<Skipped>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    New,
    Modified,
}

/// The files of the roots that no row has claimed, by their name as it stands: paths compare and
/// hash part by part, which costs more than the stat.
type Found = HashMap<OsString, Candidate>;

/// Rows that no file has claimed.
#[derive(Debug, Default)]
struct Unclaimed {
    /// Below one of the roots.
    gone: Vec<DocumentRow>,
    /// Elsewhere: of another root, which this sync does not look at.
    elsewhere: Vec<DocumentRow>,
}

/// What is to be mirrored, and how.
pub(super) struct Wanted<'a> {
    pub(super) paths: &'a [PathBuf],
    /// What is known of the roots of syncs before.
    pub(super) roots: &'a Roots,
    pub(super) options: &'a SyncOptions,
    pub(super) trust: Trust,
    pub(super) cancel: &'a CancelToken,
}

/// Lists the roots and sorts every file and every row into what is to be done with it.
pub(super) fn compare(store: &Store, wanted: &Wanted<'_>) -> Result<Todo> {
    let &Wanted { trust, roots, paths, options, cancel } = wanted;
    let (mut todo, mut found) = list(roots, paths, options)?;
    let rows = store.documents()?;
    let held = Losses::held(&rows, &todo.roots);
    let mut unclaimed = claim(rows, &mut found, &mut todo, wanted)?;
    if trust == Trust::Untrusted {
        // whether a file is gone elsewhere would have to be looked at there
        unclaimed.elsewhere.clear();
    }
    let mut new: Vec<Candidate> = found.into_values().collect();
    new.sort_by(|a, b| a.path.cmp(&b.path));
    let left = find_renames(new, unclaimed, &mut todo, cancel)?;
    // what is there and was not listed is left out on purpose: by a glob, an ignore rule or its
    // size
    let (left_out, lost): (Vec<_>, Vec<_>) =
        left.into_iter().partition(|row| missing::is_there(row, &todo.roots));
    todo.removed.extend(left_out);
    let listed = std::mem::take(&mut todo.listed);
    let losses = Losses { held, lost, listed, roots: &todo.roots };
    let (removed, kept) = losses.judge(options.missing);
    todo.removed.extend(removed);
    todo.missing = kept.into_iter().map(|row| row.uri.into()).collect();
    todo.missing.sort();
    todo.removed.sort_by(|a, b| a.uri.cmp(&b.uri));
    todo.write.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    Ok(todo)
}

fn list(roots: &Roots, paths: &[PathBuf], options: &SyncOptions) -> Result<(Todo, Found)> {
    let mut todo = Todo::default();
    let mut found = Found::new();
    for path in paths {
        let listing = walk::walk(path, &options.walk)?;
        todo.roots.push(roots.root(path)?);
        todo.listed.push(listing.candidates.len() + listing.skipped.len());
        todo.skipped.extend(listing.skipped);
        let named = |file: Candidate| (file.path.clone().into_os_string(), file);
        found.extend(listing.candidates.into_iter().map(named));
    }
    todo.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    todo.skipped.dedup_by(|a, b| a.path == b.path);
    Ok((todo, found))
}

/// Gives each row its file, by its path or, where a root leads elsewhere now, by its place below
/// the root.
fn claim(
    rows: Vec<DocumentRow>,
    found: &mut Found,
    todo: &mut Todo,
    wanted: &Wanted<'_>,
) -> Result<Unclaimed> {
    let mut unclaimed = Unclaimed::default();
    let mut replaced = HashSet::new();
    for row in rows {
        wanted.cancel.check()?;
        match found.remove(OsStr::new(&row.uri)) {
            _ if row.mtime_ns == ADDED_TEXT => {}
            Some(candidate) => {
                replaced.insert(candidate.path.clone());
                compare_one(row, candidate, wanted.options, todo)?;
            }
            None if todo.roots.iter().any(|root| root.holds(Path::new(&row.uri))) => {
                unclaimed.gone.push(row);
            }
            None => unclaimed.elsewhere.push(row),
        }
    }
    // What could not be listed may still be there.
    let unlisted: BTreeSet<PathBuf> = todo.skipped.iter().map(|file| file.path.clone()).collect();
    let is_unlisted = |path: &Path| path.ancestors().any(|path| unlisted.contains(path));
    let moved = |path: &Path| todo.roots.iter().find_map(|root| root.moved(path));
    unclaimed.gone.retain(|row| {
        let path = Path::new(&row.uri);
        !is_unlisted(path) && !moved(path).is_some_and(|path| is_unlisted(&path))
    });
    unclaimed.gone = claim_moved(unclaimed.gone, found, &replaced, todo);
    Ok(unclaimed)
}

/// Rows of a root that leads elsewhere now take the file at the same place below it; gives those
/// for which there is none.
fn claim_moved(
    gone: Vec<DocumentRow>,
    found: &mut Found,
    taken: &HashSet<PathBuf>,
    todo: &mut Todo,
) -> Vec<DocumentRow> {
    let mut rest = Vec::new();
    for row in gone {
        let place = todo.roots.iter().find_map(|root| root.moved(Path::new(&row.uri)));
        let candidate = place.as_ref().and_then(|place| found.remove(place.as_os_str()));
        match candidate {
            Some(candidate) if is_same(&row, &candidate) => todo.renamed.push((row, candidate)),
            Some(candidate) => todo.moved.push((row, candidate)),
            // held under its new name already: this one is a leftover, not a loss
            None if place.is_some_and(|place| taken.contains(&place)) => {
                todo.removed.push(row);
            }
            None => rest.push(row),
        }
    }
    rest
}

fn is_same(row: &DocumentRow, candidate: &Candidate) -> bool {
    row.skipped.is_none()
        && row.size_bytes == candidate.size_bytes
        && hash_file(&candidate.path) == Some(row.hash)
}

impl Todo {
    /// What is known before anything is read.
    pub(super) fn take_report(&mut self) -> SyncReport {
        SyncReport {
            removed: self.removed.iter().filter(|row| row.skipped.is_none()).count(),
            renamed: self.renamed.len(),
            unchanged: self.unchanged,
            skipped: std::mem::take(&mut self.skipped),
            missing: std::mem::take(&mut self.missing),
            ..SyncReport::default()
        }
    }

    /// What the file will grow by at least: half the bytes of what is new and plain text, as UTF-16
    /// is written as UTF-8. How much text other formats hold is not known before they are read.
    pub(super) fn least_bytes(&self) -> u64 {
        let new = self.write.iter().filter(|(_, change)| *change == Change::New);
        new.filter(|(file, _)| document::is_text_by_name(&file.path))
            .map(|(file, _)| file.size_bytes / 2)
            .sum()
    }

    /// Counts files to write as if all could be read.
    pub(super) fn count_writes(&self, report: &mut SyncReport) {
        let new = self.write.iter().filter(|(_, change)| *change == Change::New).count();
        report.added = new;
        report.updated = self.write.len() - new + self.moved.len();
    }
}

/// A file that has a row: unchanged, touched, or to be written again.
fn compare_one(
    row: DocumentRow,
    candidate: Candidate,
    options: &SyncOptions,
    todo: &mut Todo,
) -> Result<()> {
    let settled = is_settled(&candidate, SystemTime::now());
    let same_stat = row.mtime_ns == candidate.mtime_ns && row.size_bytes == candidate.size_bytes;
    let same_bytes = same_stat
        || (row.size_bytes == candidate.size_bytes && hash_file(&candidate.path) == Some(row.hash));
    if !same_bytes {
        let change = if row.skipped.is_some() { Change::New } else { Change::Modified };
        todo.write.push((candidate, change));
        return Ok(());
    }
    match &row.skipped {
        Some(skipped)
            if document::was_lacking(&skipped.message)
                || options.read.recognizer.is_some() && may_be_pictures(skipped) =>
        {
            todo.write.push((candidate, Change::New));
            return Ok(());
        }
        Some(skipped) => {
            let path = candidate.path.clone();
            let reason = remembered_reason(&path, &skipped.message);
            let unreadable = skipped.unreadable.unwrap_or(Unreadable::Broken);
            let error = Error::document(&path, unreadable, reason);
            todo.skipped.push(Skipped { path, error });
        }
        None => todo.unchanged += 1,
    }
    if !same_stat && settled {
        todo.touched.push((row, candidate));
    }
    Ok(())
}

/// Whether a file that was skipped may hold pictures that nothing tried to read.
fn may_be_pictures(skipped: &SkippedDocument) -> bool {
    let without_text = [Unreadable::NoText, Unreadable::Unsupported];
    !skipped.tried_pictures && skipped.unreadable.is_some_and(|why| without_text.contains(&why))
}

/// New files whose bytes are those of a file that is gone keep its passages; gives the rows that
/// are left over. A file of a root that this sync does not look at is gone if nothing is there: its
/// folder was renamed.
fn find_renames(
    new: Vec<Candidate>,
    unclaimed: Unclaimed,
    todo: &mut Todo,
    cancel: &CancelToken,
) -> Result<Vec<DocumentRow>> {
    let (mut gone, mut elsewhere) = (by_size(unclaimed.gone), by_size(unclaimed.elsewhere));
    for candidate in new {
        cancel.check()?;
        match take_equal(&candidate, &mut gone, &mut elsewhere) {
            Some(row) if same_extension(&row.uri, &candidate.path) => {
                todo.renamed.push((row, candidate));
            }
            Some(row) => {
                todo.removed.push(row);
                todo.write.push((candidate, Change::New));
            }
            None => todo.write.push((candidate, Change::New)),
        }
    }
    Ok(gone.into_values().flatten().collect())
}

type BySize = HashMap<u64, Vec<DocumentRow>>;

fn by_size(rows: Vec<DocumentRow>) -> BySize {
    let mut by_size = BySize::new();
    for row in rows.into_iter().filter(|row| row.mtime_ns != ADDED_TEXT) {
        by_size.entry(row.size_bytes).or_default().push(row);
    }
    by_size
}

/// A row whose bytes are those of `candidate`. The file is hashed only if a row has its size.
fn take_equal(
    candidate: &Candidate,
    gone: &mut BySize,
    elsewhere: &mut BySize,
) -> Option<DocumentRow> {
    let mut hash = None;
    for (rows, must_be_gone) in [(gone, false), (elsewhere, true)] {
        let Some(rows) = rows.get_mut(&candidate.size_bytes).filter(|rows| !rows.is_empty()) else {
            continue;
        };
        if hash.is_none() {
            hash = Some(hash_file(&candidate.path)?);
        }
        let equal = |row: &DocumentRow| Some(row.hash) == hash && row.skipped.is_none();
        let place =
            rows.iter().position(|row| equal(row) && (!must_be_gone || missing::is_gone(&row.uri)));
        if let Some(place) = place {
            return Some(rows.remove(place));
        }
    }
    None
}

/// The extension takes part in choosing the reader, so a change of it means another text.
fn same_extension(uri: &str, path: &Path) -> bool {
    Path::new(uri).extension() == path.extension()
}

/// The part of a remembered message that is not the path, so that the error reads as it did at
/// first.
fn remembered_reason(path: &Path, message: &str) -> String {
    let opening = format!("cannot read {}: ", path.display());
    message.strip_prefix(&opening).unwrap_or(message).to_owned()
}
