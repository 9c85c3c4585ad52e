//! What a reader of a part of an office file works with.

use crate::document::archive::package::Package;
use crate::document::vocabulary::{Location, SourceFile};
use crate::document::writing::draft::DocumentDraft;

/// A file that is being read, and the place that what is read next belongs to.
pub(super) struct Here<'a, 'p> {
    pub(super) package: &'a mut Package<'p>,
    pub(super) source: &'a SourceFile<'a>,
    pub(super) draft: &'a mut DocumentDraft,
    pub(super) location: &'a Location,
}
