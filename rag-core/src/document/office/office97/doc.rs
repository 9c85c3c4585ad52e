//! DOC (MS-DOC): the pieces of the text in order, paragraphs by their marks, headings and tables by
//! properties.

use super::cfb::Compound;
use super::doc_looks::Looks;
use super::doc_styles::{DocStyles, ParagraphProperties};
use super::{place_at, u16_at, u32_at, utf16, windows_1252};
use crate::document::office::runs::Runs;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Reader, SourceFile, Unit, UnreadKind, one_line, unread,
};
use crate::document::writing::draft::{DocumentDraft, Join, part};
use crate::error::{Error, Result, Unreadable};

/// Reads the Word format of 1997 to 2003; of older ones the plain text.
pub(in crate::document) struct DocReader;

/// The first version that keeps its text in pieces.
const WORD_97: u16 = 0xC1;

impl Reader for DocReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let file = Compound::open(source)?;
        let broken = || Error::document(source.path, Unreadable::Broken, "broken DOC");
        let main = file.stream("WordDocument").ok_or_else(broken)?;
        let flags = u16_at(&main, 0x0A).ok_or_else(broken)?;
        if flags & 0x0100 != 0 {
            return Err(Error::document(
                source.path,
                Unreadable::Encrypted,
                "encrypted: it needs a password",
            ));
        }
        let mut text = DocText::default();
        if u16_at(&main, 2).is_some_and(|version| version >= WORD_97) {
            let table = if flags & 0x0200 != 0 { "1Table" } else { "0Table" };
            let table = file.stream(table).ok_or_else(broken)?;
            text.styles = DocStyles::read(&main, &table);
            text.looks = Looks::read(&main, &table);
            let (shown, furniture) = characters(&main, &table).ok_or_else(broken)?;
            shown.into_iter().for_each(|(place, c)| text.push(place, c));
            let furniture = one_line(&furniture.replace(|c: char| c < ' ', " "));
            if furniture.chars().any(char::is_alphabetic) {
                unread::note_named(UnreadKind::RepeatedText, &furniture);
            }
        } else {
            let range = place_at(&main, 0x18).zip(place_at(&main, 0x1C));
            let bytes = range.and_then(|(start, end)| main.get(start..end)).ok_or_else(broken)?;
            windows_1252(bytes).chars().for_each(|c| text.push(0, c));
        }
        text.end_paragraph(0);
        text.draft.finish(DocumentKind::Doc, source)
    }
}

/// The characters of the text with their places in the main stream, by the table of pieces; and
/// what stands at the head and foot of the pages.
fn characters(main: &[u8], table: &[u8]) -> Option<(Vec<(usize, char)>, String)> {
    let start = place_at(main, 0x01A2)?;
    let clx = table.get(start..start.checked_add(place_at(main, 0x01A6)?)?)?;
    let mut at = 0;
    while clx.get(at) == Some(&1) {
        at += 3 + usize::from(u16_at(clx, at + 1)?);
    }
    (clx.get(at) == Some(&2)).then_some(())?;
    let pieces = clx.get(at + 5..)?;
    let count = place_at(clx, at + 1)?.min(pieces.len()).checked_sub(4)? / 12;
    // Headers and footers stand after body and footnotes; what follows them is comments, endnotes
    // and boxes.
    let lengths: Vec<usize> = (0..3).filter_map(|i| place_at(main, 0x4C + 4 * i)).collect();
    let [body, notes, headers] = lengths.as_slice() else { return None };
    let skipped = body + notes..body + notes + headers;
    let (mut characters, mut furniture) = (Vec::new(), String::new());
    for index in 0..count {
        let first = place_at(pieces, index * 4)?;
        let last = place_at(pieces, index * 4 + 4)?;
        let place = u32_at(pieces, (count + 1) * 4 + index * 8 + 2)?;
        let length = last.checked_sub(first)?;
        let narrow = place & 0x4000_0000 != 0;
        let width = if narrow { 1 } else { 2 };
        let start = (place & 0x3FFF_FFFF) as usize / if narrow { 2 } else { 1 };
        let Some(bytes) = main.get(start..start.checked_add(length.checked_mul(width)?)?) else {
            continue;
        };
        let text = if narrow { windows_1252(bytes) } else { utf16(bytes) };
        let mut unit = 0;
        for c in text.chars() {
            match skipped.contains(&(first + unit)) {
                true => furniture.push(c),
                false => characters.push((start + unit * width, c)),
            }
            unit += if narrow { 1 } else { c.len_utf16() };
        }
    }
    Some((characters, furniture))
}

#[derive(Default)]
struct DocText {
    draft: DocumentDraft,
    styles: DocStyles,
    looks: Looks,
    paragraph: Runs,
    cells: Vec<String>,
    /// Open fields; inside one, whether its instruction is being read.
    fields: Vec<bool>,
    count: usize,
    tables: usize,
    rows: usize,
    in_table: bool,
}

impl DocText {
    fn push(&mut self, place: usize, c: char) {
        match c {
            '\u{13}' => self.fields.push(true),
            '\u{14}' => {
                if let Some(instruction) = self.fields.last_mut() {
                    *instruction = false;
                }
            }
            '\u{15}' => {
                self.fields.pop();
            }
            _ if self.fields.contains(&true) => {}
            '\r' | '\u{c}' => self.end_paragraph(place),
            '\u{7}' => self.end_cell(place),
            '\u{b}' => self.add(place, '\n'),
            '\u{1e}' => self.add(place, '-'),
            '\u{1f}' => {}
            '\u{1}' => unread::note(UnreadKind::Picture, 1),
            '\t' => self.add(place, '\t'),
            c if c < ' ' => {}
            c => self.add(place, c),
        }
    }

    fn add(&mut self, place: usize, c: char) {
        self.paragraph.push(self.looks.at(place), c.encode_utf8(&mut [0; 4]));
    }

    fn end_paragraph(&mut self, place: usize) {
        let properties = self.styles.at(place);
        if properties.in_table {
            self.paragraph.text().push(' ');
            return;
        }
        self.end_row();
        self.in_table = false;
        let text = std::mem::take(&mut self.paragraph).finish();
        self.count += 1;
        let location = part(Unit::Paragraph, self.count, None);
        match properties {
            ParagraphProperties { heading: Some(level), .. } => {
                self.draft.heading(level, &text, &location)
            }
            ParagraphProperties { is_item: true, .. } if !text.trim().is_empty() => {
                self.draft.block(BlockKind::ListItem, &format!("- {}", text.trim()), &location);
            }
            _ => self.draft.block(BlockKind::Paragraph, &text, &location),
        }
    }

    fn end_cell(&mut self, place: usize) {
        if self.styles.at(place).is_row_end {
            self.paragraph = Runs::default();
            self.end_row();
        } else {
            self.cells.push(one_line(&std::mem::take(&mut self.paragraph).finish()));
        }
    }

    fn end_row(&mut self) {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return;
        }
        if !self.in_table {
            self.tables += 1;
            self.rows = 0;
        }
        self.rows += 1;
        let location = part(Unit::Row, self.rows, Some(&format!("table {}", self.tables)));
        let join = if self.in_table { Join::Continue } else { Join::Start };
        self.draft.row(&cells, join, &location);
        self.in_table = true;
    }
}
