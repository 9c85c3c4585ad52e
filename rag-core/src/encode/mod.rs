//! Texts to unit vectors: one siamese encoder for questions and passages.

use std::ops::Range;
use std::path::Path;

use crate::error::Result;
use crate::passage::TokenRanges;
use crate::progress::CancelToken;

/// Unit vectors, one row per text.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// Length of a row.
    pub dim: usize,
    /// Row after row, `len() * dim` values.
    pub data: Vec<f32>,
    /// Rows whose text was longer than the encoder takes; only its beginning was encoded.
    pub truncated: Vec<usize>,
}

impl Embeddings {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The rows in order.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.dim.max(1))
    }
}

/// What makes vectors comparable: written into a knowledge base and compared on every open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncoderIdentity {
    /// Hash over configuration, tokenizer, weights, pooling, prefixes and length limit, as hex.
    pub fingerprint: String,
    /// The name or path it was loaded by.
    pub name: String,
    /// Length of its vectors.
    pub dim: usize,
    /// Most tokens it takes, special tokens and prefix included.
    pub max_tokens: usize,
}

/// A loaded sentence encoder. Any number of threads may use it at once.
pub struct Encoder {}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

impl Encoder {
    /// Loads a sentence-transformers folder; `name` is what it was asked for by.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a file is missing, damaged or of a kind we do not run.
    pub fn load(_folder: &Path, _name: &str) -> Result<Self> {
        todo!()
    }

    /// What makes its vectors comparable with others.
    #[must_use]
    pub fn identity(&self) -> &EncoderIdentity {
        todo!()
    }

    /// Most tokens of a passage, after special tokens and prefix.
    #[must_use]
    pub fn passage_budget_tokens(&self) -> usize {
        todo!()
    }

    /// Tokens of `text` without special tokens and prefix.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if the tokenizer refuses the text.
    pub fn token_count(&self, text: &str) -> Result<usize> {
        Ok(self.token_ranges(text)?.len())
    }

    /// Encodes questions, with the query prefix.
    ///
    /// # Errors
    /// [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled) between batches; [`ErrorCode::Model`](crate::ErrorCode::Model) if a vector is not finite.
    pub fn encode_queries<S: AsRef<str>>(
        &self,
        _texts: &[S],
        _cancel: &CancelToken,
    ) -> Result<Embeddings> {
        todo!()
    }

    /// Encodes passages, with the passage prefix.
    ///
    /// # Errors
    /// As [`Encoder::encode_queries`].
    pub fn encode_passages<S: AsRef<str>>(
        &self,
        _texts: &[S],
        _cancel: &CancelToken,
    ) -> Result<Embeddings> {
        todo!()
    }
}

impl TokenRanges for Encoder {
    fn token_ranges(&self, _text: &str) -> Result<Vec<Range<usize>>> {
        todo!()
    }
}
