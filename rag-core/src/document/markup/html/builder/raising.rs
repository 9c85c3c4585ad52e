//! Superscripts, subscripts and formulas, which are collected and written at their end.

use super::{Builder, MAX_OPEN, PendingSpace};
use crate::document::markup::html::raised::{self, RaisedElement, RaisedText};
use crate::document::markup::html::runs::TextRun;
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
                self.raised = RaisedElement::begun_by(tag, self.open.len(), in_link);
            }
            None => {}
        }
    }

    /// Writes the superscript that is open.
    pub(super) fn end_raised(&mut self) {
        let Some(raised) = self.raised.take() else { return };
        let line = match (&self.gap, &self.block) {
            (PendingSpace::None, Some((_, start))) => {
                self.page.text.get(*start..).unwrap_or_default()
            }
            _ => "",
        };
        match raised.end(line) {
            RaisedText::Shown(shown, source, blank) => {
                self.word(&shown, &TextRun { text: &shown, source, exact: false }, 0);
                if blank {
                    self.space(None);
                }
            }
            RaisedText::Running(pieces) => {
                for (text, source, exact) in &pieces {
                    self.running(&TextRun { text, source: source.clone(), exact: *exact });
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
            self.word(&shown, &TextRun { text: &shown, source, exact: false }, 0);
        }
    }
}
