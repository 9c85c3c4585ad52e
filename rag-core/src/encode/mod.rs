//! Texts to unit vectors: one siamese encoder for questions and passages.
//!
//! Owns the path from text to vector: prefix, tokens, batches and threads, transformer and pooling
//! ([`network`]). What a model folder says is read in [`crate::model`], its tokenizer too.

mod batches;
mod candle;
pub(crate) mod engine;
mod folder;
pub(crate) mod head;
pub(crate) mod network;
mod options;
mod own;
mod parallel;
mod positions;
mod weights;

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::Path;

use crate::error::Result;
use crate::kernels::gemm::linear::NumberFormat;
use crate::model::Backend;
use crate::passage::TokenRanges;
use crate::progress::{Call, CancelToken};

pub use self::batches::PassageBatches;
pub use self::options::{EncoderOptions, Precision};
pub(crate) use self::own::OWN_PREFIX;
pub use self::own::{OwnEncoder, TextEncoder};

use folder::Loaded;
use own::Own;

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
/// A vector depends on its text alone: not on the texts beside it, their order, or the number of
/// threads.
pub struct Encoder {
    identity: EncoderIdentity,
    source: Source,
}

/// Who makes the vectors.
enum Source {
    Folder(Box<Loaded>),
    Own(Own),
}

/// What a text is for; some models are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextRole {
    /// A question.
    Query,
    /// A passage of a document.
    Passage,
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
    /// `"mean"`, `"mean_sqrt_len"`, `"weighted_mean"`, `"cls"`, `"last"` or `"max"`; several with
    /// `+` between them where their results lie side by side.
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
    /// Loads a sentence-transformers folder, or a GGUF file of BERT; `name` is what it was asked
    /// for by.
    ///
    /// Families: BERT, RoBERTa, XLM-RoBERTa, CamemBERT, DistilBERT, MPNet, ModernBERT, Nomic, Jina
    /// 2 and GTE. Pooling, dense layers, prefixes (prompts `query`, and `passage` or `document`)
    /// and the length limit are the folder's own; truncation and padding inside `tokenizer.json`
    /// are ignored. A folder without `modules.json` gets mean pooling. Vectors are always scaled to
    /// length 1, whether the folder lists `Normalize` or not, since scores here are cosines.
    ///
    /// # Errors
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a file is missing, damaged or of a kind we do not run.
    pub fn load(folder: &Path, name: &str) -> Result<Self> {
        Self::load_with(folder, name, &EncoderOptions::default())
    }

    /// Loads a folder as [`Encoder::load`] does, with options.
    ///
    /// The fingerprint is the same for f32 and bf16, whose vectors may stand side by side; int8 has
    /// its own.
    ///
    /// # Errors
    /// As [`Encoder::load`]; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) if
    /// this CPU does not have the level asked for, or the backend's device is not there.
    pub fn load_with(folder: &Path, name: &str, options: &EncoderOptions) -> Result<Self> {
        let (loaded, identity, _) = Loaded::load(folder, name, options)?;
        Ok(Self { identity, source: Source::Folder(Box::new(loaded)) })
    }

    /// Loads a folder in full and says what is in it.
    ///
    /// # Errors
    /// As [`Encoder::load`].
    pub fn inspect(folder: &Path) -> Result<EncoderInfo> {
        Loaded::load(folder, "", &EncoderOptions::default()).map(|(_, _, info)| info)
    }

    /// The same encoder on at most `thread_count` threads; the default is one per CPU. Vectors do
    /// not change.
    ///
    /// Threads that take batches live for one call. Those that share a single text live as long as
    /// the encoder, start with the first such text and sleep between calls; of several callers at
    /// once, one has their help. An encoder of the caller's own has its own threads.
    #[must_use]
    pub fn with_threads(self, thread_count: NonZeroUsize) -> Self {
        let source = match self.source {
            Source::Folder(loaded) => Source::Folder(Box::new(loaded.with_threads(thread_count))),
            own => own,
        };
        Self { source, ..self }
    }

    /// The numbers it multiplies; never [`Precision::Auto`], and [`Precision::F32`] for one of the
    /// caller's own.
    #[must_use]
    pub fn precision(&self) -> Precision {
        let Source::Folder(loaded) = &self.source else { return Precision::F32 };
        match loaded.setup.arithmetic.format {
            NumberFormat::F32 => Precision::F32,
            NumberFormat::Bf16 => Precision::Bf16,
            NumberFormat::Int8 => Precision::Int8,
        }
    }

    /// What runs it.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match &self.source {
            Source::Folder(loaded) => loaded.setup.backend,
            Source::Own(_) => Backend::Auto,
        }
    }

    /// The instructions it runs: `"amx"`, `"avx512"`, `"avx2"`, `"neon"` or `"portable"`;
    /// `"candle"` where candle chooses, `"own"` for one of the caller's own.
    #[must_use]
    pub fn level_name(&self) -> &'static str {
        match &self.source {
            Source::Own(_) => "own",
            Source::Folder(loaded) if loaded.setup.backend == Backend::Auto => {
                loaded.setup.arithmetic.level.level().name()
            }
            Source::Folder(_) => "candle",
        }
    }

    /// Most threads of a call; 1 for an encoder of the caller's own, which is called once at a time
    /// by each caller.
    #[must_use]
    pub fn thread_count(&self) -> usize {
        match &self.source {
            Source::Folder(loaded) => loaded.engine.thread_count(),
            Source::Own(_) => 1,
        }
    }

    /// What makes its vectors comparable with others.
    #[must_use]
    pub fn identity(&self) -> &EncoderIdentity {
        &self.identity
    }

    /// Most tokens of a passage, after special tokens and prefix.
    #[must_use]
    pub fn passage_budget_tokens(&self) -> usize {
        match &self.source {
            Source::Folder(loaded) => self.identity.max_tokens - loaded.passage_overhead_tokens,
            Source::Own(_) => self.identity.max_tokens,
        }
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
    /// [`ErrorCode::Model`](crate::ErrorCode::Model) if a vector is not finite.
    pub fn encode_queries<S: AsRef<str>>(&self, texts: &[S]) -> Result<Embeddings> {
        self.encode_queries_with(texts, Call::new())
    }

    /// As [`Encoder::encode_queries`], until it is cancelled.
    ///
    /// # Errors
    /// As [`Encoder::encode_queries`]; [`ErrorCode::Cancelled`](crate::ErrorCode::Cancelled)
    /// between batches.
    pub fn encode_queries_with<S: AsRef<str>>(
        &self,
        texts: &[S],
        call: Call<'_>,
    ) -> Result<Embeddings> {
        self.encode(TextRole::Query, texts, call.token())
    }

    /// Encodes passages, with the passage prefix.
    ///
    /// # Errors
    /// As [`Encoder::encode_queries`].
    pub fn encode_passages<S: AsRef<str>>(&self, texts: &[S]) -> Result<Embeddings> {
        self.encode_passages_with(texts, Call::new())
    }

    /// As [`Encoder::encode_passages`], until it is cancelled.
    ///
    /// # Errors
    /// As [`Encoder::encode_queries_with`].
    pub fn encode_passages_with<S: AsRef<str>>(
        &self,
        texts: &[S],
        call: Call<'_>,
    ) -> Result<Embeddings> {
        self.encode(TextRole::Passage, texts, call.token())
    }

    /// The folder's.
    #[cfg(test)]
    fn tokenizer(&self) -> &crate::model::tokenizer::text::TextTokenizer {
        match &self.source {
            Source::Folder(loaded) => &loaded.tokenizer,
            Source::Own(_) => panic!("no folder"),
        }
    }

    fn encode<S: AsRef<str>>(
        &self,
        role: TextRole,
        texts: &[S],
        cancel: &CancelToken,
    ) -> Result<Embeddings> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        match &self.source {
            Source::Folder(loaded) => loaded.encode(role, &texts, cancel),
            Source::Own(own) => own.encode(&self.identity, role, &texts, cancel),
        }
    }
}

impl TokenRanges for Encoder {
    fn token_ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        match &self.source {
            Source::Folder(loaded) => loaded.ranges(text),
            Source::Own(own) => own.ranges(&self.identity, text),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
