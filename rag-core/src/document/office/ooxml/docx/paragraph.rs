//! The runs of a paragraph: what is shown of fields, forms, changes and signs.

use super::DocxReading;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::office::ooxml::styles::WordStyles;
use crate::document::office::ooxml::{is_on, math};
use crate::document::office::runs::{Look, Runs};
use crate::document::office::symbols;
use crate::document::vocabulary::{UnreadKind, unread};
use crate::document::writing::script::Script;
use crate::error::Result;

/// A paragraph as it is read.
#[derive(Default)]
pub(super) struct DocxParagraph {
    pub(super) style: String,
    pub(super) text: String,
    pub(super) outline: Option<u8>,
    /// List and level of its own properties.
    pub(super) list: Option<String>,
    pub(super) level: Option<usize>,
    /// What frames and text boxes inside it hold.
    pub(super) boxes: Vec<DocxParagraph>,
}

impl DocxReading<'_> {
    pub(super) fn paragraph(&mut self, xml: &mut Xml<'_>) -> Result<DocxParagraph> {
        let mut paragraph = DocxParagraph::default();
        let mut runs = Runs::default();
        let mut look = Look::default();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "t" => {
                    let text = xml.text()?;
                    match self.tick.take() {
                        Some(state) => runs.push(look, symbols::tick(state)),
                        None => runs.push(look, &text),
                    }
                    Visit::Done
                }
                "sym" => {
                    match self.tick.take() {
                        Some(state) => runs.push(look, symbols::tick(state)),
                        None => push_symbol(&mut runs, look, tag),
                    }
                    Visit::Skip
                }
                "tab" | "ptab" => push_and_skip(&mut runs, look, "\t"),
                "br" | "cr" => push_and_skip(&mut runs, look, "\n"),
                "noBreakHyphen" => push_and_skip(&mut runs, look, "-"),
                "ffData" => {
                    runs.push(look, &field_state(xml)?);
                    Visit::Done
                }
                "ruby" => {
                    runs.push(look, &ruby(xml)?);
                    Visit::Done
                }
                "oMath" => {
                    math::add(xml, runs.text())?;
                    Visit::Done
                }
                "txbxContent" => {
                    paragraph.boxes.extend(self.text_box(xml)?);
                    Visit::Done
                }
                "chart" => {
                    self.shown.extend(tag.attribute("id"));
                    Visit::Skip
                }
                "relIds" => {
                    self.shown.extend(tag.attribute("dm"));
                    Visit::Skip
                }
                "r" => {
                    look = self.styles.look(&paragraph.style);
                    Visit::Enter
                }
                "rPr" => {
                    look = run_look(xml, &self.styles, look)?;
                    Visit::Done
                }
                "del" => {
                    if !xml.text()?.trim().is_empty() {
                        unread::note(UnreadKind::DeletedText, 1);
                    }
                    Visit::Done
                }
                "sdtPr" => {
                    self.tick = tick_of(xml)?;
                    Visit::Done
                }
                "pPr" => {
                    paragraph.properties(xml)?;
                    Visit::Done
                }
                "Fallback" | "moveFrom" | "instrText" | "delText" | "delInstrText" | "tblPr"
                | "sectPr" | "fldData" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        paragraph.text = runs.finish();
        Ok(paragraph)
    }

    /// The paragraphs of a text box; a table in it gives one for each row.
    fn text_box(&mut self, xml: &mut Xml<'_>) -> Result<Vec<DocxParagraph>> {
        let mut paragraphs = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "p" => {
                    let mut paragraph = self.paragraph(xml)?;
                    let inner = std::mem::take(&mut paragraph.boxes);
                    paragraphs.push(paragraph);
                    paragraphs.extend(inner);
                    Visit::Done
                }
                "sdtPr" => {
                    self.tick = tick_of(xml)?;
                    Visit::Done
                }
                "Fallback" | "sectPr" => Visit::Skip,
                _ => Visit::Enter,
            })
        };
        xml.each(child, |_| {})?;
        Ok(paragraphs)
    }
}

impl DocxParagraph {
    /// Reads style, list and outline level.
    fn properties(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
            match tag.name() {
                "pStyle" => self.style = tag.attribute("val").unwrap_or_default(),
                "numId" => self.list = tag.attribute("val"),
                "ilvl" => self.level = tag.number("val"),
                "outlineLvl" => self.outline = tag.number("val"),
                "numPr" => return Ok(Visit::Enter),
                _ => {}
            }
            Ok(Visit::Skip)
        };
        xml.each(child, |_| {})
    }
}

fn push_and_skip(runs: &mut Runs, look: Look, piece: &str) -> Visit {
    runs.push(look, piece);
    Visit::Skip
}

/// Adds a character of a symbol font; one that Unicode has not is a picture.
fn push_symbol(runs: &mut Runs, look: Look, tag: &Tag<'_>) {
    let code = tag.attribute("char").and_then(|code| u32::from_str_radix(&code, 16).ok());
    let font = tag.attribute("font").unwrap_or_default();
    match code.and_then(|code| symbols::sign(&font, code)) {
        Some(sign) => runs.push(Look { is_symbol: false, ..look }, sign.encode_utf8(&mut [0; 4])),
        None => unread::note(UnreadKind::Picture, 1),
    }
}

/// Reads the properties of a run to their end; `before` is what the style of its paragraph says.
fn run_look(xml: &mut Xml<'_>, styles: &WordStyles, before: Look) -> Result<Look> {
    let mut look = before;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        if tag.name() == "rStyle" {
            look = look.with(styles.look(&tag.attribute("val").unwrap_or_default()));
        }
        look.apply(tag);
        Ok(Visit::Skip)
    };
    xml.each(child, |_| {})?;
    Ok(look)
}

impl Look {
    /// Takes a property of a run of WordprocessingML into account.
    pub(in crate::document::office::ooxml) fn apply(&mut self, tag: &Tag<'_>) {
        match tag.name() {
            "strike" | "dstrike" => self.is_struck = is_on(tag, "val"),
            "vertAlign" => {
                self.script = match tag.attribute("val").as_deref() {
                    Some("superscript") => Some(Script::Superscript),
                    Some("subscript") => Some(Script::Subscript),
                    _ => None,
                };
            }
            "vanish" => self.is_hidden = is_on(tag, "val"),
            "rFonts" => {
                self.is_symbol |= tag.attribute("ascii").as_deref() == Some("Symbol");
            }
            _ => {}
        }
    }
}

/// What a field of an old form shows that has no text: its box, the entry that was chosen.
fn field_state(xml: &mut Xml<'_>) -> Result<String> {
    let mut entries = Vec::new();
    let (mut chosen, mut ticked, mut is_box) = (0_usize, false, false);
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        match tag.name() {
            "checkBox" => is_box = true,
            // The state the field was made with, until somebody changes it.
            "default" if is_box => ticked = is_on(tag, "val"),
            "checked" => ticked = is_on(tag, "val"),
            "result" | "default" => chosen = tag.number("val").unwrap_or(0),
            "listEntry" => entries.extend(tag.attribute("val")),
            _ => {}
        }
        Ok(Visit::Enter)
    };
    xml.each(child, |_| {})?;
    let entry = || entries.get(chosen).cloned().unwrap_or_default();
    Ok(if is_box { format!("{} ", symbols::tick(ticked)) } else { entry() })
}

/// The state of a check box, if these properties of a content control are those of one.
pub(super) fn tick_of(xml: &mut Xml<'_>) -> Result<Option<bool>> {
    let mut tick = None;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        match tag.name() {
            "checkbox" => tick = Some(false),
            "checked" => tick = tick.map(|_| is_on(tag, "val")),
            _ => {}
        }
        Ok(if tag.name() == "rPr" { Visit::Skip } else { Visit::Enter })
    };
    xml.each(child, |_| {})?;
    Ok(tick)
}

/// A word with the reading that stands above it: the reading follows in brackets.
fn ruby(xml: &mut Xml<'_>) -> Result<String> {
    let (mut base, mut reading) = (String::new(), String::new());
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        Ok(match tag.name() {
            "rt" => {
                reading.push_str(&xml.text()?);
                Visit::Done
            }
            "rubyBase" => {
                base.push_str(&xml.text()?);
                Visit::Done
            }
            _ => Visit::Skip,
        })
    };
    xml.each(child, |_| {})?;
    let (base, reading) = (base.trim(), reading.trim());
    Ok(if reading.is_empty() { base.to_owned() } else { format!("{base}({reading})") })
}
