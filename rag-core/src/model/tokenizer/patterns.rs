//! Regular expressions that come with a model: none of them may take time that grows with a power
//! of the text.
//!
//! The splitting of a `tokenizer.json` is run by an engine that goes back and tries again where a
//! pattern looks around or refers back. There a repetition inside a repetition multiplies the
//! tries; the engine gives up after a million, for each place of the text, and what is left of the
//! text is then not split at all. Other patterns run in linear time.

use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Repetitions of something up to this many times do not count: they are short whatever the text.
const SHORT: u32 = 8;

/// The parts of a `tokenizer.json` that may hold patterns.
#[derive(Deserialize)]
struct Steps {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
}

/// Refuses the bytes of a `tokenizer.json` for a pattern in it, before any is compiled.
///
/// # Errors
/// Why, with the pattern.
pub(crate) fn check_bytes(bytes: &[u8]) -> Result<(), String> {
    const MARK: &[u8] = b"Regex";
    // most tokenizers have no pattern, and some have millions of bytes
    if !bytes.windows(MARK.len()).any(|window| window == MARK) {
        return Ok(());
    }
    match serde_json::from_slice::<Steps>(bytes) {
        Ok(steps) => {
            check_steps(&steps.normalizer).and_then(|()| check_steps(&steps.pre_tokenizer))
        }
        // what is no JSON is told by who reads all of it
        Err(_) => Ok(()),
    }
}

/// As [`check_bytes`], of a step that was loaded.
///
/// # Errors
/// Why, with the pattern.
pub(crate) fn check_loaded(step: &impl Serialize) -> Result<(), String> {
    check_steps(&serde_json::to_value(step).unwrap_or_default())
}

/// Looks at every pattern in a step and those inside it.
pub(crate) fn check_steps(step: &Value) -> Result<(), String> {
    match step {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| match value {
            Value::String(pattern) if name == "Regex" && runs_away(pattern) => {
                let shown: String = pattern.chars().take(80).collect();
                Err(format!("the pattern {shown:?} can take time without end on some texts"))
            }
            value => check_steps(value),
        }),
        Value::Array(parts) => parts.iter().try_for_each(check_steps),
        _ => Ok(()),
    }
}

/// Whether a pattern needs going back and repeats a repetition.
fn runs_away(pattern: &str) -> bool {
    Regex::new(pattern).is_err() && nests_repetitions(pattern)
}

/// Whether something that repeats stands in a group that repeats.
fn nests_repetitions(pattern: &str) -> bool {
    // whether each group that is open holds a repetition
    let mut groups = vec![false];
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        let mut holds = false;
        match c {
            '(' => {
                groups.push(false);
                continue;
            }
            ')' => holds = if groups.len() > 1 { groups.pop().unwrap_or(false) } else { false },
            '\\' => skip_escape(&mut rest),
            '[' => skip_class(&mut rest),
            _ => {}
        }
        let repeats = takes_repetition(&mut rest);
        if holds && repeats {
            return true;
        }
        if let Some(group) = groups.last_mut() {
            *group |= holds || repeats;
        }
    }
    false
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(rest: &mut Chars<'_>) {
    let letter = rest.next();
    if matches!(letter, Some('p' | 'P' | 'x' | 'u' | 'k' | 'g')) && rest.peek() == Some(&'{') {
        rest.by_ref().find(|c| *c == '}');
    }
}

/// Passes over a class, with the classes and escapes in it.
fn skip_class(rest: &mut Chars<'_>) {
    let mut depth = 1;
    let mut is_first = true;
    while let Some(c) = rest.next() {
        match c {
            '\\' => skip_escape(rest),
            '[' => depth += 1,
            ']' if !is_first => depth -= 1,
            '^' if is_first => continue,
            _ => {}
        }
        is_first = false;
        if depth == 0 {
            return;
        }
    }
}

/// Whether what comes repeats what stands before it, more than a few times.
fn takes_repetition(rest: &mut Chars<'_>) -> bool {
    let repeats = match rest.peek() {
        Some('*' | '+') => {
            rest.next();
            true
        }
        Some('?') => {
            rest.next();
            false
        }
        Some('{') => {
            let mut ahead = rest.clone();
            ahead.next();
            let counts: String = ahead.by_ref().take_while(|c| *c != '}').collect();
            let is_count = |c: char| c.is_ascii_digit() || c == ',';
            if counts.is_empty() || !counts.chars().all(is_count) {
                return false;
            }
            *rest = ahead;
            match counts.split_once(',') {
                Some((least, most)) => {
                    let most: u32 = most.parse().unwrap_or(u32::MAX);
                    most > SHORT && least.parse() != Ok(most)
                }
                None => false,
            }
        }
        _ => return false,
    };
    // lazy or possessive
    if matches!(rest.peek(), Some('?' | '+')) {
        rest.next();
    }
    repeats
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn patterns_that_repeat_repetitions_and_go_back_are_refused() {
        for pattern in [
            r"(a+)+(?!b)",
            r"(?=(a*)*$)b",
            r"((?:\s*\w)*)+(?<=x)",
            r"(a|[b-d]+){2,}(?=x)",
            r"(?:(?:a{1,100})x?){3,50}(?!y)",
            r"(\w+\s?)*\1$",
            r"([^]a]+)*(?=z)",
        ] {
            let step = json!({"pretokenizers": [{"type": "Split", "pattern": {"Regex": pattern}}]});
            let reason = check_steps(&step).expect_err(pattern);
            assert!(reason.contains("without end"), "{reason}");
            let file = json!({"normalizer": step}).to_string();
            assert!(check_bytes(file.as_bytes()).is_err());
        }
    }

    #[test]
    fn published_patterns_pass() {
        for pattern in [
            r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re)?|\s+(?!\S)",
            r"\d{1,3}(?=(?:\d{3})*\b)",
            r" ?[^(\s|[.,!?\u2026])]+",
            r"[!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            // linear, for nothing in it looks around
            r"(a+)+$",
        ] {
            let step = json!({"type": "Split", "pattern": {"Regex": pattern}});
            assert_eq!(check_steps(&step), Ok(()), "{pattern}");
        }
        assert_eq!(
            check_steps(&json!({"type": "Replace", "pattern": {"String": "(a+)+(?=b)"}})),
            Ok(())
        );
        assert_eq!(check_bytes(b"no JSON, but Regex"), Ok(()));
    }
}
