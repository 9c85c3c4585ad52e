//! PPT (MS-PPT): the outline of each slide and the text on it, in the order the slides are shown.

use std::collections::HashMap;

use super::cfb::Compound;
use super::{place_at, u16_at, u32_at, utf16};
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, UnreadKind, unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::{Error, Result, Unreadable};

/// Reads the PowerPoint format of 1997 to 2003.
pub(in crate::document) struct PptReader;

/// Containers inside containers.
const MAX_DEPTH: usize = 64;

impl Reader for PptReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let file = Compound::open(source)?;
        let user = file.stream("Current User").unwrap_or_default();
        if u32_at(&user, 12) == Some(0xF3D1_C4DF) {
            return Err(Error::document(
                source.path,
                Unreadable::Encrypted,
                "encrypted: it needs a password",
            ));
        }
        let stream = file.stream("PowerPoint Document");
        let stream =
            stream.ok_or_else(|| Error::document(source.path, Unreadable::Broken, "broken PPT"))?;
        let mut show = Show::default();
        walk(&stream, &mut |record| show.index(record));
        let mut draft = DocumentDraft::default();
        for (index, slide) in show.slides.iter().enumerate() {
            let location = part(Unit::Slide, index + 1, None);
            slide.texts.iter().for_each(|text| write(&mut draft, text, &location));
            let place = show.places.get(&slide.id).copied().unwrap_or(usize::MAX);
            let mut on_it = Texts::default();
            walk(one_record(&stream, place), &mut |record| on_it.read(record));
            on_it.texts.iter().for_each(|text| write(&mut draft, text, &location));
        }
        if draft.text.is_empty() {
            let mut all = Texts::default();
            walk(&stream, &mut |record| all.read(record));
            all.texts.iter().for_each(|text| write(&mut draft, text, &part(Unit::Slide, 1, None)));
        }
        note_objects(&stream, &file.stream("Pictures").unwrap_or_default());
        draft.note("slide_count", &show.slides.len().to_string());
        draft.finish(DocumentKind::Ppt, source)
    }
}

/// Notes pictures and embedded objects, of which nothing is read (MS-PPT 2.10.27; MS-ODRAW 2.2.23).
fn note_objects(stream: &[u8], pictures: &[u8]) {
    let (mut objects, mut shown) = (0, 0);
    walk(stream, &mut |record| objects += u64::from(record.kind == 0x0FCC));
    walk(pictures, &mut |record| shown += u64::from((0xF01A..=0xF029).contains(&record.kind)));
    unread::note(UnreadKind::Picture, shown);
    unread::note(UnreadKind::EmbeddedFile, objects);
}

struct Record<'a> {
    kind: u16,
    instance: u16,
    body: &'a [u8],
}

/// The bytes of the record at `place`, its header too.
fn one_record(stream: &[u8], place: usize) -> &[u8] {
    let end = place_at(stream, place.saturating_add(4)).map(|l| place.saturating_add(l + 8));
    let end = end.unwrap_or(0).min(stream.len());
    stream.get(place..end).unwrap_or_default()
}

/// Calls `visit` with every record, outer ones first.
fn walk<'a>(stream: &'a [u8], visit: &mut impl FnMut(&Record<'a>)) {
    let mut open: Vec<&[u8]> = vec![stream];
    while let Some(rest) = open.last_mut() {
        let (Some(head), Some(kind), Some(length)) =
            (u16_at(rest, 0), u16_at(rest, 2), place_at(rest, 4))
        else {
            open.pop();
            continue;
        };
        let end = length.saturating_add(8).min(rest.len());
        let body = rest.get(8..end).unwrap_or_default();
        *rest = rest.get(end..).unwrap_or_default();
        visit(&Record { kind, instance: head >> 4, body });
        if head & 0xF == 0xF && open.len() < MAX_DEPTH {
            open.push(body);
        }
    }
}

/// A text and what it is: 0 and 6 are titles, 1 and 7 bodies.
struct PptText {
    kind: u32,
    text: String,
}

struct Slide {
    id: u32,
    texts: Vec<PptText>,
}

/// The slides in their order and where each object stands.
#[derive(Default)]
struct Show {
    slides: Vec<Slide>,
    /// Objects by their ids; later editions of the file override earlier ones.
    places: HashMap<u32, usize>,
    /// Whether the list that is being read is that of the slides, not of masters or notes.
    in_slides: bool,
    texts: Texts,
}

impl Show {
    fn index(&mut self, record: &Record<'_>) {
        match record.kind {
            0x0FF0 => {
                self.in_slides = record.instance == 0;
                // The list of a later edition replaces the one before.
                if self.in_slides {
                    self.slides.clear();
                }
            }
            0x03F3 if self.in_slides => {
                let id = u32_at(record.body, 0).unwrap_or(0);
                self.slides.push(Slide { id, texts: Vec::new() });
            }
            0x1772 => self.index_places(record.body),
            // Whatever comes in a slide itself is read with the slide.
            0x03EE | 0x03F0 | 0x03F8 => self.in_slides = false,
            _ if self.in_slides => {
                self.texts.read(record);
                if let Some(slide) = self.slides.last_mut() {
                    slide.texts.append(&mut self.texts.texts);
                }
            }
            _ => {}
        }
    }

    fn index_places(&mut self, body: &[u8]) {
        let mut at = 0;
        while let Some(head) = u32_at(body, at) {
            at += 4;
            for index in 0..head >> 20 {
                let Some(place) = place_at(body, at) else { return };
                self.places.insert((head & 0xF_FFFF).saturating_add(index), place);
                at += 4;
            }
        }
    }
}

/// Collects the texts of the records it is shown.
#[derive(Default)]
struct Texts {
    kind: u32,
    texts: Vec<PptText>,
}

impl Texts {
    fn read(&mut self, record: &Record<'_>) {
        let text = match record.kind {
            0x0F9F => {
                self.kind = u32_at(record.body, 0).unwrap_or(4);
                return;
            }
            0x0FA0 => utf16(record.body),
            0x0FA8 => record.body.iter().map(|&byte| char::from(byte)).collect(),
            _ => return,
        };
        self.texts.push(PptText { kind: self.kind, text });
    }
}

fn write(draft: &mut DocumentDraft, text: &PptText, location: &Location) {
    // A line feed inside a paragraph is a vertical tab.
    let content = text.text.replace('\u{b}', "\n").replace('\0', "");
    if matches!(text.kind, 0 | 6) {
        draft.heading(1, &content, location);
        return;
    }
    let kind = if matches!(text.kind, 1 | 7) { BlockKind::ListItem } else { BlockKind::Paragraph };
    for paragraph in content.split('\r') {
        // The number of the slide, to be filled in.
        if paragraph.trim() != "*" {
            draft.block(kind, paragraph, location);
        }
    }
}
