//! Office Open XML (ECMA-376): what DOCX, PPTX and XLSX have in common.

use crate::document::archive::package::Package;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::runs::{Look, Runs};
use crate::document::text::language::primary_language;
use crate::document::vocabulary::{SourceFile, one_line};
use crate::document::writing::draft::DocumentDraft;
use crate::document::writing::grid::{Grid, Spanning};
use crate::document::writing::script::Script;
use crate::error::Result;
pub(in crate::document) use numbering::numeral;
use numbering::{AutoNumber, AutoNumbers};

mod chart;
mod diagram;
pub(in crate::document) mod docx;
mod here;
mod math;
mod numbering;
mod objects;
pub(in crate::document) mod pptx;
mod styles;
pub(in crate::document) mod xlsx;

/// Author, dates, title and counts, from the core and extended properties.
fn properties(
    package: &mut Package<'_>,
    source: &SourceFile<'_>,
    draft: &mut DocumentDraft,
) -> Result<()> {
    for part in ["docProps/core.xml", "docProps/app.xml"] {
        // They say nothing about the subject: damage to them is no reason to refuse the file.
        let Ok(Some(text)) = package.text(part) else { continue };
        let mut xml = Xml::new(source.path, part, &text);
        let mut pairs = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match property(tag.name()) {
                Some(key) => {
                    pairs.push((key, xml.text()?));
                    Visit::Done
                }
                None => Visit::Enter,
            })
        };
        let _ = xml.each(child, |_| {});
        for (key, value) in pairs {
            draft.note(key, &value);
        }
    }
    draft.lang = draft.metadata.get("language").and_then(|tag| primary_language(tag));
    Ok(())
}

fn property(name: &str) -> Option<&'static str> {
    Some(match name {
        "title" => "title",
        "creator" => "author",
        "subject" => "subject",
        "keywords" => "keywords",
        "description" => "description",
        "language" => "language",
        "created" => "created",
        "modified" => "modified",
        "Pages" => "page_count",
        "Slides" => "slide_count",
        _ => return None,
    })
}

/// Who wrote a comment and on what day, as they stand before it: `Ann Lee, 2026-01-04: `.
fn signature(author: &str, time: &str) -> String {
    let author = one_line(author);
    let day: String = time.chars().take("2026-01-04".len()).collect();
    match (author.is_empty(), day.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("{day}: "),
        (false, true) => format!("{author}: "),
        (false, false) => format!("{author}, {day}: "),
    }
}

/// Whether the properties of an object hide it.
fn is_on(tag: &Tag<'_>, name: &str) -> bool {
    !matches!(tag.attribute(name).as_deref(), Some("0" | "false" | "off" | "none"))
}

/// Text of DrawingML (ECMA-376 part 1, 21.1.2): the paragraphs of the text body that was just
/// begun.
fn drawing_paragraphs(xml: &mut Xml<'_>) -> Result<Vec<DrawingParagraph>> {
    let mut paragraphs = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "p" => {
                paragraphs.push(drawing_paragraph(xml)?);
                Visit::Done
            }
            "bodyPr" | "lstStyle" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    paragraphs.retain(|paragraph| !paragraph.text.trim().is_empty());
    let mut numbers = AutoNumbers::default();
    let labels: Vec<_> =
        paragraphs.iter().map(|p| numbers.next(p.level, p.number.as_ref())).collect();
    for (paragraph, label) in paragraphs.iter_mut().zip(labels) {
        if let Some(label) = label {
            paragraph.text.insert_str(0, &format!("{label} "));
        }
    }
    Ok(paragraphs)
}

/// A paragraph on a slide.
#[derive(Default)]
struct DrawingParagraph {
    text: String,
    /// Whether it says that it has no bullet, or has one; nothing if the place decides.
    bullet: Option<bool>,
    /// How far it is indented.
    level: usize,
    /// How it is numbered, if it is.
    number: Option<AutoNumber>,
}

fn drawing_paragraph(xml: &mut Xml<'_>) -> Result<DrawingParagraph> {
    let mut paragraph = DrawingParagraph::default();
    let (mut runs, mut look) = (Runs::default(), Look::default());
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "r" | "fld" => {
                look = Look::default();
                Visit::Enter
            }
            "rPr" => {
                look = drawing_look(tag);
                Visit::Skip
            }
            "t" => {
                runs.push(look, &xml.text()?);
                Visit::Done
            }
            "oMath" => {
                math::add(xml, runs.text())?;
                Visit::Done
            }
            "br" => {
                runs.push(Look::default(), "\n");
                Visit::Skip
            }
            "buNone" => {
                paragraph.bullet = Some(false);
                Visit::Skip
            }
            "pPr" => {
                paragraph.level = tag.number("lvl").unwrap_or(0);
                Visit::Enter
            }
            "buAutoNum" => {
                paragraph.bullet = Some(true);
                let format = tag.attribute("type").unwrap_or_default();
                let start = tag.number("startAt").unwrap_or(1);
                paragraph.number = Some(AutoNumber { format, start });
                Visit::Skip
            }
            "buChar" | "buBlip" => {
                paragraph.bullet = Some(true);
                Visit::Skip
            }
            "Fallback" | "endParaRPr" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    paragraph.text = runs.finish();
    Ok(paragraph)
}

/// What the properties of a run on a slide say of it.
fn drawing_look(tag: &Tag<'_>) -> Look {
    let strike = tag.attribute("strike");
    // Thousandths of a per cent, or with a sign; no text on the line has one.
    let baseline = tag.attribute("baseline").unwrap_or_default();
    let baseline = baseline.trim_end_matches('%').parse().unwrap_or(0.0_f64);
    let script = match baseline {
        up if up > 0.0 => Some(Script::Superscript),
        down if down < 0.0 => Some(Script::Subscript),
        _ => None,
    };
    let is_struck = strike.is_some_and(|strike| strike != "noStrike");
    Look { is_struck, script, ..Look::default() }
}

/// The cells of a DrawingML table row by row.
fn drawing_table(xml: &mut Xml<'_>) -> Result<Vec<Vec<String>>> {
    let mut rows: Vec<Vec<Spanning>> = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "tr" => {
                rows.push(Vec::new());
                Visit::Enter
            }
            // A cell that another covers.
            "tc" if is_set(tag, "hMerge") || is_set(tag, "vMerge") => Visit::Skip,
            "tc" => {
                let (columns, height) = (tag.number("gridSpan"), tag.number("rowSpan"));
                let paragraphs = drawing_paragraphs(xml)?;
                let texts: Vec<String> = paragraphs.iter().map(|p| one_line(&p.text)).collect();
                if let Some(row) = rows.last_mut() {
                    let (columns, height) = (columns.unwrap_or(1), height.unwrap_or(1));
                    row.push(Spanning { text: texts.join(" "), columns, rows: height });
                }
                Visit::Done
            }
            "tblPr" | "tblGrid" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    let mut grid = Grid::default();
    Ok(rows.iter().map(|row| grid.row(row)).collect())
}

fn is_set(tag: &Tag<'_>, name: &str) -> bool {
    tag.attribute(name).is_some() && is_on(tag, name)
}
