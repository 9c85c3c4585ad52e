//! EPUB: the chapters in reading order, each read as HTML.

use crate::document::archive::package::{Package, resolve};
use crate::document::markup::html;
use crate::document::markup::xml::{Tag, Visit, Xml};
use crate::document::text::language::primary_language;
use crate::document::vocabulary::{
    Document, DocumentKind, Reader, SourceFile, Unit, UnreadKind, first_heading, unread,
};
use crate::document::writing::draft::DocumentDraft;
use crate::error::{Error, Result, Unreadable};

/// Reads EPUB 2 and 3.
pub(in crate::document) struct EpubReader;

impl Reader for EpubReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        if package.has("META-INF/encryption.xml") && has_locked_text(&mut package)? {
            return Err(Error::document(
                source.path,
                Unreadable::Encrypted,
                "encrypted: its text is locked",
            ));
        }
        let root = root_part(&mut package, source)?;
        let text = package.required(&root)?;
        let book = EpubBook::read(source, &root, &text)?;
        let mut draft = DocumentDraft::default();
        draft.lang = book.lang;
        for (key, value) in book.metadata {
            draft.note(key, &value);
        }
        for (index, chapter) in book.chapters.iter().enumerate() {
            let Some(bytes) = package.bytes(chapter)? else {
                unread::note_named(UnreadKind::BrokenPart, chapter);
                continue;
            };
            let inner = SourceFile { bytes: &bytes, ..*source };
            // A chapter that cannot be decoded costs itself only.
            let Ok(document) = html::read_chapter(&inner) else {
                unread::note_named(UnreadKind::BrokenPart, chapter);
                continue;
            };
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            let title = first_heading(&document.text, &document.blocks);
            let name = title.or_else(|| document.title.clone()).unwrap_or_default();
            draft.append(&document, Unit::Chapter, number, &name);
        }
        draft.note("chapter_count", &book.chapters.len().to_string());
        draft.finish(DocumentKind::Epub, source)
    }
}

/// Fonts are often locked, text hardly ever.
fn has_locked_text(package: &mut Package<'_>) -> Result<bool> {
    let text = package.text("META-INF/encryption.xml")?.unwrap_or_default().to_lowercase();
    Ok(text.contains(".xhtml\"") || text.contains(".html\"") || text.contains(".htm\""))
}

/// The part that lists the others (EPUB OCF 3.3, 4.2.6.3.1).
fn root_part(package: &mut Package<'_>, source: &SourceFile<'_>) -> Result<String> {
    let name = "META-INF/container.xml";
    let text = package.required(name)?;
    let mut root = None;
    let child = |_: &mut Xml<'_>, tag: &Tag<'_>| {
        if tag.name() == "rootfile" && root.is_none() {
            root = tag.attribute("full-path");
        }
        Ok(Visit::Enter)
    };
    Xml::new(source.path, name, &text).each(child, |_| {})?;
    root.ok_or_else(|| {
        Error::document(source.path, Unreadable::Broken, "broken EPUB: it names no content")
    })
}

/// What the list of content says.
#[derive(Default)]
struct EpubBook {
    metadata: Vec<(&'static str, String)>,
    lang: Option<String>,
    /// Parts in reading order.
    chapters: Vec<String>,
}

impl EpubBook {
    fn read(source: &SourceFile<'_>, root: &str, text: &str) -> Result<Self> {
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut book = Self::default();
        // Id, part and kind of each item.
        let mut items: Vec<(String, String, String)> = Vec::new();
        let mut order = Vec::new();
        let child = |xml: &mut Xml<'_>, tag: &Tag<'_>| {
            let key = match tag.name() {
                "item" => {
                    let value = |name| tag.attribute(name).unwrap_or_default();
                    // The table of contents repeats the headings.
                    if !value("properties").split(' ').any(|word| word == "nav") {
                        let target = resolve(folder, &unescape(&value("href")));
                        items.push((value("id"), target, value("media-type")));
                    }
                    return Ok(Visit::Enter);
                }
                "itemref" => {
                    order.extend(tag.attribute("idref"));
                    return Ok(Visit::Enter);
                }
                "title" => "title",
                "creator" => "author",
                "date" => "date",
                "publisher" => "publisher",
                "description" => "description",
                "language" => "language",
                _ => return Ok(Visit::Enter),
            };
            book.metadata.push((key, xml.text()?));
            Ok(Visit::Done)
        };
        Xml::new(source.path, root, text).each(child, |_| {})?;
        let language = book.metadata.iter().find(|(key, _)| *key == "language");
        book.lang = language.and_then(|(_, tag)| primary_language(tag));
        let is_text = |kind: &str| kind.contains("html") || kind.contains("xml");
        let by_id: std::collections::HashMap<&str, &(String, String, String)> =
            items.iter().map(|item| (item.0.as_str(), item)).collect();
        let found = order.iter().filter_map(|id| by_id.get(id.as_str()));
        book.chapters = found.filter(|item| is_text(&item.2)).map(|item| item.1.clone()).collect();
        Ok(book)
    }
}

/// `%20` and the like as characters.
fn unescape(href: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = href.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| byte == b'%')
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
