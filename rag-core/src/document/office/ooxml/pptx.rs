//! PPTX: slides in their order, with titles, bullets, tables, charts, picture captions and notes.

use std::collections::HashMap;

use super::here::Here;
use super::objects::{Objects, spare};
use super::{drawing_paragraphs, drawing_table, is_on, properties, signature};
use crate::document::archive::package::Package;
use crate::document::markup::xml::{Node, Tag, Visit, Xml};
use crate::document::office::sheet::unescaped;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, one_line,
};
use crate::document::writing::draft::{DocumentDraft, Join, part};
use crate::error::Result;

/// Reads PPTX and PPTM.
pub(in crate::document) struct PptxReader;

/// The list of slides.
const PRESENTATION: &str = "ppt/presentation.xml";

impl Reader for PptxReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        let mut draft = DocumentDraft::default();
        properties(&mut package, source, &mut draft)?;
        let slides = slides(&mut package, source)?;
        let mut objects = Objects::default();
        for (index, slide) in slides.iter().enumerate() {
            let Some(text) = package.text(slide)? else { continue };
            let xml = || Xml::new(source.path, slide, &text);
            let mark = is_hidden(&mut xml())?.then_some("hidden");
            let location = part(Unit::Slide, index + 1, mark);
            let mut shapes =
                SlideShapes { draft: &mut draft, location: &location, shown: Vec::new() };
            shapes.read(&mut xml(), &mut Shape::default())?;
            let shown = shapes.shown;
            let relations = package.relations(slide)?;
            let (package, draft) = (&mut package, &mut draft);
            let here = &mut Here { package, source, draft, location: &location };
            for relation in relations.iter().filter(|relation| shown.contains(&relation.id)) {
                objects.add_shown(here, relation)?;
            }
            objects.add(here, &relations)?;
            for notes in relations.iter().filter(|relation| relation.kind == "notesSlide") {
                spare(add_notes(here, &notes.target), &notes.target)?;
            }
            for list in relations.iter().filter(|relation| relation.kind == "comments") {
                spare(add_comments(here, &list.target), &list.target)?;
            }
        }
        draft.metadata.insert("slide_count".to_owned(), slides.len().to_string());
        draft.finish(DocumentKind::Pptx, source)
    }
}

/// Whether a slide is passed over when the others are shown.
fn is_hidden(xml: &mut Xml<'_>) -> Result<bool> {
    let Some(Node::Start(tag)) = xml.next()? else { return Ok(false) };
    Ok(tag.attribute("show").is_some() && !is_on(&tag, "show"))
}

/// The parts of the slides, in the order they are shown.
fn slides(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<Vec<String>> {
    let text = package.required(PRESENTATION)?;
    let relations = package.relations(PRESENTATION)?;
    let mut xml = Xml::new(source.path, PRESENTATION, &text);
    let mut slides = Vec::new();
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        if tag.name() == "sldId" {
            let id = tag.attribute_named("r:id");
            let found = relations.iter().find(|r| r.kind == "slide" && Some(&r.id) == id.as_ref());
            slides.extend(found.map(|relation| relation.target.clone()));
        }
        Ok(Visit::Enter)
    };
    xml.each(child, |_| {})?;
    if slides.is_empty() {
        slides.extend(relations.into_iter().filter(|r| r.kind == "slide").map(|r| r.target));
    }
    Ok(slides)
}

/// What programs add to a description that they made themselves.
const GENERATED: [&str; 2] =
    ["AI-generated content may be incorrect.", "Description automatically generated"];

struct SlideShapes<'a> {
    draft: &'a mut DocumentDraft,
    location: &'a Location,
    /// The relations of charts and diagrams on this slide.
    shown: Vec<String>,
}

/// What is known of the shape being read.
#[derive(Default)]
struct Shape {
    /// The type of its placeholder; a placeholder without a type holds the body.
    placeholder: Option<String>,
}

impl SlideShapes<'_> {
    fn read(&mut self, xml: &mut Xml<'_>, shape: &mut Shape) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "sp" | "pic" | "graphicFrame" => {
                    self.read(xml, &mut Shape::default())?;
                    Visit::Done
                }
                "ph" => {
                    let kind = tag.attribute("type");
                    shape.placeholder = Some(kind.unwrap_or_else(|| "body".to_owned()));
                    Visit::Skip
                }
                "cNvPr" => {
                    self.caption(tag);
                    Visit::Skip
                }
                "txBody" => {
                    self.text(xml, shape.placeholder.as_deref())?;
                    Visit::Done
                }
                "tbl" => {
                    let mut join = Join::Start;
                    for row in drawing_table(xml)? {
                        self.draft.row(&row, join, self.location);
                        join = Join::Continue;
                    }
                    Visit::Done
                }
                "chart" => {
                    self.shown.extend(tag.attribute_named("r:id"));
                    Visit::Skip
                }
                "relIds" => {
                    self.shown.extend(tag.attribute_named("r:dm"));
                    Visit::Skip
                }
                "Fallback" | "timing" | "transition" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    /// The description that its author gave to a picture; not a file name that a program put there.
    fn caption(&mut self, tag: &Tag<'_>) {
        let caption = tag.attribute("descr").unwrap_or_default();
        let caption = GENERATED.iter().fold(caption, |caption, remark| caption.replace(remark, ""));
        if caption.trim().contains(' ') {
            self.draft.block(BlockKind::Paragraph, &caption, self.location);
        }
    }

    fn text(&mut self, xml: &mut Xml<'_>, placeholder: Option<&str>) -> Result<()> {
        let paragraphs = drawing_paragraphs(xml)?;
        match placeholder {
            // Number, date and footer stand on every slide.
            Some("sldNum" | "dt" | "ftr" | "hdr") => {}
            Some("title" | "ctrTitle") => {
                let lines: Vec<&str> = paragraphs.iter().map(|p| p.text.as_str()).collect();
                self.draft.heading(1, &lines.join(" "), self.location);
            }
            _ => {
                for paragraph in &paragraphs {
                    let listed = paragraph.bullet.unwrap_or(placeholder == Some("body"));
                    let kind = if listed { BlockKind::ListItem } else { BlockKind::Paragraph };
                    self.draft.block(kind, &paragraph.text, self.location);
                }
            }
        }
        Ok(())
    }
}

/// What the speaker notes under a slide.
fn add_notes(here: &mut Here<'_, '_>, name: &str) -> Result<()> {
    let Here { package, source, draft, location } = here;
    let Some(text) = package.text(name)? else { return Ok(()) };
    let mut xml = Xml::new(source.path, name, &text);
    let mut is_notes = false;
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "sp" => {
                is_notes = false;
                Visit::Enter
            }
            "ph" => {
                is_notes = tag.attribute("type").as_deref() == Some("body");
                Visit::Skip
            }
            "txBody" if is_notes => {
                for paragraph in drawing_paragraphs(xml)? {
                    draft.block(BlockKind::Paragraph, &paragraph.text, location);
                }
                Visit::Done
            }
            "txBody" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})
}

/// What readers wrote on a slide, after their names.
fn add_comments(here: &mut Here<'_, '_>, name: &str) -> Result<()> {
    let Here { package, source, draft, location } = here;
    let authors = authors(package, source)?;
    let Some(text) = package.text(name)? else { return Ok(()) };
    let mut xml = Xml::new(source.path, name, &text);
    let mut opening = String::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "cm" | "reply" => {
                let id = tag.attribute("authorId").unwrap_or_default();
                let author = authors.get(&id).map_or("", String::as_str);
                let time = tag.attribute("dt").or_else(|| tag.attribute("created"));
                opening = signature(author, &time.unwrap_or_default());
                Visit::Enter
            }
            "text" | "t" => {
                let comment = unescaped(xml.text()?);
                draft.block(BlockKind::Quote, &format!("{opening}{comment}"), location);
                Visit::Done
            }
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})
}

/// Names of those who comment, by their ids.
fn authors(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<HashMap<String, String>> {
    let mut authors = HashMap::new();
    for part in ["ppt/commentAuthors.xml", "ppt/authors.xml"] {
        let Some(text) = package.text(part)? else { continue };
        let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
            if let (Some(id), Some(name)) = (tag.attribute("id"), tag.attribute("name")) {
                authors.insert(id, one_line(&name));
            }
            Ok(Visit::Enter)
        };
        Xml::new(source.path, part, &text).each(child, |_| {})?;
    }
    Ok(authors)
}
