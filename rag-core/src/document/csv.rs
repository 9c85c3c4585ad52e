//! CSV and its kin (RFC 4180, any separator): one table, a row a line, cells parted by tabs.

use std::ops::Range;

use super::{Block, BlockKind, Document, Kind, Reader, Source, SourceMap, encoding, guard};
use crate::error::Result;

/// Reads CSV, TSV and other separated values.
pub(super) struct CsvReader;

/// Lines looked at to find the separator.
const SAMPLE_LINES: usize = 50;

/// Separators, the most common one first.
const SEPARATORS: [u8; 5] = [b',', b';', b'\t', b'|', b':'];

impl Reader for CsvReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let input = decoded.text.as_str();
        let separator = separator(input, &source.extension());
        let table = Table::read(input, separator);
        let mut metadata = std::collections::BTreeMap::new();
        if decoded.encoding != "UTF-8" {
            metadata.insert("encoding".to_owned(), decoded.encoding.to_owned());
        }
        metadata.insert("row_count".to_owned(), table.rows.to_string());
        let whole = Block { kind: BlockKind::Table, range: 0..table.text.len() };
        Ok(Document {
            kind: Kind::Csv,
            title: None,
            lang: None,
            source_map: table.map.through(&table.text, &decoded.source_map),
            blocks: if table.text.is_empty() { Vec::new() } else { vec![whole] },
            text: table.text,
            metadata,
            unread: Vec::new(),
        })
    }
}

/// The separator that parts most lines into equally many cells, at least two.
fn separator(input: &str, extension: &str) -> u8 {
    if matches!(extension, "tsv" | "tab") {
        return b'\t';
    }
    let head: String = input.split_inclusive('\n').take(SAMPLE_LINES).collect();
    let score = |separator: u8| {
        let mut widths = Vec::new();
        for_each_row(&head, separator, |cells| widths.push(cells.len()));
        let mut counts = std::collections::BTreeMap::new();
        for width in widths.iter().filter(|width| **width > 1) {
            *counts.entry(*width).or_insert(0_usize) += 1;
        }
        counts.into_iter().map(|(width, count)| (count, width)).max().unwrap_or((0, 0))
    };
    // A colon also stands in times and addresses: it must part every line.
    let lines = head.lines().filter(|line| !line.trim().is_empty()).count();
    let mut best = (b',', (0, 0));
    for separator in SEPARATORS {
        let found = score(separator);
        if found > best.1 && (separator != b':' || found.0 == lines) {
            best = (separator, found);
        }
    }
    best.0
}

/// A cell: its bytes in the input without quotes, and whether quotes inside it are doubled.
struct Cell {
    range: Range<usize>,
    escaped: bool,
}

/// Calls `row` with the cells of each row. Quotes count at the start of a cell only; an open one ends with the input.
fn for_each_row(input: &str, separator: u8, mut row: impl FnMut(&[Cell])) {
    let bytes = input.as_bytes();
    let mut cells = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let cell = read_cell(bytes, &mut at, separator);
        cells.push(cell);
        match bytes.get(at) {
            Some(&byte) if byte == separator => {
                at += 1;
                if at == bytes.len() {
                    cells.push(Cell { range: at..at, escaped: false });
                }
                if at < bytes.len() {
                    continue;
                }
            }
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => at += 2,
            Some(_) => at += 1,
            None => {}
        }
        row(&cells);
        cells.clear();
    }
}

/// Reads one cell; leaves `at` on the byte that ends it.
fn read_cell(bytes: &[u8], at: &mut usize, separator: u8) -> Cell {
    let ends = |byte: u8| byte == separator || matches!(byte, b'\n' | b'\r');
    let to_end = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        from + rest.iter().position(|&byte| ends(byte)).unwrap_or(rest.len())
    };
    if bytes.get(*at) != Some(&b'"') {
        let start = *at;
        *at = to_end(start);
        return Cell { range: start..*at, escaped: false };
    }
    let start = *at + 1;
    let (mut end, mut escaped) = (start, false);
    loop {
        let rest = bytes.get(end..).unwrap_or_default();
        let Some(quote) = rest.iter().position(|&byte| byte == b'"') else {
            end = bytes.len();
            break;
        };
        end += quote;
        if bytes.get(end + 1) != Some(&b'"') {
            break;
        }
        escaped = true;
        end += 2;
    }
    // What follows the closing quote belongs to no cell.
    *at = to_end(end.min(bytes.len()));
    Cell { range: start..end.min(bytes.len()), escaped }
}

/// The text of the table and where it came from.
#[derive(Default)]
struct Table {
    text: String,
    map: SourceMap,
    rows: usize,
}

impl Table {
    fn read(input: &str, separator: u8) -> Self {
        let mut table = Self::default();
        for_each_row(input, separator, |cells| table.add(input, cells));
        table
    }

    fn add(&mut self, input: &str, cells: &[Cell]) {
        let blank = |cell: &Cell| input.get(cell.range.clone()).is_none_or(|c| c.trim().is_empty());
        let Some(last) = cells.iter().rposition(|cell| !blank(cell)) else { return };
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.rows += 1;
        guard::tick();
        for (index, cell) in cells.iter().take(last + 1).enumerate() {
            if index > 0 {
                self.text.push('\t');
            }
            self.add_cell(input, cell);
        }
    }

    fn add_cell(&mut self, input: &str, cell: &Cell) {
        let raw = input.get(cell.range.clone()).unwrap_or_default();
        let start = self.text.len();
        let source = cell.range.start as u64;
        if !cell.escaped && !raw.contains(['\n', '\r', '\t']) {
            self.text.push_str(raw);
            self.map.push_exact(start..self.text.len(), source);
            return;
        }
        let clean = raw.replace("\"\"", "\"").replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
        self.text.push_str(&clean);
        self.map.push_whole(start, &clean, source..cell.range.end as u64);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(name: &str, text: &str) -> Document {
        CsvReader.read(&Source::new(Path::new(name), text.as_bytes())).unwrap()
    }

    #[test]
    fn quotes_separators_and_line_ends_of_all_kinds() {
        assert_eq!(
            read("a.csv", "a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\r\n").text,
            "a\tb\nx, \"y\"\ttwo lines"
        );
        assert_eq!(read("a.csv", "a;b\n1,5;2\n2,5;3\n").text, "a\tb\n1,5\t2\n2,5\t3");
        assert_eq!(read("a.tsv", "a\tb\n1\t2").text, "a\tb\n1\t2");
        assert_eq!(read("a.csv", "one\ntwo\n\nthree\n").text, "one\ntwo\nthree");
        assert_eq!(read("a.csv", "a,b,,\n,,,\n1,2,,\n").text, "a\tb\n1\t2");
    }

    #[test]
    fn cells_point_at_their_bytes() {
        let input = "name,place\n\"Zo\u{e9}\",\"Or\"\"say\"\n";
        let document = read("a.csv", input);
        let of = |part: &str| {
            let start = document.text.find(part).unwrap();
            let range = document.source_map.source_bytes(&(start..start + part.len())).unwrap();
            input.get(range.start as usize..range.end as usize).unwrap()
        };
        assert_eq!(of("Zo\u{e9}"), "Zo\u{e9}");
        assert_eq!(of("Or\"say"), "Or\"\"say");
        assert_eq!(document.metadata["row_count"], "2");
    }

    proptest! {
        #[test]
        fn no_cell_is_lost(rows in prop::collection::vec(prop::collection::vec("[a-z]{1,5}", 2..5), 1..20)) {
            let input: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
            let expected: Vec<String> = rows.iter().map(|row| row.join("\t")).collect();
            prop_assert_eq!(read("a.csv", &input.join("\n")).text, expected.join("\n"));
        }

        #[test]
        fn any_text_is_read(text in "[\",;\t|:a\n\r ]{0,200}") {
            let document = read("a.csv", &text);
            for (range, _) in &document.source_map.segments {
                prop_assert!(document.text.get(range.clone()).is_some());
            }
        }
    }
}
