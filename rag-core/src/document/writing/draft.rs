//! Puts a document together block by block, for formats whose text is not the file itself.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::document::limits;
use crate::document::vocabulary::{
    Block, BlockKind, Document, DocumentKind, Location, Part, Section, SourceFile, SourceMap, Unit,
    UnreadKind, first_heading, one_line, unread,
};
use crate::error::{Error, Result, Unreadable};

/// A document in the making.
#[derive(Default)]
pub(in crate::document) struct DocumentDraft {
    pub(in crate::document) text: String,
    pub(in crate::document) blocks: Vec<Block>,
    sections: Vec<Section>,
    pub(in crate::document) map: SourceMap,
    pub(in crate::document) title: Option<String>,
    pub(in crate::document) lang: Option<String>,
    pub(in crate::document) metadata: BTreeMap<String, String>,
    /// Whether something was left out because the text is as long as it may be.
    overflows: bool,
}

/// Bytes of the text of one document. A small file can name a long text a million times.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// Cells that a row keeps; a spreadsheet may name 16,384.
const MAX_CELLS: usize = 4096;

impl DocumentDraft {
    /// Adds a block; nothing if `content` is blank. Items of a list stand on lines that follow each
    /// other.
    pub(in crate::document) fn block(
        &mut self,
        kind: BlockKind,
        content: &str,
        location: &Location,
    ) {
        let content = match kind {
            BlockKind::Code => content.trim_end().trim_start_matches(['\r', '\n']),
            _ => content.trim(),
        };
        if content.is_empty() || !self.has_room(content.len()) {
            return;
        }
        let start = self.begin(kind);
        self.text.push_str(content);
        self.map.push(start..self.text.len(), location.clone());
        self.blocks.push(Block { kind, range: start..self.text.len() });
    }

    /// Adds a heading on one line; level 0 counts as 1, levels over 6 as 6.
    pub(in crate::document) fn heading(&mut self, level: u8, content: &str, location: &Location) {
        let kind = BlockKind::Heading { level: level.clamp(1, 6) };
        self.block(kind, &one_line(content), location);
    }

    /// Adds a row to the table that is being written, or begins one. Cells are joined by tabs.
    pub(in crate::document) fn row(&mut self, cells: &[String], join: Join, location: &Location) {
        let mut line = String::new();
        if cells.len() > MAX_CELLS {
            unread::note(UnreadKind::BeyondLimit, 1);
        }
        for (index, cell) in cells.iter().take(MAX_CELLS).enumerate() {
            if index > 0 {
                line.push('\t');
            }
            line.push_str(&one_line(cell));
        }
        let beyond = cells.iter().skip(MAX_CELLS).any(|cell| !cell.trim().is_empty());
        unread::note(UnreadKind::BeyondLimit, u64::from(beyond));
        let line = line.trim_end();
        if line.trim().is_empty() || !self.has_room(line.len()) {
            return;
        }
        let start = match (join, self.blocks.last_mut()) {
            (Join::Continue, Some(Block { kind: BlockKind::Table, range })) => {
                self.text.push('\n');
                range.end = self.text.len() + line.len();
                self.text.len()
            }
            _ => {
                let start = self.begin(BlockKind::Table);
                let range = start..start + line.len();
                self.blocks.push(Block { kind: BlockKind::Table, range });
                start
            }
        };
        self.text.push_str(line);
        self.map.push(start..self.text.len(), location.clone());
    }

    /// Adds a heading, paragraph or value to the metadata; the first one counts.
    pub(in crate::document) fn note(&mut self, key: &str, value: &str) {
        let value = one_line(value);
        if !value.is_empty() {
            self.metadata.entry(key.to_owned()).or_insert(value);
        }
    }

    /// Adds all of `document`, read from the part `number` called `name`.
    pub(in crate::document) fn append(
        &mut self,
        document: &Document,
        unit: Unit,
        number: u32,
        name: &str,
    ) {
        if document.text.trim().is_empty() || !self.has_room(document.text.len()) {
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let shift = self.text.len();
        self.text.push_str(document.text.trim_end());
        let end = self.text.len();
        let shifted = |range: &Range<usize>| range.start + shift..(range.end + shift).min(end);
        let blocks = document.blocks.iter();
        let blocks = blocks.map(|block| Block { kind: block.kind, range: shifted(&block.range) });
        self.blocks.extend(blocks.filter(|block| !block.range.is_empty()));
        self.sections.extend(
            document.sections.iter().map(|section| Section {
                name: section.name.clone(),
                range: shifted(&section.range),
            }),
        );
        let place = |inner: Option<String>| {
            let parts = [Some(name.to_owned()).filter(|name| !name.is_empty()), inner];
            let name = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
            let name = Some(name).filter(|name| !name.is_empty()).map(Into::into);
            Location::Part(Part { unit, number, name })
        };
        if matches!(document.source_map.segments.first(), None | Some((_, Location::Bytes(_)))) {
            self.map.push(shift..end, place(None));
            return;
        }
        for (range, location) in &document.source_map.segments {
            let range = shifted(range);
            let inner = match location {
                Location::Bytes(_) => None,
                _ => Some(location.to_string()),
            };
            if range.start < range.end {
                self.map.push_on(range, place(inner));
            }
        }
    }

    /// Adds a file that is attached, called `name`, as the document that it is; notes it if it
    /// cannot be read.
    pub(in crate::document) fn attach(
        &mut self,
        source: &SourceFile<'_>,
        bytes: &[u8],
        number: u32,
        name: &str,
    ) {
        let (read, notes) = unread::set_aside(|| source.read_inside(name, bytes));
        match read {
            Ok(document) => {
                unread::keep(notes);
                self.append(&document, Unit::Attachment, number, name);
            }
            Err(error) => unread::note_named(UnreadKind::of_file(bytes, &error), name),
        }
    }

    /// Adds all of another draft, with its places as they are.
    pub(in crate::document) fn take_all(&mut self, other: Self) {
        if other.text.is_empty() || !self.has_room(other.text.len()) {
            self.overflows |= other.overflows;
            return;
        }
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let shift = self.text.len();
        self.text.push_str(&other.text);
        let shifted = |range: Range<usize>| range.start + shift..range.end + shift;
        let blocks = other.blocks.into_iter();
        self.blocks.extend(blocks.map(|b| Block { kind: b.kind, range: shifted(b.range) }));
        let sections = other.sections.into_iter();
        self.sections.extend(sections.map(|s| Section { name: s.name, range: shifted(s.range) }));
        for (range, location) in other.map.segments {
            self.map.push_on(shifted(range), location);
        }
    }

    /// Whether the text may grow by `bytes`; notes it if not.
    fn has_room(&mut self, bytes: usize) -> bool {
        limits::tick();
        self.overflows |= self.text.len() + bytes > MAX_TEXT_BYTES;
        !self.overflows
    }

    /// Stops a reader whose text is too long already.
    ///
    /// # Errors
    /// [`Error::Document`] with the cap.
    pub(in crate::document) fn check(&self, source: &SourceFile<'_>) -> Result<()> {
        if self.overflows {
            let reason = format!("its text is longer than {MAX_TEXT_BYTES} bytes");
            return Err(Error::document(source.path, Unreadable::TooLarge, reason));
        }
        Ok(())
    }

    /// The document; its title is that of the metadata, else its first heading.
    ///
    /// # Errors
    /// As [`DocumentDraft::check`].
    pub(in crate::document) fn finish(
        self,
        kind: DocumentKind,
        source: &SourceFile<'_>,
    ) -> Result<Document> {
        self.check(source)?;
        let title = self.title.or_else(|| self.metadata.get("title").cloned());
        let title = title.map(|title| one_line(&title)).filter(|title| !title.is_empty());
        Ok(Document {
            kind,
            title: title.or_else(|| first_heading(&self.text, &self.blocks)),
            lang: self.lang,
            text: self.text,
            blocks: self.blocks,
            sections: self.sections,
            source_map: self.map,
            metadata: self.metadata,
            unread: Vec::new(),
        })
    }

    /// Parts the next block from the last one; gives where it begins.
    fn begin(&mut self, kind: BlockKind) -> usize {
        if let Some(last) = self.blocks.last() {
            let tight = kind == BlockKind::ListItem && last.kind == kind;
            self.text.push_str(if tight { "\n" } else { "\n\n" });
        }
        self.text.len()
    }
}

/// Whether a row belongs to the table before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::document) enum Join {
    Start,
    Continue,
}

/// A part of a container as a place.
pub(in crate::document) fn part(unit: Unit, number: usize, name: Option<&str>) -> Location {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    Location::Part(Part { unit, number, name: name.map(Into::into) })
}
