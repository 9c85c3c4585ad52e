//! PDF: content operations to lines, lines to paragraphs, headings and lists, page by page.
//!
//! Parsing is lopdf's; fonts, layout and limits are ours. It runs under the guard: the library
//! recurses into nested objects, and a panic of it is an error of this one file.

use std::collections::BTreeMap;

use lopdf::{Dictionary, LoadOptions, Object, ObjectId, decode_text_string};

use crate::document::limits;
use crate::document::text::language::primary_language;
use crate::document::vocabulary::{
    Document, DocumentKind, Picture, Reader, Recognizer, SourceFile, UnreadKind, one_line, unread,
};
use crate::document::writing::draft::DocumentDraft;
use crate::error::{Error, Result, Unreadable};

mod annotations;
mod attached;
mod cmap;
mod content;
mod fields;
mod font;
mod furniture;
mod layers;
mod layout;
mod line;
mod paragraphs;
mod scan;
mod values;

use content::{Artifacts, Interpreter};
use line::TextLine;

/// Reads PDF.
pub(in crate::document) struct PdfReader;

/// Pages read at most; the rest is named in the metadata.
const MAX_PAGES: usize = 20_000;

impl Reader for PdfReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        read(source)
    }
}

fn read(source: &SourceFile<'_>) -> Result<Document> {
    let file = load(source)?;
    let (mut reading, mut notes) = unread::set_aside(|| read_pages(&file, Artifacts::Drop));
    if reading.is_empty() {
        (reading, notes) = unread::set_aside(|| read_pages(&file, Artifacts::Keep));
    }
    if let Some(values) = fields::xfa(&file) {
        reading.beside.entry(1).or_default().extend(values);
    }
    if let Some(recognizer) = source.recognizer {
        reading.recognize(&file, recognizer)?;
    }
    unread::keep(notes);
    let mut inside = DocumentDraft::default();
    let names = attached::add(&mut inside, &file, &reading.files, source);
    if reading.is_empty() && inside.text.is_empty() {
        let (unreadable, reason) = match (reading.page_count, reading.undecoded) {
            (0, _) => (Unreadable::Broken, "broken PDF: it has no pages"),
            (count, _) if count == reading.failed.len() => {
                (Unreadable::Broken, "broken PDF: no page could be read")
            }
            (_, 0) => (Unreadable::NoText, "no text (scanned?)"),
            _ => {
                let reason = "no text: its fonts do not say which characters they show";
                (Unreadable::UndecodedFont, reason)
            }
        };
        return Err(Error::document(source.path, unreadable, reason));
    }
    let mut metadata = information(&file);
    metadata.insert("page_count".to_owned(), reading.page_count.to_string());
    for (key, pages) in [
        ("unread_pages", &reading.failed),
        ("pages_without_text", &reading.without_text),
        ("pages_in_unknown_characters", &reading.undecoded_pages),
        ("recognized_pages", &reading.recognized.keys().copied().collect()),
    ] {
        if !pages.is_empty() {
            metadata.insert(key.to_owned(), page_list(pages));
        }
    }
    reading.note_unread();
    if !names.is_empty() {
        metadata.insert("attachments".to_owned(), names.join(", "));
    }
    let laid_out = layout::lay_out(reading.pages, &reading.recognized, &reading.beside);
    let title = metadata.get("title").cloned().or(laid_out.title);
    let mut draft = DocumentDraft::default();
    (draft.text, draft.blocks, draft.map) = (laid_out.text, laid_out.blocks, laid_out.source_map);
    draft.take_all(inside);
    draft.check(source)?;
    Ok(Document {
        kind: DocumentKind::Pdf,
        title,
        lang: language(&file),
        text: draft.text,
        blocks: draft.blocks,
        sections: Vec::new(),
        source_map: draft.map,
        metadata,
        unread: Vec::new(),
    })
}

/// Parses the file; refuses what is broken or needs a password.
fn load(source: &SourceFile<'_>) -> Result<lopdf::Document> {
    let options = LoadOptions {
        max_decompressed_size: Some((source.bytes.len() * 64).clamp(16 << 20, 256 << 20)),
        ..LoadOptions::default()
    };
    let failed = |error: lopdf::Error| {
        let (unreadable, reason) = match &error {
            lopdf::Error::InvalidPassword | lopdf::Error::Decryption(_) => {
                (Unreadable::Encrypted, "encrypted: it needs a password")
            }
            _ => (Unreadable::Broken, "broken PDF"),
        };
        Error::document_cause(source.path, unreadable, reason, error)
    };
    let file = lopdf::Document::load_mem_with_options(source.bytes, options).map_err(failed)?;
    if file.is_encrypted() {
        return Err(Error::document(
            source.path,
            Unreadable::Encrypted,
            "encrypted: it needs a password",
        ));
    }
    Ok(file)
}

/// What the pages gave.
#[derive(Default)]
struct PdfReading<'a> {
    /// The lines of each page, in the order they are drawn.
    pages: Vec<Vec<TextLine>>,
    page_count: usize,
    /// Pages, counted from 1, of which something could not be read.
    failed: Vec<usize>,
    /// Pages that show no text: pictures, perhaps scanned.
    without_text: Vec<usize>,
    /// Pages with text in fonts that do not say which characters they show.
    undecoded_pages: Vec<usize>,
    /// Glyphs shown in fonts that do not say which characters they are.
    undecoded: usize,
    /// The text of pages that were read from their pictures, by the number of the page.
    recognized: BTreeMap<usize, String>,
    /// The pictures of pages without text, likewise.
    pictures: BTreeMap<usize, Vec<&'a lopdf::Stream>>,
    /// Notes, and values of fields without a label, likewise.
    beside: BTreeMap<usize, Vec<String>>,
    /// Files attached to places on pages.
    files: Vec<ObjectId>,
    /// Pages on which nothing is drawn.
    blank: Vec<usize>,
}

impl<'a> PdfReading<'a> {
    fn is_empty(&self) -> bool {
        self.pages.iter().all(Vec::is_empty) && self.recognized.is_empty() && self.beside.is_empty()
    }

    /// Notes the pages of which something is not in the text.
    fn note_unread(&self) {
        let scans = self.without_text.iter().filter(|page| !self.blank.contains(page)).count();
        for (kind, count) in [
            (UnreadKind::PageWithoutText, scans),
            (UnreadKind::UnknownCharacters, self.undecoded_pages.len()),
            (UnreadKind::BrokenPart, self.failed.len()),
        ] {
            unread::note(kind, count as u64);
        }
    }

    /// Takes what stands beside the content of the page that is read, and puts values beside their
    /// labels.
    fn add_annotations(&mut self, found: annotations::Annotations, lines: &mut [TextLine]) {
        let mut beside = fields::place(&found.fields, lines);
        beside.extend(found.notes);
        if !beside.is_empty() {
            self.beside.insert(self.page_count, beside);
        }
        self.files.extend(found.files);
    }

    /// Has the pictures of pages without text read.
    fn recognize(&mut self, file: &'a lopdf::Document, recognizer: &dyn Recognizer) -> Result<()> {
        for (&number, pictures) in &self.pictures {
            let page = u32::try_from(number).ok();
            let mut texts = Vec::new();
            for picture in pictures {
                // One at a time: each may unpack to a great deal.
                let Some((bytes, format)) = scan::file_of(file, picture) else { continue };
                let picture = Picture { bytes: &bytes, format, page };
                let text = limits::untimed(|| recognizer.recognize(&picture))?;
                texts.extend(Some(text.trim().to_owned()).filter(|text| !text.is_empty()));
            }
            if !texts.is_empty() {
                self.without_text.retain(|other| *other != number);
                self.recognized.insert(number, texts.join("\n\n"));
            }
        }
        Ok(())
    }
}

fn read_pages(file: &lopdf::Document, artifacts: Artifacts) -> PdfReading<'_> {
    let mut interpreter = Interpreter::new(file, artifacts);
    let mut reading = PdfReading::default();
    for page in file.page_iter() {
        limits::tick();
        reading.page_count += 1;
        if reading.page_count > MAX_PAGES {
            reading.failed.push(reading.page_count);
            continue;
        }
        let before = interpreter.undecoded();
        let beside = annotations::read(file, page);
        let partings = beside.fields.iter().map(|field| field.bounds).collect();
        let (mut lines, complete) = interpreter.page(page, partings);
        if interpreter.undecoded() > before {
            reading.undecoded_pages.push(reading.page_count);
        } else if lines.is_empty() && complete {
            reading.without_text.push(reading.page_count);
        }
        if lines.is_empty() && !interpreter.pictures().is_empty() {
            reading.pictures.insert(reading.page_count, interpreter.pictures().to_vec());
        }
        let traces = interpreter.traces();
        if lines.is_empty() && interpreter.pictures().is_empty() && !traces.is_drawn {
            reading.blank.push(reading.page_count);
        }
        let pictures = if lines.is_empty() { 0 } else { scan::count(file, interpreter.pictures()) };
        unread::note(UnreadKind::Picture, pictures);
        unread::note(UnreadKind::HiddenText, u64::from(traces.has_hidden_text));
        reading.add_annotations(beside, &mut lines);
        if !complete {
            reading.failed.push(reading.page_count);
        }
        reading.pages.push(lines);
    }
    reading.undecoded = interpreter.undecoded();
    reading
}

/// `[1, 2, 3, 7]` as `1-3, 7`.
fn page_list(pages: &[usize]) -> String {
    let runs = pages.chunk_by(|a, b| a + 1 == *b);
    let shown = runs.map(|run| match run {
        [first, .., last] => format!("{first}-{last}"),
        _ => run.iter().map(usize::to_string).collect(),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The document information dictionary (ISO 32000-1, 14.3.3).
fn information(file: &lopdf::Document) -> BTreeMap<String, String> {
    let mut metadata = BTreeMap::new();
    let info = file.trailer.get_deref(b"Info", file).and_then(Object::as_dict);
    let Ok(info) = info else { return metadata };
    let keys: [(&[u8], &str); 6] = [
        (b"Title", "title"),
        (b"Author", "author"),
        (b"Subject", "subject"),
        (b"Keywords", "keywords"),
        (b"CreationDate", "created"),
        (b"ModDate", "modified"),
    ];
    for (key, name) in keys {
        if let Some(value) = text_of(info, key, file)
            && !(name == "title" && is_file_name(&value))
        {
            metadata.insert(name.to_owned(), value);
        }
    }
    metadata
}

fn text_of(dictionary: &Dictionary, key: &[u8], file: &lopdf::Document) -> Option<String> {
    let value = decode_text_string(dictionary.get_deref(key, file).ok()?).ok()?;
    let value = one_line(&value.replace('\0', ""));
    (!value.is_empty()).then_some(value)
}

/// Titles that word processors fill in by themselves.
fn is_file_name(title: &str) -> bool {
    let lower = title.to_lowercase();
    let endings = [".doc", ".docx", ".tex", ".dvi", ".odt", ".indd", ".pdf", ".qxd", ".ps"];
    lower == "untitled"
        || lower.starts_with("microsoft word - ")
        || endings.iter().any(|e| lower.ends_with(e))
}

fn language(file: &lopdf::Document) -> Option<String> {
    primary_language(&text_of(file.catalog().ok()?, b"Lang", file)?)
}

#[cfg(test)]
mod extras_tests;
#[cfg(test)]
mod tests;
