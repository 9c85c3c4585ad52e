//! XML as a stream of elements and text, with a cap on depth and no entity but the built-in ones.
//!
//! Names are local names: prefixes are whatever the writer chose. A document type definition is
//! passed over, so no entity it defines can grow.

use std::borrow::Cow;
use std::path::Path;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader as QuickReader;

use crate::document::limits;
use crate::error::{Error, Result, Unreadable};

/// Elements inside elements.
const MAX_DEPTH: usize = 256;

/// A stretch of a file.
pub(in crate::document) enum Node<'a> {
    /// An element begins; its [`Node::End`] follows, even if it is empty.
    Start(Tag<'a>),
    /// An element ends.
    End,
    /// Text with references replaced. A text may come in several pieces.
    Text(Cow<'a, str>),
}

/// The start of an element.
pub(in crate::document) struct Tag<'a>(BytesStart<'a>);

/// Reads the elements of one XML text.
pub(in crate::document) struct Xml<'a> {
    reader: QuickReader<&'a [u8]>,
    path: &'a Path,
    part: &'a str,
    depth: usize,
    /// The end of an empty element is still to come.
    pending_end: bool,
    /// Where the last node began in the text.
    start: usize,
}

impl<'a> Xml<'a> {
    /// Reads `text`, which is `part` of the file at `path`.
    pub(in crate::document) fn new(path: &'a Path, part: &'a str, text: &'a str) -> Self {
        let mut reader = QuickReader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        Self { reader, path, part, depth: 0, pending_end: false, start: 0 }
    }

    /// The next node, or nothing at the end.
    pub(in crate::document) fn next(&mut self) -> Result<Option<Node<'a>>> {
        if std::mem::take(&mut self.pending_end) {
            self.depth = self.depth.saturating_sub(1);
            return Ok(Some(Node::End));
        }
        loop {
            limits::tick();
            self.start = self.position();
            let event = self.reader.read_event().map_err(|error| self.broken(error))?;
            return Ok(Some(match event {
                Event::Start(tag) => self.start(tag)?,
                Event::Empty(tag) => {
                    self.pending_end = true;
                    self.start(tag)?
                }
                Event::End(_) if self.depth == 0 => continue,
                Event::End(_) => {
                    self.depth -= 1;
                    Node::End
                }
                Event::Text(text) => Node::Text(text.xml10_content()),
                Event::CData(text) => Node::Text(text.xml10_content()),
                Event::GeneralRef(reference) => {
                    let text = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Cow::Owned(c.to_string()),
                        _ => Cow::Borrowed(named(&reference.into_inner())),
                    };
                    Node::Text(text)
                }
                Event::Eof => return Ok(None),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
            }));
        }
    }

    /// The bytes of the text that the last node was read from.
    pub(in crate::document) fn span(&self) -> std::ops::Range<usize> {
        self.start..self.position()
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    fn start(&mut self, tag: BytesStart<'a>) -> Result<Node<'a>> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let reason = format!("{} nests deeper than {MAX_DEPTH} elements", self.part);
            return Err(Error::document(self.path, Unreadable::TooLarge, reason));
        }
        Ok(Node::Start(Tag(tag)))
    }

    /// Passes over the rest of the element that was just begun.
    pub(in crate::document) fn skip(&mut self) -> Result<()> {
        self.each(|_, _| Ok(Visit::Skip), |_| {})
    }

    /// All text up to the end of the element that was just begun, that of its children too.
    pub(in crate::document) fn text(&mut self) -> Result<String> {
        let mut text = String::new();
        let mut depth = 1;
        while depth > 0 {
            match self.next()? {
                Some(Node::Start(_)) => depth += 1,
                Some(Node::End) => depth -= 1,
                Some(Node::Text(piece)) => text.push_str(&piece),
                None => break,
            }
        }
        Ok(text)
    }

    /// Goes through the children of the element that was just begun. `child` reads one whole, or
    /// says what to do with it; `text` gets the text between.
    pub(in crate::document) fn each(
        &mut self,
        mut child: impl FnMut(&mut Self, &Tag<'a>) -> Result<Visit>,
        mut text: impl FnMut(&str),
    ) -> Result<()> {
        // Elements entered or passed over, on top of our own.
        let (mut depth, mut skipped) = (0_usize, 0_usize);
        loop {
            match self.next()? {
                None => return Ok(()),
                Some(Node::End) if skipped > 0 => skipped -= 1,
                Some(Node::End) if depth > 0 => depth -= 1,
                Some(Node::End) => return Ok(()),
                Some(Node::Start(_)) if skipped > 0 => skipped += 1,
                Some(Node::Start(tag)) => match child(self, &tag)? {
                    Visit::Done => {}
                    Visit::Enter => depth += 1,
                    Visit::Skip => skipped += 1,
                },
                Some(Node::Text(piece)) if skipped == 0 => text(&piece),
                Some(Node::Text(_)) => {}
            }
        }
    }

    fn broken(&self, error: quick_xml::Error) -> Error {
        let reason = format!("broken XML in {}", self.part);
        Error::document_cause(self.path, Unreadable::Broken, reason, error)
    }
}

/// What became of a child.
pub(in crate::document) enum Visit {
    /// It was read to its end.
    Done,
    /// Go on with its own children as if they were ours.
    Enter,
    /// Pass over it.
    Skip,
}

impl Tag<'_> {
    /// The name without its prefix.
    pub(in crate::document) fn name(&self) -> &str {
        self.0.local_name().into_inner()
    }

    /// The attribute of that local name, with references replaced.
    pub(in crate::document) fn attribute(&self, name: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        let found = attributes.flatten().find(|a| a.key.local_name().into_inner() == name)?;
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        Some(value.map_or_else(|_| found.value.to_string(), Cow::into_owned))
    }

    /// As [`Tag::attribute`], but by the name with its prefix where two share a local name.
    pub(in crate::document) fn attribute_named(&self, prefixed: &str) -> Option<String> {
        let mut attributes = self.0.attributes();
        attributes.with_checks(false);
        let found = attributes.flatten().find(|a| a.key.into_inner() == prefixed)?;
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        Some(value.map_or_else(|_| found.value.to_string(), Cow::into_owned))
    }

    pub(in crate::document) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.attribute(name)?.trim().parse().ok()
    }
}

/// The references that need no definition, and those that XHTML uses most.
fn named(name: &str) -> &'static str {
    match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{a0}",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text_of(xml: &str) -> Result<String> {
        let mut xml = Xml::new(Path::new("a.xml"), "a.xml", xml);
        xml.text()
    }

    #[test]
    fn references_and_sections_are_text() {
        assert_eq!(text_of("<a>x &lt; <b>&#233;</b><![CDATA[<&]]></a>").unwrap(), "x < \u{e9}<&");
    }

    #[test]
    fn no_entity_of_a_document_type_is_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY x 'ha'><!ENTITY y '&x;&x;&x;'>]><a>1&y;2</a>";
        assert_eq!(text_of(bomb).unwrap(), "12");
    }

    #[test]
    fn depth_is_capped() {
        let deep = "<a>".repeat(300);
        assert!(text_of(&deep).unwrap_err().line().contains("nests deeper"));
    }

    #[test]
    fn children_are_entered_skipped_or_read() {
        let mut xml = Xml::new(Path::new("a"), "a", "<r><e>1<s>no</s></e><d k='v'>2</d>3<s/></r>");
        xml.next().unwrap();
        let (mut read, mut text) = (String::new(), String::new());
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "e" => Visit::Enter,
                "d" => {
                    read = format!("{}{}", tag.attribute("k").unwrap(), xml.text()?);
                    Visit::Done
                }
                _ => Visit::Skip,
            })
        };
        xml.each(child, |piece| text.push_str(piece)).unwrap();
        assert_eq!((read.as_str(), text.as_str()), ("v2", "13"));
    }
}
