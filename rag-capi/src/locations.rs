//! Where passages stand in their files.

use std::ffi::c_char;
use std::{fmt, ptr};

use rag_core::document::{Area, Location, Part};

use crate::boundary::{self, Output, Texts};
use crate::error::{rag_error, rag_status, run};
use crate::handles::{self, rag_kb};

/// What kind of place a rag_location is. Numbers are never reused or changed; later versions may
/// add some.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum rag_place {
    /// Bytes of the file; of what it unpacks to, if it is compressed as a whole.
    RAG_PLACE_BYTES = 0,
    /// A page.
    RAG_PLACE_PAGE = 1,
    /// A rectangle on a page, such as a line of text in a PDF.
    RAG_PLACE_AREA = 2,
    /// A numbered part: a paragraph, a slide, a row of a sheet.
    RAG_PLACE_PART = 3,
}

/// A place in a file. Lent by a rag_locations; later versions may append fields.
#[repr(C)]
#[derive(Debug)]
pub struct rag_location {
    /// A rag_place.
    pub kind: i32,
    /// Of pages and areas, from 1; else 0.
    pub page: u32,
    /// Of bytes: the first.
    pub start: u64,
    /// Of bytes: one past the last.
    pub end: u64,
    /// Of areas: left, bottom, right, top in whole points, in the coordinates of the page.
    pub bounds: [i32; 4],
    /// Of parts: what is counted, such as "row"; else NULL.
    pub unit: *const c_char,
    /// Of parts: what it stands in or is called, such as "sheet Budget"; NULL if it has no name.
    pub name: *const c_char,
    /// For a person: "page 3", "sheet Budget, row 12". Never NULL.
    pub text: *const c_char,
    /// Of parts, from 1; else 0.
    pub number: u32,
    /// Zero.
    pub reserved: u32,
}

/// Places, in the order of the text. Owned by the caller; free it once with rag_locations_free. Any
/// number of threads may read it.
pub struct rag_locations {
    views: Vec<rag_location>,
    _texts: Texts,
}

impl fmt::Debug for rag_locations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.views).finish()
    }
}

impl From<Vec<Location>> for rag_locations {
    fn from(locations: Vec<Location>) -> Self {
        let mut texts = Texts::default();
        let views = locations.iter().map(|location| view(location, &mut texts)).collect();
        Self { views, _texts: texts }
    }
}

fn view(location: &Location, texts: &mut Texts) -> rag_location {
    let mut view = rag_location {
        kind: rag_place::RAG_PLACE_BYTES as i32,
        page: 0,
        start: 0,
        end: 0,
        bounds: [0; 4],
        unit: ptr::null(),
        name: ptr::null(),
        text: texts.keep(&location.to_string()),
        number: 0,
        reserved: 0,
    };
    match location {
        Location::Bytes(bytes) => (view.start, view.end) = (bytes.start, bytes.end),
        Location::Page(page) => {
            view.kind = rag_place::RAG_PLACE_PAGE as i32;
            view.page = *page;
        }
        Location::Area(Area { page, bounds }) => {
            view.kind = rag_place::RAG_PLACE_AREA as i32;
            (view.page, view.bounds) = (*page, *bounds);
        }
        Location::Part(Part { unit, number, name }) => {
            view.kind = rag_place::RAG_PLACE_PART as i32;
            view.unit = texts.keep(unit.word());
            view.name = texts.keep_optional(name.as_deref());
            view.number = *number;
        }
        // kinds that this version has no number for are still told in words
        _ => view.kind = -1,
    }
    view
}

/// Every place in its file that a passage came from: bytes to open an editor at, pages with the
/// rectangle of each line, paragraphs, rows, slides, chapters.
///
/// `store` is the `store` of the hit or citation, 0 for this file. `start` and `end` choose a part
/// of the passage in bytes of the document's text, such as those of a citation; both 0 for all of
/// it. On success `*locations` is owned by the caller: free it with rag_locations_free.
///
/// RAG_NOT_FOUND: there is no such passage. RAG_INVALID_ARGUMENT: no such store, or a range that is
/// not in the passage.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_kb_locate(
    kb: *const rag_kb,
    store: usize,
    passage_id: i64,
    start: usize,
    end: usize,
    locations: *mut *mut rag_locations,
    error: *mut *mut rag_error,
) -> rag_status {
    // SAFETY: the pointers are null or valid as the contract above says.
    unsafe {
        run(error, || {
            let place = Output::required(locations, "locations")?;
            let kb = handles::shared(kb)?;
            let range = ((start, end) != (0, 0)).then_some(start..end);
            let found = kb.enter()?.locate(store, passage_id, range)?;
            place.set(|| found.into());
            Ok(())
        })
    }
}

/// How many there are; 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_locations_count(locations: *const rag_locations) -> usize {
    // SAFETY: null or live, by contract.
    unsafe { locations.as_ref() }.map_or(0, |locations| locations.views.len())
}

/// The place at `index`, from 0, lent until `locations` is freed; NULL beyond the last and for
/// NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_locations_at(
    locations: *const rag_locations,
    index: usize,
) -> *const rag_location {
    // SAFETY: null or live, by contract.
    let locations = unsafe { locations.as_ref() };
    locations.and_then(|all| all.views.get(index)).map_or(ptr::null(), ptr::from_ref)
}

/// Frees places. NULL is allowed and does nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rag_locations_free(locations: *mut rag_locations) {
    // SAFETY: null or owned by the caller, by contract.
    unsafe { boundary::free(locations) }
}
