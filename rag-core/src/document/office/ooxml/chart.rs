//! Charts: title, and the values it shows as a table (ECMA-376 part 1, 21.2).

use super::here::Here;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::sheet::CellFormat;
use crate::document::vocabulary::{BlockKind, Location, UnreadKind, unread};
use crate::document::writing::draft::{DocumentDraft, Join};
use crate::error::Result;

/// Points of a series; more are no longer read.
const MAX_POINTS: usize = 10_000;

#[derive(Default)]
struct Series {
    name: String,
    categories: Vec<String>,
    values: Vec<String>,
}

/// Adds the chart in the part `name`; one that cannot be read is left out.
pub(super) fn add(here: &mut Here<'_, '_>, name: &str) -> Result<()> {
    let Here { package, source, draft, location } = here;
    let Some(text) = package.text(name)? else { return Ok(()) };
    let mut xml = Xml::new(source.path, name, &text);
    let (mut titles, mut series, mut columns) = (Vec::new(), Vec::new(), Vec::new());
    let mut from_1904 = false;
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            // That of the chart, then those of its axes, which may tell the unit.
            "title" => {
                let paragraphs = super::drawing_paragraphs(xml)?;
                let texts = paragraphs.iter().map(|p| p.text.trim());
                titles.push(texts.collect::<Vec<_>>().join(" "));
                Visit::Done
            }
            "date1904" => {
                from_1904 = super::is_on(tag, "val");
                Visit::Skip
            }
            "ser" => {
                series.push(read_series(xml, from_1904)?);
                Visit::Done
            }
            // Newer charts keep their data apart from their series.
            "strDim" | "numDim" => {
                columns.push(points(xml, from_1904)?);
                Visit::Done
            }
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    titles.retain(|title| !title.is_empty());
    if titles.is_empty() && series.is_empty() && columns.is_empty() {
        unread::note(UnreadKind::Chart, 1);
    }
    let mut titles = titles.into_iter();
    draft.block(BlockKind::Paragraph, &titles.next().unwrap_or_default(), location);
    table(draft, &series, location);
    let count = columns.iter().map(Vec::len).max().unwrap_or(0);
    for index in 0..count {
        let cells: Vec<String> =
            columns.iter().map(|c| c.get(index).cloned().unwrap_or_default()).collect();
        draft.row(&cells, if index == 0 { Join::Start } else { Join::Continue }, location);
    }
    titles.for_each(|title| draft.block(BlockKind::Paragraph, &title, location));
    Ok(())
}

fn read_series(xml: &mut Xml<'_>, from_1904: bool) -> Result<Series> {
    let mut series = Series::default();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "tx" => {
                series.name = points(xml, from_1904)?.join(" ");
                Visit::Done
            }
            "cat" | "xVal" => {
                series.categories = points(xml, from_1904)?;
                Visit::Done
            }
            "val" | "yVal" => {
                series.values = points(xml, from_1904)?;
                Visit::Done
            }
            _ => Visit::Skip,
        })
    };
    xml.each(child, |_| {})?;
    Ok(series)
}

/// The cached values of a reference, in order, as the chart shows them: numbers in their format.
fn points(xml: &mut Xml<'_>, from_1904: bool) -> Result<Vec<String>> {
    let (mut points, mut left) = (Vec::new(), 0_u64);
    let mut format = None;
    // A point may have a format of its own.
    let mut own = None;
    let shown = |value: String, own: Option<CellFormat>, format: &Option<CellFormat>| {
        let format = own.as_ref().or(format.as_ref());
        match (format, value.trim().parse()) {
            (Some(format), Ok(number)) => format.show(number, from_1904),
            _ => value,
        }
    };
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "v" if points.len() < MAX_POINTS => {
                points.push(shown(xml.text()?, own.take(), &format));
                Visit::Done
            }
            "v" => {
                left += 1;
                Visit::Skip
            }
            "f" => Visit::Skip,
            "formatCode" => {
                format = Some(CellFormat::of_code(&xml.text()?));
                Visit::Done
            }
            // Newer charts have their format on the list, and a point holds its value itself.
            "lvl" => {
                format = tag.attribute("formatCode").map(|code| CellFormat::of_code(&code));
                Visit::Enter
            }
            "pt" => {
                own = tag.attribute("formatCode").map(|code| CellFormat::of_code(&code));
                if tag.attribute("idx").is_none() || points.len() >= MAX_POINTS {
                    Visit::Enter
                } else {
                    points.extend(point(xml)?.map(|value| shown(value, own.take(), &format)));
                    Visit::Done
                }
            }
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    unread::note(UnreadKind::BeyondLimit, left.min(1));
    Ok(points)
}

/// The value of a point: in an element of its own, or the text itself.
fn point(xml: &mut Xml<'_>) -> Result<Option<String>> {
    let (mut value, mut own) = (None, String::new());
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "v" => {
                value = Some(xml.text()?);
                Visit::Done
            }
            _ => Visit::Skip,
        })
    };
    xml.each(child, |piece| own.push_str(piece.trim()))?;
    Ok(value.or(Some(own).filter(|own| !own.is_empty())))
}

fn table(draft: &mut DocumentDraft, series: &[Series], location: &Location) {
    let Some(first) = series.first() else { return };
    let mut header = vec![String::new()];
    header.extend(series.iter().map(|series| series.name.clone()));
    draft.row(&header, Join::Start, location);
    let count = series.iter().map(|series| series.values.len()).max().unwrap_or(0);
    for index in 0..count {
        let category = first.categories.get(index).cloned();
        let mut row = vec![category.unwrap_or_else(|| (index + 1).to_string())];
        row.extend(series.iter().map(|s| s.values.get(index).cloned().unwrap_or_default()));
        draft.row(&row, Join::Continue, location);
    }
}
