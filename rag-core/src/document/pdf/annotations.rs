//! What stands on a page beside its content (ISO 32000-1, 12.5 and 12.7): values of form fields,
//! notes, files.

use std::collections::HashSet;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::fields::{self, FormField};
use super::values::{number, text};
use crate::document::limits;
use crate::document::vocabulary::{UnreadKind, unread};

/// Annotations of one page that are read.
const MAX_ANNOTATIONS: usize = 10_000;

/// Flags of annotations that no viewer shows: hidden, not to be viewed.
const HIDDEN: i64 = 1 << 1 | 1 << 5;

/// What the annotations of one page say.
#[derive(Debug, Default)]
pub(super) struct Annotations {
    /// Values and free text with their place: to be put beside their labels.
    pub(super) fields: Vec<FormField>,
    /// Notes with what they are: `Note by K. Brandt: too short`.
    pub(super) notes: Vec<String>,
    /// The file specifications of attached files.
    pub(super) files: Vec<ObjectId>,
}

/// Reads the annotations of a page.
pub(super) fn read(file: &Document, page: ObjectId) -> Annotations {
    let mut found = Annotations::default();
    let list = file.get_dictionary(page).and_then(|page| page.get_deref(b"Annots", file));
    let Ok(list) = list.and_then(Object::as_array) else { return found };
    let mut seen = HashSet::new();
    for object in list.iter().take(MAX_ANNOTATIONS) {
        limits::tick();
        let Ok((id, Object::Dictionary(annotation))) = file.dereference(object) else { continue };
        if id.is_none_or(|id| seen.insert(id)) {
            found.add(file, annotation);
        }
    }
    found
}

impl Annotations {
    fn add(&mut self, file: &Document, annotation: &Dictionary) {
        let flags = number(file, annotation, b"F").unwrap_or(0);
        let kind = annotation.get_deref(b"Subtype", file).and_then(Object::as_name);
        let kind = kind.unwrap_or_default();
        let contents = text(file, annotation, b"Contents").unwrap_or_default();
        if flags & HIDDEN != 0 {
            let field = fields::read(file, annotation).filter(|_| kind == b"Widget");
            let says = field.is_some_and(|field| field.is_filled()) || !contents.is_empty();
            unread::note(UnreadKind::HiddenText, u64::from(says && kind != b"Link"));
            return;
        }
        match kind {
            b"Widget" => self.fields.extend(fields::read(file, annotation)),
            b"FreeText" => self.fields.extend(fields::free_text(file, annotation, &contents)),
            b"Link" | b"Popup" | b"PrinterMark" | b"TrapNet" | b"Watermark" => {}
            b"FileAttachment" => {
                self.files.extend(annotation.get(b"FS").and_then(Object::as_reference));
                self.note(file, annotation, kind, &contents);
            }
            b"Screen" | b"Movie" | b"Sound" | b"RichMedia" | b"3D" => {
                unread::note(UnreadKind::Media, 1);
            }
            _ => self.note(file, annotation, kind, &contents),
        }
    }

    fn note(&mut self, file: &Document, annotation: &Dictionary, kind: &[u8], contents: &str) {
        let name = || {
            let name = annotation.get_deref(b"Name", file).and_then(Object::as_name).ok()?;
            let name = String::from_utf8_lossy(name).trim_start_matches("SB").to_owned();
            name.chars().all(char::is_alphabetic).then_some(name)
        };
        let contents = match kind {
            b"Stamp" if contents.is_empty() => name().unwrap_or_default(),
            _ => contents.to_owned(),
        };
        if contents.is_empty() {
            // marks without words say nothing; a stamp may be drawn
            unread::note(UnreadKind::Comment, u64::from(kind == b"Stamp"));
            return;
        }
        let label = match kind {
            b"Stamp" => "Stamp",
            b"Highlight" => "Highlight",
            b"StrikeOut" => "Strike-out",
            b"Caret" => "Insertion",
            b"Redact" => "Marked for redaction",
            b"FileAttachment" => "Attachment",
            _ => "Note",
        };
        let author = text(file, annotation, b"T").filter(|author| !author.is_empty());
        let author = author.map(|author| format!(" by {author}")).unwrap_or_default();
        self.notes.push(format!("{label}{author}: {contents}"));
    }
}
