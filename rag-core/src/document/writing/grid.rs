//! Tables with merged cells: a cell that covers several columns or rows stands in each of them, so
//! that every row can be read by itself and every column keeps its place.

/// Columns or rows that one cell is repeated over; more are left empty.
const MAX_SPAN: usize = 30;

/// Characters of a cell that is repeated; a longer one stands only once.
const MAX_REPEATED_CHARS: usize = 120;

/// Columns in which merged cells are followed downwards.
const MAX_COLUMNS: usize = 1000;

/// Bytes that the copies of merged cells of one table may take.
const MAX_COPY_BYTES: usize = 256 << 10;

/// Letters of a value at most: `12 kg`, `3 Mar 2026`.
const MAX_VALUE_LETTERS: usize = 3;

/// Whether a cell holds a value rather than a name: a number, an amount, a date, a time.
pub(crate) fn is_value(cell: &str) -> bool {
    let cell = cell.trim_start_matches(|c: char| {
        c.is_whitespace()
            || matches!(c, '+' | '-' | '\u{2212}' | '(' | '.' | '<' | '>' | '~')
            || matches!(c, '$' | '\u{20ac}' | '\u{a3}' | '\u{a5}')
    });
    let letters = cell.chars().filter(|c| c.is_alphabetic()).count();
    cell.starts_with(|c: char| c.is_ascii_digit()) && letters <= MAX_VALUE_LETTERS
}

/// Whether a cell is a year, which also names columns.
fn is_year(cell: &str) -> bool {
    cell.len() == 4 && cell.parse().is_ok_and(|year: u16| (1500..=2100).contains(&year))
}

/// Whether the cells of `first` name the columns of `next`, the row below: no value stands over a
/// value. Years may.
pub(crate) fn is_header(first: &[&str], next: &[&str]) -> bool {
    let pairs = first.iter().zip(next).map(|(name, below)| (name.trim(), below.trim()));
    let mut values = pairs.filter(|(name, below)| is_value(name) && is_value(below));
    let has_name = first.iter().any(|cell| !is_value(cell) || is_year(cell.trim()));
    has_name && values.all(|(name, below)| is_year(name) && !is_year(below))
}

/// Rows of names at most that stand apart from their values.
const MAX_ROWS_APART: usize = 4;

/// Whether rows that an empty one follows name the columns of `first`, the row behind it: they hold
/// no value, and over each value stands a name.
pub(crate) fn is_header_apart(header: &[Vec<&str>], first: &[&str]) -> bool {
    let is_named =
        |at: usize| header.iter().any(|row| row.get(at).is_some_and(|c| !c.trim().is_empty()));
    let mut values = first.iter().enumerate().filter(|(_, cell)| is_value(cell)).peekable();
    let names = header.iter().flatten().filter(|cell| is_value(cell) && !is_year(cell.trim()));
    (1..=MAX_ROWS_APART).contains(&header.len())
        && names.count() == 0
        && header.last().is_some_and(|last| last.len() > 1 && is_header(last, first))
        && values.peek().is_some()
        && values.all(|(at, _)| is_named(at))
}

/// Fills rows from top to bottom.
#[derive(Default)]
pub(in crate::document) struct Grid {
    /// Bytes of copies so far.
    copied: usize,
    /// For each column, what hangs down from above and for how many more rows.
    hanging: Vec<(String, usize)>,
}

/// A cell and the columns and rows it covers.
#[derive(Debug, Clone, Default)]
pub(in crate::document) struct Spanning {
    pub(in crate::document) text: String,
    pub(in crate::document) columns: usize,
    pub(in crate::document) rows: usize,
}

impl Grid {
    /// The texts of a row, column by column.
    pub(in crate::document) fn row(&mut self, cells: &[Spanning]) -> Vec<String> {
        let mut row: Vec<String> = Vec::new();
        // A cell as wide as the table is a title, not a value of each column.
        let alone = cells.len() == 1 && self.hanging.iter().all(|(_, left)| *left == 0);
        for cell in cells {
            self.hang(&mut row);
            let copies = !alone && self.copied < MAX_COPY_BYTES && row.len() < MAX_COLUMNS;
            let columns = if copies { cell.columns.clamp(1, MAX_SPAN) } else { 1 };
            self.copied += (columns - 1) * (cell.text.len().min(MAX_REPEATED_CHARS) + 1);
            let again =
                if cell.text.chars().count() > MAX_REPEATED_CHARS { "" } else { &cell.text };
            for index in 0..columns {
                let text = if index == 0 { cell.text.as_str() } else { again };
                if cell.rows > 1 && copies {
                    self.hanging.resize(self.hanging.len().max(row.len() + 1), Default::default());
                    if let Some(place) = self.hanging.get_mut(row.len()) {
                        *place = (again.to_owned(), cell.rows.min(MAX_SPAN) - 1);
                    }
                }
                row.push(text.to_owned());
            }
        }
        self.hang(&mut row);
        row
    }

    /// Adds what hangs down into the next columns.
    fn hang(&mut self, row: &mut Vec<String>) {
        while let Some((text, left)) = self.hanging.get_mut(row.len()).filter(|(_, left)| *left > 0)
        {
            *left -= 1;
            self.copied += text.len() + 1;
            row.push(text.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str, columns: usize, rows: usize) -> Spanning {
        Spanning { text: text.to_owned(), columns, rows }
    }

    #[test]
    fn merged_cells_stand_in_all_rows_and_columns_they_cover() {
        let mut grid = Grid::default();
        assert_eq!(grid.row(&[cell("a", 1, 2), cell("b", 2, 1)]), ["a", "b", "b"]);
        assert_eq!(grid.row(&[cell("c", 1, 1), cell("d", 1, 1)]), ["a", "c", "d"]);
        assert_eq!(grid.row(&[cell("e", 1, 1)]), ["e"]);
    }

    #[test]
    fn a_header_has_no_values_over_values() {
        assert!(is_header(&["name", "size"], &["rod", "12"]));
        assert!(is_header(&["", "2019", "2020"], &["Orsay", "1", "2"]));
        assert!(is_header(&["name", "room"], &["Ann", "R1"]));
        assert!(!is_header(&["rod", "12"], &["wire", "8"]));
        assert!(!is_header(&["Ann", "1987"], &["Bob", "1990"]));
        assert!(!is_header(&["2026-01-02", "3,5 m"], &["2026-01-03", "4 m"]));
    }

    #[test]
    fn a_header_may_stand_apart() {
        let header = [vec!["in CHF", "", "2023"], vec!["", "Sales", "Profit"]];
        assert!(is_header_apart(&header, &["North", "12", "3"]));
        assert!(is_header_apart(&header[..1], &["North", "", "3"]));
        // a value without a name, no value, values among the names
        assert!(!is_header_apart(&header[..1], &["North", "12", "3"]));
        assert!(!is_header_apart(&header, &["North", "South", "East"]));
        assert!(!is_header_apart(&[vec!["South", "8", "2"]], &["North", "12", "3"]));
        assert!(!is_header_apart(&[], &["North", "12", "3"]));
    }

    #[test]
    fn a_wide_or_long_cell_is_not_repeated_without_end() {
        let row = Grid::default().row(&[cell("x", 100_000, 1), cell("y", 1, 1)]);
        assert_eq!(row.len(), MAX_SPAN + 1);
        let long = "word ".repeat(100);
        let row = Grid::default().row(&[cell(&long, 2, 1), cell("y", 1, 1)]);
        assert_eq!(row, [long.as_str(), "", "y"]);
        assert_eq!(Grid::default().row(&[cell("title", 5, 1)]), ["title"]);
        let hostile = vec![cell(&"x".repeat(100), 30, 30); 1000];
        let mut grid = Grid::default();
        let total: usize = (0..100).map(|_| grid.row(&hostile).concat().len()).sum();
        assert!(total < 30_000_000, "{total}");
    }
}
