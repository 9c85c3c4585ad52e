//! Copies of a file, and what is intact in a damaged one.

use std::ffi::c_char;

use rag_core::{Error, KnowledgeBase, OpenOptions};

use crate::boundary;
use crate::error::{rag_error, rag_status, run};
use crate::handles::{rag_kb, shared};
use crate::options::{filter, model_dirs, owned_text};
use crate::progress::{self, rag_cancel};

/// Writes a copy of the file to `to` (UTF-8), which must not exist, as it stands now. Others may go
/// on working. `cancel` may be NULL.
///
/// RAG_INVALID_ARGUMENT: `to` exists. RAG_IO, RAG_STORE: it cannot be written; nothing is left of
/// it then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_backup(
    kb: *const rag_kb,
    to: *const c_char,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let kb = shared(kb)?;
            kb.enter()?.backup_with(boundary::text(to, "to")?, progress::call(cancel))
        })
    }
}

/// Removes every document that passes `filter`, in one transaction: see rag_search_options.
/// `removed_count` may be NULL, else it says how many there were.
///
/// RAG_INVALID_ARGUMENT: the filter cannot be read.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_remove_where(
    kb: *mut rag_kb,
    filter_text: *const c_char,
    removed_count: *mut usize,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            if !removed_count.is_null() {
                removed_count.write(0);
            }
            let kb = shared(kb)?;
            // null is refused here: it would mean every document
            boundary::text(filter_text, "filter")?;
            let Some(filter) = filter(filter_text)? else { return Ok(()) };
            let removed = kb.enter()?.remove_where(&filter)?;
            if !removed_count.is_null() {
                removed_count.write(removed.len());
            }
            Ok(())
        })
    }
}

/// Makes a new file `to` of what is intact in the damaged file `from`, which is only read.
/// Documents keep their ids and come over whole or not at all; vectors that are lost are encoded
/// again.
///
/// `encoder` is for a file that no longer says which one it was built with. NULL: the one the file
/// names. `lost_count` counts documents and settings. `encoder` may be NULL, `kept_count` may be
/// NULL, `lost_count` may be NULL and `cancel` may be NULL.
///
/// RAG_INVALID_ARGUMENT: `to` exists. RAG_STORE: `from` is no database at all.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_repair(
    from: *const c_char,
    to: *const c_char,
    encoder: *const c_char,
    kept_count: *mut usize,
    lost_count: *mut usize,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            for count in [kept_count, lost_count] {
                if !count.is_null() {
                    count.write(0);
                }
            }
            let (from, to) = (boundary::text(from, "from")?, boundary::text(to, "to")?);
            let options = OpenOptions {
                encoder: owned_text(encoder, "encoder")?,
                model_dirs: model_dirs(std::ptr::null())?,
                ..OpenOptions::default()
            };
            let report = KnowledgeBase::repair_with(from, to, &options, progress::call(cancel))?;
            let counts = [(kept_count, report.document_count), (lost_count, report.lost.len())];
            for (place, count) in counts {
                if !place.is_null() {
                    place.write(count);
                }
            }
            Ok(())
        })
    }
}

/// Puts a copy of the knowledge base `backup` in the place of the file `to`, whose own data and log
/// go. The backup is checked before; the copy appears whole. `cancel` may be NULL.
///
/// RAG_STORE: the backup is damaged, or `to` is open or is no knowledge base; it is as it was then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_restore(
    backup: *const c_char,
    to: *const c_char,
    cancel: *const rag_cancel,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let (backup, to) = (boundary::text(backup, "backup")?, boundary::text(to, "to")?);
            KnowledgeBase::restore_with(backup, to, progress::call(cancel)).map(drop)
        })
    }
}

/// What was found as the file was opened and its user should know, as a JSON list of sentences: a
/// log of other data that was set aside, commits that are missing. Empty for most files. On success
/// `*json` is owned by the caller: free it with rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_notices(
    kb: *const rag_kb,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let notices = shared(kb)?.enter()?.notices();
                serde_json::to_string(&notices)
                    .map_err(|cause| Error::internal_cause("the notices do not fit JSON", cause))
            })
        })
    }
}
