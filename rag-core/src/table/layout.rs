//! The text of a document, put together again from its passages.
//!
//! Passages are cut at white space, which the store does not keep; how long it was it does. Between
//! passages of one table that is the end of a line and the tabs of empty cells; the source map of
//! containers says which row begins where.

use crate::document::{Location, SourceMap, Unit};
use crate::store::PassageRow;

/// What the store keeps of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'a> {
    /// Its number.
    pub(crate) document_id: i64,
    /// The name of its format.
    pub(crate) kind: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) lang: Option<&'a str>,
    /// All of them, in order.
    pub(crate) passages: &'a [PassageRow],
    pub(crate) map: &'a SourceMap,
}

impl Stored<'_> {
    /// The text of the document; every passage at its place.
    pub(super) fn text(&self) -> String {
        let length = self.passages.last().map_or(0, |last| last.end);
        let mut text = String::with_capacity(length);
        for passage in self.passages {
            if passage.start > text.len() {
                let gap = self.gap(&text, passage);
                text.push_str(&gap);
            }
            // passages may overlap
            let known = text.len() - passage.start.min(text.len());
            text.push_str(passage.text.get(known..).unwrap_or_default());
        }
        text
    }

    /// The white space between the text so far and a passage.
    fn gap(&self, text: &str, next: &PassageRow) -> String {
        let length = next.start - text.len();
        let row = self.row_start(text.len()..next.start + 1);
        if let Some(start) = row.filter(|start| *start >= text.len()) {
            let lines = start - text.len();
            return "\n".repeat(lines) + &"\t".repeat(length - lines);
        }
        if row.is_some() {
            return " ".repeat(length);
        }
        let goes_on = next.heading.as_deref().is_some_and(|heading| {
            heading.rsplit(" > ").next().is_some_and(|last| last.contains(" | "))
        });
        let above = text.lines().next_back().filter(|_| goes_on);
        let before = if goes_on || length == 1 { "\n" } else { "\n\n" };
        let room = length.saturating_sub(before.len());
        let tabs = missing_cells(above, &next.text).unwrap_or(room).min(room);
        format!("{before}{}{}", " ".repeat(room - tabs), "\t".repeat(tabs))
    }

    /// Where the row begins that a container says these bytes are in.
    fn row_start(&self, range: std::ops::Range<usize>) -> Option<usize> {
        let segments = &self.map.segments;
        let first = segments.partition_point(|(text, _)| text.end < range.end);
        let (text, location) = segments.get(first).filter(|(text, _)| text.start < range.end)?;
        match location {
            Location::Part(part) if part.unit == Unit::Row => Some(text.start),
            _ => None,
        }
    }
}

/// How many empty cells the first row of a passage has lost at its beginning, as the row below
/// shows, or the one above it in the same table; nothing if none does.
fn missing_cells(above: Option<&str>, passage: &str) -> Option<usize> {
    let cells = |line: &str| line.matches('\t').count();
    let mut lines = passage.lines();
    let first = lines.next().map_or(0, cells);
    // the last row of a passage has lost those at its end
    let below = lines.next().map(cells).filter(|below| *below >= first);
    match (below, above.map(cells)) {
        (Some(other), _) | (None, Some(other)) => Some(other.saturating_sub(first)),
        (None, None) => (first == 0).then_some(0),
    }
}
