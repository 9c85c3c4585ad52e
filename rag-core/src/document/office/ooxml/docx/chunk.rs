//! Files of other formats that stand in the text as they are (`altChunk`; ECMA-376 part 1,
//! 17.17.2.1).

use super::DocxReading;
use crate::document::archive::package::Package;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::vocabulary::{Document, SourceFile, Unit, UnreadKind, unread};
use crate::error::Result;

/// Extensions that the media type of a part stands for.
const TYPES: [(&str, &str); 7] = [
    ("html", "html"),
    ("rtf", "rtf"),
    ("rfc822", "eml"),
    ("multipart", "eml"),
    ("mime", "eml"),
    ("xml", "xml"),
    ("plain", "txt"),
];

impl DocxReading<'_> {
    /// Reads the file that `tag` refers to by the reader of its format.
    pub(super) fn chunk(&mut self, tag: &Tag<'_>) -> Result<()> {
        let id = tag.attribute("id").unwrap_or_default();
        let target = self.relations.iter().find(|relation| relation.id == id);
        let Some(target) = target.map(|relation| relation.target.clone()) else {
            unread::note(UnreadKind::EmbeddedFile, 1);
            return Ok(());
        };
        self.paragraph += 1;
        let (read, notes) = unread::set_aside(|| self.read_chunk(&target));
        match read {
            Ok(document) if !document.text.trim().is_empty() => {
                unread::keep(notes);
                let number = u32::try_from(self.paragraph).unwrap_or(u32::MAX);
                self.draft.append(&document, Unit::Paragraph, number, "");
            }
            _ => {
                let name = target.rsplit('/').next().unwrap_or(&target);
                unread::note_named(UnreadKind::EmbeddedFile, name);
            }
        }
        self.draft.check(self.source)
    }

    fn read_chunk(&mut self, target: &str) -> Result<Document> {
        let bytes = self.package.bytes(target)?.unwrap_or_default();
        let media_type = media_type(&mut self.package, self.source, target)?;
        let found = TYPES.iter().find(|(word, _)| media_type.contains(word));
        // What the container says counts more than the name it was given.
        let name = match found {
            Some((_, extension)) => format!("{target}.{extension}"),
            None if target.ends_with(".mht") || target.ends_with(".mhtml") => {
                format!("{target}.eml")
            }
            None => target.to_owned(),
        };
        self.source.read_inside(&name, &bytes)
    }
}

/// The media type that the container gives a part, in lower case (ECMA-376 part 2, 7.2.3).
fn media_type(package: &mut Package<'_>, source: &SourceFile<'_>, part: &str) -> Result<String> {
    let name = "[Content_Types].xml";
    let Some(text) = package.text(name)? else { return Ok(String::new()) };
    let (_, extension) = part.rsplit_once('.').unwrap_or_default();
    let (mut by_name, mut by_extension) = (None, None);
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        let named = tag.attribute("PartName");
        if named.is_some_and(|named| named.trim_start_matches('/') == part) {
            by_name = tag.attribute("ContentType");
        }
        if tag.attribute("Extension").is_some_and(|named| named.eq_ignore_ascii_case(extension)) {
            by_extension = tag.attribute("ContentType");
        }
        Ok(Visit::Enter)
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    let found = by_name.or(by_extension).unwrap_or_default().to_lowercase();
    // Office formats end in `+xml` and are known by what is in them.
    Ok(if found.contains("officedocument") || found.contains("msword") {
        String::new()
    } else {
        found.replace("xhtml+xml", "html")
    })
}
