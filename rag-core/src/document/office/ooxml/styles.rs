//! Paragraph styles of a text document: which are headings, lists, code (ECMA-376 part 1, 17.7).

use std::collections::HashMap;

use crate::document::archive::package::Package;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::runs::Look;
use crate::document::vocabulary::SourceFile;
use crate::error::Result;

/// Styles that a style is based on, at most.
const MAX_BASES: usize = 16;

/// What a style says about the role of its paragraphs.
#[derive(Clone, Default)]
pub(super) struct WordStyle {
    name: String,
    base: Option<String>,
    /// From 0; 9 is body text.
    outline: Option<u8>,
    /// List and level.
    pub(super) numbering: (Option<String>, Option<usize>),
    /// How its characters look.
    look: Look,
}

/// All styles by their ids.
#[derive(Default)]
pub(super) struct WordStyles(HashMap<String, WordStyle>);

impl WordStyles {
    pub(super) fn read(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<Self> {
        let part = "word/styles.xml";
        let Some(text) = package.text(part)? else { return Ok(Self::default()) };
        let mut styles = HashMap::new();
        let mut xml = Xml::new(source.path, part, &text);
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "style" => {
                    let id = tag.attribute("styleId").unwrap_or_default();
                    styles.insert(id, WordStyle::read(xml)?);
                    Visit::Done
                }
                "docDefaults" | "latentStyles" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        Ok(Self(styles))
    }

    /// The style and those it is based on, nearest first.
    fn chain(&self, id: &str) -> impl Iterator<Item = &WordStyle> {
        let mut next = self.0.get(id);
        let chain = std::iter::from_fn(move || {
            let style = next?;
            next = style.base.as_ref().and_then(|base| self.0.get(base));
            Some(style)
        });
        chain.take(MAX_BASES)
    }

    /// The level of the headings in this style; a title counts as level 1.
    pub(super) fn heading(&self, id: &str) -> Option<u8> {
        let known = self.0.contains_key(id);
        let by_id = || heading_name(id).filter(|_| !known);
        let own = self.chain(id).find_map(|style| {
            heading_name(&style.name).or(style.outline.map(|o| o.saturating_add(1)))
        });
        own.or_else(by_id).filter(|level| *level <= 9).map(|level| level.clamp(1, 6))
    }

    /// Whether paragraphs in this style are code or quotations.
    pub(super) fn has_word(&self, id: &str, words: &[&str]) -> bool {
        self.chain(id).any(|style| {
            let name = style.name.to_lowercase();
            words.iter().any(|word| name.contains(word))
        })
    }

    /// How characters in this style look, its own properties before those it is based on.
    pub(super) fn look(&self, id: &str) -> Look {
        let own = self.chain(id).map(|style| style.look).find(|look| *look != Look::default());
        own.unwrap_or_default()
    }

    /// List and level that the style gives its paragraphs.
    pub(super) fn numbering(&self, id: &str) -> (Option<String>, Option<usize>) {
        let list = self.chain(id).find_map(|style| style.numbering.0.clone());
        (list, self.chain(id).find_map(|style| style.numbering.1))
    }
}

impl WordStyle {
    fn read(xml: &mut Xml<'_>) -> Result<Self> {
        let mut style = Self::default();
        let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
            match tag.name() {
                "name" => style.name = tag.attribute("val").unwrap_or_default(),
                "basedOn" => style.base = tag.attribute("val"),
                "outlineLvl" => style.outline = tag.number("val"),
                "numId" => style.numbering.0 = tag.attribute("val"),
                "ilvl" => style.numbering.1 = tag.number("val"),
                _ => style.look.apply(tag),
            }
            Ok(Visit::Enter)
        };
        xml.each(child, |_| {})?;
        Ok(style)
    }
}

/// The level in a style name such as `heading 2` or `Titre 2`.
fn heading_name(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if matches!(name.as_str(), "title" | "titre") {
        return Some(1);
    }
    let number = ["heading", "titre", "\u{fc}berschrift", "t\u{ed}tulo", "titolo", "rubrik"]
        .iter()
        .find_map(|word| name.strip_prefix(word))?;
    number.trim().parse().ok()
}
