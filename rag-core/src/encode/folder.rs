//! An encoder of a model folder: its tokenizer, network, head and prefixes.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::kernels::gemm::linear::NumberFormat;
use crate::model::encoder::{EncoderFiles, Pooling};
use crate::model::fingerprint::Fingerprint;
use crate::model::formats::safetensors::Tensors;
use crate::progress::CancelToken;

use super::engine::{EncoderEngine, RowHead, Setup};
use super::head::{EncoderHead, HeadDims};
use super::network::{Batch, NetworkConfig};
use super::{Embeddings, EncoderIdentity, EncoderInfo, EncoderOptions, TextRole};
use crate::model::tokenizer::text::{TextTokenizer, TokenIds};

/// Everything that a folder says, ready to run.
pub(super) struct Loaded {
    path: PathBuf,
    pub(super) setup: Setup,
    pub(super) tokenizer: TextTokenizer,
    pub(super) engine: EncoderEngine,
    head: EncoderHead,
    query_prefix: String,
    passage_prefix: String,
    /// Tokens of a passage beside its text.
    pub(super) passage_overhead_tokens: usize,
}

impl Loaded {
    pub(super) fn load(
        folder: &Path,
        name: &str,
        options: &EncoderOptions,
    ) -> Result<(Self, EncoderIdentity, EncoderInfo)> {
        let setup = Setup::new(options)?;
        let files = EncoderFiles::read(folder)?;
        let mut tensors = files.tensors()?;
        let mut fingerprint = fingerprint(&files, &tensors, setup.arithmetic.format);
        let poolings = files.poolings.clone();
        let config = NetworkConfig { transformer: &files.config, max_tokens: files.max_tokens };
        let engine = EncoderEngine::load(&mut tensors, config, poolings, setup)?
            .with_threads(options.threads.asked());
        let truncated = options.truncate_dim.map(NonZeroUsize::get);
        let dims = HeadDims { pooled: engine.pooled_dim(), truncated };
        let level = setup.arithmetic.level.vectors();
        let head = EncoderHead::load(&files.denses, dims, level, &mut fingerprint)?;
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
        let loaded = Self {
            path: folder.to_owned(),
            setup,
            tokenizer,
            engine,
            head,
            query_prefix: files.query_prefix,
            passage_prefix: files.passage_prefix,
            passage_overhead_tokens,
        };
        Ok((loaded, identity, info))
    }

    pub(super) fn with_threads(self, thread_count: NonZeroUsize) -> Self {
        Self { engine: self.engine.with_threads(Some(thread_count)), ..self }
    }

    pub(super) fn ranges(&self, text: &str) -> Result<Vec<Range<usize>>> {
        self.tokenizer.ranges(text)
    }

    pub(super) fn encode(
        &self,
        role: TextRole,
        texts: &[&str],
        cancel: &CancelToken,
    ) -> Result<Embeddings> {
        let prefix = match role {
            TextRole::Query => &self.query_prefix,
            TextRole::Passage => &self.passage_prefix,
        };
        let dim = self.head.dim();
        let tokens = self.engine.tokenize(texts, cancel, |text| self.token_ids(prefix, text))?;
        let ids: Vec<&[u32]> = tokens.iter().map(|tokens| &tokens.ids[..]).collect();
        let head = RowHead { width: dim, run: &|pooled, out| self.head.run(pooled, out) };
        let data = self.engine.run(Batch::of(&ids), head, cancel)?;
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

fn fingerprint(files: &EncoderFiles, tensors: &Tensors, format: NumberFormat) -> Fingerprint {
    let mut fingerprint = Fingerprint::new("encoder 1");
    fingerprint.part("config", &files.config_bytes);
    fingerprint.part("tokenizer", &files.tokenizer_bytes);
    fingerprint.part("weights", tensors.hash.as_bytes());
    fingerprint.part("pooling", Pooling::names(&files.poolings).as_bytes());
    fingerprint.part("query prefix", files.query_prefix.as_bytes());
    fingerprint.part("passage prefix", files.passage_prefix.as_bytes());
    fingerprint.part("max tokens", &(files.max_tokens as u64).to_le_bytes());
    if format == NumberFormat::Int8 {
        fingerprint.part("precision", b"int8");
    }
    fingerprint
}
