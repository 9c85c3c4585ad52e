//! Dates, times, durations and repetitions as a person reads them.

use super::lines::ContentLine;
use crate::document::writing::civil::{civil, days_from_civil};

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A day, and a time on it unless it is a whole day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CalendarTime {
    /// Counted from 1970-01-01.
    days: i64,
    time: Option<(u32, u32, u32)>,
    is_utc: bool,
}

impl CalendarTime {
    /// Reads `20261207`, `20261207T140000`, `2026-12-07T14:00:00Z`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let digits: String = value.trim().chars().filter(|c| !matches!(c, '-' | ':')).collect();
        let (date, time) = match digits.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (digits.as_str(), None),
        };
        let number =
            |text: &str, range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
        let (year, month, day) = (number(date, 0..4)?, number(date, 4..6)?, number(date, 6..8)?);
        let valid = date.len() == 8 && (1..=12).contains(&month) && (1..=31).contains(&day);
        valid.then_some(())?;
        let days = days_from_civil(i64::from(year), i64::from(month), i64::from(day));
        let clock = |time: &str| {
            let [hour, minute] = [number(time, 0..2)?, number(time, 2..4)?];
            let second = number(time, 4..6).unwrap_or(0);
            (hour < 24 && minute < 60 && second <= 60).then_some((hour, minute, second))
        };
        let is_utc = time.is_some_and(|time| time.ends_with(['Z', 'z']));
        Some(Self { days, time: time.and_then(clock), is_utc })
    }

    /// `Monday 7 December 2026 (2026-12-07)`: both forms, so that it is found by either.
    fn date(self) -> String {
        let (year, month, day) = civil(self.days);
        let name = |names: &[&'static str], at: i64| {
            usize::try_from(at).ok().and_then(|at| names.get(at)).copied().unwrap_or_default()
        };
        // 1970-01-01 was a Thursday
        let weekday = name(&DAYS, (self.days + 3).rem_euclid(7));
        format!(
            "{weekday} {day} {} {year} ({year:04}-{month:02}-{day:02})",
            name(&MONTHS, month - 1)
        )
    }

    fn time(self) -> Option<String> {
        let (hour, minute, second) = self.time?;
        Some(match second {
            0 => format!("{hour:02}:{minute:02}"),
            _ => format!("{hour:02}:{minute:02}:{second:02}"),
        })
    }

    fn day_before(self) -> Self {
        Self { days: self.days - 1, ..self }
    }
}

/// 100 nanoseconds from 1601-01-01 to 1970-01-01, and in a second.
const FILETIME_TO_1970: u64 = 116_444_736_000_000_000;
const FILETIME_SECOND: u64 = 10_000_000;

/// A moment as Windows counts it, in the form of RFC 3339.
pub(in crate::document) fn filetime(ticks: u64) -> Option<String> {
    let seconds = i64::try_from(ticks.checked_sub(FILETIME_TO_1970)? / FILETIME_SECOND).ok()?;
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let clock = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
}

/// The moment of a line, or its value as it is.
pub(super) fn shown(line: &ContentLine) -> String {
    let values: Vec<String> = line.value.split(',').map(|value| shown_value(value, line)).collect();
    values.join("; ")
}

fn shown_value(value: &str, line: &ContentLine) -> String {
    let Some(moment) = CalendarTime::parse(value) else {
        return period(value).unwrap_or_else(|| value.to_owned());
    };
    let time = moment.time().map(|time| format!(", {time}")).unwrap_or_default();
    format!("{}{time}{}", moment.date(), zone(line, moment))
}

/// `20261207T140000Z/PT1H` or two moments.
fn period(value: &str) -> Option<String> {
    let (start, end) = value.split_once('/')?;
    let start = CalendarTime::parse(start)?;
    Some(
        between(start, CalendarTime::parse(end), "")
            + &duration(end).map(|d| format!(", {d}")).unwrap_or_default(),
    )
}

/// The time zone as it is named.
fn zone(line: &ContentLine, moment: CalendarTime) -> String {
    match line.parameter("TZID") {
        Some(name) if moment.time.is_some() && !name.is_empty() => {
            format!(" ({})", name.trim_start_matches('/'))
        }
        _ if moment.is_utc => " (UTC)".to_owned(),
        _ => String::new(),
    }
}

/// From one line to another: `Monday 7 December 2026 (2026-12-07), 14:00 to 15:30 (Europe/Paris)`.
pub(super) fn span(start: &ContentLine, end: Option<&ContentLine>) -> String {
    let Some(first) = CalendarTime::parse(&start.value) else { return start.text() };
    let last = end.and_then(|end| CalendarTime::parse(&end.value));
    let zones = (zone(start, first), end.zip(last).map(|(end, last)| zone(end, last)));
    match (zones.1, last) {
        (Some(other), Some(last)) if other != zones.0 && last.time.is_some() => {
            format!("{} to {}", shown(start), end.map(shown).unwrap_or_default())
        }
        // the end of whole days is the day after
        (_, Some(last)) if last.time.is_none() => between(first, Some(last.day_before()), &zones.0),
        (_, last) => between(first, last, &zones.0),
    }
}

fn between(first: CalendarTime, last: Option<CalendarTime>, zone: &str) -> String {
    let start = first.time().map(|time| format!(", {time}")).unwrap_or_default();
    let end = match last.filter(|last| *last != first) {
        Some(last) if last.days == first.days => last.time().map(|time| format!(" to {time}")),
        Some(last) => {
            let time = last.time().map(|time| format!(", {time}")).unwrap_or_default();
            Some(format!(" to {}{time}", last.date()))
        }
        None => None,
    };
    format!("{}{start}{}{zone}", first.date(), end.unwrap_or_default())
}

/// `PT1H30M` as `1 h 30 min`.
pub(super) fn duration(value: &str) -> Option<String> {
    let rest = value.trim().trim_start_matches(['+', '-']).strip_prefix('P')?;
    let (mut parts, mut number, mut in_time) = (Vec::new(), String::new(), false);
    for c in rest.chars() {
        let unit = match c {
            'T' => {
                in_time = true;
                continue;
            }
            'W' => "weeks",
            'D' => "days",
            'H' => "h",
            'M' if in_time => "min",
            'S' => "s",
            c if c.is_ascii_digit() => {
                number.push(c);
                continue;
            }
            _ => return None,
        };
        let count = std::mem::take(&mut number);
        if !count.trim_start_matches('0').is_empty() {
            parts.push(format!(
                "{count} {}",
                if count == "1" { unit.trim_end_matches("s") } else { unit }
            ));
        }
    }
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// A repetition (RFC 5545, 3.3.10) in words, as far as they reach.
pub(super) fn repetition(rule: &str) -> String {
    let pairs: Vec<(String, &str)> = rule
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_ascii_uppercase(), value.trim()))
        .collect();
    let of = |name: &str| pairs.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let unit = match of("FREQ").map(str::to_ascii_uppercase).as_deref() {
        Some("SECONDLY") => "second",
        Some("MINUTELY") => "minute",
        Some("HOURLY") => "hour",
        Some("DAILY") => "day",
        Some("WEEKLY") => "week",
        Some("MONTHLY") => "month",
        Some("YEARLY") => "year",
        _ => return rule.to_owned(),
    };
    let mut words = match of("INTERVAL").filter(|&count| count != "1") {
        Some(count) => format!("every {count} {unit}s"),
        None => format!("every {unit}"),
    };
    if let Some(days) = of("BYDAY") {
        let days: Vec<String> = days.split(',').map(weekday).collect();
        words.push_str(&format!(" on {}", days.join(", ")));
    }
    for (key, label) in [("BYMONTHDAY", "day"), ("BYMONTH", "month"), ("BYHOUR", "hour")] {
        if let Some(values) = of(key) {
            words.push_str(&format!(", {label} {}", values.replace(',', ", ")));
        }
    }
    if let Some(count) = of("COUNT") {
        words.push_str(&format!(", {count} times"));
    }
    if let Some(end) = of("UNTIL") {
        let end = CalendarTime::parse(end).map_or_else(|| end.to_owned(), CalendarTime::date);
        words.push_str(&format!(", until {end}"));
    }
    let told =
        ["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYHOUR", "COUNT", "UNTIL", "WKST"];
    let rest = pairs.iter().filter(|(key, _)| !told.contains(&key.as_str()));
    rest.for_each(|(key, value)| words.push_str(&format!(", {}={value}", key.to_lowercase())));
    words
}

/// `2MO` as `2nd Monday`, `-1FR` as `last Friday`.
fn weekday(code: &str) -> String {
    let code = code.trim();
    let name = code.get(code.len().saturating_sub(2)..).unwrap_or_default().to_ascii_uppercase();
    let codes = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
    let found = codes.iter().position(|&known| known == name).and_then(|at| DAYS.get(at));
    let Some(day) = found else { return code.to_owned() };
    match code.get(..code.len() - 2).unwrap_or_default() {
        "" => (*day).to_owned(),
        "-1" => format!("last {day}"),
        "1" | "+1" => format!("1st {day}"),
        "2" | "+2" => format!("2nd {day}"),
        "3" | "+3" => format!("3rd {day}"),
        other => format!("{other}th {day}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn moments_and_durations_are_read() {
        let moment = CalendarTime::parse("2026-12-07T14:00:00Z").unwrap();
        assert_eq!(moment, CalendarTime::parse("20261207T140000Z").unwrap());
        assert_eq!(moment.date(), "Monday 7 December 2026 (2026-12-07)");
        assert_eq!(
            CalendarTime::parse("20240229").unwrap().date(),
            "Thursday 29 February 2024 (2024-02-29)"
        );
        assert_eq!(CalendarTime::parse("tomorrow"), None);
        assert_eq!(duration("PT1H30M").unwrap(), "1 h 30 min");
        assert_eq!(duration("-P1D").unwrap(), "1 day");
        assert_eq!(duration("x"), None);
        assert_eq!(filetime(132_223_104_000_000_000).unwrap(), "2020-01-01T00:00:00Z");
        assert_eq!(filetime(0), None);
    }

    #[test]
    fn repetitions_are_words() {
        assert_eq!(
            repetition("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,-1FR;UNTIL=20270101T000000Z"),
            "every 2 weeks on Monday, last Friday, until Friday 1 January 2027 (2027-01-01)"
        );
        assert_eq!(repetition("FREQ=YEARLY;COUNT=3;BYSETPOS=1"), "every year, 3 times, bysetpos=1");
        assert_eq!(repetition("nothing"), "nothing");
    }
}
