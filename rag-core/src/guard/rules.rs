//! Lists of regular expressions that a text must, or must not, match.

use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use super::alike::{in_latin, is_invisible};
use crate::error::{Error, Result};
use crate::fold::fold;

/// Most rules in a list.
const MAX_RULES: usize = 1000;
/// Longest pattern.
const MAX_PATTERN_BYTES: usize = 10_000;
/// Most memory of a compiled pattern.
const MAX_COMPILED_BYTES: usize = 10 << 20;

/// Regular expressions, compiled once. Cloning is cheap.
///
/// The syntax is that of the `regex` crate: no look-around and no back-references, hence time
/// linear in the text. A rule matches anywhere in a text, whatever the case, accents, ligatures,
/// letter widths, invisible characters and white space: it is tried on the text as it is, on the
/// text folded to plain letters with single spaces, and on that with letters that look like Latin
/// ones, and digits of other scripts, in Latin.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: String,
    regex: Regex,
}

impl Rules {
    /// Compiles `patterns`; none is a list that is off.
    ///
    /// # Errors
    /// InvalidArgument for a pattern that is empty, no regular expression or too large, and for
    /// more than 1,000.
    pub fn parse<S: AsRef<str>>(patterns: &[S]) -> Result<Self> {
        if patterns.len() > MAX_RULES {
            let reason = format!("there are {}, at most {MAX_RULES} are taken", patterns.len());
            return Err(Error::invalid("rule", reason));
        }
        let rules = patterns.iter().map(|pattern| Rule::parse(pattern.as_ref()));
        Ok(Self { rules: rules.collect::<Result<_>>()? })
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The patterns, as they were given.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.pattern.as_str())
    }

    /// The pattern of the first rule that matches.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        let plain = plain(text);
        let latin = in_latin(&plain);
        let readings = [Some(text), Some(&plain), latin.as_deref()];
        let matches =
            |rule: &&Rule| readings.into_iter().flatten().any(|text| rule.regex.is_match(text));
        self.rules.iter().find(matches).map(|rule| rule.pattern.as_str())
    }
}

impl Rule {
    fn parse(pattern: &str) -> Result<Self> {
        let fault = |reason: &str| Error::invalid("rule", format!("{pattern:?}: {reason}"));
        if pattern.is_empty() {
            return Err(fault("it is empty and would match every text"));
        }
        if pattern.len() > MAX_PATTERN_BYTES {
            let reason = format!("{} bytes, at most {MAX_PATTERN_BYTES}", pattern.len());
            return Err(Error::invalid("rule", reason));
        }
        let regex = RegexBuilder::new(&folded_pattern(pattern))
            .case_insensitive(true)
            .size_limit(MAX_COMPILED_BYTES)
            .build()
            .map_err(|error| fault(&cause(&error)))?;
        Ok(Self { pattern: pattern.to_owned(), regex })
    }
}

/// The last line of what the compiler says; the lines before it draw the pattern.
fn cause(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}

/// The text folded, without characters that do not show, runs of white space as one space.
fn plain(text: &str) -> String {
    let shown: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    fold(&shown).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The pattern with its letters folded as texts are. ASCII stays, so that classes such as `\W` keep
/// their meaning.
fn folded_pattern(pattern: &str) -> String {
    let mut folded = String::with_capacity(pattern.len());
    let (mut escaped, mut class_depth) = (false, 0_usize);
    for c in pattern.nfc() {
        match c {
            '[' if !escaped => class_depth += 1,
            ']' if !escaped => class_depth = class_depth.saturating_sub(1),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if c.is_ascii() {
            folded.push(c);
        } else {
            push_folded(c, class_depth > 0, &mut folded);
        }
    }
    folded
}

/// One letter beyond ASCII. What folds to several stands in a group; in a class it stays, and
/// matches the text as it is.
fn push_folded(c: char, in_class: bool, folded: &mut String) {
    let plain = fold(c.encode_utf8(&mut [0; 4]));
    let mut letters = plain.chars();
    match (letters.next(), letters.next()) {
        (Some(one), None) => folded.push_str(&regex::escape(one.encode_utf8(&mut [0; 4]))),
        (Some(_), Some(_)) if !in_class => {
            folded.push_str(&format!("(?:{})", regex::escape(&plain)));
        }
        _ => folded.push(c),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Rules::parse(&[pattern]).unwrap().find(text).is_some()
    }

    #[test]
    fn case_accents_widths_and_spaces_do_not_matter() {
        assert!(matches("m\u{e9}t\u{e9}o", "Quelle METEO demain ?"));
        assert!(matches("meteo", "La m\u{e9}t\u{e9}o"));
        assert!(matches("me\u{301}te\u{301}o", "La m\u{e9}t\u{e9}o"));
        assert!(matches("c\u{153}ur", "Un COEUR"));
        assert!(matches("coeur", "Un c\u{153}ur"));
        assert!(matches("ignore (all|previous) rules", "Ignore\n  previous\u{a0}rules now"));
        assert!(matches("password", "pass\u{200b}wo\u{ad}rd"));
        assert!(matches("password", "\u{ff50}\u{ff41}\u{ff53}\u{ff53}word"));
        assert!(matches("[\u{e9}\u{e8}]tude", "Etude"));
        assert!(matches("password", "P\u{430}ssw\u{43e}rd"));
        assert!(matches("copy 2024", "\u{441}\u{43e}\u{440}\u{443} 20\u{662}\u{664}"));
        assert!(!matches(r"\bo\b", "\u{43e} \u{434}\u{43e}\u{43c}\u{435}"), "a word of Russian");
        assert!(matches(r"\x{e9}t\x{e9}", "l'\u{e9}t\u{e9}"), "escapes match the text as it is");
    }

    #[test]
    fn classes_and_anchors_keep_their_meaning() {
        assert!(matches(r"^\W*\d{3}$", "  123"));
        assert!(!matches(r"^\d+$", "12a"));
        assert!(matches(r"\bsalary\b", "What is his salary?"));
        assert!(!matches(r"\bsalary\b", "salaryman"));
    }

    #[test]
    fn the_first_matching_rule_is_named_as_it_was_given() {
        let rules = Rules::parse(&["alpha", "Pr\u{e9}nom"]).unwrap();
        assert_eq!(rules.find("son prenom"), Some("Pr\u{e9}nom"));
        assert_eq!(Rules::default().find("anything"), None);
    }

    #[test]
    fn bad_patterns_are_refused_by_name() {
        let message = |pattern: &str| Rules::parse(&[pattern]).unwrap_err().to_string();
        assert_eq!(message("(ab"), "invalid rule: \"(ab\": unclosed group");
        assert!(message("").contains("empty"));
        assert!(message("(?=x)").contains("look-around"));
        assert!(message(&"x".repeat(MAX_PATTERN_BYTES + 1)).contains("at most"));
        assert!(message("(((a{100}){100}){100}){100}").contains("limit"));
        assert!(Rules::parse(&vec!["a"; MAX_RULES + 1]).is_err());
    }

    #[test]
    fn hostile_texts_take_linear_time() {
        assert!(!matches("(a+)+$", &format!("{}b", "a".repeat(200_000))));
    }

    proptest! {
        #[test]
        fn any_pattern_and_text_are_safe(pattern in any::<String>(), text in any::<String>()) {
            if let Ok(rules) = Rules::parse(&[pattern]) {
                let _ = rules.find(&text);
            }
        }

        #[test]
        fn a_text_matches_itself_in_capitals(text in "[a-z\u{e0}-\u{f6}\u{f8}-\u{ff}\u{153}]{1,9}( [a-z\u{e9}\u{153}]{1,9})?") {
            let rules = Rules::parse(&[regex::escape(&text)]).unwrap();
            prop_assert!(rules.find(&text.to_uppercase()).is_some());
        }
    }
}
