//! Plain text: paragraphs between blank lines, underlined headings, code and tables by extension.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::document::limits;
use crate::document::text::declared::declared_encoding;
use crate::document::text::decoded::Decoded;
use crate::document::text::{encoding, language};
use crate::document::vocabulary::{
    Block, BlockKind, Document, DocumentKind, Reader, SourceFile, SourceMap, first_heading,
};
use crate::error::Result;

/// Reads text in any encoding.
pub(in crate::document) struct TextReader;

impl Reader for TextReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, declared_encoding(source.bytes))?;
        Ok(Self::of(source, decoded))
    }
}

impl Document {
    /// The document of a text that came without a file: kind [`DocumentKind::Text`], blocks at
    /// blank lines, identity map.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let lang = language::guess(text).filter(|code| matches!(*code, "fr" | "en"));
        Self {
            kind: DocumentKind::Text,
            title: None,
            lang: lang.map(str::to_owned),
            text: text.to_owned(),
            blocks: paragraphs(text),
            sections: Vec::new(),
            source_map: SourceMap::identity(text.len()),
            metadata: BTreeMap::new(),
            unread: Vec::new(),
        }
    }
}

impl TextReader {
    /// The document of a file that is decoded already, for readers that find it is not what they
    /// read.
    pub(in crate::document) fn of(source: &SourceFile<'_>, decoded: Decoded) -> Document {
        let extension = source.extension();
        let blocks = match (block_kind(&extension), heading_mark(&extension)) {
            (BlockKind::Paragraph, Some(mark)) => marked_blocks(&decoded.text, mark),
            (BlockKind::Paragraph, None) => prose_blocks(&decoded.text),
            (kind, _) => stretches(&decoded.text).map(|range| Block { kind, range }).collect(),
        };
        let mut metadata = BTreeMap::new();
        if decoded.encoding != "UTF-8" {
            metadata.insert("encoding".to_owned(), decoded.encoding.to_owned());
        }
        Document {
            kind: DocumentKind::Text,
            title: first_heading(&decoded.text, &blocks).map(|title| unmarked(&title).to_owned()),
            lang: None,
            text: decoded.text,
            blocks,
            sections: Vec::new(),
            source_map: decoded.source_map,
            metadata,
            unread: Vec::new(),
        }
    }
}

/// A heading without the marks before it.
fn unmarked(title: &str) -> &str {
    let bare = title.trim_start_matches(['=', '*']);
    if bare.starts_with(' ') { bare.trim() } else { title }
}

/// What the stretches of a file with this extension are.
fn block_kind(extension: &str) -> BlockKind {
    match extension {
        "csv" | "tsv" | "tab" => BlockKind::Table,
        "rs" | "py" | "c" | "h" | "cc" | "cpp" | "hpp" | "java" | "js" | "ts" | "jsx" | "tsx"
        | "go" | "rb" | "php" | "cs" | "kt" | "swift" | "scala" | "sh" | "bash" | "ps1" | "sql"
        | "r" | "jl" | "lua" | "pl" | "hs" | "ml" | "ex" | "erl" | "clj" | "json" | "jsonl"
        | "ndjson" | "yaml" | "yml" | "toml" | "ini" | "cfg" | "conf" | "xml" | "css" | "cmake"
        | "diff" | "patch" | "ipynb" => BlockKind::Code,
        _ => BlockKind::Paragraph,
    }
}

/// The lines of `text` without their ends, with where they stand. Ends are LF, CR LF and CR.
fn lines(text: &str) -> impl Iterator<Item = Range<usize>> {
    let bytes = text.as_bytes();
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = next;
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or(rest.len());
        next = start + length + 1;
        if rest.get(length..length + 2) == Some(b"\r\n") {
            next += 1;
        }
        Some(start..start + length)
    })
}

/// Stretches of lines between blank lines.
fn stretches(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut lines = lines(text).peekable();
    std::iter::from_fn(move || {
        limits::tick();
        let is_blank =
            |line: &Range<usize>| text.get(line.clone()).is_none_or(|l| l.trim().is_empty());
        while lines.next_if(|line| is_blank(line)).is_some() {}
        let mut range = lines.next()?;
        while let Some(line) = lines.next_if(|line| !is_blank(line)) {
            range.end = line.end;
        }
        Some(range)
    })
}

/// Paragraphs between blank lines.
pub(in crate::document) fn paragraphs(text: &str) -> Vec<Block> {
    stretches(text).map(|range| Block { kind: BlockKind::Paragraph, range }).collect()
}

/// The marks before headings in AsciiDoc, Org and Typst; level 1 has one mark.
fn heading_mark(extension: &str) -> Option<char> {
    match extension {
        "adoc" | "asciidoc" | "asc" | "typ" => Some('='),
        "org" => Some('*'),
        _ => None,
    }
}

/// Paragraphs, and headings that begin with `mark`, as many as their level, and a blank.
fn marked_blocks(text: &str, mark: char) -> Vec<Block> {
    let mut blocks = Vec::new();
    for stretch in stretches(text) {
        let mut body = stretch.clone();
        let stretch_text = text.get(stretch.clone()).unwrap_or_default();
        for line in lines(stretch_text) {
            let content = stretch_text.get(line.clone()).unwrap_or_default();
            let level = content.chars().take_while(|&c| c == mark).count();
            let named = content
                .get(level..)
                .is_some_and(|rest| rest.starts_with(' ') && !rest.trim().is_empty());
            if !(1..=6).contains(&level) || !named {
                continue;
            }
            let heading = stretch.start + line.start..stretch.start + line.end;
            push_paragraph(&mut blocks, text, body.start..heading.start);
            body.start = heading.end;
            blocks.push(Block { kind: BlockKind::Heading { level: level as u8 }, range: heading });
        }
        push_paragraph(&mut blocks, text, body);
    }
    blocks
}

fn push_paragraph(blocks: &mut Vec<Block>, text: &str, range: Range<usize>) {
    let body = text.get(range.clone()).unwrap_or_default();
    let start = range.start + body.len() - body.trim_start().len();
    if !body.trim().is_empty() {
        blocks.push(Block { kind: BlockKind::Paragraph, range: start..start + body.trim().len() });
    }
}

/// Paragraphs, and headings where a first line is underlined as in reStructuredText.
fn prose_blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut styles = Vec::new();
    for stretch in stretches(text) {
        let mut body = stretch.clone();
        if let Some((end, underline)) = underlined_heading(text, &stretch) {
            let known = styles.iter().position(|&style| style == underline);
            let index = known.unwrap_or(styles.len());
            if known.is_none() {
                styles.push(underline);
            }
            let kind = BlockKind::Heading { level: (index + 1).min(6) as u8 };
            blocks.push(Block { kind, range: stretch.start..end });
            body.start = end;
        }
        if text.get(body.clone()).is_some_and(|body| !body.trim().is_empty()) {
            blocks.push(Block { kind: BlockKind::Paragraph, range: body });
        }
    }
    blocks
}

/// The end of a heading at the start of `stretch`, and how it is marked, as in reStructuredText: a
/// line of text under (and maybe over) a line of one repeated punctuation character.
fn underlined_heading(text: &str, stretch: &Range<usize>) -> Option<(usize, (char, bool))> {
    let body = text.get(stretch.clone())?;
    let mut first_lines = lines(body);
    let mut title = first_lines.next()?;
    let overlined = rule_char(body.get(title.clone())?).is_some();
    if overlined {
        title = first_lines.next()?;
    }
    let rule = first_lines.next()?;
    let (title, line) = (body.get(title)?.trim(), body.get(rule.clone())?);
    let mark = rule_char(line)?;
    let (title_chars, rule_chars) = (title.chars().count(), line.trim().chars().count());
    let fits = rule_chars >= title_chars && rule_chars <= title_chars.max(3) * 3 + 20;
    let is_title = title.chars().any(char::is_alphanumeric) && title_chars <= 120;
    (is_title && fits).then_some((stretch.start + rule.end, (mark, overlined)))
}

/// The character a rule repeats, at least three times.
fn rule_char(line: &str) -> Option<char> {
    let line = line.trim();
    let mark = line.chars().next().filter(|c| "=-~^\"'*+#`.:_".contains(*c))?;
    (line.len() >= 3 && line.chars().all(|c| c == mark)).then_some(mark)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn read(name: &str, text: &str) -> Document {
        TextReader.read(&SourceFile::new(Path::new(name), text.as_bytes())).unwrap()
    }

    fn shown(document: &Document) -> Vec<(BlockKind, &str)> {
        let show = |b: &Block| (b.kind, document.text.get(b.range.clone()).unwrap());
        document.blocks.iter().map(show).collect::<Vec<_>>()
    }

    #[test]
    fn blank_lines_part_paragraphs_whatever_the_line_end() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["One", "line.", "", "  ", "Two.", ""].join(end);
            let document = read("a.txt", &text);
            let first = format!("One{end}line.");
            let expected = [(BlockKind::Paragraph, first.as_str()), (BlockKind::Paragraph, "Two.")];
            assert_eq!(shown(&document), expected);
            assert_eq!(document.text, text);
        }
    }

    #[test]
    fn underlined_lines_are_headings_in_order_of_appearance() {
        let document =
            read("a.rst", "=====\nGuide\n=====\n\nPart\n----\nBody text.\n\nNext\n----\n\nMore.\n");
        let kinds: Vec<_> = document.blocks.iter().map(|b| b.kind).collect();
        let heading = |level| BlockKind::Heading { level };
        let expected =
            [heading(1), heading(2), BlockKind::Paragraph, heading(2), BlockKind::Paragraph];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn code_and_tables_keep_their_kind() {
        let code = read("a.py", "def f():\n    return 1\n\ndef g():\n    return 2\n");
        assert_eq!(code.blocks.len(), 2);
        assert!(code.blocks.iter().all(|b| b.kind == BlockKind::Code));
        assert_eq!(read("a.csv", "a,b\n1,2\n").blocks[0].kind, BlockKind::Table);
    }
}
