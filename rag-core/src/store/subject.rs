//! Titles and names of documents, by word: what says which document is meant without standing in
//! its passages.
//!
//! A word counts once for a document, in the field where it weighs most: how often a title repeats
//! itself says nothing. Robertson, Zaragoza and Taylor (2004) add such fields to the frequency in
//! the text before it saturates, which [`super::bm25`] does.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension};

use super::common::is_common;
use super::fault::Outcome;
use super::lexical::{Cut, Indexer, word_forms};
use super::{meta, schema};
use crate::fold::fold;

/// The version from which files have the table.
const SINCE: u32 = 2;

/// Different words of a field that are kept: titles of ten thousand bytes are no titles.
const MAX_WORDS: usize = 64;

/// The last parts of a path that are read: the file and the folders it lies in.
const MAX_PARTS: usize = 4;

/// Where a word of a document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SubjectField {
    Title = 1,
    Name = 2,
}

impl SubjectField {
    /// The field with this number; what we do not know weighs as little as can be.
    pub(super) fn of(number: i64) -> Self {
        if number == SubjectField::Title as i64 { SubjectField::Title } else { SubjectField::Name }
    }
}

/// What a document is called.
#[derive(Debug, Clone, Copy)]
pub(super) struct DocumentNames<'a> {
    pub(super) title: Option<&'a str>,
    pub(super) uri: &'a str,
    pub(super) lang: Option<&'a str>,
}

impl DocumentNames<'_> {
    /// Its words as they are indexed, each once.
    pub(super) fn words(&self, cut: Cut) -> BTreeMap<String, SubjectField> {
        let mut indexer = Indexer::new(self.lang, cut);
        let mut words = BTreeMap::new();
        let name = name_words(self.uri);
        let fields = [
            (SubjectField::Title, self.title.unwrap_or_default()),
            (SubjectField::Name, name.as_str()),
        ];
        for (field, text) in fields {
            let text = indexer.text(None, text);
            let mut count = 0;
            for word in text.split(' ').filter(|word| !word.is_empty()) {
                if count == MAX_WORDS {
                    break;
                }
                count += usize::from(!words.contains_key(word));
                words.entry(word.to_owned()).or_insert(field);
            }
        }
        words
    }

    pub(super) fn put(&self, connection: &Connection, document_id: i64) -> Outcome<()> {
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO subject(word, document, field) VALUES(?1, ?2, ?3)",
        )?;
        for (word, field) in self.words(meta::cut(connection)?) {
            statement.execute((word, document_id, field as i64))?;
        }
        Ok(())
    }

    pub(super) fn remove(&self, connection: &Connection, document_id: i64) -> Outcome<()> {
        let mut statement =
            connection.prepare_cached("DELETE FROM subject WHERE word = ?1 AND document = ?2")?;
        for word in self.words(meta::cut(connection)?).into_keys() {
            statement.execute((word, document_id))?;
        }
        Ok(())
    }
}

/// Whether the file has the table: one of an earlier version that is only read has none.
pub(super) fn is_kept(connection: &Connection) -> Outcome<bool> {
    Ok(schema::version(connection)? >= SINCE)
}

/// Makes the table for the documents that are there.
pub(super) fn fill(connection: &Connection) -> Outcome<()> {
    connection.execute_batch(schema::SUBJECT)?;
    each(connection, |id, subject| subject.put(connection, id))
}

/// Every document that was read.
pub(super) fn each(
    connection: &Connection,
    mut take: impl FnMut(i64, &DocumentNames<'_>) -> Outcome<()>,
) -> Outcome<()> {
    let mut statement =
        connection.prepare("SELECT id, title, uri, lang FROM document WHERE status = 0")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (title, uri): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        let lang: Option<String> = row.get(3)?;
        let subject = DocumentNames { title: title.as_deref(), uri: &uri, lang: lang.as_deref() };
        take(row.get(0)?, &subject)?;
    }
    Ok(())
}

/// The passages of documents whose title holds all of `words`, rising.
pub(super) fn titled(connection: &Connection, words: &str) -> Outcome<Vec<i64>> {
    let mut all: Option<BTreeSet<i64>> = None;
    if !is_kept(connection)? {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare_cached("SELECT document FROM subject WHERE word = ?1 AND field = ?2")?;
    for forms in word_forms(words) {
        let mut found = BTreeSet::new();
        for form in &forms {
            let rows = statement.query_map((form, SubjectField::Title as i64), |row| row.get(0))?;
            for row in rows {
                found.insert(row?);
            }
        }
        all = Some(match all {
            None => found,
            Some(before) => before.intersection(&found).copied().collect(),
        });
    }
    let mut statement = connection.prepare_cached("SELECT id FROM passage WHERE document = ?1")?;
    let mut ids: Vec<i64> = Vec::new();
    for document in all.unwrap_or_default() {
        for id in statement.query_map([document], |row| row.get(0))? {
            ids.push(id?);
        }
    }
    ids.sort_unstable();
    Ok(ids)
}

/// Most documents that a text may name, and most words by which it may.
const MAX_NAMED: usize = 50;
const MAX_NAMING: usize = 16;

/// Documents with a word that are read; one that more are called by names none of them.
const MAX_CALLED: usize = 20_000;

/// A document that a text names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    /// Its first and last passage; all between are its own.
    pub(crate) passages: RangeInclusive<i64>,
    /// How much of its title or of the name of its file the text says, up to 1.
    pub(crate) share: f32,
}

/// The documents whose title and name hold all that `text` says; none if it says more.
pub(super) fn named(connection: &Connection, text: &str) -> Outcome<Vec<Named>> {
    let asked = telling(text);
    if asked.is_empty() || asked.len() > MAX_NAMING || !is_kept(connection)? {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT document FROM subject WHERE word = ?1 LIMIT {}", MAX_CALLED + 1);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut documents: Option<BTreeSet<i64>> = None;
    for forms in &asked {
        let mut found = BTreeSet::new();
        for form in forms {
            for row in statement.query_map([form], |row| row.get(0))? {
                found.insert(row?);
            }
        }
        if found.len() > MAX_CALLED {
            continue;
        }
        documents = Some(match documents {
            None => found,
            Some(before) => before.intersection(&found).copied().collect(),
        });
    }
    let documents = documents.unwrap_or_default();
    if documents.len() > MAX_NAMED {
        return Ok(Vec::new());
    }
    let mut named = Vec::with_capacity(documents.len());
    for id in documents {
        let sql = "SELECT title, uri FROM document WHERE id = ?1";
        let called: Option<(Option<String>, String)> = connection
            .prepare_cached(sql)?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((title, uri)) = called else { continue };
        let file = uri.rsplit(['/', '\\']).next().unwrap_or_default();
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        let shares = [
            share(text, &asked, title.as_deref().unwrap_or_default()),
            share(text, &asked, &separated(stem)),
            share(text, &asked, &separated(file)),
        ];
        let share = shares.into_iter().fold(0.0, f32::max);
        // ids of a document follow each other, in the order of its text
        let end = |order| -> Outcome<Option<i64>> {
            let sql = format!(
                "SELECT id FROM passage WHERE document = ?1 ORDER BY ordinal {order} LIMIT 1"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            Ok(statement.query_row([id], |row| row.get(0)).optional()?)
        };
        let (Some(first), Some(last)) = (end("ASC")?, end("DESC")?) else { continue };
        named.push(Named { passages: first..=last, share });
    }
    Ok(named)
}

/// The words of a text that are no mere grammar, each once, in their forms; all if there are no
/// others.
fn telling(text: &str) -> Vec<Vec<String>> {
    let mut all = word_forms(text);
    let is_common = |forms: &Vec<String>| forms.iter().any(|form| is_common(form));
    if !all.iter().all(is_common) {
        all.retain(|forms| !is_common(forms));
    }
    let mut met = BTreeSet::new();
    all.retain(|forms| met.insert(forms.clone()));
    all
}

/// How much of a title or name was said.
fn share(text: &str, asked: &[Vec<String>], called: &str) -> f32 {
    let bare = |text: &str| fold(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let words = telling(called);
    if words.is_empty() {
        return 0.0;
    }
    // written as one word, or cut where the other is not
    if bare(text) == bare(called) {
        return 1.0;
    }
    let is_said = |word: &&Vec<String>| {
        asked.iter().any(|forms| forms.iter().any(|form| word.contains(form)))
    };
    words.iter().filter(is_said).count() as f32 / words.len() as f32
}

/// The end of a path in words: cut at what is neither letter nor digit, where a small letter meets
/// a capital, and where letters meet digits; what was cut so stands there whole as well.
pub(crate) fn name_words(uri: &str) -> String {
    // the uri of a text that was given none is a hash
    if uri.starts_with("text:") {
        return String::new();
    }
    let parts: Vec<&str> = uri.rsplit(['/', '\\']).filter(|part| !part.is_empty()).collect();
    let mut words = String::new();
    for part in parts.into_iter().take(MAX_PARTS) {
        for run in part.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
            let cut = separated(run);
            if cut != run {
                words.push_str(run);
                words.push(' ');
            }
            words.push_str(&cut);
            words.push(' ');
        }
    }
    words
}

/// `AnnualReport2024` as `Annual Report 2024`.
fn separated(run: &str) -> String {
    let mut cut = String::with_capacity(run.len() + 8);
    let mut before: Option<char> = None;
    for c in run.chars() {
        let meets = before.is_some_and(|before| {
            (before.is_lowercase() && c.is_uppercase()) || before.is_numeric() != c.is_numeric()
        });
        if meets {
            cut.push(' ');
        }
        cut.push(c);
        before = Some(c);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(title: &str, uri: &str) -> Vec<(String, SubjectField)> {
        let subject = DocumentNames { title: Some(title), uri, lang: Some("en") };
        subject.words(Cut::Grams).into_iter().collect()
    }

    #[test]
    fn names_are_cut_at_case_digits_and_marks() {
        assert_eq!(
            name_words("/srv/docs/AnnualReport2024_v2-final.pdf").trim(),
            "AnnualReport2024 Annual Report 2024 v2 v 2 final pdf docs srv"
        );
        assert_eq!(name_words("text:00112233"), "");
        assert_eq!(name_words("C:\\Users\\ada\\notes.md").trim(), "notes md ada Users C");
    }

    #[test]
    fn how_much_of_a_name_is_said() {
        let share = |text: &str, called: &str| share(text, &telling(text), called);
        assert_eq!(share("the annual report", "Annual report"), 1.0);
        assert_eq!(share("annualreport", "Annual report"), 1.0);
        assert_eq!(share("csv comma", &separated("csv-comma-in-cell")), 2.0 / 3.0);
        assert_eq!(share("tides", ""), 0.0);
    }

    #[test]
    fn a_word_stands_once_where_it_weighs_most() {
        let found = words("Tides of the sea", "tides/sea-level.md");
        let field = |word: &str| found.iter().find(|pair| pair.0 == word).map(|pair| pair.1);
        assert_eq!(field("tide"), Some(SubjectField::Title));
        assert_eq!(field("sea"), Some(SubjectField::Title));
        assert_eq!(field("level"), Some(SubjectField::Name));
        assert!(words(&"word ".repeat(4000), "").len() == 1);
        let long: String = (0..4000).map(|number| format!("w{number} ")).collect();
        assert_eq!(words(&long, "").len(), MAX_WORDS);
    }
}
