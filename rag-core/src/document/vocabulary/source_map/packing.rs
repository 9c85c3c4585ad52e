//! How a source map is packed for the store.
//!
//! Version 1 holds bytes and pages, four variable-length integers a segment. Version 2 adds parts
//! of containers and begins with a table of their names; version 3 adds areas of pages. Each is
//! written only where a map has such places, so that files of older releases and newer ones agree
//! on all other documents.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Area, Location, SourceMap};
use crate::document::vocabulary::{Part, Unit};

/// First byte of a map of bytes and pages.
const PLAIN: u8 = 1;

/// First byte of a map with parts.
const PARTS: u8 = 2;

/// First byte of a map with areas, and maybe parts.
const AREAS: u8 = 3;

/// Least kind of map that can hold a place.
fn version(location: &Location) -> u8 {
    match location {
        Location::Bytes(_) | Location::Page(_) => PLAIN,
        Location::Part(_) => PARTS,
        Location::Area(_) => AREAS,
    }
}

impl SourceMap {
    /// Packs the map for the store: a version byte, then variable-length integers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut packer = Packer::default();
        let version = self.segments.iter().map(|(_, at)| version(at)).max().unwrap_or(PLAIN);
        packer.bytes.push(version);
        if version > PLAIN {
            packer.names(self);
        }
        packer.tag_bits = if version > PLAIN { 2 } else { 1 };
        let mut text_end = 0_usize;
        for (text, location) in &self.segments {
            write_varint(&mut packer.bytes, text.start.wrapping_sub(text_end) as u64);
            write_varint(&mut packer.bytes, (text.end - text.start) as u64);
            text_end = text.end;
            packer.location(location, (text.end - text.start) as i64);
        }
        packer.bytes
    }

    /// Reads what [`SourceMap::to_bytes`] wrote; `None` if the bytes are damaged.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&version, rest) = bytes.split_first()?;
        let mut unpacker = Unpacker { rest, ..Unpacker::default() };
        unpacker.tag_bits = match version {
            PLAIN => 1,
            PARTS | AREAS => 2,
            _ => return None,
        };
        if version > PLAIN {
            unpacker.read_names()?;
        }
        let mut map = Self::default();
        let mut text_end = 0_usize;
        while !unpacker.rest.is_empty() {
            let start = text_end.checked_add(usize::try_from(unpacker.varint()?).ok()?)?;
            let end = start.checked_add(usize::try_from(unpacker.varint()?).ok()?)?;
            text_end = end;
            let location = unpacker.location((end - start) as u64)?;
            map.segments.push((start..end, location));
        }
        Some(map)
    }
}

#[derive(Default)]
struct Packer {
    bytes: Vec<u8>,
    /// Their places in the table, counted from 1.
    names: HashMap<Arc<str>, usize>,
    tag_bits: u32,
    source_end: u64,
    /// Of the part before: most follow each other.
    number: u32,
    /// The one before, likewise.
    area: Area,
}

impl Packer {
    /// Writes the table of names: their count, then length and text of each.
    fn names(&mut self, map: &SourceMap) {
        let mut table = Vec::new();
        for (_, location) in &map.segments {
            if let Location::Part(Part { name: Some(name), .. }) = location
                && !self.names.contains_key(name)
            {
                self.names.insert(name.clone(), self.names.len() + 1);
                write_varint(&mut table, name.len() as u64);
                table.extend(name.as_bytes());
            }
        }
        write_varint(&mut self.bytes, self.names.len() as u64);
        self.bytes.extend(table);
    }

    fn location(&mut self, location: &Location, text_length: i64) {
        match location {
            Location::Bytes(source) => {
                self.tagged(source.start.wrapping_sub(self.source_end) as i64, 0);
                let growth = (source.end - source.start) as i64 - text_length;
                write_varint(&mut self.bytes, zigzag(growth));
                self.source_end = source.end;
            }
            Location::Page(page) => self.tagged(i64::from(*page), 1),
            Location::Part(part) => {
                self.tagged(i64::from(part.number) - i64::from(self.number), 2);
                self.number = part.number;
                self.bytes.push(part.unit.code());
                let name = part.name.as_ref().and_then(|name| self.names.get(name)).copied();
                write_varint(&mut self.bytes, name.unwrap_or(0) as u64);
            }
            Location::Area(area) => self.area(area),
        }
    }

    /// How an area differs from the one before; its size as it is.
    fn area(&mut self, area: &Area) {
        let [left, bottom, right, top] = area.bounds.map(i64::from);
        let [last_left, last_bottom, ..] = self.area.bounds.map(i64::from);
        self.tagged(i64::from(area.page) - i64::from(self.area.page), 3);
        for value in [left - last_left, bottom - last_bottom, right - left, top - bottom] {
            write_varint(&mut self.bytes, zigzag(value));
        }
        self.area = *area;
    }

    /// Writes a signed value above a tag. Values stay far below 2^61: they are file offsets.
    fn tagged(&mut self, value: i64, tag: u64) {
        write_varint(&mut self.bytes, zigzag(value) << self.tag_bits | tag);
    }
}

#[derive(Default)]
struct Unpacker<'a> {
    rest: &'a [u8],
    names: Vec<Arc<str>>,
    tag_bits: u32,
    source_end: u64,
    number: u32,
    area: Area,
}

impl Unpacker<'_> {
    fn read_names(&mut self) -> Option<()> {
        let count = self.varint()?;
        for _ in 0..count {
            let length = usize::try_from(self.varint()?).ok()?;
            let (name, rest) = self.rest.split_at_checked(length)?;
            self.names.push(Arc::from(std::str::from_utf8(name).ok()?));
            self.rest = rest;
        }
        Some(())
    }

    fn location(&mut self, text_length: u64) -> Option<Location> {
        let tagged = self.varint()?;
        let value = unzigzag(tagged >> self.tag_bits);
        match tagged & ((1 << self.tag_bits) - 1) {
            0 => {
                let start = self.source_end.checked_add_signed(value)?;
                let growth = unzigzag(self.varint()?);
                self.source_end = start.checked_add(text_length.checked_add_signed(growth)?)?;
                Some(Location::Bytes(start..self.source_end))
            }
            1 => Some(Location::Page(u32::try_from(value).ok()?)),
            2 => self.part(value).map(Location::Part),
            3 => self.area(value).map(Location::Area),
            _ => None,
        }
    }

    fn part(&mut self, step: i64) -> Option<Part> {
        let number = i64::from(self.number).checked_add(step)?;
        self.number = u32::try_from(number).ok()?;
        let (&code, rest) = self.rest.split_first()?;
        self.rest = rest;
        let name = match usize::try_from(self.varint()?).ok()? {
            0 => None,
            index => Some(self.names.get(index - 1)?.clone()),
        };
        Some(Part { unit: Unit::from_code(code)?, number: self.number, name })
    }

    fn area(&mut self, step: i64) -> Option<Area> {
        let page = i64::from(self.area.page).checked_add(step)?;
        let [last_left, last_bottom, ..] = self.area.bounds.map(i64::from);
        let left = last_left.checked_add(unzigzag(self.varint()?))?;
        let bottom = last_bottom.checked_add(unzigzag(self.varint()?))?;
        let right = left.checked_add(unzigzag(self.varint()?))?;
        let top = bottom.checked_add(unzigzag(self.varint()?))?;
        let number = |value| i32::try_from(value).ok();
        let bounds = [number(left)?, number(bottom)?, number(right)?, number(top)?];
        self.area = Area { page: u32::try_from(page).ok()?, bounds };
        Some(self.area)
    }

    fn varint(&mut self) -> Option<u64> {
        read_varint(&mut self.rest)
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
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
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_unknown_packing_is_refused() {
        assert_eq!(SourceMap::from_bytes(&[]), None);
        assert_eq!(SourceMap::from_bytes(&[9, 0, 1]), None);
        assert_eq!(SourceMap::from_bytes(&[1, 0x80]), None);
        assert_eq!(SourceMap::from_bytes(&[2, 0xff, 0xff, 0xff, 0x7f]), None);
    }

    #[test]
    fn maps_without_parts_keep_the_first_packing() {
        assert_eq!(SourceMap::identity(300).to_bytes(), [1, 0, 0xac, 2, 0, 0]);
    }

    fn location(source: u64, length: u64, kind: u8, name: u8) -> Location {
        match kind {
            0 => Location::Bytes(source..source + length),
            1 => Location::Page(source as u32),
            7 => {
                let side = |shift: u32| (source >> shift) as i32 - 7000;
                let bounds = [side(3), side(1), side(5), side(0)];
                Location::Area(Area { page: source as u32, bounds })
            }
            _ => Location::Part(Part {
                unit: Unit::from_code(kind % 6).unwrap_or(Unit::Row),
                number: source as u32,
                name: (name > 0).then(|| Arc::from(format!("sheet {name}"))),
            }),
        }
    }

    prop_compose! {
        fn any_map()(parts in prop::collection::vec((0_usize..50, 1_usize..900, 0_u64..1 << 40, 0_u64..900, 0_u8..8, 0_u8..4), 0..40)) -> SourceMap {
            let mut map = SourceMap::default();
            let mut end = 0;
            for (gap, length, source, source_length, kind, name) in parts {
                let text = end + gap..end + gap + length;
                end = text.end;
                map.segments.push((text, location(source, source_length, kind, name)));
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
        fn any_bytes_unpack_or_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..200), version in 1_u8..4) {
            let _ = SourceMap::from_bytes(&bytes);
            bytes.insert(0, version);
            let _ = SourceMap::from_bytes(&bytes);
        }
    }
}
