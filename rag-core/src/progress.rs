//! How a long call tells where it is, and how it is stopped.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::options::words;

words! {
    /// Why all that was handed on of an answer so far is withdrawn.
    pub enum Retraction("retraction") {
        /// No passage supports it as an answer to the question.
        Unsupported = "unsupported",
        /// The generator was not sure of its words.
        Unsure = "unsure",
        /// A guard refuses it.
        Guard = "guard",
        /// The answer is the same but for its beginning: yes or no comes first.
        Reworded = "reworded",
    }
}

/// The part of a long call that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Listing and comparing files.
    Scan,
    /// Reading, splitting, encoding and storing documents; `done` and `total` count files, or in a
    /// reindex passages.
    Index,
    /// Building the vector index; `done` and `total` count vectors.
    Seal,
    /// Taking in a prompt; `done` and `total` count its tokens.
    Prefill,
}

/// One report from a long call. `done <= total` where the total is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is being counted.
    pub stage: Stage,
    /// Units finished.
    pub done: usize,
    /// Units in all, once known.
    pub total: Option<usize>,
    /// Passages stored so far in this call.
    pub passage_count: usize,
    /// The file just finished, if the stage works on files.
    pub path: Option<PathBuf>,
    /// Bytes of the files finished, as they lie on the disk; 0 if the stage does not work on files.
    pub done_bytes: u64,
    /// Bytes of all files, as they were listed.
    pub total_bytes: u64,
    /// Since the stage began.
    pub elapsed: Duration,
}

impl Progress {
    /// Passages stored a second since the stage began; 0 before there is anything to divide.
    #[must_use]
    pub fn passages_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.passage_count as f64 / seconds } else { 0.0 }
    }

    /// How long the rest of the stage takes if its bytes, or else its units, go on as they went so
    /// far. `None` while nothing is done or the total is not known.
    #[must_use]
    pub fn remaining(&self) -> Option<Duration> {
        let (done, total) = match (self.done_bytes, self.total_bytes, self.total) {
            (done, total, _) if done > 0 && total > 0 => (done as f64, total as f64),
            (_, _, Some(total)) if self.done > 0 => (self.done as f64, total as f64),
            _ => return None,
        };
        Duration::try_from_secs_f64(self.elapsed.as_secs_f64() * (total - done).max(0.0) / done)
            .ok()
    }
}

/// A flag that stops a long call: checked per file, per batch and per token.
///
/// Clones share the flag. Any thread may cancel; a cancelled token stays cancelled.
#[derive(Clone, Default)]
pub struct CancelToken {
    flag: Arc<AtomicBool>,
    poll: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that also asks `poll` each time it is checked; `true` cancels.
    ///
    /// For hosts that learn of an interrupt only when they look, such as Python's pending signals.
    pub fn polling(poll: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { flag: Arc::default(), poll: Some(Arc::new(poll)) }
    }

    /// Asks every call that holds this token to stop at its next check.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether [`CancelToken::cancel`] was called or the poll said so.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        if self.flag.load(Ordering::Relaxed) {
            return true;
        }
        let interrupted = self.poll.as_ref().is_some_and(|poll| poll());
        if interrupted {
            self.cancel();
        }
        interrupted
    }

    /// # Errors
    /// [`Error::Cancelled`] if the token is cancelled.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken")
            .field("cancelled", &self.flag.load(Ordering::Relaxed))
            .finish_non_exhaustive()
    }
}

/// What goes along with one long call: who gets the text as it is written, who hears that it is
/// withdrawn and how far the call is, and what stops it.
///
/// By default nobody listens and nothing stops it. It is handed over to the call; each call takes
/// one of its own.
///
/// ```
/// use std::ops::ControlFlow;
/// use rag_core::{Call, CancelToken};
///
/// let stop = CancelToken::new();
/// let mut text = String::new();
/// let mut keep = |piece: &str| {
///     text.push_str(piece);
///     ControlFlow::Continue(())
/// };
/// let call = Call::new().cancel(&stop).on_piece(&mut keep);
/// # drop(call);
/// ```
#[derive(Default)]
pub struct Call<'a> {
    on_piece: Option<OnPiece<'a>>,
    on_progress: Option<OnProgress<'a>>,
    on_retract: Option<OnRetract<'a>>,
    cancel: CancelToken,
}

/// Gets a text piece by piece; `Break` ends it there.
pub type OnPiece<'a> = &'a mut Piece<'a>;

/// Gets the reports of a long call.
pub type OnProgress<'a> = &'a mut Report<'a>;

/// Hears that all pieces so far are withdrawn, and why.
pub type OnRetract<'a> = &'a mut Retract<'a>;

type Piece<'a> = dyn FnMut(&str) -> ControlFlow<()> + 'a;
type Report<'a> = dyn FnMut(&Progress) + 'a;
type Retract<'a> = dyn FnMut(Retraction) + 'a;

impl<'a> Call<'a> {
    /// A call that nobody listens to and nothing stops.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Hands the text that is written to `on_piece`, piece by piece; `Break` ends the text there.
    /// Calls that write no text have no pieces.
    #[must_use]
    pub fn on_piece<'b>(self, on_piece: OnPiece<'b>) -> Call<'b>
    where
        'a: 'b,
    {
        Call {
            on_piece: Some(on_piece),
            on_progress: shorter_report(self.on_progress),
            on_retract: shorter_retract(self.on_retract),
            cancel: self.cancel,
        }
    }

    /// Tells `on_progress` where the call is: files of a sync, tokens of a prompt. Calls that count
    /// nothing have no reports.
    #[must_use]
    pub fn on_progress<'b>(self, on_progress: OnProgress<'b>) -> Call<'b>
    where
        'a: 'b,
    {
        Call {
            on_piece: shorter_piece(self.on_piece),
            on_progress: Some(on_progress),
            on_retract: shorter_retract(self.on_retract),
            cancel: self.cancel,
        }
    }

    /// Tells `on_retract` that every piece so far is withdrawn, before those of the text that takes
    /// their place, if there is one. Only who listens for this may have pieces before they are
    /// checked ([`Stream::Raw`](crate::Stream::Raw)); without that nothing is withdrawn.
    #[must_use]
    pub fn on_retract<'b>(self, on_retract: OnRetract<'b>) -> Call<'b>
    where
        'a: 'b,
    {
        Call {
            on_piece: shorter_piece(self.on_piece),
            on_progress: shorter_report(self.on_progress),
            on_retract: Some(on_retract),
            cancel: self.cancel,
        }
    }

    /// Stops the call when `token` is cancelled.
    #[must_use]
    pub fn cancel(self, token: &CancelToken) -> Self {
        Self { cancel: token.clone(), ..self }
    }

    /// What stops it.
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        &self.cancel
    }

    /// Hands on a piece of text.
    pub(crate) fn piece(&mut self, piece: &str) -> ControlFlow<()> {
        self.on_piece.as_mut().map_or(ControlFlow::Continue(()), |on_piece| on_piece(piece))
    }

    /// Hands on a report.
    pub(crate) fn report(&mut self, progress: &Progress) {
        if let Some(on_progress) = &mut self.on_progress {
            on_progress(progress);
        }
    }

    /// The same for a while, to be handed to a call within this one.
    pub(crate) fn lend(&mut self) -> Call<'_> {
        let on_piece = shorter_piece(self.on_piece.as_deref_mut());
        let on_progress = shorter_report(self.on_progress.as_deref_mut());
        let on_retract = shorter_retract(self.on_retract.as_deref_mut());
        Call { on_piece, on_progress, on_retract, cancel: self.cancel.clone() }
    }

    /// Who hears that pieces are withdrawn; nobody hears it of this call any more.
    pub(crate) fn take_on_retract(&mut self) -> Option<OnRetract<'a>> {
        self.on_retract.take()
    }

    /// Who gets the pieces, and all else for a call within this one, which withdraws nothing.
    pub(crate) fn split(
        &mut self,
    ) -> (impl FnMut(&str) -> ControlFlow<()> + use<'_, 'a>, Call<'_>) {
        let Call { on_piece, on_progress, cancel, .. } = self.lend();
        let mut on_piece = on_piece;
        let piece = move |piece: &str| match &mut on_piece {
            Some(on_piece) => on_piece(piece),
            None => ControlFlow::Continue(()),
        };
        (piece, Call { on_piece: None, on_progress, on_retract: None, cancel })
    }
}

/// The same for less long: inside an `Option`, the lifetime of what a reference leads to does not
/// give way by itself.
fn shorter_piece<'a>(on_piece: Option<&'a mut Piece<'_>>) -> Option<OnPiece<'a>> {
    match on_piece {
        Some(on_piece) => Some(on_piece),
        None => None,
    }
}

/// As [`shorter_piece`].
fn shorter_report<'a>(on_progress: Option<&'a mut Report<'_>>) -> Option<OnProgress<'a>> {
    match on_progress {
        Some(on_progress) => Some(on_progress),
        None => None,
    }
}

/// As [`shorter_piece`].
pub(crate) fn shorter_retract<'a>(
    on_retract: Option<&'a mut Retract<'_>>,
) -> Option<OnRetract<'a>> {
    match on_retract {
        Some(on_retract) => Some(on_retract),
        None => None,
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("on_piece", &self.on_piece.is_some())
            .field("on_progress", &self.on_progress.is_some())
            .field("on_retract", &self.on_retract.is_some())
            .field("cancel", &self.cancel)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: usize, total: Option<usize>, bytes: (u64, u64)) -> Progress {
        Progress {
            stage: Stage::Index,
            done,
            total,
            passage_count: 30,
            path: None,
            done_bytes: bytes.0,
            total_bytes: bytes.1,
            elapsed: Duration::from_secs(6),
        }
    }

    #[test]
    fn time_left_goes_by_bytes_then_by_files() {
        assert_eq!(progress(1, Some(10), (300, 400)).remaining(), Some(Duration::from_secs(2)));
        assert_eq!(progress(1, Some(10), (0, 0)).remaining(), Some(Duration::from_secs(54)));
        assert_eq!(progress(10, Some(10), (500, 400)).remaining(), Some(Duration::ZERO));
        assert_eq!(progress(0, Some(10), (0, 400)).remaining(), None);
        assert_eq!(progress(3, None, (0, 0)).remaining(), None);
        assert!((progress(1, None, (0, 0)).passages_per_second() - 5.0).abs() < 1e-9);
        let start = Progress { elapsed: Duration::ZERO, ..progress(0, None, (0, 0)) };
        assert_eq!(start.passages_per_second(), 0.0);
    }

    #[test]
    fn clones_share_the_flag() {
        let token = CancelToken::new();
        let clone = token.clone();
        assert!(clone.check().is_ok());
        token.cancel();
        assert!(matches!(clone.check(), Err(Error::Cancelled)));
    }

    #[test]
    fn a_poll_that_says_yes_cancels_for_good() {
        let token = CancelToken::polling(|| true);
        assert!(token.is_cancelled());
        assert!(token.flag.load(Ordering::Relaxed));
    }

    #[test]
    fn a_call_within_a_call_keeps_reports_and_token_and_not_the_pieces() {
        let (token, mut pieces, mut reports) = (CancelToken::new(), String::new(), 0);
        let mut on_piece = |piece: &str| {
            pieces.push_str(piece);
            ControlFlow::Break(())
        };
        let mut on_progress = |_: &Progress| reports += 1;
        let mut call =
            Call::new().on_piece(&mut on_piece).on_progress(&mut on_progress).cancel(&token);
        let (mut outer, mut inner) = call.split();
        assert!(inner.piece("unseen").is_continue());
        inner.report(&progress(1, None, (0, 0)));
        token.cancel();
        assert!(inner.token().is_cancelled());
        drop(inner);
        assert!(outer("seen").is_break());
        drop(outer);
        call.report(&progress(2, None, (0, 0)));
        assert_eq!((pieces.as_str(), reports), ("seen", 2));
    }

    #[test]
    fn who_hears_of_retractions_is_kept_beside_the_others_and_not_for_calls_within() {
        let mut told = Vec::new();
        let mut on_retract = |why: Retraction| told.push(why);
        let mut on_piece = |_: &str| ControlFlow::Continue(());
        let mut on_progress = |_: &Progress| {};
        let mut call = Call::new()
            .on_retract(&mut on_retract)
            .on_piece(&mut on_piece)
            .on_progress(&mut on_progress);
        let (_, mut inner) = call.split();
        assert!(inner.take_on_retract().is_none());
        drop(inner);
        let mut lent = call.lend();
        if let Some(on_retract) = lent.take_on_retract() {
            on_retract(Retraction::Unsure);
        }
        assert!(lent.take_on_retract().is_none());
        drop(lent);
        drop(call);
        assert_eq!(told, [Retraction::Unsure]);
    }

    #[test]
    fn by_default_nobody_listens_and_nothing_stops() {
        let mut call = Call::new();
        call.report(&progress(1, None, (0, 0)));
        assert!(call.piece("piece").is_continue());
        assert!(call.token().check().is_ok());
    }
}
