//! What takes in tokens and gives logits: our own decoder, or one of candle's networks.

use super::candle::{self, CandleDecoder, Passes};
use super::decoder::{Decoder, SPAN};
use super::engine::{Backend, GeneratorEngine, GeneratorOptions};
use super::kv::KvCache;
use crate::error::{Error, Result};
use crate::kernels::attention::PAGE;
use crate::model::generator::config::DecoderConfig;
use crate::model::generator::files::GeneratorFiles;
use crate::progress::CancelToken;

/// A decoder-only network with its weights.
pub(super) enum GeneratorNetwork {
    Ours(Box<Decoder>),
    Candle(Box<CandleDecoder>),
}

/// What a network has taken in. Forks share what they can.
#[derive(Debug, Clone)]
pub(super) enum Cache {
    Ours(KvCache),
    Candle(Passes),
}

impl Cache {
    /// Tokens held.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ours(cache) => cache.len(),
            Self::Candle(passes) => passes.len(),
        }
    }

    /// Forgets all but the first `len` tokens.
    pub(super) fn truncate(&mut self, len: usize) {
        match self {
            Self::Ours(cache) => cache.truncate(len),
            Self::Candle(passes) => passes.truncate(len),
        }
    }

    /// A copy that can go another way.
    pub(super) fn fork(&self) -> Self {
        match self {
            Self::Ours(cache) => Self::Ours(cache.fork()),
            Self::Candle(passes) => Self::Candle(passes.clone()),
        }
    }
}

impl GeneratorNetwork {
    /// Reads the weights for whoever runs them; `vocabulary_len` is the tokenizer's.
    ///
    /// # Errors
    /// Model if the files are damaged or of a family that nobody here runs; InvalidArgument for
    /// options out of range.
    pub(super) fn load(
        files: &GeneratorFiles,
        vocabulary_len: usize,
        engine: GeneratorEngine,
        options: &GeneratorOptions,
    ) -> Result<Self> {
        if candle::is_wanted(files, options.backend) {
            let network = CandleDecoder::load(files, vocabulary_len, options)?;
            return Ok(Self::Candle(Box::new(network)));
        }
        let config = match files {
            GeneratorFiles::Gguf(gguf) => DecoderConfig::from_gguf(gguf)?,
            GeneratorFiles::Folder(folder) => {
                let config = DecoderConfig::from_folder(folder, &candle::names())?;
                folder.check_names()?;
                config
            }
        };
        let decoder = Decoder::load(config, files.tensors(), vocabulary_len, engine)?;
        Ok(Self::Ours(Box::new(decoder)))
    }

    /// What runs it.
    pub(super) fn backend(&self) -> Backend {
        match self {
            Self::Ours(_) => Backend::Auto,
            Self::Candle(network) => network.backend(),
        }
    }

    pub(super) fn architecture(&self) -> &'static str {
        match self {
            Self::Ours(decoder) => decoder.config().architecture,
            Self::Candle(network) => network.architecture(),
        }
    }

    pub(super) fn context_len(&self) -> usize {
        match self {
            Self::Ours(decoder) => decoder.config().context_len,
            Self::Candle(network) => network.context_len(),
        }
    }

    pub(super) fn fingerprint(&self) -> &str {
        match self {
            Self::Ours(decoder) => decoder.fingerprint(),
            Self::Candle(network) => network.fingerprint(),
        }
    }

    /// Threads and instructions, if they are ours to choose.
    pub(super) fn engine(&self) -> Option<&GeneratorEngine> {
        match self {
            Self::Ours(decoder) => Some(decoder.engine()),
            Self::Candle(_) => None,
        }
    }

    pub(super) fn kv_bytes_per_token(&self) -> usize {
        match self {
            Self::Ours(decoder) => decoder.cache_shape().page_bytes() / PAGE,
            Self::Candle(network) => network.kv_bytes_per_token(),
        }
    }

    /// Whether what was taken in gives the same bits however it was cut, so that it may be used
    /// again and several guesses be looked at in one pass.
    pub(super) fn is_free_to_cut(&self) -> bool {
        matches!(self, Self::Ours(_))
    }

    /// Tokens of a prompt to take in at once, so that there is something to tell in between.
    pub(super) fn prompt_step(&self) -> usize {
        match self {
            Self::Ours(_) => SPAN,
            Self::Candle(network) => network.span(),
        }
    }

    /// A cache that holds nothing.
    pub(super) fn new_cache(&self) -> Cache {
        match self {
            Self::Ours(decoder) => Cache::Ours(decoder.new_cache()),
            Self::Candle(_) => Cache::Candle(Passes::default()),
        }
    }

    /// Takes in `ids` after what `cache`, made by this network, holds and returns the logits that
    /// follow each of the last `last` of them, `[last, vocabulary]`. When it fails the cache may be
    /// truncated to what it held before and used again.
    ///
    /// # Errors
    /// Cancelled within a layer (ours) or a pass (candle's); Model if the network fails; Internal
    /// if there are fewer than `last` ids, or none.
    pub(super) fn forward(
        &self,
        ids: &[u32],
        cache: &mut Cache,
        last: usize,
        cancel: &CancelToken,
    ) -> Result<Vec<f32>> {
        match (self, cache) {
            (Self::Ours(decoder), Cache::Ours(cache)) => decoder.forward(ids, cache, last, cancel),
            (Self::Candle(network), Cache::Candle(passes)) => {
                network.forward(ids, passes, last, cancel)
            }
            _ => Err(Error::internal("a cache met another network than its own")),
        }
    }
}
