//! The table of formats: one [`Format`] each, with all that is known of it outside of its reader.
//!
//! It stands above the readers, and none of them knows it: a reader that finds a file inside its
//! own hands it to
//! [`SourceFile::read_inside`](super::vocabulary::SourceFile::read_inside).

use std::path::Path;

use super::archive::{GzipReader, ZipReader};
#[cfg(feature = "code")]
use super::code::CodeReader as PlainReader;
use super::data::cards::{CalendarReader, ContactsReader};
use super::data::csv::CsvReader;
use super::data::json::JsonReader;
use super::data::notebook::NotebookReader;
use super::data::parquet::{self, ParquetReader};
use super::mail::msg::MsgReader;
use super::mail::tnef::{self, TnefReader};
use super::mail::{MailReader, MboxReader};
use super::markup::html::HtmlReader;
use super::markup::latex::LatexReader;
use super::markup::man::ManReader;
use super::markup::markdown::MarkdownReader;
use super::markup::rst::RstReader;
use super::markup::xml_text::XmlReader;
use super::office::epub::EpubReader;
use super::office::odf::OdfReader;
use super::office::office97::doc::DocReader;
use super::office::office97::ppt::PptReader;
use super::office::office97::xls::XlsReader;
use super::office::ooxml::docx::DocxReader;
use super::office::ooxml::pptx::PptxReader;
use super::office::ooxml::xlsx::XlsxReader;
use super::office::rtf::RtfReader;
use super::pdf::PdfReader;
use super::picture::PictureReader;
use super::signature::{self, ByName, Signature};
#[cfg(not(feature = "code"))]
use super::text::plain::TextReader as PlainReader;
use super::vocabulary::{DocumentKind, Reader};

/// All that is known of a format outside of its reader.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Its name.
    pub(super) kind: DocumentKind,
    /// Extensions of its files, in lower case.
    pub(super) extensions: &'static [&'static str],
    /// What an extension proves.
    pub(super) by_name: ByName,
    /// How the content shows it.
    pub(super) signature: Signature,
    pub(super) reader: &'static dyn Reader,
}

/// Every format; where the content of a file shows several, the first one counts.
pub(super) fn all() -> impl Iterator<Item = Format> {
    DocumentKind::ALL.iter().map(|&kind| format(kind))
}

/// The format whose files have this extension, written in lower case.
pub(super) fn by_extension(extension: &str) -> Option<Format> {
    all().find(|format| format.extensions.contains(&extension))
}

/// Whether the name of a file says that its text is as long as the file, to a factor of two.
pub(crate) fn is_text_by_name(path: &Path) -> bool {
    use DocumentKind::{Markdown, Rst, Text};
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    by_extension(&extension).is_some_and(|format| matches!(format.kind, Text | Markdown | Rst))
}

/// What is known of a format. A kind without a row does not compile.
pub(super) fn format(kind: DocumentKind) -> Format {
    use ByName::{Enough, If, Nothing};
    use Signature::{
        Declared, Near, Page, Parts, Picture, Start, Streams, Text, Unmarked, Whole, Zip,
    };
    let row: (&[&str], ByName, Signature, &dyn Reader) = match kind {
        DocumentKind::Text => (&["txt"], Enough, Unmarked, &PlainReader),
        DocumentKind::Markdown => (
            &["md", "markdown", "mdown", "mkd", "mkdn", "mdx", "rmd", "qmd"],
            Enough,
            Unmarked,
            &MarkdownReader,
        ),
        DocumentKind::Html => {
            (&["html", "htm", "xhtml", "xht"], Enough, Page(signature::shows_html), &HtmlReader)
        }
        DocumentKind::Csv => (&["csv", "tsv", "tab", "psv"], Enough, Unmarked, &CsvReader),
        DocumentKind::Json => {
            (&["json", "jsonl", "ndjson", "geojson", "webmanifest"], Enough, Unmarked, &JsonReader)
        }
        DocumentKind::Notebook => (&["ipynb"], Enough, Unmarked, &NotebookReader),
        DocumentKind::Rst => (&["rst", "rest"], Enough, Unmarked, &RstReader),
        DocumentKind::Latex => (&["tex", "latex", "ltx"], Enough, Unmarked, &LatexReader),
        DocumentKind::Man => (
            &["man", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            If(signature::shows_man, DocumentKind::Text),
            Unmarked,
            &ManReader,
        ),
        DocumentKind::Xml => (
            &["xml", "fb2", "rss", "atom", "dbk", "docbook", "svg"],
            Enough,
            Text(signature::shows_xml),
            &XmlReader,
        ),
        DocumentKind::Calendar => (
            &["ics", "ical", "ifb", "icalendar"],
            Nothing,
            Text(signature::shows_calendar),
            &CalendarReader,
        ),
        DocumentKind::Contacts => {
            (&["vcf", "vcard"], Nothing, Text(signature::shows_contacts), &ContactsReader)
        }
        DocumentKind::Mbox => (
            &["mbox", "mbx"],
            If(signature::begins_mailbox, DocumentKind::Mail),
            Text(signature::shows_mailbox),
            &MboxReader,
        ),
        DocumentKind::Mail => {
            (&["eml", "mht", "mhtml"], Enough, Text(signature::shows_mail), &MailReader)
        }
        DocumentKind::Pdf => (&["pdf"], Nothing, Near(b"%PDF-"), &PdfReader),
        DocumentKind::Gzip => (&["gz"], Nothing, Start(b"\x1f\x8b\x08"), &GzipReader),
        DocumentKind::Parquet => {
            (&["parquet"], Nothing, Whole(parquet::shows_parquet), &ParquetReader)
        }
        DocumentKind::Rtf => (&["rtf"], Nothing, Start(b"{\\rtf"), &RtfReader),
        DocumentKind::Tnef => (&["dat"], Nothing, Start(&tnef::SIGNATURE), &TnefReader),
        DocumentKind::Odt => (
            &["odt", "ott"],
            Nothing,
            Declared("application/vnd.oasis.opendocument.text"),
            &OdfReader(DocumentKind::Odt),
        ),
        DocumentKind::Ods => (
            &["ods", "ots"],
            Nothing,
            Declared("application/vnd.oasis.opendocument.spreadsheet"),
            &OdfReader(DocumentKind::Ods),
        ),
        DocumentKind::Odp => (
            &["odp", "otp"],
            Nothing,
            Declared("application/vnd.oasis.opendocument.presentation"),
            &OdfReader(DocumentKind::Odp),
        ),
        DocumentKind::Epub => (&["epub"], Nothing, Parts(&["META-INF/container.xml"]), &EpubReader),
        DocumentKind::Xlsx => {
            (&["xlsx", "xlsm", "xltx"], Nothing, Parts(&["xl/workbook.xml"]), &XlsxReader)
        }
        DocumentKind::Pptx => {
            (&["pptx", "pptm", "potx"], Nothing, Parts(&["ppt/presentation.xml"]), &PptxReader)
        }
        DocumentKind::Docx => (
            &["docx", "docm", "dotx"],
            Nothing,
            Parts(&["word/document.xml", "word/"]),
            &DocxReader,
        ),
        DocumentKind::Zip => (&["zip"], Nothing, Zip, &ZipReader),
        DocumentKind::Doc => (&["doc", "dot"], Nothing, Streams(&["WordDocument"]), &DocReader),
        DocumentKind::Xls => (&["xls", "xlt"], Nothing, Streams(&["Workbook", "Book"]), &XlsReader),
        DocumentKind::Ppt => {
            (&["ppt", "pps"], Nothing, Streams(&["PowerPoint Document"]), &PptReader)
        }
        DocumentKind::Msg => (&["msg"], Nothing, Streams(&["__properties_version1.0"]), &MsgReader),
        DocumentKind::Picture => (&[], Nothing, Picture, &PictureReader),
    };
    let (extensions, by_name, signature, reader) = row;
    Format { kind, extensions, by_name, signature, reader }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_extension_is_of_one_format() {
        let mut seen = HashSet::new();
        for extension in all().flat_map(|format| format.extensions) {
            assert!(seen.insert(extension), "{extension}");
        }
    }

    #[test]
    fn only_text_grows_a_file_by_its_size() {
        assert!(["a.txt", "b.MD", "c.rst"].iter().all(|name| is_text_by_name(Path::new(name))));
        assert!(!["a.pdf", "b", "c.html"].iter().any(|name| is_text_by_name(Path::new(name))));
    }
}
