//! Bytes to text: one reader per format, all giving a [`Document`] with blocks and a source map.
//!
//! `detect` picks the format by content first and name second; a format is one file with a
//! [`Reader`] and one line in [`reader`].

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result, Unreadable};
use crate::files;
use crate::progress::CancelToken;

mod archive;
mod binary;
mod cards;
mod csv;
mod detect;
mod draft;
mod encoded;
mod encoding;
mod epub;
mod flow;
mod grid;
mod guard;
mod html;
mod json;
mod lang;
mod latex;
mod mail;
mod man;
mod markdown;
mod notebook;
mod odf;
mod office;
mod package;
mod pdf;
mod picture;
mod place;
mod roman;
mod rst;
mod rtf;
mod runs;
mod script;
mod sheet;
mod source_map;
mod symbols;
mod text;
mod tnef;
mod unread;
mod xml;
mod xml_text;

pub use crate::options::read_file::ReadOptions;
pub(crate) use grid::is_header;
pub(crate) use markdown::plain_heading;
pub use picture::{Picture, PictureFormat, Recognizer};
pub use place::{Part, Unit};
pub use source_map::{Area, Location, SourceMap};
pub use unread::{Unread, UnreadKind};

/// The format a document was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kind {
    /// Plain text in any encoding.
    Text,
    /// Markdown (CommonMark).
    Markdown,
    /// HTML.
    Html,
    /// PDF.
    Pdf,
    /// Word document, Office Open XML.
    Docx,
    /// Presentation, Office Open XML.
    Pptx,
    /// Spreadsheet, Office Open XML.
    Xlsx,
    /// Word document, 1997 to 2003.
    Doc,
    /// Presentation, 1997 to 2003.
    Ppt,
    /// Spreadsheet, 1993 to 2003.
    Xls,
    /// Text document, OpenDocument.
    Odt,
    /// Spreadsheet, OpenDocument.
    Ods,
    /// Presentation, OpenDocument.
    Odp,
    /// Rich Text Format.
    Rtf,
    /// Electronic book.
    Epub,
    /// One e-mail.
    Mail,
    /// A mailbox of e-mails.
    Mbox,
    /// One e-mail as Outlook saves it.
    Msg,
    /// Separated values: CSV, TSV and the like.
    Csv,
    /// JSON or lines of JSON.
    Json,
    /// Jupyter notebook.
    Notebook,
    /// XML of any vocabulary.
    Xml,
    /// LaTeX.
    Latex,
    /// Manual page, roff macros.
    Man,
    /// reStructuredText.
    Rst,
    /// One file packed by gzip; its document has the kind of what is inside.
    Gzip,
    /// Files packed by zip.
    Zip,
    /// A picture, read by a [`Recognizer`].
    Picture,
    /// Events and tasks: iCalendar.
    Calendar,
    /// Address cards: vCard.
    Contacts,
    /// What Outlook packs into one attachment (winmail.dat).
    Tnef,
}

impl Kind {
    /// The word stored in the file and shown in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Markdown => "markdown",
            Kind::Html => "html",
            Kind::Pdf => "pdf",
            Kind::Docx => "docx",
            Kind::Pptx => "pptx",
            Kind::Xlsx => "xlsx",
            Kind::Doc => "doc",
            Kind::Ppt => "ppt",
            Kind::Xls => "xls",
            Kind::Odt => "odt",
            Kind::Ods => "ods",
            Kind::Odp => "odp",
            Kind::Rtf => "rtf",
            Kind::Epub => "epub",
            Kind::Mail => "mail",
            Kind::Mbox => "mbox",
            Kind::Msg => "msg",
            Kind::Csv => "csv",
            Kind::Json => "json",
            Kind::Notebook => "notebook",
            Kind::Xml => "xml",
            Kind::Latex => "latex",
            Kind::Man => "man",
            Kind::Rst => "rst",
            Kind::Gzip => "gzip",
            Kind::Zip => "zip",
            Kind::Picture => "picture",
            Kind::Calendar => "calendar",
            Kind::Contacts => "contacts",
            Kind::Tnef => "tnef",
        }
    }
}

/// What a stretch of text is. Blocks do not overlap and stand in text order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its role.
    pub kind: BlockKind,
    /// Bytes of [`Document::text`].
    pub range: Range<usize>,
}

/// The role of a [`Block`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockKind {
    /// A heading; level 1 is the outermost.
    Heading {
        /// 1 to 6.
        level: u8,
    },
    /// Running text.
    Paragraph,
    /// One item of a list.
    ListItem,
    /// A table, one row a line.
    Table,
    /// Code or preformatted text.
    Code,
    /// A quotation.
    Quote,
}

/// A document as the engine sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// The format.
    pub kind: Kind,
    /// The title, from metadata or the first heading.
    pub title: Option<String>,
    /// The language as an ISO 639-1 code, where the format or the text says.
    pub lang: Option<String>,
    /// The text, UTF-8.
    pub text: String,
    /// Its structure.
    pub blocks: Vec<Block>,
    /// Where each part stands in the source.
    pub source_map: SourceMap,
    /// Author, dates, page count: whatever the format says.
    pub metadata: BTreeMap<String, String>,
    /// What stands in the source and not in the text, one entry a kind.
    pub unread: Vec<Unread>,
}

/// A file to read.
struct Source<'a> {
    /// For its extension and for errors.
    path: &'a Path,
    /// All of it.
    bytes: &'a [u8],
    /// Files it is inside of: a mail is 1 deep in a mailbox.
    depth: u8,
    /// What reads pictures, if anything does.
    recognizer: Option<&'a dyn Recognizer>,
}

/// Files inside files.
const MAX_FILE_DEPTH: u8 = 4;

impl<'a> Source<'a> {
    /// A file of its own.
    fn new(path: &'a Path, bytes: &'a [u8]) -> Self {
        Self { path, bytes, depth: 0, recognizer: None }
    }

    /// The extension in lower case, or nothing.
    fn extension(&self) -> String {
        let extension = self.path.extension().unwrap_or_default();
        extension.to_string_lossy().to_ascii_lowercase()
    }
}

/// Reads one format.
trait Reader {
    /// # Errors
    /// [`ErrorCode::Document`](crate::ErrorCode::Document) with what is wrong with the bytes.
    fn read(&self, source: &Source<'_>) -> Result<Document>;
}

/// The reader of each format.
fn reader(kind: Kind) -> &'static dyn Reader {
    match kind {
        Kind::Text => &text::TextReader,
        Kind::Markdown => &markdown::MarkdownReader,
        Kind::Html => &html::HtmlReader,
        Kind::Pdf => &pdf::PdfReader,
        Kind::Docx => &office::docx::DocxReader,
        Kind::Pptx => &office::pptx::PptxReader,
        Kind::Xlsx => &office::xlsx::XlsxReader,
        Kind::Doc => &binary::doc::DocReader,
        Kind::Ppt => &binary::ppt::PptReader,
        Kind::Xls => &binary::xls::XlsReader,
        Kind::Odt => &odf::OdfReader(Kind::Odt),
        Kind::Ods => &odf::OdfReader(Kind::Ods),
        Kind::Odp => &odf::OdfReader(Kind::Odp),
        Kind::Rtf => &rtf::RtfReader,
        Kind::Epub => &epub::EpubReader,
        Kind::Mail => &mail::MailReader,
        Kind::Mbox => &mail::MboxReader,
        Kind::Msg => &binary::msg::MsgReader,
        Kind::Csv => &csv::CsvReader,
        Kind::Json => &json::JsonReader,
        Kind::Notebook => &notebook::NotebookReader,
        Kind::Xml => &xml_text::XmlReader,
        Kind::Latex => &latex::LatexReader,
        Kind::Man => &man::ManReader,
        Kind::Rst => &rst::RstReader,
        Kind::Gzip => &archive::GzipReader,
        Kind::Zip => &archive::ZipReader,
        Kind::Picture => &picture::PictureReader,
        Kind::Calendar => &cards::CalendarReader,
        Kind::Contacts => &cards::ContactsReader,
        Kind::Tnef => &tnef::TnefReader,
    }
}

impl Document {
    /// The document of a text that came without a file: kind [`Kind::Text`], blocks at blank lines, identity map.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self {
            kind: Kind::Text,
            title: None,
            lang: guess_lang(text).map(str::to_owned),
            text: text.to_owned(),
            blocks: text::paragraphs(text),
            source_map: SourceMap::identity(text.len()),
            metadata: BTreeMap::new(),
            unread: Vec::new(),
        }
    }
}

/// The language of a text as an ISO 639-1 code: `Some("fr")`, `Some("en")`, or `None` if unsure. Works on a
/// question of five words as well as on a book (of which only the beginning is looked at).
#[must_use]
pub fn guess_lang(text: &str) -> Option<&'static str> {
    lang::guess(text).filter(|code| matches!(*code, "fr" | "en"))
}

/// As [`guess_lang`], languages beside English and French too.
pub(crate) fn guess_any_lang(text: &str) -> Option<&'static str> {
    lang::guess(text)
}

/// Reads a document from the bytes of the file at `path`; the path is used for its extension and in errors.
///
/// The format is found from the content first, then from the extension; text of an unknown kind
/// (source code, logs) is read as [`Kind::Text`]. An empty file gives an empty document. Reading runs on a thread
/// of its own with a large stack; what a file may unpack to is capped.
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
        let document = read_source(&Source { recognizer, ..Source::new(path, bytes) })?;
        Ok(Document { unread: unread::take(), ..document })
    };
    guard::run(path, options, cancel, read)
}

/// Reads the document at `path`, of any size.
///
/// # Errors
/// Io if it is not there; as [`read_with`], [`Unreadable::NotAFile`] for folders, pipes and devices.
pub fn read_file(path: &Path, options: &ReadOptions, cancel: &CancelToken) -> Result<Document> {
    let metadata = fs::metadata(path).map_err(|source| Error::io(path, source))?;
    // A pipe would block for ever, a device never end.
    if !metadata.is_file() {
        return Err(Error::document(path, Unreadable::NotAFile, "not a regular file"));
    }
    let bytes = files::read(path).map_err(|source| Error::io(path, source))?;
    read_with(path, &bytes, options, cancel)
}

/// As [`read`], on the thread it is called from.
fn read_source(source: &Source<'_>) -> Result<Document> {
    let kind = detect::detect(source)?;
    let mut document = reader(kind).read(source)?;
    // A file with something in it of which nothing can be read must not pass for an empty one.
    if document.text.trim().is_empty() && !source.bytes.trim_ascii().is_empty() {
        let plain = matches!(document.kind, Kind::Text | Kind::Markdown | Kind::Csv);
        if !plain {
            return Err(Error::document(source.path, Unreadable::NoText, "no text in it"));
        }
    }
    if document.lang.is_none() {
        document.lang = lang::guess(&document.text).map(str::to_owned);
    }
    Ok(document)
}

/// Reads a file that was found inside `source`, under the name it has there.
fn read_inside(source: &Source<'_>, name: &str, bytes: &[u8]) -> Result<Document> {
    if source.depth >= MAX_FILE_DEPTH {
        let reason = format!("files inside files, more than {MAX_FILE_DEPTH} deep");
        return Err(Error::document(source.path, Unreadable::TooLarge, reason));
    }
    guard::tick();
    read_source(&Source { path: Path::new(name), bytes, depth: source.depth + 1, ..*source })
}

/// The text of the first heading of the outermost level there is, on one line.
fn first_heading(text: &str, blocks: &[Block]) -> Option<String> {
    let heading = blocks.iter().find(|b| matches!(b.kind, BlockKind::Heading { level: 1 }))?;
    let title = one_line(text.get(heading.range.clone())?);
    (!title.is_empty()).then_some(title)
}

/// `text` with every run of white space made one space, and none at the ends.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
