//! LaTeX: the words without the commands, headings by section commands, lists, tables, listings;
//! formulas as written.

use crate::document::limits;
use crate::document::text::encoding;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Reader, SourceFile, UnreadKind, first_heading, one_line,
    unread,
};
use crate::document::writing::flow::Flow;
use crate::document::writing::script::{self, Script};
use crate::error::Result;

mod commands;

use commands::{CommandEffect, accent, effect, letter};

/// Reads LaTeX.
pub(in crate::document) struct LatexReader;

impl Reader for LatexReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let mut reading = LatexReading::new(&decoded.text);
        reading.run();
        let flow = reading.flow;
        let title = reading.title.or_else(|| first_heading(&flow.text, &flow.blocks));
        Ok(Document {
            kind: DocumentKind::Latex,
            title,
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

struct LatexReading<'a> {
    input: &'a str,
    at: usize,
    flow: Flow,
    kind: BlockKind,
    /// Braces that are open, and at which depth a heading or caption ends.
    depth: usize,
    heading_ends: Option<usize>,
    in_table: usize,
    has_chapters: bool,
    title: Option<String>,
    metadata: std::collections::BTreeMap<String, String>,
}

/// Environments whose content is taken as it stands.
const LISTINGS: [&str; 6] = ["verbatim", "lstlisting", "minted", "Verbatim", "alltt", "code"];

/// Environments that hold no words.
const SILENT: [&str; 5] = ["comment", "tikzpicture", "picture", "filecontents", "pgfpicture"];

impl<'a> LatexReading<'a> {
    fn new(input: &'a str) -> Self {
        Self {
            input,
            at: 0,
            flow: Flow::default(),
            kind: BlockKind::Paragraph,
            depth: 0,
            heading_ends: None,
            in_table: 0,
            has_chapters: input.contains("\\chapter"),
            title: None,
            metadata: Default::default(),
        }
    }

    fn rest(&self) -> &'a str {
        self.input.get(self.at..).unwrap_or_default()
    }

    fn run(&mut self) {
        self.preamble();
        while self.at < self.input.len() {
            limits::tick();
            let rest = self.rest();
            let special = |c: char| "\\%{}$&~\n`'".contains(c);
            let plain = rest.find(special).unwrap_or(rest.len());
            self.flow.exact(rest.get(..plain).unwrap_or_default(), self.at);
            self.at += plain;
            self.special();
        }
        self.end_block();
    }

    /// Passes over what stands before the body, but for title and author.
    fn preamble(&mut self) {
        let Some(body) = self.input.find("\\begin{document}") else { return };
        let head = self.input.get(..body).unwrap_or_default();
        for (command, key) in [("\\title", "title"), ("\\author", "author"), ("\\date", "date")] {
            let at = head.find(command).map(|at| at + command.len());
            if let Some(range) = at.and_then(|at| argument(head, at)) {
                let inner = head.get(range).unwrap_or_default();
                let mut reading = LatexReading::new(inner);
                reading.run();
                let value = one_line(&reading.flow.text);
                if !value.is_empty() {
                    self.metadata.insert(key.to_owned(), value);
                }
            }
        }
        self.title = self.metadata.get("title").cloned();
        if let Some(title) = self.title.clone() {
            self.flow.mark(&title);
            self.flow.end(BlockKind::Heading { level: 1 });
        }
        self.at = body;
    }

    /// Reads the special character that comes next.
    fn special(&mut self) {
        let rest = self.rest();
        let Some(c) = rest.chars().next() else { return };
        match c {
            '\\' => return self.command(),
            '%' => {
                let line = rest.find('\n').map_or(rest.len(), |end| end + 1);
                self.at += line;
                let next = self.rest().lines().next();
                if next.is_some_and(|next| next.trim().is_empty()) && self.in_table == 0 {
                    self.end_block();
                }
                return;
            }
            '$' => {
                let fence = if rest.starts_with("$$") { "$$" } else { "$" };
                return self.formula(fence.len(), fence);
            }
            '{' => self.depth += 1,
            '}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.heading_ends.is_some_and(|depth| self.depth <= depth) {
                    self.heading_ends = None;
                    self.end_block();
                }
            }
            '&' if self.in_table > 0 => self.flow.separator('\t'),
            '~' => self.flow.blank(),
            '\n' => {
                self.flow.blank();
                let after = rest.get(1..).unwrap_or_default();
                let blank = after.len() - after.trim_start_matches([' ', '\t', '\r']).len();
                let is_blank_line = after.get(blank..).is_some_and(|next| next.starts_with('\n'));
                if is_blank_line && self.heading_ends.is_none() && self.in_table == 0 {
                    self.end_block();
                }
            }
            '`' | '\'' if rest.get(1..2) == Some(if c == '`' { "`" } else { "'" }) => {
                self.flow.whole("\"", self.at..self.at + 2);
                self.at += 1;
            }
            '`' | '\'' => self.flow.exact(rest.get(..1).unwrap_or_default(), self.at),
            _ => {}
        }
        self.at += c.len_utf8();
    }

    fn end_block(&mut self) {
        self.flow.end(self.kind);
        if !matches!(self.kind, BlockKind::Quote | BlockKind::Table) {
            self.kind = BlockKind::Paragraph;
        }
    }

    fn command(&mut self) {
        let start = self.at;
        let rest = self.rest().get(1..).unwrap_or_default();
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = rest.get(..length).unwrap_or_default();
        if name.is_empty() {
            return self.symbol(rest);
        }
        let star = usize::from(rest.get(length..).is_some_and(|after| after.starts_with('*')));
        self.at += 1 + length + star;
        match effect(name) {
            CommandEffect::Heading(level) => self.heading(level),
            CommandEffect::Begin => self.begin(),
            CommandEffect::End => self.end(),
            CommandEffect::Item => self.item(),
            CommandEffect::Drop(count) => self.drop_arguments(count),
            CommandEffect::Break => self.flow.blank(),
            CommandEffect::Title => self.drop_arguments(1),
            CommandEffect::Keep => {}
            CommandEffect::Text(text) => {
                self.flow.whole(text, start..self.at);
                self.pass_blanks();
            }
            CommandEffect::Script(script) => self.script(script, start),
            CommandEffect::Deleted => {
                unread::note(UnreadKind::DeletedText, 1);
                self.drop_arguments(1);
            }
            CommandEffect::Picture => {
                unread::note(UnreadKind::Picture, 1);
                self.drop_arguments(1);
            }
            CommandEffect::Note => {
                self.drop_optional();
                self.flow.blank();
            }
            CommandEffect::Accent(mark) => self.accent(mark, start),
        }
    }

    /// A superscript or subscript in running text.
    fn script(&mut self, script: Script, start: usize) {
        let Some(range) = argument(self.input, self.at) else { return };
        let content = self.input.get(range.clone()).unwrap_or_default();
        if content.contains('\\') || content.chars().count() > script::MAX_SCRIPT_CHARS {
            return;
        }
        self.at = range.end + 1;
        let content: String = content.chars().filter(|c| !"{}$".contains(*c)).collect();
        let shown = script::shown(script, &content, self.flow.before());
        self.flow.whole(&shown, start..self.at);
    }

    /// A command of one character that is no letter.
    fn symbol(&mut self, rest: &'a str) {
        let start = self.at;
        let Some(c) = rest.chars().next() else {
            self.at += 1;
            return;
        };
        self.at += 1 + c.len_utf8();
        match c {
            '\\' if self.in_table > 0 => self.flow.separator('\n'),
            '\\' | ' ' | ',' | ';' | ':' | '!' | '\n' => self.flow.blank(),
            '%' | '&' | '$' | '#' | '_' | '{' | '}' => {
                self.flow.exact(rest.get(..1).unwrap_or_default(), start + 1);
            }
            '(' => self.formula(0, "\\)"),
            '[' => self.formula(0, "\\]"),
            ')' | ']' | '/' | '-' | '@' => {}
            c => {
                if let Some(mark) = accent(c) {
                    self.accent(mark, start);
                }
            }
        }
    }

    /// A formula as it is written, after `open` bytes and up to `close`; without an end it is text.
    fn formula(&mut self, open: usize, close: &str) {
        let rest = self.rest().get(open..).unwrap_or_default();
        let head = rest.get(..rest.floor_char_boundary(MAX_ARGUMENT_BYTES)).unwrap_or_default();
        let Some(length) = head.find(close) else {
            self.at += open;
            return;
        };
        self.flow.exact(head.get(..length).unwrap_or_default(), self.at + open);
        self.at += open + length + close.len();
    }

    /// A letter with an accent.
    fn accent(&mut self, mark: char, start: usize) {
        let rest = self.rest().trim_start_matches(' ');
        let skipped = self.rest().len() - rest.len();
        let braced = rest.starts_with('{');
        let inner = rest.get(usize::from(braced)..).unwrap_or_default();
        let dotless = inner.starts_with("\\i") || inner.starts_with("\\j");
        let base = inner.get(usize::from(dotless)..).and_then(|inner| inner.chars().next());
        let Some(base) = base.filter(|base| base.is_alphabetic()) else { return };
        self.at += skipped + usize::from(braced) + usize::from(dotless) + base.len_utf8();
        if braced && self.rest().starts_with('}') {
            self.at += 1;
        }
        self.flow.whole(&letter(base, mark), start..self.at);
    }

    fn heading(&mut self, level: u8) {
        self.end_block();
        self.drop_optional();
        self.pass_blanks();
        let level = if self.has_chapters { level + 1 } else { level.max(1) };
        self.kind = BlockKind::Heading { level: level.clamp(1, 6) };
        self.heading_ends = Some(self.depth);
    }

    fn environment(&mut self) -> &'a str {
        let range = argument(self.input, self.at);
        let Some(range) = range else { return "" };
        self.at = range.end + 1;
        self.input.get(range).unwrap_or_default().trim().trim_end_matches('*')
    }

    fn begin(&mut self) {
        let name = self.environment();
        if name.ends_with("picture") {
            unread::note(UnreadKind::Diagram, 1);
        }
        if LISTINGS.contains(&name) || SILENT.contains(&name) {
            self.end_block();
            self.drop_optional();
            let end = format!("\\end{{{name}");
            let length = self.rest().find(&end).unwrap_or(self.rest().len());
            let body = self.rest().get(..length).unwrap_or_default();
            let code = body.trim_matches(['\n', '\r']);
            if LISTINGS.contains(&name) && !code.trim().is_empty() {
                let offset = code.as_ptr().addr() - body.as_ptr().addr();
                self.flow.lines(code, self.at + offset);
                self.flow.end(BlockKind::Code);
            }
            self.at += length;
            return;
        }
        if matches!(name, "equation" | "align" | "gather" | "multline" | "eqnarray" | "displaymath")
        {
            self.end_block();
            let end = format!("\\end{{{name}");
            let length = self.rest().find(&end).filter(|&length| length < MAX_ARGUMENT_BYTES);
            let body = self.rest().get(..length.unwrap_or(0)).unwrap_or_default();
            self.flow.exact(body, self.at);
            self.at += body.len();
            return;
        }
        if matches!(name, "quote" | "quotation" | "verse") {
            self.end_block();
            self.kind = BlockKind::Quote;
        } else if name.starts_with("tabular") || name == "longtable" || name == "array" {
            self.end_block();
            self.drop_optional();
            self.drop_arguments(if name.ends_with(['x', 'y']) { 2 } else { 1 });
            self.kind = BlockKind::Table;
            self.in_table += 1;
        } else if commands::is_paragraph(name) {
            self.end_block();
            self.drop_optional();
        }
    }

    fn end(&mut self) {
        let name = self.environment();
        let is_table = name.starts_with("tabular") || name == "longtable" || name == "array";
        if is_table {
            self.in_table = self.in_table.saturating_sub(1);
        }
        if is_table
            || commands::is_paragraph(name)
            || matches!(name, "quote" | "quotation" | "verse")
        {
            self.end_block();
            self.kind = BlockKind::Paragraph;
        }
    }

    fn item(&mut self) {
        self.end_block();
        self.kind = BlockKind::ListItem;
        self.flow.mark("-");
        self.flow.blank();
        if self.rest().starts_with('[') {
            self.at += 1;
            let label = self.rest().find(']').filter(|end| *end < 200).unwrap_or(0);
            let text = self.rest().get(..label).unwrap_or_default();
            self.flow.exact(text, self.at);
            self.flow.blank();
            self.at += label + 1;
        }
    }

    fn drop_arguments(&mut self, count: usize) {
        for _ in 0..count {
            self.drop_optional();
            let Some(range) = argument(self.input, self.at) else { break };
            self.at = range.end + 1;
        }
    }

    fn drop_optional(&mut self) {
        while self.rest().starts_with('[') {
            let Some(end) = self.rest().find(']') else { return };
            self.at += end + 1;
        }
    }

    fn pass_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }
}

/// The inside of the braces that begin at `at`, white space before them passed over.
fn argument(input: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let rest = input.get(at..)?;
    let start = at + rest.len() - rest.trim_start().len();
    input.get(start..)?.starts_with('{').then_some(())?;
    let (mut depth, mut escaped) = (0_usize, false);
    for (index, byte) in input.as_bytes().get(start..)?.iter().enumerate().take(MAX_ARGUMENT_BYTES)
    {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(start + 1..start + index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Bytes in which the end of an argument is looked for; keeps broken input linear.
const MAX_ARGUMENT_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Document {
        LatexReader.read(&SourceFile::new(Path::new("a.tex"), text.as_bytes())).unwrap()
    }

    #[test]
    fn words_stay_and_commands_go() {
        let text = "\\documentclass{article}\\title{Le \\emph{labo}}\\author{Ana}\n\\begin{document}\n\\maketitle\n\
\\section{Pr\\'esentation}\\label{s}\nUn \\textbf{mot}, 50\\,\\% de $x^2$~\\cite{a}. % remarque\n\nSuite ``ici''.\n\
\\begin{itemize}\n\\item un\n\\item deux\n\\end{itemize}\n\\begin{tabular}{ll}\na & b \\\\\n1 & 2 \\\\\n\\end{tabular}\n\
\\begin{verbatim}\n  x = 1\n\\end{verbatim}\n\\end{document}";
        let document = read(text);
        let expected = "Le labo\n\nPr\u{e9}sentation\n\nUn mot, 50 % de x^2 .\n\nSuite \"ici\".\n\n- un\n\n- deux\n\na\tb\n1\t2\n\n  x = 1";
        let squeezed = document.text.replace(" \t", "\t").replace(" \n", "\n");
        assert_eq!(squeezed.trim_end(), expected);
        assert_eq!(document.title.as_deref(), Some("Le labo"));
        assert_eq!(document.metadata["author"], "Ana");
        let word = document.text.find("mot").unwrap();
        let source = document.source_map.source_bytes(&(word..word + 3)).unwrap();
        assert_eq!(&text[source.start as usize..source.end as usize], "mot");
    }

    #[test]
    fn scripts_and_deleted_text() {
        let text = "\\begin{document}10\\textsuperscript{4} and H\\textsubscript{2}O, the 1\\ier{} and \
$10^{-9}$ of\\footnote{A note.} \\sout{old} new.\n\\begin{enumerate}\n\\item a\n\\item b\n\\end{enumerate}\\end{document}";
        unread::take();
        let document = read(text);
        let expected =
            "10\u{2074} and H\u{2082}O, the 1er and 10^{-9} of A note. new.\n\n- a\n\n- b";
        assert_eq!(document.text.trim_end(), expected);
        assert_eq!(unread::take()[0].kind, UnreadKind::DeletedText);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in r"[\\{}\[\]a-c%$&~ \n'`^*]{0,200}") {
            let document = read(&text);
            for block in &document.blocks {
                prop_assert!(document.text.get(block.range.clone()).is_some());
            }
        }
    }
}
