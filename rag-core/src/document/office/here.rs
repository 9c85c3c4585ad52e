//! What a reader of a part of an office file works with.

use crate::document::draft::Draft;
use crate::document::package::Package;
use crate::document::{Location, Source};

/// A file that is being read, and the place that what is read next belongs to.
pub(super) struct Here<'a, 'p> {
    pub(super) package: &'a mut Package<'p>,
    pub(super) source: &'a Source<'a>,
    pub(super) draft: &'a mut Draft,
    pub(super) location: &'a Location,
}
