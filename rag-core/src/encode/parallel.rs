//! Work cut into batches and shared by threads that live for one call.

use std::sync::Mutex;
use std::thread;

use crate::error::{Error, Result};

/// Consecutive sequences, cut where a batch has enough tokens: at first `most`, then half of each
/// thread's share of what is left, so that all threads end at about the same time, but never less
/// than `least`.
pub(super) fn batches<'a>(
    mut ids: &'a [&'a [u32]],
    least: usize,
    most: usize,
    thread_count: usize,
) -> Vec<&'a [&'a [u32]]> {
    let mut left: usize = ids.iter().map(|ids| ids.len()).sum();
    let shares = if thread_count > 1 { 2 * thread_count } else { 1 };
    let mut batches = Vec::new();
    while !ids.is_empty() {
        let enough = (left / shares).clamp(least, most);
        let mut tokens = 0;
        let fits = ids.iter().take_while(|ids| {
            let open = tokens < enough;
            tokens += if open { ids.len() } else { 0 };
            open
        });
        let (batch, rest) = ids.split_at(fits.count());
        batches.push(batch);
        left -= tokens;
        ids = rest;
    }
    batches
}

/// Runs `run` on every item, on up to `thread_count` threads that each keep one `state`; the first
/// error stops all.
pub(super) fn run_parallel<T: Send, S>(
    thread_count: usize,
    work: Vec<T>,
    state: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, T) -> Result<()> + Sync,
) -> Result<()> {
    let threads = thread_count.min(work.len());
    if threads <= 1 {
        let mut state = state();
        return work.into_iter().try_for_each(|item| run(&mut state, item));
    }
    let queue = Mutex::new(work.into_iter());
    let worker = || {
        let mut state = state();
        loop {
            let item =
                queue.lock().map_err(|_| Error::internal("an encoder thread panicked"))?.next();
            let Some(item) = item else { return Ok(()) };
            if let Err(error) = run(&mut state, item) {
                stop(&queue);
                return Err(error);
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut result = worker();
        for other in others {
            let theirs =
                other.join().unwrap_or_else(|_| Err(Error::internal("an encoder thread panicked")));
            result = result.and(theirs);
        }
        result
    })
}

/// Empties the queue, so that the other threads stop after the item they hold.
fn stop<T>(queue: &Mutex<std::vec::IntoIter<T>>) {
    if let Ok(mut queue) = queue.lock() {
        queue.by_ref().for_each(drop);
    }
}
