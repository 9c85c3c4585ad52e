//! XLS (MS-XLS): the records of BIFF 8 and 5, sheet by sheet.

use std::collections::HashMap;

use super::cfb::Compound;
use super::xls_strings::{self, string_8, string_16};
use super::{place_at, u16_at, u32_at};
use crate::document::office::sheet::{self, CellFormat};
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, UnreadKind, one_line,
    unread,
};
use crate::document::writing::draft::{DocumentDraft, Join, part};
use crate::error::{Error, Result, Unreadable};

/// Reads the Excel format of 1993 to 2003.
pub(in crate::document) struct XlsReader;

impl Reader for XlsReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let file = Compound::open(source)?;
        let stream = file.stream("Workbook").or_else(|| file.stream("Book"));
        let stream =
            stream.ok_or_else(|| Error::document(source.path, Unreadable::Broken, "broken XLS"))?;
        let book = XlsBook::read(&stream);
        if book.encrypted {
            return Err(Error::document(
                source.path,
                Unreadable::Encrypted,
                "encrypted: it needs a password",
            ));
        }
        let mut draft = DocumentDraft::default();
        for tab in &book.sheets {
            let location = part(Unit::Row, 1, Some(&format!("sheet {}", tab.name)));
            let mark = if tab.is_hidden { " (hidden sheet)" } else { "" };
            draft.heading(1, &format!("{}{mark}", tab.name), &location);
            let stream = stream.get(tab.start..).unwrap_or_default();
            read_sheet(&book, stream, &tab.name, &mut draft);
            add_texts(stream, &location, &mut draft);
        }
        draft.note("sheet_count", &book.sheets.len().to_string());
        draft.finish(DocumentKind::Xls, source)
    }
}

/// The records of a stream: kind, content, and where the content stands.
fn records(stream: &[u8]) -> impl Iterator<Item = (u16, &[u8], usize)> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let kind = u16_at(stream, at)?;
        let start = at + 4;
        at = start + usize::from(u16_at(stream, at + 2)?);
        Some((kind, stream.get(start..at)?, start))
    })
}

/// A sheet as the workbook lists it.
struct XlsSheet {
    name: String,
    start: usize,
    /// Whether the program shows no tab for it.
    is_hidden: bool,
}

/// What the sheets share.
#[derive(Default)]
struct XlsBook {
    encrypted: bool,
    /// Whether texts are 16-bit, as from BIFF 8 on.
    is_wide: bool,
    from_1904: bool,
    sheets: Vec<XlsSheet>,
    strings: Vec<String>,
    /// How each cell style shows numbers.
    formats: Vec<CellFormat>,
}

impl XlsBook {
    fn read(stream: &[u8]) -> Self {
        let mut book = Self::default();
        let mut shared: Vec<&[u8]> = Vec::new();
        let mut codes: HashMap<u16, CellFormat> = HashMap::new();
        let mut styles = Vec::new();
        for (kind, record, _) in records(stream) {
            match kind {
                0x0809 => book.is_wide = u16_at(record, 0) == Some(0x0600),
                0x002F => book.encrypted = true,
                0x0022 => book.from_1904 = u16_at(record, 0) == Some(1),
                0x0085 => book.add_sheet(record),
                0x00FC => shared = vec![record],
                0x003C if !shared.is_empty() => shared.push(record),
                0x041E => {
                    let code = record.get(2..).and_then(|rest| {
                        if book.is_wide { string_16(rest) } else { string_8(rest) }
                    });
                    let format = code.map(|code| CellFormat::of_code(&code));
                    codes.extend(u16_at(record, 0).zip(format));
                }
                0x00E0 => styles.push(u16_at(record, 2).unwrap_or(0)),
                0x000A => break,
                _ => {}
            }
        }
        let format =
            |id| codes.entry(id).or_insert_with(|| CellFormat::built_in(id.into())).clone();
        book.formats = styles.into_iter().map(format).collect();
        book.strings = xls_strings::shared(&shared);
        book
    }

    fn add_sheet(&mut self, record: &[u8]) {
        let is_hidden = record.get(4).is_some_and(|state| state & 3 != 0);
        let is_sheet = record.get(5) == Some(&0);
        let name = record.get(6..).and_then(|rest| {
            let length = usize::from(*rest.first()?);
            if self.is_wide {
                xls_strings::characters(rest.get(2..)?, length, rest.get(1)? & 1 != 0)
            } else {
                Some(super::windows_1252(rest.get(1..1 + length)?))
            }
        });
        if let (Some(start), Some(name)) = (place_at(record, 0), name)
            && is_sheet
        {
            self.sheets.push(XlsSheet { name: one_line(&name), start, is_hidden });
        }
    }

    /// A number as the cell format `index` shows it.
    fn show(&self, number: f64, index: u16) -> String {
        let format = self.formats.get(usize::from(index)).cloned().unwrap_or_default();
        format.show(number, self.from_1904)
    }
}

fn read_sheet(book: &XlsBook, stream: &[u8], name: &str, draft: &mut DocumentDraft) {
    let mut cells: std::collections::BTreeMap<(u16, u16), String> = Default::default();
    let mut formula = None;
    let mut depth = 0;
    for (kind, record, _) in records(stream) {
        let position = u16_at(record, 0).zip(u16_at(record, 2));
        let style = u16_at(record, 4).unwrap_or(0);
        match kind {
            0x0809 => depth += 1,
            0x000A => {
                depth -= 1;
                if depth <= 0 {
                    break;
                }
            }
            // The text that the formula before it gave.
            0x0207 => {
                let text = if book.is_wide { string_16(record) } else { string_8(record) };
                if let (Some(position), Some(text)) = (formula.take(), text) {
                    cells.insert(position, text);
                }
            }
            0x00BD => add_numbers(book, record, &mut cells),
            _ => {
                let Some(position) = position else { continue };
                let text = match kind {
                    0x00FD => place_at(record, 6).and_then(|i| book.strings.get(i).cloned()),
                    0x0204 | 0x00D6 => record.get(6..).and_then(|rest| {
                        if book.is_wide { string_16(rest) } else { string_8(rest) }
                    }),
                    0x0203 => number_at(record, 6).map(|number| book.show(number, style)),
                    0x027E => u32_at(record, 6).map(|packed| book.show(unpack(packed), style)),
                    0x0205 => truth(record.get(6), record.get(7)),
                    0x0006 => {
                        formula = Some(position);
                        formula_value(book, record, style)
                    }
                    _ => None,
                };
                cells.extend(text.map(|text| (position, text)));
            }
        }
    }
    write(cells, name, draft);
}

/// Several numbers in one row.
fn add_numbers(
    book: &XlsBook,
    record: &[u8],
    cells: &mut std::collections::BTreeMap<(u16, u16), String>,
) {
    let Some((row, first)) = u16_at(record, 0).zip(u16_at(record, 2)) else { return };
    let body = record.get(4..record.len().saturating_sub(2)).unwrap_or_default();
    for (column, cell) in (first..).zip(body.chunks_exact(6)) {
        if let (Some(style), Some(packed)) = (u16_at(cell, 0), u32_at(cell, 2)) {
            cells.insert((row, column), book.show(unpack(packed), style));
        }
    }
}

fn number_at(record: &[u8], at: usize) -> Option<f64> {
    record.get(at..at + 8)?.try_into().ok().map(f64::from_le_bytes)
}

/// The value a formula had when the file was saved; a text follows in a record of its own.
fn formula_value(book: &XlsBook, record: &[u8], style: u16) -> Option<String> {
    if u16_at(record, 12) != Some(0xFFFF) {
        return number_at(record, 6).map(|number| book.show(number, style));
    }
    match record.get(6)? {
        1 => truth(record.get(8), Some(&0)),
        2 => truth(record.get(8), Some(&1)),
        _ => None,
    }
}

/// A truth value, or an error by its number (MS-XLS 2.5.10).
fn truth(value: Option<&u8>, is_error: Option<&u8>) -> Option<String> {
    let word = match (value?, is_error?) {
        (0, 0) => "FALSE",
        (1, 0) => "TRUE",
        (0x00, 1) => "#NULL!",
        (0x07, 1) => "#DIV/0!",
        (0x0F, 1) => "#VALUE!",
        (0x17, 1) => "#REF!",
        (0x1D, 1) => "#NAME?",
        (0x24, 1) => "#NUM!",
        (0x2A, 1) => "#N/A",
        _ => return None,
    };
    Some(word.to_owned())
}

/// Comments and text boxes of a sheet, whose texts stand in the record after that of their shape;
/// pictures are noted (MS-XLS 2.4.329, 2.4.181).
fn add_texts(stream: &[u8], location: &Location, draft: &mut DocumentDraft) {
    let (mut awaited, mut depth) = (0, 0_usize);
    for (kind, record, _) in records(stream) {
        match kind {
            0x0809 => depth += 1,
            0x000A if depth <= 1 => break,
            0x000A => depth -= 1,
            0x01B6 => awaited = usize::from(u16_at(record, 10).unwrap_or(0)),
            0x003C if awaited > 0 => {
                let (flags, rest) = (record.first().copied().unwrap_or(0), record.get(1..));
                let text = rest.and_then(|rest| {
                    xls_strings::characters(rest, std::mem::take(&mut awaited), flags & 1 != 0)
                });
                draft.block(BlockKind::Quote, &text.unwrap_or_default(), location);
            }
            // The kind of a shape: 8 is a picture.
            0x005D if u16_at(record, 4) == Some(8) => unread::note(UnreadKind::Picture, 1),
            _ => {}
        }
    }
}

/// A number in 30 bits (MS-XLS 2.5.217).
fn unpack(packed: u32) -> f64 {
    let value = if packed & 2 != 0 {
        f64::from((packed as i32) >> 2)
    } else {
        f64::from_bits(u64::from(packed & 0xFFFF_FFFC) << 32)
    };
    if packed & 1 != 0 { value / 100.0 } else { value }
}

fn write(
    cells: std::collections::BTreeMap<(u16, u16), String>,
    name: &str,
    draft: &mut DocumentDraft,
) {
    let mut rows: std::collections::BTreeMap<u16, Vec<(usize, String)>> = Default::default();
    for ((row, column), text) in cells {
        rows.entry(row).or_default().push((usize::from(column) + 1, text));
    }
    let mut last = None;
    for (row, cells) in rows {
        let cells = sheet::spread(cells);
        if cells.is_empty() {
            continue;
        }
        let follows = last.is_some_and(|last: u16| last.checked_add(1) == Some(row));
        let location = part(Unit::Row, usize::from(row) + 1, Some(&format!("sheet {name}")));
        draft.row(&cells, if follows { Join::Continue } else { Join::Start }, &location);
        last = Some(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers_unpack() {
        assert_eq!(unpack(0x0000_000A), 2.0);
        assert_eq!(unpack(0xFFFF_FFF2), -4.0);
        assert_eq!(unpack(0x0000_3039 << 2 | 3), 123.45);
        assert_eq!(unpack(0x3FF0_0000), 1.0);
    }
}
