//! What is packed as a whole: gzip of one file, zip of many.

use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::document::archive::package::Package;
use crate::document::vocabulary::{Document, DocumentKind, Reader, SourceFile, Unit};
use crate::document::writing::draft::DocumentDraft;
use crate::error::{Error, Result, Unreadable};

pub(super) mod package;

/// Reads the file inside a gzip file, as what it is.
pub(in crate::document) struct GzipReader;

/// Reads every file inside a zip file.
pub(in crate::document) struct ZipReader;

/// Bytes that a gzip file may unpack to.
const MAX_BYTES: u64 = 64 << 20;

/// Times it may grow, once it is larger than `RATIO_FROM_BYTES`.
const MAX_RATIO: u64 = 100;

const RATIO_FROM_BYTES: u64 = 4 << 20;

/// Files of an archive that are read.
const MAX_FILES: usize = 2000;

impl Reader for GzipReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let size = source.bytes.len() as u64;
        let limit = MAX_BYTES.min(size.saturating_mul(MAX_RATIO).max(RATIO_FROM_BYTES));
        let mut bytes = Vec::new();
        let result = MultiGzDecoder::new(source.bytes).take(limit + 1).read_to_end(&mut bytes);
        if bytes.len() as u64 > limit {
            let reason = format!("it unpacks to more than {limit} bytes");
            return Err(Error::document(source.path, Unreadable::TooLarge, reason));
        }
        result.map_err(|error| Error::Document {
            path: source.path.to_owned(),
            unreadable: Unreadable::Broken,
            reason: "broken gzip file".to_owned(),
            source: Some(error.into()),
        })?;
        // `notes.txt.gz` holds `notes.txt`.
        let name = source.path.with_extension("").to_string_lossy().into_owned();
        let mut document = source.read_inside(&name, &bytes)?;
        document.metadata.insert("compression".to_owned(), "gzip".to_owned());
        Ok(document)
    }
}

impl Reader for ZipReader {
    fn read(&self, source: &SourceFile<'_>) -> Result<Document> {
        let mut package = Package::open(source)?;
        let mut draft = DocumentDraft::default();
        let (mut number, mut refused, mut last) = (0, 0, None);
        let mut names = package.names();
        names.sort_unstable();
        for name in names.iter().filter(|name| !name.ends_with('/')).take(MAX_FILES) {
            number += 1;
            let read = package
                .bytes(name)
                .and_then(|bytes| source.read_inside(name, &bytes.unwrap_or_default()));
            match read {
                Ok(document) => {
                    let base = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
                    let place = draft.text.len();
                    draft.append(&document, Unit::Attachment, number, &base);
                    if draft.text.len() == place {
                        refused += 1;
                    }
                }
                Err(error) => {
                    refused += 1;
                    last = Some(error);
                }
            }
            draft.check(source)?;
        }
        // A file of which nothing can be read is no document.
        if draft.text.is_empty() {
            return Err(last.map_or_else(
                || {
                    Error::document(
                        source.path,
                        Unreadable::NoText,
                        "zip file without files to read",
                    )
                },
                |error| {
                    let unreadable = error.unreadable().unwrap_or(Unreadable::Broken);
                    let reason = format!("zip file: {}", error.line());
                    Error::document(source.path, unreadable, reason)
                },
            ));
        }
        draft.note("file_count", &number.to_string());
        draft.note("unread_files", &refused.to_string());
        draft.title = source.path.file_name().map(|name| name.to_string_lossy().into_owned());
        draft.finish(DocumentKind::Zip, source)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::document::source_file;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_packed_file_is_what_is_inside() {
        let bytes = packed(b"# Title\n\nText.\n");
        let source = source_file(Path::new("a.md.gz"), &bytes);
        let document = GzipReader.read(&source).unwrap();
        assert_eq!(
            (document.kind, document.title.as_deref()),
            (DocumentKind::Markdown, Some("Title"))
        );
        assert_eq!(document.metadata["compression"], "gzip");
    }

    #[test]
    fn bombs_and_dolls_are_refused() {
        let bomb = packed(&vec![b'a'; 30 << 20]);
        let source = source_file(Path::new("a.txt.gz"), &bomb);
        assert!(GzipReader.read(&source).unwrap_err().line().contains("unpacks to more"));
        let doll = (0..8).fold(b"text".to_vec(), |inner, _| packed(&inner));
        let source = source_file(Path::new("a.gz"), &doll);
        assert!(GzipReader.read(&source).unwrap_err().line().contains("deep"));
    }
}
