//! Turns the events of the tokenizer into text, blocks and a source map.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use html5gum::emitters::callback::CallbackEvent;

use super::math::MathFormula;
use super::notes;
use super::raised::RaisedElement;
use super::runs::References;
use super::spans::MergedCells;
use super::start_tag::StartTag;
use super::tags::{self, ElementEffect};
use crate::document::vocabulary::{Block, BlockKind, SourceMap, UnreadKind, unread};

mod cells;
mod marks;
mod raising;
mod regions;
mod writing;

/// What to do with navigation, footers and asides that are not about the subject of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Boilerplate {
    Drop,
    Keep,
}

/// What a page gave.
#[derive(Default)]
pub(super) struct HtmlPage {
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

struct OpenElement {
    name: Vec<u8>,
    effect: ElementEffect,
    skips: bool,
    /// What is noted if there is text in it although it is not read.
    hides: Option<UnreadKind>,
    /// Whether it pushed a role.
    has_role: bool,
}

/// White space seen and not yet written: it counts only if text follows.
#[derive(Default, Clone)]
enum PendingSpace {
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
    page: HtmlPage,
    open: Vec<OpenElement>,
    open_count: HashMap<Vec<u8>, usize>,
    roles: Vec<BlockKind>,
    skip_depth: usize,
    head_depth: usize,
    block: Option<(BlockKind, usize)>,
    gap: PendingSpace,
    /// Whether the next block may stand on the line below, as list items do.
    close_to_previous: bool,
    references: References,
    tag: StartTag,
    /// Tables that are open; the merged cells of the outermost.
    table_depth: usize,
    spans: MergedCells,
    /// Tabs due before the next text of the row: empty cells keep their columns.
    tabs: usize,
    /// Bytes that copies of merged cells may still take.
    copy_budget: usize,
    /// The superscript or subscript that is open.
    raised: Option<RaisedElement>,
    /// Where the text stood when the last link to a note began.
    note_link: Option<usize>,
    /// Parts that may not belong to the text, innermost last.
    regions: Vec<regions::Region>,
    /// Ids of hidden elements that something on the page opens.
    opened: HashSet<String>,
    /// Bytes of the text that stand in links.
    link_bytes: usize,
    /// Whether there was text in what is passed over.
    passed_text: bool,
    lists: Vec<marks::HtmlList>,
    /// The number of the item that begins.
    mark: Option<String>,
    /// The reading of the characters that stand in a ruby element, and where it came from.
    reading: Option<(String, Range<usize>)>,
    formula: Option<MathFormula>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(input: &'a str, boilerplate: Boilerplate) -> Self {
        Self {
            input,
            boilerplate,
            page: HtmlPage::default(),
            open: Vec::new(),
            open_count: HashMap::new(),
            roles: Vec::new(),
            skip_depth: 0,
            head_depth: 0,
            block: None,
            gap: PendingSpace::None,
            close_to_previous: false,
            references: References::default(),
            tag: StartTag::default(),
            table_depth: 0,
            spans: MergedCells::default(),
            tabs: 0,
            copy_budget: input.len() + MIN_COPY_BYTES,
            raised: None,
            note_link: None,
            regions: Vec::new(),
            opened: regions::opened(input),
            link_bytes: 0,
            passed_text: false,
            lists: Vec::new(),
            mark: None,
            reading: None,
            formula: None,
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
            CallbackEvent::CloseStartTag { self_closing } => self.start_tag(*self_closing),
            CallbackEvent::EndTag { name } => self.end_tag(name),
            CallbackEvent::String { value } => {
                if let Ok(value) = std::str::from_utf8(value) {
                    self.string(value, span);
                }
            }
            _ => {}
        }
    }

    pub(super) fn finish(mut self) -> HtmlPage {
        self.end_formula();
        self.end_raised();
        self.end_ruby();
        self.end_block();
        self.page
    }

    fn start_tag(&mut self, self_closing: bool) {
        let tag = std::mem::take(&mut self.tag);
        let effect = tags::effect(&tag.name);
        if let Some(formula) = &mut self.formula {
            if effect == ElementEffect::Inline {
                formula.begin(&tag.name, self_closing);
                self.tag = tag;
                return;
            }
            self.end_formula(); // one that was never closed
        }
        self.read_attributes(&tag);
        self.close_implied(&tag.name);
        if self.skip_depth == 0 || self.skip_depth == self.head_depth {
            notes::left_out(&tag);
        }
        if self.skip_depth == 0 {
            self.begin_element(&tag, effect);
        }
        if !tags::is_void(&tag.name) && self.open.len() < MAX_OPEN {
            self.push(&tag, effect);
        }
        self.tag = tag;
    }

    /// What an element does where it begins.
    fn begin_element(&mut self, tag: &StartTag, effect: ElementEffect) {
        if effect != ElementEffect::Inline {
            self.end_raised();
        }
        self.begin(effect);
        if !tags::is_void(&tag.name) && self.open.len() < MAX_OPEN {
            self.begin_region(tag);
        }
        self.begin_span(tag, effect);
        self.begin_raised(tag);
        self.begin_marks(tag);
        if tag.name == b"math" && !self.is_hidden(tag) {
            self.end_raised();
            self.formula = Some(MathFormula::default());
        }
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
    fn begin(&mut self, effect: ElementEffect) {
        let in_table = self.roles.last() == Some(&BlockKind::Table);
        match effect {
            ElementEffect::Block | ElementEffect::Item if in_table => self.space(None),
            ElementEffect::Role(kind) if in_table && !matches!(kind, BlockKind::Heading { .. }) => {
                self.space(None);
            }
            ElementEffect::Table if in_table => self.gap = PendingSpace::Line,
            ElementEffect::Block | ElementEffect::Role(_) | ElementEffect::Table => {
                self.end_block();
                self.close_to_previous = false;
            }
            ElementEffect::Item => {
                self.end_block();
                let last = self.page.blocks.last().map(|block| block.kind);
                self.close_to_previous = last == Some(BlockKind::ListItem);
            }
            // a row is one line, whatever breaks its cells have
            ElementEffect::Break if in_table && self.spans.open_start().is_some() => {
                self.space(None);
            }
            ElementEffect::Row | ElementEffect::Break => self.line(),
            ElementEffect::Cell
                if self.table_depth != 1 && !matches!(self.gap, PendingSpace::Line) =>
            {
                self.gap = PendingSpace::Cell
            }
            _ => {}
        }
    }

    fn push(&mut self, tag: &StartTag, effect: ElementEffect) {
        let skipped = if self.skip_depth > 0 {
            matches!(effect, ElementEffect::Skip | ElementEffect::Head).then_some(None)
        } else {
            self.skips(tag, effect)
        };
        let (skips, hides) = (skipped.is_some(), skipped.flatten());
        if self.skip_depth == 0 {
            self.passed_text = false;
        }
        self.skip_depth += usize::from(skips);
        self.head_depth += usize::from(effect == ElementEffect::Head);
        let role = match effect {
            ElementEffect::Role(kind) => Some(kind),
            ElementEffect::Item => Some(BlockKind::ListItem),
            ElementEffect::Table => Some(BlockKind::Table),
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
        self.table_depth += usize::from(effect == ElementEffect::Table);
        *self.open_count.entry(tag.name.clone()).or_default() += 1;
        self.open.push(OpenElement {
            name: tag.name.clone(),
            effect,
            skips,
            hides,
            has_role: role.is_some(),
        });
    }

    /// What an element is left out for, whatever stands in it; the kind that is noted if that is
    /// text.
    fn skips(&self, tag: &StartTag, effect: ElementEffect) -> Option<Option<UnreadKind>> {
        let classes = || tag.get(b"class").unwrap_or_default().split(u8::is_ascii_whitespace);
        let permalink = tag.name == b"a" && classes().any(|class| class == b"headerlink");
        let is_region = self.regions.last().is_some_and(|region| region.depth == self.open.len());
        match effect {
            ElementEffect::Skip => {
                Some(tags::is_unseen(&tag.name).then_some(UnreadKind::HiddenText))
            }
            ElementEffect::Head => Some(None),
            _ if permalink => Some(None),
            _ if !is_region && self.is_hidden(tag) => Some(Some(UnreadKind::HiddenText)),
            _ => None,
        }
    }

    fn is_hidden(&self, tag: &StartTag) -> bool {
        let in_book = tag.get(b"epub:type").is_some() && tag.get(b"hidden").is_some();
        let hidden = tag.get(b"hidden").is_some_and(|value| value != b"until-found")
            || tag.get(b"aria-hidden") == Some(b"true")
            || tag.get(b"style").is_some_and(tags::hides);
        hidden && !in_book
    }

    fn end_tag(&mut self, name: &[u8]) {
        if let Some(formula) = &mut self.formula {
            if name == b"math" {
                self.end_formula();
            } else if tags::effect(name) == ElementEffect::Inline {
                return formula.end(name);
            }
        }
        if self.open_count.get(name).is_none_or(|&count| count == 0) {
            return;
        }
        if let Some(index) = self.open.iter().rposition(|open| open.name == name) {
            self.close_from(index);
        }
    }

    /// Closes the open elements from `index` on; each is popped once, so the whole page costs
    /// linear time.
    fn close_from(&mut self, index: usize) {
        while self.open.len() > index {
            if self.raised.as_ref().is_some_and(|raised| raised.depth + 1 >= self.open.len()) {
                self.end_raised();
            }
            let Some(open) = self.open.pop() else { return };
            if let Some(count) = self.open_count.get_mut(&open.name) {
                *count -= 1;
            }
            if self.skip_depth == 0 {
                if open.name == b"ruby" {
                    self.end_ruby();
                }
                self.finish_element(open.effect, open.has_role);
            }
            while self.regions.last().is_some_and(|region| region.depth >= self.open.len()) {
                self.end_region();
            }
            if self.lists.last().is_some_and(|list| list.depth >= self.open.len()) {
                self.lists.pop();
            }
            self.table_depth -= usize::from(open.effect == ElementEffect::Table);
            self.skip_depth -= usize::from(open.skips);
            if self.skip_depth == 0 && self.passed_text {
                open.hides.into_iter().for_each(|kind| unread::note(kind, 1));
                self.passed_text = false;
            }
            self.head_depth -= usize::from(open.effect == ElementEffect::Head);
            if open.has_role {
                self.roles.pop();
            }
        }
    }

    fn finish_element(&mut self, effect: ElementEffect, has_role: bool) {
        let in_table = self.roles.last() == Some(&BlockKind::Table);
        match effect {
            ElementEffect::Block if in_table => self.space(None),
            ElementEffect::Role(_) | ElementEffect::Item | ElementEffect::Table if !has_role => {
                self.space(None)
            }
            ElementEffect::Block
            | ElementEffect::Role(_)
            | ElementEffect::Item
            | ElementEffect::Table => self.end_block(),
            ElementEffect::Row => {
                if self.table_depth == 1 {
                    self.hang();
                }
                self.line();
            }
            ElementEffect::Cell if self.table_depth == 1 => self.end_cell(),
            _ => {}
        }
    }

    fn end_block(&mut self) {
        self.gap = PendingSpace::None;
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
            self.passed_text |= !value.trim().is_empty();
            return;
        }
        if let Some(formula) = &mut self.formula {
            return formula.text(value, span);
        }
        let is_open = |name: &[u8]| self.open_count.get(name).is_some_and(|&count| count > 0);
        let in_reading = is_open(b"ruby") && (is_open(b"rt") || is_open(b"rtc"));
        let in_fallback = is_open(b"ruby") && is_open(b"rp");
        for piece in self.references.pieces(self.input, value, span) {
            if in_fallback {
                continue;
            }
            if in_reading {
                self.reading(&piece);
                continue;
            }
            match &mut self.raised {
                Some(raised) if !raised.is_too_long() => raised.push(&piece),
                _ => {
                    self.end_raised();
                    self.running(&piece);
                }
            }
        }
    }
}
