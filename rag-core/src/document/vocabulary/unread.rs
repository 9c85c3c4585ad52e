//! What stood in a file and is not in its text: readers note it as they go, and the document
//! carries it.
//!
//! Notes are kept for the reading thread, so that a reader deep inside another says what it left
//! out without being handed anything. A reader that tries two ways and keeps one sets the notes of
//! each aside.

use std::cell::RefCell;

use infer::MatcherType;
use serde::{Deserialize, Serialize};

use super::white_space::one_line;
use crate::error::{Error, Unreadable};

/// Names kept of each kind; more are only counted.
const MAX_NAMES: usize = 5;
/// Characters kept of a name.
const MAX_NAME_CHARS: usize = 80;

/// Something of a file that is not in its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What it is.
    pub kind: UnreadKind,
    /// How many of them, at least 1; for [`UnreadKind::InvalidBytes`] the stretches of bytes.
    pub count: u64,
    /// Names of some of them, five at most, where they have any: attached files, charts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $one:literal, $many:literal;)*) => {
        /// What a reader may leave out of a text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum UnreadKind { $($(#[$doc])* $kind,)* }

        impl UnreadKind {
            /// Every kind, in the order they are listed for a document.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// In words, for one and for more.
            fn words(self) -> (&'static str, &'static str) {
                match self { $(Self::$kind => ($one, $many),)* }
            }
        }
    };
}

kinds! {
    /// A picture: nothing read its text.
    Picture = "picture", "pictures";
    /// A chart, or the part of it that is no text.
    Chart = "chart", "charts";
    /// A diagram of shapes (SmartArt and the like).
    Diagram = "diagram", "diagrams";
    /// A file embedded in a document.
    EmbeddedFile = "embedded file", "embedded files";
    /// A file attached to a message or document.
    Attachment = "attachment", "attachments";
    /// Sound or film.
    Media = "sound or film", "sounds or films";
    /// Text that is struck out or deleted by a tracked change.
    DeletedText = "piece of deleted text", "pieces of deleted text";
    /// Text that the format hides from the reader's eye.
    HiddenText = "piece of hidden text", "pieces of hidden text";
    /// Text that a site repeats on each page: menus, headers, footers.
    RepeatedText = "piece of page furniture", "pieces of page furniture";
    /// A comment or annotation.
    Comment = "comment", "comments";
    /// A formula without a stored value.
    Formula = "formula without a value", "formulas without values";
    /// A field of a form whose value cannot be read.
    FormField = "form field", "form fields";
    /// A page without text, a scan for instance.
    PageWithoutText = "page without text", "pages without text";
    /// A page with text in fonts that do not say which characters they show.
    UnknownCharacters = "page in unknown characters", "pages in unknown characters";
    /// A part of the file that is locked by a password.
    LockedPart = "locked part", "locked parts";
    /// A part of the file that is broken or of a form that is not known.
    BrokenPart = "broken part", "broken parts";
    /// Data written as text, such as a picture in base64.
    EncodedData = "piece of encoded data", "pieces of encoded data";
    /// A script or style sheet.
    Script = "script", "scripts";
    /// Bytes that are not valid in the file's encoding, shown as U+FFFD.
    InvalidBytes = "stretch of invalid bytes", "stretches of invalid bytes";
    /// What lies beyond a limit of the reader: the cells of an endless row, levels too deep.
    BeyondLimit = "part beyond a limit", "parts beyond a limit";
}

impl UnreadKind {
    /// What a file is that lies in another one and could not be read.
    pub(in crate::document) fn of_file(bytes: &[u8], error: &Error) -> Self {
        let found = infer::get(bytes).map(|found| found.matcher_type());
        match (error.unreadable(), found) {
            (Some(Unreadable::Encrypted), _) => Self::LockedPart,
            (_, Some(MatcherType::Image)) => Self::Picture,
            (_, Some(MatcherType::Audio | MatcherType::Video)) => Self::Media,
            _ => Self::Attachment,
        }
    }

    /// The word in JSON and in every binding.
    #[must_use]
    pub fn name(self) -> String {
        let word = serde_json::to_value(self).ok();
        word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
    }
}

impl std::fmt::Display for Unread {
    /// In words: `3 pictures`, `1 attachment (plan.dwg)`, `7 attachments (a.zip, b.zip, ...)`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (one, many) = self.kind.words();
        write!(f, "{} {}", self.count, if self.count == 1 { one } else { many })?;
        if self.names.is_empty() {
            return Ok(());
        }
        let more = if self.count > self.names.len() as u64 { ", ..." } else { "" };
        write!(f, " ({}{more})", self.names.join(", "))
    }
}

/// What was noted, one entry a kind, in the order of [`UnreadKind::ALL`].
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(in crate::document) struct Notes(Vec<Unread>);

impl Notes {
    fn add(&mut self, kind: UnreadKind, count: u64, names: impl IntoIterator<Item = String>) {
        if count == 0 {
            return;
        }
        let place = match self.0.binary_search_by_key(&kind, |unread| unread.kind) {
            Ok(place) => place,
            Err(place) => {
                self.0.insert(place, Unread { kind, count: 0, names: Vec::new() });
                place
            }
        };
        let unread = &mut self.0[place];
        unread.count = unread.count.saturating_add(count);
        let free = MAX_NAMES.saturating_sub(unread.names.len());
        unread.names.extend(names.into_iter().take(free));
    }
}

thread_local! {
    static NOTES: RefCell<Notes> = const { RefCell::new(Notes(Vec::new())) };
}

/// Notes that `count` things of one kind are not in the text.
pub(in crate::document) fn note(kind: UnreadKind, count: u64) {
    NOTES.with_borrow_mut(|notes| notes.add(kind, count, None));
}

/// Notes that one thing is not in the text, by its name.
pub(in crate::document) fn note_named(kind: UnreadKind, name: &str) {
    let name: String = one_line(name).chars().take(MAX_NAME_CHARS).collect();
    let name = Some(name).filter(|name| !name.is_empty());
    NOTES.with_borrow_mut(|notes| notes.add(kind, 1, name));
}

/// Runs `read` and gives what it noted beside what it returns; [`keep`] notes it after all.
pub(in crate::document) fn set_aside<T>(read: impl FnOnce() -> T) -> (T, Notes) {
    let before = NOTES.take();
    let result = read();
    (result, NOTES.replace(before))
}

/// Notes what was set aside.
pub(in crate::document) fn keep(aside: Notes) {
    let all = aside.0.into_iter();
    NOTES.with_borrow_mut(|notes| {
        all.for_each(|unread| notes.add(unread.kind, unread.count, unread.names));
    });
}

/// Everything noted on this thread, which begins anew.
pub(in crate::document) fn take() -> Vec<Unread> {
    NOTES.take().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_add_up_by_kind_and_show_in_words() {
        take();
        note(UnreadKind::Attachment, 1);
        (0..6).for_each(|number| note_named(UnreadKind::Attachment, &format!("{number}.zip")));
        note(UnreadKind::Picture, 1);
        note(UnreadKind::Chart, 0);
        let notes = take();
        let shown: Vec<String> = notes.iter().map(ToString::to_string).collect();
        let attached = "7 attachments (0.zip, 1.zip, 2.zip, 3.zip, 4.zip, ...)";
        assert_eq!(shown, ["1 picture", attached]);
        assert!(take().is_empty());
    }

    #[test]
    fn what_is_set_aside_counts_only_if_kept() {
        take();
        note(UnreadKind::Comment, 1);
        let ((), dropped) = set_aside(|| note(UnreadKind::Comment, 5));
        let ((), kept) = set_aside(|| note(UnreadKind::Picture, 2));
        keep(kept);
        assert_eq!(dropped.0[0].count, 5);
        let counts: Vec<u64> = take().iter().map(|unread| unread.count).collect();
        assert_eq!(counts, [2, 1]);
    }

    #[test]
    fn each_kind_has_a_word() {
        assert_eq!(UnreadKind::EmbeddedFile.name(), "embedded_file");
        assert!(UnreadKind::ALL.is_sorted());
    }
}
