//! Which sentences of documents may stand alone in a draft: no halves, no debris of scanned pages,
//! nothing that was said already.

use std::collections::BTreeSet;

use crate::store::lexical::gram_len;
use crate::words::keys;

/// Words of a sentence that says something, and of one that can still be read.
const MIN_WORDS: usize = 4;
const MAX_WORDS: usize = 70;
/// Words in a row that a sentence does not say twice.
const REPEATED_WORDS: usize = 5;
/// The share of letters, digits, blanks and common marks in a sentence.
const MIN_READABLE: f32 = 0.9;
/// The share of words that are broken as recognisers of scanned pages break them.
const MAX_BROKEN: f32 = 0.2;
/// The cosine, and the share of words, from which two sentences say the same.
const COPY_COSINE: f32 = 0.95;
const COPY_WORDS: f32 = 0.75;

/// Whether a sentence is whole and can be read.
pub(super) fn is_sound(sentence: &str) -> bool {
    let count = word_count(sentence);
    (MIN_WORDS..=MAX_WORDS).contains(&count)
        && is_ended(sentence)
        && !begins_inside(sentence)
        && is_balanced(sentence)
        && is_readable(sentence)
}

/// How many words a text has, small ones too; of scripts without blanks, two letters are one.
pub(super) fn word_count(text: &str) -> usize {
    let letters = text.chars().filter(|c| gram_len(*c).is_some()).count();
    text.split_whitespace().count() + letters / 2
}

/// Whether a text that is no sentence, such as the row of a table, can be read.
pub(super) fn is_legible(text: &str) -> bool {
    word_count(text) >= 2 && is_readable(text)
}

/// Whether what a model wrote is a sentence: not too long, and not the same words over and over.
pub(super) fn is_plain(sentence: &str) -> bool {
    let words: Vec<String> = sentence.split_whitespace().map(str::to_lowercase).collect();
    let mut runs: Vec<&[String]> = words.windows(REPEATED_WORDS).collect();
    runs.sort_unstable();
    let is_repeated = runs.chunk_by(|a, b| a == b).any(|same| same.len() > 1);
    (2..=MAX_WORDS).contains(&word_count(sentence)) && !is_repeated
}

/// Whether a text ends as sentences do, and headings and cells do not.
fn is_ended(sentence: &str) -> bool {
    let closing = ['"', '\'', ')', ']', '\u{201d}', '\u{2019}', '\u{bb}', ' ', '\u{a0}'];
    let ends =
        ['.', '!', '?', '\u{2026}', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{964}', '\u{61f}'];
    sentence.trim_end_matches(closing).ends_with(ends)
}

/// Whether a sentence begins as no sentence does: with a small letter or with what closes another.
fn begins_inside(sentence: &str) -> bool {
    let first = sentence.trim_start().chars().next();
    first.is_none_or(|c| c.is_lowercase() || matches!(c, ',' | ')' | ']' | '.' | ';' | ':'))
}

/// Whether every bracket and quotation mark that opens closes: half of a pair is half a sentence.
fn is_balanced(sentence: &str) -> bool {
    let count = |mark: char| sentence.chars().filter(|c| *c == mark).count();
    [('(', ')'), ('[', ']'), ('\u{ab}', '\u{bb}'), ('\u{201c}', '\u{201d}')]
        .into_iter()
        .all(|(opens, closes)| count(opens) == count(closes))
        && count('"').is_multiple_of(2)
}

fn is_readable(sentence: &str) -> bool {
    let total = sentence.chars().count().max(1) as f32;
    let plain = |c: &char| c.is_alphanumeric() || c.is_whitespace() || COMMON_MARKS.contains(*c);
    let readable = sentence.chars().filter(plain).count() as f32;
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let broken = words.iter().filter(|word| is_broken(word)).count() as f32;
    readable >= MIN_READABLE * total
        && broken <= MAX_BROKEN * words.len() as f32
        && !has_lone_letters(&words)
}

const COMMON_MARKS: &str = ".,;:!?'\"()[]%/-&$\u{20ac}\u{a3}\u{2019}\u{2018}\u{201c}\u{201d}\u{ab}\u{bb}\u{2013}\u{2014}\u{2026}\u{b0}\u{3002}\u{3001}";

/// A word with digits or marks inside it that no word has: `l1brary`, `th~ough`, `Iib!ary`.
fn is_broken(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    let chars: Vec<char> = bare.chars().collect();
    let between = |test: fn(char) -> bool| {
        chars
            .windows(3)
            .any(|three| three[0].is_lowercase() && test(three[1]) && three[2].is_lowercase())
    };
    let is_address = bare.contains(['@', '/', '_']) || bare.contains("www.");
    word.contains('\u{fffd}')
        || between(|c| c.is_ascii_digit())
        || (!is_address && between(|c| matches!(c, '~' | '|' | '^' | '!' | '{' | '}' | '<' | '>')))
}

/// Whether letters stand apart: `T h e  l a b`.
fn has_lone_letters(words: &[&str]) -> bool {
    words.windows(4).any(|four| {
        let mut letters = four.iter().map(|word| word.chars().collect::<Vec<_>>());
        letters.all(
            |word| matches!(word.as_slice(), [c] if c.is_alphabetic() && u32::from(*c) < 0x250),
        )
    })
}

/// Whether two sentences say the same, by their words or by their vectors.
pub(super) fn is_copy(a: (&str, &[f32]), b: (&str, &[f32])) -> bool {
    let (one, other) = (keys(a.0), keys(b.0));
    let shared = one.intersection(&other).count() as f32;
    let shorter = one.len().min(other.len()).max(1) as f32;
    let cosine: f32 = a.1.iter().zip(b.1).map(|(x, y)| x * y).sum();
    // other figures are another thing, however near the words are
    let is_contrary = figures(a.0) != figures(b.0);
    !is_contrary && (shared >= COPY_WORDS * shorter || cosine >= COPY_COSINE)
}

fn figures(text: &str) -> BTreeSet<String> {
    let runs = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_debris_are_told_from_sentences() {
        for sound in [
            "The library opens at nine on weekdays.",
            "L'ouverture du dimanche co\u{fb}te 12 000 \u{20ac} par an (hors travaux).",
            "Write to desk@library.example before noon on Mondays.",
            "\u{56f3}\u{66f8}\u{9928}\u{306f}\u{65e5}\u{66dc}\u{65e5}\u{306b}\u{9589}\u{307e}\u{308a}\u{307e}\u{3059}\u{3002}",
        ] {
            assert!(is_sound(sound), "{sound}");
        }
        for unsound in [
            "opens at nine on weekdays and closes.",
            "The library opens at nine and",
            "The l1brary 0pens at n1ne on weekd4ys, th~ough n0t on Sun!ays.",
            "T h e l a b o p e n s at nine on weekdays.",
            "The library (which was built opens at nine.",
            "Opening hours",
            "The \u{fffd}\u{fffd} is \u{fffd}\u{fffd} of the \u{fffd}\u{fffd}.",
            "",
        ] {
            assert!(!is_sound(unsound), "{unsound}");
        }
    }

    #[test]
    fn what_a_model_says_over_and_over_is_no_sentence() {
        assert!(is_plain("Visitors stay behind the line, and the line is yellow."));
        assert!(!is_plain(
            "They stay behind the yellow line, so that they stay behind the yellow line."
        ));
        assert!(!is_plain("Yes") && !is_plain(&"word ".repeat(80)));
    }

    #[test]
    fn what_differs_in_a_figure_is_no_copy() {
        let none: &[f32] = &[];
        let a = "The library opens at 9 on weekdays.";
        let b = "On weekdays, the library opens at 9.";
        assert!(is_copy((a, none), (b, none)));
        assert!(!is_copy((a, none), ("The library opens at 10 on weekdays.", none)));
        assert!(!is_copy((a, &[1.0, 0.0]), ("Bees make honey in summer.", &[0.0, 1.0])));
        assert!(is_copy(
            (a, &[1.0, 0.0]),
            ("Doors are unlocked in the morning at 9.", &[1.0, 0.0])
        ));
    }
}
