//! CSV and its kin (RFC 4180, any separator): one table, a row a line, cells separated by tabs.

use crate::document::limits;
use crate::document::text::encoding;
use crate::document::vocabulary::{
    Block, BlockKind, Document, DocumentKind, Reader, SourceFile, SourceMap,
};
use crate::error::Result;

mod cells;
mod dialect;

use cells::{CsvCell, for_each_row};

/// Reads CSV, TSV and other separated values.
pub(in crate::document) struct CsvReader;

impl Reader for CsvReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let table = CsvTable::read(&decoded.text, &source.extension());
        let mut metadata = std::collections::BTreeMap::new();
        if decoded.encoding != "UTF-8" {
            metadata.insert("encoding".to_owned(), decoded.encoding.to_owned());
        }
        metadata.insert("row_count".to_owned(), table.rows.to_string());
        Ok(Document {
            kind: DocumentKind::Csv,
            title: None,
            lang: None,
            source_map: table.map.through(&table.text, &decoded.source_map),
            blocks: table.blocks,
            sections: Vec::new(),
            text: table.text,
            metadata,
            unread: Vec::new(),
        })
    }
}

/// A row that is a comment, as one cell.
fn comment(input: &str, cells: &[CsvCell]) -> Option<CsvCell> {
    let first = cells.first().filter(|cell| cell.raw(input).starts_with('#'))?;
    let range = first.range.start..cells.last()?.range.end;
    (!input.get(range.clone())?.contains('\n')).then_some(CsvCell { range, escaped: false })
}

/// The text of the table, what stands before it, and where both came from.
#[derive(Default)]
struct CsvTable {
    text: String,
    blocks: Vec<Block>,
    map: SourceMap,
    /// Rows of the table, its header among them.
    rows: usize,
    /// Whether the next row begins a block.
    is_parted: bool,
}

impl CsvTable {
    fn read(input: &str, extension: &str) -> Self {
        let dialect = dialect::find(input, extension);
        let mut table = Self::default();
        let mut preamble = dialect.preamble_rows;
        let body = input.get(dialect.start..).unwrap_or_default();
        for_each_row(body, dialect.separator, |cells| {
            let Some(last) = cells.iter().rposition(|cell| !cell.is_blank(body)) else {
                table.is_parted |= preamble > 0;
                return true;
            };
            let kind = if preamble > 0 { BlockKind::Paragraph } else { BlockKind::Table };
            preamble = preamble.saturating_sub(1);
            let cells = cells.get(..=last).unwrap_or_default();
            match comment(body, cells).filter(|_| kind == BlockKind::Paragraph) {
                Some(line) => table.add(kind, body, &[line], dialect.start),
                None => table.add(kind, body, cells, dialect.start),
            }
            true
        });
        table
    }

    /// Adds a row whose cells stand in `input`, which begins `shift` bytes into the source.
    fn add(&mut self, kind: BlockKind, input: &str, cells: &[CsvCell], shift: usize) {
        limits::tick();
        self.rows += usize::from(kind == BlockKind::Table);
        let parted = std::mem::take(&mut self.is_parted);
        let goes_on = self.blocks.last().is_some_and(|last| last.kind == kind) && !parted;
        if !self.text.is_empty() {
            self.text.push_str(if goes_on { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.text.push('\t');
            }
            self.add_cell(input, cell, shift);
        }
        let end = self.text.len();
        match self.blocks.last_mut().filter(|_| goes_on) {
            Some(block) => block.range.end = end,
            None => self.blocks.push(Block { kind, range: start..end }),
        }
    }

    fn add_cell(&mut self, input: &str, cell: &CsvCell, shift: usize) {
        let raw = cell.raw(input);
        let start = self.text.len();
        let source = (cell.range.start + shift) as u64;
        if !cell.escaped && !raw.contains(['\n', '\r', '\t']) {
            self.text.push_str(raw);
            self.map.push_exact(start..self.text.len(), source);
            return;
        }
        let clean = raw.replace("\"\"", "\"").replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
        self.text.push_str(&clean);
        self.map.push_whole(start, &clean, source..(cell.range.end + shift) as u64);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(name: &str, text: &str) -> Document {
        CsvReader.read(&SourceFile::new(Path::new(name), text.as_bytes())).unwrap()
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

    #[test]
    fn what_stands_before_the_header_is_text_of_its_own() {
        let input = "sep=;\nFees of 2026\n\nberth;fee\nA;3\nB;4\n";
        let document = read("a.csv", input);
        assert_eq!(document.text, "Fees of 2026\n\nberth\tfee\nA\t3\nB\t4");
        let kinds: Vec<BlockKind> = document.blocks.iter().map(|block| block.kind).collect();
        assert_eq!(kinds, [BlockKind::Paragraph, BlockKind::Table]);
        assert_eq!(document.metadata["row_count"], "3");
        let commented = read("a.csv", "# of May, by Ana\nid,name\n1,A\n2,B\n");
        assert!(commented.text.starts_with("# of May, by Ana\n\nid\tname"), "{}", commented.text);
        let price = document.text.find("B\t4").unwrap();
        let range = document.source_map.source_bytes(&(price..price + 3)).unwrap();
        assert_eq!(&input[range.start as usize..range.end as usize], "B;4");
    }

    proptest! {
        #[test]
        fn no_cell_is_lost(rows in prop::collection::vec(prop::collection::vec("[a-z]{1,5}", 2..5), 1..20)) {
            let input: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
            let expected: Vec<String> = rows.iter().map(|row| row.join("\t")).collect();
            // short rows at the top are no part of the table
            let text = read("a.csv", &input.join("\n")).text.replace("\n\n", "\n");
            prop_assert_eq!(text, expected.join("\n"));
        }

        #[test]
        fn no_character_is_lost(text in "[ab\",\n]{0,120}") {
            let kept = |text: &str| text.chars().filter(|c| matches!(c, 'a' | 'b')).collect::<String>();
            prop_assert_eq!(kept(&read("a.csv", &text).text), kept(&text));
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
