//! Parquet files as documents (feature `parquet`): rows, places, codecs, and files that lie.
#![cfg(feature = "parquet")]
#![allow(clippy::unwrap_used)]

use std::alloc::System;
use std::fs;
use std::path::Path;
use std::time::Duration;

use cap::Cap;
use rag_core::document::{self, BlockKind, Document, DocumentKind, ReadOptions};
use rag_core::{CancelToken, Error, Result, Unreadable};

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Memory that a file of a few kB may take, whatever it claims.
const ROOM_BYTES: usize = 768 << 20;

const STATIONS: &str = "stations.parquet";

fn bytes(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/parquet");
    fs::read(folder.join(name)).unwrap()
}

fn read(name: &str) -> Document {
    document::read(Path::new(name), &bytes(name)).unwrap()
}

fn place_of(document: &Document, part: &str) -> String {
    let start = document.text.find(part).unwrap_or_else(|| panic!("{part} in {}", document.text));
    document.source_map.place(&(start..start + part.len())).unwrap()
}

/// What is said of a file that is refused.
fn refusal(bytes: &[u8]) -> (Unreadable, String) {
    let error = document::read(Path::new("a.parquet"), bytes).unwrap_err();
    (error.unreadable().unwrap(), error.line())
}

#[test]
fn rows_are_written_as_people_read_them() {
    let document = read(STATIONS);
    assert_eq!(document.kind, DocumentKind::Parquet);
    let lines: Vec<&str> = document.text.lines().collect();
    assert_eq!(
        lines[0],
        "id\tstation\topened\tmeasured\tstarts\tdepth\tfee\tvisits\tmanned\tmark\tkey\t\
         place.town\tplace.zone\ttags\tlevels.key\tlevels.value"
    );
    assert_eq!(
        lines[1],
        "1\tHarbour\t2024-03-06\t2024-03-05 14:30:01.25\t09:30:00\t13.5\t1205.50\t\
         9223372036854775809\tfalse\t0xff01\t00000000-0000-0000-0000-000000000001\tOrsay\t-1\t\
         tide\tlow, high\t0.25, 4"
    );
    // a line within a cell, a list of two, an empty list
    assert!(lines[2].starts_with("2\tSalt marsh north\t2024-03-07\t2024-03-05 14:30:02\t"));
    assert!(lines[2].contains("\ttrue\t0xff02\t") && lines[2].contains("\ttide, wind\tlow, high"));
    assert!(lines[3].contains("\tOrsay\t-3\t\tlow, high\t"), "{}", lines[3]);
    // a row of nulls
    assert_eq!(lines[4], "4");
    assert!(lines[7].starts_with("7\tHarbour\t2024-03-12\t"));
    assert_eq!(lines.len(), 8);
    assert_eq!(document.metadata["row_count"], "7");
    assert!(document.unread.is_empty());
}

#[test]
fn each_row_knows_its_place_over_all_groups() {
    let document = read(STATIONS);
    let kinds: Vec<BlockKind> = document.blocks.iter().map(|block| block.kind).collect();
    assert_eq!(kinds, [BlockKind::Table]);
    assert_eq!(place_of(&document, "station"), "header, row 1");
    assert_eq!(place_of(&document, "2024-03-06"), "row 1");
    // the fifth stands in the second group
    assert_eq!(place_of(&document, "2024-03-10"), "row 5");
    assert_eq!(place_of(&document, "2024-03-12"), "row 7");
}

#[test]
fn codecs_encodings_and_versions_of_pages_give_the_same_rows() {
    let plain = read("none-1.parquet").text;
    assert!(plain.starts_with(
        "id\tstation\tmeasured\tfee\ttags\n\
         1\tHarbour\t2024-03-05 14:30:01.25\t1205.50\ttide\n"
    ));
    assert_eq!(plain.lines().count(), 8);
    for codec in ["none", "gzip", "brotli", "zstd", "lz4"] {
        for version in [1, 2] {
            let name = format!("{codec}-{version}.parquet");
            assert_eq!(read(&name).text, plain, "{name}");
        }
    }
    assert_eq!(read("deltas.parquet").text, plain);
    let old = read("int96.parquet").text;
    assert!(old.starts_with("measured\n2024-03-05 14:30:01.25\n"), "{old}");
}

#[test]
fn an_encoding_that_is_not_read_is_named() {
    let (unreadable, line) = refusal(&bytes("prefixes.parquet"));
    assert_eq!(unreadable, Unreadable::Unsupported);
    assert!(line.contains("DELTA_BYTE_ARRAY"), "{line}");
}

#[test]
fn files_that_are_cut_or_encrypted_are_told() {
    let whole = bytes(STATIONS);
    let (unreadable, line) = refusal(&whole[..whole.len() / 2]);
    assert_eq!(unreadable, Unreadable::Broken);
    assert!(line.contains("does not end as one"), "{line}");
    let mut other_end = whole.clone();
    *other_end.last_mut().unwrap() = b'2';
    assert_eq!(refusal(&other_end).0, Unreadable::Broken);
    let middle = &whole[4..whole.len() - 4];
    let encrypted = [b"PARE".as_slice(), middle, b"PARE"].concat();
    assert_eq!(refusal(&encrypted).0, Unreadable::Encrypted);
    assert_eq!(refusal(b"PAR1PAR1").0, Unreadable::Broken);
    assert_eq!(refusal(b"PAR1\0\0\0\0PAR1").0, Unreadable::Broken);
}

#[test]
fn a_footer_must_be_where_its_length_says() {
    let whole = bytes(STATIONS);
    let at = whole.len() - 8;
    let length = u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
    for claimed in [0, 1, length - 1, length + 1, !length, length.swap_bytes(), u32::MAX] {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&claimed.to_le_bytes());
        assert_eq!(refusal(&bytes).0, Unreadable::Broken, "{claimed}");
    }
}

/// Reads under a limit of memory; an abort for want of it ends the test.
fn read_within(bytes: &[u8]) -> Result<Document> {
    let options = ReadOptions { time_limit: Duration::from_secs(10), ..ReadOptions::default() };
    MEMORY.set_limit(MEMORY.allocated() + ROOM_BYTES).unwrap();
    let read = document::read_with(Path::new("a.parquet"), bytes, &options, &CancelToken::new());
    MEMORY.set_limit(usize::MAX).unwrap();
    read
}

#[test]
fn no_byte_of_a_file_can_do_harm() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let names = [STATIONS, "zstd-1.parquet", "lz4-2.parquet", "deltas.parquet", "int96.parquet"];
    let mut failures = Vec::new();
    for name in names {
        let whole = bytes(name);
        for at in 0..whole.len() {
            for change in [0x01, 0x40, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] ^= change;
                let is_told = match read_within(&bytes) {
                    Ok(_) => true,
                    Err(Error::Document { unreadable, .. }) => unreadable != Unreadable::TooSlow,
                    Err(_) => false,
                };
                if !is_told {
                    failures.push((name, at, change));
                }
            }
        }
    }
    std::panic::set_hook(loud);
    assert!(failures.is_empty(), "{failures:?}");
}
