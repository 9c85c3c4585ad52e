//! What merged cells leave in the rows of a table: a sign in a cell of its own, a row of which
//! only the beginning is there, and fields with their names.

use std::ops::Range;

use super::Finding;
use crate::document::is_value;

/// What stands in a cell of its own beside the number that it belongs to.
const SIGNS: &[&str] = &["$", "\u{20ac}", "\u{a3}", "\u{a5}", "US$", "CHF", "%", "(", ")"];

/// Rows of fields at least, and how many of them hold a value and how many words.
const MIN_FIELDS: usize = 5;
const MIN_OF_KIND: usize = 2;

impl Finding<'_> {
    /// Puts a number and the signs beside it, which stand under one name in cells of their own,
    /// into one: `$`, `1,200` and `)`.
    pub(super) fn join_signs(&mut self, names: &mut [String]) {
        let mut start = 1;
        while start < names.len() {
            let end = self.group_end(names, start);
            if end > start + 1 && self.is_one(start..end) {
                self.join(start..end);
                names.iter_mut().take(end).skip(start + 1).for_each(String::clear);
            }
            start = end;
        }
    }

    /// Where the columns end that have the name of the one at `start`, those of signs with them.
    fn group_end(&self, names: &[String], start: usize) -> usize {
        let Some(name) = names.get(start).filter(|name| !name.is_empty()) else {
            return start + 1;
        };
        let same = names.iter().skip(start).take_while(|other| *other == name).count();
        let signs = (start + same..names.len())
            .take_while(|at| names.get(*at).is_some_and(String::is_empty) && self.is_of_signs(*at));
        let more: Vec<usize> = signs.collect();
        // empty columns behind the last sign separate
        let last = more.iter().rposition(|at| self.column(*at).any(|cell| !cell.is_empty()));
        start + same + last.map_or(0, |last| last + 1)
    }

    fn column(&self, at: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.get(at).map_or("", |cell| self.get(cell)))
    }

    fn is_of_signs(&self, at: usize) -> bool {
        self.column(at).all(|cell| cell.is_empty() || SIGNS.contains(&cell))
    }

    /// Whether in each row one of these columns at most holds more than a sign.
    fn is_one(&self, columns: Range<usize>) -> bool {
        self.rows.iter().all(|row| {
            let cells = row.get(columns.start..columns.end.min(row.len())).unwrap_or_default();
            let said = cells.iter().map(|cell| self.get(cell));
            said.filter(|cell| !cell.is_empty() && !SIGNS.contains(cell)).count() < 2
        })
    }

    fn join(&mut self, columns: Range<usize>) {
        for row in &mut self.rows {
            let end = columns.end.min(row.len());
            let Some(cells) = row.get_mut(columns.start..end) else { continue };
            let filled = || cells.iter().filter(|cell| !cell.is_empty());
            let first = filled().map(|cell| cell.start).min();
            let Some(whole) = first.zip(filled().map(|cell| cell.end).max()) else { continue };
            cells.fill(whole.1..whole.1);
            if let Some(first) = cells.first_mut() {
                *first = whole.0..whole.1;
            }
        }
    }

    /// Takes off the rows that are only the beginning of the one below: of cells that go down over
    /// several rows the first stand alone in their own.
    pub(super) fn take_leads(&mut self) {
        if self.stored.kind != "html" {
            return;
        }
        let words: Vec<Vec<&str>> = (0..self.rows.len()).map(|row| self.words(row)).collect();
        let is_lead = |pair: &[Vec<&str>]| {
            pair[0].len() < pair[1].len() && !pair[0].is_empty() && pair[1].starts_with(&pair[0])
        };
        let leads: Vec<bool> = words.windows(2).map(is_lead).collect();
        let mut leads = leads.into_iter();
        self.rows.retain(|_| !leads.next().unwrap_or(false));
    }

    /// The column of names and that of what they stand for, in a table whose rows are fields: two
    /// columns under no names, or such with a column of colons between them.
    pub(super) fn fields(&self, width: usize) -> Option<[usize; 2]> {
        match width {
            2 => self.is_of_fields().then_some([0, 1]),
            _ => self.around_colons(width),
        }
    }

    /// Whether two columns are names of fields and what they hold: all names end with a colon, or
    /// a title or sections stand between rows of words and rows of values.
    fn is_of_fields(&self) -> bool {
        let pair = |row: &Vec<Range<usize>>| Some([self.get(row.first()?), self.get(row.get(1)?)]);
        let all = self.header.iter().chain(&self.rows);
        let is_field = |row: &[&str; 2]| !row[1].is_empty() && row[0] != row[1];
        let rows: Vec<[&str; 2]> = all.filter_map(pair).filter(is_field).collect();
        let of_values = rows.iter().filter(|row| is_value(row[1])).count();
        let is_mixed = rows.len() >= MIN_FIELDS
            && of_values.min(rows.len() - of_values) >= MIN_OF_KIND
            && (self.title.is_some() || rows.len() < self.header.len() + self.rows.len());
        let is_marked = rows.len() > 1 && rows.iter().all(|row| row[0].ends_with(':'));
        let is_named = rows.iter().all(|row| !row[0].is_empty() && !is_value(row[0]));
        !self.is_ruled && is_named && (is_mixed || is_marked)
    }

    /// The columns around one that is colons for the most part.
    fn around_colons(&self, width: usize) -> Option<[usize; 2]> {
        let count =
            |at: usize, is: fn(&str) -> bool| self.column(at).filter(|cell| is(cell)).count();
        let is_colons = |at: &usize| {
            let colons = count(*at, |cell| cell == ":");
            colons >= MIN_FIELDS && colons * 2 > count(*at, |cell| !cell.is_empty())
        };
        let colons = (1..width.saturating_sub(1)).find(is_colons)?;
        let names = |at: &usize| count(*at, |cell| !cell.is_empty() && !is_value(cell));
        let label = (0..colons).rev().max_by_key(names)?;
        Some([label, colons + 1])
    }
}
