//! Tables drawn with characters: grids and simple ones.

use std::collections::BTreeSet;
use std::ops::Range;

use super::SourceLine;

/// A table: for each cell of each row, the stretches of the input that are in it, top to bottom.
pub(super) struct RstTable {
    pub(super) rows: Vec<Vec<Vec<Range<usize>>>>,
    /// Lines of the input.
    pub(super) line_count: usize,
}

/// More edges than this are no table of words.
const MAX_COLUMNS: usize = 200;

/// The table that `lines` begin with, if they do. `no_end` is set once no simple table can end any
/// more: so that many beginnings cost one search.
pub(super) fn rows(lines: &[SourceLine<'_>], no_end: &mut bool) -> Option<RstTable> {
    let first = lines.first()?.text.trim();
    if is_grid_border(first) {
        return grid(lines);
    }
    if *no_end || !is_simple_border(first, b'=') {
        return None;
    }
    let end = simple_end(lines);
    *no_end = end.is_none();
    simple(lines, end?)
}

/// `+-----+-----+`
fn is_grid_border(text: &str) -> bool {
    text.len() > 2
        && text.starts_with('+')
        && text.ends_with('+')
        && text.bytes().all(|b| matches!(b, b'+' | b'-' | b'='))
}

fn grid(lines: &[SourceLine<'_>]) -> Option<RstTable> {
    let is_part = |line: &&SourceLine<'_>| line.text.trim_start().starts_with(['+', '|']);
    let lines: Vec<_> = lines.iter().take_while(is_part).collect();
    let indent = lines.first()?.indent;
    if lines.len() < 3 {
        return None;
    }
    let is_border = |line: &SourceLine<'_>| line.text.contains("+-") || line.text.contains("+=");
    // Cells span columns and rows: the columns are those of all borders, whole or in part.
    let mut edges = BTreeSet::new();
    for line in lines.iter().filter(|line| is_border(line)) {
        let characters = line.text.get(indent..)?.chars().enumerate();
        edges.extend(characters.filter(|(_, c)| *c == '+').map(|(at, _)| at));
    }
    let edges: Vec<usize> = edges.into_iter().take(MAX_COLUMNS).collect();
    let mut table = RstTable { rows: Vec::new(), line_count: lines.len() };
    for line in &lines {
        let text = line.text.get(indent..)?;
        if is_border(line) || table.rows.is_empty() {
            table.rows.push(vec![Vec::new(); edges.len().saturating_sub(1)]);
        }
        let row = table.rows.last_mut()?;
        // Columns are counted in characters; where a bar is missing the cell goes on.
        let places: Vec<(usize, char)> = text.char_indices().collect();
        let byte = |at: usize| places.get(at).map_or(text.len(), |(byte, _)| *byte);
        let (mut start, mut column) = (1, 0);
        for (index, &edge) in edges.iter().enumerate().skip(1) {
            let is_bar = places.get(edge).is_none_or(|(_, c)| matches!(c, '|' | '+'));
            if is_bar || index + 1 == edges.len() {
                let cell = byte(start)..byte(edge);
                let rule = |c: char| matches!(c, '+' | '-' | '=');
                if !text.get(cell.clone())?.trim().trim_matches(rule).is_empty() {
                    push(row.get_mut(column)?, line.start + indent, text, cell);
                }
                (start, column) = (edge + 1, index);
            }
        }
    }
    table.rows.retain(|row| row.iter().any(|cell| !cell.is_empty()));
    Some(table)
}

/// `=====  =====`
fn is_simple_border(text: &str, mark: u8) -> bool {
    text.contains(' ')
        && text.starts_with(char::from(mark))
        && text.bytes().all(|b| b == mark || b == b' ')
}

/// The last border of a simple table: the one that a blank line, or none, follows.
fn simple_end(lines: &[SourceLine<'_>]) -> Option<usize> {
    let is_end = |index: usize| lines.get(index + 1).is_none_or(SourceLine::is_blank);
    let is_border = |index: usize| is_simple_border(lines[index].text.trim(), b'=');
    (1..lines.len()).find(|&index| is_border(index) && is_end(index))
}

fn simple(lines: &[SourceLine<'_>], end: usize) -> Option<RstTable> {
    let first = lines.first()?;
    let indent = first.indent;
    let border = first.text.trim_end().get(indent..)?;
    if !is_simple_border(border, b'=') {
        return None;
    }
    let mut columns: Vec<usize> = Vec::new();
    let mut last = b' ';
    for (at, byte) in border.bytes().enumerate() {
        if byte == b'=' && last == b' ' {
            columns.push(at);
        }
        last = byte;
    }
    let mut table = RstTable { rows: Vec::new(), line_count: end + 1 };
    for line in lines.get(1..end)? {
        let text = line.text.get(indent.min(line.indent)..)?;
        let trimmed = text.trim();
        if trimmed.is_empty() || is_simple_border(trimmed, b'=') || is_simple_border(trimmed, b'-')
        {
            continue;
        }
        let places: Vec<(usize, char)> = text.char_indices().collect();
        let byte = |at: usize| places.get(at).map_or(text.len(), |(byte, _)| *byte);
        let cell = |index: usize| {
            let end = columns.get(index + 1).map_or(text.len(), |&next| byte(next));
            byte(columns[index])..end
        };
        let goes_on = text.get(cell(0)).is_none_or(|first| first.trim().is_empty());
        if !goes_on || table.rows.is_empty() {
            table.rows.push(vec![Vec::new(); columns.len()]);
        }
        let row = table.rows.last_mut()?;
        for index in 0..columns.len() {
            push(row.get_mut(index)?, line.start + indent.min(line.indent), text, cell(index));
        }
    }
    Some(table)
}

/// Adds the words of `range` of a line that begins at `start`.
fn push(cell: &mut Vec<Range<usize>>, start: usize, text: &str, range: Range<usize>) {
    let inner = text.get(range.clone()).unwrap_or_default();
    let from = range.start + inner.len() - inner.trim_start().len();
    if !inner.trim().is_empty() {
        cell.push(start + from..start + from + inner.trim().len());
    }
}
