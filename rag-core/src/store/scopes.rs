//! The last filters and the passages they let through, kept until the file changes: the same few
//! are asked again and again, and a field of the metadata is unpacked from every document.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::fault::Outcome;
use super::filter::{self, Filter};
use super::meta;

/// Filters kept, each with eight bytes a passage.
const MAX_KEPT: usize = 4;

/// Filters with what they let through, the last one asked at the end.
#[derive(Debug, Default)]
pub(super) struct Scopes(Mutex<Vec<Scope>>);

#[derive(Debug)]
struct Scope {
    filter: Filter,
    /// The state of the file, as [`meta::CHANGE`] counts it.
    change: u64,
    passages: Arc<[i64]>,
}

impl Scopes {
    /// The passages of the documents that pass `filter`, by rising id.
    pub(super) fn passages(&self, connection: &Connection, filter: &Filter) -> Outcome<Arc<[i64]>> {
        let change = meta::counter(connection, meta::CHANGE)?;
        if let Some(passages) = self.kept(filter, change) {
            return Ok(passages);
        }
        let passages: Arc<[i64]> = filter::passages(connection, filter)?.into();
        self.keep(Scope { filter: filter.clone(), change, passages: Arc::clone(&passages) });
        Ok(passages)
    }

    fn kept(&self, filter: &Filter, change: u64) -> Option<Arc<[i64]>> {
        let mut scopes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = scopes.iter().position(|s| s.change == change && s.filter == *filter)?;
        let scope = scopes.remove(place);
        let passages = Arc::clone(&scope.passages);
        scopes.push(scope);
        Some(passages)
    }

    fn keep(&self, scope: Scope) {
        let mut scopes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        scopes.retain(|kept| kept.filter != scope.filter);
        if scopes.len() >= MAX_KEPT {
            scopes.remove(0);
        }
        scopes.push(scope);
    }
}
