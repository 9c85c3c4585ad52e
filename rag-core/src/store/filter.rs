//! Which documents a search or removal is limited to: a typed expression, its text form, and its
//! SQL.
//!
//! Whatever a caller writes reaches SQLite as a bound value, or quoted where a view takes none
//! (`limit.rs`); the SQL around it is made of constants.

mod parse;
mod show;

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use super::fault::Outcome;
use crate::error::{Error, Result};

/// Most comparisons in one filter, and most levels of nesting.
const MAX_TERMS: usize = 128;
const MAX_DEPTH: usize = 32;
/// Most bytes of one value, and most wildcards of a glob: the time a match takes grows with them.
const MAX_VALUE_BYTES: usize = 4096;
const MAX_WILDCARDS: usize = 16;

/// A condition on a document.
///
/// As text: `kind = pdf AND year >= 2020 AND NOT (path glob 'drafts/*' OR author = "A. Lovelace")`.
/// A comparison is a field, one of `=  !=  <  <=  >  >=  glob  in`, and a value: a word, or
/// anything in single or double quotes, where a quote is written twice. `in` takes values in
/// parentheses. `AND` binds closer than `OR`; the three words and `glob` and `in` are known in
/// upper and lower case.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// One comparison. A document without the field does not pass.
    Compare(FilterField, Comparison, String),
    /// The field matches the pattern: `*` is any run of characters, `/` included, `?` one, `[a-z]`
    /// one of them. For [`FilterField::Path`], a pattern that does not begin with `/` or `*` may
    /// begin at any folder.
    Glob(FilterField, String),
    /// All hold; true if there are none.
    All(Vec<Filter>),
    /// At least one holds; false if there are none.
    Any(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
}

/// What of a document is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterField {
    /// `kind`: the format, such as `pdf` or `markdown`.
    Kind,
    /// `path` or `uri`: the absolute path, or the caller's own name.
    Path,
    /// `title`.
    Title,
    /// `lang`: an ISO 639-1 code.
    Lang,
    /// `size`: bytes of the source.
    Size,
    /// `modified`: time of last change, seconds since 1970.
    Modified,
    /// Anything else: a key of the metadata. `meta.NAME` in text, or just `NAME` if it is none of
    /// the above.
    Metadata(String),
}

/// How a field is compared. If both sides are numbers, as numbers; else as texts, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl FilterField {
    /// The names of fields that every document may have.
    pub const NAMES: [&str; 6] = ["kind", "path", "title", "lang", "size", "modified"];
}

impl Filter {
    /// Reads the text form.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) that says what was expected, and where.
    pub fn parse(text: &str) -> Result<Self> {
        let filter = parse::parse(text)?;
        filter.validate()?;
        Ok(filter)
    }

    /// `kind = name`.
    pub fn kind(name: impl Into<String>) -> Self {
        Filter::Compare(FilterField::Kind, Comparison::Equal, name.into())
    }

    /// `path glob pattern`.
    pub fn path(pattern: impl Into<String>) -> Self {
        Filter::Glob(FilterField::Path, pattern.into())
    }

    /// A comparison of a metadata value.
    pub fn metadata(key: impl Into<String>, how: Comparison, value: impl Into<String>) -> Self {
        Filter::Compare(FilterField::Metadata(key.into()), how, value.into())
    }

    /// Both hold.
    #[must_use]
    pub fn and(self, other: Filter) -> Self {
        Filter::All(vec![self, other])
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Filter) -> Self {
        Filter::Any(vec![self, other])
    }

    /// Refuses what would be too much work.
    pub(crate) fn validate(&self) -> Result<()> {
        let refuse = |reason: String| Err(Error::invalid("filter", reason));
        let mut terms = 0;
        let mut open = vec![(self, 1)];
        while let Some((filter, depth)) = open.pop() {
            terms += 1;
            if terms > MAX_TERMS || depth > MAX_DEPTH {
                return refuse(format!("more than {MAX_TERMS} terms, or {MAX_DEPTH} levels"));
            }
            match filter {
                Filter::All(parts) | Filter::Any(parts) => {
                    open.extend(parts.iter().map(|part| (part, depth + 1)));
                }
                Filter::Not(part) => open.push((part.as_ref(), depth + 1)),
                Filter::Compare(_, _, value) | Filter::Glob(_, value) => {
                    if value.len() > MAX_VALUE_BYTES {
                        return refuse(format!("a value of more than {MAX_VALUE_BYTES} bytes"));
                    }
                }
            }
            if let Filter::Glob(_, pattern) = filter
                && pattern.bytes().filter(|byte| *byte == b'*').count() > MAX_WILDCARDS
            {
                return refuse(format!("a pattern with more than {MAX_WILDCARDS} times *"));
            }
        }
        Ok(())
    }

    /// The condition over the table `document`, and the values to bind in order.
    pub(super) fn to_sql(&self) -> (String, Vec<Sql>) {
        let mut condition = Condition::default();
        self.write(&mut condition);
        (condition.sql, condition.values)
    }

    fn write(&self, condition: &mut Condition) {
        match self {
            Filter::Compare(field, how, value) => field.compare(*how, value, condition),
            Filter::Glob(field, pattern) => {
                let free = pattern.starts_with(['/', '*']) || *field != FilterField::Path;
                condition.sql.push_str("coalesce(");
                field.write(condition);
                condition.sql.push_str(" GLOB ?, 0)");
                condition.text(pattern);
                if !free {
                    condition.sql.push_str(" OR document.uri GLOB ?");
                    condition.text(format!("*/{pattern}"));
                }
            }
            Filter::All(parts) => condition.join(parts, " AND ", "1"),
            Filter::Any(parts) => condition.join(parts, " OR ", "0"),
            Filter::Not(part) => {
                condition.sql.push_str("NOT (");
                part.write(condition);
                condition.sql.push(')');
            }
        }
    }
}

/// A condition as it is written, and the values to bind in order.
#[derive(Default)]
struct Condition {
    sql: String,
    values: Vec<Sql>,
}

impl Condition {
    fn text(&mut self, value: impl Into<String>) {
        self.values.push(Sql::Text(value.into()));
    }

    /// Writes parts with a word between them; `empty` for none.
    fn join(&mut self, parts: &[Filter], between: &str, empty: &str) {
        if parts.is_empty() {
            self.sql.push_str(empty);
        }
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.sql.push_str(between);
            }
            self.sql.push('(');
            part.write(self);
            self.sql.push(')');
        }
    }
}

impl FilterField {
    fn write(&self, condition: &mut Condition) {
        match self {
            FilterField::Metadata(key) => {
                condition.sql.push_str(
                    "(SELECT atom FROM json_each(document.metadata) WHERE json_each.key = ?)",
                );
                condition.text(key);
            }
            _ => condition.sql.push_str(self.column()),
        }
    }

    /// What a comparison reads; the metadata is unpacked once, around it.
    fn column(&self) -> &'static str {
        match self {
            FilterField::Kind => "document.kind",
            FilterField::Path => "document.uri",
            FilterField::Title => "document.title",
            FilterField::Lang => "document.lang",
            FilterField::Size => "document.size",
            FilterField::Modified => "document.mtime_ns / 1000000000.0",
            FilterField::Metadata(_) => "atom",
        }
    }

    fn compare(&self, how: Comparison, value: &str, condition: &mut Condition) {
        let operator = match how {
            Comparison::Equal => "=",
            Comparison::Unequal => "<>",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        };
        let column = self.column();
        let mut test = format!("CAST({column} AS TEXT) {operator} ?");
        if let Some(number) = number(value) {
            // a text counts as a number if it holds a digit and nothing that no number holds
            test = format!(
                "CASE WHEN {column} GLOB '*[0-9]*' AND NOT {column} GLOB '*[^-+.0-9eE]*' \
                 THEN CAST({column} AS REAL) {operator} ? ELSE {test} END"
            );
            condition.values.push(Sql::Real(number));
        }
        condition.text(value);
        if let FilterField::Metadata(key) = self {
            let from = "FROM json_each(document.metadata) WHERE json_each.key = ?";
            test = format!("(SELECT {test} {from})");
            condition.text(key);
        }
        condition.sql.push_str(&format!("coalesce({test}, 0)"));
    }
}

/// The value as a number, if it looks like one.
fn number(value: &str) -> Option<f64> {
    let plain = value.bytes().all(|byte| b"+-.0123456789eE".contains(&byte));
    value.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// The passages of the documents that pass, by rising id.
pub(super) fn passages(connection: &Connection, filter: &Filter) -> Outcome<Vec<i64>> {
    let (condition, values) = condition(filter)?;
    let sql = format!(
        "SELECT id FROM passage WHERE document IN (SELECT id FROM document WHERE {condition})"
    );
    let mut statement = connection.prepare(&sql)?;
    let ids = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?;
    let mut ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    ids.sort_unstable();
    Ok(ids)
}

/// The condition over the table `document` of the documents that pass, and the values to bind in
/// order.
pub(super) fn condition(filter: &Filter) -> Outcome<(String, Vec<Sql>)> {
    filter.validate()?;
    let (condition, values) = filter.to_sql();
    Ok((format!("status = 0 AND ({condition})"), values))
}

/// The names of the documents that pass, in order.
pub(super) fn documents(connection: &Connection, filter: &Filter) -> Outcome<Vec<String>> {
    let (condition, values) = condition(filter)?;
    let sql = format!("SELECT uri FROM document WHERE {condition} ORDER BY uri");
    let mut statement = connection.prepare(&sql)?;
    let uris = statement.query_map(rusqlite::params_from_iter(values), |row| row.get(0))?;
    Ok(uris.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_unpacks_the_metadata_once() -> Result<()> {
        let (sql, values) = Filter::parse("year >= 2020 AND author = lovelace")?.to_sql();
        assert_eq!(sql.matches("json_each(").count(), 2, "{sql}");
        assert_eq!(sql.matches('?').count(), values.len(), "{sql}");
        Ok(())
    }
}
