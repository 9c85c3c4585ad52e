//! Which format a file is: its content first, then its extension.

use super::archive::package::Package;
use super::formats::{Format, all, by_extension, format};
use super::office::office97::cfb::{self, Compound};
use super::signature::{ByName, Signature};
use super::text::encoding;
use super::vocabulary::{DocumentKind, PictureFormat, SourceFile};
use crate::error::{Error, Result, Unreadable};

/// Bytes at the start in which a format must show itself.
const HEAD_BYTES: usize = 1024;

/// The format to read the file as.
///
/// # Errors
/// [`Error::Document`] naming the type, if it is one we know and have no reader for.
pub(super) fn detect(source: &SourceFile<'_>) -> Result<Format> {
    let head = source.bytes.get(..HEAD_BYTES).unwrap_or(source.bytes);
    if let Some(format) = whole(source.bytes) {
        return Ok(format);
    }
    if let Some(format) = near(head).filter(|_| !is_mention(source)) {
        return Ok(format);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return detect_package(source);
    }
    if head.starts_with(&cfb::SIGNATURE) {
        return detect_compound(source);
    }
    if let Some(format) = started(head) {
        return Ok(format);
    }
    if let Some(name) = foreign(source) {
        return picture(source).ok_or_else(|| unsupported(source, name));
    }
    Ok(detect_text(source, head))
}

/// The first format whose signature is as asked for.
fn first(is_it: impl Fn(Signature) -> bool) -> Option<Format> {
    all().find(|format| is_it(format.signature))
}

fn near(head: &[u8]) -> Option<Format> {
    first(|signature| match signature {
        Signature::Near(mark) => head.windows(mark.len()).any(|window| window == mark),
        _ => false,
    })
}

fn started(head: &[u8]) -> Option<Format> {
    first(|signature| matches!(signature, Signature::Start(mark) if head.starts_with(mark)))
}

fn whole(bytes: &[u8]) -> Option<Format> {
    first(|signature| matches!(signature, Signature::Whole(shows) if shows(bytes)))
}

fn picture(source: &SourceFile<'_>) -> Option<Format> {
    source.recognizer?;
    PictureFormat::of(source.bytes)?;
    first(|signature| matches!(signature, Signature::Picture))
}

fn unsupported(source: &SourceFile<'_>, name: &str) -> Error {
    Error::document(source.path, Unreadable::Unsupported, format!("no reader for {name}"))
}

/// The format of a text: what shows under any name, then the name, then what shows where the name
/// says nothing.
fn detect_text(source: &SourceFile<'_>, head: &[u8]) -> Format {
    let page = |signature| matches!(signature, Signature::Page(shows) if shows(head));
    if let Some(format) = first(page) {
        return format;
    }
    let bare = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let named =
        by_extension(&source.extension()).map_or(DocumentKind::Text, |named| match named.by_name {
            ByName::Enough => named.kind,
            ByName::If(shows, _) if shows(bare) => named.kind,
            ByName::If(_, otherwise) => otherwise,
            ByName::Nothing => DocumentKind::Text,
        });
    let text = |signature| matches!(signature, Signature::Text(shows) if shows(bare));
    let shown = if named == DocumentKind::Text { first(text) } else { None };
    shown.unwrap_or_else(|| format(named))
}

/// Whether a header of a PDF that stands behind something else is only a mention of one: in a text
/// whose name says no PDF, such as a program that reads them.
fn is_mention(source: &SourceFile<'_>) -> bool {
    let extension = source.extension();
    let may_be_pdf = || match by_extension(&extension) {
        Some(format) => format.kind == DocumentKind::Pdf,
        None => extension.is_empty(),
    };
    !source.bytes.starts_with(b"%PDF-") && !encoding::looks_binary(source.bytes) && !may_be_pdf()
}

/// The type of pictures, archives, office files and the like, by their first bytes.
fn foreign(source: &SourceFile<'_>) -> Option<&'static str> {
    let found = infer::get(source.bytes)?;
    let name = found.mime_type();
    if found.matcher_type() == infer::MatcherType::Text {
        return None;
    }
    // Short signatures ("BM", "MZ", "BZh") also begin ordinary sentences.
    let written_as_text = name == "application/rtf" || source.bytes.starts_with(b"%!PS");
    let text = std::str::from_utf8(head_of(source.bytes)).is_ok();
    let is_text = text && !written_as_text && !encoding::looks_binary(source.bytes);
    (!is_text).then_some(name)
}

/// The first bytes, cut at a character.
fn head_of(bytes: &[u8]) -> &[u8] {
    let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_none() => {
            head.get(..error.valid_up_to()).unwrap_or(head)
        }
        _ => head,
    }
}

/// What a zip container holds: what it declares, as OpenDocument does, else the parts that only one
/// format has.
fn detect_package(source: &SourceFile<'_>) -> Result<Format> {
    let mut package = Package::open(source)?;
    let declared = package.text("mimetype").ok().flatten().unwrap_or_default();
    let declared = declared.trim();
    let declares =
        |signature| matches!(signature, Signature::Declared(name) if declared.starts_with(name));
    let has = |part: &&str| match part.ends_with('/') {
        true => package.names().iter().any(|name| name.starts_with(*part)),
        false => package.has(part),
    };
    let holds = |signature| matches!(signature, Signature::Parts(parts) if parts.iter().any(has));
    if let Some(format) = first(declares).or_else(|| first(holds)) {
        return Ok(format);
    }
    if package.has("content.xml") {
        return Ok(undeclared(source));
    }
    if package.has("[Content_Types].xml") || !declared.is_empty() {
        let what = if declared.is_empty() { "this office format" } else { declared };
        return Err(unsupported(source, what));
    }
    Ok(first(|signature| matches!(signature, Signature::Zip)).unwrap_or(format(DocumentKind::Zip)))
}

/// An OpenDocument file that does not declare what it is.
fn undeclared(source: &SourceFile<'_>) -> Format {
    let named = by_extension(&source.extension());
    let declares = |format: &Format| matches!(format.signature, Signature::Declared(_));
    named.filter(declares).unwrap_or(format(DocumentKind::Odt))
}

/// What a compound file holds, by the streams that only one format has.
fn detect_compound(source: &SourceFile<'_>) -> Result<Format> {
    let file = Compound::open(source)?;
    let has = |stream: &&str| file.has(stream);
    let holds = |signature| matches!(signature, Signature::Streams(names) if names.iter().any(has));
    if let Some(format) = first(holds) {
        return Ok(format);
    }
    if file.has("EncryptedPackage") {
        let reason = "encrypted: it needs a password";
        return Err(Error::document(source.path, Unreadable::Encrypted, reason));
    }
    Err(unsupported(source, "application/x-ole-storage"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn kind(name: &str, bytes: &[u8]) -> Result<DocumentKind> {
        detect(&SourceFile::new(Path::new(name), bytes)).map(|format| format.kind)
    }

    #[test]
    fn content_counts_more_than_the_name() {
        assert_eq!(kind("a.txt", b"%PDF-1.5\n\x00\x01").unwrap(), DocumentKind::Pdf);
        assert_eq!(kind("a.txt", b"\n<!-- x -->\n<!DOCTYPE HTML><p>").unwrap(), DocumentKind::Html);
        assert_eq!(kind("a", b"<?xml version='1.0'?><html xmlns=''>").unwrap(), DocumentKind::Html);
        assert_eq!(kind("a.md", b"# Title").unwrap(), DocumentKind::Markdown);
        assert_eq!(kind("a.HTM", b"<p>hello").unwrap(), DocumentKind::Html);
        assert_eq!(kind("main.rs", b"fn main() {}").unwrap(), DocumentKind::Text);
        assert_eq!(kind("a.py", b"MARK = b'%PDF-'\n").unwrap(), DocumentKind::Text);
        assert_eq!(kind("a.bin", b"\x00\x01%PDF-1.7\n").unwrap(), DocumentKind::Pdf);
        assert_eq!(kind("a.pdf", b"junk\n%PDF-1.7\n").unwrap(), DocumentKind::Pdf);
        assert_eq!(
            kind("a.md", b"A PDF file begins with %PDF-1.7 and").unwrap(),
            DocumentKind::Markdown
        );
    }

    #[test]
    fn calendars_cards_and_mails_need_no_name() {
        assert_eq!(
            kind("invite", b"BEGIN:VCALENDAR\r\nVERSION:2.0").unwrap(),
            DocumentKind::Calendar
        );
        assert_eq!(
            kind("a.txt", b"\xEF\xBB\xBFbegin:vcard\nFN:x").unwrap(),
            DocumentKind::Contacts
        );
        assert_eq!(kind("a.ics", b"no calendar").unwrap(), DocumentKind::Text);
        let mail = b"From: a@b\nMessage-ID: <1@b>\nSubject: x\n\ny";
        assert_eq!(kind("1700000000.M1.host.1", mail).unwrap(), DocumentKind::Mail);
        assert_eq!(kind("1700000000.M1.host:2,S", mail).unwrap(), DocumentKind::Mail);
    }

    #[test]
    fn parquet_shows_at_both_ends_or_is_cut() {
        let parquet = Some(DocumentKind::Parquet);
        assert_eq!(kind("a", b"PAR1 with anything, %PDF-1.7 too, PAR1").ok(), parquet);
        assert_eq!(kind("a.txt", b"PAR1\x15\x04\x15\x00\x00\x00\x00\x00\x00\x00").ok(), parquet);
        assert_eq!(kind("a", b"PAREand a footer that nobody readsPARE").ok(), parquet);
        for text in ["PAR1 is a mark.", "PAREILLE", "PAR1"] {
            assert_eq!(kind("a.txt", text.as_bytes()).ok(), Some(DocumentKind::Text), "{text}");
        }
    }

    #[test]
    fn foreign_types_are_named() {
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 64]].concat();
        let error = kind("a.txt", &png).unwrap_err();
        assert_eq!(error.line(), "cannot read a.txt: no reader for image/png");
        let zip = [b"PK\x03\x04".as_slice(), &[0; 64]].concat();
        assert!(kind("a.docx", &zip).unwrap_err().line().contains("broken zip container"));
    }

    #[test]
    fn sentences_that_begin_like_a_signature_are_text() {
        for text in ["BMW builds cars.", "MZ is short.", "BZh", "ID3 is a tag.", "%! not much"] {
            assert_eq!(kind("a.txt", text.as_bytes()).unwrap(), DocumentKind::Text, "{text}");
        }
    }
}
