//! E-mail: a message, or a mailbox of many; what is attached is read as the file that it is.

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::draft::{Draft, part};
use super::html::HtmlReader;
use super::place::Unit;
use super::{
    BlockKind, Document, Kind, Location, Reader, Source, encoding, one_line, read_inside, text,
};
use crate::error::{Error, Result, Unreadable};

/// Reads one message (RFC 5322 and MIME).
pub(super) struct MailReader;

/// Reads a mailbox (RFC 4155).
pub(super) struct MboxReader;

/// Messages of a mailbox that are read.
const MAX_MESSAGES: usize = 100_000;

impl Reader for MailReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        // Mail is ASCII with marks; a program that saved it as UTF-16 made it no mail to a parser.
        let wide = source.bytes.iter().take(64).any(|&byte| byte == 0);
        let decoded = if wide { Some(encoding::decode(source, None)?.text) } else { None };
        let bytes = decoded.as_ref().map_or(source.bytes, |text| text.as_bytes());
        let message = MessageParser::default().parse(bytes);
        let message = message
            .ok_or_else(|| Error::document(source.path, Unreadable::Broken, "broken e-mail"))?;
        let mut draft = Draft::default();
        add_message(&mut draft, &message, source, &part(Unit::Message, 1, None));
        draft.finish(Kind::Mail, source)
    }
}

impl Reader for MboxReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        let mut draft = Draft::default();
        let mut count = 0;
        for (index, bytes) in messages(source.bytes).take(MAX_MESSAGES).enumerate() {
            count = index + 1;
            let Some(message) = MessageParser::default().parse(bytes) else { continue };
            let subject = message.subject().map(one_line);
            let place = part(Unit::Message, count, subject.as_deref());
            add_message(&mut draft, &message, source, &place);
        }
        draft.metadata.clear();
        draft.note("message_count", &count.to_string());
        let name = source.path.file_stem().unwrap_or_default().to_string_lossy();
        draft.title = Some(name.into_owned());
        draft.finish(Kind::Mbox, source)
    }
}

/// The messages of a mailbox: each begins after a line that begins with `From `, itself between a blank line and
/// a header field.
fn messages(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut starts = Vec::new();
    let (mut at, mut after_blank) = (0, true);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let next = || bytes.get(at + line.len()..).unwrap_or_default();
        if after_blank && line.starts_with(b"From ") && begins_with_field(next()) {
            starts.push((at, at + line.len()));
        }
        after_blank = line.iter().all(u8::is_ascii_whitespace);
        at += line.len();
    }
    let ends: Vec<usize> =
        starts.iter().skip(1).map(|start| start.0).chain([bytes.len()]).collect();
    starts.into_iter().zip(ends).filter_map(move |((_, start), end)| bytes.get(start..end))
}

fn begins_with_field(bytes: &[u8]) -> bool {
    let name = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    name > 0 && bytes.get(name) == Some(&b':')
}

/// Adds subject, header and text of a message, and the texts of what is attached to it.
fn add_message(draft: &mut Draft, message: &Message<'_>, source: &Source<'_>, place: &Location) {
    let subject = message.subject().map(one_line).unwrap_or_default();
    draft.heading(1, &subject, place);
    let mut header = Vec::new();
    let date = message.date().map(|date| date.to_rfc3339());
    let people = [
        ("From", "author", message.from().map(addresses)),
        ("To", "to", message.to().map(addresses)),
        ("Cc", "cc", message.cc().map(addresses)),
        ("Date", "date", date),
    ];
    for (word, key, value) in people {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            draft.note(key, &value);
            header.push(format!("{word}: {value}"));
        }
    }
    draft.note("title", &subject);
    draft.block(BlockKind::Paragraph, &header.join("\n"), place);
    for body in message.text_bodies() {
        add_body(draft, body, source, place);
    }
    let mut names = Vec::new();
    for (index, attached) in message.attachments().enumerate() {
        let name = attached.attachment_name().map(one_line).unwrap_or_default();
        add_attachment(draft, attached, source, index + 1, &name);
        names.extend(Some(name).filter(|name| !name.is_empty()));
    }
    draft.note("attachments", &names.join(", "));
}

/// `Ana Lopes <ana@example.org>, ...`.
fn addresses(address: &Address<'_>) -> String {
    let shown = address.iter().map(|one| match (one.name(), one.address()) {
        (Some(name), Some(address)) => format!("{} <{address}>", one_line(name)),
        (Some(name), None) => one_line(name),
        (None, address) => address.unwrap_or_default().to_owned(),
    });
    shown.filter(|one| !one.is_empty()).collect::<Vec<_>>().join(", ")
}

fn add_body(draft: &mut Draft, body: &MessagePart<'_>, source: &Source<'_>, place: &Location) {
    match &body.body {
        PartType::Text(content) => add_text(draft, content, place),
        PartType::Html(content) => add_html(draft, content, source, place),
        _ => {}
    }
}

/// The paragraphs of a text; quoted ones begin with `>`.
pub(super) fn add_text(draft: &mut Draft, content: &str, place: &Location) {
    for block in text::paragraphs(content) {
        let paragraph = content.get(block.range).unwrap_or_default();
        let quoted = paragraph.lines().all(|line| line.trim_start().starts_with('>'));
        let kind = if quoted { BlockKind::Quote } else { BlockKind::Paragraph };
        draft.block(kind, paragraph, place);
    }
}

/// The blocks of a page, all at the place of the message.
pub(super) fn add_html(draft: &mut Draft, content: &str, source: &Source<'_>, place: &Location) {
    let bytes = [b"\xEF\xBB\xBF", content.as_bytes()].concat();
    let page = Source { bytes: &bytes, ..*source };
    let Ok(document) = HtmlReader.read(&page) else { return };
    for block in &document.blocks {
        let content = document.text.get(block.range.clone()).unwrap_or_default();
        draft.block(block.kind, content, place);
    }
}

fn add_attachment(
    draft: &mut Draft,
    attached: &MessagePart<'_>,
    source: &Source<'_>,
    number: usize,
    name: &str,
) {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let document = match &attached.body {
        PartType::Message(message) if source.depth < super::MAX_FILE_DEPTH => {
            let mut inner = Draft::default();
            let deeper = Source { depth: source.depth + 1, ..*source };
            add_message(&mut inner, message, &deeper, &part(Unit::Message, 1, None));
            inner.finish(Kind::Mail, source)
        }
        PartType::Text(_) | PartType::Html(_) | PartType::Binary(_) => {
            let named = if name.is_empty() { unnamed(attached) } else { name.to_owned() };
            read_inside(source, &named, attached.contents())
        }
        _ => return,
    };
    // A picture or program among the attachments costs only itself.
    if let Ok(document) = document {
        draft.append(&document, Unit::Attachment, number, name);
    }
}

/// A name whose extension says what a nameless attachment is.
fn unnamed(attached: &MessagePart<'_>) -> String {
    let kind = attached.content_type().and_then(|kind| kind.subtype()).unwrap_or("bin");
    format!("attachment.{kind}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    const MAIL: &str = "From: =?utf-8?q?Zo=C3=A9?= <zoe@example.org>\r\nTo: lab@example.org\r\nSubject: Rendez-vous\r\n\
Date: Tue, 24 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nL=E0-bas.\r\n\r\n> cit=E9\r\n--b\r\n\
Content-Type: text/csv; name=\"prix.csv\"\r\nContent-Disposition: attachment; filename=\"prix.csv\"\r\n\r\nnom,prix\r\nbois,3\r\n--b--\r\n";

    fn read(reader: &dyn Reader, name: &str, text: &str) -> Document {
        reader.read(&Source::new(Path::new(name), text.as_bytes())).unwrap()
    }

    #[test]
    fn header_body_and_attachment_are_text() {
        let document = read(&MailReader, "a.eml", MAIL);
        assert_eq!(document.title.as_deref(), Some("Rendez-vous"));
        assert_eq!(document.metadata["author"], "Zo\u{e9} <zoe@example.org>");
        assert!(document.text.contains("L\u{e0}-bas.\n\n> cit\u{e9}"), "{}", document.text);
        let price = document.text.find("bois").unwrap();
        let place = document.source_map.place(&(price..price + 4)).unwrap();
        assert!(place.starts_with("attachment 1 (prix.csv"), "{place}");
    }

    #[test]
    fn mail_saved_as_utf16_is_mail() {
        let units = MAIL.replace("L=E0-bas", "L=E0-haut").encode_utf16().collect::<Vec<_>>();
        let wide: Vec<u8> = [0xFEFF].into_iter().chain(units).flat_map(u16::to_le_bytes).collect();
        let source = Source::new(Path::new("a.eml"), &wide);
        let document = MailReader.read(&source).unwrap();
        assert_eq!(document.title.as_deref(), Some("Rendez-vous"));
        assert!(document.text.contains("L\u{e0}-haut."));
    }

    #[test]
    fn a_mailbox_has_numbered_messages() {
        let mailbox =
            format!("From a@b Tue\r\n{MAIL}\r\nFrom c@d Wed\nSubject: Two\n\nFrom here on.\n");
        let document = read(&MboxReader, "a.mbox", &mailbox);
        assert_eq!(document.metadata["message_count"], "2");
        let last = document.text.find("From here").unwrap();
        let place = document.source_map.place(&(last..last + 4)).unwrap();
        assert_eq!(place, "message 2 (Two)");
    }
}
