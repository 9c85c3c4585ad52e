//! Statuses, owned errors, and the line that no panic crosses.
//!
//! Every exported function that can fail is one call of [`run`].

use std::any::Any;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use rag_core::{Error, ErrorCode, Result};

use crate::boundary;

/// What a call returns. Numbers are never reused or changed; later versions may add some.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_status {
    /// Done.
    RAG_OK = 0,
    /// An argument is outside its documented range, NULL where it must not be, or not UTF-8.
    RAG_INVALID_ARGUMENT = 1,
    /// A model, document or passage with this name or number does not exist.
    RAG_NOT_FOUND = 2,
    /// The operating system refused a file operation.
    RAG_IO = 3,
    /// A document could not be read as text.
    RAG_DOCUMENT = 4,
    /// A model is incomplete, damaged or of a kind that this library does not run.
    RAG_MODEL = 5,
    /// The knowledge base was built with another encoder.
    RAG_MODEL_MISMATCH = 6,
    /// The knowledge base file is not ours, is damaged, or could not be written.
    RAG_STORE = 7,
    /// The knowledge base is newer than this library, or older and opened only to be read.
    RAG_STORE_VERSION = 8,
    /// Another process or thread is writing and did not finish in time.
    RAG_BUSY = 9,
    /// The prompt does not fit the generator: question and instructions alone exceed its context.
    RAG_CONTEXT_OVERFLOW = 10,
    /// The caller cancelled; what was committed before stays.
    RAG_CANCELLED = 11,
    /// A broken invariant of the library, or a panic that was caught. Please report it.
    RAG_INTERNAL = 99,
}

impl From<ErrorCode> for rag_status {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::InvalidArgument => Self::RAG_INVALID_ARGUMENT,
            ErrorCode::NotFound => Self::RAG_NOT_FOUND,
            ErrorCode::Io => Self::RAG_IO,
            ErrorCode::Document => Self::RAG_DOCUMENT,
            ErrorCode::Model => Self::RAG_MODEL,
            ErrorCode::ModelMismatch => Self::RAG_MODEL_MISMATCH,
            ErrorCode::Store => Self::RAG_STORE,
            ErrorCode::StoreVersion => Self::RAG_STORE_VERSION,
            ErrorCode::Busy => Self::RAG_BUSY,
            ErrorCode::ContextOverflow => Self::RAG_CONTEXT_OVERFLOW,
            ErrorCode::Cancelled => Self::RAG_CANCELLED,
            ErrorCode::Internal => Self::RAG_INTERNAL,
        }
    }
}

/// Why a call failed. Owned by the caller; free it once with rag_error_free.
#[derive(Debug)]
pub struct rag_error {
    status: rag_status,
    message: CString,
}

impl From<&Error> for rag_error {
    fn from(error: &Error) -> Self {
        let line = error.line().replace('\0', "\u{fffd}");
        Self { status: error.code().into(), message: CString::new(line).unwrap_or_default() }
    }
}

/// Runs `body`; an error or a panic becomes a status and, if wanted, an owned error in `*error`.
///
/// `AssertUnwindSafe`: a body only reaches shared state through rag-core, whose locks survive a
/// panic.
///
/// # Safety
/// `error` is null or valid for writes.
pub(crate) unsafe fn run(
    error: *mut *mut rag_error,
    body: impl FnOnce() -> Result<()>,
) -> rag_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(failure),
        Err(panic) => Some(Error::internal(panic_message(panic.as_ref()))),
    };
    let status = failure.as_ref().map_or(rag_status::RAG_OK, |failure| failure.code().into());
    if !error.is_null() {
        let owned = failure.map_or(ptr::null_mut(), |f| Box::into_raw(Box::new((&f).into())));
        // SAFETY: not null, and the caller says it can be written.
        unsafe { error.write(owned) };
    }
    status
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let words = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", words.unwrap_or("without a message"))
}

/// The status of an error; RAG_OK for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_error_code(error: *const rag_error) -> rag_status {
    // SAFETY: null or a live error, by contract.
    unsafe { error.as_ref() }.map_or(rag_status::RAG_OK, |error| error.status)
}

/// The message of an error followed by its causes, in one line of UTF-8; the empty text for NULL.
///
/// Borrowed: valid until the error is freed. Never NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_error_message(error: *const rag_error) -> *const c_char {
    // SAFETY: null or a live error, by contract.
    unsafe { error.as_ref() }.map_or(c"".as_ptr(), |error| error.message.as_ptr())
}

/// Frees an error. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_error_free(error: *mut rag_error) {
    // SAFETY: null or an error that the caller owns, by contract.
    unsafe { boundary::free(error) }
}

/// The name of a status, such as "ModelMismatch", as it also stands in JSON; "Ok" for 0 and
/// "Unknown" for a number that this version does not know.
///
/// A constant of the library: never NULL, valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn rag_status_name(status: i32) -> *const c_char {
    let name: &CStr = match status {
        0 => c"Ok",
        1 => c"InvalidArgument",
        2 => c"NotFound",
        3 => c"Io",
        4 => c"Document",
        5 => c"Model",
        6 => c"ModelMismatch",
        7 => c"Store",
        8 => c"StoreVersion",
        9 => c"Busy",
        10 => c"ContextOverflow",
        11 => c"Cancelled",
        99 => c"Internal",
        _ => c"Unknown",
    };
    name.as_ptr()
}

/// Frees a text that a function handed over as `char **`. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_string_free(string: *mut c_char) {
    if !string.is_null() {
        // SAFETY: it came from `CString::into_raw` and the caller owns it, by contract.
        drop(unsafe { CString::from_raw(string) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(body: impl FnOnce() -> Result<()>) -> (rag_status, String) {
        let mut error = ptr::null_mut();
        // SAFETY: `error` is a live local.
        let status = unsafe { run(&mut error, body) };
        // SAFETY: `run` set `error` to null or an owned error, freed once below.
        let message = unsafe { CStr::from_ptr(rag_error_message(error)) };
        let message = message.to_string_lossy().into_owned();
        // SAFETY: as above.
        unsafe { rag_error_free(error) };
        (status, message)
    }

    #[test]
    fn a_panic_becomes_internal_with_its_words() {
        let (status, message) = message_of(|| panic!("row {} is gone", 7));
        assert_eq!(status, rag_status::RAG_INTERNAL);
        assert_eq!(message, "internal error: panic: row 7 is gone");
    }

    #[test]
    fn success_clears_the_error_place() {
        assert_eq!(message_of(|| Ok(())), (rag_status::RAG_OK, String::new()));
    }

    #[test]
    fn statuses_have_the_numbers_and_names_of_the_codes() {
        for code in ErrorCode::ALL {
            let status = rag_status::from(code);
            assert_eq!(status as i32, code as i32);
            // SAFETY: a constant of the library.
            let name = unsafe { CStr::from_ptr(rag_status_name(status as i32)) };
            assert_eq!(name.to_str(), Ok(code.name()));
        }
    }

    #[test]
    fn a_message_with_a_nul_byte_stays_whole() {
        let error = rag_error::from(&Error::invalid("uri", "a\0b"));
        assert_eq!(error.message.to_str(), Ok("invalid uri: a\u{fffd}b"));
    }
}
