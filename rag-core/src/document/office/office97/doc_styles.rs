//! Properties of the paragraphs of a DOC file (MS-DOC 2.4.6.1, 2.9.116): heading, list, table.

use super::{place_at, u16_at};

/// What matters of the properties of a paragraph.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ParagraphProperties {
    pub(super) heading: Option<u8>,
    pub(super) is_item: bool,
    pub(super) in_table: bool,
    pub(super) is_row_end: bool,
}

/// Bytes of a page of properties.
const PAGE_BYTES: usize = 512;

/// Runs of bytes of the main stream and the properties of the paragraphs in them, in order.
#[derive(Default)]
pub(super) struct DocStyles(Vec<(usize, usize, ParagraphProperties)>);

impl DocStyles {
    /// Reads the pages of properties; as many as are sound.
    pub(super) fn read(main: &[u8], table: &[u8]) -> Self {
        let mut styles = Self(Vec::new());
        let pages = Self::pages(main, table).unwrap_or_default();
        for page in pages {
            let start = page.saturating_mul(PAGE_BYTES);
            if let Some(page) = main.get(start..start.saturating_add(PAGE_BYTES)) {
                styles.read_page(page);
            }
        }
        styles.0.sort_by_key(|&(start, ..)| start);
        styles
    }

    /// The numbers of the pages.
    fn pages(main: &[u8], table: &[u8]) -> Option<Vec<usize>> {
        let start = place_at(main, 0x0102)?;
        let plc = table.get(start..start.checked_add(place_at(main, 0x0106)?)?)?;
        let count = plc.len().checked_sub(4)? / 8;
        Some((0..count).filter_map(|i| place_at(plc, (count + 1) * 4 + i * 4)).collect())
    }

    fn read_page(&mut self, page: &[u8]) {
        let count = page.last().map_or(0, |&count| usize::from(count));
        for index in 0..count {
            let places = place_at(page, index * 4).zip(place_at(page, index * 4 + 4));
            let offset = page.get((count + 1) * 4 + index * 13);
            let (Some((start, end)), Some(&offset)) = (places, offset) else { return };
            let properties = match usize::from(offset) * 2 {
                0 => ParagraphProperties::default(),
                offset => properties(page, offset).unwrap_or_default(),
            };
            self.0.push((start, end, properties));
        }
    }

    /// The properties of the paragraph that the byte `place` belongs to.
    pub(super) fn at(&self, place: usize) -> ParagraphProperties {
        let index = self.0.partition_point(|&(start, ..)| start <= place);
        let run = index.checked_sub(1).and_then(|index| self.0.get(index));
        run.filter(|&&(_, end, _)| place < end).map_or(ParagraphProperties::default(), |run| run.2)
    }
}

fn properties(page: &[u8], offset: usize) -> Option<ParagraphProperties> {
    let size = usize::from(*page.get(offset)?);
    let (start, length) = if size == 0 {
        (offset + 2, usize::from(*page.get(offset + 1)?) * 2)
    } else {
        (offset + 1, size * 2 - 1)
    };
    let bytes = page.get(start..(start + length).min(page.len()))?;
    let style = u16_at(bytes, 0)?;
    let mut properties = ParagraphProperties::default();
    // Styles 1 to 9 are the headings in every document.
    if (1..=9).contains(&style) {
        properties.heading = Some((style as u8).min(6));
    }
    each_change(bytes.get(2..).unwrap_or_default(), |code, value| match code {
        0x2416 => properties.in_table = value.first().is_some_and(|&on| on != 0),
        0x2417 => properties.is_row_end = value.first().is_some_and(|&on| on != 0),
        0x2640 => match value.first() {
            Some(&level) if level < 9 => properties.heading = Some((level + 1).min(6)),
            _ => {}
        },
        0x460B => properties.is_item = u16_at(value, 0).is_some_and(|list| list != 0),
        _ => {}
    });
    Some(properties)
}

/// Goes through a list of changes to properties: the code of each, and its operand (MS-DOC
/// 2.2.5.1).
pub(super) fn each_change(bytes: &[u8], mut change: impl FnMut(u16, &[u8])) {
    let mut at = 0_usize;
    while let Some(code) = u16_at(bytes, at) {
        let operand = bytes.get(at + 2..).unwrap_or_default();
        // The three upper bits say how long the operand is.
        let length = match code >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            3 => 4,
            7 => 3,
            _ if code == 0xD608 => usize::from(u16_at(operand, 0).unwrap_or(0)) + 1,
            _ => usize::from(operand.first().copied().unwrap_or(0)) + 1,
        };
        change(code, operand.get(..length).unwrap_or(operand));
        at += 2 + length;
    }
}
