//! Marks that people put into what they search for: `"a phrase"`, `-word`, `title:word`,
//! `file:*.pdf` and `OR`, as search engines read them. Everything else is plain text; no text is
//! refused.

use std::sync::Arc;

use crate::error::Result;
use crate::options::search::Syntax;
use crate::store::{Filter, Store};

/// Most conditions that are read; the rest is text.
const MAX_CLAUSES: usize = 32;

/// What is searched for, and what a passage must be to be found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// The words to search for: without marks and without what is excluded.
    pub text: String,
    groups: Vec<Group>,
}

/// Conditions of which one must hold, or none.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    is_excluded: bool,
    any: Vec<Clause>,
}

/// A condition on a passage.
#[derive(Debug, Clone, PartialEq)]
enum Clause {
    /// It holds these words, one behind the other.
    Phrase(String),
    /// The title of its document holds all of these words.
    Title(String),
    /// The path of its document matches this pattern.
    File(String),
}

/// A piece of what was typed.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Word(String),
    Or,
    Marked { is_excluded: bool, clause: Clause },
}

impl SearchQuery {
    /// What `text` says, its marks read or not.
    #[must_use]
    pub fn of(text: &str, syntax: Syntax) -> Self {
        match syntax {
            Syntax::Marks => Self::parse(text),
            Syntax::Plain => Self::plain(text),
        }
    }

    /// All of `text` as it is.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), groups: Vec::new() }
    }

    /// Reads the marks in `text`. What would leave nothing to search for is plain text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let pieces = pieces(text);
        let is_marked = |piece: &Piece| matches!(piece, Piece::Marked { .. });
        let marked = pieces.iter().filter(|piece| is_marked(piece)).count();
        if marked == 0 || marked > MAX_CLAUSES {
            return Self::plain(text);
        }
        let said: Vec<String> = pieces.iter().filter_map(Piece::text).collect();
        let words = match said.is_empty() {
            // a pattern alone finds documents by their names
            true => pieces.iter().filter_map(Piece::name).collect::<Vec<_>>().join(" "),
            false => said.join(" "),
        };
        match is_said(&words) {
            true => Self { text: words, groups: groups(&pieces) },
            false => Self::plain(text),
        }
    }

    /// Whether it has conditions.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        !self.groups.is_empty()
    }

    /// The passages of a file that may be found, by rising id; `None` for all of them.
    ///
    /// # Errors
    /// InvalidArgument for a filter or pattern beyond its limits; Store.
    pub(super) fn scope(
        &self,
        store: &Store,
        filter: Option<&Filter>,
    ) -> Result<Option<Arc<[i64]>>> {
        let mut scope = filter.map(|filter| store.passages_where(filter)).transpose()?;
        for group in &self.groups {
            let mut held: Vec<i64> = Vec::new();
            for clause in &group.any {
                held.extend(clause.passages(store)?.iter());
            }
            held.sort_unstable();
            held.dedup();
            let all = match scope {
                Some(scope) => scope,
                None => store.passages_where(&Filter::All(Vec::new()))?,
            };
            let stays = |id: &&i64| held.binary_search(id).is_ok() != group.is_excluded;
            scope = Some(all.iter().filter(stays).copied().collect());
        }
        Ok(scope)
    }
}

impl Clause {
    fn passages(&self, store: &Store) -> Result<Arc<[i64]>> {
        match self {
            Clause::Phrase(words) => Ok(store.passages_holding(words)?.into()),
            Clause::Title(words) => Ok(store.passages_titled(words)?.into()),
            Clause::File(pattern) => store.passages_where(&any_case(pattern)),
        }
    }

    /// Whether it says something, and no more than can be looked for.
    fn is_sound(&self) -> bool {
        match self {
            Clause::Phrase(words) | Clause::Title(words) => is_said(words),
            Clause::File(pattern) => {
                pattern.contains(|c: char| c.is_alphanumeric() || c == '*')
                    && any_case(pattern).validate().is_ok()
            }
        }
    }
}

/// The files that match a pattern in capitals or small letters: nobody remembers which.
fn any_case(pattern: &str) -> Filter {
    let mut any = String::with_capacity(pattern.len() * 2);
    let mut is_in_class = false;
    for c in pattern.chars() {
        is_in_class = c == '[' || (is_in_class && c != ']');
        let (lower, upper) = (c.to_lowercase(), c.to_uppercase());
        let has_two = lower.len() == 1 && upper.len() == 1 && !lower.clone().eq(upper.clone());
        match has_two && !is_in_class {
            true => any.extend(['['].into_iter().chain(lower).chain(upper).chain([']'])),
            false => any.push(c),
        }
    }
    Filter::path(any)
}

impl Piece {
    /// What of it is searched for.
    fn text(&self) -> Option<String> {
        match self {
            Piece::Word(word) => Some(word.clone()),
            Piece::Marked { is_excluded: false, clause } => match clause {
                Clause::Phrase(words) | Clause::Title(words) => Some(words.clone()),
                Clause::File(_) => None,
            },
            Piece::Or | Piece::Marked { .. } => None,
        }
    }

    /// The words of a pattern.
    fn name(&self) -> Option<String> {
        match self {
            Piece::Marked { is_excluded: false, clause: Clause::File(pattern) } => {
                Some(pattern.replace(['*', '?', '[', ']'], " ").trim().to_owned())
            }
            _ => None,
        }
    }
}

/// What must hold: each marked piece, together with what `OR` joins it to.
fn groups(pieces: &[Piece]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        let mut run = vec![&pieces[at]];
        while let (Some(Piece::Or), Some(next)) = (pieces.get(at + 1), pieces.get(at + 2)) {
            run.push(next);
            at += 2;
        }
        at += 1;
        let excluded = run.iter().filter_map(|piece| match piece {
            Piece::Marked { is_excluded: true, clause } => Some(clause.clone()),
            _ => None,
        });
        groups.extend(excluded.map(|clause| Group { is_excluded: true, any: vec![clause] }));
        let is_needed = |piece: &&Piece| matches!(piece, Piece::Marked { is_excluded: false, .. });
        if run.iter().any(is_needed) {
            let any = run.into_iter().filter_map(|piece| match piece {
                Piece::Marked { is_excluded: false, clause } => Some(clause.clone()),
                Piece::Word(word) => Some(Clause::Phrase(word.clone())),
                _ => None,
            });
            groups.push(Group { is_excluded: false, any: any.collect() });
        }
    }
    groups
}

/// What was typed, piece by piece.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (piece, tail) = marked(rest, first);
        pieces.push(piece);
        rest = tail.trim_start();
    }
    pieces
}

/// The piece that `rest` begins with, and what follows it.
fn marked(rest: &str, first: char) -> (Piece, &str) {
    let (is_excluded, body) = match rest.strip_prefix('-') {
        Some(body) if body.starts_with(|c: char| c.is_alphabetic() || is_opening(c)) => {
            (true, body)
        }
        _ => (false, rest),
    };
    let field = |name: &str| body.get(..name.len()).filter(|it| it.eq_ignore_ascii_case(name));
    for (name, clause) in
        [("title:", Clause::Title as fn(String) -> Clause), ("file:", Clause::File)]
    {
        let Some(value) = field(name).and_then(|it| body.get(it.len()..)) else { continue };
        let is_bare = !value.starts_with(is_opening);
        let Some((value, tail)) = quoted(value).or_else(|| is_bare.then(|| word(value))) else {
            continue;
        };
        let clause = clause(value.to_owned());
        if clause.is_sound() {
            return (Piece::Marked { is_excluded, clause }, tail);
        }
    }
    if let Some((phrase, tail)) = quoted(body).filter(|(phrase, _)| is_said(phrase)) {
        return (Piece::Marked { is_excluded, clause: Clause::Phrase(phrase.to_owned()) }, tail);
    }
    let (word, tail) = word(if is_excluded { body } else { rest });
    let piece = match word {
        "OR" => Piece::Or,
        word if is_excluded && is_said(word) => {
            Piece::Marked { is_excluded, clause: Clause::Phrase(word.to_owned()) }
        }
        _ if is_excluded => Piece::Word(format!("{first}{word}")),
        word => Piece::Word(word.to_owned()),
    };
    (piece, tail)
}

fn is_said(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

fn is_opening(c: char) -> bool {
    closing(c).is_some()
}

fn closing(opening: char) -> Option<char> {
    match opening {
        '"' => Some('"'),
        '\u{201c}' => Some('\u{201d}'),
        '\u{ab}' => Some('\u{bb}'),
        _ => None,
    }
}

/// What stands between the quotes that `text` begins with, and what follows; a quote that is never
/// closed is none.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let opening = text.chars().next()?;
    let closing = closing(opening)?;
    let body = text.get(opening.len_utf8()..)?;
    // French quotes stand apart from what they quote
    if opening != '\u{ab}' && body.starts_with(char::is_whitespace) {
        return None;
    }
    let end = body.find(closing)?;
    Some((body.get(..end)?.trim(), body.get(end + closing.len_utf8()..)?))
}

/// Up to the next white space.
fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phrase(words: &str) -> Clause {
        Clause::Phrase(words.to_owned())
    }

    fn must(any: Vec<Clause>) -> Group {
        Group { is_excluded: false, any }
    }

    #[test]
    fn marks_are_read_and_the_rest_is_text() {
        let query = SearchQuery::parse("\"salt marsh\" tides -draft title:report file:*.pdf");
        assert_eq!(query.text, "salt marsh tides report");
        assert_eq!(
            query.groups,
            [
                must(vec![phrase("salt marsh")]),
                Group { is_excluded: true, any: vec![phrase("draft")] },
                must(vec![Clause::Title("report".to_owned())]),
                must(vec![Clause::File("*.pdf".to_owned())]),
            ]
        );
        let either = SearchQuery::parse("\u{ab} grande mar\u{e9}e \u{bb} OR temp\u{ea}te du nord");
        let any = vec![phrase("grande mar\u{e9}e"), phrase("temp\u{ea}te")];
        assert_eq!(either.groups, [must(any)]);
        assert_eq!(either.text, "grande mar\u{e9}e temp\u{ea}te du nord");
        let titled = SearchQuery::parse("Title:\"annual report\" -\"first draft\"");
        assert_eq!(titled.groups.len(), 2);
        assert_eq!(titled.text, "annual report");
        assert_eq!(SearchQuery::parse("file:AnnualReport*.pdf").text, "AnnualReport .pdf");
    }

    #[test]
    fn other_text_is_plain() {
        for text in [
            "What is 5\" in centimetres, and 3\"?",
            "cut at -5 degrees - or not",
            "a quote \"never closed",
            "- and -- and \"\" and title: and file:",
            "-draft",
            "title:\"the laboratory",
            "file:****************************x",
            "it's well-known OR not",
            "",
            "\"\"\" - \" OR OR \"",
        ] {
            let query = SearchQuery::parse(text);
            assert!(!query.is_marked(), "{text}: {query:?}");
        }
        for text in ["a  quote \"never", "-draft"] {
            assert_eq!(SearchQuery::parse(text).text, text);
        }
        let many: String = (0..100).map(|n| format!("-w{n} ")).collect();
        assert!(!SearchQuery::parse(&format!("word {many}")).is_marked());
    }
}
