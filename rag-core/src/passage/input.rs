//! What the encoder reads of a passage: where it stands, then what it says.

use super::{TokenRanges, breaks};
use crate::error::Result;
use crate::options::words;

words! {
    /// What the encoder reads before the text of a passage: a fact of each file, since vectors of
    /// both kinds may be compared but are not the same.
    pub enum EncoderInput("encoder_input") {
        /// The heading path.
        Heading = "heading",
        /// The title of the document, then the heading path.
        Title = "title",
    }
}

/// Most tokens of a title that are read, and most bytes of it that are looked at for them.
const MAX_TITLE_TOKENS: usize = 32;
const MAX_TITLE_BYTES: usize = 768;

/// What the encoder may read of a passage, in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncoderText<'a> {
    /// Title of the document; none where the file's [`EncoderInput`] leaves it out.
    pub title: Option<&'a str>,
    /// Heading path.
    pub heading: Option<&'a str>,
    /// The passage.
    pub body: &'a str,
}

impl<'a> EncoderText<'a> {
    /// The parts that `input` has of a passage.
    #[must_use]
    pub fn of(
        input: EncoderInput,
        title: Option<&'a str>,
        heading: Option<&'a str>,
        body: &'a str,
    ) -> Self {
        let title = title.filter(|_| input == EncoderInput::Title);
        Self { title, heading, body }
    }

    /// The title and the heading path joined with `" > "`, a line feed, the text.
    ///
    /// Of a title the first 32 tokens count, up to the end of a word; those for which `limit`
    /// tokens have no room beside heading path and text are cut off, which are always whole. It is
    /// left out where heading path and text begin with its words already.
    ///
    /// # Errors
    /// Whatever `tokens` fails with.
    pub fn fitted(&self, tokens: &dyn TokenRanges, limit: usize) -> Result<String> {
        let plain = joined(None, self.heading, self.body);
        let Some(title) = self.own_title() else { return Ok(plain) };
        let ends: Vec<usize> = tokens.token_ranges(&title)?.iter().map(|range| range.end).collect();
        let mut count = ends.len().min(MAX_TITLE_TOKENS);
        while count > 0 {
            let is_whole = count == ends.len();
            let cut = if is_whole { title.as_str() } else { up_to_word(&title, ends[count - 1]) };
            if cut.is_empty() {
                break;
            }
            let text = joined(Some(cut), self.heading, self.body);
            let over = tokens.token_ranges(&text)?.len().saturating_sub(limit);
            if over == 0 {
                return Ok(text);
            }
            count = count.saturating_sub(over);
        }
        Ok(plain)
    }

    /// All of it, for an encoder that takes texts of any length: no title is cut.
    #[must_use]
    pub fn whole(&self) -> String {
        joined(self.own_title().as_deref(), self.heading, self.body)
    }

    /// Whether there is a title, and heading path and text do not begin with it.
    pub(crate) fn has_own_title(&self) -> bool {
        self.own_title().is_some()
    }

    /// The title on one line, if it says what the rest does not begin with.
    fn own_title(&self) -> Option<String> {
        let title = one_line(self.title?);
        let mut rest = words(self.heading.unwrap_or_default()).chain(words(self.body));
        let is_new = words(&title).any(|word| rest.next().as_ref() != Some(&word));
        is_new.then_some(title)
    }
}

fn joined(title: Option<&str>, heading: Option<&str>, body: &str) -> String {
    match (title, heading) {
        (Some(title), Some(heading)) => format!("{title} > {heading}\n{body}"),
        (Some(above), None) | (None, Some(above)) => format!("{above}\n{body}"),
        (None, None) => body.to_owned(),
    }
}

/// The beginning of a title without line feeds and runs of white space.
fn one_line(title: &str) -> String {
    let title = title.trim_start();
    let start = title.get(..title.floor_char_boundary(MAX_TITLE_BYTES)).unwrap_or_default();
    start.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `text` up to the last end of a word at or before `end`.
fn up_to_word(text: &str, end: usize) -> &str {
    let end = breaks::word_start(text, 0, text.floor_char_boundary(end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().trim_end()
}

/// What is compared of a text: its letters and digits in lower case, word by word.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::ops::Range;

    use super::*;

    /// A token is a word.
    struct Words;

    impl TokenRanges for Words {
        fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
            let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
            let words = text.split_whitespace();
            Ok(words.map(|word| start(word)..start(word) + word.len()).collect())
        }
    }

    fn fitted(title: &str, heading: Option<&str>, body: &str, limit: usize) -> String {
        let text = EncoderText::of(EncoderInput::Title, Some(title), heading, body);
        text.fitted(&Words, limit).unwrap()
    }

    #[test]
    fn a_title_stands_before_the_heading_path() {
        assert_eq!(fitted("Tides", None, "high water", 9), "Tides\nhigh water");
        assert_eq!(fitted(" The\n tides ", Some("A > B"), "x", 9), "The tides > A > B\nx");
        let before = EncoderText::of(EncoderInput::Heading, Some("Tides"), Some("A"), "x");
        assert_eq!(before.fitted(&Words, 9).unwrap(), "A\nx");
    }

    #[test]
    fn a_title_that_says_nothing_new_is_left_out() {
        for title in ["", " \n", "...", "Tides", "TIDES!", "tides of"] {
            assert_eq!(fitted(title, Some("Tides of 1990"), "x", 99), "Tides of 1990\nx");
        }
        assert_eq!(fitted("High water", None, "# High water\nx", 99), "# High water\nx");
        assert_eq!(fitted("of 1990", Some("Tides of 1990"), "x", 99), "of 1990 > Tides of 1990\nx");
    }

    #[test]
    fn a_title_takes_the_room_that_is_left() {
        let body = "one two three";
        assert_eq!(fitted("a b c", None, body, 6), "a b c\none two three");
        assert_eq!(fitted("a b c", None, body, 5), "a b\none two three");
        for limit in [0, 2, 3] {
            assert_eq!(fitted("a b c", None, body, limit), body);
        }
        // the bar between title and heading path counts as well
        assert_eq!(fitted("a b c", Some("h"), body, 6), "a > h\none two three");
        assert_eq!(fitted("a b c", Some("h"), body, 5), "h\none two three");
    }

    #[test]
    fn of_a_long_title_the_first_words_are_read() {
        let long = fitted(&"word ".repeat(2000), None, "body", 500);
        assert_eq!(long, format!("{}\nbody", ["word"; MAX_TITLE_TOKENS].join(" ")));
        assert_eq!(fitted(&"x".repeat(10_000), None, "body", 500).len(), MAX_TITLE_BYTES + 5);
        let letters = "\u{6f6e}".repeat(5000);
        assert!(fitted(&letters, None, "body", 500).len() <= MAX_TITLE_BYTES + 5);
    }
}
