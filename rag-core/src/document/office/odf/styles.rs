//! What the styles of an OpenDocument say that changes the text: struck out, raised, hidden;
//! numbers of lists.

use std::collections::HashMap;

use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::runs::Look;
use crate::document::writing::script::Script;
use crate::error::Result;

/// Levels of a list.
pub(super) const LEVELS: usize = 10;

/// All styles of a document, automatic and named.
#[derive(Default)]
pub(super) struct OdfStyles {
    /// The named style that each automatic style is made from.
    parents: HashMap<String, String>,
    looks: HashMap<String, Look>,
    /// Sheets, rows and slides in these styles are not shown.
    hidden: std::collections::HashSet<String>,
    lists: HashMap<String, Vec<OdfListLevel>>,
    /// How headings are numbered.
    outline: Vec<OdfListLevel>,
}

/// How a level of a list is numbered.
#[derive(Clone)]
pub(super) struct OdfListLevel {
    /// The numeral as OpenDocument names it: `1`, `a`, `I`; empty for bullets and none.
    pub(super) format: String,
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) start: u32,
    /// Levels whose numbers are shown, this one counted.
    pub(super) shown: usize,
}

impl Default for OdfListLevel {
    fn default() -> Self {
        let (prefix, suffix) = Default::default();
        Self { format: String::new(), prefix, suffix, start: 1, shown: 1 }
    }
}

impl OdfStyles {
    /// Adds the styles of a part.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let mut name = String::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "style" => {
                    name = tag.attribute("name").unwrap_or_default();
                    let parent = tag.attribute("parent-style-name");
                    self.parents.extend(Some(name.clone()).zip(parent));
                    Visit::Enter
                }
                "text-properties" => {
                    let look = look_of(tag);
                    if look != Look::default() {
                        self.looks.insert(name.clone(), look);
                    }
                    Visit::Skip
                }
                "table-properties" | "drawing-page-properties" => {
                    let is_hidden = tag.attribute("display").is_some_and(|shown| shown == "false")
                        || tag.attribute("visibility").is_some_and(|shown| shown == "hidden");
                    if is_hidden {
                        self.hidden.insert(name.clone());
                    }
                    Visit::Skip
                }
                "list-style" => {
                    let name = tag.attribute("name").unwrap_or_default();
                    self.lists.insert(name, levels(xml)?);
                    Visit::Done
                }
                "outline-style" => {
                    self.outline = levels(xml)?;
                    Visit::Done
                }
                "body" | "master-styles" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})
    }

    /// The named style behind `name`.
    pub(super) fn parent<'a>(&'a self, name: &'a str) -> &'a str {
        self.parents.get(name).map_or(name, String::as_str)
    }

    /// How text in the style looks; its own properties count before those of the named style behind
    /// it.
    pub(super) fn look(&self, name: &str) -> Look {
        let own = self.looks.get(name).or_else(|| self.looks.get(self.parent(name)));
        own.copied().unwrap_or_default()
    }

    pub(super) fn is_hidden(&self, name: &str) -> bool {
        self.hidden.contains(name)
    }

    pub(super) fn list(&self, name: &str) -> Option<&[OdfListLevel]> {
        self.lists.get(name).map(Vec::as_slice)
    }

    pub(super) fn outline(&self) -> &[OdfListLevel] {
        &self.outline
    }
}

fn look_of(tag: &Tag<'_>) -> Look {
    let is = |name: &str, not: &str| tag.attribute(name).is_some_and(|value| value != not);
    let position = tag.attribute("text-position").unwrap_or_default();
    let script = match position.split_whitespace().next().unwrap_or_default() {
        "super" => Some(Script::Superscript),
        "sub" => Some(Script::Subscript),
        raised => match raised.trim_end_matches('%').parse::<f64>().unwrap_or(0.0) {
            up if up > 0.0 => Some(Script::Superscript),
            down if down < 0.0 => Some(Script::Subscript),
            _ => None,
        },
    };
    Look {
        is_struck: is("text-line-through-style", "none") || is("text-line-through-type", "none"),
        is_hidden: tag.attribute("display").is_some_and(|display| display == "none"),
        is_symbol: false,
        script,
    }
}

fn levels(xml: &mut Xml<'_>) -> Result<Vec<OdfListLevel>> {
    let mut levels = vec![OdfListLevel::default(); LEVELS];
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        let number: usize = tag.number("level").unwrap_or(0);
        if let Some(level) = number.checked_sub(1).and_then(|index| levels.get_mut(index)) {
            *level = OdfListLevel {
                format: tag.attribute("num-format").unwrap_or_default(),
                prefix: tag.attribute("num-prefix").unwrap_or_default(),
                suffix: tag.attribute("num-suffix").unwrap_or_default(),
                start: tag.number("start-value").unwrap_or(1),
                shown: tag.number("display-levels").unwrap_or(1),
            };
        }
        Ok(Visit::Skip)
    };
    xml.each(child, |_| {})?;
    Ok(levels)
}
