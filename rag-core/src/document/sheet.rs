//! What spreadsheets of all makers share: references, number formats, rows with gaps.

/// How a cell shows a number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// As it is.
    #[default]
    General,
    /// Times 100, with so many decimals and a per cent sign.
    Percent(usize),
    /// A day.
    Date,
    /// A time of day, or a duration.
    Time,
    /// Both.
    DateTime,
}

/// Columns between two cells that are kept empty; a cell far off makes one gap only.
const MAX_GAP: usize = 50;

/// Days from 1899-12-30 to 1970-01-01.
const DAYS_TO_1970: i64 = 25_569;

/// Days from 1899-12-30 to 1904-01-01.
const DAYS_TO_1904: f64 = 1462.0;

impl Format {
    /// The formats that need no definition (ECMA-376 part 1, 18.8.30).
    pub(super) fn built_in(id: u32) -> Self {
        match id {
            9 => Self::Percent(0),
            10 => Self::Percent(2),
            14..=17 | 27..=31 | 36 | 50..=58 => Self::Date,
            18..=21 | 32..=35 | 45..=47 => Self::Time,
            22 => Self::DateTime,
            _ => Self::General,
        }
    }

    /// The format that a code such as `yyyy-mm-dd` or `0.0%` means.
    pub(super) fn of_code(code: &str) -> Self {
        let code = bare(code);
        if code.contains('%') {
            let decimals = code.split_once('.').map_or("", |(_, rest)| rest);
            return Self::Percent(
                decimals.bytes().take_while(|b| matches!(b, b'0' | b'#')).count(),
            );
        }
        let has = |letters: &[char]| code.contains(letters);
        match (has(&['y', 'd']), has(&['h', 's'])) {
            (true, true) => Self::DateTime,
            (true, false) => Self::Date,
            (false, true) => Self::Time,
            (false, false) if code.contains("mmm") => Self::Date,
            (false, false) => Self::General,
        }
    }

    /// `number` as a person reads it; days count from 1900, or from 1904.
    pub(super) fn show(self, number: f64, from_1904: bool) -> String {
        let days = if from_1904 { number + DAYS_TO_1904 } else { number };
        let is_date = (0.0..2_958_466.0).contains(&days);
        match self {
            Self::Percent(decimals) => format!("{:.*}%", decimals.min(10), number * 100.0),
            Self::Date if is_date => date(days),
            Self::DateTime if is_date => format!("{} {}", date(days), time(days.fract())),
            Self::Time if is_date => time(days),
            _ => general(number),
        }
    }
}

/// The first section of a format code, in lower case, without quoted text, colours and conditions.
fn bare(code: &str) -> String {
    let mut bare = String::new();
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => while chars.next().is_some_and(|c| c != '"') {},
            '[' => {
                let inner: String = chars.by_ref().take_while(|&c| c != ']').collect();
                // Hours that run over 24.
                if matches!(inner.as_str(), "h" | "hh" | "m" | "mm" | "s" | "ss") {
                    bare.push_str(&inner);
                }
            }
            '\\' | '_' | '*' => {
                chars.next();
            }
            c => bare.extend(c.to_lowercase()),
        }
    }
    bare.replace("general", "")
}

/// At most 15 digits, as spreadsheets show them.
fn general(number: f64) -> String {
    if !number.is_finite() {
        return String::new();
    }
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    let size = rounded.abs();
    if (1e-5..1e15).contains(&size) { rounded.to_string() } else { format!("{rounded:e}") }
}

fn date(days: f64) -> String {
    let (year, month, day) = civil(days.floor() as i64 - DAYS_TO_1970);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Hours run over 24 for durations.
fn time(days: f64) -> String {
    let seconds = (days * 86_400.0).round() as u64;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// H. Hinnant, chrono-compatible low-level date algorithms, 2021.
pub(super) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day_of_year - (153 * shifted_month + 2) / 5 + 1)
}

/// The day of a date, counted from 1970-01-01; the inverse of [`civil`].
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The column of a reference such as `AB12`, counted from 1.
pub(super) fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let column = letters.take(4).fold(0_usize, |sum, letter| {
        sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    (column > 0).then_some(column)
}

/// The row of a reference such as `AB12`.
pub(super) fn row(reference: &str) -> Option<usize> {
    reference.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()
}

/// Cells by column as a row with empty cells between; nothing if all are empty.
pub(super) fn spread(cells: Vec<(usize, String)>) -> Vec<String> {
    let mut row: Vec<String> = Vec::new();
    let mut last = 0;
    for (column, text) in cells {
        if text.trim().is_empty() {
            continue;
        }
        let gap = column.saturating_sub(last + 1).min(MAX_GAP);
        row.extend(std::iter::repeat_n(String::new(), gap));
        row.push(text);
        last = column;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_the_sheet_shows_them() {
        assert_eq!(Format::General.show(0.1 + 0.2, false), "0.3");
        assert_eq!(Format::General.show(-6.0, false), "-6");
        assert_eq!(Format::of_code("0.0%").show(0.1234, false), "12.3%");
        assert_eq!(Format::of_code("[Red]\"day\" #,##0.00").show(3.5, false), "3.5");
        assert_eq!(Format::built_in(14).show(45_292.0, false), "2024-01-01");
        assert_eq!(
            Format::of_code("dd/mm/yyyy hh:mm").show(45_292.5, false),
            "2024-01-01 12:00:00"
        );
        assert_eq!(Format::of_code("[h]:mm").show(1.5, false), "36:00:00");
        assert_eq!(Format::built_in(14).show(0.0, true), "1904-01-01");
        assert_eq!(Format::built_in(14).show(1e300, false), "1e300");
    }

    #[test]
    fn a_far_cell_makes_one_gap() {
        assert_eq!(column("XFD1"), Some(16_384));
        assert_eq!(row("XFD12"), Some(12));
        let cells = vec![(2, "a".to_owned()), (3, " ".to_owned()), (16_384, "b".to_owned())];
        let row = spread(cells);
        assert_eq!((row.len(), row[0].as_str(), row[1].as_str()), (MAX_GAP + 3, "", "a"));
    }
}
