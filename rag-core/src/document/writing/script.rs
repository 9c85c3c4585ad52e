//! Superscripts and subscripts in a text without either: 10 to the 4th must not read 104, nor
//! `word` with a note mark `word3`.
//!
//! What has Unicode characters of its own is written in them (U+2070 to U+209F), anything else as
//! `^(...)` and `_(...)`. Ordinals stay letters (`1st`), and what marks a note becomes `[3]`.

use crate::document::vocabulary::one_line;

/// Which way a piece of text is set off its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::document) enum Script {
    Superscript,
    Subscript,
}

/// Characters that a superscript or subscript may have; more is a line of its own that is only set
/// small.
pub(in crate::document) const MAX_SCRIPT_CHARS: usize = 40;

/// Endings of ordinals and abbreviations that are set high, after a number or a Roman one.
const ORDINALS: [&str; 17] = [
    "st",
    "nd",
    "rd",
    "th",
    "e",
    "er",
    "\u{e8}re",
    "re",
    "ers",
    "es",
    "nde",
    "\u{e8}me",
    "eme",
    "i\u{e8}me",
    "ieme",
    "\u{e8}mes",
    "te",
];

/// Endings of French titles and the like that are set high after an initial.
const ABBREVIATIONS: [&str; 9] = ["me", "mes", "lle", "lles", "gr", "ie", "te", "ve", "r"];

/// Units of one word whose powers are written: a number after them is no note mark.
const UNITS: [&str; 32] = [
    "mm", "cm", "dm", "km", "hm", "dam", "nm", "pm", "fm", "um", "\u{b5}m", "\u{3bc}m", "in", "ft",
    "yd", "mi", "kg", "mg", "ms", "ns", "ps", "sec", "min", "hz", "khz", "mol", "pa", "cos", "sin",
    "tan", "log", "ln",
];

/// Signs that bind the letters after them to a formula.
const OPERATORS: &str = "(+*/=<>^_\u{d7}\u{b7}\u{22c5}\u{2212}\u{221a}";

/// Words of two letters, in English, French, German, Spanish and Italian.
const SHORT_WORDS: [&str; 64] = [
    "am", "an", "as", "at", "be", "by", "do", "go", "he", "if", "in", "is", "it", "me", "my", "no",
    "of", "on", "or", "so", "to", "up", "us", "we", "au", "ce", "de", "du", "elle", "en", "et",
    "eu", "il", "je", "la", "le", "ma", "ne", "nu", "on", "ou", "sa", "se", "si", "su", "ta", "te",
    "tu", "un", "va", "vu", "da", "er", "es", "im", "ja", "ob", "um", "wo", "zu", "el", "lo", "mi",
    "yo",
];

/// What to write for `content`, which is set as `script` after `before`, the text of its line so
/// far; `before` ends with white space or is empty if something parts them.
pub(in crate::document) fn shown(script: Script, content: &str, before: &str) -> String {
    let content = content.trim();
    if content.is_empty() {
        return String::new();
    }
    match script {
        Script::Subscript => lowered(content),
        Script::Superscript if is_note(content, before) => note_mark(content),
        Script::Superscript => raised(content, before),
    }
}

/// As [`shown`] in a formula, where nothing marks a note and no letters are an ending.
pub(in crate::document) fn formula(script: Script, content: &str) -> String {
    let content = content.trim();
    match script {
        _ if content.is_empty() => String::new(),
        Script::Subscript => lowered(content),
        Script::Superscript => power(content),
    }
}

fn power(content: &str) -> String {
    let written = in_characters(content, superscript);
    written.unwrap_or_else(|| format!("^({})", one_line(content)))
}

/// The mark of a note, `[3]`, as it stands after a word.
pub(in crate::document) fn note_mark(content: &str) -> String {
    let content = content.trim();
    let is_sign = !content.chars().any(char::is_alphanumeric);
    let is_bracketed = content.starts_with(['[', '(']) && content.ends_with([']', ')']);
    if is_sign || is_bracketed { content.to_owned() } else { format!("[{content}]") }
}

fn raised(content: &str, before: &str) -> String {
    if is_ordinal(content, before) {
        return content.to_owned();
    }
    match content {
        "o" | "\u{ba}" | "os" if before.ends_with(['n', 'N']) || ends_with_digit(before) => {
            content.replacen(['o', '\u{ba}'], "\u{b0}", 1)
        }
        "TM" | "tm" => "\u{2122}".to_owned(),
        _ if !content.chars().any(char::is_alphanumeric) && !is_sign_only(content) => {
            content.to_owned()
        }
        _ => power(content),
    }
}

fn lowered(content: &str) -> String {
    let is_word = content.chars().count() > 1 && content.chars().all(char::is_alphabetic);
    let written = in_characters(content, subscript).filter(|_| !is_word);
    written.unwrap_or_else(|| match is_word {
        true => format!("_{content}"),
        false => format!("_({})", one_line(content)),
    })
}

/// A charge or the like: signs that have characters of their own.
fn is_sign_only(content: &str) -> bool {
    content.chars().all(|c| superscript(c).is_some())
}

/// `content` in characters of its own, if each has one; blanks between them are left out.
fn in_characters(content: &str, character: fn(char) -> Option<char>) -> Option<String> {
    content.chars().filter(|c| !c.is_whitespace()).map(character).collect()
}

/// Letters set high that are read as letters: `1st`, `2e`, `XIXe`, `Mme`.
fn is_ordinal(content: &str, before: &str) -> bool {
    let lower = content.to_lowercase();
    let after_number = ends_with_digit(before) || ends_with_roman(before);
    if after_number && ORDINALS.contains(&lower.as_str()) {
        return true;
    }
    // An initial: `M` and `me`, `D` and `r`.
    let initial = last_word(before);
    initial.chars().count() == 1
        && initial.chars().all(char::is_uppercase)
        && ABBREVIATIONS.contains(&content.trim_end_matches('.'))
        && (content.len() > 1 || matches!(initial, "D" | "P"))
}

/// Whether a superscript marks a note rather than a power or a charge.
fn is_note(content: &str, before: &str) -> bool {
    if content.starts_with('[') && content.ends_with(']') {
        return true;
    }
    if is_ordinal(content, before) {
        return false;
    }
    let is_number = content.len() <= 3 && content.bytes().all(|b| b.is_ascii_digit());
    let separator = |c: char| ",;\u{2013} ".contains(c);
    let numbers = content.split(separator).filter(|part| !part.is_empty());
    let is_list = content.contains(separator)
        && content.chars().all(|c| c.is_ascii_digit() || separator(c))
        && numbers.clone().count() > 1
        && numbers.clone().all(|number| number.len() <= 3);
    let is_letter = content.len() == 1 && content.bytes().all(|b| (b'a'..=b'h').contains(&b));
    let Some(last) = before.chars().next_back() else { return false };
    match last {
        '0'..='9' if is_letter => content != "e",
        '0'..='9' => (is_number || is_list) && ends_with_year(before),
        ')' | ']' => (is_number || is_list) && brackets_words(before),
        _ if last.is_alphabetic() => {
            let word = last_word(before);
            (is_number || is_list || is_letter) && is_plain_word(word, before)
        }
        _ if last.is_whitespace() || OPERATORS.contains(last) => false,
        _ => is_number || is_list || is_letter,
    }
}

fn ends_with_digit(before: &str) -> bool {
    before.ends_with(|c: char| c.is_ascii_digit())
}

fn ends_with_roman(before: &str) -> bool {
    let word = last_word(before);
    !word.is_empty() && word.chars().all(|c| "IVXLCDM".contains(c))
}

/// The letters that `before` ends with.
fn last_word(before: &str) -> &str {
    let start = before.trim_end_matches(char::is_alphabetic).len();
    before.get(start..).unwrap_or_default()
}

/// Whether the word that `before` ends with is one of a sentence, not of a formula: no unit,
/// nothing after an operator or a digit, no letters of two alphabets, and if it has two letters
/// only one that sentences are full of.
fn is_plain_word(word: &str, before: &str) -> bool {
    let letters = word.chars().count();
    let head = before.strip_suffix(word).unwrap_or_default();
    let after = head.chars().next_back();
    let bound = after.is_some_and(|c| c.is_ascii_digit() || OPERATORS.contains(c));
    let mixed = !word.is_ascii()
        && word.chars().any(|c| ('\u{370}'..='\u{3ff}').contains(&c))
        && word.chars().any(|c| c.is_ascii_alphabetic());
    let is_short = letters == 2 && word.is_ascii();
    let is_common = SHORT_WORDS.contains(&word.to_lowercase().as_str());
    letters > 1
        && !bound
        && !mixed
        && !is_unit(word)
        && !is_formula(word)
        && (!is_short || is_common)
}

fn is_unit(word: &str) -> bool {
    UNITS.contains(&word.to_lowercase().as_str())
}

/// A year before a raised number: nobody raises 1995 to the third power.
fn ends_with_year(before: &str) -> bool {
    let start = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, digits) = before.split_at(start);
    let year = digits.parse::<u32>().is_ok_and(|year| (1500..2100).contains(&year));
    digits.len() == 4 && year && !head.ends_with(['.', ',', '-', '\u{2212}'])
}

/// Few letters, a capital not at the start among them: an ion, a variable (`SO`, `dV`), and no
/// acronym of three.
fn is_formula(word: &str) -> bool {
    let letters = word.chars().count();
    let is_acronym = letters == 3 && word.chars().all(char::is_uppercase);
    letters <= 3 && !is_acronym && word.chars().skip(1).any(char::is_uppercase)
}

/// Whether the brackets that `before` ends with hold words, so that a number after them marks a
/// note.
fn brackets_words(before: &str) -> bool {
    let open = before.rfind(['(', '[']).map_or(0, |open| open + 1);
    let inner = before.get(open..).unwrap_or_default();
    inner.split(|c: char| !c.is_alphabetic()).any(|word| word.chars().count() > 3)
}

fn superscript(c: char) -> Option<char> {
    Some(match c {
        '0' => '\u{2070}',
        '1' => '\u{b9}',
        '2' => '\u{b2}',
        '3' => '\u{b3}',
        '4'..='9' => char::from_u32(0x2070 + c.to_digit(10)?)?,
        '+' => '\u{207a}',
        '-' | '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' => '\u{207b}',
        '=' => '\u{207c}',
        '(' => '\u{207d}',
        ')' => '\u{207e}',
        'n' => '\u{207f}',
        'i' => '\u{2071}',
        '\u{2070}'..='\u{207f}' | '\u{b9}' | '\u{b2}' | '\u{b3}' => c,
        _ => return None,
    })
}

fn subscript(c: char) -> Option<char> {
    const LETTERS: &str = "aeox\u{259}hklmnpst";
    Some(match c {
        '0'..='9' => char::from_u32(0x2080 + c.to_digit(10)?)?,
        '+' => '\u{208a}',
        '-' | '\u{2212}' | '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2013}' => '\u{208b}',
        '=' => '\u{208c}',
        '(' => '\u{208d}',
        ')' => '\u{208e}',
        'i' => '\u{1d62}',
        'r' => '\u{1d63}',
        'u' => '\u{1d64}',
        'v' => '\u{1d65}',
        'j' => '\u{2c7c}',
        '\u{2080}'..='\u{209c}' => c,
        _ => char::from_u32(0x2090 + u32::try_from(LETTERS.chars().position(|l| l == c)?).ok()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(before: &str, content: &str) -> String {
        format!("{before}{}", shown(Script::Superscript, content, before))
    }

    fn lower(before: &str, content: &str) -> String {
        format!("{before}{}", shown(Script::Subscript, content, before))
    }

    #[test]
    fn powers_and_charges_have_characters_of_their_own() {
        assert_eq!(raise("10", "4"), "10\u{2074}");
        assert_eq!(raise("10", "-9"), "10\u{207b}\u{2079}");
        assert_eq!(raise("10", " \u{2212} 11 "), "10\u{207b}\u{b9}\u{b9}");
        assert_eq!(raise("2", "30"), "2\u{b3}\u{2070}");
        assert_eq!(raise("5 m", "3"), "5 m\u{b3}");
        assert_eq!(raise("40 km", "2"), "40 km\u{b2}");
        assert_eq!(raise("E = mc", "2"), "E = mc\u{b2}");
        assert_eq!(raise("A = 2\u{3c0}r", "2"), "A = 2\u{3c0}r\u{b2}");
        assert_eq!(raise("y = ax", "2"), "y = ax\u{b2}");
        assert_eq!(raise("9.81 kg/m", "3"), "9.81 kg/m\u{b3}");
        assert_eq!(raise("Ca", "2+"), "Ca\u{b2}\u{207a}");
        assert_eq!(raise("mol", "-1"), "mol\u{207b}\u{b9}");
        assert_eq!(raise("(a + b)", "2"), "(a + b)\u{b2}");
        assert_eq!(raise("", "14"), "\u{b9}\u{2074}");
        assert_eq!(raise("1.995", "3"), "1.995\u{b3}");
        assert_eq!(raise("x", "n"), "x\u{207f}");
        assert_eq!(lower("H", "2"), "H\u{2082}");
        assert_eq!(lower("log", "10"), "log\u{2081}\u{2080}");
        assert_eq!(lower("a", "i"), "a\u{1d62}");
    }

    #[test]
    fn what_has_no_characters_is_marked() {
        assert_eq!(raise("e", "x+y"), "e^(x+y)");
        assert_eq!(raise("2", "1/2"), "2^(1/2)");
        assert_eq!(raise("10", "0.5"), "10^(0.5)");
        assert_eq!(raise("e", "kx"), "e^(kx)");
        assert_eq!(lower("V", "max"), "V_max");
        assert_eq!(lower("x", "i,j"), "x_(i,j)");
    }

    #[test]
    fn ordinals_and_abbreviations_stay_letters() {
        for (before, content, right) in [
            ("1", "st", "1st"),
            ("the 22", "nd", "the 22nd"),
            ("2", "e", "2e"),
            ("1", "er", "1er"),
            ("XIX", "e", "XIXe"),
            ("M", "me", "Mme"),
            ("D", "r", "Dr"),
            ("n", "o", "n\u{b0}"),
            ("20", "o", "20\u{b0}"),
            ("Rag", "TM", "Rag\u{2122}"),
        ] {
            assert_eq!(raise(before, content), right);
        }
    }

    #[test]
    fn note_marks_stand_in_brackets() {
        for (before, content, right) in [
            ("the pump", "3", "the pump[3]"),
            ("was closed.", "12", "was closed.[12]"),
            ("in 1995", "3", "in 1995[3]"),
            ("what it is", "3", "what it is[3]"),
            ("well-known", "3", "well-known[3]"),
            ("(see below for more)", "2", "(see below for more)[2]"),
            ("authors", "1,2", "authors[1,2]"),
            ("12.5", "a", "12.5[a]"),
            ("word", "*", "word*"),
            ("word", "[4]", "word[4]"),
            ("said\u{201d}", "7", "said\u{201d}[7]"),
        ] {
            assert_eq!(raise(before, content), right);
        }
    }

    #[test]
    fn any_text_is_shown() {
        for content in ["", " ", "\u{1f600}", "a b c", "\u{0}"] {
            for before in ["", "\u{1f600}", "(", "1999"] {
                let _ = (raise(before, content), lower(before, content));
            }
        }
    }
}
