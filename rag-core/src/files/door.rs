//! One thread at a time opens or closes a knowledge base. SQLite makes the log beside a file with
//! the first connection and deletes it with the last: whoever looked in between would take it for a
//! log that somebody deleted, and refuse.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::FileId;

static INSIDE: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());
static FREE: Condvar = Condvar::new();

fn inside() -> MutexGuard<'static, BTreeSet<FileId>> {
    // no code of ours panics while it holds this
    INSIDE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to open or close the knowledge base in one file; given back when dropped. Taken before
/// any look at the register of open files, and never while holding that.
#[derive(Debug)]
pub(crate) struct Door(Option<FileId>);

impl Door {
    /// Waits until no other thread of this process opens or closes that file.
    pub(crate) fn enter(file: Option<FileId>) -> Self {
        let Some(id) = file else { return Self(None) };
        let mut inside = inside();
        while !inside.insert(id) {
            inside = FREE.wait(inside).unwrap_or_else(PoisonError::into_inner);
        }
        Self(file)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(id) = &self.0 {
            inside().remove(id);
            FREE.notify_all();
        }
    }
}
