//! The tables of the documents, as JSON.

use std::ffi::c_char;

use rag_core::Error;
use rag_core::store::Filter;

use crate::boundary;
use crate::error::{rag_error, rag_status, run};
use crate::handles::{self, rag_kb};

/// The tables of the documents that pass `filter`, as the JSON object {"tables": [{"id", "uri",
/// "title", "columns": [{"name", "kind", "unit", "note"}], "row_count", "start", "end", "notes"}]}.
/// A kind is "text", "integer", "number", "percent", "currency" or "date". `filter` may be NULL:
/// those of all documents. On success `*json` is owned by the caller: free it with rag_string_free.
///
/// RAG_INVALID_ARGUMENT: the filter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_tables(
    kb: *const rag_kb,
    filter: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let kb = handles::shared(kb)?;
                let filter = boundary::optional_text(filter, "filter")?.map(Filter::parse);
                let tables = kb.enter()?.tables(filter.transpose()?.as_ref())?;
                serde_json::to_string(&serde_json::json!({ "tables": tables }))
                    .map_err(|cause| Error::internal_cause("tables do not fit JSON", cause))
            })
        })
    }
}

/// The table that rag_kb_tables calls `id`, as the same JSON object with "rows": for each row its
/// cells, each {"text", "start", "end"} in bytes of the document's text. On success `*json` is
/// owned by the caller: free it with rag_string_free.
///
/// RAG_NOT_FOUND: there is no such table; those of a document that changed have new ids.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_table(
    kb: *const rag_kb,
    id: *const c_char,
    json: *mut *mut c_char,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            boundary::text_output(json, "json", || {
                let kb = handles::shared(kb)?;
                let table = kb.enter()?.table(boundary::text(id, "id")?)?;
                serde_json::to_string(&table)
                    .map_err(|cause| Error::internal_cause("a table does not fit JSON", cause))
            })
        })
    }
}
