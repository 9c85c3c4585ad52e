//! Whether a citation still stands in its source.

use std::ops::Range;
use std::path::Path;

use crate::cite::{Citation, Status};
use crate::document::{self, Location, SourceMap};
use crate::error::{Error, Result};
use crate::files;
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

    /// Every place in its file that a passage came from, in the order of the text: bytes to open an editor at, pages with
    /// the rectangle of each line, paragraphs, rows, slides, chapters. What a reader put in itself has no place.
    ///
    /// `store` is [`Hit::store`](crate::search::Hit::store) of what is looked for, 0 for this file; `range` a part of the
    /// passage in bytes of the document's text, such as that of a citation, or none for all of it.
    ///
    /// # Errors
    /// NotFound if there is no such passage; InvalidArgument for a file that is not open or a range that is not in the
    /// passage; Store.
    pub fn locate(
        &self,
        store: usize,
        passage_id: i64,
        range: Option<Range<usize>>,
    ) -> Result<Vec<Location>> {
        let store = self.store_at(store)?;
        let passage = store.passage(passage_id)?.ok_or_else(|| Error::NotFound {
            what: "passage",
            name: passage_id.to_string(),
            hint: "passages of a document that changed have new numbers".to_owned(),
        })?;
        let whole = passage.start..passage.end;
        let range = range.unwrap_or_else(|| whole.clone());
        if range.start < whole.start || range.end > whole.end || range.start >= range.end {
            let reason = format!("{range:?} is not in {whole:?}, the passage");
            return Err(Error::invalid("range", reason));
        }
        let packed = store.source_map(passage.document_id)?.unwrap_or_default();
        let map = SourceMap::from_bytes(&packed).unwrap_or_default();
        Ok(map.locations(&range))
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
    let Ok(bytes) = files::read(path) else { return Status::Missing };
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
