//! Turns the events of the tokenizer into text, blocks and a source map.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use html5gum::emitters::callback::CallbackEvent;

use super::runs::{Piece, References};
use super::spans::{Copy, Spans};
use super::tags::{self, Effect};
use crate::document::{Block, BlockKind, SourceMap};

/// What to do with navigation, footers and asides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boilerplate {
    Drop,
    Keep,
}

/// What a page gave.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
    pub(super) blocks: Vec<Block>,
    pub(super) map: SourceMap,
    pub(super) title: String,
    pub(super) lang: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}

/// Elements open at once that are tracked; deeper ones are read but not closed by name.
const MAX_OPEN: usize = 10_000;

/// Bytes that copies of merged cells may take, on top of the length of the page.
const MIN_COPY_BYTES: usize = 64 << 10;

/// Open elements looked at for implied ends; keeps a start tag at constant cost.
const IMPLIED_REACH: usize = 16;

struct Open {
    name: Vec<u8>,
    effect: Effect,
    skips: bool,
    /// Whether it pushed a role.
    has_role: bool,
}

/// White space seen and not yet written: it counts only if text follows.
#[derive(Default)]
enum Gap {
    #[default]
    None,
    /// Between words; the byte it came from if it was one byte.
    Space(Option<usize>),
    /// Between lines of a block.
    Line,
    /// Between cells of a row.
    Cell,
    /// Kept as written, in preformatted text, with where it stood.
    Kept(String, usize),
}

pub(super) struct Builder<'a> {
    input: &'a str,
    boilerplate: Boilerplate,
    page: Page,
    open: Vec<Open>,
    open_count: HashMap<Vec<u8>, usize>,
    roles: Vec<BlockKind>,
    skip_depth: usize,
    head_depth: usize,
    block: Option<(BlockKind, usize)>,
    gap: Gap,
    /// Whether the next block may stand on the line below, as list items do.
    close_to_previous: bool,
    references: References,
    tag: StartTag,
    /// Tables that are open; the merged cells of the outermost.
    table_depth: usize,
    spans: Spans,
    /// Bytes that copies of merged cells may still take.
    copy_budget: usize,
}

/// The start tag being read.
#[derive(Default)]
struct StartTag {
    name: Vec<u8>,
    attribute: Vec<u8>,
    attributes: Vec<(Vec<u8>, Vec<u8>)>,
}

impl StartTag {
    fn get(&self, name: &[u8]) -> Option<&[u8]> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_slice())
    }

    fn text(&self, name: &[u8]) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).trim().to_owned())
    }
}

impl<'a> Builder<'a> {
    pub(super) fn new(input: &'a str, boilerplate: Boilerplate) -> Self {
        Self {
            input,
            boilerplate,
            page: Page::default(),
            open: Vec::new(),
            open_count: HashMap::new(),
            roles: Vec::new(),
            skip_depth: 0,
            head_depth: 0,
            block: None,
            gap: Gap::None,
            close_to_previous: false,
            references: References::default(),
            tag: StartTag::default(),
            table_depth: 0,
            spans: Spans::default(),
            copy_budget: input.len() + MIN_COPY_BYTES,
        }
    }

    pub(super) fn event(&mut self, event: &CallbackEvent<'_>, span: Range<usize>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag.name = name.to_vec();
                self.tag.attributes.clear();
            }
            CallbackEvent::AttributeName { name } => {
                self.tag.attribute = name.to_vec();
                self.tag.attributes.push((name.to_vec(), Vec::new()));
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some((_, last)) = self.tag.attributes.last_mut() {
                    *last = value.to_vec();
                }
            }
            CallbackEvent::CloseStartTag { .. } => self.start_tag(),
            CallbackEvent::EndTag { name } => self.end_tag(name),
            CallbackEvent::String { value } => {
                if let Ok(value) = std::str::from_utf8(value) {
                    self.string(value, span);
                }
            }
            _ => {}
        }
    }

    pub(super) fn finish(mut self) -> Page {
        self.end_block();
        self.page
    }

    fn start_tag(&mut self) {
        let tag = std::mem::take(&mut self.tag);
        self.read_attributes(&tag);
        self.close_implied(&tag.name);
        let effect = tags::effect(&tag.name);
        if self.skip_depth == 0 {
            self.begin(effect);
            self.begin_span(&tag, effect);
        }
        if !tags::is_void(&tag.name) && self.open.len() < MAX_OPEN {
            self.push(&tag, effect);
        }
        self.tag = tag;
    }

    /// What the page says about itself.
    fn read_attributes(&mut self, tag: &StartTag) {
        match tag.name.as_slice() {
            b"html" if self.page.lang.is_none() => {
                self.page.lang = tag.text(b"lang").or_else(|| tag.text(b"xml:lang"));
            }
            b"meta" => {
                let name = tag.text(b"name").or_else(|| tag.text(b"property"));
                let key = match name.unwrap_or_default().to_ascii_lowercase().as_str() {
                    "author" | "dc.creator" => "author",
                    "description" | "dc.description" => "description",
                    "keywords" => "keywords",
                    "date" | "dc.date" | "article:published_time" => "date",
                    _ => return,
                };
                let value = tag.text(b"content").filter(|value| !value.is_empty());
                if let Some(value) = value {
                    self.page.metadata.entry(key.to_owned()).or_insert(value);
                }
            }
            _ => {}
        }
    }

    fn close_implied(&mut self, name: &[u8]) {
        let (ended, shields) = tags::implied_ends(name);
        let mut index = self.open.len();
        for open in self.open.iter().rev().take(IMPLIED_REACH) {
            index -= 1;
            if ended.contains(&open.name.as_slice()) {
                self.close_from(index);
                return;
            }
            if shields.contains(&open.name.as_slice()) {
                return;
            }
        }
    }

    /// The break that an element makes where it begins.
    fn begin(&mut self, effect: Effect) {
        let in_table = self.roles.last() == Some(&BlockKind::Table);
        match effect {
            Effect::Block | Effect::Item if in_table => self.space(None),
            Effect::Role(kind) if in_table && !matches!(kind, BlockKind::Heading { .. }) => {
                self.space(None);
            }
            Effect::Table if in_table => self.gap = Gap::Line,
            Effect::Block | Effect::Role(_) | Effect::Table => {
                self.end_block();
                self.close_to_previous = false;
            }
            Effect::Item => {
                self.end_block();
                let last = self.page.blocks.last().map(|block| block.kind);
                self.close_to_previous = last == Some(BlockKind::ListItem);
            }
            Effect::Row | Effect::Break => self.line(),
            Effect::Cell if !matches!(self.gap, Gap::Line) => self.gap = Gap::Cell,
            _ => {}
        }
    }

    /// Notes the columns and rows that a cell of the outermost table covers; fills those covered from above.
    fn begin_span(&mut self, tag: &StartTag, effect: Effect) {
        if effect == Effect::Table && self.table_depth == 0 {
            self.spans = Spans::default();
        }
        if self.table_depth != 1 {
            return;
        }
        match effect {
            Effect::Row => self.spans.begin_row(),
            Effect::Cell => {
                self.hang();
                let number = |name| tag.text(name).and_then(|text| text.parse().ok()).unwrap_or(1);
                let is_spent = self.copy_budget == 0;
                let spans = (number(b"colspan"), number(b"rowspan"));
                let (columns, rows) = if is_spent { (1, 1) } else { spans };
                self.spans.begin_cell(self.page.text.len(), columns, rows);
            }
            _ => {}
        }
    }

    fn hang(&mut self) {
        let follows = self.spans.column() > 0;
        for copy in self.spans.hanging() {
            if follows {
                self.gap = Gap::Cell;
            }
            self.copy(&copy);
        }
    }

    /// Writes a cell again.
    fn copy(&mut self, copy: &Copy) {
        let spent = self.copy_budget < copy.text.len() + 1;
        self.copy_budget = self.copy_budget.saturating_sub(copy.text.len() + 1);
        if spent {
            return;
        }
        self.write_gap();
        let start = self.page.text.len();
        self.page.text.push_str(&copy.text);
        if let Some(source) = copy.source.clone() {
            self.page.map.push_whole(start, &copy.text, source);
        }
        self.gap = Gap::Cell;
    }

    fn end_cell(&mut self) {
        let Some(start) = self.spans.open_start() else { return };
        let text = self.page.text.get(start..).unwrap_or_default().trim().to_owned();
        let source = self.page.map.source_bytes(&(start..self.page.text.len()));
        let copy = Copy { text, source };
        for _ in 0..self.spans.end_cell(&copy) {
            self.gap = Gap::Cell;
            self.copy(&copy);
        }
    }

    fn line(&mut self) {
        match &mut self.gap {
            Gap::Kept(kept, source) => {
                kept.push('\n');
                *source = usize::MAX;
            }
            _ => match self.roles.last() {
                Some(BlockKind::Heading { .. }) => self.space(None),
                Some(BlockKind::Code) => self.gap = Gap::Kept("\n".to_owned(), usize::MAX),
                _ => self.gap = Gap::Line,
            },
        }
    }

    fn space(&mut self, source: Option<usize>) {
        match self.gap {
            Gap::None => self.gap = Gap::Space(source),
            Gap::Space(_) => self.gap = Gap::Space(None),
            Gap::Line | Gap::Cell | Gap::Kept(..) => {}
        }
    }

    fn push(&mut self, tag: &StartTag, effect: Effect) {
        let skips = self.skips(tag, effect);
        self.skip_depth += usize::from(skips);
        self.head_depth += usize::from(effect == Effect::Head);
        let role = match effect {
            Effect::Role(kind) => Some(kind),
            Effect::Item => Some(BlockKind::ListItem),
            Effect::Table => Some(BlockKind::Table),
            _ => None,
        };
        // Inside a table only headings stand out; inside a heading nothing does.
        let shadowed = match (self.roles.last(), role) {
            (Some(BlockKind::Table), Some(BlockKind::Heading { .. })) => false,
            (Some(BlockKind::Table | BlockKind::Heading { .. }), _) => true,
            _ => false,
        };
        let role = role.filter(|_| !shadowed);
        self.roles.extend(role);
        self.table_depth += usize::from(effect == Effect::Table);
        *self.open_count.entry(tag.name.clone()).or_default() += 1;
        self.open.push(Open { name: tag.name.clone(), effect, skips, has_role: role.is_some() });
    }

    fn skips(&self, tag: &StartTag, effect: Effect) -> bool {
        let hidden = tag.get(b"hidden").is_some_and(|value| value != b"until-found")
            || tag.get(b"aria-hidden") == Some(b"true")
            || tag.get(b"style").is_some_and(tags::hides);
        let classes = || tag.get(b"class").unwrap_or_default().split(u8::is_ascii_whitespace);
        let permalink = tag.name == b"a" && classes().any(|class| class == b"headerlink");
        let beside = effect == Effect::Boilerplate
            || (tag.name != b"body" && classes().any(tags::is_boilerplate_class))
            || tag.get(b"role").is_some_and(tags::is_boilerplate_role);
        matches!(effect, Effect::Skip | Effect::Head)
            || hidden
            || permalink
            || (beside && self.boilerplate == Boilerplate::Drop)
    }

    fn end_tag(&mut self, name: &[u8]) {
        if self.open_count.get(name).is_none_or(|&count| count == 0) {
            return;
        }
        if let Some(index) = self.open.iter().rposition(|open| open.name == name) {
            self.close_from(index);
        }
    }

    /// Closes the open elements from `index` on; each is popped once, so the whole page costs linear time.
    fn close_from(&mut self, index: usize) {
        while self.open.len() > index {
            let Some(open) = self.open.pop() else { return };
            if let Some(count) = self.open_count.get_mut(&open.name) {
                *count -= 1;
            }
            if self.skip_depth == 0 {
                self.finish_element(open.effect, open.has_role);
            }
            self.table_depth -= usize::from(open.effect == Effect::Table);
            self.skip_depth -= usize::from(open.skips);
            self.head_depth -= usize::from(open.effect == Effect::Head);
            if open.has_role {
                self.roles.pop();
            }
        }
    }

    fn finish_element(&mut self, effect: Effect, has_role: bool) {
        let in_table = self.roles.last() == Some(&BlockKind::Table);
        match effect {
            Effect::Block if in_table => self.space(None),
            Effect::Role(_) | Effect::Item | Effect::Table if !has_role => self.space(None),
            Effect::Block | Effect::Role(_) | Effect::Item | Effect::Table => self.end_block(),
            Effect::Row => {
                if self.table_depth == 1 {
                    self.hang();
                }
                self.line();
            }
            Effect::Cell if self.table_depth == 1 => self.end_cell(),
            _ => {}
        }
    }

    fn end_block(&mut self) {
        self.gap = Gap::None;
        if let Some((kind, start)) = self.block.take() {
            self.page.blocks.push(Block { kind, range: start..self.page.text.len() });
            self.close_to_previous = false;
        }
    }

    fn string(&mut self, value: &str, span: Range<usize>) {
        let innermost = self.open.last().map(|open| open.name.as_slice());
        if innermost == Some(b"title") && self.skip_depth == self.head_depth {
            if self.page.title.is_empty() {
                self.page.title = value.to_owned();
            }
            return;
        }
        if self.skip_depth > 0 {
            return;
        }
        for piece in self.references.pieces(self.input, value, span) {
            if self.roles.last() == Some(&BlockKind::Code) {
                self.kept(&piece);
            } else {
                self.flow(&piece);
            }
        }
    }

    /// Running text: white space of any length is one space.
    fn flow(&mut self, piece: &Piece<'_>) {
        let mut start = 0;
        let is_space = |c: char| c.is_ascii_whitespace();
        for run in piece.text.split_inclusive(is_space) {
            let word = run.trim_end_matches(is_space);
            self.word(word, piece, start);
            start += word.len();
            if word.len() < run.len() {
                self.space(piece.exact.then_some(piece.source.start + start));
                start = start.max(start + run.len() - word.len());
            }
        }
    }

    /// Preformatted text: white space stays, but none begins or ends the block.
    fn kept(&mut self, piece: &Piece<'_>) {
        let mut start = 0;
        for run in piece.text.split_inclusive(char::is_whitespace) {
            let word = run.trim_end_matches(char::is_whitespace);
            self.word(word, piece, start);
            start += word.len();
            let white = run.get(word.len()..).unwrap_or_default();
            if !white.is_empty() {
                let source = if piece.exact { piece.source.start + start } else { usize::MAX };
                match &mut self.gap {
                    Gap::Kept(kept, at) => {
                        let follows =
                            source != usize::MAX && at.checked_add(kept.len()) == Some(source);
                        if !follows {
                            *at = usize::MAX;
                        }
                        kept.push_str(white);
                    }
                    _ => self.gap = Gap::Kept(white.to_owned(), source),
                }
                start += white.len();
            }
        }
    }

    /// Writes a word, which stands at `start` of the piece, after the white space due before it.
    fn word(&mut self, word: &str, piece: &Piece<'_>, start: usize) {
        let mut at = start;
        for part in word.split_inclusive('\u{ad}') {
            let shown = part.trim_end_matches('\u{ad}');
            if !shown.is_empty() {
                self.write_gap();
                let text_start = self.page.text.len();
                self.page.text.push_str(shown);
                if piece.exact {
                    let source = (piece.source.start + at) as u64;
                    self.page.map.push_exact(text_start..self.page.text.len(), source);
                } else {
                    let source = piece.source.start as u64..piece.source.end as u64;
                    self.page.map.push_whole(text_start, shown, source);
                }
            }
            at += part.len();
        }
    }

    fn write_gap(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        let text = &mut self.page.text;
        if self.block.is_none() {
            if !text.is_empty() {
                text.push_str(if self.close_to_previous { "\n" } else { "\n\n" });
            }
            let kind = self.roles.last().copied().unwrap_or(BlockKind::Paragraph);
            self.block = Some((kind, text.len()));
            return;
        }
        let start = text.len();
        match gap {
            Gap::None => {}
            Gap::Space(source) => {
                text.push(' ');
                if let Some(source) = source {
                    self.page.map.push_exact(start..start + 1, source as u64);
                }
            }
            Gap::Line => text.push('\n'),
            Gap::Cell => text.push('\t'),
            Gap::Kept(kept, source) => {
                text.push_str(&kept);
                if source != usize::MAX {
                    self.page.map.push_exact(start..text.len(), source as u64);
                }
            }
        }
    }
}
