//! What a sync did and what a check found.

use std::ffi::c_char;
use std::fmt;
use std::path::Path;
use std::ptr;

use rag_core::document::Unread;
use rag_core::error::{Skipped, Unreadable};
use rag_core::store::Damage;
use rag_core::{Error, SyncReport};

use crate::boundary::{self, Texts};
use crate::error::{rag_error, rag_status, run};

/// Counts of a sync. Lent by rag_sync_report_counts until the report is freed; later versions may
/// append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_sync_counts {
    /// Documents that are new.
    pub added: usize,
    /// Documents whose bytes changed.
    pub updated: usize,
    /// Documents whose file is gone.
    pub removed: usize,
    /// Documents that moved, bytes unchanged; they kept their passages.
    pub renamed: usize,
    /// Documents that are as they were.
    pub unchanged: usize,
    /// Files passed over.
    pub skipped: usize,
    /// Passages written.
    pub passage_count: usize,
    /// Wall time.
    pub seconds: f64,
    /// Documents that were kept though their file is missing; rag_sync_report_missing_at names
    /// them.
    pub missing: usize,
    /// Documents added or updated that were not read whole; rag_sync_report_unread_at says what was
    /// not.
    pub unread: usize,
}

/// A document of which something was not read. Lent by rag_sync_report_unread_at until the report
/// is freed; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_partly_read {
    /// The file.
    pub path: *const c_char,
    /// What was not read, in words: "3 pictures, 1 attachment (plan.dwg)".
    pub unread: *const c_char,
    /// The same as a JSON array of {"kind": ..., "count": ..., "names": [...]}.
    pub unread_json: *const c_char,
}

/// A file passed over, and why. Lent by rag_sync_report_skipped_at until the report is freed; later
/// versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_skipped {
    /// The file.
    pub path: *const c_char,
    /// Why, in one line.
    pub message: *const c_char,
    /// Why, as a rag_status.
    pub code: i32,
    /// Zero.
    pub reserved: i32,
    /// Why a document could not be read, in a word that never changes: "NoText", "Encrypted",
    /// "UndecodedFont", "Unsupported", "Broken", "TooLarge", "TooSlow" or "NotAFile"; later
    /// versions may add some. NULL if `code` is not RAG_DOCUMENT.
    pub unreadable: *const c_char,
}

/// What a sync did. Owned by the caller; free it once with rag_sync_report_free.
pub struct rag_sync_report {
    report: SyncReport,
    counts: rag_sync_counts,
    skipped: Vec<rag_skipped>,
    missing: Vec<*const c_char>,
    unread: Vec<rag_partly_read>,
    _texts: Texts,
}

impl fmt::Debug for rag_sync_report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.report.fmt(f)
    }
}

impl From<SyncReport> for rag_sync_report {
    fn from(report: SyncReport) -> Self {
        let mut texts = Texts::default();
        let counts = rag_sync_counts {
            added: report.added,
            updated: report.updated,
            removed: report.removed,
            renamed: report.renamed,
            unchanged: report.unchanged,
            skipped: report.skipped.len(),
            passage_count: report.passage_count,
            seconds: report.seconds,
            missing: report.missing.len(),
            unread: report.unread.len(),
        };
        let skipped = report.skipped.iter().map(|skipped| view(skipped, &mut texts)).collect();
        let name = |path: &Path, texts: &mut Texts| texts.keep(&path.to_string_lossy());
        let missing = report.missing.iter().map(|path| name(path, &mut texts)).collect();
        let partly = report.unread.iter();
        let unread = partly
            .map(|file| rag_partly_read {
                path: name(&file.path, &mut texts),
                unread: texts.keep(&unread_words(&file.unread)),
                unread_json: texts.keep(&unread_json(&file.unread)),
            })
            .collect();
        Self { report, counts, skipped, missing, unread, _texts: texts }
    }
}

/// What was not read, in words.
pub(crate) fn unread_words(unread: &[Unread]) -> String {
    unread.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// What was not read, as a JSON array.
pub(crate) fn unread_json(unread: &[Unread]) -> String {
    serde_json::json!(unread).to_string()
}

fn view(skipped: &Skipped, texts: &mut Texts) -> rag_skipped {
    rag_skipped {
        path: texts.keep(&skipped.path.to_string_lossy()),
        message: texts.keep(&skipped.error.line()),
        code: rag_status::from(skipped.error.code()) as i32,
        reserved: 0,
        unreadable: texts.keep_optional(skipped.error.unreadable().map(Unreadable::name)),
    }
}

/// The counts of a sync, lent until the report is freed; NULL for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_sync_report_counts(
    report: *const rag_sync_report,
) -> *const rag_sync_counts {
    // SAFETY: null or live, by contract.
    unsafe { report.as_ref() }.map_or(ptr::null(), |report| &raw const report.counts)
}

/// The skipped file at `index`, from 0, lent until the report is freed; NULL beyond the last and
/// for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_sync_report_skipped_at(
    report: *const rag_sync_report,
    index: usize,
) -> *const rag_skipped {
    // SAFETY: null or live, by contract.
    let report = unsafe { report.as_ref() };
    report.and_then(|report| report.skipped.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// The name of the document at `index`, from 0, that was kept though its file is missing, lent
/// until the report is freed; NULL beyond the last and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_sync_report_missing_at(
    report: *const rag_sync_report,
    index: usize,
) -> *const c_char {
    // SAFETY: null or live, by contract.
    let report = unsafe { report.as_ref() };
    report.and_then(|report| report.missing.get(index)).map_or(ptr::null(), |path| *path)
}

/// The document at `index`, from 0, that was added or updated and not read whole, lent until the
/// report is freed; NULL beyond the last and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_sync_report_unread_at(
    report: *const rag_sync_report,
    index: usize,
) -> *const rag_partly_read {
    // SAFETY: null or live, by contract.
    let report = unsafe { report.as_ref() };
    report.and_then(|report| report.unread.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// The report as a JSON object. On success `*json` is owned by the caller: free it with
/// rag_string_free.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_sync_report_to_json(
    report: *const rag_sync_report,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                serde_json::to_string(&boundary::handle(report, "report")?.report)
                    .map_err(|cause| Error::internal_cause("the report does not fit JSON", cause))
            })
        })
    }
}

/// Frees a report. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_sync_report_free(report: *mut rag_sync_report) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(report) }
}

/// One thing found wrong. Lent by rag_check_report_at until the report is freed; later versions may
/// append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_damage {
    /// Which part: "file", "document", "passage", "vector", "lexical" or "segment".
    pub part: *const c_char,
    /// What is wrong, and with which row.
    pub message: *const c_char,
    /// 1 if the part can be made again from what is intact, else 0.
    pub repairable: i32,
    /// Zero.
    pub reserved: i32,
}

/// What a check found. Owned by the caller; free it once with rag_check_report_free.
pub struct rag_check_report {
    damage: Vec<Damage>,
    views: Vec<rag_damage>,
    _texts: Texts,
}

impl fmt::Debug for rag_check_report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.damage.fmt(f)
    }
}

impl From<Vec<Damage>> for rag_check_report {
    fn from(damage: Vec<Damage>) -> Self {
        let mut texts = Texts::default();
        let views = damage
            .iter()
            .map(|damage| rag_damage {
                part: texts.keep(&damage.part),
                message: texts.keep(&damage.message),
                repairable: i32::from(damage.repairable),
                reserved: 0,
            })
            .collect();
        Self { damage, views, _texts: texts }
    }
}

/// How many damages were found; 0 is a sound file, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_check_report_count(report: *const rag_check_report) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { report.as_ref() }.map_or(0, |report| report.views.len())
}

/// The damage at `index`, from 0, lent until the report is freed; NULL beyond the last and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_check_report_at(
    report: *const rag_check_report,
    index: usize,
) -> *const rag_damage {
    // SAFETY: null or live, by contract.
    let report = unsafe { report.as_ref() };
    report.and_then(|report| report.views.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// Frees a report. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_check_report_free(report: *mut rag_check_report) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(report) }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    #[test]
    fn a_report_lends_each_skipped_file_with_its_status() {
        let error = Error::document("a.pdf".as_ref(), Unreadable::NoText, "no text");
        let skipped = vec![Skipped { path: "a.pdf".into(), error }];
        let report = rag_sync_report::from(SyncReport { added: 2, skipped, ..Default::default() });
        // SAFETY: `report` lives; the views point into it.
        unsafe {
            let counts = &*rag_sync_report_counts(&report);
            assert_eq!((counts.added, counts.skipped), (2, 1));
            let first = &*rag_sync_report_skipped_at(&report, 0);
            assert_eq!(first.code, rag_status::RAG_DOCUMENT as i32);
            assert_eq!(CStr::from_ptr(first.unreadable), c"NoText");
            assert_eq!(CStr::from_ptr(first.message), c"cannot read a.pdf: no text");
            assert!(rag_sync_report_skipped_at(&report, 1).is_null());
        }
    }
}
