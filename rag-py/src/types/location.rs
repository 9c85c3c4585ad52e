//! A place in a file.

use std::ops::Range;

use pyo3::prelude::*;
use rag_core::document::{Area, Location as Place, Part};

use super::{Citation, Hit, Passage, repr};
use crate::dict::to_plain;

/// A place in a file, as `KnowledgeBase.locate` gives it. `str()` says it for a person: "page 3",
/// "sheet Budget, row 12".
#[pyclass(frozen, eq, module = "rag_py._native")]
#[derive(PartialEq)]
pub(crate) struct Location(pub(crate) Place);

impl Location {
    fn part(&self) -> Option<&Part> {
        match &self.0 {
            Place::Part(part) => Some(part),
            _ => None,
        }
    }
}

#[pymethods]
impl Location {
    /// Of bytes: the first, and one past the last; of what the file unpacks to, if it is compressed
    /// as a whole.
    #[getter]
    fn bytes(&self) -> Option<(u64, u64)> {
        match &self.0 {
            Place::Bytes(bytes) => Some((bytes.start, bytes.end)),
            _ => None,
        }
    }

    /// Of pages, from 1.
    #[getter]
    fn page(&self) -> Option<u32> {
        match &self.0 {
            Place::Page(page) | Place::Area(Area { page, .. }) => Some(*page),
            _ => None,
        }
    }

    /// Of lines of a PDF: left, bottom, right, top in whole points, in the coordinates of the page.
    #[getter]
    fn bounds(&self) -> Option<(i32, i32, i32, i32)> {
        match &self.0 {
            Place::Area(Area { bounds: [left, bottom, right, top], .. }) => {
                Some((*left, *bottom, *right, *top))
            }
            _ => None,
        }
    }

    /// Of parts: what is counted, such as "paragraph", "row", "slide" or "chapter".
    #[getter]
    fn unit(&self) -> Option<&'static str> {
        self.part().map(|part| part.unit.word())
    }

    /// Of parts, from 1.
    #[getter]
    fn number(&self) -> Option<u32> {
        self.part().map(|part| part.number)
    }

    /// Of parts: what it stands in or is called, such as "sheet Budget".
    #[getter]
    fn name(&self) -> Option<&str> {
        self.part()?.name.as_deref()
    }

    /// The same as plain values.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_plain(py, &self.0)
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Location({})", repr(py, &self.0.to_string())?))
    }
}

/// What can be looked for in its file.
#[derive(FromPyObject)]
pub(crate) enum Findable<'py> {
    Hit(PyRef<'py, Hit>),
    Citation(PyRef<'py, Citation>),
    Passage(PyRef<'py, Passage>),
    Id(i64),
}

impl Findable<'_> {
    /// The store, the passage, and the part of it.
    pub(crate) fn place(&self) -> (usize, i64, Option<Range<usize>>) {
        match self {
            Self::Hit(hit) => (hit.0.store, hit.0.passage_id, None),
            Self::Citation(cited) => {
                (cited.0.store, cited.0.passage_id, Some(cited.0.start..cited.0.end))
            }
            Self::Passage(passage) => (0, passage.0.id, None),
            Self::Id(id) => (0, *id, None),
        }
    }
}
