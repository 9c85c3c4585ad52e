//! Rows and cells of separated values (RFC 4180), also where quotes are written wrongly: no cell is
//! lost.

use std::ops::Range;

/// A cell: its bytes in the input without quotes, and whether quotes inside it are doubled.
#[derive(Debug, Clone)]
pub(super) struct CsvCell {
    pub(super) range: Range<usize>,
    pub(super) escaped: bool,
}

impl CsvCell {
    pub(super) fn raw<'a>(&self, input: &'a str) -> &'a str {
        input.get(self.range.clone()).unwrap_or_default()
    }

    pub(super) fn is_blank(&self, input: &str) -> bool {
        self.raw(input).trim().is_empty()
    }
}

/// Bytes that a quoted cell may hold; a quote that is not closed by then is a character like
/// others.
const MAX_QUOTED_BYTES: usize = 1 << 20;

/// Calls `row` with the cells of each row until it returns false.
pub(super) fn for_each_row(input: &str, separator: u8, mut row: impl FnMut(&[CsvCell]) -> bool) {
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
                    cells.push(CsvCell { range: at..at, escaped: false });
                }
                if at < bytes.len() {
                    continue;
                }
            }
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => at += 2,
            Some(_) => at += 1,
            None => {}
        }
        if !row(&cells) {
            return;
        }
        cells.clear();
    }
}

/// Reads one cell; leaves `at` on the byte that ends it.
fn read_cell(bytes: &[u8], at: &mut usize, separator: u8) -> CsvCell {
    let start = *at;
    if bytes.get(start) == Some(&b'"')
        && let Some(quoted) = quoted(bytes, start + 1, separator)
    {
        *at = quoted.end_of_cell;
        return quoted.cell;
    }
    let rest = bytes.get(start..).unwrap_or_default();
    *at = start + rest.iter().position(|&byte| ends(byte, separator)).unwrap_or(rest.len());
    CsvCell { range: start..*at, escaped: false }
}

fn ends(byte: u8, separator: u8) -> bool {
    byte == separator || matches!(byte, b'\n' | b'\r')
}

struct QuotedCell {
    cell: CsvCell,
    end_of_cell: usize,
}

/// The quoted cell whose text begins at `start`; nothing if no quote closes it.
///
/// Sound quotes are doubled or followed by the end of the cell. One that is neither stands inside
/// the text of its line (`"he said "no" twice"`), or the first one opens nothing: it belongs to the
/// text (`"A" grade`), or was never closed, and what follows on the next lines are rows of their
/// own.
fn quoted(bytes: &[u8], start: usize, separator: u8) -> Option<QuotedCell> {
    let limit = bytes.len().min(start.saturating_add(MAX_QUOTED_BYTES));
    let (mut at, mut escaped, mut is_unsound) = (start, false, false);
    while at < limit {
        match bytes.get(at)? {
            b'"' if bytes.get(at + 1) == Some(&b'"') => {
                escaped = true;
                at += 2;
                continue;
            }
            b'"' => {
                let after = bytes.get(at + 1..).unwrap_or_default();
                let blanks = after.iter().take_while(|&&byte| byte == b' ').count();
                if after.get(blanks).is_none_or(|&byte| ends(byte, separator)) {
                    let cell = CsvCell { range: start..at, escaped };
                    return Some(QuotedCell { cell, end_of_cell: at + 1 + blanks });
                }
                let before = bytes.get(at.checked_sub(1)?)?;
                let opens = at > start && ends(*before, separator);
                let crossed_line =
                    || bytes.get(start..at).is_some_and(|text| text.contains(&b'\n'));
                if opens || crossed_line() {
                    return None;
                }
                is_unsound = true;
            }
            b'\n' | b'\r' if is_unsound => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(input: &str) -> Vec<Vec<&str>> {
        let mut rows = Vec::new();
        for_each_row(input, b',', |cells| {
            rows.push(cells.iter().map(|cell| cell.raw(input)).collect());
            true
        });
        rows
    }

    #[test]
    fn sound_quotes_hold_separators_lines_and_doubled_quotes() {
        assert_eq!(rows("\"a, b\",\"c\nd\" ,\"\"\n1,2,3"), [["a, b", "c\nd", ""], ["1", "2", "3"]]);
        assert_eq!(rows("\"1/2\"\" pipe\",3\n"), [["1/2\"\" pipe", "3"]]);
    }

    #[test]
    fn text_after_a_closing_quote_stays_in_its_cell() {
        assert_eq!(rows("\"A\" grade,12,\"40\"\n"), [["\"A\" grade", "12", "40"]]);
        assert_eq!(rows("\"he said \"no\" twice\",5\n"), [["he said \"no\" twice", "5"]]);
    }

    #[test]
    fn a_quote_that_is_never_closed_swallows_nothing() {
        assert_eq!(rows("\"open,5\nwire,8\n"), [["\"open", "5"], ["wire", "8"]]);
        assert_eq!(rows("\"open,5\n\"wire\",8\n"), [["\"open", "5"], ["wire", "8"]]);
        assert_eq!(rows("\"open,5\nrod,\"8, 9\"\n"), [["\"open", "5"], ["rod", "8, 9"]]);
        assert_eq!(rows("\"open,5\nrod,\"\"\nx,\"y\"\n").len(), 3);
    }
}
