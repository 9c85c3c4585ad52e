//! Tables and sheets of an OpenDocument, with what repeats and what is merged.

use super::OdfReading;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::sheet;
use crate::document::vocabulary::{Block, BlockKind, Unit, UnreadKind, one_line, unread};
use crate::document::writing::draft::{Join, part};
use crate::error::Result;

/// Times a cell or row is written out that says it repeats.
const MAX_REPEATS: usize = 200;

/// Bytes that the copies of one cell that repeats may take.
const MAX_COPY_BYTES: usize = 16 << 10;

/// Bytes of a merged cell that is repeated; a longer one stands only once.
const MAX_MERGED_BYTES: usize = 400;

/// Columns in which merged cells are followed downwards.
const MAX_HANGING: usize = 1000;

impl OdfReading {
    pub(super) fn table(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<()> {
        self.counts[1] += 1;
        let sheet = tag.attribute("name").map(|name| one_line(&name)).unwrap_or_default();
        // Tables of a text have names that nobody sees.
        let is_sheet = self.place.is_none() && self.counts[0] == 0 || self.in_sheets();
        let name =
            if is_sheet { format!("sheet {sheet}") } else { format!("table {}", self.counts[1]) };
        // That of the values of a chart.
        if is_sheet && !sheet.is_empty() && sheet != "local-table" {
            let style = tag.attribute("style-name").unwrap_or_default();
            let mark = if self.styles.is_hidden(&style) { " (hidden sheet)" } else { "" };
            self.draft.heading(1, &format!("{sheet}{mark}"), &part(Unit::Row, 1, Some(&name)));
        }
        self.hanging.clear();
        let (mut row, mut join) = (0_usize, Join::Start);
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if tag.name() == "table-row" {
                let repeats = tag.number("number-rows-repeated").unwrap_or(1_usize).max(1);
                let cells = self.row(xml)?;
                for index in 0..repeats.min(if cells.is_empty() { 1 } else { MAX_REPEATS }) {
                    let location = part(Unit::Row, row + index + 1, Some(&name));
                    let location = self.place.clone().unwrap_or(location);
                    self.draft.row(&cells, join, &location);
                    join = if cells.is_empty() { Join::Start } else { Join::Continue };
                }
                if !cells.is_empty() && repeats > MAX_REPEATS {
                    unread::note(UnreadKind::BeyondLimit, 1);
                }
                row = row.saturating_add(repeats);
                let location = part(Unit::Row, row, Some(&name));
                self.boxes(Vec::new(), &location);
                return Ok(Visit::Done);
            }
            self.apart(xml, tag)
        };
        xml.each(child, |_| {})
    }

    fn in_sheets(&self) -> bool {
        let sheets = |block: &Block| {
            matches!(block.kind, BlockKind::Heading { level: 1 } | BlockKind::Table)
        };
        self.place.is_none() && self.draft.blocks.iter().all(sheets)
    }

    /// The texts of a row. A merged cell stands in every cell that it covers.
    fn row(&mut self, xml: &mut Xml<'_>) -> Result<Vec<String>> {
        let mut cells: Vec<(usize, String)> = Vec::new();
        let mut column = 0_usize;
        // The last merged cell: its text and the column after it.
        let mut merged = (String::new(), 0_usize);
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            if !matches!(tag.name(), "table-cell" | "covered-table-cell") {
                return Ok(Visit::Enter);
            }
            let number = |name| tag.number(name).unwrap_or(1_usize).max(1);
            let repeats = number("number-columns-repeated");
            let (columns, rows) = (number("number-columns-spanned"), number("number-rows-spanned"));
            let mut text = one_line(&self.frame_text(xml)?);
            text = shown(tag, text);
            if tag.name() == "covered-table-cell" && text.is_empty() {
                text = self.covering(column, &merged);
            } else if (columns > 1 || rows > 1) && text.len() <= MAX_MERGED_BYTES {
                merged = (text.clone(), column.saturating_add(columns.min(MAX_REPEATS)));
                self.hang(column, merged.1, &text, rows);
            }
            let most =
                if text.is_empty() { 1 } else { MAX_REPEATS.min(1 + MAX_COPY_BYTES / text.len()) };
            for index in 0..repeats.min(most) {
                cells.push((column + index + 1, text.clone()));
            }
            column = column.saturating_add(repeats);
            Ok(Visit::Done)
        };
        xml.each(child, |_| {})?;
        let alone = cells.iter().all(|(_, text)| text.is_empty() || *text == merged.0);
        if alone && !merged.0.is_empty() {
            cells.truncate(1);
        }
        Ok(sheet::spread(cells))
    }

    /// The merged cell that covers a column from the left or from above.
    fn covering(&mut self, column: usize, merged: &(String, usize)) -> String {
        if column < merged.1 {
            return merged.0.clone();
        }
        match self.hanging.get_mut(column) {
            Some((text, left)) if *left > 0 => {
                *left -= 1;
                text.clone()
            }
            _ => String::new(),
        }
    }

    fn hang(&mut self, from: usize, to: usize, text: &str, rows: usize) {
        if rows < 2 || to > MAX_HANGING {
            return;
        }
        self.hanging.resize(self.hanging.len().max(to), Default::default());
        for place in self.hanging.iter_mut().take(to).skip(from) {
            *place = (text.to_owned(), rows - 1);
        }
    }
}

/// What a cell shows: its text, and its value where the text shows less or there is none.
fn shown(tag: &Tag<'_>, text: String) -> String {
    let kind = tag.attribute("value-type").unwrap_or_default();
    let number = tag.number::<f64>("value").filter(|number| number.is_finite());
    let beside = match (kind.as_str(), number) {
        _ if text.is_empty() => return value(tag, &kind, number),
        ("float" | "currency" | "percentage", Some(number)) if !text.contains('/') => {
            sheet::lost(number, &text, kind == "percentage")
        }
        ("date", _) => {
            let day = tag.attribute("date-value").unwrap_or_default();
            let day: String = day.chars().take(10).collect();
            is_in_doubt(&text, &day).then_some(day)
        }
        _ => None,
    };
    match beside {
        Some(value) => format!("{text} ({value})"),
        None => text,
    }
}

/// Whether nobody could tell the day from its text: without the year, or with a month in figures
/// that is not set off by points.
fn is_in_doubt(text: &str, day: &str) -> bool {
    let Some(year) = day.get(..4) else { return false };
    let is_named = text.chars().any(char::is_alphabetic) || text.contains('.');
    !text.contains(year) || !(is_named || text.starts_with(year))
}

/// What a cell without a text holds; its formula, if no value was stored.
fn value(tag: &Tag<'_>, kind: &str, number: Option<f64>) -> String {
    let stored = match kind {
        "float" | "currency" | "percentage" => number.map(|number| {
            let code = if kind == "percentage" { "0.##%" } else { "" };
            let shown = sheet::CellFormat::of_code(code).show(number, false);
            let currency = tag.attribute("currency").unwrap_or_default();
            if currency.is_empty() { shown } else { format!("{shown} {currency}") }
        }),
        "date" => tag.attribute("date-value"),
        "boolean" => tag.attribute("boolean-value").map(|value| value.to_uppercase()),
        "time" => tag.attribute("time-value").map(|value| duration(&value).unwrap_or(value)),
        "string" => Some(tag.attribute("string-value").unwrap_or_default()),
        _ => None,
    };
    stored.or_else(|| formula(tag)).unwrap_or_default()
}

/// `PT01H30M00S` as `1:30:00`.
fn duration(value: &str) -> Option<String> {
    let rest = value.strip_prefix("PT")?;
    let (hours, rest) = rest.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?.split(['.', ',']).next()?;
    Some(format!("{}:{minutes}:{seconds}", hours.parse::<u32>().ok()?))
}

/// The formula of a cell, in the notation that people see.
fn formula(tag: &Tag<'_>) -> Option<String> {
    let formula = tag.attribute("formula")?;
    let start = formula.find('=')?;
    unread::note(UnreadKind::Formula, 1);
    let formula = formula.get(start..)?.replace("[.", "").replace(":.", ":");
    Some(formula.replace(['[', ']'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_in_doubt_without_year_or_order() {
        assert!(is_in_doubt("04/02/2024", "2024-02-04"));
        assert!(is_in_doubt("4 Feb", "2024-02-04"));
        assert!(!is_in_doubt("04.02.2024", "2024-02-04"));
        assert!(!is_in_doubt("2024-02-04", "2024-02-04"));
        assert!(!is_in_doubt("February 4, 2024", "2024-02-04"));
        assert_eq!(duration("PT36H05M07S").as_deref(), Some("36:05:07"));
        assert_eq!(duration("P1D"), None);
    }
}
