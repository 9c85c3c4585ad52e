//! What stands beside the text of an OpenDocument: comments, forms, objects; and, as not read,
//! pictures, what was deleted, head and foot of the pages.

use std::collections::HashSet;

use super::OdfReading;
use crate::document::archive::package::Package;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::office97::ole;
use crate::document::office::symbols;
use crate::document::vocabulary::{
    BlockKind, DocumentKind, Location, SourceFile, Unit, UnreadKind, one_line, unread,
};
use crate::error::Result;

/// Objects of a document that are read.
const MAX_OBJECTS: usize = 200;

/// What was met and is yet to be written.
#[derive(Default)]
pub(super) struct Around {
    /// Since the last block.
    pub(super) comments: Vec<String>,
    /// Charts and embedded documents, with the place they were met at.
    objects: Vec<(String, Location)>,
    seen: HashSet<String>,
}

impl OdfReading {
    /// Reads or notes an element that is no text of the document; any other is to be entered.
    pub(super) fn apart(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<Visit> {
        Ok(match tag.name() {
            "annotation" => {
                let comment = self.comment(xml)?;
                self.around.comments.extend(Some(comment).filter(|text| !text.is_empty()));
                Visit::Done
            }
            "tracked-changes" => {
                note_deletions(xml)?;
                Visit::Done
            }
            "forms" => {
                self.forms(xml)?;
                Visit::Done
            }
            "object" | "object-ole" => {
                self.meet(tag);
                Visit::Skip
            }
            "image" | "plugin" => {
                self.see(tag);
                Visit::Skip
            }
            "annotation-end"
            | "index-title-template"
            | "sequence-decls"
            | "automatic-styles"
            | "font-face-decls"
            | "scripts"
            | "shapes"
            | "binary-data"
            | "event-listeners"
            | "settings"
            | "date-time-decl"
            | "footer-decl"
            | "header-decl" => Visit::Skip,
            _ => Visit::Enter,
        })
    }

    /// A comment after its author and day.
    fn comment(&mut self, xml: &mut Xml<'_>) -> Result<String> {
        let (mut author, mut day, mut texts) = (String::new(), String::new(), Vec::new());
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            match tag.name() {
                "creator" => author = one_line(&xml.text()?),
                "date" => day = xml.text()?.chars().take(10).collect(),
                "p" | "h" => texts.push(one_line(&self.frame_text(xml)?)),
                "list" | "list-item" => return Ok(Visit::Enter),
                _ => return Ok(Visit::Skip),
            }
            Ok(Visit::Done)
        };
        xml.each(child, |_| {})?;
        let text = texts.join(" ");
        if text.trim().is_empty() {
            return Ok(String::new());
        }
        let opening: Vec<String> = [author, day].into_iter().filter(|p| !p.is_empty()).collect();
        let between = if opening.is_empty() { "" } else { ": " };
        Ok(format!("{}{between}{text}", opening.join(", ")))
    }

    /// The fields of a form, each a line: its label and what it holds.
    fn forms(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let mut lines = Vec::new();
        let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
            let label = tag.attribute("label").or_else(|| tag.attribute("name"));
            let label = one_line(&label.unwrap_or_default());
            let value = tag.attribute("current-value").or_else(|| tag.attribute("value"));
            let value = one_line(&value.unwrap_or_default());
            match tag.name() {
                "checkbox" | "radio" => {
                    let state = tag.attribute("current-state").or_else(|| tag.attribute("state"));
                    let chosen = tag.attribute("current-selected").as_deref() == Some("true");
                    let is_on = chosen || state.as_deref() == Some("checked");
                    lines.push(format!("{} {label}", symbols::tick(is_on)));
                }
                "text" | "textarea" | "formatted-text" | "number" | "date" | "time"
                | "combobox" | "listbox"
                    if !value.is_empty() =>
                {
                    lines.push(format!("{label}: {value}"));
                }
                "text" | "textarea" | "formatted-text" | "combobox" | "listbox" => {
                    unread::note(UnreadKind::FormField, 1);
                }
                _ => {}
            }
            Ok(Visit::Enter)
        };
        xml.each(child, |_| {})?;
        let location = self.here();
        for line in lines {
            self.draft.block(BlockKind::Paragraph, &line, &location);
        }
        Ok(())
    }

    /// An object is read when the text is; its replacement picture is none of its own.
    fn meet(&mut self, tag: &Tag<'_>) {
        let name = href(tag);
        if !name.is_empty() && self.around.seen.insert(name.clone()) {
            self.around.objects.push((name, self.here()));
        }
    }

    fn see(&mut self, tag: &Tag<'_>) {
        let name = href(tag);
        if !name.starts_with("ObjectReplacements/") && self.around.seen.insert(name) {
            let is_picture = tag.name() == "image";
            unread::note(if is_picture { UnreadKind::Picture } else { UnreadKind::Media }, 1);
        }
    }

    /// Adds the charts, formulas and embedded files that were met.
    pub(super) fn add_objects(
        &mut self,
        package: &mut Package<'_>,
        source: &SourceFile<'_>,
    ) -> Result<()> {
        let objects = std::mem::take(&mut self.around.objects);
        let left = objects.len().saturating_sub(MAX_OBJECTS);
        unread::note(UnreadKind::BeyondLimit, left as u64);
        for (number, (name, location)) in (1..).zip(objects.into_iter().take(MAX_OBJECTS)) {
            let (read, notes) = unread::set_aside(|| object(package, source, &name));
            match read {
                Ok(document) if !document.text.trim().is_empty() => {
                    unread::keep(notes);
                    let place = format!("object, at {location}");
                    self.draft.append(&document, Unit::Attachment, number, &place);
                }
                _ => unread::note_named(UnreadKind::EmbeddedFile, &name),
            }
            self.draft.check(source)?;
        }
        Ok(())
    }
}

/// An object as a document: a folder of the container, or a file in it.
fn object(
    package: &mut Package<'_>,
    source: &SourceFile<'_>,
    name: &str,
) -> Result<crate::document::vocabulary::Document> {
    let content = format!("{name}/content.xml");
    if let Some(text) = package.text(&content)? {
        let mut reading = OdfReading::default();
        match formula(&mut Xml::new(source.path, &content, &text))? {
            Some(formula) => {
                reading.draft.block(BlockKind::Paragraph, &formula, &reading.here());
            }
            None => reading.read(package, source, &content)?,
        }
        return reading.draft.finish(DocumentKind::Odt, source);
    }
    let bytes = package.bytes(name)?.unwrap_or_default();
    let file = ole::unwrapped(name, &bytes);
    source.read_inside(&file.name, &file.bytes)
}

/// The source of a formula (MathML), in the notation of the program that wrote it.
fn formula(xml: &mut Xml<'_>) -> Result<Option<String>> {
    let (mut is_math, mut written) = (false, String::new());
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        is_math |= tag.name() == "math";
        Ok(match tag.name() {
            "annotation" if is_math => {
                written = one_line(&xml.text()?);
                Visit::Done
            }
            "body" => Visit::Skip,
            _ => Visit::Enter,
        })
    };
    xml.each(child, |_| {})?;
    Ok(Some(written).filter(|_| is_math))
}

/// Notes each deletion that a list of tracked changes keeps.
fn note_deletions(xml: &mut Xml<'_>) -> Result<()> {
    let mut count = 0;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        let is_deletion = tag.name() == "deletion";
        count += u64::from(is_deletion);
        Ok(if is_deletion { Visit::Skip } else { Visit::Enter })
    };
    xml.each(child, |_| {})?;
    unread::note(UnreadKind::DeletedText, count);
    Ok(())
}

/// Notes what stands at the head and foot of the pages, once for each text.
pub(super) fn furniture(xml: &mut Xml<'_>) {
    let mut seen = HashSet::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "header" | "footer" | "header-left" | "footer-left" | "header-first"
            | "footer-first" => {
                let text = one_line(&page_text(xml)?);
                if text.chars().any(char::is_alphabetic) && seen.insert(text.clone()) {
                    unread::note_named(UnreadKind::RepeatedText, &text);
                }
                Visit::Done
            }
            _ => Visit::Enter,
        })
    };
    // The pages are no text: damage to them is no reason to refuse the file.
    let _ = xml.each(child, |_| {});
}

/// What a header or footer shows, without fields such as the number of the page.
fn page_text(xml: &mut Xml<'_>) -> Result<String> {
    let text = std::cell::RefCell::new(String::new());
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "page-number" | "page-count" | "date" | "time" | "sheet-name" | "file-name"
            | "title" | "object" | "image" => Visit::Skip,
            "p" | "tab" | "s" => {
                text.borrow_mut().push(' ');
                Visit::Enter
            }
            _ => Visit::Enter,
        })
    };
    xml.each(child, |piece| text.borrow_mut().push_str(piece))?;
    Ok(text.into_inner())
}

/// The part that an object or picture refers to.
fn href(tag: &Tag<'_>) -> String {
    let href = tag.attribute("href").unwrap_or_default();
    href.trim_start_matches("./").to_owned()
}
