//! Puts the pages together: furniture out, paragraphs in, headings by size and weight.

use std::collections::BTreeMap;

use super::furniture;
use super::line::TextLine;
use super::paragraphs::{self, Habits, TextParagraph};
use crate::document::text::plain::paragraphs as paragraphs_of;
use crate::document::vocabulary::{Area, Block, BlockKind, Location, SourceMap, one_line};

/// The text of a file.
#[derive(Default)]
pub(super) struct LaidOut {
    pub(super) text: String,
    pub(super) blocks: Vec<Block>,
    pub(super) source_map: SourceMap,
    /// The largest heading of the first page with one.
    pub(super) title: Option<String>,
}

impl LaidOut {
    /// Adds a text of which only the page is known: a note, a value without a label.
    fn push_beside(&mut self, text: &str, page: &PdfPage) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let start = self.text.len();
        self.text.push_str(text);
        self.source_map.push_on(start..self.text.len(), Location::Page(page.number));
        self.blocks.push(Block { kind: BlockKind::Paragraph, range: start..self.text.len() });
    }

    /// Adds the text of a picture, of which only the page is known.
    fn push_recognized(&mut self, text: &str, page: &PdfPage) {
        for block in paragraphs_of(text) {
            if !self.text.is_empty() {
                self.text.push_str("\n\n");
            }
            let start = self.text.len();
            self.text.push_str(text.get(block.range).unwrap_or_default());
            self.source_map.push_on(start..self.text.len(), Location::Page(page.number));
            self.blocks.push(Block { kind: block.kind, range: start..self.text.len() });
        }
    }
}

/// The page that is being written.
struct PdfPage {
    number: u32,
    /// Where its text begins.
    start: usize,
}

/// A heading is at least this much larger than the body.
const LARGER: f32 = 1.12;

/// Characters of a heading at most.
const MAX_HEADING_CHARS: usize = 200;

/// `recognized` holds the text of pages without lines, `beside` what stands beside the content of
/// pages; both by the number of the page.
pub(super) fn lay_out(
    mut pages: Vec<Vec<TextLine>>,
    recognized: &BTreeMap<usize, String>,
    beside: &BTreeMap<usize, Vec<String>>,
) -> LaidOut {
    furniture::remove(&mut pages);
    let habits = Habits::of(&pages);
    let joined: Vec<Vec<TextParagraph>> =
        pages.iter().map(|lines| paragraphs::join(lines, &habits)).collect();
    let sizes = heading_sizes(&joined, &habits);
    let mut out = LaidOut::default();
    for (index, paragraphs) in joined.iter().enumerate() {
        let page = PdfPage { number: index as u32 + 1, start: out.text.len() };
        for paragraph in paragraphs {
            out.push(paragraph, kind(paragraph, &habits, &sizes), &page);
        }
        if let Some(text) = recognized.get(&(index + 1)) {
            out.push_recognized(text, &page);
        }
        for text in beside.get(&(index + 1)).into_iter().flatten() {
            out.push_beside(text, &page);
        }
    }
    out.title = title(&out, &joined, &habits);
    out
}

impl LaidOut {
    fn push(&mut self, paragraph: &TextParagraph, kind: BlockKind, page: &PdfPage) {
        let last = self.blocks.last().map(|last| last.kind);
        let same_page = page.start < self.text.len();
        let goes_on = same_page && last == Some(kind);
        let is_row = goes_on && kind == BlockKind::Table;
        if !self.text.is_empty() {
            let tight = is_row || (goes_on && kind == BlockKind::ListItem);
            self.text.push_str(if tight { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        self.text.push_str(&paragraph.text);
        let end = self.text.len();
        match self.blocks.last_mut().filter(|_| is_row) {
            Some(table) => table.range.end = end,
            None => self.blocks.push(Block { kind, range: start..end }),
        }
        for (range, bounds) in &paragraph.lines {
            let area = Area { page: page.number, bounds: *bounds };
            self.source_map.push(range.start + start..range.end + start, Location::Area(area));
        }
    }
}

fn kind(paragraph: &TextParagraph, habits: &Habits, sizes: &[i32]) -> BlockKind {
    if is_heading(paragraph, habits) {
        let rank = sizes.iter().position(|&size| size == half_points(paragraph.size));
        return BlockKind::Heading { level: (rank.unwrap_or(sizes.len()) + 1).min(6) as u8 };
    }
    if paragraph.is_fixed {
        BlockKind::Code
    } else if paragraph.is_item {
        BlockKind::ListItem
    } else if paragraph.text.contains('\t') {
        BlockKind::Table
    } else {
        BlockKind::Paragraph
    }
}

fn is_heading(paragraph: &TextParagraph, habits: &Habits) -> bool {
    let text = &paragraph.text;
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    // An entry of a table of contents: text, then a page number far to the right.
    let entry =
        text.rsplit_once('\t').is_some_and(|(_, page)| page.bytes().all(|b| b.is_ascii_digit()));
    if entry
        || letters < 2
        || text.len() > MAX_HEADING_CHARS
        || paragraph.is_fixed
        || letters * 3 < text.chars().count()
    {
        return false;
    }
    let large = paragraph.size >= habits.body_size * LARGER && paragraph.line_count <= 3;
    let bold = paragraph.is_bold
        && paragraph.line_count == 1
        && paragraph.size >= habits.body_size * 0.98
        && text.len() <= 100
        && !text.ends_with(['.', ',', ';', ':'])
        && !paragraph.is_item;
    large || bold
}

fn half_points(size: f32) -> i32 {
    (size * 2.0).round() as i32
}

/// The sizes that headings larger than the body have, largest first.
fn heading_sizes(pages: &[Vec<TextParagraph>], habits: &Habits) -> Vec<i32> {
    let headings = pages.iter().flatten().filter(|p| is_heading(p, habits));
    let mut sizes: Vec<i32> = headings.map(|p| half_points(p.size)).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    sizes.dedup();
    sizes
}

/// The largest heading of the first page that has one.
fn title(out: &LaidOut, pages: &[Vec<TextParagraph>], habits: &Habits) -> Option<String> {
    let page = pages.iter().find(|page| page.iter().any(|p| is_heading(p, habits)))?;
    let headings =
        || page.iter().filter(|p| is_heading(p, habits) && p.size >= habits.body_size * LARGER);
    let largest = headings().map(|p| p.size).fold(0.0, f32::max);
    let title = one_line(&headings().find(|p| p.size >= largest)?.text);
    (!title.is_empty() && !out.text.is_empty()).then_some(title)
}
