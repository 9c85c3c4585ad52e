//! Where tables stand in a text, and which of their rows are titles, header, values and totals.

mod header;
mod merged;

use std::ops::Range;
use std::sync::Arc;

use super::columns::{Found, Guess, plain};
use super::layout::Stored;
use super::{DataTable, TableColumn, TableInfo};
use crate::document::is_value;
use crate::fold::fold;

/// Rows of a table; more are left out.
const MAX_ROWS: usize = 1_048_576;

/// Cells of a table; rows beyond are left out.
const MAX_CELLS: usize = 16 << 20;

/// Rows over the header at most: titles.
const MAX_TITLE_ROWS: usize = 3;

/// Characters of a paragraph over a table that is taken for its title.
const MAX_TITLE_CHARS: usize = 120;

/// Empty cells in a row that may stand for more than they show: readers keep no longer gap.
const LONG_GAP: usize = 50;

/// What the first cell of a row of totals begins with, folded.
const TOTALS: &[&str] = &[
    "total",
    "totals",
    "totaux",
    "grand total",
    "subtotal",
    "sub-total",
    "sous-total",
    "sous total",
    "sum",
    "somme",
    "ensemble",
    "average",
    "mean",
    "moyenne",
    "gesamt",
    "summe",
    "suma",
    "totale",
];

/// The tables of a document, in its order.
pub(crate) fn tables(stored: &Stored<'_>) -> Vec<DataTable> {
    let text: Arc<str> = stored.text().into();
    if u32::try_from(text.len()).is_err() {
        return Vec::new();
    }
    let runs = runs(&text, stored.kind);
    let tables = runs.iter().filter_map(|run| Finding::new(stored, &text, run).table());
    let mut found: Vec<DataTable> = tables.collect();
    for (place, table) in found.iter_mut().enumerate() {
        table.info.id = format!("{}.{}", stored.document_id, place + 1);
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Blank,
    Plain,
    Tabs,
    Bars,
}

/// Lines that follow each other and are one table.
struct Run {
    lines: Vec<Range<usize>>,
    shape: Shape,
}

/// Whether a format's reader writes tables with tabs, one row a line.
fn writes_rows(kind: &str) -> bool {
    !matches!(kind, "text" | "markdown" | "json" | "latex" | "man" | "notebook" | "pdf" | "xml")
}

fn shape(line: &str, kind: &str) -> Shape {
    let trimmed = line.trim();
    let cell = if writes_rows(kind) { line } else { trimmed };
    match () {
        () if trimmed.is_empty() => Shape::Blank,
        () if kind == "markdown" && is_barred(trimmed) => Shape::Bars,
        () if cell.contains('\t') && kind != "markdown" => Shape::Tabs,
        () => Shape::Plain,
    }
}

fn is_barred(line: &str) -> bool {
    line.contains(" | ")
        || (line.len() > 2 && line.starts_with('|') && line.ends_with('|'))
        || is_rule(line)
}

/// The line under the header of a table in Markdown.
fn is_rule(line: &str) -> bool {
    line.contains('|')
        && line.contains("--")
        && line.bytes().all(|byte| matches!(byte, b'|' | b'-' | b':' | b' ' | b'\t'))
}

/// Stretches of lines that may be tables.
fn runs(text: &str, kind: &str) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open: Option<Run> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.trim_end_matches(['\n', '\r']).len();
        at += line.len();
        let shape = shape(line.trim_end_matches(['\n', '\r']), kind);
        let belongs = match (&open, shape) {
            (_, Shape::Blank) => false,
            (Some(run), shape) => run.shape == shape || (writes_rows(kind) && shape != Shape::Bars),
            (None, Shape::Plain) => writes_rows(kind),
            (None, _) => true,
        };
        if !belongs {
            runs.extend(open.take());
        }
        if belongs || matches!(shape, Shape::Tabs | Shape::Bars) {
            let run = open.get_or_insert_with(|| Run { lines: Vec::new(), shape });
            if shape == Shape::Tabs {
                run.shape = Shape::Tabs;
            }
            run.lines.push(range);
        }
    }
    runs.extend(open);
    if writes_rows(kind) {
        runs = header::joined(text, runs);
    }
    runs.retain(|run| is_table(text, run, kind));
    runs
}

/// Whether lines that look like rows are a table: two at least, and in a text that was not written
/// by a reader of tables, all alike.
fn is_table(text: &str, run: &Run, kind: &str) -> bool {
    let line = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
    if run.lines.len() < 2 {
        return false;
    }
    match run.shape {
        Shape::Bars => run.lines.get(1).is_some_and(|second| is_rule(line(second).trim())),
        Shape::Tabs if writes_rows(kind) => true,
        Shape::Tabs => {
            let mut counts = run.lines.iter().map(|range| line(range).matches('\t').count());
            let first = counts.next();
            counts.all(|count| Some(count) == first)
                && !run.lines.iter().any(|range| line(range).starts_with('\t'))
        }
        Shape::Blank | Shape::Plain => false,
    }
}

/// The cells of a line.
fn cells(text: &str, line: &Range<usize>, shape: Shape) -> Vec<Range<usize>> {
    let whole = text.get(line.clone()).unwrap_or_default();
    let mut found = Vec::new();
    let (mut start, mut escaped) = (0, false);
    let bars = shape == Shape::Bars;
    let trimmed = whole.trim();
    let lead = whole.len() - whole.trim_start().len() + usize::from(trimmed.starts_with('|'));
    let end = match bars && trimmed.ends_with('|') && trimmed.len() > 1 {
        true => whole.trim_end().len() - 1,
        false => whole.len(),
    };
    if bars {
        start = lead.min(end);
    }
    for (at, byte) in whole.bytes().enumerate().take(end).skip(start) {
        let is_end = if bars { byte == b'|' && !escaped } else { byte == b'\t' };
        escaped = byte == b'\\' && !escaped;
        if is_end {
            found.push(line.start + start..line.start + at);
            start = at + 1;
        }
    }
    found.push(line.start + start..line.start + end);
    found.into_iter().map(|cell| trimmed_range(text, cell)).collect()
}

fn trimmed_range(text: &str, range: Range<usize>) -> Range<usize> {
    let cell = text.get(range.clone()).unwrap_or_default();
    let start = range.start + cell.len() - cell.trim_start().len();
    start..start + cell.trim().len()
}

/// One run of lines on its way to a table.
struct Finding<'a> {
    stored: &'a Stored<'a>,
    text: &'a Arc<str>,
    /// Its rows, all lines but rules.
    rows: Vec<Vec<Range<usize>>>,
    /// Whether a rule stands under the first row.
    is_ruled: bool,
    title: Option<String>,
    notes: Vec<String>,
    flaw: Option<String>,
    is_ragged: bool,
    /// The rows that the names of the columns were taken from.
    header: Vec<Vec<Range<usize>>>,
    /// What stands once over all columns: the period of a report.
    caption: String,
}

impl<'a> Finding<'a> {
    fn new(stored: &'a Stored<'a>, text: &'a Arc<str>, run: &Run) -> Self {
        let is_ruled = run.shape == Shape::Bars;
        let is_row = |line: &&Range<usize>| {
            !(is_ruled && is_rule(text.get((*line).clone()).unwrap_or_default().trim()))
        };
        let mut rows = Vec::new();
        let (mut count, mut notes, mut flaw) = (0, Vec::new(), None);
        for line in run.lines.iter().filter(is_row) {
            let row = cells(text, line, run.shape);
            count += row.len();
            if rows.len() > MAX_ROWS || count > MAX_CELLS {
                let left_out = run.lines.len() - rows.len();
                notes.push(format!("{left_out} rows beyond the limit are left out"));
                flaw = Some("it is longer than what is computed with".to_owned());
                break;
            }
            rows.push(row);
        }
        let (header, caption) = (Vec::new(), String::new());
        Self {
            stored,
            text,
            rows,
            is_ruled,
            title: None,
            notes,
            flaw,
            is_ragged: false,
            header,
            caption,
        }
    }

    fn get(&self, cell: &Range<usize>) -> &'a str {
        plain(self.text.get(cell.clone()).unwrap_or_default())
    }

    fn words(&self, row: usize) -> Vec<&'a str> {
        self.rows.get(row).map_or(Vec::new(), |row| row.iter().map(|cell| self.get(cell)).collect())
    }

    fn table(mut self) -> Option<DataTable> {
        let (start, end) = (self.rows.first()?.first()?.start, self.rows.last()?.last()?.end);
        self.take_titles();
        self.take_leads();
        let mut names = self.take_header();
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = width.max(names.as_ref().map_or(0, Vec::len));
        let fields = self.take_fields(&mut names, width);
        if let Some(names) = &mut names {
            names.resize(width, String::new());
            self.join_signs(names);
        }
        if width < 2 || self.rows.is_empty() {
            return None;
        }
        self.note_ragged(width);
        let names = self.named(names, width);
        let kept = self.used_columns(&names, width);
        let lang = self.stored.lang;
        let (mut rows, mut totals, mut sections) = (Vec::new(), Vec::new(), 0);
        for row in std::mem::take(&mut self.rows) {
            let row: Vec<Range<usize>> =
                kept.iter().map(|at| row.get(*at).cloned().unwrap_or(0..0)).collect();
            match fields.is_none() && self.is_total(&row) {
                true => totals.push((rows.len(), row)),
                false if self.is_empty(&row, &names, &kept) => {}
                false if self.is_section(&row) => sections += 1,
                false => rows.push(row),
            }
        }
        let found: Vec<Found<'_>> = kept
            .iter()
            .enumerate()
            .map(|(at, name)| Found {
                name: names.get(*name).map_or(String::new(), |name| name.0.clone()),
                cells: rows
                    .iter()
                    .map(|row| row.get(at).map_or("", |cell| self.get(cell)))
                    .collect(),
            })
            .collect();
        let columns = Guess { lang }.columns(&found);
        drop(found);
        let (mut columns, readings): (Vec<TableColumn>, Vec<_>) = columns.into_iter().unzip();
        for (column, at) in columns.iter_mut().zip(&kept) {
            if column.note.is_none() {
                column.note = names.get(*at).and_then(|name| name.1.clone());
            }
        }
        if rows.is_empty() {
            return None;
        }
        let cell = |range: &Range<usize>| [range.start as u32, range.end as u32];
        let info = TableInfo {
            id: String::new(),
            uri: self.stored.passages.first()?.uri.clone(),
            title: self.title.take().or_else(|| self.title_over(start)),
            columns,
            row_count: rows.len(),
            start,
            end,
            notes: Vec::new(),
        };
        let mut table = DataTable {
            info,
            text: Arc::clone(self.text),
            cells: rows.iter().flatten().map(cell).collect(),
            readings,
            flaw: self.flaw.take(),
            is_ragged: self.is_ragged,
            has_sections: sections > 0,
            fields: fields.and_then(|columns| {
                let place = |column| kept.iter().position(|at| *at == column);
                Some([place(columns[0])?, place(columns[1])?])
            }),
            about: format!("{} {}", self.about(start), self.caption),
            caption: std::mem::take(&mut self.caption),
        };
        if sections > 0 {
            self.notes.push(format!("{sections} rows with one cell only are left out"));
        }
        self.check_totals(&table, &totals);
        table.flaw = table.flaw.or(self.flaw);
        table.info.notes = self.notes;
        Some(table)
    }

    /// Takes rows off that say one thing over the whole width.
    fn take_titles(&mut self) {
        let mut parts: Vec<&str> = Vec::new();
        while parts.len() < MAX_TITLE_ROWS && self.rows.len() > 2 && !self.is_ruled {
            let row = self.words(0);
            let mut filled = row.iter().filter(|cell| !cell.is_empty());
            let Some(first) = filled.next().filter(|first| filled.all(|cell| cell == *first))
            else {
                break;
            };
            // a single name over a single column is a header
            if row.len() > 1
                && row.iter().filter(|cell| *cell == first).count() == 1
                && self.words(1).iter().filter(|cell| !cell.is_empty()).count() < 2
            {
                break;
            }
            parts.push(first);
            self.rows.remove(0);
        }
        if !parts.is_empty() {
            self.title = Some(parts.join(" "));
        }
    }

    /// A name for each column, and what is wrong with it.
    fn named(&mut self, names: Option<Vec<String>>, width: usize) -> Vec<(String, Option<String>)> {
        let given = names.unwrap_or_default();
        let mut named: Vec<(String, Option<String>)> = Vec::with_capacity(width);
        for at in 0..width {
            let name = given.get(at).map(|name| name.trim()).unwrap_or_default();
            if name.is_empty() {
                let note = (!given.is_empty() && at > 0).then(|| "it has no name".to_owned());
                named.push((format!("column {}", at + 1), note));
                continue;
            }
            let same =
                named.iter().filter(|other| other.0 == name || other.1.as_deref() == Some(name));
            let count = same.count();
            match count {
                0 => named.push((name.to_owned(), None)),
                _ => {
                    let times =
                        given.iter().take(at + 1).filter(|other| other.trim() == name).count();
                    let note = format!("another column is called {name} too");
                    named.push((format!("{name} ({times})"), Some(note)));
                }
            }
        }
        named
    }

    /// The columns that have a name or a cell.
    fn used_columns(&self, names: &[(String, Option<String>)], width: usize) -> Vec<usize> {
        let filled = |at: usize| {
            self.rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.is_empty()))
        };
        let is_named =
            |at: usize| names.get(at).is_some_and(|name| name.0 != format!("column {}", at + 1));
        (0..width).filter(|at| is_named(*at) || filled(*at)).collect()
    }

    /// Where a gap was cut short, and in pages that were read when empty cells did not show, a row
    /// may have lost cells anywhere.
    fn note_ragged(&mut self, width: usize) {
        let shows_empty = self.text.contains("\t\t") || self.text.contains("\n\t");
        let is_doubtful = self.stored.kind == "html" && !shows_empty;
        let is_short = |row: &Vec<Range<usize>>| is_doubtful && row.len() != width;
        let has_gap = |row: &Vec<Range<usize>>| {
            row.split(|cell| !cell.is_empty()).any(|gap| gap.len() == LONG_GAP)
        };
        let odd = self.rows.iter().filter(|row| is_short(row) || has_gap(row)).count();
        if odd > 0 {
            self.flaw = Some(format!("{odd} of its rows do not line up with the others"));
            self.notes.extend(self.flaw.clone());
            self.is_ragged = true;
        }
    }

    /// Whether nothing stands in the columns that have names.
    fn is_empty(
        &self,
        row: &[Range<usize>],
        names: &[(String, Option<String>)],
        kept: &[usize],
    ) -> bool {
        let in_named = row.iter().zip(kept).any(|(cell, at)| {
            !cell.is_empty()
                && names.get(*at).is_some_and(|name| name.1.as_deref() != Some("it has no name"))
        });
        !in_named
    }

    /// The columns of a table of fields. Its first field was no header.
    fn take_fields(&mut self, names: &mut Option<Vec<String>>, width: usize) -> Option<[usize; 2]> {
        if names.is_some() && (width != 2 || self.header.len() > 1) {
            return None;
        }
        let fields = self.fields(width)?;
        if names.take().is_some() {
            drop(self.rows.splice(0..0, self.header.drain(..)));
        }
        Some(fields)
    }

    /// Whether a row says one thing over the whole width: what the rows below it are about.
    fn is_section(&self, row: &[Range<usize>]) -> bool {
        if matches!(self.stored.kind, "csv" | "text" | "markdown" | "parquet") || row.len() < 2 {
            return false;
        }
        let mut cells = row.iter().map(|cell| self.get(cell)).filter(|cell| !cell.is_empty());
        let Some(first) = cells.next().filter(|first| !is_value(first)) else { return false };
        let more = cells.clone().count();
        // of two columns one may be empty
        (more == 0 && row.len() > 2) || (more + 1 == row.len() && cells.all(|cell| cell == first))
    }

    fn is_total(&self, row: &[Range<usize>]) -> bool {
        let first = row.iter().map(|cell| self.get(cell)).find(|cell| !cell.is_empty());
        let Some(first) = first.filter(|first| first.split_whitespace().count() <= 4) else {
            return false;
        };
        let first = fold(first.trim_end_matches(':'));
        TOTALS.iter().any(|word| {
            first.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        })
    }

    /// Rows of totals are left out where they are the sum of those above; where they are not,
    /// nobody knows what they are.
    fn check_totals(&mut self, table: &DataTable, totals: &[(usize, Vec<Range<usize>>)]) {
        let mut start = 0;
        for (end, row) in totals {
            let words: Vec<&str> = row.iter().map(|cell| self.get(cell)).collect();
            let shown = words.iter().find(|cell| !cell.is_empty()).copied().unwrap_or_default();
            let adds_up = |from: usize| {
                (0..words.len()).any(|column| {
                    let Some(reading) = table.reading(column) else { return false };
                    if !table.info.columns.get(column).is_some_and(|column| column.kind.is_number())
                    {
                        return false;
                    }
                    let sum: i128 = (from..*end)
                        .filter_map(|row| reading.value(table.cell(row, column)))
                        .map(i128::from)
                        .sum();
                    let told = words.get(column).and_then(|cell| reading.value(cell));
                    end > &from && told.is_some_and(|told| i128::from(told) == sum)
                })
            };
            let note = match adds_up(start) || adds_up(0) {
                true => format!("the row {shown:?} is the sum of rows above and left out"),
                false => {
                    let flaw = format!("the row {shown:?} is not the sum of the rows above");
                    self.flaw.get_or_insert(flaw).clone()
                }
            };
            self.notes.push(note);
            start = *end;
        }
    }

    /// The title of the document and the headings over a place.
    fn about(&self, start: usize) -> String {
        let passage = self.stored.passages.iter().rfind(|passage| passage.start <= start);
        let heading = passage.and_then(|passage| passage.heading.as_deref());
        let heading = heading.filter(|heading| !heading.contains(" | ")).unwrap_or_default();
        format!("{} {heading}", self.stored.title.unwrap_or_default())
    }

    /// What stands over the table: a short paragraph, or the headings of its passage.
    fn title_over(&self, start: usize) -> Option<String> {
        let before = self.text.get(..start).unwrap_or_default();
        // a row with bars begins before its first cell
        let before = before.rfind('\n').map_or("", |at| before.get(..at).unwrap_or_default());
        let before = before.trim_end();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line =
            before.get(line_start..).unwrap_or_default().trim().trim_start_matches('#').trim();
        let is_title = !line.is_empty()
            && line.chars().count() <= MAX_TITLE_CHARS
            && !line.contains(['\t', '|'])
            && (writes_rows(self.stored.kind) || self.stored.kind == "markdown");
        let passage = self.stored.passages.iter().rfind(|passage| passage.start <= start);
        let heading = passage.and_then(|passage| passage.heading.as_deref());
        let named = heading
            .and_then(|heading| heading.split(" > ").filter(|part| !part.contains(" | ")).last());
        is_title
            .then(|| plain(line).to_owned())
            .or_else(|| named.map(str::to_owned))
            .or_else(|| self.stored.title.map(str::to_owned))
    }
}
