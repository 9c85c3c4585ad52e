//! OpenDocument (ISO/IEC 26300): text, sheets and slides, from `content.xml`.

use crate::document::archive::package::Package;
use crate::document::markup::xml::{Node, Tag, Visit, Xml};
use crate::document::office::runs::{Look, Runs};
use crate::document::text::language::primary_language;
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, one_line,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::{Error, Result, Unreadable};
use around::Around;
use lists::Lists;
use styles::OdfStyles;

mod around;
mod lists;
mod styles;
mod table;

/// Reads ODT, ODS and ODP.
pub(in crate::document) struct OdfReader(pub(in crate::document) DocumentKind);

/// The part that holds the text.
const CONTENT: &str = "content.xml";

/// The part that holds what is named: styles, pages.
const STYLES: &str = "styles.xml";

/// Blanks in a row that are written out.
const MAX_BLANKS: usize = 64;

impl Reader for OdfReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        if is_encrypted(&mut package) {
            return Err(Error::document(
                source.path,
                Unreadable::Encrypted,
                "encrypted: it needs a password",
            ));
        }
        let mut reading = OdfReading::default();
        properties(&mut package, source, &mut reading.draft);
        // Named styles say nothing without the text: damage to them is no reason to refuse the
        // file.
        let named = package.text(STYLES).ok().flatten().unwrap_or_default();
        let _ = reading.styles.read(&mut Xml::new(source.path, STYLES, &named));
        if self.0 != DocumentKind::Ods {
            around::furniture(&mut Xml::new(source.path, STYLES, &named));
        }
        reading.read(&mut package, source, CONTENT)?;
        reading.add_objects(&mut package, source)?;
        reading.draft.finish(self.0, source)
    }
}

fn is_encrypted(package: &mut Package<'_>) -> bool {
    let manifest = package.text("META-INF/manifest.xml");
    matches!(manifest, Ok(Some(text)) if text.contains("encryption-data"))
}

fn properties(package: &mut Package<'_>, source: &SourceFile<'_>, draft: &mut DocumentDraft) {
    // Metadata says nothing about the subject: damage to it is no reason to refuse the file.
    let Ok(Some(text)) = package.text("meta.xml") else { return };
    let mut xml = Xml::new(source.path, "meta.xml", &text);
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
        let key = match tag.name() {
            "title" => "title",
            "initial-creator" => "author",
            "creator" => "last_author",
            "subject" => "subject",
            "keyword" => "keywords",
            "description" => "description",
            "language" => "language",
            "creation-date" => "created",
            "date" => "modified",
            "document-statistic" => {
                pairs.extend(tag.attribute("page-count").map(|count| ("page_count", count)));
                return Ok(Visit::Skip);
            }
            _ => return Ok(Visit::Enter),
        };
        pairs.push((key, xml.text()?));
        Ok(Visit::Done)
    };
    let _ = xml.each(child, |_| {});
    for (key, value) in pairs {
        draft.note(key, &value);
    }
    draft.lang = draft.metadata.get("language").and_then(|tag| primary_language(tag));
}

#[derive(Default)]
struct OdfReading {
    draft: DocumentDraft,
    styles: OdfStyles,
    lists: Lists,
    around: Around,
    /// For each column of the table, the merged cell that hangs into it and for how many more rows.
    hanging: Vec<(String, usize)>,
    /// Paragraphs, tables and slides so far.
    counts: [usize; 3],
    /// The slide that is being read.
    place: Option<Location>,
}

impl OdfReading {
    /// Reads the part `name` with the styles in it.
    fn read(
        &mut self,
        package: &mut Package<'_>,
        source: &SourceFile<'_>,
        name: &str,
    ) -> Result<()> {
        let text = package.required(name)?;
        self.styles.read(&mut Xml::new(source.path, name, &text))?;
        self.flow(&mut Xml::new(source.path, name, &text))
    }

    fn next_place(&mut self) -> Location {
        self.counts[0] += 1;
        self.here()
    }

    /// The place of what was read last.
    fn here(&self) -> Location {
        self.place.clone().unwrap_or_else(|| part(Unit::Paragraph, self.counts[0].max(1), None))
    }

    /// Reads what stands between the tags of a body, a list, a slide.
    fn flow(&mut self, xml: &mut Xml<'_>) -> Result<()> {
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "h" => {
                    self.heading(xml, tag)?;
                    Visit::Done
                }
                "p" => {
                    self.plain_paragraph(xml, tag)?;
                    Visit::Done
                }
                "list" => {
                    self.list(xml, tag)?;
                    Visit::Done
                }
                "table" => {
                    self.table(xml, tag)?;
                    Visit::Done
                }
                "page" => {
                    self.counts[2] += 1;
                    let style = tag.attribute("style-name").unwrap_or_default();
                    let mark = self.styles.is_hidden(&style).then_some("hidden");
                    self.place = Some(part(Unit::Slide, self.counts[2], mark));
                    self.flow(xml)?;
                    self.place = None;
                    Visit::Done
                }
                "frame" if is_title(tag) => {
                    let text = one_line(&self.frame_text(xml)?);
                    let location = self.next_place();
                    self.draft.heading(1, &text, &location);
                    Visit::Done
                }
                "desc" | "title" if self.place.is_some() => Visit::Skip,
                _ => self.apart(xml, tag)?,
            })
        };
        xml.each(child, |_| {})
    }

    fn heading(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<()> {
        let level = tag.number("outline-level").unwrap_or(1);
        let (text, boxes) = self.paragraph(xml, tag)?;
        let number = match text.trim().is_empty() {
            true => None,
            false => self.lists.heading(self.styles.outline(), level),
        };
        let number = number.map(|number| format!("{number} ")).unwrap_or_default();
        let location = self.next_place();
        self.draft.heading(level, &format!("{number}{text}"), &location);
        self.boxes(boxes, &location);
        Ok(())
    }

    fn plain_paragraph(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<()> {
        let style = tag.attribute("style-name").unwrap_or_default();
        let (text, boxes) = self.paragraph(xml, tag)?;
        let location = self.next_place();
        match self.styles.parent(&style) {
            "Title" => self.draft.heading(1, &text, &location),
            "Quotations" => self.draft.block(BlockKind::Quote, &text, &location),
            "Preformatted_20_Text" => self.draft.block(BlockKind::Code, &text, &location),
            _ => self.draft.block(BlockKind::Paragraph, &text, &location),
        }
        self.boxes(boxes, &location);
        Ok(())
    }

    /// Adds the texts of notes and frames, and the comments that were met.
    fn boxes(&mut self, boxes: Vec<String>, location: &Location) {
        for text in boxes {
            self.draft.block(BlockKind::Paragraph, &text, location);
        }
        for comment in self.around.comments.drain(..) {
            self.draft.block(BlockKind::Quote, &comment, location);
        }
    }

    fn list(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<()> {
        let goes_on = tag.attribute("continue-list").or_else(|| {
            tag.attribute("continue-numbering").filter(|on| on == "true").map(|_| String::new())
        });
        let (style, id) = (tag.attribute("style-name"), tag.attribute("id"));
        self.lists.begin(style, id, goes_on.as_deref());
        // What stands before the next paragraph; only the first of an item has something.
        let mut label: Option<String> = None;
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            Ok(match tag.name() {
                "list-item" => {
                    label = Some(self.label(tag.number("start-value")));
                    Visit::Enter
                }
                "list" => {
                    self.list(xml, tag)?;
                    Visit::Done
                }
                "p" => {
                    let (text, boxes) = self.paragraph(xml, tag)?;
                    let location = self.next_place();
                    let label = label.take().unwrap_or_else(|| "-".to_owned());
                    self.draft.block(BlockKind::ListItem, &format!("{label} {text}"), &location);
                    self.boxes(boxes, &location);
                    Visit::Done
                }
                "h" => {
                    self.heading(xml, tag)?;
                    Visit::Done
                }
                _ => self.apart(xml, tag)?,
            })
        };
        let result = xml.each(child, |_| {});
        self.lists.end();
        result
    }

    /// Number or bullet of the item that begins.
    fn label(&mut self, start: Option<u32>) -> String {
        let style = self.lists.here().map(|(style, _)| style.to_owned()).unwrap_or_default();
        let label = self.lists.next(self.styles.list(&style), start);
        label.unwrap_or_else(|| "-".to_owned())
    }

    /// The text of a paragraph, and the texts of notes and frames in it.
    fn paragraph(&mut self, xml: &mut Xml<'_>, tag: &Tag<'_>) -> Result<(String, Vec<String>)> {
        let look = self.styles.look(&tag.attribute("style-name").unwrap_or_default());
        let mut boxes = Vec::new();
        let text = self.text(xml, look, Some(&mut boxes))?;
        Ok((text, boxes))
    }

    /// The text of a frame, note or cell: its paragraphs, a blank between them.
    fn frame_text(&mut self, xml: &mut Xml<'_>) -> Result<String> {
        self.text(xml, Look::default(), None)
    }

    /// The text up to the end of the element that was begun; what frames in it hold goes to
    /// `boxes`, if they are kept apart.
    fn text(
        &mut self,
        xml: &mut Xml<'_>,
        look: Look,
        mut boxes: Option<&mut Vec<String>>,
    ) -> Result<String> {
        let mut runs = Runs::default();
        let mut looks = vec![look];
        while let Some(&look) = looks.last() {
            let tag = match xml.next()? {
                None => break,
                Some(Node::End) => {
                    looks.pop();
                    continue;
                }
                Some(Node::Text(piece)) => {
                    runs.push_squeezed(look, &piece);
                    continue;
                }
                Some(Node::Start(tag)) => tag,
            };
            let style = || tag.attribute("style-name").unwrap_or_default();
            let mut inner = look;
            match (tag.name(), boxes.as_deref_mut()) {
                ("s", _) => {
                    let count = tag.number("c").unwrap_or(1).min(MAX_BLANKS);
                    runs.push(look, &" ".repeat(count));
                }
                ("tab", Some(_)) => runs.push(look, "\t"),
                ("line-break", Some(_)) => runs.push(look, "\n"),
                ("tab" | "line-break", None) => runs.push_squeezed(look, " "),
                ("p" | "h", None) => {
                    runs.push_squeezed(Look::default(), " ");
                    inner = look.with(self.styles.look(&style()));
                }
                ("span" | "a", _) => inner = look.with(self.styles.look(&style())),
                ("note-body" | "text-box", Some(boxes)) => {
                    boxes.push(self.frame_text(xml)?);
                    continue;
                }
                ("ruby-text", _) => {
                    let reading = xml.text()?;
                    runs.push(look, &format!("({})", reading.trim()));
                    continue;
                }
                ("note-citation", _) | ("desc" | "title", Some(_)) => {
                    xml.skip()?;
                    continue;
                }
                _ => match self.apart(xml, &tag)? {
                    Visit::Enter => {}
                    Visit::Skip => {
                        xml.skip()?;
                        continue;
                    }
                    Visit::Done => continue,
                },
            }
            looks.push(inner);
        }
        Ok(runs.finish())
    }
}

fn is_title(tag: &Tag<'_>) -> bool {
    tag.attribute("class").as_deref() == Some("title")
}
