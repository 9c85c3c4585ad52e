//! The text from one place on, read without knowing where it ends.

use std::cell::Cell;

/// The held text from one place on, which remembers whether more of it was asked for than there is.
///
/// What was decided without asking for more stays right whatever follows. That makes a text masked in pieces equal
/// to one masked whole, without any rule about how much to hold back.
#[derive(Debug)]
pub(super) struct Window<'a> {
    text: &'a str,
    starved: Cell<bool>,
}

impl<'a> Window<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, starved: Cell::new(false) }
    }

    /// The character at byte `at`.
    pub(super) fn at(&self, at: usize) -> Option<char> {
        let found = self.text.get(at..).and_then(|rest| rest.chars().next());
        if found.is_none() {
            self.starved.set(true);
        }
        found
    }

    /// Whether anything beyond the text was asked for.
    pub(super) fn is_starved(&self) -> bool {
        self.starved.get()
    }

    /// Whether a number that ends at byte `at` is not the beginning of a longer word.
    pub(super) fn ends(&self, at: usize) -> bool {
        !self.at(at).is_some_and(is_word)
    }

    /// Up to `most` characters that `takes` accepts at their place among them, from byte `from` on, each with the byte
    /// after it. A single separator may stand between two.
    pub(super) fn symbols(
        &self,
        from: usize,
        most: usize,
        takes: impl Fn(usize, char) -> bool,
    ) -> Vec<(char, usize)> {
        let mut symbols = Vec::new();
        let mut at = from;
        while symbols.len() < most {
            let next = |at: usize| self.at(at).filter(|c| takes(symbols.len(), *c));
            let found = match self.at(at) {
                Some(c) if takes(symbols.len(), c) => Some((c, at)),
                Some(c) if is_separator(c) && !symbols.is_empty() => {
                    let after = at + c.len_utf8();
                    next(after).map(|c| (c, after))
                }
                _ => None,
            };
            let Some((symbol, start)) = found else { break };
            at = start + symbol.len_utf8();
            symbols.push((symbol, at));
        }
        symbols
    }
}

/// What a number or name is made of: digits and Latin letters. Other scripts may stand beside a number without a space.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_digit() || (c.is_alphabetic() && c < '\u{370}')
}

/// What may stand between the groups of a number: spaces (plain, no-break, narrow no-break, thin), hyphens, a dot.
pub(super) fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}' | '-' | '\u{2010}' | '\u{2011}' | '\u{2013}' | '.'
    )
}
