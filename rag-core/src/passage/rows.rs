//! Rows of tables: each is a sentence of its own, and the header row says what its cells mean.

use std::ops::Range;

use super::breaks;
use crate::document::{is_header, is_header_apart, is_value};

/// Bytes up to which a row is one sentence; in a longer one the sentences of its cells count.
const MAX_ROW_BYTES: usize = 600;

/// Bytes of a table in which its header is looked for.
const MAX_HEADER_BYTES: usize = 4000;

/// Rows above the header at most: titles over the whole width.
const MAX_TITLE_ROWS: usize = 3;

/// The sentences of `text`: rows of tables, and what [`breaks`] finds between them.
pub(super) fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut sentences: Vec<Range<usize>> = Vec::new();
    let mut prose = 0;
    for row in rows(text) {
        push_prose(text, prose..row.start, &mut sentences);
        prose = row.end;
        let is_mark = text.get(row.clone()).is_some_and(is_delimiter);
        match sentences.last_mut().filter(|_| is_mark) {
            // the line under a header says nothing
            Some(header) => header.end = row.end,
            None if row.len() > MAX_ROW_BYTES => push_prose(text, row, &mut sentences),
            None => sentences.push(row),
        }
    }
    push_prose(text, prose..text.len(), &mut sentences);
    sentences
}

/// Adds the sentences of a stretch without rows.
fn push_prose(text: &str, range: Range<usize>, sentences: &mut Vec<Range<usize>>) {
    let text = text.get(..range.end).unwrap_or_default();
    let white = |at: usize| text.get(at..).map_or(0, |rest| rest.len() - rest.trim_start().len());
    let mut start = range.start + white(range.start);
    while start < text.len() {
        let next = breaks::next_sentence_start(text, start, text.len()).unwrap_or(text.len());
        let sentence = text.get(start..next).unwrap_or_default().trim_end();
        if !sentence.is_empty() {
            sentences.push(start..start + sentence.len());
        }
        start = next;
    }
}

/// The lines of `text` that are rows, trimmed of white space.
fn rows(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut lines = Vec::new();
    let mut at = 0;
    if text.contains(['\t', '|']) {
        for line in text.split_inclusive('\n') {
            let start = at + line.len() - line.trim_start().len();
            lines.push(start.min(at + line.trim_end().len())..at + line.trim_end().len());
            at += line.len();
        }
    }
    let bars: Vec<bool> = lines.iter().map(|line| has_bars(&text[line.clone()])).collect();
    let row = move |index: usize, line: &str| {
        let bar = |index: usize| bars.get(index).copied().unwrap_or(false);
        let near = index.checked_sub(1).is_some_and(bar) || bar(index + 1);
        line.contains('\t') || is_piped(line) || (bar(index) && near)
    };
    lines.into_iter().enumerate().filter(move |(i, line)| row(*i, &text[line.clone()])).map(|l| l.1)
}

/// Cells between bars, as in a row of Markdown without bars at its ends.
fn has_bars(line: &str) -> bool {
    line.contains(" | ") || (line.contains('|') && is_delimiter(line))
}

/// A row of Markdown with bars at its ends.
fn is_piped(line: &str) -> bool {
    line.len() > 2 && line.starts_with('|') && line.ends_with('|')
}

/// The line under the header of a table in Markdown: `|---|:-:|`.
fn is_delimiter(line: &str) -> bool {
    line.contains("--")
        && line.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' ' | b'\t'))
}

/// The cells of a row.
fn cells(row: &str) -> Vec<&str> {
    let separator = if row.contains('\t') { '\t' } else { '|' };
    let row = if separator == '|' { row.trim().trim_matches('|') } else { row };
    row.split(separator).map(str::trim).collect()
}

/// The cells that name the columns of a table, joined with `" | "`; nothing if its first row of
/// several cells holds values.
pub(super) fn header(table: &str) -> Option<String> {
    let head = table.get(..table.floor_char_boundary(MAX_HEADER_BYTES))?;
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    let found = lines.by_ref().take(MAX_TITLE_ROWS).map(cells).find(|row| filled(row) > 1)?;
    let next = lines.next().unwrap_or_default();
    let named = is_delimiter(next.trim()) || is_header(&found, &cells(next));
    let names: Vec<&str> = found.into_iter().filter(|cell| !cell.is_empty()).collect();
    named.then(|| names.join(" | "))
}

/// As [`header`], of rows that hold nothing else, with an empty row between them and the table.
pub(super) fn header_apart(above: &str, table: &str) -> Option<String> {
    let names: Vec<Vec<&str>> =
        above.lines().filter(|line| !line.trim().is_empty()).map(cells).collect();
    let first = cells(table.lines().next()?);
    let filled = names.iter().flatten().filter(|cell| !cell.is_empty()).copied();
    is_header_apart(&names, &first).then(|| filled.collect::<Vec<_>>().join(" | "))
}

fn filled(row: &[&str]) -> usize {
    row.iter().filter(|cell| !cell.is_empty()).count()
}

/// The table of `text` that holds a row, down to that row, and the one above it.
fn table_of(text: &str, row: &Range<usize>) -> Option<(Range<usize>, Option<Range<usize>>)> {
    let (mut first, mut above): (Option<Range<usize>>, Option<Range<usize>>) = (None, None);
    for other in rows(text) {
        let goes_on = first.as_ref().is_some_and(|table| {
            text.get(table.end..other.start).is_some_and(|between| !between.contains("\n\n"))
        });
        if !goes_on {
            above = first.take();
        }
        let start = first.map_or(other.start, |table| table.start);
        first = Some(start..other.end);
        if other.end >= row.end {
            break;
        }
    }
    let table = first.filter(|table| table.start <= row.start && row.end <= table.end)?;
    Some((table, above))
}

/// Columns from which on a first row is taken for a header: of two it may be a field.
const MIN_HEADER_COLUMNS: usize = 3;

/// Whether a row is the header of a table beyond doubt: a rule stands under it, or values under its
/// names.
pub(super) fn is_header_row(text: &str, heading: Option<&str>, row: &Range<usize>) -> bool {
    let begins = table_of(text, row).is_some_and(|(table, _)| table.start == row.start);
    if !begins || header_over(text, heading, row).is_some() {
        return false;
    }
    let rest = text.get(row.start..).unwrap_or_default();
    let table = rest.split("\n\n").next().unwrap_or_default();
    let mut lines = table.lines();
    let (Some(first), Some(next)) = (lines.next().map(cells), lines.next()) else { return false };
    let below = cells(next);
    let mut pairs = first.iter().zip(&below);
    let stands_over_values =
        pairs.any(|(name, below)| !name.is_empty() && !is_value(name) && is_value(below));
    is_delimiter(next.trim())
        || (first.len() >= MIN_HEADER_COLUMNS && is_header(&first, &below) && stands_over_values)
}

/// What names the cells of `row`, a sentence of `text`, if that is a row of a table: the header row
/// above it, or the last of the headings over the passage if the table began before it.
pub(super) fn header_over(text: &str, heading: Option<&str>, row: &Range<usize>) -> Option<String> {
    let (table, above) = table_of(text, row)?;
    let carried = heading.map(|heading| heading.rsplit(" > ").next().unwrap_or(heading));
    if table.start == text.len() - text.trim_start().len()
        && let Some(names) = carried.filter(|names| names.contains(" | "))
    {
        return Some(names.to_owned());
    }
    if let Some(header) = header(text.get(table.clone())?) {
        return (row.start > table.start).then_some(header);
    }
    let above = above.filter(|above| {
        text.get(above.end..table.start).is_some_and(|between| between.trim().is_empty())
    });
    header_apart(text.get(above?)?, text.get(table)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn each_row_is_a_sentence() {
        let text = "Rooms. All of them.\n\nname\troom\nAnn\tR. 1\nBob\tR2\n\nThat is\nall.";
        let expected =
            ["Rooms.", "All of them.", "name\troom", "Ann\tR. 1", "Bob\tR2", "That is\nall."];
        assert_eq!(shown(text), expected);
        let text = "| name | room |\n|---|---|\n| Ann | R1 |\n| Bob | R2 |";
        assert_eq!(shown(text), ["| name | room |\n|---|---|", "| Ann | R1 |", "| Bob | R2 |"]);
        assert_eq!(shown("name | room\n--- | ---\nAnn | R1")[1], "Ann | R1");
        assert_eq!(shown("a | b is an or.\nOf two."), ["a | b is an or.", "Of two."]);
    }

    #[test]
    fn the_names_of_columns_say_nothing_alone() {
        let first = |text: &str, heading| is_header_row(text, heading, &sentences(text)[0]);
        assert!(first("name\troom\tsize\nAnn\tR1\t12", None));
        assert!(first("| name | room |\n|---|---|\n| Ann | R1 |", None));
        // rows of words, a field, and what goes on
        assert!(!first("Ann\tR1\told\nBob\tR2\tnew", None));
        assert!(!first("room\tnone\nsize\t12", None));
        assert!(!first("Ann\tnone\tnone\nBob\tR2\t12", Some("name | room | size")));
    }

    #[test]
    fn a_long_row_has_sentences() {
        let text = format!("a\t{} End.", "Some words stand here. ".repeat(40));
        assert_eq!(shown(&text).len(), 41);
    }

    #[test]
    fn names_of_columns_come_from_the_row_above_or_the_heading() {
        let text = "Rooms\n\nname\troom\nAnn\tR1\nBob\tR2";
        let bob = 24..30;
        assert_eq!(header_over(text, None, &bob).as_deref(), Some("name | room"));
        assert_eq!(header_over(text, None, &(7..16)), None);
        assert_eq!(header_over(text, None, &(0..5)), None);
        let middle = "Ann\tR1\nBob\tR2";
        let of = |heading| header_over(middle, heading, &(7..13));
        assert_eq!(of(Some("Site > name | room")).as_deref(), Some("name | room"));
        assert_eq!(header("rod\t12\nwire\t8"), None);
        // an empty row between
        let text = "in CHF\t\t2023\n\tSales\tCosts\n\nrod\t12\t3\nwire\t8\t2";
        let wire = text.find("wire").unwrap_or_default();
        let names = header_over(text, None, &(wire..text.len()));
        assert_eq!(names.as_deref(), Some("in CHF | 2023 | Sales | Costs"));
        assert_eq!(header("Stock of May\nname\tsize\nrod\t12").as_deref(), Some("name | size"));
    }
}
