//! Token bytes to text that is certain: whole characters, and never the beginning of a stop string.

/// What a stream may hand out after a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// Text that will not be taken back; may be empty.
    pub(super) text: String,
    /// Whether a stop string has come up; nothing follows.
    pub(super) stopped: bool,
}

/// Holds back what may still change.
#[derive(Debug, Clone)]
pub(super) struct TextStream<'a> {
    stop: &'a [String],
    /// Bytes of a character that is not complete.
    bytes: Vec<u8>,
    /// Text that may be the beginning of a stop string.
    held: String,
}

impl<'a> TextStream<'a> {
    /// A stream that ends before any of `stop`, none of which is empty.
    pub(super) fn new(stop: &'a [String]) -> Self {
        Self { stop, bytes: Vec::new(), held: String::new() }
    }

    /// Takes in the bytes of one token.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Piece {
        self.bytes.extend_from_slice(bytes);
        self.take_characters();
        let first = self.stop.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = first {
            let text = self.held[..at].to_owned();
            self.held.clear();
            self.bytes.clear();
            return Piece { text, stopped: true };
        }
        let certain = self.held.len() - self.longest_beginning();
        let rest = self.held.split_off(certain);
        Piece { text: std::mem::replace(&mut self.held, rest), stopped: false }
    }

    /// What was held back and is now certain; half a character is dropped.
    pub(super) fn finish(self) -> String {
        self.held
    }

    /// Moves complete characters from `bytes` to `held`; bytes that can never be one become U+FFFD.
    fn take_characters(&mut self) {
        loop {
            let error = match std::str::from_utf8(&self.bytes) {
                Ok(text) => {
                    self.held.push_str(text);
                    self.bytes.clear();
                    return;
                }
                Err(error) => error,
            };
            let valid: Vec<u8> = self.bytes.drain(..error.valid_up_to()).collect();
            self.held.push_str(&String::from_utf8_lossy(&valid));
            let Some(bad) = error.error_len() else { return };
            self.bytes.drain(..bad);
            self.held.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// Bytes at the end of `held` that begin a stop string.
    fn longest_beginning(&self) -> usize {
        let longest = self.stop.iter().map(String::len).max().unwrap_or(0).saturating_sub(1);
        let from = self.held.len().saturating_sub(longest);
        (from..self.held.len())
            .filter(|at| self.held.is_char_boundary(*at))
            .find(|at| self.stop.iter().any(|stop| stop.starts_with(&self.held[*at..])))
            .map_or(0, |at| self.held.len() - at)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(stop: &[&str], tokens: &[&[u8]]) -> (Vec<String>, bool) {
        let stop: Vec<String> = stop.iter().map(|stop| (*stop).to_owned()).collect();
        let mut stream = TextStream::new(&stop);
        let mut pieces = Vec::new();
        for token in tokens {
            let piece = stream.push(token);
            pieces.push(piece.text);
            if piece.stopped {
                return (pieces, true);
            }
        }
        pieces.push(stream.finish());
        (pieces, false)
    }

    #[test]
    fn half_a_character_waits_for_its_other_half() {
        let (pieces, _) = run(&[], &[b"caf\xC3", b"\xA9!", b"\xF0\x9F", b"\x98", b"\x80"]);
        assert_eq!(pieces, ["caf", "\u{e9}!", "", "", "\u{1F600}", ""]);
    }

    #[test]
    fn bytes_that_are_no_character_are_marked_and_a_cut_one_is_dropped() {
        let (pieces, _) = run(&[], &[b"a\xFFb", b"\xC3"]);
        assert_eq!(pieces, ["a\u{FFFD}b", "", ""]);
    }

    #[test]
    fn stop_strings_are_found_across_tokens_and_never_begun() {
        let (pieces, stopped) = run(&["</end>"], &[b"Hi <", b"/en", b"d> more"]);
        assert_eq!((pieces.concat().as_str(), stopped), ("Hi ", true));
        let (pieces, stopped) = run(&["</end>"], &[b"Hi <", b"/en", b"tity>"]);
        assert_eq!((pieces.concat().as_str(), stopped), ("Hi </entity>", false));
        assert_eq!(pieces[0], "Hi ");
    }

    #[test]
    fn the_earliest_stop_string_wins() {
        let (pieces, stopped) = run(&["b", "ab"], &[b"xxab"]);
        assert_eq!((pieces.concat().as_str(), stopped), ("xx", true));
    }

    proptest! {
        #[test]
        fn pieces_concatenate_to_the_text_before_the_first_stop(
            text in "[ab\u{e9}\u{1F600}]{0,40}",
            stop in prop::collection::vec("[ab\u{e9}]{1,4}", 0..3),
            cuts in prop::collection::vec(1usize..5, 0..60),
        ) {
            let mut tokens = Vec::new();
            let mut rest = text.as_bytes();
            for cut in cuts.into_iter().chain(std::iter::repeat(3)) {
                if rest.is_empty() { break; }
                let (token, after) = rest.split_at(cut.min(rest.len()));
                tokens.push(token);
                rest = after;
            }
            let stop: Vec<&str> = stop.iter().map(String::as_str).collect();
            let (pieces, stopped) = run(&stop, &tokens);
            // Tokens come one by one, so the stop that ends first is found first; among those the
            // earliest.
            let expected = (0..=text.len())
                .filter(|end| text.is_char_boundary(*end))
                .find_map(|end| stop.iter().filter_map(|stop| text[..end].find(stop)).min());
            prop_assert_eq!(stopped, expected.is_some());
            if !stopped { prop_assert_eq!(pieces.concat(), text); }
            else { prop_assert!(text.starts_with(&pieces.concat())); }
            for piece in &pieces { for stop in &stop { prop_assert!(!piece.contains(stop)); } }
        }
    }
}
