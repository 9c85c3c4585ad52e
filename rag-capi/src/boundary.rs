//! The line between C and Rust: pointers become references, results become handles.
//!
//! Owns no exported function. What a function that can fail runs in is `error::run`.

use std::ffi::{CStr, CString, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;

use rag_core::{Error, Result};

/// Runs `body` where C expects a plain value; a panic gives `fallback`.
pub(crate) fn value_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// The object behind a handle.
///
/// # Safety
/// `pointer` is null or points to a live `T` that outlives the result and is not changed meanwhile.
pub(crate) unsafe fn handle<'a, T>(pointer: *const T, argument: &'static str) -> Result<&'a T> {
    // SAFETY: passed on to the caller.
    unsafe { pointer.as_ref() }.ok_or_else(|| null(argument))
}

/// Frees a handle; null is left alone.
///
/// # Safety
/// `pointer` is null or came from [`Output::set`] for the same `T` and was not freed before.
pub(crate) unsafe fn free<T>(pointer: *mut T) {
    if !pointer.is_null() {
        // SAFETY: it came from `Box::into_raw` and is freed once, says the caller.
        value_or((), || drop(unsafe { Box::from_raw(pointer) }));
    }
}

/// A NUL-terminated text in UTF-8.
///
/// # Safety
/// `pointer` is null or NUL-terminated and unchanged as long as the result lives.
pub(crate) unsafe fn text<'a>(pointer: *const c_char, argument: &'static str) -> Result<&'a str> {
    // SAFETY: passed on to the caller.
    unsafe { optional_text(pointer, argument) }?.ok_or_else(|| null(argument))
}

/// A NUL-terminated text in UTF-8, or `None` for null.
///
/// # Safety
/// As [`text`].
pub(crate) unsafe fn optional_text<'a>(
    pointer: *const c_char,
    argument: &'static str,
) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not null; NUL-terminated, says the caller.
    let bytes = unsafe { CStr::from_ptr(pointer) }.to_bytes();
    utf8(bytes, argument).map(Some)
}

/// A text in UTF-8 with a length; null is the empty text if the length is 0.
///
/// # Safety
/// `pointer` is null or valid for reads of `size_bytes`, unchanged as long as the result lives.
pub(crate) unsafe fn sized_text<'a>(
    pointer: *const c_char,
    size_bytes: usize,
    argument: &'static str,
) -> Result<&'a str> {
    // SAFETY: a char has the size and alignment of a byte; the rest is passed on to the caller.
    utf8(unsafe { array(pointer.cast::<u8>(), size_bytes, argument) }?, argument)
}

/// An array of `count` elements; null is the empty array if `count` is 0.
///
/// # Safety
/// `pointer` is null or valid for reads of `count` elements, unchanged as long as the result lives.
pub(crate) unsafe fn array<'a, T>(
    pointer: *const T,
    count: usize,
    argument: &'static str,
) -> Result<&'a [T]> {
    check_extent::<T>(pointer, count, argument)?;
    if count == 0 {
        return Ok(&[]);
    }
    // SAFETY: not null, aligned and no larger than isize::MAX (checked); readable, says the caller.
    Ok(unsafe { slice::from_raw_parts(pointer, count) })
}

/// An array that C lends for writing.
///
/// # Safety
/// `pointer` is null or valid for reads and writes of `count` elements that nothing else touches
/// meanwhile.
pub(crate) unsafe fn array_mut<'a, T>(
    pointer: *mut T,
    count: usize,
    argument: &'static str,
) -> Result<&'a mut [T]> {
    check_extent::<T>(pointer, count, argument)?;
    if count == 0 {
        return Ok(&mut []);
    }
    // SAFETY: not null, aligned and no larger than isize::MAX (checked); writable, says the caller.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, count) })
}

/// The strings of an array of NUL-terminated texts.
///
/// # Safety
/// As [`array`], and each element as [`text`].
pub(crate) unsafe fn texts<'a>(
    pointer: *const *const c_char,
    count: usize,
    argument: &'static str,
) -> Result<Vec<&'a str>> {
    // SAFETY: passed on to the caller.
    let pointers = unsafe { array(pointer, count, argument) }?;
    // SAFETY: passed on to the caller.
    pointers.iter().map(|pointer| unsafe { text(*pointer, argument) }).collect()
}

fn check_extent<T>(pointer: *const T, count: usize, argument: &'static str) -> Result<()> {
    if count > 0 && pointer.is_null() {
        return Err(null(argument));
    }
    if count.checked_mul(size_of::<T>()).is_none_or(|bytes| bytes > isize::MAX as usize) {
        return Err(Error::invalid(argument, format!("length {count} is beyond any memory")));
    }
    if count > 0 && !pointer.is_aligned() {
        return Err(Error::invalid(argument, "not aligned for its type"));
    }
    Ok(())
}

fn utf8<'a>(bytes: &'a [u8], argument: &'static str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|fault| Error::invalid(argument, fault.to_string()))
}

fn null(argument: &'static str) -> Error {
    Error::invalid(argument, "must not be NULL")
}

/// A place where C wants a handle; null until [`Output::set`], so that a failure leaves null.
pub(crate) struct Output<T>(*mut *mut T);

impl<T> Output<T> {
    /// An output that must be given.
    ///
    /// # Safety
    /// `place` is null or valid for writes as long as the result lives.
    pub(crate) unsafe fn required(place: *mut *mut T, argument: &'static str) -> Result<Self> {
        // SAFETY: passed on to the caller.
        let output = unsafe { Self::optional(place) };
        if place.is_null() { Err(null(argument)) } else { Ok(output) }
    }

    /// An output that may be null.
    ///
    /// # Safety
    /// As [`Output::required`].
    pub(crate) unsafe fn optional(place: *mut *mut T) -> Self {
        if !place.is_null() {
            // SAFETY: not null; writable, says the caller.
            unsafe { place.write(ptr::null_mut()) };
        }
        Self(place)
    }

    /// Hands `value` to C, which frees it with the function of its type.
    pub(crate) fn set(self, value: impl FnOnce() -> T) {
        if !self.0.is_null() {
            // SAFETY: not null; writable as long as `self` lives, said whoever made it.
            unsafe { self.0.write(Box::into_raw(Box::new(value()))) };
        }
    }
}

/// Hands the text that `write` makes to C, which frees it with `rag_string_free`; null if it fails.
///
/// # Safety
/// `place` is null or valid for writes.
pub(crate) unsafe fn text_output(
    place: *mut *mut c_char,
    argument: &'static str,
    write: impl FnOnce() -> Result<String>,
) -> Result<()> {
    if place.is_null() {
        return Err(null(argument));
    }
    // SAFETY: not null; writable, says the caller.
    unsafe { place.write(ptr::null_mut()) };
    let owned = CString::new(write()?)
        .map_err(|fault| Error::internal_cause("a text holds a NUL byte", fault))?;
    // SAFETY: as above.
    unsafe { place.write(owned.into_raw()) };
    Ok(())
}

/// What a callback is handed back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UserData(pub(crate) *mut c_void);

// SAFETY: what it points to is for whatever threads the contract of the callback names.
unsafe impl Send for UserData {}
// SAFETY: as above.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn get(self) -> *mut c_void {
        self.0
    }
}

/// Texts lent to C by a handle: each followed by a NUL byte, at the same address until the handle
/// is freed.
#[derive(Default)]
pub(crate) struct Texts(Vec<*mut [u8]>);

impl Texts {
    /// Copies `text` and returns where it stands.
    pub(crate) fn keep(&mut self, text: &str) -> *const c_char {
        let mut bytes = Vec::with_capacity(text.len().saturating_add(1));
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        let place = Box::into_raw(bytes.into_boxed_slice());
        self.0.push(place);
        place.cast::<c_char>()
    }

    /// As [`Texts::keep`]; null for `None`.
    pub(crate) fn keep_optional(&mut self, text: Option<&str>) -> *const c_char {
        text.map_or(ptr::null(), |text| self.keep(text))
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        for place in self.0.drain(..) {
            // SAFETY: it came from `Box::into_raw` in `keep` and is dropped once, here.
            drop(unsafe { Box::from_raw(place) });
        }
    }
}

/// An optional file offset as C sees it: -1 for none.
pub(crate) fn offset(value: Option<u64>) -> i64 {
    value.and_then(|value| i64::try_from(value).ok()).unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn texts_that_are_not_utf8_or_too_long_are_refused() {
        let bytes = [0xff_u8, 0];
        // SAFETY: a NUL-terminated local.
        let bad = unsafe { text(bytes.as_ptr().cast(), "uri") };
        assert!(bad.is_err_and(|fault| fault.to_string().starts_with("invalid uri")));
        // SAFETY: refused before anything is read.
        assert!(unsafe { sized_text(bytes.as_ptr().cast(), usize::MAX, "text") }.is_err());
        // SAFETY: null with length 0 reads nothing.
        assert!(unsafe { sized_text(ptr::null(), 0, "text") }.is_ok_and(str::is_empty));
    }

    #[test]
    fn a_failure_leaves_its_outputs_null() {
        let mut place = ptr::dangling_mut::<u8>();
        // SAFETY: `place` is a live local.
        assert!(unsafe { Output::required(&mut place, "place") }.is_ok());
        assert!(place.is_null());
    }
}
