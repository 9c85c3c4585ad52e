//! When to look at folders again: as soon as the system says that something changed there, and now
//! and then anyway.
//!
//! Events only say when, never what: each look compares everything, so that a lost event costs a
//! delay and no more.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use rag_core::CancelToken;

/// Between two looks where nothing is told: events may be lost, and network folders send none.
const RESCAN: Duration = Duration::from_secs(10);
/// The same where the system tells nothing at all.
const POLL: Duration = Duration::from_secs(2);
/// A look that takes long is not repeated sooner than after so many times as long.
const REST: u32 = 20;
/// After a change nothing must happen for so long before we look: files are often written in steps.
const QUIET: Duration = Duration::from_millis(200);
/// But if changes never end, we look at the latest after this.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two looks at the interrupt.
const TICK: Duration = Duration::from_millis(100);

/// Tells when to look again.
#[derive(Debug)]
pub(super) struct Changes {
    events: Receiver<()>,
    /// Kept alive; without one, only time passes.
    _watcher: Option<RecommendedWatcher>,
    trouble: Option<String>,
    rescan: Duration,
}

impl Changes {
    /// Watches folders and files from now on. What happens to the file at `own` and its companions
    /// is our own doing.
    pub(super) fn watch(paths: &[PathBuf], own: &Path) -> Self {
        // one event is as good as many
        let (sender, events) = sync_channel(1);
        match watcher(paths, own, sender) {
            Ok(watcher) => Self { events, _watcher: Some(watcher), trouble: None, rescan: RESCAN },
            Err(error) => {
                let trouble = Some(error.to_string());
                Self { events, _watcher: None, trouble, rescan: POLL }
            }
        }
    }

    /// Why the system does not tell.
    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// Waits until it is time to look again; `false` if cancelled. `took` is how long the last look
    /// was.
    pub(super) fn wait(&self, took: Duration, cancel: &CancelToken) -> bool {
        let asked = Instant::now();
        let rest = self.rescan.max(took * REST);
        let mut first: Option<Instant> = None;
        let mut last = asked;
        loop {
            if cancel.is_cancelled() {
                return false;
            }
            let now = Instant::now();
            match first {
                Some(first) if now - last >= QUIET || now - first >= PATIENCE => return true,
                None if now - asked >= rest => return true,
                _ => {}
            }
            match self.events.recv_timeout(TICK) {
                Ok(()) => {
                    last = Instant::now();
                    first = first.or(Some(last));
                }
                Err(RecvTimeoutError::Timeout) => {}
                // there is no watcher; time passes all the same
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
            }
        }
    }
}

fn watcher(
    paths: &[PathBuf],
    own: &Path,
    sender: SyncSender<()>,
) -> notify::Result<RecommendedWatcher> {
    let own = std::path::absolute(own).unwrap_or_else(|_| own.to_owned());
    let own = own.canonicalize().unwrap_or(own);
    let told = move |event: notify::Result<Event>| {
        // an error may hide an event
        if event.map_or(true, |event| matters(&event, &own)) {
            // one is waiting already, or nobody waits any more
            let _ = sender.try_send(());
        }
    };
    let mut watcher = notify::recommended_watcher(told)?;
    for path in paths {
        let path = path.canonicalize()?;
        if path.is_dir() {
            watcher.watch(&path, RecursiveMode::Recursive)?;
        } else {
            // programs save by putting a new file in place of the old one: the folder notices
            let folder = path.parent().unwrap_or(&path);
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
        }
    }
    Ok(watcher)
}

/// Whether an event may mean another content; reading, ours above all, does not.
fn matters(event: &Event, own: &Path) -> bool {
    let changes = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    };
    let ours = !event.paths.is_empty() && event.paths.iter().all(|path| is_own(path, own));
    changes && !ours
}

/// Whether this is the knowledge base or one of SQLite's files beside it.
fn is_own(path: &Path, own: &Path) -> bool {
    ["", "-wal", "-shm", "-journal"].iter().any(|suffix| {
        let mut name = OsString::from(own);
        name.push(suffix);
        path.as_os_str() == name
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn changes(rescan: Duration) -> (SyncSender<()>, Changes) {
        let (sender, events) = sync_channel(1);
        (sender, Changes { events, _watcher: None, trouble: None, rescan })
    }

    #[test]
    fn without_events_time_passes() {
        let cancel = CancelToken::new();
        let (sender, changes) = changes(Duration::from_millis(300));
        let started = Instant::now();
        assert!(changes.wait(Duration::ZERO, &cancel));
        assert!(started.elapsed() >= Duration::from_millis(300));
        drop(sender);
        assert!(changes.wait(Duration::ZERO, &cancel), "the watcher is gone");
        let started = Instant::now();
        assert!(changes.wait(Duration::from_millis(30), &cancel));
        assert!(started.elapsed() >= Duration::from_millis(600), "a slow look is rarely repeated");
        cancel.cancel();
        assert!(!changes.wait(Duration::ZERO, &cancel));
    }

    #[test]
    fn changes_are_waited_out_but_not_for_ever() {
        let cancel = CancelToken::new();
        let (sender, changes) = changes(Duration::from_secs(3600));
        let started = Instant::now();
        sender.send(()).unwrap();
        assert!(changes.wait(Duration::ZERO, &cancel));
        let took = started.elapsed();
        assert!(took >= QUIET && took < PATIENCE, "{took:?}");
        let noisy = std::thread::spawn(move || {
            while sender.send(()).is_ok() {
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let started = Instant::now();
        assert!(changes.wait(Duration::ZERO, &cancel));
        assert!(started.elapsed() >= PATIENCE - QUIET);
        drop(changes);
        noisy.join().unwrap();
    }

    #[test]
    fn reading_and_our_own_file_do_not_count() {
        let event = |kind, path: &str| Event::new(kind).add_path(PathBuf::from(path));
        let own = Path::new("/docs/kb.rag");
        let modified = EventKind::Modify(notify::event::ModifyKind::Any);
        assert!(matters(&event(modified, "/docs/a.txt"), own));
        assert!(!matters(&event(modified, "/docs/kb.rag"), own));
        assert!(!matters(&event(modified, "/docs/kb.rag-wal"), own));
        assert!(matters(&event(modified, "/docs/kb.rag-wall.txt"), own));
        let opened = EventKind::Access(AccessKind::Open(AccessMode::Any));
        let written = EventKind::Access(AccessKind::Close(AccessMode::Write));
        assert!(!matters(&event(opened, "/docs/a.txt"), own));
        assert!(matters(&event(written, "/docs/a.txt"), own));
        assert!(matters(&Event::new(EventKind::Other), own), "such as: events were lost");
    }

    #[test]
    fn a_folder_that_is_gone_is_watched_by_time() {
        let changes = Changes::watch(&[PathBuf::from("/no/such/folder")], Path::new("kb.rag"));
        assert!(changes.trouble().is_some());
        assert_eq!(changes.rescan, POLL);
    }
}
