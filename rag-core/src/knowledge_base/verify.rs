//! Whether a citation still stands in its source.

use std::path::Path;

use crate::cite::{Citation, Status};
use crate::document;
use crate::error::Result;
use crate::store::{ADDED_TEXT, DocumentRow, Store};

use super::KnowledgeBase;

impl KnowledgeBase {
    /// Re-reads the cited file and says whether the quote still stands at its place.
    ///
    /// A file whose bytes are those that were indexed needs no second reading. Text that was added by the
    /// caller has no file; its source is the knowledge base itself.
    ///
    /// # Errors
    /// Store; InvalidArgument for a citation of a file that is not open ([`OpenOptions::also`](super::OpenOptions::also)).
    pub fn verify(&self, citation: &Citation) -> Result<Status> {
        let store = self.store_at(citation.store)?;
        let Some(row) = store.document(&citation.uri)? else {
            return Ok(verify_file(citation, None));
        };
        if row.mtime_ns == ADDED_TEXT {
            return verify_added(store, citation);
        }
        let status = verify_file(citation, Some(&row));
        Ok(status)
    }
}

fn verify_added(store: &Store, citation: &Citation) -> Result<Status> {
    let Some(passage) = store.passage(citation.passage_id)? else {
        return Ok(Status::Changed);
    };
    let place = citation
        .start
        .checked_sub(passage.start)
        .zip(citation.end.checked_sub(passage.start))
        .and_then(|(start, end)| passage.text.get(start..end));
    Ok(standing(place, &passage.text, &citation.quote))
}

fn verify_file(citation: &Citation, row: Option<&DocumentRow>) -> Status {
    let path = Path::new(&citation.uri);
    let Ok(bytes) = std::fs::read(path) else { return Status::Missing };
    let as_indexed = row.is_some_and(|row| row.hash == *blake3::hash(&bytes).as_bytes());
    // The text is a function of the bytes, and the quote was cut from that text.
    if as_indexed {
        return Status::Ok;
    }
    let Ok(document) = document::read(path, &bytes) else { return Status::Changed };
    standing(document.text.get(citation.start..citation.end), &document.text, &citation.quote)
}

fn standing(place: Option<&str>, text: &str, quote: &str) -> Status {
    if place == Some(quote) {
        Status::Ok
    } else if text.contains(quote) {
        Status::Moved
    } else {
        Status::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_ok_in_place_moved_elsewhere_and_changed_when_gone() {
        assert_eq!(standing(Some("bridge"), "the bridge", "bridge"), Status::Ok);
        assert_eq!(standing(Some("e bri"), "the bridge", "bridge"), Status::Moved);
        assert_eq!(standing(None, "the river", "bridge"), Status::Changed);
    }
}
