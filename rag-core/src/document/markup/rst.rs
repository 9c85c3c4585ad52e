//! reStructuredText: headings by their underlines, directives by what they hold, tables row by row;
//! the words without their marks.
//!
//! After the reference of docutils:
//! <https://docutils.sourceforge.io/docs/ref/rst/restructuredtext.html>.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::document::limits;
use crate::document::text::encoding;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Reader, SourceFile, first_heading,
};
use crate::document::writing::flow::Flow;
use crate::error::Result;

mod inline;
mod lines;
mod table;

use lines::{field_name, is_name, is_rule, item_mark};

/// Reads reStructuredText.
pub(in crate::document) struct RstReader;

impl Reader for RstReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let mut reading = RstReading::new(&decoded.text);
        reading.run();
        let flow = reading.flow;
        Ok(Document {
            kind: DocumentKind::Rst,
            title: first_heading(&flow.text, &flow.blocks),
            lang: None,
            source_map: flow.map.through(&flow.text, &decoded.source_map),
            text: flow.text,
            blocks: flow.blocks,
            sections: Vec::new(),
            metadata: reading.metadata,
            unread: Vec::new(),
        })
    }
}

/// A line without its end.
#[derive(Clone, Copy)]
struct SourceLine<'a> {
    /// Where it begins in the input.
    start: usize,
    text: &'a str,
    /// Bytes of white space before the first word.
    indent: usize,
}

impl SourceLine<'_> {
    fn is_blank(&self) -> bool {
        self.indent == self.text.len()
    }

    fn end(&self) -> usize {
        self.start + self.text.trim_end().len()
    }
}

struct RstReading<'a> {
    input: &'a str,
    lines: Vec<SourceLine<'a>>,
    /// The line that comes next.
    at: usize,
    flow: Flow,
    /// Underlines in the order they appeared: the character, and whether a line stands above as
    /// well.
    styles: Vec<(char, bool)>,
    substitutions: HashMap<&'a str, &'a str>,
    metadata: BTreeMap<String, String>,
    /// Fields at the top of the file that were read.
    fields: usize,
    /// No simple table ends after this place.
    no_table_ends: bool,
}

/// Fields at the top of the file that are metadata.
const MAX_FIELDS: usize = 100;

/// Directives whose body is taken as it stands.
const LISTINGS: [&str; 12] = [
    "code",
    "code-block",
    "sourcecode",
    "parsed-literal",
    "prompt",
    "doctest",
    "testcode",
    "testoutput",
    "ipython",
    "productionlist",
    "math",
    "csv-table",
];

/// Directives that hold no words of the text.
const SILENT: [&str; 24] = [
    "toctree",
    "contents",
    "include",
    "literalinclude",
    "index",
    "meta",
    "highlight",
    "default-role",
    "role",
    "raw",
    "module",
    "currentmodule",
    "sectnum",
    "header",
    "footer",
    "target-notes",
    "tabularcolumns",
    "testsetup",
    "testcleanup",
    "graphviz",
    "digraph",
    "unicode",
    "date",
    "title",
];

/// Directives whose argument is no text: a class, a condition, a path of a picture.
const BARE: [&str; 8] =
    ["only", "class", "container", "figure", "image", "compound", "rst-class", "list-table"];

impl<'a> RstReading<'a> {
    fn new(input: &'a str) -> Self {
        let mut start = 0;
        let mut lines = Vec::new();
        let mut substitutions = HashMap::new();
        for line in input.split_inclusive('\n') {
            let text = line.trim_end_matches(['\n', '\r']);
            let indent = text.len() - text.trim_start().len();
            lines.push(SourceLine { start, text, indent });
            start += line.len();
        }
        for (index, line) in lines.iter().enumerate() {
            let after = lines.get(index + 1..).unwrap_or_default();
            substitutions.extend(substitution(line, after));
        }
        let (flow, styles, metadata) = Default::default();
        let no_table_ends = false;
        Self {
            input,
            lines,
            at: 0,
            flow,
            styles,
            substitutions,
            metadata,
            fields: 0,
            no_table_ends,
        }
    }

    fn run(&mut self) {
        while let Some(line) = self.peek(0) {
            limits::tick();
            self.block(line);
        }
    }

    fn peek(&self, ahead: usize) -> Option<SourceLine<'a>> {
        self.lines.get(self.at + ahead).copied()
    }

    /// Reads what begins at `line`, which comes next; always goes on by a line at least.
    fn block(&mut self, line: SourceLine<'a>) {
        let text = line.text.trim();
        if text.is_empty() {
            self.at += 1;
        } else if let Some(lines) = self.heading(line) {
            self.at += lines;
        } else if is_rule(text) {
            self.at += 1; // a transition
        } else if text == ".." || text.starts_with(".. ") {
            self.explicit(line);
        } else if text.starts_with("__ ") {
            self.at += 1; // an anonymous target
        } else if text.starts_with(">>> ") {
            self.doctest();
        } else if let Some(lines) = table::rows(&self.lines[self.at..], &mut self.no_table_ends) {
            self.table(&lines);
        } else if let Some(field) = field_name(text) {
            self.field(line, field);
        } else {
            self.paragraph(line);
        }
    }

    /// A title with a rule below, and maybe above; gives how many lines it takes.
    fn heading(&mut self, line: SourceLine<'a>) -> Option<usize> {
        let above = is_rule(line.text.trim_end()) && line.indent == 0;
        let title = if above { self.peek(1)? } else { line };
        let rule = self.peek(if above { 2 } else { 1 })?;
        let mark = rule.text.chars().next().filter(|_| is_rule(rule.text.trim_end()))?;
        let (width, under) = (title.text.trim().chars().count(), rule.text.trim_end().len());
        let fits = under >= width.min(4) && (above || title.indent == 0);
        if title.is_blank() || is_rule(title.text.trim()) || !fits {
            return None;
        }
        if above && line.text.trim_end() != rule.text.trim_end() {
            return None;
        }
        let style = (mark, above);
        let known = self.styles.iter().position(|known| *known == style);
        let level = known.unwrap_or(self.styles.len());
        if known.is_none() {
            self.styles.push(style);
        }
        self.inline(title.start..title.end());
        self.flow.end(BlockKind::Heading { level: (level + 1).min(6) as u8 });
        Some(if above { 3 } else { 2 })
    }

    /// The lines after the next one that are blank or stand further in than `indent`, without blank
    /// ones at the end.
    fn body(&self, indent: usize) -> Range<usize> {
        let first = self.at + 1;
        let rest = self.lines.get(first..).unwrap_or_default();
        let inside = |line: &&SourceLine<'_>| line.is_blank() || line.indent > indent;
        let count = rest.iter().take_while(inside).count();
        let words = rest.iter().take(count).rposition(|line| !line.is_blank());
        first..first + words.map_or(0, |last| last + 1)
    }

    /// A comment, target, footnote, substitution or directive.
    fn explicit(&mut self, line: SourceLine<'a>) {
        let body = self.body(line.indent);
        let start = line.start + line.indent + 2;
        let rest = self.input.get(start..line.end()).unwrap_or_default();
        let content = rest.trim_start();
        let content_start = start + rest.len() - content.len();
        if let Some(note) = content.strip_prefix('[')
            && let Some(close) = note.find("] ")
        {
            self.at += 1;
            self.inline(content_start + close + 3..line.end());
            return self.continue_paragraph(BlockKind::Paragraph, line.indent);
        }
        let Some((name, argument)) = content.split_once("::").filter(|(name, _)| is_name(name))
        else {
            self.at = body.end.max(self.at + 1);
            return;
        };
        let argument_start = content_start + name.len() + 2;
        self.directive(name, argument_start..argument_start + argument.len(), body);
    }

    fn directive(&mut self, name: &str, argument: Range<usize>, body: Range<usize>) {
        let name = name.rsplit(':').next().unwrap_or(name);
        self.at = body.end.max(self.at + 1);
        if SILENT.contains(&name) {
            return;
        }
        let title = self.input.get(argument.clone()).unwrap_or_default().trim();
        let is_listing = LISTINGS.contains(&name);
        let code_language = is_listing && !matches!(name, "math" | "csv-table" | "productionlist");
        if !title.is_empty() && !BARE.contains(&name) && !code_language {
            self.inline(argument);
            self.flow.end(BlockKind::Paragraph);
        }
        let body = self.options(body);
        match (is_listing, name) {
            (true, "csv-table") => self.verbatim(body, BlockKind::Table),
            (true, _) => self.verbatim(body, BlockKind::Code),
            (false, _) => {
                let end = std::mem::replace(&mut self.at, body.start);
                // Blocks of the body end where it does: what follows stands further out.
                while let Some(line) = self.peek(0).filter(|_| self.at < body.end) {
                    limits::tick();
                    self.block(line);
                }
                self.at = self.at.max(end);
            }
        }
    }

    /// Passes over `:name: value` at the top of a directive; a description of a picture is text.
    fn options(&mut self, mut body: Range<usize>) -> Range<usize> {
        while let Some(line) = self.lines.get(body.start).copied().filter(|_| !body.is_empty()) {
            let Some(name) = field_name(line.text.trim()) else { break };
            if matches!(name, "alt" | "caption" | "header") {
                let value = line.start + line.indent + name.len() + 2;
                self.inline(value..line.end());
                self.flow.end(BlockKind::Paragraph);
            }
            body.start += 1;
        }
        body
    }

    /// Lines as they stand, without the indentation that all have.
    fn verbatim(&mut self, body: Range<usize>, kind: BlockKind) {
        let lines = self.lines.get(body).unwrap_or_default();
        let indent = lines.iter().filter(|line| !line.is_blank()).map(|line| line.indent).min();
        let mut started = false;
        for line in lines {
            let cut = indent.unwrap_or(0).min(line.text.len());
            let shown = line.text.get(cut..).unwrap_or_default().trim_end();
            if started {
                self.flow.separator('\n');
            }
            if !shown.is_empty() {
                self.flow.lines(shown, line.start + cut);
                started = true;
            }
        }
        self.flow.end(kind);
    }

    /// Lines up to a blank one, as they stand.
    fn doctest(&mut self) {
        let rest = self.lines.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|line| !line.is_blank()).count();
        self.verbatim(self.at..self.at + count, BlockKind::Code);
        self.at += count;
    }

    fn table(&mut self, table: &table::RstTable) {
        for (index, row) in table.rows.iter().enumerate() {
            if index > 0 {
                self.flow.separator('\n');
            }
            for (column, cell) in row.iter().enumerate() {
                if column > 0 {
                    self.flow.separator('\t');
                }
                for piece in cell {
                    self.inline(piece.clone());
                    self.flow.blank();
                }
            }
        }
        self.flow.end(BlockKind::Table);
        self.at += table.line_count;
    }

    /// `:name: value`; at the top of the file it is metadata as well.
    fn field(&mut self, line: SourceLine<'a>, name: &str) {
        let value = line.start + line.indent + name.len() + 2..line.end();
        let first = self.flow.blocks.iter().take(3 + self.fields);
        let others = first.filter(|b| !matches!(b.kind, BlockKind::Heading { .. })).count();
        let is_first = others == self.fields && self.fields < MAX_FIELDS;
        self.fields += usize::from(is_first);
        if is_first {
            let text = self.input.get(value.clone()).unwrap_or_default().trim();
            if !text.is_empty() {
                self.metadata.entry(name.to_lowercase()).or_insert_with(|| text.to_owned());
            } else {
                self.at = self.body(line.indent).end.max(self.at + 1);
                return;
            }
        }
        self.at += 1;
        let name_start = line.start + line.indent + 1;
        self.flow.exact(name, name_start);
        self.flow.mark(":");
        self.flow.blank();
        self.inline(value);
        self.continue_paragraph(BlockKind::ListItem, line.indent);
    }

    /// A paragraph, an item of a list, a line block; and the literal block that it may announce.
    fn paragraph(&mut self, line: SourceLine<'a>) {
        let text = line.text.trim();
        let indent = line.indent;
        if let Some(verse) =
            text.strip_prefix("| ").or_else(|| text.strip_prefix('|').filter(|t| t.is_empty()))
        {
            let start = line.end() - verse.len();
            self.inline(start..line.end());
            self.flow.separator('\n');
            self.at += 1;
            if !self.peek(0).is_some_and(|next| next.text.trim_start().starts_with('|')) {
                self.flow.end(BlockKind::Paragraph);
            }
            return;
        }
        self.at += 1;
        if let Some(mark) = item_mark(text) {
            let start = line.start + indent + mark;
            if let Some(inner) =
                self.input.get(start..line.end()).filter(|t| item_mark(t.trim_start()).is_some())
            {
                // `* - cell`: an item that begins with an item
                let skipped = inner.len() - inner.trim_start().len();
                let inner_mark = item_mark(inner.trim_start()).unwrap_or(0);
                self.inline(start + skipped + inner_mark..line.end());
            } else {
                self.inline(start..line.end());
            }
            return self.continue_paragraph(BlockKind::ListItem, indent);
        }
        let end = self.paragraph_end(indent);
        self.inline(self.without_double_colon(line.start..end));
        self.flow.end(BlockKind::Paragraph);
        self.literal(indent);
    }

    /// The end of the lines that go on at exactly `indent`; they are passed over.
    fn paragraph_end(&mut self, indent: usize) -> usize {
        while let Some(next) = self.peek(0) {
            let goes_on = !next.is_blank() && next.indent == indent && !self.begins_heading();
            if !goes_on {
                break;
            }
            self.at += 1;
        }
        self.lines.get(self.at - 1).map_or(0, SourceLine::end)
    }

    fn begins_heading(&self) -> bool {
        self.peek(1).is_some_and(|rule| rule.indent == 0 && is_rule(rule.text.trim_end()))
            && self.peek(0).is_some_and(|line| line.indent == 0)
    }

    /// The lines after the first one of an item, which stand further in.
    fn continue_paragraph(&mut self, kind: BlockKind, indent: usize) {
        let first = self.at;
        while self.peek(0).is_some_and(|next| !next.is_blank() && next.indent > indent) {
            if self.peek(0).is_some_and(|next| item_mark(next.text.trim()).is_some())
                && self.at > first
            {
                break;
            }
            self.at += 1;
        }
        if self.at > first
            && let (Some(from), Some(to)) = (self.lines.get(first), self.lines.get(self.at - 1))
        {
            self.flow.blank();
            let range = from.start..to.end();
            self.inline(self.without_double_colon(range));
        }
        self.flow.end(kind);
        self.literal(indent);
    }

    /// `text::` announces a literal block and reads `text:`; `::` alone says nothing.
    fn without_double_colon(&self, range: Range<usize>) -> Range<usize> {
        let text = self.input.get(range.clone()).unwrap_or_default();
        match text.strip_suffix("::") {
            Some(bare) if bare.is_empty() || bare.ends_with(char::is_whitespace) => {
                range.start..range.start + bare.trim_end().len()
            }
            Some(_) => range.start..range.end - 1,
            None => range,
        }
    }

    /// The literal block after a paragraph that ended with `::`.
    fn literal(&mut self, indent: usize) {
        let last = self.at.checked_sub(1).and_then(|last| self.lines.get(last));
        if !last.is_some_and(|line| line.text.trim_end().ends_with("::")) {
            return;
        }
        self.at -= 1; // `body` looks at what follows the next line
        let body = self.body(indent);
        self.at += 1;
        if !body.is_empty() {
            self.at = body.end;
            self.verbatim(body, BlockKind::Code);
        }
    }

    fn inline(&mut self, range: Range<usize>) {
        inline::add(&mut self.flow, self.input, range, &self.substitutions);
    }
}

/// The name that a line defines and what it stands for: a text, or for a picture its description.
fn substitution<'a>(line: &SourceLine<'a>, after: &[SourceLine<'a>]) -> Option<(&'a str, &'a str)> {
    let (name, rest) = line.text.trim_start().strip_prefix(".. |")?.split_once("| ")?;
    if let Some(value) = rest.strip_prefix("replace::") {
        return Some((name, value.trim()));
    }
    let options = after.iter().take_while(|line| field_name(line.text.trim()).is_some());
    let alt = options.map(|line| line.text.trim()).find_map(|text| text.strip_prefix(":alt:"));
    Some((name, alt.unwrap_or_default().trim()))
}

#[cfg(test)]
mod tests;
