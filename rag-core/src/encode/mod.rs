//! Texts to unit vectors: one siamese encoder for questions and passages.
//!
//! Owns the path from text to vector: prefix, tokens ([`tokens`]), batches and threads, transformer and pooling
//! ([`network`]). What a model folder says is read in [`crate::model`].

mod network;
mod tokens;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use crate::error::{Error, Result};
use crate::kernels::level::Level;
use crate::model::fingerprint::Fingerprint;
use crate::model::folder::{EncoderFolder, Pooling};
use crate::model::safetensors::Tensors;
use crate::passage::TokenRanges;
use crate::progress::CancelToken;

use network::{Network, Scratch};
use tokens::{TextTokenizer, TokenIds};

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
///
/// A vector depends on its text alone: not on the texts beside it, their order, or the number of threads.
pub struct Encoder {
    path: PathBuf,
    identity: EncoderIdentity,
    tokenizer: TextTokenizer,
    network: Network,
    pooling: Pooling,
    query_prefix: String,
    passage_prefix: String,
    /// Tokens of a passage beside its text.
    passage_overhead_tokens: usize,
    thread_count: usize,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// What a model folder asks of its encoder, for people to read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EncoderInfo {
    /// The transformer's family, such as `"bert"`.
    pub architecture: String,
    /// Length of a vector.
    pub dim: usize,
    /// Transformer layers.
    pub layer_count: usize,
    /// `"mean"`, `"mean_sqrt_len"`, `"cls"` or `"max"`.
    pub pooling: String,
    /// Put before every question.
    pub query_prefix: String,
    /// Put before every passage.
    pub passage_prefix: String,
    /// Most tokens of a text, special tokens and prefix included.
    pub max_tokens: usize,
    /// [`EncoderIdentity::fingerprint`].
    pub fingerprint: String,
}

/// Tokens of one batch: enough rows to fill the kernels, few enough to stay in the second-level cache.
const BATCH_TOKENS: usize = 384;
/// Fewer tokens than this are not worth a thread.
const MIN_BATCH_TOKENS: usize = 96;

impl Encoder {
    /// Loads a sentence-transformers folder; `name` is what it was asked for by.
    ///
    /// Families: BERT, and RoBERTa, XLM-RoBERTa and CamemBERT. Pooling, prefixes (prompts `query`, and `passage`
    /// or `document`) and the length limit are the folder's own; truncation and padding inside
    /// `tokenizer.json` are ignored. A folder without `modules.json` gets mean pooling. Vectors are always scaled
    /// to length 1, whether the folder lists `Normalize` or not, since scores here are cosines.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a file is missing, damaged or of a kind we do not run.
    pub fn load(folder: &Path, name: &str) -> Result<Self> {
        Self::load_at(folder, name, Level::detect()).map(|(encoder, _)| encoder)
    }

    /// Loads a folder in full and says what is in it.
    ///
    /// # Errors
    /// As [`Encoder::load`].
    pub fn inspect(folder: &Path) -> Result<EncoderInfo> {
        Self::load_at(folder, "", Level::detect()).map(|(_, info)| info)
    }

    fn load_at(folder: &Path, name: &str, level: Level) -> Result<(Self, EncoderInfo)> {
        let files = EncoderFolder::read(folder)?;
        let mut tensors = Tensors::read(&files.weights_path)?;
        let fingerprint = fingerprint(&files, &tensors);
        let network = Network::load(&mut tensors, &files.config, level)?;
        let tokenizer = TextTokenizer::load(
            &files.tokenizer_path,
            &files.tokenizer_bytes,
            network.vocab_size(),
        )?;
        let prefix_tokens = tokenizer.ranges(&files.passage_prefix)?.len();
        let passage_overhead_tokens = tokenizer.special_count() + prefix_tokens;
        if passage_overhead_tokens >= files.max_tokens {
            let reason = format!("{} tokens leave no room for text", files.max_tokens);
            return Err(Error::model(folder, reason));
        }
        let info = EncoderInfo {
            architecture: files.config.model_type.clone(),
            dim: network.dim(),
            layer_count: files.config.layer_count,
            pooling: files.pooling.name().to_owned(),
            query_prefix: files.query_prefix.clone(),
            passage_prefix: files.passage_prefix.clone(),
            max_tokens: files.max_tokens,
            fingerprint: fingerprint.clone(),
        };
        let identity = EncoderIdentity {
            fingerprint,
            name: name.to_owned(),
            dim: network.dim(),
            max_tokens: files.max_tokens,
        };
        let encoder = Self {
            path: folder.to_owned(),
            identity,
            tokenizer,
            network,
            pooling: files.pooling,
            query_prefix: files.query_prefix,
            passage_prefix: files.passage_prefix,
            passage_overhead_tokens,
            thread_count: thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        Ok((encoder, info))
    }

    /// The same encoder on at most `thread_count` threads; the default is one per CPU. Vectors do not change.
    ///
    /// Threads live for one call; a short text is encoded on the caller's.
    #[must_use]
    pub fn with_threads(mut self, thread_count: NonZeroUsize) -> Self {
        self.thread_count = thread_count.get();
        self
    }

    /// What makes its vectors comparable with others.
    #[must_use]
    pub fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    /// Most tokens of a passage, after special tokens and prefix.
    #[must_use]
    pub fn passage_budget_tokens(&self) -> usize {
        self.identity.max_tokens - self.passage_overhead_tokens
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
        texts: &[S],
        cancel: &CancelToken,
    ) -> Result<Embeddings> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        self.encode(&self.query_prefix, &texts, cancel)
    }

    /// Encodes passages, with the passage prefix.
    ///
    /// # Errors
    /// As [`Encoder::encode_queries`].
    pub fn encode_passages<S: AsRef<str>>(
        &self,
        texts: &[S],
        cancel: &CancelToken,
    ) -> Result<Embeddings> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        self.encode(&self.passage_prefix, &texts, cancel)
    }

    fn encode(&self, prefix: &str, texts: &[&str], cancel: &CancelToken) -> Result<Embeddings> {
        let dim = self.network.dim();
        let tokens = self.tokenize(prefix, texts, cancel)?;
        let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &tokens.ids[..]).collect();
        let total: usize = ids.iter().map(|ids| ids.len()).sum();
        let batch_tokens = (total / self.thread_count).clamp(MIN_BATCH_TOKENS, BATCH_TOKENS);

        let mut data = vec![0.0; texts.len() * dim];
        let mut rest = &mut data[..];
        let mut work = Vec::new();
        for batch in batches(&ids, batch_tokens) {
            let (out, others) = rest.split_at_mut(batch.len() * dim);
            work.push((batch, out));
            rest = others;
        }
        run_parallel(self.thread_count, work, Scratch::default, |scratch, (batch, out)| {
            cancel.check()?;
            self.network.forward(batch, self.pooling, scratch, out);
            Ok(())
        })?;
        self.check_finite(&data)?;
        let truncated = tokens.iter().enumerate().filter(|(_, tokens)| tokens.truncated);
        Ok(Embeddings { dim, truncated: truncated.map(|(row, _)| row).collect(), data })
    }

    fn tokenize(
        &self,
        prefix: &str,
        texts: &[&str],
        cancel: &CancelToken,
    ) -> Result<Vec<TokenIds>> {
        const TEXTS: usize = 16;
        let mut tokens = vec![TokenIds { ids: Vec::new(), truncated: false }; texts.len()];
        let work = texts.chunks(TEXTS).zip(tokens.chunks_mut(TEXTS)).collect();
        run_parallel(
            self.thread_count,
            work,
            || (),
            |(), (texts, tokens)| {
                cancel.check()?;
                for (text, tokens) in texts.iter().zip(tokens) {
                    *tokens = self.token_ids(prefix, text)?;
                }
                Ok(())
            },
        )?;
        Ok(tokens)
    }

    fn token_ids(&self, prefix: &str, text: &str) -> Result<TokenIds> {
        let max_tokens = self.identity.max_tokens.min(self.network.position_count());
        let tokens = self.tokenizer.ids(&format!("{prefix}{text}"), max_tokens)?;
        let vocab_size = self.network.vocab_size();
        match tokens.ids.iter().find(|&&id| id as usize >= vocab_size) {
            Some(id) => {
                Err(Error::model(&self.path, format!("token {id} has no row among {vocab_size}")))
            }
            None => Ok(tokens),
        }
    }

    fn check_finite(&self, data: &[f32]) -> Result<()> {
        match data
            .chunks_exact(self.network.dim())
            .position(|row| row.iter().any(|value| !value.is_finite()))
        {
            Some(row) => {
                Err(Error::model(&self.path, format!("the vector of text {row} is not finite")))
            }
            None => Ok(()),
        }
    }
}

impl TokenRanges for Encoder {
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        self.tokenizer.ranges(text)
    }
}

fn fingerprint(files: &EncoderFolder, tensors: &Tensors) -> String {
    let mut fingerprint = Fingerprint::new("encoder 1");
    fingerprint.part("config", &files.config_bytes);
    fingerprint.part("tokenizer", &files.tokenizer_bytes);
    fingerprint.part("weights", tensors.hash.as_bytes());
    fingerprint.part("pooling", files.pooling.name().as_bytes());
    fingerprint.part("query prefix", files.query_prefix.as_bytes());
    fingerprint.part("passage prefix", files.passage_prefix.as_bytes());
    fingerprint.part("max tokens", &(files.max_tokens as u64).to_le_bytes());
    fingerprint.finish()
}

/// Consecutive sequences, cut where a batch has `batch_tokens` or more.
fn batches<'a>(mut ids: &'a [&'a [u32]], batch_tokens: usize) -> Vec<&'a [&'a [u32]]> {
    let mut batches = Vec::new();
    while !ids.is_empty() {
        let mut tokens = 0;
        let fits = ids.iter().take_while(|ids| {
            let open = tokens < batch_tokens;
            tokens += ids.len();
            open
        });
        let (batch, rest) = ids.split_at(fits.count());
        batches.push(batch);
        ids = rest;
    }
    batches
}

/// Runs `run` on every item, on up to `thread_count` threads that each keep one `state`; the first error stops all.
fn run_parallel<T: Send, S>(
    thread_count: usize,
    work: Vec<T>,
    state: impl Fn() -> S + Sync,
    run: impl Fn(&mut S, T) -> Result<()> + Sync,
) -> Result<()> {
    let threads = thread_count.min(work.len());
    if threads <= 1 {
        let mut state = state();
        return work.into_iter().try_for_each(|item| run(&mut state, item));
    }
    let queue = Mutex::new(work.into_iter());
    let worker = || {
        let mut state = state();
        loop {
            let item =
                queue.lock().map_err(|_| Error::internal("an encoder thread panicked"))?.next();
            let Some(item) = item else { return Ok(()) };
            if let Err(error) = run(&mut state, item) {
                stop(&queue);
                return Err(error);
            }
        }
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
        let mut result = worker();
        for other in others {
            let theirs =
                other.join().unwrap_or_else(|_| Err(Error::internal("an encoder thread panicked")));
            result = result.and(theirs);
        }
        result
    })
}

/// Empties the queue, so that the other threads stop after the item they hold.
fn stop<T>(queue: &Mutex<std::vec::IntoIter<T>>) {
    if let Ok(mut queue) = queue.lock() {
        queue.by_ref().for_each(drop);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
