//! Manual pages (man and mdoc macros of roff): headings, paragraphs and examples without the
//! macros.

use crate::document::text::encoding;
use crate::document::vocabulary::{BlockKind, Document, DocumentKind, Reader, SourceFile};
use crate::document::writing::flow::Flow;
use crate::error::Result;

/// Reads manual pages.
pub(in crate::document) struct ManReader;

impl Reader for ManReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let decoded = encoding::decode(source, None)?;
        let mut page = ManPage::default();
        let mut at = 0;
        for line in decoded.text.split_inclusive('\n') {
            page.line(line.trim_end_matches(['\n', '\r']), at);
            at += line.len();
        }
        page.end();
        let flow = page.flow;
        Ok(Document {
            kind: DocumentKind::Man,
            title: page.title,
            lang: None,
            source_map: flow.map.through(&flow.text, &decoded.source_map),
            text: flow.text,
            blocks: flow.blocks,
            sections: Vec::new(),
            metadata: Default::default(),
            unread: Vec::new(),
        })
    }
}

#[derive(Default)]
struct ManPage {
    flow: Flow,
    title: Option<String>,
    /// Lines are examples, to be kept as they are.
    verbatim: bool,
    /// The next line of text is a heading or the label of an item.
    next: Next,
    is_item: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    #[default]
    Text,
    Heading(u8),
    Label,
}

/// Macros whose arguments are words to read, in the two macro packages.
const SPOKEN: [&str; 40] = [
    "B", "I", "BI", "BR", "IB", "IR", "RB", "RI", "SM", "SB", "Nm", "Nd", "Fl", "Ar", "Op", "Cm",
    "Xr", "Pa", "Em", "Sy", "Ql", "Dq", "Sq", "Li", "Ev", "Ic", "Va", "Fn", "Fa", "Ft", "In", "Dv",
    "Er", "Tn", "Oc", "Oo", "Lk", "UR", "MR", "An",
];

impl ManPage {
    fn end(&mut self) {
        let kind = match (self.verbatim, self.is_item) {
            (true, _) => BlockKind::Code,
            (_, true) => BlockKind::ListItem,
            _ => BlockKind::Paragraph,
        };
        self.flow.end(kind);
        self.is_item = false;
    }

    fn line(&mut self, line: &str, at: usize) {
        let is_control = line.starts_with(['.', '\'']);
        if !is_control {
            return self.text(line, at);
        }
        let body = line.get(1..).unwrap_or_default().trim_start();
        if body.starts_with("\\\"") {
            return;
        }
        let name = body.split_whitespace().next().unwrap_or_default();
        let rest = body.get(name.len()..).unwrap_or_default();
        let offset = at + (rest.as_ptr().addr() - line.as_ptr().addr());
        self.request(name, rest, offset);
    }

    fn request(&mut self, name: &str, rest: &str, at: usize) {
        match name {
            "TH" | "Dt" => self.title = arguments(rest).first().map(|name| plain(name)),
            "SH" | "Sh" | "SS" | "Ss" => {
                self.end();
                let level = if name.eq_ignore_ascii_case("sh") { 1 } else { 2 };
                self.next = Next::Heading(level);
                if !rest.trim().is_empty() {
                    self.text(rest, at);
                }
            }
            "PP" | "LP" | "P" | "Pp" | "sp" | "HP" => self.end(),
            "TP" | "TQ" => {
                self.end();
                self.next = Next::Label;
                self.is_item = true;
            }
            "IP" | "It" => {
                self.end();
                self.is_item = true;
                let label = if name == "IP" {
                    arguments(rest).into_iter().take(1)
                } else {
                    arguments(rest).into_iter().take(99)
                };
                for word in label {
                    self.flow.whole(&plain(&word), at..at + rest.len());
                    self.flow.blank();
                }
            }
            "nf" | "EX" | "Bd" => {
                self.end();
                self.verbatim = true;
            }
            "fi" | "EE" | "Ed" => {
                self.end();
                self.verbatim = false;
            }
            "br" => self.flow.blank(),
            name if SPOKEN.contains(&name) => self.text(rest, at),
            _ => {}
        }
    }

    fn text(&mut self, line: &str, at: usize) {
        if line.trim().is_empty() {
            if !self.verbatim {
                self.end();
            }
            return;
        }
        if self.verbatim && !self.flow.current().is_empty() {
            self.flow.separator('\n');
        }
        if !line.contains(['\\', '"']) {
            if self.verbatim {
                self.flow.lines(line, at);
            } else {
                self.flow.exact(line, at);
            }
        } else {
            self.flow.whole(&plain(&line.replace('"', "")), at..at + line.len());
        }
        self.flow.blank();
        match std::mem::take(&mut self.next) {
            Next::Heading(level) => self.flow.end(BlockKind::Heading { level }),
            Next::Label | Next::Text => {}
        }
    }
}

/// The arguments of a macro; quotes hold one together.
fn arguments(rest: &str) -> Vec<String> {
    let mut arguments = Vec::new();
    for (index, part) in rest.split('"').enumerate() {
        if index % 2 == 1 {
            arguments.push(part.to_owned());
        } else {
            arguments.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    arguments
}

/// A text without escapes: fonts and sizes go, named characters become characters.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        let Some(c) = rest.chars().next() else { break };
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            'f' | 's' | 'n' | 'm' | '*' => rest = skip_name(rest),
            '(' => {
                plain.push_str(named(rest.get(..2).unwrap_or_default()));
                rest = rest.get(2..).unwrap_or_default();
            }
            '[' => {
                let end = rest.find(']').unwrap_or(0);
                plain.push_str(named(rest.get(..end).unwrap_or_default()));
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            '-' => plain.push('-'),
            'e' | '\\' => plain.push('\\'),
            ' ' | '~' | '0' => plain.push(' '),
            '"' => return plain,
            '&' | '/' | ',' | '|' | '^' | '%' | ':' | 'c' | '}' | '{' => {}
            c => plain.push(c),
        }
    }
    plain.push_str(rest);
    plain
}

/// Past the name of a font or register: one character, two after `(`, or all up to `]`.
fn skip_name(rest: &str) -> &str {
    let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    let length = match rest.chars().next() {
        Some('(') => 3,
        Some('[') => rest.find(']').map_or(1, |end| end + 1),
        Some(c) => c.len_utf8(),
        None => 0,
    };
    rest.get(length..).unwrap_or_default()
}

fn named(name: &str) -> &'static str {
    match name {
        "aq" | "cq" | "oq" => "'",
        "dq" | "lq" | "rq" => "\"",
        "em" => "\u{2014}",
        "en" => "\u{2013}",
        "bu" => "\u{2022}",
        "co" => "\u{a9}",
        "rg" => "\u{ae}",
        "hy" => "-",
        "ti" => "~",
        "ha" => "^",
        "rs" => "\\",
        "->" => "\u{2192}",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Document {
        ManReader.read(&SourceFile::new(Path::new("a.1"), text.as_bytes())).unwrap()
    }

    #[test]
    fn macros_go_and_structure_stays() {
        let document = read(
            ".\\\" comment\n.TH LAB 1 2026\n.SH NAME\nlab \\- measure \\fIthings\\fP\n.SH \"OPTIONS LIST\"\n.TP\n.B \\-v\nBe loud.\n.PP\nText\nmore.\n.nf\n  x = 1\n  y\n.fi\n",
        );
        assert_eq!(
            document.text,
            "NAME\n\nlab - measure things\n\nOPTIONS LIST\n\n-v Be loud.\n\nText more.\n\n  x = 1\n  y"
        );
        let kinds: Vec<_> = document.blocks.iter().map(|block| block.kind).collect();
        let heading = BlockKind::Heading { level: 1 };
        let (text, item) = (BlockKind::Paragraph, BlockKind::ListItem);
        assert_eq!(kinds, [heading, text, heading, item, text, BlockKind::Code]);
        assert_eq!(document.title.as_deref(), Some("LAB"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in r"(\n[.'][A-Z]{1,2} [a-z\\(\[\]f\x22*-]{0,12}){0,20}") {
            let _ = read(&text);
        }
    }
}
