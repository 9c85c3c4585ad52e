//! PDF.

use super::{Document, Reader, Source};
use crate::error::{Error, Result};

/// Reads PDF.
pub(super) struct PdfReader;

impl Reader for PdfReader {
    fn read(&self, source: &Source<'_>) -> Result<Document> {
        Err(Error::document(source.path, "no reader for application/pdf"))
    }
}
