//! What lies over and beside the cells of a sheet: charts, text boxes, comments.

use std::collections::HashMap;

use super::{XlsxSheet, rich_text};
use crate::document::archive::package::{Package, Relation};
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::ooxml::here::Here;
use crate::document::office::ooxml::objects::{Objects, spare};
use crate::document::office::ooxml::{drawing_paragraphs, signature};
use crate::document::office::sheet;
use crate::document::vocabulary::{BlockKind, SourceFile, Unit};
use crate::document::writing::draft::part;
use crate::error::Result;

/// Adds what the sheet refers to.
pub(super) fn add(here: &mut Here<'_, '_>, relations: &[Relation], tab: &XlsxSheet) -> Result<()> {
    for relation in relations {
        let part = relation.target.as_str();
        let result = match relation.kind.as_str() {
            "drawing" => add_drawing(here, part),
            "comments" | "threadedComment" => add_comments(here, part, tab),
            _ => Ok(()),
        };
        spare(result, part)?;
    }
    Ok(())
}

/// The charts and text boxes that lie over a sheet.
fn add_drawing(here: &mut Here<'_, '_>, name: &str) -> Result<()> {
    let Some(text) = here.package.text(name)? else { return Ok(()) };
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "txBody" => {
                for paragraph in drawing_paragraphs(xml)? {
                    here.draft.block(BlockKind::Paragraph, &paragraph.text, here.location);
                }
                Visit::Done
            }
            "Fallback" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    Xml::new(here.source.path, name, &text).each(child, |_| {})?;
    let relations = here.package.relations(name)?;
    Objects::default().add_all(here, &relations)
}

/// What people wrote on cells, after their names.
fn add_comments(here: &mut Here<'_, '_>, name: &str, tab: &XlsxSheet) -> Result<()> {
    let Here { package, source, draft, .. } = here;
    let people = people(package, source)?;
    let Some(text) = package.text(name)? else { return Ok(()) };
    let mut authors: Vec<String> = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "author" => {
                authors.push(xml.text()?);
                Visit::Done
            }
            "comment" | "threadedComment" => {
                let reference = tag.attribute("ref").unwrap_or_default();
                let row = sheet::row(&reference).unwrap_or(1);
                let location = part(Unit::Row, row, Some(&tab.place()));
                let author = match (tag.attribute("personId"), tag.attribute("authorId")) {
                    (Some(id), _) => people.get(&id),
                    (None, id) => authors.get(id.and_then(|id| id.parse().ok()).unwrap_or(0)),
                };
                let author = author.map_or("", String::as_str);
                let time = tag.attribute("dT").unwrap_or_default();
                let text = rich_text(xml)?;
                // What older programs show in place of a thread.
                if !text.starts_with("[Threaded comment]") {
                    // Older programs write the name into the text too.
                    let is_signed = !author.is_empty() && text.starts_with(author);
                    let opening = if is_signed { String::new() } else { signature(author, &time) };
                    draft.block(BlockKind::Quote, &format!("{opening}{text}"), &location);
                }
                Visit::Done
            }
            _ => Visit::Enter,
        })
    };
    Xml::new(source.path, name, &text).each(child, |_| {})
}

/// Names of those who take part in threads, by their ids.
fn people(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<HashMap<String, String>> {
    let mut people = HashMap::new();
    let part = "xl/persons/person.xml";
    let Some(text) = package.text(part)? else { return Ok(people) };
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        if let (Some(id), Some(name)) = (tag.attribute("id"), tag.attribute("displayName")) {
            people.insert(id, name);
        }
        Ok(Visit::Enter)
    };
    Xml::new(source.path, part, &text).each(child, |_| {})?;
    Ok(people)
}
