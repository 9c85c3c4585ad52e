//! Dates, weekdays and times of day in the forms of French and English, and the months of other
//! languages.
//!
//! Of all that stands in a text, for a claim to be held against; or the one of a field, for age and
//! for a search.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::document::days_from_civil;
use crate::fold::fold;

/// The parts of a date that a text gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Date {
    pub(crate) year: Option<i32>,
    pub(crate) month: Option<u32>,
    pub(crate) day: Option<u32>,
    /// From Monday, 1.
    pub(crate) weekday: Option<u32>,
}

/// What stands at a place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Moment {
    /// The second reading is there where day and month cannot be told apart.
    Date(Date, Option<Date>),
    /// Minutes from midnight, and whether morning and evening are told apart.
    Time(u32, bool),
}

impl Date {
    /// The one date that a text of little else gives, such as a field of metadata: with its year at
    /// least, the rest where it is there. Also `2024`, `2024-03` and what ISO 8601, RFC 2822 and
    /// PDF write.
    pub(crate) fn of(text: &str) -> Option<Date> {
        let text = text.trim_start();
        let text = text.get(..text.floor_char_boundary(MAX_FIELD_BYTES)).unwrap_or_default();
        if let Some(written) = LEADING.captures(text) {
            return date(number(&written, 1), number(&written, 2), number(&written, 3));
        }
        moments(text).into_iter().find_map(|(_, moment)| match moment {
            Moment::Date(date, _) => Some(date).filter(|date| date.year.is_some_and(|y| y > 99)),
            Moment::Time(..) => None,
        })
    }

    /// Days from 1970-01-01; what is not said is in the middle. `None` without a year.
    pub(crate) fn days(&self) -> Option<i64> {
        let (month, day) = match (self.month, self.day) {
            (None, _) => (7, 1),
            (Some(month), day) => (month, day.unwrap_or(15)),
        };
        Some(days_from_civil(self.year?.into(), month.into(), day.into()))
    }

    /// How a full date is written in words and figures, as far as a search tells them apart; none
    /// for one that lacks a part.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let (Some(year), Some(month), Some(day)) = (self.year, self.month, self.day) else {
            return Vec::new();
        };
        let names = NAMES.get(month as usize - 1).copied().unwrap_or_default();
        let mut all = vec![
            format!("{year} {month:02} {day:02}"),
            format!("{year}{month:02}{day:02}"),
            format!("{day:02} {month:02} {year}"),
            format!("{day} {month} {year}"),
            format!("{month:02} {day:02} {year}"),
            format!("{month} {day} {year}"),
        ];
        for name in names {
            for day in [day.to_string(), format!("{day}th"), format!("{day:02}")] {
                all.push(format!("{day} {name} {year}"));
                all.push(format!("{name} {day} {year}"));
            }
        }
        if day == 1 {
            all.push(format!("1er {} {year}", names[1]));
        }
        all.sort_unstable();
        all.dedup();
        all
    }
    /// Whether the other gives all that this one says; `years` are those given elsewhere beside it.
    pub(crate) fn is_given_by(&self, other: &Date, years: &[i32]) -> bool {
        let same = |a: Option<u32>, b: Option<u32>| a.is_none() || a == b;
        let year = match (self.year, other.year) {
            (None, _) => true,
            (Some(year), Some(other)) => is_same_year(year, other),
            (Some(year), None) => years.contains(&year),
        };
        // a weekday beside a full date says nothing more
        let weekday = self.weekday.is_none()
            || self.weekday == other.weekday
            || (self.day.is_some() && other.weekday.is_none());
        year && weekday && same(self.month, other.month) && same(self.day, other.day)
    }
}

/// Years of two digits are those of a century.
fn is_same_year(a: i32, b: i32) -> bool {
    a == b || ((a < 100 || b < 100) && a % 100 == b % 100)
}

const MONTH: &str = r"january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec|janvier|f[e\x{e9}]vrier|mars|avril|mai|juin|juillet|ao[u\x{fb}]t|septembre|octobre|novembre|d[e\x{e9}]cembre|janv|f[e\x{e9}]vr|avr|juil|d[e\x{e9}]c|januar|februar|m[a\x{e4}]rz|juni|juli|oktober|dezember|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|janeiro|fevereiro|mar[c\x{e7}]o|maio|junho|julho|setembro|outubro|novembro|dezembro|januari|februari|maart|mei|augustus";

/// Bytes of a field that are looked at: a date stands at its beginning.
const MAX_FIELD_BYTES: usize = 128;

/// The months in English and French, folded, with the abbreviation of English.
const NAMES: [[&str; 3]; 12] = [
    ["january", "janvier", "jan"],
    ["february", "fevrier", "feb"],
    ["march", "mars", "mar"],
    ["april", "avril", "apr"],
    ["may", "mai", "may"],
    ["june", "juin", "jun"],
    ["july", "juillet", "jul"],
    ["august", "aout", "aug"],
    ["september", "septembre", "sep"],
    ["october", "octobre", "oct"],
    ["november", "novembre", "nov"],
    ["december", "decembre", "dec"],
];

/// What begins with a year of four digits, as ISO 8601 and PDF write it.
static LEADING: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(?:D:)?((?:1[0-9]|2[0-9])\d{2})(?:[-/.]?(\d{2})(?:[-/.]?(\d{2}))?)?(?:\D|\d{2,6}(?:\D|$)|$)")
        .expect("a pattern of ours")
});

/// Month names that are no other word of French or English, alone.
const MONTH_ALONE: &str = r"January|February|April|June|July|August|September|October|November|December|[Jj]anvier|[Ff][\x{e9}]vrier|[Aa]vril|[Jj]uin|[Jj]uillet|[Aa]o[\x{fb}]t|[Ss]eptembre|[Oo]ctobre|[Nn]ovembre|[Dd][\x{e9}]cembre";

const WEEKDAYS: &str = r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|[Ll]undi|[Mm]ardi|[Mm]ercredi|[Jj]eudi|[Vv]endredi|[Ss]amedi|[Dd]imanche|Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag";

/// Makes sense of what a pattern found.
type Read = fn(&Captures<'_>) -> Option<Moment>;

struct Patterns {
    iso: Regex,
    numeric: Regex,
    day_month: Regex,
    month_day: Regex,
    month_year: Regex,
    month: Regex,
    weekday: Regex,
    clock: Regex,
    hours: Regex,
    meridiem: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let regex = |pattern: String| Regex::new(&pattern).expect("a pattern of ours");
    Patterns {
        iso: regex(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b".to_owned()),
        numeric: regex(r"\b(\d{1,2})([./-])(\d{1,2})([./-])(\d{4}|\d{2})\b".to_owned()),
        day_month: regex(format!(
            r"(?i)\b(\d{{1,2}})(?:st|nd|rd|th|er|\.)?[\s\x{{a0}}]+(?:of\s+|de\s+)?({MONTH})\b\.?(?:,?\s+(?:de\s+)?(\d{{4}})\b)?"
        )),
        month_day: regex(format!(
            r"(?i)\b({MONTH})\.?\s+(?:the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}})\b)?"
        )),
        month_year: regex(format!(r"(?i)\b({MONTH})\.?,?\s+(?:of\s+|de\s+)?(\d{{4}})\b")),
        month: regex(format!(r"\b({MONTH_ALONE})\b")),
        weekday: regex(format!(r"\b({WEEKDAYS})s?\b")),
        clock: regex(r"(?i)\b(\d{1,2}):(\d{2})\b(?::\d{2})?(?:\s?([ap])\.?\s?m\b)?".to_owned()),
        hours: regex(
            r"\b(\d{1,2})[\s\x{a0}\x{202f}]?h(?:eures?)?[\s\x{a0}\x{202f}]?(\d{2})\b".to_owned(),
        ),
        meridiem: regex(r"(?i)\b(\d{1,2})(?:\.(\d{2}))?[\s\x{a0}]?([ap])\.?\s?m\b".to_owned()),
    }
});

/// Every date and time of `text` with its bytes.
pub(crate) fn moments(text: &str) -> Vec<(Range<usize>, Moment)> {
    let mut found: Vec<(Range<usize>, Moment)> = Vec::new();
    let patterns = &*PATTERNS;
    let readers: [(&Regex, Read); 10] = [
        (&patterns.iso, iso),
        (&patterns.numeric, numeric),
        (&patterns.month_year, month_year),
        (&patterns.day_month, day_month),
        (&patterns.month_day, month_day),
        (&patterns.clock, clock),
        (&patterns.hours, clock),
        (&patterns.meridiem, clock),
        (&patterns.month, month_alone),
        (&patterns.weekday, weekday),
    ];
    // a date by its month's name is read first with its day, where it has one
    for (regex, read) in [3, 4, 0, 1, 2, 5, 6, 7, 8, 9].into_iter().map(|at| readers[at]) {
        for captures in regex.captures_iter(text) {
            let range = captures.get(0).map_or(0..0, |whole| whole.range());
            let is_free =
                found.iter().all(|(old, _)| range.end <= old.start || old.end <= range.start);
            if let Some(moment) = read(&captures).filter(|_| is_free) {
                found.push((range, moment));
            }
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    found
}

fn number<T: std::str::FromStr>(captures: &Captures<'_>, group: usize) -> Option<T> {
    captures.get(group).and_then(|text| text.as_str().parse().ok())
}

fn date(year: Option<i32>, month: Option<u32>, day: Option<u32>) -> Option<Date> {
    let in_range = month.is_none_or(|month| (1..=12).contains(&month))
        && day.is_none_or(|day| (1..=31).contains(&day));
    in_range.then_some(Date { year, month, day, weekday: None })
}

fn iso(captures: &Captures<'_>) -> Option<Moment> {
    let date = date(number(captures, 1), number(captures, 2), number(captures, 3))?;
    Some(Moment::Date(date, None))
}

fn numeric(captures: &Captures<'_>) -> Option<Moment> {
    if captures.get(2)?.as_str() != captures.get(4)?.as_str() {
        return None;
    }
    let digits = |group: usize| captures.get(group).map_or(0, |digits| digits.len());
    // "2.1.01" is a version; a short year stands beside slashes or two digits each
    if digits(5) == 2 && captures.get(2)?.as_str() != "/" && digits(1) + digits(3) < 4 {
        return None;
    }
    let year = number(captures, 5);
    let (first, second) = (number(captures, 1), number(captures, 3));
    let (by_day, by_month) = (date(year, second, first), date(year, first, second));
    match (by_day, by_month) {
        (Some(date), other) => Some(Moment::Date(date, other.filter(|other| *other != date))),
        (None, other) => other.map(|date| Moment::Date(date, None)),
    }
}

fn month_year(captures: &Captures<'_>) -> Option<Moment> {
    let month = month_of(captures.get(1)?.as_str());
    Some(Moment::Date(date(number(captures, 2), month, None)?, None))
}

fn day_month(captures: &Captures<'_>) -> Option<Moment> {
    let name = captures.get(2)?.as_str();
    // "type 2 may help"
    if name == "may" {
        return None;
    }
    let month = month_of(name)?;
    Some(Moment::Date(date(number(captures, 3), Some(month), number(captures, 1))?, None))
}

fn month_day(captures: &Captures<'_>) -> Option<Moment> {
    let name = captures.get(1)?.as_str();
    // the verb may, the noun mars
    if name.starts_with(char::is_lowercase) {
        return None;
    }
    Some(Moment::Date(date(number(captures, 3), month_of(name), number(captures, 2))?, None))
}

fn month_alone(captures: &Captures<'_>) -> Option<Moment> {
    let month = month_of(captures.get(1)?.as_str())?;
    Some(Moment::Date(Date { month: Some(month), ..Date::default() }, None))
}

fn weekday(captures: &Captures<'_>) -> Option<Moment> {
    let name = fold(captures.get(1)?.as_str());
    let starts = [
        ["mon", "lun", "mont"],
        ["tue", "mard", "dien"],
        ["wed", "merc", "mitt"],
        ["thu", "jeu", "donn"],
        ["fri", "vend", "frei"],
        ["sat", "same", "sams"],
        ["sun", "dima", "sonn"],
    ];
    let day = starts.iter().position(|names| names.iter().any(|start| name.starts_with(start)))?;
    let weekday = u32::try_from(day + 1).ok();
    Some(Moment::Date(Date { weekday, ..Date::default() }, None))
}

fn clock(captures: &Captures<'_>) -> Option<Moment> {
    let hour: u32 = number(captures, 1)?;
    let minute: u32 = number(captures, 2).unwrap_or(0);
    let half = captures.get(3).map(|half| half.as_str().to_ascii_lowercase());
    if hour > 24 || minute > 59 {
        return None;
    }
    let hour = match half.as_deref() {
        Some("p") if hour < 12 => hour + 12,
        Some("a") if hour == 12 => 0,
        _ => hour,
    };
    Some(Moment::Time(hour * 60 + minute, half.is_some() || hour > 12))
}

/// The month of a name or abbreviation.
fn month_of(name: &str) -> Option<u32> {
    let name = fold(name);
    let starts: [&[&str]; 12] = [
        &["jan", "ener", "genn"],
        &["feb", "fev"],
        &["mar", "maart"],
        &["apr", "avr", "abr"],
        &["may", "mai", "mayo", "magg", "mei", "maio"],
        &["jun", "juin", "giug"],
        &["jul", "juil", "lugl"],
        &["aug", "aou", "ago"],
        &["sep", "set"],
        &["oct", "okt", "ott", "out"],
        &["nov"],
        &["dec", "dez", "dic"],
    ];
    let month =
        starts.iter().position(|names| names.iter().any(|start| name.starts_with(start)))?;
    u32::try_from(month + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(text: &str) -> Vec<Date> {
        let moments = moments(text).into_iter();
        moments
            .filter_map(|(_, moment)| match moment {
                Moment::Date(date, _) => Some(date),
                Moment::Time(..) => None,
            })
            .collect()
    }

    #[test]
    fn a_date_is_one_in_all_its_forms() {
        let told = Date { year: Some(2031), month: Some(7), day: Some(9), weekday: None };
        for text in [
            "9 July 2031",
            "July 9, 2031",
            "2031-07-09",
            "9 juillet 2031",
            "the 9th of July 2031",
            "09/07/2031",
            "9.7.2031",
            "Jul. 9, 2031",
            "9. Juli 2031",
            "9 de julio de 2031",
        ] {
            assert_eq!(dates(text), [told], "{text}");
        }
        assert_eq!(dates("It may 9 times"), []);
        assert_eq!(dates("en janvier")[0].month, Some(1));
    }

    #[test]
    fn a_field_of_metadata_is_a_date() {
        let of = |text: &str| Date::of(text).map(|date| (date.year, date.month, date.day));
        let full = Some((Some(2024), Some(3), Some(5)));
        for text in [
            "2024-03-05",
            "2024-03-05T10:00:00Z",
            "20240305",
            "D:20240305101500+01'00'",
            "2024/03/05",
            "Tue, 5 Mar 2024 10:00:00 +0200",
            "5 mars 2024",
            "March 5, 2024",
        ] {
            assert_eq!(of(text), full, "{text}");
        }
        assert_eq!(of("2024"), Some((Some(2024), None, None)));
        assert_eq!(of("2024-03"), Some((Some(2024), Some(3), None)));
        assert_eq!(of("March 2024"), Some((Some(2024), Some(3), None)));
        for text in ["", "yesterday", "12", "2024-13-40", "in March", "31415926535"] {
            assert_eq!(of(text), None, "{text}");
        }
        let days = |text: &str| Date::of(text).and_then(|date| date.days()).unwrap_or_default();
        assert_eq!(days("2024-03-05"), 19_787);
        assert!(days("2024-12-31") < days("2025") && days("2025") < days("2025-12-31"));
    }

    #[test]
    fn times_of_day_are_minutes() {
        let time = |text: &str| match moments(text).as_slice() {
            [(_, Moment::Time(minutes, _))] => Some(*minutes),
            _ => None,
        };
        for text in ["9:30", "9 h 30", "9h30", "9.30 am", "09:30", "9:30 a.m."] {
            assert_eq!(time(text), Some(570), "{text}");
        }
        assert_eq!(time("9.30 pm"), Some(1290));
        assert_eq!(time("21:30"), Some(1290));
        assert_eq!(time("9 am"), Some(540));
    }
}
