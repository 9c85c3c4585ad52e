//! How a cell shows its number: format codes (ECMA-376 part 1, 18.8.31), and what they leave out.
//!
//! The codes themselves are the work of `ssfmt`. Here is what stands around it: codes that only
//! lenient programs take, days whose order nobody could tell, and the value beside a text that
//! shows less of it.

use std::sync::Arc;

use ssfmt::{FormatOptions, NumberFormat};

use super::locale;
use crate::document::vocabulary::one_line;
use crate::document::writing::civil::civil;

/// How a cell shows a number.
#[derive(Debug, Clone, Default)]
pub(in crate::document) enum CellFormat {
    /// As it is.
    #[default]
    General,
    /// A day, in the order of the reader's country, which the file does not say.
    Date,
    /// Both of them.
    DateTime,
    /// As a code says.
    Code(Arc<FormatCode>),
}

/// A format code that was understood.
#[derive(Debug)]
pub(in crate::document) struct FormatCode {
    format: NumberFormat,
    options: FormatOptions,
    /// Whether it shows days, not only times.
    has_days: bool,
    /// What its dates show less than the day they stand for.
    dates: Dates,
    /// Whether numbers are shown times 100.
    is_percent: bool,
    /// Whether it shows fractions such as 1 1/2.
    is_fraction: bool,
    /// Whether a section is chosen by a condition, and one shows numbers as they are.
    is_mixed: bool,
}

/// Which part of a date the code leaves in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dates {
    /// None, or it shows no dates.
    Clear,
    /// The day: order of day and month, or the year.
    Day,
    /// The month of which year.
    Month,
}

/// Days from 1899-12-30 to 1970-01-01.
const DAYS_TO_1970: i64 = 25_569;

/// Days from 1899-12-30 to 1904-01-01.
const DAYS_TO_1904: f64 = 1462.0;

/// Decimals of a value that somebody typed; more are the result of a calculation and of no
/// interest.
const TYPED_DECIMALS: usize = 4;

/// Characters of a format code; Excel takes 255.
const MAX_CODE_CHARS: usize = 512;

impl CellFormat {
    /// The formats that need no definition (ECMA-376 part 1, 18.8.30).
    pub(in crate::document) fn built_in(id: u32) -> Self {
        match id {
            14 | 27..=31 | 36 | 50..=58 => Self::Date,
            22 => Self::DateTime,
            32 | 34 => Self::of_code("h:mm"),
            33 | 35 => Self::of_code("h:mm:ss"),
            // The currency is that of the reader's country.
            5 | 6 | 41 | 42 => Self::of_code("#,##0;-#,##0"),
            7 | 8 | 43 | 44 => Self::of_code("#,##0.00;-#,##0.00"),
            id => ssfmt::format_code_from_id(id).map_or(Self::General, Self::of_code),
        }
    }

    /// The format that a code such as `yyyy-mm-dd` or `0.0%` means.
    pub(in crate::document) fn of_code(code: &str) -> Self {
        let plain = code.trim().to_ascii_lowercase();
        if matches!(plain.as_str(), "" | "general" | "standard" | "@") {
            return Self::General;
        }
        let short: String = code.chars().take(MAX_CODE_CHARS).collect();
        let (code, letters) = settle(&short);
        let Ok(format) = NumberFormat::parse(&code) else { return Self::General };
        let is_date = format.is_date_format();
        let options = FormatOptions { locale: locale::of_code(&code), ..FormatOptions::default() };
        Self::Code(Arc::new(FormatCode {
            has_days: is_date && (letters.contains(['y', 'd', 'e']) || letters.contains("mmm")),
            dates: if is_date { dates(&letters) } else { Dates::Clear },
            is_percent: letters.contains('%'),
            is_fraction: !is_date && letters.contains('/'),
            is_mixed: letters.contains("general") && code.contains(['<', '>', '=']),
            format,
            options,
        }))
    }

    /// `number` as the sheet shows it, and its value after it where the text shows less.
    pub(in crate::document) fn show(&self, number: f64, from_1904: bool) -> String {
        let days = if from_1904 { number + DAYS_TO_1904 } else { number };
        let is_date = (0.0..2_958_466.0).contains(&days);
        match self {
            Self::Date if is_date => date(days),
            Self::DateTime if is_date => format!("{} {}", date(days), time(days.fract())),
            Self::Code(code) if number.is_finite() => {
                code.show(number, from_1904).unwrap_or_else(|| general(number))
            }
            _ => general(number),
        }
    }

    /// A text as the sheet shows it.
    pub(in crate::document) fn show_text(&self, text: String) -> String {
        match self {
            Self::Code(code) if code.format.sections().len() >= 4 => {
                let shown = code.format.format_text(&text, &code.options);
                if shown.contains(text.trim()) { shown } else { text }
            }
            _ => text,
        }
    }
}

impl FormatCode {
    /// Nothing if the code shows nothing of the number.
    fn show(&self, number: f64, from_1904: bool) -> Option<String> {
        if self.is_mixed && number.fract() != 0.0 {
            return None;
        }
        let days = if from_1904 { number + DAYS_TO_1904 } else { number };
        let value = if self.has_days { days } else { number };
        let shown = one_line(&self.format.try_format(value, &self.options).ok()?);
        if shown.is_empty() {
            return None;
        }
        let beside = match self.dates {
            Dates::Clear if self.format.is_date_format() || self.is_fraction => None,
            Dates::Clear => lost(number, &shown, self.is_percent),
            in_doubt => {
                let day = date(days);
                let end = if in_doubt == Dates::Month { day.len() - 3 } else { day.len() };
                day.get(..end).map(str::to_owned)
            }
        };
        Some(match beside {
            Some(value) => format!("{shown} ({value})"),
            None => shown,
        })
    }
}

/// The value of a number, if somebody typed it with digits that its text does not show.
pub(in crate::document) fn lost(number: f64, shown: &str, is_percent: bool) -> Option<String> {
    let sign = if is_percent { "%" } else { "" };
    let value = general(if is_percent { number * 100.0 } else { number });
    let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let (own, seen) = (digits(&value), digits(shown));
    let own = own.trim_start_matches('0');
    let is_word = seen.is_empty() && shown.chars().any(char::is_alphanumeric);
    let is_typed = decimals <= TYPED_DECIMALS && !value.contains('e');
    let is_lost = !own.is_empty() && !seen.contains(own) && !is_word;
    (is_typed && is_lost).then(|| format!("{value}{sign}"))
}

/// The code as strict programs want it: units that stand without quotes are quoted, and eras are
/// years. Beside it, in lower case, what is neither quoted nor escaped nor in brackets.
fn settle(code: &str) -> (String, String) {
    let (mut settled, mut letters) = (String::new(), String::new());
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                settled.push('"');
                settled.extend(chars.by_ref().take_while(|&c| c != '"'));
                settled.push('"');
            }
            '\\' | '_' | '*' => {
                let escaped = chars.next();
                settled.push(c);
                settled.extend(escaped);
                // Points between day and month tell their order.
                letters.extend(escaped.filter(|&point| c == '\\' && point == '.'));
            }
            '[' => {
                let inner: String = chars.by_ref().take_while(|&c| c != ']').collect();
                settled.push_str(&format!("[{inner}]"));
            }
            c if c.is_ascii_alphabetic() => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(char::is_ascii_alphabetic) {
                    word.push(c);
                }
                let lower = word.to_ascii_lowercase();
                let is_code = matches!(lower.as_str(), "general" | "am" | "pm" | "a" | "p")
                    || lower.chars().all(|c| "ymdhsgeb".contains(c));
                match lower.as_str() {
                    "ggge" | "gge" | "ge" | "gggee" => settled.push_str("yyyy"),
                    _ if is_code => settled.push_str(&word),
                    _ => settled.push_str(&format!("\"{word}\"")),
                }
                letters.push_str(if is_code { &lower } else { "" });
            }
            c => {
                settled.push(c);
                letters.push(c);
            }
        }
    }
    (settled, letters)
}

/// What the first section of a code leaves in doubt of a date.
fn dates(letters: &str) -> Dates {
    let section = letters.split(';').next().unwrap_or_default();
    let (day, year) = (section.find('d'), section.find(['y', 'e']));
    let has_month_name = section.contains("mmm");
    let is_whole_year = section.contains("yyy") || section.contains('e');
    if day.is_none() && year.is_none() && !has_month_name {
        return Dates::Clear;
    }
    match (day, year) {
        (Some(day), Some(year)) if is_whole_year => {
            let is_dotted = section.contains("d.") || section.contains("m.");
            if year < day || has_month_name || is_dotted { Dates::Clear } else { Dates::Day }
        }
        (Some(_), _) => Dates::Day,
        (None, Some(_)) if !is_whole_year => Dates::Month,
        _ => Dates::Clear,
    }
}

/// At most 15 digits, as spreadsheets keep them.
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

/// The day in ISO 8601. Spreadsheets count a 29 February 1900 that never was.
fn date(days: f64) -> String {
    let whole = days.floor() as i64 + i64::from(days < 60.0);
    let (year, month, day) = civil(whole - DAYS_TO_1970);
    format!("{year:04}-{month:02}-{day:02}")
}

fn time(days: f64) -> String {
    let seconds = (days * 86_400.0).round() as u64;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str, number: f64) -> String {
        CellFormat::of_code(code).show(number, false)
    }

    #[test]
    fn numbers_look_as_the_sheet_shows_them() {
        assert_eq!(CellFormat::General.show(0.1 + 0.2, false), "0.3");
        assert_eq!(CellFormat::General.show(-6.0, false), "-6");
        assert_eq!(shown("0.0%", 0.125), "12.5%");
        assert_eq!(shown("[Red]\"day\" #,##0.00", 3.5), "day 3.50");
        assert_eq!(shown("00000", 1099.0), "01099");
        assert_eq!(shown("000\\-0000", 421_007.0), "042-1007");
        assert_eq!(shown("[$\u{20ac}-407]\\ #,##0.00", 1250.0), "\u{20ac} 1,250.00");
        assert_eq!(shown("_-* #,##0.00\\ [$\u{20ac}-40C]_-", 80.5), "80.50 \u{20ac}");
        assert_eq!(shown("#,##0_);[Red](#,##0)", -5.0), "(5)");
        assert_eq!(shown("# ?/?", 1.5), "1 1/2");
        assert_eq!(shown("0.0\" m\u{b2}\"", 7.25), "7.3 m\u{b2} (7.25)");
        assert_eq!(shown("0.00E+00", 12_300.0), "1.23E+04 (12300)");
        assert_eq!(shown("\"Yes\";\"Yes\";\"No\"", 0.0), "No");
        assert_eq!(shown("[>=1000]0.0,\"K\";0", 45_292.0), "45.3K (45292)");
        assert_eq!(shown("(###) ###-####", 5_551_234_567.0), "(555) 123-4567");
    }

    #[test]
    fn days_and_times_look_as_the_sheet_shows_them_and_leave_no_doubt() {
        assert_eq!(CellFormat::built_in(14).show(45_292.0, false), "2024-01-01");
        assert_eq!(CellFormat::built_in(22).show(45_292.5, false), "2024-01-01 12:00:00");
        assert_eq!(shown("dd/mm/yyyy hh:mm", 45_326.5), "04/02/2024 12:00 (2024-02-04)");
        assert_eq!(shown("dd.mm.yyyy", 45_326.0), "04.02.2024");
        assert_eq!(shown("yyyy-mm-dd", 45_326.0), "2024-02-04");
        assert_eq!(shown("mmm-yy", 45_326.0), "Feb-24 (2024-02)");
        assert_eq!(shown("[$-40C]d mmmm yyyy", 45_326.0), "4 f\u{e9}vrier 2024");
        assert_eq!(shown("[$-de-DE]dddd, d. mmmm yyyy", 45_326.0), "Sonntag, 4. Februar 2024");
        assert_eq!(
            shown("[$-411]ggge\"\u{5e74}\"m\"\u{6708}\"", 45_326.0),
            "2024\u{5e74}2\u{6708}"
        );
        assert_eq!(shown("[h]:mm", 1.5), "36:00");
        assert_eq!(shown("h:mm AM/PM", 0.75), "6:00 PM");
        assert_eq!(shown("[m]:ss", 1.2), "1728:00");
        assert_eq!(CellFormat::built_in(14).show(0.0, true), "1904-01-01");
        assert_eq!(CellFormat::of_code("d.m.yyyy").show(0.0, true), "1.1.1904");
        assert_eq!(CellFormat::built_in(14).show(1e300, false), "1e300");
        assert_eq!(CellFormat::built_in(14).show(1.0, false), "1900-01-01");
    }

    #[test]
    fn a_value_stands_beside_a_text_that_shows_less_of_it() {
        assert_eq!(shown("[$\u{20ac}-407]#,##0", 1234.5), "\u{20ac}1,235 (1234.5)");
        assert_eq!(shown("0%", 0.125), "13% (12.5%)");
        assert_eq!(shown("#,##0,\"k\"", 1_234_567.0), "1,234k (1234567)");
        assert_eq!(shown("0.00", 1.0 / 3.0), "0.33");
        assert_eq!(shown("0.00", 2.5), "2.50");
        assert_eq!(shown(";;;", 5.0), "5");
    }

    #[test]
    fn codes_that_only_lenient_programs_take_show_the_number() {
        assert_eq!(shown("#,##0.00 EUR", 1250.0), "1,250.00 EUR");
        assert_eq!(shown("0.0 kg", 2.5), "2.5 kg");
        assert_eq!(shown("Standard", 12.0), "12");
        assert_eq!(shown("0.00 \"", 12.0), "12.00");
        assert_eq!(shown("[>100]General;0.0", 150.75), "150.75");
        assert_eq!(shown("yyyy-mm-dd", 1e300), "1e300");
        let texts = CellFormat::of_code("0;-0;0;\"Nr. \"@").show_text("7a".to_owned());
        assert_eq!(texts, "Nr. 7a");
    }
}
