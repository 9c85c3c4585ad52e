//! Runs readers where a broken file can do no harm: on a large stack, with panics turned into
//! errors, and not for ever.

use std::any::Any;
use std::cell::RefCell;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use crate::document::ReadOptions;
use crate::error::{Error, Result, Unreadable};
use crate::progress::CancelToken;

/// Stack of the reading thread. Parsers recurse into nested objects; ours stop at 256 levels.
const STACK_BYTES: usize = 64 << 20;

/// Ticks between two looks at the clock.
const TICKS: u32 = 256;

/// Time between two looks at the cancel token, which may be dear to ask.
const CANCEL_EVERY: Duration = Duration::from_millis(10);

/// Until when the reader of this thread may run.
struct Watch {
    ticks: u32,
    end: Instant,
    next_cancel: Instant,
    cancel: CancelToken,
}

thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// What [`tick`] unwinds with.
enum Stop {
    TooSlow,
    Cancelled,
}

/// Runs `read` on a thread of its own; a panic in it is an error of the file at `path`, and so is
/// too much time.
pub(in crate::document) fn run<T: Send>(
    path: &Path,
    options: &ReadOptions,
    cancel: &CancelToken,
    read: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let now = Instant::now();
    // a limit beyond what the clock can count is none
    let end = now.checked_add(options.time_limit).unwrap_or(now + Duration::from_secs(1 << 30));
    let watch = Watch { ticks: 0, end, next_cancel: now, cancel: cancel.clone() };
    thread::scope(|scope| {
        let thread = thread::Builder::new().name("rag-read".to_owned()).stack_size(STACK_BYTES);
        let running = thread
            .spawn_scoped(scope, move || {
                WATCH.set(Some(watch));
                read()
            })
            .map_err(|error| Error::internal_cause("cannot start a thread", error))?;
        running.join().unwrap_or_else(|cause| Err(stopped(path, options, cause.as_ref())))
    })
}

/// To be called once per thing read (an element, an operation, a word): ends the reading, by
/// unwinding to [`run`], when it was cancelled or has taken too long. Outside of it nothing
/// happens.
pub(in crate::document) fn tick() {
    let stop = WATCH.with_borrow_mut(|watch| watch.as_mut().and_then(Watch::tick));
    if let Some(stop) = stop {
        resume_unwind(Box::new(stop));
    }
}

/// Runs work of the caller's, such as a recognizer, whose time is not the reader's; ends the
/// reading after it if it was cancelled meanwhile.
pub(in crate::document) fn untimed<T>(work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    let stop = WATCH.with_borrow_mut(|watch| {
        let watch = watch.as_mut()?;
        watch.end = watch.end.checked_add(start.elapsed()).unwrap_or(watch.end);
        watch.look()
    });
    if let Some(stop) = stop {
        resume_unwind(Box::new(stop));
    }
    done
}

/// Runs work through which nothing may unwind, such as a parser in C, and which can be left
/// undone. It asks now and then whether it is to stop: it is, when half of the time that is left
/// has gone. Ends the reading after it if that was cancelled meanwhile.
#[cfg(feature = "code")]
pub(in crate::document) fn asking<T>(work: impl FnOnce(&mut dyn FnMut() -> bool) -> T) -> T {
    let now = Instant::now();
    let left = WATCH.with_borrow(|watch| Some(watch.as_ref()?.end.saturating_duration_since(now)));
    let end = left.and_then(|left| now.checked_add(left / 2));
    let mut stop = None;
    let done = work(&mut || {
        stop = stop.take().or_else(|| WATCH.with_borrow_mut(|watch| watch.as_mut()?.look()));
        stop.is_some() || end.is_some_and(|end| Instant::now() >= end)
    });
    if let Some(stop) = stop {
        resume_unwind(Box::new(stop));
    }
    done
}

impl Watch {
    fn tick(&mut self) -> Option<Stop> {
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(TICKS) {
            return None;
        }
        self.look()
    }

    fn look(&mut self) -> Option<Stop> {
        let now = Instant::now();
        if now >= self.end {
            return Some(Stop::TooSlow);
        }
        if now < self.next_cancel {
            return None;
        }
        self.next_cancel = now + CANCEL_EVERY;
        self.cancel.is_cancelled().then_some(Stop::Cancelled)
    }
}

fn stopped(path: &Path, options: &ReadOptions, cause: &(dyn Any + Send)) -> Error {
    match cause.downcast_ref() {
        Some(Stop::Cancelled) => Error::Cancelled,
        Some(Stop::TooSlow) => {
            let reason = format!("reading it took more than {:?}", options.time_limit);
            Error::document(path, Unreadable::TooSlow, reason)
        }
        None => Error::document(path, Unreadable::Broken, "broken file: its parser gave up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_for_ever(time_limit: Duration, cancel: &CancelToken) -> Result<()> {
        run("a".as_ref(), &ReadOptions { time_limit, ..ReadOptions::default() }, cancel, || {
            loop {
                tick();
            }
        })
    }

    #[test]
    fn reading_ends_in_time_and_when_cancelled() {
        let slow = run_for_ever(Duration::from_millis(20), &CancelToken::new());
        assert_eq!(slow.err().and_then(|error| error.unreadable()), Some(Unreadable::TooSlow));
        let cancel = CancelToken::new();
        cancel.cancel();
        assert!(matches!(run_for_ever(Duration::MAX, &cancel), Err(Error::Cancelled)));
    }

    #[test]
    fn the_time_of_the_caller_is_not_that_of_the_reader() {
        let options = ReadOptions { time_limit: Duration::from_millis(50), ..Default::default() };
        let cancel = CancelToken::new();
        let slow = || {
            untimed(|| thread::sleep(Duration::from_millis(120)));
            (0..2 * TICKS).for_each(|_| tick());
            Ok(7)
        };
        assert_eq!(run("a".as_ref(), &options, &cancel, slow).ok(), Some(7));
        let cancelled = run("a".as_ref(), &options, &cancel, || {
            untimed(|| cancel.cancel());
            Ok(7)
        });
        assert!(matches!(cancelled, Err(Error::Cancelled)));
    }

    #[test]
    fn a_panic_is_an_error_of_the_file() {
        let options = ReadOptions::default();
        let broken: Result<()> =
            run("a".as_ref(), &options, &CancelToken::new(), || resume_unwind(Box::new("broken")));
        assert_eq!(broken.err().and_then(|error| error.unreadable()), Some(Unreadable::Broken));
        tick();
    }
}
