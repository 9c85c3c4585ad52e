//! What is searched: vectors, words, and what changed since.

use std::borrow::Cow;

use super::{
    Coverage, IndexMode, LexicalOptions, NearestOptions, Statistics, Store, bm25, meta, subject,
    write,
};
use crate::error::{Error, Result};

impl Store {
    /// The `limit` passages with the highest cosine to `query` (unit, `dim` long), best first, ties
    /// by id.
    ///
    /// The scan is exact; the graph, where [`IndexMode`] lets it, finds about 99 in 100 of the ten
    /// best. The score is the true cosine, within [-1, 1]. An empty file gives no hits whatever the
    /// query.
    ///
    /// # Errors
    /// InvalidArgument if the query is no unit vector of the file's length; Store if a vector is
    /// damaged.
    pub fn nearest(&self, query: &[f32], limit: usize, mode: IndexMode) -> Result<Vec<(i64, f32)>> {
        self.nearest_with(query, limit, &NearestOptions { mode, ..NearestOptions::default() })
    }

    /// As [`Store::nearest`], with options.
    ///
    /// # Errors
    /// InvalidArgument if the query is no unit vector of the file's length; Store if a vector is
    /// damaged.
    pub fn nearest_with(
        &self,
        query: &[f32],
        limit: usize,
        options: &NearestOptions<'_>,
    ) -> Result<Vec<(i64, f32)>> {
        let Some(dim) = self.dim()? else { return Ok(Vec::new()) };
        if query.len() != dim {
            let reason = format!("{} numbers, the file has vectors of {dim}", query.len());
            return Err(Error::invalid("query", reason));
        }
        write::check_unit("query", query)?;
        let among = self.shown(options.among)?;
        let options = NearestOptions { among: among.as_deref(), ..*options };
        self.with_vectors(dim, |connection, vectors| {
            vectors.nearest(connection, query, limit, &options)
        })
    }

    /// The `limit` passages that match any word of `question` best by BM25, best first. Score:
    /// higher is better.
    ///
    /// Any question is fine; one without words finds nothing. Accents and case do not matter, and
    /// French and English endings do not.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn lexical(&self, question: &str, limit: usize) -> Result<Vec<(i64, f32)>> {
        self.lexical_with(question, limit, &LexicalOptions::default())
    }

    /// As [`Store::lexical`], with options.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn lexical_with(
        &self,
        question: &str,
        limit: usize,
        options: &LexicalOptions<'_>,
    ) -> Result<Vec<(i64, f32)>> {
        let (among, also) = (self.shown(options.among)?, self.shown(Some(options.also))?);
        let options = LexicalOptions {
            among: among.as_deref(),
            also: also.as_deref().unwrap_or_default(),
            ..*options
        };
        self.pool.read(|connection| bm25::search(connection, question, limit, &options))
    }

    /// The passages that hold the words of `phrase` one behind the other, each in any of its forms,
    /// by rising id; none for a phrase without words.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn passages_holding(&self, phrase: &str) -> Result<Vec<i64>> {
        let ids = self.pool.read(|connection| bm25::holding(connection, phrase))?;
        Ok(self.shown(Some(&ids))?.map_or_else(Vec::new, Cow::into_owned))
    }

    /// The passages of documents whose title holds all of `words`, by rising id; none for a text
    /// without words, and in a file of version 1.
    ///
    /// # Errors
    /// Store if the index of titles is damaged.
    pub fn passages_titled(&self, words: &str) -> Result<Vec<i64>> {
        self.pool.read(|connection| subject::titled(connection, words))
    }

    /// The documents that `text` names: their titles and file names hold all that it says.
    ///
    /// # Errors
    /// Store if the index of titles is damaged.
    pub(crate) fn named(&self, text: &str) -> Result<Vec<subject::Named>> {
        self.pool.read(|connection| subject::named(connection, text))
    }

    /// How much of `question` each of some passages holds; its words weigh what `statistics` say,
    /// or else this file.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn coverage(
        &self,
        question: &str,
        ids: &[i64],
        statistics: Option<&Statistics>,
    ) -> Result<Coverage> {
        let ids = self.known(ids)?;
        self.pool.read(|connection| bm25::coverage(connection, question, &ids, statistics))
    }

    /// A number that every change of the passages and of the vector index makes greater.
    ///
    /// # Errors
    /// Store.
    pub fn change(&self) -> Result<u64> {
        self.pool.read(|connection| meta::counter(connection, meta::CHANGE))
    }

    /// What the words of `question` count in this file, to be added up over several that are asked
    /// as one.
    ///
    /// # Errors
    /// Store if the full-text index is damaged.
    pub fn statistics(&self, question: &str) -> Result<Statistics> {
        self.pool.read(|connection| bm25::statistics(connection, question))
    }
}
