//! Front matter: the keys and values before a Markdown text, in YAML, TOML or JSON. They are
//! metadata, and text to be found: each key with what stands below it is a paragraph.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes in which the end of front matter is looked for.
const MAX_FRONT_BYTES: usize = 64 << 10;

/// What stands before the text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Front {
    /// Each key of the outermost level, with all that belongs to it.
    pub(super) entries: Vec<Range<usize>>,
    /// The keys that have a value on their line.
    pub(super) values: BTreeMap<String, String>,
    /// Where the text begins.
    pub(super) body_start: usize,
}

/// How keys and values are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Notation {
    Yaml,
    Toml,
    Json,
}

/// The front matter of `text`; nothing if it has none.
pub(super) fn read(text: &str) -> Option<Front> {
    let first = text.split_inclusive('\n').next()?;
    let notation = match first.trim_end() {
        "---" => Notation::Yaml,
        "+++" => Notation::Toml,
        "{" | ";;;" => Notation::Json,
        _ => return None,
    };
    let mut front = Front::default();
    // The braces of JSON are its fences; one pair of lines may stand around them as well.
    let mut at = first.len();
    for line in text.get(at..)?.split_inclusive('\n') {
        let bare = line.trim_end();
        let is_end = match notation {
            Notation::Yaml => matches!(bare, "---" | "..."),
            Notation::Toml => bare == "+++",
            Notation::Json => matches!(bare, "}" | ";;;"),
        };
        if is_end {
            front.body_start = at + line.len();
            return (!front.entries.is_empty()).then_some(front);
        }
        front.line(line, at, notation)?;
        at += line.len();
        if at > MAX_FRONT_BYTES {
            return None;
        }
    }
    None
}

impl Front {
    /// Takes a line that stands at `at`; nothing if it cannot be part of front matter.
    fn line(&mut self, line: &str, at: usize, notation: Notation) -> Option<()> {
        let content = line.trim();
        let range = at..at + line.trim_end().len();
        let goes_on = match notation {
            Notation::Json => !content.starts_with('"') || line.starts_with("    "),
            _ => line.starts_with([' ', '\t', '-', '#', ']', '}', '"', '\'']),
        };
        if content.is_empty() {
            return Some(());
        }
        let pair = key_and_value(content, notation);
        match (pair, self.entries.last_mut()) {
            _ if content.starts_with('[') && notation == Notation::Toml => self.entries.push(range),
            (_, Some(last)) if goes_on => last.end = range.end,
            (_, None) if goes_on && content.starts_with('#') => {}
            (Some((key, value)), _) if !key.is_empty() => {
                if !value.is_empty() {
                    self.values.insert(key.to_owned(), value.to_owned());
                }
                self.entries.push(range);
            }
            // Values of TOML and JSON may go on as they like.
            (_, Some(last)) if notation != Notation::Yaml => last.end = range.end,
            _ => return None,
        }
        Some(())
    }
}

fn key_and_value(line: &str, notation: Notation) -> Option<(&str, &str)> {
    let mark = if notation == Notation::Toml { '=' } else { ':' };
    let (key, value) = line.split_once(mark)?;
    let value = if notation == Notation::Json { value.trim().trim_end_matches(',') } else { value };
    let is_value =
        value.is_empty() || value.starts_with([' ', '\t', '\r']) || notation != Notation::Yaml;
    is_value.then(|| (unquoted(key.trim()), unquoted(value.trim())))
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn entries(text: &str) -> Vec<&str> {
        let front = read(text).unwrap_or_default();
        front.entries.into_iter().map(|range| text.get(range).unwrap()).collect()
    }

    #[test]
    fn keys_with_what_is_below_them_are_entries() {
        let yaml = "---\n# made by hand\ntitle: 'A b'\naliases:\n  - one\n- two\ncontact:\n  name: Jo\n\nurl: http://x\n---\nBody";
        assert_eq!(
            entries(yaml),
            ["title: 'A b'", "aliases:\n  - one\n- two", "contact:\n  name: Jo", "url: http://x"]
        );
        let front = read(yaml).unwrap();
        assert_eq!(front.values["title"], "A b");
        assert_eq!(yaml.get(front.body_start..), Some("Body"));
        let toml = "+++\nowner = \"Jo\"\ntags = [\n  \"a\",\n]\n[extra]\nlevel = 2\n+++\nBody";
        assert_eq!(
            entries(toml),
            ["owner = \"Jo\"", "tags = [\n  \"a\",\n]", "[extra]", "level = 2"]
        );
        assert_eq!(read(toml).unwrap().values["owner"], "Jo");
        let json = "{\n  \"owner\": \"Jo\",\n  \"tags\": [\n    \"a\"\n  ]\n}\n\nBody";
        assert_eq!(entries(json), ["  \"owner\": \"Jo\",", "  \"tags\": [\n    \"a\"\n  ]"]);
        assert_eq!(read(json).unwrap().values["owner"], "Jo");
    }

    #[test]
    fn rules_and_code_are_no_front_matter() {
        for text in [
            "---\n\nA rule first.\n\n---\n",
            "---\n---\n",
            "---\nkey: open",
            "{\nnot json\n}\n",
            "Text",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
