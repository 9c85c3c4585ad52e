//! XML of any kind, FictionBook and RSS among it: the text between the tags, each element that
//! holds text a block.

use crate::document::markup::html::MathFormula;
use crate::document::markup::xml::{Node, Tag, Xml};
use crate::document::text::declared::declared_encoding;
use crate::document::text::encoding;
use crate::document::text::language::primary_language;
use crate::document::text::plain::TextReader;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Reader, SourceFile, first_heading, one_line,
};
use crate::document::writing::flow::Flow;
use crate::document::writing::script::{self, Script};
use crate::error::Result;

/// Reads XML; what is too broken to parse is read as text.
pub(in crate::document) struct XmlReader;

/// Attributes that hold words for people.
const SPOKEN: [&str; 4] = ["title", "label", "alt", "caption"];

impl Reader for XmlReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let declared = declared_encoding(source.bytes);
        let decoded = encoding::decode(source, declared)?;
        let mut text = XmlText { input: &decoded.text, ..XmlText::default() };
        let mut xml = Xml::new(source.path, "it", &decoded.text);
        if text.read(&mut xml).is_err() && text.flow.text.is_empty() {
            return Ok(TextReader::of(source, decoded));
        }
        text.end_block();
        let flow = text.flow;
        let title = text.title.map(|title| one_line(&title)).filter(|t| !t.is_empty());
        Ok(Document {
            kind: DocumentKind::Xml,
            title: title.or_else(|| first_heading(&flow.text, &flow.blocks)),
            lang: text.lang,
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
struct XmlText<'a> {
    input: &'a str,
    flow: Flow,
    title: Option<String>,
    lang: Option<String>,
    /// Names of the open elements.
    open: Vec<String>,
    /// Open elements inside an element that is not read.
    skipped: usize,
    raised: Option<RaisedXml>,
    formula: Option<MathFormula>,
}

/// A superscript or subscript that is open.
struct RaisedXml {
    script: Script,
    /// Whether it marks a note.
    is_note: bool,
    /// How many elements are open around it.
    depth: usize,
    content: String,
    source: std::ops::Range<usize>,
}

impl XmlText<'_> {
    fn read(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        while let Some(node) = xml.next()? {
            match node {
                Node::Start(tag) => self.begin(&tag),
                Node::End => self.end(),
                Node::Text(piece) if self.skipped == 0 => self.piece(&piece, xml.span()),
                Node::Text(_) => {}
            }
        }
        Ok(())
    }

    fn begin(&mut self, tag: &Tag<'_>) {
        let name = tag.name().to_ascii_lowercase();
        if let Some(formula) = &mut self.formula {
            formula.begin(name.as_bytes(), false);
            self.open.push(name);
            return;
        }
        if self.skipped > 0 || matches!(name.as_str(), "binary" | "script" | "style") {
            self.skipped += 1;
            return;
        }
        if name == "math" {
            self.end_raised();
            self.formula = Some(MathFormula::default());
            self.open.push(name);
            return;
        }
        self.begin_raised(&name, tag);
        if self.lang.is_none() {
            self.lang = tag.attribute("lang").and_then(|lang| primary_language(&lang));
        }
        if !is_inline(&name) {
            self.end_block();
        }
        for attribute in SPOKEN {
            if let Some(words) = tag.attribute(attribute).filter(|words| words.contains(' ')) {
                self.end_block();
                self.flow.mark(&one_line(&words));
                self.end_block();
            }
        }
        self.open.push(name);
    }

    fn end(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        let Some(name) = self.open.pop() else { return };
        if name == "math" {
            return self.end_formula();
        }
        if let Some(formula) = &mut self.formula {
            return formula.end(name.as_bytes());
        }
        if self.raised.as_ref().is_some_and(|raised| raised.depth >= self.open.len()) {
            self.end_raised();
        }
        if !is_inline(&name) {
            self.open.push(name);
            self.end_block();
            self.open.pop();
        }
    }

    fn begin_raised(&mut self, name: &str, tag: &Tag<'_>) {
        let script = match name {
            "sup" | "superscript" => Script::Superscript,
            "sub" | "subscript" => Script::Subscript,
            // Text Encoding Initiative.
            _ if tag.attribute("rend").is_some_and(|rend| rend.starts_with("super")) => {
                Script::Superscript
            }
            _ => {
                let is_note = matches!(name, "xref" | "ref" | "noteref" | "footnoteref");
                self.raised.iter_mut().for_each(|raised| raised.is_note |= is_note);
                return;
            }
        };
        self.end_raised();
        let within = |outer: &str| self.open.last().is_some_and(|open| open == outer);
        let is_note = script == Script::Superscript && (within("xref") || within("ref"));
        let (depth, content) = (self.open.len(), String::new());
        self.raised = Some(RaisedXml { script, is_note, depth, content, source: 0..0 });
    }

    /// Writes the superscript or subscript that is open.
    fn end_raised(&mut self) {
        let Some(raised) = self.raised.take() else { return };
        let before = self.flow.before();
        let shown = match raised.is_note && !before.is_empty() {
            true => script::note_mark(&raised.content),
            false => script::shown(raised.script, &raised.content, before),
        };
        self.flow.whole(&shown, raised.source);
        if raised.content.ends_with(char::is_whitespace) {
            self.flow.blank();
        }
    }

    fn end_formula(&mut self) {
        let Some(mut formula) = self.formula.take() else { return };
        let source = std::mem::take(&mut formula.source);
        self.flow.whole(&formula.finish(), source);
    }

    fn piece(&mut self, piece: &str, span: std::ops::Range<usize>) {
        if let Some(formula) = &mut self.formula {
            return formula.text(piece, span);
        }
        match &mut self.raised {
            Some(raised) if raised.content.len() <= script::MAX_SCRIPT_CHARS => {
                raised.content.push_str(piece);
                let start = if raised.source.end == 0 { span.start } else { raised.source.start };
                raised.source = start..span.end;
                return;
            }
            _ => self.end_raised(),
        }
        if self.input.get(span.clone()) == Some(piece) {
            self.flow.exact(piece, span.start);
        } else {
            self.flow.whole(piece, span);
        }
    }

    fn end_block(&mut self) {
        self.end_raised();
        let within = |name: &str| self.open.iter().any(|open| open == name);
        let kind = if within("title") || within("subtitle") || within("book-title") {
            let depth = self.open.iter().filter(|name| is_division(name)).count();
            BlockKind::Heading { level: depth.clamp(1, 6) as u8 }
        } else if within("poem") || within("cite") || within("epigraph") {
            BlockKind::Quote
        } else if within("code") || within("programlisting") {
            BlockKind::Code
        } else {
            BlockKind::Paragraph
        };
        if matches!(kind, BlockKind::Heading { .. }) && self.title.is_none() {
            self.title = Some(self.flow.current().to_owned()).filter(|title| !title.is_empty());
        }
        self.flow.end(kind);
    }
}

/// Elements whose titles stand below the title of the whole.
fn is_division(name: &str) -> bool {
    matches!(
        name,
        "section"
            | "chapter"
            | "item"
            | "entry"
            | "sect1"
            | "sect2"
            | "sect3"
            | "body"
            | "channel"
            | "feed"
    )
}

/// Elements inside a sentence, in the vocabularies that mix text and tags.
fn is_inline(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "i"
            | "em"
            | "strong"
            | "emphasis"
            | "span"
            | "sub"
            | "sup"
            | "superscript"
            | "subscript"
            | "hi"
            | "bold"
            | "italic"
            | "math"
            | "inline-formula"
            | "ulink"
            | "link"
            | "xref"
            | "ref"
            | "literal"
            | "filename"
            | "command"
            | "option"
            | "quote"
            | "strikethrough"
            | "tt"
            | "phrase"
            | "acronym"
            | "foreignphrase"
            | "firstterm"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Document {
        XmlReader.read(&SourceFile::new(Path::new("a.xml"), text.as_bytes())).unwrap()
    }

    #[test]
    fn elements_are_blocks_and_words_point_at_their_bytes() {
        let xml = "<?xml version='1.0'?><book xml:lang='fr'><title>Le labo</title><section><title>Un</title>\n<p>Un <b>mot</b> &amp;\n deux.</p></section><binary>AAAA</binary></book>";
        let document = read(xml);
        assert_eq!(document.text, "Le labo\n\nUn\n\nUn mot & deux.");
        assert_eq!(document.title.as_deref(), Some("Le labo"));
        assert_eq!(document.lang.as_deref(), Some("fr"));
        let start = document.text.find("deux").unwrap();
        let source = document.source_map.source_bytes(&(start..start + 4)).unwrap();
        assert_eq!(xml.get(source.start as usize..source.end as usize), Some("deux"));
    }

    #[test]
    fn powers_notes_and_formulas_are_told_apart() {
        for (xml, text) in [
            ("10<superscript>4</superscript> per m<sup>3</sup>", "10\u{2074} per m\u{b3}"),
            ("shown<xref ref-type='bibr'><sup>7</sup></xref> here", "shown[7] here"),
            ("2<sup><xref ref-type='fn'>7</xref></sup> here", "2[7] here"),
            ("So <math><msup><mi>x</mi><mn>2</mn></msup></math> is", "So x\u{b2} is"),
            ("H<hi rend='superscript'>2</hi>", "H\u{b2}"),
        ] {
            assert_eq!(read(&format!("<doc><p>{xml}</p></doc>")).text, text, "{xml}");
        }
    }

    #[test]
    fn what_does_not_parse_is_text() {
        assert_eq!(read("<a").kind, DocumentKind::Text);
    }
}
