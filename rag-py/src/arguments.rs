//! What calls are about: a question or a document, one text or several.

use pyo3::prelude::*;
use rag_core::{Error, Subject, text_uri};

/// What a summary is of.
pub(crate) enum About {
    Question(String),
    Document(String),
}

impl About {
    pub(crate) fn subject(&self) -> Subject<'_> {
        match self {
            About::Question(question) => Subject::Question(question),
            About::Document(uri) => Subject::Document(uri),
        }
    }
}

/// One text or several.
#[derive(FromPyObject)]
pub(crate) enum Texts {
    One(String),
    Many(Vec<String>),
}

/// Each text with its uri.
pub(crate) fn named(texts: Texts, uri: Option<String>) -> rag_core::Result<Vec<(String, String)>> {
    match (texts, uri) {
        (Texts::One(text), uri) => Ok(vec![(uri.unwrap_or_else(|| text_uri(&text)), text)]),
        (Texts::Many(texts), None) => {
            Ok(texts.into_iter().map(|text| (text_uri(&text), text)).collect())
        }
        (Texts::Many(_), Some(_)) => {
            Err(Error::invalid("uri", "it names one text; a list takes none"))
        }
    }
}
