//! When so much is missing that the folder, not its documents, may be what went away.
//!
//! A share that is not mounted is an empty folder, as is one that is being restored. Nothing in the
//! file system tells it from one that was emptied on purpose, so the share of what is missing
//! decides.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::store::{ADDED_TEXT, DocumentRow};

use super::Missing;
use super::roots::Root;

/// From so many documents on, a loss of more than half needs a word of the user's, and so does that
/// of all below a folder that is there and empty.
const MANY: usize = 10;

/// What a sync found missing.
pub(super) struct Losses<'a> {
    /// Documents held of each root, before the sync.
    pub(super) held: Vec<usize>,
    /// Rows whose file is missing.
    pub(super) lost: Vec<DocumentRow>,
    /// Files listed in each root.
    pub(super) listed: Vec<usize>,
    pub(super) roots: &'a [Root],
}

impl Losses<'_> {
    /// How many documents are held of each root. A document counts for the first root that holds
    /// it.
    pub(super) fn held(rows: &[DocumentRow], roots: &[Root]) -> Vec<usize> {
        let mut held = vec![0; roots.len()];
        for row in rows.iter().filter(|row| is_document(row)) {
            if let Some(count) = root_of(row, roots).and_then(|root| held.get_mut(root)) {
                *count += 1;
            }
        }
        held
    }

    /// Rows to remove, and rows to keep.
    pub(super) fn judge(self, missing: Missing) -> (Vec<DocumentRow>, Vec<DocumentRow>) {
        match missing {
            Missing::Remove => (self.lost, Vec::new()),
            Missing::Keep => (Vec::new(), self.lost),
            Missing::Guard => self.guard(),
        }
    }

    fn guard(self) -> (Vec<DocumentRow>, Vec<DocumentRow>) {
        let mut lost = vec![0; self.roots.len()];
        for row in self.lost.iter().filter(|row| is_document(row)) {
            if let Some(count) = root_of(row, self.roots).and_then(|root| lost.get_mut(root)) {
                *count += 1;
            }
        }
        let counts = lost.iter().zip(&self.held).zip(&self.listed);
        let is_mass: Vec<bool> =
            counts.map(|((lost, held), listed)| is_mass(*lost, *held, *listed)).collect();
        let mut emptied = Emptied::default();
        self.lost.iter().filter(|row| is_document(row)).for_each(|row| emptied.count(row));
        self.lost.into_iter().partition(|row| {
            let root = root_of(row, self.roots);
            let of_mass = root.is_some_and(|root| is_mass.get(root) == Some(&true));
            !of_mass && !emptied.withholds(row)
        })
    }
}

/// Whether `lost` of `held` documents are too many to go without a word, where `listed` files are
/// there. A few documents may give way to others: nobody takes a folder that holds some for one
/// that is not mounted.
fn is_mass(lost: usize, held: usize, listed: usize) -> bool {
    if held < MANY { lost > 0 && lost >= held && listed == 0 } else { lost * 2 > held }
}

fn is_document(row: &DocumentRow) -> bool {
    row.skipped.is_none() && row.mtime_ns != ADDED_TEXT
}

fn root_of(row: &DocumentRow, roots: &[Root]) -> Option<usize> {
    roots.iter().position(|root| root.holds(Path::new(&row.uri)))
}

/// Folders that are there and empty, and how many documents were below them.
#[derive(Default)]
struct Emptied {
    nearest: HashMap<PathBuf, Option<PathBuf>>,
    lost: HashMap<PathBuf, usize>,
}

impl Emptied {
    fn count(&mut self, row: &DocumentRow) {
        if let Some(folder) = self.folder(row) {
            *self.lost.entry(folder).or_default() += 1;
        }
    }

    fn withholds(&mut self, row: &DocumentRow) -> bool {
        let folder = self.folder(row);
        folder.is_some_and(|folder| self.lost.get(&folder).is_some_and(|lost| *lost >= MANY))
    }

    /// The nearest folder above the row that is there, if it is empty.
    fn folder(&mut self, row: &DocumentRow) -> Option<PathBuf> {
        let parent = Path::new(&row.uri).parent()?;
        let known = self.nearest.entry(parent.to_owned());
        known.or_insert_with(|| nearest_if_empty(parent)).clone()
    }
}

fn nearest_if_empty(folder: &Path) -> Option<PathBuf> {
    let mut there =
        folder.ancestors().filter_map(|folder| Some((folder, fs::read_dir(folder).ok()?)));
    let (folder, mut entries) = there.next()?;
    entries.next().is_none().then(|| folder.to_owned())
}

/// Whether the file of a row is at its place, or where that lies now.
pub(super) fn is_there(row: &DocumentRow, roots: &[Root]) -> bool {
    let path = Path::new(&row.uri);
    let moved = roots.iter().find_map(|root| root.moved(path));
    fs::symlink_metadata(moved.as_deref().unwrap_or(path)).is_ok()
}

/// Whether nothing is at this path, not even something that cannot be looked at.
pub(super) fn is_gone(uri: &str) -> bool {
    fs::symlink_metadata(uri).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::is_mass;

    #[test]
    fn all_or_more_than_half_of_ten_is_a_mass() {
        for (lost, held, listed, wanted) in [
            (0, 0, 0, false),
            (0, 12, 12, false),
            (1, 1, 0, true),
            (3, 3, 0, true),
            (3, 3, 1, false),
            (2, 3, 1, false),
            (5, 10, 5, false),
            (6, 10, 4, true),
            (10, 10, 9, true),
            (600, 1001, 401, true),
        ] {
            assert_eq!(is_mass(lost, held, listed), wanted, "{lost} of {held}, {listed} there");
        }
    }
}
