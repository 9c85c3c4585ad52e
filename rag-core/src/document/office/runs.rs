//! A line put together run by run: what is set high or low is written so, what is struck out or
//! hidden is left out and noted.

use crate::document::office::symbols;
use crate::document::vocabulary::{UnreadKind, unread};
use crate::document::writing::script::{self, MAX_SCRIPT_CHARS, Script};

/// How a run of characters looks, as far as that changes what it says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::document) struct Look {
    pub(in crate::document) is_struck: bool,
    pub(in crate::document) is_hidden: bool,
    /// Whether its characters are those of the font Symbol.
    pub(in crate::document) is_symbol: bool,
    pub(in crate::document) script: Option<Script>,
}

impl Look {
    /// What either of them says; `other` lies inside.
    pub(in crate::document) fn with(self, other: Self) -> Self {
        Self {
            is_struck: self.is_struck || other.is_struck,
            is_hidden: self.is_hidden || other.is_hidden,
            is_symbol: self.is_symbol || other.is_symbol,
            script: other.script.or(self.script),
        }
    }
}

/// A line in the making.
#[derive(Debug, Default)]
pub(in crate::document) struct Runs {
    text: String,
    /// What is set high or low at the end, which may come in several runs.
    raised: Option<(Script, String)>,
    /// The last run, if it was left out.
    left_out: Option<UnreadKind>,
}

impl Runs {
    /// Adds a piece of a run.
    pub(in crate::document) fn push(&mut self, look: Look, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let kind = match look {
            Look { is_hidden: true, .. } => Some(UnreadKind::HiddenText),
            Look { is_struck: true, .. } => Some(UnreadKind::DeletedText),
            _ => None,
        };
        // Nobody sees whether a blank is struck out.
        if kind.is_some() && !piece.trim().is_empty() {
            if self.left_out != kind {
                unread::note(kind.unwrap_or(UnreadKind::HiddenText), 1);
            }
            self.left_out = kind;
            return;
        }
        if !piece.trim().is_empty() {
            self.left_out = None;
        }
        let piece = match look.is_symbol {
            true => piece.chars().map(symbols::greek).collect(),
            false => piece.to_owned(),
        };
        match look.script {
            Some(script) => self.raise(script, &piece),
            None => {
                self.settle();
                self.text.push_str(&piece);
            }
        }
    }

    /// As [`Runs::push`], for formats in which any run of white space is one blank.
    pub(in crate::document) fn push_squeezed(&mut self, look: Look, piece: &str) {
        let end = self.raised.as_ref().map_or(self.text.as_str(), |(_, content)| content);
        let mut is_blank = end.ends_with([' ', '\n']);
        let mut squeezed = String::with_capacity(piece.len());
        for c in piece.chars() {
            let blank = matches!(c, '\n' | '\r' | '\t' | ' ');
            if !(blank && is_blank) {
                squeezed.push(if blank { ' ' } else { c });
            }
            is_blank = blank;
        }
        self.push(look, &squeezed);
    }

    fn raise(&mut self, script: Script, piece: &str) {
        match &mut self.raised {
            Some((open, content)) if *open == script => content.push_str(piece),
            _ => {
                self.settle();
                self.raised = Some((script, piece.to_owned()));
            }
        }
    }

    /// Writes what is set high or low.
    fn settle(&mut self) {
        let Some((script, content)) = self.raised.take() else { return };
        if content.chars().count() > MAX_SCRIPT_CHARS {
            self.text.push_str(&content);
            return;
        }
        if content.starts_with(char::is_whitespace) && !self.text.is_empty() {
            self.text.push(' ');
        }
        let shown = script::shown(script, &content, &self.text);
        self.text.push_str(&shown);
        if content.ends_with(char::is_whitespace) && !shown.is_empty() {
            self.text.push(' ');
        }
    }

    /// What was put together so far, to be added to as it is.
    pub(in crate::document) fn text(&mut self) -> &mut String {
        self.settle();
        self.left_out = None;
        &mut self.text
    }

    pub(in crate::document) fn finish(mut self) -> String {
        self.settle();
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(runs: &[(Look, &str)]) -> String {
        let mut line = Runs::default();
        runs.iter().for_each(|(look, piece)| line.push(*look, piece));
        line.finish()
    }

    #[test]
    fn powers_in_several_runs_are_one_and_struck_text_is_left_out_and_noted() {
        unread::take();
        let plain = Look::default();
        let high = Look { script: Some(Script::Superscript), ..plain };
        let struck = Look { is_struck: true, ..plain };
        let power = [(plain, "3 \u{d7} 10"), (high, "-"), (high, "8"), (plain, " mbar")];
        assert_eq!(line(&power), "3 \u{d7} 10\u{207b}\u{2078} mbar");
        let price = [(struck, "14"), (struck, " "), (struck, "euros"), (plain, " 19 euros")];
        assert_eq!(line(&price).trim(), "19 euros");
        let symbol = Look { is_symbol: true, ..plain };
        assert_eq!(line(&[(plain, "5 "), (symbol, "\u{f06d}"), (plain, "m")]), "5 \u{3bc}m");
        let noted: Vec<String> = unread::take().iter().map(ToString::to_string).collect();
        assert_eq!(noted, ["1 piece of deleted text"]);
    }
}
