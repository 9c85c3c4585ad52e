//! Blocks and sections of a program, from its syntax tree.
//!
//! The tree is walked with a cursor, so that no depth of nesting is too deep. Every byte of the
//! text but white space is in one block.

use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::grammar::{Grammar, Role};
use super::name;
use crate::document::limits;
use crate::document::vocabulary::{Block, BlockKind, Section};

/// Bytes of a definition or statement that is not taken apart.
pub(super) const WHOLE_BYTES: usize = 512;

/// Bytes of a function from which on definitions inside it are sections.
const LONG_FUNCTION_BYTES: usize = 4096;

/// Sections inside each other.
const MAX_DEPTH: usize = 8;

/// Wrappers around a definition that are looked through.
const MAX_WRAPPERS: usize = 4;

/// Nodes that belong to the definition that they stand directly above, beside comments.
const ABOVE: [&str; 5] =
    ["attribute_item", "attribute_declaration", "attribute_specifier", "decorator", "annotation"];

/// What the reader takes from a tree.
pub(super) struct Outline {
    pub(super) blocks: Vec<Block>,
    pub(super) sections: Vec<Section>,
}

/// Blocks and sections of `text`, whose tree this is.
pub(super) fn outline(grammar: &Grammar, tree: &Tree, text: &str) -> Outline {
    let mut cursor = tree.walk();
    let mut walk = Walk::new(grammar, text);
    if !cursor.goto_first_child() {
        return walk.finish();
    }
    loop {
        limits::tick();
        if walk.enter(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        walk.leave();
        while !cursor.goto_next_sibling() {
            walk.leave();
            if !cursor.goto_parent() || walk.levels.is_empty() {
                return walk.finish();
            }
        }
    }
}

/// A node that the walk is inside of.
struct Level {
    /// Whether it opened a section.
    is_section: bool,
    /// Whether definitions inside it are sections.
    holds_sections: bool,
    /// Whether blocks begin inside it.
    holds_blocks: bool,
    /// Comments and the like of which the next node may be part.
    above: Option<Range<usize>>,
}

struct Walk<'a> {
    grammar: &'a Grammar,
    text: &'a str,
    levels: Vec<Level>,
    sections: Vec<Section>,
    /// Sections that are open, and where their nodes end.
    open: Vec<(usize, usize)>,
    /// The definition inside wrappers that were made a section.
    unwrapped: Option<usize>,
    /// Where blocks begin.
    cuts: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(grammar: &'a Grammar, text: &'a str) -> Self {
        let root =
            Level { is_section: false, holds_sections: true, holds_blocks: true, above: None };
        Self {
            grammar,
            text,
            levels: vec![root],
            sections: Vec::new(),
            open: Vec::new(),
            unwrapped: None,
            cuts: vec![0],
        }
    }

    /// Goes into a node; whether something inside it matters.
    fn enter(&mut self, node: Node<'_>) -> bool {
        let start = self.start_of(node);
        let (holds_sections, holds_blocks) =
            self.levels.last().map_or((false, false), |up| (up.holds_sections, up.holds_blocks));
        let begins_line = (holds_sections || holds_blocks) && self.begins_line(start);
        let definition = if holds_sections { self.definition(node) } else { None };
        let is_section = begins_line
            && self.open.len() < MAX_DEPTH
            && definition.as_ref().is_some_and(|it| self.open(it, start..node.end_byte()));
        if is_section || begins_line && holds_blocks {
            self.cuts.push(start);
        }
        let role = definition.map(|definition| definition.role);
        let bytes = node.byte_range().len();
        let level = Level {
            is_section,
            holds_sections: holds_sections && holds_definitions(role, bytes),
            holds_blocks: holds_blocks && bytes > WHOLE_BYTES,
            above: None,
        };
        let goes_in = level.holds_sections || level.holds_blocks;
        self.levels.push(level);
        goes_in
    }

    fn leave(&mut self) {
        if self.levels.pop().is_none_or(|level| !level.is_section) {
            return;
        }
        let Some((index, end)) = self.open.pop() else { return };
        let limit = self.open.last().map_or(self.text.len(), |(_, end)| *end);
        let Some(section) = self.sections.get_mut(index) else { return };
        section.range.end = end_of_line(self.text, section.range.start..end).min(limit);
        self.cuts.push(section.range.end);
    }

    /// Where a node begins, with what belongs to it above.
    fn start_of(&mut self, node: Node<'_>) -> usize {
        let own = node.start_byte();
        let is_above = node.kind().contains("comment") || ABOVE.contains(&node.kind());
        let trails = is_above && !self.begins_line(own);
        let Some(level) = self.levels.last_mut() else { return own };
        let adjoins = |above: &Range<usize>| {
            let gap = self.text.get(above.end..own).unwrap_or_default();
            gap.bytes().filter(|&byte| byte == b'\n').count() <= 1
        };
        let start = level.above.take().filter(adjoins).map_or(own, |above| above.start);
        if is_above && !trails {
            let said = self.text.get(node.byte_range()).unwrap_or_default();
            level.above = Some(start..own + said.trim_end().len());
        }
        start
    }

    /// The definition that a node is, or that it wraps.
    fn definition<'t>(&self, node: Node<'t>) -> Option<Definition<'t>> {
        if self.unwrapped == Some(node.id()) {
            return None;
        }
        let mut inner = node;
        for _ in 0..MAX_WRAPPERS {
            match self.grammar.role(inner.kind())? {
                Role::Wrapper => inner = wrapped(inner)?,
                role => return Some(Definition { node: inner, role }),
            }
        }
        None
    }

    /// Opens the section of a definition, if it has a name.
    fn open(&mut self, definition: &Definition<'_>, range: Range<usize>) -> bool {
        let Some(name) = name::of(definition.node, definition.role, self.text) else {
            return false;
        };
        self.unwrapped = Some(definition.node.id());
        self.open.push((self.sections.len(), range.end));
        self.sections.push(Section { name, range });
        true
    }

    /// Whether only blanks stand before `place` on its line.
    fn begins_line(&self, place: usize) -> bool {
        let before = self.text.get(..place).unwrap_or_default().trim_end_matches([' ', '\t']);
        before.is_empty() || before.ends_with(['\n', '\r', '\x0c'])
    }

    fn finish(mut self) -> Outline {
        while !self.levels.is_empty() {
            self.leave();
        }
        self.cuts.push(self.text.len());
        self.cuts.sort_unstable();
        self.cuts.dedup();
        Outline { blocks: blocks(self.text, &self.cuts), sections: self.sections }
    }
}

/// A definition, without its wrappers.
struct Definition<'t> {
    node: Node<'t>,
    role: Role,
}

/// Whether definitions inside a node of so many bytes are sections.
fn holds_definitions(role: Option<Role>, bytes: usize) -> bool {
    match role {
        None | Some(Role::Wrapper) => true,
        Some(Role::Container | Role::Type) => bytes > WHOLE_BYTES,
        Some(Role::Function | Role::Assigned) => bytes > LONG_FUNCTION_BYTES,
    }
}

/// What a wrapper is around: a field that says so, or its only part, or the last of them after
/// parameters and decorators.
fn wrapped(node: Node<'_>) -> Option<Node<'_>> {
    let field = ["declaration", "definition", "type"].iter();
    field.filter_map(|field| node.child_by_field_name(field)).next().or_else(|| {
        let count = node.named_child_count();
        let is_one = count == 1 || node.child_by_field_name("parameters").is_some();
        node.named_child(u32::try_from(count.checked_sub(1).filter(|_| is_one)?).ok()?)
    })
}

/// Where a definition ends, with the rest of its line if only a mark or a comment stands there.
fn end_of_line(text: &str, range: Range<usize>) -> usize {
    let said = text.get(range.clone()).unwrap_or_default().trim_end();
    let end = range.start + said.len();
    let rest = text.get(end..).unwrap_or_default();
    let line = rest.split(['\n', '\r']).next().unwrap_or_default().trim_end();
    let ends = [";", ",", ")", "//", "#", "/*"];
    if ends.iter().any(|mark| line.trim_start().starts_with(mark)) { end + line.len() } else { end }
}

/// The stretches between cuts; one that says nothing, such as a closing bracket, belongs to the one
/// before it, or after it if it is the first.
fn blocks(text: &str, cuts: &[usize]) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut says = false;
    for (&start, &end) in cuts.iter().zip(cuts.iter().skip(1)) {
        limits::tick();
        let stretch = text.get(start..end).unwrap_or_default();
        let start = start + stretch.len() - stretch.trim_start().len();
        let end = start + stretch.trim().len();
        if start == end {
            continue;
        }
        let goes_on = !says || !stretch.contains(char::is_alphanumeric);
        match blocks.last_mut().filter(|_| goes_on) {
            Some(last) => last.range.end = end,
            None => blocks.push(Block { kind: BlockKind::Code, range: start..end }),
        }
        says |= stretch.contains(char::is_alphanumeric);
    }
    blocks
}
