//! What the cells of a column are: guessed from all of them, and honest where they differ.

use super::day::{DayOrder, day};
use super::quantity::{Marks, Quantity, is_currency, written};
use super::{ColumnKind, TableColumn};
use crate::fold::fold;

/// How the cells of a column are read as values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CellReading {
    kind: ReadingKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReadingKind {
    Day(DayOrder),
    Number { marks: Marks, scale: u32, group: Option<char> },
}

/// Cells that say there is no value.
const NOTHING: &[&str] =
    &["", "-", "--", "\u{2013}", "\u{2014}", "n/a", "na", "n.a.", "null", "none", "nan", "?", "nc"];

/// Whether a cell says that there is no value.
pub(crate) fn is_nothing(cell: &str) -> bool {
    // the sign of a currency stands before a dash too
    let bare = cell
        .trim_start_matches(|c: char| c.is_whitespace() || is_currency(c.encode_utf8(&mut [0; 4])));
    NOTHING.contains(&fold(bare.trim()).as_str())
}

/// A cell without marks of Markdown around all of it, of a link its words.
pub(super) fn plain(cell: &str) -> &str {
    let cell = cell.trim();
    let inner = cell.trim_matches(['*', '_', '`']);
    if inner.is_empty() { cell } else { linked(inner).unwrap_or(inner) }
}

/// The words of a cell that is one link: `[words](target)`.
fn linked(cell: &str) -> Option<&str> {
    let (words, target) = cell.strip_prefix('[')?.split_once("](")?;
    let is_one = target.ends_with(')') && !target.contains("](") && !words.is_empty();
    is_one.then(|| words.trim())
}

impl CellReading {
    /// A cell as a number that sorts and adds up as its value does; `None` for nothing.
    pub(crate) fn value(&self, cell: &str) -> Option<i64> {
        match self.kind {
            ReadingKind::Day(order) => day(cell, order),
            ReadingKind::Number { marks, scale, .. } => {
                Quantity::read(cell, marks)?.at_scale(scale)
            }
        }
    }

    /// A number that a column is compared with, in a question: whole, with either mark; decimals
    /// beyond those of the column do not fit.
    pub(crate) fn bound(&self, text: &str) -> Option<i64> {
        let ReadingKind::Number { marks, scale, .. } = self.kind else { return None };
        let other = if marks == Marks::Point { Marks::Comma } else { Marks::Point };
        let read = |marks| Quantity::read(text, marks).and_then(|number| number.at_scale(scale));
        read(marks).or_else(|| read(other))
    }

    /// Decimals that values are counted in.
    pub(crate) fn scale(&self) -> u32 {
        match self.kind {
            ReadingKind::Day(_) => 0,
            ReadingKind::Number { scale, .. } => scale,
        }
    }

    /// A number in `scale` decimals, as the column writes its own.
    pub(crate) fn written(&self, mantissa: i128, scale: u32) -> String {
        match self.kind {
            ReadingKind::Day(_) => mantissa.to_string(),
            ReadingKind::Number { marks, group, .. } => written(mantissa, scale, marks, group),
        }
    }
}

/// What all columns of a table are guessed with.
pub(super) struct Guess<'a> {
    pub(super) lang: Option<&'a str>,
}

/// A column as it was found: the name from the header, and its cells.
pub(super) struct Found<'a> {
    pub(super) name: String,
    pub(super) cells: Vec<&'a str>,
}

impl Guess<'_> {
    /// Columns and how they are read.
    pub(super) fn columns(&self, found: &[Found<'_>]) -> Vec<(TableColumn, Option<CellReading>)> {
        // what one column shows beyond doubt holds for the others
        let shown = |marks| found.iter().any(|column| shows(&column.cells, marks));
        let marks = match (shown(Marks::Point), shown(Marks::Comma)) {
            (true, false) => Some(Marks::Point),
            (false, true) => Some(Marks::Comma),
            _ => None,
        };
        found.iter().map(|column| self.column(column, marks)).collect()
    }

    fn column(
        &self,
        found: &Found<'_>,
        marks: Option<Marks>,
    ) -> (TableColumn, Option<CellReading>) {
        let column = |kind, unit, note| TableColumn { name: found.name.clone(), kind, unit, note };
        let cells: Vec<&str> =
            found.cells.iter().copied().filter(|cell| !is_nothing(cell)).collect();
        if cells.is_empty() {
            return (column(ColumnKind::Text, None, None), None);
        }
        match self.days(&cells) {
            Ok(Some(order)) => {
                let reading = CellReading { kind: ReadingKind::Day(order) };
                return (column(ColumnKind::Date, None, None), Some(reading));
            }
            Err(note) => return (column(ColumnKind::Text, None, Some(note)), None),
            Ok(None) => {}
        }
        match self.numbers(&cells, marks) {
            Numbers::Alike(numbers, reading) => {
                let unit = unit(&numbers).or_else(|| unit_in(&found.name));
                let kind = kind_of(&numbers, unit.as_deref(), reading.scale());
                (column(kind, unit, None), Some(reading))
            }
            Numbers::Not(note) => (column(ColumnKind::Text, None, note), None),
        }
    }

    /// The order of day and month, if all cells are days; what is wrong if that cannot be told.
    fn days(&self, cells: &[&str]) -> Result<Option<DayOrder>, String> {
        let all = |order| cells.iter().all(|cell| day(cell, order).is_some());
        let (day_first, month_first) = (all(DayOrder::DayFirst), all(DayOrder::MonthFirst));
        let differ =
            |cell: &&&str| day(cell, DayOrder::DayFirst) != day(cell, DayOrder::MonthFirst);
        match (day_first, month_first, cells.iter().find(differ)) {
            (true, true, Some(cell)) if self.lang != Some("fr") => {
                Err(format!("{cell} may be two days: which of its numbers is the month?"))
            }
            (true, ..) => Ok(Some(DayOrder::DayFirst)),
            (false, true, _) => Ok(Some(DayOrder::MonthFirst)),
            (false, false, _) => Ok(None),
        }
    }

    fn numbers(&self, cells: &[&str], marks: Option<Marks>) -> Numbers {
        let own = match self.lang {
            Some("fr") => Marks::Comma,
            _ => Marks::Point,
        };
        let first = marks.unwrap_or(own);
        let other = if first == Marks::Point { Marks::Comma } else { Marks::Point };
        let read = |marks| -> Option<Vec<Quantity>> {
            cells.iter().map(|cell| Quantity::read(cell, marks)).collect()
        };
        let Some((numbers, used)) =
            read(first).map(|all| (all, first)).or_else(|| read(other).map(|all| (all, other)))
        else {
            return Numbers::Not(not_all(cells, first));
        };
        if cells.iter().any(|cell| is_code(cell)) {
            return Numbers::Not(None);
        }
        let doubtful = numbers.iter().position(|number| number.is_ambiguous);
        let certain = marks.is_some() || (self.lang == Some("en") && used == Marks::Point);
        if let Some(cell) = doubtful.filter(|_| !certain).and_then(|place| cells.get(place)) {
            return Numbers::Not(Some(format!(
                "{cell} may be two numbers: is its mark that of thousands or of decimals?"
            )));
        }
        if let Some(note) = mixed_units(&numbers) {
            return Numbers::Not(Some(note));
        }
        let scale = numbers.iter().map(|number| number.scale).max().unwrap_or(0);
        if numbers.iter().any(|number| number.at_scale(scale).is_none()) {
            return Numbers::Not(Some("its numbers are too long to compute with".to_owned()));
        }
        let group = numbers.iter().find_map(|number| number.group);
        let kind = ReadingKind::Number { marks: used, scale, group };
        Numbers::Alike(numbers, CellReading { kind })
    }
}

enum Numbers {
    Alike(Vec<Quantity>, CellReading),
    /// Why they are not, where that is worth saying.
    Not(Option<String>),
}

/// Whether cells can only be read with these marks.
fn shows(cells: &[&str], marks: Marks) -> bool {
    let other = if marks == Marks::Point { Marks::Comma } else { Marks::Point };
    let only = |cell: &&str| {
        Quantity::read(cell, marks).is_some() && Quantity::read(cell, other).is_none()
    };
    cells.iter().any(only)
}

/// A number with zeros before it is a code: a postcode, a telephone.
fn is_code(cell: &str) -> bool {
    let mut bytes = cell.trim().bytes();
    bytes.next() == Some(b'0') && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
}

/// Why cells are not numbers although most are.
fn not_all(cells: &[&str], marks: Marks) -> Option<String> {
    if let Some(formula) = cells.iter().find(|cell| cell.starts_with('=')) {
        let shown: String = formula.chars().take(40).collect();
        return Some(format!("it holds formulas without values, such as {shown}"));
    }
    let others: Vec<&&str> =
        cells.iter().filter(|cell| Quantity::read(cell, marks).is_none()).collect();
    let most = others.len() * 2 < cells.len();
    let shown: String = others.first()?.chars().take(40).collect();
    most.then(|| {
        format!("{} of {} cells are no numbers, such as {shown:?}", others.len(), cells.len())
    })
}

fn mixed_units(numbers: &[Quantity]) -> Option<String> {
    let first = &numbers.first()?.unit;
    let other = numbers.iter().find(|number| number.unit != *first)?;
    let shown = |unit: &str| if unit.is_empty() { "no unit".to_owned() } else { unit.to_owned() };
    Some(format!("its units differ: {} and {}", shown(first), shown(&other.unit)))
}

fn unit(numbers: &[Quantity]) -> Option<String> {
    numbers.first().map(|number| number.unit.clone()).filter(|unit| !unit.is_empty())
}

/// The unit in brackets at the end of a column's name.
fn unit_in(name: &str) -> Option<String> {
    let (_, rest) = name.trim_end().trim_end_matches([')', ']']).rsplit_once(['(', '['])?;
    // a single letter is the mark of a note more often than a unit
    let is_note = rest.len() == 1 && !"gmhl%$".contains(rest);
    let is_unit = (1..=8).contains(&rest.chars().count())
        && !rest.contains(' ')
        && !rest.chars().all(|c| c.is_ascii_digit());
    let is_unit = is_unit && !is_note;
    is_unit.then(|| rest.to_owned())
}

fn kind_of(numbers: &[Quantity], unit: Option<&str>, scale: u32) -> ColumnKind {
    let inside = numbers.first().is_some_and(|number| !number.unit.is_empty());
    match unit {
        Some("%") => ColumnKind::Percent,
        Some(unit) if is_currency(unit) => ColumnKind::Currency,
        _ if scale == 0 && !inside => ColumnKind::Integer,
        _ => ColumnKind::Number,
    }
}
