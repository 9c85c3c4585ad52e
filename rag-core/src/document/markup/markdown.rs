//! Markdown: the text is the file itself; the parser only says what each stretch is.
//!
//! Front matter is metadata and text without its fences. Struck-out text is left out.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use crate::document::limits;
use crate::document::text::encoding;
use crate::document::text::language::primary_language;
use crate::document::vocabulary::{
    Block, BlockKind, Document, DocumentKind, Reader, SourceFile, SourceMap, first_heading,
    one_line,
};
use crate::error::Result;

mod edits;
mod front;

/// Reads Markdown (CommonMark with tables, footnotes and task lists).
pub(in crate::document) struct MarkdownReader;

impl Reader for MarkdownReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let front = front::read(&decoded.text).unwrap_or_default();
        let mut reading = MarkdownReading::default();
        reading.front(&decoded.text, &front);
        reading.body(decoded.text.get(front.body_start..).unwrap_or_default(), front.body_start);
        let MarkdownReading { text, blocks, map } = reading;
        let source_map = map.through(&text, &decoded.source_map);
        let mut metadata = front.values;
        let heading = first_heading(&text, &blocks).map(|title| plain_heading(&title));
        if decoded.encoding != "UTF-8" {
            metadata.insert("encoding".to_owned(), decoded.encoding.to_owned());
        }
        let lang = metadata.get("lang").or(metadata.get("language"));
        Ok(Document {
            kind: DocumentKind::Markdown,
            title: metadata.get("title").cloned().or(heading),
            lang: lang.and_then(|tag| primary_language(tag)),
            text,
            blocks,
            sections: Vec::new(),
            source_map,
            metadata,
            unread: Vec::new(),
        })
    }
}

/// Text, blocks and where each part stands in the decoded file.
#[derive(Default)]
struct MarkdownReading {
    text: String,
    blocks: Vec<Block>,
    map: SourceMap,
}

impl MarkdownReading {
    /// Adds each entry of the front matter as a paragraph.
    fn front(&mut self, input: &str, front: &front::Front) {
        for range in &front.entries {
            let entry = input.get(range.clone()).unwrap_or_default();
            let start = self.begin();
            self.text.push_str(entry);
            self.map.push_exact(start..self.text.len(), range.start as u64);
            self.blocks.push(Block { kind: BlockKind::Paragraph, range: start..self.text.len() });
        }
    }

    /// Adds the text itself, which stands at `at` of the decoded file.
    fn body(&mut self, input: &str, at: usize) {
        if input.trim().is_empty() && !self.text.is_empty() {
            return;
        }
        let (body, inner) = edits::apply(input);
        let start = self.begin();
        let mut outer = SourceMap::default();
        outer.push_exact(start..start + body.len(), 0);
        let shifted = SourceMap::shifted(input.len(), at as u64);
        self.blocks.extend(blocks(&body).into_iter().map(|block| Block {
            range: block.range.start + start..block.range.end + start,
            ..block
        }));
        self.text.push_str(&body);
        let map = outer.through(&self.text, &inner).through(&self.text, &shifted);
        self.map.segments.extend(map.segments);
    }

    /// Parts what comes next from what is there; gives where it begins.
    fn begin(&mut self) -> usize {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        self.text.len()
    }
}

fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_SUBSCRIPT
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_GFM
}

/// The outermost stretches that are one thing: a heading, a table, an item without its nested list.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Blocks { text, found: Vec::new(), open: Vec::new() };
    for (event, range) in Parser::new_ext(text, options()).into_offset_iter() {
        limits::tick();
        match event {
            Event::Start(tag) => blocks.start(&tag, range),
            Event::End(tag) => blocks.end(tag, range),
            Event::Html(_) | Event::InlineHtml(_) | Event::Rule => {}
            _ => blocks.leaf(range),
        }
    }
    blocks.found
}

/// Blocks found so far. `open` holds those that take the leaves inside them, innermost last.
struct Blocks<'a> {
    text: &'a str,
    found: Vec<Block>,
    open: Vec<OpenContainer>,
}

struct OpenContainer {
    kind: BlockKind,
    /// The part of an item or quotation not yet made a block.
    pending: Option<Range<usize>>,
}

impl Blocks<'_> {
    fn start(&mut self, tag: &Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.push(BlockKind::Heading { level: *level as u8 }, range);
            }
            Tag::Table(_) => {
                self.flush();
                self.push(BlockKind::Table, range);
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.push(BlockKind::Code, range);
            }
            Tag::Paragraph if self.open.is_empty() => self.push(BlockKind::Paragraph, range),
            Tag::HtmlBlock => {
                self.flush();
                self.push(BlockKind::Paragraph, range);
            }
            Tag::Item => self.open(BlockKind::ListItem, Some(range.start..range.start)),
            Tag::BlockQuote(_) => self.open(BlockKind::Quote, Some(range.start..range.start)),
            Tag::FootnoteDefinition(_) => {
                self.open(BlockKind::Paragraph, Some(range.start..range.start));
            }
            _ => {}
        }
    }

    fn open(&mut self, kind: BlockKind, pending: Option<Range<usize>>) {
        self.flush();
        self.open.push(OpenContainer { kind, pending });
    }

    fn end(&mut self, tag: TagEnd, _range: Range<usize>) {
        match tag {
            TagEnd::Item | TagEnd::BlockQuote(_) | TagEnd::FootnoteDefinition => {
                self.flush();
                self.open.pop();
            }
            // A further paragraph of the same item is a block of its own.
            TagEnd::Paragraph => self.flush(),
            _ => {}
        }
    }

    /// Text inside an item or quotation widens what is pending there.
    fn leaf(&mut self, range: Range<usize>) {
        let end = self.found.last().map_or(0, |block| block.range.end);
        if range.start < end {
            return;
        }
        if let Some(open) = self.open.last_mut() {
            match &mut open.pending {
                Some(pending) => pending.end = pending.end.max(range.end),
                None => open.pending = Some(range),
            }
        }
    }

    fn flush(&mut self) {
        if let Some(open) = self.open.last_mut()
            && let Some(pending) = open.pending.take()
            && pending.end > pending.start
        {
            let kind = open.kind;
            self.push(kind, pending);
        }
    }

    fn push(&mut self, kind: BlockKind, range: Range<usize>) {
        let last_end = self.found.last().map_or(0, |block| block.range.end);
        let Some(content) = self.text.get(range.start.max(last_end)..range.end) else { return };
        let trimmed = content.trim_end();
        if !trimmed.trim_start().is_empty() {
            let start = range.end - content.len();
            self.found.push(Block { kind, range: start..start + trimmed.len() });
        }
    }
}

/// A heading without its marks: no `#`, no underline, no emphasis, links as their text; on one
/// line.
pub(crate) fn plain_heading(heading: &str) -> String {
    let mut plain = String::new();
    for event in Parser::new_ext(heading, options()) {
        match event {
            Event::Text(part) | Event::Code(part) => plain.push_str(&part),
            Event::SoftBreak | Event::HardBreak => plain.push(' '),
            Event::End(TagEnd::Heading(_)) => break,
            _ => {}
        }
    }
    let plain = one_line(&plain);
    if plain.is_empty() { one_line(heading) } else { plain }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Document {
        MarkdownReader.read(&SourceFile::new(Path::new("a.md"), text.as_bytes())).unwrap()
    }

    fn shown(document: &Document) -> Vec<(BlockKind, &str)> {
        let show = |b: &Block| (b.kind, document.text.get(b.range.clone()).unwrap());
        document.blocks.iter().map(show).collect::<Vec<_>>()
    }

    #[test]
    fn structure_is_kept_and_text_is_the_file() {
        let text = "# Le *laboratoire*\n\nUn paragraphe\nsur deux lignes.\n\n- un\n  - deux\n- trois\n\n> dit-il\n\n```rust\nlet x = 1;\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nFin\n===\n";
        let document = read(text);
        assert_eq!(document.text, text);
        assert_eq!(document.title.as_deref(), Some("Le laboratoire"));
        let heading = BlockKind::Heading { level: 1 };
        let expected = [
            (heading, "# Le *laboratoire*"),
            (BlockKind::Paragraph, "Un paragraphe\nsur deux lignes."),
            (BlockKind::ListItem, "- un"),
            (BlockKind::ListItem, "- deux"),
            (BlockKind::ListItem, "- trois"),
            (BlockKind::Quote, "> dit-il"),
            (BlockKind::Code, "```rust\nlet x = 1;\n```"),
            (BlockKind::Table, "| a | b |\n|---|---|\n| 1 | 2 |"),
            (heading, "Fin\n==="),
        ];
        assert_eq!(shown(&document), expected);
    }

    #[test]
    fn front_matter_is_metadata_and_the_map_shifts() {
        let text = "---\ntitle: \"Mon titre\"\nlang: fr-FR\ntags:\n  - a\n---\n# Autre\n\nCorps.\n";
        let document = read(text);
        assert_eq!(document.title.as_deref(), Some("Mon titre"));
        assert_eq!(document.lang.as_deref(), Some("fr"));
        assert!(
            document
                .text
                .starts_with("title: \"Mon titre\"\n\nlang: fr-FR\n\ntags:\n  - a\n\n# Autre")
        );
        let tag = document.text.find("- a").unwrap();
        let tag_at = text.find("- a").unwrap() as u64;
        assert_eq!(document.source_map.source_bytes(&(tag..tag + 3)), Some(tag_at..tag_at + 3));
        let body = document.text.find("Corps").unwrap();
        let at = text.find("Corps").unwrap() as u64;
        assert_eq!(document.source_map.source_bytes(&(body..body + 5)), Some(at..at + 5));
        assert!(read("---\n\nA rule first.\n\n---\n").text.starts_with("---"));
    }

    #[test]
    fn struck_text_is_left_out_and_scripts_are_written() {
        let text = "Now ~~14~~ 19 euros, <del>old</del> new.\n\nH<sub>2</sub>O, 10<sup>4</sup> and H~2~O `<sup>2</sup>`.\n\n~~~\n~~code~~\n~~~\n";
        crate::document::vocabulary::unread::take();
        let document = read(text);
        let expected = "Now 19 euros, new.\n\nH\u{2082}O, 10\u{2074} and H~2~O `<sup>2</sup>`.\n\n~~~\n~~code~~\n~~~\n";
        assert_eq!(document.text, expected);
        assert_eq!(crate::document::vocabulary::unread::take()[0].count, 2);
        let place = |text: &str, word: &str| text.find(word).unwrap();
        let (at, source) = (place(expected, "new."), place(text, "new.") as u64);
        assert_eq!(document.source_map.source_bytes(&(at..at + 4)), Some(source..source + 4));
        let (at, source) = (place(expected, "\u{2074}"), place(text, "<sup>4") as u64);
        assert_eq!(document.source_map.source_bytes(&(at..at + 3)), Some(source..source + 12));
    }

    #[test]
    fn pictures_written_into_the_text_are_cut_out() {
        let data = "iVBORw0KGgoAAAANSUhEUgAAANwAAADcCAIAAACUOFjWAAI4P0lEQVR4nAAHQPi".repeat(9);
        let text =
            format!("# Reef\n\n![map](data:image/png;base64,{data})\n\nThe leader was Dora.\n");
        let document = read(&text);
        assert_eq!(document.text, "# Reef\n\n![map]()\n\nThe leader was Dora.\n");
        let (at, source) = (document.text.find("Dora").unwrap(), text.find("Dora").unwrap() as u64);
        assert_eq!(document.source_map.source_bytes(&(at..at + 4)), Some(source..source + 4));
    }

    #[test]
    fn headings_lose_their_marks() {
        assert_eq!(plain_heading("## See [the `docs`](http://x) ##"), "See the docs");
        assert_eq!(plain_heading("Two\nlines\n---"), "Two lines");
        assert_eq!(plain_heading("1995"), "1995");
    }

    proptest! {
        #[test]
        fn blocks_of_any_text_are_in_order_and_inside(text in "[-#>*` |\n\\[\\]()a-c\u{e9}0-2.:=\t]{0,120}") {
            let mut end = 0;
            for block in blocks(&text) {
                prop_assert!(block.range.start >= end && text.get(block.range.clone()).is_some());
                end = block.range.end;
            }
        }
    }
}
