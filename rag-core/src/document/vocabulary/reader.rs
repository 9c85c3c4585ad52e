//! What a reader is: one format, from the bytes of a file to a document.

use std::path::Path;

use super::document::Document;
use super::recognizer::Recognizer;
use crate::document::limits;
use crate::error::{Error, Result, Unreadable};

/// Files inside files.
pub(in crate::document) const MAX_FILE_DEPTH: u8 = 4;

/// Reads one format.
pub(in crate::document) trait Reader: Sync {
    /// # Errors
    /// [`ErrorCode::Document`](crate::ErrorCode::Document) with what is wrong with the bytes.
    fn read(&self, source: &SourceFile<'_>) -> Result<Document>;
}

/// A file to read.
#[derive(Clone, Copy)]
pub(in crate::document) struct SourceFile<'a> {
    /// For its extension and for errors.
    pub(in crate::document) path: &'a Path,
    /// All of it.
    pub(in crate::document) bytes: &'a [u8],
    /// Files it is inside of: a mail is 1 deep in a mailbox.
    pub(in crate::document) depth: u8,
    /// What reads pictures, if anything does.
    pub(in crate::document) recognizer: Option<&'a dyn Recognizer>,
    /// Reads a file of any format that was found inside this one. Archives and mails hold files of
    /// every format; the table of formats hands itself down here, so that no reader needs to know
    /// it.
    pub(in crate::document) read_any: fn(&SourceFile<'_>) -> Result<Document>,
}

impl<'a> SourceFile<'a> {
    /// A file by itself: nothing reads what is inside it.
    pub(in crate::document) fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        Self { path, bytes, depth: 0, recognizer: None, read_any: refuse }
    }

    /// The extension in lower case, or nothing.
    pub(in crate::document) fn extension(&self) -> String {
        let extension = self.path.extension().unwrap_or_default();
        extension.to_string_lossy().to_ascii_lowercase()
    }

    /// Reads a file that was found inside this one, under the name it has there.
    pub(in crate::document) fn read_inside(&self, name: &str, bytes: &[u8]) -> Result<Document> {
        if self.depth >= MAX_FILE_DEPTH {
            let reason = format!("files inside files, more than {MAX_FILE_DEPTH} deep");
            return Err(Error::document(self.path, Unreadable::TooLarge, reason));
        }
        limits::tick();
        let inner = SourceFile { path: Path::new(name), bytes, depth: self.depth + 1, ..*self };
        (self.read_any)(&inner)
    }
}

fn refuse(source: &SourceFile<'_>) -> Result<Document> {
    Err(Error::document(
        source.path,
        Unreadable::Unsupported,
        "nothing reads files inside this one",
    ))
}
