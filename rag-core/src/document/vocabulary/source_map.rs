//! Where each stretch of text stands in the source file, and how that is packed for the store.
//!
//! A segment whose text and source have the same length maps byte for byte; any other maps as a
//! whole. Text between segments (separators that a reader put in) maps to nothing.

use std::fmt;
use std::ops::Range;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::document::vocabulary::{Part, Unit};

mod packing;

/// Where a stretch of text came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// Bytes of the source file; of what it unpacks to, if the file is compressed as a whole.
    Bytes(Range<u64>),
    /// A page, counted from 1.
    Page(u32),
    /// A rectangle on a page.
    Area(Area),
    /// A part of a container: a paragraph, a slide, a row of a sheet.
    Part(Part),
}

/// A rectangle on a page, such as a line of text in a PDF.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Area {
    /// Counted from 1.
    pub page: u32,
    /// Left, bottom, right, top in whole points, in the coordinates of the page (ISO 32000-1,
    /// 8.3.2.3): those in which a viewer takes an annotation's rectangle.
    pub bounds: [i32; 4],
}

/// `{"bytes": {"start", "end"}}`, `{"page"}`, `{"page", "bounds"}` or
/// `{"part": {"unit", "number", "name"}}`.
impl Serialize for Location {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Location::Bytes(bytes) => map.serialize_entry("bytes", bytes)?,
            Location::Page(page) => map.serialize_entry("page", page)?,
            Location::Area(area) => {
                map.serialize_entry("page", &area.page)?;
                map.serialize_entry("bounds", &area.bounds)?;
            }
            Location::Part(part) => map.serialize_entry("part", part)?,
        }
        map.end()
    }
}

/// For a person: `bytes 10-20`, `page 3`, `sheet Budget, row 12`.
impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Bytes(bytes) => write!(out, "bytes {}-{}", bytes.start, bytes.end),
            Location::Page(page) | Location::Area(Area { page, .. }) => write!(out, "page {page}"),
            Location::Part(part) => part.fmt(out),
        }
    }
}

/// Maps ranges of the text to places in the source. Segments do not overlap and stand in text
/// order.
///
/// A segment of bytes whose text is as long as its source maps byte for byte; any other is
/// indivisible.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceMap {
    /// Text range and where it came from.
    pub segments: Vec<(Range<usize>, Location)>,
}

impl SourceMap {
    /// The map of a text that is the file, byte for byte.
    #[must_use]
    pub fn identity(length_bytes: usize) -> Self {
        Self::shifted(length_bytes, 0)
    }

    /// The map of a text that is the file from byte `offset` on.
    pub(crate) fn shifted(length_bytes: usize, offset: u64) -> Self {
        let mut map = Self::default();
        map.push_exact(0..length_bytes, offset);
        map
    }

    /// The source bytes that a text range came from, if the source has bytes to show.
    #[must_use]
    pub fn source_bytes(&self, range: &Range<usize>) -> Option<Range<u64>> {
        let first = self.segments.partition_point(|(text, _)| text.end <= range.start);
        let mut found: Option<Range<u64>> = None;
        for (text, location) in self.segments.get(first..)? {
            if text.start >= range.end {
                break;
            }
            let Location::Bytes(source) = location else { continue };
            let part = narrow(text, source, range);
            found = Some(match found {
                Some(so_far) => so_far.start.min(part.start)..so_far.end.max(part.end),
                None => part,
            });
        }
        found
    }

    /// The page or slide on which a text range begins, counted from 1.
    #[must_use]
    pub fn page(&self, range: &Range<usize>) -> Option<u32> {
        self.from(range).iter().find_map(|(_, location)| match location {
            Location::Page(page) | Location::Area(Area { page, .. }) => Some(*page),
            Location::Part(part) if part.unit == Unit::Slide => Some(part.number),
            Location::Bytes(_) | Location::Part(_) => None,
        })
    }

    /// Where a text range begins, in words: `page 3`, `sheet Budget, row 12`, `bytes 10-20`.
    #[must_use]
    pub fn place(&self, range: &Range<usize>) -> Option<String> {
        let (_, location) = self.from(range).first().filter(|(text, _)| text.start < range.end)?;
        Some(match location {
            Location::Bytes(_) => Location::Bytes(self.source_bytes(range)?).to_string(),
            _ => location.to_string(),
        })
    }

    /// Every place that a text range came from, in the order of the text: stretches of bytes that
    /// follow each other are one, and so are equal places.
    #[must_use]
    pub fn locations(&self, range: &Range<usize>) -> Vec<Location> {
        let mut found: Vec<Location> = Vec::new();
        for (text, location) in self.from(range) {
            if text.start >= range.end {
                break;
            }
            let location = match location {
                Location::Bytes(source) => Location::Bytes(narrow(text, source, range)),
                _ => location.clone(),
            };
            match (found.last_mut(), &location) {
                (Some(Location::Bytes(last)), Location::Bytes(next)) if last.end == next.start => {
                    last.end = next.end;
                }
                (Some(last), _) if *last == location => {}
                _ => found.push(location),
            }
        }
        found
    }

    /// The segments that end after a range begins.
    fn from(&self, range: &Range<usize>) -> &[(Range<usize>, Location)] {
        let first = self.segments.partition_point(|(text, _)| text.end <= range.start);
        self.segments.get(first..).unwrap_or_default()
    }

    /// Adds a stretch that maps byte for byte to the source from `source_start` on.
    pub(crate) fn push_exact(&mut self, text: Range<usize>, source_start: u64) {
        if text.is_empty() {
            return;
        }
        if let Some((last_text, Location::Bytes(last_source))) = self.segments.last_mut()
            && last_text.end == text.start
            && last_source.end == source_start
            && last_text.len() as u64 == last_source.end - last_source.start
        {
            last_source.end += text.len() as u64;
            last_text.end = text.end;
            return;
        }
        let source = source_start..source_start + text.len() as u64;
        self.segments.push((text, Location::Bytes(source)));
    }

    /// Adds a stretch of `content` that maps to `source` only as a whole; `start` is where it
    /// stands in the text.
    pub(crate) fn push_whole(&mut self, start: usize, content: &str, source: Range<u64>) {
        let end = start + content.len();
        let first_char = content.chars().next().map_or(0, char::len_utf8);
        let looks_exact = content.len() as u64 == source.end - source.start;
        if looks_exact && content.len() > first_char {
            self.segments.push((start..start + first_char, Location::Bytes(source.clone())));
            self.push_rest(start + first_char..end, source);
        } else if !content.is_empty() {
            self.segments.push((start..end, Location::Bytes(source)));
        }
    }

    /// The tail of a stretch that maps as a whole; shorter than `source`, so it cannot look exact.
    fn push_rest(&mut self, text: Range<usize>, source: Range<u64>) {
        self.segments.push((text, Location::Bytes(source)));
    }

    /// Adds a stretch that came from `location` as a whole.
    pub(crate) fn push(&mut self, text: Range<usize>, location: Location) {
        if !text.is_empty() {
            self.segments.push((text, location));
        }
    }

    /// Forgets what stands from `end` of the text on.
    pub(crate) fn truncate(&mut self, end: usize) {
        let kept = self.segments.partition_point(|(text, _)| text.start < end);
        self.segments.truncate(kept);
        if let Some((text, location)) = self.segments.last_mut().filter(|(text, _)| text.end > end)
        {
            match location {
                Location::Bytes(source) if source.end - source.start == text.len() as u64 => {
                    source.end -= (text.end - end) as u64;
                }
                _ => {}
            }
            text.end = end;
        }
    }

    /// As [`SourceMap::push`]; if it came from where the stretch before did, both are one.
    pub(crate) fn push_on(&mut self, text: Range<usize>, location: Location) {
        match self.segments.last_mut() {
            Some((last, place)) if *place == location => last.end = text.end,
            _ => self.push(text, location),
        }
    }

    /// This map, from `text` to a text between, followed by `inner`, from there to the source.
    pub(crate) fn through(self, text: &str, inner: &SourceMap) -> SourceMap {
        let mut map = SourceMap::default();
        for (range, location) in self.segments {
            let Location::Bytes(between) = location else { continue };
            let between = between.start as usize..between.end as usize;
            if range.len() == between.len() {
                map.push_through(text, &range, &between, inner);
            } else if let (Some(content), Some(source)) =
                (text.get(range.clone()), inner.source_bytes(&between))
            {
                map.push_whole(range.start, content, source);
            }
        }
        map
    }

    fn push_through(
        &mut self,
        text: &str,
        range: &Range<usize>,
        between: &Range<usize>,
        inner: &SourceMap,
    ) {
        let first = inner.segments.partition_point(|(middle, _)| middle.end <= between.start);
        for (middle, location) in inner.segments.get(first..).unwrap_or_default() {
            if middle.start >= between.end {
                break;
            }
            let Location::Bytes(source) = location else { continue };
            let shared = middle.start.max(between.start)..middle.end.min(between.end);
            let start = range.start + (shared.start - between.start);
            if middle.len() as u64 == source.end - source.start {
                let source_start = source.start + (shared.start - middle.start) as u64;
                self.push_exact(start..start + shared.len(), source_start);
            } else if let Some(content) = text.get(start..start + shared.len()) {
                self.push_whole(start, content, source.clone());
            }
        }
    }
}

/// The part of `source` that the part of `text` inside `range` came from.
fn narrow(text: &Range<usize>, source: &Range<u64>, range: &Range<usize>) -> Range<u64> {
    if text.len() as u64 != source.end - source.start {
        return source.clone();
    }
    let head = range.start.saturating_sub(text.start) as u64;
    let tail = text.end.saturating_sub(range.end) as u64;
    source.start + head..source.end - tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shifted_map_moves_every_byte() {
        let map = SourceMap::shifted(10, 3);
        assert_eq!(map.source_bytes(&(2..5)), Some(5..8));
        assert_eq!(map.page(&(2..5)), None);
    }

    #[test]
    fn a_whole_segment_is_never_cut_even_if_lengths_agree() {
        let mut map = SourceMap::default();
        map.push_exact(0..4, 100);
        map.push_whole(4, "abcd", 104..108);
        map.push_exact(8..10, 108);
        assert_eq!(map.source_bytes(&(4..5)), Some(104..108));
        assert_eq!(map.source_bytes(&(6..7)), Some(104..108));
        assert_eq!(map.source_bytes(&(3..5)), Some(103..108));
        assert_eq!(map.source_bytes(&(9..10)), Some(109..110));
    }

    #[test]
    fn ranges_between_segments_widen_to_what_they_touch() {
        let mut map = SourceMap::default();
        map.push_exact(0..4, 10);
        map.push_exact(6..8, 20);
        assert_eq!(map.source_bytes(&(2..7)), Some(12..21));
        assert_eq!(map.source_bytes(&(4..6)), None);
        assert_eq!(map.segments.len(), 2);
    }

    #[test]
    fn a_range_begins_on_the_page_of_its_first_text() {
        let mut map = SourceMap::default();
        map.push(0..10, Location::Page(1));
        map.push(12..20, Location::Area(Area { page: 2, bounds: [72, 700, 500, 712] }));
        assert_eq!(map.page(&(9..15)), Some(1));
        assert_eq!(map.page(&(11..15)), Some(2));
        assert_eq!(map.page(&(30..31)), None);
        assert_eq!(map.place(&(13..14)).as_deref(), Some("page 2"));
        let json = serde_json::to_value(map.locations(&(0..30))).ok();
        let area = serde_json::json!({ "page": 2, "bounds": [72, 700, 500, 712] });
        assert_eq!(json, Some(serde_json::json!([{ "page": 1 }, area])));
    }

    #[test]
    fn bytes_that_follow_each_other_are_one_place() {
        let mut map = SourceMap::default();
        map.push_exact(0..4, 10);
        map.push_whole(4, "e", 14..20);
        map.push_exact(6..8, 30);
        assert_eq!(map.locations(&(2..7)), [Location::Bytes(12..20), Location::Bytes(30..31)]);
        assert_eq!(map.locations(&(5..6)), []);
    }

    #[test]
    fn maps_follow_each_other() {
        let inner = SourceMap::shifted(20, 3);
        let mut outer = SourceMap::default();
        outer.push_exact(0..5, 7);
        outer.push_whole(5, "&", 12..17);
        let map = outer.through("hello&", &inner);
        assert_eq!(map.source_bytes(&(1..3)), Some(11..13));
        assert_eq!(map.source_bytes(&(5..6)), Some(15..20));
    }
}
