//! How the characters of a DOC file look (MS-DOC 2.8.6, 2.9.33): struck out, hidden, raised.

use super::doc_styles::each_change;
use super::place_at;
use crate::document::office::runs::Look;
use crate::document::writing::script::Script;

/// Bytes of a page of properties.
const PAGE_BYTES: usize = 512;

/// Runs of bytes of the main stream that do not look plain, in order.
#[derive(Default)]
pub(super) struct Looks(Vec<(usize, usize, Look)>);

impl Looks {
    /// Reads the pages of properties; as many as are sound.
    pub(super) fn read(main: &[u8], table: &[u8]) -> Self {
        let mut looks = Self(Vec::new());
        for page in pages(main, table).unwrap_or_default() {
            let start = page.saturating_mul(PAGE_BYTES);
            if let Some(page) = main.get(start..start.saturating_add(PAGE_BYTES)) {
                looks.read_page(page);
            }
        }
        looks.0.sort_by_key(|&(start, ..)| start);
        looks
    }

    fn read_page(&mut self, page: &[u8]) {
        let count = page.last().map_or(0, |&count| usize::from(count));
        for index in 0..count {
            let places = place_at(page, index * 4).zip(place_at(page, index * 4 + 4));
            let offset = page.get((count + 1) * 4 + index).map(|&offset| usize::from(offset) * 2);
            let (Some((start, end)), Some(offset)) = (places, offset) else { return };
            let length = usize::from(page.get(offset).copied().unwrap_or(0));
            let changes = page.get(offset + 1..offset + 1 + length).unwrap_or_default();
            let look = look(changes);
            if offset > 0 && look != Look::default() {
                self.0.push((start, end, look));
            }
        }
    }

    /// How the character at the byte `place` looks.
    pub(super) fn at(&self, place: usize) -> Look {
        let index = self.0.partition_point(|&(start, ..)| start <= place);
        let run = index.checked_sub(1).and_then(|index| self.0.get(index));
        run.filter(|&&(_, end, _)| place < end).map_or(Look::default(), |run| run.2)
    }
}

/// The numbers of the pages.
fn pages(main: &[u8], table: &[u8]) -> Option<Vec<usize>> {
    let start = place_at(main, 0x00FA)?;
    let plc = table.get(start..start.checked_add(place_at(main, 0x00FE)?)?)?;
    let count = plc.len().checked_sub(4)? / 8;
    Some((0..count).filter_map(|i| place_at(plc, (count + 1) * 4 + i * 4)).collect())
}

fn look(changes: &[u8]) -> Look {
    let mut look = Look::default();
    each_change(changes, |code, value| {
        let is_on = value.first() == Some(&1);
        match code {
            // Deleted by a tracked change, struck out once or twice.
            0x0800 | 0x0837 | 0x2A53 => look.is_struck |= is_on,
            0x083C => look.is_hidden = is_on,
            0x2A48 => {
                look.script = match value.first() {
                    Some(1) => Some(Script::Superscript),
                    Some(2) => Some(Script::Subscript),
                    _ => None,
                };
            }
            _ => {}
        }
    });
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_run_say_how_it_looks() {
        let high = look(&[0x43, 0x4A, 20, 0, 0x48, 0x2A, 1]);
        assert_eq!(high, Look { script: Some(Script::Superscript), ..Look::default() });
        assert!(look(&[0x37, 0x08, 1]).is_struck && look(&[0x00, 0x08, 1]).is_struck);
        assert!(look(&[0x3C, 0x08, 1]).is_hidden);
        assert_eq!(look(&[0x37]), Look::default());
        let mut page = vec![0; PAGE_BYTES];
        page[4] = 10;
        page[8] = 20;
        page[13] = 250;
        page[500..504].copy_from_slice(&[3, 0x3C, 0x08, 1]);
        page[511] = 2;
        let mut looks = Looks::default();
        looks.read_page(&page);
        assert_eq!((looks.at(5).is_hidden, looks.at(15).is_hidden), (false, true));
    }
}
