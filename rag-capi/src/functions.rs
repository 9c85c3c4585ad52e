//! What needs no handle: reading a document, masking a text.

use std::ffi::c_char;
use std::path::Path;

use rag_core::document;
use rag_core::{Error, guard};

use crate::boundary;
use crate::error::{rag_error, rag_status, run};
use crate::options::read_options;
use crate::progress::{self, rag_cancel};

/// Reads the document at `path` as rag_kb_sync does. On success `*json` is a JSON object: kind,
/// title, lang, text, blocks (what each stretch of the text is), source_map, metadata; it is owned
/// by the caller: free it with rag_string_free.
///
/// `max_read_seconds` is the longest time it may take, 0 for 60. `cancel` may be NULL.
///
/// RAG_IO: there is no such file. RAG_DOCUMENT: it is a folder, a pipe or a device, or cannot be
/// read; the message says why. RAG_CANCELLED: by the flag.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_read_file(
    path: *const c_char,
    max_read_seconds: f64,
    cancel: *const rag_cancel,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let path = Path::new(boundary::text(path, "path")?);
                let options = read_options(max_read_seconds)?;
                let document = document::read_file(path, &options, &progress::token(cancel))?;
                serde_json::to_string(&document)
                    .map_err(|cause| Error::internal_cause("a document does not fit JSON", cause))
            })
        })
    }
}

/// Masks personal data in `text`: e-mail addresses, phone numbers, IBANs, payment cards and French
/// social security numbers become "[EMAIL]", "[PHONE]" and so on. On success `*masked` is owned by
/// the caller: free it with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_mask_text(
    text: *const c_char,
    masked: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(masked, "masked", || {
                Ok(guard::mask(boundary::text(text, "text")?).0)
            })
        })
    }
}
