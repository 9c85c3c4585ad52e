//! Flat records about a knowledge base: counts and sizes, one passage.

use std::ffi::c_char;

use rag_core::store::{Info, PassageRow};
use rag_core::{Error, Result};

use crate::boundary::{self, Output, Texts};
use crate::error::{rag_error, rag_status, run};
use crate::handles::{self, rag_kb};

/// Counts and sizes of a knowledge base. Made by rag_kb_info; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_info {
    /// Documents held, skipped ones not counted.
    pub document_count: usize,
    /// Documents that were passed over and are remembered with their reason.
    pub skipped_count: usize,
    /// Passages held.
    pub passage_count: usize,
    /// Length of a vector; 0 if no encoder was ever bound.
    pub dim: usize,
    /// Counts seals of the vector index.
    pub generation: u64,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// Format version of the file.
    pub format_version: u32,
    /// Zero.
    pub reserved: u32,
    /// Name of the encoder; NULL if none was ever bound.
    pub encoder: *const c_char,
    /// Its fingerprint; NULL likewise.
    pub fingerprint: *const c_char,
    /// How questions meet vectors now: "flat" or "hnsw".
    pub index: *const c_char,
    /// All of it as a JSON object.
    pub json: *const c_char,
}

/// A passage as stored. Made by rag_kb_passage; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_passage {
    /// Its number, never reused.
    pub passage_id: i64,
    /// Number of the document it belongs to.
    pub document_id: i64,
    /// Name of that document.
    pub uri: *const c_char,
    /// Title of that document; NULL if it has none.
    pub title: *const c_char,
    /// Heading path above the passage; NULL if there is none.
    pub heading: *const c_char,
    /// The passage, UTF-8, followed by a NUL byte.
    pub text: *const c_char,
    /// Bytes of `text`, the NUL byte not counted.
    pub text_bytes: usize,
    /// First byte in the document's text.
    pub start: usize,
    /// One past its last byte.
    pub end: usize,
    /// Its place in the document, from 0.
    pub ordinal: usize,
    /// Page on which it begins, from 1; 0 if the format has none.
    pub page: u32,
    /// Zero.
    pub reserved: u32,
}

/// A record with the texts it points to. The record stands first: C's pointer to it is the pointer
/// to the whole.
#[repr(C)]
struct Owned<T> {
    record: T,
    _texts: Texts,
}

impl<T> Owned<T> {
    fn set(self, place: Output<Owned<T>>) {
        place.set(|| self);
    }
}

/// Counts and sizes of a knowledge base. On success `*info` is owned by the caller: free it with
/// rag_info_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_info(
    kb: *const rag_kb,
    info: *mut *mut rag_info,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says; the record stands first in
    // `Owned`.
    unsafe {
        run(error, || {
            let place = Output::required(info.cast::<*mut Owned<rag_info>>(), "info")?;
            owned_info(&handles::shared(kb)?.enter()?.info()?)?.set(place);
            Ok(())
        })
    }
}

fn owned_info(info: &Info) -> Result<Owned<rag_info>> {
    let json = serde_json::to_string(info)
        .map_err(|cause| Error::internal_cause("info does not fit JSON", cause))?;
    let mut texts = Texts::default();
    let record = rag_info {
        document_count: info.document_count,
        skipped_count: info.skipped_count,
        passage_count: info.passage_count,
        dim: info.dim.unwrap_or(0),
        generation: info.generation,
        bytes: info.bytes,
        format_version: info.format_version,
        reserved: 0,
        encoder: texts.keep_optional(info.encoder.as_deref()),
        fingerprint: texts.keep_optional(info.fingerprint.as_deref()),
        index: texts.keep(&info.index),
        json: texts.keep(&json),
    };
    Ok(Owned { record, _texts: texts })
}

/// Frees what rag_kb_info made. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_info_free(info: *mut rag_info) {
    // SAFETY: null or made by rag_kb_info as the first field of an `Owned`, and owned by the
    // caller.
    unsafe { boundary::free(info.cast::<Owned<rag_info>>()) }
}

/// The passage with this number. On success `*passage` is owned by the caller: free it with
/// rag_passage_free.
///
/// RAG_NOT_FOUND: there is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_passage(
    kb: *const rag_kb,
    passage_id: i64,
    passage: *mut *mut rag_passage,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says; the record stands first in
    // `Owned`.
    unsafe {
        run(error, || {
            let place = Output::required(passage.cast::<*mut Owned<rag_passage>>(), "passage")?;
            let row = handles::shared(kb)?.enter()?.passage(passage_id)?;
            owned_passage(&row.ok_or_else(|| no_passage(passage_id))?).set(place);
            Ok(())
        })
    }
}

fn no_passage(id: i64) -> Error {
    let hint = "it was removed or never existed".to_owned();
    Error::NotFound { what: "passage", name: id.to_string(), hint }
}

fn owned_passage(row: &PassageRow) -> Owned<rag_passage> {
    let mut texts = Texts::default();
    let record = rag_passage {
        passage_id: row.id,
        document_id: row.document_id,
        uri: texts.keep(&row.uri),
        title: texts.keep_optional(row.title.as_deref()),
        heading: texts.keep_optional(row.heading.as_deref()),
        text: texts.keep(&row.text),
        text_bytes: row.text.len(),
        start: row.start,
        end: row.end,
        ordinal: row.ordinal,
        page: row.page.unwrap_or(0),
        reserved: 0,
    };
    Owned { record, _texts: texts }
}

/// Frees what rag_kb_passage made. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_passage_free(passage: *mut rag_passage) {
    // SAFETY: null or made by rag_kb_passage as the first field of an `Owned`, and owned by the
    // caller.
    unsafe { boundary::free(passage.cast::<Owned<rag_passage>>()) }
}
