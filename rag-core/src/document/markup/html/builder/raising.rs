//! Superscripts, subscripts and formulas, which are collected and written at their end.

use super::{Builder, Gap, MAX_OPEN};
use crate::document::markup::html::raised::{self, Raised, Written};
use crate::document::markup::html::runs::Piece;
use crate::document::markup::html::start_tag::StartTag;
use crate::document::vocabulary::one_line;

impl Builder<'_> {
    pub(super) fn begin_raised(&mut self, tag: &StartTag) {
        if raised::is_note_link(tag) {
            self.note_link = Some(self.page.text.len());
        }
        match &mut self.raised {
            Some(raised) => raised.inside(tag),
            None if self.open.len() < MAX_OPEN => {
                let in_link = self.note_link == Some(self.page.text.len());
                self.raised = Raised::begun_by(tag, self.open.len(), in_link);
            }
            None => {}
        }
    }

    /// Writes the superscript that is open.
    pub(super) fn end_raised(&mut self) {
        let Some(raised) = self.raised.take() else { return };
        let line = match (&self.gap, &self.block) {
            (Gap::None, Some((_, start))) => self.page.text.get(*start..).unwrap_or_default(),
            _ => "",
        };
        match raised.end(line) {
            Written::Shown(shown, source, blank) => {
                self.word(&shown, &Piece { text: &shown, source, exact: false }, 0);
                if blank {
                    self.space(None);
                }
            }
            Written::Running(pieces) => {
                for (text, source, exact) in &pieces {
                    self.running(&Piece { text, source: source.clone(), exact: *exact });
                }
            }
        }
    }

    /// Writes the formula that is open.
    pub(super) fn end_formula(&mut self) {
        let Some(mut formula) = self.formula.take() else { return };
        let source = std::mem::take(&mut formula.source);
        let shown = one_line(&formula.finish());
        if !shown.is_empty() {
            self.word(&shown, &Piece { text: &shown, source, exact: false }, 0);
        }
    }
}
