//! Sorts the best documents of a query anew, as the product does with passages.

use rag_core::rerank::Reranker;
use rag_core::{Call, CancelToken, OpenOptions, Result};

use crate::beir::{Collection, Query};
use crate::commands::options::model_dirs;

/// A reranker, and how many documents of a query it sorts.
#[derive(Debug)]
pub(super) struct Reranked {
    reranker: Reranker,
    count: usize,
}

impl Reranked {
    /// The one that is named, for so many documents; none if none is.
    pub(super) fn load(options: &OpenOptions, count: usize) -> Result<Option<Self>> {
        let Some(name) = &options.reranker else { return Ok(None) };
        let path = model_dirs().resolve(name)?;
        let reranker = Reranker::load_with(&path, &options.reranker_options)?;
        Ok(Some(Self { reranker, count }))
    }

    /// Sorts the first of `ranked`, which are document numbers; the others keep their places.
    pub(super) fn sort(
        &self,
        collection: &Collection,
        query: &Query,
        ranked: &mut [usize],
        cancel: &CancelToken,
    ) -> Result<()> {
        let count = self.count.min(ranked.len());
        let Some(first) = ranked.get_mut(..count) else { return Ok(()) };
        let text = |document: &usize| collection.documents.get(*document).map(|d| d.full_text());
        let texts: Vec<String> = first.iter().map(|d| text(d).unwrap_or_default()).collect();
        let scores =
            self.reranker.score_with(&query.text, &texts, Call::new().cancel(cancel))?.scores;
        let mut scored: Vec<(usize, f32)> = first.iter().copied().zip(scores).collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1));
        first.iter_mut().zip(scored).for_each(|(place, (document, _))| *place = document);
        Ok(())
    }
}
