//! Runs readers where a broken file can do no harm: on a large stack, with panics turned into errors.

use std::path::Path;
use std::thread;

use crate::error::{Error, Result};

/// Stack of the reading thread. Parsers recurse into nested objects; ours stop at 256 levels.
const STACK_BYTES: usize = 64 << 20;

/// Runs `read` on a thread of its own; a panic in it is an error of the file at `path`.
pub(super) fn run<T: Send>(path: &Path, read: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("rag-read".to_owned()).stack_size(STACK_BYTES);
        let running = thread
            .spawn_scoped(scope, read)
            .map_err(|error| Error::internal_cause("cannot start a thread", error))?;
        let broken = |_| Err(Error::document(path, "broken file: its parser gave up"));
        running.join().unwrap_or_else(broken)
    })
}
