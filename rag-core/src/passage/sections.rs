//! Which sections of a document a place is in.

use crate::document::Section;

/// The sections that are open at a place; places are asked for in order.
pub(super) struct OpenSections<'a> {
    /// Those that begin after the place.
    rest: &'a [Section],
    /// Outermost first.
    open: Vec<&'a Section>,
}

impl<'a> OpenSections<'a> {
    pub(super) fn new(sections: &'a [Section]) -> Self {
        Self { rest: sections, open: Vec::new() }
    }

    /// Moves on to `place`; whether other sections are open there.
    pub(super) fn move_to(&mut self, place: usize) -> bool {
        let count = self.open.len();
        self.open.retain(|section| section.range.end > place);
        let mut changed = self.open.len() != count;
        while let Some((next, rest)) = self.rest.split_first()
            && next.range.start <= place
        {
            self.rest = rest;
            if next.range.end > place {
                self.open.push(next);
                changed = true;
            }
        }
        changed
    }

    /// How many are open.
    pub(super) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Their names, outermost first.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.open.iter().map(|section| section.name.as_str())
    }
}
