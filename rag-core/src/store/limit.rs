//! A store that shows only some of its documents, whatever is asked of it.
//!
//! What its connections call `document`, `passage` and `subject` are views that leave the others
//! out, so that no statement can reach past them; SQLite looks for a name among the temporary ones
//! first. What is read beside those tables, vectors and words, is limited by the passages that the
//! view shows.

use rusqlite::Connection;
use rusqlite::types::Value as Sql;

use super::fault::Outcome;
use super::filter::Filter;
use crate::error::{Error, Result};

/// Most bytes of the condition as SQL; a statement holds it once.
const MAX_SQL_BYTES: usize = 32 << 10;

/// Which documents a store shows.
#[derive(Debug)]
pub(super) struct DocumentLimit {
    /// The condition over `document`, its values written out: a view takes no parameters.
    condition: String,
}

impl DocumentLimit {
    /// The documents that pass `filter`.
    pub(super) fn new(filter: &Filter) -> Result<Self> {
        filter.validate()?;
        let (sql, values) = filter.to_sql();
        let mut condition = String::with_capacity(sql.len());
        let mut values = values.iter();
        for (number, part) in sql.split('?').enumerate() {
            if number > 0 {
                condition.push_str(&literal(values.next())?);
            }
            condition.push_str(part);
        }
        if condition.len() > MAX_SQL_BYTES {
            return Err(Error::invalid("filter", "too long for one that holds for every call"));
        }
        Ok(Self { condition: format!("document.status = 0 AND ({condition})") })
    }

    /// Makes the views of a connection.
    pub(super) fn apply(&self, connection: &Connection) -> Outcome<()> {
        let condition = &self.condition;
        connection.execute_batch(&format!(
            "CREATE TEMP VIEW document AS SELECT * FROM main.document AS document WHERE {condition}"
        ))?;
        for table in ["passage", "subject"] {
            if !connection.table_exists(Some("main"), table)? {
                continue;
            }
            connection.execute_batch(&format!(
                "CREATE TEMP VIEW {table} AS SELECT * FROM main.{table} AS {table} WHERE EXISTS(\
                 SELECT 1 FROM main.document AS document \
                 WHERE document.id = {table}.document AND {condition})"
            ))?;
        }
        Ok(())
    }
}

/// A value as SQL has it.
fn literal(value: Option<&Sql>) -> Result<String> {
    match value {
        Some(Sql::Real(number)) => Ok(format!("{number:?}")),
        Some(Sql::Text(text)) if !text.contains('\0') => {
            Ok(format!("'{}'", text.replace('\'', "''")))
        }
        Some(Sql::Text(_)) => Err(Error::invalid("filter", "a value holds a NUL")),
        _ => Err(Error::internal("a filter of values that no filter has")),
    }
}

/// Those of `among`, or all if there are none, that are also in `shown`; both rise.
pub(super) fn both(among: Option<&[i64]>, shown: &[i64]) -> Vec<i64> {
    match among {
        Some(ids) => ids.iter().filter(|id| shown.binary_search(id).is_ok()).copied().collect(),
        None => shown.to_vec(),
    }
}

/// What a whole file is needed for.
pub(super) fn refuse(what: &str) -> Error {
    let reason =
        format!("{what} needs the whole file, and it was opened with a filter: open it without");
    Error::invalid("filter", reason)
}
