//! The row `commit` as it stands on plain pages, read without SQLite: from the file alone, or from
//! a log alone.
//!
//! `meta` is the first table made, so that its root is page 2, before and after a `VACUUM`. As a
//! table without row numbers it is a tree of index pages, whose records are (key, value, check). No
//! other index here has records of text, text, integer. What is cut, torn or odd in any way is
//! unknown.

use std::io::{Read, Seek, SeekFrom};

use super::link::{COMMIT, Link};
use super::meta;

/// Root of `meta`.
const ROOT: u32 = 2;
/// Pages from the root to a leaf, at most.
const MAX_DEPTH: usize = 20;
const INDEX_INTERIOR: u8 = 0x02;
const INDEX_LEAF: u8 = 0x0a;

/// What is known of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Found(Link),
    /// The settings are there and sound, and this is not among them.
    Absent,
    Unknown,
}

/// The row in a file alone, whatever its log says.
pub(super) fn in_file(file: &mut (impl Read + Seek), page_bytes: usize) -> Row {
    let mut page = vec![0; page_bytes];
    let mut number = ROOT;
    for _ in 0..MAX_DEPTH {
        let at = u64::from(number).saturating_sub(1).saturating_mul(page_bytes as u64);
        let read = file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut page));
        if read.is_err() {
            return Row::Unknown;
        }
        match on_page(&page, number) {
            Row::Unknown => {}
            known => return known,
        }
        match child(&page) {
            Some(child) if child != 0 => number = child,
            _ => return Row::Unknown,
        }
    }
    Row::Unknown
}

/// The row on one page; only the root can say that there is none.
pub(super) fn on_page(page: &[u8], number: u32) -> Row {
    let Some(cells) = cells(page) else { return Row::Unknown };
    let rows: Vec<Option<(&str, &str)>> = cells.iter().map(|cell| sound(cell.payload)).collect();
    if let Some((_, value)) = rows.iter().flatten().find(|(key, _)| *key == COMMIT) {
        return Link::parse(value).map_or(Row::Unknown, Row::Found);
    }
    let whole = number == ROOT && page.first() == Some(&INDEX_LEAF);
    // those that every file has, before and after it in their order
    let has = |wanted: &str| rows.iter().flatten().any(|(key, _)| *key == wanted);
    let settings = has(meta::CHANGE) && has(meta::SEGMENT) && rows.iter().all(Option::is_some);
    if whole && settings { Row::Absent } else { Row::Unknown }
}

/// Key and value of a record whose checksum holds.
fn sound(payload: &[u8]) -> Option<(&str, &str)> {
    let (key, value, check) = record(payload)?;
    (meta::row_sum(key, value) == check).then_some((key, value))
}

/// The page on which to look on, below an interior one.
fn child(page: &[u8]) -> Option<u32> {
    if page.first() != Some(&INDEX_INTERIOR) {
        return None;
    }
    for cell in cells(page)? {
        if key(cell.payload)? > COMMIT.as_bytes() {
            return Some(cell.left);
        }
    }
    number(page, 8, 4).map(|number| number as u32)
}

struct Cell<'a> {
    /// The page of what is smaller, on interior pages.
    left: u32,
    /// The record, or as much of it as there is on the page.
    payload: &'a [u8],
}

/// The cells of an index page, in the order of their keys.
fn cells(page: &[u8]) -> Option<Vec<Cell<'_>>> {
    let first = match *page.first()? {
        INDEX_LEAF => 8,
        INDEX_INTERIOR => 12,
        _ => return None,
    };
    let count = number(page, 3, 2)? as usize;
    let mut cells = Vec::new();
    for place in 0..count {
        let mut at = number(page, first + 2 * place, 2)? as usize;
        let mut left = 0;
        if first == 12 {
            left = number(page, at, 4)? as u32;
            at += 4;
        }
        let length = usize::try_from(varint(page, &mut at)?).ok()?;
        let rest = page.get(at..)?;
        cells.push(Cell { left, payload: rest.get(..length).unwrap_or(rest) });
    }
    Some(cells)
}

/// A big-endian number of `size` bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// SQLite's variable-length integer: seven bits a byte, the first first; a ninth byte has eight.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for place in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if place == 8 {
            return Some(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// Key, value and check of a record of these three columns.
fn record(payload: &[u8]) -> Option<(&str, &str, i64)> {
    let mut at = 0;
    let body = usize::try_from(varint(payload, &mut at)?).ok()?;
    let kinds = [varint(payload, &mut at)?, varint(payload, &mut at)?, varint(payload, &mut at)?];
    if at != body {
        return None;
    }
    let (key, at) = text(payload, body, kinds[0])?;
    let (value, at) = text(payload, at, kinds[1])?;
    // an integer of 1, 2, 3, 4, 6 or 8 bytes, or one of the constants 0 and 1
    let size = match kinds[2] {
        kind @ 1..=4 => kind as usize,
        5 => 6,
        6 => 8,
        8 => return Some((key, value, 0)),
        9 => return Some((key, value, 1)),
        _ => return None,
    };
    let unused = 64 - 8 * size as u32;
    let check = (number(payload, at, size)? << unused).cast_signed() >> unused;
    Some((key, value, check))
}

/// The text of this kind at `at`, and where it ends.
fn text(payload: &[u8], at: usize, kind: u64) -> Option<(&str, usize)> {
    if kind < 13 || kind.is_multiple_of(2) {
        return None;
    }
    let end = at.checked_add(usize::try_from((kind - 13) / 2).ok()?)?;
    Some((std::str::from_utf8(payload.get(at..end)?).ok()?, end))
}

/// The first column of a record of which the end may be elsewhere.
fn key(payload: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    let body = usize::try_from(varint(payload, &mut at)?).ok()?;
    let kind = varint(payload, &mut at)?;
    text(payload, body, kind).map(|(key, _)| key.as_bytes())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fs::File;

    use rusqlite::Connection;

    use super::super::{link, schema};
    use super::*;

    fn file(settings: usize) -> (tempfile::TempDir, std::path::PathBuf, Connection) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kb.rag");
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "page_size", schema::PAGE_SIZE).unwrap();
        schema::create(&connection).unwrap();
        meta::create(&connection).unwrap();
        link::renew(&connection).unwrap();
        for number in 0..settings {
            let value = "value ".repeat(10 + number % 700);
            meta::put_setting(&connection, &format!("key {number}"), &value).unwrap();
            meta::put(&connection, &format!("a{number}"), &value).unwrap();
        }
        (folder, path, connection)
    }

    fn read(path: &std::path::Path) -> Row {
        in_file(&mut File::open(path).unwrap(), schema::PAGE_SIZE as usize)
    }

    #[test]
    fn the_row_is_found_however_many_settings_there_are() {
        for settings in [0, 1, 5, 50, 400] {
            let (_folder, path, connection) = file(settings);
            for _ in 0..40 {
                let link = link::advance(&connection).unwrap();
                assert_eq!(read(&path), Row::Found(link), "{settings} settings");
            }
            connection.execute_batch("VACUUM").unwrap();
            assert!(matches!(read(&path), Row::Found(_)));
        }
    }

    #[test]
    fn a_file_without_the_row_says_so_and_a_torn_one_says_nothing() {
        let (_folder, path, connection) = file(1);
        connection.execute("DELETE FROM meta WHERE key = 'commit'", []).unwrap();
        assert_eq!(read(&path), Row::Absent);
        let link = link::advance(&connection).unwrap();
        drop(connection);
        let bytes = std::fs::read(&path).unwrap();
        for at in 8192..16384 {
            let mut torn = bytes.clone();
            torn[at] ^= 0x55;
            let found = in_file(&mut std::io::Cursor::new(torn), 8192);
            assert!(found == Row::Found(link) || found == Row::Unknown, "{found:?} at {at}");
        }
    }
}
