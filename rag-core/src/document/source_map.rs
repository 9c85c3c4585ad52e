//! Where each stretch of text stands in the source file, and how that is packed for the store.
//!
//! A segment whose text and source have the same length maps byte for byte; any other maps as a
//! whole. Text between segments (separators that a reader put in) maps to nothing.

use std::ops::Range;

use serde::Serialize;

/// Where a stretch of text came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// Bytes of the source file.
    Bytes(Range<u64>),
    /// A page, counted from 1.
    Page(u32),
}

/// Maps ranges of the text to places in the source. Segments do not overlap and stand in text order.
///
/// A segment of bytes whose text is as long as its source maps byte for byte; any other is indivisible.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceMap {
    /// Text range and where it came from.
    pub segments: Vec<(Range<usize>, Location)>,
}

/// First byte of a packed map: the version of the packing.
const PACKING: u8 = 1;

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

    /// The page on which a text range begins, counted from 1.
    #[must_use]
    pub fn page(&self, range: &Range<usize>) -> Option<u32> {
        let first = self.segments.partition_point(|(text, _)| text.end <= range.start);
        self.segments.get(first..)?.iter().find_map(|(_, location)| match location {
            Location::Page(page) => Some(*page),
            Location::Bytes(_) => None,
        })
    }

    /// Packs the map for the store: a version byte, then four variable-length integers a segment.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![PACKING];
        let (mut text_end, mut source_end) = (0_usize, 0_u64);
        for (text, location) in &self.segments {
            write_varint(&mut bytes, text.start.wrapping_sub(text_end) as u64);
            write_varint(&mut bytes, (text.end - text.start) as u64);
            text_end = text.end;
            match location {
                Location::Bytes(source) => {
                    write_signed(&mut bytes, source.start.wrapping_sub(source_end) as i64, 0);
                    let growth =
                        (source.end - source.start) as i64 - (text.end - text.start) as i64;
                    write_varint(&mut bytes, zigzag(growth));
                    source_end = source.end;
                }
                Location::Page(page) => write_signed(&mut bytes, i64::from(*page), 1),
            }
        }
        bytes
    }

    /// Reads what [`SourceMap::to_bytes`] wrote; `None` if the bytes are damaged.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&version, mut rest) = bytes.split_first()?;
        if version != PACKING {
            return None;
        }
        let mut map = Self::default();
        let (mut text_end, mut source_end) = (0_usize, 0_u64);
        while !rest.is_empty() {
            let start = text_end.checked_add(usize::try_from(read_varint(&mut rest)?).ok()?)?;
            let end = start.checked_add(usize::try_from(read_varint(&mut rest)?).ok()?)?;
            text_end = end;
            let tagged = read_varint(&mut rest)?;
            let value = unzigzag(tagged >> 1);
            let location = if tagged & 1 == 1 {
                Location::Page(u32::try_from(value).ok()?)
            } else {
                let source_start = source_end.checked_add_signed(value)?;
                let growth = unzigzag(read_varint(&mut rest)?);
                let length = ((end - start) as u64).checked_add_signed(growth)?;
                source_end = source_start.checked_add(length)?;
                Location::Bytes(source_start..source_end)
            };
            map.segments.push((start..end, location));
        }
        Some(map)
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

    /// Adds a stretch of `content` that maps to `source` only as a whole; `start` is where it stands in the text.
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

    /// Adds a page; `text` is everything on it.
    pub(crate) fn push_page(&mut self, text: Range<usize>, page: u32) {
        if !text.is_empty() {
            self.segments.push((text, Location::Page(page)));
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

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// Writes a signed value with a tag in its lowest bit. Values stay far below 2^62: they are file offsets.
fn write_signed(bytes: &mut Vec<u8>, value: i64, tag: u64) {
    write_varint(bytes, zigzag(value) << 1 | tag);
}

fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

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
        map.push_page(0..10, 1);
        map.push_page(12..20, 2);
        assert_eq!(map.page(&(9..15)), Some(1));
        assert_eq!(map.page(&(11..15)), Some(2));
        assert_eq!(map.page(&(30..31)), None);
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

    #[test]
    fn an_unknown_packing_is_refused() {
        assert_eq!(SourceMap::from_bytes(&[]), None);
        assert_eq!(SourceMap::from_bytes(&[9, 0, 1]), None);
        assert_eq!(SourceMap::from_bytes(&[1, 0x80]), None);
    }

    prop_compose! {
        fn any_map()(parts in prop::collection::vec((0_usize..50, 1_usize..900, 0_u64..1 << 40, 0_u64..900, any::<bool>()), 0..40)) -> SourceMap {
            let mut map = SourceMap::default();
            let mut end = 0;
            for (gap, length, source, source_length, paged) in parts {
                let text = end + gap..end + gap + length;
                end = text.end;
                let location = if paged { Location::Page(source as u32) } else { Location::Bytes(source..source + source_length) };
                map.segments.push((text, location));
            }
            map
        }
    }

    proptest! {
        #[test]
        fn packing_gives_the_map_back(map in any_map()) {
            prop_assert_eq!(SourceMap::from_bytes(&map.to_bytes()), Some(map));
        }

        #[test]
        fn any_bytes_unpack_or_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = SourceMap::from_bytes(&bytes);
        }
    }
}
