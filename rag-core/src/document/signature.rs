//! How a file shows its format: by its first bytes, its parts, or how its text begins.

use super::vocabulary::DocumentKind;

/// How the content of a file shows that it has a format.
#[derive(Clone, Copy)]
pub(super) enum Signature {
    /// Not at all.
    Unmarked,
    /// By its first bytes.
    Start(&'static [u8]),
    /// By its first and last bytes, whatever else it mentions.
    Whole(fn(&[u8]) -> bool),
    /// By bytes near its start, but for texts that only mention them.
    Near(&'static [u8]),
    /// As a zip package that declares a type which begins so.
    Declared(&'static str),
    /// As a zip package with one of these parts; one that ends with `/` is a folder with anything
    /// in it.
    Parts(&'static [&'static str]),
    /// As a zip package that is nothing else.
    Zip,
    /// As a compound file with one of these streams.
    Streams(&'static [&'static str]),
    /// As a picture, if something is there to read it.
    Picture,
    /// By the beginning of its text, which is handed over as bytes; what the name says counts for
    /// nothing.
    Page(fn(&[u8]) -> bool),
    /// As `Page`, if the name says no other format.
    Text(fn(&[u8]) -> bool),
}

/// What the extension of a file proves.
#[derive(Clone, Copy)]
pub(super) enum ByName {
    /// Nothing: the file has the signature or another format.
    Nothing,
    /// The format, unless a signature says another one.
    Enough,
    /// The format if the text begins so, else another one.
    If(fn(&[u8]) -> bool, DocumentKind),
}

/// Whether an XML declaration stands first.
pub(super) fn shows_xml(head: &[u8]) -> bool {
    begins(head, b"<?xml")
}

/// Whether a calendar begins.
pub(super) fn shows_calendar(head: &[u8]) -> bool {
    begins(head, b"BEGIN:VCALENDAR")
}

/// Whether an address card begins.
pub(super) fn shows_contacts(head: &[u8]) -> bool {
    begins(head, b"BEGIN:VCARD")
}

/// Whether the text begins with `mark` in any case, after white space and in UTF-16 too.
fn begins(head: &[u8], mark: &[u8]) -> bool {
    let narrow = narrow(head);
    let first = narrow.trim_ascii_start();
    first.get(..mark.len()).is_some_and(|head| head.eq_ignore_ascii_case(mark))
}

/// Whether the first message of a mailbox begins.
pub(super) fn shows_mailbox(head: &[u8]) -> bool {
    begins_mailbox(head) && shows_mail(after_line(head))
}

/// Whether the line stands first that parts the messages of a mailbox.
pub(super) fn begins_mailbox(head: &[u8]) -> bool {
    head.starts_with(b"From ")
}

/// What stands after the first line.
fn after_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| at + 1);
    bytes.get(end..).unwrap_or_default()
}

/// Whether the file begins with the header of an e-mail.
pub(super) fn shows_mail(head: &[u8]) -> bool {
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
pub(super) fn shows_man(head: &[u8]) -> bool {
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

/// The bytes without zeros and marks: what ASCII looks like in UTF-16.
fn narrow(head: &[u8]) -> Vec<u8> {
    head.iter().copied().filter(|&byte| !matches!(byte, 0 | 0xFE | 0xFF)).collect()
}

/// Whether the text begins as HTML does, after white space, comments and an XML declaration.
pub(super) fn shows_html(head: &[u8]) -> bool {
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
