//! Many texts, a batch at a time: as many as there are, in the memory of one batch.

use super::{Embeddings, Encoder};
use crate::error::Result;
use crate::progress::{Call, CancelToken};

/// Vectors of passages as they are done, in order; see [`Encoder::passage_batches`].
#[derive(Debug)]
pub struct PassageBatches<'a, I> {
    encoder: &'a Encoder,
    texts: I,
    batch_size: usize,
    cancel: CancelToken,
}

impl Encoder {
    /// Texts of a batch by default: enough to fill the cores, few enough to be told often how far
    /// it is.
    pub const BATCH_SIZE: usize = 256;

    /// Encodes passages from an iterator, `batch_size` at a time: each step gives the vectors of
    /// the next ones, which are the same as
    /// [`Encoder::encode_passages`] of all at once. Stop by dropping it. A `batch_size` of 0 is 1.
    ///
    /// # Errors
    /// Each step: as [`Encoder::encode_queries`].
    pub fn passage_batches<I>(&self, texts: I, batch_size: usize) -> PassageBatches<'_, I::IntoIter>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        self.passage_batches_with(texts, batch_size, Call::new())
    }

    /// As [`Encoder::passage_batches`], until it is cancelled, in the middle of a batch too.
    ///
    /// # Errors
    /// Each step: as [`Encoder::encode_queries_with`].
    pub fn passage_batches_with<I>(
        &self,
        texts: I,
        batch_size: usize,
        call: Call<'_>,
    ) -> PassageBatches<'_, I::IntoIter>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let (texts, cancel) = (texts.into_iter(), call.token().clone());
        PassageBatches { encoder: self, texts, batch_size: batch_size.max(1), cancel }
    }
}

impl<I> Iterator for PassageBatches<'_, I>
where
    I: Iterator,
    I::Item: AsRef<str>,
{
    type Item = Result<Embeddings>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch: Vec<I::Item> = self.texts.by_ref().take(self.batch_size).collect();
        let call = Call::new().cancel(&self.cancel);
        (!batch.is_empty()).then(|| self.encoder.encode_passages_with(&batch, call))
    }
}
