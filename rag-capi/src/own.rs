//! Callbacks that give a text in the engine's place: an answer, or what a picture says.

use std::ffi::{c_char, c_void};
use std::fmt;
use std::mem;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use rag_core::document::{Picture, Recognizer};
use rag_core::model::Message;
use rag_core::{Error, OwnWriter, Result};

use crate::boundary::{self, Texts, UserData};
use crate::handles::Shared;

/// The text that a callback gives, lent to it for the call: only the thread that is called back may
/// use it.
pub struct rag_text<'a> {
    on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
    /// The beginning of a character that the next piece completes.
    partial: Vec<u8>,
    ended: bool,
    failure: Option<String>,
}

impl fmt::Debug for rag_text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("rag_text").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<'a> rag_text<'a> {
    /// Runs `callback`, which gives its text to `on_piece` and says whether it could. `who` is
    /// blamed if not.
    pub(crate) fn collect(
        who: &str,
        on_piece: &'a mut dyn FnMut(&str) -> ControlFlow<()>,
        callback: impl FnOnce(&mut rag_text<'a>) -> bool,
    ) -> Result<()> {
        let mut text = rag_text { on_piece, partial: Vec::new(), ended: false, failure: None };
        let done = callback(&mut text);
        let cut = done && !text.ended && !text.partial.is_empty();
        let failure = match text.failure {
            Some(reason) => reason,
            None if cut => "its text ends within a character".to_owned(),
            None if !done => "its callback returned false".to_owned(),
            None => return Ok(()),
        };
        Err(Error::model(Path::new(who), failure))
    }

    /// Takes some bytes; whether more are wanted.
    fn append(&mut self, bytes: &[u8]) -> bool {
        if self.ended {
            return false;
        }
        self.partial.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.partial) {
            Ok(text) => text.len(),
            Err(fault) if fault.error_len().is_none() => fault.valid_up_to(),
            Err(fault) => {
                self.fail(format!("its text is not UTF-8: {fault}"));
                return false;
            }
        };
        let rest = self.partial.split_off(whole);
        let piece = mem::replace(&mut self.partial, rest);
        self.ended = (self.on_piece)(&String::from_utf8_lossy(&piece)).is_break();
        !self.ended
    }

    /// Ends the text with the first reason given.
    fn fail(&mut self, reason: String) {
        self.ended = true;
        self.failure.get_or_insert(reason);
    }
}

/// Adds `size` bytes of UTF-8 at the end of a text; characters may be cut between calls. Returns
/// false if no more is wanted, because the answer was ended, the call cancelled, or the text is not
/// UTF-8, NULL with a size, or was failed: the callback should then return.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_text_append(
    text: *mut rag_text<'_>,
    piece: *const c_char,
    size: usize,
) -> bool {
    // SAFETY: null or lent by the callback that runs; readable, by contract.
    let (text, bytes) = unsafe { (text.as_mut(), boundary::array(piece.cast(), size, "piece")) };
    let Some(text) = text else { return false };
    boundary::value_or(false, || match bytes {
        Ok(bytes) => text.append(bytes),
        // not to be taken for an answer that ends here
        Err(fault) => {
            text.fail(fault.line());
            false
        }
    })
}

/// Says why the text cannot be given, for the error that the callback ends with; only the first
/// reason counts. `reason` may be NULL, else it is NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_text_fail(text: *mut rag_text<'_>, reason: *const c_char) {
    // SAFETY: null or lent by the callback that runs; NUL-terminated, by contract.
    let (text, reason) = unsafe { (text.as_mut(), boundary::optional_text(reason, "reason")) };
    let reason = reason.ok().flatten().unwrap_or("its callback failed");
    if let Some(text) = text {
        text.fail(reason.to_owned());
    }
}

/// One turn of a conversation.
#[repr(C)]
#[derive(Debug)]
pub struct rag_turn {
    /// "system", "user" or "assistant".
    pub role: *const c_char,
    /// What is said, UTF-8, followed by a NUL byte.
    pub content: *const c_char,
    /// Bytes of `content`, the NUL byte not counted.
    pub content_bytes: usize,
}

/// Writes an answer in the generator's place, on the thread that made the call. It gets the
/// conversation as the generator would: `count` turns with instructions, worked examples, earlier
/// turns, and last the numbered passages and the question, borrowed for the callback. It appends
/// the answer to `answer`, in pieces if it likes, which go on to `on_piece`; what it writes is
/// judged, cited and masked like any answer. Return false if it cannot, after rag_text_fail if
/// there is something to say: the call ends with RAG_MODEL. It must not throw, not longjmp, and not
/// use the handle it was called for.
pub type rag_on_write = Option<
    unsafe extern "C" fn(
        turns: *const rag_turn,
        count: usize,
        answer: *mut rag_text<'_>,
        user_data: *mut c_void,
    ) -> bool,
>;

/// A picture to be read: a file, or a part of one. Made by the library; later versions may append
/// fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_picture {
    /// A whole picture file.
    pub bytes: *const u8,
    /// How many bytes.
    pub size: usize,
    /// Its format, such as "image/jpeg"; also "image/jp2", "image/png", "image/tiff", "image/gif",
    /// "image/webp", "image/bmp", "image/x-portable-anymap".
    pub media_type: *const c_char,
    /// The page it stands on, from 1; 0 if it is not part of a document with pages.
    pub page: u32,
    /// Zero.
    pub reserved: u32,
}

/// Reads the text of a picture (optical character recognition, of which the engine has none) and
/// appends it to `text`, paragraphs separated by blank lines; nothing if there is none. Called on a
/// thread of the library's, one picture at a time; `picture` is borrowed for the callback. Return
/// false if it cannot, after rag_text_fail if there is something to say: the file is then skipped
/// for it. It must not throw, not longjmp, and not use the handle it was called for.
pub type rag_on_recognize = Option<
    unsafe extern "C" fn(
        picture: *const rag_picture,
        text: *mut rag_text<'_>,
        user_data: *mut c_void,
    ) -> bool,
>;

/// A writer of the caller's; none for null.
///
/// # Safety
/// The callback may be called with `user_data` as long as the result lives, on any thread.
pub(crate) unsafe fn writer(
    kb: &Arc<Shared>,
    on_write: rag_on_write,
    user_data: *mut c_void,
) -> Option<OwnWriter> {
    let on_write = on_write?;
    let (kb, user_data) = (Arc::clone(kb), UserData(user_data));
    Some(OwnWriter::streaming(move |messages: &[Message], on_piece| {
        let mut texts = Texts::default();
        let mut turn = |message: &Message| rag_turn {
            role: texts.keep(message.role.name()),
            content: texts.keep(&message.content),
            content_bytes: message.content.len(),
        };
        let turns: Vec<rag_turn> = messages.iter().map(&mut turn).collect();
        rag_text::collect("the caller's writer", on_piece, |text| {
            // SAFETY: callable, says the caller; `turns`, `texts` and `text` outlive the call.
            kb.call_back(|| unsafe { on_write(turns.as_ptr(), turns.len(), text, user_data.get()) })
        })
    }))
}

/// A recognizer of the caller's; none for null.
///
/// # Safety
/// As [`writer`].
pub(crate) unsafe fn recognizer(
    kb: &Arc<Shared>,
    on_recognize: rag_on_recognize,
    user_data: *mut c_void,
) -> Option<Arc<dyn Recognizer>> {
    let on_recognize = on_recognize?;
    let (kb, user_data) = (Arc::clone(kb), UserData(user_data));
    Some(Arc::new(Recognize { kb, on_recognize, user_data }))
}

struct Recognize {
    kb: Arc<Shared>,
    on_recognize: unsafe extern "C" fn(*const rag_picture, *mut rag_text<'_>, *mut c_void) -> bool,
    user_data: UserData,
}

impl Recognizer for Recognize {
    fn recognize(&self, picture: &Picture<'_>) -> Result<String> {
        let mut texts = Texts::default();
        let view = rag_picture {
            bytes: picture.bytes.as_ptr(),
            size: picture.bytes.len(),
            media_type: texts.keep(picture.format.media_type()),
            page: picture.page.unwrap_or(0),
            reserved: 0,
        };
        let mut recognized = String::new();
        let mut on_piece = |piece: &str| {
            recognized.push_str(piece);
            ControlFlow::Continue(())
        };
        rag_text::collect("the caller's recognizer", &mut on_piece, |text| {
            let call = self.on_recognize;
            // SAFETY: callable, said whoever made this; `view`, `texts` and `text` outlive the
            // call.
            self.kb.call_back(|| unsafe { call(&view, text, self.user_data.get()) })
        })?;
        Ok(recognized)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(pieces: &[&[u8]], done: bool) -> Result<Vec<String>> {
        let mut seen = Vec::new();
        let mut on_piece = |piece: &str| {
            seen.push(piece.to_owned());
            if piece == "stop" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        rag_text::collect("a test", &mut on_piece, |text| {
            pieces.iter().all(|piece| text.append(piece)) || done
        })?;
        Ok(seen)
    }

    #[test]
    fn characters_may_be_cut_between_pieces() {
        let seen = collected(&[b"caf\xc3", b"\xa9 ", b"cr", b"\xc3\xa8me"], false);
        assert_eq!(seen.expect("UTF-8").concat(), "caf\u{e9} cr\u{e8}me");
    }

    #[test]
    fn an_ended_text_takes_nothing_more_and_is_no_failure() {
        assert_eq!(collected(&[b"one", b"stop", b"two"], true).expect("ended"), ["one", "stop"]);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let message = |result: Result<Vec<String>>| result.expect_err("a failure").line();
        assert!(message(collected(&[b"a\xff"], true)).contains("not UTF-8"));
        assert!(message(collected(&[b"a\xc3"], true)).contains("within a character"));
        assert!(message(collected(&[b"stop"], false)).contains("returned false"));
        let failed = rag_text::collect("a test", &mut |_| ControlFlow::Continue(()), |text| {
            text.fail("no network".to_owned());
            text.fail("later".to_owned());
            !text.append(b"more")
        });
        assert!(failed.expect_err("a failure").line().contains("no network"));
    }
}
