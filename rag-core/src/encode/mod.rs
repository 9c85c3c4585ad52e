//! Texts to unit vectors: one siamese encoder for questions and passages.
//!
//! Owns the path from text to vector: prefix, tokens ([`tokens`]), batches and threads, transformer and pooling
//! ([`network`]). What a model folder says is read in [`crate::model`].

mod batches;
mod candle;
pub(crate) mod engine;
mod head;
pub(crate) mod network;
mod options;
mod parallel;
mod pieces;
mod places;
pub(crate) mod tokens;
mod weights;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::kernels::linear::Format;
use crate::model::Backend;
use crate::model::fingerprint::Fingerprint;
use crate::model::folder::{EncoderFolder, Pooling};
use crate::model::safetensors::Tensors;
use crate::passage::TokenRanges;
use crate::progress::CancelToken;

pub use self::batches::PassageBatches;
pub use self::options::{EncoderOptions, Precision};

use engine::{Arithmetic, Engine};
use head::Head;
use network::Batch;
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
    arithmetic: Arithmetic,
    tokenizer: TextTokenizer,
    engine: Engine,
    head: Head,
    query_prefix: String,
    passage_prefix: String,
    /// Tokens of a passage beside its text.
    passage_overhead_tokens: usize,
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
    /// `"mean"`, `"mean_sqrt_len"`, `"weighted_mean"`, `"cls"`, `"last"` or `"max"`; several with `+` between them where
    /// their results lie side by side.
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

impl Encoder {
    /// Loads a sentence-transformers folder, or a GGUF file of BERT; `name` is what it was asked for by.
    ///
    /// Families: BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, MPNet, ModernBERT, Nomic, Jina 2 and GTE.
    /// Pooling, dense layers, prefixes (prompts `query`, and `passage`
    /// or `document`) and the length limit are the folder's own; truncation and padding inside
    /// `tokenizer.json` are ignored. A folder without `modules.json` gets mean pooling. Vectors are always scaled
    /// to length 1, whether the folder lists `Normalize` or not, since scores here are cosines.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a file is missing, damaged or of a kind we do not run.
    pub fn load(folder: &Path, name: &str) -> Result<Self> {
        Self::load_with(folder, name, &EncoderOptions::default())
    }

    /// Loads a folder as [`Encoder::load`] does, with options.
    ///
    /// The fingerprint is the same for f32 and bf16, whose vectors may stand side by side; int8 has its own.
    ///
    /// # Errors
    /// As [`Encoder::load`]; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if this CPU does not
    /// have the level asked for, or the backend's device is not there.
    pub fn load_with(folder: &Path, name: &str, options: &EncoderOptions) -> Result<Self> {
        Self::load_all(folder, name, options).map(|(encoder, _)| encoder)
    }

    /// Loads a folder in full and says what is in it.
    ///
    /// # Errors
    /// As [`Encoder::load`].
    pub fn inspect(folder: &Path) -> Result<EncoderInfo> {
        Self::load_all(folder, "", &EncoderOptions::default()).map(|(_, info)| info)
    }

    fn load_all(
        folder: &Path,
        name: &str,
        options: &EncoderOptions,
    ) -> Result<(Self, EncoderInfo)> {
        let arithmetic = Arithmetic::new(options)?;
        let files = EncoderFolder::read(folder)?;
        let mut tensors = files.tensors()?;
        let mut fingerprint = fingerprint(&files, &tensors, arithmetic.format);
        let poolings = files.poolings.clone();
        let engine =
            Engine::load(&mut tensors, &files.config, files.max_tokens, poolings, arithmetic)?
                .with_threads(options.thread_count);
        let truncate_dim = options.truncate_dim.map(NonZeroUsize::get);
        let (pooled_dim, level) = (engine.pooled_dim(), arithmetic.level);
        let head = Head::load(&files.denses, pooled_dim, truncate_dim, level, &mut fingerprint)?;
        let fingerprint = fingerprint.finish();
        let tokenizer = TextTokenizer::load(
            &files.tokenizer_path,
            &files.tokenizer_bytes,
            engine.vocab_size(),
        )?;
        let prefix_tokens = tokenizer.ranges(&files.passage_prefix)?.len();
        let passage_overhead_tokens = tokenizer.special_count() + prefix_tokens;
        if passage_overhead_tokens >= files.max_tokens {
            let reason = format!("{} tokens leave no room for text", files.max_tokens);
            return Err(Error::model(folder, reason));
        }
        let info = EncoderInfo {
            architecture: files.config.model_type.clone(),
            dim: head.dim(),
            layer_count: files.config.layer_count,
            pooling: Pooling::names(&files.poolings),
            query_prefix: files.query_prefix.clone(),
            passage_prefix: files.passage_prefix.clone(),
            max_tokens: files.max_tokens,
            fingerprint: fingerprint.clone(),
        };
        let identity = EncoderIdentity {
            fingerprint,
            name: name.to_owned(),
            dim: head.dim(),
            max_tokens: files.max_tokens,
        };
        let encoder = Self {
            path: folder.to_owned(),
            identity,
            arithmetic,
            tokenizer,
            engine,
            head,
            query_prefix: files.query_prefix,
            passage_prefix: files.passage_prefix,
            passage_overhead_tokens,
        };
        Ok((encoder, info))
    }

    /// The same encoder on at most `thread_count` threads; the default is one per CPU. Vectors do not change.
    ///
    /// Threads that take batches live for one call. Those that share a single text live as long as the encoder, start
    /// with the first such text and sleep between calls; of several callers at once, one has their help.
    #[must_use]
    pub fn with_threads(self, thread_count: NonZeroUsize) -> Self {
        Self { engine: self.engine.with_threads(Some(thread_count)), ..self }
    }

    /// The numbers it multiplies; never [`Precision::Auto`].
    #[must_use]
    pub fn precision(&self) -> Precision {
        match self.arithmetic.format {
            Format::F32 => Precision::F32,
            Format::Bf16 => Precision::Bf16,
            Format::Int8 => Precision::Int8,
        }
    }

    /// What runs it.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.arithmetic.backend
    }

    /// The vector instructions it runs: `"avx512"`, `"avx2"` or `"portable"`, which on AArch64 is compiled for NEON;
    /// `"candle"` where candle chooses.
    #[must_use]
    pub fn level_name(&self) -> &'static str {
        match self.arithmetic.backend {
            Backend::Auto => self.arithmetic.level.name(),
            _ => "candle",
        }
    }

    /// Most threads of a call.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        self.engine.thread_count()
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
        let dim = self.head.dim();
        let tokens = self.engine.tokenize(texts, cancel, |text| self.token_ids(prefix, text))?;
        let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &tokens.ids[..]).collect();
        let batch = Batch { sequences: &ids, seconds: &[] };
        let data =
            self.engine.run(batch, dim, &|pooled, out| self.head.run(pooled, out), cancel)?;
        self.check_finite(&data)?;
        let truncated = tokens.iter().enumerate().filter(|(_, tokens)| tokens.truncated);
        Ok(Embeddings { dim, truncated: truncated.map(|(row, _)| row).collect(), data })
    }

    fn token_ids(&self, prefix: &str, text: &str) -> Result<TokenIds> {
        let tokens = self.tokenizer.ids(&format!("{prefix}{text}"), self.engine.max_tokens())?;
        tokens.check(&self.path, self.engine.vocab_size())
    }

    fn check_finite(&self, data: &[f32]) -> Result<()> {
        match data
            .chunks_exact(self.head.dim())
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

fn fingerprint(files: &EncoderFolder, tensors: &Tensors, format: Format) -> Fingerprint {
    let mut fingerprint = Fingerprint::new("encoder 1");
    fingerprint.part("config", &files.config_bytes);
    fingerprint.part("tokenizer", &files.tokenizer_bytes);
    fingerprint.part("weights", tensors.hash.as_bytes());
    fingerprint.part("pooling", Pooling::names(&files.poolings).as_bytes());
    fingerprint.part("query prefix", files.query_prefix.as_bytes());
    fingerprint.part("passage prefix", files.passage_prefix.as_bytes());
    fingerprint.part("max tokens", &(files.max_tokens as u64).to_le_bytes());
    if format == Format::Int8 {
        fingerprint.part("precision", b"int8");
    }
    fingerprint
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
