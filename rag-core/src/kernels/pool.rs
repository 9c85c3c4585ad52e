//! A few threads that share tasks by claiming them.
//!
//! The caller works too, and at the end waits only for threads that joined: one that the system has
//! put aside costs no more than the task it holds. Between jobs a thread spins briefly, then
//! sleeps.
#![expect(
    unsafe_code,
    reason = "a job on the caller's stack is lent to threads that have joined it"
)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{JoinHandle, Thread};

/// Turns a thread spins before it sleeps: about a millisecond.
const SPINS: u32 = 20_000;
/// Turns the caller spins for joined threads before it gives up its time slice.
const CALLER_SPINS: u32 = 2_000;

/// The lowest bits of [`Shared::state`] count joined threads; this one says that more may join; the
/// rest number the jobs.
const OPEN: u64 = 1 << 15;
const JOINED: u64 = OPEN - 1;

type Job<'a> = &'a (dyn Fn() + Sync);

struct Shared {
    state: AtomicU64,
    /// Written by the caller while no job is open and nobody has joined; read by threads that have.
    job: UnsafeCell<Option<Job<'static>>>,
    asleep: AtomicUsize,
    ending: AtomicBool,
    failure: Mutex<Option<Box<dyn Any + Send>>>,
}

// SAFETY: `job` is the only field that is not `Sync`; `state` orders its writes before its reads,
// see there.
unsafe impl Sync for Shared {}

/// Threads for one caller at a time. They end with the pool.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    threads: Vec<Thread>,
    handles: Vec<JoinHandle<()>>,
    turn: Mutex<()>,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.thread_count()).finish_non_exhaustive()
    }
}

impl Pool {
    /// A pool of `thread_count` threads, the caller's included. Threads the system refuses are done
    /// without.
    pub(crate) fn new(thread_count: usize) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            asleep: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
            failure: Mutex::new(None),
        });
        let handles: Vec<_> = (1..thread_count.clamp(1, 256))
            .map_while(|index| {
                let shared = shared.clone();
                let builder = std::thread::Builder::new().name(format!("rag-worker-{index}"));
                builder.spawn(move || shared.serve()).ok()
            })
            .collect();
        let threads = handles.iter().map(|handle| handle.thread().clone()).collect();
        Self { shared, threads, handles, turn: Mutex::new(()) }
    }

    /// Threads that work on a job, the caller's included.
    pub(crate) fn thread_count(&self) -> usize {
        self.threads.len() + 1
    }

    /// Calls `task` once for each number below `count`, in any order, on any thread; returns when
    /// all are done.
    ///
    /// From within a task, or while another thread runs tasks, the caller does all of it alone.
    pub(crate) fn run(&self, count: usize, task: impl Fn(usize) + Sync) {
        self.run_with(count, || (), |(), index| task(index));
    }

    /// As [`Pool::run`], with something made once by each thread that takes part.
    pub(crate) fn run_with<T>(
        &self,
        count: usize,
        make: impl Fn() -> T + Sync,
        task: impl Fn(&mut T, usize) + Sync,
    ) {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return;
            }
            let mut own = make();
            while index < count {
                task(&mut own, index);
                index = next.fetch_add(1, Ordering::Relaxed);
            }
        };
        if count < 2 || self.threads.is_empty() {
            return work();
        }
        match self.turn.try_lock() {
            Ok(turn) => self.share(turn, &work),
            // by a task that panicked, which harms nothing here
            Err(TryLockError::Poisoned(turn)) => self.share(turn.into_inner(), &work),
            Err(TryLockError::WouldBlock) => work(),
        }
    }

    /// Calls `task` with each piece of `items`, `len` long but for the last, and its number.
    pub(crate) fn pieces<T: Send>(
        &self,
        items: &mut [T],
        len: usize,
        task: impl Fn(usize, &mut [T]) + Sync,
    ) {
        let pieces = Pieces::new(items, len);
        self.run(pieces.count(), |index| task(index, pieces.take(index)));
    }

    fn share(&self, _turn: MutexGuard<'_, ()>, work: Job<'_>) {
        let shared = &*self.shared;
        // SAFETY: no job is open and nobody has joined (the end of the last call saw to it), so
        // nobody reads. The longer lifetime is not used: `Closing` waits for all who joined before
        // `work` can end.
        unsafe { *shared.job.get() = Some(std::mem::transmute::<Job<'_>, Job<'static>>(work)) };
        let number = (shared.state.load(Ordering::Relaxed) & !(OPEN | JOINED)) + (OPEN << 1);
        shared.state.store(number | OPEN, Ordering::SeqCst);
        {
            let _closing = Closing(shared);
            if shared.asleep.load(Ordering::SeqCst) > 0 {
                self.threads.iter().for_each(Thread::unpark);
            }
            work();
        }
        let failure = shared.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(failure) = failure {
            resume_unwind(failure);
        }
    }
}

/// Closes the job and waits for those who joined, also when the caller's own part panics.
struct Closing<'a>(&'a Shared);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut spins = 0;
        self.0.state.fetch_and(!OPEN, Ordering::AcqRel);
        while self.0.state.load(Ordering::Acquire) & JOINED != 0 {
            spins += 1;
            if spins < CALLER_SPINS {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

impl Shared {
    /// A thread's life: join each open job once.
    fn serve(&self) {
        let (mut last, mut spins) = (0, 0);
        while !self.ending.load(Ordering::Acquire) {
            let state = self.state.load(Ordering::Acquire);
            let number = state & !(OPEN | JOINED);
            if state & OPEN != 0 && number != last {
                if self.join(state) {
                    (last, spins) = (number, 0);
                }
            } else if spins < SPINS {
                spins += 1;
                std::hint::spin_loop();
            } else {
                spins = 0;
                self.sleep(last);
            }
        }
    }

    fn join(&self, state: u64) -> bool {
        let joined =
            self.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed);
        if joined.is_err() {
            return false;
        }
        // SAFETY: the job of this state was written before it was opened, and stays until we leave.
        if let Some(job) = unsafe { *self.job.get() }
            && let Err(failure) = catch_unwind(AssertUnwindSafe(job))
        {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        }
        self.state.fetch_sub(1, Ordering::Release);
        true
    }

    /// Sleeps unless a job that is not `last` is open. Whoever opens one afterwards sees us
    /// counted.
    fn sleep(&self, last: u64) {
        self.asleep.fetch_add(1, Ordering::SeqCst);
        let state = self.state.load(Ordering::SeqCst);
        let idle = state & OPEN == 0 || state & !(OPEN | JOINED) == last;
        if idle && !self.ending.load(Ordering::SeqCst) {
            std::thread::park();
        }
        self.asleep.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        self.threads.iter().for_each(Thread::unpark);
        for handle in self.handles.drain(..) {
            let _ = handle.join();
        }
    }
}

/// A slice in pieces, each of which one task may take once.
pub(crate) struct Pieces<'a, T> {
    start: *mut T,
    len: usize,
    piece: usize,
    taken: Vec<AtomicBool>,
    items: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it hands out each part of a `&mut [T]` at most once, as `take` sees to.
unsafe impl<T: Send> Sync for Pieces<'_, T> {}

impl<'a, T> Pieces<'a, T> {
    /// Pieces of `piece` items, the last one maybe shorter.
    pub(crate) fn new(items: &'a mut [T], piece: usize) -> Self {
        let piece = piece.max(1);
        let taken = (0..items.len().div_ceil(piece)).map(|_| AtomicBool::new(false)).collect();
        let (start, len) = (items.as_mut_ptr(), items.len());
        Self { start, len, piece, taken, items: std::marker::PhantomData }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.taken.len()
    }

    /// Piece `index`, which must not have been taken before.
    #[expect(clippy::mut_from_ref, reason = "each piece is handed out once")]
    pub(crate) fn take(&self, index: usize) -> &mut [T] {
        assert!(!self.taken[index].swap(true, Ordering::Relaxed), "a piece was taken twice");
        let from = index * self.piece;
        let len = self.piece.min(self.len - from);
        // SAFETY: `from + len` is within the slice, and no other call gets this piece.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_runs_once_on_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let pool = Pool::new(threads);
            assert_eq!(pool.thread_count(), threads);
            for count in (0..70).chain([1000]) {
                let done: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
                pool.run(count, |index| {
                    done[index].fetch_add(1, Ordering::Relaxed);
                });
                assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
            }
        }
    }

    #[test]
    fn sleeping_threads_wake() {
        let pool = Pool::new(4);
        for _ in 0..5 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            let sum = AtomicUsize::new(0);
            pool.run(100, |index| {
                sum.fetch_add(index, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 4950);
        }
    }

    #[test]
    fn pieces_cover_the_slice() {
        let pool = Pool::new(3);
        for (len, piece) in [(0, 4), (1, 4), (12, 4), (13, 4), (100, 1)] {
            let mut items = vec![0; len];
            pool.pieces(&mut items, piece, |index, items| items.fill(index + 1));
            assert!(items.iter().enumerate().all(|(at, item)| *item == at / piece + 1));
        }
    }

    #[test]
    #[should_panic(expected = "taken twice")]
    fn a_piece_is_handed_out_once() {
        let mut items = [0; 4];
        let pieces = Pieces::new(&mut items, 2);
        pieces.take(1);
        pieces.take(1);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let pool = Pool::new(3);
        for _ in 0..20 {
            let run = AssertUnwindSafe(|| pool.run(64, |index| assert!(index != 40, "task 40")));
            assert!(catch_unwind(run).is_err());
            let sum = AtomicUsize::new(0);
            pool.run(10, |index| {
                sum.fetch_add(index, Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), 45);
        }
    }

    #[test]
    fn tasks_may_run_tasks_and_callers_may_meet() {
        let pool = Pool::new(2);
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    pool.run(50, |_| {
                        pool.run(3, |_| {
                            sum.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(sum.into_inner(), 600);
    }
}
