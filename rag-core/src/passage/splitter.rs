//! Walks through a document and cuts one passage after the other.

use std::ops::Range;

use super::sections::OpenSections;
use super::window::TokenWindow;
use super::{Passage, SplitOptions, TokenRanges, breaks, rows};
use crate::document::{BlockKind, Document, DocumentKind, plain_heading};
use crate::error::{Error, Result};

/// Most bytes of a passage per token of the budget. Ordinary text has 3 to 6; a tokenizer that
/// calls a very long word one unknown token must not make a passage of a megabyte.
const MAX_BYTES_PER_TOKEN: usize = 24;

/// A block, or text between blocks; never empty, no white space at its ends.
struct SpanUnit {
    kind: BlockKind,
    range: Range<usize>,
    /// The level of the section that begins here without a heading.
    opens: Option<usize>,
}

impl SpanUnit {
    /// The level of a heading.
    fn level(&self) -> Option<u8> {
        match self.kind {
            BlockKind::Heading { level } => Some(level),
            _ => None,
        }
    }

    /// The level of the section that begins here.
    fn section_level(&self) -> Option<usize> {
        self.level().map(usize::from).or(self.opens)
    }
}

/// The heading path of a passage.
#[derive(Clone, Default)]
struct Path {
    text: Option<String>,
    /// Tokens it takes, with the line feed after it.
    token_count: usize,
}

/// Where a passage may be cut.
struct Frame {
    /// Its first byte.
    start: usize,
    /// It must end after this: `start`, or the end of the passage before if they overlap.
    after: usize,
    /// The headings it begins with end here; `start` if it begins with none.
    headings_end: usize,
    /// Its section ends here.
    section_end: usize,
    /// Tokens of text it may hold.
    room: usize,
}

pub(super) struct Splitter<'a> {
    document: &'a Document,
    text: &'a str,
    tokens: &'a dyn TokenRanges,
    options: &'a SplitOptions,
    units: Vec<SpanUnit>,
    window: TokenWindow<'a>,
    /// Headings in force: level and plain text.
    headings: Vec<(u8, String)>,
    /// Sections without a heading that are open.
    sections: OpenSections<'a>,
    /// Units before this were entered into `headings`.
    entered: usize,
    /// The first unit of the next section.
    next_section: usize,
    /// The path of `headings` and `sections`, until they change.
    path: Option<Path>,
    /// The path of a table that is being cut, with its header row; and the unit it is.
    table_path: Option<(usize, Path)>,
}

impl<'a> Splitter<'a> {
    pub(super) fn new(
        document: &'a Document,
        tokens: &'a dyn TokenRanges,
        options: &'a SplitOptions,
    ) -> Self {
        Self {
            document,
            text: &document.text,
            tokens,
            options,
            units: units(document),
            window: TokenWindow::new(&document.text, tokens),
            headings: Vec::new(),
            sections: OpenSections::new(&document.sections),
            entered: 0,
            next_section: 0,
            path: None,
            table_path: None,
        }
    }

    pub(super) fn run(mut self) -> Result<Vec<Passage>> {
        let mut passages = Vec::new();
        let mut unit = 0;
        let (mut at, mut overlap) = (0, None);
        while let Some(start) = self.next_start(&mut unit, at) {
            let path = self.path_at(unit, start)?;
            let path = self.with_table_header(unit, start, path)?;
            let frame = self.frame(unit, start, overlap, &path)?;
            let (passage, cut) = self.cut(frame, path)?;
            overlap = self.overlap_start(passage.range.start, cut);
            passages.push(passage);
            at = cut;
        }
        Ok(passages)
    }

    /// The first character at or after `at` that is not white space; moves `unit` to the unit it is
    /// in.
    fn next_start(&self, unit: &mut usize, at: usize) -> Option<usize> {
        while self.units.get(*unit)?.range.end <= at {
            *unit += 1;
        }
        let start = self.units.get(*unit)?.range.start.max(at);
        let rest = self.text.get(start..)?;
        Some(start + rest.len() - rest.trim_start().len())
    }

    /// Enters the headings before `unit`; those that `start` itself begins with are not above it.
    fn path_at(&mut self, unit: usize, start: usize) -> Result<Path> {
        while self.entered < unit {
            if let Some(entered) = self.units.get(self.entered)
                && let Some(level) = entered.level()
            {
                let raw = self.text.get(entered.range.clone()).unwrap_or_default();
                let text = plain_text(self.document.kind, raw);
                self.headings.retain(|(above, _)| *above < level);
                self.headings.push((level, text));
                self.path = None;
            }
            self.entered += 1;
        }
        let own = self.units.get(unit).filter(|u| start < u.range.end).and_then(SpanUnit::level);
        if let Some(level) = own {
            self.headings.retain(|(above, _)| *above < level);
            self.path = None;
        }
        if self.sections.move_to(start) {
            self.path = None;
        }
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let path = self.build_path()?;
        self.path = Some(path.clone());
        Ok(path)
    }

    /// Joins the headings in force; drops the outermost, then the end of the innermost, to fit.
    fn build_path(&self) -> Result<Path> {
        let limit = self.options.max_heading_tokens;
        let headings = self.headings.iter().map(|(_, text)| text.as_str());
        let mut parts: Vec<&str> = headings.chain(self.sections.names()).collect();
        while limit > 0 && !parts.is_empty() {
            let text = parts.join(" > ");
            let ranges = self.tokens.token_ranges(&text)?;
            // the innermost heading is the nearest to what the passage says
            if ranges.len() > limit && parts.len() > 1 {
                parts.remove(0);
                continue;
            }
            return Ok(self.shortened(text, ranges.get(limit))?.unwrap_or_default());
        }
        Ok(Path::default())
    }

    /// `text` up to the word before its first token over the limit, if it is too long; nothing if
    /// nothing is left.
    fn shortened(
        &self,
        mut text: String,
        first_over: Option<&Range<usize>>,
    ) -> Result<Option<Path>> {
        if let Some(first_over) = first_over {
            text.truncate(text.floor_char_boundary(first_over.start));
            text.truncate(breaks::word_start(&text, 0, text.len()).unwrap_or(0));
            text.truncate(text.trim_end().len());
        }
        let limit = self.options.max_heading_tokens;
        if text.is_empty() || self.tokens.token_ranges(&text)?.len() > limit {
            return Ok(None);
        }
        let token_count = self.tokens.token_ranges(&format!("{text}\n"))?.len();
        Ok(Some(Path { text: Some(text), token_count }))
    }

    /// The path of a passage that begins inside a table, or behind the empty row under its header:
    /// the header row stands at its end.
    fn with_table_header(&mut self, unit: usize, start: usize, path: Path) -> Result<Path> {
        let is_table = |u: &&SpanUnit| u.kind == BlockKind::Table;
        let Some(table) = self.units.get(unit).filter(is_table) else { return Ok(path) };
        let is_inside = start > table.range.start;
        if let Some((known, path)) = &self.table_path
            && *known == unit
            && is_inside
        {
            return Ok(path.clone());
        }
        // a row that is encoded alone does not say what its cells are
        let header = match self.text.get(table.range.clone()).and_then(rows::header) {
            None => self.header_apart(unit),
            own => own.filter(|_| is_inside),
        };
        if header.is_none() && !is_inside {
            return Ok(path);
        }
        let found = match header.filter(|_| self.options.max_heading_tokens > 0) {
            Some(header) => self.headed_path(header, path)?,
            None => path,
        };
        self.table_path = Some((unit, found.clone()));
        Ok(found)
    }

    /// The names that stand in the table before, if that holds nothing else.
    fn header_apart(&self, unit: usize) -> Option<String> {
        let above = self.units.get(unit.checked_sub(1)?)?;
        let text = |unit: &SpanUnit| self.text.get(unit.range.clone());
        let is_table = above.kind == BlockKind::Table;
        is_table.then(|| rows::header_apart(text(above)?, text(self.units.get(unit)?)?)).flatten()
    }

    /// `path` with the header row of a table at its end, or the header alone if both are too long.
    fn headed_path(&self, header: String, path: Path) -> Result<Path> {
        let limit = self.options.max_heading_tokens;
        let mut text = match &path.text {
            Some(above) => format!("{above} > {header}"),
            None => header.clone(),
        };
        let mut ranges = self.tokens.token_ranges(&text)?;
        if ranges.len() > limit {
            text = header;
            ranges = self.tokens.token_ranges(&text)?;
        }
        Ok(self.shortened(text, ranges.get(limit))?.unwrap_or(path))
    }

    fn frame(
        &mut self,
        unit: usize,
        start: usize,
        overlap: Option<usize>,
        path: &Path,
    ) -> Result<Frame> {
        if self.next_section <= unit {
            self.next_section = self.section_after(unit);
            self.take_small_sections(unit, start)?;
        }
        let headings = self.text_after(unit);
        let section_end = self.end_before(self.next_section).unwrap_or(start);
        let headings_end = if headings > unit { self.end_before(headings) } else { None };
        let room = self.options.max_tokens.saturating_sub(path.token_count).max(1);
        Ok(Frame {
            start: overlap.filter(|_| headings == unit).unwrap_or(start),
            after: start,
            headings_end: headings_end.unwrap_or(start),
            section_end,
            room,
        })
    }

    /// Takes the sections that follow a small one as part of it.
    fn take_small_sections(&mut self, unit: usize, start: usize) -> Result<()> {
        let least = self.options.min_tokens;
        let Some(level) = self.section_level(unit).filter(|_| least > 0) else { return Ok(()) };
        while self.section_level(self.next_section).is_some_and(|next| next >= level) {
            let end = self.end_before(self.next_section).unwrap_or(start);
            self.window.advance(start, end, least)?;
            if self.window.count_before(end) >= least {
                break;
            }
            self.next_section = self.section_after(self.next_section);
        }
        Ok(())
    }

    /// The level of a unit that is a heading.
    fn level(&self, unit: usize) -> Option<u8> {
        self.units.get(unit).and_then(SpanUnit::level)
    }

    /// The level of the section that begins with a unit.
    fn section_level(&self, unit: usize) -> Option<usize> {
        self.units.get(unit).and_then(SpanUnit::section_level)
    }

    /// Where the unit before `unit` ends.
    fn end_before(&self, unit: usize) -> Option<usize> {
        self.units.get(unit.checked_sub(1)?).map(|before| before.range.end)
    }

    /// The first unit from `unit` on that is no heading.
    fn text_after(&self, mut unit: usize) -> usize {
        while self.level(unit).is_some() {
            unit += 1;
        }
        unit
    }

    /// The first unit after the section that `unit` is in, or begins.
    fn section_after(&self, unit: usize) -> usize {
        let mut next = self.text_after(unit).max(unit + 1);
        while next < self.units.len() && self.section_level(next).is_none() {
            next += 1;
        }
        next
    }

    /// Cuts the next passage; gives it and the place where the one after it begins.
    fn cut(&mut self, mut frame: Frame, mut path: Path) -> Result<(Passage, usize)> {
        let balance = frame.room + frame.room / 4;
        self.window.advance(frame.start, frame.section_end, balance + 1)?;
        let mut fit = self.fit(&frame, frame.room);
        loop {
            let cut = self.choose(&frame, fit);
            let range = self.trimmed(frame.start..cut);
            let (passage, over) = self.measure(range, &path)?;
            let Some(first_over) = over else { return Ok((passage, cut)) };
            // The pieces count less than the whole: come back by what is too much.
            let first_char = self.first_char_end(frame.after);
            fit = self.text.floor_char_boundary(first_over.min(cut - 1)).max(first_char);
            if cut > first_char {
                continue;
            }
            if frame.start < frame.after {
                frame.start = frame.after;
            } else if path.text.take().is_some() {
                frame.room = self.options.max_tokens;
            } else {
                let reason = format!("{} is too small for one character", self.options.max_tokens);
                return Err(Error::invalid("max_tokens", reason));
            }
            self.window.advance(frame.start, frame.section_end, balance + 1)?;
            fit = self.fit(&frame, frame.room);
        }
    }

    fn first_char_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let white = rest.len() - rest.trim_start().len();
        at + white + rest.trim_start().chars().next().map_or(0, char::len_utf8)
    }

    /// The furthest place that `limit` tokens from the start reach.
    fn fit(&self, frame: &Frame, limit: usize) -> usize {
        let reach = self.window.start_of(limit).unwrap_or(frame.section_end);
        let cap =
            frame.start.saturating_add(self.options.max_tokens.saturating_mul(MAX_BYTES_PER_TOKEN));
        let fit = self.text.floor_char_boundary(reach.min(cap).min(frame.section_end));
        fit.max(self.first_char_end(frame.after)).min(frame.section_end)
    }

    /// The best place to cut at or before `fit`.
    fn choose(&self, frame: &Frame, fit: usize) -> usize {
        if fit >= frame.section_end {
            return frame.section_end;
        }
        let begin = self.window.count_before(frame.after);
        let enough = |cut: &usize| (self.window.count_before(*cut) - begin) * 4 >= frame.room;
        let block = self.block_end(frame, fit);
        if let Some(cut) = block.filter(enough) {
            return cut;
        }
        // A tail of less than a quarter says little alone: halve what is left instead.
        let left = self.window.len();
        let short_tail = left > frame.room && left <= frame.room + frame.room / 4;
        let fit = if short_tail { fit.min(self.fit(frame, left * 5 / 8)) } else { fit };
        let from = frame.after.max(if fit > frame.headings_end { frame.headings_end } else { 0 });
        let inner = self.inner_break(from, fit);
        if let Some(cut) = inner.filter(enough) {
            return cut;
        }
        let word = breaks::word_start(self.text, from, fit);
        let best =
            [block, inner, word].into_iter().flatten().filter(|&cut| cut > from.max(frame.after));
        best.max().unwrap_or_else(|| breaks::character_start(self.text, frame.after, fit))
    }

    /// The end of the last block before `fit`; of a heading only if the headings do not fit
    /// themselves.
    fn block_end(&self, frame: &Frame, fit: usize) -> Option<usize> {
        let index = self.units.partition_point(|unit| unit.range.end <= fit).checked_sub(1)?;
        let unit = self.units.get(index).filter(|unit| unit.range.end > frame.after)?;
        (unit.level().is_none() || frame.headings_end > fit).then_some(unit.range.end)
    }

    /// The last sentence or line of the block that `fit` is in.
    fn inner_break(&self, from: usize, fit: usize) -> Option<usize> {
        let index = self.units.partition_point(|unit| unit.range.end <= fit);
        let unit = self.units.get(index)?;
        let from = from.max(unit.range.start.min(fit));
        match unit.kind {
            BlockKind::Code => breaks::code_start(self.text, from, fit),
            BlockKind::Table => breaks::line_start(self.text, from, fit),
            _ => breaks::sentence_start(self.text, from, fit),
        }
    }

    fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        let body = self.text.get(range.clone()).unwrap_or_default();
        let start = range.start + body.len() - body.trim_start().len();
        start..start + body.trim().len()
    }

    /// Counts a passage as the encoder will see it; also where its first token over the budget
    /// starts.
    fn measure(&self, range: Range<usize>, path: &Path) -> Result<(Passage, Option<usize>)> {
        let page = self.document.source_map.page(&range);
        let mut passage = Passage { range, heading: path.text.clone(), page, token_count: 0 };
        let ranges = self.tokens.token_ranges(&passage.encoder_text(self.text))?;
        let body = passage.heading.as_ref().map_or(0, |heading| heading.len() + 1);
        if let Some(over) = ranges.get(self.options.max_tokens) {
            let over = over.start.saturating_sub(body) + passage.range.start;
            return Ok((passage, Some(over)));
        }
        let straddles = body > 0 && ranges.iter().any(|r| r.start < body && r.end > body);
        passage.token_count = if straddles {
            let text = self.text.get(passage.range.clone()).unwrap_or_default();
            self.tokens.token_ranges(text)?.len()
        } else {
            ranges.iter().filter(|r| r.start >= body).count()
        };
        Ok((passage, None))
    }

    /// Where the next passage begins if it repeats the end of this one: at a sentence, else at a
    /// word.
    fn overlap_start(&self, start: usize, cut: usize) -> Option<usize> {
        let count = self.window.count_before(cut);
        let first = count.saturating_sub(self.options.overlap_tokens);
        if self.options.overlap_tokens == 0 || first == 0 {
            return None;
        }
        let from = self.text.ceil_char_boundary(self.window.start_of(first)?.max(start + 1));
        if from >= cut {
            return None;
        }
        let mut sentence = breaks::next_sentence_start(self.text, start, cut);
        while let Some(early) = sentence.filter(|&place| place < from) {
            sentence = breaks::next_sentence_start(self.text, early, cut);
        }
        let before = self.text.floor_char_boundary(from - 1);
        let word = || {
            let rest = self.text.get(before..cut)?;
            let white = rest.find(char::is_whitespace)?;
            let after = rest.get(white..)?;
            Some(before + white + after.len() - after.trim_start().len())
        };
        sentence.or_else(word).filter(|&place| place > start && place < cut)
    }
}

/// The blocks of a document and the text between them, in order.
fn units(document: &Document) -> Vec<SpanUnit> {
    let text = document.text.as_str();
    let mut units = Vec::new();
    let mut at = 0;
    for block in &document.blocks {
        let Range { start, end } = block.range;
        if start < at || text.get(start..end).is_none() {
            continue;
        }
        push_unit(&mut units, text, BlockKind::Paragraph, at..start);
        push_unit(&mut units, text, block.kind, start..end);
        at = end;
    }
    push_unit(&mut units, text, BlockKind::Paragraph, at..text.len());
    open_sections(&mut units, document);
    units
}

/// Marks the units with which a section begins, or the one around it goes on.
fn open_sections(units: &mut [SpanUnit], document: &Document) {
    let mut sections = OpenSections::new(&document.sections);
    for unit in units {
        unit.opens = sections.move_to(unit.range.start).then(|| sections.depth() + 1);
    }
}

fn push_unit(units: &mut Vec<SpanUnit>, text: &str, kind: BlockKind, range: Range<usize>) {
    let body = text.get(range.clone()).unwrap_or_default();
    let start = range.start + body.len() - body.trim_start().len();
    let end = start + body.trim().len();
    if end > start {
        units.push(SpanUnit { kind, range: start..end, opens: None });
    }
}

/// A heading on one line, without marks of its format.
fn plain_text(kind: DocumentKind, heading: &str) -> String {
    match kind {
        DocumentKind::Markdown => plain_heading(heading),
        _ => heading.split_whitespace().collect::<Vec<_>>().join(" "),
    }
}
