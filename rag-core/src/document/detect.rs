//! Which format a file is: its content first, then its extension.

use super::binary::cfb::{Compound, SIGNATURE};
use super::package::Package;
use super::picture::PictureFormat;
use super::{Kind, Source, encoding};
use crate::error::{Error, Result, Unreadable};

/// Bytes at the start in which a format must show itself.
const HEAD_BYTES: usize = 1024;

/// The format to read the file as.
///
/// # Errors
/// [`Error::Document`] naming the type, if it is one we know and have no reader for.
pub(super) fn detect(source: &Source<'_>) -> Result<Kind> {
    let head = source.bytes.get(..HEAD_BYTES).unwrap_or(source.bytes);
    if head.windows(5).any(|window| window == b"%PDF-") && !is_markup(source) {
        return Ok(Kind::Pdf);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return detect_package(source);
    }
    if head.starts_with(b"\x1f\x8b\x08") {
        return Ok(Kind::Gzip);
    }
    if head.starts_with(&SIGNATURE) {
        return detect_compound(source);
    }
    if head.starts_with(b"{\\rtf") {
        return Ok(Kind::Rtf);
    }
    if head.starts_with(&super::tnef::SIGNATURE) {
        return Ok(Kind::Tnef);
    }
    if let Some(name) = foreign(source) {
        if source.recognizer.is_some() && PictureFormat::of(source.bytes).is_some() {
            return Ok(Kind::Picture);
        }
        let reason = format!("no reader for {name}");
        return Err(Error::document(source.path, Unreadable::Unsupported, reason));
    }
    if shows_html(head) {
        return Ok(Kind::Html);
    }
    let bare = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let kind = match kind_of_extension(&source.extension()) {
        // A section number is also the end of many other names.
        Kind::Man if !shows_man(bare) => Kind::Text,
        kind => kind,
    };
    match kind {
        Kind::Text | Kind::Calendar | Kind::Contacts => Ok(kind_of_text(bare)),
        Kind::Mbox if !bare.starts_with(b"From ") => Ok(Kind::Mail),
        Kind::Rtf => Ok(Kind::Text),
        kind => Ok(kind),
    }
}

/// What a file without a telling name is.
fn kind_of_text(bare: &[u8]) -> Kind {
    let narrow = narrow(bare);
    let first = narrow.trim_ascii_start();
    let begins =
        |mark: &[u8]| first.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark));
    match () {
        // An office program writes pages and tables under each other's names.
        () if begins(b"<?xml") => Kind::Xml,
        () if begins(b"BEGIN:VCALENDAR") => Kind::Calendar,
        () if begins(b"BEGIN:VCARD") => Kind::Contacts,
        () if bare.starts_with(b"From ") && shows_mail(after_line(bare)) => Kind::Mbox,
        () if shows_mail(bare) => Kind::Mail,
        () => Kind::Text,
    }
}

/// What stands after the first line.
fn after_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

/// Whether the name says text, so that a mention of a PDF header in it is only a mention.
fn is_markup(source: &Source<'_>) -> bool {
    !source.bytes.starts_with(b"%PDF-") && !encoding::looks_binary(source.bytes) && {
        let extension = source.extension();
        matches!(extension.as_str(), "md" | "markdown" | "html" | "htm" | "txt" | "rst")
    }
}

/// The type of pictures, archives, office files and the like, by their first bytes.
fn foreign(source: &Source<'_>) -> Option<&'static str> {
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

/// What a zip container holds, by the parts that only one format has.
fn detect_package(source: &Source<'_>) -> Result<Kind> {
    let mut package = Package::open(source)?;
    // OpenDocument and EPUB say it in a part of its own.
    let declared = package.text("mimetype").ok().flatten().unwrap_or_default();
    let opendocument = declared.trim().strip_prefix("application/vnd.oasis.opendocument.");
    if let Some(what) = opendocument {
        let kinds = [("text", Kind::Odt), ("spreadsheet", Kind::Ods), ("presentation", Kind::Odp)];
        if let Some((_, kind)) = kinds.into_iter().find(|(word, _)| what.starts_with(word)) {
            return Ok(kind);
        }
    }
    let has = |name: &str| package.has(name);
    if has("META-INF/container.xml") {
        return Ok(Kind::Epub);
    }
    if has("xl/workbook.xml") {
        return Ok(Kind::Xlsx);
    }
    if has("ppt/presentation.xml") {
        return Ok(Kind::Pptx);
    }
    if has("word/document.xml") || package.names().iter().any(|name| name.starts_with("word/")) {
        return Ok(Kind::Docx);
    }
    if has("content.xml") {
        return Ok(match source.extension().as_str() {
            "ods" | "ots" => Kind::Ods,
            "odp" | "otp" => Kind::Odp,
            _ => Kind::Odt,
        });
    }
    if has("[Content_Types].xml") || !declared.is_empty() {
        let what = if declared.is_empty() { "this office format" } else { declared.trim() };
        return Err(Error::document(
            source.path,
            Unreadable::Unsupported,
            format!("no reader for {what}"),
        ));
    }
    Ok(Kind::Zip)
}

/// What a compound file holds, by the streams that only one format has.
fn detect_compound(source: &Source<'_>) -> Result<Kind> {
    let file = Compound::open(source)?;
    let kinds = [
        ("WordDocument", Kind::Doc),
        ("Workbook", Kind::Xls),
        ("Book", Kind::Xls),
        ("PowerPoint Document", Kind::Ppt),
        ("__properties_version1.0", Kind::Msg),
    ];
    if let Some((_, kind)) = kinds.into_iter().find(|(stream, _)| file.has(stream)) {
        return Ok(kind);
    }
    let encrypted = file.has("EncryptedPackage");
    let (unreadable, reason) = match encrypted {
        true => (Unreadable::Encrypted, "encrypted: it needs a password"),
        false => (Unreadable::Unsupported, "no reader for application/x-ole-storage"),
    };
    Err(Error::document(source.path, unreadable, reason))
}

/// Whether the file begins with the header of an e-mail.
fn shows_mail(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let mut fields = 0;
    let mut known = 0;
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { break };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            break;
        }
        fields += 1;
        known += usize::from(MAIL_FIELDS.contains(&name.to_ascii_lowercase().as_str()));
    }
    fields >= 3 && known >= 2
}

/// Whether roff macros stand at the start of lines.
fn shows_man(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let macros = [".TH", ".Dd", ".SH", ".so", ".\\\"", "'\\\""];
    text.lines().any(|line| macros.iter().any(|name| line.starts_with(name)))
}

/// Fields that e-mail has and other headers have not.
const MAIL_FIELDS: [&str; 9] = [
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "delivered-to",
    "dkim-signature",
    "content-transfer-encoding",
    "x-mailer",
    "from",
];

/// The format that an extension names.
fn kind_of_extension(extension: &str) -> Kind {
    match extension {
        "html" | "htm" | "xhtml" | "xht" => Kind::Html,
        "md" | "markdown" | "mdown" | "mkd" | "mkdn" | "mdx" | "rmd" | "qmd" => Kind::Markdown,
        "csv" | "tsv" | "tab" | "psv" => Kind::Csv,
        "json" | "jsonl" | "ndjson" | "geojson" | "webmanifest" => Kind::Json,
        "ipynb" => Kind::Notebook,
        "eml" | "mht" | "mhtml" => Kind::Mail,
        "mbox" | "mbx" => Kind::Mbox,
        "rtf" => Kind::Rtf,
        "ics" | "ical" | "ifb" | "icalendar" => Kind::Calendar,
        "vcf" | "vcard" => Kind::Contacts,
        "rst" | "rest" => Kind::Rst,
        "tex" | "latex" | "ltx" => Kind::Latex,
        "man" | "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" => Kind::Man,
        "xml" | "fb2" | "rss" | "atom" | "dbk" | "docbook" | "svg" => Kind::Xml,
        _ => Kind::Text,
    }
}

/// The bytes without zeros and marks: what ASCII looks like in UTF-16.
fn narrow(head: &[u8]) -> Vec<u8> {
    head.iter().copied().filter(|&byte| !matches!(byte, 0 | 0xFE | 0xFF)).collect()
}

/// Whether the text begins as HTML does, after white space, comments and an XML declaration.
fn shows_html(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&narrow(head)).to_ascii_lowercase();
    let mut rest = text.trim_start_matches(|c: char| !c.is_ascii()).trim_start();
    loop {
        let skipped = if rest.starts_with("<!--") {
            rest.split_once("-->")
        } else if rest.starts_with("<?xml") {
            rest.split_once("?>")
        } else {
            break;
        };
        let Some((_, after)) = skipped else { return false };
        rest = after.trim_start();
    }
    rest.starts_with("<!doctype html") || rest.starts_with("<html")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn kind(name: &str, bytes: &[u8]) -> Result<Kind> {
        detect(&Source::new(Path::new(name), bytes))
    }

    #[test]
    fn content_counts_more_than_the_name() {
        assert_eq!(kind("a.txt", b"%PDF-1.5\n\x00\x01").unwrap(), Kind::Pdf);
        assert_eq!(kind("a.txt", b"\n<!-- x -->\n<!DOCTYPE HTML><p>").unwrap(), Kind::Html);
        assert_eq!(kind("a", b"<?xml version='1.0'?><html xmlns=''>").unwrap(), Kind::Html);
        assert_eq!(kind("a.md", b"# Title").unwrap(), Kind::Markdown);
        assert_eq!(kind("a.HTM", b"<p>hello").unwrap(), Kind::Html);
        assert_eq!(kind("main.rs", b"fn main() {}").unwrap(), Kind::Text);
        assert_eq!(kind("a.md", b"A PDF file begins with %PDF-1.7 and").unwrap(), Kind::Markdown);
    }

    #[test]
    fn calendars_cards_and_mails_need_no_name() {
        assert_eq!(kind("invite", b"BEGIN:VCALENDAR\r\nVERSION:2.0").unwrap(), Kind::Calendar);
        assert_eq!(kind("a.txt", b"\xEF\xBB\xBFbegin:vcard\nFN:x").unwrap(), Kind::Contacts);
        assert_eq!(kind("a.ics", b"no calendar").unwrap(), Kind::Text);
        let mail = b"From: a@b\nMessage-ID: <1@b>\nSubject: x\n\ny";
        assert_eq!(kind("1700000000.M1.host.1", mail).unwrap(), Kind::Mail);
        assert_eq!(kind("1700000000.M1.host:2,S", mail).unwrap(), Kind::Mail);
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
            assert_eq!(kind("a.txt", text.as_bytes()).unwrap(), Kind::Text, "{text}");
        }
    }
}
