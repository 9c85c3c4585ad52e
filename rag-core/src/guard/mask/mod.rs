//! Personal data in a text, replaced by typed placeholders such as `[EMAIL]`.
//!
//! What is found: e-mail addresses, IBANs (ISO 13616, check digits by ISO 7064 mod 97-10), French
//! social security numbers (NIR, with their key), payment cards (ISO/IEC 7812, Luhn's digit) and
//! phone numbers (French forms, and international ones after `+` or `00`). The form decides, not
//! the meaning: a number that has the form and the check digits of a card is masked, whatever it
//! is. Texts are read as they are seen: characters that do not show are passed over, and variants
//! and look-alikes of letters and digits count as what they look like.

mod numbers;
mod phone;
mod window;

use serde::{Deserialize, Serialize};

use window::{StreamWindow, is_glued, is_hidden, is_word};

pub use crate::options::guards::Mask;

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskKind {
    /// E-mail address.
    Email,
    /// International bank account number.
    Iban,
    /// French social security number.
    Nir,
    /// Payment card.
    Card,
    /// Phone number.
    Phone,
}

impl MaskKind {
    /// What stands in its place.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        match self {
            MaskKind::Email => "[EMAIL]",
            MaskKind::Iban => "[IBAN]",
            MaskKind::Nir => "[NIR]",
            MaskKind::Card => "[CARD]",
            MaskKind::Phone => "[PHONE]",
        }
    }
}

/// How often each kind was masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MaskCounts {
    /// E-mail addresses.
    pub email: usize,
    /// Bank accounts.
    pub iban: usize,
    /// Social security numbers.
    pub nir: usize,
    /// Payment cards.
    pub card: usize,
    /// Phone numbers.
    pub phone: usize,
}

impl MaskCounts {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> usize {
        self.email + self.iban + self.nir + self.card + self.phone
    }

    fn add(&mut self, kind: MaskKind) {
        match kind {
            MaskKind::Email => self.email += 1,
            MaskKind::Iban => self.iban += 1,
            MaskKind::Nir => self.nir += 1,
            MaskKind::Card => self.card += 1,
            MaskKind::Phone => self.phone += 1,
        }
    }
}

impl std::ops::AddAssign for MaskCounts {
    fn add_assign(&mut self, other: Self) {
        self.email += other.email;
        self.iban += other.iban;
        self.nir += other.nir;
        self.card += other.card;
        self.phone += other.phone;
    }
}

/// A text with its personal data masked, and what was masked.
#[must_use]
pub fn mask(text: &str) -> (String, MaskCounts) {
    let mut stream = MaskStream::default();
    let mut masked = stream.push(text);
    masked.push_str(&stream.rest());
    (masked, stream.counts)
}

/// Masks a text that arrives in pieces: all of them together are what [`mask`] makes of the whole.
///
/// Held back is what may still become personal data: the beginning of an address or of a number, a
/// word at most in ordinary text. Time is linear in the text.
#[derive(Debug, Default)]
pub struct MaskStream {
    held: String,
    previous: Option<char>,
    counts: MaskCounts,
}

impl MaskStream {
    /// Takes in a piece and gives what is certain by now; may be empty.
    #[must_use]
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        self.drain(false)
    }

    /// The end of the text: what was held back, and all that was masked.
    #[must_use]
    pub fn finish(mut self) -> (String, MaskCounts) {
        let rest = self.rest();
        (rest, self.counts)
    }

    fn rest(&mut self) -> String {
        self.drain(true)
    }

    /// What can be said of the held text; `complete` if nothing follows it.
    ///
    /// A decision that did not look beyond the held text cannot change with what follows; see
    /// [`StreamWindow`].
    fn drain(&mut self, complete: bool) -> String {
        let mut out = String::with_capacity(self.held.len());
        let mut at = 0;
        while let Some(rest) = self.held.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(first) = rest.chars().next() else { break };
            let window = StreamWindow::new(rest);
            let may_begin = !is_hidden(first) && !self.previous.is_some_and(is_glued);
            let found = if may_begin { find(&window) } else { None };
            if window.is_starved() && !complete {
                break;
            }
            match found {
                Some((kind, end)) => {
                    out.push_str(kind.placeholder());
                    self.counts.add(kind);
                    self.previous = Some(']');
                    at += end;
                }
                None => {
                    out.push(first);
                    self.previous = if is_hidden(first) { self.previous } else { Some(first) };
                    at += first.len_utf8();
                }
            }
        }
        self.held.drain(..at);
        out
    }
}

/// The length in bytes of what begins with a window, if it is of one kind.
type Matcher = fn(&StreamWindow<'_>) -> Option<usize>;

/// The personal data that begins with the window, and its length in bytes.
fn find(window: &StreamWindow<'_>) -> Option<(MaskKind, usize)> {
    let kinds: [(MaskKind, Matcher); 5] = [
        (MaskKind::Email, email),
        (MaskKind::Iban, numbers::iban),
        (MaskKind::Nir, numbers::nir),
        (MaskKind::Card, numbers::card),
        (MaskKind::Phone, phone::phone),
    ];
    kinds.into_iter().find_map(|(kind, matcher)| Some((kind, matcher(window)?)))
}

/// Longest part of an address before its `@` (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_CHARS: usize = 64;

fn email(window: &StreamWindow<'_>) -> Option<usize> {
    let (first, after) = window.next(0)?;
    if matches!(first, '"' | '\u{201c}' | '\u{201d}') {
        return quoted(window, after);
    }
    if !is_name(first) && first != '_' {
        return None;
    }
    let mut at = 0;
    for _ in 0..=MAX_LOCAL_CHARS {
        match window.next(at)? {
            ('@', after) => return domain(window, after),
            (c, after) if is_name(c) || "._%+-'".contains(c) => at = after,
            _ => return None,
        }
    }
    None
}

/// What names in addresses are made of: letters of scripts that part words by spaces, and digits.
/// Where they do not, the words before an address would pass for its beginning.
fn is_name(c: char) -> bool {
    let is_spaced = matches!(c, '\u{370}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{900}'..='\u{dff}'
        | '\u{10a0}'..='\u{10ff}' | '\u{1c90}'..='\u{1cbf}' | '\u{1f00}'..='\u{1fff}');
    is_word(c) || (is_spaced && c.is_alphabetic())
}

/// A local part in quotes, from byte `at` on (RFC 5321, 4.1.2), and its domain.
fn quoted(window: &StreamWindow<'_>, mut at: usize) -> Option<usize> {
    for _ in 0..=MAX_LOCAL_CHARS {
        let (c, after) = window.next(at)?;
        at = match c {
            '"' | '\u{201c}' | '\u{201d}' => return domain(window, window.after(after, '@')?),
            // brackets are ours: a masked address in quotes must not be masked again
            '\n' | '[' | ']' => return None,
            '\\' => window.next(after)?.1,
            _ => after,
        };
    }
    None
}

/// Labels joined by dots, up to the last one that can be a top-level domain, or an address of the
/// network in brackets.
fn domain(window: &StreamWindow<'_>, from: usize) -> Option<usize> {
    if let Some(at) = window.after(from, '[') {
        return literal(window, at);
    }
    let (mut at, mut end, mut label_count) = (from, None, 0);
    loop {
        let (first, _) = window.next(at).filter(|(c, _)| is_name(*c))?;
        let mut char_count = 0;
        while let Some((_, after)) = window.next(at).filter(|(c, _)| is_name(*c) || *c == '-') {
            at = after;
            char_count += 1;
        }
        label_count += 1;
        if label_count > 1 && char_count > 1 && first.is_alphabetic() {
            end = Some(at);
        }
        // both full stops part labels (RFC 3490, 3.1)
        match window.next(at).filter(|(c, _)| matches!(c, '.' | '\u{3002}')) {
            Some((_, after)) if window.next(after).is_some_and(|(c, _)| is_name(c)) => at = after,
            _ => return end,
        }
    }
}

/// Longest address of the network (IPv6 with an IPv4 tail, after its tag).
const MAX_LITERAL_CHARS: usize = 50;

fn literal(window: &StreamWindow<'_>, mut at: usize) -> Option<usize> {
    let mut has_part = false;
    for _ in 0..=MAX_LITERAL_CHARS {
        let (c, after) = window.next(at)?;
        match c {
            ']' => return has_part.then_some(after),
            '.' | ':' => has_part = true,
            c if c.is_ascii_alphanumeric() => {}
            _ => return None,
        }
        at = after;
    }
    None
}

#[cfg(test)]
mod tests;
