//! Whether a citation still stands in its source.
//!
//! The path comes out of the file, and what stands there now may be anything. So it is looked at on
//! a thread of its own, within a time, and the caller waits for it only until it is cancelled.

mod reading;

use std::collections::HashMap;
use std::io::Seek;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::cite::{Citation, Status};
use crate::document::{self, Location, ReadOptions, SourceMap};
use crate::error::{Error, Result, Unreadable};
use crate::files::PlainFile;
use crate::progress::{Call, CancelToken};
use crate::store::{ADDED_TEXT, DocumentRow, Store};
use crate::walk::WalkOptions;

use super::KnowledgeBase;
use super::types::Trust;
use reading::{End, Limits};

/// How long the sources of one call are looked at, all of them together.
const TIME: Duration = Duration::from_secs(10);
/// How often the caller looks at the cancel token while it waits.
const TICK: Duration = Duration::from_millis(20);

impl KnowledgeBase {
    /// Re-reads the cited file and says whether the quote still stands at its place.
    ///
    /// A file whose bytes are those that were indexed needs no second reading. Text that was added
    /// by the caller has no file; its source is the knowledge base itself. Only a regular file is
    /// opened, by the absolute path that a sync wrote down; pipes, devices, folders and files that
    /// may not be read are [`Status::Missing`]. A file that is larger than 64 MiB, and than it was,
    /// is [`Status::Changed`] unread. What cannot be looked at within ten seconds is
    /// [`Status::Unverified`], and so is every file of a knowledge base that is not trusted ([`Trust`](super::Trust)).
    ///
    /// # Errors
    /// Store; InvalidArgument for a citation of a file that is not open
    /// ([`OpenOptions::also`](super::OpenOptions::also)).
    pub fn verify(&self, citation: &Citation) -> Result<Status> {
        self.verify_with(citation, Call::new())
    }

    /// As [`KnowledgeBase::verify`], until it is cancelled.
    ///
    /// # Errors
    /// As [`KnowledgeBase::verify`]; Cancelled.
    pub fn verify_with(&self, citation: &Citation, call: Call<'_>) -> Result<Status> {
        self.verifier(call.token()).status(citation)
    }

    /// Verifies several citations, each source looked at once.
    pub(super) fn verifier<'a>(&'a self, cancel: &'a CancelToken) -> Verifier<'a> {
        Verifier { knowledge_base: self, cancel, until: Instant::now() + TIME, met: HashMap::new() }
    }

    /// Every place in its file that a passage came from, in the order of the text: bytes to open an
    /// editor at, pages with the rectangle of each line, paragraphs, rows, slides, chapters. What a
    /// reader put in itself has no place.
    ///
    /// `store` is [`Hit::store`](crate::search::Hit::store) of what is looked for, 0 for this file;
    /// `range` a part of the passage in bytes of the document's text, such as that of a citation,
    /// or none for all of it.
    ///
    /// # Errors
    /// NotFound if there is no such passage; InvalidArgument for a file that is not open or a range
    /// that is not in the passage; Store.
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

/// What was found at the places of the sources met so far.
pub(super) struct Verifier<'a> {
    knowledge_base: &'a KnowledgeBase,
    cancel: &'a CancelToken,
    until: Instant,
    met: HashMap<(usize, String), Now>,
}

/// What stands at a source's place now.
#[derive(Debug, Clone)]
enum Now {
    /// The bytes that were indexed.
    AsIndexed,
    /// Other bytes, with this text.
    Text(Arc<str>),
    /// Other bytes that are too many or cannot be read.
    Changed,
    /// No file that can be read.
    Missing,
    /// It took too long.
    Unknown,
}

impl Verifier<'_> {
    /// Whether the quote of `citation` stands at its place.
    pub(super) fn status(&mut self, citation: &Citation) -> Result<Status> {
        let store = self.knowledge_base.store_at(citation.store)?;
        let row = store.document(&citation.uri)?;
        if row.as_ref().is_some_and(|row| row.mtime_ns == ADDED_TEXT) {
            return verify_added(store, citation);
        }
        if self.knowledge_base.trust == Trust::Untrusted {
            return Ok(Status::Unverified);
        }
        let key = (citation.store, citation.uri.clone());
        let now = match self.met.get(&key) {
            Some(now) => now.clone(),
            None => {
                let now = self.look(&citation.uri, row)?;
                self.met.insert(key, now.clone());
                now
            }
        };
        Ok(match now {
            // The text is a function of the bytes, and the quote was cut from that text.
            Now::AsIndexed => Status::Ok,
            Now::Text(text) => {
                standing(text.get(citation.start..citation.end), &text, &citation.quote)
            }
            Now::Changed => Status::Changed,
            Now::Missing => Status::Missing,
            Now::Unknown => Status::Unverified,
        })
    }

    /// A disk that does not answer holds up a thread of ours, not the caller.
    fn look(&self, uri: &str, row: Option<DocumentRow>) -> Result<Now> {
        let path = PathBuf::from(uri);
        if !is_as_synced(&path) {
            return Ok(Now::Missing);
        }
        let (found, now) = sync_channel(1);
        let (until, stop) = (self.until, CancelToken::new());
        let stopped = stop.clone();
        let look = move || {
            // nobody is left to tell if the caller has given up
            let _ = found.send(look(&path, row.as_ref(), until, &stopped));
        };
        std::thread::Builder::new()
            .name("rag-verify".to_owned())
            .spawn(look)
            .map_err(|error| Error::internal_cause("cannot start a thread", error))?;
        loop {
            match now.recv_timeout(TICK) {
                Ok(now) => return Ok(now),
                Err(RecvTimeoutError::Disconnected) => return Ok(Now::Changed),
                Err(RecvTimeoutError::Timeout) if self.cancel.is_cancelled() => {
                    stop.cancel();
                    return Err(Error::Cancelled);
                }
                Err(RecvTimeoutError::Timeout) if Instant::now() > self.until + TICK => {
                    stop.cancel();
                    return Ok(Now::Unknown);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// Whether a path is of the kind that a sync writes down: absolute, and without a way back up.
fn is_as_synced(path: &Path) -> bool {
    path.is_absolute() && path.components().all(|part| part != Component::ParentDir)
}

fn look(path: &Path, row: Option<&DocumentRow>, until: Instant, cancel: &CancelToken) -> Now {
    let opened = PlainFile::open(path).and_then(|file| Ok((file.metadata()?, file)));
    let Ok((metadata, mut file)) = opened else { return Now::Missing };
    let usual = WalkOptions::default().max_file_bytes;
    let max_bytes = row.map_or(usual, |row| row.size_bytes.max(usual));
    if metadata.len() > max_bytes {
        return Now::Changed;
    }
    let limits = Limits { max_bytes, until, cancel };
    if let Some(row) = row.filter(|row| row.size_bytes == metadata.len()) {
        let mut hasher = blake3::Hasher::new();
        let hash = |piece: &[u8]| {
            hasher.update(piece);
        };
        match reading::read(path, &mut file, &limits, &mut { hash }) {
            Ok(End::Whole) if *hasher.finalize().as_bytes() == row.hash => return Now::AsIndexed,
            Ok(End::TooSlow) | Err(Error::Cancelled) => return Now::Unknown,
            Ok(_) => {}
            Err(_) => return Now::Missing,
        }
    }
    read_again(path, &mut file, &limits)
}

fn read_again(path: &Path, file: &mut PlainFile, limits: &Limits<'_>) -> Now {
    let mut bytes = Vec::new();
    let mut keep = |piece: &[u8]| bytes.extend_from_slice(piece);
    match file.rewind().map_err(|source| Error::io(path, source)) {
        Ok(()) => match reading::read(path, file, limits, &mut keep) {
            Ok(End::Whole) => {}
            Ok(End::TooLarge) => return Now::Changed,
            Ok(End::TooSlow) | Err(Error::Cancelled) => return Now::Unknown,
            Err(_) => return Now::Missing,
        },
        Err(_) => return Now::Missing,
    }
    let time_limit = limits.until.saturating_duration_since(Instant::now());
    let options = ReadOptions { time_limit, ..ReadOptions::default() };
    match document::read_with(path, &bytes, &options, limits.cancel) {
        Ok(document) => Now::Text(document.text.into()),
        Err(error) if error.unreadable() == Some(Unreadable::TooSlow) => Now::Unknown,
        Err(_) => Now::Changed,
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

    #[test]
    fn only_paths_that_a_sync_writes_down_are_looked_at() {
        assert!(is_as_synced(Path::new("/docs/a.txt")));
        for path in ["", "a.txt", "../../etc/passwd", "/docs/../etc/passwd", "text:0123"] {
            assert!(!is_as_synced(Path::new(path)), "{path}");
        }
    }
}
