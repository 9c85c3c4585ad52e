//! The formats a document may have, by name.

use serde::Serialize;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal;)*) => {
        /// The format a document was read as.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
        #[serde(rename_all = "lowercase")]
        #[non_exhaustive]
        pub enum DocumentKind { $($(#[$doc])* $kind,)* }

        impl DocumentKind {
            /// Every kind. Where the content of a file shows several formats, the one that stands
            /// first counts.
            pub(in crate::document) const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The word stored in the file and shown in JSON.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// Plain text in any encoding.
    Text = "text";
    /// Markdown (CommonMark).
    Markdown = "markdown";
    /// HTML.
    Html = "html";
    /// Separated values: CSV, TSV and the like.
    Csv = "csv";
    /// JSON or lines of JSON.
    Json = "json";
    /// Jupyter notebook.
    Notebook = "notebook";
    /// reStructuredText.
    Rst = "rst";
    /// LaTeX.
    Latex = "latex";
    /// Manual page, roff macros.
    Man = "man";
    /// XML of any vocabulary.
    Xml = "xml";
    /// Events and tasks: iCalendar.
    Calendar = "calendar";
    /// Address cards: vCard.
    Contacts = "contacts";
    /// A mailbox of e-mails.
    Mbox = "mbox";
    /// One e-mail.
    Mail = "mail";
    /// PDF.
    Pdf = "pdf";
    /// One file packed by gzip; its document has the kind of what is inside.
    Gzip = "gzip";
    /// A table in columns; read with the feature `parquet`.
    Parquet = "parquet";
    /// Rich Text Format.
    Rtf = "rtf";
    /// What Outlook packs into one attachment (winmail.dat).
    Tnef = "tnef";
    /// Text document, OpenDocument.
    Odt = "odt";
    /// Spreadsheet, OpenDocument.
    Ods = "ods";
    /// Presentation, OpenDocument.
    Odp = "odp";
    /// Electronic book.
    Epub = "epub";
    /// Spreadsheet, Office Open XML.
    Xlsx = "xlsx";
    /// Presentation, Office Open XML.
    Pptx = "pptx";
    /// Word document, Office Open XML.
    Docx = "docx";
    /// Files packed by zip.
    Zip = "zip";
    /// Word document, 1997 to 2003.
    Doc = "doc";
    /// Spreadsheet, 1993 to 2003.
    Xls = "xls";
    /// Presentation, 1997 to 2003.
    Ppt = "ppt";
    /// One e-mail as Outlook saves it.
    Msg = "msg";
    /// A picture, read by a [`Recognizer`](super::Recognizer).
    Picture = "picture";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_word_in_json() {
        for kind in DocumentKind::ALL {
            assert_eq!(serde_json::json!(kind), kind.name());
        }
    }
}
