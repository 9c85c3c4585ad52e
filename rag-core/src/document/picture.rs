//! Pictures: their text, as far as the caller brings something that can see it.

use std::collections::BTreeMap;

use crate::document::limits;
use crate::document::text::plain;
use crate::document::vocabulary::{
    Document, DocumentKind, Picture, PictureFormat, Reader, SourceFile, SourceMap,
};
use crate::error::{Error, Result, Unreadable};

/// Reads pictures by the caller's recognizer.
pub(in crate::document) struct PictureReader;

impl Reader for PictureReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let (Some(recognizer), Some(format)) = (source.recognizer, PictureFormat::of(source.bytes))
        else {
            return Err(Error::document(source.path, Unreadable::Unsupported, "a picture"));
        };
        let picture = Picture { bytes: source.bytes, format, page: None };
        let text = limits::untimed(|| recognizer.recognize(&picture))?.trim().to_owned();
        let mut source_map = SourceMap::default();
        source_map.push_whole(0, &text, 0..source.bytes.len() as u64);
        Ok(Document {
            kind: DocumentKind::Picture,
            title: None,
            lang: None,
            blocks: plain::paragraphs(&text),
            sections: Vec::new(),
            text,
            source_map,
            metadata: BTreeMap::new(),
            unread: Vec::new(),
        })
    }
}
