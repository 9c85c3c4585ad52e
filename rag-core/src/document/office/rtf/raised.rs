//! Superscripts and subscripts, which begin and end in mid-sentence.

use super::{RtfParser, RtfTarget};
use crate::document::writing::script;

impl RtfParser<'_> {
    /// Begins or ends a superscript or subscript before more text is added.
    pub(super) fn follow_script(&mut self) {
        let open = self.raised.map(|(script, _)| script);
        let wanted = self.state.script.filter(|_| self.state.target == RtfTarget::Body);
        if open != wanted {
            self.end_script();
            self.raised = wanted.map(|script| (script, self.text.len()));
        }
    }

    /// Writes the superscript or subscript that was read.
    pub(super) fn end_script(&mut self) {
        let Some((script, start)) = self.raised.take() else { return };
        let Some(content) = self.text.get(start..).map(str::to_owned) else { return };
        if content.chars().count() > script::MAX_SCRIPT_CHARS {
            return;
        }
        self.text.truncate(start);
        let shown = script::shown(script, &content, &self.text);
        self.text.push_str(&shown);
        if content.ends_with(' ') {
            self.text.push(' ');
        }
    }
}
