//! The header of a table: in how many rows it stands, and whether a gap is between it and its
//! rows.

use std::ops::Range;

use super::{Finding, Run, Shape};
use crate::document::{is_header, is_header_apart, is_value};

/// Rows under two rows of names in which the first values are looked for: sections stand between.
const MAX_SECTIONS: usize = 3;

/// Runs of lines, names put together with the values that an empty row keeps apart from them.
pub(super) fn joined(text: &str, runs: Vec<Run>) -> Vec<Run> {
    let mut joined: Vec<Run> = Vec::with_capacity(runs.len());
    for run in runs {
        match joined.last_mut().filter(|above| names(text, above, &run)) {
            Some(above) => above.lines.extend(run.lines),
            None => joined.push(run),
        }
    }
    joined
}

/// Whether a run holds nothing but the names of the columns of the next.
fn names(text: &str, above: &Run, values: &Run) -> bool {
    let end = above.lines.last().map_or(0, |line| line.end);
    let start = values.lines.first().map_or(0, |line| line.start);
    let is_near = text.get(end..start).is_some_and(|between| between.trim().is_empty());
    if !is_near || above.shape != Shape::Tabs || values.shape != Shape::Tabs {
        return false;
    }
    let words = |line: &Range<usize>, shape| -> Vec<&str> {
        let cells = super::cells(text, line, shape).into_iter();
        cells.map(|cell| text.get(cell).unwrap_or_default()).collect()
    };
    let header: Vec<Vec<&str>> = above.lines.iter().map(|line| words(line, above.shape)).collect();
    let first = values.lines.first().map(|line| words(line, values.shape));
    first.is_some_and(|first| is_header_apart(&header, &first))
}

impl Finding<'_> {
    /// The names of the columns, with the rows that they stand in taken off.
    pub(super) fn take_header(&mut self) -> Option<Vec<String>> {
        let (first, next) = (self.words(0), self.words(1));
        let filled = first.iter().filter(|cell| !cell.is_empty()).count();
        let is_named = filled > 0 && (self.is_ruled || is_header(&first, &next));
        if !is_named || self.rows.len() < 2 || first.iter().any(|cell| cell.starts_with('=')) {
            self.notes.push("no header row: its columns have no names".to_owned());
            return None;
        }
        let mut names: Vec<String> = first.iter().map(|cell| (*cell).to_owned()).collect();
        self.header = vec![self.rows.remove(0)];
        if self.goes_on_in(&first, &next) {
            names = self.named_below(&first, &next);
            self.header.push(self.rows.remove(0));
        }
        let is_again = |row: &Vec<Range<usize>>| {
            row.len() == first.len()
                && row.iter().map(|cell| self.get(cell)).eq(first.iter().copied())
        };
        let again: Vec<bool> = self.rows.iter().map(is_again).collect();
        let mut again = again.into_iter();
        self.rows.retain(|_| !again.next().unwrap_or(false));
        Some(names)
    }

    /// The names of a header in two rows. A name over one of several columns, as where a period
    /// stands at the end of its row, is the caption of all.
    fn named_below(&mut self, above: &[&str], below: &[&str]) -> Vec<String> {
        let cell =
            |cells: &[&str], at: usize| cells.get(at).copied().unwrap_or_default().to_owned();
        let is_over = |at: &usize| {
            !cell(above, *at).is_empty()
                && !cell(below, *at).is_empty()
                && cell(above, *at) != cell(below, *at)
        };
        let over: Vec<usize> = (0..above.len()).filter(is_over).collect();
        let spreads = !self.repeats_merged();
        if let ([only], false) = (over.as_slice(), spreads) {
            self.caption = cell(above, *only);
        }
        let mut last = String::new();
        let mut names = Vec::new();
        for at in 0..above.len().max(below.len()) {
            let (mut name, below) = (cell(above, at), cell(below, at));
            if name == self.caption && !below.is_empty() {
                name.clear();
            }
            match (name.is_empty(), below.is_empty()) {
                (true, false) if spreads => name.clone_from(&last),
                (false, false) => last.clone_from(&name),
                _ => {}
            }
            let is_new = !below.is_empty() && below != name;
            names.push(if is_new { format!("{name} {below}").trim().to_owned() } else { name });
        }
        names
    }

    /// Whether merged cells stand in each of the columns that they cover.
    fn repeats_merged(&self) -> bool {
        !matches!(self.stored.kind, "csv" | "text" | "markdown")
    }

    /// Whether the row under the header names columns too: merged names stand over its own.
    fn goes_on_in(&self, first: &[&str], next: &[&str]) -> bool {
        // rows that say one thing stand between names and values
        let is_row = |cells: &Vec<&str>| {
            let mut filled = cells.iter().filter(|cell| !cell.is_empty());
            filled.next().is_some_and(|first| filled.any(|cell| cell != first))
        };
        let Some(third) = (1..=MAX_SECTIONS).map(|at| self.words(at)).find(is_row) else {
            return false;
        };
        if self.rows.len() < 2 || !is_header(next, &third) {
            return false;
        }
        let pairs = || first.windows(2).zip(next.windows(2));
        let is_merged = pairs().any(|(above, below)| {
            !above[0].is_empty()
                && above[0] == above[1]
                && below[0] != below[1]
                && !below[1].is_empty()
        });
        let begins_empty = !self.is_ruled && next.first().is_some_and(|cell| cell.is_empty());
        let values = third.iter().any(|cell| is_value(cell));
        (is_merged || begins_empty) && values
    }
}
