//! Callbacks from long calls, and the token that stops them.

use std::ffi::{CString, c_char, c_void};
use std::ops::ControlFlow;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rag_core::{Call, CancelToken, Progress, Retraction, Stage};

use crate::boundary::{self, UserData};
use crate::reentry::Guarded;

/// The part of a long call that is running.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_stage {
    /// Listing and comparing files.
    RAG_STAGE_SCAN = 0,
    /// Reading, splitting, encoding and storing documents; done and total count files.
    RAG_STAGE_INDEX = 1,
    /// Building the vector index; done and total count vectors.
    RAG_STAGE_SEAL = 2,
    /// Taking in a prompt; done and total count its tokens.
    RAG_STAGE_PREFILL = 3,
}

/// Why all that was handed on of an answer so far is withdrawn.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_retraction {
    /// No passage supports it as an answer to the question.
    RAG_RETRACTION_UNSUPPORTED = 0,
    /// The generator was not sure of its words.
    RAG_RETRACTION_UNSURE = 1,
    /// A guard refuses it.
    RAG_RETRACTION_GUARD = 2,
    /// The answer is the same but for its beginning: yes or no comes first.
    RAG_RETRACTION_REWORDED = 3,
}

/// One report from a long call. Made by the library; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_progress {
    /// What is being counted: a rag_stage.
    pub stage: i32,
    /// 1 if `total` is known, else 0.
    pub has_total: i32,
    /// Units finished.
    pub done: usize,
    /// Units in all, once known; else 0.
    pub total: usize,
    /// Passages stored so far in this call.
    pub passage_count: usize,
    /// The file just finished, UTF-8; NULL if the stage does not work on files.
    pub path: *const c_char,
    /// Bytes of the files finished; 0 if the stage does not work on files.
    pub done_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Since the stage began.
    pub elapsed_seconds: f64,
    /// Passages stored a second since the stage began; 0 before there are any.
    pub passages_per_second: f64,
    /// How long the rest of the stage takes if it goes on like this; negative if that is not known
    /// yet.
    pub remaining_seconds: f64,
}

/// Gets reports of a long call, on the thread that made the call; `progress` is borrowed for the
/// callback. Return false to stop: the call ends with RAG_CANCELLED and what was committed stays.
/// It must not throw, not longjmp, and not use the handle it was called for.
pub type rag_on_progress =
    Option<unsafe extern "C" fn(progress: *const rag_progress, user_data: *mut c_void) -> bool>;

/// Gets an answer piece by piece, on the thread that made the call; `piece` is `size` bytes of
/// whole UTF-8 characters, not NUL-terminated, borrowed for the callback. Return false to end the
/// answer there. It must not throw, not longjmp, and not use the handle it was called for.
pub type rag_on_piece =
    Option<unsafe extern "C" fn(piece: *const c_char, size: usize, user_data: *mut c_void) -> bool>;

/// Hears that every piece so far is withdrawn, on the thread that made the call; `why` is a
/// rag_retraction. The pieces of the text that takes their place follow, if there is one. It must
/// not throw, not longjmp, and not use the handle it was called for.
pub type rag_on_retract = Option<unsafe extern "C" fn(why: i32, user_data: *mut c_void)>;

/// A flag that stops calls: checked per file, per batch and per token. Once requested it stays so.
/// Any thread may use it at any time until it is freed.
#[derive(Debug, Default)]
pub struct rag_cancel {
    token: CancelToken,
}

/// A new flag, not requested. Owned by the caller; free it with rag_cancel_free.
#[unsafe(no_mangle)]
pub extern "C" fn rag_cancel_new() -> *mut rag_cancel {
    Box::into_raw(Box::default())
}

/// Asks every call that was given this flag to stop at its next check. NULL does nothing. Safe from
/// any thread; from a signal handler too, as it only stores to an atomic.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_cancel_request(cancel: *const rag_cancel) {
    // SAFETY: null or a live flag, by contract.
    if let Some(cancel) = unsafe { cancel.as_ref() } {
        cancel.token.cancel();
    }
}

/// Whether rag_cancel_request was called; false for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_cancel_is_requested(cancel: *const rag_cancel) -> bool {
    // SAFETY: null or a live flag, by contract.
    unsafe { cancel.as_ref() }.is_some_and(|cancel| cancel.token.is_cancelled())
}

/// Frees a flag. NULL does nothing. Calls already running with it keep what they need of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_cancel_free(cancel: *mut rag_cancel) {
    // SAFETY: null or a flag that the caller owns, by contract.
    unsafe { boundary::free(cancel) }
}

/// The token behind a flag; one that is never cancelled for null.
///
/// # Safety
/// `cancel` is null or a live flag.
pub(crate) unsafe fn token(cancel: *const rag_cancel) -> CancelToken {
    // SAFETY: passed on to the caller.
    unsafe { cancel.as_ref() }.map_or_else(CancelToken::new, |cancel| cancel.token.clone())
}

/// A call that a flag stops; null never does.
///
/// # Safety
/// As [`token`].
pub(crate) unsafe fn call(cancel: *const rag_cancel) -> Call<'static> {
    // SAFETY: passed on to the caller.
    Call::new().cancel(&unsafe { token(cancel) })
}

/// Stops one call from its own callback, and leaves the caller's flag as it is.
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// A token that is cancelled by this or by `outer`.
    pub(crate) fn joined(&self, outer: CancelToken) -> CancelToken {
        let stop = Arc::clone(&self.0);
        CancelToken::polling(move || stop.load(Ordering::Relaxed) || outer.is_cancelled())
    }
}

/// Calls back with a report; `true` without a callback.
///
/// # Safety
/// `callback` may be called with `user_data`.
pub(crate) unsafe fn report(
    callback: rag_on_progress,
    user_data: *mut c_void,
    progress: &Progress,
) -> bool {
    let Some(callback) = callback else { return true };
    let path = progress.path.as_ref().and_then(|path| CString::new(&*path.to_string_lossy()).ok());
    let view = rag_progress {
        stage: stage(progress.stage) as i32,
        has_total: i32::from(progress.total.is_some()),
        done: progress.done,
        total: progress.total.unwrap_or(0),
        passage_count: progress.passage_count,
        path: path.as_ref().map_or(ptr::null(), |path| path.as_ptr()),
        done_bytes: progress.done_bytes,
        total_bytes: progress.total_bytes,
        elapsed_seconds: progress.elapsed.as_secs_f64(),
        passages_per_second: progress.passages_per_second(),
        remaining_seconds: progress.remaining().map_or(-1.0, |left| left.as_secs_f64()),
    };
    // SAFETY: callable, says the caller; `view` outlives the call.
    unsafe { callback(&view, user_data) }
}

/// Who gets a text as it is written, and hears that it is withdrawn.
#[derive(Clone, Copy)]
pub(crate) struct Pieces {
    on_piece: rag_on_piece,
    user_data: UserData,
    on_retract: rag_on_retract,
    retract_user_data: UserData,
}

impl Pieces {
    /// # Safety
    /// The callback may be called with `user_data` as long as this lives.
    pub(crate) unsafe fn new(on_piece: rag_on_piece, user_data: *mut c_void) -> Self {
        Self {
            on_piece,
            user_data: UserData(user_data),
            on_retract: None,
            retract_user_data: UserData(ptr::null_mut()),
        }
    }

    /// # Safety
    /// As [`Self::new`], for this callback.
    pub(crate) unsafe fn retracting(
        self,
        on_retract: rag_on_retract,
        user_data: *mut c_void,
    ) -> Self {
        Self { on_retract, retract_user_data: UserData(user_data), ..self }
    }

    /// Does `work` of `source` with a call to which these listen; to retractions only if there is
    /// somebody to hear them.
    pub(crate) fn hear<T, R>(
        &self,
        source: &Guarded<T>,
        call: Call<'_>,
        work: impl FnOnce(Call<'_>) -> R,
    ) -> R {
        let mut on_piece = |piece: &str| self.hand_out(source, piece);
        let call = call.on_piece(&mut on_piece);
        let Some(callback) = self.on_retract else { return work(call) };
        let mut on_retract = |why: Retraction| {
            let (why, data) = (retraction(why) as i32, self.retract_user_data.get());
            // SAFETY: callable, said whoever made this.
            source.call_back(|| unsafe { callback(why, data) });
        };
        work(call.on_retract(&mut on_retract))
    }

    /// Hands out a piece of what `source` writes.
    pub(crate) fn hand_out<T>(&self, source: &Guarded<T>, piece: &str) -> ControlFlow<()> {
        let Some(callback) = self.on_piece else { return ControlFlow::Continue(()) };
        let (text, data) = (piece.as_ptr().cast(), self.user_data.get());
        // SAFETY: callable, said whoever made this; the piece is lent for the call.
        let goes_on = source.call_back(|| unsafe { callback(text, piece.len(), data) });
        if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

fn stage(stage: Stage) -> rag_stage {
    match stage {
        Stage::Scan => rag_stage::RAG_STAGE_SCAN,
        Stage::Index => rag_stage::RAG_STAGE_INDEX,
        Stage::Seal => rag_stage::RAG_STAGE_SEAL,
        Stage::Prefill => rag_stage::RAG_STAGE_PREFILL,
    }
}

fn retraction(why: Retraction) -> rag_retraction {
    match why {
        Retraction::Unsupported => rag_retraction::RAG_RETRACTION_UNSUPPORTED,
        Retraction::Unsure => rag_retraction::RAG_RETRACTION_UNSURE,
        Retraction::Guard => rag_retraction::RAG_RETRACTION_GUARD,
        Retraction::Reworded => rag_retraction::RAG_RETRACTION_REWORDED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retractions_have_the_numbers_of_the_core() {
        for (number, why) in Retraction::ALL.into_iter().enumerate() {
            assert_eq!(retraction(why) as usize, number);
        }
    }

    #[test]
    fn stopping_one_call_leaves_the_callers_flag_alone() {
        let outer = CancelToken::new();
        let stop = Stop::default();
        let joined = stop.joined(outer.clone());
        assert!(!joined.is_cancelled());
        stop.request();
        assert!(joined.is_cancelled());
        assert!(!outer.is_cancelled());
    }
}
