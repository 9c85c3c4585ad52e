//! What is said of an option, beside its value.

use std::fmt;

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Any text.
    Text,
    /// A path, as text.
    Path,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A text, or what a binding finds handier, in this form.
    Form {
        /// What the form is called.
        name: &'static str,
        /// How it is written.
        syntax: &'static str,
    },
    /// Several.
    List(&'static Kind),
    /// Something that only a program can give: a callback, an object.
    Code(&'static str),
}

impl Kind {
    /// What it is, in a word that never changes: `"flag"`, `"integer"`, `"number"`, `"text"`, `"path"`, `"word"`, the name of the
    /// form, `"list"` or `"code"`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Text => "text",
            Self::Path => "path",
            Self::Word(_) => "word",
            Self::Form { name, .. } => name,
            Self::List(_) => "list",
            Self::Code(_) => "code",
        }
    }
}

/// What it takes, for a person: `one of dense, lexical, hybrid`.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("true or false"),
            Self::Integer => f.write_str("a whole number"),
            Self::Number => f.write_str("a number"),
            Self::Text => f.write_str("a text"),
            Self::Path => f.write_str("a path"),
            Self::Word(words) => write!(f, "one of {}", words.join(", ")),
            Self::Form { syntax, .. } => f.write_str(syntax),
            Self::List(kind) => write!(f, "a list, each {kind}"),
            Self::Code(what) => f.write_str(what),
        }
    }
}

/// The numbers that an option takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least one.
    pub least: f64,
    /// The greatest one.
    pub most: f64,
    /// Whether `least` itself is out.
    pub is_above: bool,
}

impl Range {
    fn holds(self, number: f64) -> bool {
        let low = if self.is_above { number > self.least } else { number >= self.least };
        low && number <= self.most
    }
}

/// `1 to 10,000`, `above 0 to 1`, `at least 1`.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_above, self.most.is_finite()) {
            (false, true) => write!(f, "{} to {}", Digits(self.least), Digits(self.most)),
            (true, true) => write!(f, "above {} to {}", Digits(self.least), Digits(self.most)),
            (false, false) => write!(f, "at least {}", Digits(self.least)),
            (true, false) => write!(f, "above {}", Digits(self.least)),
        }
    }
}

/// A number with a comma between each three digits before the point.
struct Digits(f64);

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
        let digits = whole.trim_start_matches('-');
        f.write_str(if whole.len() > digits.len() { "-" } else { "" })?;
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place) % 3 == 0 {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        f.write_str(rest)
    }
}

/// What is said of an option where it is declared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Field {
    /// The options it is declared with, such as `"search"`.
    pub group: &'static str,
    /// Its name, on every surface; the shell has hyphens for its low lines.
    pub name: &'static str,
    /// Its group and its name, such as `"encoder_threads"`: its name among options that hold several groups with such a name.
    pub full_name: &'static str,
    /// What it says, in sentences.
    pub doc: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// The numbers it takes.
    pub range: Option<Range>,
    /// What its number counts, in the plural.
    pub unit: Option<&'static str>,
    /// What holds while it is not set.
    pub unset: Option<&'static str>,
    /// A word that stands for "not set".
    pub unset_word: Option<&'static str>,
    /// Its name in the shell, where each of several values is given by itself: `"topic"` of `topics`.
    pub singular: Option<&'static str>,
}

impl Field {
    /// With nothing but a name and what it takes.
    pub(super) const fn new(
        group: &'static str,
        name: &'static str,
        doc: &'static str,
        kind: Kind,
    ) -> Self {
        Self {
            group,
            name,
            full_name: name,
            doc,
            kind,
            range: None,
            unit: None,
            unset: None,
            unset_word: None,
            singular: None,
        }
    }

    /// Its group and its name.
    pub(super) const fn full_name(self, full_name: &'static str) -> Self {
        Self { full_name, ..self }
    }

    /// Under another name than the field of the struct.
    pub(super) const fn name(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Numbers from `least` to `most`, both in.
    pub(super) const fn range(self, least: f64, most: f64) -> Self {
        Self { range: Some(Range { least, most, is_above: false }), ..self }
    }

    /// Numbers above `least`, to `most`.
    pub(super) const fn above(self, least: f64, most: f64) -> Self {
        Self { range: Some(Range { least, most, is_above: true }), ..self }
    }

    /// What its number counts.
    pub(super) const fn unit(self, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..self }
    }

    /// What holds while it is not set.
    pub(super) const fn unset(self, what: &'static str) -> Self {
        Self { unset: Some(what), ..self }
    }

    /// A word that stands for "not set".
    pub(super) const fn unset_word(self, word: &'static str) -> Self {
        Self { unset_word: Some(word), ..self }
    }

    /// Its name in the shell, where each value is given by itself.
    pub(super) const fn singular(self, name: &'static str) -> Self {
        Self { singular: Some(name), ..self }
    }

    /// What it takes, for a person: `a whole number, 1 to 10,000`.
    #[must_use]
    pub fn takes(&self) -> String {
        match self.range {
            Some(range) => format!("{}, {range}", self.kind),
            None => self.kind.to_string(),
        }
    }

    /// Why it does not take this number.
    pub(super) fn refuse(&self, number: Option<f64>) -> Option<String> {
        let (range, number) = (self.range?, number?);
        let is_half = range.most.is_infinite();
        let between = if is_half { "not" } else { "outside" };
        (!range.holds(number)).then(|| format!("{number} is {between} {range}"))
    }
}
