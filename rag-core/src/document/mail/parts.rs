//! The parts of a message (RFC 2046): its body, and what is attached.

use mail_parser::{Encoding, Message, MessagePart, MessagePartId, MimeHeaders, PartType};

use super::{add_blocks, add_message, add_text, flowed, fuller, html, secured, unmarked};

use crate::document::vocabulary::{
    Document, DocumentKind, Location, MAX_FILE_DEPTH, SourceFile, Unit, UnreadKind, one_line,
    unread,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::{Result, Unreadable};

/// Parts inside parts.
const MAX_DEPTH: usize = 64;

/// Walks through the parts of one message.
pub(super) struct MailParts<'d, 'm> {
    draft: &'d mut DocumentDraft,
    message: &'m Message<'m>,
    source: &'m SourceFile<'m>,
    place: &'m Location,
    /// What is to be read after the body.
    attached: Vec<&'m MessagePart<'m>>,
}

impl<'d, 'm> MailParts<'d, 'm> {
    pub(super) fn new(
        draft: &'d mut DocumentDraft,
        message: &'m Message<'m>,
        source: &'m SourceFile<'m>,
        place: &'m Location,
    ) -> Self {
        Self { draft, message, source, place, attached: Vec::new() }
    }

    /// Adds the body, then what is attached; gives the names of the latter.
    pub(super) fn add(mut self) -> Vec<String> {
        match self.message.parts.first() {
            // text is the body of a message that has nothing else, whatever its name
            Some(root) if is_text(root) && kind_of(root).1.starts_with("text/") => self.body(root),
            _ => self.walk(0, 0),
        }
        let mut names = Vec::new();
        for (index, attached) in std::mem::take(&mut self.attached).into_iter().enumerate() {
            let name = attached.attachment_name().map(one_line).unwrap_or_default();
            self.attachment(attached, index + 1, &name);
            names.extend(Some(name).filter(|name| !name.is_empty()));
        }
        names
    }

    fn walk(&mut self, id: MessagePartId, depth: usize) {
        let Some(part) = self.message.part(id) else { return };
        match &part.body {
            PartType::Multipart(_) if depth > MAX_DEPTH => unread::note(UnreadKind::BeyondLimit, 1),
            PartType::Multipart(children) => match kind_of(part).1.as_str() {
                "multipart/alternative" => self.alternative(children),
                "multipart/encrypted" => {
                    unread::note_named(UnreadKind::LockedPart, "encrypted message")
                }
                _ => children.iter().for_each(|&child| self.walk(child, depth + 1)),
            },
            _ if is_body(part) => self.body(part),
            _ => self.attached.push(part),
        }
    }

    fn body(&mut self, part: &MessagePart<'_>) {
        match &part.body {
            PartType::Html(content) => html(content, self.source)
                .iter()
                .for_each(|page| add_blocks(self.draft, page, self.place)),
            _ => add_text(self.draft, &plain(self.message, part), self.place),
        }
    }

    /// Versions of the same, of which the one that says more is kept.
    fn alternative(&mut self, children: &[MessagePartId]) {
        let mut leaves = Vec::new();
        children.iter().for_each(|&child| self.leaves(child, 0, &mut leaves));
        let is_page = |part: &&MessagePart<'_>| matches!(part.body, PartType::Html(_));
        let (bodies, others): (Vec<_>, Vec<_>) = leaves.into_iter().partition(|part| is_body(part));
        self.attached.extend(others);
        let (pages, texts): (Vec<_>, Vec<_>) = bodies.into_iter().partition(is_page);
        let text =
            texts.iter().map(|part| plain(self.message, part)).collect::<Vec<_>>().join("\n\n");
        let read = || pages.iter().filter_map(|part| html(part.text_contents()?, self.source));
        let (pages, notes) = unread::set_aside(|| read().collect::<Vec<Document>>());
        let Some((first, more)) = pages.split_first() else {
            return add_text(self.draft, &text, self.place);
        };
        unread::keep(notes);
        fuller::add_fuller(self.draft, &text, first, self.place);
        more.iter().for_each(|page| add_blocks(self.draft, page, self.place));
    }

    /// The parts below `id` that have no parts.
    fn leaves(&self, id: MessagePartId, depth: usize, leaves: &mut Vec<&'m MessagePart<'m>>) {
        let Some(part) = self.message.part(id) else { return };
        match &part.body {
            PartType::Multipart(_) if depth > MAX_DEPTH => unread::note(UnreadKind::BeyondLimit, 1),
            PartType::Multipart(children) => {
                children.iter().for_each(|&child| self.leaves(child, depth + 1, leaves));
            }
            _ => leaves.push(part),
        }
    }

    fn attachment(&mut self, attached: &MessagePart<'_>, number: usize, name: &str) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let (class, kind) = kind_of(attached);
        match kind.as_str() {
            "application/pgp-signature"
            | "application/pkcs7-signature"
            | "application/x-pkcs7-signature"
            | "application/pgp-keys" => return,
            "application/pgp-encrypted" => {
                return unread::note_named(UnreadKind::LockedPart, &kind);
            }
            "application/pkcs7-mime" | "application/x-pkcs7-mime" => {
                return self.secured(attached, number, name);
            }
            "message/partial" | "message/external-body" => {
                return unread::note_named(UnreadKind::Attachment, &elsewhere(attached, &kind));
            }
            // reports on delivery are fields as text
            _ if class == "message" && !is_message(attached) => {
                return add_text(
                    self.draft,
                    &String::from_utf8_lossy(attached.contents()),
                    self.place,
                );
            }
            _ => {}
        }
        let (document, notes) = unread::set_aside(|| self.read(attached, name));
        match document {
            Ok(document) => {
                unread::keep(notes);
                self.draft.append(&document, Unit::Attachment, number, name);
            }
            Err(error) => {
                let kind_of_part = match class.as_str() {
                    "image" => UnreadKind::Picture,
                    "audio" | "video" => UnreadKind::Media,
                    _ if error.unreadable() == Some(Unreadable::Encrypted) => {
                        UnreadKind::LockedPart
                    }
                    _ => UnreadKind::Attachment,
                };
                let empty = attached.contents().trim_ascii().is_empty();
                if !empty || is_message(attached) {
                    unread::note_named(kind_of_part, if name.is_empty() { &kind } else { name });
                }
            }
        }
    }

    fn read(&self, attached: &MessagePart<'_>, name: &str) -> Result<Document> {
        if let PartType::Message(message) = &attached.body
            && self.source.depth < MAX_FILE_DEPTH
        {
            let mut inner = DocumentDraft::default();
            let deeper = SourceFile { depth: self.source.depth + 1, ..*self.source };
            add_message(&mut inner, message, &deeper, &part(Unit::Message, 1, None));
            return inner.finish(DocumentKind::Mail, self.source);
        }
        self.source.read_inside(&file_name(attached, name), attached.contents())
    }

    /// What S/MIME signed is read; what it encrypted is locked.
    fn secured(&mut self, attached: &MessagePart<'_>, number: u32, name: &str) {
        let signed = secured::signed_content(attached.contents());
        let read = signed.map(|bytes| self.source.read_inside("signed.eml", &bytes));
        match read {
            Some(Ok(document)) => self.draft.append(&document, Unit::Attachment, number, name),
            Some(Err(_)) => unread::note_named(UnreadKind::BrokenPart, name),
            None => unread::note_named(UnreadKind::LockedPart, name),
        }
    }
}

/// The class and the whole media type of a part, in lower case.
fn kind_of(part: &MessagePart<'_>) -> (String, String) {
    let Some(kind) = part.content_type() else {
        return ("text".to_owned(), "text/plain".to_owned());
    };
    let class = kind.c_type.to_ascii_lowercase();
    let whole = format!("{class}/{}", kind.subtype().unwrap_or_default().to_ascii_lowercase());
    (class, whole)
}

fn is_text(part: &MessagePart<'_>) -> bool {
    matches!(part.body, PartType::Text(_) | PartType::Html(_))
}

fn is_message(part: &MessagePart<'_>) -> bool {
    matches!(part.body, PartType::Message(_))
}

/// Whether a part is shown as text of the message: no name, not attached, and a kind that mail
/// programs show.
fn is_body(part: &MessagePart<'_>) -> bool {
    let kind = kind_of(part).1;
    let shown = matches!(kind.as_str(), "text/plain" | "text/html" | "text/enriched" | "text/");
    let is_attached = part.content_disposition().is_some_and(|how| how.is_attachment());
    is_text(part) && shown && !is_attached && part.attachment_name().is_none()
}

/// The text of a part as it was written.
fn plain(message: &Message<'_>, part: &MessagePart<'_>) -> String {
    let text = part.text_contents().unwrap_or_default();
    let is_marked = part.content_type().is_some_and(|kind| kind.has_attribute("charset"));
    let is_bare = part.encoding == Encoding::None && !is_marked && text.contains('\u{fffd}');
    let guessed = || unmarked(message, part.offset_body, part.offset_end);
    let guessed = if is_bare { guessed() } else { None };
    let text = guessed.as_deref().unwrap_or(text);
    let attribute = |name: &str| part.content_type().and_then(|kind| kind.attribute(name));
    let is_flowed = attribute("format").is_some_and(|format| format.eq_ignore_ascii_case("flowed"));
    let cuts = attribute("delsp").is_some_and(|delsp| delsp.eq_ignore_ascii_case("yes"));
    let text = if is_flowed { flowed::unwrapped(text, cuts) } else { text.to_owned() };
    flowed::without_armour(&text)
}

/// A name whose extension says what an attachment without one is.
fn file_name(attached: &MessagePart<'_>, name: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    let kind = kind_of(attached).1;
    let extension = match kind.as_str() {
        "text/plain" => "txt",
        "text/calendar" | "application/ics" => "ics",
        "text/vcard" | "text/x-vcard" | "text/directory" => "vcf",
        "text/markdown" => "md",
        "text/rtf" | "application/rtf" => "rtf",
        "text/tab-separated-values" => "tsv",
        "text/rfc822-headers" => "eml",
        other => other.split_once('/').map_or("bin", |(_, subtype)| subtype),
    };
    let stem = if name.is_empty() { "attachment" } else { name };
    format!("{stem}.{extension}")
}

/// Where the rest of a message lies that is not in it.
fn elsewhere(part: &MessagePart<'_>, kind: &str) -> String {
    let attribute = |name: &str| part.content_type().and_then(|kind| kind.attribute(name));
    let named = ["name", "url", "site", "id"].into_iter().find_map(attribute);
    named.map_or_else(|| kind.to_owned(), |name| format!("{kind}: {name}"))
}
