//! Values of dictionaries: numbers and text.

use lopdf::{Dictionary, Document, Object, decode_text_string};

use crate::document::vocabulary::one_line;

/// An integer of a dictionary.
pub(super) fn number(file: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<i64> {
    dictionary.get_deref(key, file).ok()?.as_i64().ok()
}

/// A text string on one line.
pub(super) fn text(file: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<String> {
    text_of(file, dictionary.get(key).ok()?)
}

/// The text of a string or of a stream with one.
pub(super) fn text_of(file: &Document, object: &Object) -> Option<String> {
    let (_, object) = file.dereference(object).ok()?;
    let decoded = match object {
        Object::Stream(stream) => {
            let bytes = stream.get_plain_content_with_limit(1 << 20).ok()?;
            decode_text_string(&Object::String(bytes, lopdf::StringFormat::Literal)).ok()?
        }
        Object::Name(name) => String::from_utf8_lossy(name).into_owned(),
        object => decode_text_string(object).ok()?,
    };
    Some(one_line(&decoded.replace('\0', "")))
}
