//! A search whose best hits are sorted anew, if the knowledge base was opened with a reranker.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::progress::{Call, CancelToken};
use crate::rerank::{DEFAULT_COUNT, Reranker};
use crate::search::{self, Context, Hit, SearchOptions, SearchQuery};

use super::KnowledgeBase;
use super::types::AskOptions;

impl KnowledgeBase {
    /// The reranker, loaded at its first use; `None` if none was named.
    ///
    /// # Errors
    /// NotFound or Model if it cannot be loaded.
    pub fn reranker(&self) -> Result<Option<&Reranker>> {
        self.models.reranker()
    }

    /// Options with what their effort sets here.
    pub(super) fn settled<'o>(&self, options: &'o AskOptions) -> Cow<'o, AskOptions> {
        options.settled(self.models.has_reranker())
    }

    /// As [`search::search`], then reranked as the options say.
    pub(super) fn ranked(
        &self,
        question: &str,
        embedding: Option<&[f32]>,
        options: &SearchOptions,
        cancel: &CancelToken,
    ) -> Result<Vec<Hit>> {
        self.ranked_for(&SearchQuery::plain(question), embedding, options, cancel)
    }

    /// As [`search::search_for`], then reranked as the options say.
    pub(super) fn ranked_for(
        &self,
        query: &SearchQuery,
        embedding: Option<&[f32]>,
        options: &SearchOptions,
        cancel: &CancelToken,
    ) -> Result<Vec<Hit>> {
        let reranker = if options.rerank == Some(0) { None } else { self.reranker()? };
        let (reranker, count) = match (options.rerank, reranker) {
            (Some(0) | None, None) => {
                return search::search_for(&self.stores(), query, embedding, options);
            }
            (Some(count), None) => {
                let reason =
                    format!("{count}, but the knowledge base was opened without a reranker");
                return Err(Error::invalid("rerank", reason));
            }
            (count, Some(reranker)) => (reranker, count.unwrap_or(DEFAULT_COUNT)),
        };
        // a top_k that is refused stays as it is
        let top_k = if options.top_k == 0 { 0 } else { options.top_k.max(count) };
        let wider = SearchOptions { top_k, context: Context::None, ..options.clone() };
        let mut hits = search::search_for(&self.stores(), query, embedding, &wider)?;
        reranker.rerank_with(&query.text, &mut hits, count, Call::new().cancel(cancel))?;
        hits.truncate(options.top_k);
        search::surround(&self.stores(), hits, options.context)
    }
}
