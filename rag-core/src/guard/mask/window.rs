//! The text from one place on, read as it is seen and without knowing where it ends.

use std::cell::Cell;

use crate::guard::alike::{compatible, is_accent, is_invisible, is_ornament, seen_as};

/// Separators between two digits of a number with check digits, at most.
const MAX_SEPARATORS: usize = 3;

/// The held text from one place on, which remembers whether more of it was asked for than there is.
///
/// What was decided without asking for more stays right whatever follows. That makes a text masked
/// in pieces equal to one masked whole, without any rule about how much to hold back.
#[derive(Debug)]
pub(super) struct StreamWindow<'a> {
    text: &'a str,
    starved: Cell<bool>,
}

impl<'a> StreamWindow<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, starved: Cell::new(false) }
    }

    /// The first character from byte `at` on that shows, and the byte after it.
    fn shown(&self, at: usize) -> Option<(char, usize)> {
        let mut after = at;
        for c in self.text.get(at..).unwrap_or_default().chars() {
            after += c.len_utf8();
            if !is_hidden(c) {
                return Some((c, after));
            }
        }
        self.starved.set(true);
        None
    }

    /// The character at byte `at` as it is seen, and the byte after it. What does not show is
    /// passed over.
    pub(super) fn next(&self, at: usize) -> Option<(char, usize)> {
        self.shown(at).map(|(c, after)| (seen_as(c), after))
    }

    /// The byte after `c`, if that is what is seen at byte `at`.
    pub(super) fn after(&self, at: usize, c: char) -> Option<usize> {
        self.next(at).filter(|(found, _)| *found == c).map(|(_, after)| after)
    }

    /// Whether anything beyond the text was asked for.
    pub(super) fn is_starved(&self) -> bool {
        self.starved.get()
    }

    /// Whether a number that ends at byte `at` is not the beginning of a longer word.
    pub(super) fn ends(&self, at: usize) -> bool {
        !self.shown(at).is_some_and(|(c, _)| is_glued(c))
    }

    /// Up to `most` characters, as `takes` reads them at their place among them, each with the byte
    /// after it. Some separators or the end of a line may stand between two.
    pub(super) fn symbols(
        &self,
        most: usize,
        takes: impl Fn(usize, char) -> Option<char>,
    ) -> Vec<(char, usize)> {
        let mut symbols: Vec<(char, usize)> = Vec::new();
        while symbols.len() < most {
            let at = symbols.last().map_or(0, |(_, after)| *after);
            let index = symbols.len();
            let Some(symbol) = self.symbol(at, index > 0, |c| takes(index, c)) else { break };
            symbols.push(symbol);
        }
        symbols
    }

    fn symbol(
        &self,
        mut at: usize,
        may_part: bool,
        takes: impl Fn(char) -> Option<char>,
    ) -> Option<(char, usize)> {
        for _ in 0..=MAX_SEPARATORS {
            let (c, after) = self.next(at)?;
            if let Some(symbol) = takes(c) {
                return Some((symbol, after));
            }
            if !may_part || !(is_separator(c) || matches!(c, '\t' | '\n' | '\r' | '/')) {
                return None;
            }
            at = after;
        }
        None
    }
}

/// Whether a reader sees nothing of it, or an accent over the letter before it.
pub(super) fn is_hidden(c: char) -> bool {
    is_invisible(c) || is_accent(c)
}

/// What a number or name is made of: digits and Latin letters. Other scripts may stand beside a
/// number without a space.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_digit() || (c.is_alphabetic() && c < '\u{370}')
}

/// Whether a number beside it, without a space, is part of a longer word. The number of a note is
/// not.
pub(super) fn is_glued(c: char) -> bool {
    is_word(c) || (!is_ornament(c) && compatible(c).is_ascii_alphanumeric())
}

/// A digit as it is seen, or a letter that is drawn like one.
pub(super) fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        'O' | 'o' => Some('0'),
        'I' | 'l' => Some('1'),
        _ => None,
    }
}

/// What may stand between the groups of a number: spaces, hyphens, dots, low lines. Each stands for
/// all of its kind.
pub(super) fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '_' | '\u{b7}')
}
