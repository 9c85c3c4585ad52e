//! Which format a file is: its content first, then its extension.

use super::{Kind, Source, encoding};
use crate::error::{Error, Result};

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
    refuse_foreign(source)?;
    if shows_html(head) {
        return Ok(Kind::Html);
    }
    Ok(match source.extension().as_str() {
        "html" | "htm" | "xhtml" | "xht" => Kind::Html,
        "md" | "markdown" | "mdown" | "mkd" | "mkdn" | "mdx" | "rmd" | "qmd" => Kind::Markdown,
        _ => Kind::Text,
    })
}

/// Whether the name says text, so that a mention of a PDF header in it is only a mention.
fn is_markup(source: &Source<'_>) -> bool {
    !source.bytes.starts_with(b"%PDF-") && !encoding::looks_binary(source.bytes) && {
        let extension = source.extension();
        matches!(extension.as_str(), "md" | "markdown" | "html" | "htm" | "txt" | "rst")
    }
}

/// Refuses images, archives, office files and the like, by the type their first bytes name.
fn refuse_foreign(source: &Source<'_>) -> Result<()> {
    let Some(found) = infer::get(source.bytes) else { return Ok(()) };
    let name = found.mime_type();
    if found.matcher_type() == infer::MatcherType::Text {
        return Ok(());
    }
    // Short signatures ("BM", "MZ", "BZh") also begin ordinary sentences.
    let written_as_text = name == "application/rtf" || source.bytes.starts_with(b"%!PS");
    let text = std::str::from_utf8(head_of(source.bytes)).is_ok();
    if text && !written_as_text && !encoding::looks_binary(source.bytes) {
        return Ok(());
    }
    let name = if name == "application/zip" { zip_kind(source) } else { name };
    Err(Error::document(source.path, format!("no reader for {name}")))
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

/// Office formats are ZIP archives; their extension says which.
fn zip_kind(source: &Source<'_>) -> &'static str {
    match source.extension().as_str() {
        "docx" | "docm" => {
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        }
        "xlsx" | "xlsm" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx" | "pptm" => {
            "application/vnd.openxmlformats-officedocument.presentationml.presentation"
        }
        "epub" => "application/epub+zip",
        _ => "application/zip",
    }
}

/// Whether the text begins as HTML does, after white space, comments and an XML declaration.
fn shows_html(head: &[u8]) -> bool {
    let narrow: Vec<u8> = head.iter().copied().filter(|&b| b != 0).collect();
    let text = String::from_utf8_lossy(&narrow).to_ascii_lowercase();
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
        detect(&Source { path: Path::new(name), bytes })
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
    fn foreign_types_are_named() {
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 64]].concat();
        let error = kind("a.txt", &png).unwrap_err();
        assert_eq!(error.line(), "cannot read a.txt: no reader for image/png");
        let zip = [b"PK\x03\x04".as_slice(), &[0; 64]].concat();
        assert!(kind("a.zip", &zip).unwrap_err().line().ends_with("no reader for application/zip"));
        assert!(kind("a.docx", &zip).unwrap_err().line().contains("wordprocessingml"));
    }

    #[test]
    fn sentences_that_begin_like_a_signature_are_text() {
        for text in ["BMW builds cars.", "MZ is short.", "BZh", "ID3 is a tag.", "%! not much"] {
            assert_eq!(kind("a.txt", text.as_bytes()).unwrap(), Kind::Text, "{text}");
        }
    }
}
