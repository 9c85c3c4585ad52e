//! Bytes to text: one reader per format, all giving a [`Document`] with blocks and a source map.
//!
//! From below: `vocabulary` says what a reader gets and gives, `limits` what it may use, `writing`
//! holds what readers write alike. On these stand the readers in their families, `text`, `code`,
//! `markup`, `archive`, `office`, `data`, `mail` and `pdf`, and on them the table of `formats`, by
//! which `detect` finds the one a file has: by content first and by name second.

use std::fs;
use std::path::Path;

use crate::error::{Error, Result, Unreadable};
use crate::files;
use crate::progress::CancelToken;

mod archive;
#[cfg(feature = "code")]
mod code;
mod data;
mod detect;
mod formats;
mod limits;
mod mail;
mod markup;
mod office;
mod pdf;
mod picture;
mod signature;
mod text;
mod vocabulary;
mod writing;

pub use crate::options::read_file::ReadOptions;
pub(crate) use data::parquet::was_lacking;
pub(crate) use formats::is_text_by_name;
pub(crate) use markup::markdown::plain_heading;
pub(crate) use text::language::guess as guess_any_lang;
pub use vocabulary::{
    Area, Block, BlockKind, Document, DocumentKind, Location, Part, Picture, PictureFormat,
    Recognizer, Section, SourceMap, Unit, Unread, UnreadKind,
};
use vocabulary::{SourceFile, unread};
pub(crate) use writing::civil::days_from_civil;
pub(crate) use writing::grid::{is_header, is_header_apart, is_value};

/// The language of a text as an ISO 639-1 code: `Some("fr")`, `Some("en")`, or `None` if unsure.
/// Works on a question of five words as well as on a book (of which only the beginning is looked
/// at).
#[must_use]
pub fn guess_lang(text: &str) -> Option<&'static str> {
    guess_any_lang(text).filter(|code| matches!(*code, "fr" | "en"))
}

/// Reads a document from the bytes of the file at `path`; the path is used for its extension and in
/// errors.
///
/// The format is found from the content first, then from the extension; text of an unknown kind
/// (source code, logs) is read as [`DocumentKind::Text`]; with the feature `code`, programs have
/// sections and the metadata `language`. An empty file gives an empty document.
/// Reading runs on a thread of its own with a large stack; what a file may unpack to is capped.
///
/// # Errors
/// [`ErrorCode::Document`](crate::ErrorCode::Document) if no reader takes the bytes, the reader refuses them, there is
/// no text in them, or it takes more than a minute; [`Error::unreadable`] says which.
pub fn read(path: &Path, bytes: &[u8]) -> Result<Document> {
    read_with(path, bytes, &ReadOptions::default(), &CancelToken::new())
}

/// As [`read`], with limits of the caller's and until `cancel` says stop.
///
/// # Errors
/// As [`read`]; Cancelled.
pub fn read_with(
    path: &Path,
    bytes: &[u8],
    options: &ReadOptions,
    cancel: &CancelToken,
) -> Result<Document> {
    let recognizer = options.recognizer.as_deref();
    let read = || {
        let document = read_any(&SourceFile { recognizer, ..source_file(path, bytes) })?;
        Ok(Document { unread: unread::take(), ..document })
    };
    limits::run(path, options, cancel, read)
}

/// Reads the document at `path`, of any size.
///
/// # Errors
/// Io if it is not there; as [`read_with`], [`Unreadable::NotAFile`] for folders, pipes and
/// devices.
pub fn read_file(path: &Path, options: &ReadOptions, cancel: &CancelToken) -> Result<Document> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, source))?;
    // A pipe would block for ever, a device never end.
    if !metadata.is_file() {
        return Err(Error::document(path, Unreadable::NotAFile, "not a regular file"));
    }
    let bytes = files::read(path).map_err(|source| Error::io(path, source))?;
    read_with(path, &bytes, options, cancel)
}

/// A file by whose reader files of every format inside it are read too.
fn source_file<'a>(path: &'a Path, bytes: &'a [u8]) -> SourceFile<'a> {
    SourceFile { read_any, ..SourceFile::new(path, bytes) }
}

/// Reads a file of any format, on the thread it is called from.
fn read_any(source: &SourceFile<'_>) -> Result<Document> {
    let mut document = detect::detect(source)?.reader.read(source)?;
    // A file with something in it of which nothing can be read must not pass for an empty one.
    if document.text.trim().is_empty() && !source.bytes.trim_ascii().is_empty() {
        use DocumentKind::{Csv, Markdown, Text};
        if !matches!(document.kind, Text | Markdown | Csv) {
            return Err(Error::document(source.path, Unreadable::NoText, "no text in it"));
        }
    }
    if document.lang.is_none() {
        document.lang = guess_any_lang(&document.text).map(str::to_owned);
    }
    Ok(document)
}
