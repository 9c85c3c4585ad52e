//! Places in containers that have no bytes to point at: paragraphs, slides, rows, chapters.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

/// A numbered part of a document, inside a named one where there are several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// What is counted.
    pub unit: Unit,
    /// Counted from 1.
    pub number: u32,
    /// What it stands in or is called: `sheet Budget`, `table 2`, the title of a chapter.
    #[serde(serialize_with = "name")]
    pub name: Option<Arc<str>>,
}

/// What a [`Part`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Unit {
    /// A paragraph of a text document.
    Paragraph,
    /// A slide of a presentation.
    Slide,
    /// A row of a sheet or table.
    Row,
    /// A chapter of a book.
    Chapter,
    /// A message of a mailbox.
    Message,
    /// A file inside the file.
    Attachment,
    /// A cell of a notebook.
    Cell,
}

/// In the order of their codes in the store; only ever appended to.
const UNITS: [Unit; 7] = [
    Unit::Paragraph,
    Unit::Slide,
    Unit::Row,
    Unit::Chapter,
    Unit::Message,
    Unit::Attachment,
    Unit::Cell,
];

impl Unit {
    /// The number stored for it.
    pub(in crate::document) fn code(self) -> u8 {
        UNITS.iter().position(|&unit| unit == self).unwrap_or(0) as u8
    }

    pub(in crate::document) fn from_code(code: u8) -> Option<Self> {
        UNITS.get(usize::from(code)).copied()
    }

    /// The word for one: `paragraph`, `slide`, `row`, ...
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Unit::Paragraph => "paragraph",
            Unit::Slide => "slide",
            Unit::Row => "row",
            Unit::Chapter => "chapter",
            Unit::Message => "message",
            Unit::Attachment => "attachment",
            Unit::Cell => "cell",
        }
    }
}

/// For a person: `paragraph 4`, `sheet Budget, row 12`, `chapter 3 (The river)`.
impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, number) = (self.unit.word(), self.number);
        match (&self.name, self.unit) {
            (Some(name), Unit::Row | Unit::Paragraph) => write!(out, "{name}, {word} {number}"),
            (Some(name), _) => write!(out, "{word} {number} ({name})"),
            (None, _) => write!(out, "{word} {number}"),
        }
    }
}

fn name<S: Serializer>(name: &Option<Arc<str>>, to: S) -> Result<S::Ok, S::Error> {
    name.as_deref().serialize(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_as_a_person_would_say_them() {
        let part = |unit, name: Option<&str>| Part { unit, number: 12, name: name.map(Arc::from) };
        assert_eq!(part(Unit::Row, Some("sheet Budget")).to_string(), "sheet Budget, row 12");
        assert_eq!(part(Unit::Slide, None).to_string(), "slide 12");
        assert_eq!(part(Unit::Chapter, Some("The river")).to_string(), "chapter 12 (The river)");
    }

    #[test]
    fn codes_are_the_ones_in_the_store() {
        for (code, unit) in UNITS.into_iter().enumerate() {
            assert_eq!((usize::from(unit.code()), Unit::from_code(code as u8)), (code, Some(unit)));
        }
        assert_eq!(Unit::Cell.code(), 6);
    }
}
