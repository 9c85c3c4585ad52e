//! What every reader is given and what it gives: a [`SourceFile`] goes in, a [`Document`] of
//! [`Block`]s and a [`SourceMap`] comes out.
//!
//! All readers stand on this; the table of formats stands on the readers, and nothing here or in a
//! reader knows it.

mod document;
mod kind;
mod part;
mod reader;
mod recognizer;
mod source_map;
pub(in crate::document) mod unread;
mod white_space;

pub(in crate::document) use document::first_heading;
pub use document::{Block, BlockKind, Document, Section};
pub use kind::DocumentKind;
pub use part::{Part, Unit};
pub(in crate::document) use reader::{MAX_FILE_DEPTH, Reader, SourceFile};
pub use recognizer::{Picture, PictureFormat, Recognizer};
pub use source_map::{Area, Location, SourceMap};
pub use unread::{Unread, UnreadKind};
pub(in crate::document) use white_space::one_line;
