//! How a file of separated values is written: its separator, and where its table begins.
//!
//! The separator is the one whose rows are most alike in width and whose cells are most clearly
//! cells (after G. van den Burg, A. Nazabal and C. Sutton, Wrangling messy CSV files by detecting
//! row and type patterns, 2019).

use std::collections::BTreeMap;

use super::cells::{CsvCell, for_each_row};
use crate::document::writing::grid::is_value;

/// Rows looked at.
const SAMPLE_ROWS: usize = 200;

/// Bytes looked at.
const SAMPLE_BYTES: usize = 256 << 10;

/// Rows that may stand before the header.
const MAX_PREAMBLE_ROWS: usize = 50;

/// Separators, the most common one first.
const SEPARATORS: [u8; 5] = [b',', b';', b'\t', b'|', b':'];

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) separator: u8,
    /// Where the first row begins: after a line that only names the separator.
    pub(super) start: usize,
    /// Rows before the table: titles, dates, comments.
    pub(super) preamble_rows: usize,
}

/// The dialect of `input`, which has the name ending `extension`.
pub(super) fn find(input: &str, extension: &str) -> Dialect {
    let (named, start) = named_separator(input);
    let rest = input.get(start..).unwrap_or_default();
    let sample = sample(rest);
    let of_name = || (matches!(extension, "tsv" | "tab") && sample.contains('\t')).then_some(b'\t');
    let separator = named.or_else(of_name).unwrap_or_else(|| separator(sample));
    Dialect { separator, start, preamble_rows: preamble_rows(sample, separator) }
}

/// The separator that a line `sep=;` names, as spreadsheets write it, and where the next line
/// begins.
fn named_separator(input: &str) -> (Option<u8>, usize) {
    let line = input.split_inclusive('\n').next().unwrap_or_default();
    let bare = line.trim_start_matches('\u{feff}').trim_end_matches(['\r', '\n']);
    let bare = bare.strip_prefix('"').map_or(bare, |bare| bare.trim_end_matches('"'));
    let value = match bare.get(..4) {
        Some(name) if name.eq_ignore_ascii_case("sep=") => bare.get(4..).unwrap_or_default(),
        _ => return (None, 0),
    };
    let separator = match value.as_bytes() {
        b"\\t" => Some(b'\t'),
        // an empty value after which the line was cut: a tab that an editor took away
        [] => None,
        [byte, ..] if byte.is_ascii() && !byte.is_ascii_alphanumeric() => Some(*byte),
        _ => return (None, 0),
    };
    (separator, line.len())
}

/// The beginning of `input`, whole lines of it if there are any.
fn sample(input: &str) -> &str {
    if input.len() <= SAMPLE_BYTES {
        return input;
    }
    let head = input.get(..input.floor_char_boundary(SAMPLE_BYTES)).unwrap_or_default();
    head.rfind('\n').and_then(|end| head.get(..=end)).unwrap_or(head)
}

fn sample_rows(sample: &str, separator: u8) -> Vec<Vec<CsvCell>> {
    let mut rows = Vec::new();
    for_each_row(sample, separator, |cells| {
        if !cells.iter().all(|cell| cell.is_blank(sample)) {
            rows.push(cells.to_vec());
        }
        rows.len() < SAMPLE_ROWS
    });
    rows
}

fn separator(sample: &str) -> u8 {
    let mut best = (b',', 0.0);
    for separator in SEPARATORS {
        let rows = sample_rows(sample, separator);
        // A colon also stands in times and addresses: it must part every row.
        if separator == b':' && rows.iter().any(|row| row.len() < 2) {
            continue;
        }
        let score = consistency(sample, &rows);
        if score > best.1 {
            best = (separator, score);
        }
    }
    best.0
}

/// The pattern score of the paper times its type score.
fn consistency(sample: &str, rows: &[Vec<CsvCell>]) -> f64 {
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *widths.entry(row.len()).or_default() += 1;
    }
    let alike: f64 = widths
        .iter()
        .map(|(&width, &count)| count as f64 * (width as f64 - 1.0) / width as f64)
        .sum();
    let cells = rows.iter().flatten();
    let (all, clean) = cells.fold((0.0, 0.0), |(all, clean), cell| {
        (all + 1.0, clean + f64::from(u8::from(is_clean(cell.raw(sample)))))
    });
    if all > 0.0 { alike / widths.len() as f64 * clean / all } else { 0.0 }
}

/// Whether nothing in a cell looks as if it separated cells.
fn is_clean(cell: &str) -> bool {
    !cell.contains([';', '\t', '|', '"']) && !cell.trim().starts_with([',', ':'])
}

/// How many rows stand before the one that names the columns, or before the first one of values.
fn preamble_rows(sample: &str, separator: u8) -> usize {
    let rows = sample_rows(sample, separator);
    let Some(width) = usual_width(&rows).filter(|&width| width > 1) else { return 0 };
    let is_comment = |row: &[CsvCell]| row.first().is_some_and(|c| c.raw(sample).starts_with('#'));
    let filled = |row: &[CsvCell]| row.iter().filter(|cell| !cell.is_blank(sample)).count();
    let has_value = |row: &[CsvCell]| row.iter().any(|cell| is_value(cell.raw(sample)));
    let mut first = 0;
    // Comments; the last one may name the columns (`#id,name`).
    while let Some(row) = rows.get(first).filter(|row| is_comment(row)) {
        let head = row.first().map(|cell| cell.raw(sample)).unwrap_or_default();
        let names = row.len() == width && !head.starts_with("##") && !head.starts_with("# ");
        if names && rows.get(first + 1).is_some_and(|next| !is_comment(next)) {
            return first;
        }
        first += 1;
    }
    let is_wide = |row: &[CsvCell]| row.len() >= width && filled(row) * 2 > width;
    // Names without one for the numbers of the rows, as R writes them.
    let row = |index: usize| rows.get(index).map(Vec::as_slice).unwrap_or_default();
    if row(first).len() + 1 == width && width > 2 && is_wide(row(first + 1)) {
        return first;
    }
    let head = rows.iter().skip(first).take(MAX_PREAMBLE_ROWS);
    let Some(wide) = head.clone().position(|row| is_wide(row)) else { return 0 };
    let is_full = |row: &[CsvCell]| row.len() >= width && filled(row) >= width;
    // Lines above the table that a spreadsheet filled up with empty cells: the names stand in the
    // first full row, if there are values below and it has none.
    let full = head.clone().position(|row| is_full(row)).filter(|&full| full > wide);
    let named = full.filter(|&full| {
        let at = |index: usize| rows.get(first + index);
        at(full).is_some_and(|row| !has_value(row))
            && at(full + 1).is_some_and(|row| has_value(row))
    });
    first + named.unwrap_or(wide)
}

/// The width that most rows have, the larger one of two.
fn usual_width(rows: &[Vec<CsvCell>]) -> Option<usize> {
    let mut widths: BTreeMap<usize, usize> = BTreeMap::new();
    for row in rows {
        *widths.entry(row.len()).or_default() += 1;
    }
    widths.into_iter().max_by_key(|&(width, count)| (count, width)).map(|(width, _)| width)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(input: &str) -> (char, usize) {
        let dialect = find(input, "csv");
        (char::from(dialect.separator), dialect.preamble_rows)
    }

    #[test]
    fn the_separator_is_told_from_decimal_commas_times_and_text() {
        assert_eq!(found("a;b\n1,5;2\n2,5;3\n"), (';', 0));
        assert_eq!(found("1,5;2,5\n2,5;3,5\n4,0;7,1\n"), (';', 0));
        assert_eq!(found("name;price\nrope;1,5\nbuoy;2,5\n"), (';', 0));
        assert_eq!(found("day,from\n2026-01-02,12:30\n2026-01-03,13:30\n"), (',', 0));
        assert_eq!(found("a|b|c\n1|2, or 3|4\n5|6|7\n"), ('|', 0));
        assert_eq!(found("key:value\nport:80\n"), (':', 0));
        assert_eq!(found("one\ntwo: three\n"), (',', 0));
        assert_eq!(found("name,note\nA,\"x; y; z\"\nB,\"p; q; r\"\n"), (',', 0));
    }

    #[test]
    fn a_line_may_name_the_separator() {
        assert_eq!(find("sep=;\na;b\n", "csv").start, 6);
        assert_eq!(find("\"SEP=\t\"\r\na\tb\n", "csv").separator, b'\t');
        assert_eq!(find("sep=\\t\na\tb,c\n", "tsv").separator, b'\t');
        assert_eq!(find("separate,b\n1,2\n", "csv").start, 0);
        assert_eq!(find("a,b\n1,2\n", "tsv").separator, b',');
    }

    #[test]
    fn titles_and_comments_stand_before_the_header() {
        assert_eq!(found("Fees of 2026\n\nberth,fee,unit\nA,3,m\nB,4,m\n"), (',', 1));
        assert_eq!(found("Fees;;\nDate;2026-01-01;\nberth;fee;unit\nA;3;m\nB;4;m\n"), (';', 2));
        assert_eq!(found("# made by Ana, in May\nid,name\n1,A\n2,B\n"), (',', 1));
        assert_eq!(found("##v1\n#id,name\n1,A\n2,B\n"), (',', 1));
        assert_eq!(found(",2019,2020\nOrsay,1,2\nBures,3,4\n"), (',', 0));
        assert_eq!(found("name,size\n1,rod,12\n2,wire,8\n"), (',', 0));
        assert_eq!(found("1,2\n3,4\n"), (',', 0));
    }
}
