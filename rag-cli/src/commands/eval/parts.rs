//! What of a collection's documents is searched: measured side by side, each part shows what it
//! brings.

use std::borrow::Cow;

use crate::beir::CorpusDocument;

/// How a document of the collection becomes a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Parts {
    /// Title and text as one text, as the published figures were made
    Whole,
    /// The title as a field of its own, as a knowledge base keeps it
    Fields,
    /// The text alone
    Text,
    /// The title alone
    Title,
}

impl Parts {
    /// Behind the name of a setting; nothing for the usual one.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Whole => "",
            Self::Fields => ", title as a field",
            Self::Text => ", text alone",
            Self::Title => ", title alone",
        }
    }

    /// The title that stands over the passage, and the text of the passage.
    pub(super) fn of(self, document: &CorpusDocument) -> (Option<&str>, Cow<'_, str>) {
        let title = document.title.trim();
        match self {
            Self::Whole => (None, document.full_text().into()),
            // a document without text is found by its title at least
            Self::Fields if document.text.trim().is_empty() => (None, title.into()),
            Self::Fields => (Some(title).filter(|it| !it.is_empty()), (&*document.text).into()),
            Self::Text => (None, (&*document.text).into()),
            Self::Title => (None, title.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_stands_where_it_is_looked_for() {
        let document =
            CorpusDocument { id: "1".to_owned(), title: " T ".to_owned(), text: "x".to_owned() };
        assert_eq!(Parts::Whole.of(&document), (None, "T x".into()));
        assert_eq!(Parts::Fields.of(&document), (Some("T"), "x".into()));
        assert_eq!(Parts::Text.of(&document), (None, "x".into()));
        assert_eq!(Parts::Title.of(&document), (None, "T".into()));
        let bare = CorpusDocument { text: String::new(), ..document };
        assert_eq!(Parts::Fields.of(&bare), (None, "T".into()));
    }
}
