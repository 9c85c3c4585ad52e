//! E-mail: a message, or a mailbox of many; what is attached is read as the file that it is.

use std::borrow::Cow;
use std::path::Path;

use mail_parser::{Address, HeaderName, Message, MessageParser};

use crate::document::markup::html::HtmlReader;
use crate::document::text::{encoding, plain};
use crate::document::vocabulary::{
    BlockKind, Document, DocumentKind, Location, Reader, SourceFile, Unit, one_line,
};
use crate::document::writing::draft::{DocumentDraft, part};
use crate::error::{Error, Result, Unreadable};

mod flowed;
mod fuller;
mod lzfu;
pub(in crate::document) mod msg;
mod parts;
mod secured;
pub(in crate::document) mod tnef;

pub(in crate::document) use fuller::add_fuller;

/// Reads one message (RFC 5322 and MIME).
pub(in crate::document) struct MailReader;

/// Reads a mailbox (RFC 4155).
pub(in crate::document) struct MboxReader;

/// Messages of a mailbox that are read.
const MAX_MESSAGES: usize = 100_000;

impl Reader for MailReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        // Mail is ASCII with marks; a program that saved it as UTF-16 made it no mail to a parser.
        let wide = source.bytes.iter().take(64).any(|&byte| byte == 0);
        let decoded = if wide { Some(encoding::decode(source, None)?.text) } else { None };
        let bytes = decoded.as_ref().map_or(source.bytes, |text| text.as_bytes());
        let message = MessageParser::default().parse(bytes);
        let message = message
            .ok_or_else(|| Error::document(source.path, Unreadable::Broken, "broken e-mail"))?;
        let mut draft = DocumentDraft::default();
        add_message(&mut draft, &message, source, &part(Unit::Message, 1, None));
        draft.finish(DocumentKind::Mail, source)
    }
}

impl Reader for MboxReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut draft = DocumentDraft::default();
        let mut count = 0;
        for (index, bytes) in messages(source.bytes).take(MAX_MESSAGES).enumerate() {
            count = index + 1;
            let bytes = without_quoted_from(bytes);
            let Some(message) = MessageParser::default().parse(bytes.as_ref()) else { continue };
            let subject = Some(subject(&message)).filter(|subject| !subject.is_empty());
            let place = part(Unit::Message, count, subject.as_deref());
            add_message(&mut draft, &message, source, &place);
        }
        draft.metadata.clear();
        draft.note("message_count", &count.to_string());
        let name = source.path.file_stem().unwrap_or_default().to_string_lossy();
        draft.title = Some(name.into_owned());
        draft.finish(DocumentKind::Mbox, source)
    }
}

/// The messages of a mailbox: each begins after a line that begins with `From `, itself between a
/// blank line and a header field.
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

/// A message of a mailbox without the marks before lines that begin with `From `, which only part
/// messages there.
fn without_quoted_from(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_quoted = |line: &[u8]| {
        let marks = line.iter().take_while(|&&byte| byte == b'>').count();
        marks > 0 && line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "))
    };
    if !bytes.split(|&byte| byte == b'\n').any(is_quoted) {
        return Cow::Borrowed(bytes);
    }
    let lines = bytes.split_inclusive(|&byte| byte == b'\n');
    let bare = lines.flat_map(|line| line.get(usize::from(is_quoted(line))..).unwrap_or_default());
    Cow::Owned(bare.copied().collect())
}

fn begins_with_field(bytes: &[u8]) -> bool {
    let name = bytes.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count();
    name > 0 && bytes.get(name) == Some(&b':')
}

/// Adds subject, header and text of a message, and the texts of what is attached to it.
fn add_message(
    draft: &mut DocumentDraft,
    message: &Message<'_>,
    source: &SourceFile<'_>,
    place: &Location,
) {
    let subject = subject(message);
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
    let names = parts::MailParts::new(draft, message, source, place).add();
    draft.note("attachments", &names.join(", "));
}

/// The subject, also where it was written in bytes that are not ASCII.
fn subject(message: &Message<'_>) -> String {
    let subject = message.subject().map(one_line).unwrap_or_default();
    if !subject.contains('\u{fffd}') {
        return subject;
    }
    let header = message.headers().iter().rfind(|header| header.name == HeaderName::Subject);
    let written = header.and_then(|h| unmarked(message, h.offset_start, h.offset_end));
    written.map_or(subject, |written| one_line(&written))
}

/// A stretch of the message whose encoding nothing says.
fn unmarked(message: &Message<'_>, start: u32, end: u32) -> Option<String> {
    let range = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
    let bytes = message.raw_message.get(range)?;
    let decoded = encoding::decode(&SourceFile::new(Path::new(""), bytes), None).ok()?;
    Some(decoded.text)
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

/// The paragraphs of a text; quoted ones begin with `>`.
pub(in crate::document) fn add_text(draft: &mut DocumentDraft, content: &str, place: &Location) {
    for block in plain::paragraphs(content) {
        let paragraph = content.get(block.range).unwrap_or_default();
        let quoted = paragraph.lines().all(|line| line.trim_start().starts_with('>'));
        let kind = if quoted { BlockKind::Quote } else { BlockKind::Paragraph };
        draft.block(kind, paragraph, place);
    }
}

/// A page as a document; nothing if it cannot be read.
pub(in crate::document) fn html(content: &str, source: &SourceFile<'_>) -> Option<Document> {
    let bytes = [b"\xEF\xBB\xBF", content.as_bytes()].concat();
    HtmlReader.read(&SourceFile { bytes: &bytes, ..*source }).ok()
}

/// The blocks of a document, all at one place.
pub(in crate::document) fn add_blocks(
    draft: &mut DocumentDraft,
    document: &Document,
    place: &Location,
) {
    for block in &document.blocks {
        let content = document.text.get(block.range.clone()).unwrap_or_default();
        draft.block(block.kind, content, place);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::document::source_file;
    use crate::document::vocabulary::unread;

    const MAIL: &str = "From: =?utf-8?q?Zo=C3=A9?= <zoe@example.org>\r\nTo: lab@example.org\r\nSubject: Rendez-vous\r\n\
Date: Tue, 24 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nL=E0-bas.\r\n\r\n> cit=E9\r\n--b\r\n\
Content-Type: text/csv; name=\"prix.csv\"\r\nContent-Disposition: attachment; filename=\"prix.csv\"\r\n\r\nnom,prix\r\nbois,3\r\n--b--\r\n";

    fn read(reader: &dyn Reader, name: &str, text: &str) -> Document {
        reader.read(&source_file(Path::new(name), text.as_bytes())).unwrap()
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
        let source = source_file(Path::new("a.eml"), &wide);
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

    /// A message of two versions.
    fn versions(plain: &str, page: &str) -> String {
        let mail = format!(
            "Subject: Order\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\
             Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain\n\n{plain}\n--a\n\
             Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n{page}\n--r\n\
             Content-Type: image/png; name=logo.png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r--\n--a--\n--m--\n"
        );
        read(&MailReader, "a.eml", &mail).text
    }

    #[test]
    fn of_two_versions_the_fuller_one_counts() {
        let page = "<p>The parcel leaves Ostend on 9 November.</p><p>It weighs 3.4 kg.</p>";
        let stub = versions("To view this message, please use a viewer of HTML.", page);
        assert_eq!(stub, "Order\n\nThe parcel leaves Ostend on 9 November.\n\nIt weighs 3.4 kg.");
        assert_eq!(versions("", page), stub);
        let same = "The parcel leaves Ostend on 9 November.\n\n> Quoted.\n\nIt weighs 3.4 kg.";
        assert_eq!(versions(same, page), format!("Order\n\n{same}"));
        let french = versions("Pour lire ce message, utilisez un lecteur HTML.", page);
        assert_eq!(french, stub);
        let other = versions("The pier is closed until noon.", page);
        assert_eq!(other, format!("{stub}\n\nThe pier is closed until noon."));
        let coded = versions("Your code is 991827.", page);
        assert!(coded.ends_with("It weighs 3.4 kg.\n\nYour code is 991827."), "{coded}");
    }

    #[test]
    fn bytes_of_no_named_encoding_are_guessed() {
        let bytes =
            b"Subject: caf\xE9\nMessage-ID: <1@x>\n\nLe caf\xE9 est ferm\xE9 demain matin.\n";
        let document = MailReader.read(&source_file(Path::new("a.eml"), bytes)).unwrap();
        assert_eq!(document.text, "caf\u{e9}\n\nLe caf\u{e9} est ferm\u{e9} demain matin.");
    }

    #[test]
    fn what_is_attached_and_not_read_is_noted() {
        let (_, notes) = unread::set_aside(|| versions("a", "<p>b</p>"));
        unread::keep(notes);
        let noted = unread::take();
        assert_eq!(noted[0].to_string(), "1 picture (logo.png)");
        let mail = "Subject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n\
                    Body.\n--b\nContent-Type: application/octet-stream; name=plan.dwg\n\n\0\x01AC\n--b\n\
                    Content-Type: message/external-body; name=big.iso\n\n\n--b\n\
                    Content-Type: multipart/encrypted; boundary=c\n\n--c\nContent-Type: application/pgp-encrypted\n\n\
                    Version: 1\n--c--\n--b--\n";
        assert_eq!(read(&MailReader, "a.eml", mail).text, "x\n\nBody.");
        let noted: Vec<String> = unread::take().iter().map(ToString::to_string).collect();
        assert_eq!(noted[0], "2 attachments (plan.dwg, message/external-body: big.iso)");
        assert_eq!(noted[1], "1 locked part (encrypted message)");
    }

    #[test]
    fn a_mailbox_unquotes_lines_that_begin_with_from() {
        let mailbox = "From c@d Wed\nSubject: Two\n\n>From here on.\n>>From two.\n";
        let document = read(&MboxReader, "a.mbox", mailbox);
        assert!(document.text.ends_with("From here on.\n>From two."), "{}", document.text);
    }
}
