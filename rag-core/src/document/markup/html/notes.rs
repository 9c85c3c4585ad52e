//! What of a page is no text, and how that is noted.

use super::start_tag::StartTag;
use crate::document::vocabulary::{UnreadKind, unread};

/// Notes an element that holds no text to read.
pub(super) fn left_out(tag: &StartTag) {
    let name = |attributes: [&[u8]; 2]| {
        attributes.into_iter().find_map(|key| tag.text(key)).filter(|name| !name.is_empty())
    };
    let (kind, name) = match tag.name.as_slice() {
        b"script" | b"style" => (UnreadKind::Script, None),
        b"svg" | b"canvas" => (UnreadKind::Picture, None),
        // The source of one that was written into the page is cut out and noted already.
        b"img" if is_seen(tag) => (UnreadKind::Picture, name([b"alt", b"title"])),
        b"audio" | b"video" => (UnreadKind::Media, name([b"title", b"src"])),
        b"iframe" | b"object" | b"embed" | b"applet" | b"frame" => (
            UnreadKind::EmbeddedFile,
            name([b"title", b"src"]).or_else(|| name([b"data", b"name"])),
        ),
        b"textarea" | b"select" => (UnreadKind::FormField, name([b"name", b"id"])),
        _ => return,
    };
    match name {
        Some(name) => unread::note_named(kind, &name),
        None => unread::note(kind, 1),
    }
}

/// Whether a picture has a source and is larger than a dot that counts visits.
fn is_seen(tag: &StartTag) -> bool {
    let is_dot = |name: &[u8]| tag.get(name).is_some_and(|size| size == b"1" || size == b"0");
    let source = tag.get(b"src").or_else(|| tag.get(b"srcset")).or_else(|| tag.get(b"data-src"));
    source.is_some_and(|source| !source.is_empty()) && !(is_dot(b"width") && is_dot(b"height"))
}
